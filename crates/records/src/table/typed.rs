//! The text of cells that a file holds as numbers and dates: what the rules for identifiers (SPEC section 7) can take, or
//! what they certainly reject, and never a number that the file does not hold.
//!
//! Those rules strike `.` and `-` out of a social security number, as people write them between its groups. In a number
//! they are no such thing: a fraction or a negative number that is long enough to be taken for one is therefore written
//! in scientific notation, which they reject; so is a number whose last digits the file cannot hold.

use std::fmt::Write as _;

/// Up to this, all integers are distinct in the 64-bit floating point of spreadsheets.
pub(super) const TRUSTED_F64: u128 = 1 << 53;

/// The digits of the longest number that is written plainly although it has a fraction or a sign.
const SHORT: usize = 12;

/// ± digits · 10^exponent.
#[derive(Clone, Copy)]
pub(super) struct Decimal {
    pub(super) negative: bool,
    pub(super) digits: u128,
    pub(super) exponent: i32,
}

impl Decimal {
    /// Reads `-12.50E+3` and the like. Nothing comes of what is no number or has more than 38 digits.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = match text.split_once(['E', 'e']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i16>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let (mut digits, mut exponent) = (0_u128, i32::from(exponent));
        for byte in whole.bytes().chain(fraction.bytes()) {
            let digit = byte.checked_sub(b'0').filter(|digit| *digit <= 9)?;
            digits = digits.checked_mul(10)?.checked_add(u128::from(digit))?;
        }
        exponent = exponent.checked_sub(i32::try_from(fraction.len()).ok()?)?;
        Some(Self { negative, digits, exponent })
    }

    /// Writes an integer of any length, if it is positive or short, or at most `trusted`; a short fraction plainly;
    /// anything else in scientific notation.
    pub(super) fn write(self, trusted: u128, out: &mut String) {
        let Self { negative, mut digits, mut exponent } = self;
        while digits != 0 && digits.is_multiple_of(10) {
            (digits, exponent) = (digits / 10, exponent.saturating_add(1));
        }
        if digits == 0 {
            out.push('0');
            return;
        }
        if negative {
            out.push('-');
        }
        let integer = u32::try_from(exponent)
            .ok()
            .and_then(|power| 10_u128.checked_pow(power)?.checked_mul(digits))
            .filter(|value| *value <= trusted);
        let places = usize::try_from(exponent.unsigned_abs()).unwrap_or(usize::MAX);
        let text = digits.to_string();
        match integer {
            Some(value) if !negative || value < 10_u128.pow(12) => {
                let _ = write!(out, "{value}");
            }
            None if exponent < 0 && places.max(text.len()) <= SHORT => {
                // At least one digit stands before the point.
                let text = format!("{text:0>width$}", width = places + 1);
                let (whole, fraction) = text.split_at(text.len() - places);
                let _ = write!(out, "{whole}.{fraction}");
            }
            _ => {
                let (first, rest) = text.split_at(1);
                let point = if rest.is_empty() { "" } else { "." };
                let power = i64::from(exponent) + rest.len() as i64;
                let _ = write!(out, "{first}{point}{rest}E{power:+}");
            }
        }
    }
}

/// Writes a day as `YYYY-MM-DD`, counted from 1970-01-01, and the time if it is not midnight; false and nothing if the
/// year has not four digits. A date with a time is no birth date, and which day was meant is not guessed.
pub(super) fn write_moment(days: i64, seconds: i64, out: &mut String) -> bool {
    // Days from 0001-01-01 to 1970-01-01, and to 10000-01-01.
    let Some(from_one) = days.checked_add(719_162).filter(|days| (0..3_652_059).contains(days)) else {
        return false;
    };
    let (year, month, day) = civil(from_one);
    let _ = write!(out, "{year:04}-{month:02}-{day:02}");
    if seconds != 0 {
        out.push(' ');
        write_time(seconds, out);
    }
    true
}

/// Writes `HH:MM:SS`.
pub(super) fn write_time(seconds: i64, out: &mut String) {
    let _ = write!(out, "{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
}

/// Year, month and day in the Gregorian calendar, of days counted from 0001-01-01.
fn civil(days: i64) -> (i64, i64, i64) {
    // Years that begin in March end with the leap day; 306 days lie between 0000-03-01 and 0001-01-01.
    let days = days + 306;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + next, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> String {
        let mut out = String::new();
        Decimal::parse(text).unwrap().write(TRUSTED_F64, &mut out);
        out
    }

    #[test]
    fn numbers_that_a_spreadsheet_holds() {
        for (text, expected) in [
            ("0", "0"),
            ("-0.0", "0"),
            ("1", "1"),
            ("1.0", "1"),
            ("-1.50", "-1.5"),
            ("12.5", "12.5"),
            ("0.001", "0.001"),
            ("1E-3", "0.001"),
            (".5", "0.5"),
            ("19801231", "19801231"),
            ("185057505611114", "185057505611114"),
            ("1.85057505611114E+14", "185057505611114"),
            ("1.85057505611114e14", "185057505611114"),
            ("2E3", "2000"),
            ("9007199254740992", "9007199254740992"),
        ] {
            assert_eq!(number(text), expected, "{text}");
        }
    }

    #[test]
    fn numbers_that_cannot_be_trusted_are_no_social_security_number() {
        for (text, expected) in [
            ("9007199254740993", "9.007199254740993E+15"),
            ("1850575056111148888", "1.850575056111148888E+18"),
            ("185057505611114.02", "1.8505750561111402E+14"),
            ("1850575056111.14", "1.85057505611114E+12"),
            ("18505750561.11", "1.850575056111E+10"),
            ("-1850575056111", "-1.850575056111E+12"),
            ("0.000000000000001850575056111", "1.850575056111E-15"),
            ("1E300", "1E+300"),
        ] {
            assert_eq!(number(text), expected, "{text}");
            let nir = blindlist_protocol::identifier::Nir::parse(&number(text));
            assert!(nir.is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_no_number() {
        for text in ["", "-", ".", "E5", "1E", "1E99999", "1,5", "1 2", "abc", "--1", "1.2.3", "INF", "NaN", "٣"] {
            assert!(Decimal::parse(text).is_none(), "{text}");
        }
        assert!(Decimal::parse(&"9".repeat(40)).is_none());
    }

    #[test]
    fn days() {
        let day = |days, seconds| {
            let mut out = String::new();
            write_moment(days, seconds, &mut out).then_some(out)
        };
        for (days, expected) in [
            (0, "1970-01-01"),
            (-1, "1969-12-31"),
            (3652, "1980-01-01"),
            (11_016, "2000-02-29"),
            (11_017, "2000-03-01"),
            (-25_509, "1900-02-28"),
            (-25_508, "1900-03-01"),
            (-719_162, "0001-01-01"),
            (2_932_896, "9999-12-31"),
        ] {
            assert_eq!(day(days, 0).as_deref(), Some(expected));
        }
        assert_eq!(day(0, 86_399).as_deref(), Some("1970-01-01 23:59:59"));
        for days in [-719_163, 2_932_897, i64::MIN, i64::MAX] {
            assert_eq!(day(days, 0), None);
        }
    }

    #[test]
    fn every_day_of_two_centuries_follows_the_one_before() {
        let mut before = (1899, 12, 31);
        for days in 693_595..693_595 + 73_049 {
            let (year, month, day) = civil(days);
            let follows = if day > 1 {
                before == (year, month, day - 1)
            } else if month > 1 {
                (before.0, before.1) == (year, month - 1) && before.2 >= 28
            } else {
                before == (year - 1, 12, 31)
            };
            assert!(follows, "{before:?} {year}-{month}-{day}");
            before = (year, month, day);
        }
        assert_eq!(before, (2099, 12, 31));
    }
}
