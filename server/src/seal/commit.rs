//! What the spill holds for certain: records in the order of the inputs, and how far that is.

use std::path::PathBuf;
use std::time::Instant;

use super::checkpoint::Checkpoint;
use super::pipeline::Worked;
use super::resources::Checkpoints;
use super::sorted::Spilled;
use crate::Error;
use crate::outside::instant;

/// Takes the records of all blocks, in order.
pub(super) struct Commit {
    pub(super) spilled: Spilled,
    /// Rows of each list that were not rejected.
    lists: Vec<u64>,
    /// Rows that were taken.
    rows: u64,
    keeper: Keeper,
}

/// Notes how far a seal is.
pub(super) struct Keeper {
    /// Where; a dry run notes nothing.
    path: Option<PathBuf>,
    last: Checkpoint,
    at: Instant,
    when: Checkpoints,
}

impl Keeper {
    /// Of a seal that begins, or goes on from a checkpoint.
    pub(super) fn new(path: Option<PathBuf>, last: Checkpoint, when: Checkpoints) -> Self {
        Self { path, last, at: instant(), when }
    }
}

impl Commit {
    pub(super) fn new(spilled: Spilled, lists: usize, keeper: Keeper) -> Self {
        Self { spilled, lists: vec![0; lists], rows: 0, keeper }
    }

    /// Rows of each list so far.
    pub(super) fn lists(&self) -> &[u64] {
        &self.lists
    }

    /// How many of the rows that come next the spill holds already.
    pub(super) fn ahead(&self) -> u64 {
        self.keeper.last.rows.saturating_sub(self.rows)
    }

    /// People taken over from the earlier release, if they are.
    pub(super) fn earlier(&self) -> Option<u64> {
        self.keeper.last.earlier
    }

    /// Takes what came out of the next rows.
    pub(super) fn take(&mut self, rows: usize, worked: &Worked) -> Result<(), Error> {
        for list in &worked.lists {
            *self.lists.get_mut(*list).expect("there is a count for each list") += 1;
        }
        let width = self.spilled.layout().width();
        let new = worked.records.len() / width;
        let lists = worked.lists.iter().skip(worked.lists.len() - new);
        for (list, record) in lists.zip(worked.records.chunks_exact(width)) {
            self.spilled.push(*list, record)?;
        }
        self.rows += rows as u64;
        #[cfg(test)]
        self.fail_if_told()?;
        let since = self.rows.saturating_sub(self.keeper.last.rows);
        if since >= self.keeper.when.rows || (since > 0 && self.keeper.at.elapsed() >= self.keeper.when.time) {
            self.note()?;
        }
        Ok(())
    }

    /// All people of the earlier release are in the spill.
    pub(super) fn took_over(&mut self, people: u64) -> Result<(), Error> {
        self.keeper.last.earlier = Some(people);
        self.note()
    }

    /// All rows are taken. A seal so short that nothing was noted is as soon begun again, and writes nothing that is removed
    /// at once.
    pub(super) fn end(&mut self) -> Result<(), Error> {
        let last = &self.keeper.last;
        if last.rows > 0 || last.earlier.is_some() { self.note() } else { Ok(()) }
    }

    /// Notes how far it is, once that is on the disk.
    fn note(&mut self) -> Result<(), Error> {
        let Some(path) = &self.keeper.path else { return Ok(()) };
        let mut next = self.keeper.last;
        next.rows = next.rows.max(self.rows);
        next.spilled = self.spilled.sync()?;
        next.write(path)?;
        self.keeper.last = next;
        self.keeper.at = instant();
        Ok(())
    }

    #[cfg(test)]
    fn fail_if_told(&self) -> Result<(), Error> {
        let told = self.keeper.when.fail_at.is_some_and(|rows| self.rows >= rows && self.rows > self.keeper.last.rows);
        let path = self.keeper.path.clone().unwrap_or_default();
        if told { Err(blindlist_store::StoreError::DiskFull { action: "write", path }.into()) } else { Ok(()) }
    }
}
