//! The insurer's side: one connection to one operator, over which requests go side by side.
//!
//! It does not retry and keeps no state between connections: whoever holds the job decides whether to ask again.

use std::{
    fmt, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use quinn::{
    Endpoint, EndpointConfig, TokioRuntime, TransportConfig, VarInt, WriteError, crypto::rustls::QuicClientConfig,
};
use rustls::pki_types::CertificateDer;
use tokio::{net::lookup_host, time::timeout};

use crate::{
    Identity, SERVER_NAME, TransportError, socket,
    stream::{Arriving, Outgoing, idle_timeout},
    tls,
};

/// Bytes of one response that may be on their way unread: a segment of an index and what goes with it.
const STREAM_WINDOW: u32 = 2 << 20;
/// Bytes of all responses together that may be on their way unread: eight streams' worth.
const CONNECTION_WINDOW: u32 = 8 * STREAM_WINDOW;
/// How long [`Connection::close`] waits for the server to take note.
const CLOSING: Duration = Duration::from_secs(3);

/// How long a client waits for a server.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// For the handshake, at each address that a name resolves to.
    pub connect: Duration,
    /// Without a sign of the server, after which the connection counts as lost.
    pub idle: Duration,
    /// Between signs of ours on a quiet connection. Well below `idle`, and below the patience of firewalls with UDP.
    pub keep_alive: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), idle: Duration::from_secs(30), keep_alive: Duration::from_secs(10) }
    }
}

/// A connection to the operator's server, authenticated by both sides.
pub struct Connection {
    endpoint: Endpoint,
    connection: quinn::Connection,
}

impl Connection {
    /// Connects to the first of `addresses` (`HOST:PORT`, IPv6 in brackets) at which a server certified by `ca` answers.
    ///
    /// Must be called inside a `tokio` runtime. When the server does not accept `identity`, TLS 1.3 tells the client
    /// only after its own handshake is done: then it is the first request that fails with
    /// [`TransportError::NotAccepted`].
    ///
    /// # Errors
    /// Every address failed: the error says why, for the address that came furthest.
    pub async fn connect(
        addresses: &[String],
        identity: &Identity,
        ca: &CertificateDer<'_>,
        timeouts: Timeouts,
    ) -> Result<Self, TransportError> {
        Self::connect_with(addresses, tls::client_config(identity, ca)?, timeouts).await
    }

    pub(crate) async fn connect_with(
        addresses: &[String],
        tls: rustls::ClientConfig,
        timeouts: Timeouts,
    ) -> Result<Self, TransportError> {
        let config = quic_config(tls, timeouts)?;
        let mut worst: Option<TransportError> = None;
        for address in addresses {
            match connect_to_name(address, &config, timeouts.connect).await {
                Ok(connection) => return Ok(connection),
                Err(error) => worst = Some(more_telling(worst, error)),
            }
        }
        Err(worst.unwrap_or(TransportError::BadAddress { address: String::new() }))
    }

    /// Sends one request and returns its response, of at most `max_response` bytes, if it comes within `deadline`.
    ///
    /// Requests may run side by side. One that fails or is dropped is cancelled, and leaves the others alone; the server
    /// may have acted on it all the same.
    ///
    /// # Errors
    /// Why there is no whole response; see [`TransportError::retryable`].
    pub async fn request(
        &self,
        request: &[u8],
        max_response: usize,
        deadline: Duration,
    ) -> Result<Vec<u8>, TransportError> {
        timeout(deadline, self.exchange(request, max_response)).await.unwrap_or(Err(TransportError::Deadline))
    }

    async fn exchange(&self, request: &[u8], max_response: usize) -> Result<Vec<u8>, TransportError> {
        let (send, receive) = self.connection.open_bi().await.map_err(|reason| TransportError::from(&reason))?;
        let (mut outgoing, mut arriving) = (Outgoing::new(send), Arriving::new(receive));
        match outgoing.write_whole(request).await {
            // A server that wants no more of the request still answers it: with its refusal.
            Ok(()) | Err(WriteError::Stopped(_)) => {}
            Err(reason @ (WriteError::ConnectionLost(_) | WriteError::ClosedStream | WriteError::ZeroRttRejected)) => {
                return Err(TransportError::writing(&reason));
            }
        }
        let response = arriving.read_whole(max_response).await;
        let response = response.map_err(|reason| TransportError::reading(max_response, &reason))?;
        outgoing.settle();
        Ok(response)
    }

    /// The address of the server that answered.
    #[must_use]
    pub fn server(&self) -> SocketAddr {
        self.connection.remote_address()
    }

    /// How long a datagram takes there and back, as far as it is known.
    #[must_use]
    pub fn round_trip(&self) -> Duration {
        self.connection.rtt()
    }

    /// Tells the server that no more requests will come, and waits a moment until it knows.
    pub async fn close(&self) {
        self.connection.close(VarInt::from_u32(0), b"");
        // A server that does not hear it notices by its idle timeout.
        let _ = timeout(CLOSING, self.endpoint.wait_idle()).await;
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("server", &self.connection.remote_address()).finish_non_exhaustive()
    }
}

async fn connect_to_name(
    address: &str,
    config: &quinn::ClientConfig,
    patience: Duration,
) -> Result<Connection, TransportError> {
    let mut worst: Option<TransportError> = None;
    for remote in resolve(address, patience).await? {
        match connect_to(address, remote, config, patience).await {
            Ok(connection) => return Ok(connection),
            Err(error) => worst = Some(more_telling(worst, error)),
        }
    }
    let nowhere = || TransportError::Resolve { address: address.to_owned(), source: io::ErrorKind::NotFound.into() };
    Err(worst.unwrap_or_else(nowhere))
}

/// What `address` (`HOST:PORT`, IPv6 in brackets) stands for now: its name is looked up, each time.
///
/// Must be called inside a `tokio` runtime.
///
/// # Errors
/// [`TransportError::BadAddress`]; [`TransportError::Resolve`], also when that takes longer than `patience`.
pub async fn resolve(address: &str, patience: Duration) -> Result<Vec<SocketAddr>, TransportError> {
    if !is_host_and_port(address) {
        return Err(TransportError::BadAddress { address: address.to_owned() });
    }
    let found = timeout(patience, lookup_host(address)).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
    let failed = |source| TransportError::Resolve { address: address.to_owned(), source };
    Ok(found.map_err(failed)?.collect())
}

async fn connect_to(
    address: &str,
    remote: SocketAddr,
    config: &quinn::ClientConfig,
    patience: Duration,
) -> Result<Connection, TransportError> {
    let unreachable = || TransportError::Unreachable { address: address.to_owned() };
    let local: IpAddr = if remote.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    // Without IPv6 on this computer there is no way to an IPv6 address, but perhaps to the next one.
    let endpoint = socket::bind(SocketAddr::new(local, 0))
        .and_then(|socket| Endpoint::new(EndpointConfig::default(), None, socket, Arc::new(TokioRuntime)))
        .map_err(|_| unreachable())?;
    let connecting = endpoint
        .connect_with(config.clone(), remote, SERVER_NAME)
        .map_err(|reason| TransportError::starting(address, &reason))?;
    let connection = timeout(patience, connecting)
        .await
        .map_err(|_| unreachable())?
        .map_err(|reason| TransportError::connecting(address, &reason))?;
    tracing::debug!(server = %remote, "connected");
    Ok(Connection { endpoint, connection })
}

/// Of two failed addresses, the one that answered tells more; of two alike, the first.
fn more_telling(earlier: Option<TransportError>, later: TransportError) -> TransportError {
    let silent =
        |error: &TransportError| matches!(error, TransportError::Unreachable { .. } | TransportError::Resolve { .. });
    match earlier {
        Some(earlier) if !silent(&earlier) || silent(&later) => earlier,
        Some(_) | None => later,
    }
}

fn is_host_and_port(address: &str) -> bool {
    let Some((host, port)) = address.rsplit_once(':') else {
        return false;
    };
    let bracketed = host.starts_with('[') && host.ends_with(']');
    let host_is_clear = !host.is_empty() && (bracketed || !host.contains(':'));
    host_is_clear && port.parse::<u16>().is_ok_and(|port| port != 0)
}

fn quic_config(tls: rustls::ClientConfig, timeouts: Timeouts) -> Result<quinn::ClientConfig, TransportError> {
    let crypto = QuicClientConfig::try_from(Arc::new(tls))
        .map_err(|_| TransportError::Pki { problem: "TLS offers no cipher that QUIC can begin with" })?;
    let mut transport = TransportConfig::default();
    transport
        .max_concurrent_bidi_streams(VarInt::from_u32(0))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .datagram_receive_buffer_size(None)
        .stream_receive_window(VarInt::from_u32(STREAM_WINDOW))
        .receive_window(VarInt::from_u32(CONNECTION_WINDOW))
        .max_idle_timeout(Some(idle_timeout(timeouts.idle)))
        .keep_alive_interval(Some(timeouts.keep_alive));
    let mut config = quinn::ClientConfig::new(Arc::new(crypto));
    config.transport_config(Arc::new(transport));
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_and_a_port() {
        for good in ["localhost:4433", "127.0.0.1:1", "[::1]:4433", "breach.example:65535"] {
            assert!(is_host_and_port(good), "{good}");
        }
        for bad in ["", "localhost", ":4433", "localhost:", "localhost:0", "localhost:65536", "::1:4433", "a:b"] {
            assert!(!is_host_and_port(bad), "{bad}");
        }
    }

    #[test]
    fn the_address_that_answered_is_reported() {
        let silent = || TransportError::Unreachable { address: "a:1".to_owned() };
        let first = more_telling(None, silent());
        let second = more_telling(Some(first), TransportError::NoCommonProtocol);
        assert!(matches!(more_telling(Some(second), silent()), TransportError::NoCommonProtocol));
    }
}
