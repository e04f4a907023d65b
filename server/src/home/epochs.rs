//! The epochs that a home holds: each a signed record and this holder's share of the key.

use std::path::PathBuf;

use blindlist_protocol::epoch::EpochRecord;
use blindlist_protocol::ids::{Digest, EpochId};
use blindlist_protocol::object;
use blindlist_protocol::operator::EpochKey;
use blindlist_protocol::oprf::SecretKey;
use blindlist_protocol::signature::VerifyingKey;
use blindlist_store::StoreError;
use blindlist_store::file;
use blindlist_store::folder::PrivateFolder;

use super::Home;
use crate::{Error, signed};

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
}

impl Home {
    /// All epochs, by their time, each verified under the operator's key.
    ///
    /// # Errors
    /// [`Error::Store`], or [`Error::Object`] for a record that the operator's key did not sign.
    pub fn epochs(&self, operator_key: &VerifyingKey) -> Result<Vec<StoredEpoch>, Error> {
        let folder = self.part("epochs")?;
        let mut epochs = Vec::new();
        for id in ids_in::<EpochId>(&folder)? {
            let epoch = PrivateFolder::open(folder.join(id.to_string()))?;
            let path = epoch.join("record");
            let (bytes, record) = signed::read::<EpochRecord>("epoch record", &path, operator_key)?;
            if record.epoch != id {
                return Err(Error::Key { path, problem: "the record is about another epoch than its folder" });
            }
            epochs.push(StoredEpoch { digest: object::digest(&bytes), bytes, record, folder: epoch.path().to_owned() });
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

    fn share(&self) -> Result<(PathBuf, SecretKey), Error> {
        let path = self.folder.join("oprf.key");
        match SecretKey::from_bytes(&*file::read_secret_exact(&path)?) {
            Ok(share) => Ok((path, share)),
            Err(_) => {
                Err(Error::Key { path, problem: "an OPRF key is a canonical scalar of 32 bytes other than zero" })
            }
        }
    }
}

/// Writes a new epoch.
pub(crate) fn new_epoch_folder(home: &Home, record: &EpochRecord, bytes: &[u8], key: &SecretKey) -> Result<(), Error> {
    let folder = home.part("epochs")?.join(record.epoch.to_string());
    let folder = PrivateFolder::create_new(folder)?;
    file::write_new(folder.join("oprf.key"), key.to_bytes().as_slice())?;
    file::write_new(folder.join("record"), bytes)?;
    Ok(())
}

/// The ids that the entries of a folder are named by; entries with other names are not ours.
pub(crate) fn ids_in<T: std::str::FromStr>(folder: &PrivateFolder) -> Result<Vec<T>, Error> {
    let failed = |source| StoreError::io("list the folder", folder.path(), source);
    let mut ids = Vec::new();
    for entry in std::fs::read_dir(folder.path()).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        ids.extend(name.to_str().and_then(|name| name.parse().ok()));
    }
    Ok(ids)
}
