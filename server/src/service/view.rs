//! What the service says of itself to the operator's people: whether it is ready, and what it serves.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use blindlist_protocol::epoch::EpochRecord;
use blindlist_protocol::ids::Digest;
use blindlist_protocol::manifest::Manifest;
use blindlist_protocol::signature::VerifyingKey;

use super::Service;
use super::live::Live;
use super::watch::Watch;
use crate::catalog::Snapshot;
use crate::home::Home;
use crate::ledger::Ledger;
use crate::outside::now;

/// How long the ledger may take to answer whether it is there.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why insurers are not to be sent here now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotReady {
    /// The server is stopping.
    Draining,
    /// The ledger does not answer.
    Ledger,
    /// The catalog has expired: clients refuse it.
    Catalog,
    /// The audit log contradicts the checkpoint that the home keeps.
    Log,
}

impl fmt::Display for NotReady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Draining => "draining",
            Self::Ledger => "ledger",
            Self::Catalog => "catalog",
            Self::Log => "log",
        })
    }
}

/// What is served.
pub(crate) struct View(Arc<Live>);

impl View {
    pub(crate) fn snapshot(&self) -> &Snapshot {
        &self.0.snapshot
    }

    /// Live epochs and releases of which files are not in this home.
    pub(crate) fn lacking(&self) -> usize {
        self.0.lacking()
    }

    /// The records of the live epochs, oldest first.
    pub(crate) fn epochs(&self) -> Vec<&EpochRecord> {
        self.0.epoch_records()
    }

    /// The manifests of the live releases with their digests, by list.
    pub(crate) fn manifests(&self) -> Vec<(Digest, &Manifest)> {
        self.0.manifests()
    }
}

impl Service {
    /// Logs what it begins with.
    pub(crate) fn tell_start(&self) {
        let (live, version) = (self.live(), env!("CARGO_PKG_VERSION"));
        let catalog = &live.snapshot.catalog;
        let (lists, epochs) = (catalog.manifests.len(), catalog.epochs.len());
        tracing::info!(version, operator = %catalog.operator, sequence = catalog.sequence, lists, epochs, "serving");
    }

    /// From now on it says that it is stopping. It answers as before.
    pub fn begin_to_drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Whether insurers are to be sent here.
    pub(crate) async fn readiness(&self) -> Result<(), NotReady> {
        if self.draining.load(Ordering::Relaxed) {
            return Err(NotReady::Draining);
        }
        if self.log_contradicts.load(Ordering::Relaxed) {
            return Err(NotReady::Log);
        }
        match tokio::time::timeout(PATIENCE, self.ledger.ping()).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => return Err(NotReady::Ledger),
        }
        let expires = self.view().await.snapshot().catalog.expires;
        if now().is_ok_and(|now| now >= expires) { Err(NotReady::Catalog) } else { Ok(()) }
    }

    /// What is served now, after a look whether the home has something newer.
    pub(crate) async fn view(&self) -> View {
        self.follow_catalog().await;
        View(self.live())
    }

    /// What was served a moment ago, for when the ledger cannot be asked.
    pub(crate) fn last_view(&self) -> View {
        View(self.live())
    }

    pub(crate) fn home(&self) -> &Home {
        &self.home
    }

    pub(crate) fn operator_key(&self) -> VerifyingKey {
        self.live().snapshot.catalog.operator_key
    }

    /// The key that signs receipts and checkpoints.
    pub(crate) fn receipt_key(&self) -> VerifyingKey {
        self.receipt_key.verifying()
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    pub(crate) fn watch(&self) -> &Watch {
        &self.watch
    }
}

#[cfg(test)]
mod tests;
