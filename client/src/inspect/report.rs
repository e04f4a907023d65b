//! An inspection as a table: offset, length, field, type, value. Plain text of about 120 columns, whatever the bytes are.

use std::fmt::{self, Write as _};

use blindlist_protocol::inspect::{Finding, Inspection, Part, Problem, Span, Value, Verdict};

use super::value::{self, hex};
use crate::show::number;

/// How many items of a list are shown, unless all are.
const FEW: u64 = 8;
/// Columns of a line, where names and ids leave it that choice.
const WIDTH: usize = 120;
/// Columns of an id of 32 bytes, which is never cut.
const ID: usize = 64;
/// Where the words of a finding begin.
const INDENT: usize = 13;

/// Shows an inspection, by its `Display`.
#[derive(Debug)]
pub struct Report<'a> {
    inspection: &'a Inspection<'a>,
    all: bool,
}

/// A line of the table.
#[derive(Default)]
struct Row {
    offset: String,
    length: String,
    field: String,
    ty: String,
    value: String,
}

/// How wide the columns are, but the last.
struct Widths {
    offset: usize,
    length: usize,
    field: usize,
    ty: usize,
}

impl<'a> Report<'a> {
    /// Shows all of it, or of what is long the beginning.
    pub fn new(inspection: &'a Inspection<'a>, all: bool) -> Self {
        Self { inspection, all }
    }

    /// Makes the rows, one after the other: an index has millions.
    fn rows(&self, room: usize, mut emit: impl FnMut(Row) -> fmt::Result) -> fmt::Result {
        let mut spans = self.inspection.spans.iter().peekable();
        let mut before = None;
        while let Some(span) = spans.next() {
            let Some((list, first)) = self.hidden(span) else {
                emit(self.row(span, before, room))?;
                self.entries(span, &mut emit)?;
                before = Some(span);
                continue;
            };
            let mut last = first;
            while let Some((_, item)) = spans.peek().and_then(|next| self.hidden(next)).filter(|(l, _)| *l == list) {
                last = item;
                spans.next();
            }
            emit(left_out(last - first + 1))?;
        }
        Ok(())
    }

    /// The list and the item, if a span belongs to an item that is not shown.
    fn hidden<'s>(&self, span: &'s Span<'_>) -> Option<(&'s [Part], u64)> {
        let parts = span.path.parts();
        let far = parts.iter().enumerate().find_map(|(place, part)| match part {
            Part::Item(item) if *item >= FEW => Some((place, *item)),
            Part::Item(_) | Part::Field(_) => None,
        });
        let (place, item) = far.filter(|_| !self.all)?;
        Some((parts.get(..place).unwrap_or_default(), item))
    }

    fn row(&self, span: &Span<'_>, before: Option<&Span<'_>>, room: usize) -> Row {
        let value = match (&self.inspection.inner, span.value) {
            (Some(inner), Value::Bytes(_)) => format!("{} bytes: the {} below", number(inner.length), inner.format),
            _ => value::shown(span, before, if self.all { usize::MAX } else { room }),
        };
        Row {
            offset: span.offset.to_string(),
            length: span.length.to_string(),
            field: span.path.to_string(),
            ty: span.ty.to_string(),
            value,
        }
    }

    /// The entries of a block, and the labels.
    fn entries(&self, span: &Span<'_>, emit: &mut impl FnMut(Row) -> fmt::Result) -> fmt::Result {
        let Some(index) = &self.inspection.index else { return Ok(()) };
        let most = if self.all { u64::MAX } else { FEW };
        match span.value {
            Value::Block { number, start, .. } if start < most => {
                let mut values = Vec::new();
                // A block that cannot be read is what the failure is about.
                let _ = index.decode_block(number, &mut values);
                let left = (values.len() as u64).saturating_sub(most);
                for (v, entry) in values.iter().zip(start..most) {
                    emit(Row { field: format!("v[{entry}]"), value: v.to_string(), ..Row::default() })?;
                }
                if left > 0 { emit(left_out(left)) } else { Ok(()) }
            }
            Value::Bytes(labels) if span.path.field() == Some("labels") => {
                let each = u64::from(index.header().label_len());
                let size = usize::from(index.header().label_len()).max(1);
                for (label, entry) in labels.chunks(size).zip(0..most) {
                    emit(Row {
                        offset: (span.offset + entry * each).to_string(),
                        length: each.to_string(),
                        field: format!("labels[{entry}]"),
                        ty: format!("[u8; {each}]"),
                        value: hex(label),
                    })?;
                }
                let left = u64::from(index.header().entries()).saturating_sub(most);
                if left > 0 { emit(left_out(left)) } else { Ok(()) }
            }
            Value::Block { .. }
            | Value::Bytes(_)
            | Value::Number(_)
            | Value::Text(_)
            | Value::Items(_)
            | Value::Present(_)
            | Value::Alternative(..) => Ok(()),
        }
    }

    fn widths(&self) -> Result<Widths, fmt::Error> {
        let mut widths = Widths { offset: 6, length: 6, field: 5, ty: 4 };
        self.rows(ID, |row| {
            widths.offset = widths.offset.max(row.offset.len());
            widths.length = widths.length.max(row.length.len());
            widths.field = widths.field.max(row.field.len());
            widths.ty = widths.ty.max(row.ty.len());
            Ok(())
        })?;
        Ok(widths)
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inspection { format, offset, length, .. } = self.inspection;
        write!(f, "{format} (SPEC.md section {})", format.section())?;
        // No more was read of what is too large, nor decoded.
        let too_large =
            matches!(&self.inspection.failure, Some(failure) if matches!(failure.problem, Problem::TooLarge { .. }));
        if !too_large {
            write!(f, ", {} bytes", number(*length))?;
        }
        writeln!(f, "{}", if *offset > 0 { format!(" from offset {offset}") } else { String::new() })?;
        let widths = self.widths()?;
        let room = WIDTH.saturating_sub(widths.offset + widths.length + widths.field + widths.ty + 8).max(ID);
        if !self.inspection.spans.is_empty() {
            let titles = ["offset", "length", "field", "type", "value"].map(str::to_owned);
            let [offset, length, field, ty, value] = titles;
            writeln!(f)?;
            Row { offset, length, field, ty, value }.write(f, &widths)?;
            self.rows(room, |row| row.write(f, &widths))?;
        }
        if !self.inspection.findings.is_empty() || self.inspection.failure.is_some() {
            writeln!(f)?;
        }
        for finding in &self.inspection.findings {
            f.write_str(&wrapped(finding.about, &words(finding)))?;
        }
        if let Some(failure) = &self.inspection.failure {
            f.write_str(&wrapped("stopped", &failure.to_string()))?;
        }
        match &self.inspection.inner {
            Some(inner) => write!(f, "\n{}", Report::new(inner, self.all)),
            None => Ok(()),
        }
    }
}

impl Row {
    fn write(&self, f: &mut fmt::Formatter<'_>, widths: &Widths) -> fmt::Result {
        let Self { offset, length, field, ty, value } = self;
        let mut line = String::new();
        let Widths { offset: o, length: l, field: n, ty: t } = *widths;
        write!(line, "{offset:>o$}  {length:>l$}  {field:n$}  {ty:t$}  {value}")?;
        writeln!(f, "{}", line.trim_end())
    }
}

fn left_out(items: u64) -> Row {
    Row { field: "...".to_owned(), value: format!("{} more; --all shows them", number(items)), ..Row::default() }
}

fn words(finding: &Finding) -> String {
    let verdict = match finding.verdict {
        Verdict::Fact => "",
        Verdict::Holds => "ok: ",
        Verdict::Fails => "wrong: ",
        Verdict::Open => "not checked: ",
    };
    format!("{verdict}{}", finding.words)
}

/// Words broken into lines, under each other behind what they are about.
fn wrapped(about: &str, words: &str) -> String {
    let mut text = format!("{about:INDENT$}");
    let mut column = INDENT;
    for (place, word) in words.split(' ').enumerate() {
        let width = word.chars().count();
        if place > 0 && column + 1 + width > WIDTH {
            text.push_str(&format!("\n{:INDENT$}", ""));
            column = INDENT;
        } else if place > 0 {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += width;
    }
    text + "\n"
}

#[cfg(test)]
mod tests {
    use blindlist_protocol::inspect::{Format, inspect};
    use blindlist_protocol::message::Request;

    use super::*;

    #[test]
    fn a_message_is_a_table() {
        let bytes = Request::Segment { release: "22".repeat(16).parse().unwrap(), number: 3 }.encode();
        let expected = [
            "request (SPEC.md section 18), 24 bytes",
            "",
            "offset  length  field        type      value",
            "     0       4  alternative  choice    2 Segment",
            "     4      16  release      [u8; 16]  22222222222222222222222222222222",
            "    20       4  number       u32       3",
            "",
        ];
        assert_eq!(Report::new(&inspect(&bytes, Format::Request), false).to_string(), expected.join("\n"));
    }

    #[test]
    fn long_words_go_on_under_their_beginning() {
        let wide = "x".repeat(106);
        assert_eq!(wrapped("about", &format!("{wide} y z")), format!("about        {wide}\n             y z\n"));
        assert_eq!(wrapped("about", "a b"), "about        a b\n");
    }
}
