//! The rows of affected members: their cells untouched, and four columns of ours. What is in these comes from the operator
//! and has only letters, digits, `-` and `_`, so that no spreadsheet takes it for a formula.

use std::collections::BTreeSet;
use std::path::PathBuf;

use blindlist_protocol::entry::Label;
use blindlist_protocol::live::Release;
use blindlist_protocol::text::Slug;
use blindlist_records::{Look, Row, Table, Writer};
use blindlist_store::file::AtomicFile;

use super::super::summary::ListSummary;
use super::{CheckedList, failed};
use crate::ClientError;

/// Our columns. One that the input has too gets `_2` behind its name, or the first number that is free.
pub(super) const COLUMNS: [&str; 4] = ["list", "categories", "incident_date", "exposure"];

/// Between lists, between categories, and between dates, in one cell.
const SEPARATOR: &str = "|";
/// Between what different lists say, in words.
const SENTENCES: &str = "; ";

/// Writes affected rows, if they are to be written, and counts them.
pub(super) struct Affected<'a> {
    table: Option<Writer<AtomicFile>>,
    path: PathBuf,
    rows: u64,
    lists: Vec<List<'a>>,
    /// The categories of all lists, each once, in the order of the lists and their dictionaries.
    categories: Vec<&'a Slug>,
}

/// A list, as it is told in a row.
struct List<'a> {
    release: &'a Release,
    name: String,
    incident: String,
    /// What stands before its categories in words.
    told: String,
    summary: ListSummary,
}

impl<'a> Affected<'a> {
    pub(super) fn new(
        output: Option<(Look<'_>, AtomicFile)>,
        table: &Table,
        checked: Vec<CheckedList<'a>>,
    ) -> Result<Self, ClientError> {
        let path = output.as_ref().map(|(_, file)| file.path().to_owned()).unwrap_or_default();
        let headers = headers(table.headers());
        let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
        let table = output.map(|(look, file)| Writer::new(&look, &headers, file)).transpose();
        let mut categories: Vec<&Slug> = Vec::new();
        for name in checked.iter().flat_map(|list| list.release.manifest.dictionary.categories()) {
            if !categories.contains(&name) {
                categories.push(name);
            }
        }
        Ok(Self {
            table: table.map_err(|error| failed(&path, error))?,
            path,
            rows: 0,
            lists: checked.into_iter().map(List::new).collect(),
            categories,
        })
    }

    /// Rows so far.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// Writes the row if it is on any list.
    pub(super) fn write(&mut self, row: &Row<'_>, found: &[(usize, Label)]) -> Result<(), ClientError> {
        if found.is_empty() {
            return Ok(());
        }
        self.rows += 1;
        let (mut names, mut dates, mut told) = (Vec::new(), Vec::new(), Vec::new());
        let mut categories = BTreeSet::new();
        for (place, label) in found {
            if let Some(list) = self.lists.get_mut(*place) {
                list.summary.count(list.release, *label);
            }
        }
        if self.table.is_none() {
            return Ok(());
        }
        for (place, label) in found {
            let Some(list) = self.lists.get(*place) else { continue };
            let labels = || list.release.manifest.dictionary.names(*label);
            categories.extend(labels().filter_map(|name| self.categories.iter().position(|known| *known == name)));
            let words: Vec<String> = labels().map(words).collect();
            told.push(format!("{}{}", list.told, words.join(", ")));
            names.push(list.name.clone());
            dates.push(list.incident.clone());
        }
        let Some(table) = &mut self.table else { return Ok(()) };
        let categories: Vec<&str> =
            categories.iter().filter_map(|place| self.categories.get(*place)).map(|name| name.as_str()).collect();
        let ours = [names.join(SEPARATOR), categories.join(SEPARATOR), dates.join(SEPARATOR), told.join(SENTENCES)];
        let ours = ours.map(clipped);
        let written = table.write(row.cells().chain(ours.iter().map(String::as_str)));
        written.map_err(|error| failed(&self.path, error))
    }

    /// The file, if there is one, and what was counted of each list.
    pub(super) fn finish(self) -> Result<(Option<AtomicFile>, Vec<ListSummary>), ClientError> {
        let file = self.table.map(Writer::finish).transpose().map_err(|error| failed(&self.path, error))?;
        Ok((file, self.lists.into_iter().map(|list| list.summary).collect()))
    }
}

impl<'a> List<'a> {
    fn new(CheckedList { operator, release }: CheckedList<'a>) -> Self {
        let manifest = &release.manifest;
        let incident = manifest.incident.map(|incident| incident.to_string()).unwrap_or_default();
        let date = if incident.is_empty() { String::new() } else { format!(" ({incident})") };
        Self {
            release,
            name: operator
                .map_or_else(|| manifest.list.to_string(), |operator| format!("{operator}/{}", manifest.list)),
            told: format!("{}, list {}{date}: ", manifest.operator, manifest.list),
            incident,
            summary: ListSummary::new(release),
        }
    }
}

/// The headers of the input, then ours.
pub(super) fn headers(input: &[String]) -> Vec<String> {
    // As word processors compare the fields of a letter.
    let folded = |header: &str| header.trim().to_lowercase();
    let taken: Vec<String> = input.iter().map(|header| folded(header)).collect();
    let mut headers = input.to_vec();
    for name in COLUMNS {
        let numbered = (2_u64..).map(|number| format!("{name}_{number}"));
        let mut names = std::iter::once(name.to_owned()).chain(numbered);
        headers.extend(names.find(|name| !taken.contains(name)));
    }
    headers
}

/// The name of a category in words.
fn words(name: &Slug) -> String {
    name.as_str().replace(['-', '_'], " ")
}

/// The most characters in a cell of ours: fewer than a cell of a workbook holds, so that no list can make the results fail.
const MOST: usize = 32_000;

/// A cell of ours, which is cut where it would be too long. All of it is names, which are ASCII.
fn clipped(mut cell: String) -> String {
    if cell.len() > MOST {
        cell.truncate(cell.floor_char_boundary(MOST));
        cell.push_str("... (cut: see summary.json)");
    }
    cell
}
