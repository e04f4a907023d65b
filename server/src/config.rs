//! `blindlistd.toml`: what an operator may change by hand. Nothing else reads the file.

mod limits;

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use blindlist_protocol::params::MAX_ADDRESSES;
use blindlist_protocol::text::{Address, Slug};
use blindlist_store::{file, text};
use serde::Deserialize;

pub use self::limits::Limits;
use crate::Error;
use crate::ledger::PostgresUrl;

/// Most bytes of the file.
const LIMIT: u64 = 64 << 10;

/// The configuration of an operator.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The operator's name, as in everything that it has signed.
    pub operator: Slug,
    /// Where insurers reach the server: 1 to 16 addresses, the first to be tried first. Bundles name them.
    pub addresses: Vec<Address>,
    /// The local address that the server listens on.
    pub listen: SocketAddr,
    /// The local TCP address of the admin page, if there is one.
    #[serde(default)]
    pub admin: Option<SocketAddr>,
    /// The file of the token that guards the admin page; a relative path begins at the home.
    #[serde(default)]
    pub admin_token_file: Option<PathBuf>,
    /// The PostgreSQL database that the ledger is in, instead of `ledger.sqlite` in the home. Servers may share it.
    #[serde(default)]
    pub ledger: Option<PostgresUrl>,
    /// Evaluations that an insurer may have in a minute, unless `insurer set-rate` said otherwise.
    #[serde(default = "default_rate")]
    pub rate: NonZeroU64,
    /// How much of everything insurers are given.
    #[serde(default)]
    pub limits: Limits,
}

/// A million in a second, which takes more than thirty cores: no honest client on one machine comes near it, and a server
/// that one insurer could keep busy alone can still set less.
pub const DEFAULT_RATE: NonZeroU64 = NonZeroU64::new(60_000_000).expect("not zero");

fn default_rate() -> NonZeroU64 {
    DEFAULT_RATE
}

impl Config {
    /// Reads the file.
    ///
    /// # Errors
    /// [`Error::Config`] when it is not TOML, has an unknown key, lacks one, or has a value that is not allowed.
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        let bytes = file::read_limited(path, LIMIT)?;
        let wrong = |problem: &str| Error::Config { path: path.to_owned(), problem: text::escape(problem, 300) };
        let content = std::str::from_utf8(&bytes).map_err(|_| wrong("it is not UTF-8"))?;
        let config: Self = toml::from_str(content).map_err(|error| {
            let line = error.span().and_then(|span| content.get(..span.start));
            let place = line.map_or(String::new(), |before| format!("line {}: ", before.matches('\n').count() + 1));
            wrong(&format!("{place}{}", error.message()))
        })?;
        if !(1..=MAX_ADDRESSES).contains(&config.addresses.len()) {
            return Err(wrong("addresses: looked for 1 to 16, found another number"));
        }
        match config.limits.problem() {
            Some(problem) => Err(wrong(&problem)),
            None => Ok(config),
        }
    }

    /// The text of the file.
    pub(crate) fn to_text(&self) -> String {
        let mut text = format!(
            "# The operator's name, as insurers know it. It is signed into every epoch, release and bundle.\n\
             operator = \"{}\"\n\n\
             # Where insurers reach this server: HOST:PORT. Bundles name them, the first to be tried first.\n\
             addresses = [",
            self.operator
        );
        for (place, address) in self.addresses.iter().enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            write!(text, "{comma}\"{address}\"").expect("a string grows");
        }
        write!(text, "]\n\n# The local UDP address to listen on.\nlisten = \"{}\"\n", self.listen)
            .expect("a string grows");
        text += "\n# The local TCP address of the admin page: status, /metrics, /readyz. Without it there is none. Beyond loopback it\n\
                 # wants a token: the one line of a private file, 32 characters or more.\n";
        match self.admin {
            Some(address) => writeln!(text, "admin = \"{address}\"").expect("a string grows"),
            None => text += "# admin = \"127.0.0.1:9433\"\n",
        }
        if let Some(path) = &self.admin_token_file {
            // TOML escapes as Rust does what a path may hold, controls excepted.
            writeln!(text, "admin_token_file = {:?}", path.to_string_lossy()).expect("a string grows");
        }
        text += "\n# The PostgreSQL database of the ledger, which several servers may share; ledger.sqlite in this folder without it. The\n\
                 # password may stand in PGPASSWORD, or in a file that PGPASSFILE names, instead of here.\n";
        // In ASCII, TOML escapes as Rust does; a URL is ASCII.
        match &self.ledger {
            Some(url) => writeln!(text, "ledger = {:?}", url.with_password()).expect("a string grows"),
            None => text += "# ledger = \"postgres://USER@HOST/DATABASE?sslmode=verify-full&sslrootcert=FILE\"\n",
        }
        text +=
            "\n# Evaluations that each insurer may have in a minute; `insurer set-rate` changes it for one of them.\n";
        let comment = if self.rate == DEFAULT_RATE { "# " } else { "" };
        writeln!(text, "{comment}rate = {}", self.rate).expect("a string grows");
        text += "\n# How much of everything insurers are given. The sample in deploy/blindlistd.toml has all of it with what it means.\n";
        text += &self.limits.to_text();
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: &str) -> Result<Config, Error> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("blindlistd.toml");
        std::fs::write(&path, content).unwrap();
        Config::read(&path)
    }

    #[test]
    fn what_is_written_is_read() {
        let config = Config {
            operator: "op-1".parse().unwrap(),
            addresses: vec!["[::1]:4433".parse().unwrap(), "op.example.fr:1".parse().unwrap()],
            listen: "0.0.0.0:4433".parse().unwrap(),
            admin: None,
            admin_token_file: None,
            ledger: None,
            rate: DEFAULT_RATE,
            limits: Limits::default(),
        };
        assert_eq!(read(&config.to_text()).unwrap(), config);
        let ledger = "postgres://u:p%22\\@db/l?options=-c%20x=\"y\"".parse().ok();
        assert!(ledger.is_some());
        let limits = Limits { connections: 7, stop_seconds: 1, ..Limits::default() };
        let (admin, admin_token_file) = ("[::1]:9433".parse().ok(), Some("a \"b\"/token".into()));
        let config = Config { ledger, rate: NonZeroU64::MIN, limits, admin, admin_token_file, ..config };
        assert_eq!(read(&config.to_text()).unwrap(), config);
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        let good = "operator = \"op\"\naddresses = [\"h:1\"]\nlisten = \"0.0.0.0:1\"\n";
        read(good).unwrap();
        for (bad, named) in [
            (format!("{good}lisen = 1\n"), "line 4: unknown field `lisen`"),
            (good.replace("\"op\"", "\"Op!\""), "line 1: a name is 1 to 64"),
            (good.replace("h:1", "h"), "line 2: an address is HOST:PORT"),
            (good.replace("\"h:1\"", ""), "addresses: looked for 1 to 16"),
            (format!("{good}rate = 0\n"), "line 4"),
            (format!("{good}[limits]\nconections = 1\n"), "line 5: unknown field `conections`, expected one of"),
            (format!("{good}[limits]\nconnections = 0\n"), "limits: connections: looked for 1 to 65536, found 0"),
            (format!("{good}[limits]\nmegabytes = 15\n"), "limits: megabytes: looked for 16 to 4095, found 15"),
            (format!("{good}[limits]\nidle_seconds = -1\n"), "line 5"),
            (format!("{good}ledger = \"ledger.sqlite\"\n"), "line 4: a ledger is postgres://"),
            (format!("{good}ledger = \"postgres://u:geheim@db\"\n"), "line 4: the ledger's address names no database"),
            (good.replace("listen = \"0.0.0.0:1\"\n", ""), "missing field `listen`"),
            ("\u{1b}[2J".to_owned(), "line 1"),
        ] {
            let error = read(&bad).unwrap_err().to_string();
            assert!(error.contains(named) && !error.contains('\u{1b}') && !error.contains("geheim"), "{error}");
        }
    }
}
