//! The head of a vault: what it was made for, how its key follows from the passphrase, and how many partitions follow.
//!
//! ```text
//! magic (19 bytes)
//! Argon2id: memory in KiB (4) | passes (4) | lanes (4) | salt (16)
//! file salt (32)      new at every writing
//! binding (32)        SHA-256 of what the vault is for
//! partitions (4)      a power of two
//! MAC (32)            of all before it, under a key from the passphrase: a wrong one is told from damage
//! checksum (16)       SHA-256 of all before it, its beginning
//! ```
//!
//! Integers are little-endian. Nothing of a header may cost time or memory before its numbers were looked at.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use chacha20poly1305::ChaCha20Poly1305;
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use rustix::fs::OFlags;
use sha2::{Digest as _, Sha256};
use zeroize::{Zeroize, Zeroizing};

use super::Handle;
use crate::passphrase::Passphrase;
use crate::spill::fill_random;
use crate::{StoreError, owner};

const MAGIC: &[u8; 19] = b"blindlist vault v1\n";

/// Bytes of a header.
pub(super) const LENGTH: usize = SIGNED + 32 + CHECKSUM;
const SIGNED: usize = MAGIC.len() + 12 + 16 + 32 + 32 + 4;
const CHECKSUM: usize = 16;

/// The most partitions of a vault: a tebibyte.
const MOST_PARTITIONS: u32 = 1 << 20;

/// What it takes to try one passphrase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Work {
    /// KiB of memory.
    pub(super) memory: u32,
    /// Passes over it.
    pub(super) passes: u32,
    /// Lanes.
    pub(super) lanes: u32,
}

impl Work {
    /// Of a vault that is made here: the second choice that RFC 9106 recommends, 64 MiB.
    pub(super) const USUAL: Self = Self { memory: 64 << 10, passes: 3, lanes: 4 };
    /// The most that a file may ask for, 256 MiB.
    const MOST: Self = Self { memory: 256 << 10, passes: 10, lanes: 16 };

    fn is_allowed(self) -> bool {
        self.memory <= Self::MOST.memory && self.passes <= Self::MOST.passes && self.lanes <= Self::MOST.lanes
    }
}

/// What a header says.
#[derive(Clone, Copy)]
pub(super) struct Header {
    pub(super) bytes: [u8; LENGTH],
    pub(super) work: Work,
    pub(super) salt: [u8; 16],
    pub(super) file_salt: [u8; 32],
    pub(super) binding: [u8; 32],
    pub(super) partitions: u32,
}

impl Header {
    /// The header of the file, if there is one, and the file.
    ///
    /// # Errors
    /// [`StoreError::NotSealed`] when it is no header, or asks for too much work; [`StoreError::OpenToOthers`],
    /// [`StoreError::OwnedByAnother`], [`StoreError::NotAFile`], [`StoreError::Io`].
    pub(super) fn read(path: &Path) -> Result<Option<(File, Self)>, StoreError> {
        let failed = |source| StoreError::io("read", path, source);
        // NONBLOCK: opening a pipe must not wait for a writer before it is refused.
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
        let file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
            Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(failed)?,
        };
        let found = file.metadata().map_err(failed)?;
        if !found.is_file() {
            return Err(StoreError::NotAFile { path: path.to_path_buf() });
        }
        owner::check_private(path, &found, 0o600)?;
        let mut bytes = [0; LENGTH];
        match file.read_exact_at(&mut bytes, 0) {
            Err(source) if source.kind() == io::ErrorKind::UnexpectedEof => return Err(super::damaged(path)),
            read => read.map_err(failed)?,
        }
        let header = Self::parse(bytes).ok_or_else(|| super::damaged(path))?;
        if !header.work.is_allowed() {
            return Err(super::not_sealed(path, "it asks for more work than is allowed, Argon2id with 256 MiB"));
        }
        Ok(Some((file, header)))
    }

    /// The header of the next writing.
    pub(super) fn new(keys: &Keys, partitions: u32, path: &Path) -> Result<Self, StoreError> {
        let Keys { work, salt, binding, .. } = *keys;
        let mut file_salt = [0; 32];
        fill_random(&mut file_salt, path)?;
        let numbers = [work.memory, work.passes, work.lanes].map(u32::to_le_bytes);
        let parts = partitions.to_le_bytes();
        let signed = [&MAGIC[..], numbers.as_flattened(), &salt, &file_salt, &binding, &parts].concat();
        let mac: [u8; 32] = keys.mac(&signed).finalize().into_bytes().into();
        let with_mac = [&signed[..], &mac].concat();
        let mut bytes = [0; LENGTH];
        let (head, end) = bytes.split_at_mut(with_mac.len());
        head.copy_from_slice(&with_mac);
        end.copy_from_slice(&checksum(&with_mac));
        Ok(Self { bytes, work, salt, file_salt, binding, partitions })
    }

    fn parse(bytes: [u8; LENGTH]) -> Option<Self> {
        let (checked, sum) = bytes.split_last_chunk()?;
        if checksum(checked) != *sum {
            return None;
        }
        let mut rest = bytes.strip_prefix(MAGIC)?;
        let [memory, passes, lanes] = [take(&mut rest)?, take(&mut rest)?, take(&mut rest)?].map(u32::from_le_bytes);
        let (salt, file_salt, binding) = (take(&mut rest)?, take(&mut rest)?, take(&mut rest)?);
        let partitions = u32::from_le_bytes(take(&mut rest)?);
        let work = Work { memory, passes, lanes };
        let possible = partitions.is_power_of_two() && partitions <= MOST_PARTITIONS;
        possible.then_some(Self { bytes, work, salt, file_salt, binding, partitions })
    }

    /// Whether these keys made it.
    pub(super) fn is_of(&self, keys: &Keys) -> bool {
        let parts = self.bytes.split_at_checked(SIGNED);
        parts.is_some_and(|(signed, rest)| {
            rest.first_chunk::<32>().is_some_and(|mac| keys.mac(signed).verify_slice(mac).is_ok())
        })
    }
}

/// How many partitions so many records of this length get: each has a mebibyte at most, on average.
pub(super) fn partitions(records: u64, length: usize) -> u32 {
    let bytes = records.saturating_mul(length as u64);
    let partitions = bytes.div_ceil(1 << 20).clamp(1, MOST_PARTITIONS.into()).next_power_of_two();
    u32::try_from(partitions).unwrap_or(MOST_PARTITIONS)
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*taken)
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM] {
    let hash: [u8; 32] = Sha256::digest(bytes).into();
    *hash.first_chunk().expect("SHA-256 has 32 bytes")
}

/// What a vault is for, in 32 bytes.
pub(super) fn binding(what: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(MAGIC).chain_update(what).finalize().into()
}

/// Everything that follows from a passphrase. It is zeroised.
pub(super) struct Keys {
    pub(super) work: Work,
    pub(super) salt: [u8; 16],
    binding: [u8; 32],
    master: Zeroizing<[u8; 32]>,
    handles: Hmac<Sha256>,
}

impl Keys {
    /// The keys of a passphrase for a vault with this binding. It takes as long as the work says.
    ///
    /// # Errors
    /// [`StoreError::Io`] without enough memory, [`StoreError::NotSealed`] for work that makes no sense.
    pub(super) fn derive(
        path: &Path,
        passphrase: &Passphrase,
        (work, salt): (Work, [u8; 16]),
        binding: [u8; 32],
    ) -> Result<Self, StoreError> {
        let mut master = Zeroizing::new([0; 32]);
        let params = Params::new(work.memory, work.passes, work.lanes, Some(master.len()));
        let params = params.map_err(|_| super::damaged(path))?;
        let mut blocks = Vec::new();
        let reserved = blocks.try_reserve_exact(params.block_count());
        reserved.map_err(|_| StoreError::io("open", path, io::ErrorKind::OutOfMemory.into()))?;
        blocks.resize(params.block_count(), Block::new());
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let words = passphrase.expose().as_bytes();
        let done = argon2.hash_password_into_with_memory(words, &salt, &mut *master, blocks.as_mut_slice());
        // The last of them lead to the key.
        blocks.iter_mut().for_each(Zeroize::zeroize);
        done.map_err(|_| super::damaged(path))?;
        let handles = keyed(&*expand(&master, &[b"handles", &binding]));
        Ok(Self { work, salt, binding, master, handles })
    }

    /// The handle of a name.
    pub(super) fn handle(&self, name: &[u8]) -> Handle {
        let hash: Zeroizing<[u8; 32]> =
            Zeroizing::new(self.handles.clone().chain_update(name).finalize().into_bytes().into());
        Handle(*hash.first_chunk().expect("HMAC-SHA-256 has 32 bytes"))
    }

    /// What seals one writing.
    pub(super) fn cipher(&self, file_salt: &[u8; 32]) -> ChaCha20Poly1305 {
        let key = expand(&self.master, &[b"file", &self.binding, file_salt]);
        chacha20poly1305::KeyInit::new((&*key).into())
    }

    fn mac(&self, signed: &[u8]) -> Hmac<Sha256> {
        keyed(&*expand(&self.master, &[b"header", &self.binding])).chain_update(signed)
    }
}

fn expand(master: &[u8; 32], purpose: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([0; 32]);
    let expanded = Hkdf::<Sha256>::new(Some(MAGIC), master).expand_multi_info(purpose, &mut *key);
    expanded.expect("32 bytes are less than HKDF can give");
    key
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_records_get_more_partitions_and_never_too_many() {
        for (records, expected) in [(0, 1), (1, 1), (1 << 20, 1), ((1 << 20) + 1, 2), (5 << 20, 8)] {
            assert_eq!(partitions(records, 1), expected, "{records}");
        }
        assert_eq!(partitions(u64::MAX, 84), MOST_PARTITIONS);
    }
}
