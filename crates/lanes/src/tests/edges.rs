//! The inputs that formulas and carries might get wrong.

use super::compare::{self, Both};
use super::paths;
use crate::{NotCanonical, Path, Point};
use curve25519_dalek::constants::RISTRETTO_BASEPOINT_POINT;
use curve25519_dalek::ristretto::RistrettoPoint;
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::Identity;

/// The bytes of the lines of a kind in RFC 9496 appendix A, after each other.
fn rfc(kind: &str) -> Vec<Vec<u8>> {
    let lines = include_str!("../../tests/rfc9496.txt").lines();
    let values = lines.filter_map(|line| line.strip_prefix(kind)).map(|line| line.replace(' ', ""));
    let byte = |value: &str, i: usize| u8::from_str_radix(&value[2 * i..2 * i + 2], 16).unwrap();
    values.map(|value| (0..value.len() / 2).map(|i| byte(&value, i)).collect()).collect()
}

fn rfc_encodings(kind: &str) -> Vec<[u8; 32]> {
    rfc(kind).iter().map(|bytes| bytes.as_slice().try_into().unwrap()).collect()
}

#[test]
fn multiples_of_the_generator_are_the_rfc_s() {
    let multiples = rfc_encodings("multiple");
    assert_eq!(multiples.len(), 16);
    let scalars: Vec<_> = (0..16_u64).map(Scalar::from).collect();
    for path in paths() {
        compare::decoded(path, &multiples);
        let products = crate::fixed_base_all(&path.table(&RISTRETTO_BASEPOINT_POINT.into()), &scalars);
        assert_eq!(path.encode_all(&products), multiples);
        let points = path.decode_all(&multiples).unwrap();
        // 0 + 2G, G + 3G ... 13G + 15G, and their halves doubled.
        let sums = path.add_all(&points[..14], &points[2..]);
        assert_eq!(path.encode_all(&sums[..7]), multiples.iter().skip(2).step_by(2).copied().collect::<Vec<_>>());
        assert_eq!(path.encode_doubled_all(&points[1..8]), path.encode_all(&sums[..7]));
        assert_eq!(path.sub_all(&points[1..], &points[..15]), [points[1]; 15]);
    }
}

#[test]
fn invalid_encodings_of_the_rfc_are_refused() {
    let invalid = rfc_encodings("invalid");
    assert_eq!(invalid.len(), 29);
    for path in paths() {
        assert!(path.decode_each(&invalid).iter().all(Option::is_none));
        // In each lane, among valid ones, only the invalid one.
        for bytes in &invalid {
            for lane in 0..9 {
                let mut mixed = [RISTRETTO_BASEPOINT_POINT.compress().0; 9];
                mixed[lane] = *bytes;
                assert_eq!(path.decode_all(&mixed).map(drop), Err(NotCanonical { position: lane }));
                assert_eq!(compare::decoded(path, &mixed).points.len(), 8);
            }
        }
    }
}

#[test]
fn uniform_bytes_of_the_rfc_map_to_its_elements() {
    let derived = rfc("derived");
    let uniform: Vec<[u8; 64]> = derived.iter().map(|bytes| bytes[..64].try_into().unwrap()).collect();
    let expected: Vec<[u8; 32]> = derived.iter().map(|bytes| bytes[64..].try_into().unwrap()).collect();
    assert_eq!(uniform.len(), 11);
    for path in paths() {
        compare::hashed(path, &uniform);
        assert_eq!(path.encode_all(&path.hash_to_group_all(&uniform)), expected);
    }
}

/// p plus a number from -40 to 40, below 2^256.
fn near_p(difference: i16) -> [u8; 32] {
    let mut bytes = [0xff; 32];
    bytes[31] = 0x7f;
    let low = 0xffed_i32 + i32::from(difference);
    // Beyond 2^255 - 1 what remains is small, with bit 255 set.
    if low > 0xffff {
        bytes = [0; 32];
        bytes[31] = 0x80;
    }
    bytes[..2].copy_from_slice(&u16::try_from(low & 0xffff).unwrap().to_le_bytes());
    bytes
}

/// Small numbers, some near p and near 2^255, all ones, each bit alone, ones up to each bit, and ones in each limb of 51 and
/// of 25 and 26 bits alone.
fn odd_bytes() -> Vec<[u8; 32]> {
    let small = (0..=255_u8).map(|i| std::array::from_fn(|k| if k == 0 { i } else { 0 }));
    let large = (-40..=40).map(near_p);
    let ones = (0..=255_u8).map(|i| {
        let mut bytes = [0xff; 32];
        bytes[31] = i;
        bytes
    });
    let single = (0..256).map(|bit| bits(bit, bit + 1));
    let low = (0..256).map(|bit| bits(0, bit));
    let limbs = (0..5).map(|i| bits(51 * i, 51 * (i + 1)));
    let halves = (0..10).map(|i: usize| bits((51 * i).div_ceil(2), (51 * (i + 1)).div_ceil(2)));
    small.chain(large).chain(ones).chain(single).chain(low).chain(limbs).chain(halves).collect()
}

/// Ones from a bit to another.
fn bits(from: usize, to: usize) -> [u8; 32] {
    std::array::from_fn(|k| (0..8).filter(|i| (from..to).contains(&(8 * k + i))).map(|i| 1 << i).sum())
}

#[test]
fn odd_encodings_decode_as_with_dalek() {
    for path in paths() {
        compare::decoded(path, &odd_bytes());
        // With bit 255, which is no part of an element, none is an encoding.
        let high: Vec<_> = compare::decoded(path, &odd_bytes())
            .dalek
            .iter()
            .map(|point| {
                let mut bytes = point.compress().0;
                bytes[31] |= 0x80;
                bytes
            })
            .collect();
        assert!(compare::decoded(path, &high).points.is_empty());
    }
}

/// Halves whose highest bit, which the map ignores, is set are among them.
#[test]
fn odd_uniform_bytes_map_as_with_dalek() {
    let halves = odd_bytes();
    let pairs = halves.iter().zip(halves.iter().skip(1).chain(&halves));
    let uniform: Vec<[u8; 64]> =
        pairs.map(|(a, b)| std::array::from_fn(|i| if i < 32 { a[i] } else { b[i - 32] })).collect();
    let topped: Vec<[u8; 64]> =
        uniform.iter().map(|bytes| std::array::from_fn(|i| bytes[i] | if i % 32 == 31 { 0x80 } else { 0 })).collect();
    for path in paths() {
        let both = compare::hashed(path, &uniform);
        assert_eq!(compare::hashed(path, &topped).points, both.points);
    }
}

/// The identity and its neighbours, in the coordinates that the operations give them.
pub(super) fn odd_elements(path: Path) -> Both {
    let g = RISTRETTO_BASEPOINT_POINT;
    let known = [RistrettoPoint::identity(), g, -g, g + g, g * -Scalar::from(3_u64)];
    let mut both = compare::decoded(path, &compare::encodings(&known));
    // P - P has other coordinates than (0, 1), and so has 0 · P.
    let [doubled, zeros] = compare::sums(path, &both, &both);
    let few = both.clone();
    for s in [Scalar::ZERO, -Scalar::ONE] {
        both.extend(&compare::products(path, &s, &few));
    }
    both.extend(&doubled);
    both.extend(&zeros);
    both.extend(&Both { dalek: vec![RistrettoPoint::identity()], points: vec![Point::IDENTITY] });
    // The maps of 0 and of both square roots of -1 and of 1 are points of small order.
    let uniform: Vec<[u8; 64]> = odd_bytes()[..8].iter().map(|half| std::array::from_fn(|i| half[i % 32])).collect();
    both.extend(&compare::hashed(path, &uniform));
    both
}

#[test]
fn odd_elements_are_computed_with_as_with_dalek() {
    for path in paths() {
        let both = odd_elements(path);
        compare::checked(path, both.clone());
        let count = both.points.len();
        for (dalek, point) in both.dalek.iter().zip(&both.points) {
            let repeated = Both { dalek: vec![*dalek; count], points: vec![*point; count] };
            compare::sums(path, &repeated, &both);
        }
    }
}

/// Small ones, powers of 2, ones up to each bit, and the negatives of all: 0, 1, 2, l - 1, l - 2 are among them. And what
/// comes of bytes that are l or more: there is no way to a scalar that is not reduced.
fn odd_scalars() -> Vec<Scalar> {
    let small = (0..40_u64).map(Scalar::from);
    let shaped = (0..256).flat_map(|bit| [bits(bit, bit + 1), bits(0, bit)]).map(Scalar::from_bytes_mod_order);
    let scalars: Vec<_> = small.chain(shaped).collect();
    let mut order = (-Scalar::ONE).to_bytes();
    order[0] += 1;
    let unreduced = [order, [0xff; 32], near_p(0), near_p(20)].map(Scalar::from_bytes_mod_order);
    scalars.iter().copied().chain(scalars.iter().map(|s| -s)).chain(unreduced).collect()
}

#[test]
fn odd_scalars_multiply_as_with_dalek() {
    let least = [Scalar::ZERO, Scalar::ONE, Scalar::from(2_u64), -Scalar::ONE, -Scalar::from(2_u64)];
    for path in paths() {
        let both = odd_elements(path);
        for s in odd_scalars().iter().step_by(11).chain(&least) {
            compare::products(path, s, &both);
        }
        // The identity, twice, and others whose z is not 1.
        for (dalek, point) in both.dalek.iter().zip(&both.points).step_by(7) {
            compare::fixed_base(path, (dalek, point), &odd_scalars());
        }
    }
}

#[test]
fn odd_numbers_of_many_points_sum_up_as_with_dalek() {
    for path in paths() {
        let both = odd_elements(path);
        for count in [0, 1, 2, 3, 4, 5, 7, 8, 9, 100, 600, 3000] {
            let mut many = Both::default();
            while many.points.len() < count {
                many.extend(&both);
            }
            many.truncate(count);
            let numbers: Vec<_> = (0..count)
                .map(|i| match i % 7 {
                    0 => u128::MAX,
                    1 => 0,
                    2 => 1,
                    3 => 1 << 127,
                    4 => u128::MAX >> (i % 128),
                    5 => 0x5555_5555_5555_5555_5555_5555_5555_5555,
                    _ => u128::MAX / (i as u128 + 1) * 3,
                })
                .collect();
            compare::multiscalar(path, &numbers, &many);
        }
    }
}

#[test]
#[should_panic(expected = "as many points as others")]
fn pairs_are_pairs() {
    crate::add_all(&[Point::IDENTITY], &[]);
}
