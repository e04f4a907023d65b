//! Looking entries up in the index of a release (SPEC.md, "Matching").
//!
//! Every canary must be found with exactly its known label before anything that was found is passed on.

use crate::entry::{Entry, InconsistentLabel, Label};
use crate::index::{Index, IndexError};
use crate::manifest::Manifest;
use crate::params::CANARIES;
use std::fmt;

/// The entry of a member or a canary in a release.
#[derive(Clone, Copy)]
pub struct Candidate {
    /// Tag and pad.
    pub entry: Entry,
    /// Whose.
    pub who: Who,
}

/// Whose entry is looked up.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// A member, by the caller's number.
    Member(u32),
    /// The epoch's i-th canary, from 0.
    Canary(u8),
}

impl fmt::Debug for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Candidate(redacted)")
    }
}

impl fmt::Debug for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Who(redacted)")
    }
}

/// Why nobody's status can be concluded from a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MatchError {
    /// The index is malformed.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// A label that makes no sense.
    #[error(transparent)]
    Label(#[from] InconsistentLabel),
    /// A canary that is not there, or has another label.
    #[error("a canary was not found with its known label: key, proof, index or code disagree")]
    Canary,
}

/// Looks all candidates up in one walk and calls `found` for each member who is on the list.
///
/// # Errors
/// [`MatchError`]; `found` was not called then.
pub fn look_up(
    mut candidates: Vec<Candidate>,
    manifest: &Manifest,
    index: &Index<'_>,
    mut found: impl FnMut(u32, Label),
) -> Result<(), MatchError> {
    candidates.sort_unstable_by_key(|candidate| candidate.entry.tag);
    let mut hits: Vec<(Candidate, u64)> = Vec::new();
    let tags = candidates.iter().map(|candidate| candidate.entry.tag);
    index.merge(tags, |place, sealed| hits.extend(candidates.get(place).map(|candidate| (*candidate, sealed))))?;

    let mut canaries: [Option<Label>; CANARIES] = [None; CANARIES];
    let mut affected = Vec::new();
    for (candidate, sealed) in hits {
        let label = candidate.entry.open(sealed, &manifest.dictionary)?;
        match candidate.who {
            Who::Member(number) => affected.push((number, label)),
            Who::Canary(i) => canaries.get_mut(usize::from(i)).into_iter().for_each(|slot| *slot = Some(label)),
        }
    }
    for (i, label) in canaries.iter().enumerate() {
        if *label != Some(manifest.dictionary.canary_label(i)) {
            return Err(MatchError::Canary);
        }
    }
    affected.into_iter().for_each(|(member, label)| found(member, label));
    Ok(())
}

#[cfg(test)]
mod tests;
