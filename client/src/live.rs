//! What the operator says is live: the catalog snapshot, the epoch records and the manifests, each verified.
//!
//! Everything is checked against the operator key that was pinned when the bundle was installed. The signed catalog says
//! what is addressed to this insurer; of that nothing may be missing, or a server could hide a list.

use std::collections::BTreeMap;

use blindlist_protocol::catalog::Catalog;
use blindlist_protocol::ids::{Digest, EpochId};
use blindlist_protocol::insurer::Epoch;
use blindlist_protocol::manifest::Manifest;
use blindlist_protocol::object;
use blindlist_protocol::refusal::RefusalCode;
use blindlist_protocol::signature::VerifyingKey;
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::channel::{self, Channel};
use crate::profile::{Enrolled, Profile, Seen};
use crate::show::moment;
use crate::{Broken, ClientError};

/// Objects that are fetched at a time.
const AT_A_TIME: usize = 8;

/// What is live for this insurer.
#[derive(Debug)]
pub struct Live {
    /// The catalog snapshot.
    pub catalog: Catalog,
    /// Its digest, which insurers compare.
    pub digest: Digest,
    /// The epochs by their ids.
    pub epochs: BTreeMap<EpochId, Epoch>,
    /// The releases in the order of their lists' names, one a list.
    pub releases: Vec<Release>,
}

/// A release that is live.
#[derive(Clone, Debug)]
pub struct Release {
    /// Its manifest.
    pub manifest: Manifest,
    /// The manifest's digest.
    pub digest: Digest,
}

/// Asks the operator what is live, verifies it, and remembers the catalog. `now` is in seconds since 1970.
///
/// # Errors
/// [`ClientError::Channel`], [`ClientError::CatalogExpired`], [`ClientError::Broken`].
pub async fn refresh(
    profile: &Profile,
    enrolled: &Enrolled,
    channel: &impl Channel,
    now: u64,
) -> Result<Live, ClientError> {
    let pinned = enrolled.bundle().operator_key;
    let bytes = channel::catalog(channel).await?;
    let what = "the catalog";
    let catalog: Catalog = object::open(&bytes, &pinned).map_err(|source| Broken::Object { what, source })?;
    let digest = object::digest(&bytes);
    accept(profile, &catalog, digest, now)?;
    let epochs = epochs(channel, &catalog, &pinned).await?;
    let mut releases = Vec::new();
    let ours = catalog.manifests.iter().filter(|listed| listed.addresses(&enrolled.bundle().insurer_id));
    let ours: Vec<Digest> = ours.map(|listed| listed.manifest).collect();
    for (digest, bytes) in objects(channel, &ours).await? {
        let manifest = open_manifest(&bytes, &pinned, &epochs)?;
        if !manifest.addresses(&enrolled.bundle().insurer) {
            return Err(Broken::NotAddressed(manifest.list).into());
        }
        releases.push(Release { manifest, digest });
    }
    releases.sort_by(|a, b| a.manifest.list.cmp(&b.manifest.list));
    refuse_doubles(&releases)?;
    Ok(Live { catalog, digest, epochs, releases })
}

/// Holds a catalog against the highest one seen and the clock, and remembers it.
fn accept(profile: &Profile, catalog: &Catalog, digest: Digest, now: u64) -> Result<(), ClientError> {
    let _lock = profile.lock()?;
    let sequence = catalog.sequence;
    match profile.seen()? {
        Some(seen) if sequence < seen.sequence => Err(Broken::LowerSequence { found: sequence, seen: seen.sequence })?,
        Some(seen) if sequence == seen.sequence && digest != seen.digest => Err(Broken::TwoCatalogs(sequence))?,
        Some(_) | None => {}
    }
    if catalog.expires <= now {
        return Err(ClientError::CatalogExpired(moment(catalog.expires)));
    }
    profile.remember(Seen { sequence, digest })
}

async fn epochs(
    channel: &impl Channel,
    catalog: &Catalog,
    pinned: &VerifyingKey,
) -> Result<BTreeMap<EpochId, Epoch>, ClientError> {
    let mut epochs: BTreeMap<EpochId, Epoch> = BTreeMap::new();
    for (_, bytes) in objects(channel, &catalog.epochs).await? {
        let epoch = Epoch::open(&bytes, pinned).map_err(|source| Broken::Object { what: "an epoch record", source })?;
        let id = epoch.record().epoch;
        if epochs.insert(id, epoch).is_some() {
            return Err(Broken::TwoRecords(id).into());
        }
    }
    Ok(epochs)
}

fn open_manifest(bytes: &[u8], pinned: &VerifyingKey, epochs: &BTreeMap<EpochId, Epoch>) -> Result<Manifest, Broken> {
    let what = "a manifest";
    let manifest: Manifest = object::open(bytes, pinned).map_err(|source| Broken::Object { what, source })?;
    match epochs.get(&manifest.epoch) {
        Some(epoch) if epoch.record().key == manifest.key && epoch.record().operator == manifest.operator => {
            Ok(manifest)
        }
        Some(_) | None => Err(Broken::NoEpoch(manifest.list)),
    }
}

fn refuse_doubles(releases: &[Release]) -> Result<(), Broken> {
    for (place, release) in releases.iter().enumerate() {
        let same = |other: &&Release| {
            other.manifest.list == release.manifest.list || other.manifest.release == release.manifest.release
        };
        if let Some(double) = releases.iter().skip(place + 1).find(same) {
            return Err(Broken::TwoReleases(double.manifest.list.clone()));
        }
    }
    Ok(())
}

/// The objects of these digests, in their order, each the one asked for. None may be missing.
async fn objects(channel: &impl Channel, digests: &[Digest]) -> Result<Vec<(Digest, Vec<u8>)>, ClientError> {
    let fetch = |digest: Digest| async move {
        match channel::object(channel, digest).await {
            Ok(bytes) if object::digest(&bytes) == digest => Ok((digest, bytes)),
            Ok(_) => Err(ClientError::from(Broken::OtherObject(digest))),
            Err(error) if error.is_refusal(RefusalCode::UnknownObject) => Err(Broken::HiddenObject(digest).into()),
            Err(error) => Err(error.into()),
        }
    };
    let fetched = stream::iter(digests.iter().copied().map(fetch)).buffered(AT_A_TIME);
    fetched.try_collect().await
}
