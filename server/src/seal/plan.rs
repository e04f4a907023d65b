//! The plan of a seal: everything that a release is a function of, besides its inputs and the operator's keys.
//!
//! It is fixed before the first row is evaluated, so that no pad is ever used for two labels, and kept with the release:
//! the same plan and the same inputs give the same bytes. It must not depend on a clock or on randomness afterwards.

mod values;

use std::collections::BTreeSet;
use std::path::Path;

use blindlist_protocol::entry::Dictionary;
use blindlist_protocol::identifier::Scheme;
use blindlist_protocol::ids::{Digest, EpochId, ReleaseId};
use blindlist_protocol::index::{MAX_F, MIN_F};
use blindlist_protocol::manifest::source_commitment;
use blindlist_protocol::object;
use blindlist_protocol::text::{Slug, Title};
use blindlist_records::{Column, TableOptions, parse_override};
use blindlist_store::{file, text};
use serde::{Deserialize, Serialize};

pub(super) use self::values::as_text;
pub use self::values::{Hex, IncidentDates, IncidentError, Salt};
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
    /// The encoding of inputs that are text, unless it is told by their bytes.
    pub encoding: Option<String>,
    /// The sheet of inputs that are workbooks, unless it is the first.
    pub sheet: Option<String>,
    /// The categories, in the order of the label's bits.
    pub categories: Dictionary,
    /// The smallest f: somebody who is not on the list is found by chance with probability 2^-f.
    pub false_positive_bits: u8,
    /// Whether to publish when more than one row in a hundred is rejected.
    pub accept_rejects: bool,
    /// Whether what additions need is kept, encrypted.
    pub keep_evaluations: bool,
    /// The live epoch to seal in, by the first digits of its id; the newest without. The plan names it itself.
    #[serde(skip)]
    pub epoch: Option<String>,
}

/// The plan of a release, or of all releases of a split, which are published together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// 3.
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
    /// The release that the inputs are additions to.
    pub append: Option<Appended>,
    /// The inputs, in order.
    pub inputs: Vec<Input>,
}

/// A release whose people are all in the one that is planned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Appended {
    /// The release.
    #[serde(with = "as_text")]
    pub release: ReleaseId,
    /// Everything that it was made of, in order.
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
    pub(crate) const VERSION: u32 = 3;

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

    /// What the manifest says of the inputs: first of those that the earlier release was made of.
    pub(crate) fn source(&self) -> Digest {
        let digests: Vec<Digest> = self.all_inputs().map(|input| input.sha256.0).collect();
        source_commitment(self.source_salt.as_bytes(), &digests)
    }

    /// Everything that the release is made of, in order.
    pub(super) fn all_inputs(&self) -> impl Iterator<Item = &Input> {
        self.append.iter().flat_map(|append| &append.inputs).chain(&self.inputs)
    }

    /// The digest of the whole plan.
    pub(super) fn digest(&self) -> Digest {
        object::digest(&self.to_text())
    }

    /// Whether both are the same but for what chance and the clock have said.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let appends = |plan: &Self| plan.append.is_some();
        self.epoch == other.epoch
            && self.choices == other.choices
            && self.inputs == other.inputs
            && appends(self) == appends(other)
    }

    fn check(&self) -> Result<(), &'static str> {
        if self.version != Self::VERSION {
            return Err("looked for version 3, found another: it was made by another version of this program");
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
        if let Some(append) = &self.append {
            let one = matches!(&self.releases[..], [planned] if planned.previous.is_some());
            if !one || append.inputs.is_empty() || !self.choices.keep_evaluations {
                return Err("append: looked for one release, and for earlier inputs, found others");
            }
        }
        if self.choices.table_options().is_err() {
            return Err("encoding: looked for the name of an encoding, found something else");
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

    /// What is said about the inputs.
    ///
    /// # Errors
    /// [`Error::Encoding`].
    pub(super) fn table_options(&self) -> Result<TableOptions, Error> {
        let encoding = self.encoding.as_ref().map(|encoding| encoding.parse()).transpose();
        Ok(TableOptions { encoding: encoding.map_err(Error::Encoding)?, sheet: self.sheet.clone() })
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

#[cfg(test)]
mod tests;
