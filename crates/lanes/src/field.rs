//! GF(2^255 - 19) above products: powers, square roots, inverses, signs, bytes (RFC 9496 sections 3 and 4.2).
//!
//! Written once for all vectors. The numbers after the formulas are weights (see `vector`).

use crate::constants::{MINUS_ONE, MINUS_SQRT_M1, ONE, SQRT_M1, ZERO};
use crate::vector::{Field, Limbs};

/// The 255 low bits, as an integer that may be p or more.
pub(crate) fn limbs_from_bytes(bytes: &[u8; 32]) -> Limbs {
    const LOW: u64 = (1 << 51) - 1;
    let word = |i: usize| u64::from_le_bytes(std::array::from_fn(|k| bytes[8 * i + k]));
    let [a, b, c, d] = [word(0), word(1), word(2), word(3)];
    [a & LOW, (a >> 51 | b << 13) & LOW, (b >> 38 | c << 26) & LOW, (c >> 25 | d << 39) & LOW, (d >> 12) & LOW]
}

/// The encoding of RFC 9496 section 3.1, from canonical limbs.
pub(crate) fn bytes_from_limbs(limbs: &Limbs) -> [u8; 32] {
    let [a, b, c, d, e] = *limbs;
    let words = [a | b << 51, b >> 13 | c << 38, c >> 26 | d << 25, d >> 39 | e << 12];
    let mut bytes = [0; 32];
    for (place, word) in bytes.chunks_exact_mut(8).zip(words) {
        place.copy_from_slice(&word.to_le_bytes());
    }
    bytes
}

/// -b.
#[inline(always)]
pub(crate) fn neg<F: Field>(b: &F) -> F {
    F::splat(&ZERO).sub(b)
}

/// -b where the mask is set, for a tight b: 2.
#[inline(always)]
pub(crate) fn neg_where<F: Field>(b: &F, mask: F::Mask) -> F {
    F::select(b, &neg(b), mask)
}

/// Where b is odd as an integer below p.
#[inline(always)]
pub(crate) fn is_negative<F: Field>(b: &F) -> F::Mask {
    b.canonical().odd()
}

/// Where a = b, both tight.
#[inline(always)]
pub(crate) fn is_equal<F: Field>(a: &F, b: &F) -> F::Mask {
    a.canonical().same(&b.canonical())
}

/// Where b = 0.
#[inline(always)]
pub(crate) fn is_zero<F: Field>(b: &F) -> F::Mask {
    b.canonical().same(&F::splat(&ZERO))
}

/// `CT_ABS` of a tight element: 2.
#[inline(always)]
pub(crate) fn abs<F: Field>(b: &F) -> F {
    neg_where(b, is_negative(b))
}

/// z^(2^250 - 1) and z^11, where every long power begins.
#[inline(always)]
fn pow_250<F: Field>(z: &F) -> (F, F) {
    let z2 = z.square();
    let z9 = z2.square_times(2).mul(z);
    let z11 = z9.mul(&z2);
    let a5 = z11.square().mul(&z9);
    let a10 = a5.square_times(5).mul(&a5);
    let a20 = a10.square_times(10).mul(&a10);
    let a40 = a20.square_times(20).mul(&a20);
    let a50 = a40.square_times(10).mul(&a10);
    let a100 = a50.square_times(50).mul(&a50);
    let a200 = a100.square_times(100).mul(&a100);
    (a200.square_times(50).mul(&a50), z11)
}

/// z^((p - 5) / 8) = z^(2^252 - 3) of a tight z.
#[inline(always)]
pub(crate) fn pow_p58<F: Field>(z: &F) -> F {
    pow_250(z).0.square_times(2).mul(z)
}

/// 1/z of a tight z, and 0 of 0.
#[inline(always)]
pub(crate) fn invert<F: Field>(z: &F) -> F {
    let (a250, z11) = pow_250(z);
    a250.square_times(5).mul(&z11)
}

/// `SQRT_RATIO_M1(u, v)` of RFC 9496 section 4.2, for tight u and v: where u/v is a square (0/v is, and u/0 is not), and the
/// root: of u/v, or of i · u/v. 2.
#[inline(always)]
pub(crate) fn sqrt_ratio<F: Field>(u: &F, v: &F) -> (F::Mask, F) {
    let v3 = v.square().mul(v);
    let v7 = v3.square().mul(v);
    let r = u.mul(&v3).mul(&pow_p58(&u.mul(&v7)));
    let check = v.mul(&r.square()).canonical();
    let minus_u = neg(u).carry();
    let correct = check.same(&u.canonical());
    let flipped = check.same(&minus_u.canonical());
    let flipped_i = check.same(&minus_u.mul(&F::splat(&SQRT_M1)).canonical());
    choose_root(&r, correct, flipped, flipped_i)
}

/// `SQRT_RATIO_M1(1, v)`, with fewer products. 2.
#[inline(always)]
pub(crate) fn inverse_sqrt<F: Field>(v: &F) -> (F::Mask, F) {
    let v3 = v.square().mul(v);
    let v7 = v3.square().mul(v);
    let r = v3.mul(&pow_p58(&v7));
    let check = v.mul(&r.square()).canonical();
    let [correct, flipped, flipped_i] = [ONE, MINUS_ONE, MINUS_SQRT_M1].map(|root| check.same(&F::splat(&root)));
    choose_root(&r, correct, flipped, flipped_i)
}

/// What is common to both: turn the root where v · r² has the wrong sign, and make it even.
#[inline(always)]
fn choose_root<F: Field>(r: &F, correct: F::Mask, flipped: F::Mask, flipped_i: F::Mask) -> (F::Mask, F) {
    let turned = r.mul(&F::splat(&SQRT_M1));
    let r = F::select(r, &turned, F::or(flipped, flipped_i));
    (F::or(correct, flipped), abs(&r))
}

/// 1/z for each of many, 0 for 0, with one inversion for each lane: Montgomery's trick. All tight.
#[inline(always)]
pub(crate) fn invert_many<F: Field>(elements: &mut [F]) {
    let one = F::splat(&ONE);
    let mut product = one;
    let mut before = Vec::with_capacity(elements.len());
    for z in elements.iter() {
        before.push(product);
        product = product.mul(&F::select(z, &one, is_zero(z)));
    }
    let mut inverse = invert(&product);
    for (z, before) in elements.iter_mut().zip(&before).rev() {
        let zero = is_zero(z);
        let factor = F::select(z, &one, zero);
        *z = F::select(&inverse.mul(before), &F::splat(&ZERO), zero);
        inverse = inverse.mul(&factor);
    }
}
