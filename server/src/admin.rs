//! The admin page: HTTP/1.1 for the operator's own people and their monitoring. It shows, and changes nothing.
//!
//! | path | what |
//! |---|---|
//! | `/` | the status page |
//! | `/healthz` | the process lives |
//! | `/readyz` | insurers may be sent here, or why not, in a word |
//! | `/metrics` | everything that is counted, for Prometheus |
//!
//! `http` bounds what a caller can take, `guard` says who may look, `status` gathers what there is to see, `page` and
//! `metrics` write it down. Names of insurers and lists are shown; nothing here knows a person.

mod guard;
mod home;
mod http;
mod metrics;
mod page;
mod status;
mod warnings;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use blindlist_transport::Control;
use tokio::net::TcpListener;

use self::guard::{Guard, Token};
use self::status::Sight;
use crate::Error;
use crate::outside::now;
use crate::service::Service;

/// Where the page is served, and what guards it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AdminOptions {
    /// The local address, of TCP.
    pub(crate) address: SocketAddr,
    /// The file of the token; without it the address must be a loopback one.
    pub(crate) token_file: Option<PathBuf>,
}

/// The page, ready to be served.
pub(crate) struct Admin {
    listener: TcpListener,
    guard: Guard,
}

/// What the page shows beside what the service knows.
pub(crate) struct Shown {
    pub(crate) service: Arc<Service>,
    pub(crate) control: Control,
    /// Where insurers are listened to.
    pub(crate) address: SocketAddr,
    /// The end of the server's certificate, in seconds since 1970.
    pub(crate) certificate_end: Option<u64>,
}

impl Admin {
    /// Opens the socket.
    ///
    /// # Errors
    /// [`Error::AdminAddress`] for an address that others reach when there is no token, [`Error::AdminToken`],
    /// [`Error::Store`] for a token that others can read, [`Error::AdminBind`].
    pub(crate) async fn bind(options: &AdminOptions) -> Result<Self, Error> {
        let address = options.address;
        let token = options.token_file.as_deref().map(Token::read).transpose()?;
        let guard = Guard::new(address.ip(), token).ok_or(Error::AdminAddress { address })?;
        let bound = TcpListener::bind(address).await;
        Ok(Self { listener: bound.map_err(|source| Error::AdminBind { address, source })?, guard })
    }

    /// Where it is served.
    ///
    /// # Errors
    /// [`Error::AdminBind`] when the system does not tell.
    pub(crate) fn address(&self) -> Result<SocketAddr, Error> {
        let unknown = SocketAddr::from(([0; 4], 0));
        self.listener.local_addr().map_err(|source| Error::AdminBind { address: unknown, source })
    }

    /// Answers until it is dropped.
    pub(crate) async fn run(self, shown: Shown) {
        // Without a clock there is no page, but insurers are served.
        let since = now().unwrap_or(0);
        http::run(self.listener, Arc::new(self.guard), Arc::new(Sight::new(shown, since))).await;
    }
}

impl AdminOptions {
    /// What the command line says, and where it is silent what the configuration of a home says. A path in the
    /// configuration is relative to the home.
    pub(crate) fn chosen(
        (address, token_file): (Option<SocketAddr>, Option<PathBuf>),
        (configured, configured_file): (Option<SocketAddr>, Option<&Path>),
        home: &Path,
    ) -> Option<Self> {
        let token_file = token_file.or_else(|| configured_file.map(|path| home.join(path)));
        Some(Self { address: address.or(configured)?, token_file })
    }
}
