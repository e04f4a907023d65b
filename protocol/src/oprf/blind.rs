//! Both blindings (SPEC.md, "Jobs and blinding"). The server cannot tell which one a client used.
//!
//! Additive, Blindlist's own: B = H(x) + r·G, N = Z − r·K: two multiplications of fixed points instead of two of fresh
//! ones. It is sound only if Z = k·B for the very k of K = k·G, so [`additive_unblind_all`] must run after a proof of that;
//! the type [`Proven`] makes the compiler see to it. Multiplicative, RFC 9497's: B = r·H(x), N = r⁻¹·Z, one by one: it is
//! here for its vectors and for other implementations.

use super::group::{Element, Point, encode_all, encode_single, hash_to_group, hash_to_group_all};
use super::{Proven, PublicKey};
use blindlist_lanes::{Table, add_all, fixed_base_all, sub_all};
use curve25519_dalek::ristretto::RistrettoPoint;
use curve25519_dalek::scalar::Scalar;
use zeroize::Zeroizing;

/// K with a table of its multiples (about 100 KB), made once an epoch. Look-ups in it take constant time.
#[derive(Debug)]
pub struct BlindingBase {
    table: Table,
}

impl BlindingBase {
    /// The table of K.
    pub fn new(key: &PublicKey) -> Self {
        Self { table: Table::new(&(*key.point()).into()) }
    }

    /// r·K for each r. It depends on no answer, and can be made while one is under way.
    ///
    /// # Security
    /// As secret as r: the operator would come from it to H(x).
    pub fn multiples(&self, scalars: &[Scalar]) -> Zeroizing<Vec<Point>> {
        Zeroizing::new(fixed_base_all(&self.table, scalars))
    }
}

/// B = H(x) + r·G for each x with its r, with its point, which the verification of the answer needs. Without an x it is
/// B of a padding element: r·G, which nobody can tell from a blinded identifier.
///
/// # Panics
/// When there are not as many inputs as scalars.
pub fn additive_blind_all(inputs: &[Option<&[u8]>], scalars: &[Scalar]) -> (Vec<Element>, Vec<Point>) {
    assert_eq!(inputs.len(), scalars.len(), "an r for each x");
    let people: Vec<&[u8]> = inputs.iter().copied().flatten().collect();
    let mut hashed = Zeroizing::new(hash_to_group_all(&people));
    if people.len() < inputs.len() {
        let mut next = hashed.iter().copied();
        let of = |input: &Option<_>| input.and_then(|_| next.next()).unwrap_or(Point::IDENTITY);
        hashed = Zeroizing::new(inputs.iter().map(of).collect());
    }
    let blinds = Zeroizing::new(fixed_base_all(Table::generator(), scalars));
    let points = add_all(&hashed, &blinds);
    (encode_all(&points), points)
}

/// The encodings of N = Z − r·K for the answers at these positions, given r·K for each; none when there is no such position.
///
/// # Security
/// An unproven Z would let the server choose N as a function of its own: [`Proven`] answers only.
///
/// # Panics
/// When there are not as many multiples as positions.
pub fn additive_unblind_all(answers: &Proven, positions: &[usize], multiples: &[Point]) -> Option<Vec<Element>> {
    let answers: Option<Vec<Point>> = positions.iter().map(|position| answers.point(*position).copied()).collect();
    Some(encode_all(&sub_all(&answers?, multiples)))
}

/// [`additive_blind_all`] for one x: for vectors and other implementations.
pub fn additive_blind(input: &[u8], r: &Scalar) -> (Element, Point) {
    let (elements, points) = additive_blind_all(&[Some(input)], &[*r]);
    let blinded = elements.into_iter().zip(points).next();
    blinded.expect("an element for an input")
}

/// [`additive_unblind_all`] for the answer at one position: for vectors and other implementations.
pub fn additive_unblind(answers: &Proven, position: usize, r: &Scalar, base: &BlindingBase) -> Option<Element> {
    additive_unblind_all(answers, &[position], &base.multiples(&[*r]))?.pop()
}

/// `Blind` of RFC 9497 section 3.3.1: r·H(x).
pub fn multiplicative_blind(input: &[u8], r: &Scalar) -> Element {
    encode_single(&(r * RistrettoPoint::from(hash_to_group(input))))
}

/// The encoding of r⁻¹·Z for the answer at a position, as `Finalize` of RFC 9497 computes it; none when there is no such
/// position, or r is 0.
pub fn multiplicative_unblind(answers: &Proven, position: usize, r: &Scalar) -> Option<Element> {
    let z = RistrettoPoint::from(*answers.point(position)?);
    (*r != Scalar::ZERO).then(|| encode_single(&(r.invert() * z)))
}
