//! `seal`: a breach list becomes a release (SPEC.md, "Entries and labels", "The index", "Manifest").
//!
//! First a [`Plan`] is fixed and kept; then the inputs are read, evaluated and encoded into a folder that nobody looks at;
//! at last the folder gets its name and the catalog names the release. A release is a function of its plan and its
//! inputs, so that a seal can be repeated to the byte. An input that is not the planned one is never published.

mod encode;
mod pipeline;
mod plan;
mod progress;
mod publish;
mod rejects;
mod report;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::time::Instant;

use blindlist_protocol::ids::{Digest, ReleaseId};
use blindlist_protocol::manifest::Manifest;
use blindlist_protocol::params::{CANARIES, SEGMENT_LENGTH};
use rayon::slice::ParallelSliceMut as _;
use zeroize::Zeroizing;

use self::encode::{Encoded, write_index};
use self::pipeline::{Gathered, Record, Work, gather};
pub use self::plan::{Choices, Hex, IncidentDates, IncidentError, Input, Plan, Salt};
use self::progress::Progress;
use self::publish::{Operator, Staging, publish};
pub use self::report::{Checked, Outcome, RejectedKind, Sealed};
use crate::Error;
use crate::home::{Home, StoredEpoch};
use crate::outside::{now, random};

/// What to seal by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// A new release.
    Choices(Choices),
    /// The plan in this file, once more.
    Plan(PathBuf),
}

/// Seals the inputs into a release and publishes it.
///
/// # Errors
/// Those of [`Error`] for bad input; then nothing is published.
pub fn seal(home: &Home, inputs: &[PathBuf], by: By) -> Result<Sealed, Error> {
    let start = Instant::now();
    let releases = home.releases()?;
    let _lock = releases.lock()?;
    let operator = Operator::load(home)?;
    let plan = match by {
        By::Choices(choices) => new_plan(&operator, inputs, choices)?,
        By::Plan(path) => old_plan(&path, inputs)?,
    };
    publish::tell_leftovers(&releases, &plan);
    let epoch = operator.epoch(&plan)?;
    let staging = Staging::create(&releases, &plan)?;

    let mut gathered = evaluate_all(home, inputs, &plan, epoch)?;
    let valid = gathered.records.len() as u64;
    merge(&mut gathered.records);
    let people = gathered.records.len() as u64;
    add_canaries(&mut gathered.records, &plan, epoch)?;
    let (release, dictionary) = (&plan.release, &plan.choices.categories);
    let f = plan.choices.false_positive_bits;
    let encoded = write_index(&staging.index(), release, f, dictionary, &gathered.records)?;
    let manifest = manifest(&plan, &operator, epoch, &encoded);
    let rejected = home.rejected()?;
    let rejected_files = (0..inputs.len()).map(|place| rejects::file(&rejected, &plan.choices.list, place)).collect();
    let published = publish(home, &operator, staging, &plan, &manifest)?;
    Ok(Sealed {
        outcome: published.outcome,
        list: plan.choices.list,
        release: plan.release,
        rows: gathered.rows,
        people,
        merged: valid - people,
        rejected: report::rejected(&gathered.rejected),
        rejected_files,
        label_bytes: manifest.dictionary.label_length(),
        false_positive_bits: encoded.f,
        index_bytes: encoded.length,
        manifest: published.manifest,
        catalog_sequence: published.catalog.catalog.sequence,
        catalog: published.catalog.digest(),
        plan: published.plan,
        time: start.elapsed(),
    })
}

/// Reads the inputs as a seal would, and writes nothing.
///
/// # Errors
/// Those that a seal of these inputs would end with.
pub fn dry_run(inputs: &[PathBuf], choices: &Choices) -> Result<Checked, Error> {
    let work =
        Work { scheme: choices.scheme, columns: choices.overrides()?, dictionary: &choices.categories, evaluate: None };
    let progress = Progress::new(inputs);
    let gathered = gather(inputs, &work, |_| None, &progress);
    progress.finish();
    Ok(Checked::new(inputs, gathered?, choices.accept_rejects))
}

/// Everything that is chosen once: by the operator, by the clock and by chance.
fn new_plan(operator: &Operator, inputs: &[PathBuf], choices: Choices) -> Result<Plan, Error> {
    let replaced = operator.live_release(&choices.list);
    choices.overrides()?;
    Ok(Plan {
        version: Plan::VERSION,
        release: ReleaseId::from_bytes(*random()?),
        epoch: operator.newest_epoch()?.record.epoch,
        created: now()?,
        sequence: replaced.map_or(1, |release| release.manifest.sequence.saturating_add(1)),
        previous: replaced.map(|release| Hex(release.digest)),
        source_salt: Salt::from_bytes(*random()?),
        choices,
        inputs: inputs.iter().map(|input| fingerprint(input)).collect::<Result<_, _>>()?,
    })
}

fn old_plan(path: &Path, inputs: &[PathBuf]) -> Result<Plan, Error> {
    let plan = Plan::read(path)?;
    if plan.inputs.len() != inputs.len() {
        return Err(Error::PlanInputs { expected: plan.inputs.len(), found: inputs.len() });
    }
    for (input, planned) in inputs.iter().zip(&plan.inputs) {
        if fingerprint(input)? != *planned {
            return Err(Error::NotThePlanned { path: input.clone() });
        }
    }
    Ok(plan)
}

fn fingerprint(input: &Path) -> Result<Input, Error> {
    Ok(blindlist_records::digest(input)?.into())
}

impl From<blindlist_records::Digest> for Input {
    fn from(digest: blindlist_records::Digest) -> Self {
        Self { sha256: Hex(Digest::from_bytes(digest.sha256)), bytes: digest.length }
    }
}

fn evaluate_all(home: &Home, inputs: &[PathBuf], plan: &Plan, epoch: &StoredEpoch) -> Result<Gathered, Error> {
    let key = epoch.whole_key()?;
    let work = Work {
        scheme: plan.choices.scheme,
        columns: plan.choices.overrides()?,
        dictionary: &plan.choices.categories,
        evaluate: Some((&key, plan.release)),
    };
    let (rejected, list) = (home.rejected()?, &plan.choices.list);
    let file = |place| Some(rejects::file(&rejected, list, place));
    let progress = Progress::new(inputs);
    let gathered = gather(inputs, &work, file, &progress);
    progress.finish();
    let gathered = gathered?;
    rejects::remove_beyond(&rejected, list, inputs.len())?;
    for ((input, planned), read) in inputs.iter().zip(&plan.inputs).zip(&gathered.inputs) {
        if Input::from(read.digest) != *planned {
            return Err(Error::Changed { path: input.clone() });
        }
    }
    let verdict = report::verdict(gathered.rows, gathered.rejects(), plan.choices.accept_rejects);
    verdict.map_err(|refused| {
        eprint!("{}", report::reasons(&report::rejected(&gathered.rejected)));
        let listed = if inputs.len() == 1 { file(0) } else { Some(rejected.path().to_owned()) };
        refused.into_error(inputs, listed)
    })?;
    Ok(gathered)
}

/// Sorts by tag; a person in several rows becomes one, with the categories of all.
fn merge(records: &mut Zeroizing<Vec<Record>>) {
    records.par_sort_unstable_by_key(|record| record.tag);
    records.dedup_by(|later, kept| {
        let same = later.tag == kept.tag;
        if same {
            kept.label |= later.label;
        }
        same
    });
    // What grew in doublings is given back before zeroising would touch all of it.
    records.shrink_to_fit();
}

fn add_canaries(records: &mut Zeroizing<Vec<Record>>, plan: &Plan, epoch: &StoredEpoch) -> Result<(), Error> {
    let key = epoch.whole_key()?;
    let canaries = epoch.record.canaries(plan.choices.scheme);
    let labels: Vec<_> = (0..CANARIES).map(|i| plan.choices.categories.canary_label(i)).collect();
    let canaries = Zeroizing::new(pipeline::evaluate(&key, &plan.release, &canaries, &labels));
    records.reserve_exact(canaries.len());
    for canary in canaries.iter() {
        let place = records.partition_point(|record| record.tag < canary.tag);
        records.insert(place, *canary);
    }
    Ok(())
}

fn manifest(plan: &Plan, operator: &Operator, epoch: &StoredEpoch, encoded: &Encoded) -> Manifest {
    let choices = &plan.choices;
    Manifest {
        operator: epoch.record.operator.clone(),
        operator_key: operator.key.verifying(),
        list: choices.list.clone(),
        title: choices.title.clone(),
        incident: choices.incident.map(|dates| dates.0),
        audience: Vec::new(),
        release: plan.release,
        sequence: plan.sequence,
        previous: plan.previous.map(|hex| hex.0),
        created: plan.created,
        epoch: plan.epoch,
        key: epoch.record.key,
        scheme: choices.scheme,
        entries: encoded.entries,
        false_positive_bits: encoded.f,
        dictionary: choices.categories.clone(),
        source: plan.source(),
        index_length: encoded.length,
        segment_length: SEGMENT_LENGTH,
        segments: encoded.segments.clone(),
    }
}
