//! Integers by their differences (`DELTA_BINARY_PACKED`), in blocks of blocks that are packed with as many bits as they need.

use super::{
    super::disk::Fault,
    thrift::zigzag,
    values::{bits, varint},
};

/// The most values in a block, and blocks in a block. Writers take 128 to 1024, and 4 or 8.
const MAX_BLOCK: u64 = 1 << 20;
const MAX_MINIBLOCKS: u64 = 1 << 10;

#[derive(Clone)]
pub(super) struct Delta {
    /// Where the next block begins.
    at: usize,
    /// Values left, the current one included.
    left: u64,
    value: i64,
    miniblocks: usize,
    per_miniblock: usize,
    /// Where the widths of the miniblocks stand, and how many of them are done.
    widths: usize,
    done: usize,
    least: i64,
    /// The bits of the next difference, and how many differences are left in the miniblock.
    bit: usize,
    width: u8,
    in_miniblock: usize,
}

impl Delta {
    /// Reads the head. A page has at most `limit` values.
    pub(super) fn new(page: &[u8], start: usize, limit: usize) -> Result<Self, Fault> {
        let mut at = start;
        let (block, miniblocks) = (varint(page, &mut at)?, varint(page, &mut at)?);
        let (left, value) = (varint(page, &mut at)?, zigzag(varint(page, &mut at)?));
        let fits = (1..=MAX_BLOCK).contains(&block) && (1..=MAX_MINIBLOCKS).contains(&miniblocks);
        if !fits || !block.is_multiple_of(miniblocks * 8) || left > limit as u64 {
            return Err(Fault::DAMAGED);
        }
        let small = |number: u64| usize::try_from(number).map_err(|_| Fault::DAMAGED);
        let (miniblocks, per_miniblock) = (small(miniblocks)?, small(block / miniblocks)?);
        let (done, widths, least) = (miniblocks, 0, 0);
        Ok(Self { at, left, value, miniblocks, per_miniblock, widths, done, least, bit: 0, width: 0, in_miniblock: 0 })
    }

    pub(super) fn next(&mut self, page: &[u8]) -> Result<i64, Fault> {
        let value = self.value;
        self.left = self.left.checked_sub(1).ok_or(Fault::DAMAGED)?;
        if self.left > 0 {
            if self.in_miniblock == 0 {
                self.begin_miniblock(page)?;
            }
            let difference = bits(page, self.bit, self.width)?.cast_signed().wrapping_add(self.least);
            self.value = value.wrapping_add(difference);
            self.bit += usize::from(self.width);
            self.in_miniblock -= 1;
        }
        Ok(value)
    }

    /// Where the bytes after the last block begin.
    pub(super) fn end(&self, page: &[u8]) -> Result<usize, Fault> {
        let mut delta = self.clone();
        let mut left = usize::try_from(self.left).map_err(|_| Fault::DAMAGED)?.saturating_sub(1);
        while left > 0 {
            delta.begin_miniblock(page)?;
            left = left.saturating_sub(self.per_miniblock);
        }
        if delta.at > page.len() { Err(Fault::DAMAGED) } else { Ok(delta.at) }
    }

    /// Goes to the next miniblock, `at` to the one after it.
    fn begin_miniblock(&mut self, page: &[u8]) -> Result<(), Fault> {
        if self.done == self.miniblocks {
            self.least = zigzag(varint(page, &mut self.at)?);
            (self.widths, self.done) = (self.at, 0);
            self.at += self.miniblocks;
        }
        self.width = *page.get(self.widths + self.done).filter(|width| **width <= 64).ok_or(Fault::DAMAGED)?;
        self.bit = self.at.checked_mul(8).ok_or(Fault::DAMAGED)?;
        self.at += self.per_miniblock / 8 * usize::from(self.width);
        self.done += 1;
        self.in_miniblock = self.per_miniblock;
        Ok(())
    }
}
