//! Files that the `parquet` crate wrote, whole and damaged.

mod by_hand;

use std::sync::Arc;

use parquet::{
    basic::{Compression, Encoding, GzipLevel, ZstdLevel},
    data_type::{
        BoolType, ByteArray, ByteArrayType, DataType, DoubleType, FixedLenByteArray, FixedLenByteArrayType, FloatType,
        Int32Type, Int64Type, Int96, Int96Type,
    },
    file::{
        properties::{WriterProperties, WriterVersion},
        writer::{SerializedColumnWriter, SerializedFileWriter},
    },
    schema::parser::parse_message_type,
};
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};

use super::{
    super::{
        Table,
        tests::{Cells, Scratch, cells},
    },
    *,
};

fn read(bytes: impl AsRef<[u8]>) -> Result<(Vec<String>, Cells), TableError> {
    let scratch = Scratch::of("table.parquet");
    let mut reader = ParquetReader::open(&scratch.file(bytes))?;
    let mut batch = Batch::new();
    while reader.read_row(&mut batch)? {}
    let Progress { read, total } = reader.progress();
    assert_eq!(read, total);
    Ok((reader.headers().to_vec(), cells(&batch)))
}

fn problem(bytes: impl AsRef<[u8]>) -> String {
    read(bytes).unwrap_err().to_string()
}

/// The cells of a file of one column.
fn column(bytes: impl AsRef<[u8]>) -> Vec<String> {
    read(bytes).unwrap().1.into_iter().map(|(_, row)| row.unwrap().concat()).collect()
}

/// A column of values, some of them missing.
#[derive(Clone)]
enum Column {
    Bytes(Vec<Option<ByteArray>>),
    Fixed(Vec<Option<FixedLenByteArray>>),
    Int32(Vec<Option<i32>>),
    Int64(Vec<Option<i64>>),
    Int96(Vec<Option<Int96>>),
    Float(Vec<Option<f32>>),
    Double(Vec<Option<f64>>),
    Bool(Vec<Option<bool>>),
    /// The elements of one list after the other, of which this tells where one begins.
    List(Vec<i32>, Vec<i16>),
}

fn texts(values: &[&str]) -> Column {
    Column::Bytes(values.iter().map(|value| Some(ByteArray::from(*value))).collect())
}

fn put<T: DataType>(mut writer: SerializedColumnWriter<'_>, values: &[Option<T::T>]) {
    let levels: Vec<i16> = values.iter().map(|value| i16::from(value.is_some())).collect();
    let present: Vec<T::T> = values.iter().flatten().cloned().collect();
    writer.typed::<T>().write_batch(&present, Some(&levels), None).unwrap();
    writer.close().unwrap();
}

/// A file with these row groups of columns.
fn write(schema: &str, properties: WriterProperties, groups: &[Vec<Column>]) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(&format!("message m {{ {schema} }}")).unwrap());
    let mut file = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties)).unwrap();
    for columns in groups {
        let mut group = file.next_row_group().unwrap();
        for column in columns {
            let mut writer = group.next_column().unwrap().unwrap();
            match column {
                Column::Bytes(values) => put::<ByteArrayType>(writer, values),
                Column::Fixed(values) => put::<FixedLenByteArrayType>(writer, values),
                Column::Int32(values) => put::<Int32Type>(writer, values),
                Column::Int64(values) => put::<Int64Type>(writer, values),
                Column::Int96(values) => put::<Int96Type>(writer, values),
                Column::Float(values) => put::<FloatType>(writer, values),
                Column::Double(values) => put::<DoubleType>(writer, values),
                Column::Bool(values) => put::<BoolType>(writer, values),
                Column::List(values, starts) => {
                    let levels = vec![1; values.len()];
                    writer.typed::<Int32Type>().write_batch(values, Some(&levels), Some(starts)).unwrap();
                    writer.close().unwrap();
                }
            }
        }
        group.close().unwrap();
    }
    file.into_inner().unwrap()
}

fn plainly() -> WriterProperties {
    WriterProperties::builder().set_dictionary_enabled(false).build()
}

/// A file of one column.
fn one(schema: &str, column: Column) -> Vec<u8> {
    write(schema, WriterProperties::default(), &[vec![column]])
}

#[test]
fn the_same_content_as_a_csv_gives_the_same_rows() {
    let csv =
        "nir,nom,rang,naissance\n185057505611114,Dupré,1,1985-05-01\n,\"Le\nGall\",,\n2A5057505611157,,2,1900-01-01\n";
    let scratch = Scratch::of("table.parquet");
    let mut table = Table::open(scratch.file(csv)).unwrap();
    let mut batch = Batch::new();
    table.read_batch(&mut batch, 100).unwrap();

    let columns = vec![
        Column::Bytes(vec![Some("185057505611114".into()), None, Some("2A5057505611157".into())]),
        texts(&["Dupré", "Le\nGall", ""]),
        Column::Int64(vec![Some(1), None, Some(2)]),
        Column::Int32(vec![Some(5599), None, Some(-25_567)]),
    ];
    let schema = "optional binary nir (UTF8); required binary nom (STRING); optional int64 rang; optional int32 naissance (DATE);";
    let codecs = [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(GzipLevel::default()),
        Compression::ZSTD(ZstdLevel::default()),
    ];
    for codec in codecs {
        for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
            for dictionary in [true, false] {
                let properties = WriterProperties::builder()
                    .set_compression(codec)
                    .set_writer_version(version)
                    .set_dictionary_enabled(dictionary);
                let (headers, rows) = read(write(schema, properties.build(), std::slice::from_ref(&columns))).unwrap();
                assert_eq!(headers, table.headers());
                assert_eq!(rows, cells(&batch), "{codec} {version:?} {dictionary}");
            }
        }
    }
}

#[test]
fn every_encoding() {
    let text: Vec<String> = (0..1000).map(|row| format!("{}{}", "prefix".repeat(row % 3), row * 7919 % 1009)).collect();
    let int32: Vec<i32> = (0..1000).map(|row| (row * 7919 % 1009 - 500) * 4_000_000).collect();
    let int64: Vec<i64> = int32.iter().map(|value| i64::from(*value) * 3_000_000_000).collect();
    let double: Vec<f64> = int32.iter().map(|value| f64::from(*value) / 1024.0).collect();
    let columns = vec![
        texts(&text.iter().map(String::as_str).collect::<Vec<_>>()),
        Column::Int32(int32.into_iter().map(Some).collect()),
        Column::Int64(int64.into_iter().map(Some).collect()),
        Column::Double(double.into_iter().map(Some).collect()),
        Column::Bool((0..1000).map(|row| (row % 7 != 0).then_some(row % 3 == 0)).collect()),
    ];
    let schema = "required binary a (UTF8); required int32 b; required int64 c; required double d; optional boolean e;";
    let groups = [columns];
    let expected = read(write(schema, plainly(), &groups)).unwrap();
    assert_eq!(expected.1.len(), 1000);
    assert_eq!(
        expected.1[2].1.as_ref().unwrap()[..4],
        [text[2].clone(), "812000000".to_owned(), "2436000000000000000".to_owned(), "792968.75".to_owned()]
    );
    let choose = |a, b, d| {
        let builder = WriterProperties::builder().set_dictionary_enabled(false).set_data_page_row_count_limit(300);
        let builder = builder.set_column_encoding("a".into(), a).set_column_encoding("b".into(), b);
        builder.set_column_encoding("c".into(), b).set_column_encoding("d".into(), d)
    };
    for properties in [
        choose(Encoding::DELTA_BYTE_ARRAY, Encoding::DELTA_BINARY_PACKED, Encoding::BYTE_STREAM_SPLIT).build(),
        choose(Encoding::DELTA_LENGTH_BYTE_ARRAY, Encoding::BYTE_STREAM_SPLIT, Encoding::PLAIN).build(),
        choose(Encoding::PLAIN, Encoding::PLAIN, Encoding::PLAIN)
            .set_column_encoding("e".into(), Encoding::RLE)
            .build(),
        WriterProperties::builder().set_data_page_row_count_limit(77).set_write_batch_size(50).build(),
        // A dictionary that is given up in the middle.
        WriterProperties::builder().set_dictionary_page_size_limit(500).set_write_batch_size(100).build(),
    ] {
        assert!(read(write(schema, properties, &groups)).unwrap() == expected);
    }
}

#[test]
fn what_values_become() {
    let int64 = |values: &[i64]| Column::Int64(values.iter().copied().map(Some).collect());
    let int32 = |values: &[i32]| Column::Int32(values.iter().copied().map(Some).collect());
    let double = |values: &[f64]| Column::Double(values.iter().copied().map(Some).collect());
    let fixed = |values: &[&[u8]]| {
        Column::Fixed(values.iter().map(|value| Some(ByteArray::from(value.to_vec()).into())).collect())
    };
    for (schema, values, expected) in [
        ("required int64 a", int64(&[185_057_505_611_114, -1, 0]), &["185057505611114", "-1", "0"][..]),
        ("required int64 a", int64(&[-1_850_575_056_111]), &["-1.850575056111E+12"]),
        ("required int64 a (INTEGER(64,false))", int64(&[-1]), &["18446744073709551615"]),
        ("required int32 a (UINT_32)", int32(&[-1]), &["4294967295"]),
        ("required int32 a (INT_16)", int32(&[-1]), &["-1"]),
        ("required int32 a (DATE)", int32(&[0, -25_567, i32::MAX]), &["1970-01-01", "1900-01-01", "2147483647"]),
        ("required int64 a (DECIMAL(15,0))", int64(&[185_057_505_611_114]), &["185057505611114"]),
        ("required int32 a (DECIMAL(9,2))", int32(&[1250, -5]), &["12.5", "-0.05"]),
        ("required int64 a (DECIMAL(15,2))", int64(&[185_057_505_611_114]), &["1.85057505611114E+12"]),
        (
            "required fixed_len_byte_array(9) a (DECIMAL(20,0))",
            fixed(&[&[0, 0, 0, 0, 0, 0, 0, 1, 0], &[255; 9]]),
            &["256", "-1"],
        ),
        (
            "required double a",
            double(&[185_057_505_611_114.0, 0.5, 1.85e18, f64::NAN, -0.0]),
            &["185057505611114", "0.5", "1.85E+18", "", "0"],
        ),
        ("required double a", double(&[f64::INFINITY, 1_850_575_056_111.25]), &["inf", "1.85057505611125E+12"]),
        (
            "required float a",
            Column::Float(vec![Some(16_777_216.0), Some(16_777_218.0), Some(f32::NAN)]),
            &["16777216", "1.6777218E+7", ""],
        ),
        ("required boolean a", Column::Bool(vec![Some(true), Some(false)]), &["TRUE", "FALSE"]),
        (
            "required int64 a (TIMESTAMP(MILLIS,false))",
            int64(&[0, 86_400_000, -1000]),
            &["1970-01-01", "1970-01-02", "1969-12-31 23:59:59"],
        ),
        (
            "required int64 a (TIMESTAMP(NANOS,true))",
            int64(&[-86_400_000_000_000, 1]),
            &["1969-12-31", "1970-01-01 00:00:01"],
        ),
        ("required int64 a (TIMESTAMP_MICROS)", int64(&[3_600_000_000]), &["1970-01-01 01:00:00"]),
        ("required binary a (ENUM)", texts(&["x"]), &["x"]),
        ("required binary a (JSON)", texts(&["{}"]), &["{}"]),
    ] {
        assert_eq!(column(one(&format!("{schema};"), values)), expected, "{schema}");
    }
}

#[test]
fn columns_of_other_types_do_not_spoil_the_file() {
    let schema = "required binary nir (UTF8);
        required group list (LIST) { repeated group list { required int32 element; } }
        optional binary raw; required int64 time (TIME(MICROS,true)); required int96 old;
        required fixed_len_byte_array(16) id (UUID); required fixed_len_byte_array(17) wide (DECIMAL(40,0)); optional int32 rank;";
    let group = |at: usize| {
        vec![
            texts(&[["a", "b"], ["c", "d"]][at]),
            Column::List(vec![1, 2, 3, 4], vec![0, 1, 1, 0]),
            Column::Bytes(vec![None, Some("x".into())]),
            Column::Int64(vec![Some(1); 2]),
            Column::Int96(vec![Some(Int96::new()); 2]),
            Column::Fixed(vec![Some(ByteArray::from(vec![0; 16]).into()); 2]),
            Column::Fixed(vec![Some(ByteArray::from(vec![0; 17]).into()); 2]),
            Column::Int32(vec![Some(7), None]),
        ]
    };
    let bytes =
        write(&schema.replace("TIME(MICROS,true)", "TIME_MICROS"), WriterProperties::default(), &[group(0), group(1)]);
    let (headers, rows) = read(&bytes).unwrap();
    assert_eq!(headers, ["nir", "list", "raw", "time", "old", "id", "wide", "rank"]);
    let unreadable = [
        "[a list or group of values]",
        "[binary data]",
        "[times of day]",
        "[96-bit times]",
        "[UUIDs]",
        "[decimals of an unknown type]",
    ];
    let row = |number, nir: &str, rank: &str| {
        let cells = [&[nir], &unreadable[..], &[rank]].concat();
        (number, Ok(cells.iter().map(|cell| (*cell).to_owned()).collect()))
    };
    assert_eq!(rows, [row(1, "a", "7"), row(2, "b", ""), row(3, "c", "7"), row(4, "d", "")]);

    let scratch = Scratch::of("table.parquet");
    let reader = ParquetReader::open(&scratch.file(&bytes)).unwrap();
    let found = (0..9).map(|place| reader.unreadable(place)).collect::<Vec<_>>();
    assert_eq!(found[..3], [None, Some("a list or group of values"), Some("binary data")]);
    assert_eq!(found[6..], [Some("decimals of an unknown type"), None, None]);

    assert!(problem(one("required binary raw;", texts(&["x"]))).contains("none of its columns"));
}

#[test]
fn nothing_can_be_made_of_a_cell_that_cannot_be_read() {
    use blindlist_protocol::identifier::{BirthDate, BirthRank, GivenName, Name, Nir};
    let cell = "[a list or group of values]";
    assert!(Nir::parse(cell).is_err() && BirthDate::parse(cell).is_err() && BirthRank::parse(cell).is_err());
    assert!(Name::parse(cell).is_err() && GivenName::parse(cell).is_err());
}

#[test]
fn row_groups_missing_values_and_nul_bytes() {
    let schema = "optional binary a (UTF8); optional int64 b;";
    let group = |from: i64, to: i64| {
        let text = |row: i64| (row % 3 != 0).then(|| ByteArray::from(format!("t{row}").as_str()));
        vec![
            Column::Bytes((from..to).map(text).collect()),
            Column::Int64((from..to).map(|row| (row % 5 == 0).then_some(row)).collect()),
        ]
    };
    let missing = vec![Column::Bytes(vec![None; 9]), Column::Int64(vec![None; 9])];
    for properties in [WriterProperties::default(), plainly()] {
        let groups = [group(0, 1000), missing.clone(), group(1009, 1010), group(1010, 5000)];
        let rows = read(write(schema, properties, &groups)).unwrap().1;
        assert_eq!(rows.len(), 5000);
        for (at, (number, row)) in (0..).zip(rows) {
            let there = !(1000..1009).contains(&at);
            let text = if there && at % 3 != 0 { format!("t{at}") } else { String::new() };
            let value = if there && at % 5 == 0 { at.to_string() } else { String::new() };
            assert_eq!((number, row), (at + 1, Ok(vec![text, value])));
        }
    }
    let rows = read(one("required binary a (UTF8);", texts(&["a", "b\0", "c"]))).unwrap().1;
    assert_eq!(rows[1], (2, Err(Reason::NulByte)));
    assert_eq!(rows.len(), 3);
    assert_eq!(read(write(schema, plainly(), &[])).unwrap().1, []);
}

#[test]
fn texts_that_are_too_long_or_none() {
    let long = "x".repeat(MAX_ROW_LEN + 1);
    let error = read(one("required binary a (UTF8);", texts(&["a", &long]))).unwrap_err();
    assert!(matches!(error, TableError::RowTooLong { row: 2, .. }), "{error}");
    assert_eq!(column(one("required binary a (UTF8);", texts(&[&long[1..]]))), [&long[1..]]);
    let bytes = Column::Bytes(vec![Some(ByteArray::from(vec![0xe9]))]);
    assert!(problem(one("required binary a (UTF8);", bytes)).contains("not UTF-8"));
}

#[test]
fn files_that_are_none() {
    let whole = one("required binary a (UTF8);", texts(&["a"]));
    let with_end = |end: &[u8]| [&whole[..whole.len() - end.len()], end].concat();
    for (bytes, expected) in [
        (Vec::new(), "damaged"),
        (b"PAR1".to_vec(), "damaged"),
        (b"PAR1\0\0\0\0PAR1".to_vec(), "damaged"),
        (with_end(b"PARE"), "encrypted"),
        (with_end(b"\xff\xff\xff\xffPAR1"), "damaged"),
        (whole[4..].to_vec(), "damaged"),
        ([vec![0; 20 << 20], b"\0\0\x20\x01PAR1".to_vec()].concat(), "too large"),
    ] {
        let text = problem(bytes);
        assert!(text.contains("table.parquet cannot be read as a Parquet file") && text.contains(expected), "{text}");
    }
    let schema = Arc::new(parse_message_type("message m { }").unwrap());
    let none = SerializedFileWriter::new(Vec::new(), schema, Arc::new(plainly())).unwrap().into_inner().unwrap();
    assert!(matches!(read(none), Err(TableError::Empty { .. })));
}

#[test]
fn the_digest_is_that_of_the_file() {
    let scratch = Scratch::of("table.parquet");
    let bytes = one("required binary a (UTF8);", texts(&["a", "b"]));
    let mut reader = ParquetReader::open(&scratch.file(&bytes)).unwrap();
    assert!(reader.read_row(&mut Batch::new()).unwrap());
    let digest = reader.finish().unwrap();
    assert_eq!((digest.sha256, digest.length), (Sha256::digest(&bytes).into(), bytes.len() as u64));
}

/// A file with a bit of everything.
fn sample(version: WriterVersion, codec: Compression) -> Vec<u8> {
    let group = |from: i32| {
        let rows = from..from + 300;
        vec![
            Column::Bytes(rows.clone().map(|row| Some(format!("{}", row * 7919).as_str().into())).collect()),
            Column::Bytes(rows.clone().map(|row| (row % 3 > 0).then(|| "Dupré".into())).collect()),
            Column::Int32(rows.clone().map(Some).collect()),
            Column::Int64(rows.map(|row| (row % 2 > 0).then_some(i64::from(row))).collect()),
        ]
    };
    let properties = WriterProperties::builder()
        .set_writer_version(version)
        .set_compression(codec)
        .set_column_dictionary_enabled("a".into(), false)
        .set_column_dictionary_enabled("c".into(), false)
        .set_data_page_row_count_limit(100)
        .build();
    let schema = "required binary a (UTF8); optional binary b (UTF8); required int32 c (DATE); optional int64 d;";
    write(schema, properties, &[group(0), group(300)])
}

#[test]
fn damage_anywhere_is_an_error_or_harmless() {
    for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
        for codec in [Compression::UNCOMPRESSED, Compression::SNAPPY, Compression::GZIP(GzipLevel::default())] {
            let whole = sample(version, codec);
            assert_eq!(read(&whole).unwrap().1.len(), 600);
            for at in (0..whole.len()).step_by(97) {
                for bits in [0xff, 0x01, 0x80] {
                    let mut damaged = whole.clone();
                    damaged[at] ^= bits;
                    // A value may be another, but no row is lost.
                    if let Ok((_, rows)) = read(&damaged) {
                        assert_eq!(rows.len(), 600, "byte {at}");
                    }
                }
                assert!(read(&whole[..at]).is_err(), "cut at {at}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_file_makes_it_panic(
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        new in any::<bool>(),
        delta in any::<bool>(),
    ) {
        let version = if new { WriterVersion::PARQUET_2_0 } else { WriterVersion::PARQUET_1_0 };
        let properties = WriterProperties::builder().set_writer_version(version).set_dictionary_enabled(!delta);
        let columns = vec![
            Column::Bytes((0..40).map(|row| (row % 3 > 0).then(|| format!("{}", row / 2).as_str().into())).collect()),
            Column::Int64((0..40).map(Some).collect()),
        ];
        let mut bytes = write("optional binary a (UTF8); required int64 b;", properties.build(), &[columns]);
        for (at, value) in edits {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let _ = read(bytes);
    }

    #[test]
    fn no_metadata_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let length = u32::try_from(bytes.len()).unwrap().to_le_bytes();
        let _ = read([b"PAR1", &bytes[..], &length, b"PAR1"].concat());
    }
}
