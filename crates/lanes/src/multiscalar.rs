//! Σ d_i · P_i over public points and public 128-bit numbers: Pippenger's buckets, a window in each lane.
//!
//! Variable-time: memory is read where the numbers say. Each lane adds the same point into buckets of its own window, so
//! that no two lanes ever want the same bucket.

use crate::constants::ZERO;
use crate::digits::signed_digits_vartime;
use crate::group::{Extended, IDENTITY, Niels, Stored};
use crate::multiply::affine;
use crate::vector::{Field, Limbs, MAX_LANES};

/// Bits of the scalars, and one for the sign of the highest digit.
const BITS: usize = 129;

/// Points made affine at a time.
const BLOCK: usize = 64;

/// The bits of a window that take the fewest additions for this many points.
fn window_bits(points: usize, lanes: usize) -> usize {
    let cost = |bits: &usize| {
        let groups = BITS.div_ceil(*bits).div_ceil(lanes);
        // An addition into a bucket takes 7 products and moves, one of buckets 8, twice.
        groups * (points * 8 + (17 << (bits - 1)))
    };
    (4..=9).min_by_key(cost).unwrap_or(8)
}

/// Σ d_i · P_i.
#[inline(always)]
pub(crate) fn multiscalar_vartime<F: Field>(numbers: &[u128], points: &[Stored]) -> Stored {
    let bits = window_bits(points.len(), F::LANES);
    let groups = BITS.div_ceil(bits).div_ceil(F::LANES);
    // Bucket 0 takes the points whose digit is 0, and is never read.
    let size = (1 << (bits - 1)) + 1;
    let mut buckets = vec![IDENTITY; groups * F::LANES * size];

    let mut digits = vec![0; groups * F::LANES];
    let block = BLOCK * F::LANES;
    for (numbers, points) in numbers.chunks(block).zip(points.chunks(block)) {
        let niels = spread::<F>(points);
        for (number, q) in numbers.iter().zip(&niels) {
            signed_digits_vartime(*number, bits, &mut digits);
            let q: Niels<F> = Niels { plus: F::splat(&q[0]), minus: F::splat(&q[1]), t2d: F::splat(&q[2]) };
            for (digits, buckets) in digits.chunks(F::LANES).zip(buckets.chunks_mut(F::LANES * size)) {
                add_to_buckets(&q, digits, buckets, size);
            }
        }
    }
    combine::<F>(&buckets, size, bits)
}

/// The points with z = 1, each as y + x, y - x, 2 · D · x · y in limbs.
#[inline(always)]
fn spread<F: Field>(points: &[Stored]) -> Vec<[Limbs; 3]> {
    let mut groups = Vec::with_capacity(points.len().div_ceil(F::LANES));
    for points in points.chunks(F::LANES) {
        groups.push(Extended::<F>::gather(points));
    }
    let mut spread = Vec::with_capacity(groups.len() * F::LANES);
    for q in affine(&groups) {
        let mut lanes = [[ZERO; MAX_LANES]; 3];
        for (lanes, element) in lanes.iter_mut().zip([&q.plus, &q.minus, &q.t2d]) {
            element.scatter(lanes);
        }
        for l in 0..F::LANES {
            spread.push(lanes.each_ref().map(|element| element[l]));
        }
    }
    spread
}

/// Adds a point to one bucket of each window: its own for each lane.
#[inline(always)]
fn add_to_buckets<F: Field>(q: &Niels<F>, digits: &[i16], buckets: &mut [Stored], size: usize) {
    let mut places = [0; MAX_LANES];
    let mut negative = [0; MAX_LANES];
    for (l, digit) in digits.iter().enumerate() {
        places[l] = l * size + usize::from(digit.unsigned_abs());
        negative[l] = u64::from(*digit < 0);
    }
    let q = q.neg_where(F::mask(&negative));
    let mut sum = Extended::<F>::gather_from(places.map(|place| &buckets[place]));
    sum.add_niels::<true>(&q);
    sum.scatter_to(buckets, &places[..F::LANES]);
}

/// Σ over windows w and buckets j of 2^(bits · w) · j · bucket.
#[inline(always)]
fn combine<F: Field>(buckets: &[Stored], size: usize, bits: usize) -> Stored {
    let mut windows = Vec::with_capacity(buckets.len() / size);
    for buckets in buckets.chunks(F::LANES * size) {
        let mut running = Extended::<F>::identity();
        let mut total = running;
        for j in (1..size).rev() {
            let lanes = std::array::from_fn(|l| buckets.get(l * size + j).unwrap_or(&IDENTITY));
            running.add::<true>(&Extended::gather_from(lanes).cached());
            total.add::<true>(&running.cached());
        }
        let mut lanes = [IDENTITY; MAX_LANES];
        total.scatter(&mut lanes[..F::LANES]);
        windows.extend_from_slice(&lanes[..F::LANES]);
    }
    let mut sum = Extended::<F>::identity();
    for window in windows.iter().rev() {
        for _ in 1..bits {
            sum.double::<false>();
        }
        sum.double::<true>();
        sum.add::<true>(&Extended::gather(&[*window]).cached());
    }
    let mut place = [IDENTITY];
    sum.scatter(&mut place);
    place[0]
}
