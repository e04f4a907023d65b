//! One cell: its raw value from XML, and the text that it becomes.

use std::io::Read;

use super::{
    super::{
        disk::Fault,
        typed::{Decimal, TRUSTED_F64, write_moment, write_time},
    },
    strings::{Strings, append, unescape},
    workbook::Style,
    xml::{Token, Xml},
};

/// The last day that Excel knows, 9999-12-31, counted from 1900.
const LAST_DAY: f64 = 2_958_465.0;

/// What the value of a cell stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Number,
    /// The number of a shared text.
    Shared,
    /// A text that stands in the cell.
    Inline,
    /// A text that a formula made.
    Text,
    Boolean,
    /// `#N/A` and its kin.
    Error,
    /// A date as ISO 8601 writes it.
    Date,
}

impl Kind {
    pub(super) fn parse(name: Option<&str>) -> Option<Self> {
        Some(match name {
            None | Some("n") => Self::Number,
            Some("s") => Self::Shared,
            Some("inlineStr") => Self::Inline,
            Some("str") => Self::Text,
            Some("b") => Self::Boolean,
            Some("e") => Self::Error,
            Some("d") => Self::Date,
            Some(_) => return None,
        })
    }
}

/// The raw value of the current cell. For a formula it is the result that was saved with it.
#[derive(Default)]
pub(super) struct Cell {
    value: String,
}

impl Cell {
    /// Reads the cell that was just opened, up to its end.
    pub(super) fn read<R: Read>(&mut self, xml: &mut Xml<R>, kind: Kind) -> Result<(), Fault> {
        self.value.clear();
        let cell_depth = xml.depth();
        let wanted = if kind == Kind::Inline { "t" } else { "v" };
        // The depth of the element inside which text counts; 0 is none. Phonetic guides are no part of the text.
        let (mut in_value, mut in_phonetic) = (0, 0);
        while xml.depth() >= cell_depth {
            let depth = xml.depth();
            match xml.next()? {
                Token::Open(element) => match element.local_name().as_ref() {
                    "rPh" => in_phonetic = depth + 1,
                    name if name == wanted && in_phonetic == 0 => in_value = depth + 1,
                    _ => {}
                },
                Token::Close => {
                    in_value = if depth == in_value { 0 } else { in_value };
                    in_phonetic = if depth == in_phonetic { 0 } else { in_phonetic };
                }
                Token::Text(text) if in_value != 0 => append(&mut self.value, &text)?,
                Token::Text(_) => {}
                Token::End => return Err(Fault::DAMAGED),
            }
        }
        Ok(())
    }

    /// Writes the text of the cell.
    pub(super) fn write(
        &mut self,
        kind: Kind,
        style: Option<Style>,
        from_1904: bool,
        strings: &Strings,
        out: &mut String,
    ) -> Result<(), Fault> {
        let value = self.value.trim_ascii();
        match kind {
            Kind::Number => write_number(value, style.unwrap_or(Style::Number), from_1904, out),
            Kind::Shared if value.is_empty() => {}
            Kind::Shared => {
                let text = value.parse::<usize>().ok().and_then(|place| strings.find(place));
                out.push_str(text.ok_or(Fault::DAMAGED)?);
            }
            Kind::Inline | Kind::Text => {
                unescape(&mut self.value);
                out.push_str(&self.value);
            }
            Kind::Boolean => out.push_str(match value {
                "1" | "true" => "TRUE",
                "0" | "false" => "FALSE",
                other => other,
            }),
            Kind::Error => out.push_str(value),
            Kind::Date => out.push_str(without_midnight(value)),
        }
        Ok(())
    }
}

fn write_number(value: &str, style: Style, from_1904: bool, out: &mut String) {
    let Some(decimal) = Decimal::parse(value) else {
        // No writer makes such a number. What it is as text is for the rules of the column to judge, but more digits
        // than any spreadsheet holds are no text.
        match value.parse::<f64>() {
            Ok(number) if !value.is_empty() => out.push_str(&format!("{number:E}")),
            Ok(_) | Err(_) => out.push_str(value),
        }
        return;
    };
    let start = out.len();
    match style {
        Style::Moment if write_serial(value, from_1904, out) => {}
        Style::Moment | Style::Number => decimal.write(TRUSTED_F64, out),
        Style::Padded(width) => {
            decimal.write(TRUSTED_F64, out);
            let written = out.get(start..).unwrap_or_default();
            if written.bytes().all(|byte| byte.is_ascii_digit()) {
                let zeros = "0".repeat(width.min(20).saturating_sub(written.len()));
                out.insert_str(start, &zeros);
            }
        }
    }
}

/// Writes a date and time that is counted in days; false and nothing if there is no such day.
fn write_serial(value: &str, from_1904: bool, out: &mut String) -> bool {
    let Some(serial) = value.parse::<f64>().ok().filter(|serial| (0.0..LAST_DAY + 1.0).contains(serial)) else {
        return false;
    };
    #[expect(clippy::cast_possible_truncation, reason = "the range was checked")]
    let seconds = (serial * 86_400.0).round() as i64;
    let (day, seconds) = (seconds / 86_400, seconds % 86_400);
    // Days to 1970-01-01. Counted from 1900, day 60 is a 29 February that never was, and the days before it are one off.
    match (from_1904, day) {
        (true, _) => write_moment(day - 24_107, seconds, out),
        (false, 61..) => write_moment(day - 25_569, seconds, out),
        (false, 60) => {
            out.push_str("1900-02-29");
            true
        }
        (false, 1..60) => write_moment(day - 25_568, seconds, out),
        // A time without a date. Midnight alone is a zero that somebody formatted as a date, and stays a zero.
        (false, _) if seconds > 0 => {
            write_time(seconds, out);
            true
        }
        (false, _) => false,
    }
}

/// `1980-12-31T00:00:00` is a day; with another time it is no birth date, and stays as it is.
fn without_midnight(value: &str) -> &str {
    let Some((day, time)) = value.split_once('T') else {
        return value;
    };
    let is_midnight = time.starts_with("00:00") && time.bytes().all(|byte| matches!(byte, b'0' | b':' | b'.'));
    if is_midnight { day } else { value }
}
