//! How far a seal has come: what the spill holds for certain, from which the same seal goes on.
//!
//! It says nothing of what was rejected or counted: the rows before it are read again, and only not evaluated again.

use std::path::Path;

use blindlist_store::file;
use serde::{Deserialize, Serialize};

use crate::Error;

const VERSION: u32 = 1;

/// Most bytes of a checkpoint.
const LIMIT: u64 = 4_096;

/// What a spill holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Checkpoint {
    version: u32,
    /// The partitions of the spill.
    partitions: usize,
    /// People taken over from the earlier release, once they all are.
    pub(super) earlier: Option<u64>,
    /// Rows of all inputs, from the first on, that are evaluated or rejected.
    pub(super) rows: u64,
    /// The length of the spill up to there.
    pub(super) spilled: u64,
}

impl Checkpoint {
    /// The beginning.
    pub(super) fn begin(partitions: usize) -> Self {
        Self { version: VERSION, partitions, earlier: None, rows: 0, spilled: 0 }
    }

    /// The checkpoint of a seal with so many partitions; none when there is none that it could go on from.
    pub(super) fn read(path: &Path, partitions: usize) -> Option<Self> {
        let found: Self = serde_json::from_slice(&file::read_limited(path, LIMIT).ok()?).ok()?;
        (found.version == VERSION && found.partitions == partitions).then_some(found)
    }

    /// Writes it. What it says is on the disk already.
    pub(super) fn write(&self, path: &Path) -> Result<(), Error> {
        let text = serde_json::to_vec(self).expect("numbers have a JSON form");
        Ok(file::write_atomic(path, &text)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_of_another_kind_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint.json");
        assert_eq!(Checkpoint::read(&path, 512), None);
        let checkpoint = Checkpoint { earlier: Some(3), rows: 7, spilled: 99, ..Checkpoint::begin(512) };
        checkpoint.write(&path).unwrap();
        assert_eq!(Checkpoint::read(&path, 512), Some(checkpoint));
        assert_eq!(Checkpoint::read(&path, 256), None);
        let text = std::fs::read_to_string(&path).unwrap();
        for bad in
            [text.replace("\"version\":1", "\"version\":2"), text.replace('}', ",\"x\":1}"), text[1..].to_owned()]
        {
            std::fs::write(&path, bad).unwrap();
            assert_eq!(Checkpoint::read(&path, 512), None);
        }
    }
}
