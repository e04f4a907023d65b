//! The look-up: every run of entries in its release (SPEC.md, "Matching").

use std::sync::{Mutex, PoisonError};

use blindlist_protocol::entry::Label;
use blindlist_protocol::live::Release;
use blindlist_protocol::matching::{Candidate, MatchError, Matcher};

use super::alias::{Alias, Aliases};
use super::entries::Entries;
use super::plan::Plan;
use crate::profile::Profile;
use crate::room::Room;
use crate::{Broken, Caller, ClientError, index};

/// Looks all entries up in their releases: for each release, in the order of the plan, who is on its list.
///
/// # Errors
/// [`Broken::Match`] when a canary is missing or a label makes no sense: nobody's status can be concluded then.
pub(super) fn look_up(
    profile: &Profile,
    plan: &Plan,
    (entries, aliases): (&Entries, &Aliases),
    room: &Room,
    caller: &Caller,
) -> Result<Vec<Vec<(Alias, Label)>>, ClientError> {
    let mut found: Vec<_> = plan.releases.iter().map(|_| Vec::new()).collect();
    for part in &plan.parts {
        let canaries = part.canaries.each_ref().map(|canary| aliases.of(canary));
        for place in &part.releases {
            let missing = || ClientError::Internal("entries without a release");
            let release = plan.releases.get(*place).ok_or_else(missing)?;
            let run = |number| entries.run(*place, number, &canaries);
            *found.get_mut(*place).ok_or_else(missing)? =
                one_release(profile, release, entries.runs(), &run, room, caller)?;
        }
    }
    Ok(found)
}

/// Looks the runs of one release up, on all threads: the members who are on its list.
fn one_release(
    profile: &Profile,
    Release { manifest, .. }: &Release,
    runs: usize,
    run: &(impl Fn(usize) -> Result<Vec<Candidate>, ClientError> + Sync),
    room: &Room,
    caller: &Caller,
) -> Result<Vec<(Alias, Label)>, ClientError> {
    let broken = |source| Broken::Match { list: manifest.list.clone(), source };
    let index = index::open(profile, manifest)?;
    let (mut matcher, hits) = (Matcher::new(manifest), Mutex::new(Vec::new()));
    room.each(runs, caller, |number| {
        let candidates = run(number)?;
        if candidates.is_empty() {
            return Ok(());
        }
        let found = matcher.look_up(&candidates, &index).map_err(|error| match error {
            MatchError::Index(error) => error.into(),
            MatchError::Label(error) => ClientError::from(broken(MatchError::Label(error))),
            MatchError::Canary(error) => broken(error.into()).into(),
        })?;
        hits.lock().unwrap_or_else(PoisonError::into_inner).push(found);
        Ok(())
    })?;
    let hits = hits.into_inner().unwrap_or_else(PoisonError::into_inner);
    hits.into_iter().for_each(|found| matcher.add(found));
    let members = matcher.finish().map_err(|missing| broken(missing.into()))?;
    Ok(members.map(|(alias, label)| (Alias::from_bits(alias), label)).collect())
}
