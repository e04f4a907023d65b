//! What an insurer signs for each chunk (SPEC.md, "Chunks").

use crate::codec;
use crate::ids::{Digest, EpochId, JobId};
use crate::oprf::{Element, PublicKey};
use crate::params::{CHUNK_DIGEST_DOMAIN, CHUNK_DOMAIN};
use crate::signature::{BadSignature, Signature, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// All that identifies a chunk, so that neither side can invent what was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkHeader {
    /// The operator's manifest key.
    pub operator_key: VerifyingKey,
    /// The epoch.
    pub epoch: EpochId,
    /// The epoch's K.
    pub key: PublicKey,
    /// The insurer's job.
    pub job: JobId,
    /// The chunk's number within the job, from 0.
    pub number: u32,
    /// Its number of elements.
    pub count: u32,
    /// [`digest`] of its elements.
    pub digest: Digest,
}

impl ChunkHeader {
    /// domain ‖ encoding of the header.
    fn message(&self) -> Vec<u8> {
        [CHUNK_DOMAIN, &codec::encode(self)].concat()
    }

    /// The insurer's signature.
    pub fn sign(&self, key: &SigningKey) -> Signature {
        key.sign(&self.message())
    }

    /// Verifies the insurer's signature.
    ///
    /// # Errors
    /// [`BadSignature`] when it does not hold.
    pub fn verify(&self, key: &VerifyingKey, signature: &Signature) -> Result<(), BadSignature> {
        key.verify(&self.message(), signature)
    }
}

/// SHA-256(domain ‖ number of elements ‖ elements): what a chunk is recognised by when it comes again.
pub fn digest(elements: &[Element]) -> Digest {
    let count = u32::try_from(elements.len()).expect("a chunk has at most 8,192 elements");
    let mut hash = Sha256::new().chain_update(CHUNK_DIGEST_DOMAIN).chain_update(count.to_le_bytes());
    for element in elements {
        hash.update(element.as_bytes());
    }
    Digest::from_bytes(hash.finalize().into())
}

#[cfg(test)]
mod tests;
