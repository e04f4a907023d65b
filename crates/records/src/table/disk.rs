//! A file whose parts are read in any order, as the formats with a directory at their end need it: opened once, read at
//! given places, and hashed whole through the same handle.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use sha2::{Digest as _, Sha256};

use super::Digest;
use crate::error::TableError;

/// Bytes read at a time where only the digest is wanted.
const HASHED_LEN: usize = 1 << 18;

/// What is said of bytes that break the rules of their format in any of a thousand ways.
pub(super) const DAMAGED: &str = "it is damaged or incomplete";

/// What went wrong inside a file, before its name is added.
#[derive(Debug)]
pub(super) enum Fault {
    /// The system could not read.
    Io(io::Error),
    /// The file is not what it should be.
    Broken(&'static str),
    /// The current row is longer than [`super::MAX_ROW_LEN`].
    TooLong,
}

impl Fault {
    pub(super) const DAMAGED: Self = Self::Broken(DAMAGED);
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        let of_content = [io::ErrorKind::InvalidData, io::ErrorKind::InvalidInput, io::ErrorKind::UnexpectedEof];
        if of_content.contains(&error.kind()) { Self::DAMAGED } else { Self::Io(error) }
    }
}

pub(super) struct Disk {
    path: PathBuf,
    file: Arc<File>,
    length: u64,
    modified: Option<SystemTime>,
    /// What the file is called in messages, with its article.
    format: &'static str,
}

impl Disk {
    pub(super) fn open(path: &Path, format: &'static str) -> Result<Self, TableError> {
        let open = || {
            let file = File::open(path)?;
            let metadata = file.metadata()?;
            if !metadata.is_file() {
                return Err(io::Error::other("looked for an ordinary file, found something else"));
            }
            Ok((Arc::new(file), metadata.len(), metadata.modified().ok()))
        };
        let (file, length, modified) = open().map_err(|reason| TableError::Read { path: path.to_owned(), reason })?;
        Ok(Self { path: path.to_owned(), file, length, modified, format })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// At most `length` bytes from `start` on. Reading beyond the end of the file finds nothing.
    pub(super) fn section(&self, start: u64, length: u64) -> Section {
        Section { file: Arc::clone(&self.file), position: start, end: start.saturating_add(length) }
    }

    /// Exactly `length` bytes from `start` on; the caller bounds the length.
    pub(super) fn bytes(&self, start: u64, length: usize) -> Result<Vec<u8>, Fault> {
        let mut bytes = Vec::new();
        self.section(start, length as u64).read_to_end(&mut bytes)?;
        if bytes.len() == length { Ok(bytes) } else { Err(Fault::DAMAGED) }
    }

    /// The error that a fault is, in data row `row` or, if that is 0, in the header or before it.
    pub(super) fn error(&self, fault: Fault, row: u64) -> TableError {
        let path = self.path.clone();
        match fault {
            Fault::Io(reason) => TableError::Read { path, reason },
            Fault::Broken(problem) => TableError::Unreadable { path, format: self.format, problem },
            Fault::TooLong => TableError::RowTooLong { path, row },
        }
    }

    /// The digest of the whole file.
    pub(super) fn finish(&self) -> Result<Digest, TableError> {
        self.hash().map_err(|reason| TableError::Read { path: self.path.clone(), reason })
    }

    fn hash(&self) -> io::Result<Digest> {
        let (mut hash, mut length) = (Sha256::new(), 0_u64);
        let mut section = self.section(0, u64::MAX);
        let mut buffer = vec![0; HASHED_LEN];
        loop {
            let read = match section.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            hash.update(buffer.get(..read).unwrap_or_default());
            length += read as u64;
        }
        // Rows and digest come from two passes, so they must be of one state of the file.
        if length != self.length || self.file.metadata()?.modified().ok() != self.modified {
            return Err(io::Error::other("it changed while it was read"));
        }
        Ok(Digest { sha256: hash.finalize().into(), length })
    }
}

/// A part of a file. All parts share one handle, so each read says where it is; only one thread reads at a time.
pub(super) struct Section {
    file: Arc<File>,
    position: u64,
    end: u64,
}

impl Read for Section {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end.saturating_sub(self.position)).unwrap_or(usize::MAX);
        let wanted = left.min(buffer.len());
        let mut file = &*self.file;
        file.seek(SeekFrom::Start(self.position))?;
        let read = file.read(buffer.get_mut(..wanted).unwrap_or_default())?;
        self.position += read as u64;
        Ok(read)
    }
}
