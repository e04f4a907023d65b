//! A nationwide campaign: how large the insurers are, who is whose member, and what the peers would have taken for it.
//!
//! Sizes follow Zipf's law in Mandelbrot's form: the i-th insurer has members in proportion to 1 / (i + 10)^1.8. Firms' sizes
//! are known to follow Zipf's law (Axtell, Science, 2001). The two constants make it look like complementary health
//! insurance in France, some four hundred insurers after years of mergers: the largest of four hundred has 7 % of all
//! members, the twenty largest have three fifths, and the smallest a few dozen at 1:100.

mod peers;
mod run;

use std::cmp::Reverse;
use std::fmt;
use std::ops::Range;

pub use peers::{Extrapolated, extrapolate};
pub use run::{Measured, run};

use crate::draw::Draw;

/// The constants of Zipf's law.
const ZIPF: (f64, f64) = (10.0, 1.8);
/// One of so many people on the list is nobody's member.
const NOBODYS: u32 = 11;

/// Who is on the list, and who is whose member.
#[derive(Debug)]
pub struct Campaign {
    listed: u32,
    /// The members of each insurer, the largest first.
    members: Vec<Vec<u32>>,
}

impl Campaign {
    /// The same one for the same numbers.
    ///
    /// # Panics
    /// When there are more insurers than members.
    pub fn new(listed: u32, members: u32, insurers: usize) -> Self {
        let first = listed / NOBODYS;
        let mut people: Vec<u32> = (first..first + members).collect();
        let mut draw = Draw::new(7);
        for last in (1..people.len()).rev() {
            people.swap(last, usize::try_from(draw.below(last as u64 + 1)).unwrap());
        }
        let mut people = people.into_iter();
        let members = sizes(members, insurers).into_iter().map(|size| people.by_ref().take(size).collect()).collect();
        Self { listed, members }
    }

    /// The people on the list.
    pub fn listed(&self) -> Range<u32> {
        0..self.listed
    }

    /// How many insurers there are.
    pub fn insurers(&self) -> usize {
        self.members.len()
    }

    /// The members of an insurer.
    pub fn members(&self, insurer: usize) -> &[u32] {
        &self.members[insurer]
    }

    /// Those of them who are on the list.
    pub fn affected(&self, insurer: usize) -> impl Iterator<Item = u32> {
        self.members[insurer].iter().copied().filter(|person| self.listed().contains(person))
    }

    /// The members of all insurers.
    pub fn everybody(&self) -> usize {
        self.members.iter().map(Vec::len).sum()
    }
}

impl fmt::Display for Campaign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let share =
            |first: usize| 100 * self.members.iter().take(first).map(Vec::len).sum::<usize>() / self.everybody();
        let (Some(largest), Some(smallest)) = (self.members.first(), self.members.last()) else { return Ok(()) };
        write!(
            f,
            "{} people on the list; {} insurers with {} members: the largest has {} ({} %), the twenty largest {} %, the smallest {}.",
            grouped(self.listed.into()),
            self.insurers(),
            grouped(self.everybody() as u64),
            grouped(largest.len() as u64),
            share(1),
            share(20),
            smallest.len()
        )
    }
}

/// How many members each insurer has, the largest first; all of them together have `members`, and each has one.
fn sizes(members: u32, insurers: usize) -> Vec<usize> {
    let weight = |place: usize| (place as f64 + ZIPF.0).powf(-ZIPF.1);
    let all: f64 = (1..=insurers).map(weight).sum();
    let free = f64::from(members) - insurers as f64;
    assert!(free >= 0.0, "more insurers than members");
    let mut sum = 0.0;
    // Rounding the sums and not the parts: the parts then add up.
    let sizes = (1..=insurers).map(|place| {
        let before = (sum / all * free).round();
        sum += weight(place);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "sums grow, up to the members")]
        let size = ((sum / all * free).round() - before) as usize + 1;
        size
    });
    let mut sizes: Vec<usize> = sizes.collect();
    sizes.sort_unstable_by_key(|size| Reverse(*size));
    sizes
}

/// 1,234,567.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    groups.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_is_a_member_of_one_insurer() {
        let campaign = Campaign::new(3_300, 6_500, 40);
        let mut everybody: Vec<u32> = (0..40).flat_map(|i| campaign.members(i).to_vec()).collect();
        everybody.sort_unstable();
        assert!(everybody.into_iter().eq(300..6_800));
        assert_eq!((0..40).map(|i| campaign.affected(i).count()).sum::<usize>(), 3_000);
    }

    #[test]
    fn insurers_look_like_those_there_are() {
        let sizes = sizes(650_000, 400);
        assert!(sizes.is_sorted_by(|one, next| one >= next));
        assert_eq!(sizes.iter().sum::<usize>(), 650_000);
        let (largest, twenty) = (sizes[0], sizes.iter().take(20).sum::<usize>());
        assert!((40_000..60_000).contains(&largest) && (350_000..420_000).contains(&twenty), "{largest} {twenty}");
        assert!((30..100).contains(&sizes[399]), "{}", sizes[399]);
    }
}
