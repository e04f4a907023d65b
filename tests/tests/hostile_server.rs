//! The real client against servers that have the operator's certificate and lie.
//!
//! Whatever they send, nothing is written: no result, not even an empty one.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests and their helpers")]
#![allow(clippy::wildcard_enum_match_arm, reason = "a test is about one kind of message and leaves the others alone")]

use std::fs;
use std::sync::Mutex;

use blindlist_protocol::message::{Account, Evaluated, Request, Response};
use blindlist_protocol::oprf::Element;
use blindlist_protocol::receipt::Receipt;
use blindlist_protocol::refusal::{Refusal, RefusalCode};
use blindlist_protocol::signature::Signature;
use blindlist_tests::Scene;
use blindlist_tests::impostor::Reply;
use blindlist_tests::people::numbers;

/// A tampering with the answer to a chunk.
type Tamper = fn(Evaluated) -> Evaluated;

/// Where a proof begins in the bytes of a response: after the choice, the count, and the elements.
fn proof_offset(evaluated: &Evaluated) -> usize {
    4 + 8 + 32 * evaluated.elements.len()
}

/// [JOB-3], [PRF-1]
#[test]
fn no_answer_is_believed_that_is_not_proven() {
    let scene = Scene::new();
    let tampers: [(&str, Tamper); 8] = [
        ("two answers swapped", |mut answer| {
            answer.elements.swap(3, 40);
            answer
        }),
        ("one answer replaced by another element", |mut answer| {
            answer.elements[17] = blindlist_tests::raw::element(1).0;
            answer
        }),
        ("one answer replaced by the identity", |mut answer| {
            answer.elements[0] = Element::from_bytes([0; 32]);
            answer
        }),
        ("one answer that is no element", |mut answer| {
            answer.elements[63] = Element::from_bytes([0xff; 32]);
            answer
        }),
        ("one answer given twice", |mut answer| {
            answer.elements[1] = answer.elements[0];
            answer
        }),
        ("one answer too few", |mut answer| {
            answer.elements.pop();
            answer
        }),
        ("one answer too many", |mut answer| {
            answer.elements.push(answer.elements[0]);
            answer
        }),
        ("no answers at all", |mut answer| {
            answer.elements.clear();
            answer
        }),
    ];
    for (what, tamper) in tampers {
        let impostor = scene.tampering(move |_, response| match response {
            Response::Evaluated(answer) => Response::Evaluated(tamper(answer)),
            other => other,
        });
        let ran = scene.check(&impostor).ends(76);
        assert!(ran.stderr.contains("answer to chunk 0"), "{what}: {ran}");
        assert_eq!(impostor.evaluations(), 1, "{what}: a lie is not asked for again");
        scene.insurer.results("out").are_none();
    }
    scene.is_unharmed();
}

/// [JOB-3]
#[test]
fn no_proof_is_believed_that_was_changed() {
    let scene = Scene::new();
    for offset in [0, 31, 32, 63] {
        let impostor = scene.tampering(move |_, response| match &response {
            Response::Evaluated(answer) => {
                let mut bytes = response.encode();
                bytes[proof_offset(answer) + offset] ^= 1;
                Reply::Bytes(bytes)
            }
            _ => response.into(),
        });
        scene.fails(&impostor, 76);
        assert_eq!(impostor.evaluations(), 1);
    }
    scene.is_unharmed();
}

/// [PRF-2]
#[test]
fn the_answer_to_another_chunk_is_no_answer() {
    let scene = Scene::new();
    let first = Mutex::new(None);
    let impostor = scene.tampering(move |_, response| match response {
        // The first check is answered, every later one gets the answers of the first.
        Response::Evaluated(_) => first.lock().unwrap().get_or_insert(response).clone(),
        other => other,
    });
    scene.check(&impostor).ends(0);
    scene.forget_results();
    scene.fails(&impostor, 76);
}

/// [ENC-1], [ENC-2]
#[test]
fn what_is_no_response_is_refused() {
    let scene = Scene::new();
    type Garble = fn(Vec<u8>) -> Vec<u8>;
    let garbles: [(&str, Garble); 5] = [
        ("nothing", |_| Vec::new()),
        ("no response", |_| b"HTTP/1.1 200 OK\r\n\r\n".to_vec()),
        ("a byte too many", |mut bytes| {
            bytes.push(0);
            bytes
        }),
        ("a byte too few", |mut bytes| {
            bytes.pop();
            bytes
        }),
        ("a response that is too long", |_| vec![0; 3 << 20]),
    ];
    for kind in 0..6 {
        for (what, garble) in garbles {
            let impostor = scene.tampering(move |request, response| {
                let chosen = match request {
                    Request::Catalog => 0,
                    Request::Object(_) => 1,
                    Request::Account(_) => 2,
                    Request::Evaluate(_) => 3,
                    Request::Checkpoint(_) => 4,
                    Request::Inclusion { .. } => 5,
                    Request::Segment { .. } | Request::Consistency { .. } | Request::Succession(_) => 6,
                };
                if chosen == kind { Reply::Bytes(garble(response.encode())) } else { response.into() }
            });
            let ran = scene.check(&impostor).ends(76).complains(&[]);
            assert!(!ran.stderr.contains("HTTP"), "{what} in answer to request {kind}: {ran}");
            scene.insurer.results("out").are_none();
        }
    }
    scene.is_unharmed();
}

/// [MSG-1]
#[test]
fn a_response_to_something_else_is_refused() {
    let scene = Scene::new();
    let account = || Response::Account(Account { granted: u64::MAX, spent: 0 });
    for kind in 0..4 {
        let impostor = scene.tampering(move |request, response| match (kind, request) {
            (0, Request::Catalog) | (1, Request::Object(_)) | (2, Request::Evaluate(_)) => account(),
            (3, Request::Account(_)) => Response::Catalog(Vec::new()),
            _ => response,
        });
        scene.fails(&impostor, 76).complains(&["something else"]);
    }
}

#[test]
fn refusals_end_as_documented() {
    let scene = Scene::new();
    for (refusal, code) in [
        (Refusal::with(RefusalCode::Unlisted(16), 7), 76),
        (Refusal::with(RefusalCode::Unlisted(u16::MAX), 7), 76),
        (RefusalCode::Malformed.into(), 76),
        (RefusalCode::InvalidElement.into(), 76),
        (RefusalCode::InvalidSignature.into(), 76),
        (RefusalCode::UnknownInsurer.into(), 77),
        (RefusalCode::Suspended.into(), 77),
        (Refusal::with(RefusalCode::OverBudget, 12), 77),
        (Refusal::with(RefusalCode::RateLimited, u64::MAX), 75),
        (Refusal::with(RefusalCode::Busy, 3_600_000), 75),
        (RefusalCode::RetiredEpoch.into(), 69),
        (RefusalCode::Internal.into(), 69),
    ] {
        let impostor = scene.tampering(move |request, response| match request {
            Request::Evaluate(_) => Response::Refused(refusal),
            _ => response,
        });
        scene.fails(&impostor, code);
        assert_eq!(impostor.evaluations(), 1, "{refusal:?} is final");
    }
    scene.is_unharmed();
}

/// [MSG-2], [AUD-4]
#[test]
fn a_receipt_that_the_log_did_not_give_is_refused() {
    let scene = Scene::new();
    for (length, word) in [(0, "receipt"), (1_024, "receipt"), (1_025, "malformed")] {
        let impostor = scene.tampering(move |_, response| match response {
            Response::Evaluated(answer) => {
                let receipt = Receipt { entry: vec![5; length], ..answer.receipt };
                Response::Evaluated(Evaluated { receipt, ..answer })
            }
            other => other,
        });
        scene.fails(&impostor, 76).complains(&[word]);
    }
    let impostor = scene.tampering(|_, response| match response {
        Response::Evaluated(answer) => {
            let receipt = Receipt { signature: Signature::from_bytes([1; 64]), ..answer.receipt };
            Response::Evaluated(Evaluated { receipt, ..answer })
        }
        other => other,
    });
    scene.fails(&impostor, 76).complains(&["receipt"]);
    scene.is_unharmed();
}

/// [MAN-5]
#[test]
fn an_index_is_the_one_that_was_signed() {
    let scene = Scene::new();
    for kind in 0..4 {
        let impostor = scene.tampering(move |_, response| match response {
            Response::Segment(mut bytes) => {
                let middle = bytes.len() / 2;
                match kind {
                    0 => bytes[middle] ^= 1,
                    1 => bytes.truncate(middle),
                    2 => bytes.push(0),
                    _ => bytes.clear(),
                }
                Response::Segment(bytes)
            }
            other => other,
        });
        scene.fails(&impostor, 76).complains(&["segment 0"]);
        assert_eq!(impostor.evaluations(), 0, "nothing is asked before the index is there");
    }
    let impostor = scene.tampering(|_, response| match response {
        Response::Segment(_) => Response::Refused(RefusalCode::UnknownObject.into()),
        other => other,
    });
    scene.fails(&impostor, 69);
    scene.is_unharmed();

    // On the disk as well: either it is fetched again, or the check fails. It is never looked up in.
    let indexes = scene.insurer.profile().join("indexes");
    let stored = fs::read_dir(indexes).unwrap().next().unwrap().unwrap().path();
    let good = fs::read(&stored).unwrap();
    for place in [0, 20, good.len() / 2, good.len() - 1] {
        let mut bad = good.clone();
        bad[place] ^= 1;
        fs::write(&stored, &bad).unwrap();
        scene.is_unharmed();
        assert_eq!(fs::read(&stored).unwrap(), good, "byte {place}");
    }
    fs::write(&stored, &good[..good.len() - 1]).unwrap();
    scene.is_unharmed();
}

/// [OBJ-4]
#[test]
fn an_object_is_the_one_that_was_asked_for() {
    let scene = Scene::new();
    let first = Mutex::new(None);
    let impostor = scene.tampering(move |_, response| match response {
        Response::Object(bytes) => Response::Object(first.lock().unwrap().get_or_insert(bytes).clone()),
        other => other,
    });
    scene.fails(&impostor, 76).complains(&["another one"]);
    let impostor = scene.tampering(|_, response| match response {
        Response::Object(mut bytes) => {
            let last = bytes.len() - 1;
            bytes[last] ^= 1;
            Response::Object(bytes)
        }
        other => other,
    });
    scene.fails(&impostor, 76);
    scene.is_unharmed();
}

/// [CAT-5]
#[test]
fn what_the_catalog_says_is_live_must_be_shown() {
    let scene = Scene::new();
    // The first object asked for is the epoch record, the second the manifest: a release that is hidden would look as if
    // nobody were affected.
    for hidden in 0..2 {
        let asked = Mutex::new(0);
        let impostor = scene.tampering(move |request, response| match request {
            Request::Object(_) => {
                let mut asked = asked.lock().unwrap();
                *asked += 1;
                if *asked == hidden + 1 { Response::Refused(RefusalCode::UnknownObject.into()) } else { response }
            }
            _ => response,
        });
        scene.fails(&impostor, 76).complains(&["hidden"]);
        scene.insurer.run(&["lists", "--server", &impostor.address()]);
    }
    scene.is_unharmed();
}

/// [CAT-2]
#[test]
fn a_catalog_never_goes_back() {
    let scene = Scene::new();
    let kept = Mutex::new(None);
    let impostor = scene.tampering(move |request, response| match request {
        Request::Catalog => kept.lock().unwrap().get_or_insert(response).clone(),
        _ => response,
    });
    scene.check(&impostor).ends(0);
    scene.forget_results();
    let more = scene.operator.file("more.csv", format!("nir\n{}\n", numbers(0, 12).join("\n")));
    scene.operator.seal(&more, "list-b", "identity", &[]).ends(0);
    scene.check(&impostor).ends(0);
    scene.forget_results();
    scene.insurer.run(&["lists", "--server", &scene.server.address()]).ends(0).prints(&["list-b"]);
    scene.fails(&impostor, 76).complains(&["sequence"]);
    scene.insurer.run(&["lists", "--server", &impostor.address()]).ends(76);
}

#[test]
fn a_lost_answer_is_asked_for_again_and_paid_once() {
    let scene = Scene::new();
    let lost = Mutex::new(false);
    let impostor = scene.tampering(move |request, response| match request {
        Request::Evaluate(_) if !std::mem::replace(&mut *lost.lock().unwrap(), true) => Reply::Nothing,
        _ => response.into(),
    });
    scene.check(&impostor).ends(0).prints(&["5 of 20 checked members", "64 evaluations used"]);
    assert_eq!(impostor.evaluations(), 2);
    assert_eq!(scene.operator.spent("mutuelle"), 64);
}
