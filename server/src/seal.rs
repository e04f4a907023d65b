//! `seal`: a breach list becomes a release (SPEC.md, "Entries and labels", "The index", "Manifest").
//!
//! First a [`Plan`] is fixed and kept; then the inputs are read, evaluated and spilled into a folder that nobody looks at;
//! what is spilled is sorted and encoded; at last the folder gets its name and the catalog names the release. A release is a
//! function of its plan and its inputs, so that a seal can be repeated to the byte, and one that was cut off goes on where
//! it was. An input that is not the planned one is never published. Memory is bounded, however many rows there are.
//!
//! A split makes one list for each insurer from one reading of the inputs. Its releases have one plan, and one catalog
//! names all of them or none. Additions make a whole new release from the live one and new rows.

mod account;
mod append;
mod audience;
mod checkpoint;
mod commit;
mod dry;
mod encode;
mod gather;
mod inputs;
mod kept;
mod pipeline;
mod plan;
mod progress;
mod publish;
mod record;
mod rejects;
mod release;
mod report;
mod resources;
mod sorted;
mod staging;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use blindlist_protocol::ids::ReleaseId;
use blindlist_protocol::manifest::Manifest;
use blindlist_protocol::oprf::SecretKey;
use rayon::ThreadPool;

pub use self::account::{Account, InputAccount, ListAccount};
pub use self::append::{Additions, AppendError};
pub use self::audience::{Addressee, Audience, AudienceError, MapError, Part, Split, UnknownInsurer, enrolled};
use self::commit::{Commit, Keeper};
pub use self::dry::dry_run;
use self::gather::{Gathered, gather};
use self::inputs::Source;
pub(crate) use self::kept::{destroy_kept, destroy_staged};
use self::pipeline::{Rule, Work};
use self::plan::Chosen;
pub use self::plan::{Appended, Choices, Hex, IncidentDates, IncidentError, Input, Plan, Planned, Salt};
use self::progress::Progress;
use self::publish::{Operator, publish};
use self::release::Making;
pub use self::report::{Added, Checked, CheckedList, Estimate, Outcome, RejectedKind, Sealed, SealedList};
pub use self::resources::Resources;
use self::sorted::{Room, Spilled};
use self::staging::Staging;
use crate::Error;
use crate::home::{Home, StoredEpoch};
use crate::outside::{instant, now, random};

/// What to seal by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// A new release.
    Choices(Choices),
    /// A new release of everybody on the live one, and of new rows.
    Additions(Additions),
    /// The plan in this file, once more.
    Plan(PathBuf),
}

/// Seals the inputs into a release, or one for each part of a split, and publishes it, with all cores and 512 MiB. What an
/// equal seal that was cut off has evaluated is not evaluated again.
///
/// # Errors
/// Those of [`Error`] for bad input; then nothing is published.
pub fn seal(home: &Home, inputs: &[PathBuf], by: By) -> Result<Sealed, Error> {
    seal_with(home, inputs, by, &Resources::default())
}

/// As [`seal`], with so much of this machine.
///
/// # Errors
/// Those of [`seal`].
pub fn seal_with(home: &Home, inputs: &[PathBuf], by: By, resources: &Resources) -> Result<Sealed, Error> {
    let start = instant();
    let releases = home.releases()?;
    let _lock = releases.lock()?;
    let operator = Operator::load(home)?;
    let (plan, sources) = planned(home, &operator, inputs, by)?;
    staging::tell_leftovers(&releases, &plan);
    report::tell_audience(&operator, &plan)?;
    let epoch = operator.epoch(&plan)?;
    // What an earlier attempt has left is not touched before everything else is there.
    let (pool, key) = (resources.pool()?, epoch.whole_key()?);
    let staging = Staging::create(&releases, &plan)?;
    let sealing = Sealing { home, operator: &operator, plan: &plan, sources: &sources, epoch, key, resources, pool };
    match sealing.run(&staging) {
        Ok(sealed) => {
            // What stays is told by the next seal.
            let _ = staging.remove();
            Ok(Sealed { time: start.elapsed(), ..sealed })
        }
        Err(error) => Err(staging.settle(error, &plan)),
    }
}

/// A seal with its plan.
struct Sealing<'a> {
    home: &'a Home,
    operator: &'a Operator,
    plan: &'a Plan,
    sources: &'a [Source],
    epoch: &'a StoredEpoch,
    key: SecretKey,
    resources: &'a Resources,
    pool: ThreadPool,
}

impl Sealing<'_> {
    fn run(&self, staging: &Staging) -> Result<Sealed, Error> {
        let (spilled, gathered, earlier) = self.evaluate(staging)?;
        let room = Room { pool: &self.pool, bytes: self.resources.for_sorting() };
        let (operator, plan, epoch, key) = (self.operator, self.plan, self.epoch, &self.key);
        let making = Making { plan, operator, epoch, key, staging, spilled: &spilled, room: &room };
        let (mut lists, mut ready, mut accounts, mut without) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let progress = Progress::encoding(plan.releases.len());
        let chosen = plan.choices.lists()?;
        for (place, (planned, chosen)) in plan.releases.iter().zip(&chosen).enumerate() {
            progress.list();
            let rows = gathered.lists.get(place).copied().unwrap_or(0);
            if earlier.unwrap_or(0) + rows == 0 {
                without.push(planned.list.clone());
                continue;
            }
            let made = making.release(place, (planned, chosen), earlier.unwrap_or(0), rows)?;
            ready.push(made.ready);
            lists.push(made.list);
            accounts.push(made.account);
        }
        progress.finish();
        let added = earlier.zip(accounts.first()).map(|(earlier, list)| Added { earlier, new: list.new });
        let account = Account::new(plan, &gathered, accounts);
        let published = publish(self.home, operator, staging, plan, &account, &ready)?;
        for (list, digest) in lists.iter_mut().zip(published.manifests) {
            list.manifest = digest;
        }
        let rejected = self.home.rejected()?;
        let file = |place| rejects::file(&rejected, &plan.choices.list, place);
        Ok(Sealed {
            outcome: published.outcome,
            stays: report::stays(operator, plan, &without),
            lists,
            without,
            added,
            rows: account.rows,
            rejected: account::kinds(&gathered.rejected()),
            rejected_files: (0..self.sources.len()).map(file).collect(),
            label_bytes: plan.choices.categories.label_length(),
            kept: plan.choices.keep_evaluations,
            catalog_sequence: published.catalog.catalog.sequence,
            catalog: published.catalog.digest(),
            plan: published.plan,
            // The caller knows when it began.
            time: std::time::Duration::ZERO,
        })
    }

    /// All records, from wherever an earlier attempt had come to; and the people of the release that is added to.
    fn evaluate(&self, staging: &Staging) -> Result<(Spilled, Gathered, Option<u64>), Error> {
        let (pool, key) = (&self.pool, &self.key);
        let plan = self.plan;
        let ids: Vec<ReleaseId> = plan.releases.iter().map(|planned| planned.release).collect();
        let work = Work::new(&plan.choices, Rule::Evaluate(key, ids))?;
        // All of them before hours of work on the first.
        for source in self.sources {
            report::tell_columns(source.path(), &work.open(source)?.1.described);
        }
        let (spill, checkpoint) = staging.spill(plan, key, self.resources.for_buffers())?;
        staging::tell_going_on(plan, &checkpoint);
        let spilled = Spilled::new(spill, work.layout(), work.lists());
        let keeper = Keeper::new(Some(staging.checkpoint()), checkpoint, self.resources.checkpoints.clone());
        let mut commit = Commit::new(spilled, work.lists(), keeper);
        if let (Some(planned), Some(append), None) = (plan.releases.first(), &plan.append, commit.earlier()) {
            let kept = append::open(self.home, &plan.choices.list, append, key)?;
            append::take_over(&kept, planned.release, pool, &mut commit)?;
        }

        let (rejected, list) = (self.home.rejected()?, &plan.choices.list);
        let file = |place| Some(rejects::file(&rejected, list, place));
        let progress = Progress::reading(self.sources);
        let gathered = gather(self.sources, &work, pool, &mut commit, file, &progress);
        progress.finish();
        let gathered = gathered?;
        rejects::remove_beyond(&rejected, list, self.sources.len())?;
        self.check(&gathered, if self.sources.len() == 1 { file(0) } else { Some(rejected.path().to_owned()) })?;
        commit.end()?;
        let earlier = commit.earlier();
        Ok((commit.spilled, gathered, earlier))
    }

    /// Whether the inputs are the planned ones, and good enough.
    fn check(&self, gathered: &Gathered, listed: Option<PathBuf>) -> Result<(), Error> {
        for ((source, planned), read) in self.sources.iter().zip(&self.plan.inputs).zip(&gathered.inputs) {
            if Input::from(read.digest) != *planned {
                return Err(Error::Changed { path: source.path().to_owned() });
            }
        }
        let rejected = account::kinds(&gathered.rejected());
        let verdict = report::verdict(gathered.rows(), report::total(&rejected), self.plan.choices.accept_rejects);
        verdict.map_err(|refused| {
            eprint!("{}", report::reasons(&rejected));
            refused.into_error(self.sources.iter().map(|source| source.path().to_owned()).collect(), listed)
        })
    }
}

/// The plan, and the inputs that it is for.
fn planned(home: &Home, operator: &Operator, inputs: &[PathBuf], by: By) -> Result<(Plan, Vec<Source>), Error> {
    let (choices, append) = match by {
        By::Choices(choices) => (choices, None),
        By::Additions(additions) => {
            let (choices, appended) = append::choose(home, operator, additions)?;
            (choices, Some(appended))
        }
        By::Plan(path) => {
            let plan = Plan::read(&path)?;
            let sources = planned_inputs(home, &plan, inputs)?;
            return Ok((plan, sources));
        }
    };
    let mut plan = new_plan(operator, choices, append)?;
    let sources = Source::all(inputs, home.releases()?.path())?;
    plan.inputs = sources.iter().map(|source| source.found).collect();
    let can_go_on = |found: &Plan| operator.can_publish(found);
    let plan = staging::leftover(&home.releases()?, &plan, can_go_on).unwrap_or(plan);
    Ok((plan, sources))
}

/// Everything that is chosen once: by the operator, by the clock and by chance. The inputs are not in it yet.
fn new_plan(operator: &Operator, mut choices: Choices, append: Option<Appended>) -> Result<Plan, Error> {
    choices.overrides()?;
    choices.table_options()?;
    let mut releases = Vec::new();
    for chosen in choices.lists()? {
        let replaced = operator.live_release(&chosen.list).map(|release| (release.digest, &release.manifest));
        if let Some((_, manifest)) = replaced {
            check_replaced(&choices.audience, &chosen, manifest)?;
        }
        releases.push(Planned {
            list: chosen.list,
            release: ReleaseId::from_bytes(*random()?),
            sequence: replaced.map_or(1, |(_, manifest)| manifest.sequence.saturating_add(1)),
            previous: replaced.map(|(digest, _)| Hex(digest)),
        });
    }
    if choices.audience == Audience::Unsaid {
        choices.audience = Audience::All;
    }
    let epoch = operator.chosen_epoch(choices.epoch.take().as_deref())?.record.epoch;
    Ok(Plan {
        version: Plan::VERSION,
        releases,
        epoch,
        created: now()?,
        source_salt: Salt::from_bytes(*random()?),
        choices,
        append,
        inputs: Vec::new(),
    })
}

/// Whether a list may take the place of the live one: none is opened to all, or to another insurer, by accident.
fn check_replaced(audience: &Audience, chosen: &Chosen<'_>, live: &Manifest) -> Result<(), AudienceError> {
    match audience {
        Audience::Unsaid if !live.audience.is_empty() => {
            Err(AudienceError::Unsaid { list: live.list.clone(), audience: live.audience.clone() })
        }
        Audience::Split(_) => {
            let Some(insurer) = chosen.audience.first().map(|insurer| insurer.name.clone()) else { return Ok(()) };
            if live.audience == [insurer.clone()] {
                return Ok(());
            }
            Err(AudienceError::Taken { insurer, list: live.list.clone(), audience: live.audience.clone() })
        }
        Audience::Unsaid | Audience::All | Audience::Named(_) => Ok(()),
    }
}

/// The inputs of a plan that was made before.
fn planned_inputs(home: &Home, plan: &Plan, inputs: &[PathBuf]) -> Result<Vec<Source>, Error> {
    if plan.inputs.len() != inputs.len() {
        return Err(Error::PlanInputs { expected: plan.inputs.len(), found: inputs.len() });
    }
    let sources = Source::all(inputs, home.releases()?.path())?;
    match sources.iter().zip(&plan.inputs).find(|(source, planned)| source.found != **planned) {
        Some((source, _)) => Err(Error::NotThePlanned { path: source.path().to_owned() }),
        None => Ok(sources),
    }
}
