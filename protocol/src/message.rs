//! Requests and responses (SPEC.md, "Messages"): one request and one response on each QUIC stream.

use crate::checkpoint::Checkpoint;
use crate::codec::{self, CodecError};
use crate::holders::HolderSet;
use crate::ids::{Digest, EpochId, JobId, LedgerId, ReleaseId};
use crate::oprf::{Element, Proof};
use crate::params::{MAX_AUDIT_ENTRY, MAX_PATH, MAX_REQUEST, MAX_RESPONSE};
use crate::receipt::Receipt;
use crate::refusal::Refusal;
use crate::signature::{Signature, VerifyingKey};
use serde::{Deserialize, Serialize};

/// What an insurer asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// The catalog snapshot.
    Catalog,
    /// An epoch record or a manifest, by its digest.
    Object(Digest),
    /// A segment of an index.
    Segment {
        /// The release.
        release: ReleaseId,
        /// The segment's number, from 0.
        number: u32,
    },
    /// What remains of the budget in an epoch.
    Account(EpochId),
    /// The evaluation of a chunk.
    Evaluate(Evaluate),
    /// A fresh checkpoint of a ledger's log.
    Checkpoint(LedgerId),
    /// The path that shows the first `from` entries of a log to be the beginning of its first `to`.
    Consistency {
        /// The log's ledger.
        ledger: LedgerId,
        /// Entries of the smaller tree, at least one.
        from: u64,
        /// Entries of the larger tree.
        to: u64,
    },
    /// The path that shows an entry to be in a log.
    Inclusion {
        /// The log's ledger.
        ledger: LedgerId,
        /// The entry's index.
        index: u64,
        /// Entries of the tree.
        size: u64,
    },
    /// The succession of a manifest key.
    Succession(VerifyingKey),
}

/// A chunk to be evaluated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evaluate {
    /// The epoch whose key is asked for.
    pub epoch: EpochId,
    /// The holders that answer this chunk together.
    pub holders: HolderSet,
    /// The insurer's job.
    pub job: JobId,
    /// The chunk's number within the job, from 0.
    pub number: u32,
    /// 1 to 8,192 blinded elements, strictly ascending by their bytes.
    pub elements: Vec<Element>,
    /// The insurer's signature of the chunk's header.
    pub signature: Signature,
}

/// What an operator answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Response {
    /// The catalog snapshot: a signed object.
    Catalog(Vec<u8>),
    /// The signed object asked for.
    Object(Vec<u8>),
    /// The bytes of the segment asked for.
    Segment(Vec<u8>),
    /// The account asked for.
    Account(Account),
    /// The chunk evaluated.
    Evaluated(Evaluated),
    /// Nothing of what was asked.
    Refused(Refusal),
    /// The checkpoint asked for.
    Checkpoint(Checkpoint),
    /// The path asked for, at most 128 hashes.
    Path(Vec<Digest>),
}

/// An insurer's budget in an epoch, in evaluations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// How many it may have.
    pub granted: u64,
    /// How many it has had.
    pub spent: u64,
}

impl Account {
    /// How many it may still have.
    pub fn remaining(&self) -> u64 {
        self.granted.saturating_sub(self.spent)
    }
}

/// One holder's answer to a chunk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evaluated {
    /// The evaluated elements, in the order of the question.
    pub elements: Vec<Element>,
    /// The proof that they are what they should be.
    pub proof: Proof,
    /// The insurer's account after this chunk.
    pub account: Account,
    /// The holder's receipt for the charge.
    pub receipt: Receipt,
}

impl Request {
    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// The request of these bytes.
    ///
    /// # Errors
    /// [`CodecError`] when they are anything else.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        codec::decode(bytes, MAX_REQUEST)
    }
}

impl Response {
    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// The response of these bytes.
    ///
    /// # Errors
    /// [`CodecError`] when they are anything else, or a receipt's entry or a path is too large.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        let response = codec::decode(bytes, MAX_RESPONSE)?;
        let bounded = match &response {
            Self::Evaluated(evaluated) => evaluated.receipt.entry.len() <= MAX_AUDIT_ENTRY,
            Self::Path(path) => path.len() <= MAX_PATH,
            Self::Catalog(_) | Self::Object(_) | Self::Segment(_) => true,
            Self::Account(_) | Self::Refused(_) | Self::Checkpoint(_) => true,
        };
        if !bounded {
            return Err(CodecError::Malformed);
        }
        Ok(response)
    }
}

#[cfg(test)]
mod tests;
