//! What a seal tells when it is done, and whether so many rejected rows are acceptable.

use std::path::PathBuf;
use std::time::Duration;

use blindlist_protocol::ids::{Digest, ReleaseId};
use blindlist_protocol::text::Slug;
use blindlist_store::text;

use super::pipeline::Gathered;
use super::progress::rate;
use super::rejects::Counts;
use crate::{Error, show};

/// A release that was sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Whether it is new.
    pub outcome: Outcome,
    /// The list.
    pub list: Slug,
    /// The release.
    pub release: ReleaseId,
    /// Rows of all inputs.
    pub rows: u64,
    /// Distinct people.
    pub people: u64,
    /// Rows of people who were in another row already.
    pub merged: u64,
    /// Rejected rows by column and reason.
    pub rejected: Vec<RejectedKind>,
    /// Where the rejected rows are listed, one file for each input.
    pub rejected_files: Vec<PathBuf>,
    /// Bytes of a label.
    pub label_bytes: u8,
    /// f.
    pub false_positive_bits: u8,
    /// Bytes of the index.
    pub index_bytes: u64,
    /// The digest of the manifest.
    pub manifest: Digest,
    /// The sequence of the catalog that names it.
    pub catalog_sequence: u64,
    /// The digest of that catalog.
    pub catalog: Digest,
    /// Where the plan is kept.
    pub plan: PathBuf,
    /// How long it took.
    pub time: Duration,
}

/// What became of a seal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The release is live now.
    Published,
    /// The release existed, with the same bytes.
    Identical,
}

/// How many rows were rejected for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedKind {
    /// The column, or `row`.
    pub column: &'static str,
    /// The reason in words.
    pub reason: String,
    /// The number of rows.
    pub rows: u64,
}

/// What a dry run found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// Rows of all inputs.
    pub rows: u64,
    /// Rejected rows by column and reason.
    pub rejected: Vec<RejectedKind>,
    /// For each input, the columns that were chosen.
    pub columns: Vec<(PathBuf, Vec<String>)>,
    accept_rejects: bool,
}

impl Sealed {
    /// The report for a terminal.
    pub(crate) fn to_text(&self) -> String {
        let head = match self.outcome {
            Outcome::Published => format!("The list {} is live.\n\n", self.list),
            Outcome::Identical => format!(
                "The release exists already, and sealing it again gave the same bytes: the list {} stays as it is.\n\n",
                self.list
            ),
        };
        let milliseconds = u64::try_from(self.time.as_millis()).unwrap_or(u64::MAX);
        let time = format!(
            "{}.{} s, {} a second",
            show::count(milliseconds / 1_000),
            milliseconds % 1_000 / 100,
            show::counted(rate(self.rows, self.time), "row")
        );
        let fields = show::fields(&[
            ("rows", show::count(self.rows)),
            ("people", show::count(self.people)),
            ("merged", format!("{} of people in another row", show::counted(self.merged, "row"))),
            ("rejected", show::count(total(&self.rejected))),
            ("false hits", format!("1 in 2^{} for each person asked about", self.false_positive_bits)),
            ("index", self.index_size()),
            ("release", self.release.to_string()),
            ("manifest", self.manifest.to_string()),
            ("catalog", format!("{} (sequence {})", self.catalog, self.catalog_sequence)),
            ("plan", text::path(&self.plan)),
            ("time", time),
        ]);
        let mut text = head + &fields;
        if total(&self.rejected) > 0 {
            text += &reasons(&self.rejected);
            for file in &self.rejected_files {
                text += &format!("  listed in {}\n", text::path(file));
            }
        }
        text
    }

    /// Its bytes, and the bits of an entry in it.
    fn index_size(&self) -> String {
        let entries = (self.people + blindlist_protocol::params::CANARIES as u64).max(1);
        let tenths = self.index_bytes.saturating_mul(80) / entries;
        let labels = 8 * u64::from(self.label_bytes);
        format!(
            "{}, {}.{} bits for each entry, {labels} of them its label",
            show::bytes(self.index_bytes),
            tenths / 10,
            tenths % 10
        )
    }
}

impl Checked {
    pub(super) fn new(inputs: &[PathBuf], gathered: Gathered, accept_rejects: bool) -> Self {
        let columns = gathered.inputs.into_iter().map(|input| input.columns);
        Self {
            rows: gathered.rows,
            rejected: rejected(&gathered.rejected),
            columns: inputs.iter().cloned().zip(columns).collect(),
            accept_rejects,
        }
    }

    /// The report for a terminal.
    pub(crate) fn to_text(&self) -> String {
        let mut text = String::new();
        for (input, columns) in &self.columns {
            text += &format!("{}\n", text::path(input));
            for column in columns {
                text += &format!("  {column}\n");
            }
        }
        text += &format!("\nrows      {}\nrejected  {}\n", show::count(self.rows), show::count(total(&self.rejected)));
        text += &reasons(&self.rejected);
        text += "Nothing was evaluated or written.\n";
        text
    }

    /// Whether a seal of these inputs would be published.
    ///
    /// # Errors
    /// [`Error::TooManyRejects`], [`Error::NoPeople`], [`Error::NoRows`].
    pub fn verdict(&self) -> Result<(), Error> {
        let verdict = verdict(self.rows, total(&self.rejected), self.accept_rejects);
        let inputs: Vec<PathBuf> = self.columns.iter().map(|(input, _)| input.clone()).collect();
        verdict.map_err(|refused| refused.into_error(&inputs, None))
    }
}

/// Why rows are not published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    rows: u64,
    rejected: u64,
}

/// Whether a list with so many rejected rows may be published: at most one row in a hundred, and never a list of nobody.
pub(super) fn verdict(rows: u64, rejected: u64, accept_rejects: bool) -> Result<(), Refused> {
    let nobody = rows == rejected;
    let too_many = !accept_rejects && rejected.saturating_mul(100) > rows;
    if nobody || too_many { Err(Refused { rows, rejected }) } else { Ok(()) }
}

impl Refused {
    /// The error, with the file or folder in which the rejected rows are listed.
    pub(super) fn into_error(self, inputs: &[PathBuf], listed: Option<PathBuf>) -> Error {
        let Self { rows, rejected } = self;
        if rows == 0 {
            Error::NoRows { inputs: inputs.to_vec() }
        } else if rows == rejected {
            Error::NoPeople { rows, listed }
        } else {
            Error::TooManyRejects { rows, rejected, listed }
        }
    }
}

pub(super) fn rejected(counts: &Counts) -> Vec<RejectedKind> {
    let kinds =
        counts.iter().map(|((column, reason), rows)| RejectedKind { column, reason: reason.clone(), rows: *rows });
    kinds.collect()
}

fn total(rejected: &[RejectedKind]) -> u64 {
    rejected.iter().map(|kind| kind.rows).sum()
}

/// One line for each column and reason.
pub(super) fn reasons(rejected: &[RejectedKind]) -> String {
    let line = |kind: &RejectedKind| format!("  {} {}: {}\n", show::count(kind.rows), kind.column, kind.reason);
    rejected.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_row_in_a_hundred_may_be_rejected() {
        assert_eq!(verdict(100, 0, false), Ok(()));
        assert_eq!(verdict(100, 1, false), Ok(()));
        assert_eq!(verdict(199, 2, false), Err(Refused { rows: 199, rejected: 2 }));
        assert_eq!(verdict(200, 2, false), Ok(()));
        assert_eq!(verdict(199, 198, true), Ok(()));
        for accept in [false, true] {
            assert!(verdict(7, 7, accept).is_err() && verdict(0, 0, accept).is_err(), "a list of nobody");
        }
    }
}
