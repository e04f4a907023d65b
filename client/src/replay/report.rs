//! What a replay found, for people.

use std::fmt;

use blindlist_protocol::checkpoint::Checkpoint;
use blindlist_protocol::ids::Digest;

use super::compare::{Compared, Stray, WhyAbsent, WhyStray};
use crate::show::{moment, number, table};
use crate::{ClientError, EvidenceError};

/// Rows of a table that are shown.
const SHOWN: usize = 1_000;

/// What a replay found, by its `Display`.
#[derive(Debug)]
pub struct Report {
    log: Checkpoint,
    jobs: usize,
    compared: Compared,
    confirmed: usize,
    contradicted: Vec<u64>,
    remembered: Option<(Checkpoint, Standing)>,
}

/// How a remembered checkpoint stands to the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// It is a beginning of it.
    Holds,
    /// The log was exported before.
    Later,
    /// It is of another log, or of one that was longer.
    Contradicted,
}

impl Report {
    /// A report of the log with this checkpoint.
    pub(super) fn new(
        log: &Checkpoint,
        jobs: usize,
        compared: Compared,
        confirmed: usize,
        contradicted: Vec<u64>,
    ) -> Self {
        Self { log: log.clone(), jobs, compared, confirmed, contradicted, remembered: None }
    }

    /// With the checkpoint that is remembered, and the root that the log has over as many entries.
    pub(super) fn with_remembered(mut self, remembered: Option<Checkpoint>, root: Option<Digest>) -> Self {
        let log = &self.log;
        let standing = |remembered: &Checkpoint| match root {
            Some(root) if root == remembered.root => Standing::Holds,
            None if remembered.size == 0 => Standing::Holds,
            // The empty log, or one that was exported before.
            None if remembered.size > log.size && log.time <= remembered.time => Standing::Later,
            Some(_) | None => Standing::Contradicted,
        };
        self.remembered = remembered.map(|remembered| {
            let standing = standing(&remembered);
            (remembered, standing)
        });
        self
    }

    /// Whether log and evidence agree.
    ///
    /// # Errors
    /// [`EvidenceError::Contradicts`] when the log is not what its key has signed before, [`EvidenceError::Disagree`].
    pub fn judge(&self) -> Result<(), ClientError> {
        let left_out = |why| matches!(why, WhyAbsent::LeftOut(_));
        let later = |why| matches!(why, WhyAbsent::Later(_));
        let standing = self.remembered.as_ref().map(|(_, standing)| *standing);
        let contradicts = !self.contradicted.is_empty()
            || standing == Some(Standing::Contradicted)
            || self.compared.absent.iter().any(|absent| left_out(absent.why))
            || self.compared.strays.iter().any(|stray| stray.why == WhyStray::Forged);
        let disagrees = !self.compared.strays.is_empty()
            || standing == Some(Standing::Later)
            || self.compared.absent.iter().any(|absent| later(absent.why));
        match (contradicts, disagrees) {
            (true, _) => Err(EvidenceError::Contradicts.into()),
            (false, true) => Err(EvidenceError::Disagree.into()),
            (false, false) => Ok(()),
        }
    }

    fn strays(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.compared.strays.is_empty() {
            return Ok(());
        }
        writeln!(f, "\nCharges of this insurer that are no chunk of these jobs:\n")?;
        let row = |Stray { logged, why }: &Stray| {
            let charge = &logged.charge;
            let (index, time) = (logged.index.to_string(), moment(logged.time));
            let (job, chunk, count) = (charge.job.to_string(), charge.number.to_string(), number(charge.count.into()));
            let why = match why {
                WhyStray::NoEvidence => "there is no evidence of its job",
                WhyStray::NoChunk => "its job has no such chunk",
                WhyStray::OtherChunk => "its job's chunk is another one",
                WhyStray::Forged => "this insurer did not sign it",
                WhyStray::UnknownKey => "another key signed it: name --profile, which knows all keys of this insurer",
            };
            vec![index, time, job, chunk, count, why.to_owned()]
        };
        rows(f, ["ENTRY", "TIME", "JOB", "CHUNK", "ELEMENTS", "WHY"], self.compared.strays.iter().map(row))
    }

    fn absent(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.compared.absent.is_empty() {
            return Ok(());
        }
        writeln!(f, "\nChunks of these jobs that the log does not charge:\n")?;
        let row = |absent: &super::compare::Absent| {
            let why = match absent.why {
                WhyAbsent::NoReceipt => "not sent: no receipt is held".to_owned(),
                WhyAbsent::Later(index) => format!("the export is older than the receipt of entry {index}"),
                WhyAbsent::LeftOut(index) => format!("LEFT OUT: a receipt of entry {index} is held"),
            };
            let (job, chunk, count) = (absent.job.to_string(), absent.number.to_string(), number(absent.count.into()));
            vec![job, chunk, count, why]
        };
        rows(f, ["JOB", "CHUNK", "ELEMENTS", "WHY"], self.compared.absent.iter().map(row))
    }
}

fn rows<const N: usize>(
    f: &mut fmt::Formatter<'_>,
    header: [&str; N],
    all: impl ExactSizeIterator<Item = Vec<String>>,
) -> fmt::Result {
    let more = all.len().saturating_sub(SHOWN);
    let rows: Vec<Vec<String>> = std::iter::once(header.map(str::to_owned).to_vec()).chain(all.take(SHOWN)).collect();
    f.write_str(&table(&rows))?;
    if more > 0 { writeln!(f, "… and {} more", number(more as u64)) } else { Ok(()) }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { log, compared, .. } = self;
        writeln!(f, "log         {} entries at {}, root {}", number(log.size), moment(log.time), log.root)?;
        let charges = compared.agreeing + compared.strays.len() as u64;
        let (charges, agreeing, elements) = (number(charges), number(compared.agreeing), number(compared.elements));
        let jobs = if self.jobs == 1 { "one job".to_owned() } else { format!("{} jobs", number(self.jobs as u64)) };
        writeln!(f, "charges     {charges} of this insurer; chunks of {jobs}: {agreeing}, with {elements} elements")?;
        writeln!(f, "receipts    held for entries that the log has: {}", number(self.confirmed as u64))?;
        for index in &self.contradicted {
            writeln!(f, "            CONTRADICTED: entry {index} is another one than the receipt's")?;
        }
        if let Some((remembered, standing)) = &self.remembered {
            let size = number(remembered.size);
            let standing = match standing {
                Standing::Holds => "is a beginning of this log",
                Standing::Later => "is later than this export",
                Standing::Contradicted => "CONTRADICTED: it is no beginning of this log",
            };
            writeln!(f, "checkpoint  the one remembered, of {size} entries, {standing}")?;
        }
        self.strays(f)?;
        self.absent(f)?;
        match self.judge() {
            Ok(()) => writeln!(f, "\nThe log charges these members, and nobody else in this insurer's name."),
            Err(_) => Ok(()),
        }
    }
}
