//! The ledger's schema in each database. A migration that was released never changes; a later one follows it.

use sqlx::SqlSafeStr as _;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};

use super::place::Place;
use super::{Connection, LedgerError};

/// One step of the schema, in the words of each database.
struct Step {
    sqlite: &'static str,
    postgres: &'static str,
    name: &'static str,
}

macro_rules! step {
    ($file:literal) => {
        Step {
            sqlite: include_str!(concat!("../../migrations/sqlite/", $file, ".sql")),
            postgres: include_str!(concat!("../../migrations/postgres/", $file, ".sql")),
            name: $file,
        }
    };
}

/// In order; the first has number 1.
const STEPS: &[Step] = &[step!("0001_ledger"), step!("0002_rate"), step!("0003_custody"), step!("0004_audit")];

/// Brings the schema up to date.
pub(super) async fn migrate(connection: &mut Connection, place: &Place) -> Result<(), LedgerError> {
    let steps = (1..).zip(STEPS).map(|(version, step)| {
        let text = match place {
            Place::File(_) => step.sqlite,
            Place::Postgres(_) => step.postgres,
        };
        // The name without its number, as it always was.
        let name = step.name.trim_start_matches(|c: char| c.is_ascii_digit() || c == '_');
        Migration::new(version, name.into(), MigrationType::Simple, text.into_sql_str(), false)
    });
    Migrator::with_migrations(steps.collect()).run(connection).await.map_err(|source| {
        if matches!(source, MigrateError::VersionMissing(_)) {
            LedgerError::Newer
        } else {
            LedgerError::Schema { source }
        }
    })
}
