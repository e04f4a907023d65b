//! A file that is hashed as it is read.

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

pub(super) struct Source {
    path: PathBuf,
    file: File,
    hash: Sha256,
    progress: Progress,
}

impl Source {
    pub(super) fn open(path: &Path) -> Result<Self, TableError> {
        let open = || {
            let file = File::open(path)?;
            let total = file.metadata()?.len();
            Ok((file, total))
        };
        let (file, total) = open().map_err(|reason| TableError::Read { path: path.to_owned(), reason })?;
        Ok(Self { path: path.to_owned(), file, hash: Sha256::new(), progress: Progress { read: 0, total } })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn progress(&self) -> Progress {
        self.progress
    }

    /// Reads until the buffer is full or the file ends, and returns the number of bytes read.
    pub(super) fn fill(&mut self, mut buffer: &mut [u8]) -> Result<usize, TableError> {
        let mut filled = 0;
        while !buffer.is_empty() {
            let read = match self.file.read(buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(reason) => {
                    return Err(TableError::Read { path: self.path.clone(), reason });
                }
            };
            let (new, rest) = buffer.split_at_mut(read);
            self.hash.update(&*new);
            filled += read;
            self.progress.read += u64::try_from(read).expect("a length in memory fits 64 bits");
            buffer = rest;
        }
        Ok(filled)
    }

    /// Reads what is left and returns the digest of everything.
    pub(super) fn finish(mut self) -> Result<Digest, TableError> {
        let mut buffer = vec![0; DRAIN_LEN];
        while self.fill(&mut buffer)? > 0 {}
        Ok(Digest { sha256: self.hash.finalize().into(), length: self.progress.read })
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("path", &self.path).field("progress", &self.progress).finish_non_exhaustive()
    }
}
