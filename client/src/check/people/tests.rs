use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::path::Path;

use blindlist_protocol::identifier::Scheme;
use blindlist_protocol::job::{cost, layout};
use blindlist_store::memory::Memory;

use super::*;
use crate::tests::operator::{blinding, person};

/// Room that holds everything in memory, and room where everything is spilled.
fn rooms(folder: &Path) -> [Room; 2] {
    [1 << 24, 1 << 10].map(|memory| Room::new(folder, NonZeroUsize::new(3), Memory::from_bytes(memory)))
}

fn canaries() -> Vec<Identifier> {
    (0..4).map(|i| Identifier::canary(Scheme::Nir, &[i; 16])).collect()
}

fn gathered(people: impl Iterator<Item = u32>, room: &Room) -> People {
    let mut gathering = Gathering::new(room).unwrap();
    people.for_each(|n| gathering.add(person(n)).unwrap());
    gathering.finish(room, &Caller::nobody()).unwrap()
}

/// The chunks of a job about these people, or about some of them.
fn chunks(
    people: &People,
    secret: &BlindingSecret,
    asked: Option<&AskedPeople>,
    room: &Room,
) -> Result<Chunks, ClientError> {
    let count = asked.map_or(people.distinct(), AskedPeople::count);
    let (canaries, elements) = (canaries(), cost(count + 4));
    people.chunks(&Elements { secret, canaries: &canaries, asked, elements }, room, &Caller::nobody())
}

fn all(mut chunks: Chunks) -> Vec<Chunk> {
    let count = chunks.left().div_ceil(MAX_CHUNK as u64);
    let all = (0..count).map(|_| chunks.next().unwrap()).collect();
    assert_eq!(chunks.left(), 0);
    assert!(matches!(chunks.next(), Err(ClientError::Internal(_))));
    all
}

/// [JOB-2]: a job that was begun when layouts were made in memory goes on with the same chunks.
#[test]
fn chunks_are_those_of_the_layout_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    for count in [1, 60, 61, 9_000] {
        let secret = blinding(2);
        let everybody: Vec<Identifier> = (0..count).map(person).chain(canaries()).collect();
        let expected = layout(&secret, everybody);
        for room in rooms(folder.path()) {
            let people = gathered(0..count, &room);
            assert_eq!(people.distinct(), u64::from(count));
            let chunks = all(chunks(&people, &secret, None, &room).unwrap());
            assert!(chunks.iter().zip(0..).all(|(chunk, number)| chunk.number == number));
            let items: Vec<Item> = chunks.iter().flat_map(|chunk| chunk.items.to_vec()).collect();
            assert!(items == expected, "{count}");
        }
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left");
}

/// As much padding as hides how many there are, in memory that could not hold it.
#[test]
fn a_million_elements_of_padding_are_laid_out_as_in_memory() {
    const PADDING: u32 = 1_000_000;
    let (folder, secret) = (tempfile::tempdir().unwrap(), blinding(3));
    let room = Room::new(folder.path(), NonZeroUsize::new(3), Memory::from_bytes(1 << 22));
    let (people, canaries) = (gathered(0..50, &room), canaries());
    let elements = u64::from(PADDING) + 54;
    let job = Elements { secret: &secret, canaries: &canaries, asked: None, elements };
    let mut chunks = people.chunks(&job, &room, &Caller::nobody()).unwrap();

    let everybody = (0..50).map(person).chain(canaries.iter().cloned());
    let mut expected: Vec<_> = everybody.map(|one| (secret.place(&one), Item::Person(one))).collect();
    expected.extend((0..PADDING).map(|number| (secret.place_of_padding(number), Item::Padding(number))));
    expected.sort_unstable_by_key(|(place, _)| *place);
    for run in expected.chunks(MAX_CHUNK) {
        let chunk = chunks.next().unwrap();
        assert!(chunk.items.iter().eq(run.iter().map(|(_, item)| item)), "{chunk:?}");
    }
    assert_eq!(chunks.left(), 0);
}

/// What a job's file says is not believed.
#[test]
fn a_job_of_fewer_elements_than_people_or_of_too_many_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let [room, _] = rooms(folder.path());
    let (people, secret) = (gathered(0..50, &room), blinding(3));
    for elements in [0, 49, 50 + (1 << 32)] {
        let job = Elements { secret: &secret, canaries: &[], asked: None, elements };
        assert!(matches!(people.chunks(&job, &room, &Caller::nobody()), Err(ClientError::Internal(_))), "{elements}");
    }
}

#[test]
fn everybody_counts_once_however_many_rows_they_have() {
    let folder = tempfile::tempdir().unwrap();
    for room in rooms(folder.path()) {
        // The second half of the rows are everybody again, and one person is every third row.
        let rows = (0..40_000).map(|row| if row % 3 == 0 { 7 } else { row % 20_000 });
        let distinct = rows.clone().collect::<std::collections::HashSet<u32>>().len() as u64;
        let people = gathered(rows, &room);
        assert_eq!(people.distinct(), distinct);
        let chunks = all(chunks(&people, &blinding(1), None, &room).unwrap());
        let mut seen: HashMap<Identifier, u32> = HashMap::new();
        for item in chunks.into_iter().flat_map(|chunk| chunk.items.to_vec()) {
            if let Item::Person(identifier) = item {
                *seen.entry(identifier).or_default() += 1;
            }
        }
        assert_eq!(seen.len() as u64, distinct + 4);
        assert!(seen.values().all(|times| *times == 1));
    }
}

/// A job that leaves out those who are remembered is the job of the others.
#[test]
fn a_job_about_some_is_laid_out_as_if_there_were_no_others() {
    let folder = tempfile::tempdir().unwrap();
    for room in rooms(folder.path()) {
        let (people, secret) = (gathered(0..700, &room), blinding(4));
        let some = gathered(300..350, &room);
        let asked = AskedPeople::new((300..350).map(|n| secret.place(&person(n))).collect());
        let items = |chunks: Chunks| all(chunks).into_iter().flat_map(|chunk| chunk.items.to_vec()).collect::<Vec<_>>();
        let laid_out = items(chunks(&people, &secret, Some(&asked), &room).unwrap());
        assert_eq!(laid_out.len(), 64);
        assert!(laid_out == items(chunks(&some, &secret, None, &room).unwrap()));
    }
}

/// Else one partition would have to hold them all.
#[test]
fn one_person_in_every_row_is_spilled_once() {
    let folder = tempfile::tempdir().unwrap();
    let [room, _] = rooms(folder.path());
    let mut gathering = Gathering::new(&room).unwrap();
    (0..10_000).for_each(|_| gathering.add(person(1)).unwrap());
    assert_eq!(gathering.spill.total(), 2 + person(1).as_bytes().len() as u64);
}

#[test]
fn several_jobs_lay_the_same_people_out() {
    let folder = tempfile::tempdir().unwrap();
    let [_, room] = rooms(folder.path());
    let people = gathered(0..500, &room);
    let items = |seed| {
        let chunks = all(chunks(&people, &blinding(seed), None, &room).unwrap());
        chunks.into_iter().flat_map(|chunk| chunk.items.to_vec()).collect::<Vec<_>>()
    };
    assert!(items(1) != items(2) && items(1) == items(1));
}

#[test]
fn nobody_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let [room, _] = rooms(folder.path());
    let people = gathered(0..3, &room);
    let mut chunks = chunks(&people, &blinding(1), None, &room).unwrap();
    assert_eq!(format!("{people:?} {chunks:?}"), "People(3) Chunks(64 elements left)");
    assert_eq!(format!("{:?}", chunks.next().unwrap()), "Chunk(0 of 64 elements)");
}
