//! A file of rows: where its format is chosen, and what all formats have in common.

mod csv;
mod source;
#[cfg(test)]
mod tests;

use std::path::Path;

use self::{csv::CsvReader, source::Source};
use crate::{batch::Batch, error::TableError};

/// The longest row in bytes, quotes and line end included.
pub const MAX_ROW_LEN: usize = 1 << 20;

/// A batch is closed early when its cells hold this many bytes, so that memory stays bounded.
const BATCH_TEXT_LEN: usize = 8 << 20;

/// A table that is read once from the first row to the last. The file is hashed as it is read.
///
/// CSV: fields parted by `,` `;` tab or `|`, whichever appears most in the header; UTF-8 with or without a byte-order
/// mark; fields in `"` may hold delimiters, line breaks and doubled quotes; lines end in LF, CRLF or CR; blank lines are
/// skipped and not counted. A file of one column has no delimiter, so that a comma in a cell is part of it.
///
/// Memory: a few MiB, whatever the size of the file.
#[derive(Debug)]
pub struct Table {
    format: Format,
}

#[derive(Debug)]
enum Format {
    Csv(Box<CsvReader>),
}

impl Table {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// If the file is missing, unreadable, empty, not CSV in UTF-8, or has no header that ends.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, TableError> {
        let mut source = Source::open(path.as_ref())?;
        let mut prefix = vec![0; MAX_ROW_LEN];
        let length = source.fill(&mut prefix)?;
        prefix.truncate(length);
        match foreign_format(&prefix) {
            Some(found) => Err(TableError::Format { path: source.path().to_owned(), found }),
            None => Ok(Self { format: Format::Csv(Box::new(CsvReader::new(source, prefix)?)) }),
        }
    }

    /// The headers in the order of the columns, as they stand in the file.
    pub fn headers(&self) -> &[String] {
        match &self.format {
            Format::Csv(csv) => csv.headers(),
        }
    }

    /// What parts the fields; nothing does in a file of one column.
    pub fn delimiter(&self) -> Option<char> {
        match &self.format {
            Format::Csv(csv) => csv.delimiter(),
        }
    }

    /// The file as it was named to [`Table::open`].
    pub fn path(&self) -> &Path {
        self.source().path()
    }

    /// Replaces the rows of `batch` by the next ones, at most `max`, and returns how many they are: 0 only at the end of
    /// the table or if `max` is 0. Rows with a NUL byte or another number of fields than the header come as defective
    /// rows, which [`crate::Columns::identifier`] rejects.
    ///
    /// # Errors
    /// If reading fails, or at a row that is too long, is not UTF-8, or opens a quote that never closes. The rows before
    /// it in the same batch are in `batch`. Reading must not go on after an error.
    pub fn read_batch(&mut self, batch: &mut Batch, max: usize) -> Result<usize, TableError> {
        batch.clear();
        while batch.len() < max && batch.text_len() < BATCH_TEXT_LEN {
            let more = match &mut self.format {
                Format::Csv(csv) => csv.read_row(batch)?,
            };
            if !more {
                break;
            }
        }
        Ok(batch.len())
    }

    /// How far reading has come.
    pub fn progress(&self) -> Progress {
        self.source().progress()
    }

    /// The digest of the whole file, of which the part that was not read yet is read now.
    ///
    /// # Errors
    /// If reading fails.
    pub fn finish(self) -> Result<Digest, TableError> {
        match self.format {
            Format::Csv(csv) => csv.into_source().finish(),
        }
    }

    fn source(&self) -> &Source {
        match &self.format {
            Format::Csv(csv) => csv.source(),
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
/// If the file cannot be read.
pub fn digest(path: impl AsRef<Path>) -> Result<Digest, TableError> {
    Source::open(path.as_ref())?.finish()
}

/// What the file is, if its first bytes tell that it is not CSV in UTF-8.
fn foreign_format(prefix: &[u8]) -> Option<&'static str> {
    let signatures: [(&[u8], &str); 7] = [
        (b"PK\x03\x04", "a ZIP archive such as an Excel workbook"),
        (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
        (b"PAR1", "a Parquet file"),
        (b"\x1f\x8b", "a gzip file"),
        (b"\x28\xb5\x2f\xfd", "a Zstandard file"),
        (b"\xff\xfe", "UTF-16"),
        (b"\xfe\xff", "UTF-16"),
    ];
    signatures.into_iter().find(|(signature, _)| prefix.starts_with(signature)).map(|(_, found)| found)
}
