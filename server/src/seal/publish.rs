//! From a finished release to a live one, and what must be known of the operator for it.

use std::fs;
use std::path::{Path, PathBuf};

use blindlist_protocol::catalog::Listed;
use blindlist_protocol::ids::Digest;
use blindlist_protocol::manifest::Manifest;
use blindlist_protocol::object;
use blindlist_protocol::signature::SigningKey;
use blindlist_protocol::text::Slug;
use blindlist_store::file;
use blindlist_store::folder::PrivateFolder;
use blindlist_store::{StoreError, text};

use super::plan::Plan;
use super::report::Outcome;
use crate::catalog::Snapshot;
use crate::home::{Home, StoredEpoch, move_folder};
use crate::outside::now;
use crate::releases::{self, Release};
use crate::{Error, signed};

/// What a seal needs to know of the operator.
pub(super) struct Operator {
    pub(super) key: SigningKey,
    snapshot: Snapshot,
    live: Vec<Release>,
    epochs: Vec<StoredEpoch>,
}

impl Operator {
    pub(super) fn load(home: &Home) -> Result<Self, Error> {
        let key = home.manifest_key()?;
        let snapshot = Snapshot::read(home, &key.verifying())?;
        let live = releases::live(home, &snapshot.catalog, &key.verifying())?;
        let mut epochs = home.epochs(&key.verifying())?;
        epochs.retain(|epoch| snapshot.catalog.epochs.contains(&epoch.digest));
        Ok(Self { key, snapshot, live, epochs })
    }

    /// The live release of a list.
    pub(super) fn live_release(&self, list: &Slug) -> Option<&Release> {
        self.live.iter().find(|release| release.manifest.list == *list)
    }

    /// The live epoch that was made last.
    pub(super) fn newest_epoch(&self) -> Result<&StoredEpoch, Error> {
        self.epochs.last().ok_or(Error::NoEpoch)
    }

    /// The live epoch of a plan.
    pub(super) fn epoch(&self, plan: &Plan) -> Result<&StoredEpoch, Error> {
        let epoch = self.epochs.iter().find(|epoch| epoch.record.epoch == plan.epoch);
        epoch.ok_or(Error::PlanEpoch(plan.epoch))
    }
}

/// The folder of a release that is not published yet. Dropping it removes it.
pub(super) struct Staging {
    folder: PrivateFolder,
    target: PathBuf,
    published: bool,
}

impl Staging {
    /// Makes the folder, in place of one that an earlier attempt left, and writes the plan into it.
    pub(super) fn create(releases: &PrivateFolder, plan: &Plan) -> Result<Self, Error> {
        let path = releases.join(format!(".{}{STAGING_SUFFIX}", plan.release));
        if path.exists() {
            remove(&path)?;
        }
        let staging = Self {
            folder: PrivateFolder::create_new(path)?,
            target: releases.join(plan.release.to_string()),
            published: false,
        };
        file::write_new(staging.folder.join(PLAN), &plan.to_text())?;
        Ok(staging)
    }

    /// Where the index is to be written.
    pub(super) fn index(&self) -> PathBuf {
        self.folder.join("index")
    }

    fn commit(mut self) -> Result<(), Error> {
        move_folder(self.folder.path(), &self.target)?;
        self.published = true;
        Ok(())
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if !self.published {
            // What stays is told by the next seal.
            let _ = fs::remove_dir_all(self.folder.path());
        }
    }
}

const STAGING_SUFFIX: &str = ".tmp";

/// The file of the plan in the folder of a release.
const PLAN: &str = "plan.json";

/// What was published.
pub(super) struct Published {
    pub(super) outcome: Outcome,
    pub(super) manifest: Digest,
    pub(super) catalog: Snapshot,
    pub(super) plan: PathBuf,
}

/// Signs the manifest and makes the release live, in place of the list's live release.
pub(super) fn publish(
    home: &Home,
    operator: &Operator,
    staging: Staging,
    plan: &Plan,
    manifest: &Manifest,
) -> Result<Published, Error> {
    let bytes = signed::sign("manifest", manifest, &operator.key)?;
    let digest = object::digest(&bytes);
    let replaced = operator.live_release(&plan.choices.list).map(|release| release.digest);
    let is_next = plan.previous.map(|hex| hex.0) == replaced;
    let plan_path = staging.target.join(PLAN);
    let published = |outcome, catalog| Published { outcome, manifest: digest, catalog, plan: plan_path };
    let exists = staging.target.exists();
    if exists {
        check_same(&staging, manifest, &bytes)?;
        if replaced == Some(digest) || !is_next {
            return Ok(published(Outcome::Identical, operator.snapshot.clone()));
        }
        // It was cut off between its folder and the catalog: the catalog is made up for.
    }
    if !is_next {
        return Err(Error::PlanOutdated);
    }
    if !exists {
        file::write_new(staging.folder.join("manifest"), &bytes)?;
        staging.commit()?;
    }
    let catalog = operator.snapshot.next(replaced, Listed::to_all(digest), &operator.key, now()?)?;
    catalog.publish(home)?;
    Ok(published(Outcome::Published, catalog))
}

/// The manifest holds the digest of every segment, so that only the stored index remains to be compared.
fn check_same(staging: &Staging, manifest: &Manifest, bytes: &[u8]) -> Result<(), Error> {
    let differs = || Error::ReleaseDiffers { path: staging.target.clone() };
    let stored = file::read_limited(staging.target.join("manifest"), bytes.len() as u64 + 1)?;
    if stored != bytes {
        return Err(differs());
    }
    let index = blindlist_records::digest(staging.target.join("index"))?;
    let again = blindlist_records::digest(staging.index())?;
    if index != again || index.length != manifest.index_length {
        return Err(differs());
    }
    Ok(())
}

/// Tells what seals that were killed have left behind.
pub(super) fn tell_leftovers(releases: &PrivateFolder, plan: &Plan) {
    let own = format!(".{}{STAGING_SUFFIX}", plan.release);
    let Ok(entries) = fs::read_dir(releases.path()) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') && name.ends_with(STAGING_SUFFIX) && name != own {
            let folder = text::word(&entry.path());
            let plan = text::word(&entry.path().join(PLAN));
            eprintln!(
                "blindlistd: an earlier seal was cut off; finish it with `seal INPUT... --plan {plan}`, or delete {folder}"
            );
        }
    }
}

fn remove(path: &Path) -> Result<(), Error> {
    let removed = fs::remove_dir_all(path);
    Ok(removed.map_err(|source| StoreError::io("remove what an earlier seal left in", path, source))?)
}
