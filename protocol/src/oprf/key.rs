//! Secret and public keys of the OPRF.

use super::group::{Element, decode, encode_single};
use curve25519_dalek::constants::RISTRETTO_BASEPOINT_TABLE;
use curve25519_dalek::ristretto::RistrettoPoint;
use curve25519_dalek::scalar::Scalar;
use serde::{Deserialize, Serialize};
use std::fmt;
use zeroize::{ZeroizeOnDrop, Zeroizing};

/// Why bytes are not a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not a canonical scalar other than zero.
    #[error("not a canonical scalar other than zero")]
    Secret,
    /// Not the canonical encoding of an element other than the identity.
    #[error("not the canonical encoding of an element other than the identity")]
    Public,
}

/// k: a scalar other than zero, or one holder's share of it.
///
/// # Security
/// Zeroised on drop, redacted in `Debug`, never serialised by serde.
#[derive(Clone, ZeroizeOnDrop)]
pub struct SecretKey(Scalar);

impl SecretKey {
    /// The key of 64 uniformly random bytes, by wide reduction.
    ///
    /// # Errors
    /// [`KeyError::Secret`] when they reduce to zero: with random bytes, never.
    pub fn from_uniform_bytes(bytes: &[u8; 64]) -> Result<Self, KeyError> {
        Self::from_scalar(Scalar::from_bytes_mod_order_wide(bytes))
    }

    /// The key that 32 canonical bytes encode.
    ///
    /// # Errors
    /// [`KeyError::Secret`] when they are not canonical, or zero.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        let scalar: Option<Scalar> = Scalar::from_canonical_bytes(*bytes).into();
        Self::from_scalar(scalar.ok_or(KeyError::Secret)?)
    }

    /// The 32 canonical bytes.
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// K = k·G.
    pub fn public(&self) -> PublicKey {
        PublicKey::from_point(&self.0 * RISTRETTO_BASEPOINT_TABLE).expect("k is not zero, so k·G is not the identity")
    }

    /// The key times a Lagrange coefficient: the part of k that a holder evaluates with in one set of holders.
    ///
    /// # Errors
    /// [`KeyError::Secret`] when the product is zero, which no coefficient of a valid set is.
    pub(crate) fn scaled(&self, coefficient: &Scalar) -> Result<Self, KeyError> {
        Self::from_scalar(self.0 * coefficient)
    }

    pub(crate) fn from_scalar(scalar: Scalar) -> Result<Self, KeyError> {
        if scalar == Scalar::ZERO { Err(KeyError::Secret) } else { Ok(Self(scalar)) }
    }

    pub(crate) fn scalar(&self) -> &Scalar {
        &self.0
    }

    /// k/2, for encodings that double.
    pub(crate) fn halved(&self) -> Zeroizing<Scalar> {
        Zeroizing::new(self.0.div_by_2())
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(redacted)")
    }
}

/// K, or a holder's share of it: an element other than the identity. On the wire its 32 bytes, validated when decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Element", into = "Element")]
pub struct PublicKey {
    element: Element,
    /// For multiplications of this one point, which have no use for lanes.
    point: RistrettoPoint,
}

impl PublicKey {
    /// The key at a point.
    ///
    /// # Errors
    /// [`KeyError::Public`] for the identity.
    pub(crate) fn from_point(point: RistrettoPoint) -> Result<Self, KeyError> {
        encode_single(&point).try_into()
    }

    /// Its 32 bytes.
    pub fn element(&self) -> &Element {
        &self.element
    }

    pub(crate) fn point(&self) -> &RistrettoPoint {
        &self.point
    }
}

impl TryFrom<Element> for PublicKey {
    type Error = KeyError;
    fn try_from(element: Element) -> Result<Self, KeyError> {
        let point = decode(&element).map_err(|_| KeyError::Public)?;
        Ok(Self { element, point: point.into() })
    }
}

impl From<PublicKey> for Element {
    fn from(key: PublicKey) -> Self {
        key.element
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// [OPRF-1]
    #[test]
    fn secret_keys_are_canonical_and_not_zero() {
        assert_eq!(SecretKey::from_bytes(&[0; 32]).err(), Some(KeyError::Secret));
        assert_eq!(SecretKey::from_bytes(&[0xff; 32]).err(), Some(KeyError::Secret));
        assert_eq!(SecretKey::from_uniform_bytes(&[0; 64]).err(), Some(KeyError::Secret));
        let largest = (-Scalar::ONE).to_bytes();
        let mut order = largest;
        order[0] += 1;
        assert!(SecretKey::from_bytes(&largest).is_ok());
        assert_eq!(SecretKey::from_bytes(&order).err(), Some(KeyError::Secret), "the order is another 0");
        let key = SecretKey::from_uniform_bytes(&[7; 64]).unwrap();
        assert_eq!(SecretKey::from_bytes(&key.to_bytes()).unwrap().public(), key.public());
        assert_eq!(format!("{key:?}"), "SecretKey(redacted)");
    }

    /// [OPRF-1]
    #[test]
    fn the_identity_and_what_is_no_element_are_no_public_keys() {
        assert_eq!(PublicKey::try_from(Element::from_bytes([0; 32])).err(), Some(KeyError::Public));
        assert_eq!(PublicKey::try_from(Element::from_bytes([0xff; 32])).err(), Some(KeyError::Public));
        assert!(PublicKey::from_point(RistrettoPoint::default()).is_err());
    }
}
