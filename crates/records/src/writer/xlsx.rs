//! An Excel workbook (ECMA-376, XLSX) of one sheet, written as a stream.
//!
//! The library that writes workbooks needs either all cells in memory or a temporary file of them, and panics when the disk
//! is full. A sheet of texts needs neither: its rows can be packed as they come, since everything else stands before or
//! behind them. There is no date or name of an author in it, so that the same rows give the same file.

mod zip;

use std::{fmt::Write as _, io};

use self::zip::Zip;
use super::WriteError;

/// The rows below the header.
pub(super) const MAX_ROWS: u32 = 1_048_575;
pub(super) const MAX_COLUMNS: usize = 16_384;
/// Of a cell, in UTF-16.
pub(super) const MAX_CELL: usize = 32_767;

/// What parts of more than this need, few programs read.
const MAX_SHEET: u64 = u32::MAX as u64;

/// The widths of columns, in characters: a header and its button, within these.
const WIDTHS: (usize, usize) = (10, 40);
const BUTTON: usize = 4;

const DECLARATION: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>"#;
const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006";
const SHEETS: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml";

/// The formats of cells: 0 is none, then text, then bold text.
const STYLES: &str = concat!(
    r#"<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><name val="Calibri"/></font></fonts>"#,
    r#"<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>"#,
    r#"<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>"#,
    r#"<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>"#,
    r#"<cellXfs count="3"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>"#,
    r#"<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>"#,
    r#"<xf numFmtId="49" fontId="1" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" applyFont="1"/></cellXfs>"#,
    r#"<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>"#,
);
const TEXT: usize = 1;
const BOLD: usize = 2;

pub(super) struct XlsxWriter<W: io::Write> {
    zip: Zip<W>,
    columns: usize,
    /// Rows begun, the header among them.
    rows: u32,
    column: usize,
    /// The row that is being written.
    row: String,
    style: usize,
    /// Bytes of the sheet so far.
    length: u64,
}

impl<W: io::Write> XlsxWriter<W> {
    pub(super) fn new(sheet: &str, headers: &[&str], output: W) -> Result<Self, WriteError> {
        let columns = headers.len();
        if columns > MAX_COLUMNS {
            return Err(WriteError::TooManyColumns);
        }
        let mut zip = Zip::new(output);
        for (name, content) in parts(sheet) {
            zip.begin(name)?;
            zip.write(content.as_bytes())?;
        }
        zip.begin("xl/worksheets/sheet1.xml")?;
        let row = String::new();
        let mut writer = Self { zip, columns, rows: 0, column: 0, row, style: BOLD, length: 0 };
        writer.put(&sheet_start(headers))?;
        for header in headers {
            writer.cell(header)?;
        }
        writer.end_row()?;
        writer.style = TEXT;
        Ok(writer)
    }

    pub(super) fn cell(&mut self, cell: &str) -> Result<(), WriteError> {
        if self.column == 0 {
            if self.rows > MAX_ROWS {
                return Err(WriteError::TooManyRows);
            }
            self.rows += 1;
            let _ = write!(self.row, r#"<row r="{}">"#, self.rows);
        }
        // As many characters as UTF-16 has in a text of this length at most.
        if cell.len() > MAX_CELL && cell.encode_utf16().count() > MAX_CELL {
            return Err(WriteError::CellTooLong { row: u64::from(self.rows) - 1 });
        }
        if !cell.is_empty() {
            let (place, number, style) = (letters(self.column), self.rows, self.style);
            let _ =
                write!(self.row, r#"<c r="{place}{number}" s="{style}" t="inlineStr"><is><t xml:space="preserve">"#);
            escape(cell, &mut self.row);
            self.row.push_str("</t></is></c>");
        }
        self.column += 1;
        Ok(())
    }

    pub(super) fn end_row(&mut self) -> Result<(), WriteError> {
        self.row.push_str("</row>");
        self.column = 0;
        let row = std::mem::take(&mut self.row);
        self.put(&row)?;
        self.row = row;
        self.row.clear();
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<W, WriteError> {
        let all = format!("A1:{}{}", letters(self.columns.saturating_sub(1)), self.rows);
        // A number that is text would have a mark in every cell.
        self.put(&format!(
            r#"</sheetData><autoFilter ref="{all}"/><ignoredErrors><ignoredError sqref="{all}" numberStoredAsText="1"/></ignoredErrors></worksheet>"#
        ))?;
        Ok(self.zip.finish()?)
    }

    fn put(&mut self, text: &str) -> Result<(), WriteError> {
        self.length += text.len() as u64;
        if self.length > MAX_SHEET {
            return Err(WriteError::TooLarge);
        }
        Ok(self.zip.write(text.as_bytes())?)
    }
}

/// What stands before the rows: a header that stays in sight, and the widths of the columns.
fn sheet_start(headers: &[&str]) -> String {
    let mut xml = format!(
        concat!(
            r#"{}<worksheet xmlns="{}"><sheetViews><sheetView tabSelected="1" workbookViewId="0">"#,
            r#"<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><cols>"#
        ),
        DECLARATION, MAIN
    );
    for (number, header) in (1..).zip(headers) {
        let width = (header.chars().count() + BUTTON).clamp(WIDTHS.0, WIDTHS.1);
        let _ = write!(xml, r#"<col min="{number}" max="{number}" width="{width}" style="{TEXT}" customWidth="1"/>"#);
    }
    xml.push_str("</cols><sheetData>");
    xml
}

/// Everything but the sheet.
fn parts(sheet: &str) -> [(&'static str, String); 5] {
    let mut name = String::new();
    escape(sheet, &mut name);
    let relation = |id: u8, kind: &str, target: &str| {
        format!(r#"<Relationship Id="rId{id}" Type="{OFFICE}/{kind}" Target="{target}"/>"#)
    };
    let relations =
        |all: &str| format!(r#"{DECLARATION}<Relationships xmlns="{PACKAGE}/relationships">{all}</Relationships>"#);
    let of_type =
        |part: &str, kind: &str| format!(r#"<Override PartName="/xl/{part}.xml" ContentType="{SHEETS}.{kind}+xml"/>"#);
    let types = format!(
        concat!(
            r#"{}<Types xmlns="{}/content-types"><Default Extension="xml" ContentType="application/xml"/>"#,
            r#"<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>{}{}{}</Types>"#
        ),
        DECLARATION,
        PACKAGE,
        of_type("workbook", "sheet.main"),
        of_type("worksheets/sheet1", "worksheet"),
        of_type("styles", "styles"),
    );
    let workbook = format!(
        concat!(
            r#"{}<workbook xmlns="{}" xmlns:r="{}"><bookViews><workbookView/></bookViews>"#,
            r#"<sheets><sheet name="{}" sheetId="1" r:id="rId1"/></sheets></workbook>"#
        ),
        DECLARATION, MAIN, OFFICE, name
    );
    [
        ("[Content_Types].xml", types),
        ("_rels/.rels", relations(&relation(1, "officeDocument", "xl/workbook.xml"))),
        ("xl/workbook.xml", workbook),
        (
            "xl/_rels/workbook.xml.rels",
            relations(&(relation(1, "worksheet", "worksheets/sheet1.xml") + &relation(2, "styles", "styles.xml"))),
        ),
        ("xl/styles.xml", format!(r#"{DECLARATION}<styleSheet xmlns="{MAIN}">{STYLES}</styleSheet>"#)),
    ]
}

/// The letters of a column, from 0: `A`, `Z`, `AA`.
fn letters(column: usize) -> String {
    let (mut letters, mut left) = (Vec::new(), column + 1);
    while left > 0 {
        letters.push(char::from(b'A' + u8::try_from((left - 1) % 26).unwrap_or_default()));
        left = (left - 1) / 26;
    }
    letters.iter().rev().collect()
}

/// Appends a text as XML. What XML cannot hold is written as `_x000D_`, as Excel does; an underscore that would be read as the
/// beginning of such an escape is escaped itself.
fn escape(text: &str, xml: &mut String) {
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        match character {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '"' => xml.push_str("&quot;"),
            '_' if is_escape(rest) => xml.push_str("_x005F_"),
            '\t' | '\n' => xml.push(character),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {
                let _ = write!(xml, "_x{:04X}_", u32::from(character));
            }
            _ => xml.push(character),
        }
        rest = rest.get(character.len_utf8()..).unwrap_or_default();
    }
}

fn is_escape(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.starts_with(b"_x")
        && bytes.get(2..6).is_some_and(|code| code.iter().all(u8::is_ascii_hexdigit))
        && bytes.get(6) == Some(&b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_have_letters() {
        let expected = [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA"), (MAX_COLUMNS - 1, "XFD")];
        for (column, name) in expected {
            assert_eq!(letters(column), name);
        }
    }

    #[test]
    fn what_xml_cannot_hold_is_escaped() {
        let mut xml = String::new();
        escape("a<b> & \"c\"\r\n\t\u{1}_x000D_ _x _X0041_ _x00g1_ é\u{ffff}", &mut xml);
        let expected = "a&lt;b&gt; &amp; &quot;c&quot;_x000D_\n\t_x0001__x005F_x000D_ _x _X0041_ _x00g1_ é_xFFFF_";
        assert_eq!(xml, expected);
    }

    #[test]
    fn a_row_too_many_is_refused() {
        let mut writer = XlsxWriter::new("x", &["a"], io::sink()).unwrap();
        for _ in 0..MAX_ROWS {
            writer.cell("").unwrap();
            writer.end_row().unwrap();
        }
        assert!(matches!(writer.cell(""), Err(WriteError::TooManyRows)));
    }

    #[test]
    fn a_sheet_that_is_too_large_is_refused() {
        let mut writer = XlsxWriter::new("x", &["a"], io::sink()).unwrap();
        writer.length = MAX_SHEET;
        writer.cell("b").unwrap();
        assert!(matches!(writer.end_row(), Err(WriteError::TooLarge)));
    }

    #[test]
    fn long_cells_and_many_columns_are_refused() {
        let mut writer = XlsxWriter::new("x", &["a"], io::sink()).unwrap();
        // Two units of UTF-16, three or four bytes of UTF-8.
        for (character, units) in [("a", 1), ("é", 1), ("€", 1), ("😀", 2)] {
            let fits = character.repeat(MAX_CELL / units);
            writer.cell(&fits).unwrap();
            writer.end_row().unwrap();
            assert!(matches!(writer.cell(&(fits + character)), Err(WriteError::CellTooLong { .. })));
            writer.row.clear();
            writer.column = 0;
        }
        assert!(XlsxWriter::new("x", &vec!["a"; MAX_COLUMNS], io::sink()).is_ok());
        let too_many = XlsxWriter::new("x", &vec!["a"; MAX_COLUMNS + 1], io::sink());
        assert!(matches!(too_many.map(|_| ()), Err(WriteError::TooManyColumns)));
    }
}
