//! Records by list and by the first bits of their tags, spilled to the disk; and from them the people of a list,
//! ascending by tag, each once with the categories of all its rows.
//!
//! Memory is bounded whatever the records are: a partition is read frame by frame, equal tags are merged meanwhile, and
//! when there are still more people than there is room for, the partition is read again for the rest of them.

use std::collections::VecDeque;
use std::iter;

use blindlist_store::folder::PrivateFolder;
use blindlist_store::spill::Spill;
use rayon::ThreadPool;
use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};
use zeroize::Zeroizing;

use super::record::{Layout, Record, Row};
use crate::Error;

/// The most partitions of a spill, unless there are more lists.
const MOST_PARTITIONS: usize = 8_192;

/// The most partitions of a list.
const MOST_PREFIXES: usize = 512;

/// People that there is always room for, however little memory there is.
const LEAST_ROOM: usize = 1_024;

/// Bits of a tag that tell the partition: of several lists each has fewer partitions.
fn prefix_bits(lists: usize) -> u32 {
    (MOST_PARTITIONS / lists.max(1)).clamp(1, MOST_PREFIXES).ilog2()
}

/// How many partitions there are for so many lists.
pub(super) fn partitions(lists: usize) -> usize {
    lists << prefix_bits(lists)
}

/// The records of all lists.
pub(super) struct Spilled {
    spill: Spill,
    layout: Layout,
    bits: u32,
}

impl Spilled {
    /// Of a spill with the partitions of so many lists.
    pub(super) fn new(spill: Spill, layout: Layout, lists: usize) -> Self {
        Self { spill, layout, bits: prefix_bits(lists) }
    }

    /// In memory, or in a file without a name in this folder.
    pub(super) fn temporary(
        folder: &PrivateFolder,
        layout: Layout,
        lists: usize,
        memory: usize,
    ) -> Result<Self, Error> {
        Ok(Self::new(Spill::temporary(folder.path(), partitions(lists), memory)?, layout, lists))
    }

    pub(super) fn layout(&self) -> Layout {
        self.layout
    }

    /// Takes the record of a list.
    pub(super) fn push(&mut self, list: usize, record: &[u8]) -> Result<(), Error> {
        let tag = Layout::tag(record).expect("records begin with a tag");
        let partition = self.first(list) + prefix(tag, self.bits);
        Ok(self.spill.push(partition, record)?)
    }

    /// Waits until everything is on the disk; the length to go on from.
    pub(super) fn sync(&mut self) -> Result<u64, Error> {
        Ok(self.spill.sync()?)
    }

    /// The people of a list, ascending by tag.
    pub(super) fn people<'a, const W: usize>(&'a self, list: usize, room: &Room<'a>) -> People<'a, W> {
        let places = self.first(list)..self.first(list + 1);
        let largest = places.clone().map(|place| self.spill.len(place)).max().unwrap_or(0);
        let rows = usize::try_from(largest).unwrap_or(usize::MAX) / self.layout.width();
        let bytes = rows.saturating_mul(size_of::<Row<W>>()).max(1);
        let together = (room.bytes / bytes).clamp(1, room.pool.current_num_threads());
        People {
            spilled: self,
            pool: room.pool,
            together,
            most: (room.bytes / together / size_of::<Row<W>>()).max(LEAST_ROOM),
            places: places.collect(),
            runs: VecDeque::new(),
            at: 0,
        }
    }

    /// The first partition of a list.
    fn first(&self, list: usize) -> usize {
        list << self.bits
    }

    /// The people of a partition from a tag on, ascending: all, or at most so many and the tag from which to go on.
    fn load<const W: usize>(&self, partition: usize, from: u128, most: usize) -> Result<Loaded<W>, Error> {
        let expected = usize::try_from(self.spill.len(partition)).unwrap_or(usize::MAX) / self.layout.width();
        // Whole at once: a vector that grew would leave copies behind.
        let mut rows = Zeroizing::new(Vec::with_capacity(expected.min(most)));
        let mut end = None;
        for frame in self.spill.frames(partition) {
            for record in frame?.chunks(self.layout.width()) {
                let row: Row<W> = self.layout.read(record).expect("what was written has one width");
                let tag = row.record.tag;
                if rows.len() == most {
                    end = make_room(&mut rows, most).or(end);
                }
                if tag >= from && end.is_none_or(|end| tag < end) {
                    rows.push(row);
                }
            }
        }
        merge(&mut rows);
        Ok(Loaded { rows, end })
    }
}

/// What sorting may take.
pub(super) struct Room<'a> {
    pub(super) pool: &'a ThreadPool,
    pub(super) bytes: usize,
}

/// People of a partition, and the tag from which on there are more.
struct Loaded<const W: usize> {
    rows: Zeroizing<Vec<Row<W>>>,
    end: Option<u128>,
}

/// What comes next.
enum Run<const W: usize> {
    Rows(Zeroizing<Vec<Row<W>>>),
    /// The people of a partition from this tag on.
    Rest(usize, u128),
}

/// The people of a list, ascending by tag. Ends after an error.
pub(super) struct People<'a, const W: usize> {
    spilled: &'a Spilled,
    pool: &'a ThreadPool,
    /// Partitions that are sorted at the same time.
    together: usize,
    /// People that each of them has room for.
    most: usize,
    /// Partitions that are not loaded.
    places: VecDeque<usize>,
    runs: VecDeque<Run<W>>,
    /// How far the first of the runs has been given out.
    at: usize,
}

impl<const W: usize> Iterator for People<'_, W> {
    type Item = Result<Row<W>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.runs.front() {
                Some(Run::Rows(rows)) => {
                    if let Some(row) = rows.get(self.at) {
                        self.at += 1;
                        return Some(Ok(*row));
                    }
                    self.runs.pop_front();
                    self.at = 0;
                }
                Some(Run::Rest(partition, from)) => {
                    let (partition, from) = (*partition, *from);
                    self.runs.pop_front();
                    match self.spilled.load(partition, from, self.most) {
                        Ok(loaded) => self.put_first(partition, loaded),
                        Err(error) => return Some(Err(self.end(error))),
                    }
                }
                None if self.places.is_empty() => return None,
                None => {
                    if let Err(error) = self.load_next() {
                        return Some(Err(self.end(error)));
                    }
                }
            }
        }
    }
}

impl<const W: usize> People<'_, W> {
    /// Loads the next partitions, side by side.
    fn load_next(&mut self) -> Result<(), Error> {
        let places: Vec<usize> = self.places.drain(..self.together.min(self.places.len())).collect();
        let (spilled, most) = (self.spilled, self.most);
        let loaded: Vec<(usize, Loaded<W>)> = self.pool.install(|| {
            let load = |place| Ok::<_, Error>((place, spilled.load(place, 0, most)?));
            places.into_par_iter().map(load).collect::<Result<_, _>>()
        })?;
        for (place, Loaded { rows, end }) in loaded {
            self.runs.push_back(Run::Rows(rows));
            self.runs.extend(end.map(|from| Run::Rest(place, from)));
        }
        Ok(())
    }

    fn put_first(&mut self, partition: usize, Loaded { rows, end }: Loaded<W>) {
        if let Some(from) = end {
            self.runs.push_front(Run::Rest(partition, from));
        }
        self.runs.push_front(Run::Rows(rows));
    }

    fn end(&mut self, error: Error) -> Error {
        self.runs.clear();
        self.places.clear();
        error
    }
}

/// An entry of an index: a person, or a canary, of which nothing is kept.
pub(super) enum Listed<const W: usize> {
    Person(Row<W>),
    Canary(Record),
}

impl<const W: usize> Listed<W> {
    pub(super) fn record(&self) -> &Record {
        match self {
            Self::Person(row) => &row.record,
            Self::Canary(record) => record,
        }
    }
}

/// People with the canaries at their places.
pub(super) fn with_canaries<const W: usize>(
    people: impl Iterator<Item = Result<Row<W>, Error>>,
    canaries: &[Record],
) -> impl Iterator<Item = Result<Listed<W>, Error>> {
    let mut canaries = canaries.to_vec();
    canaries.sort_unstable_by_key(|canary| canary.tag);
    let (mut people, mut canaries) = (people.peekable(), canaries.into_iter().peekable());
    iter::from_fn(move || {
        let canary = match (people.peek(), canaries.peek()) {
            (Some(Ok(row)), Some(canary)) => canary.tag < row.record.tag,
            (Some(_), _) => false,
            (None, _) => true,
        };
        if canary {
            canaries.next().map(|canary| Ok(Listed::Canary(canary)))
        } else {
            Some(people.next()?.map(Listed::Person))
        }
    })
}

/// The first bits of a tag.
fn prefix(tag: u128, bits: u32) -> usize {
    let prefix = tag.checked_shr(u128::BITS - bits).unwrap_or(0);
    usize::try_from(prefix).expect("a prefix has few bits")
}

/// Merges; when that does not help, leaves out the upper half, and says from which tag on.
fn make_room<const W: usize>(rows: &mut Vec<Row<W>>, most: usize) -> Option<u128> {
    merge(rows);
    if rows.len() <= most / 2 {
        return None;
    }
    let end = rows.get(most / 2).map(|row| row.record.tag);
    rows.truncate(most / 2);
    end
}

/// Sorts by tag; a person in several rows becomes one, with the categories of all.
fn merge<const W: usize>(rows: &mut Vec<Row<W>>) {
    rows.sort_unstable_by_key(|row| row.record.tag);
    rows.dedup_by(|later, kept| {
        let same = later.record.tag == kept.record.tag;
        if same {
            kept.record.label |= later.record.label;
        }
        same
    });
}

#[cfg(test)]
mod tests;
