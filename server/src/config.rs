//! `blindlistd.toml`: what an operator may change by hand. Nothing else reads the file.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;

use blindlist_protocol::params::MAX_ADDRESSES;
use blindlist_protocol::text::{Address, Slug};
use blindlist_store::{file, text};
use serde::Deserialize;

use crate::Error;

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
        if (1..=MAX_ADDRESSES).contains(&config.addresses.len()) {
            Ok(config)
        } else {
            Err(wrong("addresses: looked for 1 to 16, found another number"))
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
        };
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
            (good.replace("listen = \"0.0.0.0:1\"\n", ""), "missing field `listen`"),
            ("\u{1b}[2J".to_owned(), "line 1"),
        ] {
            let error = read(&bad).unwrap_err().to_string();
            assert!(error.contains(named) && !error.contains('\u{1b}'), "{error}");
        }
    }
}
