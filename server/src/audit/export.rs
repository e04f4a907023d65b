//! The whole log as lines of JSON, for whoever verifies it elsewhere (SPEC.md, "Exports").

use std::io::Write as _;
use std::path::Path;

use blindlist_protocol::checkpoint::Checkpoint;
use blindlist_protocol::checkpoint::note::Note;
use blindlist_protocol::ids::LedgerId;
use blindlist_protocol::log::export::{entry_line, first_line, last_line};
use blindlist_protocol::log::tree::{self, Frontier, Head};
use blindlist_store::file::AtomicFile;

use super::{AuditError, check_kept};
use crate::Error;
use crate::home::Home;
use crate::ledger::{Ledger, Reading};
use crate::outside::now;

/// Entries that are read at once.
pub(super) const BATCH: u32 = 1_000;

/// Writes the log as it is at this moment to a private file, in place of what was there, with a checkpoint of all of it;
/// its head.
///
/// # Errors
/// [`AuditError`] when the entries are not those of the ledger's head, which is signed then for nobody;
/// [`Error`] for what cannot be read or written.
pub async fn export(home: &Home, out: &Path) -> Result<Head, Error> {
    let key = home.receipt_signing_key()?;
    let ledger = home.ledger().await?;
    let exported = async {
        check_kept(home, &ledger, &key.verifying()).await?;
        let id = LedgerId::from_bytes(ledger.id());
        let mut file = AtomicFile::create(out)?;
        let head = write_entries(&mut file, &ledger, &id).await?;
        let checkpoint = Checkpoint::sign(id, &head, now()?, &key);
        let note = Note::new(checkpoint, &key.verifying()).expect("it was signed just now");
        line(&mut file, &last_line(&note))?;
        file.commit()?;
        Ok(head)
    };
    let exported = exported.await;
    ledger.close().await;
    exported
}

async fn write_entries(file: &mut AtomicFile, ledger: &Ledger, id: &LedgerId) -> Result<Head, Error> {
    line(file, &first_line(id))?;
    let mut reading = Reading::begin(ledger).await?;
    let (stored, mut tree) = (reading.head().await?, Frontier::default());
    while tree.size() < stored.size {
        let entries = reading.entries(tree.size(), BATCH).await?;
        let expected = tree.size();
        if entries.is_empty() {
            return Err(AuditError::Missing(expected).into());
        }
        for logged in entries {
            if logged.index != tree.size() {
                return Err(AuditError::Missing(tree.size()).into());
            }
            tree.append(tree::leaf(&logged.entry));
            line(file, &entry_line(logged.index, &logged.entry))?;
        }
    }
    match tree.head() {
        head if head == stored => Ok(head),
        _ => Err(AuditError::Head(stored.size).into()),
    }
}

fn line(file: &mut AtomicFile, text: &str) -> Result<(), Error> {
    writeln!(file, "{text}").map_err(|source| file.write_error(source).into())
}
