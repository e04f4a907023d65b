use std::collections::BTreeMap;

use blindlist_protocol::entry::Dictionary;
use blindlist_protocol::oprf::Evaluation;
use rayon::ThreadPoolBuilder;

use super::*;
use crate::seal::record::KEPT;

fn pool(threads: usize) -> ThreadPool {
    ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
}

fn layout(kept: bool) -> Layout {
    let names = ["a", "b", "c"].map(|name| name.parse().unwrap());
    Layout::new(&Dictionary::try_from(names.to_vec()).unwrap(), kept)
}

fn spilled(folder: &tempfile::TempDir, layout: Layout, lists: usize, memory: usize) -> Spilled {
    Spilled::temporary(&PrivateFolder::create(folder.path().join("private")).unwrap(), layout, lists, memory).unwrap()
}

/// Tags that are spread evenly, as hashes are.
fn tag(i: u64) -> u128 {
    let word =
        |i: u64| u128::from(i.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(31).wrapping_mul(0xbf58_476d_1ce4_e5b9));
    word(i) << 64 | word(!i)
}

fn evaluation(tag: u128) -> Evaluation {
    let mut y = [0; 64];
    y.chunks_exact_mut(16).for_each(|part| part.copy_from_slice(&tag.to_le_bytes()));
    Evaluation::from_bytes(y)
}

fn push(spilled: &mut Spilled, list: usize, tag: u128, label: u64) {
    let mut bytes = vec![];
    spilled.layout().write(&Record { tag, pad: 1, label }, &evaluation(tag), &mut bytes);
    spilled.push(list, &bytes).unwrap();
}

fn found<const W: usize>(spilled: &Spilled, list: usize, threads: usize, bytes: usize) -> Vec<(u128, u64)> {
    let pool = pool(threads);
    let people = spilled.people::<W>(list, &Room { pool: &pool, bytes });
    people.map(|row| row.unwrap().record).map(|record| (record.tag, record.label)).collect()
}

#[test]
fn everybody_comes_once_in_order_with_all_labels() {
    let folder = tempfile::tempdir().unwrap();
    for lists in [1, 3, 40, 9_000] {
        for memory in [4_096, 1 << 24] {
            let mut spilled = spilled(&folder, layout(false), lists, memory);
            let mut expected = vec![BTreeMap::<u128, u64>::new(); lists];
            for i in 0..6_000_u64 {
                let (list, tag, label) = (usize::try_from(i % 97).unwrap() % lists, tag(i % 4_500), 1 << (i % 3));
                push(&mut spilled, list, tag, label);
                *expected[list].entry(tag).or_default() |= label;
            }
            for list in [0, lists / 2, lists - 1] {
                let expected: Vec<_> = expected[list].iter().map(|(tag, label)| (*tag, *label)).collect();
                assert_eq!(found::<0>(&spilled, list, 2, 1 << 20), expected, "{list} of {lists}, {memory} bytes");
            }
        }
    }
}

/// All in one partition, and far more than there is room for.
#[test]
fn people_who_do_not_fit_are_read_again() {
    let folder = tempfile::tempdir().unwrap();
    for kept in [false, true] {
        let mut spilled = spilled(&folder, layout(kept), 1, 1 << 16);
        let mut expected = BTreeMap::<u128, u64>::new();
        for i in 0..9_000_u64 {
            let (tag, label) = (tag(i % 5_000) >> 20, 1 << (i % 3));
            push(&mut spilled, 0, tag, label);
            *expected.entry(tag).or_default() |= label;
        }
        // And somebody in the last partition, who comes last.
        push(&mut spilled, 0, u128::MAX, 1);
        expected.insert(u128::MAX, 1);
        let expected: Vec<_> = expected.into_iter().collect();
        for threads in [1, 3] {
            let found = if kept { found::<KEPT>(&spilled, 0, threads, 0) } else { found::<0>(&spilled, 0, threads, 0) };
            assert_eq!(found, expected);
        }
    }
}

#[test]
fn one_person_in_every_row_takes_no_room() {
    let folder = tempfile::tempdir().unwrap();
    let mut spilled = spilled(&folder, layout(true), 1, 1 << 16);
    (0..20_000).for_each(|i| push(&mut spilled, 0, tag(7), 1 << (i % 2)));
    assert_eq!(found::<KEPT>(&spilled, 0, 2, 0), [(tag(7), 0b11)]);
    let loaded = spilled.load::<KEPT>(prefix(tag(7), 9), 0, LEAST_ROOM).unwrap();
    assert!(loaded.rows.capacity() <= LEAST_ROOM && loaded.end.is_none());
    let low = u64::from_le_bytes(*evaluation(tag(7)).as_bytes().first_chunk().unwrap());
    assert!(loaded.rows[0].y[0] == low && loaded.rows[0].y[6] == low);
}

#[test]
fn canaries_stand_at_their_places() {
    let row = |tag| Ok(Row { record: Record { tag, pad: 0, label: 1 }, y: [] });
    let canary = |tag| Record { tag, pad: 0, label: 2 };
    for (people, canaries, expected) in
        [(vec![], vec![3, 1], "c1 c3"), (vec![2, 5], vec![9, 1, 3], "c1 p2 c3 p5 c9"), (vec![2, 5], vec![], "p2 p5")]
    {
        let canaries: Vec<_> = canaries.into_iter().map(canary).collect();
        let listed = with_canaries::<0>(people.into_iter().map(row), &canaries);
        let shown: Vec<_> = listed
            .map(|listed| match listed.unwrap() {
                Listed::Person(row) => format!("p{}", row.record.tag),
                Listed::Canary(record) => format!("c{}", record.tag),
            })
            .collect();
        assert_eq!(shown.join(" "), expected);
    }
}

#[test]
fn a_damaged_spill_ends_the_people_with_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spill");
    let key = blindlist_store::spill::SpillKey::derive(b"k", &[]);
    let mut written = Spilled::new(Spill::create(&path, &key, partitions(1), 1 << 20).unwrap(), layout(false), 1);
    (0..5_000).for_each(|i| push(&mut written, 0, tag(i), 1));
    let length = written.sync().unwrap();
    drop(written);
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let Ok(spill) = Spill::resume(&path, &key, partitions(1), 1 << 20, length) else { return };
    let pool = pool(2);
    let spilled = Spilled::new(spill, layout(false), 1);
    let mut people = spilled.people::<0>(0, &Room { pool: &pool, bytes: 1 << 20 });
    assert!(people.by_ref().any(|row| row.is_err()));
    assert!(people.next().is_none());
}
