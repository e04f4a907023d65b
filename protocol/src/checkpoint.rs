//! Checkpoints: the signed head of a log, and what a client holds one against (SPEC.md, "Checkpoints").
//!
//! As a file a checkpoint is a note, which witnesses may sign too: [`note`].

pub mod note;

use crate::ids::{Digest, LedgerId};
use crate::log::tree::{self, Head};
use crate::params::CHECKPOINT_DOMAIN;
use crate::receipt::Receipt;
use crate::signature::{BadSignature, Signature, SigningKey, VerifyingKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

/// The head of an audit log, signed by a holder's receipt key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The log's ledger.
    pub ledger: LedgerId,
    /// Entries in the log.
    pub size: u64,
    /// The root of the tree over them.
    pub root: Digest,
    /// When, in seconds since 1970.
    pub time: u64,
    /// The receipt key's signature of [`Checkpoint::text`].
    pub signature: Signature,
}

/// Why a checkpoint is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// Another key signed it.
    #[error("the signature of its checkpoint does not hold")]
    Signature,
    /// It is of another ledger than asked for (AUD-7).
    #[error("its checkpoint is of another ledger than asked for")]
    Ledger,
    /// It does not cover a receipt with this index (AUD-7).
    #[error("its checkpoint is older than the receipt number {0}, which it gave before")]
    Uncovered(u64),
    /// The entry of the receipt with this index is not in the log (AUD-7).
    #[error("the entry of the receipt number {0} is not in its audit log")]
    NotIncluded(u64),
    /// It does not go on from an earlier one of this size (AUD-7).
    #[error("its audit log does not go on from the {0} entries that it showed before: it was changed")]
    NotConsistent(u64),
    /// It is smaller than one of this size, or as large with another root (AUD-8).
    #[error("its audit log has lost entries, or was changed, since it had {0} of them")]
    Shrunk(u64),
}

impl Checkpoint {
    /// The checkpoint of a log. Deterministic. `time` is in seconds since 1970.
    pub fn sign(ledger: LedgerId, head: &Head, time: u64, key: &SigningKey) -> Self {
        let unsigned = Signature::from_bytes([0; 64]);
        let mut checkpoint = Self { ledger, size: head.size, root: head.root, time, signature: unsigned };
        checkpoint.signature = key.sign(checkpoint.text().as_bytes());
        checkpoint
    }

    /// What is signed: four lines.
    pub fn text(&self) -> String {
        let Self { size, time, .. } = self;
        let root = BASE64.encode(self.root.as_bytes());
        format!("{}\n{size}\n{root}\nblindlist time {time}\n", self.origin())
    }

    /// Its first line, which names the log.
    pub fn origin(&self) -> String {
        format!("{CHECKPOINT_DOMAIN}{}", self.ledger)
    }

    /// Its size and root.
    pub fn head(&self) -> Head {
        Head { size: self.size, root: self.root }
    }

    /// Verifies the signature.
    ///
    /// # Errors
    /// [`BadSignature`].
    pub fn verify(&self, key: &VerifyingKey) -> Result<(), BadSignature> {
        key.verify(self.text().as_bytes(), &self.signature)
    }

    /// Holds a checkpoint that was just asked for against all that is known of its log: earlier heads, each with the path
    /// that shows it to be a beginning of this one, and receipts, each with the path to its entry.
    ///
    /// # Errors
    /// [`CheckpointError`].
    pub fn accept(
        &self,
        ledger: &LedgerId,
        key: &VerifyingKey,
        earlier: &[(Head, Vec<Digest>)],
        receipts: &[(Receipt, Vec<Digest>)],
    ) -> Result<Head, CheckpointError> {
        self.verify(key).map_err(|_| CheckpointError::Signature)?;
        if self.ledger != *ledger {
            return Err(CheckpointError::Ledger);
        }
        let head = self.head();
        for (before, path) in earlier {
            continues(before, &head, path)?;
        }
        for (receipt, path) in receipts {
            if receipt.index >= head.size {
                return Err(CheckpointError::Uncovered(receipt.index));
            }
            tree::verify_inclusion(tree::leaf(&receipt.entry), receipt.index, &head, path)
                .map_err(|_| CheckpointError::NotIncluded(receipt.index))?;
        }
        Ok(head)
    }
}

/// Whether the log of an earlier head goes on in a later one. The empty log goes on in every one, without a path.
///
/// # Errors
/// [`CheckpointError::Shrunk`], [`CheckpointError::NotConsistent`].
pub fn continues(before: &Head, after: &Head, path: &[Digest]) -> Result<(), CheckpointError> {
    if after.size < before.size || (after.size == before.size && after.root != before.root) {
        return Err(CheckpointError::Shrunk(before.size));
    }
    if before.size == 0 && before.root == tree::fold(&[]) && path.is_empty() {
        return Ok(());
    }
    tree::verify_consistency(before, after, path).map_err(|_| CheckpointError::NotConsistent(before.size))
}

#[cfg(test)]
mod tests;
