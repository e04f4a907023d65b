//! Scalars as digits. Secret ones are recoded to odd digits, none of them 0, without branches; public ones to signed digits.

use curve25519_dalek::scalar::Scalar;
use subtle::{Choice, ConditionallySelectable};
use zeroize::Zeroize;

/// Bits of a digit of a secret scalar.
pub(crate) const WINDOW: usize = 5;
/// Digits of a secret scalar: 255 bits.
pub(crate) const DIGITS: usize = 51;

/// l, the order of the group, least word first.
const L: [u64; 4] = [0x5812_631a_5cf5_d3ed, 0x14de_f9de_a2f7_9cd6, 0, 1 << 60];

/// s = Σ d_i · 32^i with every d_i odd, from -31 to 31.
///
/// Of s and s + l one is odd, and either takes an element of ristretto255 to the same element. For an odd s,
/// Σ (2 b_j - 1) 2^j = s over 255 bits b_j of b = (s + 2^255 - 1) / 2 = 2^254 + (s >> 1); five of them make a digit.
pub(crate) struct Digits([u8; DIGITS]);

impl Digits {
    /// The digits of s, which may be any value below 2^255.
    pub(crate) fn new(s: &Scalar) -> Self {
        // Below l, so that s + l is below 2^254.
        let mut bytes = Scalar::from_bytes_mod_order(s.to_bytes()).to_bytes();
        let mut words: [u64; 4] =
            std::array::from_fn(|i| u64::from_le_bytes(std::array::from_fn(|k| bytes[8 * i + k])));
        // A mask of the parity would become a branch on it; a `Choice` stays one.
        let even = !Choice::from(words[0].to_le_bytes()[0] & 1);
        let mut carry = false;
        for (word, l) in words.iter_mut().zip(L) {
            (*word, carry) = word.carrying_add(u64::conditional_select(&0, &l, even), carry);
        }
        for i in 0..4 {
            words[i] = words[i] >> 1 | words.get(i + 1).map_or(0, |next| next << 63);
        }
        words[3] |= 1 << 62;

        let mut digits = [0; DIGITS];
        for (i, digit) in digits.iter_mut().enumerate() {
            let (word, bit) = (i * WINDOW / 64, i * WINDOW % 64);
            let low = words[word] >> bit;
            let high = if bit > 64 - WINDOW && word < 3 { words[word + 1] << (64 - bit) } else { 0 };
            *digit = ((low | high) & 31).to_le_bytes()[0];
        }
        bytes.zeroize();
        words.zeroize();
        Self(digits)
    }

    /// Digit i as (j, n): 2j + 1, negated if n is 1.
    #[inline(always)]
    pub(crate) fn at(&self, i: usize) -> (u64, u64) {
        let bits = u64::from(self.0[i]);
        let negative = bits >> 4 ^ 1;
        // Five bits b stand for 2b - 31: 2(b - 16) + 1, or -(2(15 - b) + 1).
        ((bits ^ negative.wrapping_neg()) & 15, negative)
    }
}

impl Drop for Digits {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// A public number as digits of `bits` bits, at most 12, from -2^(bits - 1) to 2^(bits - 1), least first.
pub(crate) fn signed_digits_vartime(number: u128, bits: usize, digits: &mut [i16]) {
    let (mut rest, mut carry) = (number, 0);
    for digit in digits {
        let [low, high, ..] = (rest & ((1 << bits) - 1)).to_le_bytes();
        let part = i16::from_le_bytes([low, high]) + carry;
        rest >>= bits;
        carry = i16::from(part > 1 << (bits - 1));
        *digit = part - (carry << bits);
    }
    debug_assert!(rest == 0 && carry == 0, "there are more digits");
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sum(digits: &Digits) -> Scalar {
        let digit = |i| {
            let (j, negative) = digits.at(i);
            let value = Scalar::from(2 * j + 1);
            if negative == 1 { -value } else { value }
        };
        (0..DIGITS).rev().fold(Scalar::ZERO, |sum, i| sum * Scalar::from(32_u64) + digit(i))
    }

    #[test]
    fn edges_are_the_sums_of_their_digits() {
        for s in [Scalar::ZERO, Scalar::ONE, Scalar::from(2_u64), -Scalar::ONE, -Scalar::from(2_u64)] {
            assert_eq!(sum(&Digits::new(&s)), s);
        }
    }

    proptest! {
        #[test]
        fn scalars_are_the_sums_of_their_digits(bytes: [u8; 32]) {
            let s = Scalar::from_bytes_mod_order(bytes);
            prop_assert_eq!(sum(&Digits::new(&s)), s);
        }

        #[test]
        fn numbers_are_the_sums_of_their_digits(number: u128, bits in 4_usize..13) {
            let mut digits = vec![0; 129_usize.div_ceil(bits)];
            for number in [number, 0, u128::MAX] {
                signed_digits_vartime(number, bits, &mut digits);
                let mut sum = Scalar::ZERO;
                for digit in digits.iter().rev() {
                    prop_assert!(digit.unsigned_abs() <= 1 << (bits - 1));
                    let size = Scalar::from(digit.unsigned_abs());
                    sum = sum * Scalar::from(1_u64 << bits) + if *digit < 0 { -size } else { size };
                }
                prop_assert_eq!(sum, Scalar::from(number));
            }
        }
    }
}
