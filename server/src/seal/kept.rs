//! Kept evaluations: what additions to a release need, so that its people need not be evaluated again.
//!
//! A file beside the index, encrypted under a key that follows from the epoch's secret key and the release: y (64 bytes)
//! and the label (8) of every person, and no canary. It is as sensitive as the epoch's key, and destroyed with it; and as
//! soon as its release is not live any more, since additions are to live releases alone.

use std::path::{Path, PathBuf};
use std::{fs, io};

use blindlist_protocol::ids::{EpochId, ReleaseId};
use blindlist_protocol::oprf::{Evaluation, SecretKey};
use blindlist_store::spill::{Spill, SpillKey};
use blindlist_store::{StoreError, file};
use zeroize::Zeroizing;

use super::plan::Plan;
use super::record::{EVALUATION, KEPT, Row};
use super::staging::{self, PLAN};
use crate::Error;
use crate::home::{Home, ids_in};

/// The file in a release's folder.
pub(super) const EVALUATIONS: &str = "evaluations";

const PURPOSE: &[u8] = b"kept evaluations of the release ";

/// Bytes of a person: y and the label.
const WIDTH: usize = EVALUATION + 8;

/// Bytes that wait in memory before they are written.
const BUFFER: usize = 2 << 20;

fn key(epoch: &SecretKey, release: ReleaseId) -> SpillKey {
    SpillKey::derive(&*epoch.to_bytes(), &[PURPOSE, release.as_bytes()])
}

/// Writes the evaluations of a release.
pub(super) struct KeptWriter(Spill);

impl KeptWriter {
    /// Begins the file in a folder of its own.
    pub(super) fn create(folder: &Path, epoch: &SecretKey, release: ReleaseId) -> Result<Self, Error> {
        Ok(Self(Spill::create(&folder.join(EVALUATIONS), &key(epoch, release), 1, BUFFER)?))
    }

    /// Keeps a person, if the record has an evaluation.
    pub(super) fn push<const W: usize>(&mut self, row: &Row<W>) -> Result<(), Error> {
        let mut bytes = Zeroizing::new([0; WIDTH]);
        let words = row.y.iter().chain([&row.record.label]);
        for (to, word) in bytes.chunks_exact_mut(8).zip(words) {
            to.copy_from_slice(&word.to_le_bytes());
        }
        Ok(self.0.push(0, &*bytes)?)
    }

    pub(super) fn finish(self) -> Result<(), Error> {
        Ok(self.0.finish()?)
    }
}

/// The evaluations of a release, for additions to it.
pub(super) struct Kept(Spill);

impl Kept {
    /// Opens the file in a release's folder; none when nothing was kept.
    pub(super) fn open(folder: &Path, epoch: &SecretKey, release: ReleaseId) -> Result<Option<Self>, Error> {
        let path = folder.join(EVALUATIONS);
        if !is_there(&path)? {
            return Ok(None);
        }
        file::check_secret(&path)?;
        Ok(Some(Self(Spill::open(&path, &key(epoch, release), 1)?)))
    }

    /// How many people it holds.
    pub(super) fn people(&self) -> u64 {
        self.0.total() / WIDTH as u64
    }

    /// All people, some at a time, each with the bits of its label.
    pub(super) fn batches(&self) -> impl Iterator<Item = Result<Vec<(Evaluation, u64)>, Error>> {
        self.0.frames(0).map(|frame| {
            let frame = frame?;
            let people = frame.chunks_exact(WIDTH).filter_map(|bytes| {
                let (y, label) = bytes.split_first_chunk()?;
                Some((Evaluation::from_bytes(*y), u64::from_le_bytes(*label.first_chunk()?)))
            });
            Ok(people.collect())
        })
    }
}

/// Destroys the kept evaluations of all releases but the live ones.
pub(crate) fn destroy_kept(home: &Home, live: &[ReleaseId]) -> Result<(), Error> {
    let releases = home.releases()?;
    for release in ids_in::<ReleaseId>(&releases)? {
        if !live.contains(&release) {
            file::destroy(releases.join(release.to_string()).join(EVALUATIONS))?;
        }
    }
    Ok(())
}

/// Destroys what seals in an epoch that were cut off have left.
pub(crate) fn destroy_staged(home: &Home, epoch: EpochId) -> Result<(), Error> {
    for folder in staging::leftovers(home.releases()?.path()) {
        if Plan::read(&folder.join(PLAN)).is_ok_and(|plan| plan.epoch == epoch) {
            staging::destroy(&folder)?;
        }
    }
    Ok(())
}

fn is_there(path: &PathBuf) -> Result<bool, Error> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(StoreError::io("look at", path, source).into()),
    }
}

const _: () = assert!(WIDTH == 8 * (KEPT + 1));
