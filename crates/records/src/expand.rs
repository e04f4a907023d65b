//! Patterns for files, where no shell has expanded them.

use std::path::{Path, PathBuf};

use glob::{MatchOptions, glob_with};

use crate::{error::TableError, table::is_standard_input};

/// As in a shell: a pattern finds no hidden file, and `*` stays in its folder.
const AS_IN_A_SHELL: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };

/// The files that are named, in the order in which they are named; those that fit one pattern in the order of their names.
/// A name that exists is taken as it is even if it could be a pattern, and so is one that could not. A file that fits several
/// patterns comes once, where it came first.
///
/// Nothing here opens a file: a folder among those that fit is left for [`crate::Table::open`] to refuse, so that nothing that
/// was meant is passed over in silence.
///
/// # Errors
/// [`TableError::NoMatch`], [`TableError::Pattern`], or [`TableError::Read`] if a folder cannot be searched.
pub fn expand<P: AsRef<Path>>(patterns: impl IntoIterator<Item = P>) -> Result<Vec<PathBuf>, TableError> {
    let mut files = Vec::new();
    for pattern in patterns {
        let pattern = pattern.as_ref();
        match pattern.to_str().filter(|text| text.contains(['*', '?', '['])) {
            Some(text) if !is_standard_input(pattern) && pattern.symlink_metadata().is_err() => {
                for file in fitting(text)? {
                    if !files.contains(&file) {
                        files.push(file);
                    }
                }
            }
            Some(_) | None => files.push(pattern.to_owned()),
        }
    }
    Ok(files)
}

/// The files that fit a pattern, sorted; at least one.
fn fitting(pattern: &str) -> Result<Vec<PathBuf>, TableError> {
    let path = || PathBuf::from(pattern);
    let found =
        glob_with(pattern, AS_IN_A_SHELL).map_err(|error| TableError::Pattern { path: path(), reason: error.msg })?;
    let mut files = found.collect::<Result<Vec<_>, _>>().map_err(|error| {
        let path = error.path().to_owned();
        TableError::Read { path, reason: error.into() }
    })?;
    files.sort();
    if files.is_empty() { Err(TableError::NoMatch { path: path() }) } else { Ok(files) }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    /// What the patterns give in a folder of these files, without the folder's own name.
    fn expanded(files: &[&str], patterns: &[&str]) -> Result<Vec<String>, TableError> {
        let dir = TempDir::new().unwrap();
        for file in files {
            fs::create_dir_all(dir.path().join(file).parent().unwrap()).unwrap();
            fs::write(dir.path().join(file), "").unwrap();
        }
        let found = expand(patterns.iter().map(|pattern| dir.path().join(pattern)))?;
        Ok(found.iter().map(|path| path.strip_prefix(dir.path()).unwrap().to_str().unwrap().to_owned()).collect())
    }

    #[test]
    fn patterns_find_files_in_order_and_once() {
        let files = ["b.csv", "a.csv", "10.csv", ".hidden.csv", "c.txt", "sub/d.csv"];
        assert_eq!(expanded(&files, &["*.csv"]).unwrap(), ["10.csv", "a.csv", "b.csv"]);
        assert_eq!(expanded(&files, &["b.csv", "?.csv", "*.csv"]).unwrap(), ["b.csv", "a.csv", "10.csv"]);
        assert_eq!(expanded(&files, &["*/*.csv"]).unwrap(), ["sub/d.csv"]);
        assert_eq!(expanded(&files, &["[bc].*"]).unwrap(), ["b.csv", "c.txt"]);
        // What is named twice is meant twice; a folder is not passed over.
        assert_eq!(expanded(&files, &["a.csv", "a.csv"]).unwrap(), ["a.csv", "a.csv"]);
        assert_eq!(expanded(&files, &["s*"]).unwrap(), ["sub"]);
    }

    #[test]
    fn names_are_taken_as_they_are() {
        assert_eq!(expanded(&["a*.csv", "ab.csv"], &["a*.csv"]).unwrap(), ["a*.csv"]);
        assert_eq!(expanded(&["a[1].csv"], &["a[1].csv"]).unwrap(), ["a[1].csv"]);
        assert_eq!(expanded(&[], &["missing.csv"]).unwrap(), ["missing.csv"]);
        assert_eq!(expand(["-"]).unwrap(), [PathBuf::from("-")]);
    }

    #[test]
    fn patterns_that_find_nothing_are_errors() {
        let error = expanded(&["a.txt"], &["a.txt", "*.csv"]).unwrap_err();
        assert!(matches!(error, TableError::NoMatch { .. }) && error.to_string().ends_with("*.csv"), "{error}");
        assert!(matches!(expanded(&[], &["[a"]), Err(TableError::Pattern { .. })));
    }
}
