//! The catalog that all servers of a ledger serve, and which manifests its log knows.

use blindlist_protocol::ids::{Digest, EpochId};
use blindlist_protocol::log::Event;

use super::error::{failed, within};
use super::row::{self, from_amount};
use super::{Ledger, LedgerError};

/// A catalog snapshot to be served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication<'a> {
    /// Its sequence.
    pub sequence: u64,
    /// The signed object.
    pub bytes: &'a [u8],
    /// The manifests that it names, with their epochs.
    pub manifests: &'a [(EpochId, Digest)],
    /// The time, in Unix seconds.
    pub at: i64,
}

impl Ledger {
    /// Puts a snapshot in the place of an earlier one, and logs the manifests that no earlier one named; `false` when a
    /// snapshot of this sequence or a later one is there already.
    ///
    /// # Errors
    /// [`LedgerError::Busy`], [`LedgerError::DiskFull`], [`LedgerError::Database`].
    pub async fn publish(&self, publication: &Publication<'_>) -> Result<bool, LedgerError> {
        const DOING: &str = "publish the catalog";
        let sequence = from_amount(publication.sequence)?;
        let mut change = self.begin_change(DOING).await?;
        let later = sqlx::query("SELECT sequence FROM catalog WHERE sequence >= $1").bind(sequence);
        if later.fetch_optional(&mut *change.transaction).await.map_err(failed(DOING))?.is_some() {
            change.rollback().await?;
            return Ok(false);
        }
        sqlx::query("DELETE FROM catalog").execute(&mut *change.transaction).await.map_err(failed(DOING))?;
        sqlx::query("INSERT INTO catalog (sequence, bytes) VALUES ($1, $2)")
            .bind(sequence)
            .bind(publication.bytes)
            .execute(&mut *change.transaction)
            .await
            .map_err(failed(DOING))?;
        for (epoch, manifest) in publication.manifests {
            let added = sqlx::query("INSERT INTO released (manifest) VALUES ($1) ON CONFLICT DO NOTHING")
                .bind(&manifest.as_bytes()[..])
                .execute(&mut *change.transaction)
                .await
                .map_err(failed(DOING))?;
            if added.rows_affected() == 1 {
                change.append(Event::Release { epoch: *epoch, manifest: *manifest }, publication.at).await?;
            }
        }
        change.commit().await?;
        Ok(true)
    }

    /// The snapshot that is served, a signed object; `None` before the first.
    ///
    /// # Errors
    /// [`LedgerError::Busy`], [`LedgerError::Unreachable`], [`LedgerError::Database`], [`LedgerError::Damaged`].
    pub async fn catalog(&self) -> Result<Option<Vec<u8>>, LedgerError> {
        const DOING: &str = "read the catalog";
        let found = sqlx::query("SELECT bytes FROM catalog").fetch_optional(&self.reader);
        let found = within(DOING, async { found.await.map_err(failed(DOING)) }).await?;
        found.map(|found| Ok(row::blob(&found, "bytes")?.to_vec())).transpose()
    }

    /// The snapshot that is served, if its sequence is above this one: asked often, and mostly there is none.
    ///
    /// # Errors
    /// Those of [`Ledger::catalog`].
    pub async fn catalog_after(&self, sequence: u64) -> Result<Option<Vec<u8>>, LedgerError> {
        const DOING: &str = "look for a new catalog";
        let found = sqlx::query("SELECT bytes FROM catalog WHERE sequence > $1").bind(from_amount(sequence)?);
        let found = within(DOING, async { found.fetch_optional(&self.reader).await.map_err(failed(DOING)) }).await?;
        found.map(|found| Ok(row::blob(&found, "bytes")?.to_vec())).transpose()
    }

    /// Whether an epoch was opened on this ledger.
    ///
    /// # Errors
    /// [`LedgerError::Busy`], [`LedgerError::Unreachable`], [`LedgerError::Database`].
    pub async fn has_epoch(&self, epoch: &EpochId) -> Result<bool, LedgerError> {
        const DOING: &str = "look for an epoch";
        let found = sqlx::query("SELECT epoch FROM epochs WHERE epoch = $1").bind(&epoch.as_bytes()[..]);
        let found = within(DOING, async { found.fetch_optional(&self.reader).await.map_err(failed(DOING)) }).await?;
        Ok(found.is_some())
    }
}

#[cfg(test)]
impl Ledger {
    /// As if a publication had been cut off before it came here.
    pub(crate) async fn forget_catalog(&self) {
        sqlx::query("DELETE FROM catalog").execute(&self.writer).await.unwrap();
    }
}
