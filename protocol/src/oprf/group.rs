//! ristretto255 (RFC 9496) as RFC 9497 section 4.1 uses it: elements, hashing to the group and to scalars.
//!
//! Elements come in blocks: `blindlist_lanes` works on several of a block at once. What is for one element is a block of one.

use super::blocks::{BLOCK, each_block};
use blindlist_lanes as lanes;
use curve25519_dalek::ristretto::{CompressedRistretto, RistrettoPoint};
use curve25519_dalek::scalar::Scalar;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha512};
use std::sync::LazyLock;
use zeroize::Zeroizing;

/// A decoded element: its coordinates, about 170 bytes.
pub use blindlist_lanes::Point;

/// Terms of a sum that are worth a core of their own: with fewer, the buckets take longer than the terms.
const LEAST_TERMS: usize = 2_048;

/// An encoded element: 32 bytes, not yet decoded. Ordered by its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Element([u8; 32]);

impl Element {
    /// The element that these bytes may encode.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Why bytes are not elements that may be computed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ElementError {
    /// Not the canonical encoding of an element (RFC 9496, section 4.3.1).
    #[error("not the canonical encoding of an element")]
    NotCanonical,
    /// The identity element, which RFC 9497 refuses.
    #[error("the identity element")]
    Identity,
    /// No elements, or more than one chunk holds.
    #[error("the number of elements is not from 1 to 8,192")]
    Count,
}

/// `DeserializeElement` of RFC 9497 section 4.1.
///
/// # Errors
/// When the bytes are not canonical, or encode the identity.
pub fn decode(element: &Element) -> Result<Point, ElementError> {
    let points = decode_block(std::slice::from_ref(element)).map_err(|(_, error)| error)?;
    Ok(points.into_iter().next().expect("a point for an element"))
}

/// [`decode`] for each of a chunk's elements, on the threads of the caller's pool.
///
/// # Errors
/// As [`decode`], for the first element that fails.
pub fn decode_all(elements: &[Element]) -> Result<Vec<Point>, ElementError> {
    let blocks = each_block(elements.chunks(BLOCK), |block| decode_block(block).map_err(|(_, error)| error));
    // The first block that fails has the first element that fails.
    Ok(blocks.into_iter().collect::<Result<Vec<_>, _>>()?.concat())
}

/// The points, or the first element that fails: its position and what is wrong with it.
fn decode_block(elements: &[Element]) -> Result<Vec<Point>, (usize, ElementError)> {
    let encodings: Vec<[u8; 32]> = elements.iter().map(|element| element.0).collect();
    let decoded = lanes::decode_all(&encodings).map_err(|error| (error.position, ElementError::NotCanonical));
    // The only encoding of the identity. What is on the wire is public.
    let identity = encodings.iter().position(|encoding| *encoding == [0; 32]);
    match (identity, decoded) {
        (Some(identity), Err((position, error))) if position < identity => Err((position, error)),
        (Some(identity), _) => Err((identity, ElementError::Identity)),
        (None, decoded) => decoded,
    }
}

/// `SerializeElement` of RFC 9497 section 4.1.
pub fn encode(point: &Point) -> Element {
    Element(point.encode())
}

/// The point of an encoding, which may be the identity's, for curve25519-dalek; none when it is not canonical.
pub(super) fn decode_single(element: &Element) -> Option<RistrettoPoint> {
    CompressedRistretto(element.0).decompress()
}

/// [`encode`] for a point of curve25519-dalek.
pub(super) fn encode_single(point: &RistrettoPoint) -> Element {
    Element(point.compress().0)
}

/// [`encode`] for each point.
pub(super) fn encode_all(points: &[Point]) -> Vec<Element> {
    lanes::encode_all(points).into_iter().map(Element).collect()
}

/// The encodings of 2·P for each P, with one field inversion for all.
pub(super) fn encode_doubled_all(halves: &[Point]) -> Vec<Element> {
    lanes::encode_doubled_all(halves).into_iter().map(Element).collect()
}

/// The encoding of Σ d_i·P_i for each of N slices of points, on as many threads of the caller's pool as have enough to do.
///
/// Encodings, because transcripts need them, and because curve25519-dalek, which does the rest of a proof, has coordinates of
/// its own.
///
/// Variable-time, on public numbers and points.
pub(super) fn sums_vartime<const N: usize>(numbers: &[u128], points: [&[Point]; N]) -> [Element; N] {
    let parts = match numbers.len() / LEAST_TERMS {
        0 | 1 => 1,
        most => most.min(rayon::current_num_threads() / N).max(1),
    };
    let terms = numbers.len().div_ceil(parts).max(1);
    let pairs = points.iter().flat_map(|points| numbers.chunks(terms).zip(points.chunks(terms)));
    let parts = each_block(pairs, |(numbers, points)| lanes::multiscalar_vartime(numbers, points));
    let mut sums = parts.chunks((parts.len() / N).max(1)).map(|parts| parts.iter().copied().reduce(sum_of));
    std::array::from_fn(|_| encode(&sums.next().flatten().unwrap_or(Point::IDENTITY)))
}

fn sum_of(one: Point, other: Point) -> Point {
    lanes::add_all(&[one], &[other]).pop().expect("a sum for a pair")
}

/// The mode of RFC 9497 section 3.1; Blindlist uses VOPRF, and the others for the RFC's vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    #[cfg(test)]
    Oprf,
    Voprf,
    #[cfg(test)]
    Poprf,
}

impl Mode {
    fn byte(self) -> u8 {
        match self {
            #[cfg(test)]
            Self::Oprf => 0,
            Self::Voprf => 1,
            #[cfg(test)]
            Self::Poprf => 2,
        }
    }

    /// `label ‖ contextString`, contextString = `"OPRFV1-" ‖ I2OSP(mode, 1) ‖ "-ristretto255-SHA512"`.
    pub(crate) fn tagged(self, label: &str) -> Vec<u8> {
        [label.as_bytes(), b"OPRFV1-", &[self.byte()], b"-ristretto255-SHA512"].concat()
    }

    /// `HashToGroup` of RFC 9497 section 4.1.
    #[cfg(test)]
    pub(crate) fn hash_to_group(self, input: &[u8]) -> RistrettoPoint {
        RistrettoPoint::from_uniform_bytes(&expand(input, &self.tagged("HashToGroup-")))
    }

    /// `HashToScalar` of RFC 9497 section 4.1.
    pub(crate) fn hash_to_scalar(self, input: &[u8]) -> Scalar {
        Scalar::from_bytes_mod_order_wide(&expand(input, &self.tagged("HashToScalar-")))
    }
}

/// H(x): `HashToGroup` of RFC 9497 section 4.1 in its VOPRF mode.
pub fn hash_to_group(input: &[u8]) -> Point {
    let points = hash_to_group_all(&[input]);
    points.into_iter().next().expect("a point for an input")
}

/// [`hash_to_group`] for each input.
pub fn hash_to_group_all(inputs: &[&[u8]]) -> Vec<Point> {
    static TAG: LazyLock<Vec<u8>> = LazyLock::new(|| Mode::Voprf.tagged("HashToGroup-"));
    let uniform: Zeroizing<Vec<[u8; 64]>> = Zeroizing::new(inputs.iter().map(|input| expand(input, &TAG)).collect());
    lanes::hash_to_group_all(&uniform)
}

/// `expand_message_xmd` with SHA-512 to 64 bytes (RFC 9380 section 5.3.1): b_1 of the RFC, whose ell is 1.
pub(super) fn expand(message: &[u8], tag: &[u8]) -> [u8; 64] {
    /// The hash after `Z_pad`, one block of zeros: the same for every message.
    static AFTER_PAD: LazyLock<Sha512> = LazyLock::new(|| Sha512::new().chain_update([0; 128]));
    let tag_length = u8::try_from(tag.len()).expect("the tags of this suite have about 40 bytes");
    let b_0 = AFTER_PAD.clone().chain_update(message).chain_update([0, 64, 0]).chain_update(tag);
    let b_0 = b_0.chain_update([tag_length]).finalize();
    let b_1 = Sha512::new().chain_update(b_0).chain_update([1]).chain_update(tag).chain_update([tag_length]);
    b_1.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identity_and_non_canonical_bytes_are_refused() {
        assert_eq!(decode(&encode(&Point::IDENTITY)), Err(ElementError::Identity));
        assert_eq!(decode(&Element([0xff; 32])), Err(ElementError::NotCanonical));
        // p itself, an encoding of zero that is not the canonical one.
        let mut p = [0xff; 32];
        p[0] = 0xed;
        p[31] = 0x7f;
        assert_eq!(decode(&Element(p)), Err(ElementError::NotCanonical));
        // 1 encodes a negative field element's companion: not a square root that exists.
        let mut one = [0; 32];
        one[0] = 1;
        assert_eq!(decode(&Element(one)), Err(ElementError::NotCanonical));
    }

    #[test]
    fn the_first_element_that_fails_decides_the_error() {
        let (good, identity, wrong) = (encode(&hash_to_group(b"x")), Element([0; 32]), Element([0xff; 32]));
        let identity_first = [good, identity, good, wrong, identity];
        let wrong_first = [good, good, wrong, identity, wrong];
        for far in [0, 7, 300, 2_000] {
            let after = |elements: &[Element]| decode_all(&[vec![good; far].as_slice(), elements].concat());
            assert_eq!(after(&identity_first), Err(ElementError::Identity), "after {far}");
            assert_eq!(after(&wrong_first), Err(ElementError::NotCanonical), "after {far}");
            assert_eq!(after(&[good]), Ok(vec![hash_to_group(b"x"); far + 1]));
        }
        assert_eq!(decode_all(&[]), Ok(vec![]));
    }

    /// What decides whether wrong answers are found out: the sum is the same however it is split.
    #[test]
    fn sums_are_the_same_on_any_number_of_threads() {
        let points: Vec<Point> = (0..32_u8).map(|i| hash_to_group(&[i])).cycle().take(8_192).collect();
        let others: Vec<Point> = points.iter().rev().copied().collect();
        let numbers: Vec<u128> = (0..8_192).map(|i: u128| i.wrapping_mul(u128::MAX / 8_191) ^ i).collect();
        for count in [0, 1, 2_047, 4_095, 4_096, 4_097, 6_145, 8_191, 8_192] {
            let of = |points: &[Point]| encode(&lanes::multiscalar_vartime(&numbers[..count], &points[..count]));
            let expected = [of(&points), of(&others)];
            for threads in [1, 2, 4, 7] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| {
                    let sums = sums_vartime(&numbers[..count], [&points[..count], &others[..count]]);
                    assert_eq!(sums, expected, "{count} on {threads}");
                    assert_eq!(sums_vartime(&numbers[..count], [&points[..count]]), [expected[0]]);
                });
            }
        }
    }

    #[test]
    fn doubled_encodings_are_the_encodings_of_doubles() {
        let points: Vec<_> = (0..9_u8).map(|i| hash_to_group(&[i])).chain([Point::IDENTITY]).collect();
        let doubles = lanes::add_all(&points, &points);
        assert_eq!(encode_doubled_all(&points), encode_all(&doubles));
    }
}
