//! CSV rows from bytes, with the checks that the `csv` crate leaves out: a limit on the length of a row, quotes that never
//! close, NUL bytes. It therefore stands on `csv-core`, the same parser without the reader around it.

use std::{fmt, str};

use csv_core::ReadRecordResult;

use super::{MAX_ROW_LEN, source::Source};
use crate::{batch::Batch, error::TableError, rejection::Reason};

/// The delimiters that are looked for, the first one winning a tie.
const DELIMITERS: [u8; 4] = *b",;\t|";

/// Stands in for the delimiter of a file of one column: the ASCII unit separator, which no text of that kind holds.
const NO_DELIMITER: u8 = 0x1f;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

pub(super) struct CsvReader {
    source: Source,
    parser: csv_core::Reader,
    delimiter: Option<u8>,
    headers: Vec<String>,
    /// Bytes of the file, of which `input[position..]` is still to be parsed.
    input: Vec<u8>,
    position: usize,
    /// The number of the row that is read next; 0 for the header.
    number: u64,
    /// Cells of the current row one after the other, without quotes and delimiters. The buffer keeps its full length.
    record: Vec<u8>,
    /// Where each cell of the current row ends. The buffer keeps its full length.
    ends: Vec<usize>,
}

impl CsvReader {
    /// Reads the header. `input` holds the first bytes of the file: all of it, or [`MAX_ROW_LEN`] bytes.
    pub(super) fn new(source: Source, input: Vec<u8>) -> Result<Self, TableError> {
        let text = input.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&input);
        let position = input.len() - text.len();
        let delimiter = detect_delimiter(text);
        let mut reader = Self {
            source,
            parser: csv_core::ReaderBuilder::new().delimiter(delimiter.unwrap_or(NO_DELIMITER)).build(),
            delimiter,
            headers: Vec::new(),
            input,
            position,
            number: 0,
            record: vec![0; MAX_ROW_LEN + 1],
            ends: vec![0; 64],
        };
        let mut header = Batch::new();
        match reader.read_record()? {
            Some(parsed) => reader.push(parsed, &mut header)?,
            None => {
                return Err(TableError::Empty { path: reader.source.path().to_owned() });
            }
        }
        let row = header.row(0).filter(|row| row.defect() != Some(Reason::NulByte));
        let row = row.ok_or_else(|| TableError::Format {
            path: reader.source.path().to_owned(),
            found: "NUL bytes, as in UTF-16 or a binary file,",
        })?;
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

    pub(super) fn source(&self) -> &Source {
        &self.source
    }

    pub(super) fn into_source(self) -> Source {
        self.source
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
        let not_utf8 = || TableError::NotUtf8 { path: self.source.path().to_owned(), row: self.number };
        let (bytes, ends) = (&self.record[..parsed.length], &self.ends[..parsed.fields]);
        let text = str::from_utf8(bytes).map_err(|_| not_utf8())?;
        // Two cells that are no text by themselves can join to something that is.
        if !ends.iter().all(|end| text.is_char_boundary(*end)) {
            return Err(not_utf8());
        }
        if bytes.contains(&0) {
            batch.push_defective(self.number, Reason::NulByte);
        } else if self.number > 0 && ends.len() != self.headers.len() {
            let lines = 1 + bytes.iter().filter(|byte| **byte == b'\n').count();
            let defect = Reason::FieldCount { found: ends.len(), expected: self.headers.len(), lines };
            batch.push_defective(self.number, defect);
        } else {
            batch.push(self.number, text, ends);
        }
        Ok(())
    }

    /// Parses one row into `record` and `ends`; nothing at the end of the file.
    fn read_record(&mut self) -> Result<Option<Parsed>, TableError> {
        if !self.skip_blank_lines()? {
            return Ok(None);
        }
        let mut parsed = Parsed { length: 0, fields: 0 };
        let mut consumed = 0_usize;
        loop {
            let at_end = !self.refill()?;
            // A line break ends the last row as the end of the file would, but inside quotes it ends nothing.
            let input = if at_end { b"\n" } else { &self.input[self.position..] };
            let (result, read, written, ended) =
                self.parser.read_record(input, &mut self.record[parsed.length..], &mut self.ends[parsed.fields..]);
            if !at_end {
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
                    return Err(TableError::OpenQuote { path: self.source.path().to_owned(), row: self.number });
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
            self.input.resize(MAX_ROW_LEN, 0);
            let length = self.source.fill(&mut self.input)?;
            self.input.truncate(length);
            self.position = 0;
        }
        Ok(!self.input.is_empty())
    }

    fn too_long(&self) -> TableError {
        TableError::RowTooLong { path: self.source.path().to_owned(), row: self.number }
    }
}

impl fmt::Debug for CsvReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CsvReader").field("source", &self.source).field("number", &self.number).finish_non_exhaustive()
    }
}

/// How much of the buffers the current row takes.
#[derive(Clone, Copy)]
struct Parsed {
    length: usize,
    fields: usize,
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
