//! All of the ledger that is true of SQLite alone: how the file is opened and what its error codes mean.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::sqlite::SqliteError;
use sqlx::{SqlSafeStr as _, SqlStr};

use super::Connection;
use super::place::Purpose;

/// How long a writer waits for the writer of this process before it.
const TURN: Duration = Duration::from_secs(30);

/// Lookups that run at the same time; each takes microseconds.
const READERS: u32 = 4;

/// The application id in a ledger's header, "BlLe", set by the first migration.
const APPLICATION_ID: i64 = 0x426c_4c65;

// SQLite's primary result codes; an extended code holds one in its low byte.
const SQLITE_BUSY: u32 = 5;
const SQLITE_FULL: u32 = 13;
const SQLITE_NOTADB: u32 = 26;

/// The address of a file for sqlx, which takes one as a URL only.
pub(super) fn options(path: &Path) -> Result<AnyConnectOptions, sqlx::Error> {
    let path = std::path::absolute(path)?;
    let path = path.to_str().ok_or_else(|| {
        sqlx::Error::Configuration("the path of a ledger must be UTF-8; move the home to another folder".into())
    })?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte);
    let encode = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    format!("sqlite://{}", path.bytes().map(encode).collect::<String>()).parse()
}

/// What every connection begins with. A writer waits up to 20 s for a writer of another process.
pub(super) fn settings(purpose: Purpose) -> SqlStr {
    match purpose {
        Purpose::Writing => {
            "PRAGMA busy_timeout = 20000; PRAGMA foreign_keys = ON; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL"
        }
        Purpose::Reading => "PRAGMA busy_timeout = 20000; PRAGMA foreign_keys = ON; PRAGMA query_only = ON",
    }
    .into_sql_str()
}

/// One connection writes, and a few read.
pub(super) fn pool(purpose: Purpose) -> AnyPoolOptions {
    let connections = match purpose {
        Purpose::Writing => 1,
        Purpose::Reading => READERS,
    };
    // A connection to a file does not go stale: no lifetimes, no test before use.
    AnyPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(TURN)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
}

pub(super) async fn is_ledger(connection: &mut Connection) -> Result<bool, sqlx::Error> {
    let found: i64 = sqlx::query_scalar("PRAGMA application_id").fetch_one(connection).await?;
    Ok(found == APPLICATION_ID)
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

pub(super) fn is_no_database(error: &sqlx::Error) -> bool {
    primary_code(error) == Some(SQLITE_NOTADB)
}

fn primary_code(error: &sqlx::Error) -> Option<u32> {
    use sqlx::error::DatabaseError as _;
    let error = error.as_database_error()?.try_downcast_ref::<SqliteError>()?;
    let extended: u32 = error.code()?.parse().ok()?;
    Some(extended & 0xff)
}
