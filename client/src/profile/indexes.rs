//! Whole indexes: `indexes/RELEASE-DIGEST`, and `indexes/RELEASE-DIGEST.unverified` before it was verified to the last
//! entry. `live.json` says which of them were live by the catalog that was seen last.
//!
//! The digest is of what the manifest says of the index's bytes. Another manifest of the same release with other bytes
//! finds nothing here and fetches them all: were a difference found only where members are looked up, fetching them then
//! would tell the operator where its members are (SPEC.md [MAT-3]).
//!
//! Nothing is trusted for being here: whoever uses an index holds it against its manifest. `live.json` decides nothing but
//! what may be cleaned away.

use std::ffi::OsStr;
use std::fs::{self, File, FileTimes};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use blindlist_protocol::ids::{Digest, EpochId, ReleaseId};
use blindlist_protocol::live::Live;
use blindlist_protocol::manifest::Manifest;
use blindlist_protocol::object;
use blindlist_store::StoreError;
use blindlist_store::file::{read_limited, write_atomic};
use blindlist_store::folder::PrivateFolder;
use serde::{Deserialize, Serialize};

use super::Profile;
use crate::{ClientError, outside};

/// What an index is called before it was verified.
const UNVERIFIED: &str = ".unverified";
/// Bytes that `live.json` may have.
const MAX_LIVE: u64 = 16 << 20;

/// The file of an index in the profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cached {
    /// Its name in the folder.
    pub file: String,
    /// The list, if a catalog that was seen named it.
    pub list: Option<String>,
    /// The epoch, likewise.
    pub epoch: Option<EpochId>,
    /// The release.
    pub release: ReleaseId,
    /// Bytes on the disk.
    pub bytes: u64,
    /// When it was used or fetched last, in seconds since 1970.
    pub used: u64,
    /// Whether it is all there and was verified.
    pub whole: bool,
    /// Whether it was live by the catalog that was seen last; none without such a catalog.
    pub live: Option<bool>,
}

#[derive(Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LiveFile {
    sequence: u64,
    live: Vec<Known>,
    earlier: Vec<Known>,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    list: String,
    epoch: String,
    file: String,
}

impl Profile {
    /// Where the verified index of a manifest is, or will be.
    ///
    /// # Errors
    /// [`ClientError::Store`] when its folder cannot be made.
    pub fn index_path(&self, manifest: &Manifest) -> Result<PathBuf, ClientError> {
        Ok(PrivateFolder::create(self.indexes_path())?.join(file_name(manifest)))
    }

    /// Where it is before it was verified.
    ///
    /// # Errors
    /// [`ClientError::Store`] when its folder cannot be made.
    pub fn unverified_index_path(&self, manifest: &Manifest) -> Result<PathBuf, ClientError> {
        Ok(PrivateFolder::create(self.indexes_path())?.join(file_name(manifest) + UNVERIFIED))
    }

    /// Where all indexes are.
    pub fn indexes_path(&self) -> PathBuf {
        self.folder.join("indexes")
    }

    /// Gives an index that was verified its name, and removes every other one of its release.
    ///
    /// # Errors
    /// [`ClientError::Store`].
    pub fn keep_index(&self, manifest: &Manifest) -> Result<(), ClientError> {
        let (from, to) = (self.unverified_index_path(manifest)?, self.index_path(manifest)?);
        let folder = self.indexes_path();
        let kept = fs::rename(from, &to).and_then(|()| File::open(&folder)?.sync_all());
        kept.map_err(|source| StoreError::io("write", &to, source))?;
        let release = manifest.release.to_string();
        for other in entries(&folder)? {
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

    /// Notes that an index is used now. It matters to nobody but who cleans up.
    pub(crate) fn mark_index_used(&self, manifest: &Manifest) {
        let now = UNIX_EPOCH + Duration::from_secs(outside::now());
        let marked = |path: PathBuf| File::open(path)?.set_times(FileTimes::new().set_modified(now));
        if let Ok(path) = self.index_path(manifest) {
            let _ = marked(path);
        }
    }

    /// Notes which indexes are live.
    ///
    /// # Errors
    /// [`ClientError::Store`].
    pub(crate) fn note_live(&self, live: &Live) -> Result<(), ClientError> {
        let known = |manifest: &Manifest| Known {
            list: manifest.list.to_string(),
            epoch: manifest.epoch.to_string(),
            file: file_name(manifest),
        };
        let before = self.live_file().unwrap_or_default();
        let now: Vec<Known> = live.releases.iter().map(|release| known(&release.manifest)).collect();
        let folder = self.indexes_path();
        let is_here = |file: &str| folder.join(file).exists() || folder.join(file.to_owned() + UNVERIFIED).exists();
        let mut earlier: Vec<Known> = Vec::new();
        for known in before.live.iter().chain(&before.earlier) {
            let listed = |listed: &Known| listed.file == known.file;
            if is_index(&known.file) && is_here(&known.file) && !now.iter().chain(&earlier).any(listed) {
                earlier.push(known.clone());
            }
        }
        let file = LiveFile { sequence: live.catalog.sequence, live: now, earlier };
        if file == before {
            return Ok(());
        }
        let json = serde_json::to_vec_pretty(&file).expect("texts and numbers are JSON");
        Ok(write_atomic(self.folder.join("live.json"), &json)?)
    }

    /// What was noted. A file that is damaged says nothing: the next catalog writes it anew.
    fn live_file(&self) -> Option<LiveFile> {
        let bytes = read_limited(self.folder.join("live.json"), MAX_LIVE).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// All indexes that are here, whole or not, the one that was used last first.
    ///
    /// # Errors
    /// [`ClientError::Store`].
    pub fn cached_indexes(&self) -> Result<Vec<Cached>, ClientError> {
        let (folder, noted) = (self.indexes_path(), self.live_file());
        if !folder.exists() {
            return Ok(Vec::new());
        }
        let mut cached = Vec::new();
        for entry in entries(&folder)? {
            let name = entry.file_name().to_string_lossy().into_owned();
            let base = name.strip_suffix(UNVERIFIED).unwrap_or(&name);
            let Some(release) = release_of(base) else { continue };
            let found = entry.metadata().map_err(|source| StoreError::io("look at", &entry.path(), source))?;
            let same = |known: &&Known| known.file == base;
            let live = noted.as_ref().and_then(|noted| noted.live.iter().find(same));
            let known = live.or_else(|| noted.as_ref().and_then(|noted| noted.earlier.iter().find(same)));
            cached.push(Cached {
                list: known.map(|known| known.list.clone()),
                epoch: known.and_then(|known| known.epoch.parse().ok()),
                release,
                // One that is not whole has holes.
                bytes: found.blocks().saturating_mul(512).min(found.len()),
                used: u64::try_from(found.mtime()).unwrap_or(0),
                whole: base == name,
                live: noted.is_some().then_some(live.is_some()),
                file: name,
            });
        }
        cached.sort_by(|a, b| (b.used, &a.file).cmp(&(a.used, &b.file)));
        Ok(cached)
    }

    /// Removes an index. The next check that needs it fetches it again.
    ///
    /// # Errors
    /// [`ClientError::Store`].
    pub fn remove_index(&self, cached: &Cached) -> Result<(), ClientError> {
        remove(&self.indexes_path().join(&cached.file))
    }

    /// Removes what programs that were killed left behind while they wrote, and says how much it was.
    ///
    /// # Errors
    /// [`ClientError::Store`].
    pub fn remove_index_leftovers(&self) -> Result<u64, ClientError> {
        let (folder, mut bytes) = (self.indexes_path(), 0);
        if folder.exists() {
            for entry in entries(&folder)? {
                let name = entry.file_name().to_string_lossy().into_owned();
                // The name was the release alone once.
                if (name.starts_with('.') && name.ends_with(".tmp")) || name.parse::<ReleaseId>().is_ok() {
                    bytes += entry.metadata().map_or(0, |found| found.len());
                    remove(&entry.path())?;
                }
            }
        }
        Ok(bytes)
    }
}

/// What the file of a manifest's index is called.
fn file_name(manifest: &Manifest) -> String {
    let mut described = manifest.index_length.to_le_bytes().to_vec();
    manifest.segments.iter().for_each(|segment| described.extend_from_slice(segment.as_bytes()));
    format!("{}-{}", manifest.release, object::digest(&described))
}

/// The release of a file of this name, if it is the name of an index.
fn release_of(name: &str) -> Option<ReleaseId> {
    let (release, digest) = name.split_once('-')?;
    digest.parse::<Digest>().ok()?;
    release.parse().ok()
}

fn is_index(name: &str) -> bool {
    release_of(name).is_some()
}

fn entries(folder: &Path) -> Result<Vec<fs::DirEntry>, StoreError> {
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    entries.map_err(|source| StoreError::io("read", folder, source))
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
