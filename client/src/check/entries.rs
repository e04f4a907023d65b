//! The entries of the members and canaries in each release, spilled by the first bits of their tags.
//!
//! ```text
//! tag (16 bytes) | low half of the pad (8) | alias (16)
//! ```

use std::fmt;
use std::sync::{PoisonError, RwLock};

use blindlist_protocol::entry::Entry;
use blindlist_protocol::matching::{Candidate, Who};
use blindlist_protocol::params::CANARIES;
use blindlist_store::spill::Spill;

use super::alias::Alias;
use crate::ClientError;
use crate::room::{Room, partition};

/// The part of the memory that entries may take.
const SHARE: usize = 2;
/// Runs of all releases together: each has a buffer.
const PARTITIONS: usize = 4_096;
/// Most and fewest runs of a release.
const RUNS: (usize, usize) = (16, 256);

/// Bytes of a record.
const RECORD: usize = 40;

/// Entries by release, in runs of ascending tags.
pub(super) struct Entries {
    spill: RwLock<Spill>,
    runs: usize,
}

impl fmt::Debug for Entries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entries(redacted)")
    }
}

impl Entries {
    /// None, in so many releases.
    pub(super) fn new(releases: usize, room: &Room) -> Result<Self, ClientError> {
        let runs = (PARTITIONS / releases.max(1)).clamp(RUNS.0, RUNS.1);
        Ok(Self { spill: RwLock::new(room.spill(runs * releases, SHARE)?), runs })
    }

    /// Adds people's entries in the release at this place in the plan.
    pub(super) fn add(&self, release: usize, entries: &[(Entry, Alias)]) -> Result<(), ClientError> {
        let mut spill = self.spill.write().unwrap_or_else(PoisonError::into_inner);
        for (entry, alias) in entries {
            let mut record = [0; RECORD];
            let (tag, rest) = record.split_at_mut(16);
            let (pad, of) = rest.split_at_mut(8);
            tag.copy_from_slice(&entry.tag.to_le_bytes());
            // A label has 8 bytes at most.
            pad.copy_from_slice(entry.pad.to_le_bytes().first_chunk::<8>().expect("16 bytes"));
            of.copy_from_slice(&alias.bits().to_le_bytes());
            spill.push(release * self.runs + partition(entry.tag, self.runs), &record)?;
        }
        Ok(())
    }

    /// How many runs there are in each release.
    pub(super) fn runs(&self) -> usize {
        self.runs
    }

    /// What to look up in a release, ascending by tag, everybody once. The canaries are those of these names.
    pub(super) fn run(
        &self,
        release: usize,
        number: usize,
        canaries: &[Alias; CANARIES],
    ) -> Result<Vec<Candidate>, ClientError> {
        let bytes = self.spill.read().unwrap_or_else(PoisonError::into_inner).read(release * self.runs + number)?;
        let mut candidates: Vec<Candidate> =
            bytes.chunks_exact(RECORD).map(|record| candidate(record, canaries)).collect();
        candidates.sort_unstable_by_key(|candidate| candidate.entry.tag);
        // Who was asked about may be remembered too.
        candidates.dedup_by_key(|candidate| candidate.entry.tag);
        Ok(candidates)
    }
}

fn candidate(record: &[u8], canaries: &[Alias; CANARIES]) -> Candidate {
    let (tag, rest) = record.split_first_chunk().expect("a record has 40 bytes");
    let (pad, rest) = rest.split_first_chunk().expect("24 are left");
    let alias = Alias::from_bits(u128::from_le_bytes(*rest.first_chunk().expect("16 are left")));
    let entry = Entry { tag: u128::from_le_bytes(*tag), pad: u64::from_le_bytes(*pad).into() };
    let canary = (0..).zip(canaries).find(|(_, canary)| **canary == alias);
    Candidate { entry, who: canary.map_or(Who::Member(alias.bits()), |(i, _)| Who::Canary(i)) }
}

#[cfg(test)]
mod tests {
    use blindlist_store::memory::Memory;

    use super::*;

    /// Numbers that are spread like hashes.
    fn spread(n: u128) -> u128 {
        n.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
    }

    fn entry(n: u128) -> (Entry, Alias) {
        (Entry { tag: spread(n), pad: spread(n + 7) }, Alias::from_bits(spread(n + 9)))
    }

    #[test]
    fn every_entry_comes_back_in_its_release_in_order() {
        let folder = tempfile::tempdir().unwrap();
        for (releases, memory) in [(1, 1 << 24), (1, 1 << 10), (3, 1 << 10), (300, 1 << 20)] {
            let entries = Entries::new(releases, &Room::new(folder.path(), None, Memory::from_bytes(memory))).unwrap();
            let last = releases - 1;
            let all: Vec<_> = (0..3_000).map(entry).collect();
            entries.add(last, &all).unwrap();
            entries.add(last, &all[..70]).unwrap();
            entries.add(0, &[entry(5_000)]).unwrap();
            let canaries = [2, 9, 700, 2_999].map(|n| entry(n).1);
            let runs: Vec<_> = (0..entries.runs()).map(|run| entries.run(last, run, &canaries).unwrap()).collect();
            let found: Vec<_> = runs.into_iter().flatten().collect();
            assert!(found.is_sorted_by_key(|candidate| candidate.entry.tag));
            let mut expected = all;
            expected.extend((last == 0).then(|| entry(5_000)));
            expected.sort_unstable_by_key(|(entry, _)| entry.tag);
            assert_eq!(found.len(), expected.len());
            for (candidate, (entry, alias)) in found.iter().zip(expected) {
                assert_eq!(candidate.entry.tag, entry.tag);
                assert_eq!(candidate.entry.pad, entry.pad & u128::from(u64::MAX), "what a label uses");
                let canary = (0..).zip(canaries).find(|(_, canary)| *canary == alias);
                assert!(candidate.who == canary.map_or(Who::Member(alias.bits()), |(i, _)| Who::Canary(i)));
            }
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn entries_are_not_shown() {
        let entries =
            Entries::new(1, &Room::new(std::path::Path::new("/nowhere"), None, Memory::mebibytes(1))).unwrap();
        assert_eq!(format!("{entries:?}"), "Entries(redacted)");
    }
}
