//! The service: one request, one response, without a socket (SPEC.md, "Evaluation", "Messages", "Refusals").
//!
//! Whoever has a transport calls [`Service::answer`] with the digest of the caller's certificate. Everything is
//! authorised anew from the ledger. What is answered follows the catalog: a release that is published meanwhile is served
//! from the next catalog request on. Logs name insurers, counts and codes, and nobody else.

mod evaluate;
mod files;
mod follow;
mod live;
mod log;
mod queue;
mod rate;
#[cfg(test)]
mod tests;
mod view;
mod watch;

use std::num::NonZeroU64;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use blindlist_protocol::codec::CodecError;
use blindlist_protocol::ids::{Digest, EpochId, ReleaseId};
use blindlist_protocol::message::{Account, Request, Response};
use blindlist_protocol::operator::EpochKey;
use blindlist_protocol::params::{MAX_AUDIT_ENTRY, MAX_RESPONSE};
use blindlist_protocol::refusal::{Refusal, RefusalCode};
use blindlist_protocol::signature::{SigningKey, VerifyingKey};
use blindlist_protocol::text::Slug;
use blindlist_transport::Incoming;
use rayon::{ThreadPool, ThreadPoolBuilder};
use tokio::sync::Mutex;

use self::follow::{Followed, missing};
use self::live::Live;
use self::log::Refusals;
use self::queue::{Places, Queue};
use self::rate::Rates;
pub(crate) use self::view::{NotReady, View};
pub(crate) use self::watch::Seen;
use self::watch::Watch;
use crate::config::Limits;
use crate::home::Home;
use crate::ledger::{Ledger, LedgerError, Status};
use crate::outside::instant;
use crate::{Error, audit};

/// Milliseconds after which an insurer that found the ledger busy is told to come again.
const BUSY_WAIT: u64 = 1_000;

/// Answers insurers from one home.
pub struct Service {
    home: Home,
    /// Signs receipts and checkpoints.
    receipt_key: SigningKey,
    ledger: Ledger,
    refusals: Refusals,
    live: RwLock<Arc<Live>>,
    rates: Rates,
    /// Held while the live state is being replaced.
    followed: Mutex<Followed>,
    /// Who is evaluated for next.
    queue: Queue,
    /// The threads that evaluate, for all chunks.
    pool: Arc<ThreadPool>,
    /// What the operator's people see of the work.
    watch: Arc<Watch>,
    /// Whether the server is about to stop.
    draining: AtomicBool,
    /// Whether the log was found to contradict the checkpoint that the home keeps.
    log_contradicts: AtomicBool,
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
    /// [`Error::WrongLedger`] when an epoch is accounted for in another ledger, [`Error::Audit`] when the ledger does not go
    /// on from the checkpoint that the home keeps; [`Error`] for whatever is missing or damaged.
    pub async fn open(home: Home) -> Result<Self, Error> {
        let receipt_key = home.receipt_signing_key()?;
        let ledger = home.ledger().await?;
        audit::check_kept(&home, &ledger, &receipt_key.verifying()).await?;
        let (live, followed) = follow::begin(&home, &ledger).await?;
        let config = home.config()?;
        let rates = Rates::new(config.rate);
        let pool = ThreadPoolBuilder::new().thread_name(|number| format!("evaluate-{number}")).build();
        let pool = pool.map_err(|source| Error::Runtime {
            doing: "start the threads that evaluate",
            source: std::io::Error::other(source),
        })?;
        Ok(Self {
            home,
            receipt_key,
            ledger,
            refusals: Refusals::default(),
            live: RwLock::new(Arc::new(live)),
            rates,
            followed: Mutex::new(followed),
            // A chunk keeps all cores busy, but while it is charged it waits for the disk: the next one computes then. One more
            // for each core, so that a small one is not held up by the ends of large ones.
            queue: Queue::new(pool.current_num_threads() + 1, Places::of(&config.limits)),
            pool: Arc::new(pool),
            watch: Arc::new(Watch::new()),
            draining: AtomicBool::new(false),
            log_contradicts: AtomicBool::new(false),
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
        let began = instant();
        let request = decode(request).inspect_err(|refusal| {
            let code = refusal.code;
            tracing::info!(code = u16::from(code), "refused before anything of it was looked at: {code}");
            self.watch.refused_unknown(refusal.code);
        })?;
        let caller = self.identify(certificate, &request).await?;
        let (caller, kind) = (Arc::new(caller), watch::kind(&request));
        self.watch.asked(&caller);
        let of_the_log = match &request {
            Request::Evaluate(_) | Request::Checkpoint(_) | Request::Consistency { .. } | Request::Inclusion { .. } => {
                true
            }
            Request::Catalog | Request::Object(_) | Request::Segment { .. } => false,
            Request::Account(_) | Request::Succession(_) => false,
        };
        if of_the_log && self.log_contradicts.load(Ordering::Relaxed) {
            return Err(RefusalCode::Internal.into());
        }
        let answered = match request {
            Request::Catalog => Ok(self.catalog().await),
            Request::Object(digest) => self.object(&caller, &digest).await,
            Request::Segment { release, number } => self.segment(&caller, release, number).await,
            Request::Account(epoch) => self.account(&caller, epoch).await,
            Request::Evaluate(evaluate) => {
                let epoch = evaluate.epoch;
                let answered = self.evaluate(&caller, evaluate).await;
                if let Err(refusal) = &answered {
                    self.log_refusal(caller.id, epoch, refusal).await;
                }
                answered
            }
            Request::Checkpoint(ledger) => self.checkpoint(ledger).await,
            Request::Consistency { ledger, from, to } => self.consistency(ledger, from, to).await,
            Request::Inclusion { ledger, index, size } => self.inclusion(ledger, index, size).await,
            Request::Succession(key) => self.succession(&key),
        };
        if let Err(refusal) = &answered {
            tracing::info!(insurer = %caller.name, code = u16::from(refusal.code), "refused: {}", refusal.code);
            self.watch.refused(&caller, refusal.code);
        }
        self.watch.answered(kind, began);
        answered
    }

    /// [EVA-1]
    async fn identify(&self, certificate: &[u8; 32], request: &Request) -> Result<Caller, Refusal> {
        let found = self.ledger.by_certificate(certificate).await.map_err(|error| {
            let refusal = ledger_refusal(&error);
            self.watch.refused_unknown(refusal.code);
            refusal
        })?;
        let Some(insurer) = found else {
            tracing::warn!("a caller's certificate belongs to no enrolled insurer");
            self.watch.refused_unknown(RefusalCode::UnknownInsurer);
            return Err(RefusalCode::UnknownInsurer.into());
        };
        let name: Slug = insurer.name.parse().map_err(|_| {
            tracing::error!("the ledger holds an insurer whose name is not allowed");
            RefusalCode::Internal
        })?;
        let signing_key = VerifyingKey::from_bytes(insurer.signing_key);
        let caller = Caller { id: insurer.id, name, signing_key, rate: insurer.rate };
        match insurer.status {
            Status::Active => Ok(caller),
            Status::Suspended => {
                tracing::info!(insurer = %caller.name, "refused: suspended");
                self.watch.refused(&caller, RefusalCode::Suspended);
                let refusal = RefusalCode::Suspended.into();
                if let Request::Evaluate(evaluate) = request {
                    self.log_refusal(caller.id, evaluate.epoch, &refusal).await;
                }
                Err(refusal)
            }
        }
    }

    async fn catalog(&self) -> Response {
        self.follow_catalog().await;
        Response::Catalog(self.live().snapshot.bytes.clone())
    }

    fn succession(&self, key: &VerifyingKey) -> Result<Response, Refusal> {
        let live = self.live();
        let succession = live.succession(key).ok_or(RefusalCode::UnknownObject)?;
        Ok(Response::Object(succession.to_vec()))
    }

    async fn object(&self, caller: &Caller, digest: &Digest) -> Result<Response, Refusal> {
        if self.live().lacks_object(digest, caller) {
            self.follow_catalog().await;
        }
        let live = self.live();
        match live.object(digest, caller) {
            Some(object) => Ok(Response::Object(object.to_vec())),
            None if live.lacks_object(digest, caller) => Err(missing()),
            None => Err(RefusalCode::UnknownObject.into()),
        }
    }

    async fn segment(&self, caller: &Caller, release: ReleaseId, number: u32) -> Result<Response, Refusal> {
        let mut live = self.live();
        if live.release(&release, caller).is_none() && live.lacks_a_release(caller) {
            self.follow_catalog().await;
            live = self.live();
        }
        let release = match live.release(&release, caller) {
            Some(release) => release,
            None if live.lacks_a_release(caller) => return Err(missing()),
            None => return Err(RefusalCode::UnknownObject.into()),
        };
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
            // One that goes on under another manifest key has another id now; its key is not destroyed.
            let gone_on = self.live().was_succeeded(epoch);
            return Err((if gone_on { RefusalCode::UnknownEpoch } else { RefusalCode::RetiredEpoch }).into());
        }
        if let Some(live) = live {
            return Ok(live);
        }
        if !self.live().lacks_an_epoch()
            || !self.ledger.has_epoch(epoch).await.map_err(|error| ledger_refusal(&error))?
        {
            return Err(RefusalCode::UnknownEpoch.into());
        }
        self.follow_catalog().await;
        self.live().epoch(epoch).ok_or_else(missing)
    }

    /// Keeps the newest checkpoint of the log in the home, when it has grown: the ledger is held against it at the next
    /// start. That it could not be kept is told and changes nothing.
    pub async fn keep_checkpoint(&self) {
        match audit::keep(&self.home, &self.ledger, &self.receipt_key).await {
            Ok(()) => {}
            Err(Error::Ledger(error @ (LedgerError::Busy { .. } | LedgerError::Unreachable { .. }))) => {
                tracing::warn!(%error, "no checkpoint of the audit log was kept this time");
            }
            Err(error @ Error::Audit(_)) => {
                tracing::error!(%error, "nothing is charged or signed any more until a person has looked");
                self.log_contradicts.store(true, Ordering::Relaxed);
            }
            Err(error) => tracing::error!(%error, "no checkpoint of the audit log was kept"),
        }
    }

    fn live(&self) -> Arc<Live> {
        Arc::clone(&self.live.read().unwrap_or_else(PoisonError::into_inner))
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
