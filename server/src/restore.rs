//! `restore`: a home from a backup. It appears under its name when all of it was found to be whole, or not at all.
//!
//! Nothing in the archive decides where a file goes, or with which permissions: names are checked, and everything is
//! private.

use std::fs::{self, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Component, Path, PathBuf};

use blindlist_protocol::object;
use blindlist_protocol::text::Slug;
use blindlist_store::StoreError;
use blindlist_store::folder::PrivateFolder;
use blindlist_store::passphrase::Passphrase;
use blindlist_store::passphrases::Passphrases;
use blindlist_store::sealed::SealedReader;

use crate::Error;
use crate::audit::{self, Verified};
use crate::backup::{BackupError, MAX_DEPTH};
use crate::catalog::Snapshot;
use crate::home::{Home, move_folder, passphrases as known_passphrases};
use crate::init::building_place;
use crate::ledger::{LedgerError, Place};
use crate::releases::{self, Release};

/// Most files of a home, and most bytes of all of them.
const MAX_FILES: u64 = 1_000_000;
const MAX_BYTES: u64 = 1 << 42;
/// Most bytes of a name.
const MAX_NAME: usize = 512;

/// A home that was restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The operator's name.
    pub operator: Slug,
    /// Live epochs.
    pub epochs: u64,
    /// Live lists.
    pub lists: u64,
    /// The sequence of the catalog.
    pub sequence: u64,
    /// The audit log; none when the ledger is in a database that does not answer.
    pub log: Option<Verified>,
}

/// Makes a home at `path`, which must not exist or be an empty folder, from a backup. The files of `passphrases` have that of
/// the backup, and those of its keys; without, the person at the terminal is asked. Its ledger must go on from every
/// checkpoint in `notes`.
///
/// # Errors
/// [`BackupError`] for what is no whole backup, [`crate::audit::AuditError`] for a ledger that does not hold or is behind a
/// checkpoint; [`Error`] for whatever else is missing or damaged. There is no home then.
pub async fn restore(
    backup: &Path,
    path: &Path,
    passphrases: &[PathBuf],
    notes: &[PathBuf],
) -> Result<Restored, Error> {
    let (archive, passphrase) = open(backup, passphrases)?;
    let existed = path.exists();
    let target = PrivateFolder::create_new(path)?;
    let failed = |source| StoreError::io("find the folder of", path, source);
    let target = target.path().canonicalize().map_err(failed)?;
    let building = building_place(&target)?;
    let made = async {
        let folder = PrivateFolder::create_new(&building)?;
        unpack(backup, archive, &folder)?;
        let known = known_passphrases(passphrases.to_vec());
        known.add(passphrase);
        let restored = check(backup, &building, known, notes).await?;
        move_folder(&building, &target)?;
        Ok(restored)
    };
    let made = made.await;
    if made.is_err() {
        // As when a home is not made: the first error is the one to report.
        let _ = fs::remove_dir_all(&building);
        if !existed {
            let _ = fs::remove_dir(&target);
        }
    }
    made
}

/// Opens a backup with the first passphrase that fits.
fn open(backup: &Path, passphrases: &[PathBuf]) -> Result<(SealedReader, Passphrase), Error> {
    if passphrases.is_empty() {
        let typed = Passphrase::ask("Passphrase of the backup")?;
        return Ok((SealedReader::open(backup, &typed)?, typed));
    }
    for file in passphrases {
        let passphrase = Passphrase::read(file)?;
        match SealedReader::open(backup, &passphrase) {
            Err(StoreError::WrongPassphrase { .. }) => {}
            opened => return Ok((opened?, passphrase)),
        }
    }
    Err(StoreError::WrongPassphrase { path: backup.to_owned() }.into())
}

fn unpack(backup: &Path, archive: impl Read, folder: &PrivateFolder) -> Result<(), Error> {
    let unread = |source| BackupError::Unread { path: backup.to_owned(), source };
    let foreign = |what| BackupError::Foreign { path: backup.to_owned(), what };
    let mut archive = tar::Archive::new(archive);
    let (mut files, mut bytes) = (0_u64, 0_u64);
    for entry in archive.entries().map_err(unread)? {
        let mut entry = entry.map_err(unread)?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let place = place(&name).ok_or_else(|| foreign(format!("a file of the name {name}")))?;
        if entry.header().entry_type() != tar::EntryType::Regular {
            return Err(foreign(format!("{name}, which is no file")).into());
        }
        (files, bytes) = (files + 1, bytes.saturating_add(entry.size()));
        if files > MAX_FILES || bytes > MAX_BYTES {
            return Err(foreign("more than a home can have".to_owned()).into());
        }
        write(&mut entry, &folder.join(place), folder, || foreign(format!("{name} twice")), unread)?;
    }
    // What follows the last entry says that nothing was cut off.
    io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(unread)?;
    Ok(())
}

/// The path of a file in a home; none for a name that leads anywhere else.
fn place(name: &str) -> Option<&Path> {
    let path = Path::new(name);
    let plain = |part: Component<'_>| match part {
        Component::Normal(part) => {
            part.to_str().is_some_and(|part| !part.starts_with('.') && !part.contains(char::is_control))
        }
        Component::Prefix(_) | Component::RootDir | Component::CurDir | Component::ParentDir => false,
    };
    let allowed = (1..=MAX_DEPTH).contains(&path.components().count()) && path.components().all(plain);
    // As it is written: no doubled or trailing slash, nothing that is passed over.
    let same = path.components().collect::<PathBuf>().as_os_str() == path.as_os_str();
    (allowed && same && name.len() <= MAX_NAME).then_some(path)
}

fn write(
    content: &mut impl Read,
    path: &Path,
    home: &PrivateFolder,
    twice: impl Fn() -> BackupError,
    unread: impl Fn(io::Error) -> BackupError,
) -> Result<(), Error> {
    let failed = |source| StoreError::io("write", path, source);
    PrivateFolder::create(path.parent().unwrap_or(home.path()))?;
    let mut file = match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(twice().into()),
        opened => opened.map_err(failed)?,
    };
    let mut buffer = vec![0; 1 << 16];
    loop {
        match content.read(&mut buffer).map_err(&unread)? {
            0 => return Ok(file.sync_all().map_err(failed)?),
            read => io::Write::write_all(&mut file, buffer.get(..read).unwrap_or_default()).map_err(failed)?,
        }
    }
}

/// Opens everything that the home needs to be served and to sign.
async fn check(backup: &Path, path: &Path, known: Passphrases, notes: &[PathBuf]) -> Result<Restored, Error> {
    let home = match Home::open_with(path, known) {
        Err(Error::NotAHome { .. }) => {
            let what = "no blindlistd.toml".to_owned();
            return Err(BackupError::Foreign { path: backup.to_owned(), what }.into());
        }
        opened => opened?,
    };
    let operator = home.config()?.operator;
    let operator_key = home.operator_key()?;
    let Snapshot { catalog, .. } = Snapshot::read(&home, &operator_key)?;
    let epochs = home.epochs(&operator_key)?;
    for digest in &catalog.epochs {
        epochs.iter().find(|epoch| epoch.digest == *digest).ok_or(Error::NoEpoch)?.key()?;
    }
    let live = releases::live(&home, &catalog, &operator_key)?;
    live.iter().try_for_each(check_index)?;
    home.server_identity()?;
    if home.path().join("keys/offline/manifest.key").exists() && home.next_key()?.is_none() {
        home.manifest_key()?;
        home.authority(&operator)?;
    }
    let log = check_ledger(&home, notes).await?;
    let (epochs, lists) = (catalog.epochs.len() as u64, live.len() as u64);
    Ok(Restored { operator, epochs, lists, sequence: catalog.sequence, log })
}

async fn check_ledger(home: &Home, notes: &[PathBuf]) -> Result<Option<Verified>, Error> {
    let elsewhere = matches!(home.ledger_place()?, Place::Postgres(_));
    match audit::verify(home, notes).await {
        Err(Error::Ledger(LedgerError::NotOpened { .. } | LedgerError::Unreachable { .. }))
            if elsewhere && notes.is_empty() =>
        {
            Ok(None)
        }
        verified => verified.map(Some),
    }
}

fn check_index(release: &Release) -> Result<(), Error> {
    let index = release.open_index()?;
    let path = release.index_path();
    let mut index = io::BufReader::new(index);
    for (number, digest) in (0..).zip(&release.manifest.segments) {
        let range = release.manifest.segment(number).unwrap_or_default();
        let mut segment = Vec::new();
        let length = range.end.saturating_sub(range.start);
        let read = index.by_ref().take(length).read_to_end(&mut segment);
        read.map_err(|source| StoreError::io("read", &path, source))?;
        if object::digest(&segment) != *digest {
            return Err(BackupError::Index { list: release.manifest.list.clone() }.into());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
