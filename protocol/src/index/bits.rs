//! Packs bits into bytes: the writing side of a block; [`block`](super::block) is the reading side.

/// Packs bits into bytes, least significant first.
#[derive(Default)]
pub(super) struct BitWriter {
    /// Bits that do not fill a word yet, the first one lowest.
    pending: u128,
    /// How many; below 64 between calls.
    pending_len: u64,
    /// Bytes appended so far.
    written: u64,
}

impl BitWriter {
    /// The Rice code of `gap`: the quotient by 2^k in unary, ended by a one, then the k low bits.
    pub(super) fn put_rice(&mut self, gap: u128, k: u64, out: &mut Vec<u8>) {
        let mut run = low_word(gap >> k);
        while run > 63 {
            self.put(0, 63, out);
            run -= 63;
        }
        self.put(1 << run, run + 1, out);
        self.put(low_word(gap) & ((1 << k) - 1), k, out);
    }

    /// Appends the `len` low bits of `bits`, at most 64; the bits above them are zero.
    pub(super) fn put(&mut self, bits: u64, len: u64, out: &mut Vec<u8>) {
        self.pending |= u128::from(bits) << self.pending_len;
        self.pending_len += len;
        if self.pending_len >= 64 {
            out.extend_from_slice(&low_word(self.pending).to_le_bytes());
            self.pending >>= 64;
            self.pending_len -= 64;
            self.written += 8;
        }
    }

    /// Fills the last byte with zero bits, and says how many bytes have been appended by now.
    pub(super) fn end_byte(&mut self, out: &mut Vec<u8>) -> u64 {
        let bytes = self.pending_len.div_ceil(8);
        out.extend((0..bytes).zip(self.pending.to_le_bytes()).map(|(_, byte)| byte));
        self.written += bytes;
        self.pending = 0;
        self.pending_len = 0;
        self.written
    }
}

/// The low 64 bits of a wide number.
#[expect(clippy::cast_possible_truncation, reason = "dropping the high bits is what it is for")]
pub(super) fn low_word(wide: u128) -> u64 {
    wide as u64
}
