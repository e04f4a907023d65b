//! Operators that do not answer, or not as they should: they are missing from the result, and do not spoil the others.

use std::fmt;

use blindlist_protocol::text::Slug;
use blindlist_store::exit::Code;

use super::summary::OperatorSummary;
use crate::profile::Profile;
use crate::{Caller, ClientError};

/// Operators that are missing from the result, and why.
pub(super) struct Absent<'a> {
    several: bool,
    missing: Vec<(&'a Profile, ClientError)>,
    caller: Caller,
}

impl<'a> Absent<'a> {
    pub(super) fn new(several: bool, caller: &Caller) -> Self {
        Self { several, missing: Vec::new(), caller: caller.clone() }
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
                        self.caller.about(&name(profile)).warn(format!("{problem}"));
                    }
                    self.missing.push((profile, problem));
                }
            }
        }
        if present.is_empty() && !self.missing.is_empty() {
            // A breach of the protocol is not to be hidden by a server that is down.
            let breach = self.missing.iter().position(|(_, problem)| problem.code() == Code::PeerBroke);
            return Err(self.missing.remove(breach.unwrap_or(0)).1);
        }
        Ok(present)
    }

    /// The name of each, and why it is missing.
    pub(super) fn problems(&self) -> impl Iterator<Item = (String, String)> {
        self.missing.iter().map(|(profile, problem)| (name(profile).to_string(), problem.to_string()))
    }

    /// What the report says of them.
    pub(super) fn summaries(&self) -> impl Iterator<Item = OperatorSummary> {
        let missing = self.missing.iter();
        missing.map(|(profile, problem)| {
            OperatorSummary::missing(name(profile).to_string(), profile.path(), problem.to_string())
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
        f.debug_list().entries(self.missing.iter().map(|(profile, problem)| (profile.path(), problem))).finish()
    }
}
