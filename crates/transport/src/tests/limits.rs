//! More of everything than a caller is given.

use quinn::{TransportConfig, VarInt};

use super::*;

/// Until `identity` gets an answer: the server notices by itself that a place is free.
async fn until_answered(operator: &Operator, identity: &Identity) {
    loop {
        if let Ok(connection) = operator.connect(identity).await
            && ask(&connection, Ask::ECHO).await.is_ok()
        {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// [NET-4]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_with_too_many_connections_is_told_to_come_back_and_no_other() {
    let operator = Operator::start(Limits { max_connections_per_caller: 1, ..Limits::default() });
    let [one, other] = [insurer(&operator.authority), insurer(&operator.authority)];
    let first = operator.connect(&one).await.unwrap();
    assert_eq!(ask(&first, Ask::ECHO).await.unwrap(), [Ask::ECHO]);
    let second = operator.connect(&one).await.unwrap();
    assert!(matches!(ask(&second, Ask::ECHO).await, Err(TransportError::ComeBack)));
    let others = operator.connect(&other).await.unwrap();
    assert_eq!(ask(&others, Ask::ECHO).await.unwrap(), [Ask::ECHO]);

    first.close().await;
    until_answered(&operator, &one).await;
}

/// [NET-4]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_with_too_many_connections_is_told_to_come_back() {
    // With few places every address must be proven first, with many it is by the handshake: each is counted once.
    for max_connections in [2, 100] {
        let limits = Limits { max_connections_per_address: 1, max_connections, ..Limits::default() };
        let operator = Operator::start(limits);
        let first = operator.connected().await;
        assert_eq!(ask(&first, Ask::ECHO).await.unwrap(), [Ask::ECHO]);
        let error = operator.refusal_of_another().await;
        assert!(matches!(error, TransportError::ComeBack), "{error:?}");
        assert_eq!(ask(&first, Ask::ECHO).await.unwrap(), [Ask::ECHO]);
        first.close().await;
        until_answered(&operator, &insurer(&operator.authority)).await;
    }
}

// On one thread the streams take their room in the order in which they came.
/// [NET-4]
#[tokio::test]
async fn without_room_a_caller_waits_and_the_others_do_not() {
    // An eighth for each caller: room for one request.
    let limits = Limits { max_request: 1_000, max_bytes: 8_000, ..Limits::default() };
    let operator = Operator::start(limits);
    let (_endpoint, connection) = operator.raw(TransportConfig::default()).await;
    // One that never ends keeps all the room of its caller.
    let (mut half, _half_receive) = connection.open_bi().await.unwrap();
    half.write_all(&[Ask::ECHO]).await.unwrap();
    let (mut send, mut receive) = connection.open_bi().await.unwrap();
    send.write_all(&[Ask::ECHO; 1_000]).await.unwrap();
    send.finish().unwrap();
    assert_eq!(ask(&operator.connected().await, Ask::ECHO).await.unwrap(), [Ask::ECHO]);
    assert_eq!(operator.answered(), 1, "the one that waits was not read");

    half.reset(VarInt::from_u32(0)).unwrap();
    assert_eq!(receive.read_to_end(2_000).await.unwrap(), [Ask::ECHO; 1_000]);
}

/// [NET-4]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_stream_sends_unread_is_bounded() {
    let limits = Limits { max_request: 1_000_000, max_bytes: 8_000_000, ..Limits::default() };
    let operator = Operator::start(limits);
    let (_endpoint, connection) = operator.raw(TransportConfig::default()).await;
    let (mut half, _half_receive) = connection.open_bi().await.unwrap();
    half.write_all(&[Ask::ECHO]).await.unwrap();
    assert_eq!(ask(&operator.connected().await, Ask::ECHO).await.unwrap(), [Ask::ECHO]);
    let (mut send, _receive) = connection.open_bi().await.unwrap();
    let sent = Arc::new(AtomicUsize::new(0));
    let sending = tokio::spawn({
        let sent = Arc::clone(&sent);
        async move {
            while let Ok(bytes) = send.write(&[0; 1_000]).await {
                sent.fetch_add(bytes, Ordering::SeqCst);
            }
        }
    });
    // The window is used up, and no more than it.
    let window = super::super::server::STREAM_WINDOW as usize;
    while sent.load(Ordering::SeqCst) < window {
        tokio::task::yield_now().await;
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(sent.load(Ordering::SeqCst), window);
    sending.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_can_be_changed_while_the_server_runs() {
    let operator = Operator::start(Limits::default());
    let first = operator.connected().await;
    operator.control.set_limits(Limits { max_connections: 1, max_request: 10, ..Limits::default() });
    let error = operator.connect(&insurer(&operator.authority)).await.unwrap_err();
    assert!(matches!(error, TransportError::ComeBack), "{error:?}");
    assert_eq!(first.request(&[Ask::ECHO; 11], 100, PATIENCE).await.unwrap(), b"too large");
    operator.control.set_limits(Limits::default());
    assert_eq!(ask(&operator.connected().await, Ask::ECHO).await.unwrap(), [Ask::ECHO]);
    assert_eq!(first.request(&[Ask::ECHO; 11], 100, PATIENCE).await.unwrap(), [Ask::ECHO; 11]);
}
