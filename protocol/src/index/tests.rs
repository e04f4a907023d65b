//! What the encoder writes, and that it comes back. Hostile files are in [`hostile`], searches in [`search`], what is
//! read of a file in [`storage`].

mod hostile;
mod reference;
mod search;
mod storage;

use proptest::prelude::*;

use self::reference::{naive_f, naive_file, naive_value};
use super::*;

const RELEASE: [u8; 16] = *b"0123456789abcdef";

/// Sizes around the borders of blocks.
const SIZES: [u32; 8] = [1, 2, 3, 1023, 1024, 1025, 2049, 3100];

/// [NOTE-1]: multi-byte integers and bits alike begin with what is least significant.
#[test]
fn the_layout_is_that_of_the_specification() {
    let header = Header::new(RELEASE, 3, 32, 2).unwrap();
    let values = [0x105, 0x106, 0x106 + 1 + (2 << 31) + 3];
    let expected = hex(concat!(
        "626c696e646c6973742f3120696e6465780a", // magic
        "30313233343536373839616263646566",     // release id
        "03000000",                             // N
        "20",                                   // f
        "02",                                   // L
        "050100000000000000000000",             // first value of the block
        "01000000",                             // gap 0: no zero, a one, 31 zero bits
        "1c00000000",                           // gap 2 * 2^31 + 3: 0 0 1, then 1 1 and 29 zeros; padding
        "1500000000000000",                     // directory: the block ends at 21
        "010203040506",                         // labels
    ));
    assert_eq!(file_of(&header, &values, &[0x0201, 0x0403, 0x0605]), expected);
}

#[test]
fn every_f_and_label_length_round_trips() {
    for f in MIN_F..=MAX_F {
        for label_len in 1..=MAX_LABEL_LEN {
            check_round_trip(f, label_len, &mut random_entries(40, label_len, u64::from(f)));
        }
        check_round_trip(f, 1, &mut random_entries(2100, 1, u64::from(f)));
    }
}

#[test]
fn values_beyond_64_bits_round_trip() {
    let mut entries = random_entries(2000, 3, 7);
    check_round_trip(56, 3, &mut entries);
    let header = Header::new(RELEASE, 2000, 56, 3).unwrap();
    let beyond = entries.iter().filter(|entry| header.value(entry.tag) > u128::from(u64::MAX)).count();
    assert!(beyond > 1000, "R is about 2^67, so that most values pass 2^64: {beyond}");
}

#[test]
fn long_runs_round_trip() {
    // 1023 values at the bottom, one at the very top: a run of 2046 zero bits, in a block of its own or across a border.
    for (entries, f) in [(1024, 32), (1024, 56), (1500, 40)] {
        let header = Header::new(RELEASE, entries, f, 1).unwrap();
        let mut values: Vec<u128> = (0..u128::from(entries)).collect();
        values[1023] = header.range() - 1 - u128::from(entries);
        for (up, value) in (0..).zip(&mut values[1024..]) {
            *value = header.range() - u128::from(entries) + up;
        }
        let labels = vec![1; entries as usize];
        let file = file_of(&header, &values, &labels);
        assert_eq!(file, naive_file(&header, &values, &labels));
        assert_eq!(values_of(&file), Ok(values));
    }
}

#[test]
fn a_million_entries_take_at_most_f_and_1_7_bits() {
    let mut entries = random_entries(1_000_000, 1, 3);
    let file = encode(RELEASE, 40, 1, &mut entries).unwrap();
    let bits_per_entry = file.len() as f64 * 8.0 / 1e6;
    assert!(bits_per_entry <= 41.7 + 8.0, "{bits_per_entry}");
}

#[test]
fn the_order_of_the_entries_does_not_matter() {
    let mut one = random_entries(1300, 2, 5);
    let mut other: Vec<_> = one.iter().rev().copied().collect();
    other.rotate_left(400);
    assert_eq!(encode(RELEASE, 40, 2, &mut one), encode(RELEASE, 40, 2, &mut other));
}

#[test]
fn values_span_the_whole_range() {
    for (entries, f) in [(1, 32), (33_000_000, 40), (u32::MAX, 56)] {
        let header = Header::new(RELEASE, entries, f, 1).unwrap();
        assert_eq!(header.value(0), 0);
        assert_eq!(header.value(u128::MAX), u128::from(entries) * (1 << f) - 1);
    }
}

/// [IDX-1]
#[test]
fn choose_f_goes_as_far_as_a_collision_makes_it() {
    let header = Header::new(RELEASE, 2, 45, 1).unwrap();
    // Values that differ only in the lowest bit of f = 45 are one value under f = 44.
    let tags = [tag_of(&header, 1 << 20), tag_of(&header, (1 << 20) + 1)];
    assert_eq!(choose_f(2, 40, tags), Ok(45));
    assert_eq!(choose_f(2, 45, tags), Ok(45));
    assert_eq!(choose_f(2, 50, tags), Ok(50));
    let mut entries = tags.map(|tag| SealedEntry { tag, label: 9 });
    let file = encode(RELEASE, 40, 1, &mut entries).unwrap();
    assert_eq!(Header::parse(&file).map(|header| header.f()), Ok(45));
    let mut encoder = Encoder::new(Header::new(RELEASE, 2, 44, 1).unwrap(), &mut Vec::new());
    encoder.push(tags[0], &mut Vec::new()).unwrap();
    assert_eq!(encoder.push(tags[1], &mut Vec::new()), Err(IndexError::ValuesCollide { position: 1, f: 44 }));
}

/// [IDX-1]
#[test]
fn choose_f_says_when_no_f_will_do() {
    let header = Header::new(RELEASE, 2, 56, 1).unwrap();
    let tag = tag_of(&header, 1000);
    // 999 and 1000: equal without their four low bits, different without three.
    assert_eq!(choose_f(2, 32, [tag - 1, tag]), Ok(53));
    assert_eq!(choose_f(2, 32, [tag, tag + 1]), Err(IndexError::NoSuitableF));
    assert_eq!(choose_f(2, 32, [tag, tag + (1 << 70)]), Err(IndexError::NoSuitableF));
    assert_eq!(choose_f(2, 32, [tag, tag]), Err(IndexError::TagsNotAscending { position: 1 }));
    assert_eq!(choose_f(2, 32, [tag]), Err(IndexError::CountMismatch { expected: 2, found: 1 }));
    assert_eq!(choose_f(1, 32, [1, 2]), Err(IndexError::CountMismatch { expected: 1, found: 2 }));
    assert_eq!(choose_f(1, 31, [1]), Err(IndexError::FOutOfRange { found: 31 }));
    assert_eq!(choose_f(1, 57, [1]), Err(IndexError::FOutOfRange { found: 57 }));
}

#[test]
fn encode_refuses_what_is_not_a_set_of_entries() {
    let entry = |tag, label| SealedEntry { tag, label };
    let encode_one = |label_len, label| encode(RELEASE, 40, label_len, &mut [entry(1, label)]).map(|_| ());
    assert_eq!(encode(RELEASE, 40, 1, &mut []), Err(IndexError::EntriesOutOfRange { found: 0 }));
    assert_eq!(encode_one(0, 0), Err(IndexError::LabelLengthOutOfRange { found: 0 }));
    assert_eq!(encode_one(9, 0), Err(IndexError::LabelLengthOutOfRange { found: 9 }));
    assert_eq!(encode_one(1, 0x100), Err(IndexError::LabelTooWide { position: 0, label_len: 1 }));
    assert_eq!(encode_one(7, 1 << 56), Err(IndexError::LabelTooWide { position: 0, label_len: 7 }));
    assert_eq!(encode_one(8, u64::MAX), Ok(()));
    let mut twice = [entry(5 << 100, 1), entry(4 << 100, 2), entry(5 << 100, 3)];
    assert_eq!(encode(RELEASE, 40, 1, &mut twice), Err(IndexError::TagsNotAscending { position: 2 }));
}

#[test]
fn the_encoder_wants_exactly_n_ascending_tags_and_labels() {
    let header = Header::new(RELEASE, 2, 40, 1).unwrap();
    let out = &mut Vec::new();
    let mut encoder = Encoder::new(header, out);
    encoder.push(1 << 100, out).unwrap();
    assert_eq!(encoder.push(1 << 100, out), Err(IndexError::TagsNotAscending { position: 1 }));
    assert_eq!(encoder.push(1 << 99, out), Err(IndexError::TagsNotAscending { position: 1 }));
    encoder.push(1 << 101, out).unwrap();
    assert_eq!(encoder.push(1 << 102, out), Err(IndexError::CountMismatch { expected: 2, found: 3 }));
    let mut labels = encoder.finish(out).unwrap();
    labels.push(1, out).unwrap();
    assert_eq!(labels.push(0x100, out), Err(IndexError::LabelTooWide { position: 1, label_len: 1 }));
    labels.push(2, out).unwrap();
    assert_eq!(labels.push(3, out), Err(IndexError::CountMismatch { expected: 2, found: 3 }));
    labels.finish().unwrap();
    // The refused calls left no trace.
    let (values, labels) = ([1 << 100, 1 << 101].map(|tag| header.value(tag)), [1, 2]);
    assert_eq!(*out, naive_file(&header, &values, &labels));

    let encoder = Encoder::new(header, out);
    assert_eq!(encoder.finish(out).err(), Some(IndexError::CountMismatch { expected: 2, found: 0 }));
    let mut encoder = Encoder::new(Header::new(RELEASE, 1, 40, 1).unwrap(), out);
    encoder.push(0, out).unwrap();
    let labels = encoder.finish(out).unwrap();
    assert_eq!(labels.finish(), Err(IndexError::CountMismatch { expected: 1, found: 0 }));
}

#[test]
fn an_encoder_streams() {
    let mut entries = random_entries(2500, 1, 11);
    let whole = encode(RELEASE, 40, 1, &mut entries).unwrap();
    let mut file = Vec::new();
    let mut buffer = Vec::new();
    let mut encoder = Encoder::new(Header::parse(&whole).unwrap(), &mut buffer);
    for entry in &entries {
        encoder.push(entry.tag, &mut buffer).unwrap();
        assert!(buffer.len() <= HEADER_LEN + 64, "finished bytes are not held back");
        file.append(&mut buffer);
    }
    let mut labels = encoder.finish(&mut file).unwrap();
    for entry in &entries {
        labels.push(entry.label, &mut file).unwrap();
    }
    assert!(file == whole);
}

#[test]
fn debug_of_an_entry_does_not_show_it() {
    assert_eq!(format!("{:?}", SealedEntry { tag: 77, label: 88 }), "SealedEntry { .. }");
}

proptest! {
    #[test]
    fn a_value_is_what_long_multiplication_says(tag: u128, entries in 1_u32.., f in MIN_F..=MAX_F) {
        for entries in [entries, 33_000_000] {
            let header = Header::new(RELEASE, entries, f, 1).unwrap();
            prop_assert_eq!(header.value(tag), naive_value(tag, entries, f));
        }
    }

    #[test]
    fn a_header_round_trips(release: [u8; 16], entries in 1_u32.., f in MIN_F..=MAX_F, label_len in 1..=MAX_LABEL_LEN) {
        let header = Header::new(release, entries, f, label_len).unwrap();
        prop_assert_eq!(Header::parse(&header.to_bytes()), Ok(header));
    }

    #[test]
    fn entries_round_trip(
        size in prop::sample::select(SIZES.to_vec()),
        f in MIN_F..=MAX_F,
        label_len in 1..=MAX_LABEL_LEN,
        seed: u64,
    ) {
        check_round_trip(f, label_len, &mut random_entries(size, label_len, seed));
    }

    #[test]
    fn gaps_of_every_size_round_trip(values in spread_values()) {
        let (header, values) = values;
        let labels: Vec<u64> = (0..values.len() as u64).map(|label| label % 251).collect();
        let file = file_of(&header, &values, &labels);
        prop_assert!(file == naive_file(&header, &values, &labels));
        prop_assert!(values_of(&file) == Ok(values));
    }

    #[test]
    fn choose_f_finds_the_smallest(tags in close_tags(), requested in MIN_F..=MAX_F) {
        let entries = u32::try_from(tags.len()).unwrap();
        let expected = naive_f(&tags, requested).ok_or(IndexError::NoSuitableF);
        prop_assert_eq!(choose_f(entries, requested, tags.iter().copied()), expected);
    }
}

/// A header, and N values whose gaps have from 1 to 66 bits, as many as R has room for.
fn spread_values() -> impl Strategy<Value = (Header, Vec<u128>)> {
    let gaps = prop::collection::vec((any::<u128>(), 0_u32..66), 1..2200);
    (gaps, MIN_F..=MAX_F).prop_map(|(gaps, f)| {
        let header = Header::new(RELEASE, u32::try_from(gaps.len()).unwrap(), f, 1).unwrap();
        let mut left = header.range() - gaps.len() as u128;
        let mut next = 0;
        let values = gaps.iter().map(|(noise, bits)| {
            let gap = (noise & ((1 << bits) - 1)).min(left);
            left -= gap;
            next += gap + 1;
            next - 1
        });
        (header, values.collect())
    })
}

/// Sorted tags, different, some of which differ in one low bit only.
fn close_tags() -> impl Strategy<Value = Vec<u128>> {
    let pairs = prop::collection::vec((any::<u128>(), 66_u32..100), 1..6);
    pairs.prop_map(|pairs| {
        let mut tags: Vec<u128> = pairs.into_iter().flat_map(|(tag, bit)| [tag, tag ^ (1 << bit)]).collect();
        tags.sort_unstable();
        tags.dedup();
        tags
    })
}

/// Encodes, compares with the reference, and reads everything back.
fn check_round_trip(requested: u8, label_len: u8, entries: &mut [SealedEntry]) {
    let file = encode(RELEASE, requested, label_len, entries).unwrap();
    let tags: Vec<u128> = entries.iter().map(|entry| entry.tag).collect();
    let f = naive_f(&tags, requested).unwrap();
    let header = Header::new(RELEASE, u32::try_from(tags.len()).unwrap(), f, label_len).unwrap();
    let values: Vec<u128> = tags.iter().map(|tag| naive_value(*tag, header.entries(), f)).collect();
    let labels: Vec<u64> = entries.iter().map(|entry| entry.label).collect();
    assert!(file == naive_file(&header, &values, &labels));

    let index = Index::parse(&file).unwrap();
    assert_eq!(*index.header(), header);
    assert_eq!(index.verify(), Ok(()));
    assert!(values_of(&file) == Ok(values));
    let mut found = Vec::new();
    index.merge(tags, |position, label| found.push((position, label))).unwrap();
    assert!(found == labels.into_iter().enumerate().collect::<Vec<_>>());
}

/// The file of these values, by the encoder under test.
fn file_of(header: &Header, values: &[u128], labels: &[u64]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = Encoder::new(*header, &mut file);
    for value in values {
        encoder.push(tag_of(header, *value), &mut file).unwrap();
    }
    let mut encoder = encoder.finish(&mut file).unwrap();
    for label in labels {
        encoder.push(*label, &mut file).unwrap();
    }
    encoder.finish().unwrap();
    file
}

/// All values of a file, strictly decoded.
fn values_of(file: &[u8]) -> Result<Vec<u128>, IndexError> {
    let index = Index::parse(file)?;
    let mut values = Vec::new();
    let mut block_values = Vec::new();
    for block in 0..index.header().blocks() {
        index.decode_block(block, &mut block_values)?;
        values.extend_from_slice(&block_values);
    }
    Ok(values)
}

/// The smallest tag that has this value: the ceiling of value * 2^(128 - f) / N, divided in two steps to stay in 128 bits.
fn tag_of(header: &Header, value: u128) -> u128 {
    let n = u128::from(header.entries());
    let shift = 128 - u32::from(header.f());
    let tag = ((value / n) << shift) + ((value % n) << shift).div_ceil(n);
    assert_eq!(header.value(tag), value);
    tag
}

fn random_entries(size: u32, label_len: u8, mut seed: u64) -> Vec<SealedEntry> {
    let mut word = || splitmix(&mut seed);
    (0..size)
        .map(|_| SealedEntry {
            tag: (u128::from(word()) << 64) | u128::from(word()),
            label: word() >> (64 - 8 * u32::from(label_len)),
        })
        .collect()
}

fn splitmix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut word = *state;
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

fn hex(digits: &str) -> Vec<u8> {
    let pair = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    (0..digits.len()).step_by(2).map(pair).collect()
}
