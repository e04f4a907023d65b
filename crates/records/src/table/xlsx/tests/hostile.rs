//! Workbooks that are damaged, that lie, or that are none.

use proptest::prelude::*;
use rust_xlsxwriter::{Format, Workbook as Writer};
use zip::CompressionMethod;

use super::{Batch, RELATIONS, Scratch, TableError, XlsxReader, archive, by_hand, parts, problem, read};

#[test]
fn files_that_are_no_workbook() {
    for (bytes, expected) in [
        (archive(&[("a.csv", "nir\n1\n")], CompressionMethod::Deflated), "without a workbook"),
        (archive(&[("mimetype", "x"), ("content.xml", "<x/>")], CompressionMethod::Stored), "OpenDocument"),
        (archive(&[("_rels/.rels", &RELATIONS.replace(".xml", ".bin"))], CompressionMethod::Stored), "XLSB"),
        (archive(&[("_rels/.rels", "<Relationships/>")], CompressionMethod::Stored), "damaged"),
        (
            archive(&[("_rels/.rels", "<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>")], CompressionMethod::Stored),
            "document type",
        ),
        (b"PK\x03\x04".to_vec(), "damaged"),
        (b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0".to_vec(), "without a workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 W\0o\0r\0k\0b\0o\0o\0k\0".to_vec(), "before 2007"),
        (
            [&b"\xd0\xcf\x11\xe0"[..], &[0; 6 << 20], b"E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e\0"].concat(),
            "encrypted",
        ),
    ] {
        let text = problem(read(bytes));
        assert!(text.contains("table.xlsx cannot be read as an Excel workbook") && text.contains(expected), "{text}");
    }
    let scratch = Scratch::of("table.xlsx");
    assert!(matches!(XlsxReader::open(scratch.dir.path(), None), Err(TableError::Read { .. })));
    assert!(matches!(XlsxReader::open(&scratch.dir.path().join("missing"), None), Err(TableError::Read { .. })));
}

#[test]
fn damage_inside_the_sheet() {
    for (rows, what) in [
        (r#"<row><c t="s"><v>0</v></c></row>"#, "a text that is not there"),
        (r#"<row><c t="s"><v>-1</v></c></row>"#, "a text before the first"),
        (r#"<row><c t="x"><v>0</v></c></row>"#, "an unknown kind of cell"),
        (r#"<row><c r="B2"><v>0</v></c><c r="A2"><v>0</v></c></row>"#, "columns out of order"),
        (r#"<row><c r="A2"><v>0</v></c><c r="A2"><v>0</v></c></row>"#, "a column twice"),
        (r#"<row><c r="XFE2"><v>0</v></c></row>"#, "a column beyond the last"),
        (r#"<row><c r="22"><v>0</v></c></row>"#, "a cell without a column"),
        (r#"<row><c t="str"><v>&nbsp;</v></c></row>"#, "an unknown entity"),
        (r#"<row><c t="str"><v>&#xD800;</v></c></row>"#, "half a character"),
        ("<row><c><v>1</c></v></row>", "elements that overlap"),
        ("</row>", "an element that was not opened"),
    ] {
        assert!(problem(read(by_hand(rows))).contains("damaged"), "{what}");
    }
    let deep = format!("<row>{}", "<x>".repeat(100));
    assert!(problem(read(by_hand(&deep))).contains("damaged"));
}

#[test]
fn rows_that_are_too_long() {
    let text = "x".repeat(200_000);
    let cell = format!(r#"<c t="str"><v>{text}</v></c>"#);
    let error = read(by_hand(&format!("<row>{cell}</row><row>{}</row>", cell.repeat(6)))).unwrap_err();
    assert!(matches!(error, TableError::RowTooLong { row: 2, .. }), "{error}");
    assert_eq!(read(by_hand(&format!("<row>{}</row>", cell.repeat(5)))).unwrap().1.len(), 1);
    // One text, in many pieces and in one.
    let pieces = format!(r#"<row><c t="inlineStr"><is>{}</is></c></row>"#, format!("<t>{text}</t>").repeat(6));
    assert!(matches!(read(by_hand(&pieces)), Err(TableError::RowTooLong { row: 1, .. })));
    let one = format!(r#"<row><c t="str"><v>{}</v></c></row>"#, "x".repeat(3 << 20));
    assert!(problem(read(by_hand(&one))).contains("damaged"));
    let strings = format!("<sst><si>{}</si></sst>", format!("<t>{text}</t>").repeat(6));
    let book = archive(&parts(&strings, "<worksheet/>"), CompressionMethod::Deflated);
    assert!(problem(read(book)).contains("one of its texts"));
}

#[test]
fn sizes_that_lie_and_archives_that_burst() {
    // The directory says less, and the part does not have the checksum that it should.
    let book = by_hand("<row><c><v>1</v></c></row>");
    let entry = |bytes: &[u8], name: &[u8]| bytes.windows(name.len()).rposition(|window| window == name).unwrap() - 46;
    let at = entry(&book, b"xl/worksheets/sheet1.xml");
    for (offset, value) in
        [(24, [10, 0, 0, 0]), (24, [0, 0, 9, 0]), (16, [1, 2, 3, 4]), (20, [9, 0, 0, 0]), (42, [9, 9, 9, 0])]
    {
        let mut lying = book.clone();
        lying[at + offset..at + offset + 4].copy_from_slice(&value);
        assert!(problem(read(lying)).contains("damaged"), "{offset}");
    }
    let mut encrypted = book.clone();
    encrypted[at + 8] |= 1;
    assert!(problem(read(encrypted)).contains("encrypted"));

    let blanks = " ".repeat(65 << 20);
    let bomb = archive(&parts("<sst/>", &blanks), CompressionMethod::Deflated);
    assert!(bomb.len() < 200_000);
    assert!(problem(read(bomb)).contains("more than a workbook of people can hold"));
    let big = archive(&[("_rels/.rels", &blanks[..33 << 20])], CompressionMethod::Deflated);
    assert!(problem(read(big)).contains("more than a workbook of people can hold"));
}

#[test]
fn nothing_of_a_cell_is_in_a_message() {
    let book = by_hand("<row><c t='str'><v>Secret</v></c></row><row><c t='str'><v>Secret&x;</v></c></row>");
    let scratch = Scratch::of("table.xlsx");
    let mut reader = XlsxReader::open(&scratch.file(book), None).unwrap();
    let mut batch = Batch::new();
    assert!(reader.read_row(&mut batch).unwrap());
    let error = reader.read_row(&mut batch).unwrap_err();
    for text in [format!("{reader:?}"), format!("{error:?}"), error.to_string()] {
        assert!(!text.contains("Secret"), "{text}");
    }
}

/// A workbook of some size with all kinds of cells.
fn sample() -> Vec<u8> {
    let mut book = Writer::new();
    let sheet = book.add_worksheet();
    let date = Format::new().set_num_format("dd/mm/yyyy");
    for column in 0..4 {
        sheet.write_string(0, column, format!("header {column}")).unwrap();
    }
    for row in 1..200_u32 {
        sheet.write_number(row, 0, 185_057_505_611_000.0 + f64::from(row)).unwrap();
        sheet.write_string(row, 1, format!("text {}", row * 7919)).unwrap();
        sheet.write_number_with_format(row, 2, 20_000.0 + f64::from(row), &date).unwrap();
        sheet.write_boolean(row, 3, row % 2 == 0).unwrap();
    }
    book.save_to_buffer().unwrap()
}

#[test]
fn damage_anywhere_is_an_error_or_changes_nothing() {
    let whole = sample();
    let expected = read(&whole).unwrap();
    assert_eq!(expected.1.len(), 199);
    for at in (0..whole.len()).step_by(97) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x55;
        // Every byte of the parts that are read has a checksum; in others damage may go unseen.
        if let Ok(found) = read(&damaged) {
            assert!(found == expected, "byte {at}");
        }
        assert!(read(&whole[..at]).is_err(), "cut at {at}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_sheet_makes_it_panic(rows in "(<row>|</row>|<c>|<c r=\"[A-D]1\" t=\"(s|str|b|e|d|inlineStr)\" s=\"[0-4]\">|</c>|<v>|</v>|<is>|<t>|[0-9.eE_x&;<-]{0,9}){0,60}") {
        let _ = read(by_hand(&rows));
    }

    #[test]
    fn no_file_makes_it_panic(
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
        stored in any::<bool>(),
    ) {
        let sheet = "<worksheet><sheetData><row><c t='s'><v>0</v></c></row><row><c s='1'><v>1E2</v></c></row></sheetData></worksheet>";
        let method = if stored { CompressionMethod::Stored } else { CompressionMethod::Deflated };
        let mut bytes = archive(&parts("<sst><si><t>h</t></si></sst>", sheet), method);
        for (at, value) in edits {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let _ = read(bytes);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = read([b"PK\x03\x04", &bytes[..], b"PK\x05\x06", &bytes[..]].concat());
    }
}
