//! The look-up: every run of entries in its release (SPEC.md, "Matching").

use std::sync::{Mutex, PoisonError};

use blindlist_protocol::entry::Label;
use blindlist_protocol::job::Place;
use blindlist_protocol::live::Release;
use blindlist_protocol::matching::{Candidate, MatchError, Matcher};

use super::entries::Entries;
use super::findings::Findings;
use super::plan::Plan;
use crate::profile::Profile;
use crate::room::Room;
use crate::{Broken, ClientError, Stop, index};

/// Looks all entries up in their releases.
///
/// # Errors
/// [`Broken::Match`] when a canary is missing or a label makes no sense: nobody's status can be concluded then.
pub(super) fn look_up(
    profile: &Profile,
    plan: &Plan,
    entries: &Entries,
    room: &Room,
    stop: &Stop,
) -> Result<Findings, ClientError> {
    let mut findings = Findings::new();
    for part in &plan.parts {
        let secret = part.secret()?;
        let canaries = part.canaries.each_ref().map(|canary| secret.place(canary));
        let mut found = Vec::new();
        for place in &part.releases {
            let release = plan.releases.get(*place).ok_or(ClientError::Internal("entries without a release"))?;
            let run = |number| entries.run(*place, number, &canaries);
            found.push((*place, one_release(profile, release, entries.runs(), &run, room, stop)?));
        }
        findings.add(secret, found);
    }
    Ok(findings)
}

/// Looks the runs of one release up, on all threads: the members who are on its list.
fn one_release(
    profile: &Profile,
    Release { manifest, .. }: &Release,
    runs: usize,
    run: &(impl Fn(usize) -> Result<Vec<Candidate>, ClientError> + Sync),
    room: &Room,
    stop: &Stop,
) -> Result<Vec<(Place, Label)>, ClientError> {
    let broken = |source| Broken::Match { list: manifest.list.clone(), source };
    let index = index::open(profile, manifest)?;
    let (mut matcher, hits) = (Matcher::new(manifest), Mutex::new(Vec::new()));
    room.each(runs, stop, |number| {
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
    Ok(members.map(|(place, label)| (Place::from_bits(place), label)).collect())
}
