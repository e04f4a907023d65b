//! Members and canaries looked up in an index (SPEC.md, "Matching").

use super::*;
use crate::entry::Dictionary;
use crate::fixtures::{Operator, slug};
use crate::index::{self, SealedEntry};

/// A manifest with the categories `a`, `b` and `c`.
fn manifest() -> Manifest {
    let dictionary = Dictionary::try_from(vec![slug("a"), slug("b"), slug("c")]).unwrap();
    Manifest { dictionary, ..Operator::new(1, 2, 1, 1).manifest() }
}

/// Tags far apart, in another order than the numbers.
fn entry(number: u8) -> Entry {
    let tag = u128::from(number.wrapping_mul(0x6b)) << 120 | 1;
    Entry { tag, pad: u128::from(number) * 0x0101_0101 }
}

/// Members 0 to 9 and the canaries, as entries 10 to 13, ascending by tag.
fn candidates() -> Vec<Candidate> {
    let member = |number: u8| Candidate { entry: entry(number), who: Who::Member(reference(number)) };
    let canary = |i: u8| Candidate { entry: entry(10 + i), who: Who::Canary(i) };
    let mut candidates: Vec<Candidate> = (0..10).map(member).chain((0..4).map(canary)).collect();
    candidates.sort_unstable_by_key(|candidate| candidate.entry.tag);
    candidates
}

/// A caller may use all 128 bits.
fn reference(number: u8) -> u128 {
    u128::from(number) << 120 | 7
}

/// An index with these entries and labels.
fn index(labels: &[(u8, u64)]) -> Vec<u8> {
    let manifest = manifest();
    let pad = |number: u8| entry(number).seal(manifest.dictionary.full(), &manifest.dictionary) ^ 0b111;
    let sealed =
        labels.iter().map(|(number, bits)| SealedEntry { tag: entry(*number).tag, label: bits ^ pad(*number) });
    let mut sealed: Vec<SealedEntry> = sealed.collect();
    index::encode(*manifest.release.as_bytes(), 40, 1, &mut sealed).unwrap()
}

/// The canaries with their labels: all three bits, then a, b, c alone.
const CANARY_LABELS: [(u8, u64); 4] = [(10, 0b111), (11, 0b001), (12, 0b010), (13, 0b100)];

/// Who was found, ascending, with the candidates in one run.
fn found(labels: &[(u8, u64)]) -> Result<Vec<(u128, u64)>, MatchError> {
    found_in_runs(labels, 1)
}

/// Who was found, ascending, with every n-th candidate in one of n runs.
fn found_in_runs(labels: &[(u8, u64)], runs: usize) -> Result<Vec<(u128, u64)>, MatchError> {
    let bytes = index(labels);
    let index = Index::parse(&bytes).unwrap();
    let candidates = candidates();
    let mut matcher = Matcher::new(&manifest());
    for first in (0..runs).rev() {
        let run: Vec<Candidate> = candidates.iter().skip(first).step_by(runs).copied().collect();
        let hits = matcher.look_up(&run, &index)?;
        matcher.add(hits);
    }
    let mut found: Vec<_> = matcher.finish()?.map(|(who, label)| (who, label.bits())).collect();
    found.sort_unstable();
    Ok(found)
}

#[test]
fn members_are_found_with_their_labels() {
    let labels = [&CANARY_LABELS[..], &[(3, 0b101), (8, 0b010), (20, 0b111)]].concat();
    assert_eq!(found(&labels), Ok(vec![(reference(3), 0b101), (reference(8), 0b010)]));
    assert_eq!(found(&CANARY_LABELS), Ok(vec![]));
}

#[test]
fn runs_find_what_one_walk_finds() {
    let labels = [&CANARY_LABELS[..], &[(0, 0b001), (3, 0b101), (4, 0b111), (8, 0b010)]].concat();
    let expected = found(&labels).unwrap();
    assert_eq!(expected.len(), 4);
    for runs in 2..20 {
        assert_eq!(found_in_runs(&labels, runs), Ok(expected.clone()), "{runs} runs, some of them empty");
    }
}

/// [CAN-2]
#[test]
fn canaries_that_were_never_looked_up_are_missing() {
    let bytes = index(&CANARY_LABELS);
    let index = Index::parse(&bytes).unwrap();
    let mut candidates = candidates();
    candidates.retain(|candidate| candidate.who != Who::Canary(2));
    let mut matcher = Matcher::new(&manifest());
    assert_eq!(Matcher::new(&manifest()).finish().err(), Some(MissingCanary));
    let hits = matcher.look_up(&candidates, &index).unwrap();
    matcher.add(hits);
    assert_eq!(matcher.finish().err(), Some(MissingCanary));
}

#[test]
fn a_run_that_does_not_ascend_is_refused() {
    let bytes = index(&CANARY_LABELS);
    let mut candidates = candidates();
    candidates.swap(2, 3);
    let outcome = Matcher::new(&manifest()).look_up(&candidates, &Index::parse(&bytes).unwrap());
    assert!(matches!(outcome, Err(MatchError::Index(IndexError::QueriesNotSorted { position: 3 }))));
}

/// [CAN-2]
#[test]
fn every_canary_must_be_there_with_its_label() {
    for missing in 0..4 {
        let mut labels = [&CANARY_LABELS[..], &[(3, 0b101)]].concat();
        labels.remove(missing);
        assert_eq!(found(&labels), Err(MatchError::Canary(MissingCanary)), "canary {missing} is missing");
        labels.push((10 + u8::try_from(missing).unwrap(), 0b011));
        assert_eq!(found(&labels), Err(MatchError::Canary(MissingCanary)), "canary {missing} has another label");
    }
}

/// [LAB-2]
#[test]
fn a_label_without_sense_ends_everything() {
    for bits in [0, 0b1000, 0xff] {
        let labels = [&CANARY_LABELS[..], &[(3, 0b101), (8, bits)]].concat();
        assert_eq!(found(&labels), Err(MatchError::Label(InconsistentLabel)));
    }
}

#[test]
fn debug_shows_nobody() {
    let matcher = Matcher::new(&manifest());
    let bytes = index(&CANARY_LABELS);
    let hits = matcher.look_up(&[], &Index::parse(&bytes).unwrap()).unwrap();
    let shown = format!("{:?} {:?} {hits:?} {matcher:?}", candidates().pop(), Who::Member(5));
    assert_eq!(shown, "Some(Candidate(redacted)) Who(redacted) Hits(redacted) Matcher(redacted)");
}

#[test]
fn a_malformed_index_is_said_so() {
    let mut bytes = index(&CANARY_LABELS);
    let block = bytes.len() - 4 - 8;
    bytes[block - 1] |= 0x80;
    let outcome = Matcher::new(&manifest()).look_up(&candidates(), &Index::parse(&bytes).unwrap());
    assert!(matches!(outcome, Err(MatchError::Index(_))), "{outcome:?}");
}
