//! What is read of an index that is not in memory, and how much.

use std::cell::RefCell;
use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::*;
use super::{RELEASE, file_of, random_entries, splitmix, tag_of};

/// Bytes that are lent from the caller's room, as a file's would be. Every read is written down.
struct Watched<'a> {
    bytes: &'a [u8],
    /// Offsets and lengths.
    reads: RefCell<Vec<(u64, usize)>>,
    /// Reads from here on fail.
    broken_from: u64,
}

/// What a watched index fails with.
#[derive(Debug, PartialEq, Eq)]
enum Fault {
    Index(IndexError),
    Broken,
}

impl From<IndexError> for Fault {
    fn from(error: IndexError) -> Self {
        Self::Index(error)
    }
}

impl Storage for &Watched<'_> {
    type Error = Fault;

    fn length(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read<'b>(&'b self, offset: u64, length: usize, room: &'b mut Vec<u8>) -> Result<&'b [u8], Fault> {
        self.reads.borrow_mut().push((offset, length));
        if offset + length as u64 > self.broken_from {
            return Err(Fault::Broken);
        }
        let start = usize::try_from(offset).unwrap();
        room.clear();
        room.extend_from_slice(&self.bytes[start..start + length]);
        Ok(room)
    }
}

impl<'a> Watched<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, reads: RefCell::default(), broken_from: u64::MAX }
    }

    fn take_reads(&self) -> Vec<(u64, usize)> {
        self.reads.take()
    }
}

#[test]
fn opening_reads_header_and_directory_only() {
    let file = encode(RELEASE, 40, 8, &mut random_entries(20_000, 8, 1)).unwrap();
    let watched = Watched::new(&file);
    let index = Index::open(&watched).unwrap();
    assert_eq!(index.storage().length(), file.len() as u64);
    let labels = file.len() as u64 - 20_000 * 8;
    assert_eq!(watched.take_reads(), [(0, 40), (labels - 20 * 8, 20 * 8)]);
}

#[test]
fn a_directory_of_many_reads_is_read_whole() {
    // 20,001 blocks of one gap each would need 20 million entries: the blocks here are too short, and the last one says so.
    let blocks = 20_001_u32;
    let header = Header::new(RELEASE, blocks * BLOCK_ENTRIES, 40, 1).unwrap();
    let ends: Vec<u64> = (1..=u64::from(blocks)).map(|block| 12 * block).collect();
    let file = |ends: &[u64]| {
        let ends: Vec<u8> = ends.iter().flat_map(|end| end.to_le_bytes()).collect();
        let blocks = vec![0; 12 * blocks as usize];
        [&header.to_bytes()[..], &blocks, &ends, &vec![0; header.entries() as usize]].concat()
    };
    assert!(Index::open(&Watched::new(&file(&ends))).is_ok());
    let mut wrong = ends;
    wrong[20_000] -= 1;
    let refused = Index::open(&Watched::new(&file(&wrong))).err();
    assert_eq!(refused, Some(Fault::Index(IndexError::BlockTooShort { block: 20_000, found: 11 })));
}

#[test]
fn a_handful_of_tags_in_a_million_costs_a_few_small_reads() {
    let mut entries = random_entries(1_000_000, 1, 1);
    let file = encode(RELEASE, 40, 1, &mut entries).unwrap();
    let watched = Watched::new(&file);
    let index = Index::open(&watched).unwrap();
    watched.take_reads();
    for seed in 0..20 {
        // Ten members, one of them on the list, and four canaries, which all are.
        let mut tags: Vec<u128> = random_entries(9, 1, seed + 100).iter().map(|entry| entry.tag).collect();
        tags.extend([17, 260_000, 500_000, 731_001, 999_999].map(|place: usize| entries[place].tag));
        tags.sort_unstable();
        let mut found = 0;
        index.merge(tags, |_, _| found += 1).unwrap();
        assert_eq!(found, 5);

        let reads = watched.take_reads();
        let decoded = reads.iter().filter(|(_, length)| *length > 2_000).count();
        assert!(decoded <= 14, "{decoded} blocks were decoded");
        assert!(reads.len() <= 60, "{} reads", reads.len());
        let bytes: usize = reads.iter().map(|(_, length)| length).sum();
        assert!(bytes < 14 * 7_000, "{bytes} of {} bytes were read", file.len());
    }
}

#[test]
fn a_walk_reads_every_block_once() {
    let mut entries = random_entries(50_000, 1, 5);
    let file = encode(RELEASE, 40, 1, &mut entries).unwrap();
    let watched = Watched::new(&file);
    let index = Index::open(&watched).unwrap();
    watched.take_reads();
    index.merge(entries.iter().map(|entry| entry.tag), |_, _| ()).unwrap();
    let mut reads = watched.take_reads();
    assert!(reads.len() <= 49 * 3 + 1, "{} reads: a block, its labels, and a look at the one behind", reads.len());
    reads.retain(|(_, length)| *length > FIRST_LEN);
    let (all, mut distinct) = (reads.len(), reads);
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), all);
}

#[test]
fn no_more_is_read_of_a_block_than_a_block_can_have() {
    // Ten entries, and a block of 30 MB: zeros, ones, or what begins well.
    let header = Header::new(RELEASE, 10, 40, 1).unwrap();
    let good = file_of(&header, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10 << 39], &[0; 10]);
    let coded = &good[HEADER_LEN + FIRST_LEN..good.len() - 18];
    for (fill, begin) in [(0, &[][..]), (0xff, &[][..]), (0, coded)] {
        let mut block = vec![0; FIRST_LEN];
        block.extend_from_slice(begin);
        block.resize(30_000_000, fill);
        let end = (block.len() as u64).to_le_bytes();
        let file = [&header.to_bytes()[..], &block, &end, &[0; 10]].concat();
        let expected = Index::parse(&file).unwrap().verify().unwrap_err();
        let watched = Watched::new(&file);
        let refused = Index::open(&watched).unwrap().verify();
        assert_eq!(refused, Err(Fault::Index(expected)));
        assert!(watched.take_reads().iter().all(|(_, length)| *length < 20_000));
    }
}

/// [IDX-5]: what is left over is counted in the whole block, not in what was read of it.
#[test]
fn left_over_bytes_of_a_long_block_are_counted() {
    let header = Header::new(RELEASE, 1, 40, 1).unwrap();
    let file = [&header.to_bytes()[..], &[0; 5_000_012], &5_000_012_u64.to_le_bytes(), &[0]].concat();
    let refused = Index::parse(&file).unwrap().verify();
    assert_eq!(refused, Err(IndexError::LeftOverBytes { block: 0, found: 5_000_000 }));
}

#[test]
fn what_the_storage_fails_with_comes_out() {
    let mut entries = random_entries(5_000, 1, 9);
    let file = encode(RELEASE, 40, 1, &mut entries).unwrap();
    let labels = file.len() as u64 - 5_000;
    let mut watched = Watched::new(&file);
    watched.broken_from = labels - 1;
    assert_eq!(Index::open(&watched).err(), Some(Fault::Broken), "the directory");
    watched.broken_from = labels;
    let index = Index::open(&watched).unwrap();
    assert_eq!(index.verify(), Ok(()));
    assert_eq!(index.lookup(entries[4_000].tag), Err(Fault::Broken), "a label");
    assert_eq!(index.lookup(entries[4_000].tag ^ (1 << 100)), Ok(None));
}

#[test]
fn parts_are_verified_alone() {
    let file = encode(RELEASE, 40, 1, &mut random_entries(5_000, 1, 9)).unwrap();
    let mut bad = file.clone();
    bad[HEADER_LEN + FIRST_LEN - 1] = 0xff;
    let index = Index::parse(&bad).unwrap();
    let refused = IndexError::ValueOutOfRange { block: 0 };
    assert_eq!(index.verify(), Err(refused));
    assert_eq!(index.verify_blocks(0..1), Err(refused));
    assert_eq!(index.verify_blocks(1..5), Ok(()));
    assert_eq!(index.verify_blocks(2..2), Ok(()));
    assert_eq!(index.verify_blocks(4..6), Err(IndexError::NoSuchBlock { block: 5, blocks: 5 }));
}

/// How the values of an index are spread over 0..R: evenly, or so that every guess is wrong.
fn spread(shape: u8, place: u64, entries: u64) -> u128 {
    let (place, most) = (u128::from(place), u128::from(entries) << 40);
    match shape {
        0 => place << 40,
        1 => place * 3,
        2 => most - 1 - 3 * (u128::from(entries) - place),
        3 => place * place * (1 << 40) / u128::from(entries),
        4 if place * 2 < u128::from(entries) => place * 5,
        _ => most - 7 * (u128::from(entries) - place),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn wherever_the_values_are_they_are_found(
        shape in 0_u8..5,
        entries in 30_000_u32..60_000,
        kept in prop::sample::select(vec![1_u64, 30, 1_000, 8_000]),
        mut seed: u64,
    ) {
        let header = Header::new(RELEASE, entries, 40, 2).unwrap();
        let values: Vec<u128> =
            (0..u64::from(entries)).map(|place| spread(shape, place, entries.into())).collect();
        let labels: Vec<u64> = (0..u64::from(entries)).map(|place| place & 0xffff).collect();
        let file = file_of(&header, &values, &labels);
        let map: BTreeMap<u128, u64> = values.iter().copied().zip(labels).collect();

        // Some of the values, and some next to them or anywhere.
        let mut queries = values;
        queries.retain(|_| splitmix(&mut seed).is_multiple_of(kept));
        let beside: Vec<u128> = queries.iter().map(|value| (value + 1).min(header.range() - 1)).collect();
        queries.extend(beside);
        queries.extend((0..20).map(|_| (u128::from(splitmix(&mut seed)) * header.range()) >> 64));
        queries.sort_unstable();
        let tags: Vec<u128> = queries.iter().map(|value| tag_of(&header, *value)).collect();

        let watched = Watched::new(&file);
        let index = Index::open(&watched).unwrap();
        let mut found = vec![None; queries.len()];
        index.merge(tags.iter().copied(), |position, label| found[position] = Some(label)).unwrap();
        let expected: Vec<Option<u64>> = queries.iter().map(|value| map.get(value).copied()).collect();
        prop_assert_eq!(&found, &expected);
        for (tag, label) in tags.iter().zip(&expected).step_by(tags.len() / 50 + 1) {
            watched.take_reads();
            prop_assert_eq!(index.lookup(*tag), Ok(*label));
            prop_assert!(watched.take_reads().len() <= 16, "a search that doubles its strides");
        }
    }
}
