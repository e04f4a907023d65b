//! `answer`: an insurer's file of questions becomes a file of answers (SPEC.md, "Exchange files"). Before it, `publication`
//! ([`publish`]) writes what the insurer needs to ask at all.
//!
//! The whole file of questions is verified before the first of them is asked of [`Service`], which charges, evaluates,
//! proves and logs as it does for whoever comes over the network. The answers are written as they come, and have their name
//! once all of them are there. Answering the same questions again costs nothing.
//!
//! It must not answer anything in another way than the service does, nor hold a file in memory.

mod error;
mod publication;
mod questions;
#[cfg(test)]
mod tests;
mod writing;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use blindlist_protocol::exchange::{Answers, KnownLog};
use blindlist_protocol::ids::{InsurerId, LedgerId};
use blindlist_protocol::message::Response;
use blindlist_protocol::refusal::RefusalCode;
use blindlist_protocol::text::Slug;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use indicatif::ProgressBar;

pub use self::error::AnswerError;
pub use self::publication::publish;
use self::questions::Verified;
use self::writing::{Asking, Segments, Writing};
use crate::Error;
use crate::home::Home;
use crate::service::Service;

/// What to answer.
#[derive(Clone, Debug)]
pub struct Job {
    /// The file of questions.
    pub questions: PathBuf,
    /// The file to write, in place of what has its name.
    pub out: PathBuf,
    /// Whether the indexes go with the answers.
    pub with_indexes: bool,
}

/// A file of questions that was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// Who asked.
    pub insurer: Slug,
    /// Chunks that were asked about.
    pub chunks: u64,
    /// How many of them were refused, by code.
    pub refused: BTreeMap<u16, (RefusalCode, u64)>,
    /// The most evaluations that a refused chunk lacked.
    pub missing: u64,
    /// Evaluations that the insurer has spent since the file was begun, in all epochs.
    pub charged: u64,
    /// Evaluations that it has left, in all live epochs.
    pub left: u64,
}

/// Answers a file of questions.
///
/// # Errors
/// [`AnswerError`] when the file is not to be answered, and nothing is charged then; or when it cannot be answered to its
/// end, and then what was charged is not charged again. [`Error`] for what cannot be read or written.
pub async fn answer(home: Home, job: &Job) -> Result<Answered, Error> {
    if is_same(&job.questions, &job.out) {
        return Err(AnswerError::SameFile { path: job.out.clone() }.into());
    }
    let key = home.receipt_signing_key()?;
    let service = Service::open(home).await?;
    service.lift_rate();
    let answered = async {
        let verified = Verified::read(&job.questions, &service).await?;
        let header = Answers {
            operator_key: service.operator_key(),
            insurer: InsurerId::from_bytes(verified.insurer.id),
            ledger: LedgerId::from_bytes(service.ledger().id()),
            questions: Some(verified.sealed.digest),
        };
        let mut writing = Writing::begin(&job.out, &header)?;
        let asking = Asking::new(&service, &verified.insurer);
        let before = spent(&service, &verified.insurer.id).await?;
        let (refused, missing) = evaluate(&asking, &verified, &mut writing).await?;
        let segments = if job.with_indexes { Segments::All } else { Segments::None };
        let left = writing.add_the_rest(&asking, known(&verified, header.ledger), segments).await?;
        writing.finish(&key)?;
        Ok(Answered {
            insurer: asking.name().clone(),
            chunks: verified.sealed.places.len() as u64,
            refused,
            missing,
            charged: spent(&service, &verified.insurer.id).await?.saturating_sub(before),
            left,
        })
    };
    let answered = answered.await;
    // Charged or not: what the log has now is to be known at the next start.
    service.keep_checkpoint().await;
    service.close().await;
    answered
}

/// How many chunks were refused, by code, and the most evaluations that one lacked.
type Refused = (BTreeMap<u16, (RefusalCode, u64)>, u64);

/// Has every question answered, several at a time, and writes the answers in the order of the questions.
async fn evaluate(asking: &Asking<'_>, verified: &Verified, writing: &mut Writing) -> Result<Refused, Error> {
    let at_a_time = std::thread::available_parallelism().map_or(1, usize::from) + 1;
    let bar = ProgressBar::new(verified.sealed.places.len() as u64);
    let ask = |(question, place)| async move {
        let request = verified.question(&place)?;
        Ok::<_, Error>((question, asking.ask_bytes(request).await?))
    };
    let mut answers = stream::iter(verified.sealed.in_order()).map(ask).buffered(at_a_time);
    let (mut refused, mut missing) = (BTreeMap::new(), 0);
    while let Some((question, response)) = answers.try_next().await? {
        if let Response::Refused(refusal) = &response {
            let (_, times) = refused.entry(u16::from(refusal.code)).or_insert((refusal.code, 0_u64));
            *times += 1;
            if refusal.code == RefusalCode::OverBudget {
                missing = refusal.value.max(missing);
            }
        }
        writing.answer(&question, &response)?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok((refused, missing))
}

/// What an insurer has spent, in all epochs.
async fn spent(service: &Service, insurer: &[u8; 16]) -> Result<u64, Error> {
    let accounts = service.ledger().accounts(insurer).await?;
    Ok(accounts.iter().map(|(_, account)| account.spent).sum())
}

/// What the insurer remembers of the log.
fn known(verified: &Verified, ledger: LedgerId) -> Option<u64> {
    let of_ledger = |log: &&KnownLog| log.ledger == ledger;
    verified.sealed.header.logs.iter().find(of_ledger).map(|log| log.size)
}

fn is_same(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}
