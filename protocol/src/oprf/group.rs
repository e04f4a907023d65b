//! ristretto255 (RFC 9496) as RFC 9497 section 4.1 uses it: elements, hashing to the group and to scalars.

use curve25519_dalek::ristretto::CompressedRistretto;
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::IsIdentity;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha512};
use std::sync::LazyLock;

/// A decoded element: its coordinates, 160 bytes.
pub use curve25519_dalek::ristretto::RistrettoPoint as Point;

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

/// `DeserializeElement` of RFC 9497 section 4.1. Variable-time: elements on the wire are public.
///
/// # Errors
/// When the bytes are not canonical, or encode the identity.
pub fn decode(element: &Element) -> Result<Point, ElementError> {
    let point = CompressedRistretto(element.0).decompress().ok_or(ElementError::NotCanonical)?;
    if point.is_identity() { Err(ElementError::Identity) } else { Ok(point) }
}

/// [`decode`] for each of a chunk's elements.
///
/// # Errors
/// As [`decode`], for the first element that fails.
pub fn decode_all(elements: &[Element]) -> Result<Vec<Point>, ElementError> {
    elements.iter().map(decode).collect()
}

/// `SerializeElement` of RFC 9497 section 4.1.
pub fn encode(point: &Point) -> Element {
    Element(point.compress().0)
}

/// The encodings of 2·P for each P, with one field inversion for all.
pub(crate) fn encode_doubled(halves: &[Point]) -> Vec<Element> {
    Point::double_and_compress_batch(halves).into_iter().map(|compressed| Element(compressed.0)).collect()
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
    pub(crate) fn hash_to_group(self, input: &[u8]) -> Point {
        Point::from_uniform_bytes(&expand(input, &self.tagged("HashToGroup-")))
    }

    /// `HashToScalar` of RFC 9497 section 4.1.
    pub(crate) fn hash_to_scalar(self, input: &[u8]) -> Scalar {
        Scalar::from_bytes_mod_order_wide(&expand(input, &self.tagged("HashToScalar-")))
    }
}

/// H(x): `HashToGroup` of RFC 9497 section 4.1 in its VOPRF mode.
pub fn hash_to_group(input: &[u8]) -> Point {
    static TAG: LazyLock<Vec<u8>> = LazyLock::new(|| Mode::Voprf.tagged("HashToGroup-"));
    Point::from_uniform_bytes(&expand(input, &TAG))
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
    use curve25519_dalek::traits::Identity;

    #[test]
    fn identity_and_non_canonical_bytes_are_refused() {
        assert_eq!(decode(&encode(&Point::identity())), Err(ElementError::Identity));
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
    fn doubled_encodings_are_the_encodings_of_doubles() {
        let points: Vec<_> = (0..9_u8).map(|i| hash_to_group(&[i])).chain([Point::identity()]).collect();
        let expected: Vec<_> = points.iter().map(|p| encode(&(p + p))).collect();
        assert_eq!(encode_doubled(&points), expected);
    }
}
