//! Numbers, dates and tables as people read them on a terminal.

use std::fmt::Write as _;

use indicatif::{HumanBytes, HumanCount};
use time::OffsetDateTime;

/// `1234567` as `1,234,567`.
pub(crate) fn count(number: u64) -> String {
    HumanCount(number).to_string()
}

/// A number with its noun: `1 row`, `2 rows`.
pub(crate) fn counted(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", count(number))
}

/// A number of bytes in KiB, MiB or GiB.
pub(crate) fn bytes(number: u64) -> String {
    HumanBytes(number).to_string()
}

/// The day of a time in seconds since 1970, in UTC: `2026-01-31`.
pub(crate) fn date(seconds: u64) -> String {
    let time = i64::try_from(seconds).map(OffsetDateTime::from_unix_timestamp);
    match time {
        Ok(Ok(time)) => time.date().to_string(),
        Ok(Err(_)) | Err(_) => "unknown".to_owned(),
    }
}

/// A time in seconds since 1970 to the minute, in UTC: `2026-01-31 23:59 UTC`.
pub(crate) fn moment(seconds: u64) -> String {
    let minutes = seconds / 60 % (24 * 60);
    format!("{} {:02}:{:02} UTC", date(seconds), minutes / 60, minutes % 60)
}

/// The first eight digits of an id: enough to tell a few apart.
pub(crate) fn short(id: &impl ToString) -> String {
    id.to_string().chars().take(8).collect()
}

/// Lines `name  value`, the values below each other.
pub(crate) fn fields(fields: &[(&str, String)]) -> String {
    let width = fields.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let mut lines = String::new();
    for (name, value) in fields {
        line(&mut lines, &format!("{name:width$}  {value}"));
    }
    lines
}

/// A table: columns as wide as their widest cell, those of numbers to the right.
pub(crate) fn table<const N: usize>(columns: [Heading; N], rows: &[[String; N]]) -> String {
    let titles = columns.map(|heading| heading.title().to_owned());
    let mut widths = [0; N];
    for row in std::iter::once(&titles).chain(rows) {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut lines = String::new();
    for row in std::iter::once(&titles).chain(rows) {
        let cells = row.iter().zip(widths).zip(columns).map(|((cell, width), heading)| match heading {
            Heading::Text(_) => format!("{cell:width$}"),
            Heading::Number(_) => format!("{cell:>width$}"),
        });
        line(&mut lines, &cells.collect::<Vec<_>>().join("  "));
    }
    lines
}

/// The title of a column of a table.
#[derive(Clone, Copy)]
pub(crate) enum Heading {
    /// Cells begin at the left.
    Text(&'static str),
    /// Cells end at the right.
    Number(&'static str),
}

impl Heading {
    fn title(self) -> &'static str {
        match self {
            Self::Text(title) | Self::Number(title) => title,
        }
    }
}

fn line(lines: &mut String, line: &str) {
    writeln!(lines, "{}", line.trim_end()).expect("a string grows");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_align() {
        let rows = [["a".to_owned(), "1,000".to_owned()], ["longer".to_owned(), "7".to_owned()]];
        let table = table([Heading::Text("name"), Heading::Number("rows")], &rows);
        assert_eq!(table, "name     rows\na       1,000\nlonger      7\n");
    }

    #[test]
    fn numbers_and_dates() {
        assert_eq!(
            (count(1_234_567), counted(1, "row"), counted(0, "row")),
            ("1,234,567".into(), "1 row".into(), "0 rows".into())
        );
        assert_eq!((date(0), date(u64::MAX)), ("1970-01-01".into(), "unknown".into()));
        assert_eq!(moment(86_399), "1970-01-01 23:59 UTC");
    }
}
