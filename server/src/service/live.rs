//! What is live: the catalog, its objects, its indexes as open files, and the keys of its epochs. Replaced as a whole.
//!
//! Of what the catalog names, some may be missing in this home, when another server's home published it.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use blindlist_protocol::catalog::Listed;
use blindlist_protocol::epoch::EpochRecord;
use blindlist_protocol::ids::{Digest, EpochId, InsurerId, LedgerId, ReleaseId};
use blindlist_protocol::manifest::Manifest;
use blindlist_protocol::operator::EpochKey;
use blindlist_protocol::signature::VerifyingKey;

use super::Caller;
use crate::catalog::Snapshot;
use crate::home::{Home, StoredEpoch};
use crate::releases::{self, Release};
use crate::{Error, not_there};

pub(super) struct Live {
    pub(super) snapshot: Snapshot,
    epochs: HashMap<EpochId, Arc<EpochKey>>,
    records: HashMap<Digest, Vec<u8>>,
    releases: HashMap<ReleaseId, Arc<LiveRelease>>,
    /// By the manifest keys that were succeeded.
    successions: HashMap<VerifyingKey, Vec<u8>>,
    missing: Missing,
}

/// What the catalog names and this home has not got.
#[derive(Debug, Default, PartialEq, Eq)]
struct Missing {
    epochs: Vec<Digest>,
    releases: Vec<Listed>,
}

pub(super) struct LiveRelease {
    pub(super) manifest: Manifest,
    /// How the catalog names it.
    listed: Listed,
    bytes: Vec<u8>,
    index: File,
}

impl Live {
    /// Loads what a snapshot names. The keys of epochs that are `served` already are kept, not read again: they may be
    /// under another passphrase by now. When nothing is served yet, an index that is not whole is an error, and so is a home
    /// without any of the epochs.
    pub(super) fn load(
        home: &Home,
        ledger: LedgerId,
        snapshot: Snapshot,
        served: Option<&Self>,
    ) -> Result<Self, Error> {
        let operator_key = &snapshot.catalog.operator_key;
        let (mut epochs, mut records) = (HashMap::new(), HashMap::new());
        for stored in home.epochs(operator_key)? {
            if snapshot.catalog.epochs.contains(&stored.digest) {
                let key = match served.and_then(|served| served.key(&stored)) {
                    Some(key) => key,
                    None if !stored.has_key() => continue,
                    None => Arc::new(stored.key()?),
                };
                check_ledger(&key, ledger)?;
                epochs.insert(stored.record.epoch, key);
                records.insert(stored.digest, stored.bytes);
            }
        }
        if epochs.is_empty() && served.is_none() {
            return Err(Error::NoEpoch);
        }
        let mut releases = HashMap::new();
        for release in releases::found(home, &snapshot.catalog, operator_key)? {
            let listed = snapshot.catalog.manifests.iter().find(|listed| listed.manifest == release.digest);
            let (Some(listed), Some(index)) = (listed, open_index(&release, served.is_none())?) else { continue };
            let live = LiveRelease { manifest: release.manifest, listed: listed.clone(), bytes: release.bytes, index };
            releases.insert(live.manifest.release, Arc::new(live));
        }
        let has = |listed: &Listed| releases.values().any(|release| release.listed.manifest == listed.manifest);
        let missing = Missing {
            epochs: snapshot.catalog.epochs.iter().copied().filter(|epoch| !records.contains_key(epoch)).collect(),
            releases: snapshot.catalog.manifests.iter().filter(|listed| !has(listed)).cloned().collect(),
        };
        missing.tell(served.map(|served| &served.missing));
        let successions = home.successions_to(operator_key)?;
        Ok(Self { snapshot, epochs, records, releases, successions, missing })
    }

    /// Whether files of what the catalog names are not in this home.
    pub(super) fn is_incomplete(&self) -> bool {
        self.missing != Missing::default()
    }

    /// Epochs and releases of which files are not in this home.
    pub(super) fn lacking(&self) -> usize {
        self.missing.epochs.len() + self.missing.releases.len()
    }

    /// Whether the same is missing as in another.
    pub(super) fn lacks_the_same(&self, other: &Self) -> bool {
        self.missing == other.missing
    }

    /// Whether the record or the key of a live epoch is missing.
    pub(super) fn lacks_an_epoch(&self) -> bool {
        !self.missing.epochs.is_empty()
    }

    /// Whether this is a live object that the insurer may see, and it is missing.
    pub(super) fn lacks_object(&self, digest: &Digest, insurer: &Caller) -> bool {
        let releases = self.missing.addressed_to(insurer).any(|listed| listed.manifest == *digest);
        self.missing.epochs.contains(digest) || releases
    }

    /// Whether a release that the insurer may see is missing. Which ones there are, only their manifests say.
    pub(super) fn lacks_a_release(&self, insurer: &Caller) -> bool {
        self.missing.addressed_to(insurer).next().is_some()
    }

    /// The records of the live epochs, oldest first.
    pub(super) fn epoch_records(&self) -> Vec<&EpochRecord> {
        let mut records: Vec<_> = self.epochs.values().map(|key| key.record()).collect();
        records.sort_by_key(|record| (record.created, record.epoch));
        records
    }

    /// The manifests of the live releases with their digests, by list.
    pub(super) fn manifests(&self) -> Vec<(Digest, &Manifest)> {
        let mut all: Vec<_> = self.releases.values().map(|live| (live.listed.manifest, &live.manifest)).collect();
        all.sort_by(|(_, a), (_, b)| a.list.cmp(&b.list));
        all
    }

    /// The key of an epoch, if it is here: this record's, or the same one under another record.
    fn key(&self, stored: &StoredEpoch) -> Option<Arc<EpochKey>> {
        if self.records.contains_key(&stored.digest) {
            return self.epoch(&stored.record.epoch);
        }
        let same = self.epochs.values().find(|key| key.record().key == stored.record.key)?;
        same.under(stored.record.clone()).ok().map(Arc::new)
    }

    /// Whether an epoch was one of a former manifest key, whose key is live in another.
    pub(super) fn was_succeeded(&self, epoch: &EpochId) -> bool {
        let keys = || self.epochs.values().map(|key| &key.record().key);
        self.successions.keys().any(|former| keys().any(|key| EpochRecord::id(former, key) == *epoch))
    }

    /// The manifest keys that were succeeded.
    pub(super) fn succeeded(&self) -> impl Iterator<Item = &VerifyingKey> {
        self.successions.keys()
    }

    /// What those are told who still pin a former manifest key.
    pub(super) fn succession(&self, former: &VerifyingKey) -> Option<&[u8]> {
        self.successions.get(former).map(Vec::as_slice)
    }

    /// The key of a live epoch.
    pub(super) fn epoch(&self, epoch: &EpochId) -> Option<Arc<EpochKey>> {
        self.epochs.get(epoch).cloned()
    }

    /// An epoch record, or a manifest that is addressed to the insurer.
    pub(super) fn object(&self, digest: &Digest, insurer: &Caller) -> Option<&[u8]> {
        let manifest = || self.releases.values().find(|release| release.listed.manifest == *digest);
        match self.records.get(digest) {
            Some(record) => Some(record),
            None => manifest().filter(|release| release.addresses(insurer)).map(|release| release.bytes.as_slice()),
        }
    }

    /// A live release that is addressed to the insurer. [MAN-6]
    pub(super) fn release(&self, release: &ReleaseId, insurer: &Caller) -> Option<Arc<LiveRelease>> {
        let release = self.releases.get(release)?;
        release.addresses(insurer).then(|| Arc::clone(release))
    }
}

impl Missing {
    fn addressed_to(&self, insurer: &Caller) -> impl Iterator<Item = &Listed> {
        let id = InsurerId::from_bytes(insurer.id);
        self.releases.iter().filter(move |listed| listed.addresses(&id))
    }

    /// Tells whoever reads the log, when it is not what was missing before.
    fn tell(&self, before: Option<&Self>) {
        let (epochs, releases) = (self.epochs.len(), self.releases.len());
        if before.unwrap_or(&Self::default()) == self {
            return;
        }
        if epochs + releases > 0 {
            tracing::warn!(
                epochs,
                releases,
                "files of the catalog are not in this home: copy them from the one that published it. Who asks for them is \
                 told to come again"
            );
        } else {
            tracing::info!("the files that were missing are here");
        }
    }
}

/// The index of a release; none when it is not there, or not all of it yet.
fn open_index(release: &Release, at_start: bool) -> Result<Option<File>, Error> {
    match release.open_index() {
        Err(Error::IndexLength { .. }) if !at_start => Ok(None),
        Err(error) if not_there(&error) => Ok(None),
        opened => opened.map(Some),
    }
}

impl LiveRelease {
    /// Whether the insurer is named by the manifest, and its id by the catalog: another one that one day has the same
    /// name is not.
    fn addresses(&self, insurer: &Caller) -> bool {
        self.manifest.addresses(&insurer.name) && self.listed.addresses(&InsurerId::from_bytes(insurer.id))
    }

    /// A range of the index's bytes.
    pub(super) fn read(&self, range: Range<u64>) -> io::Result<Vec<u8>> {
        let length = usize::try_from(range.end.saturating_sub(range.start)).map_err(io::Error::other)?;
        let mut bytes = vec![0; length];
        self.index.read_exact_at(&mut bytes, range.start)?;
        Ok(bytes)
    }
}

/// On another ledger insurers could spend their budgets twice.
fn check_ledger(key: &EpochKey, found: LedgerId) -> Result<(), Error> {
    match key.record().holder(key.index()) {
        Some(holder) if holder.ledger == found => Ok(()),
        Some(holder) => Err(Error::WrongLedger { expected: holder.ledger, found }),
        None => Err(Error::NoEpoch),
    }
}
