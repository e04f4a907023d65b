//! The same rows however they are compressed, and compressed files that are damaged, cut off or hostile.

use std::io::Write;

use flate2::{Compression as Level, write::GzEncoder};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use super::*;
use crate::error::Damage;

const TEXT: &str = "\u{feff}N° sécu;b\r\n1;\"é\r\n;\"\r\n2;x\r\n3;y";

/// `a;b` and 300 rows `n;n`, as `zstd -19` writes them: one frame with a checksum.
const BY_ZSTD: &[u8] = include_bytes!("rows.csv.zst");

fn gzip(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Level::fast());
    encoder.write_all(bytes.as_ref()).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    compress_to_vec(bytes.as_ref(), CompressionLevel::Fastest)
}

/// A frame that decoders pass over.
fn skippable(length: u8) -> Vec<u8> {
    [&[0x5a, 0x2a, 0x4d, 0x18, length, 0, 0, 0], vec![7; length.into()].as_slice()].concat()
}

fn damage(bytes: &[u8]) -> (Compression, Damage) {
    let error = read(bytes).unwrap_err();
    let TableError::Damaged { path, compression, damage } = error else { panic!("{error}") };
    assert!(path.ends_with("table.csv"));
    (compression, damage)
}

#[test]
fn the_same_rows_however_they_are_compressed() {
    let expected = read(TEXT).unwrap();
    let (first, last) = TEXT.as_bytes().split_at(20);
    let utf16 = TEXT.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    for bytes in [
        gzip(TEXT),
        [gzip(first), gzip(""), gzip(last)].concat(),
        gzip(&utf16),
        zstd(TEXT),
        [skippable(9), zstd(first), skippable(0), zstd(""), zstd(last), skippable(200)].concat(),
        zstd(&utf16),
    ] {
        assert_eq!(read(bytes).unwrap(), expected);
    }
    let by_zstd = read(BY_ZSTD).unwrap().2;
    let cells = |number: u64| good(number, &[&number.to_string(), &number.to_string()]);
    assert_eq!(by_zstd, (1..=300).map(cells).collect::<Vec<_>>());
}

#[test]
fn the_digest_is_of_the_file_as_it_is() {
    let scratch = Scratch::new();
    for (bytes, name) in [(gzip(TEXT), "gzip"), (zstd(TEXT), "Zstandard")] {
        let path = scratch.file(&bytes);
        let length = u64::try_from(bytes.len()).unwrap();
        let expected = Digest { sha256: Sha256::digest(&bytes).into(), length };
        assert_eq!(digest(&path).unwrap(), expected);
        assert_eq!(Table::open(&path).unwrap().finish().unwrap(), expected);
        let mut table = Table::open(&path).unwrap();
        rows(&mut table, 10).unwrap();
        assert_eq!(table.progress(), Progress { read: length, total: length });
        assert_eq!(
            table.describe(),
            format!("CSV in utf-8 (by its mark), fields parted by \";\", compressed with {name}")
        );
        assert_eq!(table.finish().unwrap(), expected);
    }
}

#[test]
fn files_that_were_cut_off_never_pass_for_whole_ones() {
    for (whole, compression) in
        [(gzip(TEXT), Compression::Gzip), (zstd(TEXT), Compression::Zstd), (BY_ZSTD.to_vec(), Compression::Zstd)]
    {
        for length in 4..whole.len() {
            assert_eq!(damage(&whole[..length]), (compression, Damage::Truncated), "{length} bytes");
        }
    }
    let error = read(&gzip(TEXT)[..30]).unwrap_err().to_string();
    assert!(error.ends_with("table.csv: the gzip file ends before it is complete; copy it again"), "{error}");
    let cut = [zstd(TEXT), skippable(9)[..12].to_vec()].concat();
    assert_eq!(damage(&cut), (Compression::Zstd, Damage::Truncated));
}

#[test]
fn damage_is_noticed_wherever_it_is() {
    let rows = |range: std::ops::Range<u32>| range.map(|number| format!("{number};{number}\n")).collect::<String>();
    let text = "a;b\n".to_owned() + &rows(0..300);
    for whole in [gzip(&text), zstd(&text), BY_ZSTD.to_vec()] {
        let expected = read(&whole).unwrap();
        for place in (4..whole.len()).step_by(7) {
            for flip in [0x01, 0x80] {
                let mut bytes = whole.clone();
                bytes[place] ^= flip;
                // Where it makes no difference to the content: a time stamp, a name, a reserved bit.
                if let Ok(found) = read(bytes) {
                    assert!(found == expected, "{flip:x} at byte {place} of {}", whole.len());
                }
            }
        }
    }
    for whole in [gzip(&text), zstd(&text)] {
        let error = read([whole, b"tail".to_vec()].concat()).unwrap_err();
        assert!(matches!(error, TableError::Damaged { .. }), "{error}");
    }
}

#[test]
fn a_checksum_that_does_not_fit() {
    let mut bytes = BY_ZSTD.to_vec();
    *bytes.last_mut().unwrap() ^= 1;
    assert_eq!(damage(&bytes), (Compression::Zstd, Damage::Damaged));
    let mut bytes = gzip(TEXT);
    let crc = bytes.len() - 8;
    bytes[crc] ^= 1;
    assert_eq!(damage(&bytes), (Compression::Gzip, Damage::Damaged));
}

#[test]
fn zstandard_that_asks_too_much() {
    // A frame with a window of 64 MiB; one with the dictionary 7.
    let window = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 16 << 3, 1, 0, 0];
    assert_eq!(damage(&window), (Compression::Zstd, Damage::Window));
    let dictionary = [0x28, 0xb5, 0x2f, 0xfd, 0x01, 0x00, 7, 1, 0, 0];
    assert_eq!(damage(&dictionary), (Compression::Zstd, Damage::Dictionary));
    assert_eq!(zstd::MAX_WINDOW_LEN, 32 << 20, "as Damage::Window says");
}

#[test]
fn only_text_is_read_from_compressed_files() {
    for (inner, what) in [
        (b"PK\x03\x04.....".as_slice(), "a ZIP archive such as an Excel workbook"),
        (b"PAR1.....", "a Parquet file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old or encrypted Excel workbook"),
    ] {
        let error = read(gzip(inner)).unwrap_err();
        assert!(matches!(error, TableError::NotStreamed { found, .. } if found == what), "{error}");
    }
    for twice in [gzip(gzip(TEXT)), zstd(gzip(TEXT)), gzip(zstd(TEXT)), gzip("%PDF-1.7")] {
        let error = read(twice).unwrap_err();
        assert!(matches!(error, TableError::Format { .. }), "{error}");
    }
    assert!(matches!(read(gzip("")), Err(TableError::Empty { .. })));
    assert!(matches!(read(zstd("\n\n")), Err(TableError::Empty { .. })));
}

#[test]
fn a_row_of_endless_length_ends_at_the_limit() {
    // A hundred times four bytes, each time 128 KiB of `x`.
    let run = |last: u32| (last | 1 << 1 | (128 << 10) << 3).to_le_bytes()[..3].iter().chain(b"x").copied().collect();
    let runs = (0..100).flat_map(|place| -> Vec<u8> { run(u32::from(place == 99)) });
    let bomb = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 7 << 3].into_iter().chain(runs).collect::<Vec<_>>();
    assert!(matches!(read(&bomb), Err(TableError::RowTooLong { row: 0, .. })));
    let bomb = gzip("a;b\n1;".to_owned() + &"x".repeat(8 * MAX_ROW_LEN));
    assert!(matches!(read(&bomb), Err(TableError::RowTooLong { row: 1, .. })));
}

proptest! {
    #[test]
    fn arbitrary_compressed_bytes_never_panic(
        gzipped: bool,
        bytes in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let magic: &[u8] = if gzipped { b"\x1f\x8b\x08\0\0\0\0\0\0\0" } else { b"\x28\xb5\x2f\xfd" };
        let _ = read([magic, &bytes].concat());
    }
}
