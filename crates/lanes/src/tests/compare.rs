//! The lanes and curve25519-dalek must agree: one comparison for each operation, which the tests of this crate and its fuzz
//! target (`fuzz/`) share. Whoever includes this file brings what `super` must have. Public functions only.

use super::{Path, Point, fixed_base_all};
use curve25519_dalek::ristretto::{CompressedRistretto, RistrettoPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::{Identity, VartimeMultiscalarMul};

/// The same elements for both sides.
#[derive(Clone, Default)]
pub(crate) struct Both {
    pub(crate) dalek: Vec<RistrettoPoint>,
    pub(crate) points: Vec<Point>,
}

impl Both {
    pub(crate) fn extend(&mut self, other: &Self) {
        self.dalek.extend(&other.dalek);
        self.points.extend(&other.points);
    }

    pub(crate) fn truncate(&mut self, count: usize) {
        self.dalek.truncate(count);
        self.points.truncate(count);
    }

    fn reversed(&self) -> Self {
        Self { dalek: self.dalek.iter().rev().copied().collect(), points: self.points.iter().rev().copied().collect() }
    }
}

pub(crate) fn encodings(points: &[RistrettoPoint]) -> Vec<[u8; 32]> {
    points.iter().map(|point| point.compress().0).collect()
}

/// Hash to group.
pub(crate) fn hashed(path: Path, uniform: &[[u8; 64]]) -> Both {
    let dalek = uniform.iter().map(RistrettoPoint::from_uniform_bytes).collect();
    checked(path, Both { dalek, points: path.hash_to_group_all(uniform) })
}

/// Decode: each encoding is one for both, or for neither. Those that are.
pub(crate) fn decoded(path: Path, bytes: &[[u8; 32]]) -> Both {
    let dalek: Vec<_> = bytes.iter().map(|bytes| CompressedRistretto(*bytes).decompress()).collect();
    let points = path.decode_each(bytes);
    let [expected, found]: [Vec<bool>; 2] =
        [dalek.iter().map(Option::is_some).collect(), points.iter().map(Option::is_some).collect()];
    assert_eq!(found, expected, "{bytes:02x?}");
    let first = expected.iter().position(|is_one| !is_one);
    assert_eq!(path.decode_all(bytes).err().map(|error| error.position), first);
    let both = Both { dalek: dalek.into_iter().flatten().collect(), points: points.into_iter().flatten().collect() };
    checked(path, both)
}

/// Encode, encode doubled, compare: with what was encoded, and among each other.
pub(crate) fn checked(path: Path, both: Both) -> Both {
    let encoded = encodings(&both.dalek);
    assert_eq!(path.encode_all(&both.points), encoded);
    let doubled: Vec<_> = both.dalek.iter().map(|point| point + point).collect();
    assert_eq!(path.encode_doubled_all(&both.points), encodings(&doubled));
    let again = path.decode_all(&encoded).expect("what was encoded");
    assert_eq!(path.equal_all(&both.points, &again), vec![true; again.len()]);
    both
}

/// Add, subtract, compare. The sums and the differences.
pub(crate) fn sums(path: Path, some: &Both, others: &Both) -> [Both; 2] {
    let pairs = || some.dalek.iter().zip(&others.dalek);
    let equal: Vec<bool> = pairs().map(|(p, q)| p == q).collect();
    assert_eq!(path.equal_all(&some.points, &others.points), equal);
    let added =
        Both { dalek: pairs().map(|(p, q)| p + q).collect(), points: path.add_all(&some.points, &others.points) };
    let subtracted =
        Both { dalek: pairs().map(|(p, q)| p - q).collect(), points: path.sub_all(&some.points, &others.points) };
    [checked(path, added), checked(path, subtracted)]
}

/// Multiply by one scalar.
pub(crate) fn products(path: Path, s: &Scalar, both: &Both) -> Both {
    let dalek = both.dalek.iter().map(|point| s * point).collect();
    checked(path, Both { dalek, points: path.mul_all(s, &both.points) })
}

/// Multiply one point by scalars.
pub(crate) fn fixed_base(path: Path, (dalek, point): (&RistrettoPoint, &Point), scalars: &[Scalar]) -> Both {
    let dalek = scalars.iter().map(|s| s * dalek).collect();
    checked(path, Both { dalek, points: fixed_base_all(&path.table(point), scalars) })
}

/// The sum of products.
pub(crate) fn multiscalar(path: Path, numbers: &[u128], both: &Both) {
    let scalars = numbers.iter().map(|number| Scalar::from(*number));
    let sum = RistrettoPoint::vartime_multiscalar_mul(scalars, &both.dalek);
    let found = path.multiscalar_vartime(numbers, &both.points);
    assert_eq!(path.encode_all(&[found]), [sum.compress().0], "{} points", numbers.len());
}

/// All operations on any bytes: 32 for a scalar, then blocks of 64, the last ones filled up with zeros. A block is uniform
/// bytes; its halves are encodings and scalars; its first quarter is a number.
pub(crate) fn everything(path: Path, data: &[u8]) {
    let (s, blocks) = data.split_at(data.len().min(32));
    let s = Scalar::from_bytes_mod_order(filled(s));
    let uniform: Vec<[u8; 64]> = blocks.chunks(64).map(filled).collect();
    let halves: Vec<[u8; 32]> = uniform.iter().flat_map(|block| block.chunks(32).map(filled)).collect();
    let scalars: Vec<_> = halves.iter().map(|half| Scalar::from_bytes_mod_order(*half)).collect();

    let mut both = hashed(path, &uniform);
    both.extend(&decoded(path, &halves));
    let [added, subtracted] = sums(path, &both, &both.reversed());
    // As they come from a decoder, and with any coordinates.
    products(path, &s, &both);
    products(path, &s, &added);
    let identity = (&RistrettoPoint::identity(), &Point::IDENTITY);
    fixed_base(path, subtracted.dalek.iter().zip(&subtracted.points).next().unwrap_or(identity), &scalars);
    let numbers: Vec<u128> =
        (0..both.points.len()).map(|i| u128::from_le_bytes(filled(&halves[i % halves.len()]))).collect();
    multiscalar(path, &numbers, &both);
    multiscalar(path, &numbers, &subtracted);
}

/// As many bytes as there are and fit, then zeros.
fn filled<const N: usize>(bytes: &[u8]) -> [u8; N] {
    std::array::from_fn(|i| bytes.get(i).copied().unwrap_or_default())
}
