//! A record: a person in a release to be, and its bytes in the spill.
//!
//! ```text
//! tag (16 bytes, big-endian) | pad, its low bytes (L) | label (L) | y (64), when evaluations are kept
//! ```
//!
//! L is the length of a label. Pad and label are little-endian. Equal tags are one person.

use blindlist_protocol::entry::{Dictionary, Entry, Label};
use blindlist_protocol::oprf::Evaluation;
use zeroize::Zeroize;

const TAG: usize = 16;

/// Bytes of y.
pub(super) const EVALUATION: usize = 64;

/// Words of y, where evaluations are kept.
pub(super) const KEPT: usize = EVALUATION / 8;

/// A person in the release to be.
///
/// # Security
/// Tells what leaked for whoever has this tag: no `Debug`, zeroised on drop of what holds it.
#[derive(Clone, Copy, Zeroize)]
pub(super) struct Record {
    pub(super) tag: u128,
    /// The low bytes of the pad: a label uses no more.
    pub(super) pad: u64,
    pub(super) label: u64,
}

/// A record with W words of the evaluation: [`KEPT`], or none.
#[derive(Clone, Copy, Zeroize)]
pub(super) struct Row<const W: usize> {
    pub(super) record: Record,
    pub(super) y: [u64; W],
}

impl Record {
    pub(super) fn new(entry: &Entry, label: Label) -> Self {
        Self::with_bits(entry, label.bits())
    }

    /// Of a label that was kept.
    pub(super) fn with_bits(entry: &Entry, label: u64) -> Self {
        let low = entry.pad & u128::from(u64::MAX);
        Self { tag: entry.tag, pad: u64::try_from(low).expect("64 bits"), label }
    }

    /// The label as the index holds it.
    pub(super) fn sealed(&self, dictionary: &Dictionary) -> u64 {
        let entry = Entry { tag: self.tag, pad: self.pad.into() };
        let label = dictionary.label(self.label).expect("rows with other labels were rejected");
        entry.seal(label, dictionary)
    }
}

/// How records are laid out in a spill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// L.
    label: usize,
    /// Whether y is in it.
    kept: bool,
}

impl Layout {
    pub(super) fn new(dictionary: &Dictionary, kept: bool) -> Self {
        Self { label: usize::from(dictionary.label_length()), kept }
    }

    /// Bytes of a record.
    pub(super) fn width(self) -> usize {
        TAG + 2 * self.label + if self.kept { EVALUATION } else { 0 }
    }

    /// Appends a record.
    pub(super) fn write(self, record: &Record, evaluation: &Evaluation, out: &mut Vec<u8>) {
        out.extend_from_slice(&record.tag.to_be_bytes());
        for number in [record.pad, record.label] {
            out.extend(number.to_le_bytes().iter().take(self.label));
        }
        if self.kept {
            out.extend_from_slice(evaluation.as_bytes());
        }
    }

    /// The tag at the front of a record.
    pub(super) fn tag(bytes: &[u8]) -> Option<u128> {
        bytes.first_chunk().map(|tag| u128::from_be_bytes(*tag))
    }

    /// A record; none when it has another width.
    pub(super) fn read<const W: usize>(self, bytes: &[u8]) -> Option<Row<W>> {
        if bytes.len() != self.width() {
            return None;
        }
        let (tag, rest) = bytes.split_first_chunk()?;
        let (pad, rest) = rest.split_at_checked(self.label)?;
        let (label, rest) = rest.split_at_checked(self.label)?;
        let mut y = [0; W];
        for (word, bytes) in y.iter_mut().zip(rest.chunks_exact(8)) {
            *word = number(bytes);
        }
        Some(Row { record: Record { tag: u128::from_be_bytes(*tag), pad: number(pad), label: number(label) }, y })
    }
}

/// A number of up to eight bytes.
fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dictionary(categories: usize) -> Dictionary {
        let names: Vec<_> = (0..categories).map(|i| format!("c{i}").parse().unwrap()).collect();
        Dictionary::try_from(names).unwrap()
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let y = Evaluation::from_bytes(std::array::from_fn(|i| u8::try_from(i).unwrap() ^ 0xa5));
        for (categories, length) in [(1, 1), (9, 2), (64, 8)] {
            for kept in [false, true] {
                let layout = Layout::new(&dictionary(categories), kept);
                let low = u64::MAX >> (64 - 8 * length);
                let record =
                    Record { tag: 0x0102 << 112 | 7, pad: 0x8182_8384_8586_8788 & low, label: 0xf1f2_f3f4 & low };
                let mut bytes = vec![];
                layout.write(&record, &y, &mut bytes);
                assert_eq!(bytes.len(), layout.width());
                assert_eq!(
                    (bytes[0], bytes[1], bytes[15], bytes[16]),
                    (1, 2, 7, 0x88),
                    "ascending bytes, ascending tags"
                );
                assert_eq!(Layout::tag(&bytes), Some(record.tag));
                let row: Row<KEPT> = layout.read(&bytes).unwrap();
                assert_eq!((row.record.tag, row.record.pad, row.record.label), (record.tag, record.pad, record.label));
                let words = y.as_bytes().chunks(8).map(number);
                assert_eq!(words.eq(row.y), kept);
                assert!(layout.read::<0>(&bytes[1..]).is_none());
            }
        }
    }
}
