//! Elements of a job in the order of their places, in bounded memory.
//!
//! They are spilled by the first bits of their places. One partition after the other is read and sorted, so that memory
//! holds one in 256 of them.

use std::sync::{Mutex, PoisonError};
use std::vec;

use blindlist_protocol::job::{BlindingSecret, Place};
use blindlist_store::spill::Spill;
use zeroize::Zeroizing;

use super::{PARTITIONS, damaged};
use crate::room::{Room, partition};
use crate::{Caller, ClientError};

/// The part of the memory that padding in the order of a job may take.
const SHARE: usize = 16;
/// Padding elements that are placed at a time.
const BATCH: u32 = 4_096;

/// Elements that are brought into order, by several threads.
pub(super) struct Ordered(Mutex<Spill>);

impl Ordered {
    /// None yet. They take the n-th part of the memory.
    pub(super) fn new(room: &Room, n: usize) -> Result<Self, ClientError> {
        Ok(Self(Mutex::new(room.spill(PARTITIONS, n)?)))
    }

    /// Adds elements at their places; `write` appends what there is of one but its place.
    pub(super) fn push<T: Copy>(
        &self,
        elements: &[(Place, T)],
        write: impl Fn(T, &mut Vec<u8>),
    ) -> Result<(), ClientError> {
        let mut record = Zeroizing::new(Vec::new());
        let mut spill = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (place, element) in elements {
            record.clear();
            record.extend_from_slice(&place.bits().to_le_bytes());
            write(*element, &mut record);
            spill.push(partition(place.bits(), PARTITIONS), &record)?;
        }
        Ok(())
    }

    /// All of them, ascending. `read` takes what was written of one, and says what is behind it.
    pub(super) fn ascending<T>(self, read: Read<T>) -> Ascending<T> {
        let spill = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ascending { spill, read, next: 0, run: Vec::new().into_iter() }
    }
}

/// Reads an element, and says what is behind it.
type Read<T> = fn(&[u8]) -> Option<(T, &[u8])>;

/// Elements with their places, ascending.
pub(super) struct Ascending<T> {
    spill: Spill,
    read: Read<T>,
    next: usize,
    run: vec::IntoIter<(Place, T)>,
}

impl<T> Ascending<T> {
    fn sorted(&self, number: usize) -> Result<Vec<(Place, T)>, ClientError> {
        let mut run = Vec::new();
        for frame in self.spill.frames(number) {
            let frame = frame?;
            let mut rest = frame.as_slice();
            while let Some((place, after)) = rest.split_first_chunk() {
                let (element, after) = (self.read)(after).ok_or_else(damaged)?;
                run.push((Place::from_bits(u128::from_le_bytes(*place)), element));
                rest = after;
            }
            if !rest.is_empty() {
                return Err(damaged());
            }
        }
        run.sort_unstable_by_key(|(place, _)| *place);
        Ok(run)
    }
}

impl<T> Iterator for Ascending<T> {
    type Item = Result<(Place, T), ClientError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(next) = self.run.next() {
                return Some(Ok(next));
            }
            if self.next >= self.spill.partitions() {
                return None;
            }
            // The memory of the last one is free before the next one is read.
            self.run = Vec::new().into_iter();
            match self.sorted(self.next) {
                Ok(run) => (self.run, self.next) = (run.into_iter(), self.next + 1),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// So many elements of padding, ascending.
pub(super) fn padding(
    secret: &BlindingSecret,
    count: u32,
    room: &Room,
    caller: &Caller,
) -> Result<Ascending<u32>, ClientError> {
    let ordered = Ordered::new(room, SHARE)?;
    let batches = usize::try_from(count.div_ceil(BATCH)).map_err(|_| damaged())?;
    room.each(batches, caller, |batch| {
        let first = u32::try_from(batch).map_err(|_| damaged())?.saturating_mul(BATCH);
        let numbers = first..count.min(first.saturating_add(BATCH));
        let placed: Vec<_> = numbers.map(|number| (secret.place_of_padding(number), number)).collect();
        ordered.push(&placed, |number, record| record.extend_from_slice(&number.to_le_bytes()))
    })?;
    Ok(ordered.ascending(|bytes| {
        let (number, after) = bytes.split_first_chunk()?;
        Some((u32::from_le_bytes(*number), after))
    }))
}
