//! The runner of the test vectors: every file of `tests/vectors` through the public functions of `blindlist-protocol`.
//!
//! The contract is `tests/vectors/README.md`; this is its Rust side, and knows nothing of what made the files. Whatever is
//! not exactly as the contract says fails: a file at another place, an unknown or a missing member, upper-case hexadecimal,
//! an operation without a file. It must not compute anything of the protocol itself: it calls, and compares bytes.
//!
//! [`scenario`] reads a file, [`operations`] are the table, [`compare`] and [`fault`] say whether what came is what was expected.
#![allow(clippy::needless_pass_by_value, reason = "an operation is a function of its input, which it is given whole")]

pub mod audit;
pub mod client;
pub mod compare;
pub mod evidence;
pub mod exchange;
pub mod fault;
pub mod files;
pub mod objects;
pub mod operations;
pub mod oprf;
pub mod people;
pub mod release;
pub mod scenario;
pub mod values;

use std::any::Any;
use std::collections::BTreeMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::{fmt, io};

use operations::{OPERATIONS, Operation};
use scenario::{Difference, Scenario};

/// What is in the folder beside the operations' folders.
const OTHER_FILES: [&str; 2] = ["README.md", "rfc9497-ristretto255-sha512.json"];

/// What came of all files.
#[derive(Debug, Default)]
pub struct Report {
    /// Scenarios with an output that hold, by operation.
    pub positive: BTreeMap<&'static str, usize>,
    /// Scenarios with a failure that hold, by operation.
    pub negative: BTreeMap<&'static str, usize>,
    /// Everything that is not as it should be.
    pub failures: Vec<Failure>,
}

/// A file that does not hold.
#[derive(Debug)]
pub struct Failure {
    /// Its path under the folder of the vectors.
    pub file: String,
    /// What was expected of it, and what came.
    pub difference: Difference,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Failure { file, difference: Difference { expected, found } } in &self.failures {
            writeln!(f, "{file}\n    expected: {expected}\n    found:    {found}")?;
        }
        let sum = |counts: &BTreeMap<_, usize>| counts.values().sum::<usize>();
        let (positive, negative) = (sum(&self.positive), sum(&self.negative));
        write!(
            f,
            "{positive} scenarios with an output and {negative} with a failure hold, {} do not",
            self.failures.len()
        )
    }
}

/// Runs every file under a folder.
///
/// # Errors
/// When the folder cannot be listed. Whatever is wrong with a file is in the report.
pub fn run(folder: &Path) -> io::Result<Report> {
    let mut report = Report::default();
    for entry in sorted(folder)? {
        let name = name(&entry);
        match OPERATIONS.iter().find(|operation| operation.name == name) {
            Some(operation) if entry.is_dir() => report.run_operation(operation, &entry)?,
            Some(_) | None if OTHER_FILES.contains(&name.as_str()) && entry.is_file() => {}
            Some(_) | None => report.fail(name, "folders named by operations only", "something else"),
        }
    }
    for operation in OPERATIONS {
        if !report.positive.contains_key(operation.name) {
            report.fail(format!("{}/", operation.name), "a scenario with an output that holds", "none");
        }
    }
    Ok(report)
}

impl Report {
    fn run_operation(&mut self, operation: &'static Operation, folder: &Path) -> io::Result<()> {
        for file in sorted(folder)? {
            let shown = format!("{}/{}", operation.name, name(&file));
            match run_file(operation, &file) {
                Ok(counts) => *counts(self).entry(operation.name).or_default() += 1,
                Err(difference) => self.failures.push(Failure { file: shown, difference }),
            }
        }
        Ok(())
    }

    fn fail(&mut self, file: String, expected: &str, found: &str) {
        self.failures.push(Failure { file, difference: Difference::new(expected, found) });
    }
}

/// Where a scenario that holds is counted.
type Counts = fn(&mut Report) -> &mut BTreeMap<&'static str, usize>;

fn run_file(operation: &Operation, file: &Path) -> Result<Counts, Difference> {
    if !file.is_file() || file.extension().is_none_or(|extension| extension != "json") {
        return Err(Difference::new("files NAME.json only", "something else"));
    }
    let text = fs::read_to_string(file).map_err(|error| Difference::new("a readable file", error))?;
    let scenario = Scenario::read(&text, operation.name)?;
    // One that panics must not hide what is wrong with the others.
    let ran = catch_unwind(AssertUnwindSafe(|| (operation.run)(&scenario)));
    let ran = ran.map_err(|panic| Difference::new(scenario.expected(), format!("a panic: {}", said(&*panic))))?;
    scenario.judge(ran)?;
    Ok(if scenario.is_negative() { |report| &mut report.negative } else { |report| &mut report.positive })
}

/// What a panic says.
fn said(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a word")
}

fn sorted(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    entries.sort();
    Ok(entries)
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
