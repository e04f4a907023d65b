//! Rows that cannot be sealed: counted by reason, and written in the order of the file.
//!
//! Blocks of rows are worked on in parallel and come in any order; few are under way at a time, so few wait here.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use blindlist_records::{Reason, Rejection};
use blindlist_store::StoreError;
use blindlist_store::file::{AtomicFile, Mode};

use crate::Error;

/// Why a row cannot be sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rejected {
    /// It cannot be turned into an identifier.
    Row(Rejection),
    /// Its categories are not all in the dictionary, or there are none.
    Categories {
        /// The data row from 1.
        row: u64,
    },
}

impl Rejected {
    /// The row, the column, and the reason in words.
    fn line(&self) -> (u64, &'static str, String) {
        match self {
            Self::Row(Rejection { row, column, reason }) => (*row, column, reason.to_string()),
            Self::Categories { row } => (*row, "categories", CATEGORIES.to_owned()),
        }
    }

    /// The column and the reason, without what differs from row to row.
    fn kind(&self) -> (&'static str, String) {
        match self {
            Self::Row(Rejection { column, reason, .. }) => {
                let words = match reason {
                    Reason::Cell(reject) => reject.to_string(),
                    Reason::FieldCount { .. } => "the row has another number of fields than the header".to_owned(),
                    Reason::NulByte => reason.to_string(),
                };
                (column, words)
            }
            Self::Categories { .. } => ("categories", CATEGORIES.to_owned()),
        }
    }
}

const CATEGORIES: &str = "a category is empty or is not one of --categories";

/// How many rows were rejected, for each column and reason.
pub(super) type Counts = BTreeMap<(&'static str, String), u64>;

/// Collects the rejected rows of one input.
pub(super) struct RejectLog {
    file: Option<AtomicFile>,
    /// The block whose rows are written next.
    next: u64,
    waiting: BTreeMap<u64, Vec<Rejected>>,
    counts: Counts,
}

impl RejectLog {
    /// Writes them to a file, or only counts them.
    pub(super) fn new(path: Option<&Path>) -> Result<Self, Error> {
        let mut log = Self {
            file: path.map(|path| AtomicFile::create(path, Mode::Private)).transpose()?,
            next: 0,
            waiting: BTreeMap::new(),
            counts: Counts::new(),
        };
        log.write("row,column,reason")?;
        Ok(log)
    }

    /// Takes the rejected rows of a block, in the order of its rows. Every block must come, from 0.
    pub(super) fn add(&mut self, block: u64, rejected: Vec<Rejected>) -> Result<(), Error> {
        for row in &rejected {
            *self.counts.entry(row.kind()).or_default() += 1;
        }
        self.waiting.insert(block, rejected);
        while let Some(rows) = self.waiting.remove(&self.next) {
            self.next += 1;
            for row in rows {
                let (number, column, reason) = row.line();
                self.write(&format!("{number},{column},\"{}\"", reason.replace('"', "\"\"")))?;
            }
        }
        Ok(())
    }

    /// Gives the file its name.
    pub(super) fn finish(self) -> Result<Counts, Error> {
        if let Some(file) = self.file {
            file.commit()?;
        }
        Ok(self.counts)
    }

    fn write(&mut self, line: &str) -> Result<(), Error> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let written = writeln!(file, "{line}");
        written.map_err(|source| {
            let error: StoreError = file.write_error(source);
            error.into()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use blindlist_protocol::identifier::Reject;

    #[test]
    fn rows_are_written_in_order_whatever_the_order_of_the_blocks() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rejected.csv");
        let nir = |row| Rejected::Row(Rejection { row, column: "nir", reason: Reason::Cell(Reject::NirKey) });
        let mut log = RejectLog::new(Some(&path)).unwrap();
        log.add(2, vec![Rejected::Categories { row: 30 }]).unwrap();
        log.add(1, vec![]).unwrap();
        log.add(0, vec![nir(3), nir(5)]).unwrap();
        assert!(!path.exists());
        let counts = log.finish().unwrap();
        let written = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<_> =
            written.lines().map(|line| line.split_once(",\"").map_or(line, |(start, _)| start)).collect();
        assert_eq!(lines, ["row,column,reason", "3,nir", "5,nir", "30,categories"]);
        assert_eq!(counts.values().copied().collect::<Vec<_>>(), [1, 2]);
    }
}
