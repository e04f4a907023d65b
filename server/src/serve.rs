//! `serve`: the service behind QUIC, until a signal ends it.
//!
//! It reads `keys/online`, epochs, releases, catalog and ledger, and never `keys/offline`.

use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::sync::Arc;

use blindlist_protocol::params::MAX_REQUEST;
use blindlist_transport::{Handler, Incoming, Limits, Peer, Server};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::Error;
use crate::home::Home;
use crate::service::Service;

/// The environment variable that says what is logged.
const LOG: &str = "BLINDLIST_LOG";

/// Answers requests that come over the network.
#[derive(Debug)]
pub struct Network {
    service: Arc<Service>,
}

impl Network {
    /// Hands requests to a service.
    pub fn new(service: Arc<Service>) -> Self {
        Self { service }
    }
}

impl Handler for Network {
    async fn answer(&self, peer: Peer, request: Incoming) -> Vec<u8> {
        self.service.answer(&peer.certificate_digest, request).await.encode()
    }
}

/// What the server allows its callers: requests are as long as the protocol allows.
pub fn limits() -> Limits {
    Limits { max_request: MAX_REQUEST, ..Limits::default() }
}

/// Serves a home on `listen`, or on the address that its configuration names, until SIGTERM or SIGINT. Requests under
/// way are answered first.
///
/// When it is ready it writes `blindlistd: listening on ADDRESS` to standard error.
///
/// # Errors
/// [`Error`] when the home cannot be served, [`Error::Transport`] when the address cannot be listened on.
pub async fn serve(home: Home, listen: Option<SocketAddr>) -> Result<(), Error> {
    let (identity, authority) = home.server_identity()?;
    let address = match listen {
        Some(address) => address,
        None => home.config()?.listen,
    };
    let service = Arc::new(Service::open(home).await?);
    let server = Server::bind(address, &identity, &authority, limits())?;
    let stopped = stop_signal()?;
    eprintln!("blindlistd: listening on {}", server.local_addr()?);
    server.run(Arc::new(Network::new(Arc::clone(&service))), stopped).await;
    service.close().await;
    tracing::info!("stopped");
    Ok(())
}

/// Sends what is logged to standard error; BLINDLIST_LOG says what.
pub(crate) fn log_to_stderr() {
    let filter = EnvFilter::try_from_env(LOG).unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
}

fn stop_signal() -> Result<impl Future<Output = ()> + Send, Error> {
    let listen = |kind| signal(kind).map_err(|source| Error::Runtime { doing: "listen for signals", source });
    let (mut terminate, mut interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    Ok(async move {
        let name = tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        };
        tracing::info!("{name}: finishing what is under way");
    })
}
