//! The epochs that a home holds: each a signed record and this holder's share of the key.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use blindlist_protocol::epoch::EpochRecord;
use blindlist_protocol::ids::{Digest, EpochId};
use blindlist_protocol::object::{self, Kind as _};
use blindlist_protocol::operator::EpochKey;
use blindlist_protocol::oprf::SecretKey;
use blindlist_protocol::signature::VerifyingKey;
use blindlist_store::folder::PrivateFolder;
use blindlist_store::passphrase::Passphrase;
use blindlist_store::passphrases::Passphrases;
use blindlist_store::{StoreError, file};

use super::{Home, destroy_leftovers, move_folder, write_new};
use crate::{Error, signed};

/// The file of an epoch's key.
pub(crate) const EPOCH_KEY: &str = "oprf.key";

/// An epoch as it is stored.
#[derive(Clone, Debug)]
pub struct StoredEpoch {
    /// The digest of the signed record.
    pub digest: Digest,
    /// The signed record's bytes.
    pub bytes: Vec<u8>,
    /// The record.
    pub record: EpochRecord,
    folder: PathBuf,
    passphrases: Arc<Passphrases>,
    /// Once it was read: a passphrase takes long to try.
    share: OnceLock<SecretKey>,
}

impl Home {
    /// All epochs, by their time, each verified under the operator's key. Those of a key that was succeeded, or is about
    /// to succeed this one, are not among them.
    ///
    /// # Errors
    /// [`Error::Store`], or [`Error::Object`] for a record that none of these keys signed.
    pub fn epochs(&self, operator_key: &VerifyingKey) -> Result<Vec<StoredEpoch>, Error> {
        let (folder, others) = (self.part("epochs")?, self.other_keys()?);
        let mut epochs = Vec::new();
        for id in ids_in::<EpochId>(&folder)? {
            let epoch = PrivateFolder::open(folder.join(id.to_string()))?;
            let path = epoch.join("record");
            // Not here yet, when the folder is being copied from another server's home.
            let Some(bytes) = signed::read_if_there(&path, EpochRecord::LIMIT as u64)? else { continue };
            let record: EpochRecord = match signed::open("epoch record", &path, &bytes, operator_key) {
                Err(_) if others.iter().any(|key| object::open::<EpochRecord>(&bytes, key).is_ok()) => continue,
                opened => opened?,
            };
            if record.epoch != id {
                return Err(Error::Key { path, problem: "the record is about another epoch than its folder" });
            }
            epochs.push(StoredEpoch {
                digest: object::digest(&bytes),
                bytes,
                record,
                folder: epoch.path().to_owned(),
                passphrases: Arc::clone(&self.passphrases),
                share: OnceLock::new(),
            });
        }
        epochs.sort_by_key(|epoch| (epoch.record.created, epoch.record.epoch));
        Ok(epochs)
    }
}

impl StoredEpoch {
    /// This holder's share of the key, with the record that names it.
    ///
    /// # Errors
    /// [`Error::Store`], or [`Error::Key`] when it is no share of this epoch.
    pub fn key(&self) -> Result<EpochKey, Error> {
        let (path, share) = self.share()?;
        let index = self.record.holders.iter().find(|holder| holder.share == share.public());
        index
            .and_then(|holder| EpochKey::new(self.record.clone(), holder.index, share).ok())
            .ok_or(Error::Key { path, problem: "no holder of the epoch has this share" })
    }

    /// The whole key of an epoch with one holder.
    ///
    /// # Errors
    /// [`Error::Store`], or [`Error::Key`] when it is a share only, or of another epoch.
    pub fn whole_key(&self) -> Result<SecretKey, Error> {
        let (path, share) = self.share()?;
        if share.public() == self.record.key {
            Ok(share)
        } else {
            Err(Error::Key { path, problem: "it is not the whole key of this epoch" })
        }
    }

    /// Whether the key is there, rather than destroyed.
    pub(crate) fn has_key(&self) -> bool {
        self.folder.join(EPOCH_KEY).exists()
    }

    /// Destroys the key, with every copy that a change of its passphrase left behind when it was cut off.
    pub(crate) fn destroy_key(&self) -> Result<(), Error> {
        let key = self.folder.join(EPOCH_KEY);
        destroy_leftovers(&key)?;
        Ok(file::destroy(key)?)
    }

    fn share(&self) -> Result<(PathBuf, SecretKey), Error> {
        let path = self.folder.join(EPOCH_KEY);
        if let Some(share) = self.share.get() {
            return Ok((path, share.clone()));
        }
        match SecretKey::from_bytes(&self.passphrases.read_exact(&path)?.0) {
            Ok(share) => Ok((path, self.share.get_or_init(|| share).clone())),
            Err(_) => {
                Err(Error::Key { path, problem: "an OPRF key is a canonical scalar of 32 bytes other than zero" })
            }
        }
    }
}

/// Writes a new epoch, its key under the passphrase: all of it, or nothing that is taken for an epoch.
pub(crate) fn new_epoch_folder(
    home: &Home,
    record: &EpochRecord,
    bytes: &[u8],
    key: &SecretKey,
    passphrase: Option<&Passphrase>,
) -> Result<(), Error> {
    let epochs = home.part("epochs")?;
    remove_unfinished(&epochs)?;
    let building = PrivateFolder::create_new(epochs.join(format!(".{}.tmp", record.epoch)))?;
    write_new(&building.join(EPOCH_KEY), key.to_bytes().as_slice(), passphrase)?;
    file::write_new(building.join("record"), bytes)?;
    move_folder(building.path(), &epochs.join(record.epoch.to_string()))
}

/// Destroys what a command that was cut off has left of epochs that nobody knows.
pub(super) fn remove_unfinished(epochs: &PrivateFolder) -> Result<(), Error> {
    let failed = |source| StoreError::io("remove what was left in", epochs.path(), source);
    for entry in fs::read_dir(epochs.path()).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') && name.ends_with(".tmp") {
            let key = entry.path().join(EPOCH_KEY);
            if entry.path().is_dir() {
                destroy_leftovers(&key)?;
            }
            file::destroy(key)?;
            fs::remove_dir_all(entry.path()).map_err(failed)?;
        }
    }
    Ok(())
}

/// The ids that the entries of a folder are named by; entries with other names are not ours.
pub(crate) fn ids_in<T: std::str::FromStr>(folder: &PrivateFolder) -> Result<Vec<T>, Error> {
    let failed = |source| StoreError::io("list the folder", folder.path(), source);
    let mut ids = Vec::new();
    for entry in fs::read_dir(folder.path()).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        ids.extend(name.to_str().and_then(|name| name.parse().ok()));
    }
    Ok(ids)
}
