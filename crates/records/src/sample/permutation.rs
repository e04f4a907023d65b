//! A keyed permutation of 0..size that needs no memory: a small Feistel network, walked until it lands inside.
//!
//! It shuffles; it hides nothing.

use rand::Rng;

#[derive(Clone, Debug)]
pub(super) struct Permutation {
    size: u64,
    half_bits: u32,
    keys: [u64; 4],
}

impl Permutation {
    /// A permutation of `0..size`; `size` is at most 2^62.
    pub(super) fn new(size: u64, rng: &mut impl Rng) -> Self {
        let bits = u64::BITS - size.saturating_sub(1).leading_zeros();
        Self { size, half_bits: bits.div_ceil(2).max(1), keys: std::array::from_fn(|_| rng.next_u64()) }
    }

    /// Where `place`, which is below the size, is moved to.
    pub(super) fn at(&self, place: u64) -> u64 {
        debug_assert!(place < self.size, "a place outside could walk for ever");
        let mut moved = self.shuffle(place);
        while moved >= self.size {
            moved = self.shuffle(moved);
        }
        moved
    }

    fn shuffle(&self, value: u64) -> u64 {
        let mask = (1 << self.half_bits) - 1;
        let (mut left, mut right) = (value >> self.half_bits, value & mask);
        for key in self.keys {
            (left, right) = (right, left ^ (mix(right ^ key) & mask));
        }
        left << self.half_bits | right
    }
}

/// The finaliser of SplitMix64.
fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha12Rng;

    use super::*;

    #[test]
    fn every_place_is_hit_once() {
        let mut rng = ChaCha12Rng::seed_from_u64(1);
        for size in [1, 2, 3, 4, 5, 17, 64, 1000, 4097] {
            let permutation = Permutation::new(size, &mut rng);
            let mut moved = (0..size).map(|place| permutation.at(place)).collect::<Vec<_>>();
            if size >= 1000 {
                assert!(!moved.is_sorted());
            }
            moved.sort_unstable();
            assert!(moved.into_iter().eq(0..size), "{size}");
        }
    }
}
