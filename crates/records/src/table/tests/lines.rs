//! Where rows begin.

use super::*;

/// The line of each row.
fn lines(table: &mut Table) -> Vec<Option<u64>> {
    let (mut batch, mut lines) = (Batch::new(), Vec::new());
    while table.read_batch(&mut batch, 3).unwrap() > 0 {
        lines.extend(batch.iter().map(|row| row.line()));
    }
    lines
}

fn of(bytes: impl AsRef<[u8]>) -> Vec<u64> {
    let scratch = Scratch::new();
    let mut table = Table::open(scratch.file(bytes)).unwrap();
    lines(&mut table).into_iter().map(Option::unwrap).collect()
}

#[test]
fn lines_are_those_of_an_editor() {
    assert_eq!(of("a,b\n1,2\n3,4"), [2, 3]);
    // Blank lines, line breaks in quotes, in the header too, and rows that are rejected.
    assert_eq!(of("\n\na,\"b\nc\"\n1,\"x\ny\"\n\n\n2\n3,\"\n\n\"\n4,5\n"), [5, 9, 10, 13]);
    for end in ["\n", "\r\n", "\r"] {
        let text = "\u{feff}a,b\n1,2\n\n3,\"x\ny\"\n5,6\n".replace('\n', end);
        assert_eq!(of(&text), [2, 4, 6], "{end:?}");
        let utf16 = text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
        assert_eq!(of(utf16), [2, 4, 6], "{end:?}");
    }
    // Each line end is one, whatever stands beside it.
    assert_eq!(of("a,b\r1,2\n\r3,4\n"), [2, 4]);
}

/// Wherever the pieces end that a file is read in.
#[test]
fn lines_are_counted_across_pieces() {
    let row = format!("{},x\r\n", "7".repeat(996));
    let text = "a,b\r\n".to_owned() + &row.repeat(3_000);
    assert_eq!(of(text), (2..3_002).collect::<Vec<_>>());
    let mut lines = csv::Lines { current: 1, after_cr: false };
    for piece in [&b"\r"[..], b"\n", b"", b"\r", b"\r", b"x\n\n", b"\r\n"] {
        lines.count(piece);
    }
    assert_eq!(lines.current, 7);
}

#[cfg(feature = "write-parquet")]
#[test]
fn parquet_has_no_lines() {
    use crate::{CsvStyle, Look, Writer};
    let look = Look { format: crate::Format::Parquet, csv: CsvStyle::default(), sheet: "x" };
    let mut writer = Writer::new(&look, &["a"], Vec::new()).unwrap();
    writer.write(["1"]).unwrap();
    let scratch = Scratch::new();
    let mut table = Table::open(scratch.file(writer.finish().unwrap())).unwrap();
    assert_eq!(lines(&mut table), [None]);
}

#[test]
fn a_workbook_has_the_numbers_of_its_rows() {
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    for (row, text) in [(2, "a"), (3, "1"), (7, "2"), (8, ""), (9, "3")] {
        sheet.write_string(row, 0, text).unwrap();
    }
    let scratch = Scratch::of("table.xlsx");
    let mut table = Table::open(scratch.file(book.save_to_buffer().unwrap())).unwrap();
    assert_eq!(lines(&mut table), [Some(4), Some(8), Some(10)]);
}
