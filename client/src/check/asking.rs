//! A job's chunks: blinded, sent, proven, kept, unblinded, turned into entries.
//!
//! The order is enforced by the types of [`blindlist_protocol::insurer`]. An answer is kept in the job once it is proven
//! and before it is used; an answer found in the job is verified like a fresh one. The evaluations themselves are
//! dropped as soon as the entries are derived.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;

use blindlist_protocol::entry::Entry;
use blindlist_protocol::holders::HolderSet;
use blindlist_protocol::identifier::Identifier;
use blindlist_protocol::ids::ReleaseId;
use blindlist_protocol::insurer::{Asked, Asker, Epoch};
use blindlist_protocol::job::{self, BlindingSecret, Item};
use blindlist_protocol::matching::{Candidate, Who};
use blindlist_protocol::message::Evaluated;
use blindlist_protocol::params::MAX_CHUNK;
use blindlist_protocol::receipt::Receipt;
use blindlist_protocol::signature::VerifyingKey;
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::task::spawn_blocking;

use super::plan::Part;
use crate::channel::{self, Channel};
use crate::profile::jobs::Job;
use crate::show::{members_bar, note};
use crate::{Broken, ClientError};

/// Chunks under way beyond one for each core: they are on the network.
const ON_THE_NETWORK: usize = 2;

/// A job and all that its chunks need.
pub(super) struct Work {
    epoch: Arc<Epoch>,
    holders: HolderSet,
    holder: u8,
    job: Arc<Job>,
    secret: BlindingSecret,
    asker: Asker,
    former: Vec<VerifyingKey>,
    items: Vec<Item>,
    releases: Vec<ReleaseId>,
}

/// The entry of a member in a release.
#[derive(Clone, Copy)]
pub(super) struct Kept {
    /// Tag and pad.
    entry: Entry,
    /// Whose: its place in the job.
    place: u32,
}

/// What is left of an answered chunk: the entries in each release, and the receipt.
type Chunk = (Vec<Vec<Kept>>, Receipt);

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kept(redacted)")
    }
}

impl Work {
    /// Lays a job out: the members and the epoch's canaries. Chunks are signed by `asker`; those that were asked before may
    /// have been signed by a key that it had formerly.
    pub(super) fn new(
        part: &Part,
        job: Arc<Job>,
        mut members: Vec<Identifier>,
        releases: Vec<ReleaseId>,
        (asker, former): (Asker, Vec<VerifyingKey>),
    ) -> Self {
        let secret = part.epoch.blinding(job.seed());
        members.extend_from_slice(&part.canaries);
        Self {
            epoch: Arc::clone(&part.epoch),
            holders: part.holders.clone(),
            holder: part.holder,
            items: job::layout(&secret, members),
            job,
            secret,
            asker,
            former,
            releases,
        }
    }

    /// The members again, ascending, and what to look up in each release: for each member its number among them.
    pub(super) fn into_members(
        self,
        canaries: &[Identifier],
        kept: Vec<Vec<Kept>>,
    ) -> (Vec<Identifier>, Vec<Vec<Candidate>>) {
        let mut whose: Vec<Option<Who>> = vec![None; self.items.len()];
        let mut members: Vec<(Identifier, usize)> = Vec::with_capacity(self.items.len());
        for ((place, item), slot) in self.items.into_iter().enumerate().zip(&mut whose) {
            let Item::Person(identifier) = item else {
                continue;
            };
            match (0..).zip(canaries).find(|(_, canary)| **canary == identifier) {
                Some((i, _)) => *slot = Some(Who::Canary(i)),
                None => members.push((identifier, place)),
            }
        }
        members.sort_unstable();
        for (number, (_, place)) in (0..).zip(&members) {
            whose.get_mut(*place).into_iter().for_each(|slot| *slot = Some(Who::Member(number)));
        }
        let candidate = |Kept { entry, place }| {
            let who = usize::try_from(place).ok().and_then(|place| whose.get(place).copied().flatten());
            Candidate { entry, who: who.expect("an entry has the place of its item") }
        };
        let candidates = kept.into_iter().map(|kept| kept.into_iter().map(candidate).collect()).collect();
        (members.into_iter().map(|(identifier, _)| identifier).collect(), candidates)
    }

    fn chunks(&self) -> impl Iterator<Item = (u32, &[Item])> {
        (0..).zip(self.items.chunks(MAX_CHUNK))
    }

    fn chunk(&self, number: u32) -> &[Item] {
        let place = usize::try_from(number).ok();
        place.and_then(|place| self.items.chunks(MAX_CHUNK).nth(place)).unwrap_or_default()
    }

    fn ask(&self, number: u32) -> Result<Asked, ClientError> {
        let items = self.chunk(number);
        let asked = self.epoch.ask(self.holders.clone(), self.job.id(), number, items, &self.secret, &self.asker);
        let asked = asked.map_err(|_| ClientError::Internal("a chunk could not be asked for"))?;
        Ok(asked.perhaps_asked_before(&self.former))
    }

    /// Proves an answer, keeps it when it is new, unblinds it: the entries in each release.
    fn finish(&self, number: u32, asked: Asked, answer: Evaluated, new: bool) -> Result<Chunk, ClientError> {
        let refused = |source| Broken::Answer { number, source };
        let answers = [(self.holder, answer)];
        let answered = asked.prove(&answers).map_err(refused)?;
        let [(_, answer)] = answers;
        let receipt = answer.receipt.clone();
        if new {
            self.job.keep_answer(number, answer)?;
        }
        let evaluations = answered.finish();
        let first = number.saturating_mul(u32::try_from(MAX_CHUNK).expect("8,192"));
        let derive = |release: &ReleaseId| {
            let places = (first..).zip(&evaluations);
            let kept = places.filter_map(|(place, evaluation)| {
                let entry = Entry::derive(release, evaluation.as_ref()?);
                Some(Kept { entry, place })
            });
            kept.collect()
        };
        Ok((self.releases.iter().map(derive).collect(), receipt))
    }
}

/// Has all chunks evaluated, several at a time, and returns the entries of every member and canary in each release, and
/// the receipts in the order of the log.
pub(super) async fn evaluate(
    channel: &impl Channel,
    work: &Arc<Work>,
) -> Result<(Vec<Vec<Kept>>, Vec<Receipt>), ClientError> {
    let people = work.items.iter().filter(|item| matches!(item, Item::Person(_))).count();
    let mut kept: Vec<Vec<Kept>> = work.releases.iter().map(|_| Vec::with_capacity(people)).collect();
    let bar = members_bar("asking", people as u64);
    let at_a_time = std::thread::available_parallelism().map_or(1, NonZeroUsize::get) + ON_THE_NETWORK;
    let numbers: Vec<u32> = work.chunks().map(|(number, _)| number).collect();
    let mut chunks =
        stream::iter(numbers.into_iter().map(|number| chunk(channel, work, number))).buffer_unordered(at_a_time);
    let mut receipts = Vec::new();
    while let Some((chunk, receipt)) = chunks.try_next().await? {
        receipts.push(receipt);
        bar.inc(chunk.first().map_or(0, |kept| kept.len() as u64));
        for (all, new) in kept.iter_mut().zip(chunk) {
            all.extend(new);
        }
    }
    bar.finish_and_clear();
    receipts.sort_unstable_by_key(|receipt| receipt.index);
    Ok((kept, receipts))
}

/// One chunk, from the job or from the operator.
async fn chunk(channel: &impl Channel, work: &Arc<Work>, number: u32) -> Result<Chunk, ClientError> {
    let asked = blocking(work, move |work| work.ask(number)).await?;
    let asked = match work.job.answer(number)? {
        None => asked,
        Some(answer) => match blocking(work, move |work| work.finish(number, asked, answer, false)).await {
            Ok(kept) => return Ok(kept),
            Err(ClientError::Broken(_)) => {
                note(&format!("the stored answer to chunk {number} is damaged: asking again, which costs nothing"));
                blocking(work, move |work| work.ask(number)).await?
            }
            Err(error) => return Err(error),
        },
    };
    work.job.mark_sent(number)?;
    let answer = channel::evaluate(channel, asked.request().clone()).await?;
    blocking(work, move |work| work.finish(number, asked, answer, true)).await
}

/// Runs something long where it holds nobody up.
async fn blocking<T: Send + 'static>(
    work: &Arc<Work>,
    run: impl FnOnce(&Work) -> Result<T, ClientError> + Send + 'static,
) -> Result<T, ClientError> {
    let work = Arc::clone(work);
    let done = spawn_blocking(move || run(&work)).await;
    done.unwrap_or(Err(ClientError::Internal("a thread ended before its chunk was done")))
}
