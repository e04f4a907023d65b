//! Answers that a faulty or hostile operator could give: each has its error, and [`Asked::prove`] returns nothing that
//! could be unblinded ([JOB-3]).

use super::*;
use crate::fixtures::secret_key;
use crate::oprf::{ElementError, Proof, decode, encode};
use curve25519_dalek::ristretto::RistrettoPoint;

/// Two of three, so that there are two answers to tamper with.
fn operator() -> Operator {
    Operator::new(1, 1, 2, 3)
}

/// The error for the answers of holders 1 and 2 to a chunk of so many people, after a change.
fn error(count: u32, change: impl Fn(&mut Vec<(u8, Evaluated)>)) -> Option<EvaluationError> {
    let operator = operator();
    let asked = ask(&operator, &[1, 2], &items(count));
    let mut answers = operator.answers(asked.request());
    change(&mut answers);
    asked.prove(&answers).err()
}

const INVALID: Option<EvaluationError> = Some(EvaluationError::Proof(ProofError::Invalid));
const SHAPE: Option<EvaluationError> = Some(EvaluationError::Proof(ProofError::Shape));
/// One element has the RFC's proof, more have Blindlist's.
const COUNTS: [u32; 3] = [1, 2, 64];

/// The element of P + n·G.
fn shifted(element: &Element, n: i8) -> Element {
    let shift = RistrettoPoint::mul_base(&Scalar::from(n.unsigned_abs()));
    let point = RistrettoPoint::from(decode(element).unwrap());
    encode(&if n < 0 { point - shift } else { point + shift }.into())
}

#[test]
fn right_answers_are_proven_in_any_order() {
    for count in COUNTS {
        assert_eq!(error(count, |_| ()), None, "{count} elements");
        assert_eq!(error(count, |answers| answers.reverse()), None, "{count} elements");
    }
}

#[test]
fn a_changed_element_is_noticed() {
    for count in COUNTS {
        for place in [0, count as usize - 1] {
            for holder in [0, 1] {
                let changed = error(count, |answers| {
                    let element = &mut answers[holder].1.elements[place];
                    *element = shifted(element, 1);
                });
                assert_eq!(changed, INVALID, "element {place} of {count} by answer {holder}");
            }
        }
    }
}

#[test]
fn changes_that_cancel_out_are_noticed() {
    for count in COUNTS {
        let between_holders = error(count, |answers| {
            for (answer, n) in answers.iter_mut().zip([5, -5]) {
                answer.1.elements[0] = shifted(&answer.1.elements[0], n);
            }
        });
        assert_eq!(between_holders, INVALID, "{count} elements");
    }
    let within_a_chunk = error(64, |answers| {
        let elements = &mut answers[0].1.elements;
        (elements[3], elements[4]) = (shifted(&elements[3], 5), shifted(&elements[4], -5));
    });
    assert_eq!(within_a_chunk, INVALID);
}

#[test]
fn swapped_elements_are_noticed() {
    assert_eq!(error(2, |answers| answers[0].1.elements.swap(0, 1)), INVALID);
    assert_eq!(error(64, |answers| answers[1].1.elements.swap(0, 63)), INVALID);
    // Both holders alike: every sum would be another's.
    let both = error(64, |answers| answers.iter_mut().for_each(|(_, answer)| answer.elements.swap(5, 6)));
    assert_eq!(both, INVALID);
}

/// [PRF-1]
#[test]
fn another_number_of_elements_is_noticed() {
    for count in COUNTS {
        assert_eq!(
            error(count, |answers| answers[0].1.elements.truncate(count as usize - 1)),
            SHAPE,
            "fewer than {count}"
        );
        assert_eq!(error(count, |answers| answers[1].1.elements.clear()), SHAPE, "none of {count}");
        let more = error(count, |answers| {
            let again = answers[0].1.elements[0];
            answers[0].1.elements.push(again);
        });
        assert_eq!(more, SHAPE, "more than {count}");
    }
}

/// [OPRF-2], [PRF-1]
#[test]
fn what_is_no_element_or_no_proof_is_noticed() {
    let element = |error| Some(EvaluationError::Proof(ProofError::Element(error)));
    let with = |count, bytes| error(count, move |answers| answers[0].1.elements[0] = Element::from_bytes(bytes));
    let proof = |count, bytes| error(count, move |answers| answers[0].1.proof = Proof::from_bytes(bytes));
    for count in COUNTS {
        assert_eq!(with(count, [0; 32]), element(ElementError::Identity), "{count} elements");
        assert_eq!(with(count, [0xff; 32]), element(ElementError::NotCanonical), "{count} elements");
        let not_canonical = Some(EvaluationError::Proof(ProofError::NotCanonical));
        assert_eq!(proof(count, [0xff; 64]), not_canonical, "{count} elements");
        assert_eq!(proof(count, [0; 64]), INVALID, "{count} elements");
        for bit in [0, 250, 256, 506] {
            let flipped = error(count, |answers| {
                let mut bytes = *answers[0].1.proof.as_bytes();
                bytes[bit / 8] ^= 1 << (bit % 8);
                answers[0].1.proof = Proof::from_bytes(bytes);
            });
            assert!(flipped == INVALID || flipped == not_canonical, "bit {bit}: {flipped:?}");
        }
    }
}

/// The error when the chunk is answered by `answers` of a question that the operator was asked otherwise.
fn replayed(operator: &Operator, count: u32, answers: &[(u8, Evaluated)]) -> Option<EvaluationError> {
    ask(operator, &[1, 2], &items(count)).prove(answers).err()
}

#[test]
fn another_chunks_answer_is_noticed() {
    let operator = operator();
    for count in COUNTS {
        let others: Vec<_> = people(2 * count).split_off(count as usize).into_iter().map(Item::Person).collect();
        let other_people = operator.answers(ask(&operator, &[1, 2], &others).request());
        assert_eq!(replayed(&operator, count, &other_people), INVALID, "{count} other people");

        let blinding = operator.blinding(2);
        let other_job = operator.epoch().ask(holders(&[1, 2]), JOB, 0, items(count), &blinding, &asker()).unwrap();
        let other_blinds = operator.answers(other_job.request());
        assert_eq!(replayed(&operator, count, &other_blinds), INVALID, "{count} other blinds");
    }
    // The right elements with another chunk's proof.
    let other = operator.answers(ask(&operator, &[1, 2], &items(3)[1..]).request());
    assert_eq!(error(2, |answers| answers[0].1.proof = other[0].1.proof), INVALID);
    assert_eq!(error(2, |answers| answers[0].1.proof = answers[1].1.proof), INVALID);
}

/// The same elements, asked of another epoch whose record may share keys with this one's.
fn asked_elsewhere(request: &Evaluate, other: &Operator) -> Evaluate {
    let header = ChunkHeader {
        operator_key: other.record.operator_key,
        epoch: other.record.epoch,
        key: other.record.key,
        job: request.job,
        number: request.number,
        count: u32::try_from(request.elements.len()).unwrap(),
        digest: chunk::digest(&request.elements),
    };
    Evaluate { epoch: other.record.epoch, signature: header.sign(&insurer()), ..request.clone() }
}

/// [PRF-2]
#[test]
fn another_epochs_answer_is_noticed() {
    let operator = operator();
    for count in COUNTS {
        let asked = ask(&operator, &[1, 2], &items(count));
        let other_key = Operator::new(1, 2, 2, 3);
        let answers = other_key.answers(&asked_elsewhere(asked.request(), &other_key));
        assert_eq!(replayed(&operator, count, &answers), INVALID, "{count} elements by another key");

        // The same keys in another operator's epoch: the elements are right, the proof is of another context. The RFC's
        // proof of one element knows no context, and what it proves holds; its receipt is of another chunk.
        let other_operator = Operator::new(2, 1, 2, 3);
        let answers = other_operator.answers(&asked_elsewhere(asked.request(), &other_operator));
        let receipt = Some(EvaluationError::Receipt(BadReceipt));
        let expected = if count == 1 { receipt } else { INVALID };
        assert_eq!(replayed(&operator, count, &answers), expected, "{count} elements in another epoch");
    }
}

#[test]
fn a_key_that_is_not_the_holders_is_noticed() {
    let operator = operator();
    for count in COUNTS {
        let asked = ask(&operator, &[1, 2], &items(count));
        let request = asked.request();
        let mut answers = operator.answers(request);
        // A proof that holds, but of a key of the prover's own choice.
        let own = secret_key(9, 9);
        let elements = oprf::blind_evaluate(&own, &asked.points).unwrap();
        let context = BatchContext {
            epoch: operator.record.epoch.as_bytes(),
            key: &operator.record.key,
            holders: request.holders.indices(),
            holder: 1,
        };
        let asked_of = (request.elements.as_slice(), asked.points.as_slice());
        let proof = match count {
            1 => oprf::prove(&own, &own.public(), (&asked_of.0[0], &asked_of.1[0]), &elements[0], &[1; 64]),
            _ => oprf::prove_chunk(&context, &own, &own.public(), asked_of, &elements, &[1; 64]).unwrap(),
        };
        (answers[0].1.elements, answers[0].1.proof) = (elements, proof);
        assert_eq!(asked.prove(&answers).err(), INVALID, "{count} elements");
    }
}

#[test]
fn an_answer_for_another_set_of_holders_is_noticed() {
    let operator = operator();
    for count in COUNTS {
        // Holder 1's part of the key is another in {1, 3}.
        let elsewhere = operator.answers(ask(&operator, &[1, 3], &items(count)).request());
        assert_eq!(error(count, |answers| answers[0] = elsewhere[0].clone()), INVALID, "{count} elements");
    }
}

#[test]
fn one_holders_answer_in_anothers_name_is_noticed() {
    for count in COUNTS {
        let exchanged = error(count, |answers| (answers[0].0, answers[1].0) = (2, 1));
        assert_eq!(exchanged, INVALID, "{count} elements");
        let copied = error(count, |answers| answers[1].1 = answers[0].1.clone());
        assert_eq!(copied, INVALID, "{count} elements");
    }
}

#[test]
fn each_holder_asked_answers_once_and_nobody_else() {
    let wrong = Some(EvaluationError::Answers);
    for count in COUNTS {
        assert_eq!(error(count, Vec::clear), wrong, "none");
        assert_eq!(error(count, |answers| drop(answers.pop())), wrong, "one missing");
        assert_eq!(error(count, |answers| answers.push(answers[0].clone())), wrong, "one doubled");
        assert_eq!(error(count, |answers| answers[1] = answers[0].clone()), wrong, "one doubled for another");
        assert_eq!(error(count, |answers| answers[1].0 = 3), wrong, "a holder outside the set");
        assert_eq!(error(count, |answers| answers[1].0 = 0), wrong, "no holder at all");
        assert_eq!(error(count, |answers| answers.push((3, answers[0].1.clone()))), wrong, "one too many");
    }
}

#[test]
fn answers_are_checked_against_the_epoch_that_was_asked() {
    let operator = operator();
    for other in [Operator::new(1, 2, 2, 3), Operator::new(2, 2, 2, 3)] {
        let asked = ask(&operator, &[1, 2], &items(2));
        let answers = other.answers(&asked_elsewhere(asked.request(), &other));
        assert_eq!(asked.prove(&answers).err(), INVALID);
    }
}
