//! The audit log's entries (SPEC.md, "Audit log"). The tree over them is in [`tree`], who checks them in [`audit`].

pub mod audit;
pub mod export;
mod show;
pub mod tree;

use crate::codec::{self, CodecError};
use crate::holders::HolderSet;
use crate::ids::{Digest, EpochId, InsurerId, JobId, LedgerId};
use crate::oprf::PublicKey;
use crate::params::MAX_AUDIT_ENTRY;
use crate::refusal::RefusalCode;
use crate::signature::{Signature, VerifyingKey};
use crate::text::Slug;
use serde::{Deserialize, Serialize};

/// What a ledger did, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Seconds since 1970.
    pub time: u64,
    /// What it did.
    pub event: Event,
}

/// An event that a ledger appends to its log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// A chunk was charged.
    Charge(Charge),
    /// An Evaluate request of an enrolled insurer was refused.
    Refusal {
        /// The insurer.
        insurer: InsurerId,
        /// The epoch that the request named.
        epoch: EpochId,
        /// Why.
        code: RefusalCode,
        /// The refusal's value.
        value: u64,
    },
    /// An insurer was enrolled.
    Enrolment {
        /// Its id.
        insurer: InsurerId,
        /// Its name.
        name: Slug,
        /// Its request-signing key.
        signing_key: VerifyingKey,
        /// SHA-256 of its certificate.
        certificate: Digest,
    },
    /// An insurer's certificate or keys were replaced.
    Keys {
        /// The insurer.
        insurer: InsurerId,
        /// Its request-signing key from now on.
        signing_key: VerifyingKey,
        /// SHA-256 of its certificate from now on.
        certificate: Digest,
    },
    /// Whether an insurer is answered.
    Status {
        /// The insurer.
        insurer: InsurerId,
        /// From now on.
        status: Status,
    },
    /// An insurer's budget in an epoch was set.
    Budget {
        /// The insurer.
        insurer: InsurerId,
        /// The epoch.
        epoch: EpochId,
        /// Evaluations that it may have in all.
        granted: u64,
    },
    /// An epoch was opened, or has a new record.
    Epoch {
        /// The epoch.
        epoch: EpochId,
        /// The operator's manifest key.
        operator_key: VerifyingKey,
        /// K.
        key: PublicKey,
        /// The digest of its record.
        record: Digest,
    },
    /// A catalog snapshot first names this manifest.
    Release {
        /// The epoch.
        epoch: EpochId,
        /// The manifest's digest.
        manifest: Digest,
    },
    /// An epoch's key was destroyed.
    Retirement {
        /// The epoch.
        epoch: EpochId,
    },
    /// The manifest key was succeeded.
    Succession {
        /// The key until now.
        old_key: VerifyingKey,
        /// The key from now on.
        new_key: VerifyingKey,
    },
    /// This log goes on from another ledger's; always the first entry.
    Continuation {
        /// The other ledger.
        ledger: LedgerId,
        /// Entries of its log that are known.
        size: u64,
        /// The root of the tree over them.
        root: Digest,
    },
}

/// A charged chunk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// The insurer.
    pub insurer: InsurerId,
    /// The epoch.
    pub epoch: EpochId,
    /// The holders that answer the chunk together.
    pub holders: HolderSet,
    /// The insurer's job.
    pub job: JobId,
    /// The chunk's number in its job.
    pub number: u32,
    /// Its number of elements: what it cost.
    pub count: u32,
    /// What the chunk is recognised by ([`crate::chunk::digest`]).
    pub digest: Digest,
    /// The insurer's signature of the chunk.
    pub signature: Signature,
    /// The insurer's account in the epoch after the charge.
    pub spent: u64,
}

/// Whether an insurer is answered. One byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub enum Status {
    /// It is.
    Active,
    /// Not for now.
    Suspended,
    /// Never again.
    Revoked,
}

/// A byte that stands for no status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a status is 0, 1 or 2")]
pub struct StatusError;

impl TryFrom<u8> for Status {
    type Error = StatusError;
    fn try_from(number: u8) -> Result<Self, StatusError> {
        match number {
            0 => Ok(Self::Active),
            1 => Ok(Self::Suspended),
            2 => Ok(Self::Revoked),
            _ => Err(StatusError),
        }
    }
}

impl From<Status> for u8 {
    fn from(status: Status) -> Self {
        match status {
            Status::Active => 0,
            Status::Suspended => 1,
            Status::Revoked => 2,
        }
    }
}

impl Entry {
    /// Its bytes: what the log keeps and a receipt carries.
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// The entry of these bytes, at most 1,024.
    ///
    /// # Errors
    /// [`CodecError`] when they are anything else.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        codec::decode(bytes, MAX_AUDIT_ENTRY)
    }
}

/// Whether refusals with this code are logged: those that an insurer caused and that do not pass by themselves.
pub fn is_logged(code: RefusalCode) -> bool {
    match code {
        RefusalCode::InvalidElement
        | RefusalCode::InvalidChunk
        | RefusalCode::InvalidSignature
        | RefusalCode::Suspended
        | RefusalCode::RetiredEpoch
        | RefusalCode::WrongHolders
        | RefusalCode::OverBudget => true,
        RefusalCode::Malformed
        | RefusalCode::TooLarge
        | RefusalCode::UnknownInsurer
        | RefusalCode::UnknownEpoch
        | RefusalCode::RateLimited
        | RefusalCode::Busy
        | RefusalCode::UnknownObject
        | RefusalCode::Internal
        | RefusalCode::Unlisted(_) => false,
    }
}

#[cfg(test)]
mod tests;
