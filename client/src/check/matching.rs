//! Looking entries up in the index of a release, and what was found.
//!
//! Every canary must be found with exactly its known label before anything that was found is passed on.

use std::collections::{HashMap, HashSet};
use std::fmt;

use blindlist_protocol::entry::Label;
use blindlist_protocol::index::Index;
use blindlist_protocol::manifest::Manifest;
use blindlist_protocol::params::CANARIES;

use super::asking::Kept;
use crate::Broken;

/// Looks all entries up in one walk and calls `found` with the number of each member who is on the list. Entries
/// numbered from `members` on are the canaries.
///
/// # Errors
/// [`Broken`]: a label that makes no sense, a canary that is missing or has another label, a malformed index.
pub(super) fn look_up(
    mut entries: Vec<Kept>,
    members: usize,
    (manifest, index): (&Manifest, &Index<'_>),
    mut found: impl FnMut(u32, Label),
) -> Result<(), Broken> {
    entries.sort_unstable_by_key(|kept| kept.entry.tag);
    let mut hits: Vec<(Kept, u64)> = Vec::new();
    let tags = entries.iter().map(|kept| kept.entry.tag);
    let walked = index.merge(tags, |place, sealed| hits.extend(entries.get(place).map(|kept| (*kept, sealed))));
    let list = || manifest.list.clone();
    walked.map_err(|source| Broken::Index { list: list(), source })?;

    let mut canaries: [Option<Label>; CANARIES] = [None; CANARIES];
    let mut affected = Vec::new();
    for (kept, sealed) in hits {
        let opened = kept.entry.open(sealed, &manifest.dictionary);
        let label = opened.map_err(|source| Broken::Label { list: list(), source })?;
        let behind = usize::try_from(kept.person).ok().and_then(|person| person.checked_sub(members));
        match behind {
            None => affected.push((kept.person, label)),
            Some(canary) => canaries.get_mut(canary).into_iter().for_each(|slot| *slot = Some(label)),
        }
    }
    for (i, label) in canaries.iter().enumerate() {
        if *label != Some(manifest.dictionary.canary_label(i)) {
            return Err(Broken::Canary(list()));
        }
    }
    affected.into_iter().for_each(|(person, label)| found(person, label));
    Ok(())
}

/// Which member, by number, was found on which list.
pub(super) struct Findings {
    /// For each release, the labels of the members on it.
    lists: Vec<HashMap<u32, Label>>,
}

impl fmt::Debug for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Findings(redacted)")
    }
}

impl Findings {
    /// Nothing found on so many lists.
    pub(super) fn new(lists: usize) -> Self {
        Self { lists: (0..lists).map(|_| HashMap::new()).collect() }
    }

    /// Adds a member who is on the list at this place.
    pub(super) fn add(&mut self, list: usize, person: u32, label: Label) {
        if let Some(labels) = self.lists.get_mut(list) {
            labels.insert(person, label);
        }
    }

    /// The places of the lists that a member is on, with the labels; none for most.
    pub(super) fn of(&self, person: u32) -> Vec<(usize, Label)> {
        let lists = self.lists.iter().enumerate();
        lists.filter_map(|(place, labels)| Some((place, *labels.get(&person)?))).collect()
    }

    /// How many members are on any list.
    pub(super) fn people(&self) -> u64 {
        self.lists.iter().flat_map(HashMap::keys).collect::<HashSet<_>>().len() as u64
    }
}
