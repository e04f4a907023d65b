//! What the operator's people see of the work: the metrics, and what each insurer has done lately.
//!
//! In memory, of this server alone and since its start; no decision depends on it. There are as many insurers in it as
//! in the ledger, and a few jobs of each. It must be told nothing of what a chunk holds.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use blindlist_protocol::ids::JobId;
use blindlist_protocol::message::Request;
use blindlist_protocol::refusal::RefusalCode;

use super::Caller;
use crate::metrics::{Metrics, Queued};
use crate::outside::{instant, now};

/// Jobs of one insurer that are remembered: one for each of its machines, and some that ended.
const JOBS: usize = 8;

/// Counts, measures and remembers.
pub(crate) struct Watch {
    pub(crate) metrics: Metrics,
    insurers: Mutex<HashMap<[u8; 16], Seen>>,
}

/// What an insurer has done lately. Times are seconds since 1970.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// The name that it is known by.
    pub(crate) name: String,
    /// The last request that was its own, refused or not.
    pub(crate) last: u64,
    /// What was refused since the last answer to a chunk.
    pub(crate) refused: Option<Refused>,
    /// Its latest jobs, the latest last.
    pub(crate) jobs: VecDeque<Job>,
}

/// Refusals in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    /// How many.
    pub(crate) times: u64,
    /// Why, the last time.
    pub(crate) code: RefusalCode,
    /// When, the last time.
    pub(crate) last: u64,
}

/// A run of an insurer's check, as far as this server has answered it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Job {
    pub(crate) id: JobId,
    /// When its first chunk came.
    pub(crate) began: u64,
    /// When its last chunk was answered.
    pub(crate) last: u64,
    /// Chunks that were charged and answered.
    pub(crate) chunks: u64,
    /// The evaluations in them.
    pub(crate) evaluations: u64,
    /// Chunks that were answered again.
    pub(crate) repeats: u64,
}

/// Whether a chunk was paid for now or before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Paid {
    Now,
    Before,
}

impl Watch {
    pub(super) fn new() -> Self {
        Self { metrics: Metrics::new(), insurers: Mutex::default() }
    }

    /// A chunk lines up; it does until what is returned is ended.
    pub(super) fn queue(&self, elements: usize) -> Waiting<'_> {
        Waiting { metrics: &self.metrics, since: instant(), _queued: self.metrics.queue(elements) }
    }

    /// A request was answered or refused.
    pub(super) fn answered(&self, kind: &'static str, since: Instant) {
        self.metrics.request_took(kind, since.elapsed());
    }

    /// An insurer asked something.
    pub(super) fn asked(&self, caller: &Caller) {
        self.seen(caller, |_, _| ());
    }

    /// A chunk was evaluated.
    pub(super) fn evaluated(&self, caller: &Caller, job: JobId, evaluations: u32, paid: Paid) {
        self.metrics.evaluated(caller.name.as_str(), evaluations);
        match paid {
            Paid::Now => self.metrics.charged(caller.name.as_str(), evaluations),
            Paid::Before => self.metrics.repeated(caller.name.as_str()),
        }
        self.seen(caller, |seen, now| {
            seen.refused = None;
            let job = seen.job(job, now);
            match paid {
                Paid::Now => {
                    job.chunks += 1;
                    job.evaluations += u64::from(evaluations);
                }
                Paid::Before => job.repeats += 1,
            }
        });
    }

    /// A request of an insurer was refused. Being told to wait is nothing that anybody has to look after.
    pub(super) fn refused(&self, caller: &Caller, code: RefusalCode) {
        self.metrics.refused(caller.name.as_str(), code);
        if !matches!(code, RefusalCode::Busy | RefusalCode::RateLimited) {
            self.seen(caller, |seen, now| {
                let times = seen.refused.as_ref().map_or(0, |refused| refused.times) + 1;
                seen.refused = Some(Refused { times, code, last: now });
            });
        }
    }

    /// A request was refused before it was known whose it is.
    pub(super) fn refused_unknown(&self, code: RefusalCode) {
        self.metrics.refused("", code);
    }

    /// What insurers have done lately, by id.
    pub(crate) fn seen_insurers(&self) -> HashMap<[u8; 16], Seen> {
        self.lock().clone()
    }

    fn seen(&self, caller: &Caller, note: impl FnOnce(&mut Seen, u64)) {
        // Without a clock there is nothing to tell.
        let Ok(now) = now() else { return };
        let mut insurers = self.lock();
        let seen = insurers.entry(caller.id).or_default();
        if seen.name != caller.name.as_str() {
            seen.name = caller.name.to_string();
        }
        seen.last = now;
        note(seen, now);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 16], Seen>> {
        self.insurers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    /// A job, as the latest; the oldest makes room for a new one.
    fn job(&mut self, id: JobId, now: u64) -> &mut Job {
        let known = self.jobs.iter().position(|job| job.id == id).and_then(|place| self.jobs.remove(place));
        let job = known.unwrap_or(Job { id, began: now, last: now, chunks: 0, evaluations: 0, repeats: 0 });
        if self.jobs.len() >= JOBS {
            self.jobs.pop_front();
        }
        self.jobs.push_back(Job { last: now, ..job });
        self.jobs.back_mut().expect("one was added")
    }
}

/// A chunk that lines up.
pub(super) struct Waiting<'a> {
    metrics: &'a Metrics,
    since: Instant,
    _queued: Queued,
}

impl Waiting<'_> {
    /// Its turn has come.
    pub(super) fn end(self) {
        self.metrics.queued_for(self.since.elapsed());
    }
}

/// The name of a kind of request in the metrics.
pub(super) fn kind(request: &Request) -> &'static str {
    match request {
        Request::Catalog => "catalog",
        Request::Object(_) => "object",
        Request::Segment { .. } => "segment",
        Request::Account(_) => "account",
        Request::Evaluate(_) => "evaluate",
        Request::Checkpoint(_) => "checkpoint",
        Request::Consistency { .. } => "consistency",
        Request::Inclusion { .. } => "inclusion",
        Request::Succession(_) => "succession",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use blindlist_protocol::signature::VerifyingKey;

    fn caller(id: u8) -> Caller {
        let signing_key = VerifyingKey::from_bytes([0; 32]);
        Caller { id: [id; 16], name: format!("mutuelle-{id}").parse().unwrap(), signing_key, rate: None }
    }

    fn job(id: u8) -> JobId {
        JobId::from_bytes([id; 16])
    }

    #[test]
    fn jobs_are_counted_and_few_are_kept() {
        let (watch, one) = (Watch::new(), caller(1));
        watch.evaluated(&one, job(1), 64, Paid::Now);
        watch.evaluated(&one, job(2), 8_192, Paid::Now);
        watch.evaluated(&one, job(1), 128, Paid::Now);
        watch.evaluated(&one, job(1), 128, Paid::Before);
        let seen = watch.seen_insurers().remove(&one.id).unwrap();
        let counted: Vec<_> = seen.jobs.iter().map(|job| (job.id, job.chunks, job.evaluations, job.repeats)).collect();
        assert_eq!(counted, [(job(2), 1, 8_192, 0), (job(1), 2, 192, 1)]);
        for id in 10..100 {
            watch.evaluated(&one, job(id), 1, Paid::Now);
        }
        let ids: Vec<_> = watch.seen_insurers()[&one.id].jobs.iter().map(|job| job.id).collect();
        assert_eq!(ids, (92..100).map(job).collect::<Vec<_>>());
    }

    #[test]
    fn refusals_in_a_row_end_with_an_answer_and_waiting_is_none() {
        let (watch, one) = (Watch::new(), caller(1));
        let refused = || watch.seen_insurers()[&one.id].refused.clone().map(|refused| (refused.times, refused.code));
        watch.asked(&one);
        assert_eq!(refused(), None);
        watch.refused(&one, RefusalCode::Busy);
        watch.refused(&one, RefusalCode::RateLimited);
        assert_eq!(refused(), None);
        watch.refused(&one, RefusalCode::InvalidChunk);
        watch.refused(&one, RefusalCode::OverBudget);
        assert_eq!(refused(), Some((2, RefusalCode::OverBudget)));
        watch.evaluated(&one, job(1), 64, Paid::Before);
        assert_eq!(refused(), None);
    }
}
