//! What a check leaves behind.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// The folder that `check --out` named.
#[derive(Debug)]
pub struct Results {
    folder: PathBuf,
}

impl Results {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Requires that there is no result at all, nor a part of one.
    #[track_caller]
    pub fn are_none(&self) {
        assert_eq!(self.names(), Vec::<String>::new(), "nothing may be in {}", self.folder.display());
    }

    /// The names of all files in the folder, hidden ones included; none when there is no folder.
    pub fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().map_while(Result::ok);
        let mut names: Vec<_> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// A file as text.
    pub fn text(&self, name: &str) -> String {
        let path = self.folder.join(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// The rows of `affected.csv` without its header, up to the categories.
    pub fn affected(&self, delimiter: u8) -> Vec<Vec<String>> {
        let mut rows = rows(&self.folder.join("affected.csv"), delimiter);
        rows.iter_mut().for_each(|row| row.truncate(row.len() - 2));
        rows
    }

    /// Requires that the results are there, all of them.
    #[track_caller]
    pub fn are_whole(&self) {
        assert_eq!(self.names(), FILES);
    }

    /// `summary.json`, or a part of it: `/members/rows`.
    pub fn summary(&self, pointer: &str) -> Value {
        let value: Value = serde_json::from_str(&self.text("summary.json")).unwrap();
        value.pointer(pointer).unwrap_or_else(|| panic!("no {pointer} in {value:#}")).clone()
    }

    /// A number of `summary.json`.
    pub fn number(&self, pointer: &str) -> u64 {
        self.summary(pointer).as_u64().unwrap_or_else(|| panic!("{pointer} is no number"))
    }
}

/// What a check writes.
pub const FILES: [&str; 4] = ["affected.csv", "rejected.csv", "report.html", "summary.json"];

/// The rows of a CSV file without its header.
pub fn rows(path: &Path, delimiter: u8) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_path(path).unwrap();
    reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect()
}
