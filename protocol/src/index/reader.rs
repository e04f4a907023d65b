//! Reads an index: checks its frame at once, its blocks when they are touched.

use std::fmt;

use super::block::{decode, split_first_value};
use super::{BLOCK_ENTRIES, FIRST_LEN, HEADER_LEN, Header, IndexError};

/// An index in memory (or mapped). Labels come out as they are in the file, sealed.
///
/// [`parse`](Self::parse) checks the frame only. [`lookup`](Self::lookup) and [`merge`](Self::merge) check the blocks
/// that they decode. In an index that never passed [`verify`](Self::verify) they may therefore miss an entry, when
/// blocks are out of order; they never panic.
pub struct Index<'a> {
    header: Header,
    blocks: &'a [u8],
    /// Where each block ends, little-endian; ascending, every block of 12 bytes at least, the last end at the end of `blocks`.
    ends: &'a [[u8; 8]],
    labels: &'a [u8],
}

impl fmt::Debug for Index<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Index").field("header", &self.header).finish_non_exhaustive()
    }
}

impl<'a> Index<'a> {
    /// Checks header, lengths and directory of a whole file. Takes time in proportion to the number of blocks.
    ///
    /// # Errors
    /// A malformed header; a length that does not fit; a directory that is not ascending, leaves a block fewer than 12
    /// bytes, or does not end with the blocks.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, IndexError> {
        let header = Header::parse(bytes)?;
        let frame = Frame::of(&header);
        let too_short = IndexError::TooShort { found: bytes.len() as u64, needed: frame.least_len() };
        if (bytes.len() as u64) < frame.least_len() {
            return Err(too_short);
        }
        let (_, rest) = bytes.split_at_checked(HEADER_LEN).ok_or(too_short)?;
        let (rest, labels) = split_off_end(rest, frame.labels_len).ok_or(too_short)?;
        let (blocks, directory) = split_off_end(rest, frame.directory_len).ok_or(too_short)?;
        let (ends, _) = directory.as_chunks::<8>();
        check_directory(ends, blocks.len() as u64)?;
        Ok(Self { header, blocks, ends, labels })
    }

    /// The header.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The sealed label of a tag, if its value is in the index. Decodes one block.
    ///
    /// # Errors
    /// The block that could hold the tag is malformed.
    pub fn lookup(&self, tag: u128) -> Result<Option<u64>, IndexError> {
        let mut found = None;
        self.merge([tag], |_, label| found = Some(label))?;
        Ok(found)
    }

    /// Looks ascending tags up in one walk, and calls `on_hit` with the position of each tag that is in the index, from
    /// 0, and its sealed label. Tags that share a value are all found.
    ///
    /// Decodes only blocks that could hold one of the tags, each once. When it fails, hits before the failure were
    /// reported already: the caller must drop them.
    ///
    /// # Errors
    /// A tag below the one before it; a malformed block.
    pub fn merge(
        &self,
        sorted_tags: impl IntoIterator<Item = u128>,
        mut on_hit: impl FnMut(usize, u64),
    ) -> Result<(), IndexError> {
        let mut previous = 0;
        let mut block = 0;
        let mut values = Vec::new();
        let mut rank = 0;
        // The values of the current block are below this; before the first block there are none.
        let mut until = self.first_value(0);
        for (position, tag) in sorted_tags.into_iter().enumerate() {
            if tag < previous {
                return Err(IndexError::QueriesNotSorted { position });
            }
            previous = tag;
            let value = self.header.value(tag);
            if value >= until {
                block = self.seek(block, value);
                until = self.first_value(block + 1);
                self.decode_block(block, &mut values)?;
                rank = 0;
            }
            rank += values.iter().skip(rank).take_while(|other| **other < value).count();
            if values.get(rank) == Some(&value) {
                on_hit(position, self.label(block, rank));
            }
        }
        Ok(())
    }

    /// Decodes everything and checks that these bytes are the one encoding of their entries.
    ///
    /// [`decode_block`](Self::decode_block) on every block checks the same, in any order and in parallel.
    ///
    /// # Errors
    /// The first malformed block.
    pub fn verify(&self) -> Result<(), IndexError> {
        let mut values = Vec::new();
        (0..self.header.blocks()).try_for_each(|block| self.decode_block(block, &mut values))
    }

    /// Decodes one block into `values`, which then holds its values, strictly ascending: 1024, in the last block fewer.
    /// Checks also that the next block begins above them.
    ///
    /// # Errors
    /// No such block, or a malformed one; `values` is then empty.
    pub fn decode_block(&self, block: u32, values: &mut Vec<u128>) -> Result<(), IndexError> {
        values.resize(self.header.entries_in(block) as usize, 0);
        let decoded = self.decode_into(block, values);
        if decoded.is_err() {
            values.clear();
        }
        decoded
    }

    fn decode_into(&self, block: u32, values: &mut [u128]) -> Result<(), IndexError> {
        let no_such_block = IndexError::NoSuchBlock { block, blocks: self.header.blocks() };
        let bytes = self.block_bytes(block).ok_or(no_such_block)?;
        decode(&self.header, block, bytes, values)?;
        if values.last().is_some_and(|last| *last >= self.first_value(block + 1)) {
            return Err(IndexError::BlocksOutOfOrder { block: block + 1 });
        }
        Ok(())
    }

    /// The last block, from `block` on, that begins at or below `value`; `block` itself must.
    ///
    /// Strides that double: next door costs one step, the whole index a binary search.
    fn seek(&self, block: u32, value: u128) -> u32 {
        let blocks = self.header.blocks();
        let mut low = block;
        let mut stride = 1;
        let mut high = loop {
            let probe = blocks.min(low.saturating_add(stride));
            if self.first_value(probe) > value {
                break probe;
            }
            low = probe;
            stride = stride.saturating_mul(2);
        };
        while high - low > 1 {
            let middle = low.midpoint(high);
            if self.first_value(middle) > value {
                high = middle;
            } else {
                low = middle;
            }
        }
        low
    }

    /// The first value of a block; behind the last block, more than any value.
    fn first_value(&self, block: u32) -> u128 {
        self.block_bytes(block)
            .and_then(|bytes| split_first_value(block, bytes).ok())
            .map_or(u128::MAX, |(first, _)| first)
    }

    fn block_bytes(&self, block: u32) -> Option<&'a [u8]> {
        let end_of = |block: usize| self.ends.get(block).and_then(|end| usize::try_from(u64::from_le_bytes(*end)).ok());
        let block = block as usize;
        let start = match block.checked_sub(1) {
            Some(before) => end_of(before)?,
            None => 0,
        };
        self.blocks.get(start..end_of(block)?)
    }

    /// The sealed label of the entry at `rank` in a block that was decoded.
    fn label(&self, block: u32, rank: usize) -> u64 {
        let len = usize::from(self.header.label_len());
        let start = (block as usize * BLOCK_ENTRIES as usize + rank) * len;
        let bytes = self.labels.get(start..start + len).expect("parse left a label for every entry");
        bytes.iter().rev().fold(0, |label, byte| (label << 8) | u64::from(*byte))
    }
}

/// Lengths in bytes that follow from a header.
struct Frame {
    blocks: u64,
    directory_len: u64,
    labels_len: u64,
}

impl Frame {
    fn of(header: &Header) -> Self {
        let blocks = u64::from(header.blocks());
        Self {
            blocks,
            directory_len: 8 * blocks,
            labels_len: u64::from(header.entries()) * u64::from(header.label_len()),
        }
    }

    /// The least length of the file: every block has its first value at least.
    fn least_len(&self) -> u64 {
        HEADER_LEN as u64 + FIRST_LEN as u64 * self.blocks + self.directory_len + self.labels_len
    }
}

/// Splits the last `len` bytes off.
fn split_off_end(bytes: &[u8], len: u64) -> Option<(&[u8], &[u8])> {
    let middle = bytes.len().checked_sub(usize::try_from(len).ok()?)?;
    bytes.split_at_checked(middle)
}

/// Checks that the ends cut `blocks_len` bytes, all of them, into blocks of at least 12 bytes.
fn check_directory(ends: &[[u8; 8]], blocks_len: u64) -> Result<(), IndexError> {
    let mut start = 0;
    for (block, end) in (0..).zip(ends) {
        let end = u64::from_le_bytes(*end);
        if end <= start {
            return Err(IndexError::DirectoryNotAscending { block });
        }
        if end - start < FIRST_LEN as u64 {
            return Err(IndexError::BlockTooShort { block, found: end - start });
        }
        start = end;
    }
    if start != blocks_len {
        return Err(IndexError::DirectoryEndMismatch { found: start, expected: blocks_len });
    }
    Ok(())
}
