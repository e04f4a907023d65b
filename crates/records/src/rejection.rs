//! Rows that could not be turned into an identifier: named by number, column and reason, never by their contents.

use std::{fmt, io, path::Path};

use blindlist_protocol::identifier::Reject;
use thiserror::Error;

use crate::writer::{Look, WriteError, Writer, harmless};

/// Why a row was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// A cell has no canonical form.
    Cell(Reject),
    /// The row has another number of fields than the header.
    FieldCount {
        /// Fields in the row.
        found: usize,
        /// Fields in the header.
        expected: usize,
        /// Lines of the file that the row spans: more than one if a quoted field holds line breaks.
        lines: usize,
    },
    /// The row holds a NUL byte.
    NulByte,
    /// The row is no text in the encoding that was told.
    Encoding,
    /// The `categories` cell names nothing, or something that the list does not have.
    Category,
    /// The cell that a list is split by holds no code that somebody stands for.
    Unmapped,
}

impl Reason {
    /// The reason in words without what differs from row to row: for counting.
    pub fn in_general(self) -> String {
        match self {
            Self::FieldCount { .. } => "the row has another number of fields than the header".to_owned(),
            Self::Cell(_) | Self::NulByte | Self::Encoding | Self::Category | Self::Unmapped => self.to_string(),
        }
    }

    /// A stable name of the reason in lower case with hyphens.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Cell(reject) => reject.code(),
            Self::FieldCount { .. } => "field-count",
            Self::NulByte => "nul-byte",
            Self::Encoding => "encoding",
            Self::Category => "category",
            Self::Unmapped => "unmapped",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cell(reject) => reject.fmt(f),
            Self::FieldCount { found, expected, lines } => {
                let fields = if *found == 1 { "field" } else { "fields" };
                write!(f, "the row has {found} {fields}, the header has {expected}")?;
                match lines {
                    0 | 1 => Ok(()),
                    _ => write!(f, "; the row spans {lines} lines, is a quote left open?"),
                }
            }
            Self::NulByte => f.write_str("the row holds a NUL byte"),
            Self::Encoding => f.write_str("the row is no text in the encoding that was told"),
            Self::Category => f.write_str("a category is empty or is not one of the list's"),
            Self::Unmapped => f.write_str("the code is empty or is not in the audience map"),
        }
    }
}

/// A rejected row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[error("row {row}, {column}: {reason}")]
pub struct Rejection {
    /// The line of the file where the row begins, if it has lines: [`crate::Row::line`].
    pub line: Option<u64>,
    /// The data row from 1.
    pub row: u64,
    /// The canonical name of the column, or `row` if the row as a whole is at fault. Never the file's own header, so
    /// that programs can rely on it and a spreadsheet finds nothing to evaluate.
    pub column: &'static str,
    /// The reason.
    pub reason: Reason,
}

/// Writes rejected rows as a table with the columns [`RejectedWriter::COLUMNS`]. No cell begins as a formula would.
#[derive(Debug)]
pub struct RejectedWriter<W: io::Write + Send> {
    table: Writer<W>,
    file: String,
    count: u64,
}

impl<W: io::Write + Send> RejectedWriter<W> {
    /// The columns: the file as it was named; the line of [`crate::Row::line`], or nothing; the row; the column; and the reason,
    /// which is its code, for programs, a colon, and the sentence for people.
    pub const COLUMNS: [&'static str; 5] = ["file", "line", "row", "column", "reason"];

    /// Begins the table of the rejected rows of a file. Output is buffered until [`RejectedWriter::finish`].
    ///
    /// # Errors
    /// If `output` fails, or the format cannot be written.
    pub fn new(look: &Look<'_>, file: &Path, output: W) -> Result<Self, WriteError> {
        let table = Writer::new(look, &Self::COLUMNS, output)?;
        Ok(Self { table, file: harmless(&file.to_string_lossy()).into_owned(), count: 0 })
    }

    /// Writes one rejected row.
    ///
    /// # Errors
    /// If the output fails, or the format cannot hold more.
    pub fn write(&mut self, rejection: &Rejection) -> Result<(), WriteError> {
        let Rejection { line, row, column, reason } = rejection;
        let line = line.map_or_else(String::new, |line| line.to_string());
        let reason = format!("{}: {reason}", reason.code());
        self.table.write([self.file.as_str(), &line, &row.to_string(), column, &reason])?;
        self.count += 1;
        Ok(())
    }

    /// How many rows were written.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Flushes and gives the output back.
    ///
    /// # Errors
    /// If the output fails.
    pub fn finish(self) -> Result<W, WriteError> {
        self.table.finish()
    }
}

/// The system's error behind one of a CSV writer's, whose own conversion hides a full disk.
pub fn io_error(error: csv::Error) -> io::Error {
    let text = error.to_string();
    if let csv::ErrorKind::Io(source) = error.into_kind() { source } else { io::Error::other(text) }
}
