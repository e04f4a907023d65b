//! Whom a job asks about: everybody, or those alone whose evaluations are not remembered. Of the others, the entries are
//! derived at once.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use blindlist_protocol::entry::Entry;
use blindlist_protocol::identifier::Identifier;
use blindlist_protocol::ids::{JobId, ReleaseId};
use blindlist_protocol::job::{self, JobSeed};
use blindlist_protocol::oprf::Evaluation;
use blindlist_protocol::params::CANARIES;

use super::alias::Aliases;
use super::entries::Entries;
use super::people::{Gathering, People};
use super::plan::Part;
use crate::profile::jobs::asked::AskedPeople;
use crate::profile::remembered::Remembered;
use crate::room::Room;
use crate::{Caller, ClientError, outside};

/// How many elements a job has at least.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Padding {
    /// A multiple of 64, as every job.
    #[default]
    Least,
    /// So many.
    To(u64),
    /// The next of 1, 2 or 5 times a power of ten.
    Round,
}

impl Padding {
    /// The elements of a job of so many identifiers.
    pub(super) fn elements(self, identifiers: u64) -> u64 {
        let least = match self {
            Self::Least => 0,
            Self::To(least) => least,
            Self::Round => round(identifiers),
        };
        job::padded_cost(identifiers, least)
    }
}

/// The next of 1, 2 or 5 times a power of ten.
fn round(n: u64) -> u64 {
    let powers = (0..19).map(|exponent| 10_u64.pow(exponent));
    let mut steps = powers.flat_map(|power| [power, 2 * power, 5 * power]);
    steps.find(|step| *step >= n).unwrap_or(n)
}

/// Where the entries of people go.
#[derive(Clone, Debug)]
pub(super) struct Sink {
    /// The entries of all releases.
    pub entries: Arc<Entries>,
    /// The names of people.
    pub aliases: Aliases,
    /// The releases of one epoch, each with its place in the plan.
    pub releases: Vec<(usize, ReleaseId)>,
}

impl Sink {
    /// Adds somebody's entries in all releases.
    pub(super) fn add(&self, people: &[(&Identifier, &Evaluation)]) -> Result<(), ClientError> {
        for (list, release) in &self.releases {
            let entry = |(identifier, evaluation): &(&Identifier, &Evaluation)| {
                (Entry::derive(release, evaluation), self.aliases.of(identifier))
            };
            self.entries.add(*list, &people.iter().map(entry).collect::<Vec<_>>())?;
        }
        Ok(())
    }
}

/// What is to be asked in one epoch.
#[derive(Debug)]
pub(super) struct Selection {
    /// The id and the seed of the new job, unless one goes on.
    pub new: Option<(JobId, JobSeed)>,
    /// Whom the job asks about, if not about everybody.
    pub asked: Option<AskedPeople>,
    /// The job's elements; none when nothing is to be asked.
    pub elements: u64,
    /// Of these, members.
    pub members: u64,
    /// Members whose evaluations are remembered, and not asked for.
    pub remembered: u64,
}

impl Selection {
    /// The canaries among the elements: none when nothing is asked.
    pub(super) fn canaries(&self) -> u64 {
        if self.elements == 0 { 0 } else { CANARIES as u64 }
    }

    /// The padding among them.
    pub(super) fn padding(&self) -> u64 {
        self.elements - self.members - self.canaries()
    }
}

/// Selects whom to ask about in an epoch, and derives the entries of the others.
///
/// # Errors
/// [`ClientError::Forgotten`] when the job to go on with left out people whose evaluations are gone;
/// [`ClientError::Store`], [`ClientError::Interrupted`].
pub(super) fn select(
    part: &Part,
    people: &People,
    (remembered, sink): (Option<&Remembered>, &Sink),
    padding: Padding,
    room: &Room,
    caller: &Caller,
) -> Result<Selection, ClientError> {
    let distinct = people.distinct();
    let (joiners, canaries_known) = match remembered {
        None => (None, false),
        Some(remembered) => {
            let derive = |identifier: Identifier, evaluation: &Evaluation| sink.add(&[(&identifier, evaluation)]);
            let joiners = remembered.split(people, room, caller, derive)?;
            let canaries = remembered.split(&gathered(&part.canaries, room, caller)?, room, caller, derive)?;
            (Some(joiners), canaries.distinct() == 0)
        }
    };
    if let Some(job) = &part.job {
        let asked = job.asked().cloned();
        if let Some(asked) = &asked {
            covered(part, job.seed(), asked, joiners.as_ref().unwrap_or(people), room, caller)?;
        }
        let members = asked.as_ref().map_or(distinct, AskedPeople::count);
        let remembered = distinct.saturating_sub(members);
        return Ok(Selection { new: None, asked, elements: job.elements(), members, remembered });
    }
    let members = joiners.as_ref().map_or(distinct, People::distinct);
    // Who hides how many joined hides that nobody did.
    let nobody = members == 0 && canaries_known && padding == Padding::Least;
    let elements = if nobody { 0 } else { padding.elements(members + CANARIES as u64) };
    let (id, seed) = (JobId::from_bytes(*outside::random()?), JobSeed::from_bytes(*outside::random()?));
    let asked = match &joiners {
        Some(joiners) if members < distinct => Some(places(part, &seed, joiners, room, caller)?),
        Some(_) | None => None,
    };
    Ok(Selection { new: Some((id, seed)), asked, elements, members, remembered: distinct - members })
}

/// These people, as people of a member file.
fn gathered(people: &[Identifier], room: &Room, caller: &Caller) -> Result<People, ClientError> {
    let mut gathering = Gathering::new(room)?;
    people.iter().try_for_each(|one| gathering.add(one.clone()))?;
    gathering.finish(room, caller)
}

/// The places of people in a job.
fn places(
    part: &Part,
    seed: &JobSeed,
    people: &People,
    room: &Room,
    caller: &Caller,
) -> Result<AskedPeople, ClientError> {
    let (secret, places) = (part.epoch.blinding(seed), Mutex::new(Vec::new()));
    people.each(room, caller, |one| {
        places.lock().unwrap_or_else(PoisonError::into_inner).push(secret.place(&one));
        Ok(())
    })?;
    Ok(AskedPeople::new(places.into_inner().unwrap_or_else(PoisonError::into_inner)))
}

/// Makes sure that a job asks about all these people.
fn covered(
    part: &Part,
    seed: &JobSeed,
    asked: &AskedPeople,
    people: &People,
    room: &Room,
    caller: &Caller,
) -> Result<(), ClientError> {
    let (secret, missing) = (part.epoch.blinding(seed), AtomicU64::new(0));
    people.each(room, caller, |one| {
        missing.fetch_add(u64::from(!asked.contains(secret.place(&one))), Ordering::Relaxed);
        Ok(())
    })?;
    match missing.into_inner() {
        0 => Ok(()),
        missing => Err(ClientError::Forgotten(missing)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_padded_to_what_was_said() {
        assert_eq!(Padding::Least.elements(61), 64);
        assert_eq!(Padding::To(1_000).elements(61), 1_024);
        assert_eq!(Padding::To(10).elements(61), 64, "never fewer than there are");
        for (identifiers, elements) in [(1, 64), (61, 128), (201, 512), (1_001, 2_048), (50_000, 50_048)] {
            assert_eq!(Padding::Round.elements(identifiers), elements, "{identifiers}");
        }
        assert_eq!(round(u64::MAX), u64::MAX);
    }
}
