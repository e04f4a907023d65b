//! What a probe tells of an address.

use std::net::SocketAddr;

use tokio::net::UdpSocket;

use super::{LOCALHOST, Operator, PATIENCE};
use crate::{Echo, Limits, TransportError, probe, resolve};

#[tokio::test]
async fn a_probe_tells_a_server_from_a_closed_port_and_from_something_else() {
    let operator = Operator::start(Limits::default());
    assert_eq!(probe(operator.address.parse().unwrap(), PATIENCE).await, Echo::Quic);

    let socket = UdpSocket::bind((LOCALHOST, 0)).await.unwrap();
    let address = socket.local_addr().unwrap();
    let short = std::time::Duration::from_millis(60);
    assert_eq!(probe(address, short).await, Echo::Silence);
    let answering = tokio::spawn(async move {
        let mut buffer = [0; 2_000];
        loop {
            let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
            assert_eq!(length, 1_200);
            socket.send_to(b"what?", from).await.unwrap();
        }
    });
    assert_eq!(probe(address, PATIENCE).await, Echo::Other);
    answering.abort();
    let _ = answering.await;
    assert_eq!(probe(address, PATIENCE).await, Echo::Refused);
}

#[tokio::test]
async fn a_name_is_looked_up() {
    let localhost: SocketAddr = "127.0.0.1:5".parse().unwrap();
    assert!(resolve("localhost:5", PATIENCE).await.unwrap().iter().any(|found| *found == localhost || found.is_ipv6()));
    let error = resolve("nowhere.invalid:5", PATIENCE).await.unwrap_err();
    assert!(matches!(error, TransportError::Resolve { .. }) && error.retryable(), "{error}");
    assert!(matches!(resolve("localhost", PATIENCE).await, Err(TransportError::BadAddress { .. })));
}
