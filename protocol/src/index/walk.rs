//! Looks values up in the blocks that could hold them, in one walk from the lowest to the highest.
//!
//! Values are spread evenly over 0..R, so the block of a value is guessed, and found next to the guess with a read or
//! two. An index of which that is not true costs more reads, never wrong ones.

use super::{BLOCK_ENTRIES, Index, Storage};

/// Blocks within which the walk goes on from where it is, rather than from a guess.
const NEAR: u32 = 8;

/// Values that are passed at once, where as many are below the next one looked for.
const STRIDE: usize = 8;

/// A walk through an index, upwards only.
pub(super) struct Walk<'i, S> {
    index: &'i Index<S>,
    /// How many blocks begin at or below the value that was looked for last. The last of these was decoded.
    begun: u32,
    /// Where the block behind them begins; 0 before the first value.
    until: u128,
    /// The values of the block that was decoded.
    values: Vec<u128>,
    /// How many of them are below the value that was looked for last.
    rank: usize,
    /// Its labels; none before one is needed.
    labels: Vec<u8>,
    /// For the storage.
    room: Vec<u8>,
}

impl<'i, S: Storage> Walk<'i, S> {
    pub(super) fn new(index: &'i Index<S>) -> Self {
        let (values, labels, room) = (Vec::new(), Vec::new(), Vec::new());
        Self { index, begun: 0, until: 0, values, rank: 0, labels, room }
    }

    /// The sealed label of a value, not below the one before, if it is in the index.
    #[inline]
    pub(super) fn find(&mut self, value: u128) -> Result<Option<u64>, S::Error> {
        if value >= self.until {
            self.enter(value)?;
        }
        let values = &self.values;
        let is_below = |rank: usize| values.get(rank).is_some_and(|other| *other < value);
        while is_below(self.rank + STRIDE) {
            self.rank += STRIDE;
        }
        while is_below(self.rank) {
            self.rank += 1;
        }
        if self.values.get(self.rank) == Some(&value) { self.label().map(Some) } else { Ok(None) }
    }

    /// Decodes the block that could hold a value, which is not below `until`.
    fn enter(&mut self, value: u128) -> Result<(), S::Error> {
        self.begun = self.seek(value)?;
        self.rank = 0;
        self.labels.clear();
        match self.begun.checked_sub(1) {
            Some(block) => self.until = self.index.load(block, &mut self.values, &mut self.room)?,
            None => self.until = self.index.first_value(0, &mut self.room)?,
        }
        Ok(())
    }

    /// How many blocks begin at or below `value`, of which it is known that as many as before do.
    fn seek(&mut self, value: u128) -> Result<u32, S::Error> {
        let header = *self.index.header();
        let blocks = header.blocks();
        // The value is not below `until`, where the next block begins: there is one, and it counts too.
        let mut low = if self.until == 0 { 0 } else { blocks.min(self.begun + 1) };
        let mut high = blocks;
        // R is N times 2^f, so about v / 2^f values are below v.
        let below = u32::try_from(value >> header.f()).unwrap_or(u32::MAX);
        let guess = (below / BLOCK_ENTRIES).clamp(low, high);
        let guess = if guess - low < NEAR { low } else { guess };

        // `low` blocks begin at or below the value; the block `high` does not, or is none. Strides double.
        let mut stride = 1;
        if guess < blocks && self.begins_by(guess, value)? {
            low = guess + 1;
            while low < high {
                let probe = low.saturating_add(stride - 1).min(high - 1);
                if !self.begins_by(probe, value)? {
                    high = probe;
                    break;
                }
                low = probe + 1;
                stride = stride.saturating_mul(2);
            }
        } else {
            high = guess;
            while low < high {
                let probe = high - stride.min(high - low);
                if self.begins_by(probe, value)? {
                    low = probe + 1;
                    break;
                }
                high = probe;
                stride = stride.saturating_mul(2);
            }
        }
        while low < high {
            let middle = low.midpoint(high);
            if self.begins_by(middle, value)? {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    /// Whether a block begins at or below `value`.
    fn begins_by(&mut self, block: u32, value: u128) -> Result<bool, S::Error> {
        Ok(self.index.first_value(block, &mut self.room)? <= value)
    }

    /// The sealed label of the entry at `rank`.
    fn label(&mut self) -> Result<u64, S::Error> {
        let block = self.begun.saturating_sub(1);
        if self.labels.is_empty() {
            self.labels.extend_from_slice(self.index.labels(block, &mut self.room)?);
        }
        let length = usize::from(self.index.header().label_len());
        let label = self
            .labels
            .get(self.rank * length..(self.rank + 1) * length)
            .expect("storage reads all that was asked for");
        Ok(label.iter().rev().fold(0, |label, byte| (label << 8) | u64::from(*byte)))
    }
}
