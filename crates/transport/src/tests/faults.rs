//! Callers and handlers that misbehave: each hurts itself alone.

use quinn::{ReadError, ReadToEndError, TransportConfig, VarInt};

use super::*;
use crate::stream::{ABANDONED, Arriving, Outgoing, TOO_LARGE, TOO_SLOW};

/// [NET-4]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_half_open_stream_holds_nobody_up_and_is_ended() {
    let operator = Operator::start(Limits { request_timeout: Duration::from_millis(200), ..Limits::default() });
    let (_endpoint, connection) = operator.raw(TransportConfig::default()).await;
    let (mut send, mut receive) = connection.open_bi().await.unwrap();
    send.write_all(&[Ask::ECHO]).await.unwrap();

    // Beside it, on the same connection and on another one.
    let (mut other_send, mut other_receive) = connection.open_bi().await.unwrap();
    other_send.write_all(&[Ask::ECHO]).await.unwrap();
    other_send.finish().unwrap();
    assert_eq!(other_receive.read_to_end(10).await.unwrap(), [Ask::ECHO]);
    assert_eq!(ask(&operator.connected().await, Ask::ECHO).await.unwrap(), [Ask::ECHO]);

    let ended = receive.read_to_end(10).await.unwrap_err();
    assert_eq!(ended, ReadToEndError::Read(ReadError::Reset(TOO_SLOW)));
    assert_eq!(operator.answered(), 2);
}

/// [NET-6]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_is_dropped_midway_is_never_taken_for_a_whole_one() {
    let operator = Operator::start(Limits::default());
    let (_endpoint, connection) = operator.raw(TransportConfig::default()).await;
    let ended = ask_and_leave(&connection).await;
    assert_eq!(ended, ReadToEndError::Read(ReadError::Reset(ABANDONED)));
    assert_eq!(operator.answered(), 0);
}

/// [NET-6]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_side_that_wants_no_more_says_why() {
    let operator = Operator::start(Limits { max_request: 10, ..Limits::default() });
    let (_endpoint, connection) = operator.raw(TransportConfig::default()).await;
    let (mut send, receive) = connection.open_bi().await.unwrap();
    send.write_all(&[Ask::ECHO; 11]).await.unwrap();
    let stopped = send.stopped().await.unwrap();
    assert_eq!(stopped, Some(TOO_LARGE));

    let mut arriving = Arriving::new(receive);
    assert_eq!(arriving.read_whole(100).await.unwrap(), b"too large");
}

/// Gives a request up while it is on its way; the server then gives its response up.
async fn ask_and_leave(connection: &quinn::Connection) -> ReadToEndError {
    let (mut send, mut receive) = connection.open_bi().await.unwrap();
    send.write_all(&[Ask::ECHO]).await.unwrap();
    drop(Outgoing::new(send));
    receive.read_to_end(10).await.unwrap_err()
}

/// [NET-4], [NET-6]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_does_not_take_its_response_holds_nobody_up_and_is_cut_off() {
    let operator = Operator::start(Limits { response_timeout: Duration::from_millis(200), ..Limits::default() });
    let mut narrow = TransportConfig::default();
    narrow.stream_receive_window(VarInt::from_u32(1_000));
    let (_endpoint, connection) = operator.raw(narrow).await;
    let (mut send, mut receive) = connection.open_bi().await.unwrap();
    send.write_all(&[Ask::LARGE]).await.unwrap();
    send.finish().unwrap();

    assert_eq!(ask(&operator.connected().await, Ask::LARGE).await.unwrap().len(), MIB);
    assert_eq!(receive.received_reset().await.unwrap(), Some(TOO_SLOW));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_that_panics_loses_its_own_request_only() {
    let operator = Operator::start(Limits::default());
    let connection = operator.connected().await;
    let error = ask(&connection, Ask::PANIC).await.unwrap_err();
    assert!(matches!(error, TransportError::Lost), "{error:?}");
    assert_eq!(ask(&connection, Ask::ECHO).await.unwrap(), [Ask::ECHO]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_leaves_does_not_cancel_what_the_handler_began() {
    let operator = Operator::start(Limits::default());
    let (endpoint, connection) = operator.raw(TransportConfig::default()).await;
    let (mut send, _receive) = connection.open_bi().await.unwrap();
    send.write_all(&[Ask::HOLD]).await.unwrap();
    send.finish().unwrap();
    operator.handler.begun.acquire().await.unwrap().forget();
    connection.close(VarInt::from_u32(0), b"");
    endpoint.wait_idle().await;

    // Only a handler that still waits takes the permit.
    operator.handler.release.add_permits(1);
    while operator.handler.release.available_permits() > 0 {
        tokio::task::yield_now().await;
    }
}

/// [NET-3]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unidirectional_streams_are_not_granted() {
    let operator = Operator::start(Limits::default());
    let (_endpoint, connection) = operator.raw(TransportConfig::default()).await;
    let opened = tokio::time::timeout(Duration::from_millis(100), connection.open_uni()).await;
    assert!(opened.is_err(), "a stream was granted");
    assert_eq!(connection.max_datagram_size(), None);
}

/// [NET-4]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_too_many_is_told_to_come_back() {
    let operator = Operator::start(Limits { max_connections: 1, ..Limits::default() });
    let first = operator.connected().await;
    let error = operator.connect(&insurer(&operator.authority)).await.unwrap_err();
    assert!(matches!(error, TransportError::ComeBack), "{error:?}");
    assert_eq!(ask(&first, Ask::ECHO).await.unwrap(), [Ask::ECHO]);

    first.close().await;
    // The server notices by itself that the place is free.
    while operator.connect(&insurer(&operator.authority)).await.is_err() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
