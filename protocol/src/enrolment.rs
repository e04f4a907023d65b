//! How an insurer and an operator come to know each other (SPEC.md, "Enrolment").
//!
//! A request goes from the insurer to the operator, a bundle comes back. Neither holds a private key. Both are signed by
//! keys that they themselves name, so their authenticity rests on the fingerprint that people compare.

use crate::ids::{Digest, InsurerId};
use crate::object::{Broken, Kind, SelfSigned, require};
use crate::params::{MAX_ADDRESSES, MAX_CERTIFICATE, MAX_ENROLMENT, SUCCESSOR_DOMAIN, TLS_PROOF_DOMAIN};
use crate::signature::{Signature, SigningKey, VerifyingKey};
use crate::text::{Address, Slug};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::str::FromStr;

/// What an insurer asks to be enrolled with, signed by its request-signing key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolmentRequest {
    /// The name that the insurer gives itself.
    pub name: Slug,
    /// The Ed25519 key of its TLS certificate to be.
    pub tls_key: VerifyingKey,
    /// The key that signs its chunks.
    pub signing_key: VerifyingKey,
    /// The TLS key's signature of `"blindlist/1 tls key\n" ‖ signing key ‖ name`: proof that the insurer holds it.
    pub tls_proof: Signature,
}

impl EnrolmentRequest {
    /// A request for these keys.
    pub fn new(name: Slug, tls_key: &SigningKey, signing_key: VerifyingKey) -> Self {
        let tls_proof = tls_key.sign(&tls_proof_message(&name, &signing_key));
        Self { name, tls_key: tls_key.verifying(), signing_key, tls_proof }
    }
}

/// domain ‖ request-signing key ‖ name.
fn tls_proof_message(name: &Slug, signing_key: &VerifyingKey) -> Vec<u8> {
    [TLS_PROOF_DOMAIN, signing_key.as_bytes(), name.as_str().as_bytes()].concat()
}

impl Kind for EnrolmentRequest {
    const LINE: &'static [u8] = b"blindlist/1 enrolment request\n";
    const LIMIT: usize = MAX_ENROLMENT;

    fn check(&self) -> Result<(), Broken> {
        require(self.tls_key != self.signing_key, "ENR-4", "the TLS key and the signing key are one")?;
        let message = tls_proof_message(&self.name, &self.signing_key);
        let signed = self.tls_key.verify(&message, &self.tls_proof).is_ok();
        require(signed, "ENR-4", "the TLS key did not sign it")
    }

    fn signer(&self) -> &VerifyingKey {
        &self.signing_key
    }
}

impl SelfSigned for EnrolmentRequest {}

/// What an operator answers: all that an insurer needs to know of it, signed by its manifest key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bundle {
    /// The operator's name.
    pub operator: Slug,
    /// The operator's manifest key, which the insurer pins.
    pub operator_key: VerifyingKey,
    /// [`successor_hash`] of the key that may replace the manifest key.
    pub successor: Digest,
    /// The name that the operator enrolled the insurer under.
    pub insurer: Slug,
    /// The insurer's id.
    pub insurer_id: InsurerId,
    /// The insurer's request-signing key, as in its request.
    pub signing_key: VerifyingKey,
    /// The insurer's TLS key, as in its request.
    pub tls_key: VerifyingKey,
    /// The insurer's X.509 certificate, DER.
    pub certificate: Vec<u8>,
    /// The operator's X.509 certificate authority, DER.
    pub authority: Vec<u8>,
    /// Where the operator's server answers, in the order to try.
    pub addresses: Vec<Address>,
}

impl Kind for Bundle {
    const LINE: &'static [u8] = b"blindlist/1 bundle\n";
    const LIMIT: usize = MAX_ENROLMENT;

    fn check(&self) -> Result<(), Broken> {
        let fit = self.certificate.len() <= MAX_CERTIFICATE && self.authority.len() <= MAX_CERTIFICATE;
        require(fit, "OBJ-3", "a certificate has more than 4,096 bytes")?;
        require((1..=MAX_ADDRESSES).contains(&self.addresses.len()), "OBJ-3", "there are not 1 to 16 addresses")
    }

    fn signer(&self) -> &VerifyingKey {
        &self.operator_key
    }
}

impl SelfSigned for Bundle {}

/// SHA-256(domain ‖ key): how a bundle pins the successor of the manifest key without showing it.
pub fn successor_hash(successor: &VerifyingKey) -> Digest {
    Digest::from_bytes(
        Sha256::new().chain_update(SUCCESSOR_DOMAIN).chain_update(successor.as_bytes()).finalize().into(),
    )
}

/// SHA-256 of the whole file of a request or a bundle: what people compare by voice or mail before they trust it.
///
/// Shown as 64 lower-case hexadecimal digits in 8 groups of 8, joined by `-`. Read in any case, with `-`, `:` and spaces
/// anywhere or nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

/// A text that is not a fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a fingerprint is 64 hexadecimal digits, in groups joined by `-`")]
pub struct FingerprintError;

impl Fingerprint {
    /// The fingerprint of a file with these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, byte) in self.0.iter().enumerate() {
            if place > 0 && place % 4 == 0 {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;
    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        let mut nibbles = text.chars().filter(|c| !matches!(c, '-' | ':') && !c.is_ascii_whitespace());
        let mut nibble = || {
            let digit = nibbles.next().and_then(|c| c.to_digit(16));
            digit.and_then(|d| u8::try_from(d).ok()).ok_or(FingerprintError)
        };
        let mut bytes = [0; 32];
        for byte in &mut bytes {
            *byte = nibble()? << 4 | nibble()?;
        }
        match nibbles.next() {
            None => Ok(Self(bytes)),
            Some(_) => Err(FingerprintError),
        }
    }
}

#[cfg(test)]
mod tests;
