//! What there is to see, gathered for the page and for the metrics at once.
//!
//! However many look and however often, it is gathered once in a second, and the ledger's charges are read once in a
//! minute. What cannot be gathered is left out, and a warning says so.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use blindlist_protocol::ids::{Digest, EpochId, JobId, ReleaseId};
use blindlist_protocol::log::tree::Head;
use blindlist_protocol::message::Account;
use blindlist_protocol::refusal::RefusalCode;
use blindlist_transport::Connections;
use tokio::sync::Mutex;

use super::home::{self, Found};
use super::{Shown, warnings};
use crate::insurers;
use crate::ledger::{AccountOf, Changes, Insurer, LedgerError};
use crate::outside::{instant, now};
use crate::service::{NotReady, Seen, View};

/// How long what was gathered is good enough.
const FRESH: Duration = Duration::from_secs(1);
/// How long what all charges were read for is.
const FRESH_CHARGES: Duration = Duration::from_secs(60);
/// How long after its last chunk a job is shown, in seconds.
const LIVE: u64 = 15 * 60;

/// When each insurer last was charged, by id, in Unix seconds.
type LastCharges = HashMap<[u8; 16], i64>;

/// Looks, for whoever asks.
pub(super) struct Sight {
    shown: Shown,
    since: u64,
    gathered: Mutex<Option<(Instant, Arc<Status>)>>,
    last_charges: Mutex<Option<(Instant, LastCharges)>>,
}

/// What there is to see. Times are seconds since 1970.
pub(super) struct Status {
    pub(super) now: u64,
    pub(super) since: u64,
    pub(super) operator: String,
    pub(super) operator_key: String,
    pub(super) address: SocketAddr,
    pub(super) ready: Result<(), NotReady>,
    pub(super) connections: Connections,
    /// Chunks that wait, and the elements in them.
    pub(super) queued: (u64, u64),
    pub(super) catalog: CatalogStatus,
    pub(super) lists: Vec<List>,
    pub(super) epochs: Vec<Epoch>,
    pub(super) insurers: Vec<InsurerStatus>,
    pub(super) jobs: Vec<JobStatus>,
    pub(super) certificate_end: Option<u64>,
    pub(super) log: Option<Log>,
    pub(super) disk: Option<Disk>,
    pub(super) trouble: Trouble,
}

/// What could not be gathered, and what should not be.
#[derive(Default)]
pub(super) struct Trouble {
    /// Why the ledger could not be read.
    pub(super) ledger: Option<String>,
    /// Whether the home has a later catalog than the one that is served.
    pub(super) later_catalog: bool,
    /// Live epochs and releases of which files are not in this home.
    pub(super) lacking: usize,
    /// Epochs that are retired and whose key or record is still about.
    pub(super) half_retired: Vec<EpochId>,
}

pub(super) struct CatalogStatus {
    pub(super) digest: Digest,
    pub(super) sequence: u64,
    pub(super) issued: u64,
    pub(super) expires: u64,
}

pub(super) struct List {
    pub(super) name: String,
    pub(super) title: String,
    pub(super) people: u64,
    pub(super) scheme: String,
    pub(super) audience: Vec<String>,
    pub(super) release: ReleaseId,
    pub(super) manifest: Digest,
    pub(super) epoch: EpochId,
    pub(super) created: u64,
    pub(super) index_length: u64,
}

pub(super) struct Epoch {
    pub(super) id: EpochId,
    /// When it was made, if it is live.
    pub(super) created: Option<u64>,
    pub(super) lists: usize,
    /// When it was retired.
    pub(super) retired: Option<u64>,
}

pub(super) struct InsurerStatus {
    pub(super) name: String,
    /// active, suspended or revoked.
    pub(super) standing: String,
    pub(super) certificate_end: u64,
    /// In each epoch that is not retired.
    pub(super) accounts: Vec<(EpochId, Account)>,
    /// Its last request to this server, or charge by any.
    pub(super) last: Option<u64>,
    pub(super) refused: Option<Refusals>,
}

/// Refusals in a row.
pub(super) struct Refusals {
    pub(super) times: u64,
    pub(super) code: RefusalCode,
    pub(super) last: u64,
}

pub(super) struct JobStatus {
    pub(super) id: JobId,
    pub(super) insurer: String,
    pub(super) chunks: u64,
    pub(super) evaluations: u64,
    pub(super) repeats: u64,
    pub(super) began: u64,
    pub(super) last: u64,
}

/// The audit log.
pub(super) struct Log {
    pub(super) entries: u64,
    pub(super) root: Digest,
    /// The entries at the checkpoint that the home keeps, and when it was signed.
    pub(super) checkpoint: Option<(u64, u64)>,
}

/// The file system of the home, in bytes.
#[derive(Clone, Copy)]
pub(super) struct Disk {
    pub(super) free: u64,
    pub(super) size: u64,
}

impl InsurerStatus {
    pub(super) fn is_active(&self) -> bool {
        self.standing == "active"
    }
}

impl Sight {
    pub(super) fn new(shown: Shown, since: u64) -> Self {
        Self { shown, since, gathered: Mutex::default(), last_charges: Mutex::default() }
    }

    pub(super) fn shown(&self) -> &Shown {
        &self.shown
    }

    pub(super) async fn readiness(&self) -> Result<(), NotReady> {
        self.shown.service.readiness().await
    }

    /// What there is to see, at most a second ago.
    pub(super) async fn status(&self) -> Arc<Status> {
        // Whoever comes meanwhile waits and shares it.
        let mut gathered = self.gathered.lock().await;
        match &*gathered {
            Some((when, status)) if when.elapsed() < FRESH => Arc::clone(status),
            Some(_) | None => {
                let status = Arc::new(self.gather().await);
                *gathered = Some((instant(), Arc::clone(&status)));
                status
            }
        }
    }

    async fn gather(&self) -> Status {
        let service = &self.shown.service;
        let ready = service.readiness().await;
        let view = match ready {
            // It was asked a moment ago, and whoever looks is not kept waiting for it.
            Err(NotReady::Ledger) => service.last_view(),
            Ok(()) | Err(NotReady::Draining | NotReady::Catalog | NotReady::Log) => service.view().await,
        };
        let mut trouble = Trouble::default();
        let accounted = match ready {
            Err(NotReady::Ledger) => Err("it does not answer".to_owned()),
            Ok(()) | Err(NotReady::Draining | NotReady::Catalog | NotReady::Log) => {
                self.accounted().await.map_err(|error| error.to_string())
            }
        };
        let Accounted { insurers, changes, accounts, epochs, last_charges, head } =
            accounted.unwrap_or_else(|problem| {
                trouble.ledger = Some(problem);
                Accounted::default()
            });
        let seen = service.watch().seen_insurers();
        let now = now().unwrap_or(self.since);
        let insurers = insurers.iter().map(|insurer| {
            let open = |account: &&AccountOf| {
                let retired = epochs.iter().any(|(epoch, at)| *epoch == account.epoch && at.is_some());
                account.insurer == insurer.id && !retired
            };
            let charged = last_charges.get(&insurer.id).map(|at| at.cast_unsigned());
            let accounts = accounts.iter().filter(open);
            let accounts = accounts.map(|of| (EpochId::from_bytes(of.epoch), of.account)).collect();
            insurer_status(insurer, changes.get(&insurer.id), accounts, seen.get(&insurer.id), charged)
        });
        let insurers = insurers.collect();
        let retired = epochs.iter().filter(|(_, at)| at.is_some());
        let retired = retired.map(|(epoch, _)| EpochId::from_bytes(*epoch)).collect();
        let Found { later_catalog, half_retired, checkpoint, disk } = home::look(service, &view, retired).await;
        (trouble.later_catalog, trouble.half_retired, trouble.lacking) = (later_catalog, half_retired, view.lacking());
        Status {
            now,
            since: self.since,
            operator: view.snapshot().catalog.operator.to_string(),
            operator_key: service.operator_key().to_string(),
            address: self.shown.address,
            ready,
            connections: self.shown.control.connections(),
            queued: service.watch().metrics.queued(),
            catalog: catalog_status(&view),
            lists: lists(&view),
            epochs: epoch_statuses(&view, &epochs),
            insurers,
            jobs: jobs(&seen, now),
            certificate_end: self.shown.certificate_end,
            log: head.map(|Head { size, root }| Log { entries: size, root, checkpoint }),
            disk,
            trouble,
        }
    }

    async fn accounted(&self) -> Result<Accounted, LedgerError> {
        let ledger = self.shown.service.ledger();
        Ok(Accounted {
            insurers: ledger.insurers().await?,
            changes: ledger.changes().await?,
            accounts: ledger.all_accounts().await?,
            epochs: ledger.epochs().await?,
            last_charges: self.last_charges().await?,
            head: Some(ledger.log_head().await?),
        })
    }

    async fn last_charges(&self) -> Result<LastCharges, LedgerError> {
        let mut known = self.last_charges.lock().await;
        match &*known {
            Some((when, charges)) if when.elapsed() < FRESH_CHARGES => Ok(charges.clone()),
            Some(_) | None => {
                let charges = self.shown.service.ledger().last_charges().await?;
                *known = Some((instant(), charges.clone()));
                Ok(charges)
            }
        }
    }
}

/// What the ledger says.
#[derive(Default)]
struct Accounted {
    insurers: Vec<Insurer>,
    changes: HashMap<[u8; 16], Changes>,
    accounts: Vec<AccountOf>,
    epochs: Vec<([u8; 32], Option<i64>)>,
    last_charges: LastCharges,
    head: Option<Head>,
}

fn insurer_status(
    insurer: &Insurer,
    changes: Option<&Changes>,
    accounts: Vec<(EpochId, Account)>,
    seen: Option<&Seen>,
    charged: Option<u64>,
) -> InsurerStatus {
    let changes = changes.copied().unwrap_or_default();
    let refused = seen.and_then(|seen| seen.refused.as_ref());
    InsurerStatus {
        name: insurer.name.clone(),
        standing: insurers::status(insurer, changes),
        certificate_end: insurers::certificate_end(insurer, changes),
        accounts,
        last: seen.map(|seen| seen.last).max(charged),
        refused: refused.map(|refused| Refusals { times: refused.times, code: refused.code, last: refused.last }),
    }
}

fn catalog_status(view: &View) -> CatalogStatus {
    let snapshot = view.snapshot();
    CatalogStatus {
        digest: snapshot.digest(),
        sequence: snapshot.catalog.sequence,
        issued: snapshot.catalog.issued,
        expires: snapshot.catalog.expires,
    }
}

fn lists(view: &View) -> Vec<List> {
    let list = |(manifest, said): (Digest, &blindlist_protocol::manifest::Manifest)| List {
        name: said.list.to_string(),
        title: said.title.to_string(),
        people: said.people(),
        scheme: said.scheme.to_string(),
        audience: said.audience.iter().map(ToString::to_string).collect(),
        release: said.release,
        manifest,
        epoch: said.epoch,
        created: said.created,
        index_length: said.index_length,
    };
    view.manifests().into_iter().map(list).collect()
}

/// The live ones, oldest first, then those that are retired.
fn epoch_statuses(view: &View, opened: &[([u8; 32], Option<i64>)]) -> Vec<Epoch> {
    let manifests = view.manifests();
    let retired_at = |id: &EpochId| {
        let opened = opened.iter().find(|(opened, _)| opened == id.as_bytes());
        opened.and_then(|(_, at)| *at).map(i64::cast_unsigned)
    };
    let live = view.epochs().into_iter().map(|record| {
        let lists = manifests.iter().filter(|(_, said)| said.epoch == record.epoch).count();
        Epoch { id: record.epoch, created: Some(record.created), lists, retired: retired_at(&record.epoch) }
    });
    let mut epochs: Vec<_> = live.collect();
    let mut gone: Vec<_> = opened
        .iter()
        .filter_map(|(id, at)| Some((EpochId::from_bytes(*id), (*at)?.cast_unsigned())))
        .filter(|(id, _)| epochs.iter().all(|epoch| epoch.id != *id))
        .map(|(id, at)| Epoch { id, created: None, lists: 0, retired: Some(at) })
        .collect();
    gone.sort_by_key(|epoch| epoch.retired);
    epochs.extend(gone);
    epochs
}

/// Those that were answered lately, the latest first.
fn jobs(seen: &HashMap<[u8; 16], Seen>, now: u64) -> Vec<JobStatus> {
    let mut jobs: Vec<_> = seen
        .values()
        .flat_map(|seen| seen.jobs.iter().map(move |job| (seen, job)))
        .filter(|(_, job)| job.last.saturating_add(LIVE) >= now)
        .map(|(seen, job)| JobStatus {
            id: job.id,
            insurer: seen.name.clone(),
            chunks: job.chunks,
            evaluations: job.evaluations,
            repeats: job.repeats,
            began: job.began,
            last: job.last,
        })
        .collect();
    jobs.sort_by(|a, b| (b.last, &a.insurer).cmp(&(a.last, &b.insurer)));
    jobs
}

impl Status {
    /// What somebody should do something about.
    pub(super) fn warnings(&self) -> Vec<warnings::Warning> {
        warnings::of(self)
    }
}
