//! What is written is read again, and nothing else is.

use super::*;
use crate::checkpoint::Checkpoint;
use crate::fixtures::INSURER;
use crate::log::{Event, Status};
use crate::signature::SigningKey;

const LEDGER: LedgerId = LedgerId::from_bytes([0x22; 16]);

fn key() -> SigningKey {
    SigningKey::from_seed(&[1; 32])
}

fn entry(i: u64) -> Vec<u8> {
    Entry { time: i, event: Event::Status { insurer: INSURER, status: Status::Active } }.encode()
}

/// The lines of a log of some entries.
fn lines(entries: u64) -> Vec<String> {
    let mut tree = Frontier::default();
    (0..entries).for_each(|i| drop(tree.append(tree::leaf(&entry(i)))));
    let note = Note::new(Checkpoint::sign(LEDGER, &tree.head(), 5, &key()), &key().verifying()).unwrap();
    let middle = (0..entries).map(|i| entry_line(i, &entry(i)));
    [first_line(&LEDGER)].into_iter().chain(middle).chain([last_line(&note)]).collect()
}

/// The entries, if the lines are an export.
fn read(lines: &[String]) -> Result<Vec<Vec<u8>>, ExportError> {
    let mut reader = Reader::new(&lines[0])?;
    let mut entries = Vec::new();
    for line in &lines[1..] {
        match reader.read(line, &key().verifying())? {
            Line::Entry(bytes) => entries.push(bytes),
            Line::End(note) => {
                assert_eq!(note.checkpoint().head(), reader.head());
                return Ok(entries);
            }
        }
    }
    Err(ExportError::Malformed)
}

#[test]
fn an_export_comes_back() {
    for count in [0, 1, 5] {
        assert_eq!(read(&lines(count)), Ok((0..count).map(entry).collect()));
    }
}

/// [AUD-10]
#[test]
fn entries_are_those_of_the_checkpoint_in_order() {
    let good = lines(5);
    let changed = |change: fn(&mut Vec<String>)| {
        let mut lines = good.clone();
        change(&mut lines);
        read(&lines)
    };
    assert_eq!(changed(|lines| drop(lines.remove(3))), Err(ExportError::Order));
    assert_eq!(changed(|lines| drop(lines.remove(5))), Err(ExportError::Checkpoint));
    assert_eq!(changed(|lines| lines.swap(2, 3)), Err(ExportError::Order));
    assert_eq!(changed(|lines| lines.insert(6, entry_line(5, &entry(5)))), Err(ExportError::Checkpoint));
    assert_eq!(changed(|lines| lines[2] = entry_line(1, &entry(9))), Err(ExportError::Checkpoint));
    assert_eq!(changed(|lines| lines[0] = first_line(&LedgerId::from_bytes([3; 16]))), Err(ExportError::Checkpoint));
    assert_eq!(changed(|lines| drop(lines.pop())), Err(ExportError::Malformed));
    let other = Reader::new(&good[0]).unwrap().read(&good[6], &SigningKey::from_seed(&[2; 32]).verifying());
    assert_eq!(other.unwrap_err(), ExportError::Note(NoteError::Signature));
}

#[test]
fn only_lines_of_an_export_are_read() {
    for first in [
        "",
        "{}",
        r#"{"blindlist":"audit 2","ledger":"22222222222222222222222222222222"}"#,
        r#"{"blindlist":"audit 1","ledger":"22"}"#,
    ] {
        assert_eq!(Reader::new(first).unwrap_err(), ExportError::Malformed, "{first}");
    }
    let mut reader = Reader::new(&first_line(&LEDGER)).unwrap();
    for line in [
        "",
        "{}",
        "[]",
        r#"{"index":0}"#,
        r#"{"index":0,"entry":"0"}"#,
        r#"{"index":0,"entry":"AA"}"#,
        r#"{"index":-1,"entry":"00"}"#,
        &format!(r#"{{"index":0,"entry":"{}"}}"#, "00".repeat(1_025)),
    ] {
        assert_eq!(reader.read(line, &key().verifying()).unwrap_err(), ExportError::Malformed, "{line}");
    }
    assert!(
        reader.read(r#"{"index":0,"entry":"00","more":1}"#, &key().verifying()).is_ok(),
        "other members are passed over"
    );
}

#[test]
fn a_line_says_in_words_what_its_bytes_mean() {
    let line: Value = serde_json::from_str(&entry_line(7, &entry(9))).unwrap();
    assert_eq!((line["index"].as_u64(), line["time"].as_u64()), (Some(7), Some(9)));
    assert_eq!(line["event"]["status"]["status"], "active");
}
