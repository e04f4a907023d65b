//! Indexes: fetched whole, segment by segment, and verified to the last entry before they get their name in the profile.
//!
//! A part is never asked for: that would tell the operator what is looked for. What is in the profile is read where it is
//! needed, by [`SegmentFile`], which holds every segment against the manifest again; an index is never in memory whole.

mod segments;

use std::io::Write;

use blindlist_protocol::index::{Index, IndexError};
use blindlist_protocol::manifest::{Manifest, ReleaseError};
use blindlist_store::StoreError;
use blindlist_store::text::path;
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::channel::{self, Channel};
use crate::profile::Profile;
use crate::room::Room;
use crate::show::{bytes_bar, note};
use crate::{Broken, ClientError, Stop};
pub use segments::SegmentFile;

/// Segments that are fetched at a time.
const AT_A_TIME: usize = 8;

/// Blocks that are verified at a time: about a segment.
const VERIFIED_AT_A_TIME: u32 = 200;

/// Why an index in the profile cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IndexFault {
    /// A file that is not what was verified when it was fetched.
    #[error("{} is damaged", path(.0))]
    Damaged(std::path::PathBuf),
    /// It cannot be read.
    #[error(transparent)]
    Store(StoreError),
    /// It is malformed, although it is what the operator signed.
    #[error(transparent)]
    Malformed(#[from] IndexError),
}

/// Makes sure that the index of a release is in the profile, as its manifest says.
///
/// # Errors
/// [`ClientError::Broken`] when a segment or the index is not right: nothing is kept then. [`ClientError::Channel`],
/// [`ClientError::Store`].
pub async fn fetch(
    profile: &Profile,
    channel: &impl Channel,
    manifest: &Manifest,
    room: &Room,
    stop: &Stop,
) -> Result<(), ClientError> {
    if profile.index_path(manifest)?.exists() {
        match open(profile, manifest) {
            Ok(_) => return Ok(()),
            Err(ClientError::Broken(_) | ClientError::IndexDamaged(_)) => {
                note(&format!("the index of {} in the profile is damaged: fetching it again", manifest.list));
            }
            Err(error) => return Err(error),
        }
    }
    stop.or(download(profile, channel, manifest)).await?;
    match verify(profile, manifest, room, stop) {
        Ok(()) => profile.keep_index(manifest),
        Err(error) => {
            profile.drop_unverified_index(manifest)?;
            Err(error)
        }
    }
}

/// The index of a release in the profile. Opening it verifies what it reads, and so does every look-up.
///
/// # Errors
/// [`ClientError::IndexDamaged`]; [`Broken::Release`] for an index of another release; [`ClientError::Store`].
pub fn open(profile: &Profile, manifest: &Manifest) -> Result<Index<SegmentFile>, ClientError> {
    open_file(SegmentFile::open(profile.index_path(manifest)?, manifest), manifest)
}

fn open_file(file: Result<SegmentFile, IndexFault>, manifest: &Manifest) -> Result<Index<SegmentFile>, ClientError> {
    let index = file.and_then(Index::open).map_err(|fault| named(fault, manifest))?;
    manifest.check_index(&index).map_err(|source| broken(manifest, source))?;
    Ok(index)
}

/// Verifies an index that was just fetched to the last entry.
fn verify(profile: &Profile, manifest: &Manifest, room: &Room, stop: &Stop) -> Result<(), ClientError> {
    let file = SegmentFile::open(profile.unverified_index_path(manifest)?, manifest);
    let index = &open_file(file, manifest)?;
    let blocks = index.header().blocks();
    room.each(blocks.div_ceil(VERIFIED_AT_A_TIME) as usize, stop, |part| {
        let first = VERIFIED_AT_A_TIME.saturating_mul(u32::try_from(part).unwrap_or(u32::MAX));
        let verified = index.verify_blocks(first..blocks.min(first.saturating_add(VERIFIED_AT_A_TIME)));
        verified.map_err(|fault| named(fault, manifest))
    })
}

async fn download(profile: &Profile, channel: &impl Channel, manifest: &Manifest) -> Result<(), ClientError> {
    let mut file = profile.new_index(manifest)?;
    let bar = bytes_bar("fetching the list", manifest.index_length);
    let fetch = |number: u32| async move {
        let bytes = channel::segment(channel, manifest.release, number).await?;
        manifest.check_segment(number, &bytes).map_err(|source| broken(manifest, source))?;
        Ok::<_, ClientError>(bytes)
    };
    let numbers = (0..).zip(&manifest.segments).map(|(number, _)| number);
    let mut segments = stream::iter(numbers.map(fetch)).buffered(AT_A_TIME);
    while let Some(bytes) = segments.try_next().await? {
        file.write_all(&bytes).map_err(|source| file.write_error(source))?;
        bar.inc(bytes.len() as u64);
    }
    bar.finish_and_clear();
    Ok(file.commit()?)
}

fn broken(manifest: &Manifest, source: ReleaseError) -> Broken {
    Broken::Release { list: manifest.list.clone(), source }
}

/// A fault of the index of this manifest.
fn named(fault: IndexFault, manifest: &Manifest) -> ClientError {
    match fault {
        IndexFault::Malformed(error) => broken(manifest, error.into()).into(),
        IndexFault::Damaged(_) | IndexFault::Store(_) => fault.into(),
    }
}

impl From<IndexFault> for ClientError {
    fn from(fault: IndexFault) -> Self {
        match fault {
            IndexFault::Damaged(path) => Self::IndexDamaged(path),
            IndexFault::Store(error) => error.into(),
            IndexFault::Malformed(error) => Broken::Index(error).into(),
        }
    }
}
