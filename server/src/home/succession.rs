//! The files of a succession of the manifest key, until it is done and after.
//!
//! ```text
//! keys/online/next-manifest.pub       the new manifest key; while it is there, a succession is under way
//! keys/offline/next-manifest.key      its secret half
//! keys/offline/next-successor.key     the key after it, and its hash in next-successor.hash
//! epochs/<new id>/                    the epochs under the new key
//! releases/<id>/next-manifest         the manifests under the new key
//! successions/<old key>               what insurers are told who still pin the old key
//! ```
//!
//! All of them are there before the catalog is replaced by one that the new key signed. That one step is the succession:
//! until then everything of the old key is what counts, from then on everything of the new one. What is left to do
//! afterwards, [`Home::settle_keys`] and what is beside it can do at any time, without a secret.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::path::Path;

use blindlist_protocol::catalog::Catalog;
use blindlist_protocol::epoch::EpochRecord;
use blindlist_protocol::ids::{Digest, EpochId};
use blindlist_protocol::object::{self, Kind as _};
use blindlist_protocol::signature::VerifyingKey;
use blindlist_protocol::succession::Succession;
use blindlist_store::folder::PrivateFolder;
use blindlist_store::{StoreError, file};

use super::epochs::EPOCH_KEY;
use super::{Home, destroy_leftovers, folder_of, ids_in, move_folder};
use crate::Error;

/// The public half of the key that is about to be the manifest key.
pub(crate) const NEXT_PUBLIC: &str = "next-manifest.pub";
/// Its secret half.
pub(crate) const NEXT_MANIFEST_KEY: &str = "next-manifest.key";
/// The secret key of the successor after it.
pub(crate) const NEXT_SUCCESSOR_KEY: &str = "next-successor.key";
/// The hash that pins that one.
pub(crate) const NEXT_SUCCESSOR_HASH: &str = "next-successor.hash";
/// A release's manifest under the key that is about to be the manifest key.
pub(crate) const NEXT_MANIFEST: &str = "next-manifest";

impl Home {
    /// The key that a succession under way makes the manifest key.
    ///
    /// # Errors
    /// [`Error::Store`] or [`Error::Key`].
    pub(crate) fn next_key(&self) -> Result<Option<VerifyingKey>, Error> {
        self.public_key(NEXT_PUBLIC)
    }

    /// Whether the catalog is the new key's already.
    pub(crate) fn is_succeeded_by(&self, next: &VerifyingKey) -> bool {
        let bytes = file::read_limited(self.catalog_path(), Catalog::LIMIT as u64);
        bytes.is_ok_and(|bytes| object::open::<Catalog>(&bytes, next).is_ok())
    }

    /// The keys, of before and of what is under way, whose epochs are none of the manifest key's.
    pub(super) fn other_keys(&self) -> Result<Vec<VerifyingKey>, Error> {
        let mut keys = self.former_keys()?;
        keys.extend(self.next_key()?);
        Ok(keys)
    }

    /// The manifest keys that were succeeded, or are about to be.
    fn former_keys(&self) -> Result<Vec<VerifyingKey>, Error> {
        let Some(folder) = self.successions()? else { return Ok(Vec::new()) };
        // A key is written as a digest is.
        let keys = ids_in::<Digest>(&folder)?;
        Ok(keys.into_iter().map(|key| VerifyingKey::from_bytes(*key.as_bytes())).collect())
    }

    /// The successions that lead to the manifest key `current`, by the key that each succeeded.
    ///
    /// # Errors
    /// [`Error::Store`], or [`Error::Object`] for a file that is no succession.
    pub(crate) fn successions_to(&self, current: &VerifyingKey) -> Result<HashMap<VerifyingKey, Vec<u8>>, Error> {
        let mut found = Vec::new();
        if let Some(folder) = self.successions()? {
            for key in ids_in::<Digest>(&folder)? {
                let path = folder.join(key.to_string());
                let bytes = file::read_limited(&path, Succession::LIMIT as u64)?;
                let opened = object::open_self_signed::<Succession>(&bytes);
                let succession = opened.map_err(|reason| Error::Object { what: "succession", path, reason })?;
                found.push((succession, bytes));
            }
        }
        let (mut leading, mut to) = (HashMap::new(), *current);
        // Backwards, from each key to the one before it; a circle would end at a key that was met.
        while let Some((before, bytes)) = found.iter().find(|(succession, _)| succession.new_key == to) {
            if leading.insert(before.old_key, bytes.clone()).is_some() {
                break;
            }
            to = before.old_key;
        }
        Ok(leading)
    }

    /// Keeps a succession for those who ask for it.
    pub(crate) fn write_succession(&self, old: &VerifyingKey, bytes: &[u8]) -> Result<(), Error> {
        let folder = PrivateFolder::create(self.folder.join("successions"))?;
        Ok(file::write_atomic(folder.join(old.to_string()), bytes)?)
    }

    fn successions(&self) -> Result<Option<PrivateFolder>, Error> {
        let path = self.folder.join("successions");
        Ok(if path.exists() { Some(PrivateFolder::open(path)?) } else { None })
    }

    /// Destroys the copies of epoch keys that are in the folders of former manifest keys' epochs.
    pub(crate) fn destroy_former_epoch_keys(&self) -> Result<(), Error> {
        let (folder, former) = (self.part("epochs")?, self.former_keys()?);
        for id in ids_in::<EpochId>(&folder)? {
            let epoch = PrivateFolder::open(folder.join(id.to_string()))?;
            let bytes = file::read_limited(epoch.join("record"), EpochRecord::LIMIT as u64)?;
            if former.iter().any(|key| object::open::<EpochRecord>(&bytes, key).is_ok()) {
                let key = epoch.join(EPOCH_KEY);
                destroy_leftovers(&key)?;
                file::destroy(key)?;
            }
        }
        Ok(())
    }

    /// Gives the new manifest key and its successor their names, and destroys the key before. The public half is last: it
    /// ends the succession.
    pub(crate) fn settle_keys(&self) -> Result<(), Error> {
        for (next, name) in [(NEXT_MANIFEST_KEY, "manifest.key"), (NEXT_SUCCESSOR_KEY, "successor.key")] {
            let (next, path) = (self.offline(next)?, self.offline(name)?);
            if next.exists() {
                destroy_leftovers(&path)?;
                file::destroy(&path)?;
                rename(&next, &path)?;
            }
        }
        for (next, path) in [
            (self.offline(NEXT_SUCCESSOR_HASH)?, self.offline("successor.hash")?),
            (self.online(NEXT_PUBLIC)?, self.online("manifest.pub")?),
        ] {
            if next.exists() {
                rename(&next, &path)?;
            }
        }
        Ok(())
    }
}

/// Gives a release's new manifest its name, if it has not got it yet.
pub(crate) fn settle_manifest(release: &Path) -> Result<(), Error> {
    let next = release.join(NEXT_MANIFEST);
    if next.exists() { rename(&next, &release.join("manifest")) } else { Ok(()) }
}

/// A rename that is on the disk when it returns.
fn rename(from: &Path, to: &Path) -> Result<(), Error> {
    let renamed = fs::rename(from, to).and_then(|()| File::open(folder_of(to))?.sync_all());
    Ok(renamed.map_err(|source: io::Error| StoreError::io("give its name to", to, source))?)
}

/// Makes the folder of an epoch under the new manifest key, with a copy of the file of its key as it is.
pub(crate) fn copy_epoch(home: &Home, from: EpochId, to: EpochId, record: &[u8]) -> Result<(), Error> {
    let epochs = home.part("epochs")?;
    let target = epochs.join(to.to_string());
    if target.exists() {
        return Ok(());
    }
    super::epochs::remove_unfinished(&epochs)?;
    let key = file::read_secret(epochs.join(from.to_string()).join(EPOCH_KEY), super::LONGEST_SEALED)?;
    let building = PrivateFolder::create_new(epochs.join(format!(".{to}.tmp")))?;
    file::write_new(building.join(EPOCH_KEY), &key)?;
    file::write_new(building.join("record"), record)?;
    move_folder(building.path(), &target)
}
