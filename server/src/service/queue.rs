//! Whose chunk is worked on next: fair turns between insurers, and an end to how much waits.
//!
//! So many chunks are worked on at a time, one for each worker, and they share the cores. A worker that gets free goes to that insurer
//! among those waiting whose last turn is longest ago; an insurer's own chunks are taken in the order in which they came.
//! So a chunk of one insurer waits for at most one chunk of each other one and its own before it, however many the others
//! have sent. What finds the queue full is told when to come again, and nothing of it was computed.
//!
//! Nothing is validated before its turn. A full chunk takes a hundredth of a second or more to validate, so whoever sends
//! nonsense would otherwise take that from everybody; as it is, nonsense takes turns of its own sender alone.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::config::Limits;
use crate::outside;

/// What a chunk is taken to need until one was measured.
const FIRST_GUESS: Duration = Duration::from_millis(400);
/// A measurement counts for one part in so many.
const WEIGHT: u32 = 8;
/// The shortest and the longest wait that anybody is told.
const WAITS: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(30));

/// An insurer's id.
type Id = [u8; 16];

/// The queue; a clone is the same one.
#[derive(Clone)]
pub(super) struct Queue(Arc<Mutex<State>>);

/// How many chunks may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Places {
    /// In all.
    pub(super) all: usize,
    /// Of one insurer.
    pub(super) each: usize,
}

impl Places {
    pub(super) fn of(limits: &Limits) -> Self {
        Self { all: limits.waiting_chunks as usize, each: limits.waiting_chunks_per_insurer as usize }
    }
}

/// The queue is full: come again after so long.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full(pub(super) Duration);

struct State {
    places: Places,
    workers: u32,
    idle: u32,
    /// Chunks that wait, by insurer; no insurer is there with none.
    waiting: HashMap<Id, VecDeque<oneshot::Sender<Turn>>>,
    /// When each insurer had its last turn, in turns since the beginning. As long as the list of insurers.
    last: HashMap<Id, u64>,
    turns: u64,
    /// A running mean.
    chunk: Duration,
}

/// The right to keep one worker busy. Dropping it hands the worker on.
pub(super) struct Turn {
    /// Nobody's when it found nobody waiting for it.
    queue: Option<Queue>,
    began: Instant,
}

impl Queue {
    pub(super) fn new(workers: usize, places: Places) -> Self {
        let workers = u32::try_from(workers).unwrap_or(u32::MAX).max(1);
        let state = State {
            places,
            workers,
            idle: workers,
            waiting: HashMap::new(),
            last: HashMap::new(),
            turns: 0,
            chunk: FIRST_GUESS,
        };
        Self(Arc::new(Mutex::new(state)))
    }

    /// Waits for this insurer's turn.
    pub(super) async fn turn(&self, insurer: Id) -> Result<Turn, Full> {
        let turn = self.line_up(insurer)?;
        // A sender is dropped only with the queue, which `self` keeps.
        turn.await.map_err(|_| Full(WAITS.1))
    }

    /// Takes a place in the queue; the turn comes through the channel, at once if a worker is idle.
    fn line_up(&self, insurer: Id) -> Result<oneshot::Receiver<Turn>, Full> {
        let (send, receive) = oneshot::channel();
        let mut state = self.lock();
        if state.idle > 0 {
            state.idle -= 1;
            state.count_turn(insurer);
            drop(state);
            // Its receiver is in this very function.
            let _ = send.send(self.begin());
            return Ok(receive);
        }
        state.is_full_for(&insurer)?;
        state.waiting.entry(insurer).or_default().push_back(send);
        Ok(receive)
    }

    /// From now on so many may wait; whoever waits already does so still.
    pub(super) fn set_places(&self, places: Places) {
        self.lock().places = places;
    }

    /// How many chunks wait.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.lock().waiting.values().map(VecDeque::len).sum()
    }

    fn begin(&self) -> Turn {
        Turn { queue: Some(self.clone()), began: outside::instant() }
    }

    /// A worker is free: it goes to whoever is next, or idles.
    fn hand_on(&self, took: Duration) {
        self.lock().measured(took);
        loop {
            let mut state = self.lock();
            let Some(next) = state.next() else {
                state.idle += 1;
                return;
            };
            drop(state);
            match next.send(self.begin()) {
                Ok(()) => return,
                // Its request was given up, and the worker is still free.
                Err(mut turn) => turn.queue = None,
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// When the queue has no place for another chunk of this insurer: how long until those that wait had their turns.
    fn is_full_for(&self, insurer: &Id) -> Result<(), Full> {
        let all = self.waiting.values().map(VecDeque::len).sum::<usize>();
        let own = self.waiting.get(insurer).map_or(0, VecDeque::len);
        if all >= self.places.all {
            Err(self.full(all))
        } else if own >= self.places.each {
            // Between two of its own, each other insurer has a turn.
            Err(self.full(all.min(own * self.waiting.len())))
        } else {
            Ok(())
        }
    }

    fn full(&self, ahead: usize) -> Full {
        let ahead = u32::try_from(ahead).unwrap_or(u32::MAX);
        let wait = self.chunk.saturating_mul(ahead) / self.workers;
        Full(wait.clamp(WAITS.0, WAITS.1))
    }

    /// Takes the chunk whose turn it is out of the queue.
    fn next(&mut self) -> Option<oneshot::Sender<Turn>> {
        loop {
            // Two that never had a turn are told apart by their ids: which of them is first is no matter.
            let last = |id: &Id| self.last.get(id).copied().unwrap_or(0);
            let insurer = *self.waiting.keys().min_by_key(|id| (last(id), **id))?;
            let chunks = self.waiting.get_mut(&insurer)?;
            let next = chunks.pop_front();
            if chunks.is_empty() {
                self.waiting.remove(&insurer);
            }
            // One whose request was given up does not cost its insurer the turn.
            if let Some(next) = next.filter(|next| !next.is_closed()) {
                self.count_turn(insurer);
                return Some(next);
            }
        }
    }

    fn count_turn(&mut self, insurer: Id) {
        self.turns += 1;
        self.last.insert(insurer, self.turns);
    }

    fn measured(&mut self, took: Duration) {
        self.chunk = (self.chunk * (WEIGHT - 1) + took) / WEIGHT;
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(queue) = self.queue.take() {
            queue.hand_on(self.began.elapsed());
        }
    }
}

#[cfg(test)]
mod tests;
