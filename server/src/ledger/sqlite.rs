//! All of the ledger that is true of SQLite alone: how the file is opened, its schema, its error codes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, SqlSafeStr as _};

use super::LedgerError;
use super::error::failed;

pub(super) type Connection = sqlx::SqliteConnection;
pub(super) type Database = sqlx::Sqlite;
pub(super) type Pool = sqlx::SqlitePool;
pub(super) type Row = sqlx::sqlite::SqliteRow;

/// How long a writer waits for a writer of another process.
const BUSY_TIMEOUT: Duration = Duration::from_secs(20);

/// Lookups that run at the same time; each takes microseconds.
const READERS: u32 = 4;

/// The application id in a ledger's header, "BlLe", set by the first migration.
const APPLICATION_ID: i64 = 0x426c_4c65;

// SQLite's primary result codes; an extended code holds one in its low byte.
const SQLITE_BUSY: u32 = 5;
const SQLITE_FULL: u32 = 13;
const SQLITE_NOTADB: u32 = 26;

/// The one connection that writes.
pub(super) async fn writer(path: &Path) -> Result<Pool, LedgerError> {
    let options = options(path).journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Full);
    pool(1).connect_with(options).await.map_err(failed("open the ledger"))
}

/// The connections that read. They cannot write, even by mistake.
pub(super) async fn reader(path: &Path) -> Result<Pool, LedgerError> {
    pool(READERS).connect_with(options(path).pragma("query_only", "ON")).await.map_err(failed("open the ledger"))
}

/// Looks into the file without changing it.
pub(super) async fn check_is_ledger(path: &Path) -> Result<(), LedgerError> {
    let not_a_ledger = || LedgerError::NotALedger { path: path.to_path_buf() };
    let opened = async {
        let mut connection = options(path).pragma("query_only", "ON").connect().await?;
        let found: i64 = sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut connection).await?;
        connection.close().await?;
        Ok(found)
    };
    match opened.await {
        Ok(APPLICATION_ID) => Ok(()),
        Ok(_) => Err(not_a_ledger()),
        Err(error) if primary_code(&error) == Some(SQLITE_NOTADB) => Err(not_a_ledger()),
        Err(error) => Err(failed("open the ledger")(error)),
    }
}

/// Brings the schema up to date.
pub(super) async fn migrate(writer: &Pool) -> Result<(), LedgerError> {
    let first = Migration::new(
        1,
        "ledger".into(),
        MigrationType::Simple,
        include_str!("../../migrations/sqlite/0001_ledger.sql").into_sql_str(),
        false,
    );
    Migrator::with_migrations(vec![first]).run(writer).await.map_err(|source| {
        if matches!(source, MigrateError::VersionMissing(_)) {
            LedgerError::Newer
        } else {
            LedgerError::Schema { source }
        }
    })
}

/// Removes a ledger that could not be made, as far as it is there.
pub(super) fn remove(path: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        // What remains is refused by the next attempt with its path: nothing is gained by failing twice.
        let _ = std::fs::remove_file(PathBuf::from(name));
    }
}

pub(super) fn is_busy(error: &sqlx::Error) -> bool {
    primary_code(error) == Some(SQLITE_BUSY)
}

pub(super) fn is_full(error: &sqlx::Error) -> bool {
    primary_code(error) == Some(SQLITE_FULL)
}

fn primary_code(error: &sqlx::Error) -> Option<u32> {
    let extended: u32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(extended & 0xff)
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new().filename(path).busy_timeout(BUSY_TIMEOUT).foreign_keys(true)
}

fn pool(connections: u32) -> SqlitePoolOptions {
    // A connection to a file does not go stale: no lifetimes, no test before use.
    SqlitePoolOptions::new()
        .max_connections(connections)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
}
