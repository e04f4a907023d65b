//! What SPEC.md says in tables is what the code says.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests and their helpers")]

use std::fs;

use blindlist_protocol::catalog::Catalog;
use blindlist_protocol::enrolment::{Bundle, EnrolmentRequest};
use blindlist_protocol::epoch::EpochRecord;
use blindlist_protocol::manifest::Manifest;
use blindlist_protocol::object::Kind;
use blindlist_protocol::params::{
    ANSWERS_DIGEST_DOMAIN, ANSWERS_LINE, AUDIENCE_DOMAIN, CHUNK_DIGEST_DOMAIN, CHUNK_DOMAIN, ENTRY_DOMAIN,
    EPOCH_ID_DOMAIN, IDENTIFIER_DOMAIN, OPENINGS_LINE, PROOF_CHALLENGE_DOMAIN, PROOF_COEFFICIENT_DOMAIN,
    PROOF_NONCE_DOMAIN, PROOF_SEED_DOMAIN, QUESTIONS_DIGEST_DOMAIN, QUESTIONS_LINE, RECEIPT_DOMAIN, SAMPLE_DOMAIN,
    SOURCE_DOMAIN, SUCCESSOR_DOMAIN, TLS_PROOF_DOMAIN,
};
use blindlist_protocol::succession::Succession;
use blindlist_protocol::{index, refusal::RefusalCode};
use blindlist_tests::programs::root;

fn section(title: &str) -> String {
    let text = fs::read_to_string(root().join("SPEC.md")).unwrap();
    let section = text.split("\n## ").find(|section| section.starts_with(title));
    section.unwrap_or_else(|| panic!("SPEC.md has no section {title}")).to_owned()
}

/// The cells of a table's rows, without its head.
fn table(section: &str) -> Vec<Vec<String>> {
    let lines = section.lines().skip_while(|line| !line.starts_with("|---")).skip(1);
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
    lines.take_while(|line| line.starts_with('|')).map(cells).collect()
}

#[test]
fn refusal_codes_are_those_of_section_19() {
    let rows = table(&section("19. Refusals"));
    assert_eq!(rows.len(), 15);
    for row in &rows {
        let number: u16 = row[0].parse().unwrap();
        let code = RefusalCode::from(number);
        assert_eq!(format!("{code:?}"), row[1]);
        assert_eq!(u16::from(code), number);
    }
    let last: u16 = rows.last().unwrap()[0].parse().unwrap();
    assert_eq!(
        RefusalCode::from(last + 1),
        RefusalCode::Unlisted(last + 1),
        "the code knows one that SPEC.md does not"
    );
}

#[test]
fn domain_strings_are_those_of_section_26() {
    let section = section("26. Constants");
    let sentence = section.split("Domain strings").nth(1).unwrap();
    let in_use = sentence.split("; each ends").next().unwrap();
    let mut named: Vec<String> =
        in_use.split('`').skip(1).step_by(2).map(|name| format!("blindlist/1 {name}\n")).collect();
    assert_eq!(named.remove(0), "blindlist/1 blindlist/1\n", "the common beginning comes first");
    named.sort();

    let known = [
        AUDIENCE_DOMAIN,
        IDENTIFIER_DOMAIN,
        ENTRY_DOMAIN,
        EPOCH_ID_DOMAIN,
        CHUNK_DIGEST_DOMAIN,
        CHUNK_DOMAIN,
        SOURCE_DOMAIN,
        SUCCESSOR_DOMAIN,
        TLS_PROOF_DOMAIN,
        PROOF_SEED_DOMAIN,
        PROOF_COEFFICIENT_DOMAIN,
        PROOF_NONCE_DOMAIN,
        PROOF_CHALLENGE_DOMAIN,
        EpochRecord::LINE,
        Manifest::LINE,
        Catalog::LINE,
        EnrolmentRequest::LINE,
        Bundle::LINE,
        Succession::LINE,
        RECEIPT_DOMAIN,
        OPENINGS_LINE,
        SAMPLE_DOMAIN,
        QUESTIONS_LINE,
        QUESTIONS_DIGEST_DOMAIN,
        ANSWERS_LINE,
        ANSWERS_DIGEST_DOMAIN,
        &index::MAGIC,
    ];
    let mut known: Vec<String> = known.iter().map(|domain| String::from_utf8(domain.to_vec()).unwrap()).collect();
    known.sort();
    assert_eq!(named, known);
    for pair in known.windows(2) {
        assert!(!pair[1].starts_with(&pair[0]), "{:?} is a prefix of {:?}", pair[0], pair[1]);
    }
}

#[test]
fn limits_are_those_of_section_26() {
    use blindlist_protocol::params::{
        CANARIES, CHECKPOINT_DOMAIN, MAX_ADDRESSES, MAX_ANSWERS, MAX_AUDIT_ENTRY, MAX_CATEGORIES, MAX_CHUNK,
        MAX_ENROLMENT, MAX_EXCHANGE_HEADER, MAX_HOLDERS, MAX_KNOWN_LOGS, MAX_NOTE, MAX_NOTE_SIGNATURES, MAX_OBJECT,
        MAX_PATH, MAX_QUESTIONS, MAX_REQUEST, MAX_RESPONSE, PADDING_QUANTUM, SEGMENT_LENGTH,
    };
    let grouped = |number: usize| {
        let digits = number.to_string();
        let groups = digits.as_bytes().rchunks(3).rev().map(|group| String::from_utf8(group.to_vec()).unwrap());
        groups.collect::<Vec<_>>().join(",")
    };
    let expected = [
        format!("1 to {}", grouped(MAX_CHUNK)),
        format!("a multiple of {PADDING_QUANTUM}"),
        CANARIES.to_string(),
        format!("1 to {MAX_CATEGORIES}"),
        grouped(index::BLOCK_ENTRIES as usize),
        grouped(SEGMENT_LENGTH as usize),
        format!("{MAX_HOLDERS}; {MAX_ADDRESSES}"),
        format!("{} bytes; {MAX_PATH}", grouped(MAX_AUDIT_ENTRY)),
        format!("{} bytes, {MAX_NOTE_SIGNATURES} signatures", grouped(MAX_NOTE)),
        format!("{} bytes", [MAX_REQUEST, MAX_RESPONSE, MAX_OBJECT, MAX_ENROLMENT].map(grouped).join("; ")),
        format!(
            "{}; {}; {} bytes; {MAX_KNOWN_LOGS}",
            grouped(MAX_QUESTIONS as usize),
            grouped(MAX_ANSWERS as usize),
            grouped(MAX_EXCHANGE_HEADER)
        ),
    ];
    assert!(section("26. Constants").contains(&format!("`{CHECKPOINT_DOMAIN}`")));
    let rows = table(&section("26. Constants"));
    assert_eq!(rows.iter().map(|row| row[1].clone()).collect::<Vec<_>>(), expected);
}

/// The value in a vector file.
fn vector(file: &str, pointer: &str) -> String {
    let text = fs::read_to_string(root().join("tests/vectors").join(file)).unwrap();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    value.pointer(pointer).and_then(serde_json::Value::as_str).unwrap().to_owned()
}

#[test]
fn walk_throughs_are_the_vectors() {
    let section = section("28. Walk-throughs");
    let tables: Vec<_> = section.split("\n### ").skip(1).map(table).collect();
    let vectors = [
        vector("object-sign/walk-through.json", "/expect/output/object"),
        vector("index-encode/walk-through.json", "/expect/output/index"),
        vector("request/walk-through.json", "/input/message"),
        vector("response/walk-through.json", "/input/message"),
    ];
    assert_eq!(tables.len(), vectors.len());
    for (rows, vector) in tables.iter().zip(vectors) {
        let mut shown = String::new();
        for row in rows {
            assert_eq!(row[0], (shown.len() / 2).to_string(), "the offset of {}", row[2]);
            shown.push_str(&row[1].replace(['`', ' '], ""));
        }
        assert_eq!(shown, vector);
    }
}

#[test]
fn rice_codes_of_the_walk_through_are_those_of_its_index() {
    let section = section("28. Walk-throughs");
    let (_, after) = section.split_once("Rice codes of their gaps").unwrap();
    let bytes = hex::decode(vector("index-encode/walk-through.json", "/expect/output/index")).unwrap();
    let index = index::Index::parse(&bytes).unwrap();
    let mut values = Vec::new();
    index.decode_block(0, &mut values).unwrap();
    let rows = table(after);
    assert_eq!(rows.len(), values.len());
    for (i, row) in rows.iter().enumerate() {
        let tag = u128::from_le_bytes(hex::decode(row[1].trim_matches('`')).unwrap().try_into().unwrap());
        let before = i.checked_sub(1).map(|before| values[before]);
        let gap = before.map(|before| values[i] - before - 1);
        let shown = |value: Option<u128>| value.map_or(String::new(), |value| value.to_string());
        let expected =
            [values[i].to_string(), shown(gap), shown(gap.map(|g| g >> 39)), shown(gap.map(|g| g % (1 << 39)))];
        assert_eq!((index.header().value(tag), &row[2..]), (values[i], &expected[..]));
    }
}
