//! Reads an index: checks its frame at once, its blocks when they are touched.

use std::fmt;
use std::ops::Range;

use super::block::{decode, split_first_value};
use super::walk::Walk;
use super::{BLOCK_ENTRIES, FIRST_LEN, HEADER_LEN, Header, IndexError, Storage};

/// Ends of the directory that are read at a time: 64 KiB.
const ENDS_AT_A_TIME: usize = 8_192;

/// An index in some [`Storage`]. Labels come out as they are in it, sealed. It may be used by several threads at once.
///
/// [`open`](Self::open) reads and checks the frame only. [`lookup`](Self::lookup) and [`merge`](Self::merge) read and
/// check the blocks that could hold what is looked for. In an index that never passed [`verify`](Self::verify) they may
/// therefore miss an entry, when blocks are out of order; they never panic.
pub struct Index<S> {
    header: Header,
    storage: S,
    /// Where each block ends, in bytes from the first block on; ascending, every block of 12 bytes at least.
    ends: Vec<u64>,
    /// Where the labels begin in the file.
    labels: u64,
}

impl<S> fmt::Debug for Index<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Index").field("header", &self.header).finish_non_exhaustive()
    }
}

impl<'a> Index<&'a [u8]> {
    /// [`open`](Self::open) for an index in memory.
    ///
    /// # Errors
    /// Those of [`open`](Self::open).
    pub fn parse(bytes: &'a [u8]) -> Result<Self, IndexError> {
        Self::open(bytes)
    }
}

impl<S: Storage> Index<S> {
    /// Reads header and directory, and checks them with the length. The directory is kept, 8 bytes a block.
    ///
    /// # Errors
    /// A malformed header; a length that does not fit; a directory that is not ascending, leaves a block fewer than 12
    /// bytes, or does not end with the blocks. What the storage fails with.
    pub fn open(storage: S) -> Result<Self, S::Error> {
        let found = storage.length();
        let mut room = Vec::new();
        let header_len = usize::try_from(found).map_or(HEADER_LEN, |found| found.min(HEADER_LEN));
        let header = Header::parse(storage.read(0, header_len, &mut room)?)?;
        let frame = Frame::of(&header);
        if found < frame.least_len() {
            return Err(IndexError::TooShort { found, needed: frame.least_len() }.into());
        }
        let labels = found - frame.labels_len;
        let directory = labels - frame.directory_len;

        let mut ends = Vec::with_capacity(header.blocks() as usize);
        let mut left = header.blocks() as usize;
        while left > 0 {
            let offset = directory + 8 * ends.len() as u64;
            let read = storage.read(offset, 8 * left.min(ENDS_AT_A_TIME), &mut room)?.as_chunks::<8>().0;
            left = left.saturating_sub(ENDS_AT_A_TIME);
            ends.extend(read.iter().map(|end| u64::from_le_bytes(*end)));
        }
        check_directory(&ends, directory - HEADER_LEN as u64)?;
        Ok(Self { header, storage, ends, labels })
    }

    /// The header.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Where its bytes are.
    #[must_use]
    pub fn storage(&self) -> &S {
        &self.storage
    }

    /// The sealed label of a tag, if its value is in the index. Decodes one block.
    ///
    /// # Errors
    /// The block that could hold the tag is malformed. What the storage fails with.
    pub fn lookup(&self, tag: u128) -> Result<Option<u64>, S::Error> {
        Walk::new(self).find(self.header.value(tag))
    }

    /// Looks ascending tags up in one walk, and calls `on_hit` with the position of each tag that is in the index, from
    /// 0, and its sealed label. Tags that share a value are all found.
    ///
    /// Decodes only blocks that could hold one of the tags, each once. When it fails, hits before the failure were
    /// reported already: the caller must drop them.
    ///
    /// # Errors
    /// A tag below the one before it; a malformed block. What the storage fails with.
    pub fn merge(
        &self,
        sorted_tags: impl IntoIterator<Item = u128>,
        mut on_hit: impl FnMut(usize, u64),
    ) -> Result<(), S::Error> {
        let mut walk = Walk::new(self);
        let mut previous = 0;
        for (position, tag) in sorted_tags.into_iter().enumerate() {
            if tag < previous {
                return Err(IndexError::QueriesNotSorted { position }.into());
            }
            previous = tag;
            if let Some(label) = walk.find(self.header.value(tag))? {
                on_hit(position, label);
            }
        }
        Ok(())
    }

    /// Decodes everything and checks that these bytes are the one encoding of their entries.
    ///
    /// # Errors
    /// The first malformed block. What the storage fails with.
    pub fn verify(&self) -> Result<(), S::Error> {
        self.verify_blocks(0..self.header.blocks())
    }

    /// Decodes and checks a part. The parts of [`verify`](Self::verify) may be checked in any order and in parallel.
    ///
    /// # Errors
    /// The first malformed block of these; no such block. What the storage fails with.
    pub fn verify_blocks(&self, mut blocks: Range<u32>) -> Result<(), S::Error> {
        let (mut values, mut room) = (Vec::new(), Vec::new());
        blocks.try_for_each(|block| self.load(block, &mut values, &mut room).map(|_| ()))
    }

    /// Decodes one block into `values`, which then holds its values, strictly ascending: 1024, in the last block fewer.
    /// Checks also that the next block begins above them.
    ///
    /// # Errors
    /// No such block, or a malformed one; `values` is then empty. What the storage fails with.
    pub fn decode_block(&self, block: u32, values: &mut Vec<u128>) -> Result<(), S::Error> {
        self.load(block, values, &mut Vec::new()).map(|_| ())
    }

    /// [`decode_block`](Self::decode_block) with room that can be used again. Says where the next block begins: behind
    /// the last block, above any value.
    pub(super) fn load(&self, block: u32, values: &mut Vec<u128>, room: &mut Vec<u8>) -> Result<u128, S::Error> {
        values.resize(self.header.entries_in(block) as usize, 0);
        let loaded = self.load_into(block, values, room);
        if loaded.is_err() {
            values.clear();
        }
        loaded
    }

    fn load_into(&self, block: u32, values: &mut [u128], room: &mut Vec<u8>) -> Result<u128, S::Error> {
        let no_such_block = IndexError::NoSuchBlock { block, blocks: self.header.blocks() };
        let span = self.span(block).ok_or(no_such_block)?;
        let length = span.end - span.start;
        // A block that is longer than any is refused after as much of it as any has.
        let kept = usize::try_from(length.min(self.header.most_block_len())).unwrap_or(usize::MAX);
        let is_last = block + 1 == self.header.blocks();
        let next_len = if is_last { 0 } else { FIRST_LEN };
        let bytes = self.storage.read(span.start, kept.saturating_add(next_len), room)?;
        let (bytes, next) = bytes.split_at_checked(kept).ok_or(no_such_block)?;
        decode(&self.header, block, bytes, length, values)?;
        let until = if is_last { u128::MAX } else { split_first_value(block + 1, next)?.0 };
        if values.last().is_some_and(|last| *last >= until) {
            return Err(IndexError::BlocksOutOfOrder { block: block + 1 }.into());
        }
        Ok(until)
    }

    /// The first value of a block.
    pub(super) fn first_value(&self, block: u32, room: &mut Vec<u8>) -> Result<u128, S::Error> {
        let no_such_block = IndexError::NoSuchBlock { block, blocks: self.header.blocks() };
        let span = self.span(block).ok_or(no_such_block)?;
        let bytes = self.storage.read(span.start, FIRST_LEN, room)?;
        Ok(split_first_value(block, bytes)?.0)
    }

    /// The sealed labels of a block, L bytes each.
    pub(super) fn labels<'b>(&'b self, block: u32, room: &'b mut Vec<u8>) -> Result<&'b [u8], S::Error> {
        let label_len = usize::from(self.header.label_len());
        let before = u64::from(block) * u64::from(BLOCK_ENTRIES) * label_len as u64;
        self.storage.read(self.labels + before, self.header.entries_in(block) as usize * label_len, room)
    }

    /// Where a block is in the file.
    fn span(&self, block: u32) -> Option<Range<u64>> {
        let block = block as usize;
        let start = match block.checked_sub(1) {
            Some(before) => *self.ends.get(before)?,
            None => 0,
        };
        let first = HEADER_LEN as u64;
        Some(first + start..first + *self.ends.get(block)?)
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

/// Checks that the ends cut `blocks_len` bytes, all of them, into blocks of at least 12 bytes.
fn check_directory(ends: &[u64], blocks_len: u64) -> Result<(), IndexError> {
    let mut start = 0;
    for (block, end) in (0..).zip(ends) {
        if *end <= start {
            return Err(IndexError::DirectoryNotAscending { block });
        }
        if end - start < FIRST_LEN as u64 {
            return Err(IndexError::BlockTooShort { block, found: end - start });
        }
        start = *end;
    }
    if start != blocks_len {
        return Err(IndexError::DirectoryEndMismatch { found: start, expected: blocks_len });
    }
    Ok(())
}
