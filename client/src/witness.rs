//! `blindlist witness`: signs checkpoints of a log, as long as each goes on from the last one that it signed (SPEC.md,
//! "Checkpoints").
//!
//! A witness needs no profile and no network: files come in and go out. Its folder is
//!
//! ```text
//! key               the seed of its key, which is for nothing else
//! name              the name that it signs as
//! LEDGER/log-key    the log's key, pinned when its first checkpoint was signed
//! LEDGER/last       the last note that it signed
//! LEDGER/refused-X  notes that contradict it
//! ```

use std::path::Path;

use blindlist_protocol::checkpoint::note::{Note, witness_key};
use blindlist_protocol::checkpoint::{Checkpoint, CheckpointError};
use blindlist_protocol::ids::{Digest, LedgerId};
use blindlist_protocol::log::export::Line;
use blindlist_protocol::log::tree::Head;
use blindlist_protocol::object;
use blindlist_protocol::params::MAX_NOTE;
use blindlist_protocol::signature::{SigningKey, VerifyingKey};
use blindlist_store::file::{read_limited, read_secret_exact, write_atomic, write_new};
use blindlist_store::folder::PrivateFolder;

use crate::replay::export::Export;
use crate::{Caller, ClientError, EvidenceError, outside, receipts};

/// Bytes that a name or a pinned key may have as a file.
const MAX_SMALL: u64 = 1_024;

/// What to sign.
#[derive(Debug)]
pub struct WitnessOptions<'a> {
    /// The note.
    pub note: &'a Path,
    /// The log's key, which must be named for the first note of a log.
    pub log_key: Option<VerifyingKey>,
    /// An export of the log, for any note but the one that was signed last.
    pub audit: Option<&'a Path>,
}

/// A witness: its key, its name, and what it has signed.
#[derive(Debug)]
pub struct Witness {
    folder: PrivateFolder,
    name: String,
    key: SigningKey,
}

impl Witness {
    /// Opens a folder, or makes a witness with this name in it.
    ///
    /// # Errors
    /// [`EvidenceError::NoName`], [`EvidenceError::OtherName`], [`EvidenceError::Note`] for a name that cannot be one;
    /// [`ClientError::Store`].
    pub fn open(path: &Path, name: Option<&str>) -> Result<Self, ClientError> {
        if !path.join("key").exists() {
            let name = name.ok_or(EvidenceError::NoName)?;
            let key = SigningKey::from_seed(&*outside::random()?);
            let bad_name = |source| EvidenceError::Note { path: path.to_owned(), source };
            witness_key(name, &key.verifying()).map_err(bad_name)?;
            let folder = PrivateFolder::create(path)?;
            write_atomic(folder.join("name"), name.as_bytes())?;
            write_new(folder.join("key"), &*key.seed())?;
        }
        let folder = PrivateFolder::open(path)?;
        let key = SigningKey::from_seed(&*read_secret_exact(folder.join("key"))?);
        let known = String::from_utf8(read_limited(folder.join("name"), MAX_SMALL)?).unwrap_or_default();
        if name.is_some_and(|name| name != known) {
            return Err(EvidenceError::OtherName(known).into());
        }
        Ok(Self { folder, name: known, key })
    }

    /// Its public key, as C2SP's `signed-note` writes it.
    ///
    /// # Errors
    /// [`EvidenceError::Note`] for a damaged name.
    pub fn shown_key(&self) -> Result<String, ClientError> {
        let bad_name = |source| EvidenceError::Note { path: self.folder.join("name"), source };
        Ok(witness_key(&self.name, &self.key.verifying()).map_err(bad_name)?)
    }

    /// Signs a note that goes on from the last one. `now` is in seconds since 1970. [AUD-9]
    ///
    /// # Errors
    /// [`EvidenceError::NotConsistent`], those of a key or an export that is missing or does not hold.
    pub fn sign(&self, options: &WitnessOptions<'_>, now: u64, caller: &Caller) -> Result<Note, ClientError> {
        let _lock = self.folder.lock()?;
        let bad_note = |source| ClientError::from(EvidenceError::Note { path: options.note.to_owned(), source });
        let bytes = read_limited(options.note, MAX_NOTE as u64).map_err(ClientError::Unreadable)?;
        let text = String::from_utf8(bytes).unwrap_or_default();
        let ledger = Note::ledger_of(&text).map_err(bad_note)?;
        let log_key = self.log_key(&ledger, options.log_key)?;
        let mut note = Note::open(&text, &log_key).map_err(bad_note)?;
        let last = self.last(&ledger, &log_key)?;
        if let Some(last) = &last
            && let Err(source) = goes_on(&last.head(), note.checkpoint(), options, &log_key, caller)?
        {
            return Err(self.refused(&ledger, &text, source));
        }
        note.cosign(&self.name, now, &self.key).map_err(bad_note)?;
        // What was signed is remembered before anybody has it.
        let of_log = PrivateFolder::create(self.folder.join(ledger.to_string()))?;
        if last.is_none() {
            write_atomic(of_log.join("log-key"), log_key.to_string().as_bytes())?;
        }
        write_atomic(of_log.join("last"), note.to_string().as_bytes())?;
        Ok(note)
    }

    /// The key that is pinned for a log, or the one given for the first time.
    fn log_key(&self, ledger: &LedgerId, given: Option<VerifyingKey>) -> Result<VerifyingKey, ClientError> {
        let path = self.folder.join(ledger.to_string()).join("log-key");
        if !path.exists() {
            return Ok(given.ok_or(EvidenceError::NoLogKey(*ledger))?);
        }
        let text = String::from_utf8(read_limited(&path, MAX_SMALL)?).unwrap_or_default();
        let problem = "it should be the log's key";
        let pinned = receipts::key(&text).ok_or(EvidenceError::Damaged { path, problem })?;
        if given.is_some_and(|given| given != pinned) {
            return Err(EvidenceError::OtherLogKey(*ledger).into());
        }
        Ok(pinned)
    }

    fn last(&self, ledger: &LedgerId, log_key: &VerifyingKey) -> Result<Option<Checkpoint>, ClientError> {
        let path = self.folder.join(ledger.to_string()).join("last");
        if !path.exists() {
            return Ok(None);
        }
        let text = String::from_utf8(read_limited(&path, MAX_NOTE as u64)?).unwrap_or_default();
        let problem = "it should be the last note that was signed";
        let note = Note::open(&text, log_key).ok().filter(|note| note.checkpoint().ledger == *ledger);
        let note = note.ok_or(EvidenceError::Damaged { path, problem })?;
        Ok(Some(note.checkpoint().clone()))
    }

    /// Keeps a note that is not signed.
    fn refused(&self, ledger: &LedgerId, text: &str, source: CheckpointError) -> ClientError {
        let name: String = object::digest(text.as_bytes()).to_string().chars().take(16).collect();
        let path = self.folder.join(ledger.to_string()).join(format!("refused-{name}"));
        let kept = write_atomic(&path, text.as_bytes()).is_ok().then_some(path);
        EvidenceError::NotConsistent { source, kept }.into()
    }
}

/// Whether a checkpoint goes on from the last one, by the entries of an export.
fn goes_on(
    last: &Head,
    checkpoint: &Checkpoint,
    options: &WitnessOptions<'_>,
    log_key: &VerifyingKey,
    caller: &Caller,
) -> Result<Result<(), CheckpointError>, ClientError> {
    let new = checkpoint.head();
    if new.size < last.size || (new.size == last.size && new.root != last.root) {
        return Ok(Err(CheckpointError::Shrunk(last.size)));
    }
    if new == *last {
        return Ok(Ok(()));
    }
    let path = options.audit.ok_or(EvidenceError::NoExport(last.size))?;
    let mut export = Export::open(path)?;
    if export.ledger() != checkpoint.ledger {
        let (found, expected) = (export.ledger(), checkpoint.ledger);
        return Err(EvidenceError::OtherNoteLog { path: path.to_owned(), found, expected }.into());
    }
    let (mut before, mut after) = (root_at(&export, last.size), None::<Digest>);
    while let Line::Entry(_) = export.next(&[*log_key])? {
        caller.check()?;
        before = before.or_else(|| root_at(&export, last.size));
        after = after.or_else(|| root_at(&export, new.size));
    }
    let Some(after) = after else {
        let (entries, size) = (export.head().size, new.size);
        return Err(EvidenceError::ExportTooShort { path: path.to_owned(), entries, size }.into());
    };
    let same = before == Some(last.root) && after == new.root;
    Ok(if same { Ok(()) } else { Err(CheckpointError::NotConsistent(last.size)) })
}

/// The root of what was read of an export, if it is so many entries.
fn root_at(export: &Export, size: u64) -> Option<Digest> {
    let head = export.head();
    (head.size == size).then_some(head.root)
}
