//! `backup`: the whole home as one file under a passphrase, while a server may run.
//!
//! The file is a tar archive in the age format. Nothing of a home changes below a name but the ledger, of which the archive
//! has a copy of one moment, `blindlistd.toml`, and the checkpoint that is kept, which is read before the ledger: a copy
//! that were behind its own checkpoint would be refused. The lock of releases waits for nobody: there is no backup while a
//! seal, an epoch command, a succession or a change of passphrases goes on, and none of those during a backup.

use std::fs::{self, File, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use blindlist_protocol::params::MAX_NOTE;
use blindlist_protocol::text::Slug;
use blindlist_store::exit::Code;
use blindlist_store::file::AtomicFile;
use blindlist_store::folder::PrivateFolder;
use blindlist_store::passphrase::Passphrase;
use blindlist_store::sealed::{SealedReader, SealedWriter};
use blindlist_store::{StoreError, text};
use sha2::{Digest as _, Sha256};

use crate::audit::NOTE;
use crate::home::{Home, LEDGER};
use crate::ledger::{Ledger, Place};
use crate::outside::random;
use crate::{Error, signed};

/// Folders within folders that a home may have.
pub(crate) const MAX_DEPTH: usize = 8;

/// Why there is no backup, or no home from one.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A file that changed while it was read.
    #[error("{} was changed while it was being copied, and there is no backup; try again", text::path(.path))]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// A file of a name that is not for archives.
    #[error("{} has a name that is not text, or stands too deep: take it out of the home", text::path(.path))]
    Name {
        /// The file.
        path: PathBuf,
    },
    /// A file that cannot be read as an archive.
    #[error("{} is not a whole backup: {source}", text::path(.path))]
    Unread {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Something in an archive that no home has.
    #[error("{} is not a backup of a home: it has {}", text::path(.path), text::escape(.what, 200))]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What.
        what: String,
    },
    /// A segment of an index.
    #[error("the index of the list {list} in it is damaged")]
    Index {
        /// The list.
        list: Slug,
    },
}

impl BackupError {
    pub(crate) fn code(&self) -> Code {
        match self {
            Self::Changed { .. } => Code::TryAgain,
            Self::Name { .. } => Code::Failure,
            Self::Unread { .. } | Self::Foreign { .. } | Self::Index { .. } => Code::BadInput,
        }
    }
}

/// What was backed up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backup {
    /// Files in it.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Whether the ledger is one of them.
    pub with_ledger: bool,
}

/// A file in an archive.
#[derive(Debug, PartialEq, Eq)]
struct Archived {
    name: String,
    length: u64,
    hash: [u8; 32],
}

/// Writes a backup of a home to a file that must not exist, and reads it again.
///
/// # Errors
/// [`StoreError::Exists`], [`StoreError::Locked`] while the home is being changed, [`BackupError::Changed`]; [`Error`] for
/// what cannot be read or written. There is no file then.
pub async fn backup(home: &Home, out: &Path, passphrase: &Passphrase) -> Result<Backup, Error> {
    if out.symlink_metadata().is_ok() {
        return Err(StoreError::Exists { path: out.to_owned() }.into());
    }
    let _lock = home.releases()?.lock()?;
    let note = signed::read_if_there(&home.path().join(NOTE), MAX_NOTE as u64)?;
    let ledger = LedgerCopy::make(home).await?;
    let mut names = Vec::new();
    find(home.path(), &PathBuf::new(), &mut names)?;
    names.sort();

    let mut archive = Archive::begin(out, passphrase)?;
    if let Some(ledger) = &ledger {
        archive.add_file(LEDGER, &ledger.path())?;
    }
    if let Some(note) = note {
        archive.add(NOTE, note.len() as u64, note.as_slice(), &home.path().join(NOTE))?;
    }
    for name in names.iter().filter(|name| *name != NOTE) {
        archive.add_file(name, &home.path().join(name))?;
    }
    let written = archive.finish()?;
    if let Err(error) = read_again(out, passphrase, &written) {
        // The error is what matters; a file that cannot be read again is of no use.
        let _ = fs::remove_file(out);
        return Err(error);
    }
    let bytes = written.iter().map(|file| file.length).sum();
    Ok(Backup { files: written.len() as u64, bytes, with_ledger: ledger.is_some() })
}

/// A copy of a SQLite ledger in the home; removed when it is dropped.
struct LedgerCopy(PrivateFolder);

impl LedgerCopy {
    async fn make(home: &Home) -> Result<Option<Self>, Error> {
        let place = home.ledger_place()?;
        if matches!(place, Place::Postgres(_)) {
            return Ok(None);
        }
        let name = format!(".backup.{:016x}.tmp", u64::from_le_bytes(*random()?));
        let copy = Self(PrivateFolder::create_new(home.path().join(name))?);
        Ledger::copy(&place, &copy.path()).await?;
        let private = fs::set_permissions(copy.path(), Permissions::from_mode(0o600));
        private.map_err(|source| StoreError::io("make private", &copy.path(), source))?;
        Ok(Some(copy))
    }

    fn path(&self) -> PathBuf {
        self.0.join(LEDGER)
    }
}

impl Drop for LedgerCopy {
    fn drop(&mut self) {
        // What stays is skipped by the next backup, and never read.
        let _ = fs::remove_dir_all(self.0.path());
    }
}

/// The files below a folder of a home, but the ledger and what begins with a dot: locks, and what is being written.
fn find(home: &Path, below: &Path, names: &mut Vec<String>) -> Result<(), Error> {
    let folder = home.join(below);
    let failed = |source| StoreError::io("list the folder", &folder, source);
    for entry in fs::read_dir(&folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let path = below.join(entry.file_name());
        let wrong = || BackupError::Name { path: home.join(&path) };
        let name = path.to_str().ok_or_else(wrong)?.to_owned();
        if entry.file_name().as_encoded_bytes().starts_with(b".") || name.starts_with(LEDGER) {
            continue;
        }
        // Keys may be mounted through links.
        let found = fs::metadata(entry.path()).map_err(|source| StoreError::io("look at", &entry.path(), source))?;
        if name.contains(char::is_control) || path.components().count() > MAX_DEPTH {
            return Err(wrong().into());
        }
        if found.is_dir() {
            find(home, &path, names)?;
        } else if found.is_file() {
            names.push(name);
        }
    }
    Ok(())
}

/// An archive that is being written.
struct Archive {
    tar: tar::Builder<SealedWriter<AtomicFile>>,
    path: PathBuf,
    files: Vec<Archived>,
}

impl Archive {
    fn begin(path: &Path, passphrase: &Passphrase) -> Result<Self, Error> {
        let failed = |source| StoreError::io("write", path, source);
        let sealed = SealedWriter::new(AtomicFile::create(path)?, passphrase).map_err(failed)?;
        Ok(Self { tar: tar::Builder::new(sealed), path: path.to_owned(), files: Vec::new() })
    }

    fn add_file(&mut self, name: &str, path: &Path) -> Result<(), Error> {
        let failed = |source| StoreError::io("read", path, source);
        let file = File::open(path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        self.add(name, length, file, path)
    }

    fn add(&mut self, name: &str, length: u64, content: impl Read, path: &Path) -> Result<(), Error> {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Regular);
        header.set_size(length);
        header.set_mode(0o600);
        let mut content = Hashed { content: content.take(length), hash: Sha256::new(), length: 0 };
        let appended = self.tar.append_data(&mut header, name, &mut content);
        appended.map_err(|source| StoreError::io("write", &self.path, source))?;
        if content.length != length {
            return Err(BackupError::Changed { path: path.to_owned() }.into());
        }
        self.files.push(Archived { name: name.to_owned(), length, hash: content.hash.finalize().into() });
        Ok(())
    }

    fn finish(self) -> Result<Vec<Archived>, Error> {
        let path = self.path;
        let file = self.tar.into_inner().and_then(SealedWriter::finish);
        file.map_err(|source| StoreError::io("write", &path, source))?.commit()?;
        Ok(self.files)
    }
}

/// Hashes what is read through it.
struct Hashed<R> {
    content: R,
    hash: Sha256,
    length: u64,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.content.read(buffer)?;
        self.hash.update(buffer.get(..read).unwrap_or_default());
        self.length += read as u64;
        Ok(read)
    }
}

/// Requires that a file holds what was written to it.
fn read_again(path: &Path, passphrase: &Passphrase, written: &[Archived]) -> Result<(), Error> {
    let unread = |source| BackupError::Unread { path: path.to_owned(), source };
    let mut archive = tar::Archive::new(SealedReader::open(path, passphrase)?);
    let mut expected = written.iter();
    for entry in archive.entries().map_err(unread)? {
        let entry = entry.map_err(unread)?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let mut content = Hashed { content: entry, hash: Sha256::new(), length: 0 };
        io::copy(&mut content, &mut io::sink()).map_err(unread)?;
        let found = Archived { name, length: content.length, hash: content.hash.finalize().into() };
        if expected.next() != Some(&found) {
            return Err(unread(io::Error::other(format!("{} in it is another", text::escape(&found.name, 100)))).into());
        }
    }
    // What follows the last entry says that nothing was cut off.
    io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(unread)?;
    match expected.next() {
        None => Ok(()),
        Some(missing) => Err(unread(io::Error::other(format!("{} is missing in it", missing.name))).into()),
    }
}
