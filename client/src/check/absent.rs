//! Operators that do not answer, or not as they should: they are missing from the result, and do not spoil the others.

use std::fmt;

use blindlist_protocol::text::Slug;
use blindlist_store::exit::Code;

use super::opened::Opened;
use super::summary::{CatalogSummary, OperatorSummary, Status};
use crate::profile::Profile;
use crate::{Caller, ClientError};

/// Operators that are not in the result, and why.
pub(super) struct Absent<'a> {
    several: bool,
    missing: Vec<(&'a Profile, ClientError)>,
    /// Those that have no list to look in: there is nothing to ask them, now or later.
    without_list: Vec<(&'a Profile, ClientError, CatalogSummary)>,
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
                    self.missing.push((profile, problem));
                }
            }
        }
        if present.is_empty() { Err(self.why_nobody_is_left()) } else { Ok(present) }
    }

    /// Those that have a list among the operators that said what is live.
    pub(super) fn with_list<C>(&mut self, opened: Vec<(C, Opened<'a>)>) -> Result<Vec<(C, Opened<'a>)>, ClientError> {
        let mut with_list = Vec::new();
        for (channel, mut opened) in opened {
            match opened.nothing.take() {
                None => with_list.push((channel, opened)),
                Some(problem) => {
                    if self.several {
                        opened.caller.warn(problem.to_string());
                    }
                    let catalog = CatalogSummary::new(&opened.catalog, opened.digest);
                    self.without_list.push((opened.profile, problem, catalog));
                }
            }
        }
        if with_list.is_empty() { Err(self.why_nobody_is_left()) } else { Ok(with_list) }
    }

    fn why_nobody_is_left(&mut self) -> ClientError {
        // A breach of the protocol is not to be hidden by a server that is down.
        let breach = self.missing.iter().position(|(_, problem)| problem.code() == Code::PeerBroke);
        let without_list = self.without_list.drain(..).map(|(_, problem, _)| problem);
        let mut all = self.missing.drain(..).map(|(_, problem)| problem).chain(without_list);
        all.nth(breach.unwrap_or(0)).unwrap_or(ClientError::Internal("a check of no operator"))
    }

    /// What the report says of them.
    pub(super) fn summaries(&self) -> impl Iterator<Item = OperatorSummary> {
        let summary = |profile: &Profile, status, problem: &ClientError| {
            OperatorSummary::absent(name(profile).to_string(), profile.path(), status, problem)
        };
        let missing = self.missing.iter().map(move |(profile, problem)| summary(profile, Status::Missing, problem));
        let without_list = self.without_list.iter().map(move |(profile, problem, catalog)| OperatorSummary {
            catalog: Some(catalog.clone()),
            resumable: false,
            ..summary(profile, Status::WithoutList, problem)
        });
        missing.chain(without_list)
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
        let missing = self.missing.iter().map(|(profile, problem)| (profile.path(), problem));
        let without_list = self.without_list.iter().map(|(profile, problem, _)| (profile.path(), problem));
        f.debug_list().entries(missing.chain(without_list)).finish()
    }
}
