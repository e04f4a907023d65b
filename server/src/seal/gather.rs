//! All inputs, one after the other, into the spill.
//!
//! One thread reads blocks of rows, the pool evaluates them, and one thread takes what comes out in the order of the
//! file. A fixed number of blocks is under way: when one takes long, reading waits, so that memory stays bounded.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use blindlist_records::{Batch, Digest, Table, TableError};
use rayon::ThreadPool;

use super::commit::Commit;
use super::inputs::Source;
use super::pipeline::{BLOCK, Block, Found, Work, Worked};
use super::progress::Progress;
use super::rejects::{Counts, RejectLog};
use crate::Error;

/// Blocks that wait for a core.
const AHEAD: usize = 4;

/// What came out of all inputs, besides the records.
#[derive(Default)]
pub(super) struct Gathered {
    /// Rows of each list that were not rejected.
    pub(super) lists: Vec<u64>,
    pub(super) inputs: Vec<ReadInput>,
}

/// An input that was read to its end.
pub(super) struct ReadInput {
    pub(super) digest: Digest,
    pub(super) rows: u64,
    pub(super) rejected: Counts,
}

impl Gathered {
    /// Rows of all inputs.
    pub(super) fn rows(&self) -> u64 {
        self.inputs.iter().map(|input| input.rows).sum()
    }

    /// Rows that were rejected, by column and reason.
    pub(super) fn rejected(&self) -> Counts {
        let mut all = Counts::new();
        for (kind, rows) in self.inputs.iter().flat_map(|input| &input.rejected) {
            *all.entry(kind.clone()).or_default() += rows;
        }
        all
    }
}

/// Reads all inputs. `rejects` names the file for the rejected rows of each, by its place.
pub(super) fn gather(
    sources: &[Source],
    work: &Work<'_>,
    pool: &ThreadPool,
    commit: &mut Commit,
    rejects: impl Fn(usize) -> Option<PathBuf>,
    progress: &Progress,
) -> Result<Gathered, Error> {
    let mut inputs = Vec::new();
    for (place, source) in sources.iter().enumerate() {
        let (table, found) = work.open(source)?;
        let log = RejectLog::new(source.path(), rejects(place).as_deref())?;
        let mut input = Input { work, found, pool, progress, log };
        let (rows, digest) = input.read(table, commit)?;
        inputs.push(ReadInput { digest, rows, rejected: input.log.finish()? });
    }
    Ok(Gathered { lists: commit.lists().to_vec(), inputs })
}

/// One input.
struct Input<'a> {
    work: &'a Work<'a>,
    found: Found,
    pool: &'a ThreadPool,
    progress: &'a Progress,
    log: RejectLog,
}

/// A block that was worked on, or the panic that it ended in.
type Done = (Block, Result<Worked, Box<dyn Any + Send>>);

impl Input<'_> {
    fn read(&mut self, table: Table, commit: &mut Commit) -> Result<(u64, Digest), Error> {
        let (spare, empty) = channel();
        for _ in 0..self.pool.current_num_threads() + AHEAD {
            spare.send(Batch::new()).expect("its receiver is here");
        }
        let (done, worked) = channel();
        let (work, found, pool, progress, log) = (self.work, &self.found, self.pool, self.progress, &mut self.log);
        let ahead = commit.ahead();
        let (committed, read) = thread::scope(|scope| {
            let taking = scope.spawn(move || take_all(&worked, &spare, commit, log, progress));
            let read = pool.in_place_scope(|cores| {
                read_all(table, &empty, ahead, progress, |block| {
                    let done = done.clone();
                    cores.spawn(move |_| {
                        let worked = catch_unwind(AssertUnwindSafe(|| work.take(found, &block)));
                        // Nobody takes it once taking has failed.
                        let _ = done.send((block, worked));
                    });
                })
            });
            drop(done);
            (taking.join().unwrap_or_else(|panic| resume_unwind(panic)), read)
        });
        committed?;
        Ok(read?.expect("reading is given up only when taking has failed"))
    }
}

/// Reads until the table ends; none when nobody gives batches back any more. Of the rows, `done` are evaluated already.
fn read_all(
    mut table: Table,
    empty: &Receiver<Batch>,
    mut done: u64,
    progress: &Progress,
    mut give: impl FnMut(Block),
) -> Result<Option<(u64, Digest)>, TableError> {
    let mut rows = 0_u64;
    for number in 0.. {
        let Ok(mut batch) = empty.recv() else { return Ok(None) };
        let before = table.progress().read;
        let read = table.read_batch(&mut batch, BLOCK)?;
        progress.read(table.progress().read - before);
        if read == 0 {
            break;
        }
        rows += read as u64;
        let of_these = usize::try_from(done).map_or(read, |done| done.min(read));
        done -= of_these as u64;
        give(Block { number, done: of_these, rows: batch });
    }
    Ok(Some((rows, table.finish()?)))
}

/// Takes blocks in the order of the file.
fn take_all(
    worked: &Receiver<Done>,
    spare: &Sender<Batch>,
    commit: &mut Commit,
    log: &mut RejectLog,
    progress: &Progress,
) -> Result<(), Error> {
    let (mut waiting, mut next) = (BTreeMap::new(), 0);
    for (block, outcome) in worked {
        let outcome = outcome.unwrap_or_else(|panic| resume_unwind(panic));
        waiting.insert(block.number, (block, outcome));
        while let Some((block, worked)) = waiting.remove(&next) {
            next += 1;
            log.add(&worked.rejected)?;
            commit.take(block.rows.len(), &worked)?;
            progress.rows(block.rows.len() as u64);
            // Fails when reading has ended and needs no batch any more.
            let _ = spare.send(block.rows);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use blindlist_protocol::oprf::SecretKey;
    use blindlist_store::folder::PrivateFolder;

    use super::super::checkpoint::Checkpoint;
    use super::super::commit::Keeper;
    use super::super::pipeline::Rule;
    use super::super::resources::Resources;
    use super::super::sorted::Spilled;
    use super::*;
    use crate::testing::{choices, people};

    /// Anything else than the end would be a wait for ever.
    #[test]
    fn a_core_that_panics_ends_the_reading() {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("in.csv");
        std::fs::write(&input, people(30_000)).unwrap();
        let (choices, resources) = (choices("breach"), Resources::default());
        let key = SecretKey::from_uniform_bytes(&[7; 64]).unwrap();
        // There is no release for the list.
        let work = Work::new(&choices, Rule::Evaluate(&key, vec![])).unwrap();
        let home = PrivateFolder::create(folder.path().join("home")).unwrap();
        let spilled = Spilled::temporary(&home, work.layout(), 1, 1 << 20).unwrap();
        let keeper = Keeper::new(None, Checkpoint::begin(0), resources.checkpoints.clone());
        let mut commit = Commit::new(spilled, 1, keeper);
        let sources = Source::all(&[input], home.path()).unwrap();
        let (pool, progress) = (resources.pool().unwrap(), Progress::reading(&sources));
        let all = || gather(&sources, &work, &pool, &mut commit, |_| None, &progress).map(|gathered| gathered.rows());
        assert!(catch_unwind(AssertUnwindSafe(all)).is_err());
    }
}
