//! Numbers, times and tables for people, and single lines for standard error. What is told while work is under way is
//! [`crate::terminal`]'s.
//!
//! It must be given nothing that comes from a member file.

use std::io::{self, Write};
use std::time::Duration;

use indicatif::{HumanBytes, HumanCount, HumanDuration};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// One line on standard error.
pub(crate) fn note(line: &str) {
    // When nobody can read it, there is nobody to tell.
    let _ = writeln!(io::stderr(), "{line}");
}

/// A number with a comma at every third digit.
pub(crate) fn number(n: u64) -> String {
    HumanCount(n).to_string()
}

/// So many bytes, in the unit that suits.
pub(crate) fn bytes(n: u64) -> String {
    HumanBytes(n).to_string()
}

/// How long something takes, roughly.
pub(crate) fn duration(duration: Duration) -> String {
    HumanDuration(duration).to_string()
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
    fn sizes_and_times_have_their_units() {
        assert_eq!(bytes(204 << 20), "204.00 MiB");
        assert_eq!(duration(Duration::from_secs(300)), "5 minutes");
        assert_eq!(duration(Duration::from_secs(1)), "1 second");
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [vec!["a".into(), "bb".into()], vec!["éée".into(), "c".into()]];
        assert_eq!(table(&rows), "a    bb\néée  c\n");
    }
}
