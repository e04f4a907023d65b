//! The passphrases that files may be under: those in files, a systemd credential, and what a person types.
//!
//! A file is either the secret or the secret in the age format; its first bytes tell which. A passphrase is asked for
//! when the first file needs it, and kept as long as this is. Files may be under different ones: each that is known is
//! tried.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use zeroize::Zeroizing;

use crate::passphrase::Passphrase;
use crate::{StoreError, file, sealed, text};

/// Most bytes that are read of a secret of fixed length, to tell how long it is.
const LONGEST: u64 = 4_096;

/// Where passphrases come from, and those that have come.
#[derive(Debug)]
pub struct Passphrases {
    /// The credential of a systemd unit that is taken for a passphrase.
    credential: &'static str,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// Files that were named and not read yet.
    files: Vec<PathBuf>,
    looked_for_credential: bool,
    /// Whether any was given, so that nobody is asked.
    given: bool,
    /// The one that opened a file last is first.
    passphrases: Vec<Passphrase>,
}

impl Passphrases {
    /// Those in these files; the systemd credential of this name; and when there is neither, what a person types.
    #[must_use]
    pub fn new(credential: &'static str, files: Vec<PathBuf>) -> Self {
        Self { credential, known: Mutex::new(Known { files, ..Known::default() }) }
    }

    /// One that was given, in the last file or as the credential, to put something new under.
    ///
    /// # Errors
    /// Those of [`Passphrase::read`] and [`Passphrase::credential`].
    pub fn given(&self) -> Result<Option<Passphrase>, StoreError> {
        let mut known = self.known();
        known.load(self.credential)?;
        Ok(known.passphrases.last().cloned())
    }

    /// Knows one more.
    pub fn add(&self, passphrase: Passphrase) {
        self.known().passphrases.push(passphrase);
    }

    /// The secret in a file, at most `max` bytes of it, and the passphrase that it is under.
    ///
    /// # Errors
    /// [`StoreError::WrongPassphrase`] when none that was given opens it, [`StoreError::NoPassphrase`] when there is
    /// none and nobody to ask; those of [`file::read_secret`] for a file that cannot be read, is open to others, or is damaged.
    pub fn read(&self, path: &Path, max: u64) -> Result<(Zeroizing<Vec<u8>>, Option<Passphrase>), StoreError> {
        let bytes = file::read_secret(path, max.saturating_add(sealed::OVERHEAD))?;
        if !sealed::is_sealed(&bytes) {
            return Ok((bytes, None));
        }
        let mut known = self.known();
        known.load(self.credential)?;
        for place in 0..known.passphrases.len() {
            match known.passphrases.get(place).map(|passphrase| sealed::open(path, &bytes, passphrase, max)) {
                Some(Err(StoreError::WrongPassphrase { .. })) | None => {}
                Some(Err(error)) => return Err(error),
                Some(Ok(secret)) => {
                    let passphrase = known.passphrases.remove(place);
                    known.passphrases.insert(0, passphrase.clone());
                    return Ok((secret, Some(passphrase)));
                }
            }
        }
        if known.given {
            return Err(StoreError::WrongPassphrase { path: path.to_owned() });
        }
        if !Passphrase::can_ask() {
            return Err(StoreError::NoPassphrase { path: path.to_owned() });
        }
        let typed = Passphrase::ask(&format!("Passphrase of {}", text::path(path)))?;
        let secret = sealed::open(path, &bytes, &typed, max)?;
        known.passphrases.insert(0, typed.clone());
        Ok((secret, Some(typed)))
    }

    /// The secret of exactly `N` bytes in a file, as [`Passphrases::read`] reads it.
    ///
    /// # Errors
    /// [`StoreError::WrongLength`], else those of [`Passphrases::read`].
    pub fn read_exact<const N: usize>(
        &self,
        path: &Path,
    ) -> Result<(Zeroizing<[u8; N]>, Option<Passphrase>), StoreError> {
        let (bytes, passphrase) = self.read(path, LONGEST.max(N as u64))?;
        let mut secret = Zeroizing::new([0; N]);
        if bytes.len() != N {
            let found = bytes.len() as u64;
            return Err(StoreError::WrongLength { path: path.to_owned(), found, expected: N });
        }
        secret.copy_from_slice(&bytes);
        Ok((secret, passphrase))
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn load(&mut self, name: &str) -> Result<(), StoreError> {
        if !self.looked_for_credential {
            self.looked_for_credential = true;
            let credential = Passphrase::credential(name)?;
            self.given = !self.files.is_empty() || credential.is_some();
            self.passphrases.extend(credential);
        }
        while let Some(path) = self.files.first() {
            self.passphrases.push(Passphrase::read(path)?);
            self.files.remove(0);
        }
        Ok(())
    }
}
