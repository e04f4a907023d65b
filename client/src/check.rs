//! `blindlist check`: which members are on the operator's lists, and what leaked for each.
//!
//! 1. What is live is learnt and the indexes fetched: [`crate::live`], [`crate::index`].
//! 2. `members` turns the rows into distinct identifiers.
//! 3. `plan` finds the unfinished jobs to go on with, and makes sure that the budget suffices before anything is sent.
//! 4. `asking` has them evaluated, chunk by chunk, and keeps nothing that is not proven.
//! 5. `matching` looks the entries up and makes sure that every canary is found.
//! 6. `results` reads the members again and writes the three files, all or none.
//!
//! Members are personal data: they go into `affected.csv` and nowhere else.

mod asking;
mod matching;
mod members;
mod plan;
mod results;
mod summary;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use blindlist_protocol::identifier::{Identifier, Scheme};
use blindlist_protocol::text::Slug;
use blindlist_records::Column;
use blindlist_store::folder::PrivateFolder;

use crate::channel::{self, Channel};
use crate::live::{self, Live, Release};
use crate::profile::jobs::Jobs;
use crate::profile::{Enrolled, Profile};
use crate::show::{moment, note, number};
use crate::{ClientError, index};
use asking::Work;
use matching::Findings;
use plan::{Part, Plan};
pub use summary::Summary;

/// What to check, as the command line says it.
#[derive(Clone, Debug)]
pub struct CheckOptions {
    /// The member file.
    pub members: PathBuf,
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
}

/// Checks a member file against the live lists and writes the results. `clock` gives seconds since 1970.
///
/// # Errors
/// [`ClientError`]. No result is written then; what was paid for stays in the profile for `--resume`.
pub async fn run(
    profile: &Profile,
    channel: &impl Channel,
    options: &CheckOptions,
    clock: impl Fn() -> u64,
) -> Result<Summary, ClientError> {
    let started = clock();
    let enrolled = profile.enrolled()?;
    prepare_output(options)?;
    let jobs = profile.jobs()?;
    let live = live::refresh(profile, &enrolled, channel, started).await?;
    let (scheme, releases) = choose(&live, options)?;
    for release in &releases {
        index::fetch(profile, channel, &release.manifest).await?;
    }
    let Live { catalog, digest, epochs, .. } = live;
    let plan = Plan::new(&jobs, scheme, releases, epochs, options)?;
    let mut members = members::read(&options.members, scheme, &plan.columns)?;
    if members.sha256 != plan.members_sha256 {
        return Err(ClientError::MembersChanged(options.members.clone()));
    }
    plan.check_budget(channel, members.identifiers.len() as u64).await?;

    let identifiers = std::mem::take(&mut members.identifiers);
    let checking = Checking { profile, channel, enrolled: &enrolled, jobs: &jobs, created: moment(started) };
    let (plan, findings) = checking.evaluate(plan, identifiers).await.inspect_err(|_| advise_resume())?;
    let mut summary = Summary::new(&enrolled.bundle().operator, (&catalog, digest), &plan, &members);
    summary.evaluations.remaining = remaining(channel, &plan).await;
    summary.out.clone_from(&options.out);
    summary.started = moment(started);
    summary.finished = moment(clock());
    results::write(options, scheme, &plan, &findings, &mut summary).inspect_err(|_| advise_resume())?;
    for id in plan.finished_jobs() {
        jobs.remove(id)?;
    }
    Ok(summary)
}

/// What it takes to have identifiers evaluated.
struct Checking<'a, C> {
    profile: &'a Profile,
    channel: &'a C,
    enrolled: &'a Enrolled,
    jobs: &'a Jobs,
    created: String,
}

impl<C: Channel> Checking<'_, C> {
    /// Has the members evaluated in every epoch, and looks them up in its releases.
    async fn evaluate(&self, mut plan: Plan, mut members: Vec<Identifier>) -> Result<(Plan, Findings), ClientError> {
        let mut findings = Findings::new(plan.releases.len());
        for part in &mut plan.parts {
            members = self.evaluate_part(part, members, &plan.releases, &mut findings).await?;
        }
        Ok((plan, findings))
    }

    /// Gives the members back, for the next epoch.
    async fn evaluate_part(
        &self,
        part: &mut Part,
        members: Vec<Identifier>,
        releases: &[Release],
        findings: &mut Findings,
    ) -> Result<Vec<Identifier>, ClientError> {
        let job = part.open_job(self.jobs, members.len() as u64, &self.created)?;
        let ids = part.releases.iter().filter_map(|place| releases.get(*place));
        let ids = ids.map(|release| release.manifest.release).collect();
        let signer = self.enrolled.keys().signing().clone();
        let work = Arc::new(Work::new(part, job, members, ids, signer));
        let kept = asking::evaluate(self.channel, &work).await?;
        for (kept, place) in kept.into_iter().zip(&part.releases) {
            let Some(Release { manifest, .. }) = releases.get(*place) else {
                continue;
            };
            let bytes = index::load(self.profile, manifest)?;
            let index = index::open(&bytes, manifest)?;
            matching::look_up(kept, work.items(), &part.canaries, (manifest, &index), |identifier, label| {
                findings.add(*place, identifier, label);
            })?;
        }
        Ok(Work::members(work, &part.canaries))
    }
}

/// What remains of the budgets of all epochs together; nothing when it cannot be told, since the answers are here.
async fn remaining(channel: &impl Channel, plan: &Plan) -> Option<u64> {
    let mut remaining = 0_u64;
    for part in &plan.parts {
        let account = channel::account(channel, part.epoch_id()).await.ok()?;
        remaining = remaining.saturating_add(account.remaining());
    }
    Some(remaining)
}

fn advise_resume() {
    note("no result was written; what was evaluated is kept: run the same command with --resume to go on");
}

/// Makes the folder of the results if it is missing. In one that exists, the files are private all the same.
fn prepare_output(options: &CheckOptions) -> Result<(), ClientError> {
    // A file that is missing is reported by whoever reads it.
    if std::fs::metadata(&options.members).is_ok_and(|found| !found.is_file()) {
        return Err(ClientError::NotAFile(options.members.clone()));
    }
    if !options.out.is_dir() {
        PrivateFolder::create(&options.out)?;
    }
    let same = |a: &Path, b: &Path| matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b);
    for name in results::FILES {
        let path = options.out.join(name);
        if same(&path, &options.members) {
            return Err(ClientError::WouldReplaceInput(path));
        }
    }
    Ok(())
}

/// The releases to check against, and the one scheme that they share.
fn choose(live: &Live, options: &CheckOptions) -> Result<(Scheme, Vec<Release>), ClientError> {
    if live.releases.is_empty() {
        return Err(ClientError::NoLiveList);
    }
    let chosen = |release: &&Release| {
        let manifest = &release.manifest;
        options.list.as_ref().is_none_or(|list| *list == manifest.list)
            && options.scheme.is_none_or(|scheme| scheme == manifest.scheme)
    };
    let releases: Vec<Release> = live.releases.iter().filter(chosen).cloned().collect();
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

fn no_such_list(live: &Live, options: &CheckOptions) -> ClientError {
    let list = options.list.as_ref().map(|list| format!("named {list}"));
    let scheme = options.scheme.map(|scheme| format!("of the scheme {scheme}"));
    let wanted: Vec<String> = list.into_iter().chain(scheme).collect();
    let shown = |release: &Release| format!("{} ({})", release.manifest.list, release.manifest.scheme);
    let names: Vec<String> = live.releases.iter().map(shown).collect();
    ClientError::NoSuchList { wanted: wanted.join(" and "), live: names.join(", ") }
}
