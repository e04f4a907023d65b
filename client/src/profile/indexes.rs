//! Whole indexes: `indexes/RELEASE-DIGEST`, and `indexes/RELEASE-DIGEST.unverified` before it was verified to the last
//! entry.
//!
//! The digest is of what the manifest says of the index's bytes. Another manifest of the same release with other bytes
//! finds nothing here and fetches them all: were a difference found only where members are looked up, fetching them then
//! would tell the operator where its members are (SPEC.md [MAT-3]).

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use blindlist_protocol::manifest::Manifest;
use blindlist_protocol::object;
use blindlist_store::StoreError;
use blindlist_store::file::AtomicFile;
use blindlist_store::folder::PrivateFolder;

use super::Profile;
use crate::ClientError;

impl Profile {
    /// Where the verified index of a manifest is, or will be.
    ///
    /// # Errors
    /// [`ClientError::Store`] when its folder cannot be made.
    pub fn index_path(&self, manifest: &Manifest) -> Result<PathBuf, ClientError> {
        let mut described = manifest.index_length.to_le_bytes().to_vec();
        manifest.segments.iter().for_each(|segment| described.extend_from_slice(segment.as_bytes()));
        let name = format!("{}-{}", manifest.release, object::digest(&described));
        Ok(PrivateFolder::create(self.folder.join("indexes"))?.join(name))
    }

    /// Where it is before it was verified.
    ///
    /// # Errors
    /// [`ClientError::Store`] when its folder cannot be made.
    pub fn unverified_index_path(&self, manifest: &Manifest) -> Result<PathBuf, ClientError> {
        Ok(self.index_path(manifest)?.with_extension("unverified"))
    }

    /// Begins the file of an index that is still to be verified.
    ///
    /// # Errors
    /// [`ClientError::Store`].
    pub fn new_index(&self, manifest: &Manifest) -> Result<AtomicFile, ClientError> {
        Ok(AtomicFile::create(self.unverified_index_path(manifest)?)?)
    }

    /// Gives an index that was verified its name, and removes every other one of its release.
    ///
    /// # Errors
    /// [`ClientError::Store`].
    pub fn keep_index(&self, manifest: &Manifest) -> Result<(), ClientError> {
        let (from, to) = (self.unverified_index_path(manifest)?, self.index_path(manifest)?);
        let folder = self.folder.join("indexes");
        let kept = fs::rename(from, &to).and_then(|()| File::open(&folder)?.sync_all());
        kept.map_err(|source| StoreError::io("write", &to, source))?;
        let release = manifest.release.to_string();
        let others = fs::read_dir(&folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        for other in others.map_err(|source| StoreError::io("read", &folder, source))? {
            if is_of(&other.file_name(), &release) && other.path() != to {
                remove(&other.path())?;
            }
        }
        Ok(())
    }

    /// Removes an index that did not pass.
    ///
    /// # Errors
    /// [`ClientError::Store`].
    pub fn drop_unverified_index(&self, manifest: &Manifest) -> Result<(), ClientError> {
        remove(&self.unverified_index_path(manifest)?)
    }
}

/// Whether a file, or what is left of one that was being written, is of a release. The name was the release alone once.
fn is_of(name: &OsStr, release: &str) -> bool {
    let name = name.to_string_lossy();
    let rest = name.strip_prefix('.').unwrap_or(&name).strip_prefix(release);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '.']))
}

fn remove(path: &Path) -> Result<(), ClientError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(StoreError::io("remove", path, source).into()),
        Ok(()) | Err(_) => Ok(()),
    }
}
