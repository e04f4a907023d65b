//! `blindlist check`: which members are on the operator's lists, and what leaked for each.
//!
//! 1. What is live is learnt: [`crate::live`].
//! 2. `plan` finds the unfinished jobs to go on with; `members` turns the rows into distinct identifiers, `people`.
//! 3. The budget must suffice, and the indexes are fetched: [`crate::index`].
//! 4. `asking` has them evaluated, chunk by chunk, and keeps nothing that is not proven: what is proven goes into `entries`.
//! 5. The operator's audit log must have it all: `log`.
//! 6. `matching` looks the entries up, run by run, and makes sure that every canary is found.
//! 7. `results` reads the members again and writes the three files, all or none.
//!
//! Memory does not grow with the members: what does is spilled, encrypted, by [`crate::room`]. Only `findings` are held.
//!
//! [`ask`] is 1 to 5, and [`Answered::conclude`] the rest. What is sent must not depend on what is found (SPEC.md
//! [MAT-3]), so the second has no channel, and the connection can be closed before it.
//!
//! Members are personal data: they go into `affected.csv` and nowhere else.

mod asking;
mod entries;
mod findings;
pub(crate) mod input;
mod keeping;
mod matching;
pub(crate) mod members;
pub(crate) mod people;
mod plan;
mod results;
mod spool;
mod summary;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use blindlist_protocol::catalog::Catalog;
use blindlist_protocol::identifier::Scheme;
use blindlist_protocol::ids::LedgerId;
use blindlist_protocol::insurer::Asker;
use blindlist_protocol::live::{Live, Release};
use blindlist_protocol::text::Slug;
use blindlist_records::Column;
use blindlist_store::folder::PrivateFolder;
use blindlist_store::passphrase::Passphrase;

use crate::channel::{self, Channel};
use crate::log::Log;
use crate::profile::jobs::Jobs;
use crate::profile::{Enrolled, Profile};
use crate::receipts::JobReceipts;
use crate::room::Room;
use crate::show::{moment, note, number};
use crate::{ClientError, Stop, evidence, index, live};
use asking::Work;
use entries::Entries;
pub use input::MemberFile;
use keeping::Keeping;
use members::Members;
use people::People;
use plan::Plan;
pub use results::FILES;
use summary::LogSummary;
pub use summary::Summary;

/// What to check, as the command line says it.
#[derive(Clone, Debug)]
pub struct CheckOptions {
    /// The member file.
    pub members: MemberFile,
    /// The folder for the results; made if it is missing.
    pub out: PathBuf,
    /// One list only.
    pub list: Option<Slug>,
    /// The lists of one scheme only.
    pub scheme: Option<Scheme>,
    /// Columns chosen by their headers.
    pub columns: Vec<(Column, String)>,
    /// Whether to go on with an unfinished check.
    pub resume: bool,
    /// The passphrase for the evidence, when it is to be kept.
    pub evidence: Option<Passphrase>,
    /// What it may use of the machine.
    pub room: Room,
}

/// A check whose requests are all answered. Nothing was looked up yet.
#[derive(Debug)]
pub struct Answered<'a> {
    profile: &'a Profile,
    options: &'a CheckOptions,
    jobs: Jobs,
    plan: Plan,
    /// The entries of the members and of the canaries in each release, by its place in the plan.
    entries: Arc<Entries>,
    /// For each part of the plan.
    receipts: Vec<JobReceipts>,
    summary: Summary,
    stop: Stop,
}

/// Has a member file evaluated for the live lists. `now` is in seconds since 1970.
///
/// # Errors
/// [`ClientError`]. What was paid for stays in the profile for `--resume`.
pub async fn ask<'a>(
    profile: &'a Profile,
    channel: &impl Channel,
    options: &'a CheckOptions,
    stop: &Stop,
    now: u64,
) -> Result<Answered<'a>, ClientError> {
    let enrolled = profile.enrolled()?;
    check_files(options)?;
    let jobs = profile.jobs()?;
    let Live { catalog, digest, epochs, releases } = stop.or(live::refresh(profile, &enrolled, channel, now)).await?;
    let (scheme, releases) = choose(&releases, options)?;
    let plan = Plan::new(&jobs, scheme, releases, epochs, options)?;
    for part in &plan.parts {
        Log::of(part.asked()?, part.epoch.object(), &catalog).check_known(profile)?;
    }
    let keeping = Keeping::new(profile, &enrolled, options, &plan);
    plan.require_evidence(&keeping)?;
    let begun = plan.goes_on();
    let prepared = prepare(profile, channel, options, &plan, stop).await;
    let read = prepared.inspect_err(|error| {
        if begun {
            advise_resume(error);
        }
    })?;
    let mut summary = Summary::new(&enrolled.bundle().operator, (&catalog, digest), &plan, &read);
    summary.started = moment(now);
    summary.out.clone_from(&options.out);
    let entries = Arc::new(Entries::new(plan.releases.len(), &options.room)?);
    let (receipts, own_stop) = (Vec::new(), stop.clone());
    let mut answered = Answered { profile, options, jobs, plan, entries, receipts, summary, stop: own_stop };
    stop.or(answered.evaluate(channel, &enrolled, &keeping, read.people)).await.inspect_err(advise_resume)?;
    answered.keep_receipts(&keeping).inspect_err(advise_resume)?;
    stop.or(answered.hold_to_log(channel, &catalog)).await.inspect_err(advise_resume)?;
    answered.summary.evaluations.remaining = stop.or(remaining(channel, &answered.plan)).await.ok();
    Ok(answered)
}

impl Answered<'_> {
    /// Has the members evaluated in every epoch.
    async fn evaluate(
        &mut self,
        channel: &impl Channel,
        enrolled: &Enrolled,
        keeping: &Keeping<'_>,
        members: People,
    ) -> Result<(), ClientError> {
        let (created, room) = (self.summary.started.clone(), &self.options.room);
        for part in &mut self.plan.parts {
            let job = part.open_job(&self.jobs, keeping, members.distinct(), &created)?;
            let (id, asked) = (job.id(), part.asked()?.clone());
            let release = |place: &usize| Some((*place, self.plan.releases.get(*place)?.manifest.release));
            let releases = part.releases.iter().filter_map(release).collect();
            let insurer = enrolled.bundle().insurer_id;
            let asker = Asker { insurer, signer: enrolled.keys().signing().clone() };
            let keys = (asker, self.profile.former_keys()?);
            let chunks = members.chunks(&part.epoch.blinding(job.seed()), &part.canaries, room, &self.stop)?;
            let entries = (Arc::clone(&self.entries), room.threads());
            let work = Arc::new(Work::new(part, job, chunks, releases, entries, keys));
            let receipts = asking::evaluate(channel, &work, room).await?;
            self.receipts.push(JobReceipts { job: id, ledger: asked.ledger, key: asked.receipt_key, receipts });
        }
        Ok(())
    }

    /// Keeps the receipts, whatever comes.
    fn keep_receipts(&mut self, keeping: &Keeping<'_>) -> Result<(), ClientError> {
        for receipts in &self.receipts {
            self.profile.keep_receipts(receipts)?;
            evidence::add_receipts(keeping.folder(), receipts)?;
        }
        let kept = self.receipts.iter().any(|receipts| evidence::is_kept(keeping.folder(), &receipts.job));
        self.summary.evidence = kept.then(|| keeping.folder().to_owned());
        Ok(())
    }

    /// Makes sure that the audit logs have the charges and go on from what they were. [AUD-7]
    async fn hold_to_log(&mut self, channel: &impl Channel, catalog: &Catalog) -> Result<(), ClientError> {
        let mut done: Vec<LedgerId> = Vec::new();
        for part in &self.plan.parts {
            let log = Log::of(part.asked()?, part.epoch.object(), catalog);
            if !done.contains(&log.ledger) {
                let receipts: Vec<_> = self.receipts.iter().filter(|job| job.ledger == log.ledger).collect();
                let head = log.refresh(self.profile, channel, &receipts).await?;
                self.summary.logs.push(LogSummary::new(&log.ledger, &head));
                done.push(log.ledger);
            }
        }
        Ok(())
    }

    /// Looks the members up and writes the results. `clock` gives seconds since 1970.
    ///
    /// # Errors
    /// [`ClientError`]. What was paid for stays in the profile for `--resume`; no result is written, unless it says so.
    pub fn conclude(mut self, clock: impl Fn() -> u64) -> Result<Summary, ClientError> {
        self.look_up_and_write(clock).inspect_err(advise_resume)?;
        self.keep_superseded();
        self.plan.finished_jobs().for_each(|id| self.jobs.remove_or_say(id));
        Ok(self.summary)
    }

    /// Keeps the receipts of jobs that this one makes useless: they were charged all the same.
    fn keep_superseded(&self) {
        for job in self.plan.superseded() {
            let all = self.jobs.receipts(*job);
            for log in &self.receipts {
                let of_log = all.iter().filter(|receipt| receipt.verify_signature(&log.ledger, &log.key).is_ok());
                let receipts = JobReceipts { job: *job, receipts: of_log.cloned().collect(), ..log.clone() };
                if receipts.receipts.is_empty() {
                    continue;
                }
                let kept = self.profile.keep_receipts(&receipts);
                let added = kept.and_then(|()| evidence::add_receipts(&self.profile.evidence_path(), &receipts));
                if let Err(error) = added {
                    note(&format!("warning: the receipts of an unfinished check could not be kept: {error}"));
                }
            }
        }
    }

    fn look_up_and_write(&mut self, clock: impl Fn() -> u64) -> Result<(), ClientError> {
        let mut findings = matching::look_up(self.profile, &self.plan, &self.entries, &self.options.room, &self.stop)?;
        self.summary.finished = moment(clock());
        results::write(self.options, &self.plan, &mut findings, &mut self.summary, &self.stop)
    }
}

/// Reads the members, and makes sure of everything that is needed before they are asked for.
async fn prepare(
    profile: &Profile,
    channel: &impl Channel,
    options: &CheckOptions,
    plan: &Plan,
    stop: &Stop,
) -> Result<Members, ClientError> {
    let read = members::read(&plan.members, plan.scheme, &plan.columns, &options.room, stop)?;
    if read.sha256 != plan.members_sha256 {
        return Err(ClientError::MembersChanged(options.members.path().to_owned()));
    }
    stop.or(plan.check_budget(channel, read.people.distinct())).await?;
    for release in &plan.releases {
        index::fetch(profile, channel, &release.manifest, &options.room, stop).await?;
    }
    Ok(read)
}

/// What remains of the budgets of all epochs together. The check can do without.
async fn remaining(channel: &impl Channel, plan: &Plan) -> Result<u64, ClientError> {
    let mut remaining = 0_u64;
    for part in &plan.parts {
        let account = channel::account(channel, part.epoch_id()).await?;
        remaining = remaining.saturating_add(account.remaining());
    }
    Ok(remaining)
}

/// Says how to go on after a failure, when that can help.
fn advise_resume(error: &ClientError) {
    let written = if matches!(error, ClientError::HalfWritten { .. }) { "" } else { "no result was written; " };
    if error.resumable() {
        note(&format!("blindlist: {written}what was evaluated is kept: run the same command with --resume to go on"));
    }
}

/// Makes sure that the member file can be read, and makes the folder of the results if it is missing. In one that
/// exists, the files are private all the same. Called before connecting, it spares the operator what cannot succeed.
///
/// # Errors
/// [`ClientError`] for a file that is no table, and for results that would replace it.
pub fn check_files(options: &CheckOptions) -> Result<(), ClientError> {
    // A file that is missing is reported by whoever reads it.
    let members = options.members.on_disk();
    if let Some(path) = members.filter(|path| std::fs::metadata(path).is_ok_and(|found| !found.is_file())) {
        return Err(ClientError::NotAFile(path.to_owned()));
    }
    drop(options.members.table()?);
    if !options.out.is_dir() {
        PrivateFolder::create(&options.out)?;
    }
    let same = |a: &Path, b: &Path| matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b);
    for name in FILES {
        let path = options.out.join(name);
        if members.is_some_and(|members| same(&path, members)) {
            return Err(ClientError::WouldReplaceInput(path));
        }
    }
    Ok(())
}

/// The releases to check against, and the one scheme that they share.
fn choose(live: &[Release], options: &CheckOptions) -> Result<(Scheme, Vec<Release>), ClientError> {
    if live.is_empty() {
        return Err(ClientError::NoLiveList);
    }
    let chosen = |release: &&Release| {
        let manifest = &release.manifest;
        options.list.as_ref().is_none_or(|list| *list == manifest.list)
            && options.scheme.is_none_or(|scheme| scheme == manifest.scheme)
    };
    let releases: Vec<Release> = live.iter().filter(chosen).cloned().collect();
    let mut schemes: Vec<Scheme> = releases.iter().map(|release| release.manifest.scheme).collect();
    schemes.sort_unstable();
    schemes.dedup();
    match *schemes {
        [scheme] => {
            for Release { manifest, .. } in &releases {
                note(&format!("list     {} ({} people)", manifest.list, number(manifest.people())));
            }
            Ok((scheme, releases))
        }
        [] => Err(no_such_list(live, options)),
        [_, _, ..] => {
            let names: Vec<&str> = schemes.iter().map(|scheme| scheme.name()).collect();
            Err(ClientError::SeveralSchemes(names.join(", ")))
        }
    }
}

fn no_such_list(live: &[Release], options: &CheckOptions) -> ClientError {
    let list = options.list.as_ref().map(|list| format!("named {list}"));
    let scheme = options.scheme.map(|scheme| format!("of the scheme {scheme}"));
    let wanted: Vec<String> = list.into_iter().chain(scheme).collect();
    let shown = |release: &Release| format!("{} ({})", release.manifest.list, release.manifest.scheme);
    let names: Vec<String> = live.iter().map(shown).collect();
    ClientError::NoSuchList { wanted: wanted.join(" and "), live: names.join(", ") }
}
