//! Looking tags up, one at a time and by the million.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::*;
use super::{RELEASE, SIZES, file_of, random_entries, splitmix, tag_of};

#[test]
fn tags_that_share_a_value_are_all_found() {
    let header = Header::new(RELEASE, 3, 40, 1).unwrap();
    let file = file_of(&header, &[10, 20, 30], &[1, 2, 3]);
    let at = |value| tag_of(&header, value);
    let queries = [at(10), at(20), at(20), at(20) + 1, at(21) - 1, at(21), at(30)];
    assert_eq!(hits(&file, &queries), Ok(vec![(0, 1), (1, 2), (2, 2), (3, 2), (4, 2), (6, 3)]));
}

#[test]
fn tags_outside_the_values_are_not_found() {
    let header = Header::new(RELEASE, 2, 40, 1).unwrap();
    let file = file_of(&header, &[10, 20], &[1, 2]);
    assert_eq!(hits(&file, &[]), Ok(vec![]));
    assert_eq!(hits(&file, &[0, tag_of(&header, 10) - 1, tag_of(&header, 21), u128::MAX]), Ok(vec![]));
}

#[test]
fn the_first_and_last_values_of_blocks_are_found() {
    let mut entries = random_entries(3 * 1024, 8, 1);
    let file = encode(RELEASE, 40, 8, &mut entries).unwrap();
    let index = Index::parse(&file).unwrap();
    for at in [0, 1, 1023, 1024, 2047, 2048, 3071] {
        assert_eq!(index.lookup(entries[at].tag), Ok(Some(entries[at].label)), "entry {at}");
    }
}

#[test]
fn unsorted_queries_are_refused() {
    let header = Header::new(RELEASE, 2, 40, 1).unwrap();
    let file = file_of(&header, &[10, 20], &[1, 2]);
    assert_eq!(hits(&file, &[3, 3, 2]), Err(IndexError::QueriesNotSorted { position: 2 }));
}

#[test]
fn only_blocks_that_could_hold_a_query_are_decoded() {
    let header = Header::new(RELEASE, 3 * 1024, 40, 1).unwrap();
    let values: Vec<u128> = (0..3 * 1024).map(|value| value << 40).collect();
    let mut file = file_of(&header, &values, &vec![5; 3 * 1024]);
    let directory = file.len() - 3 * 1024 - 3 * 8;
    let end_of = |block: usize| {
        HEADER_LEN + usize::from(u16::from_le_bytes([file[directory + 8 * block], file[directory + 8 * block + 1]]))
    };
    let (begin, end) = (end_of(0), end_of(1));
    // Block 1 keeps its first value and loses the rest.
    file[begin + FIRST_LEN..end].fill(0xff);
    let tag = |entry: usize| tag_of(&header, values[entry]);
    assert_eq!(hits(&file, &[tag(0), tag(1023), tag(2048)]), Ok(vec![(0, 5), (1, 5), (2, 5)]));
    let index = Index::parse(&file).unwrap();
    assert!(index.lookup(tag(1500)).is_err());
    assert!(index.merge([tag(0), tag(1024), tag(2048)], |_, _| ()).is_err());
}

proptest! {
    #[test]
    fn merge_and_lookup_find_what_a_map_finds(
        size in prop::sample::select(SIZES.to_vec()),
        kept in 1_u64..60,
        strangers in 0_usize..200,
        mut seed: u64,
    ) {
        let mut entries = random_entries(size, 2, seed);
        let file = encode(RELEASE, 40, 2, &mut entries).unwrap();
        let index = Index::parse(&file).unwrap();
        let map: BTreeMap<u128, u64> =
            entries.iter().map(|entry| (index.header().value(entry.tag), entry.label)).collect();

        // Some of the entries, tags next to them, and tags of others.
        let mut queries: Vec<u128> = entries.iter().map(|entry| entry.tag).collect();
        queries.retain(|_| splitmix(&mut seed).is_multiple_of(kept));
        queries.extend(queries.clone().iter().map(|tag| tag.wrapping_add(1)));
        queries.extend(random_entries(u32::try_from(strangers).unwrap(), 1, !seed).iter().map(|entry| entry.tag));
        queries.sort_unstable();

        let expected: Vec<(usize, u64)> = queries
            .iter()
            .enumerate()
            .filter_map(|(position, tag)| Some((position, *map.get(&index.header().value(*tag))?)))
            .collect();
        let found = hits(&file, &queries);
        prop_assert_eq!(found.as_ref(), Ok(&expected));
        for (position, tag) in queries.iter().enumerate().take(100) {
            let label = expected.iter().find(|hit| hit.0 == position).map(|hit| hit.1);
            prop_assert_eq!(index.lookup(*tag), Ok(label));
        }
    }
}

fn hits(file: &[u8], queries: &[u128]) -> Result<Vec<(usize, u64)>, IndexError> {
    let mut hits = Vec::new();
    Index::parse(file)?.merge(queries.iter().copied(), |position, label| hits.push((position, label)))?;
    Ok(hits)
}
