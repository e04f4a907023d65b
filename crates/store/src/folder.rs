//! Folders that only their owner can enter, and the lock that keeps a second process out.
//!
//! It must not delete anything, nor loosen a permission.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;

use crate::{StoreError, owner};

/// The permission bits of a private folder.
const PRIVATE: u32 = 0o700;

/// The file whose lock stands for the folder. It stays when the lock is released: only the lock counts.
const LOCK_FILE: &str = ".lock";

/// A folder that was found private when it was opened: nobody but its owner can list or enter it.
///
/// A symbolic link to such a folder is accepted; the folder itself is what is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrivateFolder {
    path: PathBuf,
}

impl PrivateFolder {
    /// Opens the folder `path`, or makes it with mode 0700, with the folders above that are missing.
    ///
    /// # Errors
    /// Those of [`PrivateFolder::open`], and [`StoreError::Io`] when it cannot be made.
    pub fn create(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
        DirBuilder::new().recursive(true).mode(PRIVATE).create(path).map_err(|source| {
            if source.kind() == io::ErrorKind::AlreadyExists {
                StoreError::NotAFolder { path: path.to_path_buf() }
            } else {
                StoreError::io("create the folder", path, source)
            }
        })?;
        Self::open(path)
    }

    /// Makes the folder `path` as [`PrivateFolder::create`] does, for something that must start from nothing.
    ///
    /// A folder that exists and is empty is taken, and made private first.
    ///
    /// # Errors
    /// [`StoreError::NotEmpty`] when it holds anything, else those of [`PrivateFolder::create`].
    pub fn create_new(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
        if !path.exists() {
            return Self::create(path);
        }
        check_is_folder(path)?;
        let mut entries = fs::read_dir(path).map_err(|source| StoreError::io("list the folder", path, source))?;
        if entries.next().is_some() {
            return Err(StoreError::NotEmpty { path: path.to_path_buf() });
        }
        fs::set_permissions(path, Permissions::from_mode(PRIVATE))
            .map_err(|source| StoreError::io("make private the folder", path, source))?;
        Self::open(path)
    }

    /// Opens the folder `path`, which must exist and be private.
    ///
    /// # Errors
    /// [`StoreError::OpenToOthers`] when its group or others have any access, [`StoreError::OwnedByAnother`],
    /// [`StoreError::NotAFolder`] when it is something else, [`StoreError::Io`] when it is missing.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
        owner::check_private(path, &check_is_folder(path)?, PRIVATE)?;
        Ok(Self { path: path.to_path_buf() })
    }

    /// Where the folder is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of `name` in this folder. `name` is ours, never text from outside.
    #[must_use]
    pub fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path.join(name)
    }

    /// Takes the folder for this process alone, without waiting, until the guard is dropped or the process ends.
    ///
    /// The lock is advisory: it stops only those who ask for it too, a second [`PrivateFolder::lock`] of this process
    /// included.
    ///
    /// # Errors
    /// [`StoreError::Locked`] when it is taken, [`StoreError::Io`] when the lock file cannot be used.
    pub fn lock(&self) -> Result<FolderLock, StoreError> {
        let path = self.join(LOCK_FILE);
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
            .open(&path)
            .map_err(|source| StoreError::io("open the lock file", &path, source))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(FolderLock { _file: file }),
            Err(Errno::WOULDBLOCK) => Err(StoreError::Locked { path: self.path.clone() }),
            Err(errno) => Err(StoreError::io("lock", &path, errno.into())),
        }
    }
}

/// Holds a folder's lock until it is dropped.
#[derive(Debug)]
#[must_use = "the folder is unlocked as soon as this is dropped"]
pub struct FolderLock {
    _file: File,
}

fn check_is_folder(path: &Path) -> Result<Metadata, StoreError> {
    let found = fs::metadata(path).map_err(|source| StoreError::io("open the folder", path, source))?;
    if !found.is_dir() {
        return Err(StoreError::NotAFolder { path: path.to_path_buf() });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::text;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    fn chmod(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_created_folder_is_private_and_opens_again() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("a/b");
        let folder = PrivateFolder::create(&path).unwrap();
        assert_eq!((mode(&path), mode(&home.path().join("a"))), (0o700, 0o700));
        assert_eq!(folder, PrivateFolder::open(&path).unwrap());
        assert_eq!(folder, PrivateFolder::create(&path).unwrap());
        assert_eq!(folder.join("x"), path.join("x"));
    }

    #[test]
    fn a_folder_open_to_others_is_refused_with_the_command_to_run() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("open");
        fs::create_dir(&path).unwrap();
        for bad in [0o755, 0o750, 0o701, 0o710, 0o770, 0o704] {
            chmod(&path, bad);
            let error = PrivateFolder::open(&path).unwrap_err();
            assert!(matches!(&error, StoreError::OpenToOthers { mode, .. } if *mode == bad), "{bad:o}: {error}");
            assert!(error.to_string().ends_with(&format!("chmod 700 {}", text::word(&path))), "{error}");
            assert!(matches!(PrivateFolder::create(&path), Err(StoreError::OpenToOthers { .. })));
            assert_eq!(mode(&path), bad, "refusing changes nothing");
        }
        chmod(&path, 0o700);
        PrivateFolder::open(&path).unwrap();
    }

    #[test]
    fn a_new_folder_must_be_missing_or_empty() {
        let home = tempfile::tempdir().unwrap();
        PrivateFolder::create_new(home.path().join("missing")).unwrap();

        let path = home.path().join("made-by-hand");
        fs::create_dir(&path).unwrap();
        chmod(&path, 0o755);
        PrivateFolder::create_new(&path).unwrap();
        assert_eq!(mode(&path), 0o700);

        fs::write(path.join(".hidden"), "x").unwrap();
        chmod(&path, 0o755);
        assert!(matches!(PrivateFolder::create_new(&path), Err(StoreError::NotEmpty { .. })));
        assert_eq!(mode(&path), 0o755, "refusing changes nothing");
    }

    #[test]
    fn what_is_no_folder_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("file");
        fs::write(&file, "x").unwrap();
        for result in [PrivateFolder::open(&file), PrivateFolder::create(&file), PrivateFolder::create_new(&file)] {
            assert!(matches!(result, Err(StoreError::NotAFolder { .. })), "{result:?}");
        }
        assert!(matches!(PrivateFolder::open(home.path().join("missing")), Err(StoreError::Io { .. })));
    }

    #[test]
    fn a_link_is_judged_by_the_folder_behind_it() {
        let home = tempfile::tempdir().unwrap();
        let (target, link) = (home.path().join("target"), home.path().join("link"));
        fs::create_dir(&target).unwrap();
        symlink(&target, &link).unwrap();
        chmod(&target, 0o755);
        assert!(matches!(PrivateFolder::open(&link), Err(StoreError::OpenToOthers { .. })));
        chmod(&target, 0o700);
        PrivateFolder::open(&link).unwrap();
    }

    #[test]
    fn a_lock_keeps_others_out_until_it_is_dropped() {
        let home = tempfile::tempdir().unwrap();
        let folder = PrivateFolder::create(home.path().join("f")).unwrap();
        let held = folder.lock().unwrap();
        assert_eq!(mode(&folder.join(LOCK_FILE)), 0o600);
        let error = PrivateFolder::open(folder.path()).unwrap().lock().unwrap_err();
        assert!(matches!(error, StoreError::Locked { .. }), "{error}");
        let sentence = format!("another process uses {};", folder.path().display());
        assert!(error.to_string().starts_with(&sentence), "{error}");
        drop(held);
        let _again = folder.lock().unwrap();
    }

    #[test]
    fn a_lock_file_that_is_a_link_is_not_followed() {
        let home = tempfile::tempdir().unwrap();
        let folder = PrivateFolder::create(home.path().join("f")).unwrap();
        let elsewhere = home.path().join("elsewhere");
        symlink(&elsewhere, folder.join(LOCK_FILE)).unwrap();
        assert!(matches!(folder.lock(), Err(StoreError::Io { .. })));
        assert!(!elsewhere.exists());
    }
}
