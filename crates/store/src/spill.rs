//! Encrypted bytes by partition: in memory as long as they are few, else in one file that only grows.
//!
//! For what is too large to be held and sorted at once. Records go into partitions; a partition is read back whole, or
//! frame by frame. The file is a row of frames, each sealed with XChaCha20-Poly1305 under a random nonce:
//!
//! ```text
//! partition (4 bytes) | length of the sealed bytes (4) | nonce (24) | sealed bytes, tag included
//! ```
//!
//! Integers are little-endian. A frame is bound to its partition and to its place among all frames, so that none can be
//! changed, moved or left out unnoticed; a whole file ends with a frame of no partition. A file that was cut off can be
//! gone on with from a length that [`Spill::sync`] told.
//!
//! What a record is, and how records are parted, is the caller's business.

use std::fs::{File, OpenOptions};
use std::io;
use std::mem;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use chacha20poly1305::aead::AeadInPlace as _;
use chacha20poly1305::{KeyInit as _, Tag, XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use rand::TryRng as _;
use rand::rngs::SysRng;
use rustix::fs::OFlags;
use sha2::Sha256;
use zeroize::{Zeroize as _, Zeroizing};

use crate::StoreError;

#[cfg(test)]
mod tests;

const DOMAIN: &[u8] = b"blindlist spill v1";

/// What the frame at the end of a file has in place of a partition.
const END: u32 = u32::MAX;

const NONCE: usize = 24;
const TAG: usize = 16;
const HEAD: usize = 8 + NONCE;

/// Most bytes of a frame's records, so that a damaged length cannot use up memory.
const MOST: usize = 64 << 20;

/// Bytes that a partition's buffer begins with.
const FIRST: usize = 1 << 10;

/// The key of a spill. Whoever has it can read all of it.
pub struct SpillKey(Zeroizing<[u8; 32]>);

impl SpillKey {
    /// A key of random bytes, which only memory has.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the system has no randomness.
    pub fn random() -> Result<Self, StoreError> {
        let mut key = Zeroizing::new([0; 32]);
        fill_random(&mut *key, Path::new("a temporary file"))?;
        Ok(Self(key))
    }

    /// The key that follows from a secret and from what it is for (HKDF-SHA-256), of at most 16 KiB.
    #[must_use]
    pub fn derive(secret: &[u8], purpose: &[&[u8]]) -> Self {
        let mut key = Zeroizing::new([0; 32]);
        let expanded = Hkdf::<Sha256>::new(Some(DOMAIN), secret).expand_multi_info(purpose, &mut *key);
        expanded.expect("32 bytes are less than HKDF can give");
        Self(key)
    }
}

impl std::fmt::Debug for SpillKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SpillKey(redacted)")
    }
}

/// Records by partition.
///
/// # Security
/// What is in memory is zeroised; what is on the disk is encrypted. `Debug` shows neither.
pub struct Spill {
    cipher: XChaCha20Poly1305,
    /// The file; for a temporary one, the folder that it is made in.
    path: PathBuf,
    /// None as long as a temporary spill is all in memory.
    file: Option<File>,
    length: u64,
    /// Frames so far.
    frames: u64,
    partitions: Vec<Partition>,
    /// Bytes in all buffers.
    buffered: usize,
    most: usize,
}

#[derive(Default)]
struct Partition {
    /// What is not in the file yet.
    buffer: Zeroizing<Vec<u8>>,
    frames: Vec<Frame>,
    /// Bytes of all its records.
    length: u64,
}

/// Where a frame's sealed bytes are.
#[derive(Clone, Copy)]
struct Frame {
    number: u64,
    /// Of the frame's first byte.
    offset: u64,
    /// Of the sealed bytes.
    length: usize,
}

impl std::fmt::Debug for Spill {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Spill").field("path", &self.path).field("length", &self.length).finish_non_exhaustive()
    }
}

impl Spill {
    /// A spill without a name: as long as it has less than `memory` bytes it is in memory, then in a file of the folder
    /// that is gone when the process ends, however it ends. Its key is random.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the system has no randomness.
    pub fn temporary(folder: &Path, partitions: usize, memory: usize) -> Result<Self, StoreError> {
        Ok(Self::new(folder, None, &SpillKey::random()?, partitions, memory))
    }

    /// A new file, readable by its owner alone. Its buffers take `memory` bytes at most.
    ///
    /// # Errors
    /// [`StoreError::Exists`], [`StoreError::DiskFull`], [`StoreError::Io`].
    pub fn create(path: &Path, key: &SpillKey, partitions: usize, memory: usize) -> Result<Self, StoreError> {
        let file = open(path, true).map_err(|source| {
            let exists = source.kind() == io::ErrorKind::AlreadyExists;
            if exists { StoreError::Exists { path: path.to_path_buf() } } else { StoreError::io("write", path, source) }
        })?;
        Ok(Self::new(path, Some(file), key, partitions, memory))
    }

    /// Goes on with a file that had `length` bytes when [`Spill::sync`] told so. What is behind them is cut off.
    ///
    /// # Errors
    /// [`StoreError::NotSealed`] when the file is shorter, or no row of frames; [`StoreError::Io`].
    pub fn resume(
        path: &Path,
        key: &SpillKey,
        partitions: usize,
        memory: usize,
        length: u64,
    ) -> Result<Self, StoreError> {
        let file = open(path, false).map_err(|source| StoreError::io("read", path, source))?;
        let mut spill = Self::new(path, Some(file), key, partitions, memory);
        while spill.length < length {
            if !spill.read_frame_head(length)? {
                return Err(damaged(path));
            }
        }
        spill.file()?.set_len(length).map_err(|source| StoreError::io("write", path, source))?;
        Ok(spill)
    }

    /// Opens a file that [`Spill::finish`] ended, to read it.
    ///
    /// # Errors
    /// [`StoreError::NotSealed`] when it is not whole, or under another key; [`StoreError::Io`].
    pub fn open(path: &Path, key: &SpillKey, partitions: usize) -> Result<Self, StoreError> {
        let file = File::open(path).map_err(|source| StoreError::io("read", path, source))?;
        let length = file.metadata().map_err(|source| StoreError::io("read", path, source))?.len();
        let mut spill = Self::new(path, Some(file), key, partitions, 0);
        while spill.read_frame_head(length)? {}
        if spill.length != length {
            return Err(damaged(path));
        }
        Ok(spill)
    }

    fn new(path: &Path, file: Option<File>, key: &SpillKey, partitions: usize, memory: usize) -> Self {
        let mut all = Vec::new();
        all.resize_with(partitions, Partition::default);
        Self {
            cipher: XChaCha20Poly1305::new((&*key.0).into()),
            path: path.to_path_buf(),
            file,
            length: 0,
            frames: 0,
            partitions: all,
            buffered: 0,
            // A buffer that grows takes up to twice what is in it.
            most: (memory / 2).max(1),
        }
    }

    /// Adds a record to a partition. A record is never parted between two frames.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`], [`StoreError::Io`]; the spill is of no use then, but what was synced is.
    ///
    /// # Panics
    /// When there is no such partition.
    pub fn push(&mut self, partition: usize, record: &[u8]) -> Result<(), StoreError> {
        let part = self.partitions.get_mut(partition).expect("the caller made so many partitions");
        append(&mut part.buffer, record);
        part.length += record.len() as u64;
        let full = part.buffer.len() >= MOST / 2;
        self.buffered += record.len();
        if full {
            self.flush_one(partition)?;
        } else if self.buffered >= self.most {
            self.flush()?;
        }
        Ok(())
    }

    /// Writes all buffers and waits until they are on the disk; the length to go on from.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`], [`StoreError::Io`].
    pub fn sync(&mut self) -> Result<u64, StoreError> {
        self.flush()?;
        self.file()?.sync_data().map_err(|source| StoreError::io("write", &self.path, source))?;
        Ok(self.length)
    }

    /// Ends the file, so that [`Spill::open`] takes it.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`], [`StoreError::Io`].
    pub fn finish(mut self) -> Result<(), StoreError> {
        self.flush()?;
        self.write_frame(END, Zeroizing::default())?;
        self.file()?.sync_all().map_err(|source| StoreError::io("write", &self.path, source))
    }

    /// How many partitions there are.
    #[must_use]
    pub fn partitions(&self) -> usize {
        self.partitions.len()
    }

    /// Bytes of all records of a partition; 0 when there is no such partition.
    #[must_use]
    pub fn len(&self, partition: usize) -> u64 {
        self.partitions.get(partition).map_or(0, |part| part.length)
    }

    /// Bytes of all records.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.partitions.iter().map(|part| part.length).sum()
    }

    /// Whether nothing was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.total() == 0
    }

    /// All records of a partition, in the order in which they were added.
    ///
    /// # Errors
    /// [`StoreError::NotSealed`] when the file was damaged, [`StoreError::Io`].
    pub fn read(&self, partition: usize) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        // Whole at once: a vector that grew would leave copies behind.
        let length = usize::try_from(self.len(partition)).expect("a partition fits in memory");
        let mut records = Zeroizing::new(Vec::with_capacity(length));
        for frame in self.frames(partition) {
            records.extend_from_slice(&frame?);
        }
        Ok(records)
    }

    /// The records of a partition frame by frame, in the order in which they were added: each holds whole records.
    pub fn frames(&self, partition: usize) -> impl Iterator<Item = Result<Zeroizing<Vec<u8>>, StoreError>> {
        let part = self.partitions.get(partition);
        let stored = part.into_iter().flat_map(|part| &part.frames);
        let stored = stored.map(move |frame| self.read_frame(u32::try_from(partition).unwrap_or(END), *frame));
        let buffered = part.map(|part| &part.buffer).filter(|buffer| !buffer.is_empty());
        stored.chain(buffered.map(|buffer| Ok(buffer.clone())))
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        (0..self.partitions.len()).try_for_each(|partition| self.flush_one(partition))
    }

    fn flush_one(&mut self, partition: usize) -> Result<(), StoreError> {
        let Some(part) = self.partitions.get_mut(partition).filter(|part| !part.buffer.is_empty()) else {
            return Ok(());
        };
        let buffer = mem::take(&mut part.buffer);
        self.buffered -= buffer.len();
        let number = u32::try_from(partition).expect("there are fewer partitions");
        let (mut buffer, frame) = self.write_frame(number, buffer)?;
        // Its memory is used again.
        buffer.zeroize();
        if let Some(part) = self.partitions.get_mut(partition) {
            part.buffer = buffer;
            part.frames.push(frame);
        }
        Ok(())
    }

    /// Appends a frame; gives the buffer back, sealed.
    fn write_frame(
        &mut self,
        partition: u32,
        mut buffer: Zeroizing<Vec<u8>>,
    ) -> Result<(Zeroizing<Vec<u8>>, Frame), StoreError> {
        let mut nonce = [0; NONCE];
        fill_random(&mut nonce, &self.path)?;
        let data = associated(partition, self.frames);
        let tag = self.cipher.encrypt_in_place_detached(&XNonce::from(nonce), &data, &mut buffer);
        let tag = tag.expect("a frame is shorter than the cipher's limit");
        let length = buffer.len() + TAG;
        let sealed = u32::try_from(length).expect("a frame is less than 4 GiB");
        let mut head = [0; HEAD];
        let (parts, rest) = head.split_at_mut(8);
        parts.copy_from_slice(&(u64::from(partition) | u64::from(sealed) << 32).to_le_bytes());
        rest.copy_from_slice(&nonce);

        let frame = Frame { number: self.frames, offset: self.length, length };
        let mut at = self.length;
        for bytes in [&head[..], &buffer[..], &tag[..]] {
            let written = self.file()?.write_all_at(bytes, at);
            written.map_err(|source| StoreError::io("write", &self.path, source))?;
            at += bytes.len() as u64;
        }
        self.length = at;
        self.frames += 1;
        Ok((buffer, frame))
    }

    /// Notes the next frame of a file that has `end` bytes; false when it is the end.
    fn read_frame_head(&mut self, end: u64) -> Result<bool, StoreError> {
        if end - self.length < (HEAD + TAG) as u64 {
            return Err(damaged(&self.path));
        }
        let mut head = [0; 8];
        self.read_at(&mut head, self.length)?;
        let [p0, p1, p2, p3, l0, l1, l2, l3] = head;
        let partition = u32::from_le_bytes([p0, p1, p2, p3]);
        let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
        let frame = Frame { number: self.frames, offset: self.length, length };
        let after = self.length + (HEAD + length) as u64;
        if !(TAG..=MOST + TAG).contains(&length) || after > end {
            return Err(damaged(&self.path));
        }
        self.frames += 1;
        self.length = after;
        if partition == END {
            self.read_frame(END, frame)?;
            return Ok(false);
        }
        let part = self.partitions.get_mut(partition as usize).ok_or_else(|| damaged(&self.path))?;
        part.frames.push(frame);
        part.length += (length - TAG) as u64;
        Ok(true)
    }

    fn read_frame(&self, partition: u32, frame: Frame) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let mut nonce = [0; NONCE];
        self.read_at(&mut nonce, frame.offset + 8)?;
        let mut bytes = Zeroizing::new(vec![0; frame.length]);
        self.read_at(&mut bytes, frame.offset + HEAD as u64)?;
        let (records, tag) = bytes.split_last_chunk_mut::<TAG>().ok_or_else(|| damaged(&self.path))?;
        let (data, tag) = (associated(partition, frame.number), Tag::from(*tag));
        let opened = self.cipher.decrypt_in_place_detached(&XNonce::from(nonce), &data, records, &tag);
        opened.map_err(|_| damaged(&self.path))?;
        bytes.truncate(frame.length - TAG);
        Ok(bytes)
    }

    fn read_at(&self, bytes: &mut [u8], offset: u64) -> Result<(), StoreError> {
        let Some(file) = &self.file else { return Err(damaged(&self.path)) };
        file.read_exact_at(bytes, offset).map_err(|source| {
            let cut_off = source.kind() == io::ErrorKind::UnexpectedEof;
            if cut_off { damaged(&self.path) } else { StoreError::io("read", &self.path, source) }
        })
    }

    /// The file; a temporary one is made now.
    fn file(&mut self) -> Result<&File, StoreError> {
        if self.file.is_none() {
            let made = tempfile::tempfile_in(&self.path);
            self.file = Some(made.map_err(|source| StoreError::io("write a temporary file in", &self.path, source))?);
        }
        Ok(self.file.as_ref().expect("it was made just now"))
    }
}

/// What a frame is bound to.
fn associated(partition: u32, number: u64) -> Vec<u8> {
    [DOMAIN, &partition.to_le_bytes(), &number.to_le_bytes()].concat()
}

/// Appends to a buffer that leaves no copies behind when it grows.
pub(crate) fn append(buffer: &mut Zeroizing<Vec<u8>>, record: &[u8]) {
    let needed = buffer.len() + record.len();
    if needed > buffer.capacity() {
        let mut larger = Zeroizing::new(Vec::with_capacity(needed.max(2 * buffer.capacity()).max(FIRST)));
        larger.extend_from_slice(buffer);
        *buffer = larger;
    }
    buffer.extend_from_slice(record);
}

fn open(path: &Path, new: bool) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(new)
        .mode(0o600)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(path)
}

pub(crate) fn fill_random(bytes: &mut [u8], path: &Path) -> Result<(), StoreError> {
    let filled = SysRng.try_fill_bytes(bytes);
    filled.map_err(|error| StoreError::io("get random bytes for", path, io::Error::other(error)))
}

fn damaged(path: &Path) -> StoreError {
    StoreError::NotSealed { path: path.to_path_buf(), problem: "it is damaged, cut off, or of another key" }
}
