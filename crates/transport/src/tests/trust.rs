//! Who is let in, who is believed, and with which key exchange.

use rustls::{ClientConfig, ClientConnection, NamedGroup, ServerConnection, crypto::aws_lc_rs::kx_group};

use super::*;
use crate::{CertificateFault, tls};

fn client_tls(identity: &Identity, operator: &Operator) -> ClientConfig {
    tls::client_config(identity, operator.authority.certificate()).unwrap()
}

#[track_caller]
fn assert_not_accepted(error: &TransportError, expected: CertificateFault) {
    assert!(matches!(error, TransportError::NotAccepted { fault } if *fault == expected), "{error:?}");
}

#[track_caller]
fn assert_not_trusted(error: &TransportError, expected: CertificateFault) {
    assert!(matches!(error, TransportError::PeerNotTrusted { fault } if *fault == expected), "{error:?}");
}

/// [NET-1]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_without_a_certificate_is_not_accepted() {
    let operator = Operator::start(Limits::default());
    let mut tls = ClientConfig::builder_with_provider(tls::provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(tls::roots(operator.authority.certificate()).unwrap())
        .with_no_client_auth();
    tls.alpn_protocols = vec![crate::ALPN.to_vec()];
    assert_not_accepted(&operator.refusal(tls).await, CertificateFault::Missing);
    assert_eq!(operator.answered(), 0);
}

/// [NET-1]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_certified_by_another_authority_is_not_accepted() {
    let operator = Operator::start(Limits::default());
    // Of the same name, so that only the key tells them apart.
    let stranger = insurer(&authority());
    let error = operator.refusal(client_tls(&stranger, &operator)).await;
    // Same name, other key: the chain is found, its signature is wrong.
    assert!(matches!(error, TransportError::NotAccepted { .. }), "{error:?}");

    let other = CertificateAuthority::generate("another operator", now()).unwrap();
    let error = operator.refusal(client_tls(&insurer(&other), &operator)).await;
    assert_not_accepted(&error, CertificateFault::UnknownAuthority);
    assert!(!error.retryable());
    assert_eq!(operator.answered(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_outside_the_dates_of_its_certificate_is_not_accepted() {
    let operator = Operator::start(Limits::default());
    for begin in [now() - 900 * DAY, now() + 2 * DAY] {
        let identity = insurer_from(&operator.authority, begin);
        assert_not_accepted(&operator.refusal(client_tls(&identity, &operator)).await, CertificateFault::Expired);
    }
    assert_eq!(operator.answered(), 0);
}

/// [NET-1]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_is_not_accepted_as_an_insurer() {
    let operator = Operator::start(Limits::default());
    let identity = operator.authority.issue_server(now(), SERVER_DAYS).unwrap();
    assert_not_accepted(&operator.refusal(client_tls(&identity, &operator)).await, CertificateFault::WrongPurpose);
    assert_eq!(operator.answered(), 0);
}

/// [NET-1]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_certified_by_another_authority_is_not_trusted() {
    let operator = Operator::start(Limits::default());
    let pinned = CertificateAuthority::generate("another operator", now()).unwrap();
    let tls = tls::client_config(&insurer(&operator.authority), pinned.certificate()).unwrap();
    assert_not_trusted(&operator.refusal(tls).await, CertificateFault::UnknownAuthority);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_outside_the_dates_of_its_certificate_is_not_trusted() {
    let authority = authority();
    let identity = authority.issue_server(now() - 10 * DAY, 9).unwrap();
    let operator = Operator::start_as(LOCALHOST, authority, &identity, Limits::default());
    let tls = client_tls(&insurer(&operator.authority), &operator);
    assert_not_trusted(&operator.refusal(tls).await, CertificateFault::Expired);
}

/// [NET-1]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_insurer_is_not_trusted_as_a_server() {
    let authority = authority();
    let identity = insurer(&authority);
    let operator = Operator::start_as(LOCALHOST, authority, &identity, Limits::default());
    let tls = client_tls(&insurer(&operator.authority), &operator);
    assert_not_trusted(&operator.refusal(tls).await, CertificateFault::WrongPurpose);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_application_protocol_is_not_spoken() {
    let operator = Operator::start(Limits::default());
    for protocols in [vec![b"blindlist/2".to_vec()], Vec::new()] {
        let mut tls = client_tls(&insurer(&operator.authority), &operator);
        tls.alpn_protocols = protocols;
        let error = operator.refusal(tls).await;
        assert!(matches!(error, TransportError::NoCommonProtocol), "{error:?}");
    }
}

/// [NET-7]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_without_the_hybrid_key_exchange_is_served() {
    let operator = Operator::start(Limits::default());
    let identity = insurer(&operator.authority);
    let mut provider = (*tls::provider()).clone();
    provider.kx_groups = vec![kx_group::X25519];
    let mut tls = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(tls::roots(operator.authority.certificate()).unwrap())
        .with_client_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(
            tls::certified_key(&identity).unwrap(),
        )));
    tls.alpn_protocols = vec![crate::ALPN.to_vec()];
    let connection = Connection::connect_with(std::slice::from_ref(&operator.address), tls, patient()).await.unwrap();
    assert_eq!(ask(&connection, Ask::ECHO).await.unwrap(), [Ask::ECHO]);
}

/// [NET-7], [NET-8]: quinn does not tell the group, so the same TLS settings shake hands in memory.
#[test]
fn the_hybrid_key_exchange_is_negotiated_without_a_second_hello_and_nothing_can_be_resumed() {
    let authority = authority();
    let server_identity = authority.issue_server(now(), SERVER_DAYS).unwrap();
    let server_config = tls::server_config(&server_identity, authority.certificate()).unwrap();
    let client_config = tls::client_config(&insurer(&authority), authority.certificate()).unwrap();
    let name = crate::SERVER_NAME.try_into().unwrap();
    assert_eq!((server_config.send_tls13_tickets, server_config.max_early_data_size), (0, 0));
    assert!(!server_config.session_storage.can_cache() && !server_config.ticketer.enabled());
    let mut client = ClientConnection::new(Arc::new(client_config), name).unwrap();
    let mut server = ServerConnection::new(Arc::new(server_config)).unwrap();

    shake_hands(&mut client, &mut server).unwrap();
    let group = |group: Option<&'static dyn rustls::crypto::SupportedKxGroup>| {
        group.map(rustls::crypto::SupportedKxGroup::name)
    };
    assert_eq!(group(client.negotiated_key_exchange_group()), Some(NamedGroup::X25519MLKEM768));
    assert_eq!(group(server.negotiated_key_exchange_group()), Some(NamedGroup::X25519MLKEM768));
    assert_eq!(client.handshake_kind(), Some(rustls::HandshakeKind::Full));
    assert_eq!(client.tls13_tickets_received(), 0);
    assert!(client.early_data().is_none());
}

/// [NET-1]: the name says which certificate is meant, and is the same wherever the server is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_asks_for_the_servers_name_whatever_its_address() {
    let authority = authority();
    let identity = authority.issue_server(now(), SERVER_DAYS).unwrap();
    let tls = tls::server_config(&identity, authority.certificate()).unwrap();
    let crypto = quinn::crypto::rustls::QuicServerConfig::try_from(tls).unwrap();
    let config = quinn::ServerConfig::with_crypto(Arc::new(crypto));
    let endpoint = quinn::Endpoint::server(config, SocketAddr::new(LOCALHOST, 0)).unwrap();
    let addresses = [endpoint.local_addr().unwrap().to_string()];
    let asked = tokio::spawn(async move {
        let connection = endpoint.accept().await.unwrap().await.unwrap();
        let data = connection.handshake_data().unwrap().downcast::<quinn::crypto::rustls::HandshakeData>().unwrap();
        data.server_name
    });
    let identity = insurer(&authority);
    let connection = Connection::connect(&addresses, &identity, authority.certificate(), patient()).await;
    assert_eq!(asked.await.unwrap().as_deref(), Some("server.blindlist.invalid"));
    drop(connection);
}
