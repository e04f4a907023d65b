//! One operator's share of a check, from what is live to what was found.
//!
//! 1. [`Opened`]: what the operator says is live, and which of it is chosen.
//! 2. [`Party::plan`]: which unfinished jobs go on.
//! 3. [`Party::ask`]: whom to ask about; budget, indexes, evaluations, audit log. Nothing is asked of the operator after it.
//! 4. [`Party::look_up`]: who is on the lists.

mod written;

use std::sync::Arc;

use blindlist_protocol::catalog::Catalog;
use blindlist_protocol::entry::Label;
use blindlist_protocol::epoch::Holder;
use blindlist_protocol::ids::{Digest, JobId, LedgerId};
use blindlist_protocol::insurer::Asker;
use blindlist_protocol::live::Release;
use blindlist_protocol::receipt::Receipt;
use blindlist_protocol::text::Slug;
use rayon::ThreadPool;

use super::alias::{Alias, Aliases};
use super::asking::{self, Work};
use super::entries::Entries;
use super::keeping::Keeping;
use super::opened::Opened;
use super::people::{Elements, People};
use super::plan::{Part, Plan};
use super::reading::Reading;
use super::results::CheckedList;
use super::select::{Padding, Selection, Sink, select};
use super::summary::{EpochSummary, LogSummary, OperatorSummary};
use super::{CheckOptions, matching};
use crate::channel::{self, Channel};
use crate::log::Log;
use crate::profile::jobs::Jobs;
use crate::profile::remembered::Remembered;
use crate::profile::{Enrolled, Profile};
use crate::receipts::JobReceipts;
use crate::room::Room;
use crate::show::number;
use crate::{Caller, ClientError, evidence, index};

/// Whom to ask about in one epoch, what is remembered of it, and where entries go.
type Selected = (Selection, Option<Arc<Remembered>>, Sink);

/// A job's work, where its receipts go, and what is to be remembered.
type ToDo = (Arc<Work>, JobReceipts, Option<Arc<Remembered>>);

/// An operator that is asked.
pub(super) struct Party<'a> {
    profile: &'a Profile,
    enrolled: Enrolled,
    jobs: Jobs,
    catalog: Catalog,
    digest: Digest,
    pub plan: Plan,
    keeping: Keeping<'a>,
    options: &'a CheckOptions,
    room: Room,
    caller: Caller,
    /// The entries of the members and of the canaries in each release, by its place in the plan.
    entries: Arc<Entries>,
    aliases: Aliases,
    /// For each job.
    receipts: Vec<JobReceipts>,
    epochs: Vec<EpochSummary>,
    logs: Vec<LogSummary>,
    remaining: Option<u64>,
}

impl<'a> Party<'a> {
    /// Finds the jobs to go on with. `room` is this operator's share of it.
    pub(super) fn plan(
        opened: Opened<'a>,
        options: &'a CheckOptions,
        reading: &Reading,
        aliases: &Aliases,
        room: Room,
    ) -> Result<Self, ClientError> {
        let Opened { profile, enrolled, jobs, unfinished, catalog, digest, epochs, releases, caller, .. } = opened;
        let plan = Plan::new((&jobs, &unfinished), releases, epochs, reading, options.resume, &caller)?;
        for part in &plan.parts {
            Log::of(part.asked()?, part.epoch.object(), &catalog).check_known(profile)?;
        }
        let keeping = Keeping::new(profile, &enrolled, options, reading);
        plan.require_evidence(&keeping)?;
        let entries = Arc::new(Entries::new(plan.releases.len(), &room)?);
        Ok(Self {
            profile,
            enrolled,
            jobs,
            catalog,
            digest,
            plan,
            keeping,
            options,
            room,
            caller,
            entries,
            aliases: aliases.clone(),
            receipts: Vec::new(),
            epochs: Vec::new(),
            logs: Vec::new(),
            remaining: None,
        })
    }

    /// Has the members evaluated in every epoch, and holds the operator to its log. `created` is when, RFC 3339.
    pub(super) async fn ask(
        &mut self,
        channel: &impl Channel,
        members: &People,
        pool: &Arc<ThreadPool>,
        created: &str,
    ) -> Result<(), ClientError> {
        let (caller, mut to_remember) = (self.caller.clone(), Vec::new());
        for (place, selected) in self.prepare(channel, members).await?.into_iter().enumerate() {
            let evaluated = self.evaluate(channel, place, selected, members, pool, created);
            to_remember.extend(caller.or(evaluated).await?);
        }
        self.keep_receipts()?;
        caller.or(self.hold_to_log(channel)).await?;
        // What is remembered is never asked for again, so its charges must stand in the log by now.
        to_remember.iter().try_for_each(|remembered| remembered.keep())?;
        self.remaining = caller.or(self.account(channel)).await.ok();
        Ok(())
    }

    /// Finds out whom to ask about in every epoch, and makes sure of budgets and indexes before anything is asked.
    async fn prepare(&self, channel: &impl Channel, members: &People) -> Result<Vec<Selected>, ClientError> {
        let mut selected = Vec::new();
        for place in 0..self.plan.parts.len() {
            let selected_here = self.select(place, members)?;
            let part = self.part(place)?;
            self.caller.or(part.check_budget(channel, selected_here.0.elements, &self.caller)).await?;
            selected.push(selected_here);
        }
        for release in &self.plan.releases {
            index::fetch(self.profile, channel, &release.manifest, &self.room, &self.caller).await?;
        }
        Ok(selected)
    }

    fn part(&self, place: usize) -> Result<&Part, ClientError> {
        self.plan.parts.get(place).ok_or(ClientError::Internal("a part that is not planned"))
    }

    /// Finds out whom to ask about in an epoch.
    fn select(&self, place: usize, members: &People) -> Result<Selected, ClientError> {
        let part = self.part(place)?;
        let remembered = match &self.options.remember {
            Some(passphrase) => {
                let opened = Remembered::open(self.profile, &part.epoch, passphrase, &self.room, &self.caller)?;
                Some(Arc::new(opened))
            }
            None => None,
        };
        let release = |place: &usize| Some((*place, self.plan.releases.get(*place)?.manifest.release));
        let releases = part.releases.iter().filter_map(release).collect();
        let sink = Sink { entries: Arc::clone(&self.entries), aliases: self.aliases.clone(), releases };
        let known = (remembered.as_deref(), &sink);
        let selection = select(part, members, known, self.options.padding, &self.room, &self.caller)?;
        let padding = selection.padding();
        if self.options.padding != Padding::Least && padding > 0 {
            let (padding, all) = (number(padding), number(selection.elements));
            self.caller.note(format!("padding  {padding} of {all} elements are random, and cost as much as members"));
        }
        if remembered.as_ref().is_some_and(|remembered| remembered.is_empty()) {
            self.caller.note("saved    nothing is remembered of this epoch yet: all members are asked about");
        } else if selection.remembered > 0 {
            let (saved, asked) = (number(selection.remembered), number(selection.members));
            self.caller.note(format!("saved    {saved} evaluations are remembered; {asked} members are asked about"));
        }
        Ok((selection, remembered, sink))
    }

    /// Has the members evaluated in one epoch; what is to be remembered of that.
    async fn evaluate(
        &mut self,
        channel: &impl Channel,
        place: usize,
        selected: Selected,
        members: &People,
        pool: &Arc<ThreadPool>,
        created: &str,
    ) -> Result<Option<Arc<Remembered>>, ClientError> {
        let Some((work, mut receipts, remembered)) = self.work(place, selected, members, pool, created)? else {
            return Ok(None);
        };
        receipts.receipts = asking::evaluate(channel, &work, &self.room).await?;
        self.receipts.push(receipts);
        Ok(remembered)
    }

    /// Begins the job of one epoch, or goes on with it: its work, and where its receipts go. None when nothing is to be asked.
    fn work(
        &mut self,
        place: usize,
        (selection, remembered, sink): Selected,
        members: &People,
        pool: &Arc<ThreadPool>,
        created: &str,
    ) -> Result<Option<ToDo>, ClientError> {
        let asker = self.asker();
        let part = self.plan.parts.get_mut(place).ok_or(ClientError::Internal("a part that is not planned"))?;
        if selection.elements == 0 {
            self.epochs.push(EpochSummary::new(part.epoch_id(), None, &selection));
            return Ok(None);
        }
        let job = match (&part.job, &selection.new) {
            (None, Some((id, seed))) => {
                self.keeping.keep(part, (*id, seed), &selection, created)?;
                let (elements, asked) = (selection.elements, selection.asked.as_ref());
                Arc::new(self.jobs.begin((*id, seed), &part.subject, elements, asked, created.to_owned())?)
            }
            (Some(job), _) => {
                self.keeping.keep(part, (job.id(), job.seed()), &selection, created)?;
                Arc::clone(job)
            }
            (None, None) => return Err(ClientError::Internal("neither an old job nor a new one")),
        };
        if let Some(command) = &self.options.command {
            self.jobs.keep_command(job.id(), command)?;
        }
        part.job = Some(Arc::clone(&job));
        self.epochs.push(EpochSummary::new(part.epoch_id(), Some(job.id()), &selection));
        let secret = part.epoch.blinding(job.seed());
        let (asked, elements) = (selection.asked.as_ref(), selection.elements);
        let elements = Elements { secret: &secret, canaries: &part.canaries, asked, elements };
        let chunks = members.chunks(&elements, &self.room, &self.caller)?;
        let (keys, pool) = ((asker, self.profile.former_keys()?), Arc::clone(pool));
        let (id, holder) = (job.id(), part.asked()?.clone());
        let kept = (sink, remembered.clone());
        let work = Arc::new(Work::new(part, (job, chunks), kept, keys, pool, &self.caller));
        let receipts = JobReceipts { job: id, ledger: holder.ledger, key: holder.receipt_key, receipts: Vec::new() };
        Ok(Some((work, receipts, remembered)))
    }

    /// What asking would cost: for each epoch whom it would ask about, how many evaluations are still to be charged, and how
    /// many remain.
    pub(super) async fn estimate(
        &self,
        channel: &impl Channel,
        members: &People,
    ) -> Result<Vec<(Selection, u64, u64)>, ClientError> {
        let mut estimates = Vec::new();
        for (place, part) in self.plan.parts.iter().enumerate() {
            let (selection, ..) = self.select(place, members)?;
            let account = self.caller.or(channel::account(channel, part.epoch_id())).await?;
            let charged = part.still_to_charge(selection.elements);
            estimates.push((selection, charged, account.remaining()));
        }
        Ok(estimates)
    }

    /// The releases whose indexes are not in the profile.
    pub(super) fn to_fetch(&self) -> Result<Vec<&Release>, ClientError> {
        let mut missing = Vec::new();
        for release in &self.plan.releases {
            if !self.profile.index_path(&release.manifest)?.exists() {
                missing.push(release);
            }
        }
        Ok(missing)
    }

    /// Keeps the receipts, whatever comes.
    fn keep_receipts(&self) -> Result<(), ClientError> {
        for receipts in &self.receipts {
            self.profile.keep_receipts(receipts)?;
            evidence::add_receipts(self.keeping.folder(), receipts)?;
        }
        Ok(())
    }

    /// Makes sure that the audit logs have the charges and go on from what they were. [AUD-7]
    async fn hold_to_log(&mut self, channel: &impl Channel) -> Result<(), ClientError> {
        let mut done: Vec<LedgerId> = Vec::new();
        for part in &self.plan.parts {
            let log = Log::of(part.asked()?, part.epoch.object(), &self.catalog);
            if !done.contains(&log.ledger) {
                let receipts: Vec<_> = self.receipts.iter().filter(|job| job.ledger == log.ledger).collect();
                let head = log.refresh(self.profile, channel, &receipts, &self.caller).await?;
                self.logs.push(LogSummary::new(&log.ledger, &head));
                done.push(log.ledger);
            }
        }
        Ok(())
    }

    /// What remains of the budgets of all epochs together. The check can do without.
    async fn account(&self, channel: &impl Channel) -> Result<u64, ClientError> {
        let mut remaining = 0_u64;
        for part in &self.plan.parts {
            let account = channel::account(channel, part.epoch_id()).await?;
            remaining = remaining.saturating_add(account.remaining());
        }
        Ok(remaining)
    }

    /// Who is on which list, in the order of the plan's releases.
    pub(super) fn look_up(&self) -> Result<Vec<Vec<(Alias, Label)>>, ClientError> {
        matching::look_up(self.profile, &self.plan, (&self.entries, &self.aliases), &self.room, &self.caller)
    }

    /// The profile.
    pub(super) fn profile(&self) -> &'a Profile {
        self.profile
    }

    /// The operator's name.
    pub(super) fn operator(&self) -> &Slug {
        &self.enrolled.bundle().operator
    }

    /// Who asks.
    pub(super) fn asker(&self) -> Asker {
        Asker { insurer: self.enrolled.bundle().insurer_id, signer: self.enrolled.keys().signing().clone() }
    }

    /// The lists, with the operator's name if there are several.
    pub(super) fn lists(&self, several: bool) -> impl Iterator<Item = CheckedList<'_>> {
        let operator = several.then_some(self.operator());
        self.plan.releases.iter().map(move |release| CheckedList { operator, release })
    }

    /// What the report says of this operator, before anybody is counted.
    pub(super) fn summary(&self) -> OperatorSummary {
        let (bundle, path) = (self.enrolled.bundle(), self.profile.path());
        let kept = self.receipts.iter().any(|receipts| evidence::is_kept(self.keeping.folder(), &receipts.job));
        OperatorSummary {
            evidence: kept.then(|| self.keeping.folder().to_owned()),
            remaining: self.remaining,
            epochs: self.epochs.clone(),
            logs: self.logs.clone(),
            ..OperatorSummary::answered(bundle, path, (&self.catalog, self.digest), &self.plan.releases)
        }
    }

    /// Removes the jobs that are no longer needed, since the results are written: those that this check superseded, and if
    /// all is `done` its own. Receipts are kept: they were charged all the same.
    pub(super) fn end(&self, done: bool) {
        self.keep_superseded();
        let own = self.plan.jobs().filter(|_| done);
        self.plan.superseded().iter().copied().chain(own).for_each(|id| self.jobs.remove_or_say(id, &self.caller));
    }

    /// Keeps the receipts of jobs that this one makes useless.
    fn keep_superseded(&self) {
        for job in self.plan.superseded() {
            let all = self.jobs.receipts(*job);
            for holder in self.plan.parts.iter().filter_map(|part| part.asked().ok()) {
                if let Err(error) = self.keep_receipts_of(*job, &all, holder) {
                    self.caller.warn(format!("the receipts of an unfinished check could not be kept: {error}"));
                }
            }
        }
    }

    fn keep_receipts_of(&self, job: JobId, all: &[Receipt], holder: &Holder) -> Result<(), ClientError> {
        let (ledger, key) = (holder.ledger, holder.receipt_key);
        let of_log = all.iter().filter(|receipt| receipt.verify_signature(&ledger, &key).is_ok());
        let receipts = JobReceipts { job, ledger, key, receipts: of_log.cloned().collect() };
        if receipts.receipts.is_empty() {
            return Ok(());
        }
        self.profile.keep_receipts(&receipts)?;
        evidence::add_receipts(&self.profile.evidence_path(), &receipts)
    }
}
