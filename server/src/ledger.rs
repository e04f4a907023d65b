//! The ledger: who may ask, how much, and what was charged (SPEC.md [EVA-4]).
//!
//! A charge is on the disk before [`Ledger::charge`] returns, and one chunk is charged once, however often and from
//! however many connections it comes. Times are passed in as Unix seconds: there is no clock here. It must not know
//! what a chunk holds, nor keep anything about a person.
//!
//! It is one SQLite file in the home, or a PostgreSQL database that several servers share: the same statements either
//! way, sent through two connection pools. In SQLite a single connection writes, so that writers of this process wait for
//! each other in order instead of colliding, and a few read, which never wait for a writer. Every writing transaction
//! begins with the UPDATE that takes the lock, so that it cannot be refused half-way because another process wrote
//! first, and so that in PostgreSQL whatever follows sees all that was committed before. What belongs to one database
//! alone is in `sqlite` and `postgres`, behind [`Place`].

mod catalog;
mod charge;
mod custody;
mod error;
mod log;
mod overview;
mod place;
mod postgres;
mod reading;
mod register;
mod row;
mod schema;
mod sqlite;
mod succession;
#[cfg(test)]
#[path = "../../tests/src/postgres.rs"]
#[allow(unreachable_pub, reason = "the tests across rooms use it too, from a library")]
mod test_postgres;
#[cfg(test)]
mod tests;

use std::num::NonZeroU64;
use std::path::Path;

use blindlist_protocol::message::Account;
use blindlist_store::file;
use sqlx::Connection as _;

pub use self::catalog::Publication;
pub use self::charge::{Charge, Outcome};
pub use self::custody::{Changes, Renewal};
pub use self::error::LedgerError;
use self::error::{failed, within};
pub use self::log::Logged;
pub use self::overview::AccountOf;
use self::place::Purpose;
pub use self::place::{Place, PostgresUrl, UrlError};
pub use self::reading::{Charged, Reading};
pub use self::register::{NewEpoch, NewInsurer};
pub use self::succession::Succession;

type Connection = sqlx::AnyConnection;
type Pool = sqlx::AnyPool;
type Row = sqlx::any::AnyRow;

/// The ledger of one instance, shared by everything that charges or looks up. A clone is the same ledger.
#[derive(Debug, Clone)]
pub struct Ledger {
    /// In SQLite one connection: see the module's head.
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
    /// The evaluations that it may have in a minute, where it differs from what the configuration says.
    pub rate: Option<NonZeroU64>,
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
    /// Makes a new ledger, named by `id`, 16 random bytes: in a file that does not exist yet (mode 0600), or in a
    /// database without tables.
    ///
    /// # Errors
    /// [`LedgerError::File`] when the file exists already or cannot be made, [`LedgerError::NotEmpty`],
    /// [`LedgerError::NotOpened`]; nothing is left behind.
    pub async fn create(place: impl Into<Place>, id: [u8; 16]) -> Result<Self, LedgerError> {
        let place = place.into();
        let Place::File(path) = &place else { return Self::fill(&place, id).await };
        file::write_new(path, b"")?;
        let created = Self::fill(&place, id).await;
        if created.is_err() {
            sqlite::remove(path);
        }
        created
    }

    /// All of it in one transaction.
    async fn fill(place: &Place, id: [u8; 16]) -> Result<Self, LedgerError> {
        const DOING: &str = "make the ledger";
        let mut connection = place.connect(Purpose::Writing).await?;
        let mut change = connection.begin().await.map_err(failed(DOING))?;
        if let Place::Postgres(url) = place
            && !postgres::is_empty(&mut change).await.map_err(failed(DOING))?
        {
            return Err(LedgerError::NotEmpty { url: url.clone() });
        }
        schema::migrate(&mut change, place).await?;
        sqlx::query("INSERT INTO meta (ledger, revision) VALUES ($1, 0)")
            .bind(&id[..])
            .execute(&mut *change)
            .await
            .map_err(failed("name the new ledger"))?;
        change.commit().await.map_err(failed(DOING))?;
        connection.close().await.map_err(failed(DOING))?;
        Self::with_pools(place, id)
    }

    /// Opens a ledger, and brings an older one up to date.
    ///
    /// # Errors
    /// [`LedgerError::Missing`], [`LedgerError::NotALedger`] for anything else, [`LedgerError::Newer`] when a newer
    /// version of this program has used it, [`LedgerError::Unlogged`], [`LedgerError::NotOpened`].
    pub async fn open(place: impl Into<Place>) -> Result<Self, LedgerError> {
        const DOING: &str = "read the ledger's id";
        let place = place.into();
        // Before anything is written: it may be someone else's.
        place.check_is_ledger().await?;
        let mut connection = place.connect(Purpose::Writing).await?;
        schema::migrate(&mut connection, &place).await?;
        let named =
            sqlx::query("SELECT ledger, (SELECT COUNT(*) FROM epochs WHERE log_size = 0) AS unlogged FROM meta");
        let named = named.fetch_optional(&mut connection).await;
        let named = named.map_err(failed(DOING))?.ok_or_else(|| place.not_a_ledger())?;
        let id = row::bytes(&named, "ledger")?;
        if row::number(&named, "unlogged")? > 0 {
            return Err(LedgerError::Unlogged);
        }
        connection.close().await.map_err(failed(DOING))?;
        Self::with_pools(&place, id)
    }

    fn with_pools(place: &Place, id: [u8; 16]) -> Result<Self, LedgerError> {
        Ok(Self { writer: place.pool(Purpose::Writing)?, reader: place.pool(Purpose::Reading)?, id })
    }

    /// Removes a ledger that was created a moment ago: [`Ledger::create`] found nothing else there.
    pub(crate) async fn take_back(place: &Place) {
        match place {
            Place::File(path) => sqlite::remove(path),
            Place::Postgres(_) => {
                // The error that led here is the one to report; what stays is refused by the next attempt with a reason.
                if let Ok(mut connection) = place.connect(Purpose::Writing).await {
                    let _ = sqlx::raw_sql(postgres::REMOVE).execute(&mut connection).await;
                }
            }
        }
    }

    /// Copies a ledger in a file, as it is at one moment, to another file, which must not exist. Whoever writes to it goes on.
    ///
    /// # Errors
    /// Those of [`Ledger::open`], [`LedgerError::DiskFull`], [`LedgerError::Database`].
    pub(crate) async fn copy(place: &Place, to: &Path) -> Result<(), LedgerError> {
        const DOING: &str = "copy the ledger";
        place.check_is_ledger().await?;
        let mut connection = place.connect(Purpose::Writing).await?;
        let copied =
            sqlx::query("VACUUM INTO $1").bind(to.to_string_lossy().into_owned()).execute(&mut connection).await;
        copied.map_err(failed(DOING))?;
        connection.close().await.map_err(failed(DOING))
    }

    /// The ledger's id, 16 bytes, which epoch records name.
    #[must_use]
    pub fn id(&self) -> [u8; 16] {
        self.id
    }

    /// Waits for what is being written and closes the connections; every clone is closed with it.
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
            "SELECT id, name, certificate, signing_key, status, budget, rate, created FROM insurers ORDER BY name",
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
        const DOING: &str = "find an insurer by its certificate";
        let found = sqlx::query(
            "SELECT id, name, certificate, signing_key, status, budget, rate, created FROM insurers WHERE certificate = $1",
        )
        .bind(&digest[..])
        .fetch_optional(&self.reader);
        let found = within(DOING, async { found.await.map_err(failed(DOING)) }).await?;
        found.as_ref().map(insurer).transpose()
    }

    /// The insurer of this name, suspended or not.
    ///
    /// # Errors
    /// [`LedgerError::Database`], [`LedgerError::Damaged`].
    pub async fn by_name(&self, name: &str) -> Result<Option<Insurer>, LedgerError> {
        let found = sqlx::query(
            "SELECT id, name, certificate, signing_key, status, budget, rate, created FROM insurers WHERE name = $1",
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
        const DOING: &str = "read an account";
        let found = sqlx::query("SELECT granted, spent FROM accounts WHERE insurer = $1 AND epoch = $2")
            .bind(&insurer[..])
            .bind(&epoch[..])
            .fetch_optional(&self.reader);
        let found = within(DOING, async { found.await.map_err(failed(DOING)) }).await?;
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
        rate: NonZeroU64::new(row::amount(found, "rate")?),
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
