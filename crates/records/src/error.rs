//! What can be wrong with a file as a whole, or with the choice of its columns. Neither ever holds the contents of a
//! cell; headers are not personal data and are shown with control characters escaped and their length capped.

use std::{fmt, io, path::PathBuf};

use blindlist_protocol::identifier::Scheme;
use thiserror::Error;

use crate::{MAX_ROW_LEN, columns::Column};

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
    /// Not text.
    #[error("{} is not a CSV file: looked for text in UTF-8, found {found}; export it as CSV in UTF-8", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What its first bytes look like.
        found: &'static str,
    },
    /// Bytes that are not UTF-8, as in an export for Windows.
    #[error("{} of {} is not UTF-8: looked for text in UTF-8, found another encoding; export it as CSV in UTF-8", Place(*row), path.display())]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// The data row from 1; 0 for the header.
        row: u64,
    },
    /// The file ends inside a quoted field.
    #[error("{} of {} opens a quoted field: looked for the closing quote, found the end of the file", Place(*row), path.display())]
    OpenQuote {
        /// The file.
        path: PathBuf,
        /// The data row from 1; 0 for the header.
        row: u64,
    },
    /// A row of more than [`MAX_ROW_LEN`] bytes.
    #[error("{} of {} is too long: looked for at most {MAX_ROW_LEN} bytes, found more; is a quote left open?", Place(*row), path.display())]
    RowTooLong {
        /// The file.
        path: PathBuf,
        /// The data row from 1; 0 for the header.
        row: u64,
    },
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
    /// Not of the form `name=HEADER` with a known name.
    #[error(
        "a column is chosen with NAME=HEADER, where NAME is nir, birth_date, birth_rank, birth_name, given_name or categories"
    )]
    Override,
}
