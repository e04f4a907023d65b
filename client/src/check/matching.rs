//! Looking entries up in the index of a release, and what was found.
//!
//! Every canary must be found with exactly its known label before anything that was found is passed on.

use std::collections::HashMap;
use std::fmt;

use blindlist_protocol::entry::Label;
use blindlist_protocol::identifier::Identifier;
use blindlist_protocol::index::Index;
use blindlist_protocol::job::Item;
use blindlist_protocol::manifest::Manifest;

use super::asking::Kept;
use crate::Broken;

/// Looks all entries up in one walk and calls `found` for each member who is on the list.
///
/// # Errors
/// [`Broken`]: a label that makes no sense, a canary that is missing or has another label, a malformed index.
pub(super) fn look_up(
    mut entries: Vec<Kept>,
    items: &[Item],
    canaries: &[Identifier],
    (manifest, index): (&Manifest, &Index<'_>),
    mut found: impl FnMut(&Identifier, Label),
) -> Result<(), Broken> {
    entries.sort_unstable_by_key(|kept| kept.entry.tag);
    let mut hits: Vec<(Kept, u64)> = Vec::new();
    let tags = entries.iter().map(|kept| kept.entry.tag);
    let walked = index.merge(tags, |place, sealed| hits.extend(entries.get(place).map(|kept| (*kept, sealed))));
    let list = || manifest.list.clone();
    walked.map_err(|source| Broken::Index { list: list(), source })?;

    let mut labels: Vec<Option<Label>> = canaries.iter().map(|_| None).collect();
    let mut members = Vec::new();
    for (kept, sealed) in hits {
        let opened = kept.entry.open(sealed, &manifest.dictionary);
        let label = opened.map_err(|source| Broken::Label { list: list(), source })?;
        let Some(Item::Person(identifier)) = usize::try_from(kept.item).ok().and_then(|item| items.get(item)) else {
            continue;
        };
        match canaries.iter().position(|canary| canary == identifier).and_then(|i| labels.get_mut(i)) {
            Some(slot) => *slot = Some(label),
            None => members.push((identifier, label)),
        }
    }
    for (i, label) in labels.iter().enumerate() {
        if *label != Some(manifest.dictionary.canary_label(i)) {
            return Err(Broken::Canary(list()));
        }
    }
    members.into_iter().for_each(|(identifier, label)| found(identifier, label));
    Ok(())
}

/// Who was found on which list.
pub(super) struct Findings {
    people: HashMap<Identifier, u32>,
    /// For each release, the labels of the people on it.
    lists: Vec<HashMap<u32, Label>>,
}

impl fmt::Debug for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Findings(redacted)")
    }
}

impl Findings {
    /// Nothing found on so many lists.
    pub fn new(lists: usize) -> Self {
        Self { people: HashMap::new(), lists: (0..lists).map(|_| HashMap::new()).collect() }
    }

    /// Adds somebody who is on the list at this place.
    pub fn add(&mut self, list: usize, identifier: &Identifier, label: Label) {
        let next = u32::try_from(self.people.len()).expect("a job numbers its members with 32 bits");
        let person = match self.people.get(identifier) {
            Some(person) => *person,
            None => *self.people.entry(identifier.clone()).or_insert(next),
        };
        if let Some(labels) = self.lists.get_mut(list) {
            labels.insert(person, label);
        }
    }

    /// The places of the lists that somebody is on, with their labels; none for most.
    pub fn of(&self, identifier: &Identifier) -> Vec<(usize, Label)> {
        let Some(person) = self.people.get(identifier) else {
            return Vec::new();
        };
        let lists = self.lists.iter().enumerate();
        lists.filter_map(|(place, labels)| Some((place, *labels.get(person)?))).collect()
    }

    /// How many people are on any list.
    pub fn people(&self) -> u64 {
        self.people.len() as u64
    }
}
