//! A vault written anew: what it held, and what is added. The old file stays until the new one is whole on the disk.

use std::fmt;
use std::io::Write as _;

use chacha20poly1305::ChaCha20Poly1305;
use chacha20poly1305::aead::AeadInPlace as _;
use zeroize::Zeroizing;

use super::header::{self, Header};
use super::{HANDLE, Handle, RECORD, Sealed, VALUE, Vault, handle_of, partition_of};
use crate::StoreError;
use crate::file::AtomicFile;
use crate::spill::{Spill, append};

/// Values that are to go into a vault.
pub struct Additions(Spill);

impl fmt::Debug for Additions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Additions({})", self.count())
    }
}

impl Additions {
    /// How many partitions their spill has: one for each first byte of a handle.
    pub const PARTITIONS: usize = 256;

    /// None as yet. The spill is empty.
    ///
    /// # Panics
    /// When the spill has another number of partitions than [`Additions::PARTITIONS`].
    #[must_use]
    pub fn new(spill: Spill) -> Self {
        assert_eq!(spill.partitions(), Self::PARTITIONS, "one for each first byte");
        Self(spill)
    }

    /// Adds a value. Of two under one handle, the first counts.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`], [`StoreError::Io`].
    pub fn push(&mut self, handle: &Handle, value: &[u8; VALUE]) -> Result<(), StoreError> {
        let mut record = Zeroizing::new([0; RECORD]);
        let (first, rest) = record.split_at_mut(HANDLE);
        first.copy_from_slice(handle.as_bytes());
        rest.copy_from_slice(value);
        let [partition, ..] = handle.0;
        self.0.push(partition.into(), &*record)
    }

    /// How many were pushed.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.total() / RECORD as u64
    }
}

impl Vault {
    /// Writes the vault anew, with these; how many values it holds then. What it holds already stays as it is. When it
    /// returns, the file is on the disk; on failure the old one stays as it was. To go on, open it again.
    ///
    /// # Errors
    /// [`StoreError::Changed`] when the file is not the one that was opened; [`StoreError::NotSealed`] when it is damaged;
    /// [`StoreError::DiskFull`], [`StoreError::Io`].
    pub fn update(&self, additions: &Additions) -> Result<u64, StoreError> {
        let most = self.count().saturating_add(additions.count());
        let header = Header::new(&self.keys, header::partitions(most, RECORD), &self.path)?;
        let mut writer = Writer::begin(AtomicFile::create(&self.path)?, header, self.keys.cipher(&header.file_salt))?;
        let mut old = Ascending::of(self);
        for first in 0..Additions::PARTITIONS {
            let bytes = additions.0.read(first)?;
            let mut new: Vec<_> = bytes.as_chunks::<RECORD>().0.iter().collect();
            new.sort_by_key(|record| handle_of(record));
            new.dedup_by_key(|record| handle_of(record));
            for record in new {
                let handle = handle_of(record);
                while let Some(before) = old.next_if(|next| next < handle)? {
                    writer.push(&before)?;
                }
                // What is held already stays.
                match old.next_if(|next| next == handle)? {
                    Some(held) => writer.push(&held)?,
                    None => writer.push(record)?,
                }
            }
        }
        while let Some(rest) = old.next_if(|_| true)? {
            writer.push(&rest)?;
        }
        let (file, count) = writer.end()?;
        self.require_unchanged()?;
        file.commit()?;
        Ok(count)
    }

    /// Makes sure that nobody wrote or removed the file meanwhile.
    fn require_unchanged(&self) -> Result<(), StoreError> {
        let now = Header::read(&self.path)?.map(|(_, header)| header.bytes);
        let then = self.stored.as_ref().map(|stored| stored.header.bytes);
        if now == then { Ok(()) } else { Err(StoreError::Changed { path: self.path.clone() }) }
    }
}

/// The records of a vault in the order of their handles.
struct Ascending<'a> {
    vault: &'a Vault,
    /// The partition to be read next.
    next: usize,
    records: Zeroizing<Vec<u8>>,
    /// Records of it that were given already.
    given: usize,
}

impl<'a> Ascending<'a> {
    fn of(vault: &'a Vault) -> Self {
        Self { vault, next: 0, records: Zeroizing::default(), given: 0 }
    }

    /// The next record, if its handle is wanted.
    fn next_if(&mut self, wanted: impl Fn(Handle) -> bool) -> Result<Option<Zeroizing<[u8; RECORD]>>, StoreError> {
        while self.given * RECORD >= self.records.len() {
            if self.next >= self.vault.partitions() {
                return Ok(None);
            }
            self.records = self.vault.read(self.next)?;
            (self.next, self.given) = (self.next + 1, 0);
        }
        let next = self.records.as_chunks().0.get(self.given).filter(|record| wanted(handle_of(record)));
        let next = next.map(|record| Zeroizing::new(*record));
        self.given += usize::from(next.is_some());
        Ok(next)
    }
}

/// A vault's file that is being written.
struct Writer {
    file: AtomicFile,
    header: Header,
    cipher: ChaCha20Poly1305,
    /// The records of the partition under way.
    buffer: Zeroizing<Vec<u8>>,
    /// How many records the partitions before it have.
    counts: Vec<u32>,
    count: u64,
}

impl Writer {
    fn begin(mut file: AtomicFile, header: Header, cipher: ChaCha20Poly1305) -> Result<Self, StoreError> {
        file.write_all(&header.bytes).map_err(|source| file.write_error(source))?;
        Ok(Self { file, header, cipher, buffer: Zeroizing::default(), counts: Vec::new(), count: 0 })
    }

    /// Adds the next record.
    fn push(&mut self, record: &[u8; RECORD]) -> Result<(), StoreError> {
        let partition = partition_of(&handle_of(record), self.header.partitions as usize);
        while self.counts.len() < partition {
            self.end_partition()?;
        }
        append(&mut self.buffer, record);
        self.count += 1;
        Ok(())
    }

    fn end_partition(&mut self) -> Result<(), StoreError> {
        let number = self.counts.len();
        let records = u32::try_from(self.buffer.len() / RECORD).expect("a partition is about a mebibyte");
        let mut buffer = std::mem::take(&mut self.buffer);
        self.seal(Sealed::Partition(number), &mut buffer)?;
        self.counts.push(records);
        // Its memory is used again; what is in it is sealed.
        buffer.clear();
        self.buffer = buffer;
        Ok(())
    }

    /// Writes something sealed.
    fn seal(&mut self, what: Sealed, bytes: &mut [u8]) -> Result<(), StoreError> {
        let tag = self.cipher.encrypt_in_place_detached(&what.nonce(), &self.header.bytes, bytes);
        let tag = tag.expect("a partition is shorter than the cipher's limit");
        let written = self.file.write_all(bytes).and_then(|()| self.file.write_all(&tag));
        written.map_err(|source| self.file.write_error(source))
    }

    /// Ends the file, which is to be committed; how many records it has.
    fn end(mut self) -> Result<(AtomicFile, u64), StoreError> {
        while self.counts.len() < self.header.partitions as usize {
            self.end_partition()?;
        }
        let mut directory: Vec<u8> = self.counts.iter().flat_map(|records| records.to_le_bytes()).collect();
        self.seal(Sealed::Directory, &mut directory)?;
        Ok((self.file, self.count))
    }
}
