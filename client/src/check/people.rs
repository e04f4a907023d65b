//! The distinct people of a member file, and a job's chunks of them (SPEC.md, "Jobs and blinding"), in bounded memory.
//!
//! Identifiers are spilled by a keyed hash, so that equal ones meet in one partition, which is small enough to be held.
//! For each job they are spilled again by the first bits of their places, as its padding is, and come out in ascending
//! order: `ascending`.

mod ascending;

use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use blindlist_protocol::identifier::Identifier;
use blindlist_protocol::job::{BlindingSecret, Item, Layout};
use blindlist_protocol::params::MAX_CHUNK;
use blindlist_store::spill::Spill;
use zeroize::Zeroizing;

use crate::profile::jobs::asked::AskedPeople;
use crate::room::{Room, partition};
use crate::{Caller, ClientError};
use ascending::{Ascending, Ordered, padding};

/// Partitions of people.
const PARTITIONS: usize = 256;
/// The parts of the memory that the people in no order, and in the order of a job, may take.
const SHARE: usize = 8;
/// People whose further rows are not spilled. A file with one person in most of its rows would fill one partition.
const RECENT: usize = 1 << 14;

/// People as they come, some several times.
pub(crate) struct Gathering {
    spill: Spill,
    hash: RandomState,
    /// Somebody for each value of some bits of the hash: who came last.
    recent: Vec<Option<Identifier>>,
    record: Zeroizing<Vec<u8>>,
}

impl Gathering {
    pub(crate) fn new(room: &Room) -> Result<Self, ClientError> {
        let (spill, hash) = (room.spill(PARTITIONS, SHARE)?, RandomState::new());
        Ok(Self { spill, hash, recent: vec![None; RECENT], record: Zeroizing::default() })
    }

    /// Adds somebody.
    pub(crate) fn add(&mut self, identifier: Identifier) -> Result<(), ClientError> {
        let hash = self.hash.hash_one(&identifier);
        let recent = usize::try_from(hash % RECENT as u64).ok().and_then(|slot| self.recent.get_mut(slot));
        if recent.as_ref().is_some_and(|known| known.as_ref() == Some(&identifier)) {
            return Ok(());
        }
        self.record.clear();
        append(&mut self.record, identifier.as_bytes());
        self.spill.push(partition(u128::from(hash) << 64, PARTITIONS), &self.record)?;
        if let Some(slot) = recent {
            *slot = Some(identifier);
        }
        Ok(())
    }

    /// Counts the distinct ones.
    pub(crate) fn finish(self, room: &Room, caller: &Caller) -> Result<People, ClientError> {
        let distinct = AtomicU64::new(0);
        room.each(PARTITIONS, caller, |number| {
            let bytes = self.spill.read(number)?;
            distinct.fetch_add(distinct_records(&bytes).len() as u64, Ordering::Relaxed);
            Ok(())
        })?;
        Ok(People { spill: self.spill, distinct: distinct.into_inner() })
    }
}

/// The distinct people of a member file.
pub(crate) struct People {
    spill: Spill,
    distinct: u64,
}

impl fmt::Debug for People {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "People({})", self.distinct)
    }
}

impl People {
    /// How many they are.
    pub(crate) fn distinct(&self) -> u64 {
        self.distinct
    }

    /// Does something for each, on all threads.
    ///
    /// # Errors
    /// Those of `work`; [`ClientError::Interrupted`], [`ClientError::Store`].
    pub(crate) fn each(
        &self,
        room: &Room,
        caller: &Caller,
        work: impl Fn(Identifier) -> Result<(), ClientError> + Sync,
    ) -> Result<(), ClientError> {
        room.each(PARTITIONS, caller, |number| {
            let bytes = self.spill.read(number)?;
            distinct_records(&bytes)
                .into_iter()
                .try_for_each(|record| work(Identifier::read(record).ok_or_else(damaged)?))
        })
    }

    /// The chunks of a job for these people, or those that it asks about, and the epoch's canaries.
    pub(crate) fn chunks(&self, job: &Elements<'_>, room: &Room, caller: &Caller) -> Result<Chunks, ClientError> {
        let Elements { secret, canaries, asked, elements } = *job;
        let count = asked.map_or(self.distinct, AskedPeople::count) + canaries.len() as u64;
        let padded = elements.checked_sub(count).and_then(|padding| u32::try_from(padding).ok()).ok_or_else(damaged)?;
        let ordered = Ordered::new(room, SHARE)?;
        room.each(PARTITIONS, caller, |number| {
            let bytes = self.spill.read(number)?;
            let place = |record: &'_ [u8]| Some(secret.place(&Identifier::read(record)?));
            let people = distinct_records(&bytes).into_iter().map(|record| Some((place(record)?, record)));
            let people: Option<Vec<_>> = people.collect();
            let mut people = people.ok_or_else(damaged)?;
            people.retain(|(place, _)| asked.is_none_or(|asked| asked.contains(*place)));
            ordered.push(&people, |identifier, record| append(record, identifier))
        })?;
        let canaries: Vec<_> = canaries.iter().map(|one| (secret.place(one), one.as_bytes())).collect();
        ordered.push(&canaries, |identifier, record| append(record, identifier))?;
        let people = ordered.ascending(|bytes| {
            let (record, after) = first_record(bytes)?;
            Some((Identifier::read(record)?, after))
        });
        let layout = Layout::new(people, padding(secret, padded, room, caller)?);
        Ok(Chunks { layout, left: elements, number: 0 })
    }
}

/// What a job is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Elements<'a> {
    /// Its secret.
    pub secret: &'a BlindingSecret,
    /// The canaries.
    pub canaries: &'a [Identifier],
    /// Whom it asks about, if not about everybody.
    pub asked: Option<&'a AskedPeople>,
    /// How many elements it has, padding included.
    pub elements: u64,
}

/// What one request asks for, and which chunk it is.
pub(crate) struct Chunk {
    /// Its number.
    pub number: u32,
    /// Its elements.
    pub items: Arc<[Item]>,
}

impl fmt::Debug for Chunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Chunk({} of {} elements)", self.number, self.items.len())
    }
}

/// The chunks of a job, one after the other.
pub(crate) struct Chunks {
    layout: Layout<Ascending<Identifier>, Ascending<u32>>,
    /// Elements that are still to come.
    left: u64,
    number: u32,
}

impl fmt::Debug for Chunks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Chunks({} elements left)", self.left)
    }
}

impl Chunks {
    /// Elements that are still to come.
    pub(crate) fn left(&self) -> u64 {
        self.left
    }

    /// The next chunk.
    ///
    /// # Errors
    /// [`ClientError::Internal`] when there is none, [`ClientError::Store`].
    pub(crate) fn next(&mut self) -> Result<Chunk, ClientError> {
        let size = usize::try_from(self.left).map_or(MAX_CHUNK, |left| left.min(MAX_CHUNK));
        let elements = self.layout.by_ref().take(size);
        let items = elements.map(|element| Ok(element?.1)).collect::<Result<Arc<[_]>, ClientError>>()?;
        if items.is_empty() || items.len() < size {
            return Err(damaged());
        }
        let number = self.number;
        self.left -= size as u64;
        self.number = number.checked_add(1).ok_or_else(damaged)?;
        Ok(Chunk { number, items })
    }
}

/// Appends the record of an identifier: its length and its bytes.
pub(crate) fn append(record: &mut Vec<u8>, identifier: &[u8]) {
    let length = u16::try_from(identifier.len()).expect("an identifier has at most 512 bytes");
    record.extend_from_slice(&length.to_le_bytes());
    record.extend_from_slice(identifier);
}

/// The bytes of the identifier whose record comes first, and what is behind it.
pub(crate) fn first_record(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(u16::from_le_bytes(*length).into())
}

fn distinct_records(mut bytes: &[u8]) -> Vec<&[u8]> {
    let next = std::iter::from_fn(|| {
        let (record, rest) = first_record(bytes)?;
        bytes = rest;
        Some(record)
    });
    let mut records: Vec<_> = next.collect();
    records.sort_unstable();
    records.dedup();
    records
}

/// What cannot be: what was spilled is authenticated.
fn damaged() -> ClientError {
    ClientError::Internal("the people who were read are not those who came back")
}

#[cfg(test)]
mod tests;
