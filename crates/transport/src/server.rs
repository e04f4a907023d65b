//! The operator's side: a task for each connection, a task for each stream, and an orderly end.
//!
//! Only callers with a certificate of the pinned authority get as far as a stream. Whatever one stream or one
//! connection does (stalls, resets, sends too much), the others go on. What a request means is the [`Handler`]'s business.

mod connection;

use std::{fmt, future::Future, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use quinn::{Endpoint, TransportConfig, VarInt, crypto::rustls::QuicServerConfig};
use rustls::pki_types::CertificateDer;
use tokio::{
    sync::watch,
    task::{JoinError, JoinSet},
    time::{Instant, sleep_until, timeout},
};

use crate::{CLOSE_COME_BACK, Identity, TransportError, stream::idle_timeout, tls};
use connection::Shared;

/// How long a server that stops waits for what only serves to tell its callers: handshakes under way, last packets.
const CLOSING: Duration = Duration::from_secs(1);

/// Answers requests.
pub trait Handler: Send + Sync + 'static {
    /// Answers one request of one caller. Whatever it returns is sent; refusals are answers too.
    ///
    /// A caller that goes away does not cancel this. Only a server that stops does, when [`Limits::grace`] is over: then
    /// the future is dropped where it waits.
    fn answer(&self, peer: Peer, request: Incoming) -> impl Future<Output = Vec<u8>> + Send;
}

/// Who is calling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// SHA-256 of the certificate with which the caller authenticated; see [`certificate_digest`](crate::certificate_digest).
    pub certificate_digest: [u8; 32],
    /// The address from which the caller's packets come now. It may change within a connection, and proves nothing.
    pub address: SocketAddr,
}

/// A request as it came.
pub enum Incoming {
    /// The whole request, of at most [`Limits::max_request`] bytes.
    Whole(Vec<u8>),
    /// The request is longer than [`Limits::max_request`]; the rest was not read.
    TooLarge,
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(bytes) => f.debug_tuple("Whole").field(&format_args!("{} bytes", bytes.len())).finish(),
            Self::TooLarge => f.write_str("TooLarge"),
        }
    }
}

/// How much of everything the server gives to its callers.
///
/// Requests under way hold at most `max_request * max_streams_per_connection * max_connections` bytes of memory, all of
/// them sent by callers with a certificate.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The longest request, in bytes.
    pub max_request: usize,
    /// Requests that one connection may have under way; more of them wait at the caller's.
    pub max_streams_per_connection: u32,
    /// Connections, those in handshake included; more of them are told to come back.
    pub max_connections: usize,
    /// For a handshake.
    pub handshake_timeout: Duration,
    /// Without a sign of the caller, after which a connection counts as lost.
    pub idle_timeout: Duration,
    /// For a caller to send one whole request.
    pub request_timeout: Duration,
    /// For a caller to receive one whole response.
    pub response_timeout: Duration,
    /// For the requests under way when the server stops.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_request: 512 << 10,
            max_streams_per_connection: 8,
            max_connections: 1_024,
            handshake_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(30),
            request_timeout: Duration::from_secs(30),
            response_timeout: Duration::from_secs(60),
            grace: Duration::from_secs(20),
        }
    }
}

/// A server that has its socket and is ready to [run](Server::run).
pub struct Server {
    endpoint: Endpoint,
    limits: Limits,
}

impl Server {
    /// Opens the UDP socket (port 0 for any). Must be called inside a `tokio` runtime.
    ///
    /// `client_ca` is the authority whose certificates let a caller in.
    ///
    /// # Errors
    /// [`TransportError::Pki`] if identity or authority is unusable, [`TransportError::Bind`] if the socket is.
    pub fn bind(
        address: SocketAddr,
        identity: &Identity,
        client_ca: &CertificateDer<'_>,
        limits: Limits,
    ) -> Result<Self, TransportError> {
        let config = quic_config(tls::server_config(identity, client_ca)?, &limits)?;
        let endpoint = Endpoint::server(config, address).map_err(|source| TransportError::Bind { address, source })?;
        Ok(Self { endpoint, limits })
    }

    /// The address of the socket, with the port that the system chose.
    ///
    /// # Errors
    /// [`TransportError::Io`] if the system does not tell.
    pub fn local_addr(&self) -> Result<SocketAddr, TransportError> {
        Ok(self.endpoint.local_addr()?)
    }

    /// Serves until `shutdown` completes; then takes no new requests, lets those under way finish for at most
    /// [`Limits::grace`], and tells every caller to come back.
    pub async fn run<H: Handler>(self, handler: Arc<H>, shutdown: impl Future<Output = ()> + Send) {
        let (stop, stopping) = watch::channel(None);
        let shared = Arc::new(Shared { handler, limits: self.limits, stopping });
        let mut connections = JoinSet::new();
        let mut shutdown = pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                Some(ended) = connections.join_next() => report(ended),
                incoming = self.endpoint.accept() => match incoming {
                    Some(incoming) => self.admit(incoming, &shared, &mut connections),
                    None => break,
                },
            }
        }
        let deadline = Instant::now() + self.limits.grace;
        // Fails only when no connection is left to hear it.
        let _ = stop.send(Some(deadline));
        self.drain(connections, deadline).await;
    }

    fn admit<H: Handler>(&self, incoming: quinn::Incoming, shared: &Arc<Shared<H>>, connections: &mut JoinSet<()>) {
        if connections.len() >= self.limits.max_connections {
            tracing::warn!(limit = self.limits.max_connections, "a connection was refused: too many are open");
            incoming.refuse();
        } else if connections.len() >= self.limits.max_connections / 2 && incoming.may_retry() {
            // When places get rare, none goes to a forged source address: let the caller prove its own first.
            if let Err(error) = incoming.retry() {
                error.into_incoming().refuse();
            }
        } else {
            connections.spawn(connection::serve(Arc::clone(shared), incoming));
        }
    }

    /// Callers who come meanwhile are told at once, rather than left to time out.
    async fn drain(&self, mut connections: JoinSet<()>, deadline: Instant) {
        loop {
            tokio::select! {
                ended = connections.join_next() => match ended {
                    Some(ended) => report(ended),
                    None => break,
                },
                Some(incoming) = self.endpoint.accept() => incoming.refuse(),
                // The connections keep to the deadline by themselves.
                () = sleep_until(deadline + CLOSING) => break,
            }
        }
        self.endpoint.close(VarInt::from_u32(CLOSE_COME_BACK), b"");
        // Callers who do not hear it notice by their idle timeout.
        let _ = timeout(CLOSING, self.endpoint.wait_idle()).await;
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// A task that panicked is a bug, and takes nothing down but its own stream or connection.
fn report(ended: Result<(), JoinError>) {
    if ended.is_err_and(|error| error.is_panic()) {
        tracing::error!("a task of the server panicked; its request was not answered");
    }
}

fn quic_config(tls: rustls::ServerConfig, limits: &Limits) -> Result<quinn::ServerConfig, TransportError> {
    let crypto = QuicServerConfig::try_from(Arc::new(tls))
        .map_err(|_| TransportError::Pki { problem: "TLS offers no cipher that QUIC can begin with" })?;
    let mut transport = TransportConfig::default();
    transport
        .max_concurrent_bidi_streams(VarInt::from_u32(limits.max_streams_per_connection))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .datagram_receive_buffer_size(None)
        .stream_receive_window(window(limits.max_request, 1))
        .receive_window(window(limits.max_request, 4))
        .max_idle_timeout(Some(idle_timeout(limits.idle_timeout)));
    let mut config = quinn::ServerConfig::with_crypto(Arc::new(crypto));
    config.transport_config(Arc::new(transport));
    Ok(config)
}

/// Room for `times` requests of the longest kind, each rounded up to the next 64 KiB so that the byte too many shows.
fn window(max_request: usize, times: u64) -> VarInt {
    const UNIT: u64 = 64 << 10;
    let units = u64::try_from(max_request).unwrap_or(u64::MAX) / UNIT + 1;
    VarInt::try_from(units.saturating_mul(UNIT).saturating_mul(times)).unwrap_or(VarInt::MAX)
}
