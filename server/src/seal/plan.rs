//! The plan of a seal: everything that a release is a function of, besides its inputs and the operator's keys.
//!
//! It is fixed before the first row is evaluated, so that no pad is ever used for two labels, and kept with the release:
//! the same plan and the same inputs give the same bytes. It must not depend on a clock or on randomness afterwards.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;
use std::str::FromStr;

use blindlist_protocol::entry::Dictionary;
use blindlist_protocol::identifier::Scheme;
use blindlist_protocol::ids::{Digest, EpochId, ReleaseId};
use blindlist_protocol::index::{MAX_F, MIN_F};
use blindlist_protocol::manifest::{Incident, source_commitment};
use blindlist_protocol::text::{Slug, TextError, Title};
use blindlist_records::{Column, parse_override};
use blindlist_store::{file, text};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::audience::{Addressee, Audience, AudienceError, Part};
use crate::Error;

/// Most bytes of a plan: of a split it holds every code and every list.
const LIMIT: u64 = 32 << 20;

/// What an operator chooses for a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choices {
    /// The list; of a split, what the lists' names begin with.
    pub list: Slug,
    /// Whom it is addressed to.
    pub audience: Audience,
    /// What the list is about, in words; may be empty.
    pub title: Title,
    /// When the incident happened.
    pub incident: Option<IncidentDates>,
    /// How rows are turned into identifiers.
    #[serde(with = "as_text")]
    pub scheme: Scheme,
    /// Columns named by hand: `nir=HEADER`.
    pub columns: Vec<String>,
    /// The categories, in the order of the label's bits.
    pub categories: Dictionary,
    /// The smallest f: somebody who is not on the list is found by chance with probability 2^-f.
    pub false_positive_bits: u8,
    /// Whether to publish when more than one row in a hundred is rejected.
    pub accept_rejects: bool,
    /// The live epoch to seal in, by the first digits of its id; the newest without. The plan names it itself.
    #[serde(skip)]
    pub epoch: Option<String>,
}

/// The plan of a release, or of all releases of a split, which are published together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// 2.
    pub version: u32,
    /// The releases: one, or one for each part of a split, in their order.
    pub releases: Vec<Planned>,
    /// The epoch that they are evaluated in.
    #[serde(with = "as_text")]
    pub epoch: EpochId,
    /// When it was planned, in seconds since 1970.
    pub created: u64,
    /// Hides the digests of the inputs in the manifest's commitment.
    pub source_salt: Salt,
    /// What was chosen.
    pub choices: Choices,
    /// The inputs, in order.
    pub inputs: Vec<Input>,
}

/// A release to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Planned {
    /// The list.
    pub list: Slug,
    /// The release.
    #[serde(with = "as_text")]
    pub release: ReleaseId,
    /// Counts the releases of the list from 1.
    pub sequence: u64,
    /// The manifest that it replaces.
    pub previous: Option<Hex>,
}

/// An input file, known by its contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// SHA-256 of its bytes.
    pub sha256: Hex,
    /// Its length in bytes.
    pub bytes: u64,
}

impl Plan {
    /// The only version of plans there is.
    pub(crate) const VERSION: u32 = 2;

    /// Reads a plan from a file.
    ///
    /// # Errors
    /// [`Error::Plan`] when it is not a plan, or its values do not agree.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let bytes = file::read_limited(path, LIMIT).map_err(Error::Unreadable)?;
        let wrong = |problem: &str| Error::Plan { path: path.to_owned(), problem: text::escape(problem, 300) };
        let plan: Self = serde_json::from_slice(&bytes).map_err(|error| wrong(&error.to_string()))?;
        plan.check().map_err(wrong)?;
        Ok(plan)
    }

    /// The text of the file.
    pub(crate) fn to_text(&self) -> Vec<u8> {
        let mut text = serde_json::to_vec_pretty(self).expect("names and numbers have a JSON form");
        text.push(b'\n');
        text
    }

    /// What the manifest says of the inputs.
    pub(crate) fn source(&self) -> Digest {
        let digests: Vec<Digest> = self.inputs.iter().map(|input| input.sha256.0).collect();
        source_commitment(&self.source_salt.0, &digests)
    }

    fn check(&self) -> Result<(), &'static str> {
        if self.version != Self::VERSION {
            return Err("looked for version 2, found another: it was made by another version of this program");
        }
        if self.inputs.is_empty() {
            return Err("it has no inputs");
        }
        if !(MIN_F..=MAX_F).contains(&self.choices.false_positive_bits) {
            return Err("false_positive_bits: looked for 32 to 56, found another number");
        }
        for planned in &self.releases {
            if planned.sequence == 0 || (planned.sequence == 1) != planned.previous.is_none() {
                return Err("the first release of a list, and no other, has no previous one");
            }
        }
        self.choices.audience.check()?;
        let lists = self.choices.lists().map_err(|_| "list: looked for a shorter name")?;
        if !lists.iter().map(|chosen| &chosen.list).eq(self.releases.iter().map(|planned| &planned.list)) {
            return Err("releases: looked for one of each list, found others");
        }
        let ids: BTreeSet<_> = self.releases.iter().map(|planned| planned.release).collect();
        if ids.len() != self.releases.len() {
            return Err("releases: looked for a release id for each, found one twice");
        }
        if self.choices.overrides().is_err() {
            return Err("columns: looked for NAME=HEADER, found something else");
        }
        Ok(())
    }
}

/// A list to be sealed.
pub(super) struct Chosen<'a> {
    pub(super) list: Slug,
    /// Whom it is addressed to, ascending by name; nobody named means all.
    pub(super) audience: &'a [Addressee],
}

impl Choices {
    /// The list, or the lists of a split in the order of its parts.
    pub(super) fn lists(&self) -> Result<Vec<Chosen<'_>>, AudienceError> {
        let one = |audience| Ok(vec![Chosen { list: self.list.clone(), audience }]);
        match &self.audience {
            Audience::Unsaid | Audience::All => one(&[]),
            Audience::Named(named) => one(named),
            Audience::Split(split) => {
                let part = |insurer: &'_ Addressee| {
                    let long = |_| AudienceError::LongName { list: self.list.clone(), insurer: insurer.name.clone() };
                    format!("{}-{}", self.list, insurer.name).parse::<Slug>().map_err(long)
                };
                let chosen = split.parts.iter().map(|Part { insurer, .. }| {
                    Ok(Chosen { list: part(insurer)?, audience: std::slice::from_ref(insurer) })
                });
                chosen.collect()
            }
        }
    }

    /// The columns named by hand.
    ///
    /// # Errors
    /// What is wrong with one of them.
    pub(crate) fn overrides(&self) -> Result<Vec<(Column, String)>, Error> {
        let parsed = self.columns.iter().map(|text| parse_override(text));
        parsed.collect::<Result<_, _>>().map_err(Error::Override)
    }
}

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
pub(super) mod as_text {
    use super::{Deserialize, Deserializer, FromStr, Serializer, fmt};
    use serde::de::Error;

    pub(in crate::seal) fn serialize<T: fmt::Display, S: Serializer>(
        value: &T,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(in crate::seal) fn deserialize<'de, T: FromStr<Err: fmt::Display>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<T, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        let names = ["nir", "contract"].map(|name| name.parse().unwrap());
        Plan {
            version: 2,
            releases: vec![Planned {
                list: "breach".parse().unwrap(),
                release: ReleaseId::from_bytes([1; 16]),
                sequence: 2,
                previous: Some(Hex(Digest::from_bytes([4; 32]))),
            }],
            epoch: EpochId::from_bytes([2; 32]),
            created: 3,
            source_salt: Salt::from_bytes([5; 32]),
            choices: Choices {
                list: "breach".parse().unwrap(),
                audience: Audience::All,
                title: "Fuite".parse().unwrap(),
                incident: Some("2026-01-20/2026-01-31".parse().unwrap()),
                scheme: Scheme::Beneficiary,
                columns: vec!["nir=N° SS".to_owned()],
                categories: Dictionary::try_from(names.to_vec()).unwrap(),
                false_positive_bits: 40,
                accept_rejects: false,
                epoch: None,
            },
            inputs: vec![Input { sha256: Hex(Digest::from_bytes([6; 32])), bytes: 7 }],
        }
    }

    fn read(text: &[u8]) -> Result<Plan, Error> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan.json");
        std::fs::write(&path, text).unwrap();
        Plan::read(&path)
    }

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(read(&plan().to_text()).unwrap(), plan());
    }

    #[test]
    fn what_is_no_plan_is_refused() {
        let text = String::from_utf8(plan().to_text()).unwrap();
        for (from, to) in [
            ("\"version\": 2", "\"version\": 3"),
            ("\"created\": 3", "\"created\": 3, \"extra\": 1"),
            ("\"list\": \"breach\"", "\"list\": \"Breach\""),
            ("\"title\": \"Fuite\"", "\"title\": \"Fuite\", \"extra\": 1"),
            ("\"false_positive_bits\": 40", "\"false_positive_bits\": 57"),
            ("\"sequence\": 2", "\"sequence\": 1"),
            ("\"audience\": \"all\"", "\"audience\": \"unsaid\""),
            ("\"audience\": \"all\"", "\"audience\": {\"named\": []}"),
            ("\"audience\": \"all\"", "\"audience\": {\"split\": {\"column\": \"x\", \"parts\": []}}"),
            ("2026-01-20/2026-01-31", "2026-01-31/2026-01-20"),
            ("beneficiary", "nobody"),
            ("nir=N° SS", "N° SS"),
            ("\"contract\"", "\"nir\""),
            (&"06".repeat(32), &"6".repeat(32)),
        ] {
            let bad = text.replacen(from, to, 1);
            assert_ne!(bad, text, "{from}");
            assert!(matches!(read(bad.as_bytes()), Err(Error::Plan { .. })), "{to}");
        }
    }

    #[test]
    fn the_salt_is_not_shown() {
        assert!(!format!("{:?}", plan()).contains("05, 05"));
        assert!(format!("{:?}", plan()).contains("Salt(redacted)"));
    }

    #[test]
    fn incidents_are_a_day_or_two_in_order() {
        for good in ["2026-01-31", "2026-01-20/2026-01-31"] {
            assert_eq!(good.parse::<IncidentDates>().unwrap().to_string(), good);
        }
        for bad in ["", "2026-01-31/2026-01-30", "2026-01-01/", "2026-01-01/2026-01-02/2026-01-03", "31/01/2026"] {
            assert!(bad.parse::<IncidentDates>().is_err(), "{bad}");
        }
    }
}
