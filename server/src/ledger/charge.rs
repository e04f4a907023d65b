//! One chunk, one charge: debit it if it fits and if it is new, in one transaction.
//!
//! The debit comes first because it takes the lock of the account; a repeat then undoes it.

use super::error::{failed, within};
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is charged, durably: the chunk is to be answered.
    Charged {
        /// What is left after it.
        remaining: u64,
    },
    /// It was charged before and costs nothing now: the chunk is to be answered again.
    Repeat {
        /// What is left.
        remaining: u64,
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
        let mut transaction = self.writer.begin().await.map_err(failed(DOING))?;
        let outcome = match debit(&mut transaction, charge).await? {
            Some(account) if record(&mut transaction, charge).await? => {
                transaction.commit().await.map_err(failed(DOING))?;
                return Ok(Outcome::Charged { remaining: account.remaining() });
            }
            Some(debited) => Outcome::Repeat { remaining: debited.remaining().saturating_add(charge.count.into()) },
            None => why_not(&mut transaction, charge).await?,
        };
        transaction.rollback().await.map_err(failed(DOING))?;
        Ok(outcome)
    }
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

/// Writes the charge down; `false` when the chunk was charged before.
async fn record(transaction: &mut Connection, charge: &Charge) -> Result<bool, LedgerError> {
    let recorded = sqlx::query(
        "INSERT INTO charges (insurer, epoch, digest, job, number, count, signature, at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
    )
    .bind(&charge.insurer[..])
    .bind(&charge.epoch[..])
    .bind(&charge.digest[..])
    .bind(&charge.job[..])
    .bind(i64::from(charge.number))
    .bind(i64::from(charge.count))
    .bind(&charge.signature[..])
    .bind(charge.at)
    .execute(transaction)
    .await
    .map_err(failed(DOING))?;
    Ok(recorded.rows_affected() == 1)
}

/// Why nothing was debited. A suspension comes before all else; a repeat does not mind that the budget is spent.
async fn why_not(transaction: &mut Connection, charge: &Charge) -> Result<Outcome, LedgerError> {
    let found = sqlx::query(
        "SELECT status, granted, spent, \
         (SELECT COUNT(*) FROM charges WHERE insurer = $1 AND epoch = $2 AND digest = $3) AS charged \
         FROM accounts JOIN insurers ON insurers.id = accounts.insurer \
         WHERE accounts.insurer = $1 AND accounts.epoch = $2",
    )
    .bind(&charge.insurer[..])
    .bind(&charge.epoch[..])
    .bind(&charge.digest[..])
    .fetch_optional(transaction)
    .await
    .map_err(failed(DOING))?;
    let Some(found) = found else {
        return Ok(Outcome::NoAccount);
    };
    let account = row::account(&found)?;
    let remaining = account.remaining();
    // A budget that was lowered may be below what was spent.
    let missing = account.spent.saturating_add(charge.count.into()).saturating_sub(account.granted);
    Ok(match Status::from_text(row::text(&found, "status")?)? {
        Status::Suspended => Outcome::Suspended,
        Status::Active if row::number(&found, "charged")? > 0 => Outcome::Repeat { remaining },
        Status::Active => Outcome::OverBudget { remaining, missing },
    })
}
