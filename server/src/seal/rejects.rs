//! Rows that cannot be sealed: counted by reason, and written in the order of the file.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::{fs, io};

use blindlist_protocol::text::Slug;
use blindlist_records::{CsvStyle, Encoding, Format, Look, RejectedWriter, Rejection};
use blindlist_store::StoreError;
use blindlist_store::file::AtomicFile;
use blindlist_store::folder::PrivateFolder;

use crate::Error;

/// Rejected rows are written as plain CSV, whatever the input is.
const LOOK: Look<'static> = Look {
    format: Format::Csv,
    csv: CsvStyle { delimiter: b',', encoding: Encoding::Utf8, mark: false },
    sheet: "rejected",
};

/// How many rows were rejected, for each column and reason in words.
pub(super) type Counts = BTreeMap<(&'static str, String), u64>;

/// Collects the rejected rows of one input.
pub(super) struct RejectLog {
    file: Option<RejectedWriter<AtomicFile>>,
    path: PathBuf,
    counts: Counts,
}

impl RejectLog {
    /// Writes those of an input to a file, or only counts them.
    pub(super) fn new(input: &Path, path: Option<&Path>) -> Result<Self, Error> {
        let file = path.map(AtomicFile::create).transpose()?;
        let path = path.map(Path::to_path_buf).unwrap_or_default();
        let file = file.map(|file| RejectedWriter::new(&LOOK, input, file)).transpose();
        let file = file.map_err(|error| failed(&path, error.into()))?;
        Ok(Self { file, path, counts: Counts::new() })
    }

    /// Takes rejected rows, in the order of the file.
    pub(super) fn add(&mut self, rejected: &[Rejection]) -> Result<(), Error> {
        for row in rejected {
            *self.counts.entry((row.column, row.reason.in_general())).or_default() += 1;
            if let Some(file) = &mut self.file {
                file.write(row).map_err(|error| failed(&self.path, error.into()))?;
            }
        }
        Ok(())
    }

    /// Gives the file its name.
    pub(super) fn finish(self) -> Result<Counts, Error> {
        if let Some(file) = self.file {
            file.finish().map_err(|error| failed(&self.path, error.into()))?.commit()?;
        }
        Ok(self.counts)
    }
}

/// Where the rejected rows of the input at `place` are written, from 0: `list.csv`, `list.2.csv` and so on. A list's name
/// has no dot.
pub(super) fn file(folder: &PrivateFolder, list: &Slug, place: usize) -> PathBuf {
    folder.join(match place {
        0 => format!("{list}.csv"),
        _ => format!("{list}.{}.csv", place + 1),
    })
}

/// Removes what a seal of more inputs has left.
pub(super) fn remove_beyond(folder: &PrivateFolder, list: &Slug, inputs: usize) -> Result<(), Error> {
    let failed = |source| StoreError::io("list the folder", folder.path(), source);
    for entry in fs::read_dir(folder.path()).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        let number = name.strip_prefix(list.as_str()).and_then(|rest| rest.strip_prefix('.')?.strip_suffix(".csv"));
        if number.and_then(|number| number.parse::<usize>().ok()).is_some_and(|number| number > inputs) {
            fs::remove_file(&path).map_err(|source| StoreError::io("remove", &path, source))?;
        }
    }
    Ok(())
}

fn failed(path: &Path, source: io::Error) -> StoreError {
    StoreError::io("write", path, source)
}

#[cfg(test)]
mod tests {
    use super::*;
    use blindlist_protocol::identifier::Reject;
    use blindlist_records::Reason;

    #[test]
    fn rows_are_written_when_all_have_come_and_counted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rejected.csv");
        let rejection = |row, column, reason| Rejection { line: Some(row + 1), row, column, reason };
        let nir = |row| rejection(row, "nir", Reason::Cell(Reject::NirKey));
        let mut log = RejectLog::new(Path::new("in.csv"), Some(&path)).unwrap();
        log.add(&[nir(3), nir(5)]).unwrap();
        log.add(&[]).unwrap();
        log.add(&[rejection(30, "categories", Reason::Category)]).unwrap();
        assert!(!path.exists());
        let counts = log.finish().unwrap();
        let written = fs::read_to_string(&path).unwrap();
        let starts: Vec<_> =
            written.lines().map(|line| line.rsplit_once(',').map_or(line, |(start, _)| start)).collect();
        assert_eq!(starts[0], "file,line,row,column");
        let starts: Vec<_> = starts[1..].iter().map(|start| start.split(',').take(4).collect::<Vec<_>>()).collect();
        let expected = [["in.csv", "4", "3", "nir"], ["in.csv", "6", "5", "nir"], ["in.csv", "31", "30", "categories"]];
        assert_eq!(starts, expected);
        assert_eq!(counts.values().copied().collect::<Vec<_>>(), [1, 2]);
    }
}
