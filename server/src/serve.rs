//! `serve`: the service behind QUIC, until a signal ends it.
//!
//! It reads `keys/online`, epochs, releases, catalog and ledger, and never `keys/offline`.

mod notify;
mod reload;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use blindlist_transport::{Handler, Incoming, Peer, Server, certificate_end};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::timeout;

use self::reload::Running;
use crate::Error;
use crate::admin::{Admin, AdminOptions, Shown};
use crate::config::Config;
use crate::home::Home;
use crate::service::{Service, longest_answer};

/// What the command line says about serving.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServeOptions {
    /// The local UDP address, instead of the configuration's.
    pub listen: Option<SocketAddr>,
    /// The local TCP address of the admin page, instead of the configuration's.
    pub admin: Option<SocketAddr>,
    /// The file of the admin page's token, instead of the configuration's.
    pub admin_token_file: Option<PathBuf>,
    /// Whether standard error is for people; otherwise everything that is said is logged.
    pub plain: bool,
}

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

/// Serves a home until SIGTERM or SIGINT, and its admin page if one is wanted. Requests under way are answered first.
/// SIGHUP has it read its configuration again.
///
/// When it is ready it writes `blindlistd: status page at URL`, if there is one, and `blindlistd: listening on ADDRESS` to
/// standard error, and tells the service manager if there is one.
///
/// # Errors
/// [`Error`] when the home cannot be served, [`Error::Transport`] when the address cannot be listened on,
/// [`Error::AdminAddress`] when the admin page would be open to others without a token.
pub async fn serve(home: Home, options: ServeOptions) -> Result<(), Error> {
    let (identity, authority) = home.server_identity()?;
    let config = home.config()?;
    let plain = options.plain;
    let address = options.listen.unwrap_or(config.listen);
    let admin = admin(&home, &config, options).await?;
    let service = Arc::new(Service::open(home.clone()).await?);
    let server = Server::bind(address, &identity, &authority, config.limits.transport())?;
    let stopped = stop_signal()?;
    let hangup = listen_for(SignalKind::hangup())?;
    let (address, control) = (server.local_addr()?, server.control());
    let running = Running { home, service: Arc::clone(&service), control: control.clone(), config };
    // They end with this function.
    let mut beside = JoinSet::new();
    if let Some(admin) = admin {
        say(plain, "status page at", &format!("http://{}/", admin.address()?));
        let certificate_end = certificate_end(identity.certificate());
        beside.spawn(admin.run(Shown { service: Arc::clone(&service), control, address, certificate_end }));
    }
    say(plain, "listening on", &address.to_string());
    beside.spawn(follow_configuration(running, hangup));
    beside.spawn(notify::watchdog());
    let (end, ended) = oneshot::channel();
    let keeper = tokio::spawn(keep_checkpoints(Arc::clone(&service), ended));
    service.tell_start();
    notify::ready();
    let draining = Arc::clone(&service);
    let stopped = async move {
        stopped.await;
        draining.begin_to_drain();
    };
    server.run(Arc::new(Network::new(Arc::clone(&service))), stopped).await;
    drop(end);
    if keeper.await.is_err() {
        tracing::error!("the last checkpoint of the audit log was not kept");
    }
    service.close().await;
    tracing::info!("stopped");
    Ok(())
}

/// How often a checkpoint is kept while the log grows.
const CHECKPOINTS: Duration = Duration::from_mins(1);

/// Keeps a checkpoint now, one in every minute in which the log has grown, and the last one at the end.
async fn keep_checkpoints(service: Arc<Service>, mut ended: oneshot::Receiver<()>) {
    service.keep_checkpoint().await;
    while timeout(CHECKPOINTS, &mut ended).await.is_err() {
        service.keep_checkpoint().await;
    }
    service.keep_checkpoint().await;
}

/// The admin page, if the command line or the configuration wants one.
async fn admin(home: &Home, config: &Config, options: ServeOptions) -> Result<Option<Admin>, Error> {
    let (said, configured) =
        ((options.admin, options.admin_token_file), (config.admin, config.admin_token_file.as_deref()));
    let guards_nothing = said.1.is_some();
    match AdminOptions::chosen(said, configured, home.path()) {
        Some(options) => Admin::bind(&options).await.map(Some),
        None if guards_nothing => {
            tracing::warn!("--admin-token-file guards nothing: neither --admin nor blindlistd.toml names an address");
            Ok(None)
        }
        None => Ok(None),
    }
}

/// Tells where something is: people by a line that scripts read too, and machines by the log.
fn say(plain: bool, what: &str, place: &str) {
    if plain {
        eprintln!("blindlistd: {what} {place}");
    } else {
        tracing::info!(place, "{what}");
    }
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
