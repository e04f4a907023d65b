//! Receipts: a holder's signed word that a charge stands in its log (SPEC.md, "Receipts").

use crate::chunk::ChunkHeader;
use crate::epoch::Holder;
use crate::holders::HolderSet;
use crate::ids::{InsurerId, LedgerId};
use crate::log::tree;
use crate::log::{Charge, Entry, Event};
use crate::params::RECEIPT_DOMAIN;
use crate::signature::{Signature, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};

/// An entry of a log with its place, signed by the holder's receipt key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The entry's index in the log.
    pub index: u64,
    /// The entry's bytes, at most 1,024.
    pub entry: Vec<u8>,
    /// The receipt key's signature.
    pub signature: Signature,
}

/// A receipt that is not for what was asked, or that the holder did not sign (AUD-4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the receipt is not the holder's for what was asked")]
pub struct BadReceipt;

/// A chunk as the insurer asked it: what its receipt must be for.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The insurer's id.
    pub insurer: &'a InsurerId,
    /// The holders that were asked together.
    pub holders: &'a HolderSet,
    /// The chunk.
    pub header: &'a ChunkHeader,
    /// The insurer's request-signing key.
    pub signing_key: &'a VerifyingKey,
}

impl Receipt {
    /// The receipt of an entry that is durable in the log of a ledger. Deterministic.
    pub fn sign(ledger: &LedgerId, index: u64, entry: Vec<u8>, key: &SigningKey) -> Self {
        let signature = key.sign(&message(ledger, index, &entry));
        Self { index, entry, signature }
    }

    /// The receipt of a charge at a time, in seconds since 1970.
    pub fn of_charge(ledger: &LedgerId, index: u64, charge: Charge, time: u64, key: &SigningKey) -> Self {
        let entry = Entry { time, event: Event::Charge(charge) };
        Self::sign(ledger, index, entry.encode(), key)
    }

    /// Verifies that the key of a ledger's log signed it, whatever the entry says.
    ///
    /// # Errors
    /// [`BadReceipt`].
    pub fn verify_signature(&self, ledger: &LedgerId, key: &VerifyingKey) -> Result<(), BadReceipt> {
        key.verify(&message(ledger, self.index, &self.entry), &self.signature).map_err(|_| BadReceipt)
    }

    /// Verifies that a holder gave it for this chunk.
    ///
    /// # Errors
    /// [`BadReceipt`].
    pub fn verify(&self, holder: &Holder, expected: &Expected<'_>) -> Result<(), BadReceipt> {
        self.verify_signature(&holder.ledger, &holder.receipt_key)?;
        let Ok(Entry { event: Event::Charge(charge), .. }) = Entry::decode(&self.entry) else {
            return Err(BadReceipt);
        };
        let header = expected.header;
        let same = charge.insurer == *expected.insurer
            && charge.holders == *expected.holders
            && (charge.epoch, charge.job, charge.number) == (header.epoch, header.job, header.number)
            && (charge.count, charge.digest) == (header.count, header.digest)
            && charge.spent >= charge.count.into();
        if !same {
            return Err(BadReceipt);
        }
        header.verify(expected.signing_key, &charge.signature).map_err(|_| BadReceipt)
    }
}

/// domain ‖ ledger ‖ index ‖ hash of the entry as a leaf.
fn message(ledger: &LedgerId, index: u64, entry: &[u8]) -> Vec<u8> {
    [RECEIPT_DOMAIN, ledger.as_bytes(), &index.to_le_bytes(), tree::leaf(entry).as_bytes()].concat()
}

#[cfg(test)]
mod tests;
