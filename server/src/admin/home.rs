//! What the files of the home say beside the service and the ledger. They are read on a thread of its own.

use blindlist_protocol::checkpoint::note::Note;
use blindlist_protocol::ids::{EpochId, LedgerId};
use rustix::fs::statvfs;

use super::status::Disk;
use crate::home::Home;
use crate::service::{Service, View};
use crate::{audit, catalog};

/// What was found.
#[derive(Default)]
pub(super) struct Found {
    /// Whether there is a later catalog than the one that is served, or one that cannot be read.
    pub(super) later_catalog: bool,
    /// Epochs that are retired and whose key or record is still about.
    pub(super) half_retired: Vec<EpochId>,
    /// The entries of the log at the checkpoint that is kept, and when it was signed.
    pub(super) checkpoint: Option<(u64, u64)>,
    pub(super) disk: Option<Disk>,
}

/// Looks at the home of a service that serves `view`, and whose ledger says that these epochs are `retired`.
pub(super) async fn look(service: &Service, view: &View, retired: Vec<EpochId>) -> Found {
    let (home, served) = (service.home().clone(), view.snapshot().catalog.clone());
    let (ledger, receipt_key) = (LedgerId::from_bytes(service.ledger().id()), service.receipt_key());
    let looked = tokio::task::spawn_blocking(move || {
        let own = catalog::read_if_there(&home, &served.operator_key);
        let note = audit::open_note(&home.path().join(audit::NOTE), ledger, &receipt_key).ok();
        let checkpoint = note.as_ref().map(Note::checkpoint).map(|signed| (signed.size, signed.time));
        let epochs = home.epochs(&served.operator_key).unwrap_or_default().into_iter();
        let about = epochs.filter(|epoch| epoch.has_key() || served.epochs.contains(&epoch.digest));
        Found {
            later_catalog: own.map_or(true, |own| own.is_some_and(|own| own.catalog.sequence > served.sequence)),
            half_retired: about.map(|epoch| epoch.record.epoch).filter(|epoch| retired.contains(epoch)).collect(),
            checkpoint,
            disk: disk(&home),
        }
    });
    looked.await.unwrap_or_default()
}

fn disk(home: &Home) -> Option<Disk> {
    let found = statvfs(home.path()).ok()?;
    let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
    Some(Disk { free: bytes(found.f_bavail), size: bytes(found.f_blocks) })
}
