//! The layout of an operator's home folder, and opening it.
//!
//! ```text
//! blindlistd.toml                     name, addresses, where to listen
//! keys/offline/                       manifest.key, successor.key, ca.key, ca.crt: for init, seal and approve alone
//! keys/online/                        tls.key, tls.crt, ca.crt, manifest.pub: what serve reads;
//!                                     receipt.key: made for the audit log to come, not read yet
//! epochs/<epoch id>/                  record (signed), oprf.key
//! releases/<release id>/              manifest (signed), index, plan.json
//! catalog                             the signed snapshot
//! ledger.sqlite                       insurers, budgets, charges
//! rejected/<list>.csv                 rows that the last seal of a list rejected
//! ```
//!
//! Folders are 0700 and files 0600; a folder or a key that others can read is refused. This module knows names and
//! bytes; what a release or a catalog means is decided elsewhere.

mod epochs;
mod keys;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use blindlist_store::StoreError;
use blindlist_store::folder::PrivateFolder;

use crate::Error;
use crate::config::Config;

pub use epochs::StoredEpoch;
pub(crate) use epochs::{ids_in, new_epoch_folder};
pub(crate) use keys::NewKeys;

const CONFIG: &str = "blindlistd.toml";

/// An operator's home folder.
#[derive(Clone, Debug)]
pub struct Home {
    folder: PrivateFolder,
}

impl Home {
    /// Opens a home that [`init`](crate::init) made.
    ///
    /// # Errors
    /// [`Error::NotAHome`] when it has no `blindlistd.toml`, [`Error::Store`] when it is missing or open to others.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let folder = PrivateFolder::open(path)?;
        if folder.join(CONFIG).exists() {
            Ok(Self { folder })
        } else {
            Err(Error::NotAHome { path: folder.path().to_owned() })
        }
    }

    /// The home that a folder is going to be.
    pub(crate) fn new(folder: PrivateFolder) -> Self {
        Self { folder }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The configuration.
    ///
    /// # Errors
    /// [`Error::Config`].
    pub fn config(&self) -> Result<Config, Error> {
        Config::read(&self.config_path())
    }

    pub(crate) fn config_path(&self) -> PathBuf {
        self.folder.join(CONFIG)
    }

    /// The ledger.
    pub fn ledger_path(&self) -> PathBuf {
        self.folder.join("ledger.sqlite")
    }

    /// The signed catalog snapshot.
    pub fn catalog_path(&self) -> PathBuf {
        self.folder.join("catalog")
    }

    /// The folder of all releases, one folder each, named by release id.
    ///
    /// # Errors
    /// [`Error::Store`] when it is missing or open to others.
    pub fn releases(&self) -> Result<PrivateFolder, Error> {
        self.part("releases")
    }

    /// The folder of rejected rows.
    pub(crate) fn rejected(&self) -> Result<PrivateFolder, Error> {
        self.part("rejected")
    }

    /// Makes the folders of a new home.
    pub(crate) fn create_folders(&self) -> Result<(), Error> {
        for part in ["keys", "keys/offline", "keys/online", "epochs", "releases", "rejected"] {
            PrivateFolder::create(self.folder.join(part))?;
        }
        Ok(())
    }

    fn part(&self, name: &str) -> Result<PrivateFolder, Error> {
        Ok(PrivateFolder::open(self.folder.join(name))?)
    }
}

/// Gives a finished folder its name, at once and durably.
pub(crate) fn move_folder(from: &Path, to: &Path) -> Result<(), Error> {
    let renamed = fs::rename(from, to).and_then(|()| File::open(folder_of(to))?.sync_all());
    Ok(renamed.map_err(|source| StoreError::io("move the finished folder to", to, source))?)
}

/// The folder that a path is in.
fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) | None => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_is_in_a_folder_that_can_be_opened() {
        for (path, folder) in [("/a/b", "/a"), ("a/b", "a"), ("a", "."), ("/", "."), ("..", ".")] {
            assert_eq!(folder_of(Path::new(path)), Path::new(folder), "{path}");
        }
    }
}
