mod compressed;
mod encodings;
mod lines;

use std::{fs, path::PathBuf};

use proptest::prelude::*;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use super::*;
use crate::rejection::Reason;

/// A folder for a file at a time.
pub(super) struct Scratch {
    pub(super) dir: TempDir,
    name: &'static str,
}

impl Scratch {
    fn new() -> Self {
        Self::of("table.csv")
    }

    pub(super) fn of(name: &'static str) -> Self {
        Self { dir: TempDir::new().unwrap(), name }
    }

    pub(super) fn file(&self, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.dir.path().join(self.name);
        fs::write(&path, bytes).unwrap();
        path
    }
}

/// The rows of a table: their numbers, and their cells or why they are rejected.
pub(super) type Cells = Vec<(u64, Result<Vec<String>, Reason>)>;

pub(super) fn cells(batch: &Batch) -> Cells {
    let rows = batch.iter();
    rows.map(|row| (row.number(), row.defect().map_or(Ok(row.cells().map(str::to_owned).collect()), Err))).collect()
}

/// All rows of a table, read a few at a time.
fn rows(table: &mut Table, max: usize) -> Result<Cells, TableError> {
    let (mut batch, mut all) = (Batch::new(), Vec::new());
    while table.read_batch(&mut batch, max)? > 0 {
        assert!(batch.len() <= max);
        all.extend(cells(&batch));
    }
    Ok(all)
}

fn read(bytes: impl AsRef<[u8]>) -> Result<(Vec<String>, Option<char>, Cells), TableError> {
    read_with(bytes, &TableOptions::default())
}

fn read_with(
    bytes: impl AsRef<[u8]>,
    options: &TableOptions,
) -> Result<(Vec<String>, Option<char>, Cells), TableError> {
    let scratch = Scratch::new();
    let mut table = Table::open_with(scratch.file(bytes), options)?;
    let cells = rows(&mut table, 2)?;
    Ok((table.headers().to_vec(), table.delimiter(), cells))
}

fn good(number: u64, cells: &[&str]) -> (u64, Result<Vec<String>, Reason>) {
    (number, Ok(cells.iter().map(|cell| (*cell).to_owned()).collect()))
}

#[test]
fn the_delimiter_comes_from_the_header() {
    for (header, delimiter) in [
        ("a,b,c", Some(',')),
        ("a;b;c", Some(';')),
        ("a\tb\tc", Some('\t')),
        ("a|b|c", Some('|')),
        ("a,1;b;c", Some(';')),
        ("\"a,b,c\";d", Some(';')),
        ("\"a\"\"b,c,\nd,e\";d", Some(';')),
        ("5\" tall,a\",b,c;d", Some(',')),
        ("\r\n\r\na;b", Some(';')),
        ("\u{feff}\"a,,\";b", Some(';')),
        ("alone", None),
        ("\"a,lo;ne\"", None),
    ] {
        assert_eq!(read(header).unwrap().1, delimiter, "{header:?}");
        assert_eq!(read(format!("{header}\r\nx,,,,,y,,,\r\n")).unwrap().1, delimiter, "{header:?}");
    }
}

#[test]
fn a_table_as_spreadsheets_write_it() {
    let (headers, delimiter, cells) = read(
        "\u{feff}\"Numéro\";Nom;\"Note \"\"libre\"\"\"\r\n\
         1;Dupré;\"a;b\"\r\n\
         \r\n\
         2;\"Le\r\nGall\";\r\n\
         3; x ;\"\"",
    )
    .unwrap();
    assert_eq!(headers, ["Numéro", "Nom", "Note \"libre\""]);
    assert_eq!(delimiter, Some(';'));
    assert_eq!(cells, [good(1, &["1", "Dupré", "a;b"]), good(2, &["2", "Le\r\nGall", ""]), good(3, &["3", " x ", ""])]);
}

#[test]
fn a_single_column_keeps_its_commas() {
    let (headers, _, cells) = read("nir\n1,85E+14\n\"2\"\n").unwrap();
    assert_eq!((headers, cells), (vec!["nir".to_owned()], vec![good(1, &["1,85E+14"]), good(2, &["2"])]));
}

#[test]
fn defective_rows_are_counted_and_the_rest_goes_on() {
    let cells = read("a,b\n1\n1,2\n1,2,3\n\0,2\n\"x\ny\nz\"\n3,4").unwrap().2;
    let count = |number, found, lines| (number, Err(Reason::FieldCount { found, expected: 2, lines }));
    assert_eq!(
        cells,
        [
            count(1, 1, 1),
            good(2, &["1", "2"]),
            count(3, 3, 1),
            (4, Err(Reason::NulByte)),
            count(5, 1, 3),
            good(6, &["3", "4"])
        ]
    );
}

#[test]
fn files_that_are_no_table() {
    let scratch = Scratch::new();
    let missing = scratch.dir.path().join("missing.csv");
    let error = Table::open(&missing).unwrap_err();
    assert!(matches!(error, TableError::Read { .. }));
    assert!(error.to_string().contains("missing.csv"), "{error}");
    assert!(matches!(digest(&missing), Err(TableError::Read { .. })));
    assert!(matches!(Table::open(scratch.dir.path()), Err(TableError::Read { .. })));

    for empty in ["", "\u{feff}", "\n\r\n\n"] {
        let error = read(empty).unwrap_err();
        assert!(matches!(error, TableError::Empty { .. }), "{error}");
        assert!(error.to_string().contains("table.csv is empty"), "{error}");
    }
    for foreign in [b"%PDF-1.7\n".as_slice(), b"\xff\xfe\0\0a\0\0\0", b"\xfd7zXZ\0..", b"a,b\0\n1,2\n"] {
        let error = read(foreign).unwrap_err();
        assert!(matches!(error, TableError::Format { .. }), "{error}");
    }
}

#[test]
fn streams_are_read_like_files_and_named() {
    let stream = |bytes: &'static [u8]| Table::from_reader("standard input", bytes, &TableOptions::default());
    let mut table = stream(b"a;b\n1;2\n").unwrap();
    assert_eq!(rows(&mut table, 9).unwrap(), [good(1, &["1", "2"])]);
    assert_eq!((table.path(), table.progress()), (Path::new("standard input"), Progress { read: 8, total: 0 }));
    let expected = Digest { sha256: Sha256::digest(b"a;b\n1;2\n").into(), length: 8 };
    assert_eq!(table.finish().unwrap(), expected);

    assert_eq!(
        stream(b"").unwrap_err().to_string(),
        "standard input is empty: looked for a line of column headers, found none"
    );
    for both_ends in [b"PK\x03\x04....".as_slice(), b"PAR1...."] {
        let error = stream(both_ends).unwrap_err();
        assert!(matches!(error, TableError::NotStreamed { .. }), "{error}");
        assert!(error.to_string().contains("cannot be read from a stream"), "{error}");
    }
}

#[test]
fn a_stream_may_come_in_pieces_of_any_length_and_fail() {
    struct Dripping(Vec<u8>, bool);
    impl Read for Dripping {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.1 = !self.1;
            match (self.1, self.0.first().copied()) {
                (true, _) => Err(io::ErrorKind::Interrupted.into()),
                (false, Some(byte)) if byte != b'!' => {
                    buffer[0] = self.0.remove(0);
                    Ok(1)
                }
                (false, Some(_)) => Err(io::Error::other("the cable was pulled")),
                (false, None) => Ok(0),
            }
        }
    }
    let table = |bytes: &[u8]| Table::from_reader("x", Dripping(bytes.to_vec(), false), &TableOptions::default());
    assert_eq!(rows(&mut table(b"a;b\n1;2\n3;4").unwrap(), 9).unwrap(), [good(1, &["1", "2"]), good(2, &["3", "4"])]);
    for failing in [b"!".as_slice(), b"a;b\n1;2\n3;4\n5;6\n7!", b"\x1f\x8b\x08!"] {
        let error = table(failing).unwrap_err();
        assert!(matches!(error, TableError::Read { .. }), "{error}");
        assert_eq!(error.to_string(), "cannot read x: the cable was pulled");
    }
}

#[test]
fn standard_input_is_read_once() {
    assert!(is_standard_input("-") && !is_standard_input("./-") && !is_standard_input(""));
    assert!(matches!(digest("-"), Err(TableError::StandardInput)));
}

#[test]
fn quotes_that_never_close() {
    for (text, wrong) in
        [("a,b\n1,2\n3,\"4\n5,6\n", 2), ("a,b\n1,2\n3,\"", 2), ("a,b\n1,2\n\"3\"\",4", 2), ("\"a,b\n1,2\n", 0)]
    {
        let error = read(text).unwrap_err();
        assert!(matches!(error, TableError::OpenQuote { row, .. } if row == wrong), "{text:?}: {error}");
    }
    for closed in ["a,b\n1,\"2\"", "a,b\n1,\"2\"\"\"", "a,b\n1,2\"", "a,b\n1,2\n", "a,b", "a,b\n1,2\r"] {
        assert!(read(closed).is_ok(), "{closed:?}");
    }
}

#[test]
fn rows_have_a_longest_length() {
    let row = |length: usize| format!("a,b\n1,2\n{}", "x".repeat(length));
    assert_eq!(read(row(MAX_ROW_LEN)).unwrap().2.len(), 2);
    assert_eq!(read(row(MAX_ROW_LEN - 1) + "\n3,4\n").unwrap().2.len(), 3);
    for text in [
        row(MAX_ROW_LEN + 1),
        row(MAX_ROW_LEN) + "\n",
        row(0) + &",".repeat(MAX_ROW_LEN + 1),
        row(0) + "\"" + &"y\n".repeat(MAX_ROW_LEN),
    ] {
        let error = read(text).unwrap_err();
        assert!(matches!(error, TableError::RowTooLong { row: 2, .. }), "{error}");
    }
    assert!(matches!(read("a".repeat(MAX_ROW_LEN * 2)), Err(TableError::RowTooLong { row: 0, .. })));
    // Blank lines belong to no row.
    assert_eq!(read(format!("a,b\n{}1,2\n", "\n".repeat(3 * MAX_ROW_LEN))).unwrap().2, [good(1, &["1", "2"])]);
}

#[test]
fn messages_hold_no_cells() {
    for text in ["a,b\n1,SECRET\n3,\"SECRET", "a,b\nSECRET\n"] {
        let shown = match read(text) {
            Err(error) => format!("{error} {error:?}"),
            Ok((_, _, cells)) => cells.into_iter().map(|(_, cells)| cells.unwrap_err().to_string()).collect(),
        };
        assert!(!shown.contains("SECRET"), "{shown}");
    }
    let scratch = Scratch::new();
    let mut table = Table::open(scratch.file("a,b\n1,SECRET\n")).unwrap();
    let mut batch = Batch::new();
    table.read_batch(&mut batch, 9).unwrap();
    assert!(!format!("{table:?} {batch:?} {:?}", batch.row(0)).contains("SECRET"));
    assert!(batch.row(1).is_none() && batch.row(0).unwrap().cell(2).is_none());
}

#[test]
fn the_digest_covers_the_whole_file_however_much_was_read() {
    let scratch = Scratch::new();
    let text = format!("\u{feff}a,b\n{}", "1,\"2\"\r\n".repeat(500_000));
    let path = scratch.file(&text);
    let length = u64::try_from(text.len()).unwrap();
    let expected = Digest { sha256: Sha256::digest(&text).into(), length };
    assert_eq!(digest(&path).unwrap(), expected);

    assert_eq!(Table::open(&path).unwrap().finish().unwrap(), expected);
    let mut table = Table::open(&path).unwrap();
    assert!(table.progress().read < length);
    assert_eq!(table.progress().total, length);
    rows(&mut table, 10_000).unwrap();
    assert_eq!(table.progress(), Progress { read: length, total: length });
    assert_eq!(table.read_batch(&mut Batch::new(), 10).unwrap(), 0, "the end stays the end");
    assert_eq!(table.finish().unwrap(), expected);
}

#[test]
fn a_batch_closes_early_when_its_rows_are_long() {
    let scratch = Scratch::new();
    let mut table = Table::open(scratch.file(format!("a\n{}", ("x".repeat(1 << 16) + "\n").repeat(40)))).unwrap();
    let mut batch = Batch::new();
    assert_eq!(table.read_batch(&mut batch, 1000).unwrap(), 16);
    assert_eq!(table.read_batch(&mut batch, 1000).unwrap(), 16);
    assert_eq!(batch.row(15).unwrap().number(), 32);
    assert_eq!(table.read_batch(&mut batch, 1000).unwrap(), 8);
}

proptest! {
    #[test]
    fn what_a_csv_writer_writes_is_read_back(
        cells in prop::collection::vec(prop::collection::vec("[a-zé0-9 ,;\"\r\n|\t]{0,6}", 3), 0..20),
        delimiter in prop::sample::select(b",;\t|".as_slice()),
    ) {
        let mut writer = ::csv::WriterBuilder::new().delimiter(delimiter).from_writer(Vec::new());
        writer.write_record(["one", "two", "three"]).unwrap();
        for row in &cells {
            writer.write_record(row).unwrap();
        }
        let expected = (1..).zip(cells.into_iter().map(Ok)).collect::<Vec<_>>();
        prop_assert_eq!(read(writer.into_inner().unwrap()).unwrap().2, expected);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(prop::sample::select(b"ab,;\"\n\r\0\xc3\xa9\xff".as_slice()), 0..60)) {
        let _ = read(bytes);
    }
}
