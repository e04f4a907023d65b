//! Decodes one block: its first value in full, then the Rice-coded gaps.
//!
//! This is the inner loop of every search. A block is hostile until its last bit has been read: the loop reads zero bits
//! behind the end of the bytes, never fails to advance, and the checks that need not be inside it come after it.

use super::{FIRST_LEN, Header, IndexError};

/// Decodes `block`, whose bytes are exactly `bytes`, into `values`, strictly ascending and all below R.
///
/// # Errors
/// Any deviation from the one encoding of the entries in this block.
pub(super) fn decode(header: &Header, block: u32, bytes: &[u8], values: &mut [u128]) -> Result<(), IndexError> {
    let (first, coded) = split_first_value(block, bytes)?;
    let range = header.range();
    let mut values = values.iter_mut();
    if let Some(slot) = values.next() {
        *slot = first;
    }

    let k = header.rice_bits();
    let low_bits = (1_u64 << k) - 1;
    let mut bits = Bits { bytes: coded, at: 0 };
    let mut value = first;
    for slot in values {
        let mut window = bits.window();
        if window == 0 {
            let most = range.saturating_sub(value) >> k;
            let skipped = bits.skip_zeros(block, most)?;
            value += u128::from(skipped) << k;
            window = bits.window();
        }
        // Up to 63, so that the shifted run stays below 2^61.
        let run = u64::from(window.trailing_zeros());
        bits.at += run + 1;
        let low = bits.window() & low_bits;
        bits.at += k;
        value += u128::from((run << k) + low + 1);
        *slot = value;
    }

    bits.finish(block)?;
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

/// Bits of `bytes`, least significant first, from bit `at` on; behind the end, zeros without end.
struct Bits<'a> {
    bytes: &'a [u8],
    at: u64,
}

impl Bits<'_> {
    /// Bits of the stream that a window has at least; above them it has zeros.
    const WINDOW: u64 = 57;

    /// The next bits, the first one lowest: 57 of them, up to 64 when `at` is on a byte boundary.
    #[inline(always)]
    fn window(&self) -> u64 {
        let start = usize::try_from(self.at / 8).unwrap_or(usize::MAX);
        let word = match self.bytes.get(start..).and_then(<[u8]>::first_chunk::<8>) {
            Some(chunk) => u64::from_le_bytes(*chunk),
            None => self.last_word(start),
        };
        word >> (self.at % 8)
    }

    /// The word at byte `start`, fewer than eight bytes from the end.
    #[cold]
    fn last_word(&self, start: usize) -> u64 {
        let rest = self.bytes.get(start..).unwrap_or_default();
        rest.iter().rev().fold(0, |word, byte| (word << 8) | u64::from(*byte))
    }

    /// Goes forward over zero bits until the window has a one, and says how many it skipped.
    ///
    /// A run longer than `most` is given up at once, not read to its end.
    #[cold]
    fn skip_zeros(&mut self, block: u32, most: u128) -> Result<u64, IndexError> {
        let start = self.at;
        while self.window() == 0 {
            self.at += Self::WINDOW.min(self.len().saturating_sub(self.at));
            if u128::from(self.at - start) > most {
                return Err(IndexError::RunTooLong { block });
            }
            if self.at >= self.len() {
                return Err(IndexError::BlockEndsEarly { block });
            }
        }
        Ok(self.at - start)
    }

    /// Checks that nothing is left but zero bits up to a byte boundary.
    fn finish(&self, block: u32) -> Result<(), IndexError> {
        let Some(left) = self.len().checked_sub(self.at) else {
            return Err(IndexError::BlockEndsEarly { block });
        };
        if left >= 8 {
            return Err(IndexError::LeftOverBytes { block, found: left / 8 });
        }
        if self.window() != 0 {
            return Err(IndexError::PaddingNotZero { block });
        }
        Ok(())
    }

    fn len(&self) -> u64 {
        // A slice has fewer than 2^63 bytes, and a file of 2^61 does not exist; saturating keeps the sum total.
        (self.bytes.len() as u64).saturating_mul(8)
    }
}
