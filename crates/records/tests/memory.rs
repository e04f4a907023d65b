//! What is read never decides how much memory is used. A program of its own, since memory is counted by program: one test.

use std::{
    fs,
    io::{Cursor, Write},
};

use blindlist_records::{Batch, Damage, Table, TableError, TableOptions};
use flate2::{Compression, write::GzEncoder};

/// What compressed files hold once they are decompressed.
const CONTENT_LEN: usize = 160 << 20;

/// A long row, its end included.
const ROW_LEN: usize = 1 << 19;

/// The most memory that the program may ever have had, in KiB: window, buffers and a batch, several times.
const MOST_KIB: u64 = 120 << 10;

#[test]
fn memory_is_bounded_whatever_is_read() {
    read("one row of 160 MiB", gzip(&[b'x'; ROW_LEN]), |table| {
        assert!(matches!(table, Err(TableError::RowTooLong { .. })));
    });
    read("160 MiB of blank lines", gzip(&[b'\n'; ROW_LEN]), |table| {
        assert!(matches!(table, Err(TableError::Empty { .. })));
    });
    let mut row = [b'x'; ROW_LEN];
    row[ROW_LEN - 1] = b'\n';
    read("160 MiB of long rows", gzip(&row), all_rows);
    read("Zstandard with the largest window", zstd(15), all_rows);
    read("Zstandard with a window that is too large", zstd(16), |table| {
        assert!(matches!(table, Err(TableError::Damaged { damage: Damage::Window, .. })));
    });
}

fn read(what: &str, file: Vec<u8>, check: impl FnOnce(Result<Table, TableError>)) {
    check(Table::from_reader(what, Cursor::new(file), &TableOptions::default()));
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.strip_suffix("kB")).expect("a peak");
    let peak = peak.trim().parse::<u64>().expect("a number");
    println!("{what}: {peak} KiB");
    assert!(peak < MOST_KIB, "{what}");
}

fn all_rows(table: Result<Table, TableError>) {
    let (mut table, mut batch, mut rows) = (table.expect("a good table"), Batch::new(), 0);
    while table.read_batch(&mut batch, 4_096).expect("good rows") > 0 {
        rows += batch.len();
    }
    assert!(rows + 1 == CONTENT_LEN / ROW_LEN, "{rows} rows");
}

/// As many members as it takes, each of a piece of the content.
fn gzip(piece: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(piece).expect("memory takes all bytes");
    encoder.finish().expect("memory takes all bytes").repeat(CONTENT_LEN / piece.len())
}

/// A frame of runs of 128 KiB, every fourth one of line ends. A window takes 2^(10 + `exponent`) bytes.
fn zstd(exponent: u8) -> Vec<u8> {
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, exponent << 3];
    let blocks = u32::try_from(CONTENT_LEN / (128 << 10)).expect("memory takes all bytes");
    for place in 0..blocks {
        let header = u32::from(place + 1 == blocks) | 1 << 1 | (128 << 10) << 3;
        frame.write_all(&header.to_le_bytes()[..3]).expect("memory takes all bytes");
        frame.push(if place % 4 == 3 { b'\n' } else { b'x' });
    }
    frame
}
