//! One element, many coordinates: every point of its coset of the 4-torsion, any z, and limbs at the limits of what may rest
//! (see `vector`) must be the same to every operation.

use super::compare::{self, Both};
use super::{edges, paths};
use crate::Point;
use crate::constants::{MINUS_ONE, MINUS_SQRT_M1, ONE, SQRT_M1, ZERO};
use crate::group::Stored;
use crate::point::Form;
use crate::vector::Limbs;
use curve25519_dalek::scalar::Scalar;

const LOW: u64 = (1 << 51) - 1;

/// p.
const P: Limbs = [LOW - 18, LOW, LOW, LOW, LOW];

/// x · y, below p, in the plainest way.
fn product(x: &Limbs, y: &Limbs) -> Limbs {
    let mut sums = [0_u128; 5];
    for (i, a) in x.iter().enumerate() {
        for (k, b) in y.iter().enumerate() {
            let wrapped = if i + k < 5 { 1 } else { 19 };
            sums[(i + k) % 5] += u128::from(*a) * u128::from(*b) * wrapped;
        }
    }
    let mut limbs = [0; 5];
    let mut carry = 0;
    for _ in 0..3 {
        for (sum, limb) in sums.iter_mut().zip(&mut limbs) {
            *sum += carry;
            carry = *sum >> 51;
            *sum &= u128::from(LOW);
            *limb = u64::try_from(*sum).unwrap();
        }
        carry *= 19;
    }
    assert_eq!(carry, 0);
    let p_or_more = limbs[1..] == P[1..] && limbs[0] >= P[0];
    if p_or_more { [limbs[0] - P[0], 0, 0, 0, 0] } else { limbs }
}

/// 1/x = x^(p - 2); 0 for 0.
fn inverse(x: &Limbs) -> Limbs {
    // p - 2 = 2^255 - 21: all bits but 2 and 4.
    (0..255).rev().fold(ONE, |power, bit| {
        let square = product(&power, &power);
        if bit == 2 || bit == 4 { square } else { product(&square, x) }
    })
}

/// The four points of a coset: P, and P plus the points (0, -1), (i, 0), (-i, 0) of order 2 and 4.
fn coset(&[x, y, z, t]: &Stored) -> [Stored; 4] {
    let [minus_t, minus_x, minus_y] = [t, x, y].map(|limbs| product(&limbs, &MINUS_ONE));
    let turned = |i: &Limbs| [product(&y, i), product(&x, i), z, minus_t];
    [[x, y, z, t], [minus_x, minus_y, z, t], turned(&SQRT_M1), turned(&MINUS_SQRT_M1)]
}

/// Limbs that may rest: 2^255 - 1, p, p + 1, and each limb, or all, as great as they may be.
fn extremes() -> Vec<Limbs> {
    let greatest = (1 << 51) + (1 << 44);
    let single = (0..5).map(|i| std::array::from_fn(|k| if i == k { greatest } else { 0 }));
    [[LOW; 5], P, [LOW - 17, LOW, LOW, LOW, LOW], [greatest; 5], MINUS_ONE].into_iter().chain(single).collect()
}

/// The same point with another z, by which one of its coordinates gets these limbs: if it is not 0.
fn scaled(point: &Stored, coordinate: usize, limbs: &Limbs) -> Option<Stored> {
    let factor = product(limbs, &inverse(&point[coordinate]));
    if factor == ZERO {
        return None;
    }
    let mut scaled = point.map(|limbs| product(&limbs, &factor));
    scaled[coordinate] = *limbs;
    Some(scaled)
}

fn is_zero(limbs: &Limbs) -> bool {
    product(limbs, &ONE) == ZERO
}

/// The same point with p for each coordinate that is 0.
fn with_p(point: &Stored) -> Stored {
    point.map(|limbs| if is_zero(&limbs) { P } else { limbs })
}

/// All coordinates of an element that are tried; none of a point that is curve25519-dalek's.
fn coordinates(point: &Point) -> Vec<Point> {
    let Form::Limbs(stored) = point.0 else { return Vec::new() };
    let mut all = coset(&stored).to_vec();
    for representative in coset(&stored) {
        all.push(with_p(&representative));
        for limbs in extremes() {
            all.extend((0..4).filter_map(|coordinate| scaled(&representative, coordinate, &limbs)));
        }
    }
    all.into_iter().map(|stored| Point(Form::Limbs(stored))).collect()
}

#[test]
fn plain_arithmetic_is_right() {
    for x in [MINUS_ONE, SQRT_M1, [LOW; 5], [3, 1, 4, 1, 5]] {
        assert_eq!(product(&x, &inverse(&x)), ONE);
    }
    assert_eq!(product(&SQRT_M1, &SQRT_M1), MINUS_ONE);
    assert!(is_zero(&ZERO) && is_zero(&P) && !is_zero(&ONE));
}

#[test]
fn all_coordinates_of_an_element_are_the_same_to_every_operation() {
    let s = Scalar::from_bytes_mod_order([0xa7; 32]);
    for path in paths() {
        let mut both = edges::odd_elements(path);
        both.extend(&compare::hashed(path, &[[1; 64], [2; 64]]));
        for (dalek, point) in both.dalek.iter().zip(&both.points) {
            let points = coordinates(point);
            let all = compare::checked(path, Both { dalek: vec![*dalek; points.len()], points });
            assert_eq!(path.equal_all(&all.points, &vec![*point; all.points.len()]), vec![true; all.points.len()]);
            compare::products(path, &s, &all);
            compare::multiscalar(path, &vec![u128::MAX / 3; all.points.len()], &all);
            // Sums of any two of them.
            for shift in [0, 1, 2, 3, 7, 20] {
                let mut turned = all.clone();
                turned.points.rotate_left(shift.min(all.points.len()));
                compare::sums(path, &all, &turned);
            }
        }
    }
}

/// A table is made of one point: those of a few elements in all their coordinates.
#[test]
fn all_coordinates_of_an_element_make_the_same_table() {
    let scalars = [Scalar::ZERO, Scalar::ONE, -Scalar::ONE, Scalar::from_bytes_mod_order([0xa7; 32])];
    for path in paths() {
        let both = compare::hashed(path, &[[1; 64]]);
        for point in coordinates(&both.points[0]) {
            compare::fixed_base(path, (&both.dalek[0], &point), &scalars);
        }
    }
}
