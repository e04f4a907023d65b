//! Rows of an Excel workbook (ECMA-376, XLSX), streamed. The cells are what Excel shows but for three things: a number is
//! written with all its digits, whatever its format; a date as `YYYY-MM-DD`; and a number that a spreadsheet cannot hold
//! to its last digit in scientific notation, so that nobody takes it for a social security number.
//!
//! This module has its own reader because those at hand keep all texts and more in memory without a limit, turn numbers
//! into floating point before one can look at their digits, or borrow what a stream of rows has to own. Every
//! length that the file states is checked before it is believed; memory is the shared texts, at most 256 MiB, and a few
//! MiB more.

mod archive;
mod cell;
mod compound;
mod strings;
#[cfg(test)]
mod tests;
mod workbook;
mod xml;

use std::{fmt, path::Path};

use self::{
    archive::{Archive, Part},
    cell::{Cell, Kind},
    strings::Strings,
    workbook::{Sheet, Workbook},
    xml::{Token, Xml, attribute},
};
use super::{
    Digest, MAX_ROW_LEN, Progress,
    disk::{Disk, Fault},
};
use crate::{
    batch::Batch,
    columns::{listed, shown},
    error::TableError,
    rejection::Reason,
};

/// The most bytes of a sheet: a million rows, each of 16 KiB.
const MAX_SHEET_LEN: u64 = 16 << 30;

/// The columns that Excel has.
const MAX_COLUMNS: usize = 16_384;

pub(super) struct XlsxReader {
    disk: Disk,
    sheet: Xml<Part>,
    sheet_name: String,
    other_sheets: usize,
    workbook: Workbook,
    strings: Strings,
    headers: Vec<String>,
    /// The number of the row that is read next; 0 for the header.
    number: u64,
    /// The number of the sheet's row that was read last.
    line: u64,
    /// Whether the reader stands among the rows.
    in_rows: bool,
    cell: Cell,
    /// Cells of the current row one after the other, and where each ends: up to the last one that is not empty.
    text: String,
    ends: Vec<usize>,
}

impl XlsxReader {
    /// Opens the sheet of that name, or else the first that is not hidden, and reads its header: the first row that is
    /// not blank.
    ///
    /// # Errors
    /// If the file cannot be read, is no workbook, is encrypted, damaged or too large, has no such sheet, or has an empty one.
    pub(super) fn open(path: &Path, sheet: Option<&str>) -> Result<Self, TableError> {
        let disk = Disk::open(path, "an Excel workbook")?;
        let (archive, workbook) = Self::read_workbook(&disk).map_err(|fault| disk.error(fault, 0))?;
        let (chosen, other_sheets) = choose(&workbook.sheets, sheet).map_err(|found| match sheet {
            Some(sheet) => TableError::NoSheet { path: path.to_owned(), sheet: shown(sheet), found },
            None => disk.error(Fault::Broken("it has no sheet of cells"), 0),
        })?;
        let (sheet_name, part) = (shown(&chosen.name), chosen.part.clone());
        let open = || {
            let strings = match &workbook.strings {
                Some(part) => Strings::read(&disk, &archive, part)?,
                None => Strings::default(),
            };
            Ok((strings, Xml::new(archive.part(&disk, &part, MAX_SHEET_LEN)?)))
        };
        let (strings, sheet) = open().map_err(|fault| disk.error(fault, 0))?;
        let mut reader = Self {
            disk,
            sheet,
            sheet_name,
            other_sheets,
            workbook,
            strings,
            headers: Vec::new(),
            number: 0,
            line: 0,
            in_rows: false,
            cell: Cell::default(),
            text: String::new(),
            ends: Vec::new(),
        };
        reader.read_headers()?;
        Ok(reader)
    }

    pub(super) fn headers(&self) -> &[String] {
        &self.headers
    }

    /// The name of the sheet for a message, and how many other sheets of the workbook are not hidden.
    pub(super) fn sheet(&self) -> (&str, usize) {
        (&self.sheet_name, self.other_sheets)
    }

    pub(super) fn path(&self) -> &Path {
        self.disk.path()
    }

    /// How much of the sheet is unpacked, as a part of the file.
    pub(super) fn progress(&self) -> Progress {
        let (unpacked, size) = self.sheet.input().progress();
        Progress::part(self.disk.length(), unpacked, size)
    }

    pub(super) fn finish(self) -> Result<Digest, TableError> {
        self.disk.finish()
    }

    /// Appends the next row that is not blank to the batch; false at the end of the sheet.
    pub(super) fn read_row(&mut self, batch: &mut Batch) -> Result<bool, TableError> {
        if !self.next_row().map_err(|fault| self.disk.error(fault, self.number))? {
            return Ok(false);
        }
        if self.text.contains('\0') {
            batch.push_defective(self.number, self.line, Reason::NulByte);
        } else if self.ends.len() > self.headers.len() {
            let defect = Reason::FieldCount { found: self.ends.len(), expected: self.headers.len(), lines: 1 };
            batch.push_defective(self.number, self.line, defect);
        } else {
            self.ends.resize(self.headers.len(), self.text.len());
            batch.push(self.number, self.line, &self.text, &self.ends);
        }
        self.number += 1;
        Ok(true)
    }

    fn read_workbook(disk: &Disk) -> Result<(Archive, Workbook), Fault> {
        if disk.bytes(0, compound::SIGNATURE.len()).is_ok_and(|bytes| bytes == compound::SIGNATURE) {
            return Err(compound::explain(disk));
        }
        let archive = Archive::open(disk)?;
        let workbook = Workbook::read(disk, &archive)?;
        Ok((archive, workbook))
    }

    fn read_headers(&mut self) -> Result<(), TableError> {
        if !self.next_row().map_err(|fault| self.disk.error(fault, 0))? {
            return Err(TableError::Empty { path: self.disk.path().to_owned() });
        }
        if self.text.contains('\0') {
            return Err(self.disk.error(Fault::Broken("its header holds a NUL byte"), 0));
        }
        let mut start = 0;
        for end in &self.ends {
            self.headers.push(self.text.get(start..*end).unwrap_or_default().to_owned());
            start = *end;
        }
        self.number = 1;
        Ok(())
    }

    /// Reads a row that is not blank into `text` and `ends`; false at the end of the sheet, which is then read to its
    /// last byte, so that a file cut short is noticed.
    fn next_row(&mut self) -> Result<bool, Fault> {
        loop {
            let depth = self.sheet.depth();
            let mut line = None;
            let is_row = match self.sheet.next()? {
                Token::Open(element) => match (depth, element.local_name().as_ref()) {
                    (0, name) if name != "worksheet" => return Err(Fault::DAMAGED),
                    (1, name) => {
                        self.in_rows = name == "sheetData";
                        false
                    }
                    (2, name) if self.in_rows && name == "row" => {
                        line = attribute(&element, "r")?.and_then(|line| line.parse::<u64>().ok());
                        true
                    }
                    _ => false,
                },
                Token::Close | Token::Text(_) => false,
                Token::End => return Ok(false),
            };
            if is_row {
                // A number that does not go up is none of Excel's.
                self.line = line.filter(|line| *line > self.line).unwrap_or(self.line.saturating_add(1));
                self.read_cells()?;
                if !self.text.is_empty() {
                    return Ok(true);
                }
            }
        }
    }

    /// Reads the cells of the row that was just opened, up to its end.
    fn read_cells(&mut self) -> Result<(), Fault> {
        self.text.clear();
        self.ends.clear();
        let mut next_column = 0;
        let row_depth = self.sheet.depth();
        loop {
            let depth = self.sheet.depth();
            let (column, kind, style) = match self.sheet.next()? {
                Token::Open(element) if element.local_name().as_ref() == "c" => {
                    let column = match attribute(&element, "r")? {
                        Some(place) => column(&place).ok_or(Fault::DAMAGED)?,
                        None => next_column,
                    };
                    let kind = Kind::parse(attribute(&element, "t")?.as_deref()).ok_or(Fault::DAMAGED)?;
                    let style = attribute(&element, "s")?.and_then(|style| style.parse::<usize>().ok());
                    (column, kind, style)
                }
                Token::Close if depth == row_depth => return Ok(()),
                Token::Open(_) | Token::Close | Token::Text(_) => continue,
                Token::End => return Err(Fault::DAMAGED),
            };
            if !(next_column..MAX_COLUMNS).contains(&column) {
                return Err(Fault::DAMAGED);
            }
            next_column = column + 1;
            self.cell.read(&mut self.sheet, kind)?;
            let style = style.and_then(|style| self.workbook.styles.get(style)).copied();
            let start = self.text.len();
            self.cell.write(kind, style, self.workbook.from_1904, &self.strings, &mut self.text)?;
            if self.text.len() > MAX_ROW_LEN {
                return Err(Fault::TooLong);
            }
            if self.text.len() > start {
                self.ends.resize(column, start);
                self.ends.push(self.text.len());
            }
        }
    }
}

impl fmt::Debug for XlsxReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("XlsxReader").field("path", &self.path()).field("number", &self.number).finish_non_exhaustive()
    }
}

/// The column, from 0, of a place such as `AB12`.
fn column(place: &str) -> Option<usize> {
    let letters = place.bytes().take_while(u8::is_ascii_alphabetic);
    let column = letters
        .take(4)
        .fold(0_usize, |column, letter| column * 26 + usize::from(letter.to_ascii_uppercase() - b'A') + 1);
    column.checked_sub(1)
}

/// The sheet of that name, or the first that is not hidden, and how many others are not hidden; or the names there are.
fn choose<'a>(sheets: &'a [Sheet], name: Option<&str>) -> Result<(&'a Sheet, usize), String> {
    let same = |sheet: &&Sheet| name.is_some_and(|name| sheet.name == name.trim());
    let alike = |sheet: &&Sheet| name.is_some_and(|name| sheet.name.to_lowercase() == name.trim().to_lowercase());
    let found = match name {
        Some(_) => sheets.iter().find(same).or_else(|| sheets.iter().find(alike)),
        None => sheets.iter().find(|sheet| !sheet.hidden).or_else(|| sheets.first()),
    };
    match found {
        Some(chosen) => {
            let visible = sheets.iter().filter(|sheet| !sheet.hidden).count();
            Ok((chosen, visible - usize::from(!chosen.hidden)))
        }
        None => Err(listed(sheets.iter().map(|sheet| &sheet.name))),
    }
}
