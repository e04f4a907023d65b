//! How requests reach an operator: [`Channel`], and one function for each kind of request.
//!
//! A channel carries; it judges nothing beyond the encoding. What is in an answer is checked by whoever asked.

mod file;
mod quic;

use std::future::Future;

use blindlist_protocol::checkpoint::Checkpoint;
use blindlist_protocol::codec::CodecError;
use blindlist_protocol::ids::{Digest, EpochId, LedgerId, ReleaseId};
use blindlist_protocol::message::{Account, Evaluate, Evaluated, Request, Response};
use blindlist_protocol::refusal::{Refusal, RefusalCode};
use blindlist_protocol::signature::VerifyingKey;
use blindlist_transport::TransportError;

pub use file::FileChannel;
pub(crate) use quic::addresses;
pub use quic::{PATIENCE, QuicChannel};

/// A way to an operator. Requests may go side by side.
pub trait Channel: Sync + Sized {
    /// Sends a request and returns its response, which is never [`Response::Refused`].
    ///
    /// # Errors
    /// [`ChannelError`] when none came, or a refusal.
    fn call(&self, request: Request) -> impl Future<Output = Result<Response, ChannelError>> + Send;

    /// Tells the operator that no more requests will come.
    fn close(self) -> impl Future<Output = ()> {
        async {}
    }
}

impl<C: Channel> Channel for &C {
    fn call(&self, request: Request) -> impl Future<Output = Result<Response, ChannelError>> + Send {
        C::call(self, request)
    }
}

/// The response, unless it is a refusal.
fn unless_refused(response: Response) -> Result<Response, ChannelError> {
    match response {
        Response::Refused(refusal) => Err(ChannelError::Refused(refusal)),
        Response::Catalog(_)
        | Response::Object(_)
        | Response::Segment(_)
        | Response::Account(_)
        | Response::Evaluated(_)
        | Response::Checkpoint(_)
        | Response::Path(_) => Ok(response),
    }
}

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    /// It did not get through.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// What came is no response.
    #[error("the server's answer is malformed: {0}")]
    Malformed(#[from] CodecError),
    /// A response to something else.
    #[error("the server answered something else than {asked}")]
    Unexpected {
        /// What was asked for.
        asked: &'static str,
    },
    /// A file of answers has none to this request.
    #[error("the file has {0}")]
    NotInFile(&'static str),
    /// A file of answers is not what it was.
    #[error("the file of answers was changed while it was being read")]
    FileChanged,
    /// The operator refused.
    #[error("the server refused: {}{}", .0.code, Detail(*.0))]
    Refused(Refusal),
}

impl ChannelError {
    /// Whether the operator refused with this code.
    pub fn is_refusal(&self, code: RefusalCode) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.code == code)
    }
}

/// The catalog snapshot, unverified.
///
/// # Errors
/// [`ChannelError`].
pub async fn catalog(channel: &impl Channel) -> Result<Vec<u8>, ChannelError> {
    let Response::Catalog(bytes) = channel.call(Request::Catalog).await? else {
        return Err(ChannelError::Unexpected { asked: "the catalog" });
    };
    Ok(bytes)
}

/// A signed object, unverified.
///
/// # Errors
/// [`ChannelError`].
pub async fn object(channel: &impl Channel, digest: Digest) -> Result<Vec<u8>, ChannelError> {
    let Response::Object(bytes) = channel.call(Request::Object(digest)).await? else {
        return Err(ChannelError::Unexpected { asked: "an object" });
    };
    Ok(bytes)
}

/// The succession of a manifest key, unverified.
///
/// # Errors
/// [`ChannelError`].
pub async fn succession(channel: &impl Channel, key: VerifyingKey) -> Result<Vec<u8>, ChannelError> {
    let Response::Object(bytes) = channel.call(Request::Succession(key)).await? else {
        return Err(ChannelError::Unexpected { asked: "a succession" });
    };
    Ok(bytes)
}

/// A segment of an index, unverified.
///
/// # Errors
/// [`ChannelError`].
pub async fn segment(channel: &impl Channel, release: ReleaseId, number: u32) -> Result<Vec<u8>, ChannelError> {
    let Response::Segment(bytes) = channel.call(Request::Segment { release, number }).await? else {
        return Err(ChannelError::Unexpected { asked: "a segment" });
    };
    Ok(bytes)
}

/// The insurer's account in an epoch.
///
/// # Errors
/// [`ChannelError`].
pub async fn account(channel: &impl Channel, epoch: EpochId) -> Result<Account, ChannelError> {
    let Response::Account(account) = channel.call(Request::Account(epoch)).await? else {
        return Err(ChannelError::Unexpected { asked: "the account" });
    };
    Ok(account)
}

/// The evaluation of a chunk, unproven.
///
/// # Errors
/// [`ChannelError`].
pub async fn evaluate(channel: &impl Channel, request: Evaluate) -> Result<Evaluated, ChannelError> {
    let Response::Evaluated(evaluated) = channel.call(Request::Evaluate(request)).await? else {
        return Err(ChannelError::Unexpected { asked: "an evaluation" });
    };
    Ok(evaluated)
}

/// A fresh checkpoint of a ledger's log, unverified.
///
/// # Errors
/// [`ChannelError`].
pub async fn checkpoint(channel: &impl Channel, ledger: LedgerId) -> Result<Checkpoint, ChannelError> {
    let Response::Checkpoint(checkpoint) = channel.call(Request::Checkpoint(ledger)).await? else {
        return Err(ChannelError::Unexpected { asked: "a checkpoint" });
    };
    Ok(checkpoint)
}

/// The path from an earlier size of a log to a later one, unverified.
///
/// # Errors
/// [`ChannelError`].
pub async fn consistency(
    channel: &impl Channel,
    ledger: LedgerId,
    from: u64,
    to: u64,
) -> Result<Vec<Digest>, ChannelError> {
    path(channel, Request::Consistency { ledger, from, to }).await
}

/// The path to an entry in a log of a size, unverified.
///
/// # Errors
/// [`ChannelError`].
pub async fn inclusion(
    channel: &impl Channel,
    ledger: LedgerId,
    index: u64,
    size: u64,
) -> Result<Vec<Digest>, ChannelError> {
    path(channel, Request::Inclusion { ledger, index, size }).await
}

async fn path(channel: &impl Channel, request: Request) -> Result<Vec<Digest>, ChannelError> {
    let Response::Path(path) = channel.call(request).await? else {
        return Err(ChannelError::Unexpected { asked: "a path in the audit log" });
    };
    Ok(path)
}

/// What the number of a refusal says.
struct Detail(Refusal);

impl std::fmt::Display for Detail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let value = self.0.value;
        match self.0.code {
            RefusalCode::OverBudget => write!(
                f,
                " ({value} evaluations are missing); ask the operator to raise it with `blindlistd insurer set-budget`"
            ),
            RefusalCode::Busy | RefusalCode::RateLimited => {
                write!(f, "; try again in {} seconds", value.div_ceil(1_000).max(1))
            }
            RefusalCode::Suspended => f.write_str("; the operator ends that with `blindlistd insurer resume`"),
            RefusalCode::UnknownInsurer => f.write_str("; ask the operator"),
            RefusalCode::UnknownEpoch | RefusalCode::RetiredEpoch | RefusalCode::UnknownObject => {
                f.write_str("; the operator's lists may have changed meanwhile")
            }
            RefusalCode::Malformed
            | RefusalCode::TooLarge
            | RefusalCode::InvalidElement
            | RefusalCode::InvalidChunk
            | RefusalCode::InvalidSignature
            | RefusalCode::WrongHolders
            | RefusalCode::Internal
            | RefusalCode::Unlisted(_) => Ok(()),
        }
    }
}
