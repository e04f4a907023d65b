//! A ledger as it is at one moment, for whoever verifies it: nothing that is written meanwhile is seen.

use std::collections::HashMap;

use blindlist_protocol::ids::{Digest, EpochId, InsurerId, JobId};
use blindlist_protocol::log::tree::Head;
use sqlx::{Any, Transaction};

use super::error::failed;
use super::log::{frontier, logged, place};
use super::{Ledger, LedgerError, Logged, row};

const DOING: &str = "read the ledger";

/// A moment of a ledger.
pub struct Reading(Transaction<'static, Any>);

/// A row of the charges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charged {
    /// The insurer.
    pub insurer: InsurerId,
    /// The epoch.
    pub epoch: EpochId,
    /// The chunk's digest.
    pub digest: Digest,
    /// The insurer's job.
    pub job: JobId,
    /// The chunk's number.
    pub number: u64,
    /// Its elements.
    pub count: u64,
    /// The insurer's signature.
    pub signature: [u8; 64],
    /// Where its entry stands in the log.
    pub entry: i64,
}

impl Charged {
    /// What tells it from every other row.
    pub fn key(&self) -> ([u8; 16], [u8; 32], [u8; 32]) {
        (*self.insurer.as_bytes(), *self.epoch.as_bytes(), *self.digest.as_bytes())
    }
}

impl Reading {
    /// Begins to read.
    ///
    /// # Errors
    /// [`LedgerError::Busy`], [`LedgerError::Unreachable`], [`LedgerError::Database`].
    pub async fn begin(ledger: &Ledger) -> Result<Self, LedgerError> {
        let mut transaction = ledger.reader.begin().await.map_err(failed(DOING))?;
        // In SQLite a transaction sees one moment anyway.
        if transaction.backend_name() == "PostgreSQL" {
            let isolated = sqlx::raw_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ");
            isolated.execute(&mut *transaction).await.map_err(failed(DOING))?;
        }
        Ok(Self(transaction))
    }

    /// The log's size and root.
    ///
    /// # Errors
    /// [`LedgerError::Database`], [`LedgerError::Damaged`].
    pub async fn head(&mut self) -> Result<Head, LedgerError> {
        let found = sqlx::query("SELECT log_size, log_roots FROM meta").fetch_one(&mut *self.0).await;
        Ok(frontier(&found.map_err(failed(DOING))?)?.head())
    }

    /// How many entries and nodes are stored.
    ///
    /// # Errors
    /// [`LedgerError::Database`], [`LedgerError::Damaged`].
    pub async fn counts(&mut self) -> Result<(u64, u64), LedgerError> {
        let counted = "SELECT (SELECT COUNT(*) FROM log_entries) AS entries, (SELECT COUNT(*) FROM log_nodes) AS nodes";
        let found = sqlx::query(counted).fetch_one(&mut *self.0).await.map_err(failed(DOING))?;
        Ok((row::amount(&found, "entries")?, row::amount(&found, "nodes")?))
    }

    /// Entries from an index on, at most so many, in order.
    ///
    /// # Errors
    /// [`LedgerError::Database`], [`LedgerError::Damaged`].
    pub async fn entries(&mut self, from: u64, most: u32) -> Result<Vec<Logged>, LedgerError> {
        let rows = sqlx::query("SELECT place, bytes FROM log_entries WHERE place >= $1 ORDER BY place LIMIT $2");
        let rows = rows.bind(place(from)?).bind(i64::from(most)).fetch_all(&mut *self.0).await;
        rows.map_err(failed(DOING))?.iter().map(logged).collect()
    }

    /// The stored hashes of entries.
    ///
    /// # Errors
    /// [`LedgerError::Database`], [`LedgerError::Damaged`].
    pub async fn leaves(&mut self, from: u64, most: u32) -> Result<HashMap<u64, Digest>, LedgerError> {
        self.nodes(0, from, most).await
    }

    /// The stored nodes of a level from a place on, at most so many.
    ///
    /// # Errors
    /// [`LedgerError::Database`], [`LedgerError::Damaged`].
    pub async fn nodes(&mut self, level: u8, from: u64, most: u32) -> Result<HashMap<u64, Digest>, LedgerError> {
        let rows =
            sqlx::query("SELECT place, hash FROM log_nodes WHERE level = $1 AND place >= $2 ORDER BY place LIMIT $3");
        let rows = rows.bind(i64::from(level)).bind(place(from)?).bind(i64::from(most)).fetch_all(&mut *self.0).await;
        let node = |found| Ok((row::amount(found, "place")?, Digest::from_bytes(row::bytes(found, "hash")?)));
        rows.map_err(failed(DOING))?.iter().map(node).collect()
    }

    /// What is granted and spent in every account.
    ///
    /// # Errors
    /// [`LedgerError::Database`], [`LedgerError::Damaged`].
    pub async fn accounts(&mut self) -> Result<Vec<((InsurerId, EpochId), (u64, u64))>, LedgerError> {
        let rows = sqlx::query("SELECT insurer, epoch, granted, spent FROM accounts ORDER BY insurer, epoch");
        let rows = rows.fetch_all(&mut *self.0).await.map_err(failed(DOING))?;
        let account = |found| {
            let account = row::account(found)?;
            let insurer = InsurerId::from_bytes(row::bytes(found, "insurer")?);
            let epoch = EpochId::from_bytes(row::bytes(found, "epoch")?);
            Ok(((insurer, epoch), (account.granted, account.spent)))
        };
        rows.iter().map(account).collect()
    }

    /// Charges after the one with this [`Charged::key`], at most so many, in the order of their keys.
    ///
    /// # Errors
    /// [`LedgerError::Database`], [`LedgerError::Damaged`].
    pub async fn charges(
        &mut self,
        after: Option<([u8; 16], [u8; 32], [u8; 32])>,
        most: u32,
    ) -> Result<Vec<Charged>, LedgerError> {
        // All bytes are above none.
        let (insurer, epoch, digest) = after.as_ref().map_or((&[][..], &[][..], &[][..]), |(a, b, c)| (a, b, c));
        let rows = sqlx::query(
            "SELECT insurer, epoch, digest, job, number, count, signature, entry FROM charges \
             WHERE (insurer, epoch, digest) > ($1, $2, $3) ORDER BY insurer, epoch, digest LIMIT $4",
        );
        let rows = rows.bind(insurer).bind(epoch).bind(digest).bind(i64::from(most)).fetch_all(&mut *self.0).await;
        let charged = |found| {
            Ok(Charged {
                insurer: InsurerId::from_bytes(row::bytes(found, "insurer")?),
                epoch: EpochId::from_bytes(row::bytes(found, "epoch")?),
                digest: Digest::from_bytes(row::bytes(found, "digest")?),
                job: JobId::from_bytes(row::bytes(found, "job")?),
                number: row::amount(found, "number")?,
                count: row::amount(found, "count")?,
                signature: row::bytes(found, "signature")?,
                entry: row::number(found, "entry")?,
            })
        };
        rows.map_err(failed(DOING))?.iter().map(charged).collect()
    }
}
