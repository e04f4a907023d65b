//! Scalar multiplication with secret scalars: of any points by one scalar, of one point by many.
//!
//! The same steps for every scalar: digits choose by masks or by permutations of registers, never by address.

use crate::constants::{D2, ZERO};
use crate::digits::{DIGITS, Digits, WINDOW};
use crate::field::invert_many;
use crate::group::{Cached, Extended, Niels, Stored};
use crate::vector::{ENTRIES, Field, Limbs, MAX_LANES};

/// Groups of lanes that go through one window of a fixed base before the next: their sums stay in the first cache.
const BLOCK: usize = 8;

/// s · P for each P.
#[inline(always)]
pub(crate) fn mul_all<F: Field>(s: &Digits, points: &[Stored], products: &mut [Stored]) {
    for (points, products) in points.chunks(F::LANES).zip(products.chunks_mut(F::LANES)) {
        let p = Extended::<F>::gather(points);
        let table = odd_multiples(&p);
        let mut sum = chosen(&table, s, DIGITS - 1);
        for i in (0..DIGITS - 1).rev() {
            for _ in 1..WINDOW {
                sum.double::<false>();
            }
            sum.double::<true>();
            let q = Cached::<F>::unpack(&F::choose(&table, s.at(i).0));
            let q = q.neg_where(F::mask(&[s.at(i).1; MAX_LANES]));
            if i == 0 {
                sum.add::<true>(&q);
            } else {
                sum.add::<false>(&q);
            }
        }
        sum.scatter(products);
    }
}

/// P, 3 · P, 5 · P, … 31 · P.
#[inline(always)]
fn odd_multiples<F: Field>(p: &Extended<F>) -> [[F::Packed; 4]; ENTRIES] {
    let mut twice = *p;
    twice.double::<true>();
    let twice = twice.cached();
    let mut multiple = *p;
    let mut table = [multiple.cached().pack(); ENTRIES];
    for entry in &mut table[1..] {
        multiple.add::<true>(&twice);
        *entry = multiple.cached().pack();
    }
    table
}

/// The multiple that stands at digit i, as the first of a sum.
#[inline(always)]
fn chosen<F: Field>(table: &[[F::Packed; 4]; ENTRIES], s: &Digits, i: usize) -> Extended<F> {
    let (j, negative) = s.at(i);
    let q = Cached::<F>::unpack(&F::choose(table, j));
    let mut sum = Extended::identity();
    sum.add::<true>(&q.neg_where(F::mask(&[negative; MAX_LANES])));
    sum
}

/// For each digit of a scalar, the sixteen multiples of one point that it may choose.
pub(crate) type Windows<F> = Vec<[<F as Field>::Table; 3]>;

/// The multiples of a point, for [`fixed_base_all`]. For a vector of four lanes 98 KB.
#[inline(always)]
pub(crate) fn windows<F: Field>(point: &Stored) -> Windows<F> {
    // 32^i · P for each i.
    let mut bases = Vec::with_capacity(DIGITS);
    let mut base = Extended::<F>::gather(&[*point]);
    for _ in 0..DIGITS {
        let mut place = [*point];
        base.scatter(&mut place);
        bases.push(place[0]);
        for _ in 1..WINDOW {
            base.double::<false>();
        }
        base.double::<true>();
    }
    let mut windows = Windows::<F>::with_capacity(DIGITS);
    for bases in bases.chunks(F::LANES) {
        let entries = affine_odd_multiples(&Extended::<F>::gather(bases));
        for l in 0..bases.len() {
            let mut columns = [[ZERO; ENTRIES]; 3];
            for (j, entry) in entries.iter().enumerate() {
                for (column, lanes) in columns.iter_mut().zip(entry) {
                    column[j] = lanes[l];
                }
            }
            windows.push(columns.each_ref().map(F::table));
        }
    }
    windows
}

/// Odd multiples of the points with z = 1, in limbs: for each of them the lanes of y + x, y - x and 2 · D · x · y.
#[inline(always)]
fn affine_odd_multiples<F: Field>(p: &Extended<F>) -> Vec<[[Limbs; MAX_LANES]; 3]> {
    let mut twice = *p;
    twice.double::<true>();
    let twice = twice.cached();
    let mut multiple = *p;
    let mut multiples = vec![*p; ENTRIES];
    for place in &mut multiples[1..] {
        multiple.add::<true>(&twice);
        *place = multiple;
    }
    let niels = affine(&multiples);
    let mut entries = vec![[[ZERO; MAX_LANES]; 3]; ENTRIES];
    for (entry, q) in entries.iter_mut().zip(&niels) {
        for (lanes, element) in entry.iter_mut().zip([&q.plus, &q.minus, &q.t2d]) {
            element.scatter(lanes);
        }
    }
    entries
}

/// The points with z = 1, tight, with one inversion for each lane.
#[inline(always)]
pub(crate) fn affine<F: Field>(points: &[Extended<F>]) -> Vec<Niels<F>> {
    let mut inverses = Vec::with_capacity(points.len());
    for p in points {
        inverses.push(p.z);
    }
    invert_many(&mut inverses);
    let mut niels = Vec::with_capacity(points.len());
    for (p, inverse) in points.iter().zip(&inverses) {
        let (x, y) = (p.x.mul(inverse), p.y.mul(inverse));
        let t2d = x.mul(&y).mul(&F::splat(&D2));
        niels.push(Niels { plus: y.add(&x).carry(), minus: y.sub(&x).carry(), t2d });
    }
    niels
}

/// s · P for each scalar s, P being the point of the windows.
#[inline(always)]
pub(crate) fn fixed_base_all<F: Field>(windows: &[[F::Table; 3]], scalars: &[Digits], products: &mut [Stored]) {
    let block = BLOCK * F::LANES;
    for (scalars, products) in scalars.chunks(block).zip(products.chunks_mut(block)) {
        let mut sums = [Extended::<F>::identity(); BLOCK];
        for (i, window) in windows.iter().enumerate() {
            for (scalars, sum) in scalars.chunks(F::LANES).zip(&mut sums) {
                let (mut numbers, mut negative) = ([0; MAX_LANES], [0; MAX_LANES]);
                for (l, s) in scalars.iter().enumerate() {
                    (numbers[l], negative[l]) = s.at(i);
                }
                let index = F::index(&numbers);
                let q = Niels {
                    plus: F::look_up(&window[0], index),
                    minus: F::look_up(&window[1], index),
                    t2d: F::look_up(&window[2], index),
                };
                sum.add_niels::<true>(&q.neg_where(F::mask(&negative)));
            }
        }
        for (products, sum) in products.chunks_mut(F::LANES).zip(&sums) {
            sum.scatter(products);
        }
    }
}
