//! Both sides over real QUIC on the loopback interface.

mod exchange;
mod faults;
mod killed;
mod limits;
mod probe;
mod shutdown;
mod trust;

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rustls::{ClientConnection, ServerConnection};
use tokio::{
    sync::{Semaphore, oneshot},
    task::JoinHandle,
};

use crate::{
    CertificateAuthority, Connection, Control, Handler, Identity, Incoming, Limits, Peer, Server, Timeouts, TlsKey,
    TransportError,
    pki::{CLIENT_DAYS, SERVER_DAYS},
};

const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// Long enough for any machine: no test waits for it unless it fails.
const PATIENCE: Duration = Duration::from_secs(60);
/// Length of the answer to `Ask::LARGE`.
const MIB: usize = 1 << 20;
const DAY: u64 = 86_400;

/// What the first byte of a request asks of [`Helpful`].
struct Ask;

impl Ask {
    /// Send the request back.
    const ECHO: u8 = b'e';
    /// Send one MiB.
    const LARGE: u8 = b'l';
    /// Send the caller's certificate digest.
    const WHO: u8 = b'w';
    /// Say when begun, then wait to be let go, then send the request back.
    const HOLD: u8 = b'h';
    /// Panic.
    const PANIC: u8 = b'p';
}

struct Helpful {
    answered: AtomicUsize,
    begun: Semaphore,
    release: Semaphore,
}

impl Handler for Helpful {
    async fn answer(&self, peer: Peer, request: Incoming) -> Vec<u8> {
        let Incoming::Whole(request) = request else {
            return b"too large".to_vec();
        };
        self.answered.fetch_add(1, Ordering::SeqCst);
        match request.first().copied() {
            Some(Ask::LARGE) => vec![0x5a; MIB],
            Some(Ask::WHO) => peer.certificate_digest.to_vec(),
            Some(Ask::HOLD) => {
                self.begun.add_permits(1);
                self.release.acquire().await.unwrap().forget();
                request
            }
            Some(Ask::PANIC) => panic!("asked to"),
            Some(_) | None => request,
        }
    }

    fn longest_answer(&self, request: &Incoming) -> usize {
        match request {
            Incoming::Whole(request) if request.first() == Some(&Ask::LARGE) => MIB,
            Incoming::Whole(request) => request.len().max(32),
            Incoming::TooLarge => 32,
        }
    }
}

/// An operator with a running server.
struct Operator {
    authority: CertificateAuthority,
    address: String,
    handler: Arc<Helpful>,
    control: Control,
    stop: oneshot::Sender<()>,
    running: JoinHandle<()>,
}

impl Operator {
    fn start(limits: Limits) -> Self {
        Self::start_at(LOCALHOST, limits)
    }

    fn start_at(ip: IpAddr, limits: Limits) -> Self {
        let authority = authority();
        let identity = authority.issue_server(now(), SERVER_DAYS).unwrap();
        Self::start_as(ip, authority, &identity, limits)
    }

    fn start_as(ip: IpAddr, authority: CertificateAuthority, identity: &Identity, limits: Limits) -> Self {
        let server = Server::bind(SocketAddr::new(ip, 0), identity, authority.certificate(), limits).unwrap();
        let address = server.local_addr().unwrap().to_string();
        let handler =
            Arc::new(Helpful { answered: AtomicUsize::new(0), begun: Semaphore::new(0), release: Semaphore::new(0) });
        let control = server.control();
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(server.run(Arc::clone(&handler), async move {
            let _ = stopped.await;
        }));
        Self { authority, address, handler, control, stop, running }
    }

    async fn connect(&self, identity: &Identity) -> Result<Connection, TransportError> {
        let addresses = [self.address.clone()];
        Connection::connect(&addresses, identity, self.authority.certificate(), patient()).await
    }

    async fn connected(&self) -> Connection {
        self.connect(&insurer(&self.authority)).await.unwrap()
    }

    /// How a connection with these TLS settings fails: in the handshake or, as TLS 1.3 has it, at the first request.
    async fn refusal(&self, tls: rustls::ClientConfig) -> TransportError {
        match Connection::connect_with(std::slice::from_ref(&self.address), tls, patient()).await {
            Err(error) => error,
            Ok(connection) => ask(&connection, Ask::ECHO).await.unwrap_err(),
        }
    }

    /// How another insurer fails, at its connection or its first request.
    async fn refusal_of_another(&self) -> TransportError {
        match self.connect(&insurer(&self.authority)).await {
            Err(error) => error,
            Ok(connection) => ask(&connection, Ask::ECHO).await.unwrap_err(),
        }
    }

    /// A connection that may break the rules.
    async fn raw(&self, transport: quinn::TransportConfig) -> (quinn::Endpoint, quinn::Connection) {
        let tls = crate::tls::client_config(&insurer(&self.authority), self.authority.certificate()).unwrap();
        let crypto = quinn::crypto::rustls::QuicClientConfig::try_from(tls).unwrap();
        let mut config = quinn::ClientConfig::new(Arc::new(crypto));
        config.transport_config(Arc::new(transport));
        let endpoint = quinn::Endpoint::client(SocketAddr::new(LOCALHOST, 0)).unwrap();
        let remote = self.address.parse().unwrap();
        let connection = endpoint.connect_with(config, remote, crate::SERVER_NAME).unwrap().await.unwrap();
        (endpoint, connection)
    }

    fn answered(&self) -> usize {
        self.handler.answered.load(Ordering::SeqCst)
    }
}

fn authority() -> CertificateAuthority {
    CertificateAuthority::generate("operator", now()).unwrap()
}

fn insurer(authority: &CertificateAuthority) -> Identity {
    insurer_from(authority, now())
}

fn insurer_from(authority: &CertificateAuthority, begin: u64) -> Identity {
    let key = TlsKey::generate().unwrap();
    let certificate = authority.issue_client("insurer", key.public_key(), begin, CLIENT_DAYS).unwrap();
    Identity::new(certificate, key).unwrap()
}

async fn ask(connection: &Connection, what: u8) -> Result<Vec<u8>, TransportError> {
    connection.request(&[what], 2 * MIB, PATIENCE).await
}

/// A handshake in memory, until it is over or one side ends it.
pub(crate) fn shake_hands(client: &mut ClientConnection, server: &mut ServerConnection) -> Result<(), rustls::Error> {
    while client.is_handshaking() || server.is_handshaking() {
        let mut wire = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut wire).unwrap();
        }
        feed(&wire, |bytes| server.read_tls(bytes));
        server.process_new_packets()?;
        let mut wire = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut wire).unwrap();
        }
        feed(&wire, |bytes| client.read_tls(bytes));
        client.process_new_packets()?;
    }
    Ok(())
}

fn feed(mut wire: &[u8], mut read: impl FnMut(&mut &[u8]) -> std::io::Result<usize>) {
    while !wire.is_empty() {
        read(&mut wire).unwrap();
    }
}

fn patient() -> Timeouts {
    Timeouts { connect: PATIENCE, ..Timeouts::default() }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}
