//! What is served follows the catalog: the home's or the ledger's, whichever is newer.
//!
//! Several servers on one ledger take it from there. One that has not got the files yet of a release or of an epoch serves
//! the rest, and whoever asks for those is told to come again.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use blindlist_protocol::ids::LedgerId;
use blindlist_protocol::refusal::{Refusal, RefusalCode};
use blindlist_store::file;

use super::Service;
use super::live::Live;
use crate::Error;
use crate::catalog::{self, Snapshot};
use crate::home::Home;
use crate::ledger::Ledger;
use crate::outside::instant;

/// Milliseconds after which whoever asks for what is missing in this home is told to come again.
const MISSING_WAIT: u64 = 5_000;
/// How long after a look for missing files the next one is.
const PAUSE: Duration = Duration::from_secs(1);

/// What is known of the catalog's two places.
#[derive(Debug, Default)]
pub(super) struct Followed {
    /// When missing files were looked for last.
    looked: Option<Instant>,
    /// Whether the ledger has the catalog that is served, or a newer one.
    in_ledger: bool,
}

#[cfg(test)]
impl Followed {
    /// As if a second had passed.
    pub(super) fn look_again(&mut self) {
        self.looked = None;
    }
}

/// What is not in this home yet.
pub(super) fn missing() -> Refusal {
    Refusal::with(RefusalCode::Busy, MISSING_WAIT)
}

/// What a server that starts serves: the newer one of two catalogs.
pub(super) async fn begin(home: &Home, ledger: &Ledger) -> Result<(Live, Followed), Error> {
    let snapshot = catalog::current(home, ledger, &home.operator_key()?).await?;
    let live = Live::load(home, LedgerId::from_bytes(ledger.id()), snapshot, None)?;
    let in_ledger = put_in_ledger(home, ledger, &live.snapshot).await;
    Ok((live, Followed { looked: None, in_ledger }))
}

/// The ledger's catalog, if the home's key signed it. Otherwise a succession has not reached this home, or the ledger.
fn of_ledger(bytes: Vec<u8>, home: &Home) -> Option<Snapshot> {
    let opened = home.operator_key().and_then(|key| Snapshot::of_ledger(bytes, &key));
    opened.inspect_err(|error| tracing::warn!(%error, "the catalog in the ledger is not taken")).ok()
}

/// Makes up for a publication that was cut off between the home and the ledger. Whether that is settled.
async fn put_in_ledger(home: &Home, ledger: &Ledger, snapshot: &Snapshot) -> bool {
    let settled = catalog::put_in_ledger(home, ledger, snapshot).await;
    settled.inspect_err(|error| tracing::warn!(%error, "the catalog could not be put in the ledger yet")).is_ok()
}

impl Service {
    /// Takes over the newest catalog, and files that were missing. On failure what is served stays.
    pub(super) async fn follow_catalog(&self) {
        let mut followed = self.followed.lock().await;
        let served = self.live();
        let look = served.is_incomplete() && followed.looked.is_none_or(|last| last.elapsed() >= PAUSE);
        if look {
            followed.looked = Some(instant());
        }
        match self.newer(&served, look).await {
            Ok(None) => {}
            Ok(Some(live)) => {
                let (sequence, lists) = (live.snapshot.catalog.sequence, live.snapshot.catalog.manifests.len());
                if live.snapshot != served.snapshot {
                    tracing::info!(sequence, lists, "a new catalog is served");
                    followed.in_ledger = false;
                }
                *self.live.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(live);
            }
            Err(error) => tracing::error!(%error, "the new catalog cannot be served; the old one still is"),
        }
        if !followed.in_ledger && (look || !self.live().is_incomplete()) {
            followed.in_ledger = put_in_ledger(&self.home, &self.ledger, &self.live().snapshot).await;
        }
    }

    /// What is to be served instead, if there is anything new.
    async fn newer(&self, served: &Arc<Live>, look: bool) -> Result<Option<Live>, Error> {
        let sequence = served.snapshot.catalog.sequence;
        let shared = match self.ledger.catalog_after(sequence).await {
            Ok(shared) => shared.and_then(|bytes| of_ledger(bytes, &self.home)),
            Err(error) => {
                tracing::warn!(%error, "whether the ledger has a new catalog is not known");
                None
            }
        };
        let (home, served) = (self.home.clone(), Arc::clone(served));
        let ledger = LedgerId::from_bytes(self.ledger.id());
        let loaded = tokio::task::spawn_blocking(move || {
            let own = other_in_home(&home, &served.snapshot);
            let own = if shared.is_some() { own.ok().flatten() } else { own? };
            let newer = own.into_iter().chain(shared).filter(|found| found.catalog.sequence > sequence);
            match newer.max_by_key(|found| found.catalog.sequence) {
                Some(newest) => Live::load(&home, ledger, newest, Some(&served)).map(Some),
                None if look => {
                    let again = Live::load(&home, ledger, served.snapshot.clone(), Some(&served))?;
                    Ok((!again.lacks_the_same(&served)).then_some(again))
                }
                None => Ok(None),
            }
        });
        let failed = |_| Error::Runtime { doing: "load the catalog", source: std::io::Error::other("it panicked") };
        loaded.await.map_err(failed)?
    }
}

/// The home's catalog, if it is another than is served. Most times it is the same, and nothing is verified.
fn other_in_home(home: &Home, served: &Snapshot) -> Result<Option<Snapshot>, Error> {
    if file::read_limited(home.catalog_path(), served.bytes.len() as u64).is_ok_and(|bytes| bytes == served.bytes) {
        return Ok(None);
    }
    catalog::read_if_there(home, &home.operator_key()?)
}
