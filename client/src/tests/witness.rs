//! A witness signs a log as long as it goes on.

use std::path::PathBuf;

use blindlist_protocol::checkpoint::CheckpointError;
use blindlist_protocol::checkpoint::note::{Note, NoteError};
use blindlist_protocol::ids::LedgerId;
use blindlist_protocol::log::{Event, Status};
use blindlist_protocol::signature::{SigningKey, VerifyingKey};
use blindlist_store::exit::Code;

use super::log::TestLog;
use super::operator::{INSURER, LEDGER, NOW};
use crate::witness::{Witness, WitnessOptions};
use crate::{Caller, ClientError, EvidenceError, receipts};

struct Desk {
    home: tempfile::TempDir,
    log: TestLog,
}

impl Desk {
    fn new() -> Self {
        let log = TestLog::new(LEDGER, SigningKey::from_seed(&[1; 32]));
        let mut desk = Self { home: tempfile::tempdir().unwrap(), log };
        desk.grow(3);
        desk
    }

    fn grow(&mut self, entries: usize) {
        for _ in 0..entries {
            self.log.append(Event::Status { insurer: INSURER, status: Status::Active });
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn witness(&self) -> Witness {
        Witness::open(&self.path("witness"), Some("w.example")).unwrap()
    }

    /// Signs the log's note, with an export of this log.
    fn sign(&self, log_key: Option<VerifyingKey>, export: Option<&TestLog>) -> Result<Note, ClientError> {
        std::fs::write(self.path("note"), self.log.note().to_string()).unwrap();
        let audit = export.map(|log| {
            std::fs::write(self.path("export"), log.export()).unwrap();
            self.path("export")
        });
        let options = WitnessOptions { note: &self.path("note"), log_key, audit: audit.as_deref() };
        self.witness().sign(&options, NOW, &Caller::nobody())
    }

    fn key(&self) -> VerifyingKey {
        self.log.key.verifying()
    }
}

/// [AUD-9]
#[test]
fn a_log_that_goes_on_is_signed() {
    let mut desk = Desk::new();
    let shown = desk.witness().shown_key().unwrap();
    assert!(shown.starts_with("w.example+"), "{shown}");
    let error = desk.sign(None, None).unwrap_err();
    assert!(matches!(error, ClientError::Evidence(EvidenceError::NoLogKey(_))), "{error}");
    let signed = desk.sign(Some(desk.key()), None).unwrap();
    let seed = std::fs::read(desk.path("witness/key")).unwrap();
    let witness = SigningKey::from_seed(&seed.try_into().unwrap()).verifying();
    assert_eq!(signed.cosigned("w.example", &witness), Some(NOW));
    // Once more the same needs nothing; a later one needs an export.
    desk.sign(None, None).unwrap();
    desk.grow(4);
    let error = desk.sign(None, None).unwrap_err();
    assert!(matches!(error, ClientError::Evidence(EvidenceError::NoExport(3))) && error.code() == Code::Usage);
    let signed = desk.sign(None, Some(&desk.log)).unwrap();
    assert_eq!(signed.checkpoint().size, 7);
    // An export that is longer than the note will do.
    desk.grow(1);
    let note = desk.log.clone();
    desk.grow(5);
    let longer = std::mem::replace(&mut desk.log, note);
    assert_eq!(desk.sign(None, Some(&longer)).unwrap().checkpoint().size, 8);
    desk.grow(9);
    let error = desk.sign(None, Some(&longer)).unwrap_err();
    assert!(matches!(error, ClientError::Evidence(EvidenceError::ExportTooShort { .. })), "{error}");
    let other = TestLog { ledger: LedgerId::from_bytes([9; 16]), ..desk.log.clone() };
    let error = desk.sign(None, Some(&other)).unwrap_err();
    assert!(matches!(error, ClientError::Evidence(EvidenceError::OtherNoteLog { .. })), "{error}");
    let shown = error.to_string();
    assert!(shown.contains(&other.ledger.to_string()) && shown.contains(&LEDGER.to_string()), "{shown}");
    assert_eq!(error.code(), Code::BadInput);
}

/// [AUD-9]
#[test]
fn what_does_not_go_on_is_not_signed() {
    let mut desk = Desk::new();
    desk.sign(Some(desk.key()), None).unwrap();
    let good = desk.log.clone();
    let refused = |desk: &Desk, expected: CheckpointError| {
        let error = desk.sign(None, Some(&desk.log)).unwrap_err();
        assert_eq!(error.code(), Code::PeerBroke, "{error}");
        let ClientError::Evidence(EvidenceError::NotConsistent { source, kept }) = error else { panic!("{error}") };
        assert_eq!(source, expected);
        assert_eq!(std::fs::read_to_string(kept.unwrap()).unwrap(), desk.log.note().to_string());
        let last = std::fs::read_to_string(desk.path(&format!("witness/{LEDGER}/last"))).unwrap();
        assert!(last.contains("\n3\n"), "{last}");
    };
    desk.log.entries.truncate(2);
    refused(&desk, CheckpointError::Shrunk(3));
    desk.grow(1);
    desk.log.entries[0] = b"another".to_vec();
    refused(&desk, CheckpointError::Shrunk(3));
    desk.grow(5);
    refused(&desk, CheckpointError::NotConsistent(3));
    // The export of the good log does not help a note of the other one.
    let mut export = good.clone();
    for _ in 0..5 {
        export.append(Event::Status { insurer: INSURER, status: Status::Active });
    }
    let error = desk.sign(None, Some(&export)).unwrap_err();
    assert!(matches!(error, ClientError::Evidence(EvidenceError::NotConsistent { .. })), "{error}");
}

#[test]
fn a_witness_has_one_name_and_a_log_one_key() {
    let desk = Desk::new();
    let none = Witness::open(&desk.path("witness"), None).unwrap_err();
    assert!(matches!(none, ClientError::Evidence(EvidenceError::NoName)), "{none}");
    let bad = Witness::open(&desk.path("witness"), Some("a b")).unwrap_err();
    assert!(matches!(bad, ClientError::Evidence(EvidenceError::Note { source: NoteError::Name, .. })), "{bad}");
    desk.sign(Some(desk.key()), None).unwrap();
    let other = Witness::open(&desk.path("witness"), Some("other")).unwrap_err();
    assert!(matches!(other, ClientError::Evidence(EvidenceError::OtherName(_))), "{other}");
    let key = SigningKey::from_seed(&[7; 32]).verifying();
    let error = desk.sign(Some(key), None).unwrap_err();
    assert!(matches!(error, ClientError::Evidence(EvidenceError::OtherLogKey(_))), "{error}");
    assert_eq!(receipts::key(&key.to_string()), Some(key));
    // A note that another key signed.
    let mut desk = desk;
    desk.log.key = SigningKey::from_seed(&[7; 32]);
    let error = desk.sign(None, None).unwrap_err();
    assert!(
        matches!(error, ClientError::Evidence(EvidenceError::Note { source: NoteError::Signature, .. })),
        "{error}"
    );
    assert_eq!(error.code(), Code::PeerBroke);
}
