//! Openings show whom single elements meant, chosen by the auditor's challenge, and nothing else passes for them.

use super::*;
use crate::fixtures::{JOB, Operator, items};
use crate::identifier::{Said, Scheme};
use crate::job::JobSeed;
use crate::signature::SigningKey;
use std::collections::BTreeMap;

const CHALLENGE: &[u8] = b"dice: 4 2 6 1";

fn chunk_items(people: u32, padding: u32) -> Vec<Item> {
    [items(people), (0..padding).map(Item::Padding).collect()].concat()
}

fn openings(operator: &Operator, people: u32, padding: u32, sample: u32) -> Openings {
    let items = chunk_items(people, padding);
    Openings::make(&operator.epoch(), (JOB, 3), &items, &operator.blinding(1), CHALLENGE, sample).unwrap()
}

fn operator() -> Operator {
    Operator::new(1, 1, 1, 1)
}

/// [EVI-2]
#[test]
fn what_was_asked_opens_and_nothing_else_of_it_is_told() {
    let operator = operator();
    let openings = openings(&operator, 50, 14, 20);
    let read = Openings::decode(&openings.encode()).unwrap();
    assert_eq!(read, openings);
    let header = read.verify(CHALLENGE, 20).unwrap();
    let again = chunk_again(&operator.epoch(), JOB, 3, &chunk_items(50, 14), &operator.blinding(1)).unwrap();
    assert_eq!(header, again, "it is the chunk that was signed");
    assert_eq!((header.count, header.number, read.openings.len()), (64, 3, 20));
    let asked: Vec<Vec<u8>> = chunk_items(50, 0)
        .iter()
        .map(|item| match item {
            Item::Person(identifier) => identifier.as_bytes().to_vec(),
            Item::Padding(_) => Vec::new(),
        })
        .collect();
    let people = read.openings.iter().filter(|opening| !opening.identifier.is_empty());
    assert!(people.clone().count() > 5);
    for opening in people {
        assert!(asked.contains(&opening.identifier));
        assert!(matches!(Said::read(&opening.identifier), Some(Said::Person(Scheme::Nir, _))));
    }
    assert!(read.openings.iter().any(|opening| opening.identifier.is_empty()), "padding opens as padding");
    assert!(!format!("{read:?} {:?}", read.openings[0]).contains("180"));
}

/// [EVI-2]
#[test]
fn all_are_opened_when_as_many_are_asked_for() {
    let operator = operator();
    for sample in [64, 65, u32::MAX] {
        let all = openings(&operator, 60, 4, sample);
        assert_eq!(all.openings.len(), 64);
        assert_eq!(all.openings.iter().filter(|opening| opening.identifier.is_empty()).count(), 4);
        all.verify(CHALLENGE, sample).unwrap();
    }
    assert_eq!(openings(&operator, 1, 0, 0).openings.len(), 0);
}

/// [EVI-2]: the formula, once more.
#[test]
fn positions_follow_from_the_challenge() {
    let digest = Digest::from_bytes([7; 32]);
    let mut expected = Vec::new();
    for i in 0_u32.. {
        let hash = Sha512::new().chain_update(b"blindlist/1 sample\n").chain_update([7; 32]);
        let hash = hash.chain_update(5_u32.to_le_bytes()).chain_update(b"hello").chain_update(i.to_le_bytes());
        let bytes: [u8; 64] = hash.finalize().into();
        let position = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) % 100;
        if !expected.contains(&position) {
            expected.push(position);
        }
        if expected.len() == 60 {
            break;
        }
    }
    expected.sort_unstable();
    assert_eq!(positions(&digest, 100, b"hello", 60), expected);
    assert_ne!(positions(&digest, 100, b"hellp", 60), expected);
    assert_ne!(positions(&Digest::from_bytes([8; 32]), 100, b"hello", 60), expected);
    // Every position has its turn.
    let mut turns: BTreeMap<u32, u32> = BTreeMap::new();
    for n in 0..400_u32 {
        positions(&digest, 10, &n.to_le_bytes(), 1).into_iter().for_each(|place| *turns.entry(place).or_default() += 1);
    }
    assert!(turns.len() == 10 && turns.values().all(|count| *count > 15), "{turns:?}");
    assert_eq!(positions(&digest, 8_192, b"", 8_191).len(), 8_191);
}

/// [EVI-2]
#[test]
fn openings_for_another_challenge_or_number_are_refused() {
    let openings = openings(&operator(), 60, 4, 20);
    assert_eq!(openings.verify(b"another", 20), Err(OpeningsError::Challenge));
    assert_eq!(openings.verify(CHALLENGE, 19), Err(OpeningsError::Positions));
    assert_eq!(openings.verify(CHALLENGE, 21), Err(OpeningsError::Positions));
    let mut swapped = openings.clone();
    swapped.openings.swap(0, 1);
    assert_eq!(swapped.verify(CHALLENGE, 20), Err(OpeningsError::Positions));
    let mut fewer = openings.clone();
    fewer.openings.pop();
    assert_eq!(fewer.verify(CHALLENGE, 20), Err(OpeningsError::Positions));
    let mut other = openings;
    other.openings[0].position ^= 1;
    assert_eq!(other.verify(CHALLENGE, 20), Err(OpeningsError::Positions));
}

/// [EVI-2]
#[test]
fn an_opening_gives_its_own_element_only() {
    let good = openings(&operator(), 60, 4, 64);
    let person = good.openings.iter().position(|opening| !opening.identifier.is_empty()).unwrap();
    let padding = good.openings.iter().position(|opening| opening.identifier.is_empty()).unwrap();
    let place = |i: usize| u32::try_from(i).unwrap();
    let refused = |i: usize, change: &dyn Fn(&mut Opening)| {
        let mut bad = good.clone();
        change(&mut bad.openings[i]);
        assert_eq!(bad.verify(CHALLENGE, 64), Err(OpeningsError::Element(place(i))));
    };
    refused(person, &|opening| *opening.identifier.last_mut().unwrap() ^= 1);
    refused(person, &|opening| opening.identifier.clear());
    refused(padding, &|opening| opening.identifier = good.openings[person].identifier.clone());
    for i in [person, padding] {
        refused(i, &|opening| opening.r[0] ^= 1);
        // r + ℓ is the same scalar in another encoding.
        refused(i, &|opening| opening.r = plus_order(opening.r));
        refused(i, &|opening| opening.r = [0xff; 32]);
    }
}

/// The encoding of r + ℓ.
fn plus_order(r: [u8; 32]) -> [u8; 32] {
    let mut order = crate::fixtures::unhex("edd3f55c1a631258d69cf7a2def9de14");
    order.resize(32, 0);
    order[31] = 0x10;
    let mut carry = 0_u16;
    std::array::from_fn(|i| {
        let sum = u16::from(r[i]) + u16::from(order[i]) + carry;
        carry = sum >> 8;
        sum.to_le_bytes()[0]
    })
}

/// [EVI-2]
#[test]
fn the_chunk_and_the_epoch_are_part_of_it() {
    let good = openings(&operator(), 60, 4, 20);
    let header = good.verify(CHALLENGE, 20).unwrap();
    let mut other = good.clone();
    other.number = 4;
    assert_ne!(other.verify(CHALLENGE, 20).unwrap(), header, "no charge has this header");
    let mut other = good.clone();
    other.operator_key = SigningKey::from_seed(&[9; 32]).verifying();
    assert_eq!(other.verify(CHALLENGE, 20), Err(OpeningsError::Epoch));
    let mut other = good.clone();
    other.epoch = EpochId::from_bytes([9; 32]);
    assert_eq!(other.verify(CHALLENGE, 20), Err(OpeningsError::Epoch));
    // Another element in the chunk is another chunk, with other positions.
    let mut other = good;
    other.elements.pop();
    assert_eq!(other.verify(CHALLENGE, 20), Err(OpeningsError::Positions));
}

/// [EVI-2]
#[test]
fn the_form_is_one() {
    let good = openings(&operator(), 60, 4, 2);
    let bytes = good.encode();
    assert!(bytes.starts_with(b"blindlist/1 openings\n"));
    crate::fixtures::assert_strict(
        &small(),
        |openings| openings.encode().split_off(OPENINGS_LINE.len()),
        |body| {
            Openings::decode(&[OPENINGS_LINE, body].concat()).map_err(|error| {
                let OpeningsError::Codec(error) = error else { return CodecError::Malformed };
                error
            })
        },
    );
    assert_eq!(Openings::decode(b"blindlist/1 openings"), Err(OpeningsError::Kind));
    assert_eq!(Openings::decode(b""), Err(OpeningsError::Kind));
    let large = [&bytes[..], &vec![0; MAX_OPENINGS]].concat();
    assert!(matches!(Openings::decode(&large), Err(OpeningsError::Codec(CodecError::TooLarge { .. }))));
    let refused = |change: &dyn Fn(&mut Openings), error| {
        let mut bad = good.clone();
        change(&mut bad);
        assert_eq!(Openings::decode(&bad.encode()), Err(error));
    };
    refused(&|bad| bad.elements.clear(), OpeningsError::Chunk);
    refused(&|bad| bad.elements.swap(0, 1), OpeningsError::Chunk);
    refused(&|bad| bad.elements[1] = bad.elements[0], OpeningsError::Chunk);
    refused(&|bad| bad.challenge = vec![0; 65], OpeningsError::TooLong);
    refused(&|bad| bad.openings[0].identifier = vec![0; 513], OpeningsError::TooLong);
}

/// A file small enough to be damaged byte by byte.
fn small() -> Openings {
    let mut small = openings(&operator(), 1, 1, 1);
    small.challenge = vec![7];
    small
}

#[test]
fn a_chunk_is_made_again_by_its_own_secret_alone() {
    let operator = operator();
    let epoch = operator.epoch();
    let again = |seed: u8, people: u32| {
        let secret = epoch.blinding(&JobSeed::from_bytes([seed; 32]));
        chunk_again(&epoch, JOB, 0, &items(people), &secret).unwrap().digest
    };
    assert_eq!(again(1, 5), again(1, 5));
    assert!(again(1, 5) != again(2, 5) && again(1, 5) != again(1, 6));
    let foreign = Operator::new(2, 1, 1, 1).blinding(1);
    assert_eq!(chunk_again(&epoch, JOB, 0, &items(5), &foreign), Err(EvaluationError::Secret));
    assert_eq!(chunk_again(&epoch, JOB, 0, &[], &operator.blinding(1)), Err(EvaluationError::ChunkSize));
}
