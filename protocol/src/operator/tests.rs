//! What a request is refused for, each fault alone, and what an answer depends on (SPEC.md, section 17).

use super::*;
use crate::fixtures::{JOB, Operator, asker, holders, insurer, items, people};
use crate::identifier::Identifier;
use crate::ids::JobId;
use crate::oprf::{BatchContext, Scalar};
use crate::signature::SigningKey;

/// Holders 2 of 3.
fn operator() -> Operator {
    Operator::new(1, 1, 2, 3)
}

/// A good request for so many people, to holders 1 and 3.
fn request(operator: &Operator, count: u32) -> Evaluate {
    let asked = operator.epoch().ask(holders(&[1, 3]), JOB, 7, items(count), &operator.blinding(1), &asker());
    asked.unwrap().request().clone()
}

/// Signs a request again after a change, so that the signature is not what is wrong.
fn resign(request: &mut Evaluate, operator: &Operator, signer: &SigningKey) {
    let header = ChunkHeader {
        operator_key: operator.record.operator_key,
        epoch: request.epoch,
        key: operator.record.key,
        job: request.job,
        number: request.number,
        count: u32::try_from(request.elements.len()).unwrap(),
        digest: chunk::digest(&request.elements),
    };
    request.signature = header.sign(signer);
}

/// What holder 1 says of a good request after a change, and after the insurer signed what the change made of it.
fn refused(change: impl Fn(&mut Evaluate)) -> (Option<RefusalCode>, Option<RefusalCode>) {
    let operator = operator();
    let epoch = operator.epoch_key(1);
    let mut request = request(&operator, 3);
    change(&mut request);
    let validate = |request: &Evaluate| Question::validate(request.clone(), &epoch, &insurer().verifying()).err();
    let as_it_is = validate(&request);
    resign(&mut request, &operator, &insurer());
    (as_it_is, validate(&request))
}

fn always(code: RefusalCode) -> (Option<RefusalCode>, Option<RefusalCode>) {
    (Some(code), Some(code))
}

#[test]
fn a_good_request_is_a_question() {
    let operator = operator();
    let epoch = operator.epoch_key(3);
    let request = request(&operator, 3);
    let question = Question::validate(request.clone(), &epoch, &insurer().verifying()).unwrap();
    assert_eq!(question.epoch(), operator.record.epoch);
    assert_eq!(question.digest(), chunk::digest(&request.elements));
    assert_eq!(question.count(), 3);
    assert_eq!(question.place(), (JOB, 7));
    assert_eq!(*question.signature(), request.signature);
    assert_eq!(refused(|_| ()), (None, None));
}

/// [EVA-2]
#[test]
fn another_epoch_is_unknown() {
    assert_eq!(refused(|request| request.epoch = EpochId::from_bytes([0; 32])), always(RefusalCode::UnknownEpoch));
    let other = Operator::new(1, 2, 2, 3).record.epoch;
    assert_eq!(refused(|request| request.epoch = other), always(RefusalCode::UnknownEpoch));
}

/// [EVA-2]
#[test]
fn sets_that_this_holder_does_not_answer_in_are_refused() {
    // Too few, too many, one who is no holder, a set of others.
    for set in [&[1][..], &[1, 2, 3], &[1, 4], &[4, 5], &[2, 3]] {
        assert_eq!(refused(|request| request.holders = holders(set)), always(RefusalCode::WrongHolders), "{set:?}");
    }
    // The set is not signed: an insurer may ask again elsewhere.
    assert_eq!(refused(|request| request.holders = holders(&[1, 2])), (None, None));
}

/// So many ascending elements that are none.
fn ascending(count: usize) -> Vec<Element> {
    let bytes = |i: usize| [&(i as u64).to_be_bytes()[..], &[0xff; 24]].concat().try_into().unwrap();
    (0..count).map(|i| Element::from_bytes(bytes(i))).collect()
}

/// [EVA-3]
#[test]
fn chunks_are_neither_empty_nor_too_large_nor_out_of_order() {
    let bad = always(RefusalCode::InvalidChunk);
    assert_eq!(refused(|request| request.elements.clear()), bad, "empty");
    assert_eq!(refused(|request| request.elements = ascending(MAX_CHUNK + 1)), bad, "8,193 elements");
    assert_eq!(refused(|request| request.elements.reverse()), bad, "descending");
    assert_eq!(refused(|request| request.elements.swap(1, 2)), bad, "the last two swapped");
    assert_eq!(refused(|request| request.elements[1] = request.elements[0]), bad, "one twice");
    // 8,192 are not too many: what is wrong with these is something else.
    let full = refused(|request| request.elements = ascending(MAX_CHUNK));
    assert_eq!(full, (Some(RefusalCode::InvalidSignature), Some(RefusalCode::InvalidElement)));
}

/// [EVA-3]
#[test]
fn whatever_the_insurer_did_not_sign_is_refused() {
    let unsigned = (Some(RefusalCode::InvalidSignature), None);
    assert_eq!(refused(|request| request.job = JobId::from_bytes([9; 16])), unsigned, "another job");
    assert_eq!(refused(|request| request.number += 1), unsigned, "another number");
    assert_eq!(refused(|request| request.elements.truncate(2)), unsigned, "an element less");
    assert_eq!(refused(|request| request.elements = request.elements.split_off(1)), unsigned, "other elements");
    assert_eq!(refused(|request| request.signature = Signature::from_bytes([0; 64])), unsigned, "no signature");
    for bit in [0, 255, 256, 511] {
        let flipped = refused(|request| {
            let mut bytes = *request.signature.as_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            request.signature = Signature::from_bytes(bytes);
        });
        assert_eq!(flipped, unsigned, "bit {bit}");
    }
}

/// [EVA-3]
#[test]
fn another_insurers_key_does_not_sign_for_this_one() {
    let operator = operator();
    let epoch = operator.epoch_key(1);
    let other = SigningKey::from_seed(&[9; 32]);
    let mut request = request(&operator, 3);
    let validate =
        |request: &Evaluate, key: &SigningKey| Question::validate(request.clone(), &epoch, &key.verifying()).err();
    assert_eq!(validate(&request, &other), Some(RefusalCode::InvalidSignature));
    resign(&mut request, &operator, &other);
    assert_eq!(validate(&request, &insurer()), Some(RefusalCode::InvalidSignature));
    assert_eq!(validate(&request, &other), None);
}

#[test]
fn a_chunk_signed_for_one_epoch_is_not_signed_for_another() {
    let (one, other_key, other_operator) = (operator(), Operator::new(1, 2, 2, 3), Operator::new(2, 1, 2, 3));
    let signed = request(&one, 3);
    for other in [other_key, other_operator] {
        let moved = Evaluate { epoch: other.record.epoch, ..signed.clone() };
        let refused = Question::validate(moved, &other.epoch_key(1), &insurer().verifying()).err();
        assert_eq!(refused, Some(RefusalCode::InvalidSignature));
    }
}

/// [OPRF-2], [EVA-3]
#[test]
fn the_identity_and_what_is_no_element_are_refused() {
    let bad = (Some(RefusalCode::InvalidSignature), Some(RefusalCode::InvalidElement));
    let identity = Element::from_bytes([0; 32]);
    assert_eq!(refused(|request| request.elements[0] = identity), bad, "the identity");
    assert_eq!(refused(|request| request.elements = vec![identity]), bad, "the identity alone");
    assert_eq!(refused(|request| request.elements[2] = Element::from_bytes([0xff; 32])), bad, "not below p");
    let mut one = [0; 32];
    one[0] = 1;
    assert_eq!(refused(|request| request.elements = vec![Element::from_bytes(one)]), bad, "negative");
}

/// [JOB-4]: a client of RFC 9497 is served like any other; nothing in a request says which blinding it is.
#[test]
fn a_chunk_that_is_blinded_as_the_rfc_does_is_answered_like_any_other() {
    let operator = Operator::new(1, 1, 1, 1);
    let epoch = operator.epoch_key(1);
    let mut blinded: Vec<(Element, Scalar, Identifier)> = people(3)
        .into_iter()
        .zip(5_u64..)
        .map(|(person, i)| {
            let r = Scalar::from(i).invert();
            (oprf::multiplicative_blind(person.as_bytes(), &r), r, person)
        })
        .collect();
    blinded.sort_by_key(|(element, ..)| *element);
    let elements = blinded.iter().map(|(element, ..)| *element).collect();
    let asked = operator.epoch().ask(holders(&[1]), JOB, 7, items(3), &operator.blinding(1), &asker()).unwrap();
    let mut request = Evaluate { elements, ..asked.request().clone() };
    resign(&mut request, &operator, &insurer());

    let question = Question::validate(request.clone(), &epoch, &insurer().verifying()).unwrap();
    let (answers, proof) = question.answer(&[1; 64]);
    let key = operator.record.key;
    let context = BatchContext { epoch: request.epoch.as_bytes(), key: &key, holders: &[1], holder: 1 };
    let points = oprf::decode_all(&request.elements).unwrap();
    let proven = oprf::verify_chunk(&context, &key, (&request.elements, &points), &answers, &proof).unwrap();
    for (place, (_, r, person)) in blinded.iter().enumerate() {
        let n = oprf::multiplicative_unblind(&proven, place, r).unwrap();
        let direct = oprf::evaluate_inputs(&operator.key, &[person.as_bytes()]).remove(0);
        assert_eq!(oprf::finalize(person.as_bytes(), &n), direct);
    }
    assert_eq!(oprf::multiplicative_unblind(&proven, 0, &Scalar::ZERO), None, "0 is no r");
}

#[test]
fn only_the_holder_of_a_share_gets_a_key() {
    let operator = operator();
    let key = |index, share: &SecretKey| EpochKey::new(operator.record.clone(), index, share.clone());
    let good = key(2, &operator.shares[1]).unwrap();
    assert_eq!((good.index(), good.record()), (2, &operator.record));
    assert_eq!(key(1, &operator.shares[1]).err(), Some(KeyError::Public), "another's share");
    assert_eq!(key(1, &operator.key).err(), Some(KeyError::Public), "the whole key");
    assert_eq!(key(4, &operator.shares[1]).err(), Some(KeyError::Public), "no such holder");
    assert!(!format!("{good:?}").contains(&hex::encode(*operator.shares[1].to_bytes())));
    assert!(format!("{good:?}").contains("SecretKey(redacted)"));
}

#[test]
fn answers_are_the_same_elements_with_proofs_of_fresh_randomness() {
    let operator = operator();
    let epoch = operator.epoch_key(1);
    for count in [1, 2, 64] {
        let request = request(&operator, count);
        let question = Question::validate(request, &epoch, &insurer().verifying()).unwrap();
        let (one, other) = (question.answer(&[1; 64]), question.answer(&[2; 64]));
        assert_eq!(one.0, other.0);
        assert_ne!(one.1, other.1);
        assert_eq!(one, question.answer(&[1; 64]));
    }
}
