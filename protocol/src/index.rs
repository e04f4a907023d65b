//! The index of a release: its truncated tags as a sorted, Rice-coded set, and one sealed label for each (SPEC.md,
//! "Index").
//!
//! An insurer fetches the whole file and looks its own tags up in it. A tag is mapped to a *value* below R = N · 2^f,
//! so that a tag that is not in the release is found by chance with probability 2^-f, whatever N is.
//!
//! ```text
//! header (40 bytes) | blocks (Rice-coded values) | directory (8 bytes a block) | labels (N · L bytes)
//! ```
//!
//! [`Encoder`] writes the file as a stream, [`encode`] in one call; [`Index`] reads what it needs of it from a
//! [`Storage`]. One set of entries has exactly one encoding, and [`Index::verify`] refuses every other.
//!
//! This module must not read files, know keys, or open labels: labels go in and come out sealed. It trusts nothing in
//! the bytes that it reads.

mod bits;
mod block;
mod encoder;
mod error;
mod header;
mod reader;
mod storage;
#[cfg(test)]
mod tests;
mod walk;

pub use encoder::{Encoder, LabelEncoder, SealedEntry, choose_f, encode};
pub use error::IndexError;
pub use header::Header;
pub use reader::Index;
pub use storage::Storage;

/// The first 18 bytes of every index of version 1.
pub const MAGIC: [u8; 18] = *b"blindlist/1 index\n";

/// Length of the header in bytes.
pub const HEADER_LEN: usize = 40;

/// Entries in a block; only the last block may hold fewer.
pub const BLOCK_ENTRIES: u32 = 1024;

/// The smallest f: one person who is not on the list is found by chance with probability 2^-32.
pub const MIN_F: u8 = 32;

/// The largest f.
pub const MAX_F: u8 = 56;

/// The longest label in bytes.
pub const MAX_LABEL_LEN: u8 = 8;

/// Length in bytes of the first value of a block, written in full.
const FIRST_LEN: usize = 12;
