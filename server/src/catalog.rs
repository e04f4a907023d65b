//! The catalog snapshot of a home: what is live (SPEC.md, "Catalog snapshot").

use blindlist_protocol::catalog::{Catalog, Listed};
use blindlist_protocol::ids::Digest;
use blindlist_protocol::object;
use blindlist_protocol::signature::{SigningKey, VerifyingKey};
use blindlist_protocol::text::Slug;
use blindlist_store::file;

use crate::home::Home;
use crate::{Error, signed};

/// How long a snapshot may be relied on, in seconds: 366 days.
const VALIDITY: u64 = 366 * 86_400;

/// A snapshot with its signed bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The signed object.
    pub bytes: Vec<u8>,
    /// What it says.
    pub catalog: Catalog,
}

impl Snapshot {
    /// The snapshot of a home, verified under the operator's key.
    ///
    /// # Errors
    /// [`Error::Store`], or [`Error::Object`] when the operator's key did not sign it.
    pub fn read(home: &Home, operator_key: &VerifyingKey) -> Result<Self, Error> {
        let (bytes, catalog) = signed::read("catalog snapshot", &home.catalog_path(), operator_key)?;
        Ok(Self { bytes, catalog })
    }

    /// SHA-256 of the signed object: what insurers compare to detect that they are shown different views.
    pub fn digest(&self) -> Digest {
        object::digest(&self.bytes)
    }

    /// The first snapshot of an operator: its epochs, and no release.
    pub(crate) fn first(operator: Slug, key: &SigningKey, epoch: Digest, now: u64) -> Result<Self, Error> {
        let catalog = Catalog {
            operator,
            operator_key: key.verifying(),
            sequence: 1,
            issued: now,
            expires: now.saturating_add(VALIDITY),
            epochs: vec![epoch],
            manifests: Vec::new(),
            checkpoints: Vec::new(),
        };
        Self::sign(catalog, key)
    }

    /// The next snapshot: without the old manifests, and with the new ones.
    pub(crate) fn next(&self, old: &[Digest], new: Vec<Listed>, key: &SigningKey, now: u64) -> Result<Self, Error> {
        let mut catalog = self.later(now);
        let goes = |digest: &Digest| old.contains(digest) || new.iter().any(|listed| listed.manifest == *digest);
        catalog.manifests.retain(|listed| !goes(&listed.manifest));
        catalog.manifests.extend(new);
        catalog.manifests.sort_unstable_by_key(|listed| listed.manifest);
        Self::sign(catalog, key)
    }

    /// The next snapshot, with one more epoch.
    pub(crate) fn with_epoch(&self, epoch: Digest, key: &SigningKey, now: u64) -> Result<Self, Error> {
        let mut catalog = self.later(now);
        catalog.epochs.push(epoch);
        catalog.epochs.sort_unstable();
        catalog.epochs.dedup();
        Self::sign(catalog, key)
    }

    /// The next snapshot, without an epoch and the manifests of its releases.
    pub(crate) fn without_epoch(
        &self,
        epoch: Digest,
        manifests: &[Digest],
        key: &SigningKey,
        now: u64,
    ) -> Result<Self, Error> {
        let mut catalog = self.later(now);
        catalog.epochs.retain(|listed| *listed != epoch);
        catalog.manifests.retain(|listed| !manifests.contains(&listed.manifest));
        Self::sign(catalog, key)
    }

    /// What it says, as a later snapshot would say it.
    fn later(&self, now: u64) -> Catalog {
        let mut catalog = self.catalog.clone();
        catalog.sequence = catalog.sequence.saturating_add(1);
        catalog.issued = now;
        catalog.expires = now.saturating_add(VALIDITY);
        catalog
    }

    /// Puts it in place of the home's snapshot.
    pub(crate) fn publish(&self, home: &Home) -> Result<(), Error> {
        Ok(file::write_atomic(home.catalog_path(), &self.bytes)?)
    }

    fn sign(catalog: Catalog, key: &SigningKey) -> Result<Self, Error> {
        let bytes = signed::sign("catalog snapshot", &catalog, key)?;
        Ok(Self { bytes, catalog })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_snapshot_replaces_some_manifests_and_keeps_the_others_ascending() {
        let key = SigningKey::from_seed(&[1; 32]);
        let digest = |byte| Digest::from_bytes([byte; 32]);
        let first = Snapshot::first("op".parse().unwrap(), &key, digest(9), 100).unwrap();
        let listed = |byte| Listed::to_all(digest(byte));
        let one = first.next(&[], vec![listed(5)], &key, 200).unwrap();
        let two = one.next(&[], vec![listed(3)], &key, 300).unwrap();
        assert_eq!((two.catalog.sequence, two.catalog.manifests.clone()), (3, vec![listed(3), listed(5)]));
        let replaced = two.next(&[digest(5)], vec![listed(1)], &key, 400).unwrap();
        assert_eq!(replaced.catalog.manifests, vec![listed(1), listed(3)]);
        assert_eq!(replaced.catalog.epochs, vec![digest(9)]);
        assert_eq!((replaced.catalog.issued, replaced.catalog.expires), (400, 400 + VALIDITY));
        assert_eq!(object::open::<Catalog>(&replaced.bytes, &key.verifying()), Ok(replaced.catalog));
    }
}
