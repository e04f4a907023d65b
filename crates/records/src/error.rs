//! What can be wrong with a file as a whole, or with the choice of its columns. Neither ever holds the contents of a
//! cell; headers are not personal data and are shown with control characters escaped and their length capped.

use std::{fmt, io, path::PathBuf};

use blindlist_protocol::identifier::Scheme;
use thiserror::Error;

use crate::{
    columns::Column,
    table::{Compression, Encoding, MAX_ROW_LEN, Origin},
};

/// Why a file cannot be read as a table.
#[derive(Debug, Error)]
pub enum TableError {
    /// The file is missing, or cannot be opened or read.
    #[error("cannot read {}: {reason}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: io::Error,
    },
    /// Nothing, or nothing but blank lines.
    #[error("{} is empty: looked for a line of column headers, found none", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// Neither text nor another format that can be read.
    #[error("{} is no table that can be read: looked for CSV, an Excel workbook or Parquet, found {found}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What its first bytes look like.
        found: &'static str,
    },
    /// A table of a format that is read from both its ends, where only a stream was given.
    #[error("{} is {found}, which cannot be read {how}: give it as a file of its own", path.display())]
    NotStreamed {
        /// The file.
        path: PathBuf,
        /// What its first bytes look like.
        found: &'static str,
        /// From what it was to be read.
        how: &'static str,
    },
    /// A workbook or Parquet file that is damaged, encrypted, too large, or of a kind that is not read.
    #[error("{} cannot be read as {format}: {problem}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What it should be.
        format: &'static str,
        /// What is wrong.
        problem: &'static str,
    },
    /// A workbook without the sheet that was asked for.
    #[error("{} has no sheet {sheet}: found {found}", path.display())]
    NoSheet {
        /// The file.
        path: PathBuf,
        /// The sheet that was asked for.
        sheet: String,
        /// The sheets that there are.
        found: String,
    },
    /// A compressed file that cannot be decompressed to its end.
    #[error("cannot decompress {}: the {compression} file {damage}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// How it is compressed.
        compression: Compression,
        /// What is wrong.
        damage: Damage,
    },
    /// Bytes that no rule gives an encoding to.
    #[error(
        "the encoding of {} cannot be told: looked for UTF-8, UTF-16 or Windows-1252, found other bytes; name it with --encoding, \
         or export the file in UTF-8",
        path.display()
    )]
    Unclear {
        /// The file.
        path: PathBuf,
    },
    /// The byte-order mark of another encoding than the one that was told.
    #[error("{} begins with the mark of {mark}, but --encoding {told} was given", path.display())]
    OtherMark {
        /// The file.
        path: PathBuf,
        /// The encoding that was told.
        told: Encoding,
        /// The encoding that the mark belongs to.
        mark: Encoding,
    },
    /// Bytes that are no text in the encoding of the file.
    #[error("{} of {} is no text in {encoding}: {}", Place(*row), path.display(), advice(*row, *encoding, *origin))]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The data row from 1; 0 for the header.
        row: u64,
        /// The encoding of everything before it.
        encoding: Encoding,
        /// Why it was taken for this one.
        origin: Origin,
    },
    /// The file ends inside a quoted field.
    #[error("{} of {} opens a quoted field: looked for the closing quote, found the end of the file", Place(*row), path.display())]
    OpenQuote {
        /// The file.
        path: PathBuf,
        /// The data row from 1; 0 for the header.
        row: u64,
    },
    /// A pattern that is none.
    #[error("{} is no pattern for files: {reason}", path.display())]
    Pattern {
        /// The pattern.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A pattern without a file.
    #[error("no file fits the pattern {}", path.display())]
    NoMatch {
        /// The pattern.
        path: PathBuf,
    },
    /// Standard input where a file is needed that can be read more than once.
    #[error("standard input can be read only once; looked for a file")]
    StandardInput,
    /// A row of more than [`MAX_ROW_LEN`] bytes.
    #[error("{} of {} is too long: looked for at most {MAX_ROW_LEN} bytes, found more; if it is CSV, is a quote left open?", Place(*row), path.display())]
    RowTooLong {
        /// The file.
        path: PathBuf,
        /// The data row from 1; 0 for the header.
        row: u64,
    },
}

/// What is wrong with a compressed file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Damage {
    /// It ends too early.
    #[error("ends before it is complete; copy it again")]
    Truncated,
    /// What it says is impossible, or does not have the checksum that it should.
    #[error("is damaged; copy it again")]
    Damaged,
    /// Zstandard with a window that would take too much memory.
    #[error("needs a window of more than 32 MiB; compress it again without --long or --ultra")]
    Window,
    /// Zstandard with a dictionary, which is not in the file.
    #[error("needs a dictionary; compress it again without one")]
    Dictionary,
}

/// What to do about a row that is not in the encoding of its file.
fn advice(row: u64, encoding: Encoding, origin: Origin) -> String {
    let reject = format!("--encoding {encoding} if such rows are to be rejected");
    match (origin, encoding, row) {
        (Origin::Told, ..) => {
            format!("looked for {encoding}, as --encoding says, found other bytes; name another encoding")
        }
        (Origin::Detected, Encoding::Utf8, _) => format!(
            "everything before it is, and this is found in an export for Windows; give --encoding {}, or {reject}",
            Encoding::Windows1252
        ),
        (Origin::Marked | Origin::Detected, _, 0) => "export the file in utf-8".to_owned(),
        (Origin::Marked | Origin::Detected, ..) => {
            format!("everything before it is; export the file in utf-8, or give {reject}")
        }
    }
}

/// Names a row in a sentence.
struct Place(u64);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("the header"),
            row => write!(f, "row {row}"),
        }
    }
}

/// Why no column has a header.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum HeaderError {
    /// It does not exist.
    #[error("no column {header}: found {found}")]
    Missing {
        /// The header that was asked for.
        header: String,
        /// The headers of the table.
        found: String,
    },
    /// It exists more than once.
    #[error("more than one column has the header {header}; rename one of them")]
    Repeated {
        /// The header.
        header: String,
    },
}

/// Why the columns of a table cannot be told. The caller adds the name of the file.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ColumnError {
    /// No header names the column.
    #[error(
        "no column for {column}: found {found}; name it with --column {column}=HEADER (known by themselves: {looked_for})"
    )]
    Missing {
        /// The column.
        column: Column,
        /// The headers that would have been taken for it.
        looked_for: String,
        /// The headers of the table.
        found: String,
    },
    /// More than one header names the column.
    #[error("more than one column for {column}: found {found}; choose with --column {column}=HEADER")]
    Ambiguous {
        /// The column.
        column: Column,
        /// The headers that match.
        found: String,
    },
    /// The header that was asked for does not exist.
    #[error("no column {header} for {column}: found {found}")]
    NoSuchHeader {
        /// The column.
        column: Column,
        /// The header that was asked for.
        header: String,
        /// The headers of the table.
        found: String,
    },
    /// The header that was asked for exists more than once.
    #[error("more than one column has the header {header}, which was chosen for {column}; rename one of them")]
    DuplicateHeader {
        /// The column.
        column: Column,
        /// The header.
        header: String,
    },
    /// One header for two columns.
    #[error("the column {header} was chosen for both {first} and {second}")]
    Shared {
        /// A column.
        first: Column,
        /// Another column.
        second: Column,
        /// The header.
        header: String,
    },
    /// A column was chosen twice.
    #[error("--column {column}=HEADER was given more than once")]
    Repeated {
        /// The column.
        column: Column,
    },
    /// A column was chosen that the scheme has no use for.
    #[error("--column {column}=HEADER was given, but the scheme {scheme} has no {column}")]
    Unused {
        /// The column.
        column: Column,
        /// The scheme.
        scheme: Scheme,
    },
    /// A column was chosen whose cells cannot be read.
    #[error("the column {header}, chosen for {column}, holds {holds}, which cannot be read; write it as text")]
    Unreadable {
        /// The column.
        column: Column,
        /// The header.
        header: String,
        /// What it holds.
        holds: &'static str,
    },
    /// Not of the form `name=HEADER` with a known name.
    #[error(
        "a column is chosen with NAME=HEADER, where NAME is nir, nir_key, birth_date, birth_rank, birth_name, given_name or categories"
    )]
    Override,
}
