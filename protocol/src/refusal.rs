//! Refusal codes: all that the other side learns of a failure (SPEC.md, "Refusals"). There is no free text.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A refusal: a code, and a number whose meaning the code fixes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Why.
    pub code: RefusalCode,
    /// For [`RefusalCode::OverBudget`] the evaluations that are missing; for [`RefusalCode::Busy`] and
    /// [`RefusalCode::RateLimited`] the milliseconds to wait; otherwise 0.
    pub value: u64,
}

impl From<RefusalCode> for Refusal {
    fn from(code: RefusalCode) -> Self {
        Self { code, value: 0 }
    }
}

impl Refusal {
    /// A refusal with the number that its code asks for.
    pub fn with(code: RefusalCode, value: u64) -> Self {
        Self { code, value }
    }
}

macro_rules! codes {
    ($($number:literal $name:ident $text:literal,)*) => {
        /// Why a request was refused. On the wire two bytes; codes that this version does not know are kept as numbers.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(from = "u16", into = "u16")]
        pub enum RefusalCode {
            $(#[doc = $text] $name,)*
            /// A code that this version does not know.
            Unlisted(u16),
        }

        impl From<u16> for RefusalCode {
            fn from(number: u16) -> Self {
                match number {
                    $($number => Self::$name,)*
                    other => Self::Unlisted(other),
                }
            }
        }

        impl From<RefusalCode> for u16 {
            fn from(code: RefusalCode) -> Self {
                match code {
                    $(RefusalCode::$name => $number,)*
                    RefusalCode::Unlisted(number) => number,
                }
            }
        }

        impl fmt::Display for RefusalCode {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$name => f.write_str($text),)*
                    Self::Unlisted(number) => write!(f, "refusal code {number}, which this version does not know"),
                }
            }
        }

        #[cfg(test)]
        const LISTED: &[RefusalCode] = &[$(RefusalCode::$name),*];
    };
}

codes! {
    1 Malformed "the request is not an encoding of a request",
    2 TooLarge "the request has more bytes than a request may have",
    3 InvalidElement "an element is not canonical or is the identity",
    4 InvalidChunk "a chunk is empty, too large, or not in strictly ascending order",
    5 InvalidSignature "the chunk's signature does not hold",
    6 UnknownInsurer "the certificate belongs to no enrolled insurer",
    7 Suspended "the insurer is suspended",
    8 UnknownEpoch "the epoch is not served here",
    9 RetiredEpoch "the epoch is retired and its key destroyed",
    10 WrongHolders "the set of holders is not one that this holder answers in",
    11 OverBudget "the budget does not allow it",
    12 RateLimited "too many evaluations in a short time",
    13 Busy "the server is busy",
    14 UnknownObject "no such object, release or segment for this insurer",
    15 Internal "the server failed",
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec;

    #[test]
    fn every_code_has_one_number() {
        for (code, number) in LISTED.iter().zip(1_u16..) {
            assert_eq!((u16::from(*code), RefusalCode::from(number)), (number, *code));
        }
        assert_eq!(RefusalCode::from(99), RefusalCode::Unlisted(99));
    }

    #[test]
    fn every_code_has_one_text() {
        let unlisted = [99, 100].map(RefusalCode::Unlisted);
        let texts: Vec<_> = LISTED.iter().chain(&unlisted).map(ToString::to_string).collect();
        for (i, text) in texts.iter().enumerate() {
            assert!(!text.is_empty() && !texts[..i].contains(text), "{text}");
        }
        assert!(texts.last().is_some_and(|text| text.contains("100")));
    }

    #[test]
    fn layout_is_a_code_and_a_number() {
        let refusal = Refusal::with(RefusalCode::OverBudget, 0x0102);
        assert_eq!(hex::encode(codec::encode(&refusal)), ["0b00", "0201000000000000"].concat());
    }
}
