//! Values under names that are not written down, in one file under a passphrase.
//!
//! For values that outlive a run and whose names can be guessed: a name is found by its **handle**, a hash under a key that
//! follows from the passphrase (Argon2id), so that without the passphrase nobody learns whether a name is there. The
//! file is written anew each time:
//!
//! ```text
//! header                                  see `header`
//! partitions, each sealed: records        by the first bits of their handles, ascending
//! directory, sealed: records of each (4)
//!
//! record: handle (16 bytes) | value (64)
//! ```
//!
//! Sealed is ChaCha20-Poly1305 under a key of this one writing, with the number of the partition as the nonce and the header
//! as associated data: a file that was changed, cut off, put together from two, or made for something else is refused.
//! One partition is in memory at a time.
//!
//! What a name and a value are is the caller's business. It must not decide who may write at the same time: the caller
//! holds a lock.

mod header;
mod update;

use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use chacha20poly1305::aead::AeadInPlace as _;
use chacha20poly1305::{ChaCha20Poly1305, Nonce, Tag};
use zeroize::Zeroizing;

use self::header::{Header, Keys, Work};
pub use self::update::Additions;
use crate::StoreError;
use crate::passphrase::Passphrase;
use crate::spill::fill_random;

#[cfg(test)]
mod tests;

/// Bytes of a value.
pub const VALUE: usize = 64;

const HANDLE: usize = 16;
const RECORD: usize = HANDLE + VALUE;
const TAG: usize = 16;

/// Most bytes of a partition, so that a file cannot use up memory.
const MOST: u64 = 64 << 20;

/// What a value is found by in one vault. In another one the same name has another handle.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Handle([u8; HANDLE]);

impl Handle {
    /// The handle of these bytes, which [`Handle::as_bytes`] gave.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; HANDLE]) -> Self {
        Self(bytes)
    }

    /// Its bytes, evenly spread.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; HANDLE] {
        &self.0
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Handle(redacted)")
    }
}

/// A vault that was opened.
///
/// # Security
/// It holds the keys to all values. They are zeroised, and `Debug` shows nothing of them.
pub struct Vault {
    path: PathBuf,
    keys: Keys,
    /// None as long as there is no file.
    stored: Option<Stored>,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("path", &self.path).field("count", &self.count()).finish_non_exhaustive()
    }
}

impl Vault {
    /// Opens the file, or an empty vault where there is none. `binding` is what the vault is for. The key is derived here, and
    /// takes time and 64 MiB.
    ///
    /// # Errors
    /// [`StoreError::WrongPassphrase`]; [`StoreError::NotSealed`] when the file is damaged, was made for something else, or
    /// asks for more work than is allowed; [`StoreError::OpenToOthers`], [`StoreError::OwnedByAnother`],
    /// [`StoreError::NotAFile`], [`StoreError::Io`].
    pub fn open(path: &Path, passphrase: &Passphrase, binding: &[u8]) -> Result<Self, StoreError> {
        Self::open_with_work(path, passphrase, binding, Work::USUAL)
    }

    fn open_with_work(path: &Path, passphrase: &Passphrase, binding: &[u8], work: Work) -> Result<Self, StoreError> {
        let (path, binding) = (path.to_path_buf(), header::binding(binding));
        let Some((file, header)) = Header::read(&path)? else {
            let mut salt = [0; 16];
            fill_random(&mut salt, &path)?;
            let keys = Keys::derive(&path, passphrase, (work, salt), binding)?;
            return Ok(Self { path, keys, stored: None });
        };
        if header.binding != binding {
            return Err(not_sealed(&path, "it was made for something else"));
        }
        let keys = Keys::derive(&path, passphrase, (header.work, header.salt), binding)?;
        if !header.is_of(&keys) {
            return Err(StoreError::WrongPassphrase { path });
        }
        let stored = Stored::open(&path, file, header, keys.cipher(&header.file_salt))?;
        Ok(Self { path, keys, stored: Some(stored) })
    }

    /// Whether a passphrase is that of the file, whatever the vault is for; not when there is no file. It takes as long as
    /// opening it.
    ///
    /// # Errors
    /// Those of [`Vault::open`], but for a wrong passphrase.
    pub fn is_under(path: &Path, passphrase: &Passphrase) -> Result<bool, StoreError> {
        let Some((_, header)) = Header::read(path)? else { return Ok(false) };
        Ok(header.is_of(&Keys::derive(path, passphrase, (header.work, header.salt), header.binding)?))
    }

    /// The handle of a name.
    #[must_use]
    pub fn handle(&self, name: &[u8]) -> Handle {
        self.keys.handle(name)
    }

    /// How many values it holds.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.stored.as_ref().map_or(0, |stored| stored.parts.iter().map(|part| u64::from(part.records)).sum())
    }

    /// How many partitions there are: none when there is no file, else a power of two.
    #[must_use]
    pub fn partitions(&self) -> usize {
        self.stored.as_ref().map_or(0, |stored| stored.parts.len())
    }

    /// Reads a partition, to find out whether it is whole.
    ///
    /// # Errors
    /// [`StoreError::NotSealed`], [`StoreError::Io`].
    pub fn verify(&self, partition: usize) -> Result<(), StoreError> {
        self.read(partition).map(drop)
    }

    /// Finds values. Handles in ascending order have each partition read once.
    #[must_use]
    pub fn reader(&self) -> Reader<'_> {
        Reader { vault: self, number: None, records: Zeroizing::default() }
    }

    fn read(&self, partition: usize) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let stored = self.stored.as_ref().ok_or_else(|| damaged(&self.path))?;
        stored.read(&self.path, partition)
    }
}

/// The partition of a vault that was used last.
pub struct Reader<'a> {
    vault: &'a Vault,
    number: Option<usize>,
    records: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for Reader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reader(redacted)")
    }
}

impl Reader<'_> {
    /// The value of a handle, if there is one.
    ///
    /// # Errors
    /// [`StoreError::NotSealed`], [`StoreError::Io`].
    pub fn find(&mut self, handle: &Handle) -> Result<Option<Zeroizing<[u8; VALUE]>>, StoreError> {
        if self.vault.partitions() == 0 {
            return Ok(None);
        }
        let number = partition_of(handle, self.vault.partitions());
        if self.number != Some(number) {
            self.records = self.vault.read(number)?;
            self.number = Some(number);
        }
        let (records, _) = self.records.as_chunks::<RECORD>();
        let place = records.binary_search_by(|record| handle_of(record).cmp(handle)).ok();
        Ok(place.and_then(|place| records.get(place)).map(value_of))
    }
}

/// A file whose directory was read.
struct Stored {
    file: File,
    header: Header,
    cipher: ChaCha20Poly1305,
    parts: Vec<Part>,
}

#[derive(Clone, Copy)]
struct Part {
    /// Of its first byte.
    offset: u64,
    records: u32,
}

impl Stored {
    fn open(path: &Path, file: File, header: Header, cipher: ChaCha20Poly1305) -> Result<Self, StoreError> {
        let length = file.metadata().map_err(|source| StoreError::io("read", path, source))?.len();
        let size = header.partitions as usize * 4;
        let first = header::LENGTH as u64;
        let at = length.checked_sub((size + TAG) as u64).filter(|at| *at >= first).ok_or_else(|| damaged(path))?;
        let directory = read_sealed(path, &file, (at, size), &cipher, (Sealed::Directory, &header))?;
        let mut offset = first;
        let mut parts = Vec::with_capacity(header.partitions as usize);
        for records in directory.as_chunks().0.iter().copied().map(u32::from_le_bytes) {
            parts.push(Part { offset, records });
            offset += u64::from(records) * RECORD as u64 + TAG as u64;
        }
        let too_large = |part: &Part| u64::from(part.records) * RECORD as u64 > MOST;
        if offset != at || parts.iter().any(too_large) {
            return Err(damaged(path));
        }
        Ok(Self { file, header, cipher, parts })
    }

    fn read(&self, path: &Path, number: usize) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let Part { offset, records } = *self.parts.get(number).ok_or_else(|| damaged(path))?;
        let size = records as usize * RECORD;
        read_sealed(path, &self.file, (offset, size), &self.cipher, (Sealed::Partition(number), &self.header))
    }
}

/// What a sealed run of bytes is, which gives its nonce. The key is used for one writing only.
#[derive(Clone, Copy)]
enum Sealed {
    Partition(usize),
    Directory,
}

impl Sealed {
    fn nonce(self) -> Nonce {
        let (kind, number) = match self {
            Self::Partition(number) => (0_u32, number as u64),
            Self::Directory => (1, 0),
        };
        let mut nonce = Nonce::default();
        let (first, rest) = nonce.split_at_mut(4);
        first.copy_from_slice(&kind.to_le_bytes());
        rest.copy_from_slice(&number.to_le_bytes());
        nonce
    }
}

/// Reads so many bytes at a place, and the tag behind them.
fn read_sealed(
    path: &Path,
    file: &File,
    (offset, size): (u64, usize),
    cipher: &ChaCha20Poly1305,
    (what, header): (Sealed, &Header),
) -> Result<Zeroizing<Vec<u8>>, StoreError> {
    let mut bytes = Zeroizing::new(vec![0; size + TAG]);
    file.read_exact_at(&mut bytes, offset).map_err(|source| {
        let cut_off = source.kind() == io::ErrorKind::UnexpectedEof;
        if cut_off { damaged(path) } else { StoreError::io("read", path, source) }
    })?;
    let (plain, tag) = bytes.split_last_chunk_mut::<TAG>().ok_or_else(|| damaged(path))?;
    let tag = Tag::from(*tag);
    let opened = cipher.decrypt_in_place_detached(&what.nonce(), &header.bytes, plain, &tag);
    opened.map_err(|_| damaged(path))?;
    bytes.truncate(size);
    Ok(bytes)
}

/// The partition of a handle, of so many, a power of two: its first bits.
fn partition_of(handle: &Handle, partitions: usize) -> usize {
    let [a, b, c, d, ..] = handle.0;
    let first = u64::from(u32::from_be_bytes([a, b, c, d]));
    usize::try_from((first * partitions as u64) >> 32).expect("it is less than the number of partitions")
}

fn handle_of(record: &[u8; RECORD]) -> Handle {
    Handle(*record.first_chunk().expect("a record begins with a handle"))
}

fn value_of(record: &[u8; RECORD]) -> Zeroizing<[u8; VALUE]> {
    Zeroizing::new(*record.last_chunk().expect("a record ends with a value"))
}

fn damaged(path: &Path) -> StoreError {
    not_sealed(path, "it is damaged, or cut off")
}

fn not_sealed(path: &Path, problem: &'static str) -> StoreError {
    StoreError::NotSealed { path: path.to_path_buf(), problem }
}
