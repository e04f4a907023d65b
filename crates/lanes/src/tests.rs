//! Every path gives what curve25519-dalek gives, on random inputs and on every edge, for slices of any length.
#![allow(clippy::indexing_slicing, reason = "tests")]

mod compare;
mod coordinates;
mod edges;
mod weights;

use crate::{Path, Point, Table, fixed_base_all};
use compare::{Both, encodings};
use curve25519_dalek::ristretto::{CompressedRistretto, RistrettoPoint};
use curve25519_dalek::scalar::Scalar;
use proptest::collection::vec;
use proptest::prelude::*;

/// The paths of this processor.
fn paths() -> Vec<Path> {
    Path::all().collect()
}

fn uniform() -> impl Strategy<Value = Vec<[u8; 64]>> {
    vec(bytes(), 0..19)
}

fn bytes<const N: usize>() -> impl Strategy<Value = [u8; N]> {
    vec(any::<u8>(), N).prop_map(|bytes| std::array::from_fn(|i| bytes[i]))
}

fn scalar() -> impl Strategy<Value = Scalar> {
    bytes().prop_map(Scalar::from_bytes_mod_order)
}

/// Elements whose coordinates are those of sums: z is not 1.
fn elements(path: Path, uniform: &[[u8; 64]]) -> Both {
    let both = compare::hashed(path, uniform);
    let [sums, _] = compare::sums(path, &both, &both);
    sums
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn uniform_bytes_map_to_dalek_s_elements(uniform in uniform()) {
        for path in paths() {
            compare::hashed(path, &uniform);
        }
    }

    #[test]
    fn any_bytes_decode_as_with_dalek(bytes in vec(bytes(), 0..19), clear in any::<bool>()) {
        let mut bytes: Vec<[u8; 32]> = bytes;
        if clear {
            for bytes in &mut bytes {
                bytes[0] &= 0xfe;
                bytes[31] &= 0x7f;
            }
        }
        for path in paths() {
            compare::decoded(path, &bytes);
        }
    }

    #[test]
    fn what_was_encoded_decodes_to_the_same(uniform in uniform()) {
        for path in paths() {
            let both = elements(path, &uniform);
            compare::decoded(path, &encodings(&both.dalek));
        }
    }

    #[test]
    fn sums_and_differences_are_dalek_s(uniform in uniform(), others in uniform()) {
        for path in paths() {
            let (mut some, mut others) = (elements(path, &uniform), compare::hashed(path, &others));
            let count = some.points.len().min(others.points.len());
            some.truncate(count);
            others.truncate(count);
            for both in compare::sums(path, &some, &others) {
                compare::sums(path, &some, &both);
            }
        }
    }

    #[test]
    fn products_are_dalek_s(s in scalar(), uniform in uniform()) {
        for path in paths() {
            compare::products(path, &s, &elements(path, &uniform));
        }
    }

    #[test]
    fn products_of_a_fixed_point_are_dalek_s(base in bytes(), scalars in vec(scalar(), 0..75)) {
        for path in paths() {
            let base = elements(path, &[base]);
            compare::fixed_base(path, (&base.dalek[0], &base.points[0]), &scalars);
        }
    }

    #[test]
    fn sums_of_products_are_dalek_s(s in scalar(), numbers in vec(any::<u128>(), 0..80)) {
        for path in paths() {
            let scalars: Vec<_> = numbers.iter().map(|number| Scalar::from(*number) * s).collect();
            let base = elements(path, &[[7; 64]]);
            let both = compare::fixed_base(path, (&base.dalek[0], &base.points[0]), &scalars);
            compare::multiscalar(path, &numbers, &both);
            compare::multiscalar(path, &numbers, &compare::decoded(path, &encodings(&both.dalek)));
        }
    }

    /// What the fuzz target runs.
    #[test]
    fn everything_is_dalek_s(data in vec(any::<u8>(), 0..800)) {
        for path in paths() {
            compare::everything(path, &data);
        }
    }
}

#[test]
fn every_length_is_served() {
    let data: Vec<u8> = (0..32 + 65 * 64).map(|i: u32| (i * i * 7 + i / 5).to_le_bytes()[0]).collect();
    for path in paths() {
        for count in (0..=17).chain(63..=65) {
            // As many elements as blocks, and twice as many encodings and scalars.
            compare::everything(path, &data[..32 + count * 64]);
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
    for from in paths() {
        let both = compare::hashed(from, &uniform);
        for to in paths() {
            compare::checked(to, both.clone());
            compare::sums(to, &both, &compare::hashed(to, &uniform));
            compare::products(to, &Scalar::from(5_u64), &both);
            compare::multiscalar(to, &[u128::MAX; 9], &both);
            compare::fixed_base(to, (&both.dalek[0], &both.points[0]), &[Scalar::ONE]);
        }
        let one = both.points[3];
        assert_eq!(RistrettoPoint::from(one).compress(), CompressedRistretto(one.encode()));
        assert_eq!(format!("{one:?}"), "Point");
    }
}

#[test]
fn the_functions_without_a_path_are_the_fastest_path_s() {
    let uniform = [[1; 64], [2; 64], [3; 64], [4; 64], [5; 64]];
    let (path, s) = (Path::fastest(), Scalar::from(9_u64));
    let points = crate::hash_to_group_all(&uniform);
    let both = compare::hashed(path, &uniform);
    assert_eq!(points, both.points);
    let encoded = crate::encode_all(&points);
    assert_eq!(encoded, encodings(&both.dalek));
    assert_eq!(crate::decode_all(&encoded).as_ref(), Ok(&points));
    assert_eq!(crate::decode_each(&encoded), points.iter().copied().map(Some).collect::<Vec<_>>());
    assert_eq!(crate::encode_doubled_all(&points), path.encode_doubled_all(&points));
    assert_eq!(crate::equal_all(&points, &points), [true; 5]);
    assert_eq!(crate::add_all(&points, &points), path.add_all(&points, &points));
    assert_eq!(crate::sub_all(&points, &points), [Point::IDENTITY; 5]);
    assert_eq!(crate::mul_all(&s, &points), path.mul_all(&s, &points));
    assert_eq!(crate::multiscalar_vartime(&[3; 5], &points), path.multiscalar_vartime(&[3; 5], &points));
    assert_eq!(fixed_base_all(&Table::new(&points[0]), &[s]), fixed_base_all(&path.table(&points[0]), &[s]));
}
