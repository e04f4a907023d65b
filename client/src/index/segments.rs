//! The bytes of an index in the profile: read by whole segments, each held against the manifest before a byte of it is
//! used. A few segments stay in memory.
//!
//! A file with a wrong segment is removed: the next check fetches it again, and until then nobody relies on it.

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use blindlist_protocol::index::{IndexError, Storage};
use blindlist_protocol::manifest::Manifest;
use blindlist_store::StoreError;

use super::IndexFault;

/// Segments in memory for every core: one with the block that a thread is at, one with its labels, and one to spare.
const HELD_PER_CORE: usize = 3;

/// The file of an index. Several threads may read it at once.
pub struct SegmentFile {
    file: File,
    path: PathBuf,
    manifest: Manifest,
    /// Verified segments under their numbers; the last is the one that was used last.
    held: Mutex<Vec<(u32, Arc<Vec<u8>>)>>,
    /// How many at most.
    most: usize,
}

impl fmt::Debug for SegmentFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SegmentFile").field("path", &self.path).finish_non_exhaustive()
    }
}

impl SegmentFile {
    /// Opens the file of the index that a manifest describes. Nothing is read yet.
    pub(crate) fn open(path: PathBuf, manifest: &Manifest) -> Result<Self, IndexFault> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let opened = File::open(&path).and_then(|file| file.metadata().map(|found| (file, found)));
        let (file, found) = opened.map_err(|source| IndexFault::Store(StoreError::io("read", &path, source)))?;
        let (manifest, most) = (manifest.clone(), HELD_PER_CORE * cores);
        let opened = Self { file, path, manifest, held: Mutex::new(Vec::new()), most };
        if !found.is_file() || found.len() != opened.manifest.index_length {
            return Err(opened.damaged());
        }
        Ok(opened)
    }

    /// A segment that is what the manifest says.
    fn segment(&self, number: u32) -> Result<Arc<Vec<u8>>, IndexFault> {
        if let Some(segment) = self.held(number) {
            return Ok(segment);
        }
        // Read and hashed outside the lock. Two threads seldom want one segment at once; then both do it.
        let range = self.manifest.segment(number).ok_or_else(|| self.too_short(self.manifest.index_length))?;
        let length = usize::try_from(range.end - range.start).expect("a segment has at most 2^32 bytes");
        let mut bytes = vec![0; length];
        if let Err(source) = self.file.read_exact_at(&mut bytes, range.start) {
            let cut = source.kind() == io::ErrorKind::UnexpectedEof;
            let unread = || IndexFault::Store(StoreError::io("read", &self.path, source));
            return Err(if cut { self.damaged() } else { unread() });
        }
        self.manifest.check_segment(number, &bytes).map_err(|_| self.damaged())?;
        let segment = Arc::new(bytes);
        self.hold(number, &segment);
        Ok(segment)
    }

    /// How many segments are in memory.
    #[cfg(test)]
    pub(crate) fn in_memory(&self) -> usize {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// A segment that is in memory.
    fn held(&self, number: u32) -> Option<Arc<Vec<u8>>> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let place = held.iter().rposition(|(other, _)| *other == number)?;
        let found = held.remove(place);
        let segment = Arc::clone(&found.1);
        held.push(found);
        Some(segment)
    }

    /// Keeps a segment in memory, in place of the one that was not used for longest.
    fn hold(&self, number: u32, segment: &Arc<Vec<u8>>) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.retain(|(other, _)| *other != number);
        if held.len() >= self.most {
            held.remove(0);
        }
        held.push((number, Arc::clone(segment)));
    }

    /// Removes the file. Whoever cannot is told what to remove.
    fn damaged(&self) -> IndexFault {
        match fs::remove_file(&self.path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                IndexFault::Store(StoreError::io("remove the damaged index", &self.path, source))
            }
            Ok(()) | Err(_) => IndexFault::Damaged(self.path.clone()),
        }
    }

    fn too_short(&self, needed: u64) -> IndexFault {
        IndexError::TooShort { found: self.manifest.index_length, needed }.into()
    }
}

impl Storage for SegmentFile {
    type Error = IndexFault;

    fn length(&self) -> u64 {
        self.manifest.index_length
    }

    fn read<'b>(&'b self, offset: u64, length: usize, room: &'b mut Vec<u8>) -> Result<&'b [u8], IndexFault> {
        let end = offset.saturating_add(length as u64);
        if end > self.length() {
            return Err(self.too_short(end));
        }
        room.clear();
        room.reserve(length);
        let segment_length = u64::from(self.manifest.segment_length);
        while room.len() < length {
            let at = offset + room.len() as u64;
            let number = at.checked_div(segment_length).and_then(|number| u32::try_from(number).ok());
            let segment = self.segment(number.ok_or_else(|| self.too_short(end))?)?;
            let skipped = usize::try_from(at % segment_length).unwrap_or(usize::MAX);
            let rest = segment.get(skipped..).unwrap_or_default();
            let part = rest.get(..length - room.len()).unwrap_or(rest);
            if part.is_empty() {
                return Err(self.too_short(end));
            }
            room.extend_from_slice(part);
        }
        Ok(room)
    }
}
