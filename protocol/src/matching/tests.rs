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

/// Members 0 to 9 and the canaries, as entries 10 to 13.
fn candidates() -> Vec<Candidate> {
    let member = |number: u8| Candidate { entry: entry(number), who: Who::Member(number.into()) };
    let canary = |i: u8| Candidate { entry: entry(10 + i), who: Who::Canary(i) };
    (0..10).map(member).chain((0..4).map(canary)).collect()
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

/// Who was found, ascending.
fn found(labels: &[(u8, u64)]) -> Result<Vec<(u32, u64)>, MatchError> {
    let mut found = Vec::new();
    let bytes = index(labels);
    let outcome = look_up(candidates(), &manifest(), &Index::parse(&bytes).unwrap(), |who, label| {
        found.push((who, label.bits()));
    });
    found.sort_unstable();
    assert!(outcome.is_ok() || found.is_empty(), "nothing is passed on before all is right");
    outcome.map(|()| found)
}

#[test]
fn members_are_found_with_their_labels() {
    let labels = [&CANARY_LABELS[..], &[(3, 0b101), (8, 0b010), (20, 0b111)]].concat();
    assert_eq!(found(&labels), Ok(vec![(3, 0b101), (8, 0b010)]));
    assert_eq!(found(&CANARY_LABELS), Ok(vec![]));
}

/// [CAN-2]
#[test]
fn every_canary_must_be_there_with_its_label() {
    for missing in 0..4 {
        let mut labels = [&CANARY_LABELS[..], &[(3, 0b101)]].concat();
        labels.remove(missing);
        assert_eq!(found(&labels), Err(MatchError::Canary), "canary {missing} is missing");
        labels.push((10 + u8::try_from(missing).unwrap(), 0b011));
        assert_eq!(found(&labels), Err(MatchError::Canary), "canary {missing} has another label");
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
    let shown = format!("{:?} {:?}", candidates().pop(), Who::Member(5));
    assert_eq!(shown, "Some(Candidate(redacted)) Who(redacted)");
}

#[test]
fn a_malformed_index_is_said_so() {
    let mut bytes = index(&CANARY_LABELS);
    let block = bytes.len() - 4 - 8;
    bytes[block - 1] |= 0x80;
    let malformed = Index::parse(&bytes).unwrap();
    let outcome = look_up(candidates(), &manifest(), &malformed, |_, _| {});
    assert!(matches!(outcome, Err(MatchError::Index(_))), "{outcome:?}");
}
