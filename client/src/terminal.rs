//! Draws what a [`Caller`](crate::Caller) hears: bars on a terminal, plain lines elsewhere, JSON lines for machines, or only
//! what somebody must look at.
//!
//! All of it goes to standard error. It must know nothing of what is done: [`Event`]s are all that it is given, and they hold
//! no cell, identifier or secret.

mod bars;
mod lines;

use std::io::{self, IsTerminal as _, Write};
use std::time::Instant;

use anstyle::{AnsiColor, Style};
use blindlist_protocol::text::Slug;
use futures_util::StreamExt as _;

use crate::caller::{Event, Level, Progress};
use bars::Bars;
use lines::Lines;

/// What calls for attention.
pub(crate) const WARNING: Style = AnsiColor::Yellow.on_default().bold();
/// What went wrong.
pub(crate) const PROBLEM: Style = AnsiColor::Red.on_default().bold();
/// What is well.
pub(crate) const FINE: Style = AnsiColor::Green.on_default();

/// How events are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Bars that move.
    Bars,
    /// A line when a step begins, now and then, and when it ends.
    Lines,
    /// Every event as a line of JSON.
    Json,
    /// Warnings alone.
    Quiet,
}

impl Manner {
    /// The one that suits standard error, unless somebody wants it quiet or for machines.
    pub(crate) fn suiting(quiet: bool, json: bool) -> Self {
        let dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
        match (json, quiet) {
            (true, false) => Self::Json,
            (_, true) => Self::Quiet,
            (false, false) if io::stderr().is_terminal() && !dumb => Self::Bars,
            (false, false) => Self::Lines,
        }
    }
}

/// Something that shows events.
trait Show {
    fn show(&mut self, event: &Event);
}

/// Shows everything until it is over, so that nothing is left to be said when this returns.
pub(crate) async fn show(mut progress: Progress, manner: Manner) {
    // Colours are taken out where nobody wants them: no terminal, NO_COLOR, CLICOLOR, TERM=dumb.
    let mut out: Box<dyn Show + Send> = match manner {
        Manner::Bars => Box::new(Bars::new(anstream::stderr())),
        Manner::Lines => Box::new(Lines::new(anstream::stderr(), Instant::now)),
        Manner::Json => Box::new(Json(io::stderr())),
        Manner::Quiet => Box::new(Quiet(anstream::stderr())),
    };
    while let Some(event) = progress.next().await {
        out.show(&event);
    }
}

/// One line of text for people, with the operator that it is about.
fn line(level: Level, operator: Option<&str>, text: &str) -> String {
    let about = operator.map_or(String::new(), |operator| format!("{operator}: "));
    match level {
        Level::Info => format!("{about}{text}"),
        Level::Warning => {
            let text = text.strip_prefix("warning: ").unwrap_or(text);
            format!("{WARNING}warning:{WARNING:#} {about}{text}")
        }
    }
}

/// Writes a whole line. When nobody can read it, there is nobody to tell.
fn put(out: &mut impl Write, line: &str) {
    let _ = out.write_all(format!("{line}\n").as_bytes()).and_then(|()| out.flush());
}

/// Every event as a line of JSON.
struct Json<W>(W);

impl<W: Write> Show for Json<W> {
    fn show(&mut self, event: &Event) {
        if let Ok(line) = serde_json::to_string(event) {
            put(&mut self.0, &line);
        }
    }
}

/// Warnings alone.
struct Quiet<W>(W);

impl<W: Write> Show for Quiet<W> {
    fn show(&mut self, event: &Event) {
        if let Event::Told { level: Level::Warning, operator, line: text } = event {
            put(&mut self.0, &line(Level::Warning, operator.as_ref().map(Slug::as_str), text));
        }
    }
}

#[cfg(test)]
mod tests {
    use anstream::StripStream;

    use super::*;
    use crate::caller::Unit;

    /// Some events of a check that asks two operators.
    pub(super) fn events() -> Vec<Event> {
        let told = |level, operator: Option<&str>, line: &str| Event::Told {
            level,
            operator: operator.map(|operator| operator.parse().unwrap()),
            line: line.to_owned(),
        };
        let operator = Some("acme".parse().unwrap());
        vec![
            told(Level::Info, None, "columns  nir: \"nir\""),
            Event::Began { step: 7, operator, what: "asking", unit: Unit::Members, total: 20_000 },
            told(Level::Warning, Some("acme"), "the connection was lost"),
            Event::Advanced { step: 7, done: 8_192 },
            Event::Advanced { step: 9, done: 1 },
            Event::Ended { step: 7 },
            told(Level::Warning, None, "warning: once is enough"),
        ]
    }

    fn shown(mut out: impl Show) {
        events().iter().for_each(|event| out.show(event));
    }

    #[test]
    fn machines_get_every_event_as_a_line() {
        let mut written = Vec::new();
        shown(Json(&mut written));
        let text = String::from_utf8(written).unwrap();
        let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), events().len());
        assert_eq!(lines[1]["event"], "began");
        assert_eq!((&lines[2]["level"], &lines[2]["operator"]), (&"warning".into(), &"acme".into()));
        assert_eq!((&lines[3]["step"], &lines[3]["done"]), (&7.into(), &8_192.into()));
    }

    #[test]
    fn quiet_shows_warnings_alone() {
        let mut written = Vec::new();
        shown(Quiet(StripStream::new(&mut written)));
        let text = String::from_utf8(written).unwrap();
        assert_eq!(text, "warning: acme: the connection was lost\nwarning: once is enough\n");
    }

    #[test]
    fn a_warning_has_its_colour_and_text_has_none() {
        assert_eq!(line(Level::Info, Some("a"), "b"), "a: b");
        assert_eq!(line(Level::Warning, None, "b"), "\u{1b}[1m\u{1b}[33mwarning:\u{1b}[0m b");
    }
}
