//! A decoded element.

use crate::group::{IDENTITY, Stored};
use crate::path::Path;
use curve25519_dalek::ristretto::{CompressedRistretto, RistrettoPoint};
use curve25519_dalek::traits::Identity;
use std::fmt;
use zeroize::DefaultIsZeroes;

/// A decoded element of ristretto255: its coordinates, 160 bytes and their kind.
///
/// Which kind depends on the [`Path`] that made it. A path takes either; the other's costs an encoding and a decoding, so
/// that points should be made and used on one path.
#[derive(Clone, Copy)]
pub struct Point(pub(crate) Form);

/// The coordinates, as those want them who compute with them.
#[derive(Clone, Copy)]
pub(crate) enum Form {
    /// For vectors.
    Limbs(Stored),
    /// For curve25519-dalek, which does not show them.
    Dalek(RistrettoPoint),
}

impl Point {
    /// The identity element.
    pub const IDENTITY: Self = Self(Form::Limbs(IDENTITY));

    /// The encoding of the element (RFC 9496 section 4.3.2), 32 bytes. For many, see [`encode_all`](crate::encode_all).
    pub fn encode(&self) -> [u8; 32] {
        let mut encodings = Path::fastest().encode_all(&[*self]);
        encodings.pop().expect("one encoding for one point")
    }
}

/// What a vector of points is wiped with.
impl DefaultIsZeroes for Point {}

impl Default for Point {
    fn default() -> Self {
        Self::IDENTITY
    }
}

/// Never the coordinates: a point may be an identifier's.
impl fmt::Debug for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Point")
    }
}

/// Equal as elements (RFC 9496 section 4.3.3), whatever their coordinates. Constant-time.
impl PartialEq for Point {
    fn eq(&self, other: &Self) -> bool {
        Path::fastest().equal_all(&[*self], &[*other]) == [true]
    }
}

impl Eq for Point {}

impl From<RistrettoPoint> for Point {
    fn from(point: RistrettoPoint) -> Self {
        Self(Form::Dalek(point))
    }
}

/// Costs an encoding and a decoding for a point that vectors made.
impl From<Point> for RistrettoPoint {
    fn from(point: Point) -> Self {
        match point.0 {
            Form::Dalek(point) => point,
            // On vectors, even where `Path::fastest` is limited to others: the portable path would come here again.
            Form::Limbs(_) => match Path::all().find(|path| path.lanes() > 1) {
                Some(path) => {
                    let encodings = path.encode_all(&[point]);
                    let point = encodings.first().and_then(|encoding| CompressedRistretto(*encoding).decompress());
                    point.expect("what was encoded from a point encodes one")
                }
                // Without vectors, only the constant has their coordinates.
                None => Self::identity(),
            },
        }
    }
}
