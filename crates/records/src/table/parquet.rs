//! Rows of a Parquet file, streamed: columns of text, integers, dates, moments, decimals and floating point that are not
//! inside one another, as the writers in use make them.
//!
//! This module has its own reader because the `parquet` crate, made for files that one trusts, panics on some damaged pages
//! and asks for whatever memory a length in the file says. Here every length is checked before it is believed; memory is a
//! page of each column, at most 256 MiB of pages, and the metadata of at most 16 MiB, however large the row groups are.

mod delta;
mod metadata;
mod pages;
mod shape;
#[cfg(test)]
mod tests;
mod thrift;
mod values;

use std::{fmt, path::Path};

use self::{
    metadata::Metadata,
    pages::{Budget, Pages},
    shape::Shape,
};
use super::{
    Digest, MAX_ROW_LEN, Progress,
    disk::{Disk, Fault},
};
use crate::{batch::Batch, error::TableError, rejection::Reason};

pub(super) struct ParquetReader {
    disk: Disk,
    metadata: Metadata,
    headers: Vec<String>,
    budget: Budget,
    /// The columns of the current row group; nothing for those that cannot be read.
    columns: Vec<Option<Pages>>,
    /// Row groups begun, and rows left in the current one.
    groups: usize,
    left: u64,
    /// The number of the row that is read next.
    number: u64,
    text: String,
    ends: Vec<usize>,
}

impl ParquetReader {
    /// Opens the file and reads its metadata.
    ///
    /// # Errors
    /// If the file cannot be read, is no Parquet file, is encrypted or damaged, or has no columns.
    pub(super) fn open(path: &Path) -> Result<Self, TableError> {
        let disk = Disk::open(path, "a Parquet file")?;
        let metadata = Metadata::read(&disk).map_err(|fault| disk.error(fault, 0))?;
        let headers = metadata.columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>();
        if headers.is_empty() {
            return Err(TableError::Empty { path: path.to_owned() });
        }
        if headers.iter().any(|header| header.contains('\0')) {
            return Err(disk.error(Fault::Broken("its header holds a NUL byte"), 0));
        }
        // Without values to read, nothing would bound the number of rows that a file can claim.
        if metadata.columns.iter().all(|column| matches!(column.shape, Shape::Unreadable(_))) {
            return Err(disk.error(Fault::Broken("none of its columns holds text, numbers or dates"), 0));
        }
        Ok(Self {
            disk,
            metadata,
            headers,
            budget: Budget::default(),
            columns: Vec::new(),
            groups: 0,
            left: 0,
            number: 1,
            text: String::new(),
            ends: Vec::new(),
        })
    }

    pub(super) fn headers(&self) -> &[String] {
        &self.headers
    }

    /// What a column holds, from 0, if it cannot be read. Its cells are then `[…]`, which is valid for nothing.
    pub(super) fn unreadable(&self, column: usize) -> Option<&'static str> {
        match self.metadata.columns.get(column)?.shape {
            Shape::Unreadable(found) => Some(found),
            Shape::Readable { .. } => None,
        }
    }

    pub(super) fn path(&self) -> &Path {
        self.disk.path()
    }

    /// How many rows are read, as a part of the file.
    pub(super) fn progress(&self) -> Progress {
        Progress::part(self.disk.length(), self.number - 1, self.metadata.rows)
    }

    pub(super) fn finish(self) -> Result<Digest, TableError> {
        self.disk.finish()
    }

    /// Appends the next row to the batch; false at the end of the file.
    pub(super) fn read_row(&mut self, batch: &mut Batch) -> Result<bool, TableError> {
        if !self.next_row().map_err(|fault| self.disk.error(fault, self.number))? {
            return Ok(false);
        }
        if self.text.contains('\0') {
            batch.push_defective(self.number, 0, Reason::NulByte);
        } else {
            batch.push(self.number, 0, &self.text, &self.ends);
        }
        self.number += 1;
        Ok(true)
    }

    /// Reads a row into `text` and `ends`; false at the end of the file.
    fn next_row(&mut self) -> Result<bool, Fault> {
        while self.left == 0 {
            // A row group that claims fewer rows than it has must not lose them.
            if !self.columns.iter().flatten().all(Pages::is_done) {
                return Err(Fault::DAMAGED);
            }
            let Some(group) = self.metadata.groups.get(self.groups) else {
                return Ok(false);
            };
            let mut chunks = group.chunks.iter();
            self.columns.clear();
            for column in &self.metadata.columns {
                self.columns.push(match column.shape {
                    Shape::Readable { physical, meaning, optional } => {
                        let chunk = *chunks.next().ok_or(Fault::DAMAGED)?;
                        Some(Pages::new(&self.disk, chunk, (physical, meaning, optional), &self.budget))
                    }
                    Shape::Unreadable(_) => None,
                });
            }
            self.left = group.rows;
            self.groups += 1;
        }
        self.left -= 1;
        self.text.clear();
        self.ends.clear();
        for (pages, column) in self.columns.iter_mut().zip(&self.metadata.columns) {
            match (pages, column.shape) {
                (Some(pages), _) => pages.write_next(&mut self.text)?,
                (None, Shape::Unreadable(found)) => self.text.extend(["[", found, "]"]),
                (None, Shape::Readable { .. }) => return Err(Fault::DAMAGED),
            }
            if self.text.len() > MAX_ROW_LEN {
                return Err(Fault::TooLong);
            }
            self.ends.push(self.text.len());
        }
        Ok(true)
    }
}

impl fmt::Debug for ParquetReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParquetReader")
            .field("path", &self.path())
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}
