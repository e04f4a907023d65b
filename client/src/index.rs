//! Indexes: fetched whole, segment by segment, and verified to the last entry before they get their name in the profile.
//!
//! A part is never asked for: that would tell the operator what is looked for. A download that broke off is gone on with: what
//! is here of it is held against the manifest, and the rest is fetched; neither depends on a member. What is in the profile is
//! read where it is needed, by [`SegmentFile`], which holds every segment against the manifest again; an index is never in
//! memory whole.

mod partial;
mod segments;

use blindlist_protocol::index::{Index, IndexError};
use blindlist_protocol::manifest::{Manifest, ReleaseError};
use blindlist_store::StoreError;
use blindlist_store::text::path;
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::caller::Unit;
use crate::channel::{self, Channel};
use crate::profile::Profile;
use crate::room::Room;
use crate::show::bytes;
use crate::{Broken, Caller, ClientError};
use partial::Partial;
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
/// [`ClientError::Store`], [`ClientError::Interrupted`]: what was fetched is kept for the next attempt.
pub async fn fetch(
    profile: &Profile,
    channel: &impl Channel,
    manifest: &Manifest,
    room: &Room,
    caller: &Caller,
) -> Result<(), ClientError> {
    if profile.index_path(manifest)?.exists() {
        match open(profile, manifest) {
            Ok(_) => {
                profile.mark_index_used(manifest);
                return Ok(());
            }
            Err(ClientError::Broken(_) | ClientError::IndexDamaged(_)) => {
                caller.warn(format!("the index of {} in the profile is damaged: fetching it again", manifest.list));
            }
            Err(error) => return Err(error),
        }
    }
    let fetched = caller.or(download(profile, channel, manifest, room, caller)).await;
    match fetched.and_then(|()| verify(profile, manifest, room, caller)) {
        Ok(()) => profile.keep_index(manifest),
        Err(error) => {
            if matches!(error, ClientError::Broken(_)) {
                profile.drop_unverified_index(manifest)?;
            }
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
fn verify(profile: &Profile, manifest: &Manifest, room: &Room, caller: &Caller) -> Result<(), ClientError> {
    let file = SegmentFile::open(profile.unverified_index_path(manifest)?, manifest);
    let index = &open_file(file, manifest)?;
    let blocks = index.header().blocks();
    room.each(blocks.div_ceil(VERIFIED_AT_A_TIME) as usize, caller, |part| {
        let first = VERIFIED_AT_A_TIME.saturating_mul(u32::try_from(part).unwrap_or(u32::MAX));
        let verified = index.verify_blocks(first..blocks.min(first.saturating_add(VERIFIED_AT_A_TIME)));
        verified.map_err(|fault| named(fault, manifest))
    })
}

/// Fetches the segments that are not here, several at a time.
async fn download(
    profile: &Profile,
    channel: &impl Channel,
    manifest: &Manifest,
    room: &Room,
    caller: &Caller,
) -> Result<(), ClientError> {
    let file = Partial::open(profile.unverified_index_path(manifest)?, manifest)?;
    let missing = file.missing(manifest, room, caller)?;
    let length = |number: u32| manifest.segment(number).map_or(0, |range| range.end - range.start);
    let here = manifest.index_length.saturating_sub(missing.iter().map(|number| length(*number)).sum());
    if here > 0 {
        caller.note(format!("going on with the list {}: {} of it were here", manifest.list, bytes(here)));
    }
    let meter = caller.meter("fetching the list", Unit::Bytes, manifest.index_length);
    meter.set(here);
    let fetch = |number: u32| async move {
        let bytes = channel::segment(channel, manifest.release, number).await?;
        manifest.check_segment(number, &bytes).map_err(|source| broken(manifest, source))?;
        Ok::<_, ClientError>((number, bytes))
    };
    let mut segments = stream::iter(missing.into_iter().map(fetch)).buffer_unordered(AT_A_TIME);
    while let Some((number, bytes)) = segments.try_next().await? {
        file.write(manifest, number, &bytes)?;
        meter.add(bytes.len() as u64);
    }
    file.finish()
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
