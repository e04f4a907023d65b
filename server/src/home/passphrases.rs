//! The files of keys: each is either the key or the key in the age format. Offline and online keys may be under different
//! passphrases.

use std::fs;
use std::path::{Path, PathBuf};

use blindlist_store::passphrase::Passphrase;
use blindlist_store::passphrases::Passphrases;
use blindlist_store::{StoreError, file, sealed};

use crate::Error;

/// The credential of a systemd unit that is taken for a passphrase.
pub const CREDENTIAL: &str = "blindlistd-passphrase";

/// Most bytes of a key.
pub(crate) const LONGEST: u64 = 4_096;
/// Most bytes of the file of a key.
pub(crate) const LONGEST_SEALED: u64 = LONGEST + sealed::OVERHEAD;

/// The passphrases in these files, the unit's credential, and when there is neither, what a person types.
pub fn passphrases(files: Vec<PathBuf>) -> Passphrases {
    Passphrases::new(CREDENTIAL, files)
}

/// Writes a secret in place of a file, under a passphrase or not. What the file held before is overwritten on the disk.
pub(crate) fn replace(path: &Path, secret: &[u8], under: Option<&Passphrase>) -> Result<(), Error> {
    match under {
        Some(passphrase) => file::replace_secret(path, &sealed::seal(secret, passphrase))?,
        None => file::replace_secret(path, secret)?,
    }
    Ok(())
}

/// Writes a secret as a new file, under a passphrase or not.
pub(crate) fn write_new(path: &Path, secret: &[u8], under: Option<&Passphrase>) -> Result<(), Error> {
    match under {
        Some(passphrase) => file::write_new(path, &sealed::seal(secret, passphrase))?,
        None => file::write_new(path, secret)?,
    }
    Ok(())
}

/// Destroys what writes of a key file that were cut off have left beside it.
pub(crate) fn destroy_leftovers(key: &Path) -> Result<(), Error> {
    let (Some(folder), Some(name)) = (key.parent(), key.file_name()) else { return Ok(()) };
    let prefix = format!(".{}.", name.to_string_lossy());
    let failed = |source| StoreError::io("list the folder", folder, source);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with(&prefix) && name.ends_with(".tmp") {
            file::destroy(entry.path())?;
        }
    }
    Ok(())
}
