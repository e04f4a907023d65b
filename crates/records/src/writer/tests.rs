//! What is written is read back, by our readers and by what others made.

use std::{
    io::{Cursor, Read as _, Write},
    path::Path,
};

use proptest::prelude::*;
use tempfile::TempDir;
use zip::ZipArchive;

use super::*;
use crate::{Batch, Encoding, Reason, RejectedWriter, Rejection, Table, TableOptions};

const HEADERS: [&str; 4] = ["Numéro", "", "a;b", "Numéro"];

fn look(format: Format) -> Look<'static> {
    Look { format, csv: CsvStyle { delimiter: b';', ..CsvStyle::default() }, sheet: "affected" }
}

fn write_with(look: &Look<'_>, headers: &[&str], rows: &[Vec<String>]) -> Vec<u8> {
    let mut writer = Writer::new(look, headers, Vec::new()).unwrap();
    for row in rows {
        writer.write(row.iter().map(String::as_str)).unwrap();
    }
    writer.finish().unwrap()
}

fn read_with(bytes: &[u8], options: &TableOptions) -> (Vec<String>, Vec<Vec<String>>, CsvStyle) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("table");
    std::fs::write(&path, bytes).unwrap();
    let mut table = Table::open_with(&path, options).unwrap();
    let (mut batch, mut rows) = (Batch::new(), Vec::new());
    while table.read_batch(&mut batch, 1_000).unwrap() > 0 {
        for row in batch.iter() {
            assert_eq!(row.defect(), None);
            rows.push(row.cells().map(str::to_owned).collect());
        }
    }
    (table.headers().to_vec(), rows, table.csv_style())
}

fn read(bytes: &[u8]) -> (Vec<String>, Vec<Vec<String>>) {
    let (headers, rows, _) = read_with(bytes, &TableOptions::default());
    (headers, rows)
}

fn rows(rows: &[[&str; 4]]) -> Vec<Vec<String>> {
    rows.iter().map(|row| row.map(str::to_owned).to_vec()).collect()
}

/// What spreadsheets like to change, and what must be quoted or escaped.
fn awkward() -> Vec<Vec<String>> {
    rows(&[
        ["185057800608436", "0012", "1980-12-31", "1,5"],
        ["a;\"b\"\nc", " x ", "<é> & 'œ'", "=1+1"],
        ["\t", "_x0041_", "TRUE", "1E5"],
        ["{\"a\":\\}", "#N/A", "x", "😀"],
        ["a", "", "", "last"],
    ])
}

#[test]
fn tables_come_back_as_they_were() {
    for format in Format::ALL.into_iter().filter(|format| *format != Format::JsonLines && format.check().is_ok()) {
        let (headers, found) = read(&write_with(&look(format), &HEADERS, &awkward()));
        let expected =
            if format == Format::Parquet { distinct_names(&HEADERS) } else { HEADERS.map(str::to_owned).into() };
        assert_eq!(headers, expected, "{format}");
        assert_eq!(found, awkward(), "{format}");
        let none = read(&write_with(&look(format), &HEADERS, &[]));
        assert_eq!(none, (expected, vec![]), "{format}");
    }
}

#[test]
fn json_lines_are_objects_with_distinct_keys_in_order() {
    let bytes = write_with(&look(Format::JsonLines), &HEADERS, &awkward());
    let text = String::from_utf8(bytes).unwrap();
    let first = "{\"Numéro\":\"185057800608436\",\"column_2\":\"0012\",\"a;b\":\"1980-12-31\",\"Numéro_2\":\"1,5\"}";
    assert_eq!(text.lines().next(), Some(first));
    let names = distinct_names(&HEADERS);
    for (line, row) in text.lines().zip(awkward()) {
        let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line).unwrap();
        assert_eq!(object.len(), 4);
        for (name, cell) in names.iter().zip(row) {
            assert_eq!(object[name], cell);
        }
    }
    assert_eq!(text.lines().count(), awkward().len());
}

#[test]
fn every_column_gets_a_name_of_its_own() {
    let names = |headers: &[&str]| distinct_names(headers);
    assert_eq!(names(&["a", "b"]), ["a", "b"]);
    assert_eq!(names(&["a", "a", "a", "a_2"]), ["a", "a_3", "a_4", "a_2"]);
    assert_eq!(names(&["", "column_1", ""]), ["column_1_2", "column_1", "column_3"]);
}

#[test]
fn csv_is_written_as_the_input_was() {
    let text = "Numéro;Prénom\n1;\"Zoé, dite \"\"œil\"\" €\"\n";
    let utf16 = |bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<_>>();
    let marked = |mark: &[u8], rest: Vec<u8>| [mark, &rest].concat();
    let latin = encoding_rs::WINDOWS_1252.encode(text).0.into_owned();
    let latin_9 = encoding_rs::ISO_8859_15.encode(text).0.into_owned();
    let told = TableOptions { encoding: Some(Encoding::Iso8859_15), ..TableOptions::default() };
    for (bytes, options) in [
        (text.into(), TableOptions::default()),
        (marked(b"\xef\xbb\xbf", text.into()), TableOptions::default()),
        (marked(b"\xff\xfe", utf16(u16::to_le_bytes)), TableOptions::default()),
        (marked(b"\xfe\xff", utf16(u16::to_be_bytes)), TableOptions::default()),
        (utf16(u16::to_be_bytes), TableOptions::default()),
        (latin, TableOptions::default()),
        (latin_9, told),
    ] {
        let (headers, rows, csv) = read_with(&bytes, &options);
        let headers = headers.iter().map(String::as_str).collect::<Vec<_>>();
        let written = write_with(&Look { csv, ..look(Format::Csv) }, &headers, &rows);
        let (again, rows_again, csv_again) = read_with(&written, &options);
        assert_eq!((again, rows_again, csv_again), (headers.iter().map(|h| (*h).to_owned()).collect(), rows, csv));
        assert_eq!(written, bytes, "{csv:?}");
    }
}

#[test]
fn what_an_encoding_lacks_becomes_a_question_mark() {
    let csv = CsvStyle { delimiter: b'\t', encoding: Encoding::Windows1252, mark: true };
    let bytes = write_with(&Look { csv, ..look(Format::Csv) }, &["a"], &[vec!["é→€ž\u{1f600}".to_owned()]]);
    assert_eq!(bytes, b"a\n\xe9?\x80\x9e?\n", "and it has no mark");
}

/// A cell of many characters of several bytes is cut wherever a buffer ends.
#[test]
fn characters_are_cut_nowhere() {
    let cell = format!("a{}", "é😀→".repeat(20_000));
    for encoding in [Encoding::Utf8, Encoding::Utf16Le, Encoding::Utf16Be] {
        let csv = CsvStyle { delimiter: b',', encoding, mark: true };
        let (_, rows) = read(&write_with(&Look { csv, ..look(Format::Csv) }, &["x"], &[vec![cell.clone()]]));
        assert_eq!(rows, [[cell.clone()]], "{encoding}");
    }
}

/// The parts of a workbook, unpacked by a library that owes nothing to ours.
fn parts(workbook: &[u8]) -> Vec<(String, String)> {
    let mut archive = ZipArchive::new(Cursor::new(workbook)).unwrap();
    let part = |place| {
        let mut part = archive.by_index(place).unwrap();
        let mut text = String::new();
        part.read_to_string(&mut text).unwrap();
        (part.name().unwrap().into_owned(), text)
    };
    (0..6).map(part).collect()
}

#[test]
fn a_workbook_has_a_header_in_sight_with_a_filter_and_only_texts() {
    let bytes = write_with(&look(Format::Xlsx), &HEADERS, &awkward());
    let parts = parts(&bytes);
    let (name, sheet) = &parts[5];
    assert_eq!(name, "xl/worksheets/sheet1.xml");
    assert!(sheet.contains(r#"<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>"#));
    assert!(sheet.contains(r#"<autoFilter ref="A1:D6"/>"#));
    assert!(
        sheet.contains(r#"<c r="A2" s="1" t="inlineStr"><is><t xml:space="preserve">185057800608436</t></is></c>"#)
    );
    // The header has one empty cell, the last row two.
    assert_eq!(sheet.matches("<c ").count(), 6 * 4 - 3);
    assert_eq!(sheet.matches("inlineStr").count(), 6 * 4 - 3);
    assert!(parts[2].1.contains(r#"<sheet name="affected""#));
    // The same rows are the same file.
    assert_eq!(bytes, write_with(&look(Format::Xlsx), &HEADERS, &awkward()));
}

#[cfg(feature = "write-parquet")]
#[test]
fn parquet_has_bounded_groups_of_texts_that_are_never_missing() {
    use ::parquet::{
        basic::{LogicalType, Repetition},
        file::reader::{FileReader, SerializedFileReader},
        record::RowAccessor as _,
    };
    let many = (0..70_000).map(|n| vec![n.to_string(), String::new()]).collect::<Vec<_>>();
    let long = vec![vec!["x".repeat(1 << 20), "y".to_owned()]; 40];
    for (rows, groups) in [(&many, 2), (&long, 3)] {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&write_with(&look(Format::Parquet), &["a", "b"], rows)).unwrap();
        let file = SerializedFileReader::new(file).unwrap();
        assert_eq!(file.num_row_groups(), groups);
        let columns = file.metadata().file_metadata().schema_descr().columns().to_vec();
        for column in columns {
            assert_eq!(column.logical_type_ref(), Some(&LogicalType::String));
            assert_eq!(column.self_type().get_basic_info().repetition(), Repetition::REQUIRED);
        }
        let mut found = 0;
        for (row, expected) in file.get_row_iter(None).unwrap().zip(rows) {
            let row = row.unwrap();
            assert_eq!([row.get_string(0).unwrap(), row.get_string(1).unwrap()], [&expected[0], &expected[1]]);
            found += 1;
        }
        assert_eq!(found, rows.len());
    }
}

#[test]
fn formats_have_names() {
    for format in Format::ALL {
        assert_eq!(format.to_string().parse(), Ok(format));
        assert!(UnknownFormat.to_string().contains(format.name()));
    }
    assert_eq!("json".parse::<Format>(), Err(UnknownFormat));
    assert_eq!(Format::default(), Format::Csv);
    assert_eq!(Format::Parquet.check().is_ok(), cfg!(feature = "write-parquet"));
}

#[test]
fn a_row_of_another_length_is_refused() {
    for format in Format::ALL.into_iter().filter(|format| format.check().is_ok()) {
        for row in [&["1"][..], &["1", "2", "3"]] {
            let mut writer = Writer::new(&look(format), &["a", "b"], Vec::new()).unwrap();
            assert!(matches!(writer.write(row.iter().copied()), Err(WriteError::Io(_))), "{format}");
        }
    }
}

/// Takes so many bytes and has then no room left.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.0 == 0 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }
}

#[test]
fn a_full_disk_is_noticed_and_called_so() {
    // Each needs more than this for so many rows, however it packs them.
    let rows: Vec<_> = (0..70_000_u64).map(|n| vec![n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_string()]).collect();
    for format in Format::ALL.into_iter().filter(|format| format.check().is_ok()) {
        for room in [0, 10, 5_000, 100_000] {
            let write = || {
                let mut writer = Writer::new(&look(format), &["a"], Full(room))?;
                for row in &rows {
                    writer.write(row.iter().map(String::as_str))?;
                }
                writer.finish().map(|_| ())
            };
            let error = io::Error::from(write().unwrap_err());
            assert_eq!(error.kind(), io::ErrorKind::StorageFull, "{format}, {room}: {error}");
        }
    }
}

#[test]
fn rejected_rows_are_written_in_every_format_and_no_cell_is_a_formula() {
    let reason = Reason::FieldCount { found: 1, expected: 2, lines: 1 };
    let rejected = Rejection { line: None, row: 7, column: "row", reason };
    for format in Format::ALL.into_iter().filter(|format| *format != Format::JsonLines && format.check().is_ok()) {
        let mut writer = RejectedWriter::new(&look(format), Path::new("=cmd\n.csv"), Vec::new()).unwrap();
        writer.write(&rejected).unwrap();
        writer.write(&Rejection { line: Some(12), ..rejected }).unwrap();
        assert_eq!(writer.count(), 2);
        let (headers, rows) = read(&writer.finish().unwrap());
        assert_eq!(headers, ["file", "line", "row", "column", "reason"]);
        let sentence = "field-count: the row has 1 field, the header has 2";
        let row = |line| ["./=cmd\\n.csv", line, "7", "row", sentence].map(str::to_owned).to_vec();
        assert_eq!(rows, [row(""), row("12")], "{format}");
    }
}

#[test]
fn personal_data_is_not_shown() {
    let mut writer = Writer::new(&look(Format::JsonLines), &["a"], Vec::new()).unwrap();
    writer.write(["secret"]).unwrap();
    assert_eq!(format!("{writer:?}"), "Writer(jsonl)");
    let mut writer = Writer::new(&look(Format::Xlsx), &["a"], Vec::new()).unwrap();
    let error = writer.write(["secret".repeat(10_000).as_str()]).unwrap_err();
    assert!(matches!(error, WriteError::CellTooLong { row: 1 }), "{error}");
    assert!(!format!("{error} {error:?} {writer:?}").contains("secret"));
}

proptest! {
    /// Any text but NUL, which no table can have.
    #[test]
    fn any_text_comes_back(cells in proptest::collection::vec("[^\0]{0,8}|[_x0-9A-F]{0,16}", 1..12)) {
        let rows = cells.iter().map(|cell| vec![cell.clone(), "x".to_owned()]).collect::<Vec<_>>();
        for format in [Format::Csv, Format::Xlsx, Format::Parquet] {
            if format.check().is_ok() {
                let (_, found) = read(&write_with(&look(format), &["a", "b"], &rows));
                prop_assert_eq!(&found, &rows, "{}", format);
            }
        }
    }
}
