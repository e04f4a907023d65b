//! Four lanes in AVX2: ten limbs of 26 and 25 bits in turn, each in the lower half of a 64-bit lane, so that `vpmuludq`
//! multiplies four pairs of limbs at once.

mod limbs;
mod product;

use crate::vector::{ENTRIES, Field, Limbs, MAX_LANES};
use crate::x86::{vectors, where_found};
use std::arch::x86_64::__m256i;

vectors! {
    /// Four elements, limb i of all of them in vector i.
    Avx2: 4 lanes, 10 limbs in __m256i, masks in __m256i, packed in [__m256i; 5]
}
