//! A job's chunks: blinded, sent, proven, kept, unblinded, turned into entries.
//!
//! The order is enforced by the types of [`blindlist_protocol::insurer`]. An answer is kept in the job once it is proven
//! and before it is used; an answer found in the job is verified like a fresh one. The evaluations themselves are
//! dropped as soon as the entries are derived, unless they are to be remembered.

use std::sync::{Arc, Mutex, PoisonError};

use blindlist_protocol::holders::HolderSet;
use blindlist_protocol::insurer::{Asked, Asker, Epoch};
use blindlist_protocol::job::{BlindingSecret, Item};
use blindlist_protocol::message::{Evaluated, Request};
use blindlist_protocol::params::MAX_CHUNK;
use blindlist_protocol::receipt::Receipt;
use blindlist_protocol::signature::VerifyingKey;
use futures_util::{StreamExt, TryStreamExt, stream, try_join};
use rayon::ThreadPool;
use tokio::task::spawn_blocking;

use super::people::{Chunk, Chunks};
use super::plan::Part;
use super::select::Sink;
use crate::caller::Unit;
use crate::channel::{self, Channel};
use crate::profile::jobs::Job;
use crate::profile::remembered::Remembered;
use crate::room::Room;
use crate::{Broken, Caller, ClientError};

/// Chunks under way beyond one for each thread: they are on the network.
const ON_THE_NETWORK: usize = 2;

/// Bytes that a chunk under way may take at most: of each element four points and copies of two while its proof is verified,
/// and some 200 bytes more.
const CHUNK_MEMORY: usize = 12 << 20;
/// The part of the memory that chunks under way may take.
const SHARE: usize = 4;

/// A job and all that its chunks need.
pub(super) struct Work {
    epoch: Arc<Epoch>,
    holders: HolderSet,
    holder: u8,
    job: Arc<Job>,
    secret: BlindingSecret,
    asker: Asker,
    former: Vec<VerifyingKey>,
    chunks: Mutex<Chunks>,
    sink: Sink,
    remembered: Option<Arc<Remembered>>,
    /// The threads that compute. No lock is held over what they do: whoever waits there may be given another chunk.
    pool: Arc<ThreadPool>,
    caller: Caller,
}

impl Work {
    /// A job of these chunks, whose entries go into `sink`, and what is to be remembered into `remembered`. Chunks are signed
    /// by `asker`; those that were asked before may have been signed by a key that it had formerly.
    pub(super) fn new(
        part: &Part,
        (job, chunks): (Arc<Job>, Chunks),
        (sink, remembered): (Sink, Option<Arc<Remembered>>),
        (asker, former): (Asker, Vec<VerifyingKey>),
        pool: Arc<ThreadPool>,
        caller: &Caller,
    ) -> Self {
        Self {
            epoch: Arc::clone(&part.epoch),
            holders: part.holders.clone(),
            holder: part.holder,
            secret: part.epoch.blinding(job.seed()),
            job,
            asker,
            former,
            chunks: Mutex::new(chunks),
            sink,
            remembered,
            pool,
            caller: caller.clone(),
        }
    }

    fn elements(&self) -> u64 {
        self.chunks.lock().unwrap_or_else(PoisonError::into_inner).left()
    }

    fn next(&self) -> Result<Chunk, ClientError> {
        self.chunks.lock().unwrap_or_else(PoisonError::into_inner).next()
    }

    fn ask(&self, Chunk { number, items }: &Chunk) -> Result<Asked, ClientError> {
        let (holders, items) = (self.holders.clone(), Arc::clone(items));
        let ask = || self.epoch.ask(holders, self.job.id(), *number, items, &self.secret, &self.asker);
        let asked = self.pool.install(ask).map_err(|_| ClientError::Internal("a chunk could not be asked for"))?;
        Ok(asked.perhaps_asked_before(&self.former))
    }

    /// Proves an answer, keeps it when it is new, unblinds it, and adds the entries in each release; its receipt.
    fn finish(&self, chunk: &Chunk, asked: Asked, answer: Evaluated, new: bool) -> Result<Receipt, ClientError> {
        let refused = |source| Broken::Answer { number: chunk.number, source };
        let answers = [(self.holder, answer)];
        let answered = self.pool.install(|| asked.prove(&answers)).map_err(refused)?;
        let [(_, answer)] = answers;
        let receipt = answer.receipt.clone();
        if new {
            self.job.keep_answer(chunk.number, answer)?;
        }
        let evaluations = self.pool.install(|| answered.finish());
        let people = chunk.items.iter().zip(&evaluations).filter_map(|(item, evaluation)| match item {
            Item::Person(identifier) => Some((identifier, evaluation.as_ref()?)),
            Item::Padding(_) => None,
        });
        let people: Vec<_> = people.collect();
        self.sink.add(&people)?;
        if let Some(remembered) = &self.remembered {
            people.iter().try_for_each(|(identifier, evaluation)| remembered.add(identifier, evaluation))?;
        }
        Ok(receipt)
    }
}

/// Has all chunks evaluated, several at a time, and returns the receipts in the order of the log.
pub(super) async fn evaluate(
    channel: &impl Channel,
    work: &Arc<Work>,
    room: &Room,
) -> Result<Vec<Receipt>, ClientError> {
    let elements = work.elements();
    let meter = work.caller.meter("asking", Unit::Members, elements);
    let at_a_time = at_a_time(room);
    let tasks = (0..elements.div_ceil(MAX_CHUNK as u64)).map(|_| chunk(channel, work));
    let mut chunks = stream::iter(tasks).buffer_unordered(at_a_time);
    let mut receipts = Vec::new();
    while let Some((size, receipt)) = chunks.try_next().await? {
        receipts.push(receipt);
        meter.add(size);
    }
    receipts.sort_unstable_by_key(|receipt| receipt.index);
    Ok(receipts)
}

/// Blinds and signs all chunks and gives the requests, in their order, to somebody who has them answered elsewhere: they
/// count as sent.
pub(super) async fn write_down(
    work: &Arc<Work>,
    room: &Room,
    take: &mut impl FnMut(Request) -> Result<(), ClientError>,
) -> Result<(), ClientError> {
    let elements = work.elements();
    let meter = work.caller.meter("blinding", Unit::Members, elements);
    let tasks = (0..elements.div_ceil(MAX_CHUNK as u64)).map(|_| {
        let chunk = work.next();
        async move {
            let chunk = chunk?;
            let (number, size) = (chunk.number, chunk.items.len() as u64);
            let asked = blocking(work, move |work| work.ask(&chunk)).await?;
            Ok::<_, ClientError>((number, size, asked.request().clone()))
        }
    });
    let (mut chunks, mut last) = (stream::iter(tasks).buffered(at_a_time(room)), None);
    while let Some((number, size, request)) = chunks.try_next().await? {
        take(Request::Evaluate(request))?;
        meter.add(size);
        last = Some(number);
    }
    Ok(last.map_or(Ok(()), |last| work.job.mark_sent(last))?)
}

/// Chunks that are under way at a time.
fn at_a_time(room: &Room) -> usize {
    (room.threads() + ON_THE_NETWORK).min(room.share(SHARE) / CHUNK_MEMORY).max(1)
}

/// The next chunk, answered from the job or by the operator: its size and its receipt.
async fn chunk(channel: &impl Channel, work: &Arc<Work>) -> Result<(u64, Receipt), ClientError> {
    let begun = blocking(work, |work| {
        work.caller.check()?;
        let chunk = work.next()?;
        let asked = work.ask(&chunk)?;
        Ok((Arc::new(chunk), asked))
    });
    let (chunk, asked) = begun.await?;
    let (number, size) = (chunk.number, chunk.items.len() as u64);
    let finish = |asked, answer, new| {
        let chunk = Arc::clone(&chunk);
        blocking(work, move |work| work.finish(&chunk, asked, answer, new))
    };
    let asked = match work.job.answer(number)? {
        None => asked,
        Some(answer) => match finish(asked, answer, false).await {
            Ok(receipt) => return Ok((size, receipt)),
            Err(ClientError::Broken(_)) => {
                let damaged =
                    format!("the stored answer to chunk {number} is damaged: asking again, which costs nothing");
                work.caller.warn(damaged);
                let chunk = Arc::clone(&chunk);
                blocking(work, move |work| work.ask(&chunk)).await?
            }
            Err(error) => return Err(error),
        },
    };
    work.job.mark_sent(number)?;
    let request = asked.request().clone();
    let ahead = blocking(work, |work| {
        work.caller.check()?;
        Ok(work.pool.install(|| asked.ahead()))
    });
    let answer = async { Ok(channel::evaluate(channel, request).await?) };
    let (answer, asked) = try_join!(answer, ahead)?;
    Ok((size, finish(asked, answer, true).await?))
}

/// Runs something long where it holds nobody up.
async fn blocking<T: Send + 'static>(
    work: &Arc<Work>,
    run: impl FnOnce(&Work) -> Result<T, ClientError> + Send + 'static,
) -> Result<T, ClientError> {
    let ended = || ClientError::Internal("a thread ended before its chunk was done");
    let work = Arc::clone(work);
    spawn_blocking(move || run(&work)).await.unwrap_or(Err(ended()))
}
