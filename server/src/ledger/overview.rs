//! What the operator's people look at: all accounts at once, and when each insurer last was charged. Reads alone.

use std::collections::HashMap;

use super::error::{failed, within};
use super::{Account, Ledger, LedgerError, row};

/// An insurer's account in an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountOf {
    /// The insurer's id, 16 bytes.
    pub insurer: [u8; 16],
    /// The epoch's id, 32 bytes.
    pub epoch: [u8; 32],
    /// What was granted and spent.
    pub account: Account,
}

impl Ledger {
    /// Returns once the database has answered a question.
    ///
    /// # Errors
    /// [`LedgerError::Busy`], [`LedgerError::Unreachable`], [`LedgerError::Database`].
    pub async fn ping(&self) -> Result<(), LedgerError> {
        const DOING: &str = "ask the ledger whether it answers";
        let asked = sqlx::query("SELECT ledger FROM meta").fetch_one(&self.reader);
        within(DOING, async { asked.await.map(|_| ()).map_err(failed(DOING)) }).await
    }

    /// The accounts of all insurers in all epochs, ordered by insurer and epoch.
    ///
    /// # Errors
    /// [`LedgerError::Database`], [`LedgerError::Damaged`].
    pub async fn all_accounts(&self) -> Result<Vec<AccountOf>, LedgerError> {
        let rows = sqlx::query("SELECT insurer, epoch, granted, spent FROM accounts ORDER BY insurer, epoch");
        let rows = rows.fetch_all(&self.reader).await.map_err(failed("list all accounts"))?;
        let account_of = |found| {
            let (insurer, epoch) = (row::bytes(found, "insurer")?, row::bytes(found, "epoch")?);
            Ok(AccountOf { insurer, epoch, account: row::account(found)? })
        };
        rows.iter().map(account_of).collect()
    }

    /// When each insurer that ever was charged last was, in Unix seconds. It reads all charges, so it is not for often.
    ///
    /// # Errors
    /// [`LedgerError::Database`], [`LedgerError::Damaged`].
    pub async fn last_charges(&self) -> Result<HashMap<[u8; 16], i64>, LedgerError> {
        let rows = sqlx::query("SELECT insurer, MAX(at) AS last FROM charges GROUP BY insurer");
        let rows = rows.fetch_all(&self.reader).await.map_err(failed("find the latest charges"))?;
        rows.iter().map(|found| Ok((row::bytes(found, "insurer")?, row::number(found, "last")?))).collect()
    }
}
