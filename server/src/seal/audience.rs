//! Whom a list is addressed to, and one list for each insurer of a split (SPEC.md, "Manifest", "Catalog snapshot").
//!
//! Names are looked up among the enrolled insurers before anything is sealed, and fixed in the plan with the insurers'
//! ids: who is enrolled later is not in an older audience. Cells of an audience map are told by their rows alone.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use blindlist_protocol::ids::InsurerId;
use blindlist_protocol::params::MAX_AUDIENCE;
use blindlist_protocol::text::Slug;
use blindlist_records::{Batch, HeaderError, Row, Table, find_header};
use blindlist_store::exit::Code;
use blindlist_store::text;
use serde::{Deserialize, Serialize};

use super::plan::as_text;
use crate::Error;
use crate::home::Home;

/// The columns of an audience map.
const CODE: &str = "code";
const INSURER: &str = "insurer";

/// Most rows of an audience map: a plan holds all of them.
const MAX_CODES: usize = 65_536;

/// Longest code, in bytes.
const MAX_CODE: usize = 200;

/// Whom a list is addressed to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// All insurers; but a list that is addressed to some of them is not opened to all for want of a word.
    #[serde(skip)]
    Unsaid,
    /// All insurers.
    All,
    /// These, ascending by name.
    Named(Vec<Addressee>),
    /// Each of these gets a list of its own.
    Split(Split),
}

/// An insurer that a list is addressed to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Addressee {
    /// The name that it was approved under.
    pub name: Slug,
    /// Its id.
    #[serde(with = "as_text")]
    pub id: InsurerId,
}

/// One list for each insurer, by a column of the inputs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Split {
    /// The header of the column that holds the codes.
    pub column: String,
    /// The insurers, ascending by name.
    pub parts: Vec<Part>,
}

/// An insurer and the codes that stand for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// The insurer.
    pub insurer: Addressee,
    /// The codes, ascending.
    pub codes: Vec<String>,
}

/// Why an audience cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AudienceError {
    /// No insurer has the name.
    #[error("--audience: {0}; nothing is sealed")]
    Unknown(UnknownInsurer),
    /// More than a manifest holds.
    #[error("--audience names {0} insurers, and a list is addressed to at most {MAX_AUDIENCE}")]
    TooMany(usize),
    /// It was not said whom a list is addressed to that some insurers alone see.
    #[error(
        "the list {list} is addressed to {} alone: name them, or others, with --audience, or open it to all insurers with --to-all",
        names(.audience)
    )]
    Unsaid {
        /// The list.
        list: Slug,
        /// Whom it is addressed to now.
        audience: Vec<Slug>,
    },
    /// A part of a split would have the name of another list.
    #[error(
        "the part of the insurer {insurer} would be the list {list}, which is live and addressed to {}: choose another --list",
        if .audience.is_empty() { "all".to_owned() } else { names(.audience) }
    )]
    Taken {
        /// The insurer.
        insurer: Slug,
        /// The list.
        list: Slug,
        /// Whom the live list is addressed to.
        audience: Vec<Slug>,
    },
    /// The name of a part is too long.
    #[error("--list: {list}-{insurer} is longer than the 64 characters of a list's name; choose a shorter --list")]
    LongName {
        /// The list.
        list: Slug,
        /// The insurer.
        insurer: Slug,
    },
    /// An input has no such column.
    #[error("--split-by: {}: {reason}", text::path(.path))]
    Column {
        /// The input.
        path: PathBuf,
        /// Why.
        reason: HeaderError,
    },
    /// The audience map.
    #[error("--audience-map: {}: {problem}", text::path(.path))]
    Map {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: Box<MapError>,
    },
}

/// A name that no insurer has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no insurer of the name {name} is enrolled; {}", .nearest.as_ref().map_or_else(
    || "there is none yet: `blindlistd insurer approve` enrols one".to_owned(),
    |nearest| format!("the nearest is {nearest}")
))]
pub struct UnknownInsurer {
    /// The name.
    pub name: Slug,
    /// The enrolled insurer whose name is most like it.
    pub nearest: Option<Slug>,
}

/// What is wrong with an audience map. Rows are counted from 1, without the header.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MapError {
    /// A column is missing.
    #[error("looked for the columns code and insurer; {0}")]
    Column(#[from] HeaderError),
    /// No rows.
    #[error("looked for a code and its insurer in each row, found column headers alone")]
    Empty,
    /// A row that is no row of this table.
    #[error("row {0} has another number of fields than the header, or a NUL byte")]
    Row(u64),
    /// A code that is none.
    #[error("row {0}: looked for a code of 1 to {MAX_CODE} bytes, found {found} bytes", found = .1)]
    Code(u64, usize),
    /// An insurer's name that is none.
    #[error(
        "row {0}: looked for the name of an insurer, which has the characters a-z, 0-9, `_` and `-`, found something else"
    )]
    Name(u64),
    /// Nobody is enrolled under it.
    #[error("row {0}: {1}")]
    Unknown(u64, UnknownInsurer),
    /// One code, two insurers.
    #[error("rows {first} and {second} give one code to two insurers, {one} and {other}")]
    Doubled {
        /// A row.
        first: u64,
        /// A later row.
        second: u64,
        /// The insurer of the first.
        one: Slug,
        /// The insurer of the second.
        other: Slug,
    },
    /// More rows than a plan holds.
    #[error("it has more than the {MAX_CODES} rows that an audience map may have")]
    TooLong,
}

impl AudienceError {
    /// The exit code that a command ends with.
    pub(crate) fn code(&self) -> Code {
        match self {
            Self::Unknown(_) | Self::Taken { .. } => Code::Failure,
            Self::TooMany(_) | Self::Unsaid { .. } | Self::LongName { .. } => Code::Usage,
            Self::Column { .. } | Self::Map { .. } => Code::BadInput,
        }
    }
}

/// Everybody whom a list can be addressed to: suspended or not, but not revoked.
///
/// # Errors
/// [`Error::Ledger`].
pub async fn enrolled(home: &Home) -> Result<Vec<Addressee>, Error> {
    let ledger = home.ledger().await?;
    let (insurers, changes) = (ledger.insurers().await, ledger.changes().await);
    ledger.close().await;
    let changes = changes?;
    let is_revoked = |id: &[u8; 16]| changes.get(id).is_some_and(|changes| changes.revoked.is_some());
    // Whoever has another name was not approved by this program.
    let known = insurers?.into_iter().filter(|insurer| !is_revoked(&insurer.id)).filter_map(|insurer| {
        insurer.name.parse().ok().map(|name| Addressee { name, id: InsurerId::from_bytes(insurer.id) })
    });
    Ok(known.collect())
}

impl Audience {
    /// The insurers of these names.
    ///
    /// # Errors
    /// [`AudienceError::Unknown`], [`AudienceError::TooMany`].
    pub fn named(names: &[Slug], enrolled: &[Addressee]) -> Result<Self, AudienceError> {
        let found = names.iter().map(|name| find(name, enrolled).cloned());
        let found = found.collect::<Result<BTreeSet<_>, _>>().map_err(AudienceError::Unknown)?;
        if found.len() > MAX_AUDIENCE {
            return Err(AudienceError::TooMany(found.len()));
        }
        Ok(Self::Named(found.into_iter().collect()))
    }

    /// What is wrong with one that was read from a plan.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        match self {
            Self::Unsaid | Self::All => Ok(()),
            Self::Named(named) => {
                let ascending = named.is_sorted_by(|a, b| a.name < b.name);
                let some = !named.is_empty() && named.len() <= MAX_AUDIENCE;
                if ascending && some {
                    Ok(())
                } else {
                    Err("audience: looked for 1 to 1,024 insurers, ascending by name")
                }
            }
            Self::Split(split) => {
                let ascending = split.parts.is_sorted_by(|a, b| a.insurer.name < b.insurer.name);
                let codes: usize = split.parts.iter().map(|part| part.codes.len()).sum();
                let distinct = split.places().len() == codes && split.parts.iter().all(|part| !part.codes.is_empty());
                let some = !split.parts.is_empty();
                if ascending && distinct && some {
                    Ok(())
                } else {
                    Err("audience: looked for codes, each of one insurer, found others")
                }
            }
        }
    }
}

impl Split {
    /// The split by the column of this header and the map in a file: CSV with the columns `code` and `insurer`.
    ///
    /// # Errors
    /// [`Error::Table`] for what is no table, [`AudienceError::Map`].
    pub fn read(column: &str, map: &Path, enrolled: &[Addressee]) -> Result<Self, Error> {
        let mut table = Table::open(map)?;
        let wrong = |problem| Error::from(AudienceError::Map { path: map.to_owned(), problem: Box::new(problem) });
        let places = [CODE, INSURER].map(|header| find_header(table.headers(), header));
        let [code, insurer] = places;
        let (code, insurer) = (code.map_err(|e| wrong(e.into()))?, insurer.map_err(|e| wrong(e.into()))?);
        let (mut batch, mut mapped) = (Batch::new(), Mapped::default());
        while table.read_batch(&mut batch, 1_024)? > 0 {
            for row in batch.iter() {
                mapped.add(&row, [code, insurer], enrolled).map_err(wrong)?;
            }
        }
        let parts = mapped.parts();
        if parts.is_empty() { Err(wrong(MapError::Empty)) } else { Ok(Self { column: column.to_owned(), parts }) }
    }

    /// Which part each code belongs to.
    pub(super) fn places(&self) -> HashMap<&str, usize> {
        let parts = self.parts.iter().enumerate();
        parts.flat_map(|(place, part)| part.codes.iter().map(move |code| (code.as_str(), place))).collect()
    }
}

/// Codes with their insurers, and the row that said so.
#[derive(Default)]
struct Mapped(BTreeMap<String, (Addressee, u64)>);

impl Mapped {
    fn add(&mut self, row: &Row<'_>, [code, insurer]: [usize; 2], enrolled: &[Addressee]) -> Result<(), MapError> {
        let number = row.number();
        if row.defect().is_some() {
            return Err(MapError::Row(number));
        }
        let cell = |place| row.cell(place).unwrap_or_default().trim();
        let code = cell(code);
        if code.is_empty() || code.len() > MAX_CODE {
            return Err(MapError::Code(number, code.len()));
        }
        let name: Slug = cell(insurer).parse().map_err(|_| MapError::Name(number))?;
        let found = find(&name, enrolled).map_err(|unknown| MapError::Unknown(number, unknown))?;
        match self.0.get(code) {
            Some((known, first)) if known != found => {
                Err(MapError::Doubled { first: *first, second: number, one: known.name.clone(), other: name })
            }
            Some(_) => Ok(()),
            None if self.0.len() == MAX_CODES => Err(MapError::TooLong),
            None => {
                self.0.insert(code.to_owned(), (found.clone(), number));
                Ok(())
            }
        }
    }

    fn parts(self) -> Vec<Part> {
        let mut parts: BTreeMap<Addressee, Vec<String>> = BTreeMap::new();
        for (code, (insurer, _)) in self.0 {
            parts.entry(insurer).or_default().push(code);
        }
        parts.into_iter().map(|(insurer, codes)| Part { insurer, codes }).collect()
    }
}

/// The enrolled insurer of this name.
fn find<'a>(name: &Slug, enrolled: &'a [Addressee]) -> Result<&'a Addressee, UnknownInsurer> {
    enrolled.iter().find(|insurer| insurer.name == *name).ok_or_else(|| {
        let nearest = enrolled.iter().min_by_key(|insurer| distance(name.as_str(), insurer.name.as_str()));
        UnknownInsurer { name: name.clone(), nearest: nearest.map(|insurer| insurer.name.clone()) }
    })
}

/// How many characters must be typed otherwise, added or left out to get from one name to the other (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (above, a) in one.bytes().enumerate() {
        let (mut corner, mut left) = (above, above + 1);
        let cells = row.iter_mut();
        for (cell, b) in cells.skip(1).zip(other.bytes()) {
            let best = (corner + usize::from(a != b)).min(*cell + 1).min(left + 1);
            corner = std::mem::replace(cell, best);
            left = best;
        }
        if let Some(first) = row.first_mut() {
            *first = above + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

/// Names with commas; of many, the first ones.
pub(super) fn names(audience: &[Slug]) -> String {
    const SHOWN: usize = 12;
    let shown: Vec<&str> = audience.iter().take(SHOWN).map(Slug::as_str).collect();
    match audience.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests;
