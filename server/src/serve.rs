//! `serve`: the service behind QUIC, until a signal ends it.
//!
//! It reads `keys/online`, epochs, releases, catalog and ledger, and never `keys/offline`.

mod notify;
mod reload;

use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::sync::Arc;

use blindlist_transport::{Handler, Incoming, Peer, Server};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinSet;
use tracing_subscriber::EnvFilter;

use self::reload::Running;
use crate::Error;
use crate::home::Home;
use crate::service::{Service, longest_answer};

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

    fn longest_answer(&self, request: &Incoming) -> usize {
        longest_answer(request)
    }
}

/// Serves a home on `listen`, or on the address that its configuration names, until SIGTERM or SIGINT. Requests under
/// way are answered first. SIGHUP has it read its configuration again.
///
/// When it is ready it writes `blindlistd: listening on ADDRESS` to standard error, and tells the service manager if there is one.
///
/// # Errors
/// [`Error`] when the home cannot be served, [`Error::Transport`] when the address cannot be listened on.
pub async fn serve(home: Home, listen: Option<SocketAddr>) -> Result<(), Error> {
    let (identity, authority) = home.server_identity()?;
    let config = home.config()?;
    let service = Arc::new(Service::open(home.clone()).await?);
    let address = listen.unwrap_or(config.listen);
    let server = Server::bind(address, &identity, &authority, config.limits.transport())?;
    let stopped = stop_signal()?;
    let hangup = listen_for(SignalKind::hangup())?;
    let running = Running { home, service: Arc::clone(&service), control: server.control(), config };
    eprintln!("blindlistd: listening on {}", server.local_addr()?);
    // They end with this function.
    let mut beside = JoinSet::new();
    beside.spawn(follow_configuration(running, hangup));
    beside.spawn(notify::watchdog());
    notify::ready();
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

async fn follow_configuration(mut running: Running, mut hangup: Signal) {
    while hangup.recv().await.is_some() {
        notify::reloading();
        running.reload();
        notify::ready();
    }
}

fn listen_for(kind: SignalKind) -> Result<Signal, Error> {
    signal(kind).map_err(|source| Error::Runtime { doing: "listen for signals", source })
}

fn stop_signal() -> Result<impl Future<Output = ()> + Send, Error> {
    let (mut terminate, mut interrupt) = (listen_for(SignalKind::terminate())?, listen_for(SignalKind::interrupt())?);
    Ok(async move {
        let name = tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        };
        notify::stopping();
        tracing::info!("{name}: finishing what is under way");
    })
}
