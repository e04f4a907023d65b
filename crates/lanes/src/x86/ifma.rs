//! Eight lanes in AVX-512 with IFMA: five limbs of 51 bits, each in a 64-bit lane, so that `vpmadd52luq` and `vpmadd52huq`
//! multiply eight pairs of limbs at once.

mod limbs;
mod product;

use crate::vector::{ENTRIES, Field, Limbs, MAX_LANES};
use crate::x86::{vectors, where_found};
use std::arch::x86_64::{__m512i, __mmask8};

vectors! {
    /// Eight elements: limb i of all of them in vector i.
    Ifma: 8 lanes, 5 limbs in __m512i, masks in __mmask8, packed in [__m512i; 5]
}
