//! The same functions with curve25519-dalek, one element after the other: where there are no vectors, and what the lanes
//! are tested against.

use curve25519_dalek::ristretto::{CompressedRistretto, RistrettoBasepointTable, RistrettoPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::VartimeMultiscalarMul;

pub(crate) fn decode_each(encodings: &[[u8; 32]]) -> Vec<Option<RistrettoPoint>> {
    encodings.iter().map(|bytes| CompressedRistretto(*bytes).decompress()).collect()
}

pub(crate) fn hash_to_group_all(uniform: &[[u8; 64]]) -> Vec<RistrettoPoint> {
    uniform.iter().map(RistrettoPoint::from_uniform_bytes).collect()
}

pub(crate) fn encode_all(points: &[RistrettoPoint]) -> Vec<[u8; 32]> {
    points.iter().map(|point| point.compress().0).collect()
}

pub(crate) fn encode_doubled_all(points: &[RistrettoPoint]) -> Vec<[u8; 32]> {
    RistrettoPoint::double_and_compress_batch(points).into_iter().map(|compressed| compressed.0).collect()
}

pub(crate) fn mul_all(s: &Scalar, points: &[RistrettoPoint]) -> Vec<RistrettoPoint> {
    points.iter().map(|point| s * point).collect()
}

pub(crate) fn fixed_base_all(table: &RistrettoBasepointTable, scalars: &[Scalar]) -> Vec<RistrettoPoint> {
    scalars.iter().map(|s| table * s).collect()
}

pub(crate) fn multiscalar_vartime(numbers: &[u128], points: &[RistrettoPoint]) -> RistrettoPoint {
    RistrettoPoint::vartime_multiscalar_mul(numbers.iter().map(|number| Scalar::from(*number)), points)
}
