//! One list in every kind of file and encoding: the same people, and under one plan the same index to the byte.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests and their helpers")]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use blindlist_tests::people::{numbers, with_key};
use blindlist_tests::{Insurer, Operator};
use encoding_rs::{UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use flate2::Compression;
use flate2::write::GzEncoder;
use parquet::data_type::{ByteArray, ByteArrayType};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use rust_xlsxwriter::Workbook;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const HEADERS: [&str; 3] = ["Nº Sécurité Sociale", "Clé", "Prénom"];

/// Rows of a number, its key, and a name that no two encodings write alike.
fn rows() -> Vec<[String; 3]> {
    let rows = numbers(0, 300).into_iter().map(|number| {
        let whole = with_key(&number);
        let (_, key) = whole.split_at(13);
        [number, key.to_owned(), "Zoé, dite \"œil\"; Anaïs".to_owned()]
    });
    rows.collect()
}

fn csv(delimiter: u8) -> String {
    let mut writer = csv::WriterBuilder::new().delimiter(delimiter).from_writer(Vec::new());
    writer.write_record(HEADERS).unwrap();
    rows().iter().for_each(|row| writer.write_record(row).unwrap());
    String::from_utf8(writer.into_inner().unwrap()).unwrap()
}

fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    std::iter::once('\u{feff}').chain(text.chars()).collect::<String>().encode_utf16().flat_map(bytes).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = GzEncoder::new(Vec::new(), Compression::default());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

/// Numbers are stored as numbers, with their key in the last two of fifteen digits.
fn xlsx() -> Vec<u8> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    sheet.write_row(0, 0, [HEADERS[0], HEADERS[2]]).unwrap();
    for (place, [number, key, name]) in (1..).zip(rows()) {
        sheet.write_number(place, 0, format!("{number}{key}").parse::<f64>().unwrap()).unwrap();
        sheet.write_string(place, 1, name).unwrap();
    }
    book.save_to_buffer().unwrap()
}

fn parquet() -> Vec<u8> {
    let schema =
        "message people { required binary nir (UTF8); required binary cle (UTF8); required binary prenom (UTF8); }";
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let mut file = SerializedFileWriter::new(Vec::new(), schema, Arc::new(WriterProperties::new())).unwrap();
    // Two row groups.
    for half in rows().chunks(150) {
        let mut group = file.next_row_group().unwrap();
        for place in 0..3 {
            let cells: Vec<ByteArray> = half.iter().map(|row| ByteArray::from(row[place].as_str())).collect();
            let mut column = group.next_column().unwrap().unwrap();
            column.typed::<ByteArrayType>().write_batch(&cells, None, None).unwrap();
            column.close().unwrap();
        }
        group.close().unwrap();
    }
    file.into_inner().unwrap()
}

/// Every kind of file, with the options that it needs.
fn kinds() -> Vec<(&'static str, Vec<u8>, &'static [&'static str])> {
    let comma = csv(b',');
    let (latin, _, unmappable) = WINDOWS_1252.encode(&comma);
    assert!(!unmappable);
    vec![
        ("comma.csv", comma.clone().into(), &[]),
        ("semicolon.csv", csv(b';').into(), &[]),
        ("tab.txt", csv(b'\t').into(), &[]),
        ("bar.txt", csv(b'|').into(), &[]),
        ("mark.csv", format!("\u{feff}{comma}").into(), &[]),
        ("crlf.csv", comma.replace('\n', "\r\n").into(), &[]),
        ("utf16le.csv", utf16(&comma, u16::to_le_bytes), &[]),
        ("utf16be.csv", utf16(&comma, u16::to_be_bytes), &[]),
        ("windows.csv", latin.to_vec(), &[]),
        ("windows-said.csv", latin.to_vec(), &["--encoding", "windows-1252"]),
        ("people.csv.gz", gzip(comma.as_bytes()), &[]),
        ("people.csv.zst", compress_to_vec(comma.as_bytes(), CompressionLevel::Fastest), &[]),
        ("windows.csv.gz", gzip(&latin), &[]),
        ("people.xlsx", xlsx(), &[]),
        ("people.parquet", parquet(), &[]),
    ]
}

/// The folder of an operator's only release.
fn release(operator: &Operator) -> PathBuf {
    let folders = fs::read_dir(operator.home().join("releases")).unwrap().map(|entry| entry.unwrap().path());
    folders.filter(|path| path.join("manifest").exists()).last().unwrap()
}

/// The plan of a seal, for another file with the same content.
fn plan_for(plan: &Path, file: &[u8], options: &[&str]) -> Vec<u8> {
    let mut plan: Value = serde_json::from_slice(&fs::read(plan).unwrap()).unwrap();
    plan["inputs"] = json!([{ "sha256": hex::encode(Sha256::digest(file)), "bytes": file.len() }]);
    if let ["--encoding", encoding] = options {
        plan["choices"]["encoding"] = json!(encoding);
    }
    serde_json::to_vec(&plan).unwrap()
}

#[test]
fn every_kind_of_file_gives_the_same_index() {
    let before = Operator::new("op");
    let first = before.copied();
    let input = first.file("first.csv", csv(b','));
    let seal = ["seal", input.to_str().unwrap(), "--list", "list-a", "--categories", "identity"];
    first.run(&seal).ends(0).prints(&["300"]);
    let expected = fs::read(release(&first).join("index")).unwrap();
    for (name, bytes, options) in kinds() {
        let operator = before.copied();
        let plan = operator.file("plan.json", plan_for(&release(&first).join("plan.json"), &bytes, options));
        let input = operator.file(name, bytes);
        operator.run(&["seal", input.to_str().unwrap(), "--plan", plan.to_str().unwrap()]).ends(0);
        assert!(fs::read(release(&operator).join("index")).unwrap() == expected, "{name}");
    }
}

#[test]
fn every_kind_of_file_is_checked_and_comes_back() {
    let operator = Operator::with_numbers("op", &numbers(290, 400));
    let insurer = Insurer::enrolled("mutuelle", &operator, 100_000);
    let server = operator.serve();
    for (name, bytes, options) in kinds() {
        let members = insurer.file(name, bytes);
        let out = format!("of-{name}");
        insurer.check(&members, &server, &out, options).ends(0).prints(&["10 of 300 checked members"]);
        // Written in the encoding of the member file.
        let bytes = fs::read(insurer.results(&out).folder().join("affected.csv")).unwrap();
        let encoding = if std::str::from_utf8(&bytes).is_ok() { UTF_8 } else { WINDOWS_1252 };
        let (text, marked_or_that, _) = encoding.decode(&bytes);
        assert_eq!(text.matches("Anaïs").count(), 10, "{name}: {text}");
        assert_eq!(name.starts_with("windows"), marked_or_that == WINDOWS_1252, "{name}");
        assert_eq!(name.starts_with("utf16"), [UTF_16LE, UTF_16BE].contains(&marked_or_that), "{name}");
    }
}

#[test]
fn several_files_a_pattern_and_standard_input_are_one_list() {
    let operator = Operator::new("op");
    let whole = operator.file("whole.csv", csv(b','));
    let lines: Vec<String> = csv(b',').lines().map(str::to_owned).collect();
    let (header, rest) = lines.split_first().unwrap();
    let part = |lines: &[String]| format!("{header}\n{}\n", lines.join("\n"));
    operator.file("part-1.csv", part(&rest[..100]));
    operator.file("part-2.csv.gz", gzip(part(&rest[90..]).as_bytes()));
    let pattern = operator.path("part-*").to_str().unwrap().to_owned();
    let seal = |input: &str, list: &str| ["seal".to_owned(), input.to_owned(), "--list".to_owned(), list.to_owned()];
    let run = |arguments: &[String]| {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).chain(["--categories", "identity"]).collect();
        operator.run(&arguments).ends(0).prints(&["300"])
    };
    run(&seal(whole.to_str().unwrap(), "whole"));
    run(&seal(&pattern, "parts")).prints(&["10 rows of people in another row"]);

    let mut command = operator.command(&["seal", "-", "--list", "piped", "--categories", "identity"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(csv(b'|').as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("300"));
    let left = fs::read_dir(operator.home().join("releases")).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(left.filter(|name| name.to_str().unwrap().ends_with(".tmp")).count(), 0);
}
