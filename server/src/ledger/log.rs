//! The audit log of a ledger (SPEC.md, "Audit log"): entries appended in the transaction of what they tell of, and the
//! nodes that proofs are read from. It signs nothing.

use std::collections::HashMap;

use blindlist_protocol::ids::Digest;
use blindlist_protocol::log::tree::{self, Frontier, Head, Node};
use blindlist_protocol::log::{Entry, Event};
use sqlx::{Any, Transaction};

use super::error::failed;
use super::{Ledger, LedgerError, Row, row};

pub(super) const DAMAGED: LedgerError = LedgerError::Damaged { what: "audit log" };

/// An entry of the log, durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// Its index.
    pub index: u64,
    /// Its bytes.
    pub entry: Vec<u8>,
}

/// A transaction that changes the ledger, and holds its lock until its end: what it does goes into the log with it.
pub(super) struct Change {
    pub(super) transaction: Transaction<'static, Any>,
    log: Frontier,
    doing: &'static str,
}

impl Ledger {
    /// Begins a change. Whatever was committed before is seen in it, and nobody comes between.
    pub(super) async fn begin_change(&self, doing: &'static str) -> Result<Change, LedgerError> {
        let mut transaction = self.writer.begin().await.map_err(failed(doing))?;
        let locked =
            sqlx::query("UPDATE meta SET revision = revision + 1 WHERE ledger = $1 RETURNING log_size, log_roots")
                .bind(&self.id[..])
                .fetch_optional(&mut *transaction)
                .await
                .map_err(failed(doing))?;
        let log = frontier(&locked.ok_or(LedgerError::Damaged { what: "id" })?)?;
        Ok(Change { transaction, log, doing })
    }

    /// The log's size and root.
    ///
    /// # Errors
    /// [`LedgerError::Database`], [`LedgerError::Damaged`].
    pub async fn log_head(&self) -> Result<Head, LedgerError> {
        let found = sqlx::query("SELECT log_size, log_roots FROM meta").fetch_one(&self.reader).await;
        Ok(frontier(&found.map_err(failed("read the head of the audit log"))?)?.head())
    }

    /// Entries of the log from an index on, at most so many, in order.
    ///
    /// # Errors
    /// [`LedgerError::Database`], [`LedgerError::Damaged`].
    pub async fn log_entries(&self, from: u64, most: u32) -> Result<Vec<Logged>, LedgerError> {
        let rows = sqlx::query("SELECT place, bytes FROM log_entries WHERE place >= $1 ORDER BY place LIMIT $2");
        let rows = rows.bind(place(from)?).bind(i64::from(most)).fetch_all(&self.reader).await;
        let rows = rows.map_err(failed("read the audit log"))?;
        rows.iter().map(logged).collect()
    }

    /// The hashes of a proof, or of a root: each folded from the nodes that [`tree`] names for it.
    ///
    /// # Errors
    /// [`LedgerError::Database`], [`LedgerError::Damaged`] also for a node that there is not.
    pub async fn log_hashes(&self, hashes: &[Vec<Node>]) -> Result<Vec<Digest>, LedgerError> {
        let mut known = HashMap::new();
        for node in hashes.iter().flatten() {
            known.insert(*node, self.node(*node).await?);
        }
        let folded = |nodes: &Vec<Node>| {
            let roots: Option<Vec<Digest>> = nodes.iter().map(|node| known.get(node).copied()).collect();
            roots.map(|roots| tree::fold(&roots)).ok_or(DAMAGED)
        };
        hashes.iter().map(folded).collect()
    }

    async fn node(&self, node: Node) -> Result<Digest, LedgerError> {
        let found = sqlx::query("SELECT hash FROM log_nodes WHERE level = $1 AND place = $2");
        let found = found.bind(i64::from(node.level)).bind(place(node.index)?).fetch_optional(&self.reader).await;
        let found = found.map_err(failed("read the tree of the audit log"))?.ok_or(DAMAGED)?;
        Ok(Digest::from_bytes(row::bytes(&found, "hash")?))
    }
}

impl Change {
    /// Appends an event at the time `at`, in Unix seconds.
    pub(super) async fn append(&mut self, event: Event, at: i64) -> Result<Logged, LedgerError> {
        let logged =
            Logged { index: self.log.size(), entry: Entry { time: u64::try_from(at).unwrap_or(0), event }.encode() };
        sqlx::query("INSERT INTO log_entries (place, bytes) VALUES ($1, $2)")
            .bind(place(logged.index)?)
            .bind(&logged.entry[..])
            .execute(&mut *self.transaction)
            .await
            .map_err(failed(self.doing))?;
        for (node, hash) in self.log.append(tree::leaf(&logged.entry)) {
            sqlx::query("INSERT INTO log_nodes (level, place, hash) VALUES ($1, $2, $3)")
                .bind(i64::from(node.level))
                .bind(place(node.index)?)
                .bind(&hash.as_bytes()[..])
                .execute(&mut *self.transaction)
                .await
                .map_err(failed(self.doing))?;
        }
        Ok(logged)
    }

    /// The entry at an index, as this change sees it.
    pub(super) async fn entry(&mut self, index: i64) -> Result<Logged, LedgerError> {
        let found = sqlx::query("SELECT place, bytes FROM log_entries WHERE place = $1").bind(index);
        let found = found.fetch_optional(&mut *self.transaction).await.map_err(failed(self.doing))?;
        let logged = logged(&found.ok_or(DAMAGED)?)?;
        // Signed once more, it must be what was signed before, whoever has written in the database since.
        let leaf = sqlx::query("SELECT hash FROM log_nodes WHERE level = 0 AND place = $1").bind(index);
        let leaf = leaf.fetch_optional(&mut *self.transaction).await.map_err(failed(self.doing))?.ok_or(DAMAGED)?;
        if tree::leaf(&logged.entry).as_bytes() != &row::bytes::<32>(&leaf, "hash")? {
            return Err(DAMAGED);
        }
        Ok(logged)
    }

    /// Makes it durable, with all that it appended.
    pub(super) async fn commit(mut self) -> Result<(), LedgerError> {
        let roots: Vec<u8> = self.log.roots().iter().flat_map(|root| *root.as_bytes()).collect();
        sqlx::query("UPDATE meta SET log_size = $1, log_roots = $2")
            .bind(place(self.log.size())?)
            .bind(&roots[..])
            .execute(&mut *self.transaction)
            .await
            .map_err(failed(self.doing))?;
        self.transaction.commit().await.map_err(failed(self.doing))
    }

    /// Undoes it.
    pub(super) async fn rollback(self) -> Result<(), LedgerError> {
        self.transaction.rollback().await.map_err(failed(self.doing))
    }
}

/// Where an entry or a node stands, as the database holds it.
pub(super) fn place(index: u64) -> Result<i64, LedgerError> {
    i64::try_from(index).map_err(|_| DAMAGED)
}

pub(super) fn logged(found: &Row) -> Result<Logged, LedgerError> {
    Ok(Logged { index: row::amount(found, "place")?, entry: row::blob(found, "bytes")?.to_vec() })
}

pub(super) fn frontier(found: &Row) -> Result<Frontier, LedgerError> {
    let (roots, rest) = row::blob(found, "log_roots")?.as_chunks::<32>();
    let roots = roots.iter().map(|root| Digest::from_bytes(*root)).collect();
    let frontier = Frontier::from_parts(row::amount(found, "log_size")?, roots);
    frontier.filter(|_| rest.is_empty()).ok_or(DAMAGED)
}
