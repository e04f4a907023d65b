//! An amount of memory, as it is named on a command line.

use std::fmt;
use std::str::FromStr;

const MIB: usize = 1 << 20;

/// An amount of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory(usize);

/// Not an amount of memory that a command works with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is a number with MiB or GiB, such as 512MiB or 2GiB, and 64MiB at least")]
pub struct MemoryError;

impl Memory {
    /// The least that can be named.
    pub const LEAST: Self = Self::mebibytes(64);

    /// So many MiB.
    #[must_use]
    pub const fn mebibytes(number: usize) -> Self {
        Self(number * MIB)
    }

    /// So many bytes, be they fewer than can be named.
    #[must_use]
    pub const fn from_bytes(bytes: usize) -> Self {
        Self(bytes)
    }

    /// The n-th part of it, in bytes.
    #[must_use]
    pub fn share(self, n: usize) -> usize {
        self.0 / n
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
        let number: usize = number.trim_end().parse().map_err(|_| MemoryError)?;
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
        for (text, mebibytes) in [("512MiB", 512), ("2GiB", 2048), ("64 MiB", 64)] {
            assert_eq!(text.parse(), Ok(Memory::mebibytes(mebibytes)), "{text}");
        }
        for bad in
            ["", "512", "63MiB", "-1GiB", "1.5GiB", "GiB", "1TiB", "99999999999999999999MiB", "18446744073709551615GiB"]
        {
            assert_eq!(bad.parse::<Memory>(), Err(MemoryError), "{bad}");
        }
        assert_eq!(Memory::LEAST.to_string(), "64MiB");
        assert_eq!(Memory::from_bytes(7).share(2), 3);
    }
}
