//! The ledger: who may ask, how much, and what was charged (SPEC.md [EVA-4]).
//!
//! A charge is on the disk before [`Ledger::charge`] returns, and one chunk is charged once, however often and from
//! however many connections it comes. Times are passed in as Unix seconds: there is no clock here. It must not know
//! what a chunk holds, nor keep anything about a person.
//!
//! Two connection pools serve one SQLite file: a single connection for writing, so that writers of this process wait
//! for each other in order instead of colliding, and a few for reading, which never wait for a writer. Every writing
//! transaction begins with the UPDATE that takes the lock, so that it cannot be refused half-way because another
//! process wrote first. The statements hold for PostgreSQL too; what belongs to SQLite alone is in `sqlite`.

mod charge;
mod error;
mod register;
mod row;
mod sqlite;
#[cfg(test)]
mod tests;

use std::path::Path;

use blindlist_protocol::message::Account;
use blindlist_store::file;

pub use self::charge::{Charge, Outcome};
pub use self::error::LedgerError;
use self::error::failed;
pub use self::register::NewInsurer;
use self::sqlite::{Pool, Row};

/// The ledger of one instance, shared by everything that charges or looks up. A clone is the same ledger.
#[derive(Debug, Clone)]
pub struct Ledger {
    /// One connection: see the module's head.
    writer: Pool,
    reader: Pool,
    id: [u8; 16],
}

/// An insurer as it was registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Insurer {
    /// Its id, 16 random bytes.
    pub id: [u8; 16],
    /// The name that the operator knows it by; no two are the same.
    pub name: String,
    /// The SHA-256 digest of its TLS certificate, 32 bytes; no two are the same.
    pub certificate: [u8; 32],
    /// The Ed25519 public key that its requests are signed with, 32 bytes; no two are the same.
    pub signing_key: [u8; 32],
    /// Whether it is answered.
    pub status: Status,
    /// The evaluations that it is granted in each epoch that is opened.
    pub budget: u64,
    /// When it was registered, in Unix seconds.
    pub created: i64,
}

/// Whether an insurer is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// It is, within its budget.
    Active,
    /// It is not, not even to repeat an answer.
    Suspended,
}

impl Ledger {
    /// Makes a new ledger in the file `path` (mode 0600), named by `id`, 16 random bytes.
    ///
    /// # Errors
    /// [`LedgerError::File`] when the file exists already or cannot be made; else nothing is left behind.
    pub async fn create(path: impl AsRef<Path>, id: [u8; 16]) -> Result<Self, LedgerError> {
        let path = path.as_ref();
        file::write_new(path, b"")?;
        let created = Self::fill(path, id).await;
        if created.is_err() {
            sqlite::remove(path);
        }
        created
    }

    async fn fill(path: &Path, id: [u8; 16]) -> Result<Self, LedgerError> {
        let writer = sqlite::writer(path).await?;
        sqlite::migrate(&writer).await?;
        sqlx::query("INSERT INTO meta (ledger, revision) VALUES ($1, 0)")
            .bind(&id[..])
            .execute(&writer)
            .await
            .map_err(failed("name the new ledger"))?;
        Ok(Self { writer, reader: sqlite::reader(path).await?, id })
    }

    /// Opens the ledger in the file `path`, and brings an older one up to date.
    ///
    /// # Errors
    /// [`LedgerError::Missing`], [`LedgerError::NotALedger`] for any other file, [`LedgerError::Newer`] when a newer
    /// version of this program has used it.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, LedgerError> {
        let path = path.as_ref();
        if !path.exists() {
            return Err(LedgerError::Missing { path: path.to_path_buf() });
        }
        // Before anything is written: it may be someone else's file.
        sqlite::check_is_ledger(path).await?;
        let writer = sqlite::writer(path).await?;
        sqlite::migrate(&writer).await?;
        let named = sqlx::query("SELECT ledger FROM meta")
            .fetch_optional(&writer)
            .await
            .map_err(failed("read the ledger's id"))?
            .ok_or_else(|| LedgerError::NotALedger { path: path.to_path_buf() })?;
        Ok(Self { writer, reader: sqlite::reader(path).await?, id: row::bytes(&named, "ledger")? })
    }

    /// The ledger's id, 16 bytes, which epoch records name.
    #[must_use]
    pub fn id(&self) -> [u8; 16] {
        self.id
    }

    /// Waits for what is being written and closes the file; every clone is closed with it.
    pub async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }

    /// All insurers, by name.
    ///
    /// # Errors
    /// [`LedgerError::Database`], [`LedgerError::Damaged`].
    pub async fn insurers(&self) -> Result<Vec<Insurer>, LedgerError> {
        let rows = sqlx::query(
            "SELECT id, name, certificate, signing_key, status, budget, created FROM insurers ORDER BY name",
        )
        .fetch_all(&self.reader)
        .await
        .map_err(failed("list the insurers"))?;
        rows.iter().map(insurer).collect()
    }

    /// The insurer whose TLS certificate has this SHA-256 digest, suspended or not.
    ///
    /// # Errors
    /// [`LedgerError::Database`], [`LedgerError::Damaged`].
    pub async fn by_certificate(&self, digest: &[u8; 32]) -> Result<Option<Insurer>, LedgerError> {
        let found = sqlx::query(
            "SELECT id, name, certificate, signing_key, status, budget, created FROM insurers WHERE certificate = $1",
        )
        .bind(&digest[..])
        .fetch_optional(&self.reader)
        .await
        .map_err(failed("find an insurer by its certificate"))?;
        found.as_ref().map(insurer).transpose()
    }

    /// The insurer of this name, suspended or not.
    ///
    /// # Errors
    /// [`LedgerError::Database`], [`LedgerError::Damaged`].
    pub async fn by_name(&self, name: &str) -> Result<Option<Insurer>, LedgerError> {
        let found = sqlx::query(
            "SELECT id, name, certificate, signing_key, status, budget, created FROM insurers WHERE name = $1",
        )
        .bind(name)
        .fetch_optional(&self.reader)
        .await
        .map_err(failed("find an insurer by its name"))?;
        found.as_ref().map(insurer).transpose()
    }

    /// What an insurer has in an epoch; `None` when the one or the other is unknown here.
    ///
    /// # Errors
    /// [`LedgerError::Database`], [`LedgerError::Damaged`].
    pub async fn account(&self, insurer: &[u8; 16], epoch: &[u8; 32]) -> Result<Option<Account>, LedgerError> {
        let found = sqlx::query("SELECT granted, spent FROM accounts WHERE insurer = $1 AND epoch = $2")
            .bind(&insurer[..])
            .bind(&epoch[..])
            .fetch_optional(&self.reader)
            .await
            .map_err(failed("read an account"))?;
        found.as_ref().map(row::account).transpose()
    }

    /// All accounts of an insurer with the epoch of each, ordered by epoch id.
    ///
    /// # Errors
    /// [`LedgerError::Database`], [`LedgerError::Damaged`].
    pub async fn accounts(&self, insurer: &[u8; 16]) -> Result<Vec<([u8; 32], Account)>, LedgerError> {
        let rows = sqlx::query("SELECT epoch, granted, spent FROM accounts WHERE insurer = $1 ORDER BY epoch")
            .bind(&insurer[..])
            .fetch_all(&self.reader)
            .await
            .map_err(failed("list the accounts of an insurer"))?;
        rows.iter().map(|found| Ok((row::bytes(found, "epoch")?, row::account(found)?))).collect()
    }
}

fn insurer(found: &Row) -> Result<Insurer, LedgerError> {
    Ok(Insurer {
        id: row::bytes(found, "id")?,
        name: row::text(found, "name")?.to_owned(),
        certificate: row::bytes(found, "certificate")?,
        signing_key: row::bytes(found, "signing_key")?,
        status: Status::from_text(row::text(found, "status")?)?,
        budget: row::amount(found, "budget")?,
        created: row::number(found, "created")?,
    })
}

impl Status {
    fn text(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
        }
    }

    fn from_text(text: &str) -> Result<Self, LedgerError> {
        match text {
            "active" => Ok(Self::Active),
            "suspended" => Ok(Self::Suspended),
            _ => Err(LedgerError::Damaged { what: "status" }),
        }
    }
}
