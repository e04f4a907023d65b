//! ristretto255 (RFC 9496 section 4.3): decoding, encoding, the map from uniform bytes, equality.

use crate::constants::{
    D_MINUS_ONE_SQ, INVSQRT_A_MINUS_D, MINUS_D, MINUS_ONE, ONE, ONE_MINUS_D_SQ, SQRT_AD_MINUS_ONE, SQRT_M1, ZERO,
};
use crate::field::{
    abs, bytes_from_limbs, inverse_sqrt, invert_many, is_equal, is_negative, is_zero, limbs_from_bytes, neg, neg_where,
    sqrt_ratio,
};
use crate::group::{Extended, Stored};
use crate::vector::{Field, MAX_LANES};

/// Takes up field elements from bytes, 255 bits each; zeros where there are fewer than lanes.
#[inline(always)]
fn gather_bytes<F: Field>(bytes: &[[u8; 32]]) -> F {
    let mut lanes = [ZERO; MAX_LANES];
    for (lane, bytes) in lanes.iter_mut().zip(bytes) {
        *lane = limbs_from_bytes(bytes);
    }
    F::gather(lanes.each_ref())
}

/// Lays down the encodings of as many elements as there are places.
#[inline(always)]
fn scatter_bytes<F: Field>(element: &F, places: &mut [[u8; 32]]) {
    let mut lanes = [ZERO; MAX_LANES];
    element.canonical().scatter(&mut lanes);
    for (place, lane) in places.iter_mut().zip(&lanes) {
        *place = bytes_from_limbs(lane);
    }
}

/// Decoding (section 4.3.1) of each encoding: the point and whether it is valid. Where it is not, the point means nothing.
#[inline(always)]
pub(crate) fn decode_all<F: Field>(encodings: &[[u8; 32]], points: &mut [Stored], valid: &mut [bool]) {
    let places = points.chunks_mut(F::LANES).zip(valid.chunks_mut(F::LANES));
    for (encodings, (points, valid)) in encodings.chunks(F::LANES).zip(places) {
        let (decoded, mask) = decode(&gather_bytes::<F>(encodings));
        decoded.scatter(points);
        let bits = F::bits(mask);
        for (l, (valid, encoding)) in valid.iter_mut().zip(encodings).enumerate() {
            // The field element has 255 bits, and the highest of the encoding must not be set.
            *valid = bits >> l & 1 == 1 && encoding[31] >> 7 == 0;
        }
    }
}

/// The points of s, and where s is the encoding of one.
#[inline(always)]
fn decode<F: Field>(s: &F) -> (Extended<F>, F::Mask) {
    let one = F::splat(&ONE);
    let canonical = s.canonical();
    let proper = F::and(canonical.same(s), F::not(canonical.odd()));
    let ss = canonical.square();
    let u1 = one.sub(&ss); // 3
    let u2 = one.add(&ss); // 2
    let u2_sqr = u2.square();
    let v = F::splat(&MINUS_D).mul(&u1.square()).sub(&u2_sqr); // 3
    let (was_square, invsqrt) = inverse_sqrt(&v.mul(&u2_sqr));
    let den_x = invsqrt.mul(&u2);
    let den_y = v.mul(&invsqrt).mul(&den_x);
    let x = abs(&canonical.add(&canonical).mul(&den_x)).carry();
    let y = u1.mul(&den_y);
    let t = x.mul(&y);
    let bad = F::or(is_negative(&t), is_zero(&y));
    (Extended { x, y, z: one, t }, F::and(F::and(proper, was_square), F::not(bad)))
}

/// The element derivation function (section 4.3.4): the sum of the maps of both halves of 64 uniform bytes.
#[inline(always)]
pub(crate) fn hash_to_group_all<F: Field>(uniform: &[[u8; 64]], points: &mut [Stored]) {
    for (uniform, points) in uniform.chunks(F::LANES).zip(points.chunks_mut(F::LANES)) {
        let mut sum = Extended::<F>::identity();
        for half in 0..2 {
            let mut bytes = [[0; 32]; MAX_LANES];
            for (bytes, uniform) in bytes.iter_mut().zip(uniform) {
                bytes.copy_from_slice(&uniform[32 * half..][..32]);
            }
            let point = map(&gather_bytes::<F>(&bytes));
            if half == 0 {
                sum = point;
            } else {
                sum.add::<true>(&point.cached());
            }
        }
        sum.scatter(points);
    }
}

/// `MAP` of section 4.3.4.
#[inline(always)]
fn map<F: Field>(t: &F) -> Extended<F> {
    let (one, minus_one) = (F::splat(&ONE), F::splat(&MINUS_ONE));
    let minus_d = F::splat(&MINUS_D);
    let r = t.square().mul(&F::splat(&SQRT_M1));
    let u = r.add(&one).mul(&F::splat(&ONE_MINUS_D_SQ));
    // (-1 - r · D) · (r + D), with -D in place of D.
    let v = minus_one.add(&r.mul(&minus_d)).mul(&r.sub(&minus_d)); // 2 · 3
    let (was_square, s) = sqrt_ratio(&u, &v);
    let turned = s.mul(t);
    let s_prime = neg_where(&turned, F::not(is_negative(&turned))); // 2
    let s = F::select(&s_prime, &s, was_square); // 2
    let c = F::select(&r, &minus_one, was_square);
    let n = r.sub(&one).mul(&c).mul(&F::splat(&D_MINUS_ONE_SQ)).sub(&v); // 3
    let sv = s.mul(&v);
    let w0 = sv.add(&sv); // 2
    let w1 = n.mul(&F::splat(&SQRT_AD_MINUS_ONE));
    let ss = s.square();
    let w2 = one.sub(&ss); // 3
    let w3 = one.add(&ss); // 2
    Extended { x: w0.mul(&w3), y: w2.mul(&w1), z: w1.mul(&w3), t: w0.mul(&w2) }
}

/// The encoding (section 4.3.2) of each point.
#[inline(always)]
pub(crate) fn encode_all<F: Field>(points: &[Stored], encodings: &mut [[u8; 32]]) {
    for (points, encodings) in points.chunks(F::LANES).zip(encodings.chunks_mut(F::LANES)) {
        scatter_bytes(&encode(&Extended::<F>::gather(points)), encodings);
    }
}

/// s of the points; tight.
#[inline(always)]
fn encode<F: Field>(p: &Extended<F>) -> F {
    let u1 = p.z.add(&p.y).mul(&p.z.sub(&p.y));
    let u2 = p.x.mul(&p.y);
    let (_, invsqrt) = inverse_sqrt(&u1.mul(&u2.square()));
    let den1 = invsqrt.mul(&u1);
    let den2 = invsqrt.mul(&u2);
    let z_inv = den1.mul(&den2).mul(&p.t);
    let i = F::splat(&SQRT_M1);
    let (ix, iy) = (p.x.mul(&i), p.y.mul(&i));
    let enchanted = den1.mul(&F::splat(&INVSQRT_A_MINUS_D));
    let rotate = is_negative(&p.t.mul(&z_inv));
    let x = F::select(&p.x, &iy, rotate);
    let y = F::select(&p.y, &ix, rotate);
    let den_inv = F::select(&den2, &enchanted, rotate);
    let y = neg_where(&y, is_negative(&x.mul(&z_inv))); // 2
    let s = p.z.sub_wide(&y).mul(&den_inv); // 5
    abs(&s).carry()
}

/// What is kept of a point P for the encoding of 2 · P: it is (e/g', f/h') up to signs and order, after Hamburg's and de
/// Valence's `double_and_compress_batch` of curve25519-dalek. All tight.
#[derive(Clone, Copy)]
struct Doubled<F> {
    e: F,
    f: F,
    g: F,
    h: F,
    eg: F,
    fh: F,
}

impl<F: Field> Doubled<F> {
    #[inline(always)]
    fn new(p: &Extended<F>) -> Self {
        let xx = p.x.square();
        let yy = p.y.square();
        let zz = p.z.square();
        let dtt = p.t.square().mul(&F::splat(&MINUS_D));
        let e = p.x.mul(&p.y.add(&p.y));
        let f = zz.sub(&dtt).carry();
        let g = yy.add(&xx).carry();
        let h = zz.add(&dtt).carry();
        Self { e, f, g, h, eg: e.mul(&g), fh: f.mul(&h) }
    }

    /// s of 2 · P, from 1/(e · f · g · h); tight.
    #[inline(always)]
    fn encode(&self, inverse: &F) -> F {
        let z_inv = self.eg.mul(inverse);
        let t_inv = self.fh.mul(inverse);
        let rotate = is_negative(&self.eg.mul(&z_inv));
        let (i, magic) = (F::splat(&SQRT_M1), F::splat(&INVSQRT_A_MINUS_D));
        let e = F::select(&self.e, &self.g, rotate);
        let g = F::select(&self.g, &neg(&self.e), rotate); // 2
        let h = F::select(&self.h, &self.f.mul(&i), rotate);
        let magic = F::select(&magic, &i, rotate);
        let turn = is_negative(&h.mul(&e).mul(&z_inv));
        let g = F::select(&g, &neg(&g.carry()), turn); // 2
        let s = h.sub_wide(&g).mul(&magic).mul(&g.mul(&t_inv)); // 5
        abs(&s).carry()
    }
}

/// The encoding of 2 · P for each point P, with one inversion for each lane.
#[inline(always)]
pub(crate) fn encode_doubled_all<F: Field>(points: &[Stored], encodings: &mut [[u8; 32]]) {
    let mut states = Vec::with_capacity(points.len().div_ceil(F::LANES));
    let mut inverses = Vec::with_capacity(states.capacity());
    for points in points.chunks(F::LANES) {
        let state = Doubled::<F>::new(&Extended::gather(points));
        inverses.push(state.eg.mul(&state.fh));
        states.push(state);
    }
    invert_many(&mut inverses);
    for ((state, inverse), encodings) in states.iter().zip(&inverses).zip(encodings.chunks_mut(F::LANES)) {
        scatter_bytes(&state.encode(inverse), encodings);
    }
}

/// Equality (section 4.3.3) of each pair.
#[inline(always)]
pub(crate) fn equal_all<F: Field>(some: &[Stored], others: &[Stored], equal: &mut [bool]) {
    let pairs = some.chunks(F::LANES).zip(others.chunks(F::LANES));
    for ((some, others), equal) in pairs.zip(equal.chunks_mut(F::LANES)) {
        let (p, q) = (Extended::<F>::gather(some), Extended::<F>::gather(others));
        let crossed = is_equal(&p.x.mul(&q.y), &p.y.mul(&q.x));
        let straight = is_equal(&p.y.mul(&q.y), &p.x.mul(&q.x));
        let bits = F::bits(F::or(crossed, straight));
        for (l, equal) in equal.iter_mut().enumerate() {
            *equal = bits >> l & 1 == 1;
        }
    }
}

/// P + Q, or P - Q, for each pair.
#[inline(always)]
pub(crate) fn add_all<F: Field>(some: &[Stored], others: &[Stored], negate: bool, sums: &mut [Stored]) {
    let negate = F::mask(&[u64::from(negate); MAX_LANES]);
    let pairs = some.chunks(F::LANES).zip(others.chunks(F::LANES));
    for ((some, others), sums) in pairs.zip(sums.chunks_mut(F::LANES)) {
        let q = Extended::<F>::gather(others).cached().neg_where(negate);
        let mut sum = Extended::gather(some);
        sum.add::<true>(&q);
        sum.scatter(sums);
    }
}
