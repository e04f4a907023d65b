//! Why bytes are not what they were read as: where, what was being read, what was found, which section says so.

use super::span::Path;
use crate::index::IndexError;
use std::fmt;

/// Where reading ended too early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The first byte of what could not be read, from the start of the file.
    pub offset: u64,
    /// What was being read; empty when it was the whole.
    pub path: Path,
    /// What was found.
    pub problem: Problem,
    /// The section of SPEC.md that says what would be right.
    pub section: u8,
}

/// What was found.
///
/// Nothing of the bytes is in it but numbers and words of the protocol: a file that is none of ours may hold personal data
/// or a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// Another first line.
    Line,
    /// More bytes than are allowed.
    TooLarge {
        /// Bytes allowed.
        limit: u64,
    },
    /// The bytes end too early.
    CutShort {
        /// Bytes that the value has.
        needed: u64,
        /// Bytes that there are.
        left: u64,
    },
    /// A length that leads beyond the bytes.
    Length {
        /// The length.
        found: u64,
        /// Bytes behind it.
        left: u64,
    },
    /// A text that is not UTF-8.
    NotUtf8,
    /// An option that is neither 0 nor 1.
    NotAnOption(u8),
    /// A number that no alternative has.
    NoAlternative {
        /// The number.
        found: u32,
        /// How many alternatives there are.
        alternatives: u32,
    },
    /// A value that its type does not allow.
    NotAllowed(String),
    /// Bytes behind the value.
    LeftOver(u64),
    /// An index that breaks a rule.
    Index(IndexError),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line => f.write_str("the bytes do not begin with its line"),
            Self::TooLarge { limit } => write!(f, "there are more than the {limit} bytes that it may have"),
            Self::CutShort { needed, left } => {
                write!(f, "it is cut short: {} needed, {} left", bytes(*needed), count(*left))
            }
            Self::Length { found, left } => {
                write!(f, "its length is {found}, but {} left", bytes(*left))
            }
            Self::NotUtf8 => f.write_str("it is not UTF-8"),
            Self::NotAnOption(found) => write!(f, "it is {found}, where an option is 0 or 1"),
            // Four characters of somebody's table, or bytes of a key, are not ours to show.
            Self::NoAlternative { found, alternatives } if *found > u32::from(u8::MAX) => {
                write!(f, "it is no number of an alternative, which are 0 to {}", alternatives.saturating_sub(1))
            }
            Self::NoAlternative { found, alternatives } => {
                write!(f, "it is {found}, where the alternatives are 0 to {}", alternatives.saturating_sub(1))
            }
            Self::NotAllowed(rule) => f.write_str(rule),
            Self::LeftOver(1) => f.write_str("1 byte is left over behind it"),
            Self::LeftOver(left) => write!(f, "{left} bytes are left over behind it"),
            Self::Index(error) => f.write_str(error.to_string().trim_start_matches("reading an index: ")),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at offset {}", self.offset)?;
        if !self.path.parts().is_empty() {
            write!(f, ", reading {}", self.path)?;
        }
        write!(f, ": {} (SPEC.md section {})", self.problem, self.section)
    }
}

fn bytes(n: u64) -> String {
    if n == 1 { "1 byte is".to_owned() } else { format!("{n} bytes are") }
}

fn count(n: u64) -> String {
    if n == 1 { "1 is".to_owned() } else { format!("{n} are") }
}
