//! The folder of a seal that is not published yet: its plan, what is evaluated, and one folder for each release.
//!
//! ```text
//! releases/.<first release id>.tmp/    plan.json; spill and checkpoint.json; <release id>/ with index and evaluations
//! ```
//!
//! It outlives a seal that was cut off, by a kill, a power cut or a full disk, and the same command goes on with it. It goes
//! when the seal is published, or refused for its input.

use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use blindlist_protocol::ids::ReleaseId;
use blindlist_protocol::oprf::SecretKey;
use blindlist_records::TableError;
use blindlist_store::folder::PrivateFolder;
use blindlist_store::spill::{Spill, SpillKey};
use blindlist_store::{StoreError, file, text};

use super::checkpoint::Checkpoint;
use super::plan::Plan;
use super::sorted::partitions;
use crate::home::ids_in;
use crate::{Error, show};

/// The file of the plan, here and in the folder of its first release that has people.
pub(super) const PLAN: &str = "plan.json";

const SPILL: &str = "spill";
const CHECKPOINT: &str = "checkpoint.json";
const SUFFIX: &str = ".tmp";

const PURPOSE: &[u8] = b"spill of the plan ";

/// The folder of a seal.
pub(super) struct Staging {
    folder: PrivateFolder,
    releases: PathBuf,
}

impl Staging {
    /// Makes the folder with the plan in it. Of what an earlier attempt has left there, what was evaluated stays.
    pub(super) fn create(releases: &PrivateFolder, plan: &Plan) -> Result<Self, Error> {
        let folder = PrivateFolder::create(releases.join(name(plan)))?;
        let staging = Self { folder, releases: releases.path().to_owned() };
        staging.remove_releases()?;
        let (path, text) = (staging.folder.join(PLAN), plan.to_text());
        let known = file::read_limited(&path, text.len() as u64).is_ok_and(|known| known == text);
        if !known {
            staging.remove_file(CHECKPOINT)?;
            staging.remove_file(SPILL)?;
            file::write_atomic(path, &text)?;
        }
        Ok(staging)
    }

    /// The spill of the seal, and how far it had come.
    pub(super) fn spill(&self, plan: &Plan, epoch: &SecretKey, memory: usize) -> Result<(Spill, Checkpoint), Error> {
        let partitions = partitions(plan.releases.len());
        let path = self.folder.join(SPILL);
        let key = SpillKey::derive(&*epoch.to_bytes(), &[PURPOSE, plan.digest().as_bytes()]);
        if let Some(checkpoint) = Checkpoint::read(&self.checkpoint(), partitions) {
            return Ok((Spill::resume(&path, &key, partitions, memory, checkpoint.spilled)?, checkpoint));
        }
        self.remove_file(SPILL)?;
        Ok((Spill::create(&path, &key, partitions, memory)?, Checkpoint::begin(partitions)))
    }

    /// Where it is noted how far the seal is.
    pub(super) fn checkpoint(&self) -> PathBuf {
        self.folder.join(CHECKPOINT)
    }

    /// Makes the folder of a release.
    pub(super) fn release(&self, release: ReleaseId) -> Result<PrivateFolder, Error> {
        Ok(PrivateFolder::create_new(self.staged(release))?)
    }

    /// Where a release is until it is published.
    pub(super) fn staged(&self, release: ReleaseId) -> PathBuf {
        self.folder.join(release.to_string())
    }

    /// Where it is from then on.
    pub(super) fn target(&self, release: ReleaseId) -> PathBuf {
        self.releases.join(release.to_string())
    }

    /// Takes the folder away.
    pub(super) fn remove(self) -> Result<(), Error> {
        remove(self.folder.path())
    }

    /// Leaves the folder to the same seal once more, unless it can only end with this error again.
    pub(super) fn settle(self, error: Error, plan: &Plan) -> Error {
        // The error is what matters; what stays is told by the next seal.
        let _ = if is_final(&error) { self.remove() } else { self.give_back(plan) };
        error
    }

    /// Gives back the disk space of what would be made anew; of everything when the disk is full all the same.
    fn give_back(&self, plan: &Plan) -> Result<(), Error> {
        self.remove_releases()?;
        let path = self.folder.join(SPILL);
        let kept = Checkpoint::read(&self.checkpoint(), partitions(plan.releases.len()));
        let Some(checkpoint) = kept else { return self.remove_file(SPILL) };
        let cut = OpenOptions::new().write(true).open(&path).and_then(|spill| {
            if spill.metadata()?.len() > checkpoint.spilled { spill.set_len(checkpoint.spilled) } else { Ok(()) }
        });
        cut.map_err(|source| StoreError::io("write", &path, source))?;
        let disk = rustix::fs::statvfs(self.folder.path());
        if disk.is_ok_and(|disk| disk.f_bavail.saturating_mul(disk.f_frsize) < LEFT_TO_OTHERS) {
            self.remove_file(CHECKPOINT)?;
            self.remove_file(SPILL)?;
        }
        Ok(())
    }

    fn remove_releases(&self) -> Result<(), Error> {
        ids_in::<ReleaseId>(&self.folder)?.into_iter().try_for_each(|id| remove(&self.staged(id)))
    }

    fn remove_file(&self, name: &str) -> Result<(), Error> {
        let path = self.folder.join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StoreError::io("remove", &path, error).into()),
            Err(_) | Ok(()) => Ok(()),
        }
    }
}

/// Bytes that must be free on the disk for what was evaluated to stay on it: a ledger that cannot be written to answers
/// nobody.
const LEFT_TO_OTHERS: u64 = 16 << 20;

/// Whether the same seal can only end with this error again: its inputs are refused, its plan is outdated, or what it has
/// evaluated is damaged.
#[allow(clippy::wildcard_enum_match_arm, reason = "after all other errors, what was evaluated is still good")]
fn is_final(error: &Error) -> bool {
    match error {
        Error::TooManyRejects { .. } | Error::NoRows { .. } | Error::NoPeople { .. } | Error::Changed { .. } => true,
        Error::Columns { .. } | Error::Audience(_) | Error::Append(_) | Error::Index(_) => true,
        Error::PlanOutdated | Error::ReleaseDiffers { .. } => true,
        Error::Table(error) => !matches!(error, TableError::Read { .. }),
        Error::Store(error) => matches!(error, StoreError::NotSealed { .. } | StoreError::TooLong { .. }),
        _ => false,
    }
}

/// Named after the first release of the plan.
fn name(plan: &Plan) -> String {
    let first = plan.releases.first().map(|planned| planned.release.to_string()).unwrap_or_default();
    format!(".{first}{SUFFIX}")
}

/// The folders that seals which were cut off have left.
pub(super) fn leftovers(releases: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(releases).into_iter().flatten().flatten();
    let is_staging = |name: &OsStr| name.to_str().is_some_and(|name| name.starts_with('.') && name.ends_with(SUFFIX));
    entries.filter(|entry| is_staging(&entry.file_name())).map(|entry| entry.path()).collect()
}

/// The plan of a leftover that a seal can go on with: it is like this one, and its releases can be published, or are.
pub(super) fn leftover(releases: &PrivateFolder, plan: &Plan, live: impl Fn(&Plan) -> bool) -> Option<Plan> {
    let plans = leftovers(releases.path()).into_iter().filter_map(|folder| Plan::read(&folder.join(PLAN)).ok());
    plans.filter(|found| found.is_like(plan) && live(found)).max_by_key(|found| found.created)
}

/// Tells what other seals that were cut off have left behind. What was cut off before it had a plan holds nothing.
pub(super) fn tell_leftovers(releases: &PrivateFolder, plan: &Plan) {
    let own = releases.join(name(plan));
    for folder in leftovers(releases.path()).into_iter().filter(|folder| *folder != own) {
        if fs::symlink_metadata(folder.join(PLAN)).is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
            // What stays is removed by the next seal.
            let _ = remove(&folder);
            continue;
        }
        let (plan, folder) = (text::word(&folder.join(PLAN)), text::word(&folder));
        eprintln!(
            "blindlistd: an earlier seal was cut off; finish it with `seal INPUT... --plan {plan}`, or delete {folder}"
        );
    }
}

/// Tells that this seal was begun already.
pub(super) fn tell_going_on(plan: &Plan, checkpoint: &Checkpoint) {
    if checkpoint.rows > 0 {
        let rows = checkpoint.rows;
        let are = if rows == 1 { "is" } else { "are" };
        let rows = show::counted(rows, "row");
        eprintln!("blindlistd: going on with the seal of {}: {rows} {are} evaluated already", plan.choices.list);
    }
}

/// Destroys a folder with what was evaluated in it.
pub(super) fn destroy(folder: &Path) -> Result<(), Error> {
    file::destroy(folder.join(SPILL))?;
    for release in ids_in::<ReleaseId>(&PrivateFolder::open(folder)?)? {
        file::destroy(folder.join(release.to_string()).join(super::kept::EVALUATIONS))?;
    }
    remove(folder)
}

fn remove(path: &Path) -> Result<(), Error> {
    let removed = fs::remove_dir_all(path);
    Ok(removed.map_err(|source| StoreError::io("remove what was left in", path, source))?)
}
