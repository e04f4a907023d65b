//! What is remembered of the operator's audit logs (SPEC.md, "Checkpoints").
//!
//! ```text
//! checkpoints/LEDGER      the note of the largest checkpoint that was accepted
//! receipts/JOB            the receipts of a job whose results are written: see [`crate::receipts`]
//! contradictions/NAME/    what an operator showed that contradicts itself; never removed
//! ```

use std::fs;

use blindlist_protocol::checkpoint::Checkpoint;
use blindlist_protocol::checkpoint::note::Note;
use blindlist_protocol::ids::{JobId, LedgerId};
use blindlist_protocol::object;
use blindlist_protocol::params::MAX_NOTE;
use blindlist_protocol::signature::VerifyingKey;
use blindlist_store::StoreError;
use blindlist_store::file::{read_limited, write_atomic};
use blindlist_store::folder::PrivateFolder;
use std::path::PathBuf;

use super::Profile;
use crate::ClientError;
use crate::receipts::JobReceipts;

/// A checkpoint that is remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    /// Its note.
    pub text: String,
}

impl Profile {
    /// The checkpoint that is remembered of a log with this key, if one is.
    ///
    /// # Errors
    /// [`ClientError::Store`], [`ClientError::Damaged`].
    pub fn remembered(&self, ledger: &LedgerId, key: &VerifyingKey) -> Result<Option<Remembered>, ClientError> {
        let path = self.folder.join("checkpoints").join(ledger.to_string());
        if !path.exists() {
            return Ok(None);
        }
        let text = String::from_utf8(read_limited(&path, MAX_NOTE as u64)?).unwrap_or_default();
        // It was verified before it was written. The log's key may be another one since.
        let read = Note::open(&text, key).map(|note| note.checkpoint().clone()).or_else(|_| Note::unverified(&text));
        match read {
            Ok(checkpoint) if checkpoint.ledger == *ledger => Ok(Some(Remembered { checkpoint, text })),
            Ok(_) | Err(_) => {
                let problem = "it should hold the largest checkpoint that was accepted; restore it from a backup";
                Err(ClientError::Damaged { path, problem })
            }
        }
    }

    /// Whether any checkpoint is remembered.
    ///
    /// # Errors
    /// [`ClientError::Store`].
    pub fn remembers_any_log(&self) -> Result<bool, ClientError> {
        // What a killed process left of a first one is none.
        Ok(self.names_in("checkpoints")?.iter().any(|name| name.parse::<LedgerId>().is_ok()))
    }

    /// Remembers an accepted checkpoint, if what was remembered is still `before`, which it was held against. It says
    /// whether it was.
    ///
    /// # Errors
    /// [`ClientError::Store`].
    pub fn remember_checkpoint(
        &self,
        note: &Note,
        key: &VerifyingKey,
        before: Option<&Remembered>,
    ) -> Result<bool, ClientError> {
        let _lock = self.lock()?;
        let ledger = note.checkpoint().ledger;
        if self.remembered(&ledger, key)?.as_ref() != before {
            return Ok(false);
        }
        let folder = PrivateFolder::create(self.folder.join("checkpoints"))?;
        write_atomic(folder.join(ledger.to_string()), note.to_string().as_bytes())?;
        Ok(true)
    }

    /// Keeps what contradicts itself, each under its name, and says where.
    ///
    /// # Errors
    /// [`ClientError::Store`].
    pub fn keep_contradiction(&self, files: &[(&str, Vec<u8>)]) -> Result<PathBuf, ClientError> {
        let all: Vec<u8> = files.iter().flat_map(|(_, bytes)| bytes).copied().collect();
        let name: String = object::digest(&all).to_string().chars().take(16).collect();
        // What was found twice is kept once.
        let folder = PrivateFolder::create(self.folder.join("contradictions").join(name))?;
        for (name, bytes) in files {
            write_atomic(folder.join(name), bytes)?;
        }
        Ok(folder.path().to_owned())
    }

    /// Keeps the receipts of a job.
    ///
    /// # Errors
    /// [`ClientError::Store`].
    pub fn keep_receipts(&self, receipts: &JobReceipts) -> Result<(), ClientError> {
        let folder = PrivateFolder::create(self.folder.join("receipts"))?;
        receipts.write(&folder.join(receipts.job.to_string()))
    }

    /// All receipts that are kept, in the order of their jobs' ids.
    ///
    /// # Errors
    /// [`ClientError::Store`], [`ClientError::Damaged`].
    pub fn receipts(&self) -> Result<Vec<JobReceipts>, ClientError> {
        let mut jobs: Vec<JobId> = self.names_in("receipts")?.iter().filter_map(|name| name.parse().ok()).collect();
        jobs.sort_unstable();
        let folder = self.folder.join("receipts");
        jobs.iter().map(|job| JobReceipts::read(&folder.join(job.to_string()))).collect()
    }

    /// The names in a folder, which need not exist.
    fn names_in(&self, folder: &str) -> Result<Vec<String>, ClientError> {
        let path = self.folder.join(folder);
        if !path.exists() {
            return Ok(Vec::new());
        }
        let failed = |source| StoreError::io("list the folder", &path, source);
        let mut names = Vec::new();
        for entry in fs::read_dir(&path).map_err(failed)? {
            names.extend(entry.map_err(failed)?.file_name().into_string());
        }
        Ok(names)
    }
}
