//! A file of rows: where its format is chosen, and what all formats have in common.

mod compressed;
mod csv;
mod disk;
mod encoding;
#[cfg(feature = "parquet")]
mod parquet;
mod signature;
mod source;
#[cfg(test)]
mod tests;
mod text;
mod typed;
mod xlsx;
mod zstd;

use std::{
    io::{self, Read},
    path::{Path, PathBuf},
};

#[cfg(feature = "parquet")]
use self::parquet::ParquetReader;
use self::{
    compressed::Content,
    csv::CsvReader,
    signature::{SIGNATURE_LEN, Signature},
    source::Source,
    text::{FIRST_LEN, Text},
    xlsx::XlsxReader,
};
use crate::{batch::Batch, error::TableError, writer::CsvStyle};

pub use self::{
    compressed::Compression,
    encoding::{Encoding, Origin, UnknownEncoding},
};

/// The longest row in bytes, quotes and line end included. Of a text in another encoding, as it is in UTF-8.
pub const MAX_ROW_LEN: usize = 1 << 20;

/// A batch is closed early when it takes this many bytes, so that memory stays bounded; its last row may take more.
const BATCH_SIZE: usize = 1 << 20;

/// The name that stands for standard input on a command line.
const STANDARD_INPUT: &str = "-";

/// What whoever runs the program says about the tables that it reads. What does not concern a file is not looked at, so that
/// files of several formats can be read with the same options.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableOptions {
    /// The encoding of a CSV file; otherwise it is found out.
    pub encoding: Option<Encoding>,
    /// The sheet of a workbook; otherwise it is the first.
    pub sheet: Option<String>,
}

/// A table that is read once from the first row to the last. The file is hashed as it is read. Its format is told by its
/// content, never by its name.
///
/// CSV: fields parted by `,` `;` tab or `|`, whichever appears most in the header; in any [`Encoding`]; as it is or in any
/// [`Compression`]; fields in `"` may hold delimiters, line breaks and doubled quotes; lines end in LF, CRLF or CR; blank
/// lines are skipped and not counted. A file of one column has no delimiter, so that a comma in a cell is part of it.
///
/// An Excel workbook: one sheet, numbers with all their digits, dates as `1980-12-31`. Parquet, with the feature of that name:
/// columns of text, numbers and dates. Both say in their modules how cells are written.
///
/// Memory, whatever the size of the file and of what is compressed in it: a few MiB for CSV, with Zstandard up to 80 MiB more;
/// for the texts of a workbook and the pages of a Parquet file up to 256 MiB.
#[derive(Debug)]
pub struct Table {
    path: PathBuf,
    format: Format,
}

#[derive(Debug)]
enum Format {
    Csv(Box<CsvReader>),
    Xlsx(Box<XlsxReader>),
    #[cfg(feature = "parquet")]
    Parquet(Box<ParquetReader>),
}

impl Table {
    /// Opens a file, or standard input for `-`, and reads its header.
    ///
    /// # Errors
    /// If the file is missing, unreadable, empty, of another format, in no encoding that can be told, or has no header that
    /// ends.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, TableError> {
        Self::open_with(path, &TableOptions::default())
    }

    /// As [`Table::open`], with what is said about the file.
    ///
    /// # Errors
    /// As [`Table::open`], and if what is said does not fit the file.
    pub fn open_with(path: impl AsRef<Path>, options: &TableOptions) -> Result<Self, TableError> {
        let path = path.as_ref();
        if is_standard_input(path) {
            return Self::from_reader("standard input", io::stdin(), options);
        }
        let mut source = Source::open(path)?;
        let first = source.peek::<SIGNATURE_LEN>()?;
        let format = match Signature::of(&first) {
            Some(Signature::Zip | Signature::Compound) => {
                Format::Xlsx(Box::new(XlsxReader::open(path, options.sheet.as_deref())?))
            }
            Some(Signature::Parquet) => parquet(path)?,
            Some(Signature::Other(found)) => return Err(TableError::Format { path: path.to_owned(), found }),
            None => Format::Csv(Box::new(csv(source, &first, options)?)),
        };
        Ok(Self { path: path.to_owned(), format })
    }

    /// Reads a table from a stream, which errors call `name`. Workbooks and Parquet cannot be read so: both begin at their end.
    ///
    /// # Errors
    /// As [`Table::open_with`].
    pub fn from_reader(
        name: impl Into<PathBuf>,
        reader: impl Read + Send + 'static,
        options: &TableOptions,
    ) -> Result<Self, TableError> {
        let path = name.into();
        let mut source = Source::new(path.clone(), Box::new(reader), 0);
        let first = source.peek::<SIGNATURE_LEN>()?;
        refuse(&path, &first, "from a stream")?;
        Ok(Self { path, format: Format::Csv(Box::new(csv(source, &first, options)?)) })
    }

    /// The headers in the order of the columns, as they stand in the file.
    pub fn headers(&self) -> &[String] {
        match &self.format {
            Format::Csv(csv) => csv.headers(),
            Format::Xlsx(workbook) => workbook.headers(),
            #[cfg(feature = "parquet")]
            Format::Parquet(parquet) => parquet.headers(),
        }
    }

    /// What parts the fields of a CSV file; nothing does in a file of one column.
    pub fn delimiter(&self) -> Option<char> {
        match &self.format {
            Format::Csv(csv) => csv.delimiter(),
            Format::Xlsx(_) => None,
            #[cfg(feature = "parquet")]
            Format::Parquet(_) => None,
        }
    }

    /// How a CSV file is to be written so that whoever made this one can read it; for other formats, and for a file of one
    /// column, with commas.
    pub fn csv_style(&self) -> CsvStyle {
        match &self.format {
            Format::Csv(csv) => csv.style(),
            Format::Xlsx(_) => CsvStyle::default(),
            #[cfg(feature = "parquet")]
            Format::Parquet(_) => CsvStyle::default(),
        }
    }

    /// What the file was found to be, for people, such as `CSV in windows-1252 (detected), fields parted by ";"`.
    pub fn describe(&self) -> String {
        match &self.format {
            Format::Csv(csv) => csv.describe(),
            Format::Xlsx(workbook) => match workbook.sheet() {
                (sheet, 0) => format!("Excel workbook, sheet {sheet}"),
                (sheet, others) => format!("Excel workbook, sheet {sheet} ({others} more not read)"),
            },
            #[cfg(feature = "parquet")]
            Format::Parquet(_) => "Parquet".to_owned(),
        }
    }

    /// What the column at this place, from 0, holds if its cells cannot be read. [`crate::Columns::of`] refuses such a column.
    #[cfg_attr(not(feature = "parquet"), expect(unused_variables, reason = "only Parquet has such columns"))]
    pub(crate) fn unreadable(&self, place: usize) -> Option<&'static str> {
        match &self.format {
            Format::Csv(_) | Format::Xlsx(_) => None,
            #[cfg(feature = "parquet")]
            Format::Parquet(parquet) => parquet.unreadable(place),
        }
    }

    /// The file as it was named when it was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Replaces the rows of `batch` by the next ones, at most `max`, and returns how many they are: 0 only at the end of
    /// the table or if `max` is 0. Rows with a NUL byte, another number of fields than the header, or bytes that are no text
    /// in the encoding that was told come as defective rows, which [`crate::Columns::identifier`] rejects.
    ///
    /// # Errors
    /// If reading fails, or at a row that is too long, is no text in the encoding that was detected, or opens a quote that
    /// never closes. The rows before it in the same batch are in `batch`. Reading must not go on after an error.
    pub fn read_batch(&mut self, batch: &mut Batch, max: usize) -> Result<usize, TableError> {
        batch.clear();
        while batch.len() < max && batch.size() < BATCH_SIZE {
            let more = match &mut self.format {
                Format::Csv(csv) => csv.read_row(batch)?,
                Format::Xlsx(workbook) => workbook.read_row(batch)?,
                #[cfg(feature = "parquet")]
                Format::Parquet(parquet) => parquet.read_row(batch)?,
            };
            if !more {
                break;
            }
        }
        Ok(batch.len())
    }

    /// How far reading has come.
    pub fn progress(&self) -> Progress {
        match &self.format {
            Format::Csv(csv) => csv.progress(),
            Format::Xlsx(workbook) => workbook.progress(),
            #[cfg(feature = "parquet")]
            Format::Parquet(parquet) => parquet.progress(),
        }
    }

    /// The digest of the whole file, of which the part that was not read yet is read now. Of a compressed file it is the digest
    /// of the compressed bytes.
    ///
    /// # Errors
    /// If reading fails.
    pub fn finish(self) -> Result<Digest, TableError> {
        match self.format {
            Format::Csv(csv) => csv.finish(),
            Format::Xlsx(workbook) => workbook.finish(),
            #[cfg(feature = "parquet")]
            Format::Parquet(parquet) => parquet.finish(),
        }
    }
}

/// How far reading has come, in bytes of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes read so far.
    pub read: u64,
    /// Bytes of the file when it was opened; 0 for a pipe.
    pub total: u64,
}

impl Progress {
    /// So much done of all that there is to do, as a part of the file.
    fn part(total: u64, done: u64, all: u64) -> Self {
        let read = (u128::from(total) * u128::from(done)).checked_div(all.into());
        Self { read: read.and_then(|read| u64::try_from(read).ok()).unwrap_or(total), total }
    }
}

/// The digest and length of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest {
    /// SHA-256 of all bytes.
    pub sha256: [u8; 32],
    /// The number of bytes.
    pub length: u64,
}

/// The digest of a file, whatever its format.
///
/// # Errors
/// If the file cannot be read; [`TableError::StandardInput`] for `-`, of which nothing would be left to read.
pub fn digest(path: impl AsRef<Path>) -> Result<Digest, TableError> {
    let path = path.as_ref();
    if is_standard_input(path) { Err(TableError::StandardInput) } else { Source::open(path)?.finish() }
}

/// Whether the name stands for standard input, which [`Table::open`] can read once.
pub fn is_standard_input(path: impl AsRef<Path>) -> bool {
    path.as_ref().as_os_str() == STANDARD_INPUT
}

#[cfg(feature = "parquet")]
fn parquet(path: &Path) -> Result<Format, TableError> {
    Ok(Format::Parquet(Box::new(ParquetReader::open(path)?)))
}

#[cfg(not(feature = "parquet"))]
fn parquet(path: &Path) -> Result<Format, TableError> {
    let problem = "this build cannot read it; take one with the feature `parquet`, or export it as CSV";
    Err(TableError::Unreadable { path: path.to_owned(), format: "a Parquet file", problem })
}

/// The rows of a CSV file, compressed or not. `first` are the first bytes of the source.
fn csv(source: Source, first: &[u8], options: &TableOptions) -> Result<CsvReader, TableError> {
    let mut content = Content::new(source, first);
    let mut first = vec![0; FIRST_LEN];
    let length = content.fill(&mut first)?;
    first.truncate(length);
    if content.compression().is_some() {
        if Compression::of(&first).is_some() {
            let found = "a compressed file within a compressed file";
            return Err(TableError::Format { path: content.path().to_owned(), found });
        }
        refuse(content.path(), &first, "from a compressed file")?;
    }
    CsvReader::new(Text::new(content, first, options.encoding)?)
}

/// An error if the content is none that can be read as a stream.
fn refuse(path: &Path, first: &[u8], how: &'static str) -> Result<(), TableError> {
    let path = path.to_owned();
    match Signature::of(first) {
        None => Ok(()),
        Some(Signature::Other(found)) => Err(TableError::Format { path, found }),
        Some(signature) => Err(TableError::NotStreamed { path, found: signature.name(), how }),
    }
}
