//! Everything about limbs but products: moving in and out, sums, carries, choices.
//!
//! A product reads the low 52 bits of a limb, so that there is no room for sums: every sum and difference is carried at once,
//! and all elements are tight, at most 2^51 + 2^44 in each limb, as [`Limbs`] are. Whatever weight a formula allows for, here
//! it is 1.

use crate::vector::{ENTRIES, Limbs, MAX_LANES};
use std::arch::asm;
use std::arch::x86_64::{
    __m512i, __mmask8, _mm512_add_epi64, _mm512_and_si512, _mm512_cmpeq_epi64_mask, _mm512_madd52lo_epu64,
    _mm512_or_si512, _mm512_permutex2var_epi64, _mm512_set_epi64, _mm512_set1_epi64, _mm512_srli_epi64,
    _mm512_sub_epi64, _mm512_test_epi64_mask, _mm512_xor_si512,
};

/// Five limbs of eight elements.
pub(super) type Five = [__m512i; 5];

const LOW_51: i64 = (1 << 51) - 1;

/// The same number in eight lanes.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn all(number: i64) -> __m512i {
    _mm512_set1_epi64(number)
}

/// A number for each lane.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn lanes(number: impl Fn(usize) -> u64) -> __m512i {
    let lane = |l: usize| number(l).cast_signed();
    _mm512_set_epi64(lane(7), lane(6), lane(5), lane(4), lane(3), lane(2), lane(1), lane(0))
}

/// The numbers of all lanes.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn numbers(limb: __m512i) -> [u64; 8] {
    // SAFETY: both are 64 bytes without padding, and any bytes are numbers.
    #[allow(unsafe_code, reason = "a vector as an array")]
    unsafe {
        std::mem::transmute(limb)
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn splat(element: &Limbs) -> Five {
    let mut out = [all(0); 5];
    for i in 0..5 {
        out[i] = all(element[i].cast_signed());
    }
    out
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn gather(elements: [&Limbs; MAX_LANES]) -> Five {
    let mut out = [all(0); 5];
    for i in 0..5 {
        out[i] = lanes(|l| elements[l][i]);
    }
    out
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn scatter(a: &Five, elements: &mut [Limbs; MAX_LANES]) {
    for i in 0..5 {
        for (element, number) in elements.iter_mut().zip(numbers(a[i])) {
            element[i] = number;
        }
    }
}

/// As [`scatter`], to the coordinates of points.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn lay_down(a: &Five, points: &mut [[Limbs; 4]], places: &[usize], coordinate: usize) {
    let mut lanes = [[0; 5]; MAX_LANES];
    scatter(a, &mut lanes);
    for (lane, place) in lanes.iter().zip(places) {
        points[*place][coordinate] = *lane;
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn add(a: &Five, b: &Five) -> Five {
    let mut out = *a;
    for i in 0..5 {
        out[i] = _mm512_add_epi64(a[i], b[i]);
    }
    tighten(&out)
}

/// a - b, by way of a + 2p - b: each limb of 2p is greater than any limb of b.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn sub(a: &Five, b: &Five) -> Five {
    let mut out = *a;
    for i in 0..5 {
        let p = if i == 0 { LOW_51 - 18 } else { LOW_51 };
        out[i] = _mm512_sub_epi64(_mm512_add_epi64(a[i], all(2 * p)), b[i]);
    }
    tighten(&out)
}

/// The same: every b is tight.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn sub_wide(a: &Five, b: &Five) -> Five {
    sub(a, b)
}

/// Tight limbs from limbs below 2^61, all of them carried at once: what leaves is below 2^10, and 19 · 2^10 at limb 0.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn tighten(a: &Five) -> Five {
    let mut out = *a;
    for i in 0..5 {
        out[i] = _mm512_and_si512(a[i], all(LOW_51));
    }
    out[0] = _mm512_madd52lo_epu64(out[0], _mm512_srli_epi64::<51>(a[4]), all(19));
    for i in 1..5 {
        out[i] = _mm512_add_epi64(out[i], _mm512_srli_epi64::<51>(a[i - 1]));
    }
    out
}

/// As it is: every element is tight.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn carry(a: &Five) -> Five {
    *a
}

/// The integers below p. A tight element is below 2p, so p is to be subtracted once or not at all: once when adding 19
/// carries out of bit 255.
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn canonical(a: &Five) -> Five {
    let mut q = all(19);
    for limb in a {
        q = _mm512_srli_epi64::<51>(_mm512_add_epi64(*limb, q));
    }
    let mut out = *a;
    let mut sum = _mm512_madd52lo_epu64(a[0], q, all(19));
    for i in 0..5 {
        out[i] = _mm512_and_si512(sum, all(LOW_51));
        if i < 4 {
            sum = _mm512_add_epi64(a[i + 1], _mm512_srli_epi64::<51>(sum));
        }
    }
    out
}

/// b where the mask is set, else a, both of them in registers: the compiler would read b from memory under the mask, and only
/// where it is set, and masks follow from secrets.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn either(a: __m512i, b: __m512i, mask: __mmask8) -> __m512i {
    let out;
    // SAFETY: one instruction of AVX-512, which reads and writes registers only.
    #[allow(unsafe_code, reason = "the instruction itself")]
    unsafe {
        asm!(
            "vpblendmq {out} {{{mask}}}, {a}, {b}",
            out = lateout(zmm_reg) out,
            mask = in(kreg) mask,
            a = in(zmm_reg) a,
            b = in(zmm_reg) b,
            options(pure, nomem, nostack, preserves_flags)
        );
    }
    out
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn select(a: &Five, b: &Five, mask: __mmask8) -> Five {
    let mut out = *a;
    for i in 0..5 {
        out[i] = either(a[i], b[i], mask);
    }
    out
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn same(a: &Five, b: &Five) -> __mmask8 {
    let mut differs = all(0);
    for i in 0..5 {
        differs = _mm512_or_si512(differs, _mm512_xor_si512(a[i], b[i]));
    }
    _mm512_cmpeq_epi64_mask(differs, all(0))
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn odd(a: &Five) -> __mmask8 {
    _mm512_test_epi64_mask(a[0], all(1))
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn mask(bits: &[u64; MAX_LANES]) -> __mmask8 {
    _mm512_test_epi64_mask(index(bits), all(1))
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn bits(mask: __mmask8) -> u32 {
    mask.into()
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn or(a: __mmask8, b: __mmask8) -> __mmask8 {
    a | b
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn and(a: __mmask8, b: __mmask8) -> __mmask8 {
    a & b
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn not(a: __mmask8) -> __mmask8 {
    !a
}

/// As it is: limbs of 51 bits leave no room to save.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn pack(a: &Five) -> Five {
    *a
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn unpack(packed: &Five) -> Five {
    *packed
}

/// Each entry is read, and kept under a mask that comes from a comparison of vectors.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn choose<const N: usize>(table: &[[Five; N]], number: u64) -> [Five; N] {
    let wanted = all(number.cast_signed());
    let mut out = [[all(0); 5]; N];
    let mut at = all(0);
    for entry in table {
        let mask = _mm512_cmpeq_epi64_mask(wanted, at);
        for n in 0..N {
            for i in 0..5 {
                out[n][i] = either(out[n][i], entry[n][i], mask);
            }
        }
        at = _mm512_add_epi64(at, all(1));
    }
    out
}

/// For each limb, the sixteen entries' in two vectors of eight.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn table(entries: &[Limbs; ENTRIES]) -> [[__m512i; 2]; 5] {
    let mut out = [[all(0); 2]; 5];
    for i in 0..5 {
        out[i] = [lanes(|l| entries[l][i]), lanes(|l| entries[8 + l][i])];
    }
    out
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn index(numbers: &[u64; MAX_LANES]) -> __m512i {
    lanes(|l| numbers[l])
}

/// A permutation of registers: no address depends on the index.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn look_up(table: &[[__m512i; 2]; 5], index: __m512i) -> Five {
    let mut out = [all(0); 5];
    for i in 0..5 {
        out[i] = _mm512_permutex2var_epi64(table[i][0], index, table[i][1]);
    }
    out
}
