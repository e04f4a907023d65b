//! The catalog snapshot: what is live (SPEC.md, "Catalog snapshot").
//!
//! It is in two places: in the home, and in the ledger, from which all servers of that ledger take it. `publish` writes
//! it to both, in this order; whoever finds one of them behind brings it up to date.

use std::collections::HashMap;

use blindlist_protocol::catalog::{Catalog, Listed};
use blindlist_protocol::checkpoint::Checkpoint;
use blindlist_protocol::ids::{Digest, LedgerId};
use blindlist_protocol::object;
use blindlist_protocol::signature::{SigningKey, VerifyingKey};
use blindlist_protocol::text::Slug;
use blindlist_store::file;

use crate::home::Home;
use crate::ledger::{Ledger, Publication};
use crate::outside::now;
use crate::{Error, audit, not_there, releases, signed};

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

    /// The snapshot of these bytes, which are not in a file of the home.
    ///
    /// # Errors
    /// [`Error::LedgerCatalog`] when the operator's key did not sign it.
    pub(crate) fn of_ledger(bytes: Vec<u8>, operator_key: &VerifyingKey) -> Result<Self, Error> {
        let catalog = object::open(&bytes, operator_key).map_err(Error::LedgerCatalog)?;
        Ok(Self { bytes, catalog })
    }

    /// The next snapshot: without the old manifests, and with the new ones.
    pub(crate) fn next(&self, old: &[Digest], new: Vec<Listed>, now: u64) -> Catalog {
        let mut catalog = self.later(now);
        let goes = |digest: &Digest| old.contains(digest) || new.iter().any(|listed| listed.manifest == *digest);
        catalog.manifests.retain(|listed| !goes(&listed.manifest));
        catalog.manifests.extend(new);
        catalog.manifests.sort_unstable_by_key(|listed| listed.manifest);
        catalog
    }

    /// The next snapshot, with one more epoch.
    pub(crate) fn with_epoch(&self, epoch: Digest, now: u64) -> Catalog {
        let mut catalog = self.later(now);
        catalog.epochs.push(epoch);
        catalog.epochs.sort_unstable();
        catalog.epochs.dedup();
        catalog
    }

    /// The next snapshot, without an epoch and the manifests of its releases.
    pub(crate) fn without_epoch(&self, epoch: Digest, manifests: &[Digest], now: u64) -> Catalog {
        let mut catalog = self.later(now);
        catalog.epochs.retain(|listed| *listed != epoch);
        catalog.manifests.retain(|listed| !manifests.contains(&listed.manifest));
        catalog
    }

    /// The next snapshot by a key that succeeds this one's: the same epochs and releases under other names.
    pub(crate) fn succeeded(
        &self,
        mut epochs: Vec<Digest>,
        mut manifests: Vec<Listed>,
        operator_key: VerifyingKey,
        now: u64,
    ) -> Catalog {
        epochs.sort_unstable();
        manifests.sort_unstable_by_key(|listed| listed.manifest);
        Catalog { operator_key, epochs, manifests, ..self.later(now) }
    }

    /// What it says, as a later snapshot would say it.
    fn later(&self, now: u64) -> Catalog {
        let mut catalog = self.catalog.clone();
        catalog.sequence = catalog.sequence.saturating_add(1);
        catalog.issued = now;
        catalog.expires = now.saturating_add(VALIDITY);
        catalog
    }
}

/// The first snapshot of an operator: its epoch, and no release.
pub(crate) fn first(operator: Slug, operator_key: VerifyingKey, epoch: Digest, now: u64) -> Catalog {
    Catalog {
        operator,
        operator_key,
        sequence: 1,
        issued: now,
        expires: now.saturating_add(VALIDITY),
        epochs: vec![epoch],
        manifests: Vec::new(),
        checkpoints: Vec::new(),
    }
}

/// Signs a catalog, with the newest checkpoint of the ledger's log in it, and puts it in the home and then in the ledger.
/// The home is the caller's alone meanwhile ([`Home::releases`] are locked).
///
/// # Errors
/// [`Error::CatalogTaken`] when another home of this ledger has published one meanwhile; [`Error`] for what cannot be
/// signed, read or written.
pub(crate) async fn publish(
    home: &Home,
    ledger: &Ledger,
    mut catalog: Catalog,
    key: &SigningKey,
) -> Result<Snapshot, Error> {
    let id = LedgerId::from_bytes(ledger.id());
    let receipt_key = home.receipt_signing_key()?;
    // The manifest key vouches for the log: not for one that was rolled back.
    let (_, head) = audit::check_kept(home, ledger, &receipt_key.verifying()).await?;
    let checkpoint = Checkpoint::sign(id, &head, now()?, &receipt_key);
    catalog.checkpoints.retain(|other| other.ledger != id);
    catalog.checkpoints.push(checkpoint);
    catalog.checkpoints.sort_unstable_by_key(|checkpoint| checkpoint.ledger);
    let bytes = signed::sign("catalog snapshot", &catalog, key)?;
    let snapshot = Snapshot { bytes, catalog };
    write(home, &snapshot)?;
    match put_in_ledger(home, ledger, &snapshot).await? {
        true => Ok(snapshot),
        false => Err(Error::CatalogTaken),
    }
}

/// The newest snapshot, the home's or the ledger's; the other is brought up to date. The home is the caller's alone
/// meanwhile.
///
/// # Errors
/// [`Error::Store`], [`Error::Object`] or [`Error::LedgerCatalog`] when the operator's key signed neither.
pub(crate) async fn newest(home: &Home, ledger: &Ledger, operator_key: &VerifyingKey) -> Result<Snapshot, Error> {
    let own = read_if_there(home, operator_key)?;
    let shared = ledger.catalog().await?.map(|bytes| Snapshot::of_ledger(bytes, operator_key));
    match (own, shared) {
        (Some(own), Some(Ok(shared))) if own.catalog.sequence > shared.catalog.sequence => {
            put_in_ledger(home, ledger, &own).await?;
            Ok(own)
        }
        // That of before a succession which was cut off here.
        (Some(own), Some(Err(_)) | None) => {
            put_in_ledger(home, ledger, &own).await?;
            Ok(own)
        }
        (own, Some(shared)) => {
            let shared = shared?;
            if own.is_none_or(|own| own != shared) {
                write(home, &shared)?;
            }
            Ok(shared)
        }
        (None, None) => Snapshot::read(home, operator_key),
    }
}

/// The newest snapshot, for whoever only reads: nothing is brought up to date.
///
/// # Errors
/// Those of [`newest`].
pub(crate) async fn current(home: &Home, ledger: &Ledger, operator_key: &VerifyingKey) -> Result<Snapshot, Error> {
    let (shared, own) = (ledger.catalog().await?, read_if_there(home, operator_key));
    let of_ledger = |bytes| Snapshot::of_ledger(bytes, operator_key);
    let told = |error: &Error| tracing::warn!(%error, "the catalog in the ledger is not taken");
    match (own, shared.and_then(|bytes| of_ledger(bytes).inspect_err(told).ok())) {
        (Ok(Some(own)), Some(shared)) if own.catalog.sequence > shared.catalog.sequence => Ok(own),
        (_, Some(shared)) => Ok(shared),
        (Ok(Some(own)), None) => Ok(own),
        (Ok(None), None) => Snapshot::read(home, operator_key),
        (Err(error), None) => Err(error),
    }
}

/// Puts a snapshot in the ledger too, which logs the manifests that are new in it; `false` when the ledger has another one
/// that is not older.
///
/// # Errors
/// [`Error::ReleaseMissing`] when a manifest is not in the home, [`Error::Ledger`].
pub(crate) async fn put_in_ledger(home: &Home, ledger: &Ledger, snapshot: &Snapshot) -> Result<bool, Error> {
    let Snapshot { bytes, catalog } = snapshot;
    let found = releases::live(home, catalog, &catalog.operator_key)?;
    let epochs: HashMap<_, _> = found.iter().map(|release| (release.digest, release.manifest.epoch)).collect();
    let manifests: Vec<_> =
        catalog.manifests.iter().filter_map(|listed| Some((*epochs.get(&listed.manifest)?, listed.manifest))).collect();
    let publication =
        Publication { sequence: catalog.sequence, bytes, manifests: &manifests, at: now()?.cast_signed() };
    Ok(ledger.publish(&publication).await? || ledger.catalog().await?.as_ref() == Some(bytes))
}

/// The home's snapshot; a home that is a new server's has none yet.
pub(crate) fn read_if_there(home: &Home, operator_key: &VerifyingKey) -> Result<Option<Snapshot>, Error> {
    match Snapshot::read(home, operator_key) {
        Err(error) if not_there(&error) => Ok(None),
        read => read.map(Some),
    }
}

/// Puts it in place of the home's snapshot.
fn write(home: &Home, snapshot: &Snapshot) -> Result<(), Error> {
    Ok(file::write_atomic(home.catalog_path(), &snapshot.bytes)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_snapshot_replaces_some_manifests_and_keeps_the_others_ascending() {
        let key = SigningKey::from_seed(&[1; 32]).verifying();
        let digest = |byte| Digest::from_bytes([byte; 32]);
        let snapshot = |catalog| Snapshot { bytes: Vec::new(), catalog };
        let first = snapshot(first("op".parse().unwrap(), key, digest(9), 100));
        let listed = |byte| Listed::to_all(digest(byte));
        let one = snapshot(first.next(&[], vec![listed(5)], 200));
        let two = snapshot(one.next(&[], vec![listed(3)], 300));
        assert_eq!((two.catalog.sequence, two.catalog.manifests.clone()), (3, vec![listed(3), listed(5)]));
        let replaced = two.next(&[digest(5)], vec![listed(1)], 400);
        assert_eq!(replaced.manifests, vec![listed(1), listed(3)]);
        assert_eq!(replaced.epochs, vec![digest(9)]);
        assert_eq!((replaced.issued, replaced.expires), (400, 400 + VALIDITY));
    }

    /// Two homes of one ledger at the same time: the first one counts, and the second goes on from it.
    #[tokio::test]
    async fn of_two_catalogs_with_one_sequence_the_ledgers_counts() {
        let operator = crate::testing::Operator::new().await;
        let (home, ledger) = (&operator.home, operator.home.ledger().await.unwrap());
        let key = home.manifest_key().unwrap();
        let base = operator.snapshot();
        let first = publish(home, &ledger, base.next(&[], vec![], 1_000), &key).await.unwrap();
        let second = publish(home, &ledger, base.next(&[], vec![], 2_000), &key).await;
        assert!(matches!(second, Err(Error::CatalogTaken)), "{second:?}");
        assert_eq!(current(home, &ledger, &key.verifying()).await.unwrap(), first);
        assert_ne!(operator.snapshot(), first);
        assert_eq!(newest(home, &ledger, &key.verifying()).await.unwrap(), first);
        assert_eq!(operator.snapshot(), first);
        let third = publish(home, &ledger, first.next(&[], vec![], 3_000), &key).await.unwrap();
        assert_eq!((third.catalog.sequence, third.catalog.checkpoints.len()), (first.catalog.sequence + 1, 1));
    }
}
