//! Messages, progress, numbers and times for people. Standard error only: results go to standard output elsewhere.
//!
//! It must be given nothing that comes from a member file.

use std::io::{self, IsTerminal, Write};

use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// One line on standard error.
pub(crate) fn note(line: &str) {
    // When nobody can read it, there is nobody to tell.
    let _ = writeln!(io::stderr(), "{line}");
}

/// A bar for so many bytes.
pub(crate) fn bytes_bar(what: &'static str, total: u64) -> ProgressBar {
    bar(what, total, "{msg} {wide_bar} {bytes}/{total_bytes}  {binary_bytes_per_sec}  {eta} left")
}

/// A bar for so many members.
pub(crate) fn members_bar(what: &'static str, total: u64) -> ProgressBar {
    bar(what, total, "{msg} {wide_bar} {human_pos}/{human_len}  {rate}  {eta} left")
}

fn bar(what: &'static str, total: u64, template: &str) -> ProgressBar {
    let target = if io::stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let style = ProgressStyle::with_template(template).expect("the templates are constant and tried by a test");
    let style = style.with_key("rate", |state: &ProgressState, out: &mut dyn std::fmt::Write| {
        // Nobody hears of a failure to format a number.
        let _ = write!(out, "{:.0}/s", state.per_sec());
    });
    let bar = ProgressBar::with_draw_target(Some(total), target).with_style(style);
    bar.set_message(what);
    bar
}

/// A number with a comma at every third digit.
pub(crate) fn number(n: u64) -> String {
    HumanCount(n).to_string()
}

/// Seconds since 1970 as RFC 3339 in UTC; seconds that are no date before the year 10000 as their number.
pub(crate) fn moment(seconds: u64) -> String {
    let date = i64::try_from(seconds).ok().map(OffsetDateTime::from_unix_timestamp);
    date.and_then(Result::ok)
        .and_then(|date| date.format(&Rfc3339).ok())
        .unwrap_or_else(|| format!("{seconds} seconds after 1970"))
}

/// Rows of cells with every column as wide as its widest cell.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_dates_where_they_can_be() {
        assert_eq!(moment(1_700_000_000), "2023-11-14T22:13:20Z");
        assert_eq!(moment(u64::MAX), "18446744073709551615 seconds after 1970");
    }

    #[test]
    fn bars_can_be_drawn() {
        bytes_bar("x", 1).finish();
        members_bar("x", 1).finish();
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [vec!["a".into(), "bb".into()], vec!["éée".into(), "c".into()]];
        assert_eq!(table(&rows), "a    bb\néée  c\n");
    }
}
