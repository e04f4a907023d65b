//! What is said of good bytes, and of bytes that each kind of damage made. Arbitrary damage is in [`property`].

mod exchange;
mod property;

use super::*;
use crate::catalog::Listed;
use crate::fixtures::{G, G2, INSURER, Operator, holders, insurer, slug, unhex};
use crate::ids::{Digest, EpochId, InsurerId, JobId};
use crate::index::{HEADER_LEN, SealedEntry, encode};
use crate::log::{Charge, Entry, Event, Status};
use crate::message::{Account, Evaluate, Evaluated, Request, Response};
use crate::object::{digest, sign};
use crate::oprf::{Element, Proof};
use crate::receipt::Receipt;
use crate::refusal::{Refusal, RefusalCode};
use crate::signature::{Signature, SigningKey};
use crate::succession::Succession;

fn key() -> SigningKey {
    SigningKey::from_seed(&[1; 32])
}

fn catalog() -> Catalog {
    Catalog {
        operator: slug("op"),
        operator_key: key().verifying(),
        sequence: 0x0102,
        issued: 1,
        expires: 2,
        epochs: vec![Digest::from_bytes([0x11; 32])],
        manifests: vec![Listed::to_all(Digest::from_bytes([0x22; 32]))],
        checkpoints: vec![],
    }
}

fn bundle() -> Bundle {
    Bundle {
        operator: slug("op"),
        operator_key: key().verifying(),
        successor: digest(b""),
        insurer: slug("mutuelle"),
        insurer_id: InsurerId::from_bytes([3; 16]),
        signing_key: insurer().verifying(),
        tls_key: key().verifying(),
        certificate: vec![1, 2, 3],
        authority: vec![4],
        addresses: vec!["localhost:4433".parse().unwrap()],
    }
}

fn succession() -> Succession {
    Succession {
        operator: slug("op"),
        old_key: insurer().verifying(),
        new_key: key().verifying(),
        successor: digest(b""),
        time: 3,
    }
}

/// An index of three blocks.
fn index() -> Vec<u8> {
    let tag = |i: u128| (i << 116) + ((i * i) << 70);
    let entry = |i: u8, j: u128| SealedEntry { tag: tag(j), label: u64::from(i) };
    let mut entries: Vec<_> = (0..=255).cycle().zip(0..2500).map(|(i, j)| entry(i, j)).collect();
    encode([0x22; 16], 40, 1, &mut entries).unwrap()
}

fn element(encoding: &str) -> Element {
    Element::from_bytes(unhex(encoding).try_into().unwrap())
}

fn evaluate(elements: Vec<Element>) -> Request {
    Request::Evaluate(Evaluate {
        epoch: EpochId::from_bytes([0x11; 32]),
        holders: holders(&[1, 3]),
        job: JobId::from_bytes([0x22; 16]),
        number: 0x0304,
        elements,
        signature: Signature::from_bytes([0x55; 64]),
    })
}

/// An entry of a log: a charge.
fn charge() -> Vec<u8> {
    let charge = Charge {
        insurer: INSURER,
        epoch: EpochId::from_bytes([0x11; 32]),
        holders: holders(&[1, 3]),
        job: JobId::from_bytes([0x22; 16]),
        number: 0x0304,
        count: 1,
        digest: Digest::from_bytes([0x33; 32]),
        signature: Signature::from_bytes([0x55; 64]),
        spent: 64,
    };
    Entry { time: 7, event: Event::Charge(charge) }.encode()
}

fn evaluated(entry: Vec<u8>, proof: [u8; 64]) -> Response {
    Response::Evaluated(Evaluated {
        elements: vec![element(G)],
        proof: Proof::from_bytes(proof),
        account: Account { granted: 100, spent: 64 },
        receipt: Receipt { index: 5, entry, signature: Signature::from_bytes([0x77; 64]) },
    })
}

/// One of each format.
fn good() -> Vec<(Format, Vec<u8>)> {
    let operator = Operator::new(1, 1, 2, 3);
    let tls = SigningKey::from_seed(&[2; 32]);
    let request = EnrolmentRequest::new(slug("mutuelle"), &tls, insurer().verifying());
    vec![
        (Format::EpochRecord, operator.signed_record()),
        (Format::Manifest, sign(&operator.manifest(), &key())),
        (Format::Catalog, sign(&catalog(), &key())),
        (Format::EnrolmentRequest, sign(&request, &insurer())),
        (Format::Bundle, sign(&bundle(), &key())),
        (Format::Succession, sign(&succession(), &key())),
        (Format::Index, index()),
        (Format::Request, evaluate(vec![element(G2), element(G)]).encode()),
        (Format::Response, evaluated(charge(), [0; 64]).encode()),
        (Format::Response, Response::Catalog(sign(&catalog(), &key())).encode()),
        (Format::Response, Response::Refused(Refusal::with(RefusalCode::OverBudget, 7)).encode()),
        (Format::Questions, exchange::questions()),
        (Format::Answers, exchange::answers()),
    ]
}

/// A span as a line: offset, length, path, type, value.
fn line(span: &Span<'_>) -> String {
    let value = match span.value {
        Value::Number(n) => n.to_string(),
        Value::Bytes(bytes) => hex::encode(bytes),
        Value::Text(text) => format!("{text:?}"),
        Value::Items(items) => format!("{items} items"),
        Value::Present(present) => present.to_string(),
        Value::Alternative(number, name) => format!("{number} {name}"),
        Value::Block { number, start, entries, first } => format!("{number} {start} {entries} {first}"),
    };
    format!("{} {} {} {} {value}", span.offset, span.length, span.path, span.ty)
}

fn lines(inspection: &Inspection<'_>) -> Vec<String> {
    inspection.spans.iter().map(line).collect()
}

#[test]
fn the_spans_of_a_catalog_snapshot() {
    let bytes = sign(&catalog(), &key());
    let signer = key().verifying();
    let (one, two) = ("11".repeat(32), "22".repeat(32));
    let expected = [
        r#"0 20 line line "blindlist/1 catalog\n""#,
        r#"20 10 operator text "op""#, // eight bytes of length, two of text
        &format!("30 32 operator_key [u8; 32] {signer}"),
        "62 8 sequence u64 258",
        "70 8 issued u64 1",
        "78 8 expires u64 2",
        "86 8 epochs list 1 items", // the length; the items follow
        &format!("94 32 epochs[0] [u8; 32] {one}"),
        "126 8 manifests list 1 items",
        &format!("134 32 manifests[0].manifest [u8; 32] {two}"),
        "166 8 manifests[0].audience list 0 items",
        "174 8 checkpoints list 0 items",
        &format!("182 64 signature signature {}", hex::encode(&bytes[182..])),
    ];
    assert_eq!(lines(&inspect(&bytes, Format::Catalog)), expected);
}

#[test]
fn the_spans_of_an_evaluate_request() {
    let bytes = evaluate(vec![element(G2), element(G)]).encode();
    let expected = [
        "0 4 alternative choice 4 Evaluate",
        &format!("4 32 epoch [u8; 32] {}", "11".repeat(32)),
        "36 10 holders list of u8 0103", // eight bytes of length, two indices
        &format!("46 16 job [u8; 16] {}", "22".repeat(16)),
        "62 4 number u32 772",
        "66 8 elements list 2 items",
        &format!("74 32 elements[0] element {G2}"),
        &format!("106 32 elements[1] element {G}"),
        &format!("138 64 signature signature {}", "55".repeat(64)),
    ];
    assert_eq!(lines(&inspect(&bytes, Format::Request)), expected);
}

#[test]
fn the_spans_of_what_else_a_type_can_be() {
    let refused = Response::Refused(Refusal::with(RefusalCode::Busy, 5)).encode();
    let expected = ["0 4 alternative choice 5 Refused", "4 2 code u16 13", "6 8 value u64 5"];
    assert_eq!(lines(&inspect(&refused, Format::Response)), expected);

    let answer = evaluated(vec![0xee; 2], [0; 64]).encode();
    let answer = lines(&inspect(&answer, Format::Response));
    assert!(answer.contains(&"108 8 account.granted u64 100".to_owned()), "{answer:?}");
    assert!(answer.contains(&"124 8 receipt.index u64 5".to_owned()), "{answer:?}");
    assert!(answer.contains(&"132 10 receipt.entry bytes eeee".to_owned()), "{answer:?}");

    let segment = Response::Segment(b"abc".to_vec()).encode();
    let expected = ["0 4 alternative choice 2 Segment", "4 11 segment bytes 616263"];
    assert_eq!(lines(&inspect(&segment, Format::Response)), expected);

    let incident = "2026-01-28".parse().unwrap();
    let incident = Some(crate::manifest::Incident { first: incident, last: incident });
    let manifest = sign(&Manifest { incident, ..Operator::new(1, 1, 1, 1).manifest() }, &key());
    let manifest = lines(&inspect(&manifest, Format::Manifest));
    assert!(manifest.contains(&"84 2 incident.first.year u16 2026".to_owned()), "{manifest:?}");
    assert!(manifest.contains(&"91 1 incident.last.day u8 28".to_owned()), "{manifest:?}");

    let record = Operator::new(1, 1, 1, 1).signed_record();
    let record = lines(&inspect(&record, Format::EpochRecord));
    assert!(record.iter().any(|line| line.ends_with(&format!(" 16 canaries[3] [u8; 16] {}", "04".repeat(16)))));
    assert!(record.iter().any(|line| line.ends_with(" 4 evidence choice 0 optional")), "{record:?}");
}

#[test]
fn the_spans_of_an_index() {
    let bytes = index();
    let inspection = inspect(&bytes, Format::Index);
    let found = lines(&inspection);
    let expected = [
        r#"0 18 line line "blindlist/1 index\n""#,
        &format!("18 16 release [u8; 16] {}", "22".repeat(16)),
        "34 4 N u32 2500",
        "38 1 f u8 40",
        "39 1 L u8 1",
    ];
    assert_eq!(found[..5], expected);
    let index = inspection.index.as_ref().unwrap();
    let mut values = Vec::new();
    let ends: Vec<u64> = found[8..11].iter().map(|line| line.rsplit(' ').next().unwrap().parse().unwrap()).collect();
    for (block, (start, length, entries)) in
        [(0, ends[0], 1024), (ends[0], ends[1] - ends[0], 1024), (ends[1], ends[2] - ends[1], 452)]
            .into_iter()
            .enumerate()
    {
        index.decode_block(u32::try_from(block).unwrap(), &mut values).unwrap();
        let (start, first) = (start + HEADER_LEN as u64, values[0]);
        let expected = format!("{start} {length} blocks[{block}] block {block} {} {entries} {first}", block * 1024);
        assert_eq!(found[5 + block], expected);
    }
    let directory = bytes.len() as u64 - 2500 - 24;
    assert_eq!(ends[2], directory - 40);
    assert_eq!(found[8], format!("{directory} 8 directory[0] u64 {}", ends[0]));
    assert!(found[11].starts_with(&format!("{} 2500 labels labels 000102", bytes.len() - 2500)));
    assert_eq!(found.len(), 12);
}

#[test]
fn what_is_good_is_found_good() {
    for (format, bytes) in good() {
        let inspection = inspect_any(&bytes).unwrap();
        assert_eq!((inspection.format, inspection.complaint()), (format, None));
        assert_eq!(inspect(&bytes, format).spans, inspection.spans);
    }
}

#[test]
fn a_response_shows_the_object_in_it() {
    let catalog = sign(&catalog(), &key());
    for response in [Response::Catalog(catalog.clone()), Response::Object(catalog.clone())] {
        let bytes = response.encode();
        let inspection = inspect(&bytes, Format::Response);
        let inner = inspection.inner.unwrap();
        assert_eq!((inner.format, inner.offset, inner.spans[1].offset), (Format::Catalog, 12, 32));
        assert_eq!(inner.spans.len(), 13);
    }
    let mut damaged = catalog;
    damaged[200] ^= 1;
    let bytes = Response::Catalog(damaged).encode();
    let complaint = inspect(&bytes, Format::Response).complaint().unwrap();
    assert!(complaint.starts_with("the catalog snapshot in it, signature: it does not hold"), "{complaint}");
    for nothing in [vec![], b"blindlist/1 index\n".to_vec()] {
        let bytes = Response::Object(nothing).encode();
        let complaint = inspect(&bytes, Format::Response).complaint().unwrap();
        assert!(complaint.starts_with("object: it begins with no line"), "{complaint}");
    }
}

/// The bytes with these at an offset.
fn patched(bytes: &[u8], offset: usize, with: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[offset..offset + with.len()].copy_from_slice(with);
    bytes
}

/// Requires that bytes of each format fail as is said.
fn fail(cases: Vec<(Format, Vec<u8>, &str)>) {
    for (format, bytes, expected) in cases {
        let inspection = inspect(&bytes, format);
        assert_eq!(inspection.failure.as_ref().map(Failure::to_string).as_deref(), Some(expected));
        assert_eq!(inspection.complaint().as_deref(), Some(expected));
    }
}

#[test]
fn a_failure_in_a_catalog_says_where_and_what() {
    let catalog = sign(&catalog(), &key());
    let huge = u64::MAX.to_le_bytes();
    fail(vec![
        (
            Format::Catalog,
            vec![],
            "at offset 0, reading line: the bytes do not begin with its line (SPEC.md section 5)",
        ),
        (
            Format::Bundle,
            catalog.clone(),
            "at offset 0, reading line: the bytes do not begin with its line (SPEC.md section 5)",
        ),
        (
            Format::Catalog,
            catalog[..60].to_vec(),
            "at offset 20, reading signature: it is cut short: 64 bytes are needed, 40 are left (SPEC.md section 5)",
        ),
        (
            Format::Catalog,
            catalog[..200].to_vec(),
            "at offset 134, reading manifests[0].manifest: it is cut short: 32 bytes are needed, 2 are left (SPEC.md section 3)",
        ),
        (
            Format::Catalog,
            [&catalog[..], &[0; 9]].concat(),
            "at offset 182: 9 bytes are left over behind it (SPEC.md section 3)",
        ),
        (
            Format::Catalog,
            patched(&catalog, 20, &huge),
            "at offset 20, reading operator: its length is 18446744073709551615, but 154 bytes are left (SPEC.md section 3)",
        ),
        (
            Format::Catalog,
            patched(&catalog, 28, &[0xff]),
            "at offset 20, reading operator: it is not UTF-8 (SPEC.md section 3)",
        ),
        (
            Format::Catalog,
            patched(&catalog, 28, b"A"),
            "at offset 20, reading operator: a name is 1 to 64 of the characters a-z, 0-9, `_` and `-`, and begins with a \
             letter or a digit (SPEC.md section 12)",
        ),
    ]);
}

#[test]
fn a_failure_in_a_manifest_or_a_record_says_where_and_what() {
    let record = Operator::new(1, 1, 1, 1).signed_record();
    let manifest = sign(&Operator::new(1, 1, 1, 1).manifest(), &key());
    fail(vec![
        (
            Format::Manifest,
            patched(&manifest, 83, &[2]),
            "at offset 83, reading incident: it is 2, where an option is 0 or 1 (SPEC.md section 3)",
        ),
        (
            Format::EpochRecord,
            patched(&record, record.len() - 76, &[7]),
            "at offset 308, reading evidence: it is 7, where the alternatives are 0 to 1 (SPEC.md section 10)",
        ),
        (
            Format::EpochRecord,
            patched(&record, 96, &[0xff; 32]),
            "at offset 96, reading key: not the canonical encoding of an element other than the identity (SPEC.md section 10)",
        ),
    ]);
}

#[test]
fn a_failure_in_a_request_says_where_and_what() {
    let request = evaluate(vec![element(G)]).encode();
    fail(vec![
        (
            Format::Request,
            request[..3].to_vec(),
            "at offset 0, reading alternative: it is cut short: 4 bytes are needed, 3 are left (SPEC.md section 3)",
        ),
        (
            Format::Request,
            patched(&request, 0, &[9]),
            "at offset 0, reading alternative: it is 9, where the alternatives are 0 to 8 (SPEC.md section 18)",
        ),
        (
            Format::Request,
            patched(&request, 45, &[1]),
            "at offset 36, reading holders: a set of holders has 1 to 32 indices above 0 in ascending order (SPEC.md section 18)",
        ),
        (
            Format::Request,
            vec![0; 263_169],
            "at offset 0: there are more than the 263168 bytes that it may have (SPEC.md section 26)",
        ),
    ]);
}

#[test]
fn a_failure_in_an_index_says_where_and_what() {
    let good = index();
    let directory = good.len() - 2500 - 24;
    let first_end = 40 + usize::try_from(u64::from_le_bytes(good[directory..][..8].try_into().unwrap())).unwrap();
    let cases: Vec<(Vec<u8>, String)> = vec![
        (good[..36].to_vec(), "at offset 34, reading N: it is cut short: 4 bytes are needed, 2 are left".into()),
        (good[..41].to_vec(), "at offset 41: found 41 bytes, at least 2600 are needed".into()),
        (patched(&good, 34, &[0; 4]), "at offset 34, reading N: an index of 0 entries".into()),
        (patched(&good, 38, &[31]), "at offset 38, reading f: an index with f = 31".into()),
        (patched(&good, 39, &[9]), "at offset 39, reading L: an index with labels of 9 bytes".into()),
        (
            patched(&good, directory + 8, &[0; 8]),
            format!("at offset {}, reading directory[1]: the end of block 1", directory + 8),
        ),
        (
            patched(&good, directory + 16, &[0xff; 4]),
            format!("at offset {}, reading directory: the directory ends the blocks at byte", directory + 16),
        ),
        (patched(&good, 60, &[0; 200]), "at offset 40, reading blocks[0]: block 0".into()),
        (
            patched(&good, first_end, &[0; 12]),
            format!("at offset {first_end}, reading blocks[1]: block 1 does not begin above"),
        ),
    ];
    for (bytes, expected) in cases {
        let failure = inspect(&bytes, Format::Index).failure.unwrap().to_string();
        assert!(failure.starts_with(&expected), "{failure}\nis not\n{expected}");
    }
}

#[test]
fn broken_rules_are_named() {
    let wrong = |bytes: &[u8], format| inspect(bytes, format).complaint().unwrap();
    let expired = sign(&Catalog { expires: 1, ..catalog() }, &key());
    assert!(wrong(&expired, Format::Catalog).starts_with("rules: "), "{}", wrong(&expired, Format::Catalog));
    assert!(wrong(&expired, Format::Catalog).contains("CAT-1"));
    let other = sign(&catalog(), &insurer());
    assert!(wrong(&other, Format::Catalog).starts_with("signature: it does not hold under operator_key"));

    let descending = evaluate(vec![element(G), element(G2)]).encode();
    assert!(wrong(&descending, Format::Request).starts_with("order: "));
    let none = evaluate(vec![]).encode();
    assert!(wrong(&none, Format::Request).starts_with("number: 0 elements"));
    let no_element = evaluate(vec![Element::from_bytes([0; 32]), element(G), Element::from_bytes([0xff; 32])]).encode();
    assert!(
        wrong(&no_element, Format::Request).starts_with("elements: elements[0] at offset 74 is the identity element")
    );
    let long = evaluated(vec![0xee; 1025], [0; 64]).encode();
    assert!(wrong(&long, Format::Response).starts_with("receipt: 1025 bytes of an entry"));
    let no_proof = evaluated(charge(), [0xff; 64]).encode();
    assert!(wrong(&no_proof, Format::Response).starts_with("proof: a scalar is not canonical"));
    let status = Event::Status { insurer: INSURER, status: Status::Active };
    let status = evaluated(Entry { time: 7, event: status }.encode(), [0; 64]).encode();
    assert!(wrong(&status, Format::Response).starts_with("entry: its entry is another event than a charge"));
    let no_entry = evaluated(vec![0xee; 2], [0; 64]).encode();
    assert!(wrong(&no_entry, Format::Response).starts_with("entry: its bytes are no entry"));
    let long = Response::Path(vec![Digest::from_bytes([1; 32]); 129]).encode();
    assert!(wrong(&long, Format::Response).starts_with("path: 129 hashes"));
}

#[test]
fn nothing_of_a_foreign_file_is_told() {
    for (file, hidden) in [(&b"1850578006084;Dupont\n"[..], "1850"), (&[0xa5; 32], "2779096485")] {
        let failures = inspect_any(file).unwrap_err().map(|failure| failure.to_string());
        assert_eq!(inspect(file, Format::Manifest).findings, [], "not even its digest");
        for failure in failures.iter().chain([&inspect(file, Format::Manifest).complaint().unwrap()]) {
            // The same four bytes as an integer would tell as much.
            let number = u32::from_le_bytes(file[..4].try_into().unwrap()).to_string();
            assert!(!failure.contains(hidden) && !failure.contains(&number), "{failure}");
        }
    }
}

#[test]
fn every_format_has_a_word() {
    for format in Format::ALL {
        assert_eq!(format.word().parse(), Ok(format));
        assert_eq!(format.to_string().parse(), Ok(format));
    }
    assert_eq!("record".parse::<Format>(), Err(UnknownFormat));
}
