//! Looking entries up in the index of a release (SPEC.md, "Matching").
//!
//! Every canary must be found with exactly its known label before anything that was found is passed on: [`Matcher`] keeps
//! what was found until then.

use crate::entry::{Dictionary, Entry, InconsistentLabel, Label};
use crate::index::{Index, IndexError, Storage};
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
    /// A member, by the caller's reference.
    Member(u128),
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

/// Why nobody's status can be concluded from a release. `E` is what reading its index fails with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MatchError<E = IndexError> {
    /// The index cannot be read, or is malformed.
    #[error(transparent)]
    Index(E),
    /// A label that makes no sense.
    #[error(transparent)]
    Label(InconsistentLabel),
    /// A canary that is not there, or has another label.
    #[error(transparent)]
    Canary(#[from] MissingCanary),
}

/// A canary that was not found with its known label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a canary was not found with its known label: key, proof, index or code disagree")]
pub struct MissingCanary;

/// Matches the candidates of one release, run by run, in any order and by several threads at once.
pub struct Matcher {
    dictionary: Dictionary,
    canaries: [Option<Label>; CANARIES],
    members: Vec<Vec<(u128, Label)>>,
}

/// What one run of candidates found. Only [`Matcher::finish`] gives it out.
pub struct Hits {
    canaries: [Option<Label>; CANARIES],
    members: Vec<(u128, Label)>,
}

impl Matcher {
    /// Nothing was looked up yet.
    pub fn new(manifest: &Manifest) -> Self {
        Self { dictionary: manifest.dictionary.clone(), canaries: [None; CANARIES], members: Vec::new() }
    }

    /// Looks one run up, ascending by tag, in one walk through the index, which must be the manifest's.
    ///
    /// # Errors
    /// [`MatchError::Index`], also when the run is not ascending, and [`MatchError::Label`].
    pub fn look_up<S: Storage>(&self, sorted: &[Candidate], index: &Index<S>) -> Result<Hits, MatchError<S::Error>> {
        let mut hits = Hits { canaries: [None; CANARIES], members: Vec::new() };
        let mut consistent = Ok(());
        let tags = sorted.iter().map(|candidate| candidate.entry.tag);
        let merged = index.merge(tags, |place, sealed| {
            let Some(Candidate { entry, who }) = sorted.get(place) else { return };
            match entry.open(sealed, &self.dictionary) {
                Ok(label) => hits.add(*who, label),
                Err(error) => consistent = Err(MatchError::Label(error)),
            }
        });
        merged.map_err(MatchError::Index)?;
        consistent?;
        hits.members.shrink_to_fit();
        Ok(hits)
    }

    /// Takes what a run found.
    pub fn add(&mut self, hits: Hits) {
        for (slot, found) in self.canaries.iter_mut().zip(hits.canaries) {
            *slot = found.or(*slot);
        }
        self.members.push(hits.members);
    }

    /// The members that are on the list with their labels, in the order of the runs, once every canary was found with
    /// exactly its known label.
    ///
    /// # Errors
    /// [`MissingCanary`].
    pub fn finish(self) -> Result<impl Iterator<Item = (u128, Label)>, MissingCanary> {
        for (i, label) in self.canaries.iter().enumerate() {
            if *label != Some(self.dictionary.canary_label(i)) {
                return Err(MissingCanary);
            }
        }
        Ok(self.members.into_iter().flatten())
    }
}

impl Hits {
    fn add(&mut self, who: Who, label: Label) {
        match who {
            Who::Member(reference) => self.members.push((reference, label)),
            Who::Canary(i) => self.canaries.get_mut(usize::from(i)).into_iter().for_each(|slot| *slot = Some(label)),
        }
    }
}

impl fmt::Debug for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Matcher(redacted)")
    }
}

impl fmt::Debug for Hits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hits(redacted)")
    }
}

#[cfg(test)]
mod tests;
