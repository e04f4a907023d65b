//! From the rows of the inputs to the records of an index: read, identify, evaluate, derive.
//!
//! One thread reads blocks of rows ahead of all cores, which work on one block each. Memory holds the records, 32 bytes
//! each, and a few blocks. A split reads its inputs once too: each part has records of its own. Nothing here decides
//! what is published.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;

use blindlist_protocol::entry::{Dictionary, Entry, Label};
use blindlist_protocol::identifier::{Identifier, Scheme};
use blindlist_protocol::ids::ReleaseId;
use blindlist_protocol::oprf::{SecretKey, evaluate_inputs};
use blindlist_records::{Batch, Column, Columns, Digest, Reason, Rejection, Row, Table, TableError, find_header};
use blindlist_store::text;
use rayon::iter::{ParallelBridge as _, ParallelIterator as _};
use zeroize::{Zeroize, Zeroizing};

use super::audience::{Audience, AudienceError, Split};
use super::plan::Choices;
use super::progress::Progress;
use super::rejects::{Counts, RejectLog};
use crate::Error;

/// Rows that are evaluated together: enough to share an inversion, few enough to spread evenly.
const BLOCK: usize = 1_024;

/// Longest part of a header that is shown, in characters.
const SHOWN_HEADER: usize = 60;

/// Blocks that wait for a core.
const AHEAD: usize = 8;

/// What is done to each row.
pub(super) struct Work<'a> {
    pub(super) scheme: Scheme,
    pub(super) columns: Vec<(Column, String)>,
    pub(super) dictionary: &'a Dictionary,
    /// How rows are dealt out to several lists; without it there is one list of all.
    split: Option<Dealt<'a>>,
    /// The key, and the release of each list; without them rows are only checked.
    pub(super) evaluate: Option<(&'a SecretKey, Vec<ReleaseId>)>,
}

/// Which list a row belongs to.
struct Dealt<'a> {
    split: &'a Split,
    places: HashMap<&'a str, usize>,
}

impl<'a> Work<'a> {
    pub(super) fn new(choices: &'a Choices, evaluate: Option<(&'a SecretKey, Vec<ReleaseId>)>) -> Result<Self, Error> {
        let split = match &choices.audience {
            Audience::Split(split) => Some(Dealt { split, places: split.places() }),
            Audience::Unsaid | Audience::All | Audience::Named(_) => None,
        };
        let (scheme, columns, dictionary) = (choices.scheme, choices.overrides()?, &choices.categories);
        Ok(Self { scheme, columns, dictionary, split, evaluate })
    }

    fn lists(&self) -> usize {
        self.split.as_ref().map_or(1, |dealt| dealt.split.parts.len())
    }
}

/// A person in the release to be. Equal tags are one person.
///
/// # Security
/// Tells what leaked for whoever has this tag: no `Debug`, zeroised on drop.
#[derive(Clone, Copy, Zeroize)]
pub(super) struct Record {
    pub(super) tag: u128,
    /// The low 64 bits of the pad: a label uses no more.
    pub(super) pad: u64,
    pub(super) label: u64,
}

impl Record {
    pub(super) fn new(entry: &Entry, label: Label) -> Self {
        let low = entry.pad & u128::from(u64::MAX);
        Self { tag: entry.tag, pad: u64::try_from(low).expect("64 bits"), label: label.bits() }
    }
}

/// What came out of all inputs for one list.
#[derive(Default)]
pub(super) struct Gathering {
    pub(super) records: Zeroizing<Vec<Record>>,
    /// Rows that were not rejected.
    pub(super) rows: u64,
}

/// What came out of all inputs.
#[derive(Default)]
pub(super) struct Gathered {
    /// One for each list.
    pub(super) lists: Vec<Gathering>,
    pub(super) rows: u64,
    pub(super) rejected: Counts,
    pub(super) inputs: Vec<ReadInput>,
}

/// An input that was read to its end.
pub(super) struct ReadInput {
    pub(super) digest: Digest,
    pub(super) columns: Vec<String>,
}

impl Gathered {
    /// Rows that were rejected.
    pub(super) fn rejects(&self) -> u64 {
        self.rejected.values().sum()
    }
}

/// Reads all inputs, one after the other. `rejects` names the file for the rejected rows of each, by its place.
pub(super) fn gather(
    inputs: &[PathBuf],
    work: &Work<'_>,
    rejects: impl Fn(usize) -> Option<PathBuf>,
    progress: &Progress,
) -> Result<Gathered, Error> {
    let mut gathered = Gathered::default();
    gathered.lists.resize_with(work.lists(), Gathering::default);
    for (place, input) in inputs.iter().enumerate() {
        gather_one(input, work, rejects(place).as_deref(), progress, &mut gathered)?;
    }
    Ok(gathered)
}

fn gather_one(
    input: &Path,
    work: &Work<'_>,
    rejects: Option<&Path>,
    progress: &Progress,
    gathered: &mut Gathered,
) -> Result<(), Error> {
    let table = Table::open(input)?;
    let columns = Columns::resolve(table.headers(), work.scheme, &work.columns)
        .map_err(|reason| Error::Columns { path: input.to_owned(), reason })?;
    let mut described = columns.describe().to_vec();
    let code = match &work.split {
        None => None,
        Some(Dealt { split, places }) => {
            let place = find_header(table.headers(), &split.column);
            let place = place.map_err(|reason| AudienceError::Column { path: input.to_owned(), reason })?;
            let header = text::escape(split.column.trim(), SHOWN_HEADER);
            described.push(format!("split_by <- \"{header}\" (column {})", place + 1));
            Some((place, places))
        }
    };
    // A dry run tells them with its result.
    if work.evaluate.is_some() {
        progress.tell_columns(input, &described);
    }
    let worker = Worker {
        work,
        columns: &columns,
        code,
        lists: Mutex::new(std::mem::take(&mut gathered.lists)),
        log: Mutex::new(RejectLog::new(rejects)?),
        progress,
    };
    let (full, blocks) = sync_channel(AHEAD);
    let (empty, spare) = channel();
    let (worked, read) = thread::scope(|scope| {
        let reader = scope.spawn(move || read_all(table, full, &spare, progress));
        let worked = blocks.into_iter().par_bridge().try_for_each(|block| worker.take(block, &empty));
        let read = reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        (worked, read)
    });
    worked?;
    let (rows, digest) = read?;
    gathered.lists = worker.lists.into_inner().expect(UNPOISONED);
    gathered.rows += rows;
    for (kind, count) in worker.log.into_inner().expect(UNPOISONED).finish()? {
        *gathered.rejected.entry(kind).or_default() += count;
    }
    gathered.inputs.push(ReadInput { digest, columns: described });
    Ok(())
}

/// Some rows of a table, and which of its blocks they are, from 0.
struct Block {
    number: u64,
    rows: Batch,
}

/// Reads until the table ends, or nobody takes the blocks any more.
fn read_all(
    mut table: Table,
    full: SyncSender<Block>,
    spare: &Receiver<Batch>,
    progress: &Progress,
) -> Result<(u64, Digest), TableError> {
    let mut rows = 0_u64;
    for number in 0.. {
        let mut batch = spare.try_recv().unwrap_or_default();
        let before = table.progress().read;
        match table.read_batch(&mut batch, BLOCK)? {
            0 => break,
            read => rows += read as u64,
        }
        progress.read(table.progress().read - before);
        if full.send(Block { number, rows: batch }).is_err() {
            break;
        }
    }
    // Before the digest of what is left is computed: the cores need not wait for it.
    drop(full);
    Ok((rows, table.finish()?))
}

/// What every core shares.
struct Worker<'a> {
    work: &'a Work<'a>,
    columns: &'a Columns,
    /// The place of the column that tells the list, and which code tells which.
    code: Option<(usize, &'a HashMap<&'a str, usize>)>,
    lists: Mutex<Vec<Gathering>>,
    log: Mutex<RejectLog>,
    progress: &'a Progress,
}

impl Worker<'_> {
    fn take(&self, block: Block, empty: &Sender<Batch>) -> Result<(), Error> {
        let (mut people, mut whats, mut rejected) = (Vec::with_capacity(BLOCK), Vec::with_capacity(BLOCK), Vec::new());
        for row in block.rows.iter() {
            match self.person(&row).and_then(|(person, label)| Ok((person, (label, self.list(&row)?)))) {
                Ok((person, what)) => {
                    people.push(person);
                    whats.push(what);
                }
                Err(reason) => rejected.push(reason),
            }
        }
        self.log.lock().expect(UNPOISONED).add(block.number, rejected)?;
        let records = match &self.work.evaluate {
            None => Zeroizing::default(),
            Some((key, releases)) => Zeroizing::new(evaluate(key, releases, &people, &whats)),
        };
        let mut lists = self.lists.lock().expect(UNPOISONED);
        for (place, (_, list)) in whats.iter().enumerate() {
            if let Some(list) = lists.get_mut(*list) {
                list.rows += 1;
                list.records.extend(records.get(place));
            }
        }
        drop(lists);
        self.progress.rows(block.rows.len() as u64);
        // Fails when the reader has ended and needs no batch any more.
        let _ = empty.send(block.rows);
        Ok(())
    }

    fn person(&self, row: &Row<'_>) -> Result<(Identifier, Label), Rejection> {
        let identifier = self.columns.identifier(row)?;
        let dictionary = self.work.dictionary;
        let label = match self.columns.categories(row) {
            None => Some(dictionary.full()),
            Some(names) => names
                .split('|')
                .map(|name| dictionary.one(name.trim()))
                .reduce(|all, one| Some(all?.union(one?)))
                .flatten(),
        };
        let unknown = Rejection { row: row.number(), column: Column::Categories.name(), reason: Reason::Category };
        label.map(|label| (identifier, label)).ok_or(unknown)
    }

    /// The list that a row belongs to.
    fn list(&self, row: &Row<'_>) -> Result<usize, Rejection> {
        let Some((place, codes)) = self.code else { return Ok(0) };
        let list = row.cell(place).and_then(|code| codes.get(code.trim()).copied());
        list.ok_or(Rejection { row: row.number(), column: "split_by", reason: Reason::Unmapped })
    }
}

/// The records of some people, each with a label and the place of a release.
pub(super) fn evaluate(
    key: &SecretKey,
    releases: &[ReleaseId],
    people: &[Identifier],
    whats: &[(Label, usize)],
) -> Vec<Record> {
    let inputs: Vec<&[u8]> = people.iter().map(Identifier::as_bytes).collect();
    let evaluations = evaluate_inputs(key, &inputs);
    let records = evaluations.iter().zip(whats).map(|(evaluation, (label, list))| {
        let release = releases.get(*list).expect("there is a release for each list");
        Record::new(&Entry::derive(release, evaluation), *label)
    });
    records.collect()
}

const UNPOISONED: &str = "no core panics while it holds the lock";
