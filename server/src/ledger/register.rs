//! Changes of the register: insurers, epochs, and the account that each insurer has in each epoch.
//!
//! They are rare and take turns, so that an insurer and an epoch that are added at the same time do not miss each
//! other.

use std::num::NonZeroU64;

use sqlx::{Any, Transaction};

use super::custody::{CERTIFICATE, SIGNING_KEY, refuse_taken};
use super::error::failed;
use super::row::from_amount;
use super::{Connection, Ledger, LedgerError, Status};

/// An insurer to be registered. It begins active.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewInsurer<'a> {
    /// Its id, 16 random bytes.
    pub id: [u8; 16],
    /// The name that the operator knows it by.
    pub name: &'a str,
    /// The SHA-256 digest of its TLS certificate, 32 bytes.
    pub certificate: [u8; 32],
    /// The Ed25519 public key that its requests are signed with, 32 bytes.
    pub signing_key: [u8; 32],
    /// The evaluations that it is granted in each epoch, at most 2^63 - 1.
    pub budget: u64,
    /// The time, in Unix seconds.
    pub at: i64,
}

impl Ledger {
    /// Registers an insurer and gives it an account in every epoch that is open.
    ///
    /// # Errors
    /// [`LedgerError::NameTaken`], [`LedgerError::CertificateTaken`], [`LedgerError::SigningKeyTaken`],
    /// [`LedgerError::IdTaken`] in this order, [`LedgerError::TooMany`], [`LedgerError::Busy`],
    /// [`LedgerError::DiskFull`], [`LedgerError::Database`].
    pub async fn register(&self, insurer: &NewInsurer<'_>) -> Result<(), LedgerError> {
        const DOING: &str = "register an insurer";
        let budget = from_amount(insurer.budget)?;
        let mut change = self.begin_change(DOING).await?;
        check_is_new(&mut change, insurer).await?;
        sqlx::query(
            "INSERT INTO insurers (id, name, certificate, signing_key, status, budget, created) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(&insurer.id[..])
        .bind(insurer.name)
        .bind(&insurer.certificate[..])
        .bind(&insurer.signing_key[..])
        .bind(Status::Active.text())
        .bind(budget)
        .bind(insurer.at)
        .execute(&mut *change)
        .await
        .map_err(failed(DOING))?;
        sqlx::query("INSERT INTO accounts (insurer, epoch, granted, spent) SELECT $1, epoch, $2, 0 FROM epochs")
            .bind(&insurer.id[..])
            .bind(budget)
            .execute(&mut *change)
            .await
            .map_err(failed(DOING))?;
        change.commit().await.map_err(failed(DOING))
    }

    /// Opens an epoch on this ledger: every insurer, now and later, has an account in it, granted its budget.
    ///
    /// An epoch that is open already stays as it is.
    ///
    /// # Errors
    /// [`LedgerError::Busy`], [`LedgerError::DiskFull`], [`LedgerError::Database`].
    pub async fn open_epoch(&self, epoch: &[u8; 32]) -> Result<(), LedgerError> {
        const DOING: &str = "open an epoch";
        let mut change = self.begin_change(DOING).await?;
        let added = sqlx::query("INSERT INTO epochs (epoch) VALUES ($1) ON CONFLICT DO NOTHING")
            .bind(&epoch[..])
            .execute(&mut *change)
            .await
            .map_err(failed(DOING))?;
        if added.rows_affected() == 0 {
            return change.rollback().await.map_err(failed(DOING));
        }
        sqlx::query("INSERT INTO accounts (insurer, epoch, granted, spent) SELECT id, $1, budget, 0 FROM insurers")
            .bind(&epoch[..])
            .execute(&mut *change)
            .await
            .map_err(failed(DOING))?;
        change.commit().await.map_err(failed(DOING))
    }

    /// Suspends an insurer, or resumes it. A charge that was committed before stands.
    ///
    /// # Errors
    /// [`LedgerError::UnknownInsurer`], [`LedgerError::Busy`], [`LedgerError::DiskFull`], [`LedgerError::Database`].
    pub async fn set_status(&self, insurer: &[u8; 16], status: Status) -> Result<(), LedgerError> {
        let changed = sqlx::query("UPDATE insurers SET status = $1 WHERE id = $2")
            .bind(status.text())
            .bind(&insurer[..])
            .execute(&self.writer)
            .await
            .map_err(failed("change an insurer's status"))?;
        if changed.rows_affected() == 0 {
            return Err(LedgerError::UnknownInsurer);
        }
        Ok(())
    }

    /// Grants an insurer another number of evaluations, at most 2^63 - 1, in every epoch that is open or will be.
    ///
    /// What it has spent stays: where that is more, nothing is left.
    ///
    /// # Errors
    /// [`LedgerError::UnknownInsurer`], [`LedgerError::TooMany`], [`LedgerError::Busy`], [`LedgerError::DiskFull`],
    /// [`LedgerError::Database`].
    pub async fn set_budget(&self, insurer: &[u8; 16], budget: u64) -> Result<(), LedgerError> {
        const DOING: &str = "change an insurer's budget";
        let budget = from_amount(budget)?;
        let mut change = self.begin_change(DOING).await?;
        let changed = sqlx::query("UPDATE insurers SET budget = $1 WHERE id = $2")
            .bind(budget)
            .bind(&insurer[..])
            .execute(&mut *change)
            .await
            .map_err(failed(DOING))?;
        if changed.rows_affected() == 0 {
            change.rollback().await.map_err(failed(DOING))?;
            return Err(LedgerError::UnknownInsurer);
        }
        sqlx::query("UPDATE accounts SET granted = $1 WHERE insurer = $2")
            .bind(budget)
            .bind(&insurer[..])
            .execute(&mut *change)
            .await
            .map_err(failed(DOING))?;
        change.commit().await.map_err(failed(DOING))
    }

    /// Sets how many evaluations an insurer may have in a minute, at most 2^63 - 1; none is what the configuration says.
    ///
    /// # Errors
    /// [`LedgerError::UnknownInsurer`], [`LedgerError::TooMany`], [`LedgerError::Busy`], [`LedgerError::DiskFull`],
    /// [`LedgerError::Unreachable`], [`LedgerError::Database`].
    pub async fn set_rate(&self, insurer: &[u8; 16], rate: Option<NonZeroU64>) -> Result<(), LedgerError> {
        let changed = sqlx::query("UPDATE insurers SET rate = $1 WHERE id = $2")
            .bind(from_amount(rate.map_or(0, NonZeroU64::get))?)
            .bind(&insurer[..])
            .execute(&self.writer)
            .await
            .map_err(failed("change an insurer's rate"))?;
        if changed.rows_affected() == 0 {
            return Err(LedgerError::UnknownInsurer);
        }
        Ok(())
    }

    /// Begins a transaction that holds the register's lock until its end.
    pub(super) async fn begin_change(&self, doing: &'static str) -> Result<Transaction<'static, Any>, LedgerError> {
        let mut change = self.writer.begin().await.map_err(failed(doing))?;
        let locked = sqlx::query("UPDATE meta SET revision = revision + 1 WHERE ledger = $1")
            .bind(&self.id[..])
            .execute(&mut *change)
            .await
            .map_err(failed(doing))?;
        if locked.rows_affected() == 0 {
            return Err(LedgerError::Damaged { what: "id" });
        }
        Ok(change)
    }
}

/// Looks before inserting, because a database does not say alike which uniqueness was violated. Under the lock nobody
/// comes between.
async fn check_is_new(change: &mut Connection, insurer: &NewInsurer<'_>) -> Result<(), LedgerError> {
    const DOING: &str = "look for an insurer";
    let by_name = sqlx::query("SELECT id FROM insurers WHERE name = $1").bind(insurer.name);
    if by_name.fetch_optional(&mut *change).await.map_err(failed(DOING))?.is_some() {
        return Err(LedgerError::NameTaken);
    }
    refuse_taken(change, CERTIFICATE, &insurer.certificate, LedgerError::CertificateTaken).await?;
    refuse_taken(change, SIGNING_KEY, &insurer.signing_key, LedgerError::SigningKeyTaken).await?;
    let by_id = sqlx::query("SELECT id FROM insurers WHERE id = $1").bind(&insurer.id[..]);
    if by_id.fetch_optional(&mut *change).await.map_err(failed(DOING))?.is_some() {
        return Err(LedgerError::IdTaken);
    }
    Ok(())
}
