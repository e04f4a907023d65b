//! Products and squares.
//!
//! `vpmadd52luq` and `vpmadd52huq` multiply the low 52 bits of each lane and add the low or the high 52 bits of the product
//! to a sum. Limb i stands for 2^(51 i): the low half of the product of limbs i and j falls on limb i + j, and the high half,
//! which stands for 2^52, twice on limb i + j + 1. So high halves are summed first, and the sums doubled once. What falls
//! beyond the fourth limb is added 19 times five limbs below.
//!
//! With limbs of at most 2^51 + 2^44 a low half is below 2^52 and a high half below 2^51. A sum of five of each, the high
//! ones twice, is below 2^56, and what is carried in the end below 20 · 2^56 < 2^61.

use super::limbs::{Five, all, tighten};
use std::arch::x86_64::{
    __m512i, _mm512_add_epi64, _mm512_madd52hi_epu64, _mm512_madd52lo_epu64, _mm512_setzero_si512, _mm512_slli_epi64,
};

/// Ten limbs, before they are folded to five.
type Sums = [__m512i; 10];

/// Adds the low half of a product of limbs to a sum.
macro_rules! low {
    ($z:ident: $(($x:expr, $y:expr => $to:expr))*) => {
        $( $z[$to] = _mm512_madd52lo_epu64($z[$to], $x, $y); )*
    };
}

/// Adds the high half.
macro_rules! high {
    ($z:ident: $(($x:expr, $y:expr => $to:expr))*) => {
        $( $z[$to] = _mm512_madd52hi_epu64($z[$to], $x, $y); )*
    };
}

/// All sums twice.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn double(z: &mut Sums) {
    for sum in z {
        *sum = _mm512_add_epi64(*sum, *sum);
    }
}

/// Tight limbs from sums below 2^56.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn fold(z: &Sums) -> Five {
    let mut out = [all(0); 5];
    for i in 0..5 {
        // 19 · h = 9 · h + 9 · h + h.
        let high = z[i + 5];
        let nine = _mm512_add_epi64(high, _mm512_slli_epi64::<3>(high));
        let low = _mm512_add_epi64(z[i], high);
        out[i] = _mm512_add_epi64(_mm512_add_epi64(low, nine), nine);
    }
    tighten(&out)
}

/// x · y.
macro_rules! product {
    ($x:expr, $y:expr) => {{
        let (x, y): (&Five, &Five) = ($x, $y);
        let mut z: Sums = [_mm512_setzero_si512(); 10];
        high!(z: (x[0], y[0] => 1) (x[0], y[1] => 2) (x[0], y[2] => 3) (x[0], y[3] => 4) (x[0], y[4] => 5));
        high!(z: (x[1], y[0] => 2) (x[1], y[1] => 3) (x[1], y[2] => 4) (x[1], y[3] => 5) (x[1], y[4] => 6));
        high!(z: (x[2], y[0] => 3) (x[2], y[1] => 4) (x[2], y[2] => 5) (x[2], y[3] => 6) (x[2], y[4] => 7));
        high!(z: (x[3], y[0] => 4) (x[3], y[1] => 5) (x[3], y[2] => 6) (x[3], y[3] => 7) (x[3], y[4] => 8));
        high!(z: (x[4], y[0] => 5) (x[4], y[1] => 6) (x[4], y[2] => 7) (x[4], y[3] => 8) (x[4], y[4] => 9));
        double(&mut z);
        low!(z: (x[0], y[0] => 0) (x[0], y[1] => 1) (x[0], y[2] => 2) (x[0], y[3] => 3) (x[0], y[4] => 4));
        low!(z: (x[1], y[0] => 1) (x[1], y[1] => 2) (x[1], y[2] => 3) (x[1], y[3] => 4) (x[1], y[4] => 5));
        low!(z: (x[2], y[0] => 2) (x[2], y[1] => 3) (x[2], y[2] => 4) (x[2], y[3] => 5) (x[2], y[4] => 6));
        low!(z: (x[3], y[0] => 3) (x[3], y[1] => 4) (x[3], y[2] => 5) (x[3], y[3] => 6) (x[3], y[4] => 7));
        low!(z: (x[4], y[0] => 4) (x[4], y[1] => 5) (x[4], y[2] => 6) (x[4], y[3] => 7) (x[4], y[4] => 8));
        fold(&z)
    }};
}

/// x². Each pair of different limbs once, and counted twice: its high half is doubled with the high sums and again with the
/// low halves; the high half of a square once, with those.
macro_rules! squared {
    ($x:expr) => {{
        let x: &Five = $x;
        let mut z: Sums = [_mm512_setzero_si512(); 10];
        high!(z: (x[0], x[1] => 2) (x[0], x[2] => 3) (x[0], x[3] => 4) (x[0], x[4] => 5));
        high!(z: (x[1], x[2] => 4) (x[1], x[3] => 5) (x[1], x[4] => 6));
        high!(z: (x[2], x[3] => 6) (x[2], x[4] => 7) (x[3], x[4] => 8));
        double(&mut z);
        high!(z: (x[0], x[0] => 1) (x[1], x[1] => 3) (x[2], x[2] => 5) (x[3], x[3] => 7) (x[4], x[4] => 9));
        low!(z: (x[0], x[1] => 1) (x[0], x[2] => 2) (x[0], x[3] => 3) (x[0], x[4] => 4));
        low!(z: (x[1], x[2] => 3) (x[1], x[3] => 4) (x[1], x[4] => 5));
        low!(z: (x[2], x[3] => 5) (x[2], x[4] => 6) (x[3], x[4] => 7));
        double(&mut z);
        low!(z: (x[0], x[0] => 0) (x[1], x[1] => 2) (x[2], x[2] => 4) (x[3], x[3] => 6) (x[4], x[4] => 8));
        fold(&z)
    }};
}

/// x · y.
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn mul(x: &Five, y: &Five) -> Five {
    product!(x, y)
}

/// z becomes x · y.
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn set_product(z: &mut Five, x: &Five, y: &Five) {
    *z = product!(x, y);
}

/// x².
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn square(x: &Five) -> Five {
    squared!(x)
}

/// x^(2^k).
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn square_times(x: &Five, k: u32) -> Five {
    let mut z = *x;
    for _ in 0..k {
        z = squared!(&z);
    }
    z
}
