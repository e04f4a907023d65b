//! The channel over QUIC: one connection that is made again when it is lost.
//!
//! Sending a request twice is safe: a chunk is recognised by its digest and charged once.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use blindlist_protocol::message::{Request, Response};
use blindlist_protocol::params::{MAX_AUDIT_ENTRY, MAX_CHUNK, MAX_ENROLMENT, MAX_PATH, MAX_RESPONSE, SEGMENT_LENGTH};
use blindlist_protocol::refusal::{Refusal, RefusalCode};
use blindlist_transport::{CertificateDer, Connection, Identity, Timeouts, TransportError};
use tokio::sync::Mutex;
use tokio::time::sleep;

use super::{Channel, ChannelError};
use crate::ClientError;
use crate::profile::Enrolled;
use crate::show::note;

/// How often a request is sent before its failure counts.
const ATTEMPTS: u32 = 5;
/// The wait before the second attempt; it doubles with each.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// How often a server may ask to wait for one request before that is passed on.
const WAITS: u32 = 30;
/// The longest wait that it may ask for before that is passed on.
const LONGEST_WAIT: Duration = Duration::from_secs(120);
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
    /// Whether the person was told that the server asks to wait: once is enough.
    told: AtomicBool,
}

impl QuicChannel {
    /// Connects to `server`, or to the first of the bundle's addresses that answers.
    ///
    /// # Errors
    /// [`ClientError::Transport`] when none does. This first attempt is the only one.
    pub async fn connect(enrolled: &Enrolled, server: Option<&str>) -> Result<Self, ClientError> {
        let addresses = match server {
            Some(server) => vec![server.to_owned()],
            None => enrolled.bundle().addresses.iter().map(ToString::to_string).collect(),
        };
        let identity = enrolled.identity()?;
        let authority = CertificateDer::from(enrolled.bundle().authority.clone());
        let connection = Connection::connect(&addresses, &identity, &authority, Timeouts::default()).await?;
        let connection = Mutex::new(Arc::new(connection));
        Ok(Self { addresses, identity, authority, connection, told: AtomicBool::new(false) })
    }

    /// Tells the server that no more requests will come.
    pub async fn close(self) {
        if let Some(connection) = Arc::into_inner(self.connection.into_inner()) {
            connection.close().await;
        }
    }

    /// Sends a request once. `lost` is the connection that failed it before, if there was one.
    async fn attempt(
        &self,
        request: &[u8],
        limits: &Limits,
        lost: &mut Option<Arc<Connection>>,
    ) -> Result<Response, ChannelError> {
        let connection = self.connection(lost.as_ref()).await?;
        *lost = None;
        match connection.request(request, limits.response, limits.deadline).await {
            Ok(bytes) => match Response::decode(&bytes)? {
                Response::Refused(refusal) => Err(ChannelError::Refused(refusal)),
                response @ (Response::Catalog(_)
                | Response::Object(_)
                | Response::Segment(_)
                | Response::Account(_)
                | Response::Evaluated(_)
                | Response::Checkpoint(_)
                | Response::Path(_)) => Ok(response),
            },
            Err(error) => {
                *lost = Some(connection);
                Err(error.into())
            }
        }
    }

    /// Says that the server asks to wait, and why.
    fn tell(&self, refusal: &Refusal, wait: Duration) {
        if wait < WORTH_TELLING || self.told.swap(true, Ordering::Relaxed) {
            return;
        }
        note(&format!(
            "the server asks to wait ({}): going on by itself, in {} seconds and whenever it asks again",
            refusal.code,
            wait.as_millis().div_ceil(1_000)
        ));
    }

    /// The connection; a new one, made once for all requests that lost it, when it is the lost one still.
    async fn connection(&self, lost: Option<&Arc<Connection>>) -> Result<Arc<Connection>, TransportError> {
        let mut connection = self.connection.lock().await;
        if lost.is_some_and(|lost| Arc::ptr_eq(&connection, lost)) {
            tracing::debug!("connecting again");
            let again = Connection::connect(&self.addresses, &self.identity, &self.authority, Timeouts::default());
            *connection = Arc::new(again.await?);
        }
        Ok(Arc::clone(&connection))
    }
}

impl Channel for QuicChannel {
    async fn call(&self, request: Request) -> Result<Response, ChannelError> {
        let limits = Limits::of(&request);
        let bytes = request.encode();
        let mut patience = Patience::new();
        let mut lost = None;
        loop {
            let error = match self.attempt(&bytes, &limits, &mut lost).await {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            let Some(wait) = patience.after(&error) else { return Err(error) };
            if let ChannelError::Refused(refusal) = &error {
                self.tell(refusal, wait);
            }
            sleep(wait).await;
        }
    }
}

impl fmt::Debug for QuicChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QuicChannel").field("addresses", &self.addresses).finish_non_exhaustive()
    }
}

/// What is left of our patience with one request. Failures and requests to wait are counted apart: a server that says how
/// long to wait is well.
struct Patience {
    /// The wait after the next failure.
    next: Duration,
    failures: u32,
    waits: u32,
}

impl Patience {
    fn new() -> Self {
        Self { next: FIRST_WAIT, failures: 0, waits: 0 }
    }

    /// How long to wait before the next attempt; none when there is to be none.
    fn after(&mut self, error: &ChannelError) -> Option<Duration> {
        match error {
            ChannelError::Transport(error) => {
                self.failures += 1;
                let wait = self.next;
                self.next *= 2;
                (error.retryable() && self.failures < ATTEMPTS).then_some(wait)
            }
            ChannelError::Refused(Refusal { code: RefusalCode::Busy | RefusalCode::RateLimited, value }) => {
                self.waits += 1;
                let wait = FIRST_WAIT.max(Duration::from_millis(*value));
                (wait <= LONGEST_WAIT && self.waits <= WAITS).then_some(wait)
            }
            ChannelError::Refused(_) | ChannelError::Malformed(_) | ChannelError::Unexpected { .. } => None,
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: RefusalCode, value: u64) -> ChannelError {
        ChannelError::Refused(Refusal::with(code, value))
    }

    #[test]
    fn a_server_says_how_long_to_wait_within_reason() {
        for code in [RefusalCode::Busy, RefusalCode::RateLimited] {
            let after = |value| Patience::new().after(&refused(code, value));
            assert_eq!(after(5_000), Some(Duration::from_secs(5)));
            assert_eq!(after(0), Some(FIRST_WAIT));
            assert_eq!(after(120_000), Some(LONGEST_WAIT));
            assert_eq!(after(120_001), None);
            assert_eq!(after(u64::MAX), None);
        }
    }

    #[test]
    fn patience_ends() {
        let mut patience = Patience::new();
        for _ in 0..WAITS {
            assert!(patience.after(&refused(RefusalCode::RateLimited, 1)).is_some());
        }
        assert_eq!(patience.after(&refused(RefusalCode::Busy, 1)), None);
        let waits: Vec<_> = (0..5).map(|_| patience.after(&TransportError::Lost.into())).collect();
        let expected = [500, 1_000, 2_000, 4_000].map(|wait| Some(Duration::from_millis(wait)));
        assert_eq!(waits, [&expected[..], &[None]].concat(), "waits do not count as failures");
    }

    #[test]
    fn what_would_fail_again_is_not_tried_again() {
        for error in [
            TransportError::NoCommonProtocol.into(),
            refused(RefusalCode::OverBudget, 1),
            ChannelError::Unexpected { asked: "x" },
        ] {
            assert_eq!(Patience::new().after(&error), None, "{error}");
        }
    }
}
