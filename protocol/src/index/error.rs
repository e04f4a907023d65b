//! What can be wrong with an index, or with a call that makes or reads one.

use thiserror::Error;

/// Why an index could not be written or read.
///
/// Every number in it is a length, an offset or a count of entries of the published file; none is about a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum IndexError {
    /// The file is shorter than its header, or than its header implies.
    #[error("reading an index: found {found} bytes, at least {needed} are needed")]
    TooShort {
        /// Length of the file in bytes.
        found: u64,
        /// The least length in bytes that could be right.
        needed: u64,
    },
    /// The file does not begin with the magic of version 1.
    #[error("reading an index: it does not begin with `blindlist/1 index`")]
    WrongMagic,
    /// N is not in 1..2^32.
    #[error("an index of {found} entries: the number must be at least 1 and below 2^32")]
    EntriesOutOfRange {
        /// The number of entries found.
        found: u64,
    },
    /// f is not in 32..=56.
    #[error("an index with f = {found}: f must be from 32 to 56")]
    FOutOfRange {
        /// The f found.
        found: u8,
    },
    /// L is not in 1..=8.
    #[error("an index with labels of {found} bytes: a label must have from 1 to 8 bytes")]
    LabelLengthOutOfRange {
        /// The L found.
        found: u8,
    },
    /// A block would end where it begins, or before.
    #[error("reading an index: the end of block {block} in the directory is not above the end of the block before")]
    DirectoryNotAscending {
        /// The block, from 0.
        block: u32,
    },
    /// The last block does not end where the directory begins.
    #[error("reading an index: the directory ends the blocks at byte {found}, but they have {expected} bytes")]
    DirectoryEndMismatch {
        /// The last offset in the directory.
        found: u64,
        /// Length of all blocks in bytes, from the length of the file.
        expected: u64,
    },
    /// A block has no room for its first value.
    #[error("reading an index: block {block} has {found} bytes, its first value alone needs 12")]
    BlockTooShort {
        /// The block, from 0.
        block: u32,
        /// Length of the block in bytes.
        found: u64,
    },
    /// The first value of a block is not above the last value of the block before.
    #[error("reading an index: block {block} does not begin above the end of the block before")]
    BlocksOutOfOrder {
        /// The later block of the two, from 0.
        block: u32,
    },
    /// A value is not below R.
    #[error("reading an index: a value in block {block} is not below N * 2^f")]
    ValueOutOfRange {
        /// The block, from 0.
        block: u32,
    },
    /// A run of zero bits is so long that the value after it cannot be below R. Found before the run is read to its end.
    #[error("reading an index: a run of zero bits in block {block} leads beyond N * 2^f")]
    RunTooLong {
        /// The block, from 0.
        block: u32,
    },
    /// The bytes of a block end before its entries do.
    #[error("reading an index: block {block} ends before its last entry")]
    BlockEndsEarly {
        /// The block, from 0.
        block: u32,
    },
    /// A block has whole bytes behind its last entry.
    #[error("reading an index: block {block} has {found} bytes too many")]
    LeftOverBytes {
        /// The block, from 0.
        block: u32,
        /// Number of bytes that belong to no entry.
        found: u64,
    },
    /// The bits that fill the last byte of a block are not all zero.
    #[error("reading an index: the padding bits of block {block} are not zero")]
    PaddingNotZero {
        /// The block, from 0.
        block: u32,
    },
    /// Misuse: a block was asked for that the index does not have.
    #[error("reading block {block} of an index: it has {blocks} blocks")]
    NoSuchBlock {
        /// The block asked for, from 0.
        block: u32,
        /// Number of blocks.
        blocks: u32,
    },
    /// Misuse: the tags to look up are not in ascending order.
    #[error("searching an index: the tag at position {position} is below the one before; they must be sorted")]
    QueriesNotSorted {
        /// Position among the tags to look up, from 0.
        position: usize,
    },
    /// Misuse: the tags to encode are not strictly ascending.
    #[error(
        "writing an index: the tag of entry {position} is not above the one before; they must be sorted and differ"
    )]
    TagsNotAscending {
        /// Position among the entries, from 0.
        position: u32,
    },
    /// Two tags that differ have one value under the f that was given; [`choose_f`](super::choose_f) finds one that works.
    #[error("writing an index: entry {position} has the value of the one before, f = {f} is too small")]
    ValuesCollide {
        /// Position of the later entry of the two, from 0.
        position: u32,
        /// The f in use.
        f: u8,
    },
    /// Two tags that differ have one value under every f that the format allows.
    #[error("choosing f for an index: the values of two tags are equal even with the largest f, 56")]
    NoSuitableF,
    /// Misuse: the number of entries or labels is not the N announced.
    #[error("writing an index: found {found} entries or labels, {expected} were announced")]
    CountMismatch {
        /// The N of the header.
        expected: u32,
        /// How many came; one more than N stands for any number above it.
        found: u64,
    },
    /// Misuse: a label has bits above its L bytes.
    #[error("writing an index: label {position} does not fit in {label_len} bytes")]
    LabelTooWide {
        /// Position among the entries, from 0.
        position: u32,
        /// The L of the header.
        label_len: u8,
    },
}
