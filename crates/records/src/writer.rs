//! Writes tables of text, row by row, in any [`Format`]: what comes out of a check, or of a seal.
//!
//! Every cell is text and comes back as it went in; nothing is turned into a number or a date, so that no digit is lost.
//! Memory is one row, for Parquet one group of rows, whatever the length of the table. Nothing is written but into the
//! output that was given: no temporary file. No cell goes into an error.

mod csv;
mod jsonl;
#[cfg(feature = "write-parquet")]
mod parquet;
#[cfg(test)]
mod tests;
mod xlsx;

use std::{borrow::Cow, collections::HashSet, fmt, io, str::FromStr};

use thiserror::Error;

pub use self::csv::CsvStyle;
#[cfg(feature = "write-parquet")]
use self::parquet::ParquetWriter;
use self::{csv::CsvWriter, jsonl::JsonLinesWriter, xlsx::XlsxWriter};

/// A format that tables are written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Format {
    /// Fields parted by a delimiter.
    #[default]
    Csv,
    /// An Excel workbook of one sheet, whose header stays in sight and has a filter.
    Xlsx,
    /// Parquet, whose columns are all text that is never missing.
    Parquet,
    /// One JSON object a line.
    JsonLines,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 4] = [Self::Csv, Self::Xlsx, Self::Parquet, Self::JsonLines];

    /// The name, as it is given on a command line and ends the name of a file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
            Self::Parquet => "parquet",
            Self::JsonLines => "jsonl",
        }
    }

    /// Whether this build can write it.
    ///
    /// # Errors
    /// [`WriteError::NotBuilt`].
    pub const fn check(self) -> Result<(), WriteError> {
        if matches!(self, Self::Parquet) && !cfg!(feature = "write-parquet") {
            return Err(WriteError::NotBuilt);
        }
        Ok(())
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The name of a format is none of those that are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a format is csv, xlsx, parquet or jsonl")]
pub struct UnknownFormat;

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        Self::ALL.into_iter().find(|format| format.name() == text).ok_or(UnknownFormat)
    }
}

/// Why a table cannot be written.
#[derive(Debug, Error)]
pub enum WriteError {
    /// The output failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// More rows than a workbook has.
    #[error(
        "an Excel workbook has at most {} rows below its header, and there are more: choose csv, parquet or jsonl",
        xlsx::MAX_ROWS
    )]
    TooManyRows,
    /// More columns than a workbook has.
    #[error(
        "an Excel workbook has at most {} columns, and there are more: choose csv, parquet or jsonl",
        xlsx::MAX_COLUMNS
    )]
    TooManyColumns,
    /// A longer text than a workbook can hold.
    #[error(
        "an Excel workbook has at most {} characters in a cell, and row {row} of the output has more: choose csv, parquet or jsonl",
        xlsx::MAX_CELL
    )]
    CellTooLong {
        /// The row that is written, from 1.
        row: u64,
    },
    /// A larger sheet than a workbook can hold.
    #[error("an Excel workbook holds at most 4 GiB, and the output is larger: choose csv, parquet or jsonl")]
    TooLarge,
    /// Parquet, in a build that cannot write it.
    #[error("this build cannot write Parquet: take one with the feature `parquet`, or choose csv, xlsx or jsonl")]
    NotBuilt,
}

impl From<WriteError> for io::Error {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Io(error) => error,
            WriteError::TooManyRows
            | WriteError::TooManyColumns
            | WriteError::CellTooLong { .. }
            | WriteError::TooLarge
            | WriteError::NotBuilt => Self::other(error),
        }
    }
}

/// What a table looks like when it is written.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    /// The format.
    pub format: Format,
    /// For CSV.
    pub csv: CsvStyle,
    /// The name of the sheet, for a workbook: at most 31 letters, digits and spaces.
    pub sheet: &'a str,
}

/// Writes a table. After an error it must not be used again.
///
/// # Security
/// Personal data goes through it: `Debug` shows only the format.
pub struct Writer<W: io::Write + Send> {
    table: Table<W>,
    columns: usize,
}

enum Table<W: io::Write + Send> {
    Csv(Box<CsvWriter<W>>),
    Xlsx(Box<XlsxWriter<W>>),
    #[cfg(feature = "write-parquet")]
    Parquet(Box<ParquetWriter<W>>),
    JsonLines(JsonLinesWriter<W>),
}

impl<W: io::Write + Send> Writer<W> {
    /// Begins a table with these headers.
    ///
    /// CSV and workbooks have them as they are. In Parquet and JSON lines, where every column needs a name of its own, an
    /// empty one becomes `column_3`, where 3 is its place from 1, and one that was there before gets `_2`, `_3` and so on.
    ///
    /// # Errors
    /// [`WriteError::NotBuilt`], [`WriteError::TooManyColumns`], [`WriteError::CellTooLong`], [`WriteError::Io`].
    pub fn new(look: &Look<'_>, headers: &[&str], output: W) -> Result<Self, WriteError> {
        look.format.check()?;
        let table = match look.format {
            Format::Csv => Table::Csv(Box::new(CsvWriter::new(look.csv, headers, output)?)),
            Format::Xlsx => Table::Xlsx(Box::new(XlsxWriter::new(look.sheet, headers, output)?)),
            #[cfg(feature = "write-parquet")]
            Format::Parquet => Table::Parquet(Box::new(ParquetWriter::new(&distinct_names(headers), output)?)),
            #[cfg(not(feature = "write-parquet"))]
            Format::Parquet => return Err(WriteError::NotBuilt),
            Format::JsonLines => Table::JsonLines(JsonLinesWriter::new(&distinct_names(headers), output)?),
        };
        Ok(Self { table, columns: headers.len() })
    }

    /// Writes a row of as many cells as there are headers.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn write(&mut self, cells: impl IntoIterator<Item: AsRef<str>>) -> Result<(), WriteError> {
        let mut count = 0;
        for cell in cells {
            let cell = cell.as_ref();
            count += 1;
            if count > self.columns {
                break;
            }
            match &mut self.table {
                Table::Csv(csv) => csv.cell(cell)?,
                Table::Xlsx(workbook) => workbook.cell(cell)?,
                #[cfg(feature = "write-parquet")]
                Table::Parquet(parquet) => parquet.cell(cell),
                Table::JsonLines(lines) => lines.cell(cell)?,
            }
        }
        if count != self.columns {
            return Err(io::Error::other("a row that has not as many cells as there are headers").into());
        }
        match &mut self.table {
            Table::Csv(csv) => csv.end_row()?,
            Table::Xlsx(workbook) => workbook.end_row()?,
            #[cfg(feature = "write-parquet")]
            Table::Parquet(parquet) => parquet.end_row()?,
            Table::JsonLines(lines) => lines.end_row()?,
        }
        Ok(())
    }

    /// Writes what is left, flushes, and gives the output back.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn finish(self) -> Result<W, WriteError> {
        let mut output = match self.table {
            Table::Csv(csv) => csv.finish()?,
            Table::Xlsx(workbook) => workbook.finish()?,
            #[cfg(feature = "write-parquet")]
            Table::Parquet(parquet) => parquet.finish()?,
            Table::JsonLines(lines) => lines.finish()?,
        };
        output.flush()?;
        Ok(output)
    }
}

impl<W: io::Write + Send> fmt::Debug for Writer<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let format = match &self.table {
            Table::Csv(_) => Format::Csv,
            Table::Xlsx(_) => Format::Xlsx,
            #[cfg(feature = "write-parquet")]
            Table::Parquet(_) => Format::Parquet,
            Table::JsonLines(_) => Format::JsonLines,
        };
        write!(f, "Writer({format})")
    }
}

/// The headers as names, each once: an empty one becomes `column_3`, where 3 is its place from 1, and one that was there
/// before gets `_2`, `_3` and so on behind it, the first that no other header has.
fn distinct_names(headers: &[&str]) -> Vec<String> {
    let given = headers.iter().copied().collect::<HashSet<_>>();
    let mut taken = HashSet::new();
    let mut names = Vec::with_capacity(headers.len());
    for (place, header) in (1..).zip(headers) {
        let first = if header.is_empty() { format!("column_{place}") } else { (*header).to_owned() };
        let is_free = |name: &String| !taken.contains(name) && (name == header || !given.contains(name.as_str()));
        let name = if is_free(&first) { first } else { numbered(&first, is_free) };
        taken.insert(name.clone());
        names.push(name);
    }
    names
}

/// The first of `name_2`, `name_3` and so on that is free.
pub(crate) fn numbered(name: &str, is_free: impl Fn(&String) -> bool) -> String {
    (2_u64..).map(|number| format!("{name}_{number}")).find(is_free).expect("not all numbers are taken")
}

/// A text that no spreadsheet takes for a formula, for cells whose text is not ours and must not be kept to the letter, such as
/// the name of a file.
pub(crate) fn harmless(text: &str) -> Cow<'_, str> {
    let text = if text.chars().any(char::is_control) {
        let escape = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
        Cow::Owned(text.chars().map(escape).collect())
    } else {
        Cow::Borrowed(text)
    };
    if text.starts_with(['=', '+', '-', '@']) { Cow::Owned(format!("./{text}")) } else { text }
}
