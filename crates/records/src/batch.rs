//! Rows held in memory, many at a time, in a few allocations that are used again for the next batch.

use std::{fmt, num::NonZeroU64};

use crate::rejection::Reason;

/// Rows of a table. Can be shared between threads.
///
/// # Security
/// Holds personal data: `Debug` shows only the number of rows.
#[derive(Clone, Default)]
pub struct Batch {
    /// All cells of all rows, one after the other.
    text: String,
    /// Where each cell ends, counted from the start of its row.
    ends: Vec<usize>,
    rows: Vec<Span>,
}

#[derive(Clone)]
struct Span {
    number: u64,
    line: Option<NonZeroU64>,
    text: usize,
    ends: usize,
    defect: Option<Reason>,
}

impl Batch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The row at this place, from 0.
    pub fn row(&self, place: usize) -> Option<Row<'_>> {
        let span = self.rows.get(place)?;
        let (text_end, ends_end) = match self.rows.get(place + 1) {
            Some(next) => (next.text, next.ends),
            None => (self.text.len(), self.ends.len()),
        };
        Some(Row {
            number: span.number,
            line: span.line,
            text: self.text.get(span.text..text_end)?,
            ends: self.ends.get(span.ends..ends_end)?,
            defect: span.defect,
        })
    }

    /// All rows in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = Row<'_>> {
        (0..self.len()).filter_map(|place| self.row(place))
    }

    /// Bytes that the rows take in memory.
    pub(crate) fn size(&self) -> usize {
        self.text.len() + size_of_val(&*self.ends) + size_of_val(&*self.rows)
    }

    /// Forgets the rows and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
        self.rows.clear();
    }

    /// Adds a row that begins in a line; 0 where there are no lines.
    pub(crate) fn push(&mut self, number: u64, line: u64, text: &str, ends: &[usize]) {
        self.push_span(number, line, None);
        self.text.push_str(text);
        self.ends.extend_from_slice(ends);
    }

    /// Keeps the number of a row that can only be rejected, and nothing else of it.
    pub(crate) fn push_defective(&mut self, number: u64, line: u64, defect: Reason) {
        self.push_span(number, line, Some(defect));
    }

    fn push_span(&mut self, number: u64, line: u64, defect: Option<Reason>) {
        let line = NonZeroU64::new(line);
        self.rows.push(Span { number, line, text: self.text.len(), ends: self.ends.len(), defect });
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Batch({} rows)", self.len())
    }
}

/// One row of a table.
///
/// # Security
/// Holds personal data: `Debug` shows only the number of the row.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    number: u64,
    line: Option<NonZeroU64>,
    text: &'a str,
    ends: &'a [usize],
    defect: Option<Reason>,
}

impl<'a> Row<'a> {
    /// The number of the row: data rows from 1, in the order of the file. Blank lines are not counted.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The line where the row begins, from 1, as an editor counts it: blank lines, those within quotes and those of the header
    /// among them. For a workbook it is the number that Excel shows beside the row; Parquet has no lines.
    pub fn line(&self) -> Option<u64> {
        self.line.map(NonZeroU64::get)
    }

    /// Why the row can only be rejected, if it is so. Such a row has no cells.
    pub fn defect(&self) -> Option<Reason> {
        self.defect
    }

    /// The cell in the column at this place, from 0, as it stands in the file without its quotes.
    pub fn cell(&self, place: usize) -> Option<&'a str> {
        let end = *self.ends.get(place)?;
        let start = match place.checked_sub(1) {
            Some(before) => *self.ends.get(before)?,
            None => 0,
        };
        self.text.get(start..end)
    }

    /// All cells.
    pub fn cells(&self) -> impl Iterator<Item = &'a str> {
        (0..self.ends.len()).filter_map(|place| self.cell(place))
    }
}

impl fmt::Debug for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Row({}, redacted)", self.number)
    }
}
