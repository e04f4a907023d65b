//! Scalars and the layout of a job as functions of its seed (SPEC.md, section 14).

use super::*;
use crate::fixtures::{Operator, items, people};
use crate::oprf::SecretKey;
use proptest::prelude::*;
use std::collections::BTreeSet;

fn operator_key(byte: u8) -> VerifyingKey {
    VerifyingKey::from_bytes([byte; 32])
}

fn key(byte: u8) -> PublicKey {
    SecretKey::from_uniform_bytes(&[byte; 64]).unwrap().public()
}

fn secret(seed: u8, operator: u8, k: u8) -> BlindingSecret {
    BlindingSecret::new(&JobSeed::from_bytes([seed; 32]), &operator_key(operator), &key(k))
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 64] {
    Hmac::<Sha512>::new_from_slice(key).unwrap().chain_update(parts.concat()).finalize().into_bytes().into()
}

#[test]
fn scalars_and_places_are_those_of_the_specification() {
    let s = hmac(&[1; 32], &[&[2; 32], key(3).element().as_bytes()]);
    let person = people(1).remove(0);
    let x = person.as_bytes().to_vec();
    let (person, padding) = (Item::Person(person), Item::Padding(0x0102));
    let secret = secret(1, 2, 3);
    let wide = |bytes| Scalar::from_bytes_mod_order_wide(&bytes);
    assert_eq!(*secret.scalar(&person), wide(hmac(&s, &[b"blind person", &x])));
    assert_eq!(*secret.scalar(&padding), wide(hmac(&s, &[b"blind padding", &[2, 1, 0, 0]])));
    let place = |bytes: [u8; 64]| u128::from_le_bytes(bytes[..16].try_into().unwrap());
    let Item::Person(identifier) = person else { panic!("it is one") };
    assert_eq!(secret.place(&identifier).bits(), place(hmac(&s, &[b"order person", &x])));
    assert_eq!(secret.place_of_padding(0x0102).bits(), place(hmac(&s, &[b"order padding", &[2, 1, 0, 0]])));
}

/// [JOB-1]
#[test]
fn no_scalar_is_shared() {
    let things: Vec<Item> = items(20).into_iter().chain((0..20).map(Item::Padding)).collect();
    let secrets = [secret(1, 2, 3), secret(9, 2, 3), secret(1, 9, 3), secret(1, 2, 9)];
    let scalars: BTreeSet<[u8; 32]> =
        secrets.iter().flat_map(|secret| things.iter().map(|item| secret.scalar(item).to_bytes())).collect();
    assert_eq!(scalars.len(), 4 * 40);
    assert_eq!(secret(1, 2, 3).scalar(&things[0]), secrets[0].scalar(&things[0]), "and each can be made again");
}

#[test]
fn a_job_costs_the_next_multiple_of_64() {
    assert_eq!([0, 1, 63, 64, 65, 128].map(cost), [0, 64, 64, 64, 128, 128]);
    assert_eq!([4_999_999, 5_000_000, 5_000_001].map(cost), [5_000_000, 5_000_000, 5_000_064]);
}

#[test]
fn a_layout_holds_everybody_once_and_padding_numbered_from_0() {
    for count in [0, 1, 63, 64, 65, 200] {
        let layout = layout(&secret(1, 2, 3), people(count));
        assert_eq!(layout.len() as u64, cost(count.into()));
        let mut found = Vec::new();
        let mut padding = Vec::new();
        for item in layout {
            match item {
                Item::Person(identifier) => found.push(identifier),
                Item::Padding(number) => padding.push(number),
            }
        }
        let mut expected = people(count);
        found.sort();
        expected.sort();
        padding.sort_unstable();
        assert_eq!(found, expected);
        assert_eq!(padding, (0..count.next_multiple_of(64) - count).collect::<Vec<_>>());
    }
}

/// What the layout was before it was a stream: everything in one list, sorted at once. Jobs that were begun by it go on.
fn layout_at_once(secret: &BlindingSecret, identifiers: Vec<Identifier>) -> Vec<(Place, Item)> {
    let people = identifiers.into_iter().map(|person| (secret.place(&person), Item::Person(person)));
    let mut placed: Vec<_> = people.collect();
    placed.sort_by_key(|(place, _)| *place);
    placed.dedup();
    let padding = u32::try_from(cost(placed.len() as u64)).unwrap() - u32::try_from(placed.len()).unwrap();
    placed.extend((0..padding).map(|number| (secret.place_of_padding(number), Item::Padding(number))));
    placed.sort_by_key(|(place, _)| *place);
    placed
}

#[test]
fn a_layout_from_a_stream_is_the_one_of_a_list() {
    for count in [0, 1, 60, 64, 65, 1_000] {
        let secret = secret(5, 2, 3);
        let twice: Vec<Identifier> = people(count).into_iter().chain(people(count / 2)).collect();
        let expected = layout_at_once(&secret, twice.clone());
        let items: Vec<Item> = expected.iter().map(|(_, item)| item.clone()).collect();
        assert_eq!(layout(&secret, twice), items, "{count}");

        let mut sorted: Vec<_> = people(count).into_iter().map(|person| (secret.place(&person), person)).collect();
        sorted.sort_unstable_by_key(|(place, _)| *place);
        let padding = padding_in_order(&secret, count.next_multiple_of(64) - count).into_iter().map(Ok);
        let stream = Layout::new(sorted.into_iter().map(Ok::<_, ()>), padding);
        assert_eq!(stream.collect::<Result<Vec<_>, _>>().unwrap(), expected, "{count}");
    }
}

#[test]
fn a_layout_passes_a_failure_on_in_its_place() {
    let at = |n| Place::from_bits(n);
    let person = people(1).remove(0);
    let everybody = [Err("first"), Ok((at(3), person.clone())), Err("third")].into_iter();
    let padding = [Ok((at(2), 0)), Err("second"), Ok((at(4), 1))].into_iter();
    let layout: Vec<_> = Layout::new(everybody, padding).collect();
    let padding = |place, number| Ok((at(place), Item::Padding(number)));
    let person = Ok((at(3), Item::Person(person)));
    assert_eq!(layout, [Err("first"), padding(2, 0), Err("second"), person, Err("third"), padding(4, 1)]);
}

#[test]
fn a_layout_is_another_for_another_seed_operator_or_epoch() {
    let all = [secret(1, 2, 3), secret(9, 2, 3), secret(1, 9, 3), secret(1, 2, 9)].map(|s| layout(&s, people(100)));
    for (i, one) in all.iter().enumerate() {
        assert!(!all[..i].contains(one), "layout {i}");
    }
    assert_eq!(layout(&secret(1, 2, 3), people(100)), all[0]);
}

#[test]
fn padding_stands_anywhere() {
    let layout = layout(&secret(1, 2, 3), people(96));
    let padding = |run: &[Item]| run.iter().filter(|item| matches!(item, Item::Padding(_))).count();
    // 32 of 128: a quarter that is without any would be a chance of 1 in 10,000, and this seed has none.
    for (i, quarter) in layout.chunks(32).enumerate() {
        assert!((1..32).contains(&padding(quarter)), "quarter {i}");
    }
}

#[test]
fn order_tells_nothing_of_scalars() {
    let secret = Operator::new(1, 1, 1, 1).blinding(1);
    let layout = layout(&secret, people(64));
    let scalars: Vec<[u8; 32]> = layout.iter().map(|item| secret.scalar(item).to_bytes()).collect();
    assert!(!scalars.is_sorted() && !scalars.iter().rev().is_sorted());
    assert!(!scalars.iter().map(|r| r.iter().rev().copied().collect::<Vec<_>>()).is_sorted());
}

#[test]
fn secrets_are_not_shown() {
    let seed = JobSeed::from_bytes([0x77; 32]);
    assert_eq!(seed.as_bytes(), &[0x77; 32]);
    assert_eq!(format!("{seed:?}"), "JobSeed(redacted)");
    assert_eq!(format!("{:?}", secret(1, 2, 3)), "BlindingSecret(redacted)");
    assert_eq!(format!("{:?}", items(1)), "[Person(Identifier(redacted))]");
    assert_eq!(format!("{:?}", Place::from_bits(7)), "Place(redacted)");
    let layout = Layout::new([Err(())].into_iter(), [Ok((Place::from_bits(7), 1))].into_iter());
    assert_eq!(format!("{layout:?}"), "Layout(redacted)");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_layout_does_not_depend_on_the_order_of_the_file(order in Just(people(150)).prop_shuffle(), seed in any::<u8>()) {
        let secret = secret(seed, 2, 3);
        prop_assert_eq!(layout(&secret, order), layout(&secret, people(150)));
    }
}
