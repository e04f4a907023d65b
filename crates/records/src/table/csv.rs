//! CSV rows from text, with the checks that the `csv` crate leaves out: a limit on the length of a row, quotes that never
//! close, NUL bytes. It therefore stands on `csv-core`, the same parser without the reader around it.

use std::{fmt, path::PathBuf, str};

use csv_core::ReadRecordResult;

use super::{Digest, MAX_ROW_LEN, Origin, Progress, text::Text};
use crate::{batch::Batch, error::TableError, rejection::Reason, writer::CsvStyle};

/// The delimiters that are looked for, the first one winning a tie.
const DELIMITERS: [u8; 4] = *b",;\t|";

/// Stands in for the delimiter of a file of one column: the ASCII unit separator, which no text of that kind holds.
const NO_DELIMITER: u8 = 0x1f;

pub(super) struct CsvReader {
    text: Text,
    parser: csv_core::Reader,
    delimiter: Option<u8>,
    headers: Vec<String>,
    /// A piece of the text, of which `input[position..]` is still to be parsed.
    input: Vec<u8>,
    position: usize,
    /// The number of the row that is read next; 0 for the header.
    number: u64,
    lines: Lines,
    /// Cells of the current row one after the other, without quotes and delimiters. The buffer keeps its full length.
    record: Vec<u8>,
    /// Where each cell of the current row ends. The buffer keeps its full length.
    ends: Vec<usize>,
}

impl CsvReader {
    /// Reads the header.
    pub(super) fn new(mut text: Text) -> Result<Self, TableError> {
        let mut input = Vec::new();
        text.next(&mut input)?;
        let delimiter = detect_delimiter(&input);
        let mut reader = Self {
            text,
            parser: csv_core::ReaderBuilder::new().delimiter(delimiter.unwrap_or(NO_DELIMITER)).build(),
            delimiter,
            headers: Vec::new(),
            input,
            position: 0,
            number: 0,
            lines: Lines { current: 1, after_cr: false },
            record: vec![0; MAX_ROW_LEN + 1],
            ends: vec![0; 64],
        };
        let mut header = Batch::new();
        match reader.read_record()? {
            Some(parsed) => reader.push(parsed, &mut header)?,
            None => return Err(TableError::Empty { path: reader.path() }),
        }
        let row = header.row(0).filter(|row| row.defect().is_none());
        let found = "NUL bytes, as in a binary file";
        let row = row.ok_or_else(|| TableError::Format { path: reader.path(), found })?;
        reader.headers = row.cells().map(str::to_owned).collect();
        reader.number = 1;
        Ok(reader)
    }

    pub(super) fn headers(&self) -> &[String] {
        &self.headers
    }

    pub(super) fn delimiter(&self) -> Option<char> {
        self.delimiter.map(char::from)
    }

    pub(super) fn style(&self) -> CsvStyle {
        let delimiter = self.delimiter.unwrap_or(CsvStyle::default().delimiter);
        CsvStyle { delimiter, encoding: self.text.encoding(), mark: self.text.has_mark() }
    }

    /// What the file is, for people.
    pub(super) fn describe(&self) -> String {
        let delimiter = match self.delimiter() {
            Some('\t') => "fields parted by tabs".to_owned(),
            Some(delimiter) => format!("fields parted by \"{delimiter}\""),
            None => "one column".to_owned(),
        };
        let compression = self.text.content().compression();
        let compression =
            compression.map_or_else(String::new, |compression| format!(", compressed with {compression}"));
        format!("CSV in {}, {delimiter}{compression}", self.text.describe())
    }

    pub(super) fn progress(&self) -> Progress {
        self.text.content().progress()
    }

    pub(super) fn finish(self) -> Result<Digest, TableError> {
        self.text.finish()
    }

    fn path(&self) -> PathBuf {
        self.text.content().path().to_owned()
    }

    /// Appends the next row to the batch; false at the end of the file.
    pub(super) fn read_row(&mut self, batch: &mut Batch) -> Result<bool, TableError> {
        let Some(parsed) = self.read_record()? else {
            return Ok(false);
        };
        self.push(parsed, batch)?;
        self.number += 1;
        Ok(true)
    }

    /// Appends the parsed row to the batch, or the reason why it can only be rejected.
    fn push(&self, parsed: Parsed, batch: &mut Batch) -> Result<(), TableError> {
        let (bytes, ends) = (&self.record[..parsed.length], &self.ends[..parsed.fields]);
        // Two cells that are no text by themselves can join to something that is.
        let text = str::from_utf8(bytes).ok().filter(|text| ends.iter().all(|end| text.is_char_boundary(*end)));
        let Some(text) = text else {
            let (row, encoding, origin) = (self.number, self.text.encoding(), self.text.origin());
            // Where the encoding was told, it is the row that is at fault, and not the choice.
            if row == 0 || origin != Origin::Told {
                return Err(TableError::Malformed { path: self.path(), row, encoding, origin });
            }
            batch.push_defective(row, parsed.line, Reason::Encoding);
            return Ok(());
        };
        if bytes.contains(&0) {
            batch.push_defective(self.number, parsed.line, Reason::NulByte);
        } else if self.number > 0 && ends.len() != self.headers.len() {
            let lines = 1 + bytes.iter().filter(|byte| **byte == b'\n').count();
            let defect = Reason::FieldCount { found: ends.len(), expected: self.headers.len(), lines };
            batch.push_defective(self.number, parsed.line, defect);
        } else {
            batch.push(self.number, parsed.line, text, ends);
        }
        Ok(())
    }

    /// Parses one row into `record` and `ends`; nothing at the end of the file.
    fn read_record(&mut self) -> Result<Option<Parsed>, TableError> {
        if !self.skip_blank_lines()? {
            return Ok(None);
        }
        let mut parsed = Parsed { length: 0, fields: 0, line: self.lines.current };
        let mut consumed = 0_usize;
        loop {
            let at_end = !self.refill()?;
            // A line break ends the last row as the end of the file would, but inside quotes it ends nothing.
            let input = if at_end { b"\n" } else { &self.input[self.position..] };
            let (result, read, written, ended) =
                self.parser.read_record(input, &mut self.record[parsed.length..], &mut self.ends[parsed.fields..]);
            if !at_end {
                self.lines.count(self.input.get(self.position..self.position + read).unwrap_or_default());
                self.position += read;
                consumed += read;
            }
            parsed.length += written;
            parsed.fields += ended;
            if consumed > MAX_ROW_LEN {
                return Err(self.too_long());
            }
            match result {
                ReadRecordResult::InputEmpty if at_end => {
                    return Err(TableError::OpenQuote { path: self.path(), row: self.number });
                }
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => return Err(self.too_long()),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::Record => return Ok(Some(parsed)),
                ReadRecordResult::End => return Ok(None),
            }
        }
    }

    /// Goes to the next row; false at the end of the file. The parser skips blank lines too, but would count them into
    /// the length of the row.
    fn skip_blank_lines(&mut self) -> Result<bool, TableError> {
        while self.refill()? {
            let rest = &self.input[self.position..];
            let blank = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            self.lines.count(rest.get(..blank).unwrap_or_default());
            self.position += blank;
            if self.position < self.input.len() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Reads on if all input is parsed; false at the end of the file.
    fn refill(&mut self) -> Result<bool, TableError> {
        if self.position == self.input.len() {
            self.text.next(&mut self.input)?;
            self.position = 0;
        }
        Ok(!self.input.is_empty())
    }

    fn too_long(&self) -> TableError {
        TableError::RowTooLong { path: self.path(), row: self.number }
    }
}

impl fmt::Debug for CsvReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CsvReader")
            .field("content", self.text.content())
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

/// How much of the buffers the current row takes.
#[derive(Clone, Copy)]
struct Parsed {
    length: usize,
    fields: usize,
    /// The line where it begins.
    line: u64,
}

/// Counts lines that end in LF, CRLF or CR, wherever the text is cut.
pub(super) struct Lines {
    pub(super) current: u64,
    pub(super) after_cr: bool,
}

impl Lines {
    pub(super) fn count(&mut self, text: &[u8]) {
        let (Some(first), Some(last)) = (text.first(), text.last()) else { return };
        let count = |wanted: u8| text.iter().filter(|byte| **byte == wanted).count();
        let (lf, cr) = (count(b'\n'), count(b'\r'));
        let mut pairs = usize::from(self.after_cr && *first == b'\n');
        if cr > 0 && lf > 0 {
            pairs += text.windows(2).filter(|pair| pair == b"\r\n").count();
        }
        self.current += (lf + cr - pairs) as u64;
        self.after_cr = *last == b'\r';
    }
}

/// The delimiter that appears most in the first line that is not blank, outside quotes.
fn detect_delimiter(text: &[u8]) -> Option<u8> {
    let mut counts = DELIMITERS.map(|delimiter| (delimiter, 0_usize));
    let (mut blank, mut quoted, mut field_begins) = (true, false, true);
    let mut bytes = text.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if quoted {
            quoted = byte != b'"' || bytes.next_if_eq(&b'"').is_some();
            continue;
        }
        match byte {
            b'\r' | b'\n' if blank => continue,
            b'\r' | b'\n' => break,
            b'"' if field_begins => quoted = true,
            _ => {}
        }
        blank = false;
        field_begins = false;
        for (_, count) in counts.iter_mut().filter(|(delimiter, _)| *delimiter == byte) {
            *count += 1;
            field_begins = true;
        }
    }
    // `max_by_key` takes the last of equals.
    counts.into_iter().rev().max_by_key(|(_, count)| *count).filter(|(_, count)| *count > 0).map(|(byte, _)| byte)
}
