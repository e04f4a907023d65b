//! Exchange files: what is shown of them, and where they fail.

use super::*;
use crate::exchange::{Header, KnownLog, Writer, question};
use crate::ids::LedgerId;

const LEDGER: LedgerId = LedgerId::from_bytes([9; 16]);

/// A file of one question.
pub(super) fn questions() -> Vec<u8> {
    let logs = vec![KnownLog { ledger: LEDGER, size: 5 }];
    let header = Questions { operator_key: key().verifying(), insurer: INSURER, logs };
    let (mut writer, mut file) = Writer::begin(&header).unwrap();
    file.extend(writer.question(&evaluate(vec![element(G2), element(G)])).unwrap());
    file.extend(writer.finish(&insurer()).unwrap().0);
    file
}

/// A publication of two answers.
pub(super) fn answers() -> Vec<u8> {
    let header = Answers { operator_key: key().verifying(), insurer: INSURER, ledger: LEDGER, questions: None };
    let (mut writer, mut file) = Writer::begin(&header).unwrap();
    let refused = Response::Refused(Refusal::with(RefusalCode::Busy, 5));
    for (request, response) in
        [(Request::Catalog, Response::Catalog(vec![1, 2])), (Request::Checkpoint(LEDGER), refused)]
    {
        file.extend(writer.answer(&question(&request), &response).unwrap());
    }
    file.extend(writer.finish(&key()).unwrap().0);
    file
}

#[test]
fn the_spans_of_questions() {
    let file = questions();
    let inspection = inspect_any(&file).unwrap();
    let end = file.len() - 64;
    let expected = [
        r#"0 22 line line "blindlist/1 questions\n""#,
        "22 4 header.length u32 80",
        &format!("26 32 operator_key [u8; 32] {}", key().verifying()),
        &format!("58 16 insurer [u8; 16] {INSURER}"),
        "74 8 logs list 1 items",
        &format!("82 16 logs[0].ledger [u8; 16] {LEDGER}"),
        "98 8 logs[0].size u64 5",
        "106 4 frames[0].length u32 202",
        "110 202 frames[0].message choice 4 Evaluate",
        "312 4 frames[1].length u32 0",
        &format!("316 64 signature signature {}", hex::encode(&file[end..])),
    ];
    assert_eq!((inspection.format, lines(&inspection)), (Format::Questions, expected.map(str::to_owned).to_vec()));
    let said: Vec<_> = inspection.findings.iter().map(|finding| (finding.about, finding.verdict)).collect();
    let facts = [("digest", Verdict::Fact), ("messages", Verdict::Fact), ("rules", Verdict::Holds)];
    assert_eq!(said, [&facts[..], &[("signature", Verdict::Open)]].concat());
    assert_eq!(inspection.findings[1].words, "1 Evaluate");
}

#[test]
fn the_spans_of_answers() {
    let file = answers();
    let inspection = inspect_any(&file).unwrap();
    let found = lines(&inspection);
    assert!(found.contains(&"88 1 questions option false".to_owned()), "{found:?}");
    let asked = question(&Request::Catalog);
    assert!(found.contains(&format!("93 32 frames[0].question [u8; 32] {asked}")), "{found:?}");
    assert!(found.contains(&"125 14 frames[0].message choice 0 Catalog".to_owned()), "{found:?}");
    assert_eq!(inspection.findings[1].words, "1 Catalog, 1 Refused");
}

#[test]
fn a_failure_in_an_exchange_file_says_where_and_what() {
    let file = questions();
    fail(vec![
        (
            Format::Questions,
            file[..200].to_vec(),
            "at offset 110, reading frames[0]: it is cut short: 202 bytes are needed, 90 are left (SPEC.md section 25)",
        ),
        (
            Format::Questions,
            [&file[..], &[0]].concat(),
            "at offset 380: 1 byte is left over behind it (SPEC.md section 25)",
        ),
        (
            Format::Questions,
            patched(&file, 110, &[9]),
            "at offset 110, reading alternative: it is 9, where the alternatives are 0 to 8 (SPEC.md section 18)",
        ),
    ]);
    let wrong = |bytes: &[u8], format| inspect(bytes, format).complaint().unwrap();
    let zero = patched(&file, 98, &[0]);
    assert!(wrong(&zero, Format::Questions).starts_with("rules: its header is malformed"));
    let empty = [Questions::LINE, &file[22..106], &[0; 68]].concat();
    assert!(wrong(&empty, Format::Questions).starts_with("rules: it has no frames"));
}
