//! The channel over QUIC: one connection that is made again when it is lost.
//!
//! Sending a request twice is safe: a chunk is recognised by its digest and charged once.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use blindlist_protocol::message::{Request, Response};
use blindlist_protocol::params::{MAX_AUDIT_ENTRY, MAX_CHUNK, MAX_RESPONSE, SEGMENT_LENGTH};
use blindlist_protocol::refusal::{Refusal, RefusalCode};
use blindlist_transport::{CertificateDer, Connection, Identity, Timeouts, TransportError};
use tokio::sync::Mutex;
use tokio::time::sleep;

use super::{Channel, ChannelError};
use crate::ClientError;
use crate::profile::Enrolled;

/// How often a request is sent before its failure counts.
const ATTEMPTS: u32 = 5;
/// The wait before the second attempt; it doubles with each.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// The longest wait that a refusal may ask for before it is passed on.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// Bytes that any response has around its contents, with room to spare.
const FRAMING: usize = 1_024;

/// A connection to the operator's server.
pub struct QuicChannel {
    addresses: Vec<String>,
    identity: Identity,
    authority: CertificateDer<'static>,
    connection: Mutex<Arc<Connection>>,
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
        Ok(Self { addresses, identity, authority, connection: Mutex::new(Arc::new(connection)) })
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
                | Response::Evaluated(_)) => Ok(response),
            },
            Err(error) => {
                *lost = Some(connection);
                Err(error.into())
            }
        }
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
        let mut wait = FIRST_WAIT;
        let mut lost = None;
        for _ in 1..ATTEMPTS {
            match self.attempt(&bytes, &limits, &mut lost).await {
                Ok(response) => return Ok(response),
                Err(error) => sleep(pause(&error, wait).ok_or(error)?).await,
            }
            wait *= 2;
        }
        self.attempt(&bytes, &limits, &mut lost).await
    }
}

impl fmt::Debug for QuicChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QuicChannel").field("addresses", &self.addresses).finish_non_exhaustive()
    }
}

/// How long to wait before the next attempt; none when another would not help.
fn pause(error: &ChannelError, wait: Duration) -> Option<Duration> {
    match error {
        ChannelError::Transport(error) => error.retryable().then_some(wait),
        ChannelError::Refused(Refusal { code: RefusalCode::Busy | RefusalCode::RateLimited, value }) => {
            Some(wait.max(Duration::from_millis(*value))).filter(|wait| *wait <= LONGEST_WAIT)
        }
        ChannelError::Refused(_) | ChannelError::Malformed(_) | ChannelError::Unexpected { .. } => None,
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
            Request::Account(_) => (FRAMING, 30),
            Request::Evaluate(_) => (MAX_CHUNK * 32 + MAX_AUDIT_ENTRY + FRAMING, 120),
        };
        Self { response, deadline: Duration::from_secs(seconds) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAIT: Duration = Duration::from_secs(1);

    #[test]
    fn a_busy_server_says_how_long_to_wait_within_reason() {
        let busy = |value| ChannelError::Refused(Refusal::with(RefusalCode::Busy, value));
        assert_eq!(pause(&busy(5_000), WAIT), Some(Duration::from_secs(5)));
        assert_eq!(pause(&busy(0), WAIT), Some(WAIT));
        assert_eq!(pause(&busy(60_000), WAIT), None);
        assert_eq!(pause(&busy(u64::MAX), WAIT), None);
    }

    #[test]
    fn what_would_fail_again_is_not_tried_again() {
        assert_eq!(pause(&TransportError::Lost.into(), WAIT), Some(WAIT));
        assert_eq!(pause(&TransportError::NoCommonProtocol.into(), WAIT), None);
        assert_eq!(pause(&ChannelError::Refused(RefusalCode::OverBudget.into()), WAIT), None);
        assert_eq!(pause(&ChannelError::Unexpected { asked: "x" }, WAIT), None);
    }
}
