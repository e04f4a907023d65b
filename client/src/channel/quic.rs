//! The channel over QUIC: one connection that is made again when it is lost.
//!
//! The first connection is tried once: whoever mistyped an address hears it at once. From then on what is lost is made again,
//! with names resolved anew, until there was no answer for as long as [`QuicChannel::with_patience`] says. A client whose own
//! address changes goes on: the connection follows it (RFC 9000, section 9), or is lost and made again.
//!
//! Sending a request twice is safe: a chunk is recognised by its digest and charged once.

mod patience;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex as SyncMutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use blindlist_protocol::message::{Request, Response};
use blindlist_protocol::params::{MAX_AUDIT_ENTRY, MAX_CHUNK, MAX_ENROLMENT, MAX_PATH, MAX_RESPONSE, SEGMENT_LENGTH};
use blindlist_protocol::refusal::Refusal;
use blindlist_transport::{CertificateDer, Connection, Identity, Timeouts, TransportError};
use tokio::sync::Mutex;
use tokio::time::sleep;

use super::{Channel, ChannelError, unless_refused};
use crate::profile::Enrolled;
use crate::show::duration;
use crate::{Caller, ClientError, outside};
use patience::{Draw, Patience, Trials};

/// How long a server that answered before may give no answer at all, unless somebody says otherwise.
pub const PATIENCE: Duration = Duration::from_secs(300);
/// A wait that is worth telling a person.
const WORTH_TELLING: Duration = Duration::from_secs(2);
/// Bytes that any response has around its contents, with room to spare.
const FRAMING: usize = 1_024;

/// A connection to the operator's server.
pub struct QuicChannel {
    addresses: Vec<String>,
    identity: Identity,
    authority: CertificateDer<'static>,
    connection: Mutex<Arc<Connection>>,
    patience: SyncMutex<Patience>,
    caller: Caller,
    /// Whether the person was told that the server asks to wait: once is enough.
    told: AtomicBool,
}

impl QuicChannel {
    /// Connects to `server`, or to the first of the bundle's addresses that answers.
    ///
    /// # Errors
    /// [`ClientError::Transport`] when none does. This first attempt is the only one.
    pub async fn connect(enrolled: &Enrolled, server: Option<&str>, caller: &Caller) -> Result<Self, ClientError> {
        let addresses = addresses(enrolled, server);
        let identity = enrolled.identity()?;
        let authority = CertificateDer::from(enrolled.bundle().authority.clone());
        let connection = Connection::connect(&addresses, &identity, &authority, Timeouts::default()).await?;
        Ok(Self {
            addresses,
            identity,
            authority,
            connection: Mutex::new(Arc::new(connection)),
            patience: SyncMutex::new(Patience::new(PATIENCE)),
            caller: caller.clone(),
            told: AtomicBool::new(false),
        })
    }

    /// The same, which gives up when there was no answer for so long. Zero: what is lost is not tried again.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience: SyncMutex::new(Patience::new(patience)), ..self }
    }

    /// How long a datagram takes there and back, as far as it is known.
    pub async fn round_trip(&self) -> Duration {
        self.connection.lock().await.round_trip()
    }

    /// Sends a request once.
    async fn send(connection: &Connection, request: &[u8], limits: &Limits) -> Result<Response, ChannelError> {
        let bytes = connection.request(request, limits.response, limits.deadline).await?;
        unless_refused(Response::decode(&bytes)?)
    }

    /// The connection; when it is the one that was lost still, a new one, made by one request for all.
    async fn connection(
        &self,
        lost: Option<(Arc<Connection>, TransportError)>,
    ) -> Result<Arc<Connection>, TransportError> {
        let mut connection = self.connection.lock().await;
        let Some((_, mut why)) = lost.filter(|(lost, _)| Arc::ptr_eq(&connection, lost)) else {
            return Ok(Arc::clone(&connection));
        };
        loop {
            let Some(wait) = self.wait_after(&why) else { return Err(why) };
            sleep(wait).await;
            tracing::debug!("connecting again");
            let again = Connection::connect(&self.addresses, &self.identity, &self.authority, Timeouts::default());
            match again.await {
                Ok(again) => {
                    *connection = Arc::new(again);
                    return Ok(Arc::clone(&connection));
                }
                Err(error) if error.retryable() => why = error,
                Err(error) => return Err(error),
            }
        }
    }

    /// How long to wait before the next connection, if there is to be one. That the last one is lost is told once.
    fn wait_after(&self, why: &TransportError) -> Option<Duration> {
        let mut patience = self.patience();
        let (before, whole) = (patience.is_silent(), patience.whole());
        let wait = patience.failed(Instant::now(), draw());
        if wait.is_some() && !before {
            self.caller.warn(format!("{why}; trying again by itself, for up to {}", duration(whole)));
        }
        wait
    }

    /// Something was answered. That it is so again is told once.
    fn answered(&self) {
        if self.patience().answered() {
            self.caller.note("the server answers again: going on");
        }
    }

    fn patience(&self) -> MutexGuard<'_, Patience> {
        self.patience.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says that the server asks to wait, and why.
    fn tell(&self, refusal: &Refusal, wait: Duration) {
        if wait < WORTH_TELLING || self.told.swap(true, Ordering::Relaxed) {
            return;
        }
        self.caller.note(format!(
            "the server asks to wait ({}): going on by itself, in {} seconds and whenever it asks again",
            refusal.code,
            refusal.value.div_ceil(1_000).max(1)
        ));
    }
}

impl Channel for QuicChannel {
    async fn call(&self, request: Request) -> Result<Response, ChannelError> {
        let limits = Limits::of(&request);
        let bytes = request.encode();
        let (mut trials, mut lost) = (Trials::default(), None);
        loop {
            let connection = self.connection(lost.take()).await?;
            match Self::send(&connection, &bytes, &limits).await {
                Err(ChannelError::Transport(why)) => {
                    if !why.retryable() || !trials.may_be_lost_again() {
                        return Err(why.into());
                    }
                    lost = Some((connection, why));
                }
                Err(ChannelError::Refused(refusal)) => {
                    self.answered();
                    let wait = trials.asked_to_wait(&refusal, draw());
                    let Some(wait) = wait else { return Err(ChannelError::Refused(refusal)) };
                    self.tell(&refusal, wait);
                    sleep(wait).await;
                }
                ended @ (Ok(_)
                | Err(
                    ChannelError::Malformed(_)
                    | ChannelError::Unexpected { .. }
                    | ChannelError::NotInFile(_)
                    | ChannelError::FileChanged,
                )) => {
                    self.answered();
                    return ended;
                }
            }
        }
    }

    async fn close(self) {
        if let Some(connection) = Arc::into_inner(self.connection.into_inner()) {
            connection.close().await;
        }
    }
}

impl fmt::Debug for QuicChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QuicChannel").field("addresses", &self.addresses).finish_non_exhaustive()
    }
}

/// Where the operator is reached: `server`, or what its bundle says.
pub(crate) fn addresses(enrolled: &Enrolled, server: Option<&str>) -> Vec<String> {
    match server {
        Some(server) => vec![server.to_owned()],
        None => enrolled.bundle().addresses.iter().map(ToString::to_string).collect(),
    }
}

/// A draw by the machine's randomness. Without any, the longest wait is as good.
fn draw() -> Draw {
    Draw::from_bits(outside::random().map_or(u32::MAX, |bytes| u32::from_le_bytes(*bytes)))
}

/// What an answer may cost us.
struct Limits {
    response: usize,
    deadline: Duration,
}

impl Limits {
    fn of(request: &Request) -> Self {
        let (response, seconds) = match request {
            Request::Catalog | Request::Object(_) => (MAX_RESPONSE, 60),
            Request::Segment { .. } => (SEGMENT_LENGTH as usize + FRAMING, 120),
            Request::Account(_) | Request::Checkpoint(_) => (FRAMING, 30),
            Request::Consistency { .. } | Request::Inclusion { .. } => (MAX_PATH * 32 + FRAMING, 30),
            Request::Succession(_) => (MAX_ENROLMENT + FRAMING, 30),
            Request::Evaluate(_) => (MAX_CHUNK * 32 + MAX_AUDIT_ENTRY + FRAMING, 120),
        };
        Self { response, deadline: Duration::from_secs(seconds) }
    }
}
