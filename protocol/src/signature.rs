//! Ed25519 signatures, always verified strictly (SPEC.md, "Signatures").

use crate::codec::bytes64;
use ed25519_dalek::Signer;
use serde::{Deserialize, Serialize};
use std::fmt;
use zeroize::Zeroizing;

/// A signature that does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not hold")]
pub struct BadSignature;

/// A signature, 64 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature(#[serde(with = "bytes64")] [u8; 64]);

impl Signature {
    /// The signature that these bytes may be.
    pub const fn from_bytes(bytes: [u8; 64]) -> Self {
        Self(bytes)
    }

    /// The 64 bytes.
    pub const fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }
}

/// A key that verifies, 32 bytes as they came; whether they are a key at all shows when a signature is verified.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct VerifyingKey([u8; 32]);

impl VerifyingKey {
    /// The key that these bytes may encode.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// `verify_strict`: canonical encodings, no key and no R of small order.
    ///
    /// # Errors
    /// [`BadSignature`] when it does not hold.
    pub fn verify(&self, message: &[u8], signature: &Signature) -> Result<(), BadSignature> {
        let key = ed25519_dalek::VerifyingKey::from_bytes(&self.0).map_err(|_| BadSignature)?;
        // The library takes the coordinates 2^255 - 19 and above for what they are modulo that; SPEC.md [SIG-1] does not.
        if key.to_edwards().compress().to_bytes() != self.0 {
            return Err(BadSignature);
        }
        key.verify_strict(message, &ed25519_dalek::Signature::from_bytes(&signature.0)).map_err(|_| BadSignature)
    }
}

impl fmt::Display for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({self})")
    }
}

/// A key that signs. Zeroised on drop, redacted in `Debug`.
#[derive(Clone)]
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// The key of a seed: 32 random bytes.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(seed))
    }

    /// The seed.
    pub fn seed(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// The key that verifies this one's signatures.
    pub fn verifying(&self) -> VerifyingKey {
        VerifyingKey(self.0.verifying_key().to_bytes())
    }

    /// The signature of a message, which must begin with a domain string.
    pub fn sign(&self, message: &[u8]) -> Signature {
        Signature(self.0.sign(message).to_bytes())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey(redacted, verified by {})", self.verifying())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use curve25519_dalek::constants::EIGHT_TORSION;
    use curve25519_dalek::edwards::EdwardsPoint;
    use curve25519_dalek::scalar::{Scalar, clamp_integer};
    use curve25519_dalek::traits::Identity;
    use sha2::{Digest, Sha512};

    #[test]
    fn only_the_signed_message_under_the_signing_key_verifies() {
        let key = SigningKey::from_seed(&[1; 32]);
        let signature = key.sign(b"domain\nmessage");
        assert_eq!(key.verifying().verify(b"domain\nmessage", &signature), Ok(()));
        assert_eq!(key.verifying().verify(b"domain\nmassage", &signature), Err(BadSignature));
        let other = SigningKey::from_seed(&[2; 32]).verifying();
        assert_eq!(other.verify(b"domain\nmessage", &signature), Err(BadSignature));
    }

    /// [SIG-1]
    #[test]
    fn keys_of_small_order_verify_nothing() {
        let mut identity = [0; 32];
        identity[0] = 1;
        let mut signature = [0; 64];
        signature[0] = 1;
        let weak = VerifyingKey::from_bytes(identity);
        assert_eq!(weak.verify(b"anything", &Signature::from_bytes(signature)), Err(BadSignature));
    }

    /// [SIG-1]
    #[test]
    fn keys_that_are_not_canonical_verify_nothing() {
        // y = 3 is a point; p + 3 encodes it once more.
        let mut encoded = [0xff; 32];
        (encoded[0], encoded[31]) = (0xf0, 0x7f);
        let reduced = ed25519_dalek::VerifyingKey::from_bytes(&encoded).expect("the library reads it");
        assert_ne!(reduced.to_edwards().compress().to_bytes(), encoded);
        let key = VerifyingKey::from_bytes(encoded);
        assert_eq!(key.verify(b"anything", &Signature::from_bytes([0; 64])), Err(BadSignature));
    }

    /// [SIG-1]: forgeries that hold in laxer ways of verifying. The key's holder could sign one message twice with them, or
    /// make signatures that some verifiers accept and others do not.
    #[test]
    fn signatures_that_hold_by_laxer_rules_alone_are_refused() {
        const MESSAGE: &[u8] = b"domain\nmessage";
        let seed = [1; 32];
        let (key, a) = (SigningKey::from_seed(&seed).verifying(), secret_scalar(&seed));
        let forged = |nonce: &[u8; 32], r: Scalar| {
            let s = r + challenge(nonce, &key, MESSAGE) * a;
            key.verify(MESSAGE, &Signature::from_bytes([*nonce, s.to_bytes()].concat().try_into().unwrap()))
        };
        let r = Scalar::from(77_u64);
        let nonce = EdwardsPoint::mul_base(&r);
        assert_eq!(forged(&nonce.compress().to_bytes(), r), Ok(()), "as RFC 8032 signs");

        let torsion = EIGHT_TORSION[1];
        let with_torsion = (nonce + torsion).compress().to_bytes();
        assert_eq!(forged(&with_torsion, r), Err(BadSignature), "holds with the cofactor only");
        let small = torsion.compress().to_bytes();
        assert_eq!(forged(&small, Scalar::ZERO), Err(BadSignature), "R of small order, which holds with the cofactor");
        let identity = EdwardsPoint::identity().compress().to_bytes();
        assert_eq!(forged(&identity, Scalar::ZERO), Err(BadSignature), "R of small order, which holds without it");
        // y = p + 1 is 1 once more.
        let mut lax_identity = [0xff; 32];
        (lax_identity[0], lax_identity[31]) = (0xee, 0x7f);
        assert_eq!(forged(&lax_identity, Scalar::ZERO), Err(BadSignature), "R that is not canonical");

        let good = *SigningKey::from_seed(&seed).sign(MESSAGE).as_bytes();
        let mut larger = good;
        larger[32..].copy_from_slice(&plus_order(good[32..].try_into().unwrap()));
        assert_eq!(key.verify(MESSAGE, &Signature::from_bytes(good)), Ok(()));
        assert_eq!(key.verify(MESSAGE, &Signature::from_bytes(larger)), Err(BadSignature), "S + the order");
    }

    /// a of RFC 8032, section 5.1.5, modulo the order.
    fn secret_scalar(seed: &[u8; 32]) -> Scalar {
        let hash = Sha512::digest(seed);
        Scalar::from_bytes_mod_order(clamp_integer(*hash.first_chunk().unwrap()))
    }

    /// k of RFC 8032, section 5.1.6.
    fn challenge(nonce: &[u8; 32], key: &VerifyingKey, message: &[u8]) -> Scalar {
        let hash = Sha512::new().chain_update(nonce).chain_update(key.as_bytes()).chain_update(message);
        Scalar::from_bytes_mod_order_wide(&hash.finalize().into())
    }

    /// S + the order of the group, which is -1 + 1.
    fn plus_order(s: &[u8; 32]) -> [u8; 32] {
        let mut sum = [0; 32];
        let mut carry = 1_u16;
        for (sum, (s, l)) in sum.iter_mut().zip(s.iter().zip((-Scalar::ONE).as_bytes())) {
            carry += u16::from(*s) + u16::from(*l);
            *sum = carry.to_le_bytes()[0];
            carry >>= 8;
        }
        sum
    }

    #[test]
    fn debug_shows_no_seed() {
        let shown = format!("{:?}", SigningKey::from_seed(&[0x77; 32]));
        assert!(!shown.contains("7777"), "{shown}");
    }
}
