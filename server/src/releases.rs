//! The releases that a home holds: which of them are live, and whether their files are whole.

use std::fs::File;
use std::path::{Path, PathBuf};

use blindlist_protocol::catalog::Catalog;
use blindlist_protocol::ids::{Digest, ReleaseId};
use blindlist_protocol::manifest::Manifest;
use blindlist_protocol::object::{self, Kind as _};
use blindlist_protocol::signature::VerifyingKey;
use blindlist_store::StoreError;
use blindlist_store::folder::PrivateFolder;

use crate::home::{Home, NEXT_MANIFEST};
use crate::{Error, signed};

/// A release as it is stored.
#[derive(Clone, Debug)]
pub struct Release {
    /// The digest of the signed manifest.
    pub digest: Digest,
    /// The signed manifest's bytes.
    pub bytes: Vec<u8>,
    /// The manifest.
    pub manifest: Manifest,
    folder: PrivateFolder,
}

impl Release {
    /// Opens the index, whose length must be the manifest's. It is not decoded.
    ///
    /// # Errors
    /// [`Error::Store`], or [`Error::IndexLength`].
    pub fn open_index(&self) -> Result<File, Error> {
        let path = self.index_path();
        let failed = |source| StoreError::io("open", &path, source);
        let index = File::open(&path).map_err(failed)?;
        let found = index.metadata().map_err(failed)?.len();
        if found == self.manifest.index_length {
            return Ok(index);
        }
        Err(Error::IndexLength { path, found, expected: self.manifest.index_length })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Where the index is.
    pub fn index_path(&self) -> PathBuf {
        self.folder.join("index")
    }
}

/// The live releases, by list.
///
/// # Errors
/// [`Error::ReleaseMissing`] when the catalog names a manifest that no release folder holds, [`Error::Object`] when the
/// operator's key did not sign it.
pub fn live(home: &Home, catalog: &Catalog, operator_key: &VerifyingKey) -> Result<Vec<Release>, Error> {
    let releases = found(home, catalog, operator_key)?;
    let found = |digest: &Digest| releases.iter().any(|release| release.digest == *digest);
    match catalog.manifests.iter().find(|listed| !found(&listed.manifest)) {
        Some(missing) => Err(Error::ReleaseMissing { manifest: missing.manifest }),
        None => Ok(releases),
    }
}

/// Those of the live releases whose manifests are in the home, by list: on one of several servers some may be missing.
pub(crate) fn found(home: &Home, catalog: &Catalog, operator_key: &VerifyingKey) -> Result<Vec<Release>, Error> {
    let folder = home.releases()?;
    let mut releases = Vec::new();
    for id in crate::home::ids_in::<ReleaseId>(&folder)? {
        let folder = PrivateFolder::open(folder.join(id.to_string()))?;
        // In this order: the next one gets the other's name when a succession of the manifest key ends. Releases that were
        // replaced may be in any state.
        for path in [folder.join(NEXT_MANIFEST), folder.join("manifest")] {
            let Some(bytes) = signed::read_if_there(&path, Manifest::LIMIT as u64)? else { continue };
            let digest = object::digest(&bytes);
            if catalog.manifests.iter().any(|listed| listed.manifest == digest) {
                let manifest = signed::open("manifest", &path, &bytes, operator_key)?;
                releases.push(Release { digest, bytes, manifest, folder });
                break;
            }
        }
    }
    releases.sort_by(|a, b| a.manifest.list.cmp(&b.manifest.list));
    Ok(releases)
}
