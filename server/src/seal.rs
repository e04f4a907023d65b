//! `seal`: a breach list becomes a release (SPEC.md, "Entries and labels", "The index", "Manifest").
//!
//! First a [`Plan`] is fixed and kept; then the inputs are read, evaluated and encoded into a folder that nobody looks at;
//! at last the folder gets its name and the catalog names the release. A release is a function of its plan and its
//! inputs, so that a seal can be repeated to the byte. An input that is not the planned one is never published.
//!
//! A split makes one list for each insurer from one reading of the inputs. Its releases have one plan, and one catalog
//! names all of them or none.

mod audience;
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
use blindlist_protocol::text::Slug;
use rayon::slice::ParallelSliceMut as _;
use zeroize::Zeroizing;

pub use self::audience::{Addressee, Audience, AudienceError, MapError, Part, Split, UnknownInsurer, enrolled};
use self::encode::{Encoded, write_index};
use self::pipeline::{Gathered, Gathering, Record, Work, gather};
use self::plan::Chosen;
pub use self::plan::{Choices, Hex, IncidentDates, IncidentError, Input, Plan, Planned, Salt};
use self::progress::Progress;
use self::publish::{Operator, Ready, Staging, publish};
pub use self::report::{Checked, Outcome, RejectedKind, Sealed, SealedList};
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

/// Seals the inputs into a release, or one for each part of a split, and publishes it.
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
    report::tell_audience(&operator, &plan)?;
    let epoch = operator.epoch(&plan)?;
    let staging = Staging::create(&releases, &plan)?;

    let mut gathered = evaluate_all(home, inputs, &plan, epoch)?;
    let (mut lists, mut ready, mut without) = (Vec::new(), Vec::new(), Vec::new());
    let parts = std::mem::take(&mut gathered.lists);
    for ((planned, chosen), part) in plan.releases.iter().zip(plan.choices.lists()?).zip(parts) {
        if part.rows == 0 {
            without.push(planned.list.clone());
            continue;
        }
        let (release, list) = seal_one(&plan, planned, &chosen, part, &operator, epoch, &staging)?;
        ready.push(release);
        lists.push(list);
    }
    let rejected = home.rejected()?;
    let rejected_files = (0..inputs.len()).map(|place| rejects::file(&rejected, &plan.choices.list, place)).collect();
    let published = publish(home, &operator, &staging, &plan, &ready)?;
    for (list, digest) in lists.iter_mut().zip(published.manifests) {
        list.manifest = digest;
    }
    Ok(Sealed {
        outcome: published.outcome,
        stays: report::stays(&operator, &plan, &without),
        lists,
        without,
        rows: gathered.rows,
        rejected: report::rejected(&gathered.rejected),
        rejected_files,
        label_bytes: plan.choices.categories.label_length(),
        catalog_sequence: published.catalog.catalog.sequence,
        catalog: published.catalog.digest(),
        plan: published.plan,
        time: start.elapsed(),
    })
}

/// From the records of one list to its index, and what is to be published of it.
fn seal_one(
    plan: &Plan,
    planned: &Planned,
    chosen: &Chosen<'_>,
    mut part: Gathering,
    operator: &Operator,
    epoch: &StoredEpoch,
    staging: &Staging,
) -> Result<(Ready, SealedList), Error> {
    let valid = part.records.len() as u64;
    merge(&mut part.records);
    let people = part.records.len() as u64;
    add_canaries(&mut part.records, plan, planned.release, epoch)?;
    let (f, dictionary) = (plan.choices.false_positive_bits, &plan.choices.categories);
    let index = staging.index(planned.release)?;
    let encoded = write_index(&index, &planned.release, f, dictionary, &part.records)?;
    let audience: Vec<Slug> = chosen.audience.iter().map(|insurer| insurer.name.clone()).collect();
    let list = SealedList {
        list: planned.list.clone(),
        audience: audience.clone(),
        release: planned.release,
        people,
        merged: valid - people,
        false_positive_bits: encoded.f,
        index_bytes: encoded.length,
        // Known once it is signed.
        manifest: Digest::from_bytes([0; 32]),
    };
    let manifest = manifest(plan, planned, audience, operator, epoch, &encoded);
    let addressees = chosen.audience.iter().map(|insurer| insurer.id).collect();
    Ok((Ready { manifest, addressees }, list))
}

/// Reads the inputs as a seal would, and writes nothing.
///
/// # Errors
/// Those that a seal of these inputs would end with.
pub fn dry_run(inputs: &[PathBuf], choices: &Choices) -> Result<Checked, Error> {
    let work = Work::new(choices, None)?;
    let progress = Progress::new(inputs);
    let gathered = gather(inputs, &work, |_| None, &progress);
    progress.finish();
    Checked::new(inputs, gathered?, choices)
}

/// Everything that is chosen once: by the operator, by the clock and by chance.
fn new_plan(operator: &Operator, inputs: &[PathBuf], mut choices: Choices) -> Result<Plan, Error> {
    choices.overrides()?;
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
    Ok(Plan {
        version: Plan::VERSION,
        releases,
        epoch: operator.chosen_epoch(choices.epoch.as_deref())?.record.epoch,
        created: now()?,
        source_salt: Salt::from_bytes(*random()?),
        choices,
        inputs: inputs.iter().map(|input| fingerprint(input)).collect::<Result<_, _>>()?,
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
    let ids = plan.releases.iter().map(|planned| planned.release).collect();
    let work = Work::new(&plan.choices, Some((&key, ids)))?;
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

fn add_canaries(
    records: &mut Zeroizing<Vec<Record>>,
    plan: &Plan,
    release: ReleaseId,
    epoch: &StoredEpoch,
) -> Result<(), Error> {
    let key = epoch.whole_key()?;
    let canaries = epoch.record.canaries(plan.choices.scheme);
    let labels: Vec<_> = (0..CANARIES).map(|i| (plan.choices.categories.canary_label(i), 0)).collect();
    let canaries = Zeroizing::new(pipeline::evaluate(&key, &[release], &canaries, &labels));
    records.reserve_exact(canaries.len());
    for canary in canaries.iter() {
        let place = records.partition_point(|record| record.tag < canary.tag);
        records.insert(place, *canary);
    }
    Ok(())
}

fn manifest(
    plan: &Plan,
    planned: &Planned,
    audience: Vec<Slug>,
    operator: &Operator,
    epoch: &StoredEpoch,
    encoded: &Encoded,
) -> Manifest {
    let choices = &plan.choices;
    Manifest {
        operator: epoch.record.operator.clone(),
        operator_key: operator.key.verifying(),
        list: planned.list.clone(),
        title: choices.title.clone(),
        incident: choices.incident.map(|dates| dates.0),
        audience,
        release: planned.release,
        sequence: planned.sequence,
        previous: planned.previous.map(|hex| hex.0),
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
