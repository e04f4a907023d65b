//! `passphrase`: puts the key files of a home under a passphrase, under another one, or under none.
//!
//! Every file is replaced at once, so that after a kill each is under the old passphrase or the new one; the same
//! command, which knows both, goes on. Nothing is written before every file is known to open.

use blindlist_store::passphrase::Passphrase;

use crate::Error;
use crate::home::{Home, KeyFiles, LONGEST, destroy_leftovers, replace};

/// What became of the key files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Changed {
    /// Files that were written.
    pub written: usize,
    /// Files that were under the new passphrase already, or under none when that is wanted.
    pub kept: usize,
}

/// Puts key files under `new`, or under no passphrase. The home knows the old ones.
///
/// # Errors
/// [`Error::Store`] when a file does not open, or is open to others; nothing is changed then. Also when one cannot be
/// written: those before it are under the new passphrase.
pub fn change(home: &Home, which: KeyFiles, new: Option<&Passphrase>) -> Result<Changed, Error> {
    let _lock = home.releases()?.lock()?;
    // An earlier change that was cut off has left files under it.
    if let Some(new) = new {
        home.passphrases().add(new.clone());
    }
    let mut to_write = Vec::new();
    let files = home.key_files(which)?;
    for path in &files {
        destroy_leftovers(path)?;
        let (secret, old) = home.passphrases().read(path, LONGEST)?;
        if old.as_ref() != new {
            to_write.push((path, secret));
        }
    }
    for (path, secret) in &to_write {
        replace(path, secret, new)?;
    }
    Ok(Changed { written: to_write.len(), kept: files.len() - to_write.len() })
}

/// Makes sure that key files open.
///
/// # Errors
/// [`Error::Store`] for the first that does not.
pub fn open_all(home: &Home, which: KeyFiles) -> Result<(), Error> {
    for path in home.key_files(which)? {
        home.passphrases().read(&path, LONGEST)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
