//! From a finished release to a live one, and what must be known of the operator for it.

use std::path::PathBuf;

use blindlist_protocol::catalog::{Listed, audience_tag};
use blindlist_protocol::ids::{Digest, InsurerId};
use blindlist_protocol::manifest::Manifest;
use blindlist_protocol::object;
use blindlist_protocol::signature::SigningKey;
use blindlist_protocol::text::Slug;
use blindlist_store::file;

use super::account::{ACCOUNT, Account};
use super::kept::{EVALUATIONS, destroy_kept};
use super::plan::Plan;
use super::report::Outcome;
use super::staging::{PLAN, Staging};
use crate::catalog::{self, Snapshot};
use crate::epochs::find_epoch;
use crate::home::{Home, StoredEpoch, move_folder};
use crate::ledger::Ledger;
use crate::outside::{now, wait};
use crate::releases::{self, Release};
use crate::{Error, signed};

/// What a seal needs to know of the operator.
pub(super) struct Operator {
    pub(super) key: SigningKey,
    snapshot: Snapshot,
    live: Vec<Release>,
    epochs: Vec<StoredEpoch>,
}

impl Operator {
    pub(super) fn load(home: &Home) -> Result<Self, Error> {
        let key = home.manifest_key()?;
        let snapshot = with_ledger(home, async |ledger| catalog::newest(home, ledger, &key.verifying()).await)?;
        let live = releases::live(home, &snapshot.catalog, &key.verifying())?;
        let mut epochs = home.epochs(&key.verifying())?;
        epochs.retain(|epoch| snapshot.catalog.epochs.contains(&epoch.digest));
        Ok(Self { key, snapshot, live, epochs })
    }

    /// All live releases, by list.
    pub(super) fn live(&self) -> &[Release] {
        &self.live
    }

    /// The live release of a list.
    pub(super) fn live_release(&self, list: &Slug) -> Option<&Release> {
        self.live.iter().find(|release| release.manifest.list == *list)
    }

    /// Whether the releases of a plan can take the place of the live ones, or have.
    pub(super) fn can_publish(&self, plan: &Plan) -> bool {
        plan.releases.iter().all(|planned| {
            let live = self.live_release(&planned.list);
            live.map(|release| release.digest) == planned.previous.map(|hex| hex.0)
                || live.is_some_and(|release| release.manifest.release == planned.release)
        })
    }

    /// The live epoch whose id begins with these digits, or the one that was made last.
    pub(super) fn chosen_epoch(&self, prefix: Option<&str>) -> Result<&StoredEpoch, Error> {
        match prefix {
            Some(prefix) => find_epoch(&self.epochs, prefix),
            None => self.epochs.last().ok_or(Error::NoEpoch),
        }
    }

    /// The live epoch of a plan.
    pub(super) fn epoch(&self, plan: &Plan) -> Result<&StoredEpoch, Error> {
        let epoch = self.epochs.iter().find(|epoch| epoch.record.epoch == plan.epoch);
        epoch.ok_or(Error::PlanEpoch(plan.epoch))
    }
}

const MANIFEST: &str = "manifest";
/// The file of an index in its release's folder.
pub(super) const INDEX: &str = "index";

/// A release whose index is written.
pub(super) struct Ready {
    pub(super) manifest: Manifest,
    /// The ids of those whom the manifest names.
    pub(super) addressees: Vec<InsurerId>,
}

impl Ready {
    /// How the catalog names it.
    fn listed(&self, digest: Digest) -> Listed {
        let mut listed = Listed::to_all(digest);
        listed.audience.extend(self.addressees.iter().map(|insurer| audience_tag(&digest, insurer)));
        listed.audience.sort_unstable();
        listed
    }
}

/// What was published.
pub(super) struct Published {
    pub(super) outcome: Outcome,
    /// The digests of the manifests, in the order of the releases.
    pub(super) manifests: Vec<Digest>,
    pub(super) catalog: Snapshot,
    pub(super) plan: PathBuf,
}

/// Signs the manifests and makes the releases live in one catalog, each in place of its list's live release.
pub(super) fn publish(
    home: &Home,
    operator: &Operator,
    staging: &Staging,
    plan: &Plan,
    account: &Account,
    ready: &[Ready],
) -> Result<Published, Error> {
    let signed = ready.iter().map(|release| signed::sign("manifest", &release.manifest, &operator.key));
    let signed = signed.collect::<Result<Vec<_>, _>>()?;
    let manifests: Vec<Digest> = signed.iter().map(|bytes| object::digest(bytes)).collect();
    let replaced = ready.iter().map(|release| operator.live_release(&release.manifest.list));
    let replaced: Vec<Option<Digest>> = replaced.map(|live| live.map(|release| release.digest)).collect();
    let is_next = ready.iter().zip(&replaced).all(|(release, live)| release.manifest.previous == *live);
    let all_live = manifests.iter().zip(&replaced).all(|(digest, live)| *live == Some(*digest));
    let plan_path = ready.first().map_or_else(PathBuf::new, |first| staging.target(first.manifest.release).join(PLAN));

    let mut missing = Vec::new();
    for (release, bytes) in ready.iter().zip(&signed) {
        if staging.target(release.manifest.release).exists() {
            check_same(staging, &release.manifest, bytes)?;
            keep_again(staging, &release.manifest)?;
        } else {
            missing.push((release, bytes));
        }
    }
    let published = |outcome, catalog| Published { outcome, manifests: manifests.clone(), catalog, plan: plan_path };
    if missing.is_empty() && (all_live || !is_next) {
        destroy_kept(home, &operator.live.iter().map(|release| release.manifest.release).collect::<Vec<_>>())?;
        return Ok(published(Outcome::Identical, operator.snapshot.clone()));
    }
    if !is_next {
        return Err(Error::PlanOutdated);
    }
    // Whatever a seal that was cut off here has moved already is made up for.
    for (release, bytes) in missing {
        let id = release.manifest.release;
        let folder = staging.staged(id);
        file::write_new(folder.join(MANIFEST), bytes)?;
        if ready.first().is_some_and(|first| first.manifest.release == id) {
            file::write_new(folder.join(PLAN), &plan.to_text())?;
            file::write_new(folder.join(ACCOUNT), &account.to_text())?;
        }
        move_folder(&folder, &staging.target(id))?;
    }
    let changes: Vec<_> = ready.iter().zip(&manifests).map(|(release, digest)| release.listed(*digest)).collect();
    let old: Vec<Digest> = replaced.into_iter().flatten().collect();
    let next = operator.snapshot.next(&old, changes, now()?);
    let catalog = with_ledger(home, async |ledger| catalog::publish(home, ledger, next, &operator.key).await)?;
    let staying = operator.live.iter().filter(|release| !old.contains(&release.digest));
    let live = staying.map(|release| &release.manifest).chain(ready.iter().map(|release| &release.manifest));
    destroy_kept(home, &live.map(|manifest| manifest.release).collect::<Vec<_>>())?;
    Ok(published(Outcome::Published, catalog))
}

/// Opened for a moment only: what is between takes hours.
fn with_ledger(
    home: &Home,
    work: impl AsyncFnOnce(&Ledger) -> Result<Snapshot, Error> + Send,
) -> Result<Snapshot, Error> {
    wait(async || {
        let ledger = home.ledger().await?;
        let done = work(&ledger).await;
        ledger.close().await;
        done
    })
}

/// The manifest holds the digest of every segment, so that only the stored index remains to be compared.
fn check_same(staging: &Staging, manifest: &Manifest, bytes: &[u8]) -> Result<(), Error> {
    let target = staging.target(manifest.release);
    let differs = || Error::ReleaseDiffers { path: target.clone() };
    let stored = file::read_limited(target.join(MANIFEST), bytes.len() as u64 + 1)?;
    if stored != bytes {
        return Err(differs());
    }
    let index = blindlist_records::digest(target.join(INDEX))?;
    let again = blindlist_records::digest(staging.staged(manifest.release).join(INDEX))?;
    if index != again || index.length != manifest.index_length {
        return Err(differs());
    }
    Ok(())
}

/// Gives a release that is there already what was kept for it, if that is missing.
fn keep_again(staging: &Staging, manifest: &Manifest) -> Result<(), Error> {
    let kept = staging.staged(manifest.release).join(EVALUATIONS);
    let place = staging.target(manifest.release).join(EVALUATIONS);
    if kept.exists() && !place.exists() {
        move_folder(&kept, &place)?;
    }
    Ok(())
}
