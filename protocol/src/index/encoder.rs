//! Writes an index, as a stream or in one call.
//!
//! Bytes are appended to a buffer of the caller, who may empty it into a file after any call. A call that fails leaves
//! the encoder and the buffer as they were.

use std::fmt;

use super::bits::{BitWriter, low_word};
use super::header::scale;
use super::{BLOCK_ENTRIES, FIRST_LEN, Header, IndexError, MAX_F, MIN_F};

/// Bits of the first value of a block.
const FIRST_BITS: u64 = 8 * FIRST_LEN as u64;

/// One person in a release: the whole tag, and the label, already encrypted.
#[derive(Clone, Copy)]
pub struct SealedEntry {
    /// The tag's 16 bytes read as little-endian.
    pub tag: u128,
    /// The sealed label's L bytes read as little-endian; the bits above them are zero.
    pub label: u64,
}

impl fmt::Debug for SealedEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedEntry").finish_non_exhaustive()
    }
}

/// Encodes a set of entries, with the smallest f from `requested_f` on that tells them apart. Sorts them by tag first.
///
/// # Errors
/// No entry, or 2^32 or more; two equal tags; `requested_f` or `label_len` out of range; no f that tells the entries
/// apart; a label that does not fit in `label_len` bytes.
pub fn encode(
    release: [u8; 16],
    requested_f: u8,
    label_len: u8,
    entries: &mut [SealedEntry],
) -> Result<Vec<u8>, IndexError> {
    let found = entries.len() as u64;
    let count = u32::try_from(found).map_err(|_| IndexError::EntriesOutOfRange { found })?;
    // The header first: it refuses what is out of range before anything is sorted.
    Header::new(release, count, requested_f, label_len)?;
    entries.sort_unstable_by_key(|entry| entry.tag);
    let f = choose_f(count, requested_f, entries.iter().map(|entry| entry.tag))?;
    let header = Header::new(release, count, f, label_len)?;

    let mut out = Vec::new();
    let mut encoder = Encoder::new(header, &mut out);
    for entry in entries.iter() {
        encoder.push(entry.tag, &mut out)?;
    }
    let mut labels = encoder.finish(&mut out)?;
    for entry in entries.iter() {
        labels.push(entry.label, &mut out)?;
    }
    labels.finish()?;
    Ok(out)
}

/// The smallest f, from `requested` on, under which all values differ. One pass over the tags, strictly ascending.
///
/// # Errors
/// `requested` outside 32..=56; tags not strictly ascending, or not `entries` of them; no f up to 56 that works.
pub fn choose_f(entries: u32, requested: u8, sorted_tags: impl IntoIterator<Item = u128>) -> Result<u8, IndexError> {
    if !(MIN_F..=MAX_F).contains(&requested) {
        return Err(IndexError::FOutOfRange { found: requested });
    }
    let mut position = 0;
    let mut previous = None;
    let mut f = requested;
    for tag in sorted_tags {
        if position == entries {
            return Err(IndexError::CountMismatch { expected: entries, found: u64::from(entries) + 1 });
        }
        if let Some(previous) = previous {
            if tag <= previous {
                return Err(IndexError::TagsNotAscending { position });
            }
            f = f.max(f_between(scale(previous, entries), scale(tag, entries))?);
        }
        previous = Some(tag);
        position += 1;
    }
    if position != entries {
        return Err(IndexError::CountMismatch { expected: entries, found: u64::from(position) });
    }
    Ok(f)
}

/// The smallest f under which two scaled tags differ: the one that keeps the highest bit in which they do.
///
/// A value is a scaled tag without its low 64 - f bits, so a larger f never joins what a smaller one parts.
fn f_between(one: u128, other: u128) -> Result<u8, IndexError> {
    let highest_difference = (one ^ other).checked_ilog2().ok_or(IndexError::NoSuitableF)?;
    let f = 64_u32.saturating_sub(highest_difference);
    u8::try_from(f).ok().filter(|f| *f <= MAX_F).ok_or(IndexError::NoSuitableF)
}

/// Writes header, blocks and directory, one tag at a time; then [`finish`](Self::finish) waits for the labels.
pub struct Encoder {
    header: Header,
    bits: BitWriter,
    /// Entries so far.
    pushed: u32,
    last_tag: u128,
    last_value: u128,
    /// Where each finished block ends, in bytes from the start of the first.
    ends: Vec<u64>,
}

impl Encoder {
    /// Appends the 40 bytes of the header to `out`.
    #[must_use]
    pub fn new(header: Header, out: &mut Vec<u8>) -> Self {
        out.extend_from_slice(&header.to_bytes());
        Self { header, bits: BitWriter::default(), pushed: 0, last_tag: 0, last_value: 0, ends: Vec::new() }
    }

    /// Takes the next tag, above all before it, and appends the bytes that are complete to `out`.
    ///
    /// # Errors
    /// More than N tags; a tag that is not above the one before, or has the same value.
    pub fn push(&mut self, tag: u128, out: &mut Vec<u8>) -> Result<(), IndexError> {
        let position = self.pushed;
        let expected = self.header.entries();
        if position == expected {
            return Err(IndexError::CountMismatch { expected, found: u64::from(expected) + 1 });
        }
        let value = self.header.value(tag);
        if position > 0 {
            if tag <= self.last_tag {
                return Err(IndexError::TagsNotAscending { position });
            }
            if value == self.last_value {
                return Err(IndexError::ValuesCollide { position, f: self.header.f() });
            }
        }

        if position.is_multiple_of(BLOCK_ENTRIES) {
            self.end_block(out);
            self.bits.put(low_word(value), 64, out);
            self.bits.put(low_word(value >> 64), FIRST_BITS - 64, out);
        } else {
            self.bits.put_rice(value - self.last_value - 1, self.header.rice_bits(), out);
        }
        self.last_tag = tag;
        self.last_value = value;
        self.pushed += 1;
        Ok(())
    }

    /// Ends the last block and appends the directory to `out`. The labels come next.
    ///
    /// # Errors
    /// Fewer than N tags.
    pub fn finish(mut self, out: &mut Vec<u8>) -> Result<LabelEncoder, IndexError> {
        let expected = self.header.entries();
        if self.pushed != expected {
            return Err(IndexError::CountMismatch { expected, found: u64::from(self.pushed) });
        }
        self.end_block(out);
        for end in &self.ends {
            out.extend_from_slice(&end.to_le_bytes());
        }
        Ok(LabelEncoder { header: self.header, pushed: 0 })
    }

    /// Ends the block under way, if there is one.
    fn end_block(&mut self, out: &mut Vec<u8>) {
        if self.pushed > 0 {
            self.ends.push(self.bits.end_byte(out));
        }
    }
}

/// Writes the labels, in the order of the entries: the last part of an index.
pub struct LabelEncoder {
    header: Header,
    /// Labels so far.
    pushed: u32,
}

impl LabelEncoder {
    /// Appends the sealed label of the next entry to `out`, as L bytes.
    ///
    /// # Errors
    /// More than N labels; a label with bits above its L bytes.
    pub fn push(&mut self, label: u64, out: &mut Vec<u8>) -> Result<(), IndexError> {
        let expected = self.header.entries();
        if self.pushed == expected {
            return Err(IndexError::CountMismatch { expected, found: u64::from(expected) + 1 });
        }
        let label_len = self.header.label_len();
        let bytes = label.to_le_bytes();
        let (kept, above) =
            bytes.split_at_checked(usize::from(label_len)).expect("a header's label length is at most 8");
        if above.iter().any(|byte| *byte != 0) {
            return Err(IndexError::LabelTooWide { position: self.pushed, label_len });
        }
        out.extend_from_slice(kept);
        self.pushed += 1;
        Ok(())
    }

    /// Checks that all labels have come; the index is complete.
    ///
    /// # Errors
    /// Fewer than N labels.
    pub fn finish(self) -> Result<(), IndexError> {
        let expected = self.header.entries();
        if self.pushed != expected {
            return Err(IndexError::CountMismatch { expected, found: u64::from(self.pushed) });
        }
        Ok(())
    }
}
