//! From what a file says about a person to the bytes that the PRF is evaluated on. SPEC.md, "Identifiers".
//!
//! Two parties find the same person only if both come to the same bytes, so every rule here is exact: text is either
//! brought to one canonical form or rejected with a reason. This module never guesses, never repairs a number, reads no
//! file, and keeps no text: a value that cannot be normalised is named only by its [`Reject`] reason.

mod date;
mod name;
mod nir;
mod read;
mod reject;
mod scheme;
#[cfg(test)]
mod tests;

use std::fmt;

pub use date::{BirthDate, BirthRank};
pub use name::{GivenName, Name};
pub use nir::Nir;
pub use read::Said;
pub use reject::Reject;
pub use scheme::{Field, Scheme, UnknownScheme};

use crate::params::IDENTIFIER_DOMAIN;

/// The longest identifier in bytes; the longest that can arise (`person`, two names of 100 bytes) is well below it.
pub const MAX_IDENTIFIER_LEN: usize = 512;

/// The canonical bytes that stand for one person under one scheme, or for one canary.
///
/// Layout: the domain string, one scheme byte, then each field as a two-byte little-endian length and its bytes.
///
/// # Security
/// Personal data in the clear. It is not secret towards the party that holds the file, and it never leaves it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identifier(Box<[u8]>);

impl Identifier {
    /// The identifier of a social security number. Children may share one with a parent.
    pub fn nir(nir: &Nir) -> Self {
        Self::encode(Scheme::Nir.byte(), [nir.as_bytes()])
    }

    /// The identifier of one person as third-party payment knows them. The birth date may be incomplete.
    pub fn beneficiary(nir: &Nir, date: &BirthDate, rank: BirthRank) -> Self {
        Self::encode(Scheme::Beneficiary.byte(), [nir.as_bytes(), date.as_bytes(), &[rank.digit()]])
    }

    /// The identifier of a person of whom no number is held.
    ///
    /// # Errors
    /// [`Reject::DateIncomplete`] if the day or the month is unknown: names and a year do not name one person.
    pub fn person(name: &Name, given: &GivenName, date: &BirthDate) -> Result<Self, Reject> {
        if !date.is_complete() {
            return Err(Reject::DateIncomplete);
        }
        Ok(Self::encode(Scheme::Person.byte(), [name.as_bytes(), given.as_bytes(), date.as_bytes()]))
    }

    /// The identifier of a canary: 16 random bytes under a scheme byte that no person can have.
    pub fn canary(scheme: Scheme, bytes: &[u8; 16]) -> Self {
        Self::encode(scheme.canary_byte(), [bytes.as_slice()])
    }

    /// The canonical bytes, at most [`MAX_IDENTIFIER_LEN`].
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    fn encode<const N: usize>(scheme: u8, fields: [&[u8]; N]) -> Self {
        let length = IDENTIFIER_DOMAIN.len() + 1 + fields.iter().map(|field| 2 + field.len()).sum::<usize>();
        let mut bytes = Vec::with_capacity(length);
        bytes.extend_from_slice(IDENTIFIER_DOMAIN);
        bytes.push(scheme);
        for field in fields {
            let length = u16::try_from(field.len()).expect("every field type holds at most 100 bytes");
            bytes.extend_from_slice(&length.to_le_bytes());
            bytes.extend_from_slice(field);
        }
        Self(bytes.into_boxed_slice())
    }
}

impl fmt::Debug for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identifier(redacted)")
    }
}
