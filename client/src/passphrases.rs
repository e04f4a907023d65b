//! Where the passphrases of evidence, and of what is remembered, come from: files, a systemd credential, or the person at
//! the terminal.

use std::path::{Path, PathBuf};

use blindlist_store::StoreError;
use blindlist_store::passphrase::Passphrase;
use blindlist_store::passphrases::Passphrases;
use blindlist_store::vault::Vault;
use zeroize::Zeroizing;

use crate::ClientError;
use crate::profile::Profile;
use crate::profile::remembered;

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

/// The one that evaluations of these profiles are remembered under. Who is asked types a new one twice; one that is typed
/// once must open what one of the profiles remembers.
pub(crate) fn for_remembered(files: &[PathBuf], profiles: &[Profile]) -> Result<Passphrase, ClientError> {
    if let Some(given) = passphrases(files).given()? {
        return Ok(given);
    }
    let files: Vec<_> = profiles.iter().map(remembered::files).collect::<Result<_, _>>()?;
    let Some(first) = files.iter().flatten().next() else {
        return Ok(Passphrase::ask_new("Passphrase for what is remembered")?);
    };
    let typed = Passphrase::ask("Passphrase of what is remembered")?;
    // A file that is damaged is named by the check, if it needs it.
    let known = files.iter().flatten().any(|file| Vault::is_under(file, &typed).unwrap_or(false));
    if known { Ok(typed) } else { Err(StoreError::WrongPassphrase { path: first.clone() }.into()) }
}

/// The secret of exactly `N` bytes in a file, which must be encrypted.
pub(crate) fn open<const N: usize>(passphrases: &Passphrases, path: &Path) -> Result<Zeroizing<[u8; N]>, ClientError> {
    match passphrases.read_exact(path)? {
        (secret, Some(_)) => Ok(secret),
        (_, None) => Err(StoreError::NotSealed { path: path.to_owned(), problem: "it is not encrypted" }.into()),
    }
}
