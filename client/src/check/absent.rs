//! Operators that do not answer, or not as they should: they are missing from the result, and do not spoil the others.

use std::fmt;

use blindlist_protocol::text::Slug;
use blindlist_store::exit::Code;

use super::summary::{OperatorSummary, Status};
use crate::profile::Profile;
use crate::{Caller, ClientError};

/// Operators that are not in the result, and why.
pub(super) struct Absent<'a> {
    several: bool,
    missing: Vec<(&'a Profile, ClientError)>,
    /// Those that have no list to look in: there is nothing to ask them, now or later.
    without_list: Vec<(&'a Profile, ClientError)>,
    caller: Caller,
}

impl<'a> Absent<'a> {
    pub(super) fn new(several: bool, caller: &Caller) -> Self {
        Self { several, missing: Vec::new(), without_list: Vec::new(), caller: caller.clone() }
    }

    /// Those that succeeded; the others are missing. When none is left, or the caller interrupts, the check fails.
    pub(super) fn present<T>(
        &mut self,
        operators: Vec<(&'a Profile, Result<T, ClientError>)>,
    ) -> Result<Vec<T>, ClientError> {
        let mut present = Vec::new();
        for (profile, result) in operators {
            match result {
                Ok(one) => present.push(one),
                Err(ClientError::Interrupted) => return Err(ClientError::Interrupted),
                Err(problem) => {
                    if self.several {
                        self.caller.about(&name(profile)).warn(problem.to_string());
                    }
                    let without_list = matches!(problem, ClientError::NoLiveList | ClientError::NoSuchList { .. });
                    let of_its_kind = if without_list { &mut self.without_list } else { &mut self.missing };
                    of_its_kind.push((profile, problem));
                }
            }
        }
        if present.is_empty() { Err(self.why_nobody_is_left()) } else { Ok(present) }
    }

    fn why_nobody_is_left(&mut self) -> ClientError {
        // A breach of the protocol is not to be hidden by a server that is down.
        let breach = self.missing.iter().position(|(_, problem)| problem.code() == Code::PeerBroke);
        let mut all = self.missing.drain(..).chain(self.without_list.drain(..)).map(|(_, problem)| problem);
        all.nth(breach.unwrap_or(0)).unwrap_or(ClientError::Internal("a check of no operator"))
    }

    /// What the report says of them.
    pub(super) fn summaries(&self) -> impl Iterator<Item = OperatorSummary> {
        let missing = self.missing.iter().map(|one| (Status::Missing, one));
        let absent = missing.chain(self.without_list.iter().map(|one| (Status::WithoutList, one)));
        absent.map(|(status, (profile, problem))| {
            OperatorSummary::absent(name(profile).to_string(), profile.path(), status, problem.to_string())
        })
    }
}

/// What to call an operator: its own name, or that of the profile folder.
pub(super) fn name(profile: &Profile) -> Slug {
    let bundle = profile.bundle().ok().flatten().map(|bundle| bundle.operator);
    let folder = || profile.path().file_name()?.to_str()?.parse().ok();
    bundle.or_else(folder).unwrap_or_else(|| "operator".parse().expect("a slug"))
}

impl fmt::Debug for Absent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.missing.iter().chain(&self.without_list);
        f.debug_list().entries(all.map(|(profile, problem)| (profile.path(), problem))).finish()
    }
}
