//! Birth dates and birth ranks. SPEC.md, "Identifiers".

use std::fmt;

use super::Reject;

/// What may stand around a date or a rank.
const AROUND: [char; 3] = [' ', '\t', '\u{a0}'];

/// A birth date as eight ASCII digits, YYYYMMDD. The day, or the day and the month, are 00 where a civil record does not
/// know them.
///
/// # Security
/// Personal data: `Debug` shows nothing of it and there is no `Display`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BirthDate([u8; 8]);

impl BirthDate {
    /// Reads 1980-12-31, 19801231, 31/12/1980, 31-12-1980 or 31.12.1980. Eight digits are never day first: a day-first
    /// date read as year first has the century for its month, which no calendar has.
    ///
    /// # Errors
    /// A reason if the text has another form, a year outside 1800-2199, or names a day that does not exist.
    pub fn parse(text: &str) -> Result<Self, Reject> {
        let digits = match *text.trim_matches(AROUND).as_bytes() {
            [] => return Err(Reject::Empty),
            [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] => [y1, y2, y3, y4, m1, m2, d1, d2],
            [d1, d2, b'/', m1, m2, b'/', y1, y2, y3, y4] => [y1, y2, y3, y4, m1, m2, d1, d2],
            [d1, d2, b'-', m1, m2, b'-', y1, y2, y3, y4] => [y1, y2, y3, y4, m1, m2, d1, d2],
            [d1, d2, b'.', m1, m2, b'.', y1, y2, y3, y4] => [y1, y2, y3, y4, m1, m2, d1, d2],
            [_, _, b'/' | b'-' | b'.', _, _, b'/' | b'-' | b'.', _, _] => return Err(Reject::DateShortYear),
            [y1, y2, y3, y4, m1, m2, d1, d2] => [y1, y2, y3, y4, m1, m2, d1, d2],
            _ => return Err(Reject::DateFormat),
        };
        if !digits.iter().all(u8::is_ascii_digit) {
            return Err(Reject::DateFormat);
        }
        Self::check(digits)
    }

    /// Whether both the month and the day are known.
    pub fn is_complete(&self) -> bool {
        !self.0.ends_with(b"00")
    }

    /// The eight digits.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    fn check(digits: [u8; 8]) -> Result<Self, Reject> {
        let [year @ .., m1, m2, d1, d2] = digits;
        let year = year.into_iter().fold(0_u16, |year, digit| year * 10 + u16::from(digit - b'0'));
        let month = (m1 - b'0') * 10 + (m2 - b'0');
        let day = (d1 - b'0') * 10 + (d2 - b'0');
        if !(1800..=2199).contains(&year) {
            return Err(Reject::DateYear);
        }
        match (month, day) {
            (0, 0) | (1..=12, 0) => Ok(Self(digits)),
            (1..=12, _) if day <= days_in(year, month) => Ok(Self(digits)),
            (1..=12, _) => Err(Reject::DateDay),
            _ => Err(Reject::DateMonth),
        }
    }
}

impl fmt::Debug for BirthDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BirthDate(redacted)")
    }
}

/// The days of a month in the Gregorian calendar.
fn days_in(year: u16, month: u8) -> u8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 31,
    }
}

/// The rank among people born of one mother on one day, 1 to 9.
///
/// # Security
/// Personal data: `Debug` shows nothing of it and there is no `Display`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BirthRank(u8);

impl BirthRank {
    /// The rank where none is held.
    pub const FIRST: Self = Self(b'1');

    /// Reads one digit with or without a zero before it; an empty cell is rank 1.
    ///
    /// # Errors
    /// [`Reject::Rank`] for anything else.
    pub fn parse(text: &str) -> Result<Self, Reject> {
        match *text.trim_matches(AROUND).as_bytes() {
            [] => Ok(Self::FIRST),
            [digit @ b'1'..=b'9'] | [b'0', digit @ b'1'..=b'9'] => Ok(Self(digit)),
            _ => Err(Reject::Rank),
        }
    }

    /// The rank as one ASCII digit.
    pub fn digit(self) -> u8 {
        self.0
    }
}

impl Default for BirthRank {
    fn default() -> Self {
        Self::FIRST
    }
}

impl fmt::Debug for BirthRank {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BirthRank(redacted)")
    }
}
