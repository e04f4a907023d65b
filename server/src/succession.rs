//! `succeed`: the successor takes the manifest key's place (SPEC.md, "Succession").
//!
//! Everything under the new key is made beside what the old key signed, which is answered from meanwhile; then the
//! accounts are carried over, and one file, the catalog, is replaced: that is the succession. What follows gives things
//! their names and destroys the old key. Cut off at any moment, the same command goes on; until it has, nothing else is
//! signed. The files on the way are in [`crate::home`].

use std::path::{Path, PathBuf};

use blindlist_protocol::catalog::{Catalog, Listed, audience_tag};
use blindlist_protocol::enrolment::successor_hash;
use blindlist_protocol::epoch::EpochRecord;
use blindlist_protocol::ids::{Digest, EpochId, InsurerId};
use blindlist_protocol::manifest::Manifest;
use blindlist_protocol::object;
use blindlist_protocol::signature::{SigningKey, VerifyingKey};
use blindlist_protocol::succession::Succession;
use blindlist_store::file;
use blindlist_store::passphrase::Passphrase;

use crate::catalog::{self, Snapshot};
use crate::epochs::opened;
use crate::home::{
    Home, LONGEST, NEXT_MANIFEST, NEXT_MANIFEST_KEY, NEXT_PUBLIC, NEXT_SUCCESSOR_HASH, NEXT_SUCCESSOR_KEY, StoredEpoch,
    copy_epoch, settle_manifest, write_new,
};
use crate::ledger::{self, Ledger, NewEpoch};
use crate::outside::{agree, now, random};
use crate::releases::{self, Release};
use crate::{Error, signed};

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Succeeded {
    /// The manifest key until now.
    pub old_key: VerifyingKey,
    /// The manifest key from now on.
    pub new_key: VerifyingKey,
    /// Live epochs, which have other ids now.
    pub epochs: usize,
    /// Live lists, which have other manifests now.
    pub lists: usize,
    /// The sequence of the catalog.
    pub sequence: u64,
    /// Whether an earlier command had begun it and was cut off.
    pub taken_up: bool,
}

/// Between the steps the command can be cut off, and tests do it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Begun,
    Keys,
    Epochs,
    Manifests,
    Succession,
    Ledger,
    /// It has happened.
    Catalog,
    Names,
    EpochKeys,
}

/// Makes the successor the manifest key, once a person has agreed or `agreed` says so. Its key is read from `successor`,
/// or else from the home; another one is drawn to be its successor. Done again, it finishes what was cut off.
///
/// # Errors
/// [`Error::NoSuccessor`], [`Error::NotTheSuccessor`], [`Error::NotAgreed`]; nothing is changed then. [`Error`] for
/// whatever is missing, locked or damaged.
pub async fn succeed(home: &Home, successor: Option<&Path>, agreed: bool) -> Result<Succeeded, Error> {
    run(home, successor, agreed, |_| Ok(())).await
}

async fn run(
    home: &Home,
    successor: Option<&Path>,
    agreed: bool,
    after: impl Fn(Step) -> Result<(), Error>,
) -> Result<Succeeded, Error> {
    // The one that a seal takes: both publish catalogs.
    let _lock = home.releases()?.lock()?;
    let begun = home.next_key()?;
    let ledger = home.ledger().await?;
    let happened = async {
        if !begun.is_some_and(|next| home.is_succeeded_by(&next)) {
            let (key, catalog) = prepare(home, &ledger, successor, agreed || begun.is_some(), &after).await?;
            catalog::publish(home, &ledger, catalog, &key).await?;
        }
        // What was cut off may have put it in the home alone.
        catalog::newest(home, &ledger, &home.operator_key()?).await
    };
    let happened = happened.await;
    ledger.close().await;
    let snapshot = happened?;
    after(Step::Catalog)?;
    let new_key = snapshot.catalog.operator_key;
    let live = releases::live(home, &snapshot.catalog, &new_key)?;
    let old_key = home.settled_key()?;
    live.iter().try_for_each(|release| settle_manifest(release.path()))?;
    after(Step::Names)?;
    home.destroy_former_epoch_keys()?;
    after(Step::EpochKeys)?;
    home.settle_keys()?;
    let (epochs, lists, sequence) = (snapshot.catalog.epochs.len(), live.len(), snapshot.catalog.sequence);
    Ok(Succeeded { old_key, new_key, epochs, lists, sequence, taken_up: begun.is_some() })
}

/// Makes all that is to be there before the catalog, which it returns with the key to sign it.
async fn prepare(
    home: &Home,
    ledger: &Ledger,
    successor: Option<&Path>,
    agreed: bool,
    after: impl Fn(Step) -> Result<(), Error>,
) -> Result<(SigningKey, Catalog), Error> {
    let heir = Heir::choose(home, ledger, successor).await?;
    heir.check_epochs(home, ledger).await?;
    if !agreed {
        ask(&heir)?;
    }
    file::write_atomic(home.online(NEXT_PUBLIC)?, heir.key.verifying().as_bytes())?;
    after(Step::Begun)?;
    let next = heir.write_keys(home)?;
    after(Step::Keys)?;
    let epochs = heir.write_epochs(home)?;
    after(Step::Epochs)?;
    let insurers: Vec<_> = ledger.insurers().await?.iter().map(|one| InsurerId::from_bytes(one.id)).collect();
    let manifests = heir.write_manifests(home, &insurers)?;
    after(Step::Manifests)?;
    let (operator, time) = (heir.snapshot.catalog.operator.clone(), now()?);
    let (old_key, new_key) = (heir.old, heir.key.verifying());
    let succession = Succession { operator, old_key, new_key, successor: next, time };
    home.write_succession(&old_key, &signed::sign("succession", &succession, &heir.key)?)?;
    after(Step::Succession)?;
    let carried_over = ledger::Succession { old_key, new_key, epochs: &epochs, at: time.cast_signed() };
    ledger.succeed(&carried_over).await?;
    after(Step::Ledger)?;
    let records = epochs.iter().map(|(_, epoch)| epoch.record).collect();
    Ok((heir.key, heir.snapshot.succeeded(records, manifests, new_key, time)))
}

/// The key that is about to be the manifest key, and what it takes over.
struct Heir {
    key: SigningKey,
    old: VerifyingKey,
    passphrase: Option<Passphrase>,
    snapshot: Snapshot,
    /// The live epochs.
    epochs: Vec<StoredEpoch>,
    live: Vec<Release>,
}

impl Heir {
    async fn choose(home: &Home, ledger: &Ledger, successor: Option<&Path>) -> Result<Self, Error> {
        let old = home.operator_key()?;
        let (key, passphrase) = read_successor(home, successor)?;
        let (new, pinned) = (key.verifying(), home.written_successor_hash()?);
        let begun = home.next_key()?.is_none_or(|next| next == new);
        if new == old || !begun || pinned.is_some_and(|pinned| pinned != successor_hash(&new)) {
            return Err(Error::NotTheSuccessor { path: successor_path(home, successor)? });
        }
        let snapshot = catalog::newest(home, ledger, &old).await?;
        let live = releases::live(home, &snapshot.catalog, &old)?;
        let mut epochs = home.epochs(&old)?;
        epochs.retain(|epoch| snapshot.catalog.epochs.contains(&epoch.digest));
        Ok(Self { key, old, passphrase, snapshot, epochs, live })
    }

    /// Requires that no epoch is half made or half retired: that is finished under the key that began it. What an attempt
    /// of this command has carried over already is neither.
    async fn check_epochs(&self, home: &Home, ledger: &Ledger) -> Result<(), Error> {
        let known = ledger.epochs().await?;
        for epoch in home.epochs(&self.old)? {
            let id = epoch.record.epoch;
            let heir = EpochRecord::id(&self.key.verifying(), &epoch.record.key);
            let carried_over = known.iter().any(|(known, _)| known == heir.as_bytes());
            let retired = known.iter().any(|(known, retired)| known == id.as_bytes() && retired.is_some());
            let live = self.epochs.iter().any(|live| live.record.epoch == id);
            if !carried_over && (live == retired || live != epoch.has_key()) {
                return Err(Error::EpochUnfinished(id));
            }
        }
        Ok(())
    }

    /// Writes the new manifest key and draws its successor, each unless that was done before; the successor's hash.
    fn write_keys(&self, home: &Home) -> Result<Digest, Error> {
        let (manifest, successor) = (home.offline(NEXT_MANIFEST_KEY)?, home.offline(NEXT_SUCCESSOR_KEY)?);
        if !manifest.exists() {
            write_new(&manifest, self.key.seed().as_slice(), self.passphrase.as_ref())?;
        }
        if !successor.exists() {
            write_new(&successor, random::<32>()?.as_slice(), self.passphrase.as_ref())?;
        }
        let hash = successor_hash(&home.signing_key(&successor)?.verifying());
        file::write_atomic(home.offline(NEXT_SUCCESSOR_HASH)?, hash.as_bytes())?;
        Ok(hash)
    }

    /// Writes the live epochs under the new key: for each, its id until now, and what it is from now on.
    fn write_epochs(&self, home: &Home) -> Result<Vec<(EpochId, NewEpoch)>, Error> {
        let operator_key = self.key.verifying();
        let mut written = Vec::new();
        for epoch in &self.epochs {
            let old = &epoch.record;
            let id = EpochRecord::id(&operator_key, &old.key);
            let record = EpochRecord { version: 1, operator_key, epoch: id, ..old.clone() };
            let bytes = signed::sign("epoch record", &record, &self.key)?;
            copy_epoch(home, old.epoch, id, &bytes)?;
            written.push((old.epoch, opened(&record, object::digest(&bytes))?));
        }
        Ok(written)
    }

    /// Writes the manifests of the live releases under the new key; the catalog is going to name them to the same insurers.
    fn write_manifests(&self, home: &Home, insurers: &[InsurerId]) -> Result<Vec<Listed>, Error> {
        let operator_key = self.key.verifying();
        let folder = home.releases()?;
        let mut written = Vec::new();
        for release in &self.live {
            let epoch = EpochRecord::id(&operator_key, &release.manifest.key);
            let manifest = Manifest { operator_key, epoch, ..release.manifest.clone() };
            let bytes = signed::sign("manifest", &manifest, &self.key)?;
            file::write_atomic(folder.join(manifest.release.to_string()).join(NEXT_MANIFEST), &bytes)?;
            let listed = self.snapshot.catalog.manifests.iter().find(|listed| listed.manifest == release.digest);
            let again = listed.and_then(|old| readdressed(old, object::digest(&bytes), insurers));
            written.push(again.ok_or_else(|| Error::Addressee(manifest.list.clone()))?);
        }
        Ok(written)
    }
}

/// How a catalog names a manifest that takes another's place, addressed to the same insurers; none if one is unknown.
fn readdressed(old: &Listed, manifest: Digest, insurers: &[InsurerId]) -> Option<Listed> {
    let mut listed = Listed::to_all(manifest);
    if !old.audience.is_empty() {
        let same = insurers.iter().filter(|insurer| old.addresses(insurer));
        listed.audience.extend(same.map(|insurer| audience_tag(&manifest, insurer)));
        listed.audience.sort_unstable();
    }
    // With one less, the last one less would open it to all.
    (listed.audience.len() == old.audience.len()).then_some(listed)
}

/// The successor's key, and the passphrase that the other offline keys are under.
fn read_successor(home: &Home, file: Option<&Path>) -> Result<(SigningKey, Option<Passphrase>), Error> {
    let path = successor_path(home, file)?;
    if !path.exists() {
        return Err(Error::NoSuccessor { path });
    }
    let (seed, own) = home.passphrases().read_exact(&path)?;
    let authority = home.offline("ca.key")?;
    let passphrase = if authority.exists() { home.passphrases().read(&authority, LONGEST)?.1 } else { own };
    Ok((SigningKey::from_seed(&seed), passphrase))
}

fn successor_path(home: &Home, file: Option<&Path>) -> Result<PathBuf, Error> {
    file.map_or_else(|| home.offline("successor.key"), |file| Ok(file.to_owned()))
}

fn ask(heir: &Heir) -> Result<(), Error> {
    eprintln!(
        "The manifest key {} is going to be destroyed,\nand {} to take its place for ever.\nEvery epoch gets another id, and \
         checks that insurers have not finished begin again and are paid again.",
        heir.old,
        heir.key.verifying()
    );
    agree("Do it?")
}

#[cfg(test)]
mod tests;
