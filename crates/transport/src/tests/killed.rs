//! A server that was killed: it closed nothing, and knows nothing of its callers when it is there again.

use tokio::runtime::Runtime;

use super::*;

#[test]
fn a_server_that_is_there_again_says_at_once_what_it_does_not_know() {
    let authority = authority();
    let identity = authority.issue_server(now(), SERVER_DAYS).unwrap();
    let others = authority.issue_server(now(), SERVER_DAYS).unwrap();
    let callers = Runtime::new().unwrap();
    // Long after the test has failed.
    let timeouts = Timeouts { idle: 10 * PATIENCE, keep_alive: Duration::from_millis(50), ..patient() };
    let limits = Limits { idle_timeout: 10 * PATIENCE, ..Limits::default() };
    let start = |port, identity: &Identity| {
        let runtime = Runtime::new().unwrap();
        let server = runtime
            .block_on(async { Server::bind((LOCALHOST, port).into(), identity, authority.certificate(), limits) });
        let server = server.unwrap();
        let address = server.local_addr().unwrap();
        let handler =
            Arc::new(Helpful { answered: AtomicUsize::new(0), begun: Semaphore::new(0), release: Semaphore::new(0) });
        runtime.spawn(server.run(Arc::clone(&handler), std::future::pending()));
        (runtime, address, handler)
    };

    let (killed, address, handler) = start(0, &identity);
    let connection = callers.block_on(async {
        let caller = insurer(&authority);
        Connection::connect(&[address.to_string()], &caller, authority.certificate(), timeouts).await.unwrap()
    });
    let waiting = callers.spawn(async move { ask(&connection, Ask::HOLD).await });
    callers.block_on(async { handler.begun.acquire().await.unwrap().forget() });
    // Its tasks end where they are, and its socket with them.
    killed.shutdown_timeout(PATIENCE);

    // Another server at its address cannot end the connection.
    let (stranger, _, _) = start(address.port(), &others);
    callers.block_on(async { tokio::time::sleep(Duration::from_millis(500)).await });
    assert!(!waiting.is_finished());
    stranger.shutdown_timeout(PATIENCE);

    let (_again, _, _) = start(address.port(), &identity);
    let ended = callers.block_on(waiting).unwrap().unwrap_err();
    assert!(matches!(ended, TransportError::Lost) && ended.retryable(), "{ended:?}");
}
