//! All of the ledger that is true of PostgreSQL alone: how the database is opened and what its error codes mean.

use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::postgres::PgDatabaseError;

use super::Connection;
use super::place::Purpose;

/// Connections of one server that charge, and that look up. The others wait for their turn.
const WRITERS: u32 = 8;
const READERS: u32 = 4;

/// How long a request waits for a connection before it is told to come again. The database may be away meanwhile.
const TURN: Duration = Duration::from_secs(10);

/// Adds to an address what every connection begins with. The operator's own settings yield to these: with another
/// isolation or an asynchronous commit the ledger would not hold what it promises. The time limits end what a server that
/// vanished without a word would hold locked.
pub(super) fn options(mut address: AnyConnectOptions, purpose: Purpose) -> AnyConnectOptions {
    let read_only = match purpose {
        Purpose::Writing => "off",
        Purpose::Reading => "on",
    };
    let url = &mut address.database_url;
    let named = url.query_pairs().any(|(name, _)| name == "application_name");
    let mut query = url.query_pairs_mut();
    for (setting, value) in [
        ("default_transaction_isolation", "read committed"),
        ("default_transaction_read_only", read_only),
        ("synchronous_commit", "on"),
        ("lock_timeout", "20s"),
        ("statement_timeout", "60s"),
        ("idle_in_transaction_session_timeout", "60s"),
    ] {
        query.append_pair(&format!("options[{setting}]"), value);
    }
    if !named {
        query.append_pair("application_name", "blindlistd");
    }
    drop(query);
    address
}

/// Every connection is tried before it is used: a database that was restarted costs nobody a refusal.
pub(super) fn pool(purpose: Purpose) -> AnyPoolOptions {
    let connections = match purpose {
        Purpose::Writing => WRITERS,
        Purpose::Reading => READERS,
    };
    AnyPoolOptions::new().max_connections(connections).acquire_timeout(TURN).test_before_acquire(true)
}

/// A ledger is told by the comment on its first table, set by the first migration.
pub(super) async fn is_ledger(connection: &mut Connection) -> Result<bool, sqlx::Error> {
    let comment: Option<String> =
        sqlx::query_scalar("SELECT obj_description(to_regclass('meta'), 'pg_class')").fetch_one(connection).await?;
    Ok(comment.as_deref() == Some("Blindlist ledger"))
}

/// Whether the schema that a ledger would be made in has no table yet.
pub(super) async fn is_empty(connection: &mut Connection) -> Result<bool, sqlx::Error> {
    let tables: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = to_regnamespace(current_schema()::text)",
    )
    .fetch_one(connection)
    .await?;
    Ok(tables == 0)
}

/// Removes a ledger that was made a moment ago, in a schema that held nothing else.
pub(super) const REMOVE: &str = "DO $$ DECLARE found RECORD; BEGIN \
     FOR found IN SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') \
         AND relnamespace = to_regnamespace(current_schema()::text) \
     LOOP EXECUTE format('DROP TABLE %I CASCADE', found.relname); END LOOP; END $$";

/// Whether another attempt may succeed: others held a lock, or the database is being stopped, started or replaced.
pub(super) fn is_passing(error: &sqlx::Error) -> bool {
    code(error).is_some_and(|code| {
        // Class 08: connection exceptions. 25006: a standby that is not yet the new primary.
        code.starts_with("08")
            || ["25006", "25P03", "40001", "40P01", "53300", "55P03", "57014", "57P01", "57P02", "57P03", "57P05"]
                .contains(&code)
    })
}

pub(super) fn is_full(error: &sqlx::Error) -> bool {
    code(error) == Some("53100")
}

fn code(error: &sqlx::Error) -> Option<&str> {
    Some(error.as_database_error()?.try_downcast_ref::<PgDatabaseError>()?.code())
}
