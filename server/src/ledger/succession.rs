//! The succession of the manifest key: what is left of every account is granted in an epoch with another id (SPEC.md,
//! "Succession").

use blindlist_protocol::ids::EpochId;
use blindlist_protocol::log::Event;
use blindlist_protocol::signature::VerifyingKey;
use sqlx::any::AnyArguments;
use sqlx::query::Query;

use super::error::failed;
use super::log::Change;
use super::{Ledger, LedgerError, NewEpoch};

const DOING: &str = "carry the accounts over";

/// A manifest key that is succeeded, with its live epochs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Succession<'a> {
    /// The key until now.
    pub old_key: VerifyingKey,
    /// The key from now on.
    pub new_key: VerifyingKey,
    /// The epochs that go on: the id of each until now, and what it is from now on.
    pub epochs: &'a [(EpochId, NewEpoch)],
    /// The time, in Unix seconds.
    pub at: i64,
}

impl Ledger {
    /// Ends the epochs and grants what is left of every account in them in those that take their places. All of it, or
    /// nothing; done again, it changes nothing.
    ///
    /// # Errors
    /// [`LedgerError::UnknownEpoch`], [`LedgerError::Busy`], [`LedgerError::DiskFull`], [`LedgerError::Database`].
    pub async fn succeed(&self, succession: &Succession<'_>) -> Result<(), LedgerError> {
        let mut change = self.begin_change(DOING).await?;
        let mut begun = false;
        for (old, new) in succession.epochs {
            if knows(&mut change, &new.epoch).await? {
                continue;
            }
            if !knows(&mut change, old).await? {
                return Err(LedgerError::UnknownEpoch);
            }
            if !std::mem::replace(&mut begun, true) {
                let Succession { old_key, new_key, at, .. } = *succession;
                change.append(Event::Succession { old_key, new_key }, at).await?;
            }
            carry_over(&mut change, old, new, succession.at).await?;
        }
        if begun { change.commit().await } else { change.rollback().await }
    }
}

async fn carry_over(change: &mut Change, old: &EpochId, new: &NewEpoch, at: i64) -> Result<(), LedgerError> {
    let NewEpoch { epoch, operator_key, key, record, .. } = *new;
    let (old_id, new_id) = (&old.as_bytes()[..], &epoch.as_bytes()[..]);
    run(change, sqlx::query("INSERT INTO epochs (epoch) VALUES ($1)").bind(new_id)).await?;
    // Where a budget was lowered, more may be spent than is granted.
    let rest = "INSERT INTO accounts (insurer, epoch, granted, spent) \
                SELECT insurer, $1, CASE WHEN granted > spent THEN granted - spent ELSE 0 END, 0 \
                FROM accounts WHERE epoch = $2";
    run(change, sqlx::query(rest).bind(new_id).bind(old_id)).await?;
    // A chunk that was let in a moment ago finds nothing left.
    let nothing = "UPDATE accounts SET granted = spent WHERE epoch = $1 AND granted > spent";
    run(change, sqlx::query(nothing).bind(old_id)).await?;
    let end = "INSERT INTO retired_epochs (epoch, at) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    run(change, sqlx::query(end).bind(old_id).bind(at)).await?;
    change.append_budgets_of_epoch(old, at).await?;
    change.append(Event::Epoch { epoch, operator_key, key, record }, at).await?;
    change.append_budgets_of_epoch(&epoch, at).await
}

async fn knows(change: &mut Change, epoch: &EpochId) -> Result<bool, LedgerError> {
    let found = sqlx::query("SELECT epoch FROM epochs WHERE epoch = $1").bind(&epoch.as_bytes()[..]);
    Ok(found.fetch_optional(&mut *change.transaction).await.map_err(failed(DOING))?.is_some())
}

async fn run(change: &mut Change, statement: Query<'_, sqlx::Any, AnyArguments>) -> Result<(), LedgerError> {
    statement.execute(&mut *change.transaction).await.map_err(failed(DOING))?;
    Ok(())
}
