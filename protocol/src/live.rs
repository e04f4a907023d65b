//! What is live for an insurer: a catalog snapshot, its epoch records and manifests, each held against the others
//! (SPEC.md, sections 10 to 12).
//!
//! [`Snapshot::open`] verifies a snapshot, [`Snapshot::accept`] holds it against what was seen before,
//! [`Gathering::add`] takes the objects that it names, [`Gathering::finish`] gives [`Live`] only if none is missing: a
//! server that does not hold the manifest key cannot hide a release. Fetching and remembering are the caller's.

use crate::catalog::Catalog;
use crate::ids::{Digest, EpochId, InsurerId};
use crate::insurer::Epoch;
use crate::manifest::Manifest;
use crate::object::{self, ObjectError};
use crate::signature::VerifyingKey;
use crate::text::Slug;
use std::collections::{BTreeMap, BTreeSet};

/// A snapshot that the pinned key signed.
#[derive(Clone, Debug)]
pub struct Snapshot {
    catalog: Catalog,
    digest: Digest,
}

/// The highest snapshot that was accepted before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its sequence.
    pub sequence: u64,
    /// Its digest.
    pub digest: Digest,
}

/// What is live for an insurer, whole.
#[derive(Debug)]
pub struct Live {
    /// The catalog snapshot.
    pub catalog: Catalog,
    /// Its digest, which insurers compare.
    pub digest: Digest,
    /// The epochs by their ids.
    pub epochs: BTreeMap<EpochId, Epoch>,
    /// The releases that are addressed to the insurer, in the order of their lists' names, one a list.
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

/// Why what an operator shows as live is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LiveError {
    /// A signed object does not hold.
    #[error("{what} does not hold: {source}")]
    Object {
        /// Which.
        what: &'static str,
        /// Why.
        source: ObjectError,
    },
    /// An older snapshot than one seen before.
    #[error("its catalog has the sequence {found}, but {seen} was seen before: an older view is not accepted")]
    LowerSequence {
        /// What came.
        found: u64,
        /// The highest seen.
        seen: u64,
    },
    /// Two snapshots of one sequence.
    #[error("it shows two different catalogs with the sequence {0}: compare the catalog's digest with other insurers")]
    TwoCatalogs(u64),
    /// The snapshot has run out, at this time in seconds since 1970.
    #[error("its catalog expired at {0} seconds since 1970")]
    Expired(u64),
    /// Another object than the one asked for.
    #[error("asked for the object {0}, it sent another one")]
    OtherObject(Digest),
    /// An object that its own snapshot names is not to be had: somebody may be hiding a list.
    #[error(
        "it refuses the object {0}, which its signed catalog says is ours: a list may be hidden, so nothing is reported"
    )]
    Hidden(Digest),
    /// A manifest that the snapshot addresses to us and that itself addresses others only.
    #[error("its catalog says that the list {0} is addressed to us, the list's manifest says that it is not")]
    NotAddressed(Slug),
    /// Two records of one epoch.
    #[error("its catalog names two records of the epoch {0}")]
    TwoRecords(EpochId),
    /// A manifest whose epoch is not live, or has another key or operator.
    #[error("the manifest of the list {0} belongs to no live epoch of its operator")]
    NoEpoch(Slug),
    /// Two releases of one list, or with one id.
    #[error("its catalog names two releases of the list {0}")]
    TwoReleases(Slug),
}

impl Snapshot {
    /// The snapshot of these bytes, if the pinned key signed it.
    ///
    /// # Errors
    /// [`LiveError::Object`].
    pub fn open(bytes: &[u8], pinned: &VerifyingKey) -> Result<Self, LiveError> {
        let opened = object::open(bytes, pinned);
        let catalog = opened.map_err(|source| LiveError::Object { what: "the catalog", source })?;
        Ok(Self { catalog, digest: object::digest(bytes) })
    }

    /// The manifest key that signed it.
    pub fn signer(&self) -> VerifyingKey {
        self.catalog.operator_key
    }

    /// What to remember once it is accepted.
    pub fn seen(&self) -> Seen {
        Seen { sequence: self.catalog.sequence, digest: self.digest }
    }

    /// Holds it against the highest one seen and the time, in seconds since 1970. `insurer` is our id.
    ///
    /// # Errors
    /// [`LiveError::LowerSequence`], [`LiveError::TwoCatalogs`], [`LiveError::Expired`].
    pub fn accept(self, seen: Option<Seen>, now: u64, insurer: &InsurerId) -> Result<Gathering, LiveError> {
        let Seen { sequence, digest } = self.seen();
        match seen {
            Some(seen) if sequence < seen.sequence => {
                return Err(LiveError::LowerSequence { found: sequence, seen: seen.sequence });
            }
            Some(seen) if sequence == seen.sequence && digest != seen.digest => {
                return Err(LiveError::TwoCatalogs(sequence));
            }
            Some(_) | None => {}
        }
        if self.catalog.expires <= now {
            return Err(LiveError::Expired(self.catalog.expires));
        }
        let ours = self.catalog.manifests.iter().filter(|listed| listed.addresses(insurer));
        Ok(Gathering {
            records: self.catalog.epochs.iter().copied().collect(),
            manifests: ours.map(|listed| listed.manifest).collect(),
            snapshot: self,
            epochs: BTreeMap::new(),
            releases: Vec::new(),
        })
    }
}

/// An accepted snapshot whose objects are being fetched.
#[derive(Debug)]
pub struct Gathering {
    snapshot: Snapshot,
    /// Digests of epoch records still to come.
    records: BTreeSet<Digest>,
    /// Digests of manifests still to come.
    manifests: BTreeSet<Digest>,
    epochs: BTreeMap<EpochId, Epoch>,
    releases: Vec<Release>,
}

impl Gathering {
    /// The digests of the objects that are still missing.
    pub fn missing(&self) -> Vec<Digest> {
        self.records.iter().chain(&self.manifests).copied().collect()
    }

    /// Takes the object that came when this digest was asked for.
    ///
    /// # Errors
    /// [`LiveError::OtherObject`], [`LiveError::Object`], [`LiveError::TwoRecords`].
    pub fn add(&mut self, asked: Digest, bytes: &[u8]) -> Result<(), LiveError> {
        if object::digest(bytes) != asked {
            return Err(LiveError::OtherObject(asked));
        }
        let pinned = self.snapshot.catalog.operator_key;
        if self.records.remove(&asked) {
            let opened = Epoch::open(bytes, &pinned);
            let epoch = opened.map_err(|source| LiveError::Object { what: "an epoch record", source })?;
            let id = epoch.record().epoch;
            if self.epochs.insert(id, epoch).is_some() {
                return Err(LiveError::TwoRecords(id));
            }
        }
        if self.manifests.remove(&asked) {
            let opened = object::open(bytes, &pinned);
            let manifest = opened.map_err(|source| LiveError::Object { what: "a manifest", source })?;
            self.releases.push(Release { manifest, digest: asked });
        }
        Ok(())
    }

    /// What is live, once every object is there. `insurer` is the name that the operator enrolled us under.
    ///
    /// # Errors
    /// [`LiveError::Hidden`], [`LiveError::NoEpoch`], [`LiveError::NotAddressed`], [`LiveError::TwoReleases`].
    pub fn finish(mut self, insurer: &Slug) -> Result<Live, LiveError> {
        if let Some(missing) = self.missing().first() {
            return Err(LiveError::Hidden(*missing));
        }
        self.releases.sort_by(|a, b| a.manifest.list.cmp(&b.manifest.list));
        let (mut lists, mut ids) = (BTreeSet::new(), BTreeSet::new());
        for Release { manifest, .. } in &self.releases {
            let epoch = self.epochs.get(&manifest.epoch).map(Epoch::record);
            if !epoch.is_some_and(|record| record.key == manifest.key && record.operator == manifest.operator) {
                return Err(LiveError::NoEpoch(manifest.list.clone()));
            }
            if !manifest.addresses(insurer) {
                return Err(LiveError::NotAddressed(manifest.list.clone()));
            }
            if !lists.insert(&manifest.list) || !ids.insert(manifest.release) {
                return Err(LiveError::TwoReleases(manifest.list.clone()));
            }
        }
        let Snapshot { catalog, digest } = self.snapshot;
        Ok(Live { catalog, digest, epochs: self.epochs, releases: self.releases })
    }
}

#[cfg(test)]
mod tests;
