//! The catalog snapshot: what the operator says is live (SPEC.md, "Catalog snapshot").

use crate::ids::Digest;
use crate::object::Kind;
use crate::params::{MAX_CATALOG, MAX_OBJECT};
use crate::signature::{Signature, VerifyingKey};
use crate::text::Slug;
use serde::{Deserialize, Serialize};

/// The signed list of all live epoch records and manifests, by the digests of the whole objects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Catalog {
    /// The operator's name.
    pub operator: Slug,
    /// The operator's manifest key, which signs this snapshot.
    pub operator_key: VerifyingKey,
    /// Grows with every snapshot; a client refuses a lower one than it has seen.
    pub sequence: u64,
    /// When it was signed, in seconds since 1970.
    pub issued: u64,
    /// When it may no longer be relied on, in seconds since 1970.
    pub expires: u64,
    /// Live epoch records, ascending.
    pub epochs: Vec<Digest>,
    /// Live manifests, ascending.
    pub manifests: Vec<Digest>,
    /// The audit log of each ledger at that time.
    pub checkpoints: Vec<Checkpoint>,
}

/// The head of an audit log, signed by a holder's receipt key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The log's ledger.
    pub ledger: crate::ids::LedgerId,
    /// Entries in the log.
    pub size: u64,
    /// The root of the tree over them.
    pub root: Digest,
    /// When, in seconds since 1970.
    pub time: u64,
    /// The receipt key's signature (SPEC.md, "Audit log").
    pub signature: Signature,
}

impl Kind for Catalog {
    const LINE: &'static [u8] = b"blindlist/1 catalog\n";
    const LIMIT: usize = MAX_OBJECT;

    fn check(&self) -> Result<(), &'static str> {
        let ascending = |digests: &[Digest]| digests.is_sorted_by(|a, b| a < b) && digests.len() <= MAX_CATALOG;
        if self.sequence == 0 || self.expires <= self.issued {
            return Err("the sequence is 0, or it expires before it is issued");
        }
        if !ascending(&self.epochs) || !ascending(&self.manifests) {
            return Err("the digests are not at most 4,096 in ascending order");
        }
        if !self.checkpoints.is_sorted_by(|a, b| a.ledger < b.ledger) || self.checkpoints.len() > MAX_CATALOG {
            return Err("the checkpoints are not in ascending order of their ledgers");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
