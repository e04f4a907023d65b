//! What a command may use of the machine, and where it puts what does not fit.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use blindlist_store::StoreError;
use blindlist_store::memory::Memory;
use blindlist_store::spill::Spill;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::{Caller, ClientError};

/// Threads, memory, and a folder for what is too large for it.
#[derive(Clone, Debug)]
pub struct Room {
    folder: PathBuf,
    threads: NonZeroUsize,
    memory: Memory,
}

impl Room {
    /// Bytes of memory for what grows with the members, unless something else is said.
    pub const MEMORY: Memory = Memory::mebibytes(256);

    /// As many threads as there are cores unless it is said, and so much memory. What is larger goes, encrypted under a key
    /// that only memory has, into files of the folder that have no name and go with the process.
    pub fn new(folder: &Path, threads: Option<NonZeroUsize>, memory: Memory) -> Self {
        let cores = || std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        Self { folder: folder.to_owned(), threads: threads.unwrap_or_else(cores), memory }
    }

    /// The n-th part of the memory, all threads.
    pub(crate) fn part(&self, n: usize) -> Self {
        Self { memory: Memory::from_bytes(self.share(n.max(1))), ..self.clone() }
    }

    /// Threads for what computes.
    pub(crate) fn threads(&self) -> usize {
        self.threads.get()
    }

    /// The threads for what computes, which end when it is dropped.
    ///
    /// # Errors
    /// [`ClientError::Internal`] when the system gives no threads.
    pub(crate) fn pool(&self) -> Result<ThreadPool, ClientError> {
        let made = ThreadPoolBuilder::new().num_threads(self.threads()).build();
        made.map_err(|_| ClientError::Internal("the threads that compute could not be started"))
    }

    /// The n-th part of the memory.
    pub(crate) fn share(&self, n: usize) -> usize {
        self.memory.share(n)
    }

    /// A spill that takes the n-th part of the memory.
    pub(crate) fn spill(&self, partitions: usize, n: usize) -> Result<Spill, StoreError> {
        self.spill_of(partitions, self.share(n))
    }

    /// A spill that takes so many bytes of memory.
    pub(crate) fn spill_of(&self, partitions: usize, memory: usize) -> Result<Spill, StoreError> {
        Spill::temporary(&self.folder, partitions, memory)
    }

    /// Does something for every number below `count`, on all threads; after a failure nothing more is begun.
    ///
    /// # Errors
    /// A failure of `work`; [`ClientError::Interrupted`].
    pub(crate) fn each(
        &self,
        count: usize,
        caller: &Caller,
        work: impl Fn(usize) -> Result<(), ClientError> + Sync,
    ) -> Result<(), ClientError> {
        let next = AtomicUsize::new(0);
        let run = || {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return Ok(());
                }
                if let Err(error) = caller.check().and_then(|()| work(number)) {
                    next.store(count, Ordering::Relaxed);
                    return Err(error);
                }
            }
        };
        let panicked = |_| Err(ClientError::Internal("a thread ended before its work was done"));
        std::thread::scope(|scope| {
            let running: Vec<_> = (0..self.threads().min(count)).map(|_| scope.spawn(run)).collect();
            let ended: Vec<_> = running.into_iter().map(|thread| thread.join().unwrap_or_else(panicked)).collect();
            ended.into_iter().collect()
        })
    }
}

/// Which of so many partitions holds a number: each holds a run of all numbers, in ascending order.
pub(crate) fn partition(number: u128, partitions: usize) -> usize {
    let high = number >> 64;
    usize::try_from((high * partitions as u128) >> 64).expect("it is less than the number of partitions")
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    fn room(threads: usize) -> Room {
        Room::new(Path::new("/nowhere"), NonZeroUsize::new(threads), Memory::mebibytes(1))
    }

    #[test]
    fn everything_is_done_once() {
        for (threads, count) in [(1, 0), (1, 5), (3, 2), (4, 100)] {
            let done = Mutex::new(Vec::new());
            let work = |number| {
                done.lock().unwrap().push(number);
                Ok(())
            };
            room(threads).each(count, &Caller::nobody(), work).unwrap();
            let mut done = done.into_inner().unwrap();
            done.sort_unstable();
            assert_eq!(done, (0..count).collect::<Vec<_>>());
        }
    }

    #[test]
    fn nothing_is_begun_after_a_failure_or_ctrl_c() {
        let begun = AtomicUsize::new(0);
        let work = |number| {
            begun.fetch_add(1, Ordering::SeqCst);
            if number == 2 { Err(ClientError::Internal("x")) } else { Ok(()) }
        };
        let error = room(1).each(100, &Caller::nobody(), work).unwrap_err();
        assert!(matches!(error, ClientError::Internal("x")));
        assert_eq!(begun.into_inner(), 3);

        let (caller, interrupt, _progress) = Caller::new();
        interrupt.now();
        let error = room(2).each(100, &caller, |_| panic!("it was stopped")).unwrap_err();
        assert!(matches!(error, ClientError::Interrupted));
    }

    #[test]
    fn partitions_are_runs_in_order() {
        for partitions in [1, 3, 16, 256] {
            let places: Vec<_> = (0..1_000).map(|n| partition(n * (u128::MAX / 999), partitions)).collect();
            assert!(places.is_sorted() && places[0] == 0 && places[999] == partitions - 1);
            assert_eq!(partition(u128::MAX, partitions), partitions - 1);
        }
    }
}
