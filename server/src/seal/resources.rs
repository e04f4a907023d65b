//! How many cores and how much memory a seal may take. Neither changes a byte of what it makes.

use std::num::NonZeroUsize;
use std::thread::available_parallelism;
use std::time::Duration;

use blindlist_store::memory::Memory;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::Error;

/// What a seal may take of the machine.
#[derive(Clone, Debug)]
pub struct Resources {
    /// Threads that evaluate. One more reads, one more writes, both with little to do.
    pub threads: NonZeroUsize,
    /// For everything that grows with the inputs.
    pub memory: Memory,
    /// When a seal notes how far it is.
    pub(super) checkpoints: Checkpoints,
    /// How long a dry run tries how fast this machine is.
    pub(super) trial: Duration,
}

/// After how many rows, and how long, a seal notes how far it is, whichever comes first.
#[derive(Clone, Debug)]
pub(super) struct Checkpoints {
    pub(super) rows: u64,
    pub(super) time: Duration,
    /// Fails like a full disk as soon as so many rows are evaluated.
    #[cfg(test)]
    pub(super) fail_at: Option<u64>,
}

impl Default for Resources {
    /// All cores, 512 MiB.
    fn default() -> Self {
        Self::new(None, Self::MEMORY)
    }
}

impl Resources {
    /// Unless something else is said.
    pub const MEMORY: Memory = Memory::mebibytes(512);

    /// So many threads, or as many as there are cores, and so much memory.
    #[must_use]
    pub fn new(threads: Option<NonZeroUsize>, memory: Memory) -> Self {
        let cores = || available_parallelism().unwrap_or(NonZeroUsize::MIN);
        Self {
            threads: threads.unwrap_or_else(cores),
            memory,
            checkpoints: Checkpoints {
                rows: 1 << 20,
                time: Duration::from_secs(2),
                #[cfg(test)]
                fail_at: None,
            },
            trial: Duration::from_secs(1),
        }
    }

    /// Threads that end when it is dropped.
    pub(super) fn pool(&self) -> Result<ThreadPool, Error> {
        let made = ThreadPoolBuilder::new().num_threads(self.threads.get()).build();
        made.map_err(|source| Error::Runtime {
            doing: "start the threads that evaluate",
            source: std::io::Error::other(source),
        })
    }

    /// Bytes for records that wait to be written. What is left is for the program itself and the rows that it works on.
    pub(super) fn for_buffers(&self) -> usize {
        self.memory.share(4)
    }

    /// Bytes for records that are being sorted.
    pub(super) fn for_sorting(&self) -> usize {
        self.memory.share(4)
    }
}
