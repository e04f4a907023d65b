//! Everything about limbs but products: moving in and out, sums, carries, choices.
//!
//! Weight w (see `vector`): even limbs are at most w · (2^26 + 2^18), odd limbs at most w · (2^25 + 2^18). A tight element is
//! then far below 2p, and 19 times a limb fits in 32 bits up to w = 3.

use crate::vector::{ENTRIES, Limbs, MAX_LANES};
use std::arch::x86_64::{
    __m256i, _mm256_add_epi64, _mm256_and_si256, _mm256_andnot_si256, _mm256_blendv_epi8, _mm256_castsi256_pd,
    _mm256_cmpeq_epi64, _mm256_cmpgt_epi32, _mm256_extract_epi64, _mm256_movemask_pd, _mm256_or_si256,
    _mm256_permutevar8x32_epi32, _mm256_set_epi32, _mm256_set_epi64x, _mm256_set1_epi32, _mm256_set1_epi64x,
    _mm256_setzero_si256, _mm256_slli_epi64, _mm256_srli_epi64, _mm256_sub_epi64, _mm256_xor_si256,
};

/// Ten limbs of four elements.
pub(super) type Ten = [__m256i; 10];

const LOW_26: i64 = (1 << 26) - 1;
const LOW_25: i64 = (1 << 25) - 1;
const LOW_32: i64 = (1 << 32) - 1;

/// The same number in four lanes.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn all(number: i64) -> __m256i {
    _mm256_set1_epi64x(number)
}

/// A limb's bits as they are.
const fn bits_of(number: u64) -> i64 {
    i64::from_ne_bytes(number.to_ne_bytes())
}

const fn number_of(bits: i64) -> u64 {
    u64::from_ne_bytes(bits.to_ne_bytes())
}

/// Limbs of 51 bits split into 26 and 25 bits. The upper may have one more, as [`Limbs`] allows.
#[inline]
#[target_feature(enable = "avx2")]
fn split(wide: &[__m256i; 5]) -> Ten {
    let mut out = [all(0); 10];
    for i in 0..5 {
        out[2 * i] = _mm256_and_si256(wide[i], all(LOW_26));
        out[2 * i + 1] = _mm256_srli_epi64::<26>(wide[i]);
    }
    out
}

#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn splat(element: &Limbs) -> Ten {
    let mut wide = [all(0); 5];
    for i in 0..5 {
        wide[i] = all(bits_of(element[i]));
    }
    split(&wide)
}

#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn gather(elements: [&Limbs; MAX_LANES]) -> Ten {
    let mut wide = [all(0); 5];
    for i in 0..5 {
        let lane = |l: usize| bits_of(elements[l][i]);
        wide[i] = _mm256_set_epi64x(lane(3), lane(2), lane(1), lane(0));
    }
    split(&wide)
}

/// From tight limbs: the sums are at most 2^51 + 2^44.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn scatter(a: &Ten, elements: &mut [Limbs; MAX_LANES]) {
    for i in 0..5 {
        let wide = _mm256_add_epi64(a[2 * i], _mm256_slli_epi64::<26>(a[2 * i + 1]));
        elements[0][i] = number_of(_mm256_extract_epi64::<0>(wide));
        elements[1][i] = number_of(_mm256_extract_epi64::<1>(wide));
        elements[2][i] = number_of(_mm256_extract_epi64::<2>(wide));
        elements[3][i] = number_of(_mm256_extract_epi64::<3>(wide));
    }
}

/// As [`scatter`], to the coordinates of points.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn lay_down(a: &Ten, points: &mut [[Limbs; 4]], places: &[usize], coordinate: usize) {
    let mut lanes = [[0; 5]; 4];
    for i in 0..5 {
        let wide = _mm256_add_epi64(a[2 * i], _mm256_slli_epi64::<26>(a[2 * i + 1]));
        lanes[0][i] = number_of(_mm256_extract_epi64::<0>(wide));
        lanes[1][i] = number_of(_mm256_extract_epi64::<1>(wide));
        lanes[2][i] = number_of(_mm256_extract_epi64::<2>(wide));
        lanes[3][i] = number_of(_mm256_extract_epi64::<3>(wide));
    }
    for (lane, place) in lanes.iter().zip(places) {
        points[*place][coordinate] = *lane;
    }
}

#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn add(a: &Ten, b: &Ten) -> Ten {
    let mut out = *a;
    for i in 0..10 {
        out[i] = _mm256_add_epi64(a[i], b[i]);
    }
    out
}

/// a - b for a b of weight 1, by way of a + 2p - b.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn sub(a: &Ten, b: &Ten) -> Ten {
    sub_from::<1>(a, b)
}

/// a - b for a b of weight 3, by way of a + 4p - b.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn sub_wide(a: &Ten, b: &Ten) -> Ten {
    sub_from::<2>(a, b)
}

/// a + 2^K · p - b. Each limb of 2^K · p is at least that of any b of weight 2^K - 1, so that nothing goes below zero.
#[inline]
#[target_feature(enable = "avx2")]
fn sub_from<const K: u32>(a: &Ten, b: &Ten) -> Ten {
    let mut out = *a;
    for i in 0..10 {
        let p = if i == 0 {
            LOW_26 - 18
        } else if i % 2 == 0 {
            LOW_26
        } else {
            LOW_25
        };
        out[i] = _mm256_add_epi64(_mm256_sub_epi64(a[i], b[i]), all(p << K));
    }
    out
}

/// The low bits of the limb, and what goes to the next: even limbs keep 26 bits, odd ones 25.
#[inline]
#[target_feature(enable = "avx2")]
fn part<const ODD: bool>(limb: __m256i) -> (__m256i, __m256i) {
    if ODD {
        (_mm256_and_si256(limb, all(LOW_25)), _mm256_srli_epi64::<25>(limb))
    } else {
        (_mm256_and_si256(limb, all(LOW_26)), _mm256_srli_epi64::<26>(limb))
    }
}

/// 19 · c for c below 2^59.
#[inline]
#[target_feature(enable = "avx2")]
fn nineteen(c: __m256i) -> __m256i {
    let three = _mm256_add_epi64(c, _mm256_slli_epi64::<1>(c));
    _mm256_add_epi64(three, _mm256_slli_epi64::<4>(c))
}

/// Tight limbs from limbs of up to 2^64 - 2^40, in two chains that do not wait for each other.
///
/// What leaves a limb is below 2^39, so limbs 4 and 0 are below 2^44 when they are carried for good, limb 5 ends below
/// 2^25 + 2^18, limb 1 as well, and the rest below their nominal size.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn carry_wide(z: &Ten) -> Ten {
    let mut z = *z;
    macro_rules! step {
        ($from:literal, $odd:literal, $to:literal) => {
            let (kept, c) = part::<$odd>(z[$from]);
            z[$from] = kept;
            z[$to] = _mm256_add_epi64(z[$to], c);
        };
    }
    step!(0, false, 1);
    step!(4, false, 5);
    step!(1, true, 2);
    step!(5, true, 6);
    step!(2, false, 3);
    step!(6, false, 7);
    step!(3, true, 4);
    step!(7, true, 8);
    step!(4, false, 5);
    step!(8, false, 9);
    let (kept, c) = part::<true>(z[9]);
    z[9] = kept;
    z[0] = _mm256_add_epi64(z[0], nineteen(c));
    step!(0, false, 1);
    z
}

/// Tight limbs from limbs of weight at most 32, all of them carried at once: what leaves is at most 2^6, 2^6 · 19 at limb 0.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn carry(a: &Ten) -> Ten {
    let mut out = *a;
    let (even, odd) = (all(LOW_26), all(LOW_25));
    for i in 0..10 {
        out[i] = _mm256_and_si256(a[i], if i % 2 == 0 { even } else { odd });
    }
    out[0] = _mm256_add_epi64(out[0], nineteen(_mm256_srli_epi64::<25>(a[9])));
    for i in 1..10 {
        let c = if i % 2 == 0 { _mm256_srli_epi64::<25>(a[i - 1]) } else { _mm256_srli_epi64::<26>(a[i - 1]) };
        out[i] = _mm256_add_epi64(out[i], c);
    }
    out
}

/// The integers below p. A tight element is below 2p, so p is to be subtracted once or not at all: once when adding 19
/// carries out of bit 255.
#[target_feature(enable = "avx2")]
pub(super) fn canonical(a: &Ten) -> Ten {
    let mut q = all(19);
    for (i, limb) in a.iter().enumerate() {
        let sum = _mm256_add_epi64(*limb, q);
        q = if i % 2 == 0 { _mm256_srli_epi64::<26>(sum) } else { _mm256_srli_epi64::<25>(sum) };
    }
    let mut c = nineteen(q);
    let mut out = *a;
    for i in 0..10 {
        let sum = _mm256_add_epi64(a[i], c);
        (out[i], c) = if i % 2 == 0 { part::<false>(sum) } else { part::<true>(sum) };
    }
    out
}

#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn select(a: &Ten, b: &Ten, mask: __m256i) -> Ten {
    let mut out = *a;
    for i in 0..10 {
        out[i] = _mm256_blendv_epi8(a[i], b[i], mask);
    }
    out
}

#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn same(a: &Ten, b: &Ten) -> __m256i {
    let mut differs = all(0);
    for i in 0..10 {
        differs = _mm256_or_si256(differs, _mm256_xor_si256(a[i], b[i]));
    }
    _mm256_cmpeq_epi64(differs, _mm256_setzero_si256())
}

#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn odd(a: &Ten) -> __m256i {
    _mm256_cmpeq_epi64(_mm256_and_si256(a[0], all(1)), all(1))
}

#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn mask(bits: &[u64; MAX_LANES]) -> __m256i {
    _mm256_cmpeq_epi64(index(bits), all(LOW_32 + 2))
}

#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn bits(mask: __m256i) -> u32 {
    _mm256_movemask_pd(_mm256_castsi256_pd(mask)).cast_unsigned()
}

#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn or(a: __m256i, b: __m256i) -> __m256i {
    _mm256_or_si256(a, b)
}

#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn and(a: __m256i, b: __m256i) -> __m256i {
    _mm256_and_si256(a, b)
}

#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn not(a: __m256i) -> __m256i {
    _mm256_andnot_si256(a, all(-1))
}

/// Two limbs in one lane: limbs of weight 32 are below 2^31.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn pack(a: &Ten) -> [__m256i; 5] {
    let mut out = [all(0); 5];
    for i in 0..5 {
        out[i] = _mm256_or_si256(a[2 * i], _mm256_slli_epi64::<32>(a[2 * i + 1]));
    }
    out
}

#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn unpack(packed: &[__m256i; 5]) -> Ten {
    let mut out = [all(0); 10];
    for i in 0..5 {
        out[2 * i] = _mm256_and_si256(packed[i], all(LOW_32));
        out[2 * i + 1] = _mm256_srli_epi64::<32>(packed[i]);
    }
    out
}

/// Each entry is read, and kept under a mask that comes from a comparison of vectors.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn choose<const N: usize>(table: &[[[__m256i; 5]; N]], number: u64) -> [[__m256i; 5]; N] {
    let wanted = all(bits_of(number));
    let mut out = [[all(0); 5]; N];
    let mut at = all(0);
    for entry in table {
        let mask = _mm256_cmpeq_epi64(wanted, at);
        for n in 0..N {
            for i in 0..5 {
                out[n][i] = _mm256_or_si256(out[n][i], _mm256_and_si256(entry[n][i], mask));
            }
        }
        at = _mm256_add_epi64(at, all(1));
    }
    out
}

/// For each limb, the sixteen entries' in two vectors of eight 32-bit numbers.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn table(entries: &[Limbs; ENTRIES]) -> [[__m256i; 2]; 10] {
    let mut out = [[all(0); 2]; 10];
    for (i, columns) in out.iter_mut().enumerate() {
        for (half, column) in columns.iter_mut().enumerate() {
            let limb = |n: usize| -> i32 {
                let wide = entries[8 * half + n][i / 2];
                let limb = if i % 2 == 0 { wide & number_of(LOW_26) } else { wide >> 26 };
                i32::try_from(limb).expect("a limb has at most 26 bits")
            };
            *column = _mm256_set_epi32(limb(7), limb(6), limb(5), limb(4), limb(3), limb(2), limb(1), limb(0));
        }
    }
    out
}

/// The number twice in each lane, for permutations of 32-bit numbers.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn index(numbers: &[u64; MAX_LANES]) -> __m256i {
    let lane = |l: usize| bits_of(numbers[l]);
    let index = _mm256_set_epi64x(lane(3), lane(2), lane(1), lane(0));
    _mm256_or_si256(index, _mm256_slli_epi64::<32>(index))
}

/// A permutation of registers: no address depends on the index.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn look_up(table: &[[__m256i; 2]; 10], index: __m256i) -> Ten {
    let upper = _mm256_cmpgt_epi32(index, _mm256_set1_epi32(7));
    let mut out = [all(0); 10];
    for i in 0..10 {
        let low = _mm256_permutevar8x32_epi32(table[i][0], index);
        let high = _mm256_permutevar8x32_epi32(table[i][1], index);
        out[i] = _mm256_and_si256(_mm256_blendv_epi8(low, high, upper), all(LOW_32));
    }
    out
}
