//! Whole evaluations, from a chunk of people to their y. Wrong answers are in [`wrong`].

mod wrong;

use super::*;
use crate::fixtures::{JOB, Operator, asker, holders, insurer, items, people};
use crate::job::{cost, layout};
use crate::message::Request;
use crate::oprf::{evaluate_inputs, hash_to_group};
use crate::params::MAX_REQUEST;
use blindlist_lanes::sub_all;
use std::collections::BTreeSet;

/// A chunk of these items, asked of these holders.
fn ask(operator: &Operator, set: &[u8], items: &[Item]) -> Asked {
    operator.epoch().ask(holders(set), JOB, 0, items, &operator.blinding(1), &asker()).unwrap()
}

/// Asks, validates, answers, proves, unblinds.
fn evaluate(operator: &Operator, set: &[u8], items: &[Item]) -> Vec<Option<Evaluation>> {
    let asked = ask(operator, set, items);
    let answers = operator.answers(asked.request());
    asked.prove(&answers).unwrap().finish()
}

/// F(k, x) of each person with the whole key, none for padding.
fn direct(operator: &Operator, items: &[Item]) -> Vec<Option<Evaluation>> {
    let of = |item: &Item| match item {
        Item::Person(identifier) => Some(evaluate_inputs(&operator.key, &[identifier.as_bytes()]).remove(0)),
        Item::Padding(_) => None,
    };
    items.iter().map(of).collect()
}

#[test]
fn any_set_of_holders_evaluates_like_the_whole_key() {
    let sets: [(u8, u8, &[&[u8]]); 3] =
        [(1, 1, &[&[1]]), (2, 3, &[&[1, 2], &[1, 3], &[2, 3]]), (3, 5, &[&[1, 2, 3], &[1, 3, 5], &[3, 4, 5]])];
    for (threshold, all, sets) in sets {
        let operator = Operator::new(1, 1, threshold, all);
        for count in [1, 2, 64, 200] {
            let items = items(count);
            let expected = direct(&operator, &items);
            for set in sets {
                assert_eq!(evaluate(&operator, set, &items), expected, "{count} elements by {set:?} of {all}");
            }
        }
    }
}

/// [AUD-4]
#[test]
fn a_chunk_that_was_charged_before_the_insurers_keys_changed_is_accepted_under_its_own_keys_alone() {
    let (operator, items) = (Operator::new(1, 1, 1, 1), items(3));
    let before = ask(&operator, &[1], &items);
    let answers = operator.answers(before.request());
    let again = || {
        let asker = Asker { signer: SigningKey::from_seed(&[0x2f; 32]), ..asker() };
        operator.epoch().ask(holders(&[1]), JOB, 0, items.as_slice(), &operator.blinding(1), &asker).unwrap()
    };
    assert_eq!(again().request().elements, before.request().elements);
    let another = SigningKey::from_seed(&[0x3f; 32]).verifying();
    for former in [&[][..], &[another]] {
        let refused = again().perhaps_asked_before(former).prove(&answers);
        assert_eq!(refused.err(), Some(EvaluationError::Receipt(BadReceipt)));
    }
    let known = again().perhaps_asked_before(&[another, insurer().verifying()]);
    assert_eq!(known.prove(&answers).unwrap().finish(), direct(&operator, &items));
}

#[test]
fn every_3_of_5_holders_agree() {
    let operator = Operator::new(1, 1, 3, 5);
    let items = items(2);
    let expected = direct(&operator, &items);
    for left_out in [[1, 2], [1, 3], [1, 4], [1, 5], [2, 3], [2, 4], [2, 5], [3, 4], [3, 5], [4, 5]] {
        let set: Vec<u8> = (1..=5).filter(|i| !left_out.contains(i)).collect();
        assert_eq!(evaluate(&operator, &set, &items), expected, "{set:?}");
    }
}

#[test]
fn a_whole_job_gives_everybody_and_no_padding() {
    let operator = Operator::new(1, 1, 1, 1);
    let members = [people(100), operator.record.canaries(crate::identifier::Scheme::Nir).to_vec()].concat();
    let job = layout(&operator.blinding(1), members.clone());
    assert_eq!(job.len() as u64, cost(104));
    let mut evaluated = Vec::new();
    for chunk in job.chunks(50) {
        evaluated.extend(evaluate(&operator, &[1], chunk));
    }
    assert_eq!(evaluated, direct(&operator, &job));
    assert_eq!(evaluated.iter().flatten().count(), members.len());
}

#[test]
fn padding_alone_is_answered_and_thrown_away() {
    let operator = Operator::new(1, 1, 2, 3);
    for count in [1, 3] {
        let items: Vec<Item> = (0..count).map(Item::Padding).collect();
        let evaluated = evaluate(&operator, &[1, 2], &items);
        assert!(evaluated.len() == items.len() && evaluated.iter().all(Option::is_none));
    }
}

#[test]
fn a_full_chunk_fits_into_a_request() {
    let operator = Operator::new(1, 1, 1, 1);
    let mut items = items(8_192);
    let asked = ask(&operator, &[1], &items);
    let request = Request::Evaluate(asked.request().clone());
    assert!(request.encode().len() <= MAX_REQUEST);
    assert_eq!(Request::decode(&request.encode()), Ok(request));
    items.push(Item::Padding(0));
    let set = || holders(&[1]);
    let error = |items: &[Item]| operator.epoch().ask(set(), JOB, 0, items, &operator.blinding(1), &asker()).err();
    assert_eq!(error(&items), Some(EvaluationError::ChunkSize));
    assert_eq!(error(&[]), Some(EvaluationError::ChunkSize));
}

#[test]
fn sets_that_the_epoch_does_not_allow_are_not_asked() {
    let operator = Operator::new(1, 1, 2, 3);
    for set in [&[1][..], &[1, 2, 3], &[1, 4], &[4, 5]] {
        let asked = operator.epoch().ask(holders(set), JOB, 0, items(2), &operator.blinding(1), &asker());
        assert_eq!(asked.err(), Some(EvaluationError::Holders), "{set:?}");
    }
}

/// [JOB-1]
#[test]
fn a_chunk_that_is_sent_again_is_the_same_to_the_byte() {
    let operator = Operator::new(1, 1, 2, 3);
    let bytes = |items: &[Item]| Request::Evaluate(ask(&operator, &[1, 2], items).request().clone()).encode();
    let mut items = [items(60), (0..4).map(Item::Padding).collect()].concat();
    let first = bytes(&items);
    assert_eq!(bytes(&items), first);
    items.reverse();
    assert_eq!(bytes(&items), first, "elements are sorted, whatever the order of the items");
    assert!(ask(&operator, &[1, 2], &items).request().elements.is_sorted_by(|a, b| a < b));
}

/// [JOB-1]
#[test]
fn nothing_blinds_twice() {
    let operators = [Operator::new(1, 1, 1, 1), Operator::new(2, 1, 1, 1), Operator::new(1, 2, 1, 1)];
    let jobs = operators.iter().flat_map(|operator| [1, 2].map(|seed| (operator, seed)));
    let mut blinds = BTreeSet::new();
    for (operator, seed) in jobs {
        for item in items(10).into_iter().chain((0..10).map(Item::Padding)) {
            let item = std::slice::from_ref(&item);
            let asked = operator.epoch().ask(holders(&[1]), JOB, 0, item, &operator.blinding(seed), &asker()).unwrap();
            let b = oprf::decode(&asked.request().elements[0]).unwrap();
            // r·G = B − H(x): equal when and only when r is.
            let blind = match &item[0] {
                Item::Person(identifier) => sub_all(&[b], &[hash_to_group(identifier.as_bytes())])[0],
                Item::Padding(_) => b,
            };
            assert!(blinds.insert(oprf::encode(&blind)), "an r that was used before");
        }
    }
    assert_eq!(blinds.len(), 3 * 2 * 20);
}

/// [OBJ-2]
#[test]
fn only_a_record_of_the_pinned_key_is_an_epoch() {
    let operator = Operator::new(1, 1, 2, 3);
    let pinned = operator.signing.verifying();
    assert_eq!(
        Epoch::open(&operator.signed_record(), &pinned).map(|epoch| epoch.record().clone()),
        Ok(operator.record)
    );
    let foreign = Operator::new(2, 1, 2, 3);
    assert_eq!(Epoch::open(&foreign.signed_record(), &pinned).err(), Some(ObjectError::Signature));
    // Signed by the pinned key, but it names another: its epoch id would be another operator's.
    let record = object::sign(&foreign.record, &operator.signing);
    assert_eq!(Epoch::open(&record, &pinned).err(), Some(ObjectError::Signer));
    let manifest = object::sign(&foreign.manifest(), &operator.signing);
    assert_eq!(Epoch::open(&manifest, &pinned).err(), Some(ObjectError::Kind));
}

/// [JOB-1]
#[test]
fn a_secret_blinds_in_its_own_epoch_only() {
    let [operator, other] = [Operator::new(1, 1, 1, 1), Operator::new(1, 2, 1, 1)];
    let error = |secret| operator.epoch().ask(holders(&[1]), JOB, 0, items(2), &secret, &asker()).err();
    assert_eq!(error(operator.blinding(1)), None);
    assert_eq!(error(other.blinding(1)), Some(EvaluationError::Secret));
    // The epoch makes that of its own operator key and K.
    let (made, given) = (operator.epoch().blinding(&JobSeed::from_bytes([1; 32])), operator.blinding(1));
    for item in [items(1).remove(0), Item::Padding(0)] {
        assert_eq!(made.scalar(&item), given.scalar(&item));
    }
}

#[test]
fn states_show_no_blinds() {
    let operator = Operator::new(1, 1, 1, 1);
    let asked = ask(&operator, &[1], &items(2));
    assert_eq!(format!("{asked:?}"), "Asked(chunk 0 of 2 elements)");
    let answers = operator.answers(asked.request());
    let answered = asked.prove(&answers).unwrap();
    assert_eq!(format!("{answered:?}"), "Answered(2 elements)");
    let finished = answered.finish();
    assert_eq!(format!("{finished:?}"), "[Some(Evaluation(redacted)), Some(Evaluation(redacted))]");
}
