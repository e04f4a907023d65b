//! Where the passphrases of evidence come from: files, a systemd credential, or the person at the terminal.

use std::path::{Path, PathBuf};

use blindlist_store::passphrase::Passphrase;
use blindlist_store::{StoreError, file, sealed, text};
use zeroize::Zeroizing;

use crate::ClientError;

/// The credential of a systemd unit that is taken for a passphrase.
const CREDENTIAL: &str = "blindlist-passphrase";

/// Passphrases that may open a file; a person is asked when none was given.
#[derive(Debug)]
pub(crate) struct Passphrases {
    /// Whether any was given, so that nobody is asked.
    given: bool,
    /// The one that opened a file last is first.
    known: Vec<Passphrase>,
}

impl Passphrases {
    /// Those in these files, and the credential.
    pub(crate) fn new(files: &[PathBuf]) -> Result<Self, ClientError> {
        let mut known: Vec<Passphrase> = Passphrase::credential(CREDENTIAL)?.into_iter().collect();
        for path in files {
            known.push(Passphrase::read(path)?);
        }
        Ok(Self { given: !known.is_empty(), known })
    }

    /// The one to put new evidence under; a person is asked twice.
    pub(crate) fn for_new(self) -> Result<Passphrase, ClientError> {
        match self.known.into_iter().next_back() {
            Some(given) => Ok(given),
            None => Ok(Passphrase::ask_new("Passphrase for the evidence")?),
        }
    }

    /// The secret of exactly `N` bytes in a file.
    pub(crate) fn open<const N: usize>(&mut self, path: &Path) -> Result<Zeroizing<[u8; N]>, ClientError> {
        let bytes = file::read_secret(path, N as u64 + sealed::OVERHEAD)?;
        for place in 0..self.known.len() {
            match self.known.get(place).map(|passphrase| sealed::open(path, &bytes, passphrase, N as u64)) {
                Some(Err(StoreError::WrongPassphrase { .. })) | None => {}
                Some(Err(error)) => return Err(error.into()),
                Some(Ok(secret)) => {
                    self.known.swap(0, place);
                    return exact(path, &secret);
                }
            }
        }
        if self.given {
            return Err(StoreError::WrongPassphrase { path: path.to_owned() }.into());
        }
        if !Passphrase::can_ask() {
            return Err(StoreError::NoPassphrase { path: path.to_owned() }.into());
        }
        let typed = Passphrase::ask(&format!("Passphrase of {}", text::path(path)))?;
        let secret = sealed::open(path, &bytes, &typed, N as u64)?;
        self.known.insert(0, typed);
        exact(path, &secret)
    }
}

fn exact<const N: usize>(path: &Path, secret: &[u8]) -> Result<Zeroizing<[u8; N]>, ClientError> {
    let mut exact = Zeroizing::new([0; N]);
    if secret.len() != N {
        let found = secret.len() as u64;
        return Err(StoreError::WrongLength { path: path.to_owned(), found, expected: N }.into());
    }
    exact.copy_from_slice(secret);
    Ok(exact)
}
