//! Every path gives what curve25519-dalek gives, on random inputs and on every edge, for slices of any length.
#![allow(clippy::indexing_slicing, reason = "tests")]

mod edges;
mod weights;

use crate::{Path, Point, Table, fixed_base_all};
use curve25519_dalek::ristretto::{CompressedRistretto, RistrettoPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::VartimeMultiscalarMul;
use proptest::collection::vec;
use proptest::prelude::*;

/// The paths of this processor.
fn paths() -> Vec<Path> {
    Path::all().collect()
}

fn encodings(points: &[RistrettoPoint]) -> Vec<[u8; 32]> {
    points.iter().map(|point| point.compress().0).collect()
}

/// Dalek's points of uniform bytes, and a path's decodings of them.
fn points(path: Path, uniform: &[[u8; 64]]) -> (Vec<RistrettoPoint>, Vec<Point>) {
    let expected: Vec<_> = uniform.iter().map(RistrettoPoint::from_uniform_bytes).collect();
    let points = path.decode_all(&encodings(&expected)).unwrap();
    (expected, points)
}

fn uniform() -> impl Strategy<Value = Vec<[u8; 64]>> {
    vec(proptest::array::uniform32(any::<u16>()), 0..11).prop_map(|all| {
        all.into_iter().map(|words| std::array::from_fn(|i| words[i / 2].to_le_bytes()[i % 2])).collect()
    })
}

fn scalar() -> impl Strategy<Value = Scalar> {
    any::<[u8; 32]>().prop_map(Scalar::from_bytes_mod_order)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn uniform_bytes_map_to_dalek_s_points(uniform in uniform()) {
        for path in paths() {
            let (expected, decoded) = points(path, &uniform);
            let mapped = path.hash_to_group_all(&uniform);
            prop_assert_eq!(path.encode_all(&mapped), encodings(&expected));
            prop_assert_eq!(path.encode_all(&decoded), encodings(&expected));
            prop_assert_eq!(path.equal_all(&mapped, &decoded), vec![true; mapped.len()]);
        }
    }

    #[test]
    fn encodings_of_doubles_are_dalek_s(uniform in uniform()) {
        for path in paths() {
            let (expected, points) = points(path, &uniform);
            let doubled: Vec<_> = expected.iter().map(|point| point + point).collect();
            prop_assert_eq!(path.encode_doubled_all(&points), encodings(&doubled));
            prop_assert_eq!(path.encode_doubled_all(&path.hash_to_group_all(&uniform)), encodings(&doubled));
        }
    }

    #[test]
    fn any_bytes_decode_as_with_dalek(bytes in vec(any::<[u8; 32]>(), 0..11), clear in any::<bool>()) {
        let mut bytes = bytes;
        if clear {
            for bytes in &mut bytes {
                bytes[0] &= 0xfe;
                bytes[31] &= 0x7f;
            }
        }
        for path in paths() {
            edges::decodes_as_dalek(path, &bytes);
        }
    }

    #[test]
    fn sums_are_dalek_s(uniform in uniform()) {
        for path in paths() {
            let (expected, points) = points(path, &uniform);
            let (mut turned, mut others) = (expected.clone(), points.clone());
            turned.reverse();
            others.reverse();
            let sums: Vec<_> = expected.iter().zip(&turned).map(|(p, q)| p + q).collect();
            let differences: Vec<_> = expected.iter().zip(&turned).map(|(p, q)| p - q).collect();
            prop_assert_eq!(path.encode_all(&path.add_all(&points, &others)), encodings(&sums));
            prop_assert_eq!(path.encode_all(&path.sub_all(&points, &others)), encodings(&differences));
            let equal: Vec<_> = expected.iter().zip(&turned).map(|(p, q)| p == q).collect();
            prop_assert_eq!(path.equal_all(&points, &others), equal);
        }
    }

    #[test]
    fn products_are_dalek_s(s in scalar(), uniform in uniform()) {
        for path in paths() {
            let (expected, points) = points(path, &uniform);
            let products: Vec<_> = expected.iter().map(|point| s * point).collect();
            prop_assert_eq!(path.encode_all(&path.mul_all(&s, &points)), encodings(&products));
        }
    }

    #[test]
    fn products_of_sums_are_sums_of_products(s in scalar(), numbers in vec(any::<u128>(), 0..80)) {
        for path in paths() {
            let scalars: Vec<_> = numbers.iter().map(|number| Scalar::from(*number) * s).collect();
            let expected: Vec<_> = scalars.iter().map(RistrettoPoint::mul_base).collect();
            let points = path.decode_all(&encodings(&expected)).unwrap();
            let sum = RistrettoPoint::vartime_multiscalar_mul(numbers.iter().map(|d| Scalar::from(*d)), &expected);
            prop_assert_eq!(path.multiscalar_vartime(&numbers, &points).encode(), sum.compress().0);
            // The same of points whose z is not 1.
            let points = path.add_all(&points, &vec![Point::IDENTITY; points.len()]);
            prop_assert_eq!(path.multiscalar_vartime(&numbers, &points).encode(), sum.compress().0);
        }
    }

    #[test]
    fn products_of_a_fixed_point_are_dalek_s(base in scalar(), scalars in vec(scalar(), 0..75)) {
        for path in paths() {
            let base = RistrettoPoint::mul_base(&base);
            let expected: Vec<_> = scalars.iter().map(|s| s * base).collect();
            let products = fixed_base_all(&path.table(&base.into()), &scalars);
            prop_assert_eq!(path.encode_all(&products), encodings(&expected));
        }
    }
}

#[test]
fn the_generator_has_a_table() {
    let scalars: Vec<_> = (0..9_u64).map(Scalar::from).collect();
    let expected: Vec<_> = scalars.iter().map(RistrettoPoint::mul_base).collect();
    let products = fixed_base_all(Table::generator(), &scalars);
    assert_eq!(crate::encode_all(&products), encodings(&expected));
}

#[test]
fn points_of_one_path_may_be_used_on_another() {
    let uniform: Vec<_> = (0..9_u8).map(|i| [i; 64]).collect();
    let expected = encodings(&uniform.iter().map(RistrettoPoint::from_uniform_bytes).collect::<Vec<_>>());
    for from in paths() {
        for to in paths() {
            assert_eq!(to.encode_all(&from.hash_to_group_all(&uniform)), expected);
        }
    }
    let one = crate::hash_to_group_all(&uniform)[3];
    assert_eq!(RistrettoPoint::from(one).compress(), CompressedRistretto(expected[3]));
    assert_eq!(format!("{one:?}"), "Point");
}
