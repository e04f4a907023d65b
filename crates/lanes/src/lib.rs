//! ristretto255 (RFC 9496) on several independent elements at once.
//!
//! One curve point keeps a processor's vector unit less than half busy. Blindlist always has thousands of independent elements
//! at hand, so here each lane of a vector works on an element of its own: eight lanes where the processor has AVX-512 with
//! IFMA, four where it has AVX2, which is found out at run time. Elsewhere the same functions compute with curve25519-dalek,
//! one element after the other.
//!
//! Slices of any length; results in the order of the inputs. Functions take constant time in scalars, points and uniform
//! bytes, unless their name says `vartime`: only lengths show. This crate must not know the protocol: no hashing, no
//! transcripts, no randomness.

mod constants;
mod digits;
mod field;
mod group;
mod multiply;
mod multiscalar;
mod path;
mod point;
mod portable;
mod ristretto;
#[cfg(test)]
mod tests;
mod vector;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use path::{NotCanonical, Path, Table};
pub use point::Point;

use curve25519_dalek::scalar::Scalar;

/// Decodes each encoding (RFC 9496 section 4.3.1); none where it is not canonical. The identity is an element.
pub fn decode_each(encodings: &[[u8; 32]]) -> Vec<Option<Point>> {
    Path::fastest().decode_each(encodings)
}

/// Decodes all encodings (RFC 9496 section 4.3.1), or none of them. The identity is an element: all its bytes are 0.
///
/// # Errors
/// For the first encoding that is not canonical.
pub fn decode_all(encodings: &[[u8; 32]]) -> Result<Vec<Point>, NotCanonical> {
    Path::fastest().decode_all(encodings)
}

/// The element of each 64 uniform bytes (RFC 9496 section 4.3.4).
pub fn hash_to_group_all(uniform: &[[u8; 64]]) -> Vec<Point> {
    Path::fastest().hash_to_group_all(uniform)
}

/// The encoding of each point (RFC 9496 section 4.3.2).
pub fn encode_all(points: &[Point]) -> Vec<[u8; 32]> {
    Path::fastest().encode_all(points)
}

/// The encoding of 2 · P for each point P, for about an eighth of what [`encode_all`] takes: one field inversion for all.
pub fn encode_doubled_all(points: &[Point]) -> Vec<[u8; 32]> {
    Path::fastest().encode_doubled_all(points)
}

/// Whether the points of each pair are the same element (RFC 9496 section 4.3.3).
///
/// # Panics
/// When there are not as many points as others.
pub fn equal_all(some: &[Point], others: &[Point]) -> Vec<bool> {
    Path::fastest().equal_all(some, others)
}

/// The sum of each pair.
///
/// # Panics
/// When there are not as many points as others.
pub fn add_all(some: &[Point], others: &[Point]) -> Vec<Point> {
    Path::fastest().add_all(some, others)
}

/// P - Q for each pair.
///
/// # Panics
/// When there are not as many points as others.
pub fn sub_all(some: &[Point], others: &[Point]) -> Vec<Point> {
    Path::fastest().sub_all(some, others)
}

/// s · P for each point P.
pub fn mul_all(s: &Scalar, points: &[Point]) -> Vec<Point> {
    Path::fastest().mul_all(s, points)
}

/// s · P for each scalar s, P being the point of the table.
pub fn fixed_base_all(table: &Table, scalars: &[Scalar]) -> Vec<Point> {
    path::fixed_base_all(table, scalars)
}

/// Σ `d_i` · `P_i`.
///
/// # Security
/// Variable-time: numbers and points must be public.
///
/// # Panics
/// When there are not as many numbers as points.
pub fn multiscalar_vartime(numbers: &[u128], points: &[Point]) -> Point {
    Path::fastest().multiscalar_vartime(numbers, points)
}
