//! The 40 bytes at the head of an index, and the arithmetic that follows from them.

use super::{BLOCK_ENTRIES, FIRST_LEN, HEADER_LEN, IndexError, MAGIC, MAX_F, MAX_LABEL_LEN, MIN_F};

/// The header of an index. A value of this type is always within the ranges of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    release: [u8; 16],
    entries: u32,
    f: u8,
    label_len: u8,
}

impl Header {
    /// The header for `entries` entries (N), f, and labels of `label_len` bytes (L).
    ///
    /// # Errors
    /// N = 0, f outside 32..=56, or L outside 1..=8.
    pub fn new(release: [u8; 16], entries: u32, f: u8, label_len: u8) -> Result<Self, IndexError> {
        if entries == 0 {
            return Err(IndexError::EntriesOutOfRange { found: 0 });
        }
        if !(MIN_F..=MAX_F).contains(&f) {
            return Err(IndexError::FOutOfRange { found: f });
        }
        if !(1..=MAX_LABEL_LEN).contains(&label_len) {
            return Err(IndexError::LabelLengthOutOfRange { found: label_len });
        }
        Ok(Self { release, entries, f, label_len })
    }

    /// Reads the header at the front of `bytes`, which may go on behind it.
    ///
    /// # Errors
    /// Fewer than 40 bytes, another magic, or a field out of range.
    pub fn parse(bytes: &[u8]) -> Result<Self, IndexError> {
        let too_short = IndexError::TooShort { found: bytes.len() as u64, needed: HEADER_LEN as u64 };
        let (magic, rest) = bytes.split_first_chunk::<{ MAGIC.len() }>().ok_or(too_short)?;
        if *magic != MAGIC {
            return Err(IndexError::WrongMagic);
        }
        let (release, rest) = rest.split_first_chunk::<16>().ok_or(too_short)?;
        let (entries, rest) = rest.split_first_chunk::<4>().ok_or(too_short)?;
        let &[f, label_len] = rest.first_chunk::<2>().ok_or(too_short)?;
        Self::new(*release, u32::from_le_bytes(*entries), f, label_len)
    }

    /// The 40 bytes of this header.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; HEADER_LEN] {
        let fields =
            MAGIC.into_iter().chain(self.release).chain(self.entries.to_le_bytes()).chain([self.f, self.label_len]);
        let mut bytes = [0; HEADER_LEN];
        for (to, from) in bytes.iter_mut().zip(fields) {
            *to = from;
        }
        bytes
    }

    /// The release id.
    #[must_use]
    pub fn release(&self) -> [u8; 16] {
        self.release
    }

    /// N, the number of entries.
    #[must_use]
    pub fn entries(&self) -> u32 {
        self.entries
    }

    /// f: a tag that is not in the release is found by chance with probability 2^-f.
    #[must_use]
    pub fn f(&self) -> u8 {
        self.f
    }

    /// L, the length of a label in bytes.
    #[must_use]
    pub fn label_len(&self) -> u8 {
        self.label_len
    }

    /// Number of blocks.
    #[must_use]
    pub fn blocks(&self) -> u32 {
        self.entries.div_ceil(BLOCK_ENTRIES)
    }

    /// The value of a tag: v(t) = floor(t · R / 2^128), below R. The tag is its 16 bytes read as little-endian.
    #[must_use]
    pub fn value(&self, tag: u128) -> u128 {
        scale(tag, self.entries) >> (64 - self.f)
    }

    /// R = N · 2^f, the bound that every value is below; it has up to 88 bits.
    pub(super) fn range(&self) -> u128 {
        u128::from(self.entries) << self.f
    }

    /// k = f - 1, the Rice parameter: from 31 to 55.
    pub(super) fn rice_bits(&self) -> u64 {
        u64::from(self.f) - 1
    }

    /// More bytes than a block can have: the first value, 1,023 codes of k + 1 bits with up to 63 zeros each, runs of zeros
    /// that together stay below R / 2^k = 2N, and two words that are read ahead.
    pub(super) fn most_block_len(&self) -> u64 {
        let bits = u64::from(BLOCK_ENTRIES) * (self.rice_bits() + 64) + 2 * u64::from(self.entries) + 128;
        FIRST_LEN as u64 + bits.div_ceil(8)
    }

    /// Number of entries in a block: 1024, in the last block the rest, and 0 behind the last block.
    pub(super) fn entries_in(&self, block: u32) -> u32 {
        let before = u64::from(block) * u64::from(BLOCK_ENTRIES);
        let left = u64::from(self.entries).saturating_sub(before);
        u32::try_from(left).map_or(BLOCK_ENTRIES, |left| left.min(BLOCK_ENTRIES))
    }
}

/// floor(tag · N / 2^64), of up to 96 bits: the value of the tag is this without its low 64 - f bits.
pub(super) fn scale(tag: u128, entries: u32) -> u128 {
    let n = u128::from(entries);
    let high = tag >> 64;
    let low = tag & u128::from(u64::MAX);
    high * n + ((low * n) >> 64)
}
