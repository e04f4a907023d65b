//! What insurers may ask of the audit log: a checkpoint, and that their receipts are in it (SPEC.md, "Checkpoints").

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use blindlist_protocol::checkpoint::Checkpoint;
use blindlist_protocol::ids::{EpochId, InsurerId, LedgerId};
use blindlist_protocol::log::tree::{self, Node};
use blindlist_protocol::log::{Event, is_logged};
use blindlist_protocol::message::Response;
use blindlist_protocol::refusal::{Refusal, RefusalCode};

use super::{Service, ledger_refusal};
use crate::outside::{instant, now};

/// How long further refusals of an insurer with the same code are left out of the log. [AUD-1]
const QUIET: Duration = Duration::from_mins(1);

/// When refusals were last logged, by insurer and code.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    last: Mutex<HashMap<([u8; 16], u16), Instant>>,
}

impl Refusals {
    /// Whether this one goes into the log.
    fn admits(&self, insurer: [u8; 16], code: RefusalCode, now: Instant) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        // There are seven such codes for each insurer, so it never grows large.
        let known = last.get(&(insurer, code.into()));
        let admitted = known.is_none_or(|at| now.duration_since(*at) >= QUIET);
        if admitted {
            last.insert((insurer, code.into()), now);
        }
        admitted
    }
}

impl Service {
    /// Logs that an insurer's request for an evaluation in an epoch was refused. That it could not be logged changes
    /// nothing for the insurer.
    pub(super) async fn log_refusal(&self, insurer: [u8; 16], epoch: EpochId, refusal: &Refusal) {
        let Refusal { code, value } = *refusal;
        if !is_logged(code) || !self.refusals.admits(insurer, code, instant()) {
            return;
        }
        let insurer = InsurerId::from_bytes(insurer);
        let event = Event::Refusal { insurer, epoch, code, value };
        let logged = match now() {
            Ok(now) => self.ledger.log_refusal(event, now.cast_signed()).await.map_err(Into::into),
            Err(error) => Err(error),
        };
        if let Err(error) = logged {
            tracing::error!(%error, "a refusal could not be logged");
        }
    }

    /// [AUD-6]
    pub(super) async fn checkpoint(&self, ledger: LedgerId) -> Result<Response, Refusal> {
        self.check_ledger(ledger)?;
        let head = self.ledger.log_head().await.map_err(|error| ledger_refusal(&error))?;
        let now = now().map_err(|error| {
            tracing::error!(%error, "a checkpoint could not be signed");
            RefusalCode::Internal
        })?;
        Ok(Response::Checkpoint(Checkpoint::sign(ledger, &head, now, &self.receipt_key)))
    }

    /// [AUD-6]
    pub(super) async fn consistency(&self, ledger: LedgerId, from: u64, to: u64) -> Result<Response, Refusal> {
        self.path(ledger, to, tree::consistency(from, to)).await
    }

    /// [AUD-6]
    pub(super) async fn inclusion(&self, ledger: LedgerId, index: u64, size: u64) -> Result<Response, Refusal> {
        self.path(ledger, size, tree::inclusion(index, size)).await
    }

    async fn path(&self, ledger: LedgerId, size: u64, path: Option<Vec<Vec<Node>>>) -> Result<Response, Refusal> {
        self.check_ledger(ledger)?;
        let head = self.ledger.log_head().await.map_err(|error| ledger_refusal(&error))?;
        let path = path.filter(|_| size <= head.size).ok_or(RefusalCode::UnknownObject)?;
        Ok(Response::Path(self.ledger.log_hashes(&path).await.map_err(|error| ledger_refusal(&error))?))
    }

    fn check_ledger(&self, ledger: LedgerId) -> Result<(), Refusal> {
        if *ledger.as_bytes() == self.ledger.id() { Ok(()) } else { Err(RefusalCode::UnknownObject.into()) }
    }
}
