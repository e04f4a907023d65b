//! The newest checkpoint that the home keeps, and signing one.

use std::path::Path;
use std::time::Duration;

use blindlist_protocol::checkpoint::note::Note;
use blindlist_protocol::checkpoint::{Checkpoint, continues};
use blindlist_protocol::ids::LedgerId;
use blindlist_protocol::log::tree::{self, Head};
use blindlist_protocol::params::MAX_NOTE;
use blindlist_protocol::signature::{SigningKey, VerifyingKey};
use blindlist_store::folder::FolderLock;
use blindlist_store::{StoreError, file};

use super::AuditError;
use crate::Error;
use crate::home::Home;
use crate::ledger::Ledger;
use crate::outside::now;

/// Where it is in the home.
pub(crate) const NOTE: &str = "audit/checkpoint";

/// The note in a file, if the log's key signed it for this ledger.
pub(crate) fn open_note(path: &Path, ledger: LedgerId, key: &VerifyingKey) -> Result<Note, Error> {
    let bytes = file::read_limited(path, MAX_NOTE as u64).map_err(Error::Unreadable)?;
    let wrong = |reason| AuditError::Note { path: path.to_owned(), reason };
    let text = String::from_utf8_lossy(&bytes);
    let found = Note::ledger_of(&text).map_err(wrong)?;
    if found != ledger {
        return Err(AuditError::OtherLedger { path: path.to_owned(), found, expected: ledger }.into());
    }
    Ok(Note::open(&text, key).map_err(wrong)?)
}

/// The note that the home keeps, if there is one yet.
fn kept(home: &Home, ledger: LedgerId, key: &VerifyingKey) -> Result<Option<Note>, Error> {
    let path = home.path().join(NOTE);
    if path.exists() { open_note(&path, ledger, key).map(Some) } else { Ok(None) }
}

/// Requires that the log goes on from the checkpoint that the home keeps, as far as the ledger's stored tree says; the
/// note, and the log's head.
///
/// # Errors
/// [`AuditError::Behind`] for a ledger that was rolled back, [`AuditError::Rewritten`]; [`Error`] for what cannot be read.
pub async fn check_kept(home: &Home, ledger: &Ledger, key: &VerifyingKey) -> Result<(Option<Note>, Head), Error> {
    // In this order: a server that runs may keep a newer one meanwhile.
    let note = kept(home, LedgerId::from_bytes(ledger.id()), key)?;
    let head = ledger.log_head().await?;
    if let Some(checkpoint) = note.as_ref().map(Note::checkpoint) {
        let known = checkpoint.head();
        let path = match tree::consistency(known.size, head.size) {
            Some(path) => ledger.log_hashes(&path).await?,
            None => Vec::new(),
        };
        continues(&known, &head, &path).map_err(|error| {
            let what = "the checkpoint that the home keeps".to_owned();
            AuditError::against(what, checkpoint.time, error, (known.size, head.size))
        })?;
    }
    Ok((note, head))
}

/// Signs a checkpoint of the log, which goes on from the one that the home keeps, and keeps it instead.
///
/// # Errors
/// Those of [`check_kept`].
pub async fn checkpoint(home: &Home, ledger: &Ledger, key: &SigningKey) -> Result<Note, Error> {
    let _lock = lock(home).await?;
    let (_, head) = check_kept(home, ledger, &key.verifying()).await?;
    sign(home, ledger, &head, key)
}

/// As [`checkpoint`], if the log has grown since one was kept.
///
/// # Errors
/// Those of [`check_kept`].
pub async fn keep(home: &Home, ledger: &Ledger, key: &SigningKey) -> Result<(), Error> {
    let _lock = lock(home).await?;
    let (note, head) = check_kept(home, ledger, &key.verifying()).await?;
    if note.is_none_or(|note| note.checkpoint().size < head.size) {
        sign(home, ledger, &head, key)?;
    }
    Ok(())
}

/// Takes the folder of the kept checkpoint. Others hold it for moments, so it waits for them.
async fn lock(home: &Home) -> Result<FolderLock, Error> {
    const TURNS: u32 = 100;
    const TURN: Duration = Duration::from_millis(50);
    let folder = home.audit()?;
    for _ in 0..TURNS {
        match folder.lock() {
            Err(StoreError::Locked { .. }) => tokio::time::sleep(TURN).await,
            taken => return Ok(taken?),
        }
    }
    Ok(folder.lock()?)
}

fn sign(home: &Home, ledger: &Ledger, head: &Head, key: &SigningKey) -> Result<Note, Error> {
    let checkpoint = Checkpoint::sign(LedgerId::from_bytes(ledger.id()), head, now()?, key);
    let note = Note::new(checkpoint, &key.verifying()).expect("it was signed just now");
    file::write_atomic(home.path().join(NOTE), note.to_string().as_bytes())?;
    Ok(note)
}
