//! What is to be asked in which epoch, by which job, and whether the budget suffices.
//!
//! Nothing here is sent but the question for the account.

use std::collections::BTreeMap;
use std::sync::Arc;

use blindlist_protocol::epoch;
use blindlist_protocol::holders::HolderSet;
use blindlist_protocol::identifier::{Identifier, Scheme};
use blindlist_protocol::ids::{EpochId, JobId};
use blindlist_protocol::insurer::Epoch;
use blindlist_protocol::job::{self, BlindingSecret, JobSeed};
use blindlist_protocol::live::Release;
use blindlist_protocol::params::{CANARIES, MAX_CHUNK};
use blindlist_records::{Column, TableOptions, parse_override};

use super::input::table_options;
use super::keeping::Keeping;
use super::{CheckOptions, MemberFile};
use crate::channel::{self, Channel};
use crate::profile::jobs::{Job, Jobs, Subject, Unfinished};
use crate::show::{note, number};
use crate::{ClientError, EvidenceError, outside};

/// A whole check.
#[derive(Debug)]
pub(super) struct Plan {
    /// The member file, read as the command line says, or as the job that goes on read it.
    pub members: MemberFile,
    /// The columns chosen, by the command line or by the job that goes on.
    pub columns: Vec<(Column, String)>,
    /// How rows become identifiers.
    pub scheme: Scheme,
    /// SHA-256 of the member file.
    pub members_sha256: String,
    /// The releases to look up in.
    pub releases: Vec<Release>,
    /// One part for each epoch among them.
    pub parts: Vec<Part>,
    /// Unfinished jobs about the same members that this check makes useless.
    superseded: Vec<JobId>,
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
    subject: Subject,
    /// The job to go on with, or the new one once it is begun.
    job: Option<Arc<Job>>,
}

impl Plan {
    /// Plans a check of the member file against releases of one scheme, and finds the jobs to go on with.
    pub(super) fn new(
        jobs: &Jobs,
        scheme: Scheme,
        releases: Vec<Release>,
        mut epochs: BTreeMap<EpochId, Epoch>,
        options: &CheckOptions,
    ) -> Result<Self, ClientError> {
        let earlier = Earlier {
            path: options.members.full_path().to_string_lossy().into_owned(),
            sha256: options.members.sha256()?,
            unfinished: jobs.unfinished()?,
        };
        let (members, columns) = (earlier.members(options), earlier.columns(options)?);
        let names: Vec<String> = columns.iter().map(|(column, header)| format!("{column}={header}")).collect();
        let mut by_epoch: BTreeMap<EpochId, Vec<usize>> = BTreeMap::new();
        for (place, release) in releases.iter().enumerate() {
            by_epoch.entry(release.manifest.epoch).or_default().push(place);
        }
        let mut plan = Self {
            members: members.clone(),
            columns,
            scheme,
            members_sha256: earlier.sha256.clone(),
            releases,
            parts: Vec::new(),
            superseded: Vec::new(),
        };
        for (id, places) in by_epoch {
            let epoch = epochs.remove(&id).ok_or(ClientError::Internal("a release without its epoch"))?;
            let record = epoch.record();
            let reading = (names.as_slice(), members.options());
            let subject = Subject::new(record, scheme, earlier.path.clone(), &earlier.sha256, reading);
            let mut part = Part::new(epoch, scheme, subject, places)?;
            part.go_on(jobs, &earlier, options.resume, &mut plan.superseded)?;
            plan.parts.push(part);
        }
        plan.say_what_goes_on(&earlier, options)?;
        Ok(plan)
    }

    /// Says whether earlier work goes on, is lost, or never was; refuses to go on with a file that changed.
    fn say_what_goes_on(&mut self, earlier: &Earlier, options: &CheckOptions) -> Result<(), ClientError> {
        let former = self.begun_under_another_key(earlier);
        if former.is_empty() && options.resume && !self.goes_on() {
            if earlier.is_of_another_version() {
                return Err(ClientError::MembersChanged(options.members.path().to_owned()));
            }
            note("there is no unfinished check of this file: a new one begins");
        }
        if !options.resume && !self.superseded.is_empty() {
            note(
                "warning: a check of this file is unfinished; this new one pays for its evaluations again (--resume goes on with it)",
            );
        }
        if !former.is_empty() {
            note(
                "the unfinished check of this file was begun before the operator's manifest key was succeeded: it begins again, \
                 and is paid again",
            );
            self.superseded.extend(former);
        }
        Ok(())
    }

    /// Unfinished jobs about the same members that no epoch goes on with: their manifest key was succeeded. [SUC-3]
    fn begun_under_another_key(&self, earlier: &Earlier) -> Vec<JobId> {
        let Some(key) = self.parts.first().map(|part| &part.subject.operator_key) else { return Vec::new() };
        let same = earlier.unfinished.iter().filter(|job| job.subject.members_sha256 == earlier.sha256);
        same.filter(|job| job.subject.operator_key != *key).map(|job| job.id).collect()
    }

    /// Makes sure that what remains of every budget covers what is still to be charged, before anything is sent.
    ///
    /// A chunk that was sent before may be charged already: about those the server decides.
    pub(super) async fn check_budget(&self, channel: &impl Channel, members: u64) -> Result<(), ClientError> {
        for part in &self.parts {
            let needed = part.still_to_charge(members);
            let remaining = channel::account(channel, part.epoch_id()).await?.remaining();
            if let Some(missing) = needed.checked_sub(remaining).filter(|missing| *missing > 0) {
                let epoch = part.epoch_id();
                return Err(ClientError::OverBudget { epoch, needed, missing });
            }
            note(&format!("cost     {} of the {} evaluations left", number(needed), number(remaining)));
        }
        Ok(())
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

    /// The jobs that are no longer needed once the results are written.
    pub(super) fn finished_jobs(&self) -> impl Iterator<Item = JobId> {
        let done = self.parts.iter().filter_map(|part| Some(part.job.as_ref()?.id()));
        done.chain(self.superseded.iter().copied())
    }
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

    /// Finds the job to go on with: of several, the one with the most answers.
    fn go_on(
        &mut self,
        jobs: &Jobs,
        earlier: &Earlier,
        resume: bool,
        superseded: &mut Vec<JobId>,
    ) -> Result<(), ClientError> {
        let mut candidates = Vec::new();
        for unfinished in earlier.unfinished.iter().filter(|job| job.subject.agrees(&self.subject)) {
            candidates.push((jobs.answers(unfinished), unfinished));
        }
        candidates.sort_by_key(|(answers, _)| *answers);
        if resume && let Some((answers, Unfinished { id, chunks, .. })) = candidates.pop() {
            self.job = Some(Arc::new(jobs.open_job(*id)?));
            note(&format!("going on with an unfinished check: {answers} of {chunks} chunks are answered already"));
        }
        superseded.extend(candidates.iter().map(|(_, job)| job.id));
        Ok(())
    }

    /// The holder that is asked.
    pub(super) fn asked(&self) -> Result<&epoch::Holder, ClientError> {
        let holder = self.epoch.record().holder(self.holder);
        holder.ok_or(ClientError::Internal("a holder that is not in its record"))
    }

    /// The blinding secret of the job, which was begun.
    pub(super) fn secret(&self) -> Result<BlindingSecret, ClientError> {
        let job = self.job.as_ref().ok_or(ClientError::Internal("a job that was not begun"))?;
        Ok(self.epoch.blinding(job.seed()))
    }

    /// Opens the job to go on with, or begins a new one. Its evidence is kept first.
    pub(super) fn open_job(
        &mut self,
        jobs: &Jobs,
        keeping: &Keeping<'_>,
        members: u64,
        created: &str,
    ) -> Result<Arc<Job>, ClientError> {
        let chunks = u32::try_from(sizes(members).count()).map_err(|_| ClientError::Internal("too many chunks"))?;
        if let Some(job) = &self.job {
            keeping.keep(self, job.id(), job.seed(), chunks, created)?;
            return Ok(Arc::clone(job));
        }
        let id = JobId::from_bytes(*outside::random()?);
        let seed = JobSeed::from_bytes(*outside::random()?);
        keeping.keep(self, id, &seed, chunks, created)?;
        let job = Arc::new(jobs.begin(id, &seed, &self.subject, chunks, created.to_owned())?);
        self.job = Some(Arc::clone(&job));
        Ok(job)
    }

    /// Evaluations that were certainly not charged yet.
    fn still_to_charge(&self, members: u64) -> u64 {
        let charged = |chunk: u32| {
            let job = self.job.as_ref();
            job.is_some_and(|job| job.has_answer(chunk) || job.may_be_charged(chunk))
        };
        let sizes = (0..).zip(sizes(members));
        sizes.filter(|(chunk, _)| !charged(*chunk)).map(|(_, size)| size).sum()
    }
}

/// Evaluations that a check of so many members costs in each epoch: members, canaries and padding.
pub(super) fn cost(members: u64) -> u64 {
    job::cost(members.saturating_add(CANARIES as u64))
}

/// The sizes of the chunks of a job.
fn sizes(members: u64) -> impl Iterator<Item = u64> {
    let (total, most) = (cost(members), MAX_CHUNK as u64);
    (0..total.div_ceil(most)).map(move |chunk| most.min(total - chunk * most))
}

/// What was left unfinished before.
struct Earlier {
    path: String,
    sha256: String,
    unfinished: Vec<Unfinished>,
}

impl Earlier {
    /// The member file, read as the command line says; if that says nothing when a check goes on, as it began.
    fn members(&self, options: &CheckOptions) -> MemberFile {
        let members = &options.members;
        let begun = self.same_file().filter(|_| options.resume && *members.options() == TableOptions::default());
        let read_so = |job: &Unfinished| table_options(job.subject.encoding.as_deref(), job.subject.sheet.as_deref());
        begun.and_then(read_so).map_or_else(|| members.clone(), |options| members.read_with(options))
    }

    /// The first unfinished job about the same file.
    fn same_file(&self) -> Option<&Unfinished> {
        self.unfinished.iter().find(|job| job.subject.members_sha256 == self.sha256)
    }

    /// The columns: those of the command line; without any, when a check goes on, those that it began with.
    fn columns(&self, options: &CheckOptions) -> Result<Vec<(Column, String)>, ClientError> {
        match self.same_file() {
            Some(earlier) if options.resume && options.columns.is_empty() => {
                let parsed = earlier.subject.columns.iter().map(|text| parse_override(text));
                parsed
                    .collect::<Result<_, _>>()
                    .map_err(|source| ClientError::Columns { path: options.members.path().to_owned(), source })
            }
            Some(_) | None => Ok(options.columns.clone()),
        }
    }

    /// Whether only another version of the same file has an unfinished check.
    fn is_of_another_version(&self) -> bool {
        let same = |job: &&Unfinished| job.subject.members == self.path;
        let mut versions = self.unfinished.iter().filter(same).map(|job| &job.subject.members_sha256).peekable();
        versions.peek().is_some() && versions.all(|version| *version != self.sha256)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_full_but_the_last() {
        let sizes = |members| sizes(members).collect::<Vec<_>>();
        assert_eq!(sizes(1), [64]);
        assert_eq!(sizes(60), [64]);
        assert_eq!(sizes(61), [128]);
        assert_eq!(sizes(8_188), [8_192]);
        assert_eq!(sizes(8_189), [8_192, 64]);
        assert_eq!(sizes(20_000).iter().sum::<u64>(), cost(20_000));
    }
}
