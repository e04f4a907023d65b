//! The insurer's charges in a log, and its chunks made anew: which are not in the other.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use blindlist_protocol::checkpoint::Checkpoint;
use blindlist_protocol::chunk::ChunkHeader;
use blindlist_protocol::ids::{Digest, InsurerId, JobId};
use blindlist_protocol::log::{Charge, Entry, Event};
use blindlist_protocol::signature::VerifyingKey;

use crate::ClientError;
use crate::evidence::{About, Evidence};
use crate::profile::Profile;
use crate::receipts::JobReceipts;

/// A charge of this insurer in the log.
#[derive(Clone, Debug)]
pub(crate) struct Logged {
    /// Its index.
    pub(crate) index: u64,
    /// When, in seconds since 1970.
    pub(crate) time: u64,
    /// The charge.
    pub(crate) charge: Charge,
}

/// A charge that is no chunk of the jobs.
#[derive(Clone, Debug)]
pub(crate) struct Stray {
    /// The charge.
    pub(crate) logged: Logged,
    /// How it is none.
    pub(crate) why: WhyStray,
}

/// How a charge is no chunk of the jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WhyStray {
    /// There is no evidence of its job.
    NoEvidence,
    /// Its job has no chunk with that number.
    NoChunk,
    /// Its job's chunk with that number is another one.
    OtherChunk,
    /// It is the job's chunk, but no key that the insurer has or had signed it.
    Forged,
    /// It is the job's chunk, but no key that is known here signed it; the insurer may have, or have had, others.
    UnknownKey,
}

/// A chunk of a job that the log does not charge.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Absent {
    /// The job.
    pub(crate) job: JobId,
    /// Its number.
    pub(crate) number: u32,
    /// Its elements.
    pub(crate) count: u32,
    /// Why it may be absent.
    pub(crate) why: WhyAbsent,
}

/// Why a chunk may not be in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WhyAbsent {
    /// No receipt is held: it was not sent, or not answered.
    NoReceipt,
    /// The receipt is of an entry after the export was made.
    Later(u64),
    /// The receipt is of an entry that the log should have.
    LeftOut(u64),
}

/// What does not agree, and how much does.
#[derive(Debug, Default)]
pub(crate) struct Compared {
    /// Charges that are chunks of the jobs.
    pub(crate) agreeing: u64,
    /// Their elements.
    pub(crate) elements: u64,
    /// Charges that are not, in the order of the log.
    pub(crate) strays: Vec<Stray>,
    /// Chunks that were not charged.
    pub(crate) absent: Vec<Absent>,
}

/// The receipts that are held.
#[derive(Debug, Default)]
pub(crate) struct Given {
    by_index: BTreeMap<u64, Vec<Vec<u8>>>,
    by_digest: HashMap<Digest, (u64, u64)>,
}

impl Given {
    /// All of these.
    pub(crate) fn of(jobs: &[JobReceipts]) -> Self {
        let mut given = Self::default();
        for receipt in jobs.iter().flat_map(|job| &job.receipts) {
            given.by_index.entry(receipt.index).or_default().push(receipt.entry.clone());
            if let Ok(Entry { time, event: Event::Charge(charge) }) = Entry::decode(&receipt.entry) {
                given.by_digest.insert(charge.digest, (receipt.index, time));
            }
        }
        given
    }

    /// The entries that were signed with an index: one, when all is well.
    pub(crate) fn at(&self, index: u64) -> Option<&[Vec<u8>]> {
        self.by_index.get(&index).map(Vec::as_slice)
    }
}

/// The signing keys of the insurer. It may have had several: a job that goes on after its keys were renewed has charges
/// under two.
#[derive(Debug)]
pub(crate) struct OwnKeys {
    keys: BTreeSet<VerifyingKey>,
    /// The insurer of whom these are all keys, which a profile alone knows.
    all_of: Option<InsurerId>,
}

impl OwnKeys {
    /// Those in this evidence, and those that a profile has and had.
    pub(crate) fn of(evidence: &[Evidence], profile: Option<&Profile>) -> Result<Self, ClientError> {
        let mut own = Self { keys: evidence.iter().map(|job| job.about().signing_key).collect(), all_of: None };
        if let Some(profile) = profile {
            own.keys.extend(profile.former_keys()?);
            if let Some(bundle) = profile.bundle()? {
                own.keys.insert(bundle.signing_key);
                own.all_of = Some(bundle.insurer_id);
            }
        }
        Ok(own)
    }

    /// Whether one of them signed the charge of a chunk.
    fn signed(&self, header: &ChunkHeader, charge: &Charge) -> Result<(), WhyStray> {
        if self.keys.iter().any(|key| header.verify(key, &charge.signature).is_ok()) {
            return Ok(());
        }
        Err(if self.all_of == Some(charge.insurer) { WhyStray::Forged } else { WhyStray::UnknownKey })
    }
}

/// Compares the charges of a log with the chunks of all jobs. `log` is the export's checkpoint.
pub(crate) fn compare(
    made: &[(About, Vec<ChunkHeader>)],
    charges: &[Logged],
    own: &OwnKeys,
    given: &Given,
    log: &Checkpoint,
) -> Compared {
    let mut compared = Compared::default();
    let mut charged: Vec<Vec<bool>> = made.iter().map(|(_, chunks)| vec![false; chunks.len()]).collect();
    for logged in charges {
        let charge = &logged.charge;
        let placed = place(made, charge);
        let header = |(job, chunk): (usize, usize)| made.get(job).and_then(|(_, chunks)| chunks.get(chunk));
        let signed = placed.and_then(|at| own.signed(header(at).ok_or(WhyStray::NoChunk)?, charge));
        match signed {
            Ok(()) => {
                compared.agreeing += 1;
                compared.elements += u64::from(charge.count);
            }
            Err(why) => compared.strays.push(Stray { logged: logged.clone(), why }),
        }
        // A chunk whose key is not known is in the log all the same: it is not left out.
        if let (Ok((job, chunk)), Ok(()) | Err(WhyStray::UnknownKey)) = (placed, signed) {
            let slot = charged.get_mut(job).and_then(|chunks| chunks.get_mut(chunk));
            slot.into_iter().for_each(|slot| *slot = true);
        }
    }
    for ((_, chunks), charged) in made.iter().zip(&charged) {
        for (header, _) in chunks.iter().zip(charged).filter(|(_, charged)| !**charged) {
            let why = match given.by_digest.get(&header.digest) {
                None => WhyAbsent::NoReceipt,
                // The export was made before the receipt; one that is older by its own word only is caught here.
                Some((index, time)) if *index >= log.size && log.time <= *time => WhyAbsent::Later(*index),
                Some((index, _)) => WhyAbsent::LeftOut(*index),
            };
            let ChunkHeader { job, number, count, .. } = *header;
            compared.absent.push(Absent { job, number, count, why });
        }
    }
    compared
}

/// Which chunk of which job a charge is, whoever signed it.
fn place(made: &[(About, Vec<ChunkHeader>)], charge: &Charge) -> Result<(usize, usize), WhyStray> {
    let job = made.iter().position(|(about, _)| about.job == charge.job).ok_or(WhyStray::NoEvidence)?;
    let (about, chunks) = made.get(job).ok_or(WhyStray::NoEvidence)?;
    // They are numbered from 0, in order.
    let chunk = usize::try_from(charge.number).map_err(|_| WhyStray::NoChunk)?;
    let header = chunks.get(chunk).ok_or(WhyStray::NoChunk)?;
    if (charge.epoch, charge.count, charge.digest) != (header.epoch, header.count, header.digest) {
        return Err(WhyStray::OtherChunk);
    }
    if charge.insurer != about.insurer {
        return Err(WhyStray::Forged);
    }
    Ok((job, chunk))
}
