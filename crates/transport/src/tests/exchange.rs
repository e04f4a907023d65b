//! Requests and responses that go well, or are refused by the other side's limits.

use std::net::{Ipv6Addr, UdpSocket};

use tokio::task::JoinSet;

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_get_their_responses() {
    let limits = Limits { max_request: 300_000, ..Limits::default() };
    let operator = Operator::start(limits);
    let connection = operator.connected().await;

    assert_eq!(connection.request(b"", 0, PATIENCE).await.unwrap(), b"");
    assert_eq!(connection.request(b"echo", 4, PATIENCE).await.unwrap(), b"echo");
    assert_eq!(connection.request(&[Ask::LARGE], MIB, PATIENCE).await.unwrap(), vec![0x5a; MIB]);
    let longest = vec![Ask::ECHO; 300_000];
    assert_eq!(connection.request(&longest, 300_000, PATIENCE).await.unwrap(), longest);
    connection.close().await;
}

/// [NET-3]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_requests_than_streams_all_get_their_own_response() {
    let operator = Operator::start(Limits { max_streams_per_connection: 2, ..Limits::default() });
    let connection = Arc::new(operator.connected().await);
    let mut requests = JoinSet::new();
    for number in 0..20u8 {
        let connection = Arc::clone(&connection);
        requests.spawn(async move {
            let request = vec![number; 50_000];
            (connection.request(&request, 50_000, PATIENCE).await.unwrap(), request)
        });
    }
    let pairs = requests.join_all().await;
    assert_eq!(pairs.len(), 20);
    assert!(pairs.iter().all(|(response, request)| response == request));
}

/// [NET-5]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_handler_learns_whose_certificate_it_is() {
    let operator = Operator::start(Limits::default());
    for _ in 0..2 {
        let identity = insurer(&operator.authority);
        let connection = operator.connect(&identity).await.unwrap();
        let seen = ask(&connection, Ask::WHO).await.unwrap();
        assert_eq!(seen, crate::certificate_digest(identity.certificate()));
    }
}

/// [NET-4], [REF-1]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_over_the_limit_is_answered_and_the_others_go_on() {
    let operator = Operator::start(Limits { max_request: 1_000, ..Limits::default() });
    let connection = Arc::new(operator.connected().await);
    let held = tokio::spawn({
        let connection = Arc::clone(&connection);
        async move { ask(&connection, Ask::HOLD).await }
    });
    operator.handler.begun.acquire().await.unwrap().forget();

    for length in [1_001, 3 * MIB] {
        let request = vec![Ask::ECHO; length];
        assert_eq!(connection.request(&request, 100, PATIENCE).await.unwrap(), b"too large", "{length}");
    }
    assert_eq!(connection.request(&[Ask::ECHO; 1_000], 1_000, PATIENCE).await.unwrap().len(), 1_000);
    operator.handler.release.add_permits(1);
    assert_eq!(held.await.unwrap().unwrap(), [Ask::HOLD]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_response_over_the_limit_is_refused_and_the_others_go_on() {
    let operator = Operator::start(Limits::default());
    let connection = operator.connected().await;
    let error = connection.request(&[Ask::LARGE], MIB - 1, PATIENCE).await.unwrap_err();
    assert!(matches!(error, TransportError::ResponseTooLarge { limit } if limit == MIB - 1), "{error:?}");
    assert_eq!(ask(&connection, Ask::ECHO).await.unwrap(), [Ask::ECHO]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_ends_at_its_deadline_and_the_others_go_on() {
    let operator = Operator::start(Limits::default());
    let connection = operator.connected().await;
    let error = connection.request(&[Ask::HOLD], 100, Duration::from_millis(100)).await.unwrap_err();
    assert!(matches!(error, TransportError::Deadline), "{error:?}");
    assert_eq!(ask(&connection, Ask::ECHO).await.unwrap(), [Ask::ECHO]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ipv6_works_where_there_is_any() {
    if UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).is_err() {
        return;
    }
    let operator = Operator::start_at(Ipv6Addr::LOCALHOST.into(), Limits::default());
    assert!(operator.address.starts_with("[::1]:"));
    assert_eq!(ask(&operator.connected().await, Ask::ECHO).await.unwrap(), [Ask::ECHO]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_where_nothing_answers_is_unreachable() {
    let silent = UdpSocket::bind((LOCALHOST, 0)).unwrap();
    let silent = silent.local_addr().unwrap().to_string();
    let error = connect_briefly(&silent).await;
    assert!(matches!(&error, TransportError::Unreachable { address } if *address == silent), "{error:?}");
    assert!(error.retryable());
    let error = connect_briefly("no-port").await;
    assert!(matches!(error, TransportError::BadAddress { .. }), "{error:?}");
    let error = connect_briefly(&format!("{}:1", crate::SERVER_NAME)).await;
    assert!(matches!(error, TransportError::Resolve { .. }), "{error:?}");
}

async fn connect_briefly(address: &str) -> TransportError {
    let authority = authority();
    let timeouts = Timeouts { connect: Duration::from_millis(300), ..Timeouts::default() };
    let addresses = [address.to_owned()];
    Connection::connect(&addresses, &insurer(&authority), authority.certificate(), timeouts).await.unwrap_err()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_an_address_that_fails_the_next_is_tried() {
    let stranger = Operator::start(Limits::default());
    let operator = Operator::start(Limits::default());
    let addresses = ["no-port".to_owned(), stranger.address.clone(), operator.address.clone()];
    let identity = insurer(&operator.authority);
    let connection =
        Connection::connect(&addresses, &identity, operator.authority.certificate(), patient()).await.unwrap();
    assert_eq!(ask(&connection, Ask::ECHO).await.unwrap(), [Ask::ECHO]);
}
