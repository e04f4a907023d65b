//! The inputs of a seal: each known by its digest before anything is evaluated, and opened as often as it must be.
//!
//! Standard input comes once. It is taken whole into a spill without a name, under a key that only memory has.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use blindlist_protocol::ids::Digest;
use blindlist_records::{Table, TableOptions, is_standard_input};
use blindlist_store::StoreError;
use blindlist_store::spill::Spill;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::plan::{Hex, Input};
use crate::Error;

/// What standard input is called.
const STANDARD_INPUT: &str = "standard input";

/// Bytes of standard input that are taken at a time.
const PIECE: usize = 256 << 10;

/// Bytes of standard input that wait in memory.
const BUFFER: usize = 8 << 20;

/// An input as it was when the seal began.
pub(super) struct Source {
    path: PathBuf,
    pub(super) found: Input,
    /// What came from standard input.
    spool: Option<Arc<Spill>>,
}

impl Source {
    /// Reads all inputs for their digests. The folder is for what standard input holds.
    pub(super) fn all(inputs: &[PathBuf], folder: &Path) -> Result<Vec<Self>, Error> {
        if inputs.iter().filter(|path| is_standard_input(path)).count() > 1 {
            return Err(Error::StandardInputTwice);
        }
        let read = |path: &PathBuf| {
            if is_standard_input(path) {
                return Self::spool(io::stdin().lock(), folder);
            }
            Ok(Self { path: path.clone(), found: blindlist_records::digest(path)?.into(), spool: None })
        };
        inputs.iter().map(read).collect()
    }

    /// Takes all of a stream.
    fn spool(mut stream: impl Read, folder: &Path) -> Result<Self, Error> {
        let mut spill = Spill::temporary(folder, 1, BUFFER)?;
        let (mut piece, mut hash, mut bytes) = (Zeroizing::new(vec![0; PIECE]), Sha256::new(), 0);
        loop {
            let read = match stream.read(&mut piece) {
                Ok(0) => break,
                Ok(read) => piece.get(..read).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(StoreError::io("read", Path::new(STANDARD_INPUT), error).into()),
            };
            hash.update(read);
            bytes += read.len() as u64;
            spill.push(0, read)?;
        }
        let sha256 = Hex(Digest::from_bytes(hash.finalize().into()));
        Ok(Self { path: STANDARD_INPUT.into(), found: Input { sha256, bytes }, spool: Some(Arc::new(spill)) })
    }

    /// What it is called.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens it at its beginning.
    pub(super) fn open(&self, options: &TableOptions) -> Result<Table, Error> {
        let Some(spool) = &self.spool else { return Ok(Table::open_with(&self.path, options)?) };
        Ok(Table::from_reader(&self.path, Spooled::new(Arc::clone(spool)), options)?)
    }
}

impl From<blindlist_records::Digest> for Input {
    fn from(digest: blindlist_records::Digest) -> Self {
        Self { sha256: Hex(Digest::from_bytes(digest.sha256)), bytes: digest.length }
    }
}

/// Reads what was spooled.
struct Spooled {
    frames: Receiver<Result<Zeroizing<Vec<u8>>, StoreError>>,
    frame: Zeroizing<Vec<u8>>,
    at: usize,
}

impl Spooled {
    fn new(spool: Arc<Spill>) -> Self {
        let (sender, frames) = sync_channel(1);
        // Ends when the table is closed.
        thread::spawn(move || spool.frames(0).try_for_each(|frame| sender.send(frame)));
        Self { frames, frame: Zeroizing::default(), at: 0 }
    }
}

impl Read for Spooled {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.frame.len() {
            let Ok(frame) = self.frames.recv() else { return Ok(0) };
            self.frame = frame.map_err(io::Error::other)?;
            self.at = 0;
        }
        let rest = self.frame.get(self.at..).unwrap_or_default();
        let length = rest.len().min(buffer.len());
        for (to, from) in buffer.iter_mut().zip(rest) {
            *to = *from;
        }
        self.at += length;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use blindlist_records::Batch;

    #[test]
    fn a_stream_is_read_again_and_again() {
        let folder = tempfile::tempdir().unwrap();
        // Far more than waits in memory.
        let text: String =
            std::iter::once("nir,x\n".to_owned()).chain((0..900_000).map(|i| format!("{i},{i:>20}\n"))).collect();
        let source = Source::spool(text.as_bytes(), folder.path()).unwrap();
        let expected = folder.path().join("expected");
        std::fs::write(&expected, &text).unwrap();
        assert_eq!(source.found, blindlist_records::digest(&expected).unwrap().into());
        for _ in 0..2 {
            let mut table = source.open(&TableOptions::default()).unwrap();
            let (mut batch, mut rows) = (Batch::new(), 0);
            while table.read_batch(&mut batch, 10_000).unwrap() > 0 {
                assert!(batch.iter().all(|row| row.cell(0).unwrap().parse() == Ok(row.number() - 1)));
                rows += batch.len();
            }
            assert_eq!((rows, Input::from(table.finish().unwrap())), (900_000, source.found));
        }
        // A table that is closed early disturbs nobody.
        drop(source.open(&TableOptions::default()).unwrap());
    }
}
