//! The service: one request, one response, without a socket (SPEC.md, "Evaluation", "Messages", "Refusals").
//!
//! Whoever has a transport calls [`Service::answer`] with the digest of the caller's certificate. Everything is
//! authorised anew from the ledger. What is answered follows the catalog in the home: a release that is published
//! meanwhile is served from the next catalog request on. Logs name insurers, counts and codes, and nobody else.

mod evaluate;
mod live;
mod queue;
mod rate;
#[cfg(test)]
mod tests;

use std::num::NonZeroU64;
use std::sync::{Arc, PoisonError, RwLock};

use blindlist_protocol::codec::CodecError;
use blindlist_protocol::ids::{Digest, EpochId, LedgerId, ReleaseId};
use blindlist_protocol::message::{Account, Request, Response};
use blindlist_protocol::operator::EpochKey;
use blindlist_protocol::params::{MAX_AUDIT_ENTRY, MAX_RESPONSE};
use blindlist_protocol::refusal::{Refusal, RefusalCode};
use blindlist_protocol::signature::VerifyingKey;
use blindlist_protocol::text::Slug;
use blindlist_store::file;
use blindlist_transport::Incoming;
use tokio::sync::Mutex;

use self::live::Live;
use self::queue::{Places, Queue};
use self::rate::Rates;
use crate::Error;
use crate::catalog::Snapshot;
use crate::config::Limits;
use crate::home::Home;
use crate::ledger::{Ledger, LedgerError, Status};

/// Milliseconds after which an insurer that found the ledger busy is told to come again.
const BUSY_WAIT: u64 = 1_000;

/// Answers insurers from one home.
pub struct Service {
    home: Home,
    operator_key: VerifyingKey,
    ledger: Ledger,
    live: RwLock<Arc<Live>>,
    rates: Rates,
    /// Held while the live state is being replaced.
    reloading: Mutex<()>,
    /// Who is evaluated for next.
    queue: Queue,
}

/// The insurer that asks.
struct Caller {
    id: [u8; 16],
    name: Slug,
    signing_key: VerifyingKey,
    /// Evaluations in a minute, if it has a rate of its own.
    rate: Option<NonZeroU64>,
}

impl Service {
    /// Opens a home for serving: catalog, live releases, epochs with their keys, and the ledger. Never `keys/offline`.
    ///
    /// # Errors
    /// [`Error::WrongLedger`] when an epoch is accounted for in another ledger; [`Error`] for whatever is missing or
    /// damaged.
    pub async fn open(home: Home) -> Result<Self, Error> {
        let operator_key = home.operator_key()?;
        let ledger = home.ledger().await?;
        let id = LedgerId::from_bytes(ledger.id());
        let snapshot = Snapshot::read(&home, &operator_key)?;
        let live = Live::load(&home, &operator_key, id, snapshot, None)?;
        let config = home.config()?;
        let rates = Rates::new(config.rate);
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self {
            home,
            operator_key,
            ledger,
            live: RwLock::new(Arc::new(live)),
            rates,
            reloading: Mutex::new(()),
            // One more than cores: a chunk that is being charged waits for the disk.
            queue: Queue::new(cores + 1, Places::of(&config.limits)),
        })
    }

    /// Answers one request of the insurer whose certificate has this SHA-256. Refusals are answers too.
    pub async fn answer(&self, certificate: &[u8; 32], request: Incoming) -> Response {
        match self.try_answer(certificate, request).await {
            Ok(response) => response,
            Err(refusal) => Response::Refused(refusal),
        }
    }

    /// Changes how many evaluations an insurer without a rate of its own may have in a minute.
    pub fn set_rate(&self, rate: NonZeroU64) {
        self.rates.set_usual(rate);
    }

    /// Changes how many chunks may wait for their turn.
    pub fn set_places(&self, limits: &Limits) {
        self.queue.set_places(Places::of(limits));
    }

    /// Closes the ledger, after what is being charged.
    pub async fn close(&self) {
        self.ledger.close().await;
    }

    async fn try_answer(&self, certificate: &[u8; 32], request: Incoming) -> Result<Response, Refusal> {
        let request = decode(request)?;
        let caller = Arc::new(self.identify(certificate).await?);
        let answered = match request {
            Request::Catalog => Ok(self.catalog().await),
            Request::Object(digest) => self.object(&caller, &digest),
            Request::Segment { release, number } => self.segment(&caller, release, number).await,
            Request::Account(epoch) => self.account(&caller, epoch).await,
            Request::Evaluate(evaluate) => self.evaluate(&caller, evaluate).await,
        };
        if let Err(refusal) = &answered {
            tracing::info!(insurer = %caller.name, code = u16::from(refusal.code), "refused: {}", refusal.code);
        }
        answered
    }

    /// [EVA-1]
    async fn identify(&self, certificate: &[u8; 32]) -> Result<Caller, Refusal> {
        let found = self.ledger.by_certificate(certificate).await.map_err(|error| ledger_refusal(&error))?;
        let Some(insurer) = found else {
            tracing::warn!("a caller's certificate belongs to no enrolled insurer");
            return Err(RefusalCode::UnknownInsurer.into());
        };
        let name: Slug = insurer.name.parse().map_err(|_| {
            tracing::error!("the ledger holds an insurer whose name is not allowed");
            RefusalCode::Internal
        })?;
        match insurer.status {
            Status::Active => {
                let signing_key = VerifyingKey::from_bytes(insurer.signing_key);
                Ok(Caller { id: insurer.id, name, signing_key, rate: insurer.rate })
            }
            Status::Suspended => {
                tracing::info!(insurer = %name, "refused: suspended");
                Err(RefusalCode::Suspended.into())
            }
        }
    }

    async fn catalog(&self) -> Response {
        self.follow_catalog().await;
        Response::Catalog(self.live().snapshot.bytes.clone())
    }

    fn object(&self, caller: &Caller, digest: &Digest) -> Result<Response, Refusal> {
        let live = self.live();
        let object = live.object(digest, caller).ok_or(RefusalCode::UnknownObject)?;
        Ok(Response::Object(object.to_vec()))
    }

    async fn segment(&self, caller: &Caller, release: ReleaseId, number: u32) -> Result<Response, Refusal> {
        let live = self.live();
        let release = live.release(&release, caller).ok_or(RefusalCode::UnknownObject)?;
        let range = release.manifest.segment(number).ok_or(RefusalCode::UnknownObject)?;
        let read = tokio::task::spawn_blocking(move || release.read(range)).await;
        match read {
            Ok(Ok(bytes)) => Ok(Response::Segment(bytes)),
            Ok(Err(error)) => {
                tracing::error!(%error, "a segment could not be read");
                Err(RefusalCode::Internal.into())
            }
            Err(_) => Err(RefusalCode::Internal.into()),
        }
    }

    async fn account(&self, caller: &Caller, epoch: EpochId) -> Result<Response, Refusal> {
        self.served_epoch(&epoch).await?;
        Ok(Response::Account(self.read_account(caller, &epoch).await?))
    }

    async fn read_account(&self, caller: &Caller, epoch: &EpochId) -> Result<Account, Refusal> {
        let found = self.ledger.account(&caller.id, epoch.as_bytes()).await;
        Ok(found.map_err(|error| ledger_refusal(&error))?.ok_or(RefusalCode::UnknownEpoch)?)
    }

    /// The key of an epoch that is answered in. An epoch that was retired meanwhile is let go. [EVA-2]
    async fn served_epoch(&self, epoch: &EpochId) -> Result<Arc<EpochKey>, Refusal> {
        let retired = self.ledger.is_retired(epoch.as_bytes()).await.map_err(|error| ledger_refusal(&error))?;
        let live = self.live().epoch(epoch);
        if retired {
            if live.is_some() {
                self.follow_catalog().await;
            }
            return Err(RefusalCode::RetiredEpoch.into());
        }
        Ok(live.ok_or(RefusalCode::UnknownEpoch)?)
    }

    fn live(&self) -> Arc<Live> {
        Arc::clone(&self.live.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes over the catalog of the home if it is another one than is served. On failure the old one stays.
    async fn follow_catalog(&self) {
        let _alone = self.reloading.lock().await;
        let (home, operator_key, served) = (self.home.clone(), self.operator_key, self.live());
        let ledger = LedgerId::from_bytes(self.ledger.id());
        let loaded = tokio::task::spawn_blocking(move || {
            let limit = served.snapshot.bytes.len() as u64;
            // Most times it is the same: then nothing is verified and nothing loaded.
            if file::read_limited(home.catalog_path(), limit).is_ok_and(|bytes| bytes == served.snapshot.bytes) {
                return Ok(None);
            }
            let snapshot = Snapshot::read(&home, &operator_key)?;
            Live::load(&home, &operator_key, ledger, snapshot, Some(&served)).map(Some)
        });
        match loaded.await {
            Ok(Ok(None)) => {}
            Ok(Ok(Some(live))) => {
                let (sequence, lists) = (live.snapshot.catalog.sequence, live.snapshot.catalog.manifests.len());
                tracing::info!(sequence, lists, "a new catalog is served");
                *self.live.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(live);
            }
            Ok(Err(error)) => tracing::error!(%error, "the new catalog cannot be served; the old one still is"),
            Err(_) => tracing::error!("the new catalog could not be loaded; the old one is still served"),
        }
    }
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service").field("home", &self.home).finish_non_exhaustive()
    }
}

fn decode(request: Incoming) -> Result<Request, Refusal> {
    match request {
        Incoming::TooLarge => Err(RefusalCode::TooLarge.into()),
        Incoming::Whole(bytes) => Request::decode(&bytes).map_err(|error| match error {
            CodecError::TooLarge { .. } => RefusalCode::TooLarge.into(),
            CodecError::Malformed | CodecError::Trailing(_) => RefusalCode::Malformed.into(),
        }),
    }
}

/// The number of the request that evaluates (SPEC.md, "Messages").
const EVALUATE: u32 = 4;
/// Bytes that an answer has at most beside what was asked for: framing, proof, account, receipt.
const BESIDE: usize = MAX_AUDIT_ENTRY + 1_024;

/// The most bytes that the answer to a request has. An evaluation's has as many elements as its request; all others are
/// short requests, whose answers are as long as they may be until they are there.
pub fn longest_answer(request: &Incoming) -> usize {
    match request {
        Incoming::TooLarge => BESIDE,
        // The number of the alternative comes first.
        Incoming::Whole(bytes) if bytes.starts_with(&EVALUATE.to_le_bytes()) => bytes.len() + BESIDE,
        Incoming::Whole(_) => MAX_RESPONSE,
    }
}

/// What the other side learns of a failure of the ledger; the log learns the rest.
fn ledger_refusal(error: &LedgerError) -> Refusal {
    if matches!(error, LedgerError::Busy { .. } | LedgerError::Unreachable { .. }) {
        tracing::warn!(%error, "an insurer is told to come again");
        return Refusal::with(RefusalCode::Busy, BUSY_WAIT);
    }
    tracing::error!(%error, "the ledger failed");
    RefusalCode::Internal.into()
}
