//! What a plan holds that has a text form of its own.

use std::fmt;
use std::str::FromStr;

use blindlist_protocol::ids::Digest;
use blindlist_protocol::manifest::Incident;
use blindlist_protocol::text::TextError;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The first and the last day of an incident: `2026-01-31`, or `2026-01-20/2026-01-31`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IncidentDates(pub Incident);

/// Not the days of an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IncidentError {
    /// Not a date.
    #[error(transparent)]
    Date(#[from] TextError),
    /// It ends before it begins.
    #[error("an incident ends on the day on which it begins, or later")]
    Order,
}

impl FromStr for IncidentDates {
    type Err = IncidentError;
    fn from_str(text: &str) -> Result<Self, IncidentError> {
        let (first, last) = text.split_once('/').unwrap_or((text, text));
        let (first, last) = (first.parse()?, last.parse()?);
        if last < first {
            return Err(IncidentError::Order);
        }
        Ok(Self(Incident { first, last }))
    }
}

impl fmt::Display for IncidentDates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Incident { first, last } = self.0;
        if first == last { write!(f, "{first}") } else { write!(f, "{first}/{last}") }
    }
}

impl Serialize for IncidentDates {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        as_text::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for IncidentDates {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        as_text::deserialize(deserializer)
    }
}

/// A digest, in hexadecimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hex(#[serde(with = "as_text")] pub Digest);

/// 32 random bytes, in hexadecimal. With them, and a guess of the inputs, the manifest's commitment can be opened.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Hex", into = "Hex")]
pub struct Salt([u8; 32]);

impl Salt {
    /// The salt of these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub(super) const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<Hex> for Salt {
    fn from(Hex(digest): Hex) -> Self {
        Self(*digest.as_bytes())
    }
}

impl From<Salt> for Hex {
    fn from(Salt(bytes): Salt) -> Self {
        Self(Digest::from_bytes(bytes))
    }
}

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt(redacted)")
    }
}

/// Values that have a text form but another one on the wire.
pub(crate) mod as_text {
    use super::{Deserialize, Deserializer, FromStr, Serializer, fmt};
    use serde::de::Error;

    pub(crate) fn serialize<T: fmt::Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(crate) fn deserialize<'de, T: FromStr<Err: fmt::Display>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<T, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}
