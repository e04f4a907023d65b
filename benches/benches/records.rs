//! Reading a CSV file and turning its rows into identifiers, with the columns of `blindlistd sample` and with six columns.

use blindlist_benches::{CpuTime, criterion};
use blindlist_protocol::identifier::Scheme;
use blindlist_records::sample::{SampleOptions, generate};
use blindlist_records::{Batch, Columns, Table, TableOptions};
use criterion::{Criterion, Throughput};
use std::fmt::Write as _;
use std::hint::black_box;
use std::io::Cursor;

const ROWS: u64 = 100_000;

/// Rows that are read at a time.
const BATCH: usize = 4_096;

fn main() {
    let breach = breach_list();
    let six = six_columns(&breach);
    let (windows, utf16): (Vec<u8>, Vec<u8>) =
        (windows_1252(&six), six.encode_utf16().flat_map(u16::to_le_bytes).collect());

    let mut criterion = criterion();
    read(&mut criterion, "six columns", six.as_bytes(), Scheme::Nir);
    read(&mut criterion, "breach list", breach.as_bytes(), Scheme::Nir);
    read(&mut criterion, "breach list, beneficiary", breach.as_bytes(), Scheme::Beneficiary);
    read(&mut criterion, "breach list, person", breach.as_bytes(), Scheme::Person);
    read(&mut criterion, "six columns, windows-1252", &windows, Scheme::Nir);
    read(&mut criterion, "six columns, utf-16", &utf16, Scheme::Nir);
    criterion.final_summary();
}

/// Without the disk: the file is in memory, hashed and parsed as it would be from there.
fn read(criterion: &mut Criterion<CpuTime>, name: &str, file: &[u8], scheme: Scheme) {
    let mut group = criterion.benchmark_group("records");
    group.throughput(Throughput::Elements(ROWS));
    group.bench_function(name, |b| {
        b.iter_batched(|| file.to_vec(), |file| identify(file, scheme), criterion::BatchSize::PerIteration);
    });
    group.finish();
}

fn identify(file: Vec<u8>, scheme: Scheme) {
    let mut table = Table::from_reader("rows", Cursor::new(file), &TableOptions::default()).expect("a good file");
    let columns = Columns::resolve(table.headers(), scheme, &[]).expect("known headers");
    let (mut batch, mut rows) = (Batch::new(), 0);
    while table.read_batch(&mut batch, BATCH).expect("a good file") > 0 {
        for row in batch.iter() {
            black_box(columns.identifier(&row).expect("a good row"));
            rows += 1;
        }
    }
    black_box(table.finish().expect("a good file"));
    assert_eq!(rows, ROWS);
}

fn breach_list() -> String {
    let folder = std::env::temp_dir().join(format!("blindlist-records-{}", std::process::id()));
    let options = SampleOptions { records: ROWS, members: 0, overlap: 0.0, seed: 5 };
    let sample = generate(&folder, &options).expect("a folder for files that are not kept");
    let text = std::fs::read_to_string(sample.breach).expect("a file that was just written");
    std::fs::remove_dir_all(folder).expect("our own folder");
    text
}

/// Number, name, given name, birth date, rank, categories.
fn six_columns(breach: &str) -> String {
    let mut text = String::new();
    for line in breach.lines() {
        let fields: Vec<&str> = line.split(',').collect();
        let (first, last) = (fields.get(..5), fields.last());
        let (first, last) = first.zip(last).expect("a breach list has ten columns");
        writeln!(text, "{};{last}", first.join(";")).expect("a string has room");
    }
    text
}

/// The letters of invented people are all below U+0100.
fn windows_1252(text: &str) -> Vec<u8> {
    text.chars().map(|letter| u8::try_from(u32::from(letter)).expect("a letter of Western Europe")).collect()
}
