//! `requests/DIGEST`: what a file of questions asked about, by the digest of the file, so that its answers find the check
//! that they belong to.
//!
//! It names the member file, its columns and lists. Nothing of a member is in it.

use std::fs;
use std::path::PathBuf;

use blindlist_protocol::exchange::KnownLog;
use blindlist_protocol::ids::{Digest, EpochId, LedgerId};
use blindlist_protocol::text::Slug;
use blindlist_store::StoreError;
use blindlist_store::file::{read_limited, write_atomic};
use blindlist_store::folder::PrivateFolder;
use serde::{Deserialize, Serialize};

use super::Profile;
use super::jobs::Subject;
use crate::ClientError;

/// Bytes that such a file may have.
const MAX_REQUEST_FILE: u64 = 1 << 20;
/// Its version.
const VERSION: u32 = 1;

/// What a file of questions asked about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requested {
    version: u32,
    /// When it was written, RFC 3339.
    pub created: String,
    /// The one list that was chosen, if one was.
    pub list: Option<String>,
    /// What the job in each epoch is about.
    pub subjects: Vec<Subject>,
    /// The size of each log that was remembered, by ledger.
    logs: Vec<(String, u64)>,
}

impl Requested {
    /// What a file asks about that is written now.
    pub fn new(created: String, list: Option<&Slug>, subjects: Vec<Subject>, logs: &[KnownLog]) -> Self {
        let logs = logs.iter().map(|log| (log.ledger.to_string(), log.size)).collect();
        Self { version: VERSION, created, list: list.map(ToString::to_string), subjects, logs }
    }

    /// Whether it asked about the member file that has this SHA-256.
    pub fn is_about(&self, sha256: &str) -> bool {
        self.subjects.iter().all(|subject| subject.members_sha256 == sha256)
    }

    /// Whether it asked in an epoch.
    pub fn asked_in(&self, epoch: &EpochId) -> bool {
        self.subjects.iter().any(|subject| subject.epoch == epoch.to_string())
    }

    /// How many entries of a log were remembered when it was written.
    pub fn known(&self, ledger: &LedgerId) -> u64 {
        let ledger = ledger.to_string();
        self.logs.iter().find(|(known, _)| *known == ledger).map_or(0, |(_, size)| *size)
    }
}

impl Profile {
    /// Keeps what a file of questions asks about, and forgets what is about checks that are over.
    ///
    /// # Errors
    /// [`ClientError::Store`].
    pub fn keep_request(&self, digest: &Digest, requested: &Requested) -> Result<(), ClientError> {
        let folder = PrivateFolder::create(self.folder.join("requests"))?;
        self.forget_old_requests()?;
        let json =
            serde_json::to_vec_pretty(requested).map_err(|_| ClientError::Internal("texts and numbers are JSON"))?;
        Ok(write_atomic(folder.join(digest.to_string()), &json)?)
    }

    /// What a file of questions asked about, if this profile wrote it and its answers were not used yet.
    ///
    /// # Errors
    /// [`ClientError::Store`], [`ClientError::Damaged`].
    pub fn request(&self, digest: &Digest) -> Result<Option<Requested>, ClientError> {
        let path = self.request_of(digest);
        if !path.exists() {
            return Ok(None);
        }
        let read: Option<Requested> = serde_json::from_slice(&read_limited(&path, MAX_REQUEST_FILE)?).ok();
        let problem = "it does not say what questions were about; remove it, and run `blindlist request` again";
        read.filter(|requested| requested.version == VERSION).map(Some).ok_or(ClientError::Damaged { path, problem })
    }

    /// Forgets what a file of questions asked about.
    ///
    /// # Errors
    /// [`ClientError::Store`].
    pub fn forget_request(&self, digest: &Digest) -> Result<(), ClientError> {
        remove(&self.request_of(digest))
    }

    fn request_of(&self, digest: &Digest) -> PathBuf {
        self.folder.join("requests").join(digest.to_string())
    }

    /// Forgets all that is about member files without an unfinished job. Jobs must not be locked by this process.
    fn forget_old_requests(&self) -> Result<(), ClientError> {
        let unfinished = self.look_at_jobs()?.jobs;
        let begun = |subject: &Subject| {
            let mut subjects = unfinished.iter().filter_map(|job| job.about.as_ref());
            subjects.any(|about| about.subject.agrees(subject))
        };
        let folder = self.folder.join("requests");
        let failed = |source| StoreError::io("list the folder", &folder, source);
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            let Some(digest) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
            // What cannot be read is left for a person.
            if let Ok(Some(requested)) = self.request(&digest)
                && !requested.subjects.iter().any(begun)
            {
                self.forget_request(&digest)?;
            }
        }
        Ok(())
    }
}

fn remove(path: &std::path::Path) -> Result<(), ClientError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(StoreError::io("remove", path, source).into())
        }
        Ok(()) | Err(_) => Ok(()),
    }
}
