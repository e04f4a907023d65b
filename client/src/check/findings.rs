//! What was found: which member is on which list, with which label.

use std::collections::{HashMap, HashSet};
use std::fmt;

use blindlist_protocol::entry::Label;

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
