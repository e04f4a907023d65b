//! Workbooks that a library wrote, and workbooks put together by hand for what it does not write.

mod hostile;

use std::{
    fs,
    io::{Cursor, Write as _},
};

use rust_xlsxwriter::{ExcelDateTime, Format, Formula, Workbook as Writer};
use sha2::{Digest as _, Sha256};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use super::{
    super::{
        Table,
        tests::{Cells, Scratch, cells},
    },
    workbook::{Style, style},
    *,
};

fn read_sheet(bytes: impl AsRef<[u8]>, sheet: Option<&str>) -> Result<(Vec<String>, Cells), TableError> {
    let scratch = Scratch::of("table.xlsx");
    let mut reader = XlsxReader::open(&scratch.file(bytes), sheet)?;
    let mut batch = Batch::new();
    while reader.read_row(&mut batch)? {}
    let Progress { read, total } = reader.progress();
    assert_eq!(read, total);
    Ok((reader.headers().to_vec(), cells(&batch)))
}

fn read(bytes: impl AsRef<[u8]>) -> Result<(Vec<String>, Cells), TableError> {
    read_sheet(bytes, None)
}

/// The cells of the first row after a header that is wide enough.
fn first_row(bytes: impl AsRef<[u8]>) -> Vec<String> {
    read(bytes).unwrap().1.remove(0).1.unwrap()
}

fn good(number: u64, cells: &[&str]) -> (u64, Result<Vec<String>, Reason>) {
    (number, Ok(cells.iter().map(|cell| (*cell).to_owned()).collect()))
}

fn problem(result: Result<(Vec<String>, Cells), TableError>) -> String {
    result.unwrap_err().to_string()
}

/// An archive of these parts.
fn archive(parts: &[(&str, &str)], method: CompressionMethod) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        zip.start_file(*name, SimpleFileOptions::default().compression_method(method)).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

const RELATIONS: &str = r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
    <Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"
     Target="xl/workbook.xml"/></Relationships>"#;

const WORKBOOK_RELATIONS: &str = r#"<Relationships>
    <Relationship Id="rId1" Type="http://x/worksheet" Target="worksheets/sheet1.xml"/>
    <Relationship Id="rId2" Type="http://x/sharedStrings" Target="/xl/sharedStrings.xml"/>
    <Relationship Id="rId3" Type="http://x/styles" Target="../xl/./styles.xml"/></Relationships>"#;

const WORKBOOK: &str = r#"<?xml version="1.0" encoding="UTF-8"?><!-- made by hand -->
    <workbook xmlns:r="http://x"><workbookPr date1904="false"/><sheets><sheet name="A" sheetId="1" r:id="rId1"/></sheets></workbook>"#;

const STYLES: &str = r#"<styleSheet><numFmts><numFmt numFmtId="164" formatCode="dd/mm/yyyy;@"/>
    <numFmt numFmtId="165" formatCode="00"/></numFmts><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>
    <cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="165"/></cellXfs></styleSheet>"#;

fn parts<'a>(strings: &'a str, sheet: &'a str) -> [(&'a str, &'a str); 6] {
    [
        ("_rels/.rels", RELATIONS),
        ("xl/workbook.xml", WORKBOOK),
        ("xl/_rels/workbook.xml.rels", WORKBOOK_RELATIONS),
        ("xl/styles.xml", STYLES),
        ("xl/sharedStrings.xml", strings),
        ("xl/worksheets/sheet1.xml", sheet),
    ]
}

/// A workbook of one sheet with these rows below a header of eight columns.
fn by_hand(rows: &str) -> Vec<u8> {
    let header: String = ('A'..='H').map(|at| format!(r#"<c r="{at}1" t="str"><v>h{at}</v></c>"#)).collect();
    let sheet = format!("<worksheet><sheetData><row>{header}</row>{rows}</sheetData></worksheet>");
    archive(&parts("<sst/>", &sheet), CompressionMethod::Deflated)
}

#[test]
fn the_same_content_as_a_csv_gives_the_same_rows() {
    let table = [
        ["Numéro", "Nom", "Note", "Né(e) le"],
        ["185057505611114", "Dupré", "a;b", "1985-05-01"],
        ["2 85 05 75 056 111 69", "Le\nGall", "", "01/05/1985"],
        ["", "", "", "x"],
        [" 3", "\"&<>'", "œ𝒳", ""],
    ];
    let mut book = Writer::new();
    let sheet = book.add_worksheet();
    let mut csv = csv::Writer::from_writer(Vec::new());
    for (row, cells) in (0..).zip(table) {
        csv.write_record(cells).unwrap();
        for (column, cell) in (0..).zip(cells) {
            sheet.write_string(row, column, cell).unwrap();
        }
    }
    let bytes = book.save_to_buffer().unwrap();
    let (headers, rows) = read(&bytes).unwrap();

    let scratch = Scratch::of("table.xlsx");
    let mut table = Table::open(scratch.file(csv.into_inner().unwrap())).unwrap();
    let mut batch = Batch::new();
    table.read_batch(&mut batch, 100).unwrap();
    assert_eq!(headers, table.headers());
    assert_eq!(rows, cells(&batch));
    assert_eq!(rows.len(), 4);
}

#[test]
fn rows_have_their_numbers_or_the_next_ones() {
    let row = |number: &str| format!(r#"<row{number}><c t="str"><v>x</v></c></row>"#);
    let rows = [r#" r="5""#, r#" r="2""#, "", r#" r="-1""#, r#" r="18446744073709551615""#, "", r#" r="x""#];
    let scratch = Scratch::of("table.xlsx");
    let bytes = by_hand(&rows.map(row).concat());
    let mut reader = XlsxReader::open(&scratch.file(bytes), None).unwrap();
    let mut batch = Batch::new();
    while reader.read_row(&mut batch).unwrap() {}
    let lines = batch.iter().map(|row| row.line().unwrap()).collect::<Vec<_>>();
    assert_eq!(lines, [5, 6, 7, 8, u64::MAX, u64::MAX, u64::MAX]);
}

#[test]
fn numbers_keep_their_digits() {
    let mut book = Writer::new();
    let sheet = book.add_worksheet();
    let values = [185_057_505_611_114.0, 1_850_575_056_111.0, 19_850_501.0, 1.0, 12.5, 1e15 + 1.0, 1.85e18, -2.0];
    let shown = ["185057505611114", "1850575056111", "19850501", "1", "12.5", "1000000000000001", "1.85E+18", "-2"];
    for (column, value) in (0..).zip(values) {
        sheet.write_string(0, column, "h").unwrap();
        // As in a column that is shown as 1,85E+14.
        sheet.write_number_with_format(1, column, value, &Format::new().set_num_format("0.00E+00")).unwrap();
    }
    assert_eq!(first_row(book.save_to_buffer().unwrap()), shown);
}

#[test]
fn numbers_as_other_programs_write_them() {
    let row = r#"<row><c><v>1.85057505611114E+14</v></c><c><v>1.85057505611114e14</v></c><c t="n"><v>185057505611114.0</v></c>
        <c><v> 42 </v></c><c><v>9007199254740993</v></c><c><v>1850575056111.14</v></c><c><v>0</v></c><c s="3"><v>7</v></c></row>"#;
    let expected =
        ["185057505611114"; 3].into_iter().chain(["42", "9.007199254740993E+15", "1.85057505611114E+12", "0", "07"]);
    assert_eq!(first_row(by_hand(row)), expected.collect::<Vec<_>>());
}

#[test]
fn dates_of_both_calendars() {
    let mut book = Writer::new();
    let sheet = book.add_worksheet();
    let date = |year, month, day| ExcelDateTime::from_ymd(year, month, day).unwrap();
    let formats = ["dd/mm/yyyy", "yyyy\\-mm\\-dd", "[$-40C]d mmmm yyyy;@", "m/d/yy h:mm"];
    for (column, format) in (0..).zip(formats) {
        let format = Format::new().set_num_format(format);
        sheet.write_string(0, column, "h").unwrap();
        sheet.write_datetime_with_format(1, column, date(1985, 5, 1), &format).unwrap();
        sheet.write_datetime_with_format(2, column, date(1900, 2, 28), &format).unwrap();
        sheet.write_datetime_with_format(3, column, date(1900, 3, 1), &format).unwrap();
        sheet.write_datetime_with_format(4, column, date(2024, 2, 29), &format).unwrap();
        sheet.write_datetime_with_format(5, column, date(1985, 5, 1).and_hms(23, 0, 0).unwrap(), &format).unwrap();
    }
    let rows = read(book.save_to_buffer().unwrap()).unwrap().1;
    let days = ["1985-05-01", "1900-02-28", "1900-03-01", "2024-02-29", "1985-05-01 23:00:00"];
    let expected = (1..).zip(days).map(|(number, day)| good(number, &[day; 4])).collect::<Vec<_>>();
    assert_eq!(rows, expected);

    let from_1904 = |flag: &str| {
        let book = WORKBOOK.replace("\"false\"", flag);
        let sheet = r#"<worksheet><sheetData><row><c t="str"><v>h</v></c></row>
            <row><c s="1"><v>29706</v></c></row><row><c s="2"><v>0</v></c></row></sheetData></worksheet>"#;
        let mut parts = parts("<sst/>", sheet);
        parts[1].1 = &book;
        read(archive(&parts, CompressionMethod::Stored)).unwrap().1
    };
    assert_eq!(from_1904("\"1\""), [good(1, &["1985-05-01"]), good(2, &["1904-01-01"])]);
    // A zero that is formatted as a date is none in the calendar from 1900: `1900-01-00` would be a date of birth.
    assert_eq!(from_1904("\"0\""), [good(1, &["1981-04-30"]), good(2, &["0"])]);
}

#[test]
fn dates_that_are_none() {
    let row = r#"<row><c s="1"><v>60</v></c><c s="1"><v>0.5</v></c><c s="1"><v>-1</v></c><c s="1"><v>2958466</v></c>
        <c s="1"><v>185057505611114</v></c><c t="d"><v>1985-05-01T00:00:00</v></c><c t="d"><v>1985-05-01T01:00:00</v></c>
        <c s="1"><v>2958465</v></c></row>"#;
    let expected = [
        "1900-02-29",
        "12:00:00",
        "-1",
        "2958466",
        "185057505611114",
        "1985-05-01",
        "1985-05-01T01:00:00",
        "9999-12-31",
    ];
    assert_eq!(first_row(by_hand(row)), expected);
}

#[test]
fn formats_that_make_a_date() {
    for code in ["dd/mm/yyyy", "yyyy", "[h]:mm", "[mm]", "d-mmm;@", "[Red]dd", "\"le \"d", "[$-40C]mmm"] {
        assert_eq!(style(code), Style::Moment, "{code}");
    }
    for code in ["General", "0.00", "#,##0", "\"days\" 0", "[Red]0;d", "0\\d", "_d0", "@", "0.0E+00", "[$€-40C] 0", ""]
    {
        assert_eq!(style(code), Style::Number, "{code}");
    }
    assert_eq!(style("000"), Style::Padded(3));
}

#[test]
fn all_kinds_of_cells() {
    let mut book = Writer::new();
    let sheet = book.add_worksheet();
    let bold = Format::new().set_bold();
    for column in 0..6 {
        sheet.write_string(0, column, "h").unwrap();
    }
    sheet.write_rich_string(1, 0, &[(&bold, "Du"), (&Format::new(), "pré")]).unwrap();
    sheet.write_boolean(1, 1, true).unwrap();
    sheet.write_formula(1, 2, Formula::new("=A1&B1").set_result("of a formula")).unwrap();
    sheet.write_formula(1, 3, Formula::new("=1+1").set_result("2")).unwrap();
    sheet.write_blank(1, 4, &bold).unwrap();
    sheet.write_boolean(1, 5, false).unwrap();
    assert_eq!(first_row(book.save_to_buffer().unwrap()), ["Dupré", "TRUE", "of a formula", "2", "", "FALSE"]);

    let row = r#"<row r="9"><c r="A9" t="inlineStr"><is><r><t>Dup</t></r><r><t xml:space="preserve">r&#xe9; </t></r>
        <rPh sb="0" eb="1"><t>no</t></rPh></is></c><c r="B9" t="e"><f>1/0</f><v>#DIV/0!</v></c>
        <c r="D9" t="str"><v><![CDATA[<&]]>&lt;&amp;</v></c><c r="H9" t="b"><v>0</v></c></row>"#;
    assert_eq!(first_row(by_hand(row)), ["Dupré ", "#DIV/0!", "", "<&<&", "", "", "", "FALSE"]);

    let strings = "<x:sst><x:si><x:t>h</x:t></x:si><x:si/><x:si><x:r><x:t>a_x000D_b</x:t></x:r><x:r><x:t>_x005F_x0041_ _x41_</x:t>\
        </x:r><x:rPh><x:t>no</x:t></x:rPh></x:si></x:sst>";
    let sheet = "<x:worksheet><x:sheetData><x:row><x:c t='s'><x:v>0</x:v></x:c><x:c t='s'><x:v>0</x:v></x:c></x:row>\
        <x:row><x:c t='s'><x:v>1</x:v></x:c><x:c t='s'><x:v>2</x:v></x:c></x:row></x:sheetData></x:worksheet>";
    let book = archive(&parts(strings, sheet), CompressionMethod::Stored);
    assert_eq!(first_row(book), ["", "a\rb_x0041_ _x41_"]);
}

#[test]
fn blank_rows_wide_rows_and_nul_bytes() {
    let (headers, rows) = read(by_hand(
        r#"<row r="2"/><row r="3"><c r="A3" s="1"/><c r="B3" t="str"><v></v></c></row>
        <row r="7"><c r="B7"><v>1</v></c><c r="J7" s="1"/></row>
        <row r="8"><c r="A8"><v>1</v></c><c r="I8"><v>2</v></c></row>
        <row><c t="str"><v>a_x0000_</v></c></row><row><c r="H10"><v>3</v></c></row>"#,
    ))
    .unwrap();
    assert_eq!(headers.len(), 8);
    let wide = Reason::FieldCount { found: 9, expected: 8, lines: 1 };
    assert_eq!(
        rows,
        [
            good(1, &["", "1", "", "", "", "", "", ""]),
            (2, Err(wide)),
            (3, Err(Reason::NulByte)),
            good(4, &["", "", "", "", "", "", "", "3"]),
        ]
    );
}

#[test]
fn the_header_is_the_first_row_that_is_not_blank() {
    let mut book = Writer::new();
    let sheet = book.add_worksheet();
    sheet.write_string(4, 1, "nir").unwrap();
    sheet.write_string(4, 3, "date").unwrap();
    sheet.write_string(6, 1, "1").unwrap();
    let (headers, rows) = read(book.save_to_buffer().unwrap()).unwrap();
    assert_eq!(headers, ["", "nir", "", "date"]);
    assert_eq!(rows, [good(1, &["", "1", "", ""])]);
}

#[test]
fn a_sheet_by_its_name() {
    let mut book = Writer::new();
    for (name, header) in [("Caché", "a"), ("Adhérents", "b"), ("Feuille 3", "c")] {
        let sheet = book.add_worksheet();
        sheet.set_name(name).unwrap().write_string(0, 0, header).unwrap();
        sheet.set_hidden(header == "a");
        if header == "b" {
            sheet.set_active(true);
        }
    }
    let bytes = book.save_to_buffer().unwrap();
    for (name, header) in [(None, "b"), (Some("caché"), "a"), (Some(" Feuille 3 "), "c"), (Some("Adhérents"), "b")] {
        assert_eq!(read_sheet(&bytes, name).unwrap().0, [header]);
    }
    let error = read_sheet(&bytes, Some("Feuil1")).unwrap_err();
    assert!(matches!(error, TableError::NoSheet { .. }));
    let text = error.to_string();
    assert!(text.contains("\"Feuil1\"") && text.contains("\"Caché\", \"Adhérents\", \"Feuille 3\""), "{text}");

    let scratch = Scratch::of("table.xlsx");
    let path = scratch.file(&bytes);
    assert_eq!(XlsxReader::open(&path, None).unwrap().sheet(), ("\"Adhérents\"", 1));
    assert_eq!(XlsxReader::open(&path, Some("Caché")).unwrap().sheet(), ("\"Caché\"", 2));
}

#[test]
fn empty_sheets() {
    for sheet in
        ["<worksheet/>", "<worksheet><sheetData/></worksheet>", "<worksheet><sheetData><row/></sheetData></worksheet>"]
    {
        let error = read(archive(&parts("<sst/>", sheet), CompressionMethod::Stored)).unwrap_err();
        assert!(matches!(error, TableError::Empty { .. }), "{error}");
    }
    assert_eq!(read(by_hand("")).unwrap().1, []);
    let marked =
        "\u{feff}<?xml version='1.0'?><worksheet><sheetData><row><c t='str'><v>h</v></c></row></sheetData></worksheet>";
    assert_eq!(read(archive(&parts("<sst/>", marked), CompressionMethod::Stored)).unwrap().0, ["h"]);
}

#[test]
fn a_workbook_in_an_archive_of_64_bits() {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let sheet = "<worksheet><sheetData><row><c t='str'><v>h</v></c></row></sheetData></worksheet>";
    for (name, content) in parts("<sst/>", sheet) {
        zip.start_file(name, SimpleFileOptions::default().large_file(true)).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    let mut bytes = zip.finish().unwrap().into_inner();
    assert_eq!(read(&bytes).unwrap().0, ["h"]);

    // The end of the directory that is for long archives, put before the other one, which then refers to it.
    let end = bytes.len() - 22;
    let (length, start) = (bytes[end + 12..end + 16].to_vec(), bytes[end + 16..end + 20].to_vec());
    let old_end = bytes.split_off(end);
    let at = end as u64;
    bytes.extend(b"PK\x06\x06\x2c\0\0\0\0\0\0\0");
    bytes.extend([0; 28]);
    bytes.extend([&length[..], &[0; 4], &start, &[0; 4]].concat());
    bytes.extend([&b"PK\x06\x07\0\0\0\0"[..], &at.to_le_bytes(), &[1, 0, 0, 0]].concat());
    bytes.extend(&old_end[..12]);
    bytes.extend([0xff; 8]);
    bytes.extend([0; 2]);
    assert_eq!(read(&bytes).unwrap().0, ["h"]);
}

#[test]
fn the_digest_is_that_of_the_file() {
    let scratch = Scratch::of("table.xlsx");
    let bytes = by_hand("<row><c><v>1</v></c></row>");
    let path = scratch.file(&bytes);
    let mut reader = XlsxReader::open(&path, None).unwrap();
    assert!(reader.read_row(&mut Batch::new()).unwrap());
    let digest = reader.finish().unwrap();
    assert_eq!((digest.sha256, digest.length), (Sha256::digest(&bytes).into(), bytes.len() as u64));

    let reader = XlsxReader::open(&path, None).unwrap();
    fs::write(&path, [&bytes[..], b"x"].concat()).unwrap();
    assert!(matches!(reader.finish(), Err(TableError::Read { .. })));
}
