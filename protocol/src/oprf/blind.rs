//! Both blindings (SPEC.md, "Jobs and blinding"). The server cannot tell which one a client used.
//!
//! Additive, Blindlist's own: B = H(x) + r·G, N = Z − r·K: two multiplications of fixed points instead of two of fresh
//! ones. It is sound only if Z = k·B for the very k of K = k·G, so [`additive_unblind`] must run after a proof of that;
//! the type [`Proven`] makes the compiler see to it. Multiplicative, RFC 9497's: B = r·H(x), N = r⁻¹·Z.

use super::group::{Element, Point, encode, hash_to_group};
use super::{Proven, PublicKey};
use curve25519_dalek::constants::RISTRETTO_BASEPOINT_TABLE;
use curve25519_dalek::ristretto::RistrettoBasepointTable;
use curve25519_dalek::scalar::Scalar;
use std::fmt;

/// K with a table of its multiples (30 KiB), made once an epoch. Look-ups in it take constant time.
pub struct BlindingBase {
    table: Box<RistrettoBasepointTable>,
}

impl BlindingBase {
    /// The table of K.
    pub fn new(key: &PublicKey) -> Self {
        Self { table: Box::new(RistrettoBasepointTable::create(key.point())) }
    }
}

impl fmt::Debug for BlindingBase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BlindingBase")
    }
}

/// B = H(x) + r·G, with its point, which the verification of the answer needs.
pub fn additive_blind(input: &[u8], r: &Scalar) -> (Element, Point) {
    let point = hash_to_group(input) + r * RISTRETTO_BASEPOINT_TABLE;
    (encode(&point), point)
}

/// The encoding of N = Z − r·K for the answer at a position; none when there is no such position.
///
/// # Security
/// An unproven Z would let the server choose N as a function of its own: [`Proven`] answers only.
pub fn additive_unblind(answers: &Proven, position: usize, r: &Scalar, base: &BlindingBase) -> Option<Element> {
    Some(encode(&(answers.point(position)? - r * &*base.table)))
}

/// `Blind` of RFC 9497 section 3.3.1: r·H(x).
pub fn multiplicative_blind(input: &[u8], r: &Scalar) -> Element {
    encode(&(r * hash_to_group(input)))
}

/// The encoding of r⁻¹·Z for the answer at a position, as `Finalize` of RFC 9497 computes it; none when there is no such
/// position, or r is 0.
pub fn multiplicative_unblind(answers: &Proven, position: usize, r: &Scalar) -> Option<Element> {
    let z = answers.point(position)?;
    (*r != Scalar::ZERO).then(|| encode(&(r.invert() * z)))
}

/// B of a padding element: r·G, which nobody can tell from a blinded identifier.
pub(crate) fn padding(r: &Scalar) -> (Element, Point) {
    let point = r * RISTRETTO_BASEPOINT_TABLE;
    (encode(&point), point)
}
