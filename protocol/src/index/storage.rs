//! Where the bytes of an index are: in memory, in a file, wherever the caller keeps them.

use super::IndexError;

/// The bytes of one index, read piece by piece. [`Index`](super::Index) reads only what it needs.
///
/// Whoever implements it holds every byte against the manifest before giving it out, where that was not done before.
pub trait Storage {
    /// Why bytes cannot be had. What is wrong with the bytes themselves must fit in too.
    type Error: From<IndexError>;

    /// Length of the whole index in bytes.
    fn length(&self) -> u64;

    /// The `length` bytes from `offset` on, exactly. Storage that cannot lend its own bytes fills `room` and lends that;
    /// what `room` held before is of no use.
    ///
    /// # Errors
    /// The bytes cannot be had, or the index ends before them.
    fn read<'b>(&'b self, offset: u64, length: usize, room: &'b mut Vec<u8>) -> Result<&'b [u8], Self::Error>;
}

/// An index in memory.
impl Storage for &[u8] {
    type Error = IndexError;

    fn length(&self) -> u64 {
        self.len() as u64
    }

    fn read<'b>(&'b self, offset: u64, length: usize, _: &'b mut Vec<u8>) -> Result<&'b [u8], IndexError> {
        let rest = usize::try_from(offset).ok().and_then(|offset| self.get(offset..));
        let needed = offset.saturating_add(length as u64);
        rest.and_then(|rest| rest.get(..length)).ok_or(IndexError::TooShort { found: self.length(), needed })
    }
}
