//! The real server against an insurer that has a certificate and sends what it likes.
//!
//! What is refused is never charged, and never disturbs another stream.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests and their helpers")]

use blindlist_protocol::ids::{Digest, EpochId, JobId, ReleaseId};
use blindlist_protocol::manifest::Manifest;
use blindlist_protocol::message::{Account, Evaluate, Request, Response};
use blindlist_protocol::object;
use blindlist_protocol::oprf::{self, Element};
use blindlist_protocol::params::{MAX_CHUNK, MAX_REQUEST};
use blindlist_protocol::refusal::{Refusal, RefusalCode};
use blindlist_protocol::signature::Signature;
use blindlist_tests::people::numbers;
use blindlist_tests::raw::{Line, RawInsurer, element, elements};
use blindlist_tests::{Operator, Serving};

/// An operator, an insurer with a budget for so many members, and the server.
fn scene(members: u64) -> (Operator, RawInsurer, Serving) {
    let operator = Operator::with_numbers("op", &numbers(0, 10));
    let insurer = RawInsurer::enrolled("hostile", &operator, members);
    let server = operator.serve();
    (operator, insurer, server)
}

#[tokio::test]
async fn bytes_that_are_no_request_are_refused_and_cost_nothing() {
    let (_operator, insurer, server) = scene(10_000);
    let line = insurer.connect(&server).await;
    let before = line.account().await;
    let good = Request::Evaluate(line.chunk(elements(1, 3))).encode();
    let cut = |at: usize| good[..at].to_vec();
    let with = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        bytes
    };
    let holders_at = 4 + 32;
    let number_of_elements_at = holders_at + 8 + 1 + 16 + 4;
    let mut cases: Vec<(String, Vec<u8>)> = vec![
        ("nothing".to_owned(), Vec::new()),
        ("another protocol".to_owned(), b"GET / HTTP/1.1\r\n\r\n".to_vec()),
        ("a byte too many".to_owned(), [&good[..], &[0]].concat()),
        ("twice".to_owned(), [&good[..], &good[..]].concat()),
        ("no such request".to_owned(), with(0, 5)),
        ("a wide choice".to_owned(), with(3, 0x80)),
        ("no holder".to_owned(), with(holders_at, 0)),
        ("holder 0".to_owned(), with(holders_at + 8, 0)),
        ("a length beyond the bytes".to_owned(), with(number_of_elements_at, 4)),
        ("a length beyond memory".to_owned(), with(number_of_elements_at + 7, 0xff)),
        ("a catalog request with a byte".to_owned(), vec![0, 0, 0, 0, 0]),
    ];
    cases.extend((1..good.len()).step_by(7).map(|at| (format!("cut at {at}"), cut(at))));
    for (what, bytes) in cases {
        assert_eq!(line.refusal_of(&bytes).await, RefusalCode::Malformed.into(), "{what}");
    }
    for length in [MAX_REQUEST + 1, 600 << 10, 4 << 20] {
        assert_eq!(line.refusal_of(&vec![0; length]).await, RefusalCode::TooLarge.into(), "{length} bytes");
    }
    assert_eq!(line.account().await, before);
    assert_eq!(line.evaluated(line.chunk(elements(1, 3))).await.elements.len(), 3, "the connection goes on");
}

/// [REF-1]
#[tokio::test]
async fn good_requests_go_on_beside_bad_ones() {
    let (_operator, insurer, server) = scene(10_000);
    let line = insurer.connect(&server).await;
    let (good, bad, large) = (line.chunk(elements(2, 500)), b"nonsense".to_vec(), vec![7; MAX_REQUEST + 1]);
    let (answer, malformed, too_large, catalog) =
        tokio::join!(line.evaluated(good), line.refusal_of(&bad), line.refusal_of(&large), line.ask(&Request::Catalog));
    assert_eq!(answer.elements.len(), 500);
    assert_eq!((malformed, too_large), (RefusalCode::Malformed.into(), RefusalCode::TooLarge.into()));
    assert!(matches!(catalog, Response::Catalog(_)));
}

/// [EVA-2], [EVA-3], [EVA-5]
#[tokio::test]
async fn a_chunk_that_breaks_a_rule_is_refused_with_its_code() {
    let (_operator, insurer, server) = scene(30_000);
    let line = insurer.connect(&server).await;
    let before = line.account().await;
    let three = elements(3, 3);
    let signed = |elements: &[Element]| line.chunk(elements.to_vec());
    let zero = Element::from_bytes([0; 32]);
    let not_canonical = Element::from_bytes([0xff; 32]);
    // An odd field element is no encoding (RFC 9496, section 4.3.1).
    let negative = Element::from_bytes(std::array::from_fn(|i| u8::from(i == 0)));
    let sorted = |mut elements: Vec<Element>| {
        elements.sort_unstable();
        elements
    };

    use RefusalCode::{InvalidChunk, InvalidElement, InvalidSignature, UnknownEpoch, WrongHolders};
    let cases: Vec<(&str, Evaluate, RefusalCode)> = vec![
        ("empty", signed(&[]), InvalidChunk),
        ("descending", signed(&[three[2], three[1], three[0]]), InvalidChunk),
        ("two out of order", signed(&[three[1], three[0], three[2]]), InvalidChunk),
        ("twice the same", signed(&[three[0], three[0], three[1]]), InvalidChunk),
        ("the identity", signed(&sorted(vec![zero, three[0], three[1]])), InvalidElement),
        ("the identity alone", signed(&[zero]), InvalidElement),
        ("not canonical", signed(&sorted(vec![not_canonical, three[0]])), InvalidElement),
        ("a negative field element", signed(&sorted(vec![negative, three[0]])), InvalidElement),
        ("no signature", Evaluate { signature: Signature::from_bytes([0; 64]), ..signed(&three) }, InvalidSignature),
        ("signed under another number", Evaluate { number: 1, ..signed(&three) }, InvalidSignature),
        ("signed under another job", Evaluate { job: JobId::from_bytes([8; 16]), ..signed(&three) }, InvalidSignature),
        ("signed over other elements", Evaluate { elements: elements(4, 3), ..signed(&three) }, InvalidSignature),
        ("another epoch", line.sign(Evaluate { epoch: EpochId::from_bytes([1; 32]), ..signed(&three) }), UnknownEpoch),
        ("another holder", line.sign(Evaluate { holders: Line::holders(&[2]), ..signed(&three) }), WrongHolders),
        ("too many holders", line.sign(Evaluate { holders: Line::holders(&[1, 2]), ..signed(&three) }), WrongHolders),
    ];
    for (what, request, code) in cases {
        let refusal = line.refusal_of(&Request::Evaluate(request).encode()).await;
        assert_eq!(refusal, Refusal::from(code), "{what}");
    }
    assert_eq!(line.account().await, before);

    // 8,193 elements still fit into the bytes of a request.
    let too_many = elements(5, MAX_CHUNK + 1);
    line.is_refused(line.chunk(too_many.clone()), InvalidChunk).await;
    assert_eq!(line.account().await, before);
    let full = line.evaluated(line.chunk(too_many[..MAX_CHUNK].to_vec())).await;
    assert_eq!((full.elements.len(), full.account.spent), (MAX_CHUNK, MAX_CHUNK as u64));
}

#[tokio::test]
async fn another_insurers_signature_is_none() {
    let (operator, insurer, server) = scene(1_000);
    let other = RawInsurer::enrolled("other", &operator, 1_000);
    let (line, others) = (insurer.connect(&server).await, other.connect(&server).await);
    line.is_refused(others.chunk(elements(1, 3)), RefusalCode::InvalidSignature).await;
    assert_eq!((line.account().await.spent, others.account().await.spent), (0, 0));
    // Budgets are apart: the same chunk is charged to each.
    line.evaluated(line.chunk(elements(1, 3))).await;
    others.evaluated(others.chunk(elements(1, 3))).await;
    assert_eq!((line.account().await.spent, others.account().await.spent), (3, 3));
}

/// [EVA-4], [EVA-5]
#[tokio::test]
async fn a_budget_is_spent_to_the_last_and_not_beyond() {
    let (operator, insurer, server) = scene(60);
    let line = insurer.connect(&server).await;
    assert_eq!(line.account().await, Account { granted: 64, spent: 0 });
    let over = line.refusal_of(&Request::Evaluate(line.chunk(elements(1, 70))).encode()).await;
    assert_eq!(over, Refusal::with(RefusalCode::OverBudget, 6));
    assert_eq!(line.account().await.spent, 0, "all of a chunk or nothing");

    let sixty = line.chunk(elements(2, 60));
    assert_eq!(line.evaluated(sixty.clone()).await.account, Account { granted: 64, spent: 60 });
    let over = line.refusal_of(&Request::Evaluate(line.chunk(elements(3, 5))).encode()).await;
    assert_eq!(over, Refusal::with(RefusalCode::OverBudget, 1));
    assert_eq!(line.evaluated(line.chunk(elements(4, 4))).await.account, Account { granted: 64, spent: 64 });
    let over = line.refusal_of(&Request::Evaluate(line.chunk(elements(5, 1))).encode()).await;
    assert_eq!(over, Refusal::with(RefusalCode::OverBudget, 1));

    // What was paid is answered again, though nothing is left.
    let again = line.evaluated(sixty).await;
    assert_eq!(again.account, Account { granted: 64, spent: 64 });
    assert_eq!(operator.account("hostile"), [64, 64, 0]);
}

/// [EVA-5]
#[tokio::test]
async fn a_repeat_is_answered_alike_and_never_charged() {
    let (_operator, insurer, server) = scene(1_000);
    let line = insurer.connect(&server).await;
    let chunk = line.chunk(elements(1, 100));
    let first = line.evaluated(chunk.clone()).await;
    // Under another number and job it is the same chunk: it is known by its elements.
    let renumbered = line.sign(Evaluate { number: 9, job: JobId::from_bytes([9; 16]), ..chunk.clone() });
    let (second, third, fourth) =
        tokio::join!(line.evaluated(chunk.clone()), line.evaluated(renumbered), line.evaluated(chunk));
    for repeat in [second, third, fourth] {
        assert_eq!((repeat.elements, repeat.account), (first.elements.clone(), first.account));
    }
    assert_eq!(line.account().await.spent, 100);
    // On a new connection as well.
    drop(line);
    assert_eq!(insurer.connect(&server).await.account().await.spent, 100);
}

#[tokio::test]
async fn the_same_chunk_at_once_is_charged_once() {
    let (_operator, insurer, server) = scene(1_000);
    let (one, two) = (insurer.connect(&server).await, insurer.connect(&server).await);
    let chunk = one.chunk(elements(1, 200));
    let ask = |line, chunk: &Evaluate| {
        let (line, chunk): (&Line<'_>, Evaluate) = (line, chunk.clone());
        async move { line.evaluated(chunk).await.elements }
    };
    let (a, b, c, d) = tokio::join!(ask(&one, &chunk), ask(&two, &chunk), ask(&one, &chunk), ask(&two, &chunk));
    assert!(a == b && b == c && c == d);
    assert_eq!(one.account().await.spent, 200);
}

#[tokio::test]
async fn one_element_has_the_proof_of_rfc_9497() {
    let (_operator, insurer, server) = scene(1_000);
    let line = insurer.connect(&server).await;
    let (blinded, point) = element(77);
    let answer = line.evaluated(line.chunk(vec![blinded])).await;
    let [evaluated] = answer.elements[..] else { panic!("one answer to one element") };
    let key = &line.record.key;
    oprf::verify(key, (&blinded, &point), &evaluated, &answer.proof).unwrap();
    let (other, other_point) = element(78);
    assert!(oprf::verify(key, (&other, &other_point), &evaluated, &answer.proof).is_err());
    // Two elements have another proof: that of RFC 9497 must not be taken for it.
    let two = elements(79, 2);
    let answer = line.evaluated(line.chunk(two.clone())).await;
    let points = oprf::decode_all(&two).unwrap();
    for (i, element) in two.iter().enumerate() {
        assert!(oprf::verify(key, (element, &points[i]), &answer.elements[i], &answer.proof).is_err());
    }
}

#[tokio::test]
async fn only_what_is_live_is_shown() {
    let (_operator, insurer, server) = scene(1_000);
    let line = insurer.connect(&server).await;
    let unknown = Response::Refused(RefusalCode::UnknownObject.into());
    let Response::Object(bytes) = line.ask(&Request::Object(line.catalog.manifests[0].manifest)).await else {
        panic!("no manifest")
    };
    let manifest: Manifest = object::open(&bytes, &insurer.bundle.operator_key).unwrap();
    let segment = |release, number| Request::Segment { release, number };
    let Response::Segment(bytes) = line.ask(&segment(manifest.release, 0)).await else { panic!("no segment") };
    assert_eq!(bytes.len() as u64, manifest.index_length);
    for request in [
        segment(ReleaseId::from_bytes([0; 16]), 0),
        segment(manifest.release, 1),
        segment(manifest.release, u32::MAX),
        Request::Object(Digest::from_bytes([0; 32])),
        // The catalog itself is no object of the catalog.
        Request::Object(Digest::from_bytes([0xff; 32])),
    ] {
        assert_eq!(line.ask(&request).await, unknown, "{request:?}");
    }
    let elsewhere = line.ask(&Request::Account(EpochId::from_bytes([2; 32]))).await;
    assert_eq!(elsewhere, Response::Refused(RefusalCode::UnknownEpoch.into()));
}
