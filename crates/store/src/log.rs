//! What a program logs: to standard error, in words or as one JSON object a line.
//!
//! What gets into it is decided where it is logged; rows, identifiers, elements and secrets never do.

use std::fmt;
use std::io::{self, IsTerminal as _};
use std::str::FromStr;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;

/// The environment variable that says what is logged, for each part if need be: `info,blindlist_transport=debug`.
pub const VARIABLE: &str = "BLINDLIST_LOG";

/// What the names of our own parts begin with.
const OURS: &str = "blindlist";

/// How much is logged, by name: `off`, `error`, `warn`, `info`, `debug` or `trace`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level(LevelFilter);

impl Level {
    /// What may be wrong, and what is.
    pub const WARN: Self = Self(LevelFilter::WARN);
    /// What happens, too.
    pub const INFO: Self = Self(LevelFilter::INFO);
}

impl FromStr for Level {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let level = match text {
            "off" => LevelFilter::OFF,
            "error" => LevelFilter::ERROR,
            "warn" => LevelFilter::WARN,
            "info" => LevelFilter::INFO,
            "debug" => LevelFilter::DEBUG,
            "trace" => LevelFilter::TRACE,
            _ => return Err("it is off, error, warn, info, debug or trace"),
        };
        Ok(Self(level))
    }
}

/// The form of what is logged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// For people.
    #[default]
    Human,
    /// One JSON object a line.
    Json,
}

impl FromStr for Format {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "human" => Ok(Self::Human),
            "json" => Ok(Self::Json),
            _ => Err("it is human or json"),
        }
    }
}

/// Begins to log. `level` is for our own parts, libraries only warn; without it [`VARIABLE`] says what is logged, and
/// without that `usual` is.
///
/// Called once more it changes nothing.
pub fn begin(level: Option<Level>, format: Format, usual: Level) {
    let (filter, misread) = filter(level, std::env::var(VARIABLE).ok(), usual);
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_target(false).with_writer(io::stderr);
    // Fails only when it has begun already.
    let _ = match format {
        Format::Human => log.with_ansi(wants_colours()).try_init(),
        Format::Json => log.json().flatten_event(true).with_current_span(false).with_span_list(false).try_init(),
    };
    if misread {
        tracing::warn!("{VARIABLE} is not understood and does not count: looked for such as info or info,quinn=debug");
    }
}

/// Whether standard error is a terminal, and nobody said that it is to have no colours (<https://no-color.org>).
fn wants_colours() -> bool {
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    io::stderr().is_terminal() && !no_color && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// What is logged, and whether the variable could not be read.
fn filter(level: Option<Level>, variable: Option<String>, usual: Level) -> (EnvFilter, bool) {
    let ours = |level: Level| EnvFilter::new(format!("warn,{OURS}={level}"));
    match (level, variable.filter(|text| !text.is_empty())) {
        (Some(Level(LevelFilter::OFF)), _) => (EnvFilter::new("off"), false),
        (Some(level), _) => (ours(level), false),
        (None, None) => (ours(usual), false),
        (None, Some(text)) => match EnvFilter::try_new(text) {
            Ok(filter) => (filter, false),
            Err(_) => (ours(usual), true),
        },
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_comes_before_the_variable_and_the_variable_before_what_is_usual() {
        let shown = |level: Option<&str>, variable: Option<&str>| {
            let level = level.map(|text| text.parse().unwrap());
            let (filter, misread) = filter(level, variable.map(str::to_owned), Level::INFO);
            (filter.to_string(), misread)
        };
        assert_eq!(shown(None, None), ("blindlist=info,warn".to_owned(), false));
        assert_eq!(shown(None, Some("")), ("blindlist=info,warn".to_owned(), false));
        assert_eq!(shown(None, Some("quinn=trace")), ("quinn=trace".to_owned(), false));
        assert_eq!(shown(Some("debug"), Some("quinn=trace")), ("blindlist=debug,warn".to_owned(), false));
        assert_eq!(shown(Some("off"), None), ("off".to_owned(), false));
        assert_eq!(shown(None, Some("info,=x=")), ("blindlist=info,warn".to_owned(), true));
    }

    #[test]
    fn levels_and_formats_are_named() {
        for name in ["off", "error", "warn", "info", "debug", "trace"] {
            assert_eq!(name.parse::<Level>().unwrap().to_string(), name);
        }
        assert!("INFO".parse::<Level>().is_err() && "1".parse::<Level>().is_err());
        assert_eq!("json".parse(), Ok(Format::Json));
        assert!("JSON".parse::<Format>().is_err());
    }
}
