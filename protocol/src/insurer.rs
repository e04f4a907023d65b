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
    self, BLOCK, BatchContext, BlindingBase, Element, Evaluation, Point, ProofError, Proven, Scalar,
    additive_blind_all, additive_unblind_all, each_block,
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
        items: impl Into<Arc<[Item]>>,
        secret: &BlindingSecret,
        asker: &Asker,
    ) -> Result<Asked, EvaluationError> {
        if !self.record.accepts(&holders) {
            return Err(EvaluationError::Holders);
        }
        let items = items.into();
        let (header, Blinded { elements, points, order, scalars }) = self.blind(job, number, &items, secret)?;
        let signature = header.sign(&asker.signer);
        let request = Evaluate { epoch: self.record.epoch, holders, job, number, elements, signature };
        let mut places: Vec<(usize, usize)> = order.into_iter().zip(0..).collect();
        places.sort_unstable();
        let positions = places.into_iter().map(|(_, position)| position).collect();
        let asker = (asker.insurer, asker.signer.verifying());
        let unblinding =
            Unblinding { epoch: Arc::clone(self), items, positions, scalars, multiples: Zeroizing::default() };
        Ok(Asked { asker, former: Vec::new(), header, request, points, unblinding })
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
    ) -> Result<(ChunkHeader, Blinded), EvaluationError> {
        if items.is_empty() || items.len() > MAX_CHUNK {
            return Err(EvaluationError::ChunkSize);
        }
        if !secret.belongs_to(&self.record.operator_key, &self.record.key) {
            return Err(EvaluationError::Secret);
        }
        let blinded = Blinded::new(items, secret);
        let header = ChunkHeader {
            operator_key: self.record.operator_key,
            epoch: self.record.epoch,
            key: self.record.key,
            job,
            number,
            count: u32::try_from(items.len()).map_err(|_| EvaluationError::ChunkSize)?,
            digest: chunk::digest(&blinded.elements),
        };
        Ok((header, blinded))
    }
}

/// A chunk of items, blinded.
pub(crate) struct Blinded {
    /// B of each element, ascending.
    pub(crate) elements: Vec<Element>,
    /// The points of the elements.
    points: Vec<Point>,
    /// The position of each element's item.
    pub(crate) order: Vec<usize>,
    /// r of each item.
    pub(crate) scalars: Zeroizing<Vec<Scalar>>,
}

impl Blinded {
    fn new(items: &[Item], secret: &BlindingSecret) -> Self {
        let mut scalars = Zeroizing::new(vec![Scalar::ZERO; items.len()]);
        let blocks = items.chunks(BLOCK).zip(scalars.chunks_mut(BLOCK));
        let blocks = each_block(blocks, |(items, scalars)| {
            scalars.iter_mut().zip(items).for_each(|(r, item)| *r = *secret.scalar(item));
            let inputs: Vec<Option<&[u8]>> = items.iter().map(input).collect();
            additive_blind_all(&inputs, scalars)
        });
        let (elements, points): (Vec<_>, Vec<_>) = blocks.into_iter().unzip();
        let (elements, points) = (elements.concat(), points.concat());
        let mut sorted: Vec<(Element, usize)> = elements.into_iter().zip(0..).collect();
        sorted.sort_unstable();
        Self {
            points: sorted.iter().filter_map(|(_, item)| points.get(*item).copied()).collect(),
            order: sorted.iter().map(|(_, item)| *item).collect(),
            elements: sorted.into_iter().map(|(element, _)| element).collect(),
            scalars,
        }
    }
}

/// What is evaluated of an item; none for padding.
fn input(item: &Item) -> Option<&[u8]> {
    match item {
        Item::Person(identifier) => Some(identifier.as_bytes()),
        Item::Padding(_) => None,
    }
}

/// A chunk that was blinded and waits for its answers.
pub struct Asked {
    asker: (InsurerId, VerifyingKey),
    /// Signing keys that the insurer had before.
    former: Vec<VerifyingKey>,
    header: ChunkHeader,
    request: Evaluate,
    points: Vec<Point>,
    unblinding: Unblinding,
}

/// What a chunk is unblinded with.
struct Unblinding {
    epoch: Arc<Epoch>,
    items: Arc<[Item]>,
    /// For each item, the position of its element.
    positions: Vec<usize>,
    /// For each item, its r.
    scalars: Zeroizing<Vec<Scalar>>,
    /// For each item, r·K; empty until they are made.
    multiples: Zeroizing<Vec<Point>>,
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

    /// Makes ahead what unblinding needs of its blinds, r·K: while the answers are under way, there is time for it.
    #[must_use]
    pub fn ahead(mut self) -> Self {
        self.unblinding.make_multiples();
        self
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
        Ok(Answered { proven, unblinding: self.unblinding })
    }

    /// Verifies one holder's answer.
    fn verify(&self, holder: u8, answer: &Evaluated) -> Result<Proven, EvaluationError> {
        let (request, record) = (&self.request, &self.unblinding.epoch.record);
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
    proven: Proven,
    unblinding: Unblinding,
}

impl std::fmt::Debug for Answered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Answered({} elements)", self.unblinding.items.len())
    }
}

impl Answered {
    /// Unblinds: y for each of the items that were asked, in their order; none for padding.
    pub fn finish(mut self) -> Vec<Option<Evaluation>> {
        self.unblinding.make_multiples();
        self.unblinding.evaluations(&self.proven)
    }
}

impl Unblinding {
    fn make_multiples(&mut self) {
        if self.multiples.is_empty() {
            let (base, scalars) = (&self.epoch.base, &self.scalars);
            self.multiples = Zeroizing::new(vec![Point::IDENTITY; scalars.len()]);
            each_block(scalars.chunks(BLOCK).zip(self.multiples.chunks_mut(BLOCK)), |(scalars, multiples)| {
                multiples.copy_from_slice(&base.multiples(scalars));
            });
        }
    }

    /// Padding is unblinded as well: it costs little, and takes no way of its own.
    fn evaluations(&self, proven: &Proven) -> Vec<Option<Evaluation>> {
        let mut evaluations: Vec<Option<Evaluation>> = self.items.iter().map(|_| None).collect();
        let blocks = self.items.chunks(BLOCK).zip(self.positions.chunks(BLOCK)).zip(self.multiples.chunks(BLOCK));
        // Each is put where it stays: no vector of evaluations is freed but this one, by whoever drops it.
        each_block(blocks.zip(evaluations.chunks_mut(BLOCK)), |(((items, positions), multiples), evaluations)| {
            let unblinded = additive_unblind_all(proven, positions, multiples);
            let unblinded = unblinded.expect("proven answers are as many as items");
            for ((item, element), evaluation) in items.iter().zip(&unblinded).zip(evaluations) {
                *evaluation = input(item).map(|input| oprf::finalize(input, element));
            }
        });
        evaluations
    }
}

#[cfg(test)]
mod tests;
