//! Signed objects: a line that names the kind, a body, a signature over both (SPEC.md, "Signed objects").

use crate::codec::{self, CodecError};
use crate::ids::Digest;
use crate::signature::{Signature, SigningKey, VerifyingKey};
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest as _, Sha256};

/// A kind of signed object.
pub trait Kind: Serialize + DeserializeOwned {
    /// The first line, newline included; it separates the signatures of one kind from all others.
    const LINE: &'static [u8];
    /// Most bytes of the whole object.
    const LIMIT: usize;

    /// Checks what the types of the fields do not: the rules between fields.
    ///
    /// # Errors
    /// The rule that is broken.
    fn check(&self) -> Result<(), Broken>;

    /// The key that the object names as its signer.
    fn signer(&self) -> &VerifyingKey;
}

/// A kind whose objects vouch for themselves only: their authenticity comes from a fingerprint that people compare.
pub trait SelfSigned: Kind {}

/// A rule of SPEC.md that the fields of an object break.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} ({rule})")]
pub struct Broken {
    /// Its id in SPEC.md; OBJ-3 stands for the rules of a section's table.
    pub rule: &'static str,
    /// What was found, in words.
    pub what: &'static str,
}

/// Breaks a rule unless it holds.
pub(crate) fn require(holds: bool, rule: &'static str, what: &'static str) -> Result<(), Broken> {
    if holds { Ok(()) } else { Err(Broken { rule, what }) }
}

/// Why bytes are not a signed object of the kind and signer expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ObjectError {
    /// Another first line.
    #[error("it does not begin with the line that names its kind")]
    Kind,
    /// The body is not an encoding.
    #[error("its body is malformed: {0}")]
    Codec(#[from] CodecError),
    /// The signature does not hold under the expected key.
    #[error("its signature does not hold under the expected key")]
    Signature,
    /// It names another signer than the key that signed it.
    #[error("it names another key than the one that signed it")]
    Signer,
    /// A rule between fields is broken.
    #[error("its fields do not agree: {0}")]
    Invalid(Broken),
}

/// The bytes of an object: line ‖ body ‖ signature. Deterministic.
pub fn sign<T: Kind>(value: &T, key: &SigningKey) -> Vec<u8> {
    let mut bytes = [T::LINE, &codec::encode(value)].concat();
    let signature = key.sign(&bytes);
    bytes.extend_from_slice(signature.as_bytes());
    bytes
}

/// The value of an object signed by `key`. The signature is verified before the body is read.
///
/// # Errors
/// [`ObjectError`] when it is of another kind, signed by another key, malformed, or breaks a rule.
pub fn open<T: Kind>(bytes: &[u8], key: &VerifyingKey) -> Result<T, ObjectError> {
    let (message, signature) = split::<T>(bytes)?;
    key.verify(message, &signature).map_err(|_| ObjectError::Signature)?;
    let value: T = body(message)?;
    if value.signer() != key {
        return Err(ObjectError::Signer);
    }
    checked(value)
}

/// The value of an object signed by the key that it names.
///
/// # Errors
/// As [`open`].
pub fn open_self_signed<T: SelfSigned>(bytes: &[u8]) -> Result<T, ObjectError> {
    let (message, signature) = split::<T>(bytes)?;
    let value: T = body(message)?;
    value.signer().verify(message, &signature).map_err(|_| ObjectError::Signature)?;
    checked(value)
}

/// SHA-256 of a whole object: how catalogs name objects, and what fingerprints show.
pub fn digest(bytes: &[u8]) -> Digest {
    Digest::from_bytes(Sha256::digest(bytes).into())
}

fn split<T: Kind>(bytes: &[u8]) -> Result<(&[u8], Signature), ObjectError> {
    if bytes.len() > T::LIMIT {
        return Err(CodecError::TooLarge { found: bytes.len(), limit: T::LIMIT }.into());
    }
    if !bytes.starts_with(T::LINE) {
        return Err(ObjectError::Kind);
    }
    let (message, signature) = bytes.split_last_chunk::<64>().ok_or(CodecError::Malformed)?;
    Ok((message, Signature::from_bytes(*signature)))
}

fn body<T: Kind>(message: &[u8]) -> Result<T, ObjectError> {
    let body = message.strip_prefix(T::LINE).ok_or(ObjectError::Kind)?;
    Ok(codec::decode(body, T::LIMIT)?)
}

fn checked<T: Kind>(value: T) -> Result<T, ObjectError> {
    value.check().map_err(ObjectError::Invalid)?;
    Ok(value)
}

#[cfg(test)]
mod tests;
