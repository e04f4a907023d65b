//! Files put together by hand, for what no library writes: metadata and page headers in Thrift, whose fields stand in order,
//! each with the step from the number of the one before.

use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};
use proptest::prelude::*;

use super::{
    super::{
        super::disk::{Disk, Fault},
        Budget, Metadata, Pages, Shape,
    },
    Scratch, TableError, column, problem, read,
};

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
        value >>= 7;
    }
    bytes.push(u8::try_from(value).unwrap());
    bytes
}

fn int(step: u8, value: i64) -> Vec<u8> {
    [vec![step << 4 | 6], varint((value << 1 ^ value >> 63).cast_unsigned())].concat()
}

fn name(step: u8, value: &str) -> Vec<u8> {
    [&[step << 4 | 8], &varint(value.len() as u64)[..], value.as_bytes()].concat()
}

fn group(step: u8, fields: &[Vec<u8>]) -> Vec<u8> {
    [&[step << 4 | 12], &fields.concat()[..], &[0]].concat()
}

fn list(step: u8, structs: &[Vec<u8>]) -> Vec<u8> {
    let length = u8::try_from(structs.len()).unwrap();
    let ended: Vec<u8> = structs.iter().flat_map(|fields| [&fields[..], &[0]].concat()).collect();
    [&[step << 4 | 9, length << 4 | 12], &ended[..]].concat()
}

fn page(kind: i64, size: usize, packed: &[u8], inner: &[u8]) -> Vec<u8> {
    let (size, length) = (i64::try_from(size).unwrap(), i64::try_from(packed.len()).unwrap());
    [&int(1, kind)[..], &int(1, size), &int(1, length), inner, &[0], packed].concat()
}

fn data_page(packed: &[u8], size: usize, count: i64, encoding: u8) -> Vec<u8> {
    page(0, size, packed, &group(2, &[int(1, count), int(1, encoding.into()), int(1, 3), int(1, 3)]))
}

fn dictionary_page(packed: &[u8], count: i64) -> Vec<u8> {
    page(2, packed.len(), packed, &group(4, &[int(1, count), int(1, 0)]))
}

/// A file of one required column of this physical type, as text if it is of bytes.
fn by_hand(physical: u8, codec: i64, pages: &[Vec<u8>], rows: i64) -> Vec<u8> {
    let converted = if physical == 6 { int(2, 0) } else { Vec::new() };
    let schema =
        [[name(4, "root"), int(1, 1)].concat(), [int(1, physical.into()), int(2, 0), name(1, "a"), converted].concat()];
    let column = [int(1, physical.into()), int(3, codec), int(1, rows), int(4, 4)];
    let chunks = list(1, &[[int(2, 0), group(1, &column)].concat()]);
    let groups = list(1, &[[chunks, int(2, rows)].concat()]);
    let metadata = [int(1, 1), list(1, &schema), int(1, rows), groups, vec![0]].concat();
    let length = u32::try_from(metadata.len()).unwrap().to_le_bytes();
    [b"PAR1", &pages.concat()[..], &metadata, &length, b"PAR1"].concat()
}

#[test]
fn pages_by_hand() {
    let text = b"\x01\0\0\0a\x02\0\0\0bc";
    assert_eq!(column(by_hand(6, 0, &[data_page(text, text.len(), 2, 0)], 2)), ["a", "bc"]);
    // Places of one bit, packed; then the second value five times.
    let places = [1, 0b11, 0b10, 10, 1];
    let pages = [dictionary_page(text, 2), page(1, 3, b"xyz", &[]), data_page(&places, 5, 13, 8)];
    assert_eq!(column(by_hand(6, 0, &pages, 13)).concat(), "abcaaaaaabcbcbcbcbc");
    // An empty page before the values.
    assert_eq!(column(by_hand(1, 0, &[data_page(b"", 0, 0, 0), data_page(&[1, 0, 0, 0], 4, 1, 0)], 1)), ["1"]);
}

#[test]
fn pages_that_lie() {
    let gzip = |bytes: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let zeros = gzip(&vec![0; 60 << 20]);
    let snappy = [&varint(4 << 30)[..], &[0; 9]].concat();
    let text = b"\x01\0\0\0a\x02\0\0\0bc";
    let places = [1, 0b11, 0b10];
    let huge_delta = [&[0x80, 1, 4][..], &varint(u32::MAX.into()), &[0, 0, 0, 0, 0, 0]].concat();
    for (file, what, expected) in [
        (by_hand(6, 0, &[data_page(text, 2 << 30, 2, 0)], 2), "a size of 2 GiB", "too large"),
        (by_hand(6, 0, &[data_page(text, 12, 2, 0)], 2), "a size that is another", "damaged"),
        (by_hand(6, 2, &[data_page(&zeros, 1000, 2, 0)], 2), "60 MiB of zeros in a page of 1000 bytes", "damaged"),
        (by_hand(6, 1, &[data_page(&snappy, 1000, 2, 0)], 2), "Snappy that promises 4 GiB", "damaged"),
        (by_hand(6, 0, &[data_page(text, text.len(), 2, 0)], 3), "a row more than values", "damaged"),
        (by_hand(6, 0, &[data_page(text, text.len(), 2, 0)], 1), "a row less than values", "damaged"),
        (by_hand(6, 0, &[data_page(text, text.len(), 3, 0)], 3), "a value more than bytes", "damaged"),
        (by_hand(6, 0, &[dictionary_page(text, i32::MAX.into())], 2), "a dictionary of 2 billion values", "damaged"),
        (by_hand(1, 0, &[dictionary_page(text, i32::MAX.into())], 2), "2 billion numbers", "damaged"),
        (by_hand(6, 0, &[data_page(&places, 3, 2, 8)], 2), "no dictionary", "damaged"),
        (by_hand(6, 0, &[dictionary_page(text, 2), dictionary_page(text, 2)], 2), "two dictionaries", "damaged"),
        (by_hand(6, 0, &[dictionary_page(text, 1), data_page(&places, 3, 2, 8)], 2), "a place beyond it", "damaged"),
        (by_hand(6, 0, &[dictionary_page(text, 2), data_page(&[33, 3, 2], 3, 2, 8)], 2), "33 bits", "damaged"),
        (by_hand(6, 0, &[data_page(&huge_delta, huge_delta.len(), 2, 6)], 2), "4 billion lengths", "damaged"),
        (by_hand(2, 0, &[data_page(&[0x80, 1, 4, 2, 0, 0, 65, 0, 0, 0], 10, 2, 5)], 2), "65 bits", "damaged"),
        (by_hand(2, 0, &[data_page(&[0, 1, 2, 0], 4, 2, 5)], 2), "blocks of nothing", "damaged"),
        (by_hand(6, 0, &[data_page(text, text.len(), 2, 5)], 2), "an encoding of numbers", "encoding"),
        (by_hand(6, 7, &[data_page(text, text.len(), 2, 0)], 2), "LZ4", "LZ4"),
        (by_hand(6, 4, &[data_page(text, text.len(), 2, 0)], 2), "Brotli", "Brotli"),
    ] {
        let text = problem(file);
        assert!(text.contains(expected), "{what}: {text}");
    }
}

#[test]
fn prefixes_do_not_grow_without_end() {
    // Each value shares all of the one before, and has 2,048 bytes more.
    let rows = 1000_u16;
    let steps = |first: i64, step: i64| {
        let head = [varint(1024), varint(4), varint(rows.into()), varint((first << 1).cast_unsigned())].concat();
        [head, varint((step << 1).cast_unsigned()), vec![0; 4]].concat()
    };
    let page = [steps(0, 2048), steps(2048, 0), vec![b'x'; 2048 * usize::from(rows)]].concat();
    let file = by_hand(6, 0, &[data_page(&page, page.len(), rows.into(), 7)], rows.into());
    assert!(matches!(read(file), Err(TableError::RowTooLong { row: 513, .. })));
}

#[test]
fn pages_in_memory_have_a_bound() {
    // Each column keeps a page of 60 MiB, as a writer with pages of a whole row group makes them.
    let packed = {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&vec![0; 60 << 20]).unwrap();
        encoder.finish().unwrap()
    };
    let budget = Budget::default();
    let scratch = Scratch::of("table.parquet");
    let file = by_hand(1, 2, &[data_page(&packed, 60 << 20, 15 << 20, 0)], 15 << 20);
    let disk = Disk::open(&scratch.file(file), "a Parquet file").unwrap();
    let metadata = Metadata::read(&disk).unwrap();
    let (chunk, Shape::Readable { physical, meaning, optional }) =
        (metadata.groups[0].chunks[0], metadata.columns[0].shape)
    else {
        panic!("the column can be read");
    };
    let mut columns = Vec::new();
    let mut fault = None;
    for _ in 0..5 {
        let mut pages = Pages::new(&disk, chunk, (physical, meaning, optional), &budget);
        fault = pages.write_next(&mut String::new()).err();
        columns.push(pages);
    }
    assert!(
        matches!(fault, Some(Fault::Broken(text)) if text.contains("too large")),
        "four pages fit, the fifth does not"
    );
    columns.truncate(3);
    assert!(Pages::new(&disk, chunk, (physical, meaning, optional), &budget).write_next(&mut String::new()).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_page_makes_it_panic(page in proptest::collection::vec(any::<u8>(), 0..80), encoding in 0..10_u8, physical in 0..7_u8) {
        let _ = read(by_hand(physical, 0, &[data_page(&page, page.len(), 50, encoding)], 50));
    }
}
