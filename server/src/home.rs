//! The layout of an operator's home folder, and opening it.
//!
//! ```text
//! blindlistd.toml                     name, addresses, where to listen
//! keys/offline/                       manifest.key, ca.key, ca.crt: for init, seal and approve alone; successor.key: for
//!                                     succeed, and its successor.hash
//! keys/online/                        tls.key, tls.crt, ca.crt, manifest.pub: what serve reads;
//!                                     receipt.key: signs receipts and checkpoints
//! epochs/<epoch id>/                  record (signed), oprf.key
//! releases/<release id>/              manifest (signed), index; plan.json and seal-report.json, of a split in the first
//!                                     alone; evaluations, encrypted, if they are kept
//! releases/.<release id>.tmp/         a seal that is under way, or was cut off
//! catalog                             the signed snapshot
//! ledger.sqlite                       insurers, budgets, charges
//! successions/<manifest key>          what insurers are told who pin a key that was succeeded
//! audit/checkpoint                    the newest checkpoint of the ledger's log, which the ledger is held against
//! rejected/<list>.csv                 rows that the last seal of a list rejected
//! ```
//!
//! Folders are 0700 and files 0600; a folder or a key that others can read is refused, and one of another user. Key
//! files may be under a passphrase. This module knows names and
//! bytes; what a release or a catalog means is decided elsewhere.

mod epochs;
mod keys;
mod passphrases;
mod succession;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use blindlist_protocol::ids::EpochId;
use blindlist_store::StoreError;
use blindlist_store::file;
use blindlist_store::folder::PrivateFolder;
use blindlist_store::passphrases::Passphrases;

use crate::Error;
use crate::config::Config;
use crate::ledger::{Ledger, Place};

pub use epochs::StoredEpoch;
pub(crate) use epochs::{EPOCH_KEY, ids_in, new_epoch_folder};
pub(crate) use keys::NewKeys;
pub use passphrases::{CREDENTIAL, passphrases};
pub(crate) use passphrases::{LONGEST, LONGEST_SEALED, destroy_leftovers, replace, write_new};
pub(crate) use succession::{
    NEXT_MANIFEST, NEXT_MANIFEST_KEY, NEXT_PUBLIC, NEXT_SUCCESSOR_HASH, NEXT_SUCCESSOR_KEY, copy_epoch, settle_manifest,
};

const CONFIG: &str = "blindlistd.toml";
/// The file of the ledger, unless it is in a database.
pub(crate) const LEDGER: &str = "ledger.sqlite";

/// An operator's home folder.
#[derive(Clone, Debug)]
pub struct Home {
    folder: PrivateFolder,
    passphrases: Arc<Passphrases>,
}

/// Some of the key files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum KeyFiles {
    /// All of them.
    All,
    /// Those of keys/offline.
    Offline,
    /// Those that `serve` reads: of keys/online, and of the epochs.
    Online,
}

impl Home {
    /// Opens a home that [`init`](crate::init) made. Whoever is at the terminal is asked for passphrases.
    ///
    /// # Errors
    /// [`Error::NotAHome`] when it has no `blindlistd.toml`, [`Error::Store`] when it is missing, or when it or any key
    /// file in it is open to others or another user's.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::open_with(path, passphrases(Vec::new()))
    }

    /// Opens a home as [`Home::open`] does, with these passphrases.
    ///
    /// # Errors
    /// Those of [`Home::open`].
    pub fn open_with(path: impl AsRef<Path>, passphrases: Passphrases) -> Result<Self, Error> {
        let folder = PrivateFolder::open(path)?;
        if !folder.join(CONFIG).exists() {
            return Err(Error::NotAHome { path: folder.path().to_owned() });
        }
        let home = Self { folder, passphrases: Arc::new(passphrases) };
        // All of them, whichever are going to be read.
        for path in home.key_files(KeyFiles::All)? {
            file::check_secret(path)?;
        }
        Ok(home)
    }

    /// The home that a folder is going to be.
    pub(crate) fn new(folder: PrivateFolder) -> Self {
        Self { folder, passphrases: Arc::new(passphrases(Vec::new())) }
    }

    /// The key files that are there. Their folders are private.
    ///
    /// # Errors
    /// [`Error::Store`] when a folder of them is open to others or another user's.
    pub(crate) fn key_files(&self, which: KeyFiles) -> Result<Vec<PathBuf>, Error> {
        let mut files = Vec::new();
        let keys = self.part("keys")?;
        if which != KeyFiles::Online && keys.join("offline").exists() {
            let folder = self.part("keys/offline")?;
            let names = ["manifest.key", "successor.key", "ca.key", NEXT_MANIFEST_KEY, NEXT_SUCCESSOR_KEY];
            files.extend(names.map(|name| folder.join(name)));
        }
        if which != KeyFiles::Offline {
            let folder = self.part("keys/online")?;
            files.extend(["tls.key", "receipt.key"].map(|name| folder.join(name)));
            let epochs = self.part("epochs")?;
            for id in ids_in::<EpochId>(&epochs)? {
                files.push(PrivateFolder::open(epochs.join(id.to_string()))?.join(EPOCH_KEY));
            }
        }
        files.retain(|path| path.exists());
        Ok(files)
    }

    /// The passphrases of this home.
    pub(crate) fn passphrases(&self) -> &Passphrases {
        &self.passphrases
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

    /// The file of the ledger, unless the configuration says that it is elsewhere.
    pub fn ledger_path(&self) -> PathBuf {
        self.folder.join(LEDGER)
    }

    /// Where the ledger is.
    ///
    /// # Errors
    /// [`Error::Config`].
    pub fn ledger_place(&self) -> Result<Place, Error> {
        Ok(self.config()?.ledger.map_or_else(|| self.ledger_path().into(), Place::Postgres))
    }

    /// Opens the ledger, wherever it is.
    ///
    /// # Errors
    /// [`Error::Config`], [`Error::Ledger`].
    pub async fn ledger(&self) -> Result<Ledger, Error> {
        Ok(Ledger::open(self.ledger_place()?).await?)
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

    /// The folder of the kept checkpoint; earlier versions made none.
    pub(crate) fn audit(&self) -> Result<PrivateFolder, Error> {
        Ok(PrivateFolder::create(self.folder.join("audit"))?)
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
