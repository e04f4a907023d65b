//! Whom a chunk meant: chunks made anew from a job's seed, and openings of single elements for an auditor, who does not
//! learn the seed (SPEC.md, "Evidence").
//!
//! Where evidence is kept and how it is encrypted is not known here.

use crate::chunk::{self, ChunkHeader};
use crate::codec::{self, CodecError};
use crate::epoch::EpochRecord;
use crate::identifier::MAX_IDENTIFIER_LEN;
use crate::ids::{Digest, EpochId, JobId};
use crate::insurer::{Epoch, EvaluationError};
use crate::job::{BlindingSecret, Item};
use crate::oprf::{self, BLOCK, Element, PublicKey, Scalar};
use crate::params::{MAX_CHALLENGE, MAX_CHUNK, MAX_OPENINGS, OPENINGS_LINE, SAMPLE_DOMAIN};
use crate::signature::VerifyingKey;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha512};
use std::collections::BTreeSet;
use std::fmt;

/// Opened elements of a chunk. As a file it has at most 2,097,152 bytes.
///
/// # Security
/// Whoever has it knows who is behind the opened elements, and nothing of the others.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Openings {
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
    /// The whole chunk: 1 to 8,192 elements, strictly ascending.
    pub elements: Vec<Element>,
    /// What the auditor said, at most 64 bytes.
    pub challenge: Vec<u8>,
    /// The opened elements, ascending by their positions.
    pub openings: Vec<Opening>,
}

/// An opened element.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    /// Its place in the chunk, from 0.
    pub position: u32,
    /// The identifier, at most 512 bytes; empty for padding.
    pub identifier: Vec<u8>,
    /// The canonical encoding of r.
    pub r: [u8; 32],
}

/// Why openings are refused (EVI-2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpeningsError {
    /// Another first line.
    #[error("it is not a file of openings")]
    Kind,
    /// The bytes behind it are no encoding of openings.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// A chunk that cannot be one.
    #[error("its chunk is not 1 to 8,192 elements, strictly ascending")]
    Chunk,
    /// A challenge or an identifier that is too long.
    #[error("its challenge has more than 64 bytes, or an identifier more than 512")]
    TooLong,
    /// An epoch whose id is not the hash of its keys.
    #[error("its epoch's id does not belong to its keys")]
    Epoch,
    /// Openings for another challenge.
    #[error("they answer another challenge than this one")]
    Challenge,
    /// Other positions than those that follow from the challenge and the number of openings asked for.
    #[error("the elements opened are not those that the challenge and the number ask for")]
    Positions,
    /// An opening that does not give its element.
    #[error("the opening of the element at {0} does not give that element")]
    Element(u32),
}

/// What the insurer signed of a chunk, made anew from the job's items of it.
///
/// # Errors
/// [`EvaluationError`] for items that are no chunk, or the secret of another epoch.
pub fn chunk_again(
    epoch: &Epoch,
    job: JobId,
    number: u32,
    items: &[Item],
    secret: &BlindingSecret,
) -> Result<ChunkHeader, EvaluationError> {
    epoch.blind(job, number, items, secret).map(|(header, _)| header)
}

/// The positions that a challenge asks for: `sample` different ones, or all `count`, ascending.
pub fn positions(digest: &Digest, count: u32, challenge: &[u8], sample: u32) -> Vec<u32> {
    if sample >= count {
        return (0..count).collect();
    }
    let length = u32::try_from(challenge.len()).unwrap_or(u32::MAX).to_le_bytes();
    let hash = Sha512::new().chain_update(SAMPLE_DOMAIN).chain_update(digest.as_bytes());
    let hash = hash.chain_update(length).chain_update(challenge);
    let mut chosen = BTreeSet::new();
    for i in 0..=u32::MAX {
        if chosen.len() == sample as usize {
            break;
        }
        let bytes: [u8; 64] = hash.clone().chain_update(i.to_le_bytes()).finalize().into();
        let first = *bytes.first_chunk().expect("SHA-512 has 64 bytes");
        chosen.insert(u32::from_le_bytes(first) % count);
    }
    chosen.into_iter().collect()
}

impl Openings {
    /// Opens `sample` elements of a chunk, which is made anew from the job's items of it.
    ///
    /// # Errors
    /// [`EvaluationError`] as [`chunk_again`] has it.
    pub fn make(
        epoch: &Epoch,
        (job, number): (JobId, u32),
        items: &[Item],
        secret: &BlindingSecret,
        challenge: &[u8],
        sample: u32,
    ) -> Result<Self, EvaluationError> {
        let (header, blinded) = epoch.blind(job, number, items, secret)?;
        let open = |position: u32| {
            let item = *blinded.order.get(usize::try_from(position).ok()?)?;
            let identifier = match items.get(item)? {
                Item::Person(identifier) => identifier.as_bytes().to_vec(),
                Item::Padding(_) => Vec::new(),
            };
            Some(Opening { position, identifier, r: blinded.scalars.get(item)?.to_bytes() })
        };
        let chosen = positions(&header.digest, header.count, challenge, sample);
        let openings = chosen.into_iter().filter_map(open).collect();
        Ok(Self {
            operator_key: header.operator_key,
            epoch: header.epoch,
            key: header.key,
            job,
            number,
            elements: blinded.elements,
            challenge: challenge.to_vec(),
            openings,
        })
    }

    /// The bytes of the file.
    pub fn encode(&self) -> Vec<u8> {
        [OPENINGS_LINE, &codec::encode(self)].concat()
    }

    /// The openings in a file, of which nothing but the form is known yet.
    ///
    /// # Errors
    /// [`OpeningsError::Kind`], [`OpeningsError::Codec`], [`OpeningsError::Chunk`], [`OpeningsError::TooLong`].
    pub fn decode(bytes: &[u8]) -> Result<Self, OpeningsError> {
        if bytes.len() > MAX_OPENINGS {
            return Err(CodecError::TooLarge { found: bytes.len(), limit: MAX_OPENINGS }.into());
        }
        let body = bytes.strip_prefix(OPENINGS_LINE).ok_or(OpeningsError::Kind)?;
        let openings: Self = codec::decode(body, MAX_OPENINGS)?;
        let (elements, challenge) = (&openings.elements, &openings.challenge);
        if !(1..=MAX_CHUNK).contains(&elements.len()) || !elements.is_sorted_by(|a, b| a < b) {
            return Err(OpeningsError::Chunk);
        }
        let long = |opening: &Opening| opening.identifier.len() > MAX_IDENTIFIER_LEN;
        if challenge.len() > MAX_CHALLENGE || openings.openings.iter().any(long) {
            return Err(OpeningsError::TooLong);
        }
        Ok(openings)
    }

    /// Verifies them for the challenge and the number of openings that the auditor chose, and gives the header of the
    /// chunk, which must be that of a charge in the operator's log. [EVI-2]
    ///
    /// # Errors
    /// [`OpeningsError`].
    pub fn verify(&self, challenge: &[u8], sample: u32) -> Result<ChunkHeader, OpeningsError> {
        let count = u32::try_from(self.elements.len()).map_err(|_| OpeningsError::Chunk)?;
        if self.epoch != EpochRecord::id(&self.operator_key, &self.key) {
            return Err(OpeningsError::Epoch);
        }
        if self.challenge != challenge {
            return Err(OpeningsError::Challenge);
        }
        let digest = chunk::digest(&self.elements);
        let opened: Vec<u32> = self.openings.iter().map(|opening| opening.position).collect();
        if opened != positions(&digest, count, challenge, sample) {
            return Err(OpeningsError::Positions);
        }
        for openings in self.openings.chunks(BLOCK) {
            for (opening, opened) in openings.iter().zip(elements(openings)) {
                let place = usize::try_from(opening.position).ok();
                let element = place.and_then(|place| self.elements.get(place));
                if element.is_none() || element != opened.as_ref() {
                    return Err(OpeningsError::Element(opening.position));
                }
            }
        }
        let Self { operator_key, epoch, key, job, number, .. } = *self;
        Ok(ChunkHeader { operator_key, epoch, key, job, number, count, digest })
    }
}

/// B = H(x) + r·G of each opening, or r·G for padding; none when r is not canonical.
fn elements(openings: &[Opening]) -> Vec<Option<Element>> {
    let canonical = |opening: &Opening| Option::<Scalar>::from(Scalar::from_canonical_bytes(opening.r));
    let scalars: Vec<Option<Scalar>> = openings.iter().map(canonical).collect();
    let identifiers = openings.iter().map(|opening| opening.identifier.as_slice());
    let inputs: Vec<Option<&[u8]>> =
        identifiers.map(|identifier| Some(identifier).filter(|identifier| !identifier.is_empty())).collect();
    let some: Vec<Scalar> = scalars.iter().copied().map(Option::unwrap_or_default).collect();
    let (elements, _) = oprf::additive_blind_all(&inputs, &some);
    scalars.iter().zip(elements).map(|(scalar, element)| scalar.map(|_| element)).collect()
}

impl fmt::Debug for Openings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Openings({} of {} elements)", self.openings.len(), self.elements.len())
    }
}

impl fmt::Debug for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Opening({}, redacted)", self.position)
    }
}

#[cfg(test)]
mod tests;
