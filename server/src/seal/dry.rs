//! A dry run: everything that a seal does, with a keyed hash in place of the evaluation and nothing written to stay.
//!
//! Equal people meet under the hash as they would under the evaluation, so that everything is counted as in a seal; its key
//! is random and nobody keeps it. How long a seal takes is tried on people who do not exist, under a key of its own.

use std::path::PathBuf;
use std::time::Duration;

use blindlist_protocol::identifier::{Identifier, Scheme};
use blindlist_protocol::ids::ReleaseId;
use blindlist_protocol::oprf::{SecretKey, evaluate_inputs};
use blindlist_protocol::params::CANARIES;
use rayon::ThreadPool;

use super::checkpoint::Checkpoint;
use super::commit::{Commit, Keeper};
use super::encode::Entries;
use super::gather::{Gathered, gather};
use super::inputs::Source;
use super::kept::Kept;
use super::pipeline::{BLOCK, Rule, Work};
use super::plan::{Choices, Plan};
use super::progress::{Progress, rate};
use super::publish::Operator;
use super::record::Record;
use super::report::{Checked, CheckedList, Estimate, total};
use super::resources::Resources;
use super::sorted::{Room, Spilled};
use super::{By, account, append};
use crate::Error;
use crate::home::Home;
use crate::outside::{instant, random};

/// Reads the inputs as a seal would, and leaves nothing behind.
///
/// # Errors
/// Those that a seal of these inputs would end with.
pub fn dry_run(home: &Home, inputs: &[PathBuf], by: By, resources: &Resources) -> Result<Checked, Error> {
    let (choices, kept) = match by {
        By::Choices(choices) => (choices, None),
        By::Additions(additions) => {
            let operator = Operator::load(home)?;
            let (choices, appended) = append::choose(home, &operator, additions)?;
            let key = operator.chosen_epoch(choices.epoch.as_deref())?.whole_key()?;
            let kept = append::open(home, &choices.list, &appended, &key)?;
            (choices, Some(kept))
        }
        By::Plan(path) => (Plan::read(&path)?.choices, None),
    };
    let (sources, pool) = (Source::all(inputs, home.releases()?.path())?, resources.pool()?);
    let run = DryRun { home, choices: &choices, sources: &sources, kept: kept.as_ref(), resources, pool: &pool };
    run.run()
}

struct DryRun<'a> {
    home: &'a Home,
    choices: &'a Choices,
    sources: &'a [Source],
    /// Of the release that is added to.
    kept: Option<&'a Kept>,
    resources: &'a Resources,
    pool: &'a ThreadPool,
}

impl DryRun<'_> {
    fn run(&self) -> Result<Checked, Error> {
        let start = instant();
        let work = Work::new(self.choices, Rule::Hash(random()?))?;
        let opened = self.sources.iter().map(|source| Ok((source.path().to_owned(), work.open(source)?.1.described)));
        let columns = opened.collect::<Result<Vec<_>, Error>>()?;
        let spilled =
            Spilled::temporary(&self.home.releases()?, work.layout(), work.lists(), self.resources.for_buffers())?;
        let keeper = Keeper::new(None, Checkpoint::begin(0), self.resources.checkpoints.clone());
        let mut commit = Commit::new(spilled, work.lists(), keeper);
        if let Some(kept) = self.kept {
            append::derive(kept, ReleaseId::from_bytes(*random()?), self.pool, &mut commit.spilled)?;
        }
        let progress = Progress::reading(self.sources);
        let gathered = gather(self.sources, &work, self.pool, &mut commit, |_| None, &progress);
        progress.finish();
        let gathered = gathered?;
        let lists = self.lists(&commit.spilled, &gathered)?;
        let rejected = account::kinds(&gathered.rejected());
        let valid = gathered.rows() - total(&rejected);
        Ok(Checked {
            rows: gathered.rows(),
            rejected,
            columns,
            lists,
            earlier: self.kept.map(Kept::people),
            estimate: self.estimate(valid, start.elapsed())?,
            accept_rejects: self.choices.accept_rejects,
        })
    }

    fn lists(&self, spilled: &Spilled, gathered: &Gathered) -> Result<Vec<CheckedList>, Error> {
        let room = Room { pool: self.pool, bytes: self.resources.for_sorting() };
        // Hashes of no canaries are as good as theirs.
        let canaries = [(); CANARIES].map(|()| random::<16>());
        let mut records = Vec::new();
        for tag in canaries {
            records.push(Record { tag: u128::from_le_bytes(*tag?), pad: 0, label: 1 });
        }
        let earlier = self.kept.map_or(0, Kept::people);
        let mut lists = Vec::new();
        for (place, (chosen, rows)) in self.choices.lists()?.into_iter().zip(&gathered.lists).enumerate() {
            let entries = Entries {
                release: ReleaseId::from_bytes([0; 16]),
                requested_f: self.choices.false_positive_bits,
                dictionary: &self.choices.categories,
                canaries: &records,
                people: || spilled.people::<0>(place, &room),
            };
            let measured = entries.measure()?;
            // Nobody of the earlier release meets a row: their hashes are others.
            let people = measured.people - earlier;
            let index_bytes = if measured.people == 0 { 0 } else { measured.length };
            lists.push(CheckedList { list: chosen.list, rows: *rows, merged: rows - people, people, index_bytes });
        }
        Ok(lists)
    }

    /// How long a seal of so many rows takes, of which everything but evaluating took so long.
    fn estimate(&self, valid: u64, besides: Duration) -> Result<Estimate, Error> {
        let rate = self.try_evaluating()?;
        let evaluating = Duration::from_secs_f64(valid as f64 / rate as f64);
        Ok(Estimate { rate, threads: self.pool.current_num_threads(), time: evaluating + besides })
    }

    /// Evaluations a second, of all threads together.
    fn try_evaluating(&self) -> Result<u64, Error> {
        let key = SecretKey::from_uniform_bytes(&*random::<64>()?).map_err(|_| Error::Randomness)?;
        let people: Vec<Identifier> =
            (0..BLOCK as u128).map(|number| Identifier::canary(Scheme::Nir, &number.to_le_bytes())).collect();
        let inputs: Vec<&[u8]> = people.iter().map(Identifier::as_bytes).collect();
        let (start, trial) = (instant(), self.resources.trial);
        let blocks = self.pool.broadcast(|_| {
            let mut blocks = 0;
            while blocks == 0 || start.elapsed() < trial {
                // What comes out is dropped: nobody is evaluated under this key again.
                let _ = evaluate_inputs(&key, &inputs);
                blocks += 1;
            }
            blocks
        });
        Ok(rate(blocks.iter().sum::<u64>() * BLOCK as u64, start.elapsed()).max(1))
    }
}
