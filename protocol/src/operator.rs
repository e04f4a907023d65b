//! The operator's side of an evaluation, as states (SPEC.md, "Evaluation").
//!
//! [`Question::validate`] makes sure that a request may be charged; whoever charged it calls [`Question::answer`].

use crate::chunk::{self, ChunkHeader};
use crate::epoch::EpochRecord;
use crate::holders::HolderSet;
use crate::ids::{Digest, EpochId, InsurerId, JobId};
use crate::log::Charge;
use crate::message::Evaluate;
use crate::oprf::{self, BatchContext, Element, KeyError, Point, Proof, PublicKey, SecretKey};
use crate::params::MAX_CHUNK;
use crate::refusal::RefusalCode;
use crate::signature::{Signature, VerifyingKey};

/// A holder's share of an epoch's key with the epoch's record.
#[derive(Debug)]
pub struct EpochKey {
    record: EpochRecord,
    index: u8,
    share: SecretKey,
}

impl EpochKey {
    /// A holder's key, if the record knows it.
    ///
    /// # Errors
    /// [`KeyError::Public`] when the record has no such holder, or another share for it.
    pub fn new(record: EpochRecord, index: u8, share: SecretKey) -> Result<Self, KeyError> {
        match record.holder(index) {
            Some(holder) if holder.share == share.public() => Ok(Self { record, index, share }),
            _ => Err(KeyError::Public),
        }
    }

    /// The same share under another record that names it: after a succession of the manifest key, K is the same.
    ///
    /// # Errors
    /// As [`EpochKey::new`].
    pub fn under(&self, record: EpochRecord) -> Result<Self, KeyError> {
        Self::new(record, self.index, self.share.clone())
    }

    /// The record.
    pub fn record(&self) -> &EpochRecord {
        &self.record
    }

    /// The holder's index.
    pub fn index(&self) -> u8 {
        self.index
    }
}

/// A request that is well-formed, signed by the insurer, and about elements that may be computed with.
#[derive(Debug)]
pub struct Question<'a> {
    epoch: &'a EpochKey,
    request: Evaluate,
    points: Vec<Point>,
    digest: Digest,
    count: u32,
    part: (SecretKey, PublicKey),
}

impl<'a> Question<'a> {
    /// Checks everything that can be checked before a charge, cheapest first.
    ///
    /// # Errors
    /// The code to refuse it with.
    pub fn validate(request: Evaluate, epoch: &'a EpochKey, insurer: &VerifyingKey) -> Result<Self, RefusalCode> {
        let (digest, count) = Self::check(&request, epoch, insurer)?;
        let part = request.holders.part(epoch.index, &epoch.share).map_err(|_| RefusalCode::WrongHolders)?;
        let points = oprf::decode_all(&request.elements).map_err(|_| RefusalCode::InvalidElement)?;
        Ok(Self { epoch, request, points, digest, count, part })
    }

    /// Checks the same but for the encoding of the elements, which takes a hundred times as long: the chunk's digest and its
    /// number of elements.
    ///
    /// # Errors
    /// The code to refuse it with.
    pub fn check(request: &Evaluate, epoch: &EpochKey, insurer: &VerifyingKey) -> Result<(Digest, u32), RefusalCode> {
        let record = &epoch.record;
        if request.epoch != record.epoch {
            return Err(RefusalCode::UnknownEpoch);
        }
        if !record.accepts(&request.holders) || !request.holders.indices().contains(&epoch.index) {
            return Err(RefusalCode::WrongHolders);
        }
        let ascending = request.elements.is_sorted_by(|a, b| a < b);
        if request.elements.is_empty() || request.elements.len() > MAX_CHUNK || !ascending {
            return Err(RefusalCode::InvalidChunk);
        }
        let count = u32::try_from(request.elements.len()).map_err(|_| RefusalCode::InvalidChunk)?;
        let digest = chunk::digest(&request.elements);
        let header = ChunkHeader {
            operator_key: record.operator_key,
            epoch: record.epoch,
            key: record.key,
            job: request.job,
            number: request.number,
            count,
            digest,
        };
        header.verify(insurer, &request.signature).map_err(|_| RefusalCode::InvalidSignature)?;
        Ok((digest, count))
    }

    /// The epoch.
    pub fn epoch(&self) -> EpochId {
        self.request.epoch
    }

    /// What the chunk is recognised by.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Its number of elements.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// The insurer's job and the chunk's number in it.
    pub fn place(&self) -> (JobId, u32) {
        (self.request.job, self.request.number)
    }

    /// The holders that answer it together.
    pub fn holders(&self) -> &HolderSet {
        &self.request.holders
    }

    /// The insurer's signature.
    pub fn signature(&self) -> &Signature {
        &self.request.signature
    }

    /// Its charge to an insurer, whose account is `spent` after it.
    pub fn charge(&self, insurer: InsurerId, spent: u64) -> Charge {
        let Evaluate { epoch, holders, job, number, signature, .. } = &self.request;
        let (epoch, holders, job, number, signature) = (*epoch, holders.clone(), *job, *number, *signature);
        Charge { insurer, epoch, holders, job, number, count: self.count, digest: self.digest, signature, spent }
    }

    /// Evaluates and proves, on the threads of the caller's rayon pool. To be called after the charge is durable.
    ///
    /// `random` are 64 fresh random bytes.
    pub fn answer(&self, random: &[u8; 64]) -> (Vec<Element>, Proof) {
        let (part, public) = &self.part;
        let evaluated = oprf::blind_evaluate(part, &self.points).expect("validated: 1 to 8,192 elements");
        let proof = match (self.request.elements.as_slice(), self.points.as_slice(), evaluated.as_slice()) {
            ([element], [point], [answer]) => oprf::prove(part, public, (element, point), answer, random),
            (elements, points, answers) => {
                let context = BatchContext {
                    epoch: self.request.epoch.as_bytes(),
                    key: &self.epoch.record.key,
                    holders: self.request.holders.indices(),
                    holder: self.epoch.index,
                };
                let proof = oprf::prove_chunk(&context, part, public, (elements, points), answers, random);
                proof.expect("as many answers as questions, at least one")
            }
        };
        (evaluated, proof)
    }
}

#[cfg(test)]
mod tests;
