//! One chunk, one charge: debit it if it fits and if it is new, and log it, in one transaction.

use blindlist_protocol::holders::HolderSet;
use blindlist_protocol::ids::{Digest, EpochId, InsurerId, JobId};
use blindlist_protocol::log::{self as entries, Entry, Event};
use blindlist_protocol::signature::Signature;

use super::error::{failed, within};
use super::log::{Change, DAMAGED, Logged};
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
    /// The key that the caller found it to hold under, 32 bytes: the insurer's, unless it was replaced meanwhile.
    pub signing_key: [u8; 32],
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
    /// The epoch is retired. Nothing is charged, and a repeat is not answered either.
    Retired,
    /// The insurer's keys were replaced since its request came. Nothing is charged, and a repeat is not answered either.
    OldKey,
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
        if let Some(outcome) = settled(&mut change, charge).await? {
            change.rollback().await?;
            return Ok(outcome);
        }
        let account = debit(&mut change.transaction, charge).await?;
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

/// What becomes of a chunk that is not to be debited: under the lock, whatever changed since the request came is seen.
/// A repeat does not mind that the budget is spent, and nothing else. [EVA-1] [EVA-2] [EVA-5]
async fn settled(change: &mut Change, charge: &Charge) -> Result<Option<Outcome>, LedgerError> {
    let Some(standing) = standing(&mut change.transaction, charge).await? else {
        return Ok(Some(Outcome::NoAccount));
    };
    let Standing { account, signing_key, .. } = standing;
    if standing.status == Status::Suspended {
        return Ok(Some(Outcome::Suspended));
    }
    if signing_key != charge.signing_key {
        return Ok(Some(Outcome::OldKey));
    }
    if standing.retired {
        return Ok(Some(Outcome::Retired));
    }
    let remaining = account.remaining();
    if let Some(entry) = charged(&mut change.transaction, charge).await? {
        let logged = change.entry(entry).await?;
        return if is_of(&logged, charge) { Ok(Some(Outcome::Repeat { remaining, logged })) } else { Err(DAMAGED) };
    }
    // A budget that was lowered may be below what was spent.
    let missing = account.spent.saturating_add(charge.count.into()).saturating_sub(account.granted);
    Ok((missing > 0).then_some(Outcome::OverBudget { remaining, missing }))
}

/// Whether an entry is the charge of this chunk: what is signed again is what was signed before.
fn is_of(logged: &Logged, charge: &Charge) -> bool {
    let Ok(Entry { event: Event::Charge(entry), .. }) = Entry::decode(&logged.entry) else { return false };
    let same = (entry.insurer.as_bytes(), entry.epoch.as_bytes()) == (&charge.insurer, &charge.epoch);
    same && *entry.digest.as_bytes() == charge.digest && entry.count == charge.count
}

/// Debits the account, which has room; the account after it.
async fn debit(transaction: &mut Connection, charge: &Charge) -> Result<Account, LedgerError> {
    let debited = sqlx::query(
        "UPDATE accounts SET spent = spent + $1 WHERE insurer = $2 AND epoch = $3 RETURNING granted, spent",
    )
    .bind(i64::from(charge.count))
    .bind(&charge.insurer[..])
    .bind(&charge.epoch[..])
    .fetch_one(transaction)
    .await
    .map_err(failed(DOING))?;
    row::account(&debited)
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

/// An insurer and its account as they are.
struct Standing {
    status: Status,
    signing_key: [u8; 32],
    retired: bool,
    account: Account,
}

/// How the insurer stands in the epoch; `None` when the one or the other is unknown here.
async fn standing(transaction: &mut Connection, charge: &Charge) -> Result<Option<Standing>, LedgerError> {
    let found = sqlx::query(
        "SELECT status, signing_key, granted, spent, \
         (SELECT COUNT(*) FROM retired_epochs WHERE retired_epochs.epoch = $2) AS retired \
         FROM accounts JOIN insurers ON insurers.id = accounts.insurer \
         WHERE accounts.insurer = $1 AND accounts.epoch = $2",
    )
    .bind(&charge.insurer[..])
    .bind(&charge.epoch[..])
    .fetch_optional(transaction)
    .await
    .map_err(failed(DOING))?;
    let standing = |found| {
        Ok(Standing {
            status: Status::from_text(row::text(&found, "status")?)?,
            signing_key: row::bytes(&found, "signing_key")?,
            retired: row::number(&found, "retired")? > 0,
            account: row::account(&found)?,
        })
    };
    found.map(standing).transpose()
}
