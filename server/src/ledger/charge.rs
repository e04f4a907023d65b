//! One chunk, one charge: debit it if it fits and if it is new, and log it, in one transaction.

use blindlist_protocol::holders::HolderSet;
use blindlist_protocol::ids::{Digest, EpochId, InsurerId, JobId};
use blindlist_protocol::log::{self as entries, Event};
use blindlist_protocol::signature::Signature;

use super::error::{failed, within};
use super::log::{Change, Logged};
use super::row;
use super::{Account, Connection, Ledger, LedgerError, Status};

const DOING: &str = "charge a chunk";

/// A chunk to be charged. The caller has checked the request and its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// The id of the insurer that asks, 16 bytes.
    pub insurer: [u8; 16],
    /// The id of the epoch that it is charged in, 32 bytes.
    pub epoch: [u8; 32],
    /// The holders that answer the chunk together.
    pub holders: HolderSet,
    /// The digest of the chunk, 32 bytes. It is charged once for each insurer and epoch.
    pub digest: [u8; 32],
    /// The id of the insurer's job, 16 bytes.
    pub job: [u8; 16],
    /// The chunk's number in its job.
    pub number: u32,
    /// How many evaluations it asks for, at least one.
    pub count: u32,
    /// The insurer's Ed25519 signature of the request, 64 bytes.
    pub signature: [u8; 64],
    /// The time, in Unix seconds.
    pub at: i64,
}

/// What became of a charge. Amounts are evaluations; `remaining` is what is left in the epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is charged, durably: the chunk is to be answered.
    Charged {
        /// What is left after it.
        remaining: u64,
        /// Its entry in the log.
        logged: Logged,
    },
    /// It was charged before and costs nothing now: the chunk is to be answered again.
    Repeat {
        /// What is left.
        remaining: u64,
        /// The entry of the charge.
        logged: Logged,
    },
    /// It does not fit in what is left. Nothing is charged.
    OverBudget {
        /// What is left.
        remaining: u64,
        /// How much more would have been needed.
        missing: u64,
    },
    /// The insurer is suspended. Nothing is charged, and a repeat is not answered either.
    Suspended,
    /// The insurer has no account in this epoch, because the one or the other is unknown here.
    NoAccount,
}

impl Ledger {
    /// Charges a chunk: all of it, once, or nothing.
    ///
    /// When this returns [`Outcome::Charged`] the charge is on the disk. When the caller goes away before it returns,
    /// the chunk is charged or it is not; sending it again settles it without a second charge.
    ///
    /// # Errors
    /// [`LedgerError::NothingToCharge`] for a count of zero, [`LedgerError::Busy`], [`LedgerError::DiskFull`],
    /// [`LedgerError::Database`], [`LedgerError::Damaged`]. Nothing is charged; when the
    /// disk itself failed, only sending the chunk again can tell.
    pub async fn charge(&self, charge: &Charge) -> Result<Outcome, LedgerError> {
        if charge.count == 0 {
            return Err(LedgerError::NothingToCharge);
        }
        within(DOING, self.charge_in_turn(charge)).await
    }

    async fn charge_in_turn(&self, charge: &Charge) -> Result<Outcome, LedgerError> {
        let mut change = self.begin_change(DOING).await?;
        let charged = charged(&mut change.transaction, charge).await?;
        let debited = match charged {
            None => debit(&mut change.transaction, charge).await?,
            Some(_) => None,
        };
        let Some(account) = debited else {
            let outcome = why_not(&mut change, charge, charged).await?;
            change.rollback().await?;
            return Ok(outcome);
        };
        let logged = change.append(event(charge, account), charge.at).await?;
        record(&mut change.transaction, charge, &logged).await?;
        change.commit().await?;
        Ok(Outcome::Charged { remaining: account.remaining(), logged })
    }

    /// Appends the refusal of a chunk to the log. `code` is one that is logged.
    ///
    /// # Errors
    /// [`LedgerError::Busy`], [`LedgerError::DiskFull`], [`LedgerError::Database`].
    pub async fn log_refusal(&self, refusal: Event, at: i64) -> Result<(), LedgerError> {
        const DOING: &str = "log a refusal";
        within(DOING, async {
            let mut change = self.begin_change(DOING).await?;
            change.append(refusal, at).await?;
            change.commit().await
        })
        .await
    }
}

/// A charge as the log holds it.
fn event(charge: &Charge, account: Account) -> Event {
    Event::Charge(entries::Charge {
        insurer: InsurerId::from_bytes(charge.insurer),
        epoch: EpochId::from_bytes(charge.epoch),
        holders: charge.holders.clone(),
        job: JobId::from_bytes(charge.job),
        number: charge.number,
        count: charge.count,
        digest: Digest::from_bytes(charge.digest),
        signature: Signature::from_bytes(charge.signature),
        spent: account.spent,
    })
}

/// Where the chunk's charge stands in the log, if it was charged before.
async fn charged(transaction: &mut Connection, charge: &Charge) -> Result<Option<i64>, LedgerError> {
    let found = sqlx::query("SELECT entry FROM charges WHERE insurer = $1 AND epoch = $2 AND digest = $3")
        .bind(&charge.insurer[..])
        .bind(&charge.epoch[..])
        .bind(&charge.digest[..])
        .fetch_optional(transaction)
        .await
        .map_err(failed(DOING))?;
    found.map(|found| row::number(&found, "entry")).transpose()
}

/// Why nothing is debited. A suspension comes before all else; a repeat does not mind that the budget is spent.
async fn why_not(change: &mut Change, charge: &Charge, charged: Option<i64>) -> Result<Outcome, LedgerError> {
    let Some((status, account)) = standing(&mut change.transaction, charge).await? else {
        return Ok(Outcome::NoAccount);
    };
    let remaining = account.remaining();
    // A budget that was lowered may be below what was spent.
    let missing = account.spent.saturating_add(charge.count.into()).saturating_sub(account.granted);
    Ok(match (status, charged) {
        (Status::Suspended, _) => Outcome::Suspended,
        (Status::Active, Some(entry)) => Outcome::Repeat { remaining, logged: change.entry(entry).await? },
        (Status::Active, None) => Outcome::OverBudget { remaining, missing },
    })
}

/// Debits the account if the insurer is active and the charge fits; the account after it.
///
/// The comparison is a difference because a sum can overflow: PostgreSQL fails then, SQLite goes on in floating point.
async fn debit(transaction: &mut Connection, charge: &Charge) -> Result<Option<Account>, LedgerError> {
    let debited = sqlx::query(
        "UPDATE accounts SET spent = spent + $1 \
         WHERE insurer = $2 AND epoch = $3 AND granted - spent >= $1 \
         AND EXISTS (SELECT 1 FROM insurers WHERE id = $2 AND status = $4) \
         RETURNING granted, spent",
    )
    .bind(i64::from(charge.count))
    .bind(&charge.insurer[..])
    .bind(&charge.epoch[..])
    .bind(Status::Active.text())
    .fetch_optional(transaction)
    .await
    .map_err(failed(DOING))?;
    debited.as_ref().map(row::account).transpose()
}

/// Writes down that the chunk is charged, and where its entry is.
async fn record(transaction: &mut Connection, charge: &Charge, logged: &Logged) -> Result<(), LedgerError> {
    sqlx::query(
        "INSERT INTO charges (insurer, epoch, digest, job, number, count, signature, at, entry) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(&charge.insurer[..])
    .bind(&charge.epoch[..])
    .bind(&charge.digest[..])
    .bind(&charge.job[..])
    .bind(i64::from(charge.number))
    .bind(i64::from(charge.count))
    .bind(&charge.signature[..])
    .bind(charge.at)
    .bind(logged.index.cast_signed())
    .execute(transaction)
    .await
    .map_err(failed(DOING))?;
    Ok(())
}

/// Whether the insurer is answered, and its account; `None` when the insurer or the epoch is unknown here.
async fn standing(transaction: &mut Connection, charge: &Charge) -> Result<Option<(Status, Account)>, LedgerError> {
    let found = sqlx::query(
        "SELECT status, granted, spent FROM accounts JOIN insurers ON insurers.id = accounts.insurer \
         WHERE accounts.insurer = $1 AND accounts.epoch = $2",
    )
    .bind(&charge.insurer[..])
    .bind(&charge.epoch[..])
    .fetch_optional(transaction)
    .await
    .map_err(failed(DOING))?;
    let standing = |found| Ok((Status::from_text(row::text(&found, "status")?)?, row::account(&found)?));
    found.map(standing).transpose()
}
