//! An index that is being fetched: a file in which segments take their places in any order, and that a download which broke
//! off leaves for the next one.
//!
//! What is in it is worth nothing until it was held against the manifest, segment by segment. It must never be read as an
//! index: that is [`super::SegmentFile`]'s, once all of it is there.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use blindlist_protocol::manifest::Manifest;
use blindlist_store::StoreError;

use crate::room::Room;
use crate::{Caller, ClientError};

/// A file that is being filled with an index.
pub(super) struct Partial {
    file: File,
    path: PathBuf,
    /// Whether something may be in it.
    begun: bool,
}

impl Partial {
    /// Opens the file that an earlier download left, if there is one and it has the length of the manifest's index; else
    /// begins a new one.
    pub(super) fn open(path: PathBuf, manifest: &Manifest) -> Result<Self, StoreError> {
        let failed = |source| StoreError::io("write", &path, source);
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(&path).map_err(failed)?;
        let found = file.metadata().map_err(failed)?;
        if !found.is_file() {
            return Err(StoreError::NotAFile { path });
        }
        let begun = found.len() == manifest.index_length;
        if !begun {
            file.set_len(0).and_then(|()| file.set_len(manifest.index_length)).map_err(failed)?;
        }
        Ok(Self { file, path, begun })
    }

    /// The segments that are not here, or not as the manifest says, in ascending order.
    pub(super) fn missing(&self, manifest: &Manifest, room: &Room, caller: &Caller) -> Result<Vec<u32>, ClientError> {
        let count = u32::try_from(manifest.segments.len()).unwrap_or(u32::MAX);
        if !self.begun {
            return Ok((0..count).collect());
        }
        let missing = Mutex::new(Vec::new());
        room.each(count as usize, caller, |place| {
            let number = u32::try_from(place).unwrap_or(u32::MAX);
            if !self.holds(manifest, number)? {
                missing.lock().unwrap_or_else(PoisonError::into_inner).push(number);
            }
            Ok(())
        })?;
        let mut missing = missing.into_inner().unwrap_or_else(PoisonError::into_inner);
        missing.sort_unstable();
        Ok(missing)
    }

    fn holds(&self, manifest: &Manifest, number: u32) -> Result<bool, ClientError> {
        let Some(range) = manifest.segment(number) else { return Ok(false) };
        let length = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
        let mut bytes = vec![0; length];
        match self.file.read_exact_at(&mut bytes, range.start) {
            Ok(()) => Ok(manifest.check_segment(number, &bytes).is_ok()),
            // A file that was cut meanwhile lacks it.
            Err(source) if source.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            Err(source) => Err(StoreError::io("read", &self.path, source).into()),
        }
    }

    /// Puts a segment, which was verified, in its place.
    pub(super) fn write(&self, manifest: &Manifest, number: u32, bytes: &[u8]) -> Result<(), ClientError> {
        let range =
            manifest.segment(number).ok_or(ClientError::Internal("a segment that its manifest does not have"))?;
        let written = self.file.write_all_at(bytes, range.start);
        Ok(written.map_err(|source| StoreError::io("write", &self.path, source))?)
    }

    /// Waits until all of it is on the disk.
    pub(super) fn finish(self) -> Result<(), ClientError> {
        Ok(self.file.sync_all().map_err(|source| StoreError::io("write", &self.path, source))?)
    }
}
