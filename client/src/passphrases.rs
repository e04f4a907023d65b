//! Where the passphrases of evidence come from: files, a systemd credential, or the person at the terminal.

use std::path::{Path, PathBuf};

use blindlist_store::StoreError;
use blindlist_store::passphrase::Passphrase;
use blindlist_store::passphrases::Passphrases;
use zeroize::Zeroizing;

use crate::ClientError;

/// The credential of a systemd unit that is taken for a passphrase.
const CREDENTIAL: &str = "blindlist-passphrase";

/// Those in these files, and the credential; a person is asked when there is neither.
pub(crate) fn passphrases(files: &[PathBuf]) -> Passphrases {
    Passphrases::new(CREDENTIAL, files.to_vec())
}

/// The one to put new evidence under; a person is asked twice when none was given.
pub(crate) fn for_new(files: &[PathBuf]) -> Result<Passphrase, ClientError> {
    match passphrases(files).given()? {
        Some(given) => Ok(given),
        None => Ok(Passphrase::ask_new("Passphrase for the evidence")?),
    }
}

/// The secret of exactly `N` bytes in a file, which must be encrypted.
pub(crate) fn open<const N: usize>(passphrases: &Passphrases, path: &Path) -> Result<Zeroizing<[u8; N]>, ClientError> {
    match passphrases.read_exact(path)? {
        (secret, Some(_)) => Ok(secret),
        (_, None) => Err(StoreError::NotSealed { path: path.to_owned(), problem: "it is not encrypted" }.into()),
    }
}
