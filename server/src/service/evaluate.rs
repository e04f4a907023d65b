//! The evaluation of a chunk: validate, charge, answer (SPEC.md, "Evaluation").
//!
//! All of it when the insurer's turn has come (`queue`). The charge is durable before anything is computed with the key,
//! and nothing that is invalid is charged. It happens on a thread of its own, which waits while the pool of all chunks
//! decodes and evaluates: no lock is held over that, because whoever waits in the pool may be given another chunk.

use std::sync::Arc;

use blindlist_protocol::ids::LedgerId;
use blindlist_protocol::message::{Evaluate, Evaluated, Response};
use blindlist_protocol::operator::{EpochKey, Question};
use blindlist_protocol::oprf::{Element, Proof};
use blindlist_protocol::receipt::Receipt;
use blindlist_protocol::refusal::{Refusal, RefusalCode};
use rayon::ThreadPool;
use tokio::runtime::Handle;

use super::queue::Full;
use super::watch::{Paid, Watch};
use super::{Caller, Service, ledger_refusal};
use crate::ledger::{Charge, Ledger, Logged, Outcome};
use crate::outside::{instant, now, random};

impl Service {
    pub(super) async fn evaluate(&self, caller: &Arc<Caller>, request: Evaluate) -> Result<Response, Refusal> {
        let epoch = self.served_epoch(&request.epoch).await?;
        // Before anything is computed: what is over the rate costs next to nothing.
        self.rates.admit(caller.id, caller.rate, request.elements.len(), instant())?;
        let id = request.epoch;
        let waiting = self.watch.queue(request.elements.len());
        let count = request.elements.len();
        let turn = self.queue.turn(caller.id).await.map_err(|Full(wait)| {
            self.rates.take_back(caller.id, count);
            let wait = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
            Refusal::with(RefusalCode::Busy, wait)
        })?;
        waiting.end();
        let (ledger, caller_there, watch) = (self.ledger.clone(), Arc::clone(caller), Arc::clone(&self.watch));
        let pool = Arc::clone(&self.pool);
        let work = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            run(request, &epoch, (&ledger, &pool), &caller_there, &watch)
        });
        let ((elements, proof), Logged { index, entry }) = work.await.map_err(|_| RefusalCode::Internal)??;
        Ok(Response::Evaluated(Evaluated {
            elements,
            proof,
            account: self.read_account(caller, &id).await?,
            receipt: Receipt::sign(&LedgerId::from_bytes(self.ledger.id()), index, entry, &self.receipt_key),
        }))
    }
}

/// Blocks: not for an async task.
fn run(
    request: Evaluate,
    epoch: &EpochKey,
    (ledger, pool): (&Ledger, &ThreadPool),
    caller: &Caller,
    watch: &Watch,
) -> Result<((Vec<Element>, Proof), Logged), Refusal> {
    let began = instant();
    // [EVA-2], [EVA-3]
    let question = pool.install(|| Question::validate(request, epoch, &caller.signing_key))?;
    // Before the charge: whoever is charged gets an answer.
    let fresh = random().map_err(|error| internal(&error))?;
    let validated = began.elapsed();
    let began = instant();
    let paid = charge(&question, ledger, caller);
    watch.metrics.ledger_took(began.elapsed());
    let ((paid, logged), began) = (paid?, instant());
    let answer = pool.install(|| question.answer(&fresh));
    watch.metrics.evaluated_in(validated + began.elapsed());
    watch.evaluated(caller, question.place().0, question.count(), paid);
    Ok((answer, logged))
}

/// [EVA-4], [EVA-5]
fn charge(question: &Question<'_>, ledger: &Ledger, caller: &Caller) -> Result<(Paid, Logged), Refusal> {
    let (job, number) = question.place();
    let charge = Charge {
        insurer: caller.id,
        epoch: *question.epoch().as_bytes(),
        holders: question.holders().clone(),
        digest: *question.digest().as_bytes(),
        job: *job.as_bytes(),
        number,
        count: question.count(),
        signing_key: *caller.signing_key.as_bytes(),
        signature: *question.signature().as_bytes(),
        at: now().map_err(|error| internal(&error))?.cast_signed(),
    };
    let outcome = Handle::current().block_on(ledger.charge(&charge));
    match outcome.map_err(|error| ledger_refusal(&error))? {
        Outcome::Charged { remaining, logged } => {
            tracing::info!(insurer = %caller.name, count = charge.count, remaining, "a chunk is charged");
            Ok((Paid::Now, logged))
        }
        Outcome::Repeat { remaining, logged } => {
            tracing::info!(insurer = %caller.name, count = charge.count, remaining, "a chunk is repeated");
            Ok((Paid::Before, logged))
        }
        Outcome::OverBudget { missing, .. } => Err(Refusal::with(RefusalCode::OverBudget, missing)),
        Outcome::Suspended => Err(RefusalCode::Suspended.into()),
        Outcome::Retired => Err(RefusalCode::RetiredEpoch.into()),
        Outcome::OldKey => Err(RefusalCode::UnknownInsurer.into()),
        Outcome::NoAccount => Err(RefusalCode::UnknownEpoch.into()),
    }
}

fn internal(error: &crate::Error) -> Refusal {
    tracing::error!(%error, "a chunk could not be worked on");
    RefusalCode::Internal.into()
}
