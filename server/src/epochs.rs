//! Epochs: a second one beside the first, which there are, and the end of one (SPEC.md, "Epoch record").
//!
//! Every insurer is granted its budget in each epoch anew. A change goes in an order in which a kill at any moment leaves
//! something that the same command goes on with: a new epoch is whole before the catalog names it, and an epoch that is
//! retired is answered no more before it leaves the catalog, and its key is destroyed last.

use blindlist_protocol::catalog::Catalog;
use blindlist_protocol::epoch::{EpochRecord, Evidence, Holder};
use blindlist_protocol::ids::{Digest, EpochId, LedgerId};
use blindlist_protocol::object;
use blindlist_protocol::oprf::SecretKey;
use blindlist_protocol::params::CANARIES;
use blindlist_protocol::signature::{SigningKey, VerifyingKey};
use blindlist_protocol::text::Slug;
use blindlist_store::folder::FolderLock;

use crate::catalog::{self, Snapshot};
use crate::config::Config;
use crate::home::{Home, StoredEpoch, new_epoch_folder};
use crate::ledger::{Ledger, NewEpoch};
use crate::outside::{agree, now, random};
use crate::releases::{self, Release};
use crate::seal::{destroy_kept, destroy_staged};
use crate::show::{self, Heading};
use crate::{Error, signed};

/// An epoch that was made live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct New {
    /// Its id.
    pub epoch: EpochId,
    /// Whether an earlier command had begun it and was cut off.
    pub taken_up: bool,
}

/// An epoch that was retired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retired {
    /// Its id.
    pub epoch: EpochId,
    /// The lists that went with it.
    pub lists: Vec<Slug>,
}

/// The record of an epoch with one holder, which has the whole key.
pub(crate) fn new_record(
    config: &Config,
    (operator_key, receipt_key): (VerifyingKey, VerifyingKey),
    key: &SecretKey,
    ledger: LedgerId,
    evidence: Evidence,
    created: u64,
) -> Result<EpochRecord, Error> {
    let public = key.public();
    let mut canaries = [[0; 16]; CANARIES];
    for canary in &mut canaries {
        *canary = *random::<16>()?;
    }
    Ok(EpochRecord {
        version: 1,
        operator: config.operator.clone(),
        operator_key,
        epoch: EpochRecord::id(&operator_key, &public),
        key: public,
        threshold: 1,
        holders: vec![Holder { index: 1, share: public, receipt_key, ledger, addresses: config.addresses.clone() }],
        canaries,
        evidence,
        created,
    })
}

/// What the ledger is told of an epoch.
pub(crate) fn opened(record: &EpochRecord, digest: Digest) -> Result<NewEpoch, Error> {
    let EpochRecord { epoch, operator_key, key, .. } = *record;
    Ok(NewEpoch { epoch, operator_key, key, record: digest, at: now()?.cast_signed() })
}

/// Makes an epoch and adds it to the catalog; it is the newest, which lists are sealed in from now on. `evidence` says
/// whether insurers must keep what shows an auditor whom they asked about; one that was cut off stays as it was begun.
///
/// # Errors
/// [`Error`] for whatever is missing, locked or damaged. Nothing that is live is changed then.
pub async fn new(home: &Home, evidence: Evidence) -> Result<New, Error> {
    let custody = Custody::open(home).await?;
    let made = custody.new_epoch(evidence).await;
    custody.ledger.close().await;
    made
}

/// Ends an epoch whose id begins with `prefix`, once a person has agreed or `agreed` says so: nothing is answered in it
/// from now on, its lists leave the catalog, and its key is destroyed. Done again, it finishes what was cut off.
///
/// # Errors
/// [`Error::UnknownEpoch`], [`Error::AmbiguousEpoch`], [`Error::LastEpoch`], [`Error::NotAgreed`]; nothing is changed
/// then. [`Error`] for whatever is missing, locked or damaged.
pub async fn retire(home: &Home, prefix: &str, agreed: bool) -> Result<Retired, Error> {
    let custody = Custody::open(home).await?;
    let retired = custody.retire(prefix, agreed).await;
    custody.ledger.close().await;
    retired
}

/// The epochs, oldest first, as a table.
pub(crate) async fn list(home: &Home) -> Result<String, Error> {
    let operator_key = home.operator_key()?;
    let ledger = home.ledger().await?;
    let snapshot = catalog::current(home, &ledger, &operator_key).await?;
    let (stored, live) = (home.epochs(&operator_key)?, releases::live(home, &snapshot.catalog, &operator_key)?);
    let opened = ledger.epochs().await;
    ledger.close().await;
    let opened = opened?;
    let rows: Vec<_> = stored
        .iter()
        .map(|epoch| {
            let id = epoch.record.epoch;
            let retired = opened.iter().find(|(opened, _)| opened == id.as_bytes()).and_then(|(_, at)| *at);
            let lists: Vec<_> = lists_in(&live, id).iter().map(Slug::to_string).collect();
            [
                id.to_string(),
                status(epoch, &snapshot, retired),
                show::date(epoch.record.created),
                if lists.is_empty() { "-".to_owned() } else { lists.join(", ") },
            ]
        })
        .collect();
    let columns = [Heading::Text("epoch"), Heading::Text("status"), Heading::Text("created"), Heading::Text("lists")];
    Ok(show::table(columns, &rows))
}

fn status(epoch: &StoredEpoch, snapshot: &Snapshot, retired: Option<i64>) -> String {
    let in_catalog = snapshot.catalog.epochs.contains(&epoch.digest);
    match retired {
        Some(_) if in_catalog || epoch.has_key() => "half retired: repeat `epoch retire`".to_owned(),
        Some(at) => format!("retired {}", show::date(at.cast_unsigned())),
        None if in_catalog => "live".to_owned(),
        None => "unfinished: repeat `epoch new`".to_owned(),
    }
}

fn lists_in(live: &[Release], epoch: EpochId) -> Vec<Slug> {
    let within = live.iter().filter(|release| release.manifest.epoch == epoch);
    within.map(|release| release.manifest.list.clone()).collect()
}

/// A home whose epochs are changed, by this process alone.
struct Custody<'a> {
    home: &'a Home,
    key: SigningKey,
    snapshot: Snapshot,
    stored: Vec<StoredEpoch>,
    ledger: Ledger,
    retired: Vec<EpochId>,
    /// The one that a seal takes: both publish catalogs.
    _lock: FolderLock,
}

impl<'a> Custody<'a> {
    async fn open(home: &'a Home) -> Result<Self, Error> {
        let lock = home.releases()?.lock()?;
        let key = home.manifest_key()?;
        let ledger = home.ledger().await?;
        let snapshot = catalog::newest(home, &ledger, &key.verifying()).await?;
        let stored = home.epochs(&key.verifying())?;
        let retired = ledger.epochs().await?.into_iter().filter(|(_, at)| at.is_some());
        let retired = retired.map(|(epoch, _)| EpochId::from_bytes(epoch)).collect();
        Ok(Self { home, key, snapshot, stored, ledger, retired, _lock: lock })
    }

    fn is_live(&self, epoch: &StoredEpoch) -> bool {
        self.snapshot.catalog.epochs.contains(&epoch.digest) && !self.retired.contains(&epoch.record.epoch)
    }

    async fn publish(&self, catalog: Catalog) -> Result<(), Error> {
        catalog::publish(self.home, &self.ledger, catalog, &self.key).await.map(|_| ())
    }

    async fn new_epoch(&self, evidence: Evidence) -> Result<New, Error> {
        let cut_off = self.stored.iter().find(|epoch| {
            let in_catalog = self.snapshot.catalog.epochs.contains(&epoch.digest);
            !in_catalog && epoch.has_key() && !self.retired.contains(&epoch.record.epoch)
        });
        let (record, digest) = match cut_off {
            Some(epoch) => (epoch.record.clone(), epoch.digest),
            None => self.make(evidence)?,
        };
        self.ledger.open_epoch(&opened(&record, digest)?).await?;
        self.publish(self.snapshot.with_epoch(digest, now()?)).await?;
        Ok(New { epoch: record.epoch, taken_up: cut_off.is_some() })
    }

    /// Writes a new epoch, with its key under the passphrase that the other keys of `serve` are under.
    fn make(&self, evidence: Evidence) -> Result<(EpochRecord, Digest), Error> {
        let (receipt_key, passphrase) = self.home.receipt_key()?;
        let key = SecretKey::from_uniform_bytes(&*random::<64>()?).map_err(|_| Error::Randomness)?;
        let ledger = LedgerId::from_bytes(self.ledger.id());
        // Later than all others, however soon it follows and whatever the clock says: the newest is sealed in.
        let newest = self.stored.iter().map(|epoch| epoch.record.created).max().unwrap_or(0);
        let created = now()?.max(newest.saturating_add(1));
        let config = self.home.config()?;
        let record = new_record(&config, (self.key.verifying(), receipt_key), &key, ledger, evidence, created)?;
        let bytes = signed::sign("epoch record", &record, &self.key)?;
        new_epoch_folder(self.home, &record, &bytes, &key, passphrase.as_ref())?;
        let digest = object::digest(&bytes);
        Ok((record, digest))
    }

    async fn retire(&self, prefix: &str, agreed: bool) -> Result<Retired, Error> {
        let epoch = find_epoch(&self.stored, prefix)?;
        let id = epoch.record.epoch;
        if !self.stored.iter().any(|other| other.record.epoch != id && self.is_live(other)) {
            return Err(Error::LastEpoch(id));
        }
        let live = releases::live(self.home, &self.snapshot.catalog, &self.key.verifying())?;
        let lists = lists_in(&live, id);
        if !agreed {
            ask(id, &lists)?;
        }
        self.ledger.retire_epoch(id.as_bytes(), now()?.cast_signed()).await?;
        if self.snapshot.catalog.epochs.contains(&epoch.digest) {
            let within = live.iter().filter(|release| release.manifest.epoch == id);
            let manifests: Vec<_> = within.map(|release| release.digest).collect();
            self.publish(self.snapshot.without_epoch(epoch.digest, &manifests, now()?)).await?;
        }
        let stay = live.iter().filter(|release| release.manifest.epoch != id);
        destroy_kept(self.home, &stay.map(|release| release.manifest.release).collect::<Vec<_>>())?;
        destroy_staged(self.home, id)?;
        epoch.destroy_key()?;
        Ok(Retired { epoch: id, lists })
    }
}

/// The one epoch whose id begins with these digits.
pub(crate) fn find_epoch<'a>(epochs: &'a [StoredEpoch], prefix: &str) -> Result<&'a StoredEpoch, Error> {
    let wanted = prefix.to_ascii_lowercase();
    let mut found = epochs.iter().filter(|epoch| epoch.record.epoch.to_string().starts_with(&wanted));
    match (found.next(), found.next()) {
        (Some(epoch), None) => Ok(epoch),
        (None, _) => Err(Error::UnknownEpoch(wanted)),
        (Some(_), Some(_)) => Err(Error::AmbiguousEpoch(wanted)),
    }
}

fn ask(id: EpochId, lists: &[Slug]) -> Result<(), Error> {
    let lists: Vec<&str> = lists.iter().map(Slug::as_str).collect();
    let lists = if lists.is_empty() { "none".to_owned() } else { lists.join(", ") };
    eprintln!(
        "The epoch {id} ends: nothing is answered in it any more, and its key is destroyed for ever.\n\
         Lists that end with it: {lists}"
    );
    agree("Retire it?")
}

#[cfg(test)]
mod tests;
