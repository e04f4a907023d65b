//! The insurer's side of an evaluation, as states (SPEC.md, "Evaluation").
//!
//! [`Epoch::ask`] gives a chunk to send and [`Asked`], which waits for the answers; [`Asked::prove`] consumes it and gives
//! [`Answered`] only if every answer is proven; [`Answered::finish`] unblinds. Nothing unproven can be unblinded.

use crate::chunk::{self, ChunkHeader};
use crate::epoch::EpochRecord;
use crate::holders::HolderSet;
use crate::ids::{InsurerId, JobId};
use crate::job::{BlindingSecret, Item, JobSeed};
use crate::message::{Evaluate, Evaluated};
use crate::object::{self, ObjectError};
use crate::oprf::{
    self, BatchContext, BlindingBase, Element, Evaluation, Point, ProofError, Proven, Scalar, additive_blind,
    additive_unblind,
};
use crate::params::MAX_CHUNK;
use crate::receipt::{BadReceipt, Expected};
use crate::signature::{SigningKey, VerifyingKey};
use std::sync::Arc;
use zeroize::Zeroizing;

/// An epoch whose record was verified against the pinned key.
#[derive(Debug)]
pub struct Epoch {
    record: EpochRecord,
    object: Vec<u8>,
    base: BlindingBase,
}

/// Why a chunk cannot be asked, or an answer is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvaluationError {
    /// A chunk with no element or more than 8,192.
    #[error("a chunk has 1 to 8,192 elements")]
    ChunkSize,
    /// The blinding secret was made for another operator or K: its scalars would be used twice.
    #[error("the blinding secret belongs to another epoch")]
    Secret,
    /// The set of holders is none of this epoch's.
    #[error("the set of key holders is none that this epoch allows")]
    Holders,
    /// The same holder answered twice, or one outside the set, or one is missing.
    #[error("there is not exactly one answer from each key holder asked")]
    Answers,
    /// The proof of an answer does not hold.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// The receipt of an answer does not hold (AUD-4).
    #[error(transparent)]
    Receipt(#[from] BadReceipt),
}

/// Who asks: an insurer's id and its request-signing key.
#[derive(Clone, Debug)]
pub struct Asker {
    /// The id that the operator enrolled it under.
    pub insurer: InsurerId,
    /// The key that signs its chunks.
    pub signer: SigningKey,
}

impl Epoch {
    /// The epoch that a record describes, if the pinned key signed it.
    ///
    /// # Errors
    /// [`ObjectError`] when the record is not one, or another key signed it.
    pub fn open(object: &[u8], pinned: &VerifyingKey) -> Result<Self, ObjectError> {
        let record: EpochRecord = object::open(object, pinned)?;
        let base = BlindingBase::new(&record.key);
        Ok(Self { record, object: object.to_vec(), base })
    }

    /// The record.
    pub fn record(&self) -> &EpochRecord {
        &self.record
    }

    /// The signed object that the record came in.
    pub fn object(&self) -> &[u8] {
        &self.object
    }

    /// The blinding secret of a job in this epoch.
    pub fn blinding(&self, seed: &JobSeed) -> BlindingSecret {
        BlindingSecret::new(seed, &self.record.operator_key, &self.record.key)
    }

    /// Blinds and signs a chunk: what to send, and what waits for the answers.
    ///
    /// # Errors
    /// [`EvaluationError`] when the chunk's size or the set of holders is not allowed, or the secret is another epoch's.
    pub fn ask(
        self: &Arc<Self>,
        holders: HolderSet,
        job: JobId,
        number: u32,
        items: &[Item],
        secret: &BlindingSecret,
        asker: &Asker,
    ) -> Result<Asked, EvaluationError> {
        if !self.record.accepts(&holders) {
            return Err(EvaluationError::Holders);
        }
        let (header, blinded) = self.blind(job, number, items, secret)?;
        let elements = blinded.iter().map(|blinded| blinded.element).collect();
        let signature = header.sign(&asker.signer);
        let request = Evaluate { epoch: self.record.epoch, holders, job, number, elements, signature };
        let points = blinded.iter().map(|blinded| blinded.point).collect();
        let origins = blinded.into_iter().map(|blinded| (blinded.item, blinded.r)).collect();
        let asker = (asker.insurer, asker.signer.verifying());
        let (epoch, items) = (Arc::clone(self), items.to_vec());
        Ok(Asked { epoch, asker, former: Vec::new(), header, items, request, points, origins })
    }

    /// Blinds a chunk: what the insurer signs of it, and its elements in their order.
    ///
    /// # Errors
    /// [`EvaluationError::ChunkSize`], [`EvaluationError::Secret`].
    pub(crate) fn blind(
        &self,
        job: JobId,
        number: u32,
        items: &[Item],
        secret: &BlindingSecret,
    ) -> Result<(ChunkHeader, Vec<Blinded>), EvaluationError> {
        if items.is_empty() || items.len() > MAX_CHUNK {
            return Err(EvaluationError::ChunkSize);
        }
        if !secret.belongs_to(&self.record.operator_key, &self.record.key) {
            return Err(EvaluationError::Secret);
        }
        let mut blinded: Vec<_> = items.iter().enumerate().map(|(i, item)| Blinded::new(i, item, secret)).collect();
        blinded.sort_unstable_by_key(|blinded| blinded.element);
        let elements: Vec<Element> = blinded.iter().map(|blinded| blinded.element).collect();
        let header = ChunkHeader {
            operator_key: self.record.operator_key,
            epoch: self.record.epoch,
            key: self.record.key,
            job,
            number,
            count: u32::try_from(elements.len()).map_err(|_| EvaluationError::ChunkSize)?,
            digest: chunk::digest(&elements),
        };
        Ok((header, blinded))
    }
}

/// An item blinded: where it came from, its r, and B.
pub(crate) struct Blinded {
    pub(crate) item: usize,
    pub(crate) r: Zeroizing<Scalar>,
    pub(crate) element: Element,
    point: Point,
}

impl Blinded {
    fn new(item: usize, what: &Item, secret: &BlindingSecret) -> Self {
        let r = secret.scalar(what);
        let (element, point) = match what {
            Item::Person(identifier) => additive_blind(identifier.as_bytes(), &r),
            Item::Padding(_) => oprf::padding(&r),
        };
        Self { item, r, element, point }
    }
}

/// A chunk that was blinded and waits for its answers.
pub struct Asked {
    epoch: Arc<Epoch>,
    asker: (InsurerId, VerifyingKey),
    /// Signing keys that the insurer had before.
    former: Vec<VerifyingKey>,
    header: ChunkHeader,
    items: Vec<Item>,
    request: Evaluate,
    points: Vec<Point>,
    /// For each element of the request, the position of its item and its r.
    origins: Vec<(usize, Zeroizing<Scalar>)>,
}

impl std::fmt::Debug for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Asked(chunk {} of {} elements)", self.request.number, self.points.len())
    }
}

impl Asked {
    /// What to send to each holder of the set.
    pub fn request(&self) -> &Evaluate {
        &self.request
    }

    /// The same chunk, which may have been asked and charged before under one of these keys: the insurer's own, until it
    /// got others.
    #[must_use]
    pub fn perhaps_asked_before(self, former: &[VerifyingKey]) -> Self {
        Self { former: former.to_vec(), ..self }
    }

    /// Verifies the proof and the receipt of every holder's answer, and adds the answers.
    ///
    /// # Errors
    /// [`EvaluationError`] when an answer is missing, doubled, not proven or without its receipt. Nothing is unblinded
    /// then.
    pub fn prove(self, answers: &[(u8, Evaluated)]) -> Result<Answered, EvaluationError> {
        let mut indices: Vec<u8> = answers.iter().map(|(holder, _)| *holder).collect();
        indices.sort_unstable();
        if indices != self.request.holders.indices() {
            return Err(EvaluationError::Answers);
        }
        let proven: Result<Vec<_>, _> = answers.iter().map(|(holder, answer)| self.verify(*holder, answer)).collect();
        let proven = Proven::sum(proven?)?;
        Ok(Answered { epoch: self.epoch, items: self.items, proven, origins: self.origins })
    }

    /// Verifies one holder's answer.
    fn verify(&self, holder: u8, answer: &Evaluated) -> Result<Proven, EvaluationError> {
        let (request, record) = (&self.request, &self.epoch.record);
        let named = record.holder(holder).ok_or(EvaluationError::Holders)?;
        let public = request.holders.public_part(holder, &named.share).map_err(|_| EvaluationError::Holders)?;
        let proven = match (request.elements.as_slice(), self.points.as_slice(), answer.elements.as_slice()) {
            ([element], [point], [answered]) => oprf::verify(&public, (element, point), answered, &answer.proof)?,
            (elements, points, answered) => {
                let context = BatchContext {
                    epoch: record.epoch.as_bytes(),
                    key: &record.key,
                    holders: request.holders.indices(),
                    holder,
                };
                oprf::verify_chunk(&context, &public, (elements, points), answered, &answer.proof)?
            }
        };
        let (insurer, signing_key) = &self.asker;
        let under = |signing_key| {
            let expected = Expected { insurer, holders: &request.holders, header: &self.header, signing_key };
            answer.receipt.verify(named, &expected)
        };
        let holds = under(signing_key);
        self.former.iter().fold(holds, |holds, former| holds.or_else(|_| under(former)))?;
        Ok(proven)
    }
}

/// A chunk whose answers are proven.
pub struct Answered {
    epoch: Arc<Epoch>,
    items: Vec<Item>,
    proven: Proven,
    origins: Vec<(usize, Zeroizing<Scalar>)>,
}

impl std::fmt::Debug for Answered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Answered({} elements)", self.origins.len())
    }
}

impl Answered {
    /// Unblinds: y for each of the items that were asked, in their order; none for padding.
    pub fn finish(self) -> Vec<Option<Evaluation>> {
        let mut evaluations: Vec<Option<Evaluation>> = self.items.iter().map(|_| None).collect();
        for (position, (item, r)) in self.origins.iter().enumerate() {
            if let (Some(Item::Person(identifier)), Some(slot)) = (self.items.get(*item), evaluations.get_mut(*item)) {
                let unblinded = additive_unblind(&self.proven, position, r, &self.epoch.base);
                *slot = unblinded.map(|element| oprf::finalize(identifier.as_bytes(), &element));
            }
        }
        evaluations
    }
}

#[cfg(test)]
mod tests;
