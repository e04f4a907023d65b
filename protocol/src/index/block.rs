//! Decodes one block: its first value in full, then the Rice-coded gaps.
//!
//! This is the inner loop of every search. A block is hostile until its last bit has been read: the loop reads zero bits
//! behind the end of the bytes, never fails to advance, and the checks that need not be inside it come after it.

use super::{FIRST_LEN, Header, IndexError};

/// Decodes `block`, which has `length` bytes, into `values`, strictly ascending and all below R. `bytes` are all of them,
/// or the first of more than a block can have.
///
/// # Errors
/// Any deviation from the one encoding of the entries in this block.
pub(super) fn decode(
    header: &Header,
    block: u32,
    bytes: &[u8],
    length: u64,
    values: &mut [u128],
) -> Result<(), IndexError> {
    let (first, coded) = split_first_value(block, bytes)?;
    let range = header.range();
    let mut values = values.iter_mut();
    if let Some(slot) = values.next() {
        *slot = first;
    }

    let k = header.rice_bits();
    let low_bits = (1_u64 << k) - 1;
    let bits = Bits { bytes: coded, len: length.saturating_sub(FIRST_LEN as u64).saturating_mul(8) };
    let mut value = first;
    let mut at = 0;
    // The run of zeros at `at` begins in this word behind so many bits, or behind the word. The word was loaded before the
    // run ahead of it was counted: waiting for that would take most of the time.
    let mut ahead = bits.window(0);
    let mut behind = 0;
    let mut room = [0; NEAR];
    for slot in values {
        let mut window = ahead >> (behind & 63);
        if window == 0 || behind > 63 {
            let (skipped, after) = bits.skip_zeros(block, at, range.saturating_sub(value) >> k)?;
            value += u128::from(skipped) << k;
            at += skipped;
            window = after;
        }
        let near = bits.near(at, &mut room);
        // Up to 63, so that the shifted run stays below 2^61.
        let run = u64::from(window.trailing_zeros());
        let low_at = at % 8 + run + 1;
        let low = (word(near, low_at / 8) >> (low_at % 8)) & low_bits;
        let next_at = at % 8 + 1 + k;
        ahead = word(near, next_at / 8);
        behind = next_at % 8 + run;
        at += run + 1 + k;
        value += u128::from((run << k) + low + 1);
        *slot = value;
    }

    bits.finish(block, at)?;
    // Values only ascend, so that the last one speaks for all.
    if value >= range {
        return Err(IndexError::ValueOutOfRange { block });
    }
    Ok(())
}

/// The first value of a block, and the bytes behind it.
pub(super) fn split_first_value(block: u32, bytes: &[u8]) -> Result<(u128, &[u8]), IndexError> {
    let too_short = IndexError::BlockTooShort { block, found: bytes.len() as u64 };
    let (first, rest) = bytes.split_first_chunk::<FIRST_LEN>().ok_or(too_short)?;
    let (low, high) = first.split_first_chunk::<8>().ok_or(too_short)?;
    let high = high.first_chunk::<4>().ok_or(too_short)?;
    let first = u128::from(u64::from_le_bytes(*low)) | (u128::from(u32::from_le_bytes(*high)) << 64);
    Ok((first, rest))
}

/// Bits of `bytes`, least significant first; behind the end, zeros without end.
#[derive(Clone, Copy)]
struct Bits<'a> {
    bytes: &'a [u8],
    /// Bits of the block, which may be more than those of `bytes`.
    len: u64,
}

/// Bytes that hold whatever one code needs: up to 7 bits before it, and 64 + 55 of its own, in words.
const NEAR: usize = 24;

/// The word at byte `start` of what is near: below 16, whatever the code.
#[inline(always)]
fn word(near: &[u8; NEAR], start: u64) -> u64 {
    let start = (start & 15) as usize;
    let word = near.get(start..start + 8).and_then(<[u8]>::first_chunk);
    word.map_or(0, |word| u64::from_le_bytes(*word))
}

impl Bits<'_> {
    /// Bits of the stream that a window has at least; above them it has zeros.
    const WINDOW: u64 = 57;

    /// The bytes from the one with bit `at` on; near the end, a copy of them in `room`, and zeros.
    #[inline(always)]
    fn near<'n>(&'n self, at: u64, room: &'n mut [u8; NEAR]) -> &'n [u8; NEAR] {
        let start = usize::try_from(at / 8).unwrap_or(usize::MAX - NEAR);
        match self.bytes.get(start..start + NEAR).and_then(<[u8]>::first_chunk) {
            Some(near) => near,
            None => self.last(start, room),
        }
    }

    #[cold]
    #[inline(never)]
    fn last<'n>(&self, start: usize, room: &'n mut [u8; NEAR]) -> &'n [u8; NEAR] {
        let rest = self.bytes.get(start..).unwrap_or_default().iter().chain(std::iter::repeat(&0));
        room.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        room
    }

    /// The bits from `at` on, the first one lowest: 57 of them, up to 64 when `at` is on a byte boundary.
    fn window(&self, at: u64) -> u64 {
        word(self.near(at, &mut [0; NEAR]), 0) >> (at % 8)
    }

    /// Goes forward from `at` over zero bits until the window has a one: how many it skipped, and the window.
    ///
    /// A run longer than `most` is given up at once, not read to its end.
    #[cold]
    #[inline(never)]
    fn skip_zeros(&self, block: u32, at: u64, most: u128) -> Result<(u64, u64), IndexError> {
        let mut skipped = 0;
        loop {
            let window = self.window(at + skipped);
            if window != 0 {
                return Ok((skipped, window));
            }
            skipped += Self::WINDOW.min(self.len.saturating_sub(at + skipped));
            if u128::from(skipped) > most {
                return Err(IndexError::RunTooLong { block });
            }
            if at + skipped >= self.len {
                return Err(IndexError::BlockEndsEarly { block });
            }
        }
    }

    /// Checks that nothing is left at `at` but zero bits up to a byte boundary.
    fn finish(&self, block: u32, at: u64) -> Result<(), IndexError> {
        let Some(left) = self.len.checked_sub(at) else {
            return Err(IndexError::BlockEndsEarly { block });
        };
        if left >= 8 {
            return Err(IndexError::LeftOverBytes { block, found: left / 8 });
        }
        if self.window(at) != 0 {
            return Err(IndexError::PaddingNotZero { block });
        }
        Ok(())
    }
}
