//! The operator's side: a task for each connection, a task for each stream, and an orderly end.
//!
//! Only callers with a certificate of the pinned authority get as far as a stream. Whatever one stream or one
//! connection does (stalls, resets, sends too much), the others go on. What a request means is the [`Handler`]'s business.

mod connection;
mod limits;
mod places;
mod reset;
mod room;

use std::{
    fmt,
    future::Future,
    net::{IpAddr, SocketAddr},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use quinn::{Endpoint, TokioRuntime, TransportConfig, VarInt, crypto::rustls::QuicServerConfig};
use rustls::pki_types::CertificateDer;
use tokio::{
    sync::watch,
    task::{JoinError, JoinSet},
    time::{Instant, sleep_until, timeout},
};

pub use self::limits::Limits;
use self::{
    connection::Shared,
    places::{Place, Places, network},
    room::Room,
};
use crate::{CLOSE_COME_BACK, Identity, TransportError, socket, stream::idle_timeout, tls};

/// How long a server that stops waits for what only serves to tell its callers: handshakes under way, last packets.
const CLOSING: Duration = Duration::from_secs(1);

/// Answers requests.
pub trait Handler: Send + Sync + 'static {
    /// Answers one request of one caller. Whatever it returns is sent; refusals are answers too.
    ///
    /// A caller that goes away does not cancel this. Only a server that stops does, when [`Limits::grace`] is over: then
    /// the future is dropped where it waits.
    fn answer(&self, peer: Peer, request: Incoming) -> impl Future<Output = Vec<u8>> + Send;

    /// The most bytes that the answer to this request may have. So much room is kept before it is answered.
    fn longest_answer(&self, request: &Incoming) -> usize;
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

impl Incoming {
    /// Bytes that it holds.
    fn len(&self) -> usize {
        match self {
            Self::Whole(bytes) => bytes.len(),
            Self::TooLarge => 0,
        }
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(bytes) => f.debug_tuple("Whole").field(&format_args!("{} bytes", bytes.len())).finish(),
            Self::TooLarge => f.write_str("TooLarge"),
        }
    }
}

/// What a connection holds in the count of its address.
type AddressPlace = Place<IpAddr, ()>;

/// A server that has its socket and is ready to [run](Server::run).
pub struct Server {
    endpoint: Endpoint,
    crypto: Arc<QuicServerConfig>,
    limits: watch::Sender<Limits>,
}

/// The connections of a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Connections {
    /// Open now, those in handshake included.
    pub open: usize,
    /// Accepted since the start; some of them may have failed in the handshake.
    pub accepted: u64,
    /// Refused before a handshake since the start: there were too many.
    pub refused: u64,
}

/// Changes the limits of a server that runs. A clone is for the same server.
#[derive(Clone)]
pub struct Control {
    endpoint: Endpoint,
    crypto: Arc<QuicServerConfig>,
    limits: watch::Sender<Limits>,
}

impl Control {
    /// From now on these limits hold, [`Limits::max_bytes`] excepted. Connections that there are keep their number of
    /// streams and their idle timeout, and none is closed because there are too many now.
    pub fn set_limits(&self, limits: Limits) {
        self.endpoint.set_server_config(Some(quic_config(&self.crypto, &limits)));
        self.limits.send_replace(limits);
    }

    /// How many connections there are, and were.
    pub fn connections(&self) -> Connections {
        let stats = self.endpoint.stats();
        Connections {
            open: self.endpoint.open_connections(),
            accepted: stats.accepted_handshakes,
            refused: stats.refused_handshakes,
        }
    }
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control").field("limits", &*self.limits.borrow()).finish_non_exhaustive()
    }
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
        let crypto = QuicServerConfig::try_from(Arc::new(tls::server_config(identity, client_ca)?))
            .map_err(|_| TransportError::Pki { problem: "TLS offers no cipher that QUIC can begin with" })?;
        let crypto = Arc::new(crypto);
        let endpoint = socket::bind(address).and_then(|socket| {
            let (config, runtime) = (reset::endpoint_config(identity), Arc::new(TokioRuntime));
            Endpoint::new(config, Some(quic_config(&crypto, &limits)), socket, runtime)
        });
        let endpoint = endpoint.map_err(|source| TransportError::Bind { address, source })?;
        Ok(Self { endpoint, crypto, limits: watch::Sender::new(limits) })
    }

    /// For changing the limits while it runs.
    pub fn control(&self) -> Control {
        Control { endpoint: self.endpoint.clone(), crypto: Arc::clone(&self.crypto), limits: self.limits.clone() }
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
        let shared = Arc::new(Shared {
            handler,
            limits: self.limits.subscribe(),
            stopping,
            addresses: Places::new(),
            callers: Places::new(),
            room: Room::new(self.limits.borrow().max_bytes),
        });
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
        let deadline = Instant::now() + self.limits.borrow().grace;
        // Fails only when no connection is left to hear it.
        let _ = stop.send(Some(deadline));
        self.drain(connections, deadline).await;
    }

    fn admit<H: Handler>(&self, incoming: quinn::Incoming, shared: &Arc<Shared<H>>, connections: &mut JoinSet<()>) {
        let limits = *self.limits.borrow();
        if connections.len() >= limits.max_connections {
            tracing::warn!(limit = limits.max_connections, "a connection was refused: too many are open");
            return incoming.refuse();
        }
        if connections.len() >= limits.max_connections / 2 && incoming.may_retry() {
            // When places get rare, none goes to a forged source address: let the caller prove its own first.
            if let Err(error) = incoming.retry() {
                error.into_incoming().refuse();
            }
            return;
        }
        // An address that is not proven may be anybody's, so nothing is counted against it before the handshake.
        let place = if incoming.remote_address_validated() {
            match shared.address_place(incoming.remote_address()) {
                Some(place) => Some(place),
                None => return incoming.refuse(),
            }
        } else {
            None
        };
        connections.spawn(connection::serve(Arc::clone(shared), incoming, place));
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
        f.debug_struct("Server").field("limits", &*self.limits.borrow()).finish_non_exhaustive()
    }
}

/// A task that panicked is a bug, and takes nothing down but its own stream or connection.
fn report(ended: Result<(), JoinError>) {
    if ended.is_err_and(|error| error.is_panic()) {
        tracing::error!("a task of the server panicked; its request was not answered");
    }
}

/// Bytes of one stream that may have come without being read: there may not be room for the request yet. It takes a
/// caller 20 ms away a fifth of a second to send a full chunk, and less than a chunk takes to be evaluated.
pub(crate) const STREAM_WINDOW: u32 = 32 << 10;
/// Bytes of responses that a connection has sent and that may have to be sent again.
const SEND_WINDOW: u64 = 1 << 20;
/// Bytes of callers who wait to be let in: of each, and of all.
const WAITING_BYTES: (u64, u64) = (16 << 10, 8 << 20);

fn quic_config(crypto: &Arc<QuicServerConfig>, limits: &Limits) -> quinn::ServerConfig {
    let streams = limits.max_streams_per_connection;
    let mut transport = TransportConfig::default();
    transport
        .max_concurrent_bidi_streams(VarInt::from_u32(streams))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .datagram_receive_buffer_size(None)
        .stream_receive_window(VarInt::from_u32(STREAM_WINDOW))
        // As much as all streams have: one that waits for room never takes it from one that is being read.
        .receive_window(VarInt::from_u32(STREAM_WINDOW.saturating_mul(streams)))
        .send_window(SEND_WINDOW)
        .max_idle_timeout(Some(idle_timeout(limits.idle_timeout)));
    let mut config = quinn::ServerConfig::with_crypto(Arc::<QuicServerConfig>::clone(crypto));
    let (each, all) = WAITING_BYTES;
    config
        .max_incoming(limits.max_connections)
        .incoming_buffer_size(each)
        .incoming_buffer_size_total(all)
        .transport_config(Arc::new(transport));
    config
}
