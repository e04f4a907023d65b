//! What can go wrong with the ledger. No message names an insurer.

use std::path::PathBuf;
use std::time::Duration;

use blindlist_store::{StoreError, text};
use thiserror::Error;

use super::place::{Place, PostgresUrl};
use super::{postgres, sqlite};

/// The ledger could not do what it was asked to; it is as it was before.
#[derive(Debug, Error)]
pub enum LedgerError {
    /// The file could not be made.
    #[error("could not make the ledger: {0}")]
    File(#[from] StoreError),
    /// There is no ledger.
    #[error("there is no ledger at {}", text::path(.path))]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The file is something else, or the making of this ledger was cut short before anything was in it.
    #[error("{place} is not a ledger")]
    NotALedger {
        /// Where it was looked for.
        place: Place,
    },
    /// The database holds something already.
    #[error("{url} has tables already, and a ledger wants a database or a schema of its own; name an empty one")]
    NotEmpty {
        /// Where it was to be made.
        url: PostgresUrl,
    },
    /// The database server was not reached, or refused.
    #[error("could not open the ledger at {url}: {source}")]
    NotOpened {
        /// Where it was looked for.
        url: PostgresUrl,
        /// The reason of the network or of the database.
        source: sqlx::Error,
    },
    /// The database server is away. The next attempt connects again.
    #[error("could not {doing}: the ledger's database cannot be reached: {source}")]
    Unreachable {
        /// What was being done, as an infinitive.
        doing: &'static str,
        /// The reason of the network or of the database.
        source: sqlx::Error,
    },
    /// A newer version of this program has changed the schema.
    #[error("the ledger was used by a newer version of this program; use that version or a later one")]
    Newer,
    /// A ledger from before there was an audit log: nothing that it holds is logged.
    #[error(
        "the ledger was made by a version without an audit log, and none can be made for it afterwards; make a new home"
    )]
    Unlogged,
    /// The schema could not be brought up to date.
    #[error("could not bring the ledger's schema up to date: {source}")]
    Schema {
        /// The database's reason.
        source: sqlx::migrate::MigrateError,
    },
    /// A value is not what the schema allows.
    #[error("the ledger is damaged: its {what} cannot be read; restore it from a backup")]
    Damaged {
        /// The column or table.
        what: &'static str,
    },
    /// Another insurer has the name.
    #[error("an insurer of this name is registered already; choose another name")]
    NameTaken,
    /// Another insurer has the certificate.
    #[error("an insurer with this certificate is registered already")]
    CertificateTaken,
    /// Another insurer has the signing key, or the same one under another name.
    #[error("an insurer with this signing key is registered already: a request is approved once, under one name")]
    SigningKeyTaken,
    /// Another insurer has the id.
    #[error("an insurer with this id is registered already")]
    IdTaken,
    /// No insurer has this id.
    #[error("no insurer with this id is registered")]
    UnknownInsurer,
    /// No such epoch was opened.
    #[error("no epoch with this id was opened on this ledger")]
    UnknownEpoch,
    /// The insurer was revoked, which is never undone.
    #[error("this insurer is revoked, for ever; approve a new request under another name")]
    Revoked,
    /// A number of evaluations is beyond what the ledger can hold.
    #[error("{amount} evaluations are more than the ledger can hold, which is 2^63 - 1")]
    TooMany {
        /// The number.
        amount: u64,
    },
    /// A charge for no element at all.
    #[error("a charge must be for one evaluation at least")]
    NothingToCharge,
    /// Others kept the ledger locked for too long.
    #[error("could not {doing}: the ledger is busy; try again")]
    Busy {
        /// What was being done, as an infinitive.
        doing: &'static str,
    },
    /// There is no room left for what was to be written.
    #[error("could not {doing}: the disk is full; free some space and try again")]
    DiskFull {
        /// What was being done, as an infinitive.
        doing: &'static str,
    },
    /// The database failed.
    #[error("could not {doing}: {source}")]
    Database {
        /// What was being done, as an infinitive.
        doing: &'static str,
        /// The database's reason.
        source: sqlx::Error,
    },
}

/// What a database error means while `doing` something.
pub(super) fn failed(doing: &'static str) -> impl FnOnce(sqlx::Error) -> LedgerError {
    move |source| {
        if matches!(source, sqlx::Error::PoolTimedOut) || sqlite::is_busy(&source) {
            LedgerError::Busy { doing }
        } else if sqlite::is_full(&source) || postgres::is_full(&source) {
            LedgerError::DiskFull { doing }
        } else if matches!(source, sqlx::Error::Io(_) | sqlx::Error::Tls(_)) || postgres::is_passing(&source) {
            LedgerError::Unreachable { doing, source }
        } else {
            LedgerError::Database { doing, source }
        }
    }
}

/// Gives up on what a request waits for when the database neither answers nor refuses, as one behind a broken network: the
/// longest waits that a database ends by itself are shorter. Whatever was begun is rolled back.
pub(super) async fn within<T>(
    doing: &'static str,
    work: impl Future<Output = Result<T, LedgerError>>,
) -> Result<T, LedgerError> {
    const LIMIT: Duration = Duration::from_secs(60);
    tokio::time::timeout(LIMIT, work).await.unwrap_or(Err(LedgerError::Busy { doing }))
}
