//! What is to be asked of one operator: in which epoch, about whom, by which job, and whether the budget suffices.
//!
//! Nothing here is sent but the question for the account.

use std::collections::BTreeMap;
use std::sync::Arc;

use blindlist_protocol::epoch;
use blindlist_protocol::holders::HolderSet;
use blindlist_protocol::identifier::{Identifier, Scheme};
use blindlist_protocol::ids::{EpochId, JobId};
use blindlist_protocol::insurer::Epoch;
use blindlist_protocol::live::Release;
use blindlist_protocol::params::{CANARIES, MAX_CHUNK};

use super::keeping::Keeping;
use super::reading::Reading;
use crate::channel::{self, Channel};
use crate::profile::jobs::{self, Job, Jobs, Subject, Unfinished};
use crate::show::number;
use crate::{Caller, ClientError, EvidenceError};

/// One operator's share of a check.
#[derive(Debug)]
pub(super) struct Plan {
    /// The releases to look up in.
    pub releases: Vec<Release>,
    /// One part for each epoch among them.
    pub parts: Vec<Part>,
    /// Unfinished jobs about the same members that this check makes useless.
    superseded: Vec<JobId>,
    /// Whether only another version of the member file has an unfinished check.
    pub file_changed: bool,
}

/// A check's share in one epoch.
#[derive(Debug)]
pub(super) struct Part {
    /// The epoch.
    pub epoch: Arc<Epoch>,
    /// The holders to ask: one.
    pub holders: HolderSet,
    /// Its index.
    pub holder: u8,
    /// The epoch's canaries under the scheme.
    pub canaries: [Identifier; CANARIES],
    /// Places in [`Plan::releases`].
    pub releases: Vec<usize>,
    /// What a job here is about.
    pub subject: Subject,
    /// The job to go on with, or the new one once it is begun.
    pub job: Option<Arc<Job>>,
}

impl Plan {
    /// Plans a check of the member file against releases of one scheme, and finds the jobs to go on with.
    pub(super) fn new(
        (jobs, unfinished): (&Jobs, &[Unfinished]),
        releases: Vec<Release>,
        mut epochs: BTreeMap<EpochId, Epoch>,
        reading: &Reading,
        resume: bool,
        caller: &Caller,
    ) -> Result<Self, ClientError> {
        let mut by_epoch: BTreeMap<EpochId, Vec<usize>> = BTreeMap::new();
        for (place, release) in releases.iter().enumerate() {
            by_epoch.entry(release.manifest.epoch).or_default().push(place);
        }
        let (names, options) = (reading.column_names(), reading.members.options());
        let file_changed = is_of_another_version(unfinished, reading);
        let mut plan = Self { releases, parts: Vec::new(), superseded: Vec::new(), file_changed };
        for (id, places) in by_epoch {
            let epoch = epochs.remove(&id).ok_or(ClientError::Internal("a release without its epoch"))?;
            let (record, read) = (epoch.record(), (names.as_slice(), options));
            let subject = Subject::new(record, reading.scheme, reading.path.clone(), &reading.sha256, read);
            let mut part = Part::new(epoch, reading.scheme, subject, places)?;
            plan.superseded.extend(part.go_on(jobs, unfinished, resume, caller)?);
            plan.parts.push(part);
        }
        plan.say_what_goes_on(unfinished, reading, resume, caller);
        Ok(plan)
    }

    /// Says whether earlier work goes on, is lost, or never was.
    fn say_what_goes_on(&mut self, unfinished: &[Unfinished], reading: &Reading, resume: bool, caller: &Caller) {
        let former = self.begun_under_another_key(unfinished, reading);
        if former.is_empty() && resume && !self.goes_on() && !self.file_changed {
            caller.warn("there is no unfinished check of this file: a new one begins");
        }
        if !resume && !self.superseded.is_empty() {
            caller.warn(
                "a check of this file is unfinished; this new one pays for its evaluations again (--resume goes on with it)",
            );
        }
        if !former.is_empty() {
            caller.warn(
                "the unfinished check of this file was begun before the operator's manifest key was succeeded: it begins again, \
                 and is paid again",
            );
            self.superseded.extend(former);
        }
    }

    /// Unfinished jobs about the same members that no epoch goes on with: their manifest key was succeeded. [SUC-3]
    fn begun_under_another_key(&self, unfinished: &[Unfinished], reading: &Reading) -> Vec<JobId> {
        let Some(key) = self.parts.first().map(|part| &part.subject.operator_key) else { return Vec::new() };
        let same = unfinished.iter().filter(|job| job.subject.members_sha256 == reading.sha256);
        same.filter(|job| job.subject.operator_key != *key).map(|job| job.id).collect()
    }

    /// Makes sure that evidence is kept where the operator requires it. [EVI-1]
    pub(super) fn require_evidence(&self, keeping: &Keeping<'_>) -> Result<(), ClientError> {
        for part in &self.parts {
            let required = part.epoch.record().evidence == epoch::Evidence::Required;
            if required && !keeping.keeps(part.job.as_ref().map(|job| job.id())) {
                return Err(EvidenceError::Required(part.epoch_id()).into());
            }
        }
        Ok(())
    }

    /// Jobs about the same members that this check makes useless.
    pub(super) fn superseded(&self) -> &[JobId] {
        &self.superseded
    }

    /// Whether it goes on with an unfinished job.
    pub(super) fn goes_on(&self) -> bool {
        self.parts.iter().any(|part| part.job.is_some())
    }

    /// The jobs that went on or were begun.
    pub(super) fn jobs(&self) -> impl Iterator<Item = JobId> {
        self.parts.iter().filter_map(|part| Some(part.job.as_ref()?.id()))
    }
}

/// Whether only another version of the same file has an unfinished check.
fn is_of_another_version(unfinished: &[Unfinished], reading: &Reading) -> bool {
    let mut same = unfinished.iter().filter(|job| job.subject.members == reading.path).peekable();
    same.peek().is_some() && same.all(|job| job.subject.members_sha256 != reading.sha256)
}

impl Part {
    fn new(epoch: Epoch, scheme: Scheme, subject: Subject, releases: Vec<usize>) -> Result<Self, ClientError> {
        let record = epoch.record();
        let several = || ClientError::SeveralHolders { epoch: record.epoch, threshold: record.threshold };
        let holders = record.first_set().ok_or_else(several)?;
        let &[holder] = holders.indices() else {
            return Err(several());
        };
        Ok(Self {
            canaries: record.canaries(scheme),
            epoch: Arc::new(epoch),
            holders,
            holder,
            releases,
            subject,
            job: None,
        })
    }

    /// The epoch's id.
    pub(super) fn epoch_id(&self) -> EpochId {
        self.epoch.record().epoch
    }

    /// Finds the job to go on with, of several the one with the most answers; the others.
    fn go_on(
        &mut self,
        jobs: &Jobs,
        unfinished: &[Unfinished],
        resume: bool,
        caller: &Caller,
    ) -> Result<Vec<JobId>, ClientError> {
        let candidates = unfinished.iter().filter(|job| job.subject.agrees(&self.subject));
        let mut candidates: Vec<_> = candidates.map(|job| (jobs.answers(job), job)).collect();
        candidates.sort_by_key(|(answers, _)| *answers);
        if resume && let Some((answers, job)) = candidates.pop() {
            self.job = Some(Arc::new(jobs.open_job(job.id)?));
            let chunks = job.chunks();
            caller
                .note(format!("going on with an unfinished check: {answers} of {chunks} chunks are answered already"));
        } else if resume && unfinished.iter().any(|job| job.subject.is_read_otherwise(&self.subject)) {
            return Err(ClientError::ReadOtherwise(self.subject.members.clone().into()));
        }
        Ok(candidates.into_iter().map(|(_, job)| job.id).collect())
    }

    /// The holder that is asked.
    pub(super) fn asked(&self) -> Result<&epoch::Holder, ClientError> {
        let holder = self.epoch.record().holder(self.holder);
        holder.ok_or(ClientError::Internal("a holder that is not in its record"))
    }

    /// Makes sure that what remains of the budget covers what is still to be charged of so many elements, before anything
    /// is sent.
    ///
    /// A chunk that was sent before may be charged already: about those the server decides.
    pub(super) async fn check_budget(
        &self,
        channel: &impl Channel,
        elements: u64,
        caller: &Caller,
    ) -> Result<(), ClientError> {
        let needed = self.still_to_charge(elements);
        let remaining = channel::account(channel, self.epoch_id()).await?.remaining();
        if let Some(missing) = needed.checked_sub(remaining).filter(|missing| *missing > 0) {
            return Err(ClientError::OverBudget { epoch: self.epoch_id(), needed, missing });
        }
        caller.note(format!("cost     {} of the {} evaluations left", number(needed), number(remaining)));
        Ok(())
    }

    /// Evaluations that were certainly not charged yet.
    pub(super) fn still_to_charge(&self, elements: u64) -> u64 {
        let charged = |chunk: u32| {
            let job = self.job.as_ref();
            job.is_some_and(|job| job.has_answer(chunk) || job.may_be_charged(chunk))
        };
        let sizes = (0..).zip(sizes(elements));
        sizes.filter(|(chunk, _)| !charged(*chunk)).map(|(_, size)| size).sum()
    }
}

/// The sizes of the chunks of a job of so many elements.
fn sizes(elements: u64) -> impl Iterator<Item = u64> {
    let most = MAX_CHUNK as u64;
    (0..jobs::chunks(elements).into()).map(move |chunk: u64| most.min(elements - chunk * most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_full_but_the_last() {
        let sizes = |elements| sizes(elements).collect::<Vec<_>>();
        assert_eq!(sizes(0), [0; 0]);
        assert_eq!(sizes(64), [64]);
        assert_eq!(sizes(8_192), [8_192]);
        assert_eq!(sizes(8_256), [8_192, 64]);
        assert_eq!(sizes(20_032).iter().sum::<u64>(), 20_032);
    }
}
