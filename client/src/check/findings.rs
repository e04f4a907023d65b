//! What was found: which member is on which list, with which label. Nothing else is kept of the members.

use std::fmt;

use blindlist_protocol::entry::Label;
use blindlist_protocol::identifier::Identifier;
use blindlist_protocol::job::{BlindingSecret, Place};

/// Which member was found on which list, by the members' places in the job that asked for them.
pub(super) struct Findings {
    jobs: Vec<Job>,
    people: u64,
}

/// What the releases of one epoch say.
struct Job {
    secret: BlindingSecret,
    /// By the release's place in the plan, ascending.
    lists: Vec<(usize, Vec<Hit>)>,
}

struct Hit {
    place: Place,
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
    pub(super) fn new() -> Self {
        Self { jobs: Vec::new(), people: 0 }
    }

    /// Adds what the releases of one epoch say: for each its place in the plan, and the members who are on its list.
    pub(super) fn add(&mut self, secret: BlindingSecret, found: Vec<(usize, Vec<(Place, Label)>)>) {
        let hit = |(place, label)| Hit { place, label, counted: false };
        let lists = found.into_iter().map(|(list, hits)| {
            let mut hits: Vec<Hit> = hits.into_iter().map(hit).collect();
            hits.sort_unstable_by_key(|hit| hit.place);
            (list, hits)
        });
        self.jobs.push(Job { secret, lists: lists.collect() });
    }

    /// The places of the lists that somebody is on, ascending, with the labels; none for most. Counts the person.
    pub(super) fn of(&mut self, identifier: &Identifier) -> Vec<(usize, Label)> {
        let (mut found, mut first) = (Vec::new(), None);
        for job in self.jobs.iter_mut().filter(|job| job.lists.iter().any(|(_, hits)| !hits.is_empty())) {
            let place = job.secret.place(identifier);
            for (list, hits) in &mut job.lists {
                let at = hits.binary_search_by_key(&place, |hit| hit.place).ok();
                if let Some(hit) = at.and_then(|at| hits.get_mut(at)) {
                    found.push((*list, hit.label));
                    first.get_or_insert(&mut hit.counted);
                }
            }
        }
        if let Some(counted) = first
            && !std::mem::replace(counted, true)
        {
            self.people += 1;
        }
        found.sort_unstable_by_key(|(list, _)| *list);
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
    use crate::tests::operator::{blinding, person};
    use blindlist_protocol::entry::Dictionary;

    fn label(category: &str) -> Label {
        Dictionary::try_from(vec!["a".parse().unwrap(), "b".parse().unwrap()]).unwrap().one(category).unwrap()
    }

    /// Two epochs, whose lists are not in one row: somebody on several lists of several epochs is one person.
    #[test]
    fn people_are_found_in_the_order_of_the_lists_and_counted_once() {
        let found = |seed, list: usize, people: &[(u32, &str)]| {
            let place = |n| blinding(seed).place(&person(n));
            (list, people.iter().map(|(n, category)| (place(*n), label(category))).collect::<Vec<_>>())
        };
        let mut findings = Findings::new();
        findings.add(blinding(1), vec![found(1, 1, &[(5, "a"), (3, "b")]), found(1, 3, &[(3, "a")])]);
        findings.add(blinding(2), vec![found(2, 0, &[]), found(2, 2, &[(8, "a"), (3, "a")])]);
        findings.add(blinding(3), vec![found(3, 4, &[])]);

        assert_eq!(findings.of(&person(1)), []);
        for _ in 0..2 {
            assert_eq!(findings.of(&person(3)), [(1, label("b")), (2, label("a")), (3, label("a"))]);
        }
        assert_eq!((findings.of(&person(5)), findings.people()), (vec![(1, label("a"))], 2));
        assert_eq!((findings.of(&person(8)), findings.people()), (vec![(2, label("a"))], 3));
        assert_eq!(format!("{findings:?}"), "Findings(redacted)");
    }
}
