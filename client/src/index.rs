//! Indexes: fetched whole, segment by segment, and verified against the manifest before every use.
//!
//! A part is never asked for: that would tell the operator what is looked for. An index is read whole into memory.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use blindlist_protocol::index::Index;
use blindlist_protocol::manifest::{Manifest, ReleaseError};
use blindlist_store::StoreError;
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::channel::{self, Channel};
use crate::profile::Profile;
use crate::show::{bytes_bar, note};
use crate::{Broken, ClientError, Stop};

/// Segments that are fetched at a time.
const AT_A_TIME: usize = 8;

/// Makes sure that the index of a release is in the profile and is what its manifest says.
///
/// # Errors
/// [`ClientError::Broken`] when a segment or the index is not right: nothing is kept then. [`ClientError::Channel`],
/// [`ClientError::Store`].
pub async fn fetch(
    profile: &Profile,
    channel: &impl Channel,
    manifest: &Manifest,
    stop: &Stop,
) -> Result<(), ClientError> {
    if profile.index_path(&manifest.release)?.exists() {
        match verify(profile, manifest, stop) {
            Ok(()) => return Ok(()),
            Err(ClientError::Broken(_)) => {
                note(&format!("the index of {} in the profile is damaged: fetching it again", manifest.list));
            }
            Err(error) => return Err(error),
        }
    }
    stop.or(download(profile, channel, manifest)).await?;
    verify(profile, manifest, stop)
}

/// Verifies an index in the profile to the last entry.
fn verify(profile: &Profile, manifest: &Manifest, stop: &Stop) -> Result<(), ClientError> {
    let bytes = load(profile, manifest, stop)?;
    let verified = open(&bytes, manifest)?.verify();
    Ok(verified.map_err(|source| broken(manifest, source.into()))?)
}

/// The whole index of a release from the profile, every segment verified.
///
/// # Errors
/// [`ClientError::Broken`] when a segment is not the manifest's, [`ClientError::Store`], [`ClientError::IndexTooLarge`].
pub fn load(profile: &Profile, manifest: &Manifest, stop: &Stop) -> Result<Vec<u8>, ClientError> {
    let path = profile.index_path(&manifest.release)?;
    let length = usize::try_from(manifest.index_length).map_err(|_| too_large(manifest))?;
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(length).map_err(|_| too_large(manifest))?;
    let read = read_up_to(&path, manifest.index_length, &mut bytes);
    read.map_err(|source| StoreError::io("read the index", &path, source))?;
    let segment_length = usize::try_from(manifest.segment_length).map_err(|_| too_large(manifest))?;
    let mut rest = bytes.as_slice();
    for number in 0..segments(manifest)? {
        stop.check()?;
        let (segment, after) = rest.split_at(segment_length.min(rest.len()));
        manifest.check_segment(number, segment).map_err(|source| broken(manifest, source))?;
        rest = after;
    }
    Ok(bytes)
}

/// [`Manifest::open_index`], with the list's name in its error.
///
/// # Errors
/// [`Broken::Release`].
pub fn open<'a>(bytes: &'a [u8], manifest: &Manifest) -> Result<Index<'a>, Broken> {
    manifest.open_index(bytes).map_err(|source| broken(manifest, source))
}

async fn download(profile: &Profile, channel: &impl Channel, manifest: &Manifest) -> Result<(), ClientError> {
    let mut file = profile.new_index(&manifest.release)?;
    let bar = bytes_bar("fetching the list", manifest.index_length);
    let fetch = |number: u32| async move {
        let bytes = channel::segment(channel, manifest.release, number).await?;
        manifest.check_segment(number, &bytes).map_err(|source| broken(manifest, source))?;
        Ok::<_, ClientError>(bytes)
    };
    let mut segments = stream::iter((0..segments(manifest)?).map(fetch)).buffered(AT_A_TIME);
    while let Some(bytes) = segments.try_next().await? {
        file.write_all(&bytes).map_err(|source| file.write_error(source))?;
        bar.inc(bytes.len() as u64);
    }
    bar.finish_and_clear();
    Ok(file.commit()?)
}

/// How many segments an index has.
fn segments(manifest: &Manifest) -> Result<u32, ClientError> {
    u32::try_from(manifest.segments.len()).map_err(|_| too_large(manifest))
}

fn too_large(manifest: &Manifest) -> ClientError {
    ClientError::IndexTooLarge { list: manifest.list.clone(), bytes: manifest.index_length }
}

fn broken(manifest: &Manifest, source: ReleaseError) -> Broken {
    Broken::Release { list: manifest.list.clone(), source }
}

fn read_up_to(path: &Path, most: u64, bytes: &mut Vec<u8>) -> io::Result<()> {
    File::open(path)?.take(most).read_to_end(bytes).map(|_| ())
}
