//! The schemes and the fields that each is made of. SPEC.md, "Identifiers".

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Which facts about a person make up the identifier. One byte on the wire; an unknown byte does not decode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
#[repr(u8)]
pub enum Scheme {
    /// The social security number alone.
    Nir = 1,
    /// The social security number, birth date and birth rank.
    Beneficiary = 2,
    /// The birth name, first given name and birth date.
    Person = 3,
}

impl Scheme {
    /// All schemes in the order of their bytes.
    pub const ALL: [Self; 3] = [Self::Nir, Self::Beneficiary, Self::Person];

    /// The scheme of this byte, if there is one. The byte of a canary has none.
    pub fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|scheme| scheme.byte() == byte)
    }

    /// The byte of people under this scheme.
    pub const fn byte(self) -> u8 {
        match self {
            Self::Nir => 1,
            Self::Beneficiary => 2,
            Self::Person => 3,
        }
    }

    /// The byte of canaries under this scheme, which no person's identifier can carry.
    pub const fn canary_byte(self) -> u8 {
        self.byte() | 0x80
    }

    /// The fields in the order in which they are encoded.
    pub const fn fields(self) -> &'static [Field] {
        match self {
            Self::Nir => &[Field::Nir],
            Self::Beneficiary => &[Field::Nir, Field::BirthDate, Field::BirthRank],
            Self::Person => &[Field::BirthName, Field::GivenName, Field::BirthDate],
        }
    }

    /// The name used on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nir => "nir",
            Self::Beneficiary => "beneficiary",
            Self::Person => "person",
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Scheme {
    type Err = UnknownScheme;

    fn from_str(text: &str) -> Result<Self, UnknownScheme> {
        Self::ALL.into_iter().find(|scheme| scheme.name() == text).ok_or(UnknownScheme)
    }
}

impl TryFrom<u8> for Scheme {
    type Error = UnknownScheme;

    fn try_from(byte: u8) -> Result<Self, UnknownScheme> {
        Self::from_byte(byte).ok_or(UnknownScheme)
    }
}

impl From<Scheme> for u8 {
    fn from(scheme: Scheme) -> Self {
        scheme.byte()
    }
}

/// A name or a byte that stands for no scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("unknown identifier scheme; the schemes are nir (1), beneficiary (2) and person (3)")]
pub struct UnknownScheme;

/// One fact about a person: the column that a rejection names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// The social security number.
    Nir,
    /// The birth date.
    BirthDate,
    /// The rank among people born of one mother on one day; 1 where it is not held.
    BirthRank,
    /// The birth name, never the name in use.
    BirthName,
    /// The first given name.
    GivenName,
}

impl Field {
    /// All fields.
    pub const ALL: [Self; 5] = [Self::Nir, Self::BirthDate, Self::BirthRank, Self::BirthName, Self::GivenName];

    /// The canonical name, which is also the canonical header of its column.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nir => "nir",
            Self::BirthDate => "birth_date",
            Self::BirthRank => "birth_rank",
            Self::BirthName => "birth_name",
            Self::GivenName => "given_name",
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
