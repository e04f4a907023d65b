//! Changes of the register: insurers, epochs, and the account that each insurer has in each epoch.
//!
//! They are rare and take turns, so that an insurer and an epoch that are added at the same time do not miss each
//! other.

use std::num::NonZeroU64;

use blindlist_protocol::ids::{Digest, EpochId, InsurerId};
use blindlist_protocol::log::{self as entries, Event};
use blindlist_protocol::oprf::PublicKey;
use blindlist_protocol::signature::VerifyingKey;
use blindlist_protocol::text::Slug;

use super::custody::{CERTIFICATE, SIGNING_KEY, refuse_taken};
use super::error::failed;
use super::log::Change;
use super::row::from_amount;
use super::{Connection, Ledger, LedgerError, Status, row};

/// An epoch to be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewEpoch {
    /// Its id.
    pub epoch: EpochId,
    /// The manifest key that it belongs to.
    pub operator_key: VerifyingKey,
    /// K.
    pub key: PublicKey,
    /// The digest of its record.
    pub record: Digest,
    /// The time, in Unix seconds.
    pub at: i64,
}

/// An insurer to be registered. It begins active.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewInsurer<'a> {
    /// Its id, 16 random bytes.
    pub id: [u8; 16],
    /// The name that the operator knows it by.
    pub name: &'a Slug,
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
        check_is_new(&mut change.transaction, insurer).await?;
        sqlx::query(
            "INSERT INTO insurers (id, name, certificate, signing_key, status, budget, created) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(&insurer.id[..])
        .bind(insurer.name.as_str())
        .bind(&insurer.certificate[..])
        .bind(&insurer.signing_key[..])
        .bind(Status::Active.text())
        .bind(budget)
        .bind(insurer.at)
        .execute(&mut *change.transaction)
        .await
        .map_err(failed(DOING))?;
        sqlx::query("INSERT INTO accounts (insurer, epoch, granted, spent) SELECT $1, epoch, $2, 0 FROM epochs")
            .bind(&insurer.id[..])
            .bind(budget)
            .execute(&mut *change.transaction)
            .await
            .map_err(failed(DOING))?;
        let enrolment = Event::Enrolment {
            insurer: InsurerId::from_bytes(insurer.id),
            name: insurer.name.clone(),
            signing_key: VerifyingKey::from_bytes(insurer.signing_key),
            certificate: Digest::from_bytes(insurer.certificate),
        };
        change.append(enrolment, insurer.at).await?;
        change.append_budgets(OF_INSURER, &insurer.id, insurer.at).await?;
        change.commit().await
    }

    /// Opens an epoch on this ledger: every insurer, now and later, has an account in it, granted its budget.
    ///
    /// An epoch that is open already stays as it is.
    ///
    /// # Errors
    /// [`LedgerError::Busy`], [`LedgerError::DiskFull`], [`LedgerError::Database`].
    pub async fn open_epoch(&self, new: &NewEpoch) -> Result<(), LedgerError> {
        const DOING: &str = "open an epoch";
        let mut change = self.begin_change(DOING).await?;
        let added = sqlx::query("INSERT INTO epochs (epoch) VALUES ($1) ON CONFLICT DO NOTHING")
            .bind(&new.epoch.as_bytes()[..])
            .execute(&mut *change.transaction)
            .await
            .map_err(failed(DOING))?;
        if added.rows_affected() == 0 {
            return change.rollback().await;
        }
        sqlx::query("INSERT INTO accounts (insurer, epoch, granted, spent) SELECT id, $1, budget, 0 FROM insurers")
            .bind(&new.epoch.as_bytes()[..])
            .execute(&mut *change.transaction)
            .await
            .map_err(failed(DOING))?;
        let NewEpoch { epoch, operator_key, key, record, at } = *new;
        change.append(Event::Epoch { epoch, operator_key, key, record }, at).await?;
        change.append_budgets_of_epoch(&epoch, at).await?;
        change.commit().await
    }

    /// Suspends an insurer, or resumes it, at the time `at`. A charge that was committed before stands.
    ///
    /// # Errors
    /// [`LedgerError::UnknownInsurer`], [`LedgerError::Busy`], [`LedgerError::DiskFull`], [`LedgerError::Database`].
    pub async fn set_status(&self, insurer: &[u8; 16], status: Status, at: i64) -> Result<(), LedgerError> {
        const DOING: &str = "change an insurer's status";
        let mut change = self.begin_change(DOING).await?;
        let changed = sqlx::query("UPDATE insurers SET status = $1 WHERE id = $2")
            .bind(status.text())
            .bind(&insurer[..])
            .execute(&mut *change.transaction)
            .await
            .map_err(failed(DOING))?;
        if changed.rows_affected() == 0 {
            return Err(LedgerError::UnknownInsurer);
        }
        let logged = match status {
            Status::Active => entries::Status::Active,
            Status::Suspended => entries::Status::Suspended,
        };
        change.append(Event::Status { insurer: InsurerId::from_bytes(*insurer), status: logged }, at).await?;
        change.commit().await
    }

    /// Grants an insurer another number of evaluations, at most 2^63 - 1, in every epoch that is open or will be, at the
    /// time `at`.
    ///
    /// What it has spent stays: where that is more, nothing is left.
    ///
    /// # Errors
    /// [`LedgerError::UnknownInsurer`], [`LedgerError::TooMany`], [`LedgerError::Busy`], [`LedgerError::DiskFull`],
    /// [`LedgerError::Database`].
    pub async fn set_budget(&self, insurer: &[u8; 16], budget: u64, at: i64) -> Result<(), LedgerError> {
        const DOING: &str = "change an insurer's budget";
        let budget = from_amount(budget)?;
        let mut change = self.begin_change(DOING).await?;
        let changed = sqlx::query("UPDATE insurers SET budget = $1 WHERE id = $2")
            .bind(budget)
            .bind(&insurer[..])
            .execute(&mut *change.transaction)
            .await
            .map_err(failed(DOING))?;
        if changed.rows_affected() == 0 {
            change.rollback().await?;
            return Err(LedgerError::UnknownInsurer);
        }
        sqlx::query("UPDATE accounts SET granted = $1 WHERE insurer = $2")
            .bind(budget)
            .bind(&insurer[..])
            .execute(&mut *change.transaction)
            .await
            .map_err(failed(DOING))?;
        change.append_budgets(OF_INSURER, insurer, at).await?;
        change.commit().await
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
}

/// The accounts of an insurer, and those of an epoch.
const OF_INSURER: &str = "SELECT insurer, epoch, granted, spent FROM accounts WHERE insurer = $1 ORDER BY epoch";
const OF_EPOCH: &str = "SELECT insurer, epoch, granted, spent FROM accounts WHERE epoch = $1 ORDER BY insurer";

impl Change {
    /// Appends what every insurer is granted in an epoch.
    pub(super) async fn append_budgets_of_epoch(&mut self, epoch: &EpochId, at: i64) -> Result<(), LedgerError> {
        self.append_budgets(OF_EPOCH, epoch.as_bytes(), at).await
    }

    /// Appends what is granted in each of some accounts.
    async fn append_budgets(&mut self, accounts: &'static str, of: &[u8], at: i64) -> Result<(), LedgerError> {
        const DOING: &str = "log budgets";
        let found = sqlx::query(accounts).bind(of).fetch_all(&mut *self.transaction).await.map_err(failed(DOING))?;
        for account in found {
            let budget = Event::Budget {
                insurer: InsurerId::from_bytes(row::bytes(&account, "insurer")?),
                epoch: EpochId::from_bytes(row::bytes(&account, "epoch")?),
                granted: row::account(&account)?.granted,
            };
            self.append(budget, at).await?;
        }
        Ok(())
    }
}

/// Looks before inserting, because a database does not say alike which uniqueness was violated. Under the lock nobody
/// comes between.
async fn check_is_new(change: &mut Connection, insurer: &NewInsurer<'_>) -> Result<(), LedgerError> {
    const DOING: &str = "look for an insurer";
    let by_name = sqlx::query("SELECT id FROM insurers WHERE name = $1").bind(insurer.name.as_str());
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
