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
use std::convert::Infallible;
use std::fmt;
use std::iter::Peekable;
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

/// Where an element stands in its job: `order`, as an integer.
///
/// It names an element without saying who it is: only the seed leads from one to the other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place(u128);

impl Place {
    /// The place of these bits.
    pub const fn from_bits(bits: u128) -> Self {
        Self(bits)
    }

    /// Its bits, evenly spread over all integers.
    pub const fn bits(self) -> u128 {
        self.0
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Place(redacted)")
    }
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

    /// Where an identifier stands in its job.
    pub fn place(&self, identifier: &Identifier) -> Place {
        self.place_of(b"order person", identifier.as_bytes())
    }

    /// Where a padding element stands in its job.
    pub fn place_of_padding(&self, number: u32) -> Place {
        self.place_of(b"order padding", &number.to_le_bytes())
    }

    fn place_of(&self, label: &[u8], data: &[u8]) -> Place {
        let bytes = self.mac(label, data);
        Place(u128::from_le_bytes(*bytes.first_chunk().expect("HMAC-SHA-512 has 64 bytes")))
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

/// What it costs when it is padded to `least` elements, so that their number does not tell that of the identifiers.
pub fn padded_cost(identifiers: u64, least: u64) -> u64 {
    cost(identifiers.max(least))
}

/// The elements of a job in their order, each with its place: the padding merged into the people.
///
/// Chunk n is the n-th run of 8,192. It holds nothing but what comes next, so that a job can be laid out from files of
/// people and of padding, each sorted by places.
pub struct Layout<I: Iterator, P: Iterator> {
    people: Peekable<I>,
    padding: Peekable<P>,
}

impl<I: Iterator, P: Iterator> fmt::Debug for Layout<I, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Layout(redacted)")
    }
}

impl<I, P, E> Layout<I, P>
where
    I: Iterator<Item = Result<(Place, Identifier), E>>,
    P: Iterator<Item = Result<(Place, u32), E>>,
{
    /// The layout of the job that has these distinct identifiers and this padding, numbered from 0: both come with their
    /// places, ascending.
    pub fn new(people: I, padding: P) -> Self {
        Self { people: people.peekable(), padding: padding.peekable() }
    }
}

impl<I, P, E> Iterator for Layout<I, P>
where
    I: Iterator<Item = Result<(Place, Identifier), E>>,
    P: Iterator<Item = Result<(Place, u32), E>>,
{
    type Item = Result<(Place, Item), E>;

    fn next(&mut self) -> Option<Self::Item> {
        let padding_is_next = match (self.people.peek(), self.padding.peek()) {
            (Some(Ok((person, _))), Some(Ok((padding, _)))) => padding < person,
            (None, Some(_)) | (Some(Ok(_)), Some(Err(_))) => true,
            (_, None) | (Some(Err(_)), Some(_)) => false,
        };
        if padding_is_next {
            let padding = self.padding.next()?;
            return Some(padding.map(|(place, number)| (place, Item::Padding(number))));
        }
        let person = self.people.next()?;
        Some(person.map(|(place, identifier)| (place, Item::Person(identifier))))
    }
}

/// The elements of a job in their order, all in memory: the distinct ones of the identifiers, and the padding among them.
///
/// The order is a secret function of the seed, so that neither a chunk nor the place in it tells anything of a member
/// file's order.
pub fn layout(secret: &BlindingSecret, identifiers: Vec<Identifier>) -> Vec<Item> {
    let placed = identifiers.into_iter().map(|identifier| (secret.place(&identifier), identifier));
    let mut placed: Vec<_> = placed.collect();
    placed.sort_unstable();
    // Equal identifiers have equal places, so they are neighbours now.
    placed.dedup();
    let count = placed.len() as u64;
    let padding = u32::try_from(cost(count) - count).expect("it is less than a quantum");
    let padding = padding_in_order(secret, padding).into_iter().map(Ok);
    let layout = Layout::new(placed.into_iter().map(Ok::<_, Infallible>), padding);
    layout.map(|Ok((_, item))| item).collect()
}

/// So many elements of padding with their places, ascending, all in memory.
fn padding_in_order(secret: &BlindingSecret, count: u32) -> Vec<(Place, u32)> {
    let mut padding: Vec<_> = (0..count).map(|number| (secret.place_of_padding(number), number)).collect();
    padding.sort_unstable();
    padding
}

#[cfg(test)]
mod tests;
