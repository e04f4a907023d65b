//! The pseudo-random function: RFC 9497's VOPRF(ristretto255, SHA-512), byte for byte (SPEC.md, "The OPRF").
//!
//! Names are the RFC's. What is Blindlist's own, the additive blinding and the proof over a whole chunk, is said so.
//! Nothing here knows of identifiers, epochs' records or messages.

mod blind;
mod blocks;
mod group;
mod key;
mod proof;
#[cfg(test)]
mod tests;

pub use blind::{
    BlindingBase, additive_blind, additive_blind_all, additive_unblind, additive_unblind_all, multiplicative_blind,
    multiplicative_unblind,
};
pub(crate) use blocks::{BLOCK, each_block};
pub use curve25519_dalek::scalar::Scalar;
pub use group::{Element, ElementError, Point, decode, decode_all, encode, hash_to_group, hash_to_group_all};
pub use key::{KeyError, PublicKey, SecretKey};
pub use proof::{BatchContext, Proof, ProofError, Proven, prove, prove_chunk, verify, verify_chunk};

use crate::params::MAX_CHUNK;
use blindlist_lanes::mul_all;
use sha2::{Digest, Sha512};
use std::fmt;
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// y = F(k, x), 64 bytes: what `Finalize` of RFC 9497 returns.
///
/// # Security
/// As sensitive as the person's presence on every list of the epoch: redacted in `Debug` and zeroised on drop.
#[derive(Clone)]
pub struct Evaluation([u8; 64]);

impl PartialEq for Evaluation {
    /// In constant time.
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Evaluation {}

impl Evaluation {
    /// An evaluation that was kept: 64 bytes that came out of [`finalize`] once.
    pub const fn from_bytes(bytes: [u8; 64]) -> Self {
        Self(bytes)
    }

    /// The 64 bytes.
    pub fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }
}

impl Drop for Evaluation {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Evaluation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Evaluation(redacted)")
    }
}

/// `Finalize`'s last step, RFC 9497 section 3.3.1: `Hash(len(input) ‖ input ‖ len(element) ‖ element ‖ "Finalize")`.
///
/// # Panics
/// When `input` has more than 65,535 bytes; identifiers have at most 512.
pub fn finalize(input: &[u8], unblinded: &Element) -> Evaluation {
    let length = u16::try_from(input.len()).expect("inputs of the OPRF are identifiers, which are short");
    let mut hash = Sha512::new();
    hash.update(length.to_be_bytes());
    hash.update(input);
    hash.update(32_u16.to_be_bytes());
    hash.update(unblinded.as_bytes());
    hash.update(b"Finalize");
    Evaluation(hash.finalize().into())
}

/// F(k, x) for a block of inputs, as `seal` needs it: one encoding for all of them. It stays on one core, so that whoever
/// has many inputs gives each core blocks of its own.
///
/// The points encoded are doubles of (k/2)·H(x), because only doubles can be encoded with one shared inversion.
pub fn evaluate_inputs(key: &SecretKey, inputs: &[&[u8]]) -> Vec<Evaluation> {
    let points = mul_all(&key.halved(), &hash_to_group_all(inputs));
    let elements = group::encode_doubled_all(&points);
    inputs.iter().zip(&elements).map(|(input, element)| finalize(input, element)).collect()
}

/// `BlindEvaluate` of RFC 9497 for a whole chunk, without the proof: D_i = k·C_i, on the threads
/// of the caller's rayon pool.
///
/// # Errors
/// [`ElementError::Count`] when there are none or more than [`MAX_CHUNK`].
pub fn blind_evaluate(key: &SecretKey, blinded: &[Point]) -> Result<Vec<Element>, ElementError> {
    if blinded.is_empty() || blinded.len() > MAX_CHUNK {
        return Err(ElementError::Count);
    }
    let half = key.halved();
    let evaluate = |points| group::encode_doubled_all(&mul_all(&half, points));
    Ok(each_block(blinded.chunks(BLOCK), evaluate).concat())
}
