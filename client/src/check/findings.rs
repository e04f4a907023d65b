//! What was found: which member is on which list, with which label. Nothing else is kept of the members.

use std::fmt;

use blindlist_protocol::entry::Label;
use blindlist_protocol::identifier::Identifier;

use super::alias::{Alias, Aliases};

/// Which member was found on which list, of all operators.
pub(super) struct Findings {
    aliases: Aliases,
    /// In the order of the lists.
    lists: Vec<Vec<Hit>>,
    people: u64,
}

struct Hit {
    alias: Alias,
    label: Label,
    /// Whether the person was seen: in the first list that it is on.
    counted: bool,
}

impl fmt::Debug for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Findings(redacted)")
    }
}

impl Findings {
    /// Nothing found.
    pub(super) fn new(aliases: Aliases) -> Self {
        Self { aliases, lists: Vec::new(), people: 0 }
    }

    /// Adds the next list: the members who are on it.
    pub(super) fn add(&mut self, found: Vec<(Alias, Label)>) {
        let hit = |(alias, label)| Hit { alias, label, counted: false };
        let mut hits: Vec<Hit> = found.into_iter().map(hit).collect();
        hits.sort_unstable_by_key(|hit| hit.alias);
        self.lists.push(hits);
    }

    /// The places of the lists that somebody is on, ascending, with the labels; none for most. Counts the person.
    pub(super) fn of(&mut self, identifier: &Identifier) -> Vec<(usize, Label)> {
        if self.lists.iter().all(Vec::is_empty) {
            return Vec::new();
        }
        let alias = self.aliases.of(identifier);
        let (mut found, mut first) = (Vec::new(), None);
        for (list, hits) in self.lists.iter_mut().enumerate() {
            let at = hits.binary_search_by_key(&alias, |hit| hit.alias).ok();
            if let Some(hit) = at.and_then(|at| hits.get_mut(at)) {
                found.push((list, hit.label));
                first.get_or_insert(&mut hit.counted);
            }
        }
        if let Some(counted) = first
            && !std::mem::replace(counted, true)
        {
            self.people += 1;
        }
        found
    }

    /// How many different people were asked for and are on any list.
    pub(super) fn people(&self) -> u64 {
        self.people
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::operator::person;
    use blindlist_protocol::entry::Dictionary;

    fn label(category: &str) -> Label {
        Dictionary::try_from(vec!["a".parse().unwrap(), "b".parse().unwrap()]).unwrap().one(category).unwrap()
    }

    #[test]
    fn people_are_found_in_the_order_of_the_lists_and_counted_once() {
        let aliases = Aliases::new().unwrap();
        let mut findings = Findings::new(aliases.clone());
        assert_eq!(findings.of(&person(3)), []);
        for list in [&[][..], &[(5, "a"), (3, "b")], &[(8, "a"), (3, "a")], &[(3, "a")], &[]] {
            findings.add(list.iter().map(|(n, category)| (aliases.of(&person(*n)), label(category))).collect());
        }
        assert_eq!(findings.of(&person(1)), []);
        for _ in 0..2 {
            assert_eq!(findings.of(&person(3)), [(1, label("b")), (2, label("a")), (3, label("a"))]);
        }
        assert_eq!((findings.of(&person(5)), findings.people()), (vec![(1, label("a"))], 2));
        assert_eq!((findings.of(&person(8)), findings.people()), (vec![(2, label("a"))], 3));
        assert_eq!(format!("{findings:?}"), "Findings(redacted)");
    }
}
