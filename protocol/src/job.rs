//! A job's blinding scalars and the layout of its chunks, both functions of its seed (SPEC.md, "Jobs and blinding").
//!
//! Nothing but the seed, the operator's key, K and the identifier enters a scalar: a chunk that is sent again is the same
//! to the byte, and no scalar is ever shared by two identifiers, epochs, operators or jobs.

use crate::identifier::Identifier;
use crate::oprf::{PublicKey, Scalar};
use crate::params::PADDING_QUANTUM;
use crate::signature::VerifyingKey;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha512;
use std::fmt;
use zeroize::{ZeroizeOnDrop, Zeroizing};

/// The secret of a job: 32 random bytes. Whoever has it can open every element of the job.
#[derive(Clone, ZeroizeOnDrop)]
pub struct JobSeed([u8; 32]);

impl JobSeed {
    /// The seed of these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for JobSeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JobSeed(redacted)")
    }
}

/// s = HMAC-SHA-512(seed, operator key ‖ K), ready to be used as a key.
#[derive(Clone)]
pub struct BlindingSecret {
    mac: Hmac<Sha512>,
    operator_key: VerifyingKey,
    key: PublicKey,
}

impl fmt::Debug for BlindingSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BlindingSecret(redacted)")
    }
}

/// An element of a job: a person (or a canary), or padding with its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// An identifier to be evaluated.
    Person(Identifier),
    /// The n-th padding element, from 0: its answer is thrown away.
    Padding(u32),
}

impl BlindingSecret {
    /// The secret of a job for one operator and epoch.
    pub(crate) fn new(seed: &JobSeed, operator_key: &VerifyingKey, key: &PublicKey) -> Self {
        let mac = keyed(seed.as_bytes()).chain_update(operator_key.as_bytes()).chain_update(key.element().as_bytes());
        let s: Zeroizing<[u8; 64]> = Zeroizing::new(mac.finalize().into_bytes().into());
        Self { mac: keyed(&*s), operator_key: *operator_key, key: *key }
    }

    /// Whether it was made for this operator and K.
    pub(crate) fn belongs_to(&self, operator_key: &VerifyingKey, key: &PublicKey) -> bool {
        self.operator_key == *operator_key && self.key == *key
    }

    /// r: the wide reduction of HMAC-SHA-512(s, "blind person" ‖ identifier), or of (s, "blind padding" ‖ number).
    pub(crate) fn scalar(&self, item: &Item) -> Zeroizing<Scalar> {
        let bytes = match item {
            Item::Person(identifier) => self.mac(b"blind person", identifier.as_bytes()),
            Item::Padding(number) => self.mac(b"blind padding", &number.to_le_bytes()),
        };
        Zeroizing::new(Scalar::from_bytes_mod_order_wide(&bytes))
    }

    /// Where an element stands in its job: the first 16 bytes of an HMAC, as a little-endian integer.
    fn position(&self, item: &Item) -> u128 {
        let bytes = match item {
            Item::Person(identifier) => self.mac(b"order person", identifier.as_bytes()),
            Item::Padding(number) => self.mac(b"order padding", &number.to_le_bytes()),
        };
        u128::from_le_bytes(*bytes.first_chunk().expect("HMAC-SHA-512 has 64 bytes"))
    }

    fn mac(&self, label: &[u8], data: &[u8]) -> Zeroizing<[u8; 64]> {
        Zeroizing::new(self.mac.clone().chain_update(label).chain_update(data).finalize().into_bytes().into())
    }
}

fn keyed(key: &[u8]) -> Hmac<Sha512> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length")
}

/// Evaluations that a job of so many distinct identifiers costs: the next multiple of 64.
pub fn cost(identifiers: u64) -> u64 {
    identifiers.next_multiple_of(PADDING_QUANTUM as u64)
}

/// The elements of a job in their order: the distinct ones of the identifiers, and the padding among them.
///
/// The order is a secret function of the seed, so that neither a chunk nor the place in it tells anything of a member
/// file's order; chunk n is the n-th run of 8,192.
pub fn layout(secret: &BlindingSecret, identifiers: Vec<Identifier>) -> Vec<Item> {
    let place = |item: Item| (secret.position(&item), item);
    let mut placed: Vec<_> = identifiers.into_iter().map(|identifier| place(Item::Person(identifier))).collect();
    placed.sort_unstable_by_key(|(position, _)| *position);
    // Equal identifiers have equal positions, so they are neighbours now.
    placed.dedup_by(|(_, later), (_, earlier)| later == earlier);
    let people = placed.len() as u64;
    let padding = u32::try_from(cost(people) - people).expect("less than 64");
    placed.extend((0..padding).map(|number| place(Item::Padding(number))));
    placed.sort_unstable_by_key(|(position, _)| *position);
    placed.into_iter().map(|(_, item)| item).collect()
}

#[cfg(test)]
mod tests;
