//! The second reading of the member file, and the three files: `affected.csv`, `rejected.csv`, `summary.json`.
//!
//! All are written under temporary names and renamed at the end, the summary last. Cells that come from the operator are
//! names of lists and categories, which have only letters, digits, `-` and `_`.

use std::collections::BTreeSet;
use std::io::{self, Write};

use blindlist_protocol::entry::Label;
use blindlist_protocol::ids::Digest;
use blindlist_protocol::live::Release;
use blindlist_protocol::text::Slug;
use blindlist_records::{Batch, RejectedWriter, Row, Table};
use blindlist_store::StoreError;
use blindlist_store::file::AtomicFile;

use super::CheckOptions;
use super::findings::Findings;
use super::members::{self, BATCH};
use super::plan::Plan;
use super::summary::{ListSummary, Summary};
use crate::{ClientError, Stop};

/// The files that are written.
pub const FILES: [&str; 3] = ["affected.csv", "rejected.csv", "summary.json"];

/// Between lists, and between categories, in one cell.
const SEPARATOR: &str = "|";

/// Reads the members again and writes the results; counts the affected into the summary.
///
/// # Errors
/// [`ClientError::HalfWritten`] when not all could be put in place. [`ClientError::MembersChanged`] when the file is not
/// what it was; [`ClientError::Interrupted`]; [`ClientError::Store`]: nothing is written then.
pub(super) fn write(
    options: &CheckOptions,
    plan: &Plan,
    findings: &mut Findings,
    summary: &mut Summary,
    stop: &Stop,
) -> Result<(), ClientError> {
    let [affected, rejected, summary_file] = FILES.map(|name| AtomicFile::create(options.out.join(name)));
    let rejected = rejected?;
    let rejected_failed = {
        let path = rejected.path().to_owned();
        move |source| StoreError::io("write", &path, source)
    };
    let mut rejections = RejectedWriter::new(rejected).map_err(&rejected_failed)?;
    let mut table = plan.members.table()?;
    let columns = members::columns(&table, plan.scheme, &plan.columns)?;
    let mut affected = Affected::new(affected?, &table, &plan.releases)?;
    let mut batch = Batch::new();
    while table.read_batch(&mut batch, BATCH)? > 0 {
        stop.check()?;
        for row in batch.iter() {
            match columns.identifier(&row) {
                Ok(identifier) => affected.write(&row, &findings.of(&identifier))?,
                Err(rejection) => rejections.write(&rejection).map_err(&rejected_failed)?,
            }
        }
    }
    if Digest::from_bytes(table.finish()?.sha256).to_string() != plan.members_sha256 {
        return Err(ClientError::MembersChanged(options.members.path().to_owned()));
    }
    let rejected = rejections.finish().map_err(&rejected_failed)?;
    summary.affected.rows = affected.rows;
    summary.affected.people = findings.people();
    let (affected, lists) = affected.finish()?;
    summary.lists = lists;
    let mut summary_file = summary_file?;
    write_summary(&mut summary_file, summary).map_err(|source| summary_file.write_error(source))?;
    stop.check()?;
    for (new, file) in [affected, rejected, summary_file].into_iter().enumerate() {
        file.commit().map_err(|source| ClientError::HalfWritten { new, source })?;
    }
    Ok(())
}

/// To the last byte, so that a full disk is noticed before any file is put in place.
fn write_summary(file: &mut AtomicFile, summary: &Summary) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *file, summary)?;
    file.write_all(b"\n")?;
    file.flush()
}

/// Writes `affected.csv` and counts.
struct Affected<'a> {
    lines: csv::Writer<AtomicFile>,
    rows: u64,
    lists: Vec<ListSummary>,
    releases: &'a [Release],
    /// The categories of all lists, each once, in the order of the lists and their dictionaries.
    names: Vec<&'a Slug>,
}

impl<'a> Affected<'a> {
    fn new(file: AtomicFile, table: &Table, releases: &'a [Release]) -> Result<Self, ClientError> {
        let delimiter = table.delimiter().and_then(|c| u8::try_from(c).ok()).unwrap_or(b',');
        let mut names: Vec<&Slug> = Vec::new();
        for name in releases.iter().flat_map(|release| release.manifest.dictionary.categories()) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let mut affected = Self {
            lines: csv::WriterBuilder::new().delimiter(delimiter).from_writer(file),
            rows: 0,
            lists: releases.iter().map(ListSummary::new).collect(),
            releases,
            names,
        };
        let headers = table.headers().iter().map(String::as_str);
        affected.line(headers.chain(["list", "categories"]))?;
        Ok(affected)
    }

    /// Writes the row if it is on any list.
    fn write(&mut self, row: &Row<'_>, found: &[(usize, Label)]) -> Result<(), ClientError> {
        if found.is_empty() {
            return Ok(());
        }
        self.rows += 1;
        let mut lists: Vec<&str> = Vec::new();
        let mut categories = BTreeSet::new();
        for (place, label) in found {
            let (Some(release), Some(list)) = (self.releases.get(*place), self.lists.get_mut(*place)) else {
                continue;
            };
            lists.push(release.manifest.list.as_str());
            list.count(release, *label);
            let names = release.manifest.dictionary.names(*label);
            categories.extend(names.filter_map(|name| self.names.iter().position(|known| *known == name)));
        }
        let categories: Vec<&str> =
            categories.into_iter().filter_map(|place| self.names.get(place)).map(|name| name.as_str()).collect();
        let (lists, categories) = (lists.join(SEPARATOR), categories.join(SEPARATOR));
        self.line(row.cells().chain([lists.as_str(), categories.as_str()]))
    }

    fn line(&mut self, cells: impl Iterator<Item: AsRef<[u8]>>) -> Result<(), ClientError> {
        let written = self.lines.write_record(cells).map_err(blindlist_records::io_error);
        Ok(written.map_err(|source| self.lines.get_ref().write_error(source))?)
    }

    fn finish(mut self) -> Result<(AtomicFile, Vec<ListSummary>), ClientError> {
        self.lines.flush().map_err(|source| self.lines.get_ref().write_error(source))?;
        let file =
            self.lines.into_inner().map_err(|_| ClientError::Internal("a file that was flushed has more to write"))?;
        Ok((file, self.lists))
    }
}
