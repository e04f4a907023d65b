//! What is live: the catalog, its objects, its indexes as open files, and the keys of its epochs. Replaced as a whole.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use blindlist_protocol::catalog::Listed;
use blindlist_protocol::ids::{Digest, EpochId, InsurerId, LedgerId, ReleaseId};
use blindlist_protocol::manifest::Manifest;
use blindlist_protocol::operator::EpochKey;
use blindlist_protocol::signature::VerifyingKey;

use super::Caller;
use crate::catalog::Snapshot;
use crate::home::Home;
use crate::{Error, releases};

pub(super) struct Live {
    pub(super) snapshot: Snapshot,
    epochs: HashMap<EpochId, Arc<EpochKey>>,
    records: HashMap<Digest, Vec<u8>>,
    releases: HashMap<ReleaseId, Arc<LiveRelease>>,
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
    /// under another passphrase by now.
    pub(super) fn load(
        home: &Home,
        operator_key: &VerifyingKey,
        ledger: LedgerId,
        snapshot: Snapshot,
        served: Option<&Self>,
    ) -> Result<Self, Error> {
        let (mut epochs, mut records) = (HashMap::new(), HashMap::new());
        for stored in home.epochs(operator_key)? {
            if snapshot.catalog.epochs.contains(&stored.digest) {
                let kept = served.filter(|served| served.records.contains_key(&stored.digest));
                let key = match kept.and_then(|served| served.epoch(&stored.record.epoch)) {
                    Some(key) => key,
                    None => Arc::new(stored.key()?),
                };
                check_ledger(&key, ledger)?;
                epochs.insert(stored.record.epoch, key);
                records.insert(stored.digest, stored.bytes);
            }
        }
        if records.len() != snapshot.catalog.epochs.len() || epochs.is_empty() {
            return Err(Error::NoEpoch);
        }
        let mut releases = HashMap::new();
        for release in releases::live(home, &snapshot.catalog, operator_key)? {
            let index = release.open_index()?;
            let Some(listed) = snapshot.catalog.manifests.iter().find(|listed| listed.manifest == release.digest)
            else {
                continue;
            };
            let live = LiveRelease { manifest: release.manifest, listed: listed.clone(), bytes: release.bytes, index };
            releases.insert(live.manifest.release, Arc::new(live));
        }
        Ok(Self { snapshot, epochs, records, releases })
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
