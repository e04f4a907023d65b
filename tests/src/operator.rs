//! An operator: a home folder, and what is done with it.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::Serving;
use crate::programs::{Ran, blindlistd, run};

/// An operator in a folder of its own, which is removed with it.
#[derive(Debug)]
pub struct Operator {
    folder: TempDir,
    name: String,
}

impl Operator {
    /// Makes one with `blindlistd init`. Its address is never used: every test says where the server is.
    pub fn new(name: &str) -> Self {
        let operator = Self { folder: tempfile::tempdir().unwrap(), name: name.to_owned() };
        operator.run(&["init", "--operator", name, "--host", "127.0.0.1:9"]).ends(0);
        operator
    }

    /// Makes one whose ledger is in a PostgreSQL database.
    pub fn with_ledger(name: &str, address: &str) -> Self {
        let operator = Self { folder: tempfile::tempdir().unwrap(), name: name.to_owned() };
        operator.run(&["init", "--operator", name, "--host", "127.0.0.1:9", "--ledger", address]).ends(0);
        operator
    }

    /// An operator with one list `list-a`, of two categories, with these social security numbers on it.
    pub fn with_numbers<S: AsRef<str>>(name: &str, numbers: &[S]) -> Self {
        let operator = Self::new(name);
        let input = operator.file("breach.csv", numbers_csv(numbers));
        operator.seal(&input, "list-a", "identity,contract", &[]).ends(0);
        operator
    }

    /// A copy of it in another folder, as another machine has it: the home as it is, with private folders and files.
    #[must_use]
    pub fn copied(&self) -> Self {
        let copy = Self { folder: tempfile::tempdir().unwrap(), name: self.name.clone() };
        copy_folder(&self.home(), &copy.home());
        copy
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its home folder.
    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// A path next to its home.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file next to its home.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// Runs `blindlistd` with these arguments and this home.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        run(self.command(arguments))
    }

    /// `blindlistd` with these arguments and this home, in the folder above the home.
    pub fn command(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = blindlistd(arguments);
        command.arg("--home").arg(self.home()).current_dir(self.folder.path());
        command
    }

    /// Seals one file.
    pub fn seal(&self, input: &Path, list: &str, categories: &str, more: &[&str]) -> Ran {
        let input = input.to_str().unwrap();
        self.run(&[&["seal", input, "--list", list, "--categories", categories], more].concat())
    }

    /// Bytes of the index of its only release.
    pub fn index_length(&self) -> u64 {
        let releases = fs::read_dir(self.home().join("releases")).unwrap();
        let indexes = releases.filter_map(|release| fs::metadata(release.unwrap().path().join("index")).ok());
        let lengths: Vec<u64> = indexes.map(|index| index.len()).collect();
        let [length] = lengths.as_slice() else { panic!("{} releases", lengths.len()) };
        *length
    }

    /// Serves on a free port.
    pub fn serve(&self) -> Serving {
        Serving::start(self, "127.0.0.1:0")
    }

    /// What `insurer list` says that an insurer was granted, has spent, and has left.
    pub fn account(&self, insurer: &str) -> [u64; 3] {
        let table = self.run(&["insurer", "list"]).ends(0).stdout;
        let line = table.lines().find(|line| line.split_whitespace().next() == Some(insurer));
        let numbers: Vec<u64> = line
            .unwrap_or_else(|| panic!("no insurer {insurer} in:\n{table}"))
            .split_whitespace()
            .filter_map(|cell| cell.replace(',', "").parse().ok())
            .collect();
        numbers.try_into().unwrap_or_else(|_| panic!("granted, spent, remaining are not in:\n{table}"))
    }

    /// Evaluations that an insurer has spent.
    pub fn spent(&self, insurer: &str) -> u64 {
        let [_, spent, _] = self.account(insurer);
        spent
    }
}

/// A table with one column of numbers.
pub fn numbers_csv<S: AsRef<str>>(numbers: &[S]) -> String {
    let rows = numbers.iter().map(|number| format!("{}\n", number.as_ref()));
    std::iter::once("nir\n".to_owned()).chain(rows).collect()
}

/// Copies a folder with everything in it, and its permissions.
pub fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    fs::set_permissions(to, fs::metadata(from).unwrap().permissions()).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_folder(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}
