//! The one form of a note, and who signed it.

use super::*;
use crate::log::tree::{Head, leaf};

fn key() -> SigningKey {
    SigningKey::from_seed(&[1; 32])
}

fn witness() -> SigningKey {
    SigningKey::from_seed(&[2; 32])
}

fn note() -> Note {
    let head = Head { size: 12, root: leaf(b"") };
    let checkpoint = Checkpoint::sign(LedgerId::from_bytes([0x22; 16]), &head, 1_700_000_000, &key());
    Note::new(checkpoint, &key().verifying()).unwrap()
}

fn open(text: &str) -> Result<Note, NoteError> {
    Note::open(text, &key().verifying())
}

#[test]
fn a_note_comes_back() {
    let mut note = note();
    assert_eq!(open(&note.to_string()), Ok(note.clone()));
    note.cosign("witness.example", 1_700_000_100, &witness()).unwrap();
    let again = open(&note.to_string()).unwrap();
    assert_eq!(again, note);
    assert_eq!(again.cosigned("witness.example", &witness().verifying()), Some(1_700_000_100));
    assert_eq!(again.cosigned("witness.example", &key().verifying()), None);
    assert_eq!(again.cosigned("other.example", &witness().verifying()), None);
    let lines: Vec<_> = note.to_string().lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), 7);
    assert!(lines[5].starts_with("— blindlist/1/checkpoint/22222222222222222222222222222222 "), "{}", lines[5]);
    assert!(lines[6].starts_with("— witness.example "), "{}", lines[6]);
}

/// [AUD-5]
#[test]
fn a_note_has_one_form() {
    let text = note().to_string();
    for (from, to) in [
        ("\n12\n", "\n012\n"),
        ("\n12\n", "\n+12\n"),
        ("\n12\n", "\n 12\n"),
        ("\n12\n", "\n\n"),
        ("\n12\n", "\n18446744073709551616\n"),
        ("blindlist time 17", "blindlist time 017"),
        ("blindlist time 17", "time 17"),
        ("blindlist/1/checkpoint/2", "blindlist/1/checkpoint/X"),
        ("blindlist/1/checkpoint/2", "blindlist/2/checkpoint/2"),
        ("=\nblindlist time", "\nblindlist time"),
        ("blindlist time 1700000000\n", "blindlist time 1700000000\nmore\n"),
        ("\n\n", "\n"),
        ("— ", "- "),
    ] {
        assert_eq!(open(&text.replacen(from, to, 1)), Err(NoteError::Malformed), "{to:?} for {from:?}");
    }
    for text in [
        "",
        "\n",
        text.trim_end(),
        &format!("{text}\n"),
        &format!("{text}— a b c\n"),
        &format!("{text}— a+b AAAAAAAA\n"),
    ] {
        assert_eq!(open(text), Err(NoteError::Malformed), "{text:?}");
    }
    let many: String = (0..16).map(|i| format!("— w{i} AAAAAAAA\n")).collect();
    assert_eq!(open(&format!("{text}{many}")), Err(NoteError::Malformed), "seventeen signatures");
    assert_eq!(open(&format!("{text}— w {}\n", "A".repeat(16_384))), Err(NoteError::Malformed), "too many bytes");
}

/// [AUD-5]
#[test]
fn the_log_signed_it_once() {
    let text = note().to_string();
    for (from, to) in [("\n12\n", "\n13\n"), ("time 17", "time 18"), ("/2", "/3")] {
        let changed = open(&text.replacen(from, to, 1));
        assert_eq!(changed, Err(NoteError::Signature), "{to:?} for {from:?}");
    }
    assert_eq!(Note::open(&text, &witness().verifying()), Err(NoteError::Signature));
    let own = text.lines().last().unwrap();
    assert_eq!(open(&format!("{text}{own}\n")), Err(NoteError::Signature), "twice");
    let unknown = format!("{text}— somebody AAAAAAAA\n");
    assert_eq!(open(&unknown).unwrap().to_string(), unknown, "keys that are not known are passed over");
}

#[test]
fn a_cosignature_has_the_form_of_its_specification() {
    let mut note = note();
    note.cosign("w", 0x0102, &witness()).unwrap();
    let line = note.to_string().lines().last().unwrap().to_owned();
    let bytes = BASE64.decode(line.strip_prefix("— w ").unwrap()).unwrap();
    let hash: [u8; 32] = Sha256::digest([b"w\n\x04", &witness().verifying().as_bytes()[..]].concat()).into();
    assert_eq!(bytes[..4], hash[..4]);
    assert_eq!(bytes[4..12], [0, 0, 0, 0, 0, 0, 1, 2]);
    let signature = Signature::from_bytes(bytes[12..].try_into().unwrap());
    let signed = format!("cosignature/v1\ntime 258\n{}", note.checkpoint().text());
    assert_eq!(witness().verifying().verify(signed.as_bytes(), &signature), Ok(()));
}

#[test]
fn a_witness_needs_a_name_and_room() {
    let mut note = note();
    for name in ["", "a b", "a+b", "a\nb"] {
        assert_eq!(note.cosign(name, 1, &witness()), Err(NoteError::Name), "{name:?}");
    }
    (0..15).for_each(|i| note.cosign(&format!("w{i}"), 1, &witness()).unwrap());
    assert_eq!(note.cosign("w15", 1, &witness()), Err(NoteError::Full));
    assert!(open(&note.to_string()).is_ok());
}

#[test]
fn a_witness_key_is_shown_in_the_form_of_its_specification() {
    let key = witness().verifying();
    let shown = witness_key("w", &key).unwrap();
    let hash: [u8; 32] = Sha256::digest([b"w\n\x04", &key.as_bytes()[..]].concat()).into();
    let id: String = hash[..4].iter().map(|byte| format!("{byte:02x}")).collect();
    let typed = BASE64.encode([&[4], &key.as_bytes()[..]].concat());
    assert_eq!(shown, format!("w+{id}+{typed}"));
    assert_eq!(witness_key("a b", &key), Err(NoteError::Name));
}

#[test]
fn a_note_of_ones_own_is_read_without_its_key() {
    let note = note();
    let read = Note::unverified(&note.to_string()).unwrap();
    assert_eq!((read.head(), read.time), (note.checkpoint().head(), note.checkpoint().time));
    assert!(Note::unverified("x").is_err());
}
