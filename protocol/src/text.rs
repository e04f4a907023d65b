//! Names, titles and addresses that come from people or from the other side (SPEC.md, "Text").
//!
//! A slug and a date are safe wherever they are shown. A title and an address have no control characters, but must be
//! escaped for a page or a table like any other text.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Why a text is not allowed. Never holds the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Not `[a-z0-9][a-z0-9_-]{0,63}`.
    #[error("a name is 1 to 64 of the characters a-z, 0-9, `_` and `-`, and begins with a letter or a digit")]
    Slug,
    /// A title that is too long or has control characters.
    #[error("a title has at most 200 bytes and no control or formatting characters")]
    Title,
    /// Not `HOST:PORT`.
    #[error("an address is HOST:PORT, with an IPv6 host in brackets, and has at most 255 bytes")]
    Address,
    /// Not a date of the Gregorian calendar.
    #[error("a date is YYYY-MM-DD, from 1900 to 2199")]
    Date,
}

macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident, $error:expr, $valid:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(String);

        impl $name {
            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = TextError;
            fn try_from(text: String) -> Result<Self, TextError> {
                if $valid(text.as_str()) { Ok(Self(text)) } else { Err($error) }
            }
        }

        impl FromStr for $name {
            type Err = TextError;
            fn from_str(text: &str) -> Result<Self, TextError> {
                Self::try_from(text.to_owned())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", self.0)
            }
        }
    };
}

text_type!(
    /// The name of an operator, an insurer, a list or a category: `[a-z0-9][a-z0-9_-]{0,63}`.
    Slug,
    TextError::Slug,
    is_slug
);
text_type!(
    /// A title in words: at most 200 bytes of UTF-8 without control or formatting characters; may be empty.
    Title,
    TextError::Title,
    is_title
);
text_type!(
    /// `HOST:PORT`, an IPv6 host in brackets.
    Address,
    TextError::Address,
    is_address
);

fn is_slug(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    text.len() <= 64
        && text.bytes().next().is_some_and(plain)
        && text.bytes().all(|b| plain(b) || b == b'_' || b == b'-')
}

fn is_title(text: &str) -> bool {
    text.len() <= 200 && !text.chars().any(|c| c.is_control() || is_formatting(c))
}

/// Invisible and direction-changing characters, and line separators.
fn is_formatting(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

fn is_address(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else {
        return false;
    };
    let host_is_valid = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(v6) => v6.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_')),
    };
    let port_is_valid =
        !port.starts_with('0') && port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok();
    text.len() <= 255 && host_is_valid && port_is_valid
}

/// A day of the Gregorian calendar, 1900 to 2199; on the wire a year of two bytes, a month, a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "RawDate", into = "RawDate")]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

#[derive(Serialize, Deserialize)]
struct RawDate(u16, u8, u8);

impl From<Date> for RawDate {
    fn from(date: Date) -> Self {
        Self(date.year, date.month, date.day)
    }
}

impl TryFrom<RawDate> for Date {
    type Error = TextError;
    fn try_from(RawDate(year, month, day): RawDate) -> Result<Self, TextError> {
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let days = match month {
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            _ => 0,
        };
        if (1900..2200).contains(&year) && (1..=days).contains(&day) {
            Ok(Self { year, month, day })
        } else {
            Err(TextError::Date)
        }
    }
}

impl FromStr for Date {
    type Err = TextError;
    fn from_str(text: &str) -> Result<Self, TextError> {
        let mut parts = text.split('-');
        let mut number = |width: usize| {
            let part = parts.next().filter(|p| p.len() == width && p.bytes().all(|b| b.is_ascii_digit()));
            part.and_then(|p| p.parse::<u16>().ok()).ok_or(TextError::Date)
        };
        let (year, month, day) = (number(4)?, number(2)?, number(2)?);
        if parts.next().is_some() {
            return Err(TextError::Date);
        }
        let small = |n: u16| u8::try_from(n).map_err(|_| TextError::Date);
        RawDate(year, small(month)?, small(day)?).try_into()
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// [TEXT-1]
    #[test]
    fn slugs() {
        for good in ["a", "2026-breach", "viamedis_2024", &"a".repeat(64)] {
            assert!(good.parse::<Slug>().is_ok(), "{good}");
        }
        for bad in ["", "-a", "_a", "A", "a b", "é", "a.b", "=1+1", "../x", "a\n", &"a".repeat(65)] {
            assert_eq!(bad.parse::<Slug>(), Err(TextError::Slug), "{bad:?}");
        }
    }

    /// [TEXT-1]
    #[test]
    fn titles() {
        assert!("Fuite de janvier 2026 – tiers payant".parse::<Title>().is_ok());
        assert!("".parse::<Title>().is_ok());
        for bad in ["a\nb", "\u{1b}[2J", "\u{202e}abc", "a\u{200b}", "\u{9b}31m", &"é".repeat(101)] {
            assert_eq!(bad.parse::<Title>(), Err(TextError::Title), "{bad:?}");
        }
    }

    /// [TEXT-1]
    #[test]
    fn addresses() {
        for good in ["127.0.0.1:4433", "op.example.fr:1", "[::1]:4433"] {
            assert!(good.parse::<Address>().is_ok(), "{good}");
        }
        for bad in ["host", ":1", "host:", "host:0", "host:65536", "ho st:1", "::1:4433", "[::1]", "host:+1", "[x]:1"] {
            assert_eq!(bad.parse::<Address>(), Err(TextError::Address), "{bad}");
        }
    }

    /// [TEXT-1]
    #[test]
    fn dates() {
        assert_eq!("2024-02-29".parse::<Date>().map(|d| d.to_string()), Ok("2024-02-29".to_owned()));
        for bad in
            ["2023-02-29", "2024-13-01", "2024-00-10", "2024-1-1", "24-01-01", "2024-01-01-01", "1899-01-01", "x"]
        {
            assert_eq!(bad.parse::<Date>(), Err(TextError::Date), "{bad}");
        }
    }
}
