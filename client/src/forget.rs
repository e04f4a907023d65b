//! `blindlist forget`: what a profile keeps, for what, and its removal.
//!
//! Seeds and remembered evaluations are destroyed first: whoever has them and guesses the members can tell whom the insurer
//! asked about. Keys, the operator's bundle, what is pinned, and what holds the operator to its word stay: without them the
//! profile is worth nothing, and an operator could take back what it said. Who wants an end to these removes the folder.

mod kept;

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use blindlist_protocol::ids::JobId;
use blindlist_store::StoreError;
use blindlist_store::file::destroy;
use serde::Serialize;

use crate::profile::Profile;
use crate::profile::jobs::Jobs;
use crate::show::{bytes, number};
use crate::{ClientError, EvidenceError};
pub use kept::{Kept, kept};
use kept::{Size, children, size};

/// The secret in a job's folder, and in that of its evidence.
const SECRETS: [&str; 2] = ["seed", "seed.age"];

/// What to forget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// One unfinished check.
    Job(JobId),
    /// All unfinished checks.
    Jobs,
    /// The evidence of one job, or of all.
    Evidence(Option<JobId>),
    /// Remembered evaluations.
    Remembered,
    /// Indexes.
    Indexes,
    /// All of these.
    All,
}

/// What is to be forgotten, by its `Display`. While it exists, no check can begin.
#[derive(Debug)]
pub struct Choice {
    parts: Vec<Part>,
    _jobs: Jobs,
}

/// Something that goes as a whole.
#[derive(Debug)]
struct Part {
    /// What it is, in words.
    what: String,
    /// What it costs that it goes.
    loss: &'static str,
    path: PathBuf,
    size: Size,
    /// Whether every file in it is a secret.
    secret: bool,
}

/// What was forgotten, by its `Display` or as JSON.
#[derive(Debug, Serialize)]
pub struct Forgotten {
    removed: Vec<String>,
    bytes: u64,
}

/// Finds what is to be forgotten. Nothing is removed yet.
///
/// # Errors
/// [`ClientError::NoUnfinishedJob`], [`EvidenceError::NoJob`]; [`ClientError::Store`], also when a check is under way.
pub fn choose(profile: &Profile, what: &What) -> Result<Choice, ClientError> {
    let mut choice = Choice { parts: Vec::new(), _jobs: profile.jobs()? };
    let all = *what == What::All;
    match what {
        What::Job(id) => choice.add_job(profile, *id)?,
        What::Evidence(Some(id)) => choice.add_evidence(profile, *id)?,
        What::Jobs | What::Evidence(None) | What::Remembered | What::Indexes | What::All => {}
    }
    if all || *what == What::Jobs {
        for id in jobs_in(&profile.jobs_path())? {
            choice.add_job(profile, id)?;
        }
        let (what, loss) = ("notes of what files asked", "answers to them find no check");
        choice.add(what.to_owned(), loss, profile.requests_path(), false)?;
    }
    if all || *what == What::Evidence(None) {
        for id in jobs_in(&profile.evidence_path())? {
            choice.add_evidence(profile, id)?;
        }
    }
    if all || *what == What::Remembered {
        let (what, loss) = ("remembered evaluations", "the next check pays for all its members again");
        choice.add(what.to_owned(), loss, profile.remembered_path(), true)?;
    }
    if all || *what == What::Indexes {
        let (what, loss) = ("indexes", "the next check fetches them again");
        choice.add(what.to_owned(), loss, profile.indexes_path(), false)?;
    }
    Ok(choice)
}

impl Choice {
    /// Whether there is nothing to forget.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    fn add_job(&mut self, profile: &Profile, id: JobId) -> Result<(), ClientError> {
        let path = profile.jobs_path().join(id.to_string());
        if !path.is_dir() {
            return Err(ClientError::NoUnfinishedJob { profile: profile.path().to_owned(), job: id });
        }
        let loss = "the check cannot go on, and what it paid for is lost";
        self.add(format!("the unfinished check {id}"), loss, path, false)
    }

    fn add_evidence(&mut self, profile: &Profile, id: JobId) -> Result<(), ClientError> {
        let folder = profile.evidence_path();
        let path = folder.join(id.to_string());
        if !path.is_dir() {
            return Err(EvidenceError::NoJob { job: id, folder }.into());
        }
        let loss = "nobody can show any more whom it asked about";
        self.add(format!("the evidence of the job {id}"), loss, path, false)
    }

    /// Adds a folder, if it is there and not empty.
    fn add(&mut self, what: String, loss: &'static str, path: PathBuf, secret: bool) -> Result<(), ClientError> {
        let size = size(&path)?;
        if size.files > 0 {
            self.parts.push(Part { what, loss, path, size, secret });
        }
        Ok(())
    }

    /// Removes all of it, the secrets first.
    ///
    /// # Errors
    /// [`ClientError::Store`]: what is left can be forgotten by another attempt.
    pub fn forget(self) -> Result<Forgotten, ClientError> {
        for part in &self.parts {
            if part.secret {
                destroy_all(&part.path)?;
            }
            for name in SECRETS {
                destroy(part.path.join(name))?;
            }
        }
        for part in &self.parts {
            remove(&part.path)?;
        }
        let bytes = self.parts.iter().map(|part| part.size.bytes).sum();
        Ok(Forgotten { removed: self.parts.into_iter().map(|part| part.what).collect(), bytes })
    }
}

/// The jobs that have a folder in this one.
fn jobs_in(folder: &Path) -> Result<Vec<JobId>, StoreError> {
    let names = children(folder)?.into_iter().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let mut jobs: Vec<JobId> = names.collect();
    jobs.sort_unstable();
    Ok(jobs)
}

/// Destroys every file in a folder.
fn destroy_all(folder: &Path) -> Result<(), StoreError> {
    for entry in children(folder)? {
        if entry.file_type().is_ok_and(|kind| kind.is_file()) {
            destroy(entry.path())?;
        }
    }
    Ok(())
}

fn remove(folder: &Path) -> Result<(), StoreError> {
    match fs::remove_dir_all(folder) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(StoreError::io("remove", folder, source)),
        Ok(()) | Err(_) => Ok(()),
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Part { what, loss, size, .. } in &self.parts {
            writeln!(f, "{what}: {} files, {}; then {loss}", number(size.files), bytes(size.bytes))?;
        }
        Ok(())
    }
}

impl fmt::Display for Forgotten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.removed.is_empty() {
            return f.write_str("nothing of it is kept\n");
        }
        for what in &self.removed {
            writeln!(f, "removed  {what}")?;
        }
        writeln!(f, "{} freed", bytes(self.bytes))
    }
}
