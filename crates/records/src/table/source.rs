//! Bytes of a file or a stream, hashed as they are read.

use std::{
    fmt,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};

use super::{Digest, Progress};
use crate::error::TableError;

/// Bytes read at a time where only the digest is wanted.
const DRAIN_LEN: usize = 1 << 18;

/// Its `Read` gives every byte once, and fails with an error that says nothing: [`Source::failure`] has the system's own.
pub(super) struct Source {
    path: PathBuf,
    reader: Box<dyn Read + Send>,
    /// Bytes that were looked at, the next one last, and are still to be given.
    ahead: Vec<u8>,
    hash: Sha256,
    progress: Progress,
    failure: Option<io::Error>,
}

impl Source {
    pub(super) fn open(path: &Path) -> Result<Self, TableError> {
        let open = || {
            let file = File::open(path)?;
            let total = file.metadata()?.len();
            Ok((file, total))
        };
        let (file, total) = open().map_err(|reason| TableError::Read { path: path.to_owned(), reason })?;
        Ok(Self::new(path.to_owned(), Box::new(file), total))
    }

    pub(super) fn new(path: PathBuf, reader: Box<dyn Read + Send>, total: u64) -> Self {
        let progress = Progress { read: 0, total };
        Self { path, reader, ahead: Vec::new(), hash: Sha256::new(), progress, failure: None }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn progress(&self) -> Progress {
        self.progress
    }

    /// The first bytes, fewer only if the file has no more. They will be read again.
    pub(super) fn peek<const N: usize>(&mut self) -> Result<Vec<u8>, TableError> {
        let mut first = vec![0; N];
        let mut filled = 0;
        while let Some(rest) = first.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.read(rest) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(reason) => return Err(self.failed(reason)),
            }
        }
        first.truncate(filled);
        self.ahead = first.iter().rev().copied().collect();
        Ok(first)
    }

    /// Reads what is left and returns the digest of everything.
    pub(super) fn finish(mut self) -> Result<Digest, TableError> {
        let mut buffer = vec![0; DRAIN_LEN];
        loop {
            match self.read(&mut buffer) {
                Ok(0) => return Ok(Digest { sha256: self.hash.finalize().into(), length: self.progress.read }),
                Ok(_) => {}
                Err(reason) => return Err(self.failed(reason)),
            }
        }
    }

    /// What the system said when reading failed.
    pub(super) fn failure(&mut self) -> Option<TableError> {
        self.failure.take().map(|reason| TableError::Read { path: self.path.clone(), reason })
    }

    fn failed(&mut self, reason: io::Error) -> TableError {
        self.failure().unwrap_or_else(|| TableError::Read { path: self.path.clone(), reason })
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.ahead.is_empty() {
            let given = buffer.iter_mut().zip(std::iter::from_fn(|| self.ahead.pop()));
            return Ok(given.map(|(slot, byte)| *slot = byte).count());
        }
        let read = loop {
            match self.reader.read(buffer) {
                Ok(read) => break read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.failure = Some(error);
                    return Err(io::Error::other("the source failed"));
                }
            }
        };
        self.hash.update(buffer.get(..read).unwrap_or_default());
        self.progress.read += u64::try_from(read).expect("a length in memory fits 64 bits");
        Ok(read)
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("path", &self.path).field("progress", &self.progress).finish_non_exhaustive()
    }
}
