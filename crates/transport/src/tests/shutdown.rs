//! A server that stops.

use super::*;

/// [NET-6]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_under_way_is_answered_then_everyone_is_told_to_come_back() {
    let operator = Operator::start(Limits { grace: PATIENCE, ..Limits::default() });
    let connection = Arc::new(operator.connected().await);
    let idle = operator.connected().await;
    let held = tokio::spawn({
        let connection = Arc::clone(&connection);
        async move { ask(&connection, Ask::HOLD).await }
    });
    operator.handler.begun.acquire().await.unwrap().forget();
    operator.stop.send(()).unwrap();

    // The idle connection is closed at once, newcomers are refused, and the one at work goes on.
    let error = ask_until_closed(&idle).await;
    assert!(matches!(error, TransportError::ComeBack), "{error:?}");
    let identity = insurer(&operator.authority);
    let addresses = [operator.address.clone()];
    let newcomer = Connection::connect(&addresses, &identity, operator.authority.certificate(), patient()).await;
    assert!(matches!(newcomer, Err(TransportError::ComeBack)), "{newcomer:?}");

    assert!(!held.is_finished());
    operator.handler.release.add_permits(1);
    assert_eq!(held.await.unwrap().unwrap(), [Ask::HOLD]);
    let error = ask_until_closed(&connection).await;
    assert!(matches!(error, TransportError::ComeBack), "{error:?}");
    assert!(error.retryable());
    operator.running.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_response_is_delivered_whole_before_the_end() {
    let operator = Operator::start(Limits { grace: PATIENCE, ..Limits::default() });
    let connection = Arc::new(operator.connected().await);
    let request = vec![Ask::HOLD; 400_000];
    let held = tokio::spawn({
        let (connection, request) = (Arc::clone(&connection), request.clone());
        async move { connection.request(&request, MIB, PATIENCE).await }
    });
    operator.handler.begun.acquire().await.unwrap().forget();
    operator.stop.send(()).unwrap();
    operator.handler.release.add_permits(1);
    assert_eq!(held.await.unwrap().unwrap(), request);
    operator.running.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_outlasts_the_grace_is_told_to_come_back() {
    let operator = Operator::start(Limits { grace: Duration::from_millis(100), ..Limits::default() });
    let connection = Arc::new(operator.connected().await);
    let held = tokio::spawn({
        let connection = Arc::clone(&connection);
        async move { ask(&connection, Ask::HOLD).await }
    });
    operator.handler.begun.acquire().await.unwrap().forget();
    operator.stop.send(()).unwrap();
    operator.running.await.unwrap();
    let error = held.await.unwrap().unwrap_err();
    assert!(matches!(error, TransportError::ComeBack | TransportError::Lost), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_still_in_its_handshake_is_told_to_come_back() {
    // The client's half of the handshake is over first, so some of these find the server still in its own.
    for _ in 0..20 {
        let operator = Operator::start(Limits::default());
        let connection = operator.connected().await;
        operator.stop.send(()).unwrap();
        let error = ask_until_closed(&connection).await;
        assert!(matches!(error, TransportError::ComeBack), "{error:?}");
        operator.running.await.unwrap();
    }
}

/// Requests that arrive before the server stops are still answered.
async fn ask_until_closed(connection: &Connection) -> TransportError {
    loop {
        if let Err(error) = ask(connection, Ask::ECHO).await {
            return error;
        }
    }
}
