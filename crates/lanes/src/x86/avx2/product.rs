//! Products and squares.
//!
//! Limb i stands for 2^ceil(25.5 i). The product of limbs i and j falls on limb i + j, twice when both are odd, and 19 times
//! on limb i + j - 10 beyond the ninth. With operands of weights wx and wy a sum is at most
//! (4 + 190 + 304) · 2^50 · (1 + 2^-7)² · wx · wy < 2^64 - 2^40 for wx · wy <= 32. Factors stay below 2^32: 2 · x up to weight
//! 63 (odd limbs only), 19 · y up to weight 3.
//!
//! `vpmuludq` multiplies the lower halves of 64-bit lanes. Asked for it by its intrinsic, the compiler first drops the masks
//! that make a product of 32-bit numbers of it, since only lower halves are ever used, then often no longer sees that it is
//! one, and computes products of 64 bits, which take four times as long. So it is given the instruction itself.

use super::limbs::{Ten, all, carry_wide};
use std::arch::asm;
use std::arch::x86_64::{__m256i, _mm256_add_epi64};

/// The product of a vector in a register and the vector at a place of an array: of their lower halves in each lane.
macro_rules! times {
    ($x:expr, $array:ident[$place:expr]) => {{
        let (x, array): (__m256i, &Ten) = ($x, $array);
        let product: __m256i;
        // SAFETY: one instruction of AVX2, which reads within the array, whose vectors are aligned, and writes a register.
        #[allow(unsafe_code, reason = "the instruction itself")]
        unsafe {
            asm!(
                "vpmuludq {product}, {x}, ymmword ptr [{array} + {offset}]",
                product = lateout(ymm_reg) product,
                x = in(ymm_reg) x,
                array = in(reg) array,
                offset = const { 32 * $place },
                options(pure, readonly, nostack, preserves_flags)
            );
        }
        product
    }};
}

/// Adds such a product to a sum. Both in one, so that the compiler keeps to the order: it would add products to each other
/// first, and then lack registers for the ten sums.
macro_rules! add_times {
    ($z:expr, $x:expr, $array:ident[$place:expr]) => {
        let (x, array): (__m256i, &Ten) = ($x, $array);
        // SAFETY: two instructions of AVX2, which read within the array, whose vectors are aligned, and write registers.
        #[allow(unsafe_code, reason = "the instructions themselves")]
        unsafe {
            asm!(
                "vpmuludq {product}, {x}, ymmword ptr [{array} + {offset}]",
                "vpaddq {sum}, {sum}, {product}",
                product = out(ymm_reg) _,
                sum = inout(ymm_reg) $z,
                x = in(ymm_reg) x,
                array = in(reg) array,
                offset = const { 32 * $place },
                options(pure, readonly, nostack, preserves_flags)
            );
        }
    };
}

#[inline]
#[target_feature(enable = "avx2")]
fn plus(x: __m256i, y: __m256i) -> __m256i {
    _mm256_add_epi64(x, y)
}

/// The products of one limb of x with every limb of y, added to the sums that they fall on.
macro_rules! row {
    ($z:ident, $x:ident, $y:ident, $y19:ident, $i:literal: $($j:literal)*) => {
        let x1 = $x[$i];
        let x2 = plus(x1, x1);
        $(
            let factor = if $i % 2 == 1 && $j % 2 == 1 { x2 } else { x1 };
            if $i + $j >= 10 {
                add_times!($z[($i + $j) % 10], factor, $y19[$j]);
            } else {
                add_times!($z[($i + $j) % 10], factor, $y[$j]);
            }
        )*
    };
}

/// x · y, for x of weight wx and y of weight wy with wy <= 3 and wx · wy <= 32.
macro_rules! product {
    ($x:expr, $y:expr) => {{
        let (x, y): (&Ten, &Ten) = ($x, $y);
        let nineteen = all(19);
        let mut y19 = [nineteen; 10];
        y19[1] = times!(nineteen, y[1]);
        y19[2] = times!(nineteen, y[2]);
        y19[3] = times!(nineteen, y[3]);
        y19[4] = times!(nineteen, y[4]);
        y19[5] = times!(nineteen, y[5]);
        y19[6] = times!(nineteen, y[6]);
        y19[7] = times!(nineteen, y[7]);
        y19[8] = times!(nineteen, y[8]);
        y19[9] = times!(nineteen, y[9]);
        let y19 = &y19;
        let mut z = [nineteen; 10];
        z[0] = times!(x[0], y[0]);
        z[1] = times!(x[0], y[1]);
        z[2] = times!(x[0], y[2]);
        z[3] = times!(x[0], y[3]);
        z[4] = times!(x[0], y[4]);
        z[5] = times!(x[0], y[5]);
        z[6] = times!(x[0], y[6]);
        z[7] = times!(x[0], y[7]);
        z[8] = times!(x[0], y[8]);
        z[9] = times!(x[0], y[9]);
        // Row i: limb i of x with every limb of y, those that pass the ninth limb from y19.
        row!(z, x, y, y19, 1: 0 1 2 3 4 5 6 7 8 9);
        row!(z, x, y, y19, 2: 0 1 2 3 4 5 6 7 8 9);
        row!(z, x, y, y19, 3: 0 1 2 3 4 5 6 7 8 9);
        row!(z, x, y, y19, 4: 0 1 2 3 4 5 6 7 8 9);
        row!(z, x, y, y19, 5: 0 1 2 3 4 5 6 7 8 9);
        row!(z, x, y, y19, 6: 0 1 2 3 4 5 6 7 8 9);
        row!(z, x, y, y19, 7: 0 1 2 3 4 5 6 7 8 9);
        row!(z, x, y, y19, 8: 0 1 2 3 4 5 6 7 8 9);
        row!(z, x, y, y19, 9: 0 1 2 3 4 5 6 7 8 9);
        carry_wide(&z)
    }};
}

/// x · y, for weights as `product` takes them.
#[target_feature(enable = "avx2")]
pub(super) fn mul(x: &Ten, y: &Ten) -> Ten {
    product!(x, y)
}

/// z becomes x · y.
#[target_feature(enable = "avx2")]
pub(super) fn set_product(z: &mut Ten, x: &Ten, y: &Ten) {
    *z = product!(x, y);
}

/// Adds the products of one factor to the sums that they fall on.
macro_rules! terms {
    ($z:ident, $factor:expr; $($to:literal: $array:ident $place:literal),*) => {
        let factor = $factor;
        $( add_times!($z[$to], factor, $array[$place]); )*
    };
}

/// x², for x of weight at most 3: then 2 · x and 38 · x (odd limbs) and 19 · x (even limbs) are below 2^32. A macro, since
/// a function called in a loop would move its limbs through memory.
macro_rules! squared {
    ($x:expr) => {{
        let x: &Ten = $x;
        // Twice all limbs; and those above the fourth 19 times if even, 38 times if odd.
        let mut x2 = [x[0]; 10];
        let mut w = [x[0]; 10];
        for i in 0..8 {
            x2[i] = plus(x[i], x[i]);
        }
        w[5] = times!(all(38), x[5]);
        w[6] = times!(all(19), x[6]);
        w[7] = times!(all(38), x[7]);
        w[8] = times!(all(19), x[8]);
        w[9] = times!(all(38), x[9]);

        let (x2, w) = (&x2, &w);
        // Each pair of limbs once: the factor 2 for its two orders, and another for two odd limbs.
        let mut z = [x[0]; 10];
        z[0] = times!(x[0], x[0]);
        z[1] = times!(x2[0], x[1]);
        z[2] = times!(x2[0], x[2]);
        z[3] = times!(x2[0], x[3]);
        z[4] = times!(x2[0], x[4]);
        z[5] = times!(x2[0], x[5]);
        z[6] = times!(x2[0], x[6]);
        z[7] = times!(x2[0], x[7]);
        z[8] = times!(x2[0], x[8]);
        z[9] = times!(x2[0], x[9]);
        terms!(z, x2[1]; 0: w 9, 2: x 1, 3: x 2, 4: x2 3, 5: x 4, 6: x2 5, 7: x 6, 8: x2 7, 9: x 8);
        terms!(z, x2[2]; 0: w 8, 5: x 3, 6: x 4, 7: x 5, 8: x 6, 9: x 7);
        terms!(z, x[2]; 1: w 9, 4: x 2);
        terms!(z, x2[3]; 0: w 7, 1: w 8, 2: w 9, 6: x 3, 7: x 4, 8: x2 5, 9: x 6);
        terms!(z, x2[4]; 0: w 6, 2: w 8, 9: x 5);
        terms!(z, x[4]; 1: w 7, 3: w 9, 8: x 4);
        terms!(z, x[5]; 0: w 5);
        terms!(z, x2[5]; 1: w 6, 2: w 7, 3: w 8, 4: w 9);
        terms!(z, x[6]; 2: w 6, 3: w 7, 5: w 9);
        terms!(z, x2[6]; 4: w 8);
        terms!(z, x[7]; 4: w 7);
        terms!(z, x2[7]; 5: w 8, 6: w 9);
        terms!(z, x[8]; 6: w 8, 7: w 9);
        terms!(z, x[9]; 8: w 9);
        carry_wide(&z)
    }};
}

/// x², for x of weight at most 3.
#[target_feature(enable = "avx2")]
pub(super) fn square(x: &Ten) -> Ten {
    squared!(x)
}

/// x^(2^k), for x of weight at most 3.
#[target_feature(enable = "avx2")]
pub(super) fn square_times(x: &Ten, k: u32) -> Ten {
    let mut z = *x;
    for _ in 0..k {
        z = squared!(&z);
    }
    z
}
