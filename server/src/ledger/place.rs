//! Where a ledger is kept: a SQLite file, or a PostgreSQL database that several servers share.
//!
//! All that differs between the two is behind [`Place`]: how it is opened, its schema, what its error codes mean. Every
//! other statement of the ledger is one that both understand, sent through sqlx's `Any`: BIGINT, TEXT and bytes, `$1`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, SqlStr};

use super::error::failed;
use super::{Connection, LedgerError, Pool, postgres, sqlite};

/// Where a ledger is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A SQLite file.
    File(PathBuf),
    /// A PostgreSQL database, or the schema of one.
    Postgres(PostgresUrl),
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To write, durably.
    Writing,
    /// To read; it cannot write, even by mistake.
    Reading,
}

impl Place {
    /// Opens one connection, for what is done once.
    pub(super) async fn connect(&self, purpose: Purpose) -> Result<Connection, LedgerError> {
        let opened = async {
            let mut connection = self.options(purpose)?.connect().await?;
            if let Some(settings) = self.settings(purpose) {
                sqlx::raw_sql(settings).execute(&mut connection).await?;
            }
            Ok(connection)
        };
        opened.await.map_err(|source| self.could_not_open(source))
    }

    /// A pool that opens its connections when they are wanted, and anew when they were lost.
    pub(super) fn pool(&self, purpose: Purpose) -> Result<Pool, LedgerError> {
        let mut pool: AnyPoolOptions = match self {
            Self::File(_) => sqlite::pool(purpose),
            Self::Postgres(_) => postgres::pool(purpose),
        };
        if let Some(settings) = self.settings(purpose) {
            pool = pool.after_connect(move |connection, _| {
                let settings = settings.clone();
                Box::pin(async move { sqlx::raw_sql(settings).execute(connection).await.map(|_| ()) })
            });
        }
        Ok(pool.connect_lazy_with(self.options(purpose).map_err(failed("open the ledger"))?))
    }

    fn options(&self, purpose: Purpose) -> Result<AnyConnectOptions, sqlx::Error> {
        sqlx::any::install_default_drivers();
        match self {
            Self::File(path) => sqlite::options(path),
            Self::Postgres(url) => Ok(postgres::options(AnyConnectOptions::clone(&url.0), purpose)),
        }
    }

    /// What every connection begins with, beyond its options.
    fn settings(&self, purpose: Purpose) -> Option<SqlStr> {
        match self {
            Self::File(_) => Some(sqlite::settings(purpose)),
            Self::Postgres(_) => None,
        }
    }

    /// Makes sure that what is there is a ledger, without changing it.
    pub(super) async fn check_is_ledger(&self) -> Result<(), LedgerError> {
        if let Self::File(path) = self
            && !path.exists()
        {
            return Err(LedgerError::Missing { path: path.clone() });
        }
        let mut connection = self.connect(Purpose::Reading).await?;
        let is_one = match self {
            Self::File(_) => sqlite::is_ledger(&mut connection).await,
            Self::Postgres(_) => postgres::is_ledger(&mut connection).await,
        };
        match is_one.map_err(|source| self.could_not_open(source))? {
            true => connection.close().await.map_err(failed("open the ledger")),
            false => Err(self.not_a_ledger()),
        }
    }

    pub(super) fn not_a_ledger(&self) -> LedgerError {
        LedgerError::NotALedger { place: self.clone() }
    }

    fn could_not_open(&self, source: sqlx::Error) -> LedgerError {
        match self {
            Self::File(_) if sqlite::is_no_database(&source) => self.not_a_ledger(),
            Self::File(_) => failed("open the ledger")(source),
            Self::Postgres(url) => LedgerError::NotOpened { url: url.clone(), source },
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => f.write_str(&blindlist_store::text::path(path)),
            Self::Postgres(url) => url.fmt(f),
        }
    }
}

impl From<PathBuf> for Place {
    fn from(path: PathBuf) -> Self {
        Self::File(path)
    }
}

impl From<&PathBuf> for Place {
    fn from(path: &PathBuf) -> Self {
        Self::File(path.clone())
    }
}

impl From<&Path> for Place {
    fn from(path: &Path) -> Self {
        Self::File(path.to_owned())
    }
}

impl From<PostgresUrl> for Place {
    fn from(url: PostgresUrl) -> Self {
        Self::Postgres(url)
    }
}

/// The address of a PostgreSQL database, `postgres://USER@HOST/DATABASE`. It may hold a password: neither its `Debug`
/// nor its `Display` shows it.
#[derive(Clone, serde::Deserialize)]
#[serde(try_from = "String")]
pub struct PostgresUrl(Box<AnyConnectOptions>);

/// What may follow the `?`. sqlx logs what it does not know with its value, which may be a mistyped password.
const PARAMETERS: [&str; 12] = [
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "application_name",
    "options",
];

impl PostgresUrl {
    /// The whole address, password and all: for the configuration file, which is private.
    pub(crate) fn with_password(&self) -> &str {
        self.0.database_url.as_str()
    }
}

impl FromStr for PostgresUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let options: AnyConnectOptions = text.parse().map_err(|_| UrlError::NotPostgres)?;
        let url = &options.database_url;
        if !matches!(url.scheme(), "postgres" | "postgresql") || url.cannot_be_a_base() || url.fragment().is_some() {
            return Err(UrlError::NotPostgres);
        }
        if url.query_pairs().any(|(name, _)| !PARAMETERS.contains(&&*name)) {
            return Err(UrlError::Parameter);
        }
        if url.path().trim_start_matches('/').is_empty() && !url.query_pairs().any(|(name, _)| name == "dbname") {
            return Err(UrlError::NoDatabase);
        }
        Ok(Self(Box::new(options)))
    }
}

impl TryFrom<String> for PostgresUrl {
    type Error = UrlError;

    fn try_from(text: String) -> Result<Self, UrlError> {
        text.parse()
    }
}

impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut url = self.0.database_url.clone();
        // It fails for a URL without a host only, which has no password there either.
        let _ = url.set_password(None);
        let shown: Vec<(String, String)> = url
            .query_pairs()
            .filter(|(name, _)| name != "password")
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        url.set_query(None);
        if !shown.is_empty() {
            url.query_pairs_mut().extend_pairs(shown);
        }
        f.write_str(url.as_str())
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresUrl({self})")
    }
}

impl PartialEq for PostgresUrl {
    fn eq(&self, other: &Self) -> bool {
        self.with_password() == other.with_password()
    }
}

impl Eq for PostgresUrl {}

/// Why a text is no address of a PostgreSQL database. It is not repeated: it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Another kind of address.
    #[error("a ledger is postgres://USER@HOST/DATABASE, or absent for ledger.sqlite in the home")]
    NotPostgres,
    /// Without a database.
    #[error("the ledger's address names no database: postgres://USER@HOST/DATABASE")]
    NoDatabase,
    /// A parameter that is not known.
    #[error(
        "a parameter of the ledger's address is not one of host, hostaddr, port, dbname, user, password, sslmode, \
         sslrootcert, sslcert, sslkey, application_name, options"
    )]
    Parameter,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        for (given, shown) in [
            ("postgres://u:geheim@db.example/ledger", "postgres://u@db.example/ledger"),
            (
                "postgresql://u:geheim@[::1]:5433/l?sslmode=verify-full",
                "postgresql://u@[::1]:5433/l?sslmode=verify-full",
            ),
            ("postgres:///l?host=/run/postgresql&password=geheim", "postgres:///l?host=%2Frun%2Fpostgresql"),
            ("postgres://h/?dbname=l&password=geheim", "postgres://h/?dbname=l"),
        ] {
            let url: PostgresUrl = given.parse().unwrap();
            assert_eq!(url.to_string(), shown);
            assert_eq!(url.with_password(), given);
            let error = LedgerError::NotOpened { url: url.clone(), source: sqlx::Error::PoolTimedOut };
            for text in [format!("{url:?}"), format!("{:?}", Place::from(url)), format!("{error} {error:?}")] {
                assert!(!text.contains("geheim"), "{text}");
            }
        }
    }

    #[test]
    fn what_is_no_database_of_postgresql_is_refused_without_repeating_it() {
        for (given, reason) in [
            ("", UrlError::NotPostgres),
            ("/var/lib/ledger", UrlError::NotPostgres),
            ("sqlite:///ledger", UrlError::NotPostgres),
            ("postgres:ledger", UrlError::NotPostgres),
            ("mysql://u:geheim@h/l", UrlError::NotPostgres),
            ("postgres://u:geheim@h/l#x", UrlError::NotPostgres),
            ("postgres://u:geheim@h", UrlError::NoDatabase),
            ("postgres://u:geheim@h/", UrlError::NoDatabase),
            ("postgres://h/l?pasword=geheim", UrlError::Parameter),
            ("postgres://h/l?sslmode=require&connect_timeout=3", UrlError::Parameter),
        ] {
            assert_eq!(given.parse::<PostgresUrl>(), Err(reason), "{given}");
            assert!(!reason.to_string().contains("geheim"));
        }
    }
}
