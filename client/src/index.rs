//! Indexes: fetched whole, segment by segment, and verified against the manifest before every use.
//!
//! A part is never asked for: that would tell the operator what is looked for. An index is read whole into memory.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use blindlist_protocol::index::{Header, Index};
use blindlist_protocol::manifest::Manifest;
use blindlist_protocol::object;
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
    Ok(verified.map_err(|source| Broken::Index { list: manifest.list.clone(), source })?)
}

/// The whole index of a release from the profile, every segment verified.
///
/// # Errors
/// [`ClientError::Broken`] when a segment is not the manifest's, [`ClientError::Store`], [`ClientError::IndexTooLarge`].
pub fn load(profile: &Profile, manifest: &Manifest, stop: &Stop) -> Result<Vec<u8>, ClientError> {
    let path = profile.index_path(&manifest.release)?;
    let too_large = || ClientError::IndexTooLarge { list: manifest.list.clone(), bytes: manifest.index_length };
    let length = usize::try_from(manifest.index_length).map_err(|_| too_large())?;
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(length).map_err(|_| too_large())?;
    let read = read_up_to(&path, manifest.index_length, &mut bytes);
    read.map_err(|source| StoreError::io("read the index", &path, source))?;
    let last = u32::try_from(manifest.segments.len()).map_err(|_| too_large())?.saturating_sub(1);
    let mut rest = bytes.as_slice();
    for number in 0..=last {
        stop.check()?;
        let wanted = segment_length(manifest, number)?.min(rest.len());
        let (segment, after) = rest.split_at(wanted);
        check_segment(manifest, number, segment)?;
        rest = after;
    }
    Ok(bytes)
}

/// Reads an index and holds its header against the manifest.
///
/// # Errors
/// [`Broken::Index`], [`Broken::OtherIndex`].
pub fn open<'a>(bytes: &'a [u8], manifest: &Manifest) -> Result<Index<'a>, Broken> {
    let malformed = |source| Broken::Index { list: manifest.list.clone(), source };
    let index = Index::parse(bytes).map_err(malformed)?;
    let expected = Header::new(
        *manifest.release.as_bytes(),
        manifest.entries,
        manifest.false_positive_bits,
        manifest.dictionary.label_length(),
    );
    if *index.header() != expected.map_err(malformed)? {
        return Err(Broken::OtherIndex(manifest.list.clone()));
    }
    Ok(index)
}

async fn download(profile: &Profile, channel: &impl Channel, manifest: &Manifest) -> Result<(), ClientError> {
    let mut file = profile.new_index(&manifest.release)?;
    let bar = bytes_bar("fetching the list", manifest.index_length);
    let fetch = |number: u32| async move {
        let bytes = channel::segment(channel, manifest.release, number).await?;
        check_segment(manifest, number, &bytes)?;
        Ok::<_, ClientError>(bytes)
    };
    let count = u32::try_from(manifest.segments.len())
        .map_err(|_| ClientError::IndexTooLarge { list: manifest.list.clone(), bytes: manifest.index_length })?;
    let mut segments = stream::iter((0..count).map(fetch)).buffered(AT_A_TIME);
    while let Some(bytes) = segments.try_next().await? {
        file.write_all(&bytes).map_err(|source| file.write_error(source))?;
        bar.inc(bytes.len() as u64);
    }
    bar.finish_and_clear();
    Ok(file.commit()?)
}

fn check_segment(manifest: &Manifest, number: u32, bytes: &[u8]) -> Result<(), Broken> {
    let wanted = usize::try_from(number).ok().and_then(|place| manifest.segments.get(place));
    if segment_length(manifest, number)? == bytes.len() && wanted == Some(&object::digest(bytes)) {
        Ok(())
    } else {
        Err(no_segment(manifest, number))
    }
}

fn segment_length(manifest: &Manifest, number: u32) -> Result<usize, Broken> {
    let range = manifest.segment(number).ok_or_else(|| no_segment(manifest, number))?;
    usize::try_from(range.end - range.start).map_err(|_| no_segment(manifest, number))
}

fn no_segment(manifest: &Manifest, number: u32) -> Broken {
    Broken::Segment { list: manifest.list.clone(), number }
}

fn read_up_to(path: &Path, most: u64, bytes: &mut Vec<u8>) -> io::Result<()> {
    File::open(path)?.take(most).read_to_end(bytes).map(|_| ())
}
