//! The second reading of the member file, and the results: `affected` and `rejected` in the format that was chosen,
//! `report.html`, `summary.json`. docs/RESULTS.md has their shape.
//!
//! All are written under temporary names and renamed at the end, the summary last, which says what is complete. With
//! `--summary-only` the first two are not written, and what an earlier check left under these names is not touched.

mod affected;
#[cfg(test)]
mod tests;

use std::io::Write;
use std::path::{Path, PathBuf};

use blindlist_protocol::ids::Digest;
use blindlist_protocol::live::Release;
use blindlist_protocol::text::Slug;
use blindlist_records::{Batch, Format, Look, RejectedWriter, Rejection, Table, WriteError};
use blindlist_store::StoreError;
use blindlist_store::file::{AtomicFile, destroy_leftovers};

use super::CheckOptions;
use super::findings::Findings;
use super::members::{self, BATCH};
use super::reading::Reading;
use super::summary::Summary;
use crate::caller::Unit;
use crate::{Caller, ClientError, report};
use affected::Affected;

const AFFECTED: &str = "affected";
const REJECTED: &str = "rejected";
const REPORT: &str = "report.html";
const SUMMARY: &str = "summary.json";

/// The files that are written, in the order in which they are put in place.
pub(super) fn files(format: Format, summary_only: bool) -> Vec<String> {
    let tables = if summary_only { &[][..] } else { &[AFFECTED, REJECTED] };
    let tables = tables.iter().map(|table| format!("{table}.{format}"));
    tables.chain([REPORT, SUMMARY].map(str::to_owned)).collect()
}

/// A list that was checked.
pub(super) struct CheckedList<'a> {
    /// The operator, if there are several.
    pub operator: Option<&'a Slug>,
    /// The release.
    pub release: &'a Release,
}

/// Reads the members again and writes the results; counts the affected into the summary.
///
/// # Errors
/// [`ClientError::HalfWritten`] when not all could be put in place. [`ClientError::MembersChanged`] when the file is not
/// what it was; [`ClientError::Interrupted`]; [`ClientError::Results`] when the format cannot hold them;
/// [`ClientError::Store`]: nothing is written then.
pub(super) fn write(
    options: &CheckOptions,
    reading: &Reading,
    checked: Vec<CheckedList<'_>>,
    findings: &mut Findings,
    summary: &mut Summary,
    caller: &Caller,
) -> Result<(), ClientError> {
    // Rows of members may be among what was left.
    for name in files(options.format, options.summary_only) {
        destroy_leftovers(options.out.join(name))?;
    }
    let mut table = reading.members.table()?;
    let columns = members::columns(&table, reading.scheme, &reading.columns)?;
    let (affected, mut rejected) = if options.summary_only {
        (None, None)
    } else {
        let file = AtomicFile::create(path(options, AFFECTED))?;
        (Some((look(options, &table, AFFECTED), file)), Some(Rejected::new(options, reading, &table)?))
    };
    let mut affected = Affected::new(affected, &table, checked)?;
    let (report_file, summary_file) = (open(options, REPORT)?, open(options, SUMMARY)?);
    let mut batch = Batch::new();
    let meter = caller.meter("writing the results", Unit::Bytes, table.progress().total);
    while table.read_batch(&mut batch, BATCH)? > 0 {
        caller.check()?;
        for row in batch.iter() {
            match (columns.identifier(&row), &mut rejected) {
                (Ok(identifier), _) => affected.write(&row, &findings.of(&identifier))?,
                (Err(rejection), Some(rejected)) => rejected.write(&rejection)?,
                (Err(_), None) => {}
            }
        }
        meter.set(table.progress().read);
    }
    drop(meter);
    if Digest::from_bytes(table.finish()?.sha256).to_string() != reading.sha256 {
        return Err(ClientError::MembersChanged(options.members.path().to_owned()));
    }
    summary.affected.rows = affected.rows();
    summary.affected.people = findings.people();
    let (affected, lists) = affected.finish()?;
    summary.put_lists(lists);
    summary.results = files(options.format, options.summary_only);
    summary.out.clone_from(&options.out);
    let tables = [affected, rejected.map(Rejected::finish).transpose()?].into_iter().flatten();
    let report_file = filled(report_file, report::html(summary).as_bytes())?;
    let summary_file = filled(summary_file, &summary.to_json()?)?;
    caller.check()?;
    for (new, file) in tables.chain([report_file, summary_file]).enumerate() {
        let failed = |source| ClientError::HalfWritten { files: summary.results.clone(), new, source };
        file.commit().map_err(failed)?;
    }
    warn_of_others(options, caller);
    Ok(())
}

/// Reads the members again and writes those that are rejected, and nothing else; the file. No cell is in it, so that it is
/// written with `--summary-only` too.
pub(super) fn write_rejected(
    options: &CheckOptions,
    reading: &Reading,
    caller: &Caller,
) -> Result<PathBuf, ClientError> {
    let mut table = reading.members.table()?;
    let columns = members::columns(&table, reading.scheme, &reading.columns)?;
    let mut rejected = Rejected::new(options, reading, &table)?;
    let mut batch = Batch::new();
    while table.read_batch(&mut batch, BATCH)? > 0 {
        caller.check()?;
        for rejection in batch.iter().filter_map(|row| columns.identifier(&row).err()) {
            rejected.write(&rejection)?;
        }
    }
    rejected.finish()?.commit()?;
    Ok(path(options, REJECTED))
}

/// Says that tables of an earlier check lie beside the new results, so that nobody takes them for these.
fn warn_of_others(options: &CheckOptions, caller: &Caller) {
    let written = files(options.format, options.summary_only);
    let all = Format::ALL.into_iter().flat_map(|format| files(format, false));
    let others = all.filter(|name| !written.contains(name) && options.out.join(name).exists());
    for name in others {
        caller.warn(format!("{name} in the folder of the results is of an earlier check; it was left as it is"));
    }
}

/// Where a table is written.
fn path(options: &CheckOptions, table: &str) -> PathBuf {
    options.out.join(format!("{table}.{}", options.format))
}

/// In the format that was chosen; as CSV, like the member file.
fn look(options: &CheckOptions, table: &Table, sheet: &'static str) -> Look<'static> {
    Look { format: options.format, csv: table.csv_style(), sheet }
}

fn open(options: &CheckOptions, name: &str) -> Result<AtomicFile, ClientError> {
    Ok(AtomicFile::create(options.out.join(name))?)
}

/// To the last byte, so that a full disk is noticed before any file is put in place.
fn filled(mut file: AtomicFile, bytes: &[u8]) -> Result<AtomicFile, ClientError> {
    let written = file.write_all(bytes).and_then(|()| file.flush());
    written.map_err(|source| file.write_error(source))?;
    Ok(file)
}

/// What to report when a table could not be written.
fn failed(path: &Path, error: WriteError) -> ClientError {
    match error {
        WriteError::Io(source) => StoreError::io("write", path, source).into(),
        WriteError::TooManyRows
        | WriteError::TooManyColumns
        | WriteError::CellTooLong { .. }
        | WriteError::TooLarge
        | WriteError::NotBuilt => ClientError::Results { path: path.to_owned(), source: error },
    }
}

/// Writes the rejected rows.
struct Rejected {
    table: RejectedWriter<AtomicFile>,
    path: PathBuf,
}

impl Rejected {
    fn new(options: &CheckOptions, reading: &Reading, table: &Table) -> Result<Self, ClientError> {
        let path = path(options, REJECTED);
        let file = AtomicFile::create(&path)?;
        let table = RejectedWriter::new(&look(options, table, REJECTED), reading.members.path(), file);
        Ok(Self { table: table.map_err(|error| failed(&path, error))?, path })
    }

    fn write(&mut self, rejection: &Rejection) -> Result<(), ClientError> {
        self.table.write(rejection).map_err(|error| failed(&self.path, error))
    }

    fn finish(self) -> Result<AtomicFile, ClientError> {
        self.table.finish().map_err(|error| failed(&self.path, error))
    }
}
