//! The passphrases that key files are under, and the files themselves.
//!
//! A key file is either the key or the key in the age format; its first bytes tell which. A passphrase is asked for
//! when the first file needs it, and kept until the command ends. Offline and online keys may be under different ones:
//! each that is known is tried.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use blindlist_store::passphrase::Passphrase;
use blindlist_store::{StoreError, file, sealed, text};
use zeroize::Zeroizing;

use crate::Error;

/// The credential of a systemd unit that is taken for a passphrase.
pub const CREDENTIAL: &str = "blindlistd-passphrase";

/// Most bytes of a key.
pub(crate) const LONGEST: u64 = 4_096;
/// Most bytes of the file of a key.
pub(crate) const LONGEST_SEALED: u64 = LONGEST + sealed::OVERHEAD;

/// Where passphrases come from, and those that have come.
#[derive(Debug, Default)]
pub struct Passphrases {
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
    /// Those in these files; a systemd credential; and when there is neither, what a person types.
    pub fn from_files(files: Vec<PathBuf>) -> Self {
        Self { known: Mutex::new(Known { files, ..Known::default() }) }
    }

    /// Knows one more.
    pub(crate) fn add(&self, passphrase: Passphrase) {
        self.known().passphrases.push(passphrase);
    }

    /// The secret in a file, at most `max` bytes of it, and the passphrase that it is under.
    ///
    /// # Errors
    /// [`StoreError::WrongPassphrase`] when none that was given opens it, [`StoreError::NoPassphrase`] when there is
    /// none and nobody to ask; [`Error::Store`] for a file that cannot be read, is open to others, or is damaged.
    pub(crate) fn read(&self, path: &Path, max: u64) -> Result<(Zeroizing<Vec<u8>>, Option<Passphrase>), Error> {
        let bytes = file::read_secret(path, max.saturating_add(sealed::OVERHEAD))?;
        if !sealed::is_sealed(&bytes) {
            return Ok((bytes, None));
        }
        let mut known = self.known();
        known.load()?;
        for place in 0..known.passphrases.len() {
            match known.passphrases.get(place).map(|passphrase| sealed::open(path, &bytes, passphrase, max)) {
                Some(Err(StoreError::WrongPassphrase { .. })) | None => {}
                Some(Err(error)) => return Err(error.into()),
                Some(Ok(secret)) => {
                    let passphrase = known.passphrases.remove(place);
                    known.passphrases.insert(0, passphrase.clone());
                    return Ok((secret, Some(passphrase)));
                }
            }
        }
        if known.given {
            return Err(StoreError::WrongPassphrase { path: path.to_owned() }.into());
        }
        if !Passphrase::can_ask() {
            return Err(StoreError::NoPassphrase { path: path.to_owned() }.into());
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
    pub(crate) fn read_exact<const N: usize>(
        &self,
        path: &Path,
    ) -> Result<(Zeroizing<[u8; N]>, Option<Passphrase>), Error> {
        let (bytes, passphrase) = self.read(path, LONGEST)?;
        let mut secret = Zeroizing::new([0; N]);
        if bytes.len() != N {
            let found = bytes.len() as u64;
            return Err(StoreError::WrongLength { path: path.to_owned(), found, expected: N }.into());
        }
        secret.copy_from_slice(&bytes);
        Ok((secret, passphrase))
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn load(&mut self) -> Result<(), Error> {
        if !self.looked_for_credential {
            self.looked_for_credential = true;
            let credential = Passphrase::credential(CREDENTIAL)?;
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
