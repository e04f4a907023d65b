//! The inputs that formulas and carries might get wrong.

use super::{encodings, paths};
use crate::{NotCanonical, Path, Point, fixed_base_all};
use curve25519_dalek::constants::{EIGHT_TORSION, RISTRETTO_BASEPOINT_POINT};
use curve25519_dalek::ristretto::{CompressedRistretto, RistrettoPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::{Identity, VartimeMultiscalarMul};

/// Each encoding decodes, or does not, as with dalek, and to the same element.
pub(super) fn decodes_as_dalek(path: Path, bytes: &[[u8; 32]]) {
    for (decoded, bytes) in path.decode_each(bytes).into_iter().zip(bytes) {
        let expected = CompressedRistretto(*bytes).decompress();
        assert_eq!(decoded.is_some(), expected.is_some(), "{bytes:02x?}");
        assert!(decoded.is_none_or(|point| path.encode_all(&[point]) == [*bytes]), "{bytes:02x?}");
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

/// Encodings small, near p, near 2^255, with all ones, and each bit alone.
fn odd_encodings() -> Vec<[u8; 32]> {
    let small = (0..=255_u8).map(|i| std::array::from_fn(|k| if k == 0 { i } else { 0 }));
    let large = (-40..=40).map(near_p);
    let ones = (0..=255_u8).map(|i| {
        let mut bytes = [0xff; 32];
        bytes[31] = i;
        bytes
    });
    let single = (0..256).map(|bit| std::array::from_fn(|k| if k == bit / 8 { 1 << (bit % 8) } else { 0 }));
    small.chain(large).chain(ones).chain(single).collect()
}

/// Invalid encodings of RFC 9496 appendix A.2 by kind: non-canonical, negative, non-square, negative x · y, y = 0.
const INVALID: [&str; 29] = [
    "00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "f3ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "ed57ffd8c914fb201471d1c3d245ce3c746fcbe63a3679d51b6a516ebebe0e20",
    "c34c4e1826e5d403b78e246e88aa051c36ccf0aafebffe137d148a2bf9104562",
    "c940e5a4404157cfb1628b108db051a8d439e1a421394ec4ebccb9ec92a8ac78",
    "47cfc5497c53dc8e61c91d17fd626ffb1c49e2bca94eed052281b510b1117a24",
    "f1c6165d33367351b0da8f6e4511010c68174a03b6581212c71c0e1d026c3c72",
    "87260f7a2f12495118360f02c26a470f450dadf34a413d21042b43b9d93e1309",
    "26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371",
    "4eac077a713c57b4f4397629a4145982c661f48044dd3f96427d40b147d9742f",
    "de6a7b00deadc788eb6b6c8d20c0ae96c2f2019078fa604fee5b87d6e989ad7b",
    "bcab477be20861e01e4a0e295284146a510150d9817763caf1a6f4b422d67042",
    "2a292df7e32cababbd9de088d1d1abec9fc0440f637ed2fba145094dc14bea08",
    "f4a9e534fc0d216c44b218fa0c42d99635a0127ee2e53c712f70609649fdff22",
    "8268436f8c4126196cf64b3c7ddbda90746a378625f9813dd9b8457077256731",
    "2810e5cbc2cc4d4eece54f61c6f69758e289aa7ab440b3cbeaa21995c2f4232b",
    "3eb858e78f5a7254d8c9731174a94f76755fd3941c0ac93735c07ba14579630e",
    "a45fdc55c76448c049a1ab33f17023edfb2be3581e9c7aade8a6125215e04220",
    "d483fe813c6ba647ebbfd3ec41adca1c6130c2beeee9d9bf065c8d151c5f396e",
    "8a2e1d30050198c65a54483123960ccc38aef6848e1ec8f5f780e8523769ba32",
    "32888462f8b486c68ad7dd9610be5192bbeaf3b443951ac1a8118419d9fa097b",
    "227142501b9d4355ccba290404bde41575b037693cef1f438c47f8fbf35d1165",
    "5c37cc491da847cfeb9281d407efc41e15144c876e0170b499a96a22ed31e01e",
    "445425117cb8c90edcbc7c1cc0e74f747f2c1efa5630a967c64f287792a48a4b",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

fn bytes_of(hexadecimal: &str) -> [u8; 32] {
    std::array::from_fn(|i| u8::from_str_radix(&hexadecimal[2 * i..2 * i + 2], 16).unwrap())
}

#[test]
fn odd_encodings_decode_as_with_dalek() {
    for path in paths() {
        decodes_as_dalek(path, &odd_encodings());
    }
}

#[test]
fn invalid_encodings_of_the_rfc_are_refused() {
    let invalid = INVALID.map(bytes_of);
    for path in paths() {
        assert!(path.decode_each(&invalid).iter().all(Option::is_none));
        // In each lane, among valid ones, only the invalid one.
        for (i, bytes) in invalid.iter().enumerate() {
            let mut mixed = [RISTRETTO_BASEPOINT_POINT.compress().0; 6];
            mixed[i % 6] = *bytes;
            assert_eq!(path.decode_all(&mixed).map(drop), Err(NotCanonical { position: i % 6 }));
        }
    }
}

#[test]
fn odd_uniform_bytes_map_as_with_dalek() {
    let halves: Vec<[u8; 32]> = odd_encodings();
    let uniform: Vec<[u8; 64]> = halves
        .iter()
        .zip(halves.iter().skip(1).chain(&halves))
        .map(|(a, b)| std::array::from_fn(|i| if i < 32 { a[i] } else { b[i - 32] }))
        .collect();
    let expected: Vec<_> = uniform.iter().map(RistrettoPoint::from_uniform_bytes).collect();
    for path in paths() {
        assert_eq!(path.encode_all(&path.hash_to_group_all(&uniform)), encodings(&expected));
    }
}

/// Representatives of the identity and of others, of every coset of the 4-torsion that the formulas can reach: P, -P, sums
/// that meet, and points made from the Elligator map of 0, ±1, ±i.
fn odd_points(path: Path) -> (Vec<RistrettoPoint>, Vec<Point>) {
    let g = RISTRETTO_BASEPOINT_POINT;
    let known = [RistrettoPoint::identity(), g, -g, g + g, g * -Scalar::from(3_u64)];
    let mut points = path.decode_all(&encodings(&known)).unwrap();
    let mut expected = known.to_vec();
    // P - P and P + (-P) have other coordinates than (0, 1), and so have multiples by l.
    points.extend(path.sub_all(&points, &points));
    expected.extend([RistrettoPoint::identity(); 5]);
    points.extend(path.mul_all(&Scalar::ZERO, &points[..5]));
    expected.extend([RistrettoPoint::identity(); 5]);
    points.extend(path.mul_all(&-Scalar::ONE, &points[..5]));
    expected.extend(known.map(|point| -point));
    // The maps of 0 and of both square roots of -1 and of 1 are points of small order.
    let halves = odd_encodings();
    let uniform: Vec<[u8; 64]> = halves[..8].iter().map(|half| std::array::from_fn(|i| half[i % 32])).collect();
    points.extend(path.hash_to_group_all(&uniform));
    expected.extend(uniform.iter().map(RistrettoPoint::from_uniform_bytes));
    (expected, points)
}

#[test]
fn odd_points_are_computed_with_as_with_dalek() {
    for path in paths() {
        let (expected, points) = odd_points(path);
        assert_eq!(path.encode_all(&points), encodings(&expected));
        let doubled: Vec<_> = expected.iter().map(|point| point + point).collect();
        assert_eq!(path.encode_doubled_all(&points), encodings(&doubled));
        for (some, point) in expected.iter().zip(&points) {
            let sums: Vec<_> = expected.iter().map(|other| some + other).collect();
            let repeated = vec![*point; points.len()];
            assert_eq!(path.encode_all(&path.add_all(&repeated, &points)), encodings(&sums));
            let equal: Vec<_> = expected.iter().map(|other| some == other).collect();
            assert_eq!(path.equal_all(&repeated, &points), equal);
        }
    }
}

fn odd_scalars() -> Vec<Scalar> {
    let small = (0..40_u64).map(Scalar::from);
    let powers = (0..252).map(|bit| (0..bit).fold(Scalar::ONE, |power, _| power + power));
    let scalars: Vec<_> = small.chain(powers).chain([Scalar::from(u128::MAX)]).collect();
    scalars.iter().copied().chain(scalars.iter().map(|s| -s)).collect()
}

#[test]
fn odd_scalars_multiply_as_with_dalek() {
    for path in paths() {
        let (expected, points) = odd_points(path);
        for s in odd_scalars().iter().step_by(7).chain(&[Scalar::ZERO, Scalar::ONE, -Scalar::ONE, -Scalar::from(2_u64)])
        {
            let products: Vec<_> = expected.iter().map(|point| s * point).collect();
            assert_eq!(path.encode_all(&path.mul_all(s, &points)), encodings(&products));
        }
        for base in [RISTRETTO_BASEPOINT_POINT, RistrettoPoint::identity()] {
            let products: Vec<_> = odd_scalars().iter().map(|s| s * base).collect();
            let computed = fixed_base_all(&path.table(&base.into()), &odd_scalars());
            assert_eq!(path.encode_all(&computed), encodings(&products));
        }
    }
}

#[test]
fn odd_numbers_of_many_points_sum_up_as_with_dalek() {
    for path in paths() {
        let (expected, points) = odd_points(path);
        for count in [0, 1, 2, 3, 4, 5, 100, 600, 3000] {
            let (expected, points): (Vec<_>, Vec<_>) =
                (0..count).map(|i| (expected[i % expected.len()], points[i % points.len()])).unzip();
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
            let scalars = numbers.iter().map(|number| Scalar::from(*number));
            let sum = RistrettoPoint::vartime_multiscalar_mul(scalars, &expected);
            assert_eq!(path.multiscalar_vartime(&numbers, &points).encode(), sum.compress().0, "{count}");
        }
    }
}

#[test]
fn every_length_is_served() {
    let uniform: Vec<_> = (0..70_u8).map(|i| [i; 64]).collect();
    let s = Scalar::from(u128::MAX);
    for path in paths() {
        for count in 0..uniform.len() {
            let uniform = &uniform[..count];
            let expected: Vec<_> = uniform.iter().map(|bytes| s * RistrettoPoint::from_uniform_bytes(bytes)).collect();
            let products = path.mul_all(&s, &path.hash_to_group_all(uniform));
            assert_eq!(path.encode_all(&products), encodings(&expected));
            assert_eq!(path.decode_all(&encodings(&expected)).unwrap(), products);
        }
    }
}

/// Eight points of the curve stand for two elements only; encodings of the others do not exist, so that a sum of the group's
/// own must never leave the even ones.
#[test]
fn the_torsion_has_eight_points() {
    assert_eq!(EIGHT_TORSION.len(), 8);
}
