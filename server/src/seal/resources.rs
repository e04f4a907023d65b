//! How many cores and how much memory a seal may take. Neither changes a byte of what it makes.

use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;
use std::thread::available_parallelism;
use std::time::Duration;

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::Error;

const MIB: u64 = 1 << 20;

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
        Self::new(None, Memory::default())
    }
}

impl Resources {
    /// So many threads, or as many as there are cores, and so much memory.
    #[must_use]
    pub fn new(threads: Option<NonZeroUsize>, memory: Memory) -> Self {
        let cores = || available_parallelism().unwrap_or(NonZeroUsize::MIN);
        Self {
            threads: threads.unwrap_or_else(cores),
            memory,
            checkpoints: Checkpoints {
                rows: 1 << 20,
                time: Duration::from_secs(15),
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

/// An amount of memory: at least 64 MiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory(u64);

/// Not an amount of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is a number with MiB or GiB, such as 512MiB or 2GiB, and 64 MiB at least")]
pub struct MemoryError;

impl Memory {
    /// The least that a seal works with.
    pub const LEAST: Self = Self(64 * MIB);

    /// So little that everything is written at once, and sorted in parts.
    #[cfg(test)]
    pub(super) const TINY: Self = Self(1 << 16);

    fn share(self, parts: u64) -> usize {
        usize::try_from(self.0 / parts).unwrap_or(usize::MAX)
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self(512 * MIB)
    }
}

impl FromStr for Memory {
    type Err = MemoryError;
    fn from_str(text: &str) -> Result<Self, MemoryError> {
        let text = text.trim();
        let (number, unit) = match (text.strip_suffix("MiB"), text.strip_suffix("GiB")) {
            (Some(number), _) => (number, MIB),
            (_, Some(number)) => (number, MIB << 10),
            (None, None) => return Err(MemoryError),
        };
        let number: u64 = number.trim_end().parse().map_err(|_| MemoryError)?;
        let bytes = number.checked_mul(unit).ok_or(MemoryError)?;
        if bytes < Self::LEAST.0 { Err(MemoryError) } else { Ok(Self(bytes)) }
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}MiB", self.0 / MIB)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_of_memory_has_a_unit_and_is_not_too_little() {
        for (text, bytes) in [("512MiB", 512 * MIB), ("2GiB", 2048 * MIB), ("64 MiB", 64 * MIB)] {
            assert_eq!(text.parse(), Ok(Memory(bytes)), "{text}");
        }
        for bad in
            ["", "512", "63MiB", "-1GiB", "1.5GiB", "GiB", "1TiB", "99999999999999999999MiB", "18446744073709551615GiB"]
        {
            assert_eq!(bad.parse::<Memory>(), Err(MemoryError), "{bad}");
        }
        assert_eq!(Memory::default().to_string().parse(), Ok(Memory::default()));
    }
}
