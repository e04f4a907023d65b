//! What a profile keeps, for what, and how large it is.

use std::fmt;
use std::fs::{self, DirEntry};
use std::io;
use std::path::{Path, PathBuf};

use blindlist_store::{StoreError, text};
use serde::Serialize;

use crate::ClientError;
use crate::profile::Profile;
use crate::show::{bytes, number, table};

/// Folders in folders that are looked at.
const DEPTH: u32 = 8;

/// What a profile keeps, by its `Display` or as JSON.
#[derive(Debug, Serialize)]
pub struct Kept {
    kept: Vec<Item>,
    #[serde(skip)]
    profile: PathBuf,
}

#[derive(Debug, Serialize)]
struct Item {
    what: &'static str,
    count: u64,
    bytes: u64,
    purpose: &'static str,
    /// The option that removes it, if one does.
    removed_by: Option<&'static str>,
}

/// How large something is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) files: u64,
    pub(super) bytes: u64,
}

/// Looks at all that a profile keeps.
///
/// # Errors
/// [`ClientError::Store`].
pub fn kept(profile: &Profile) -> Result<Kept, ClientError> {
    let of = |paths: &[PathBuf], what, purpose, removed_by| -> Result<Item, ClientError> {
        let (mut count, mut bytes) = (0, 0);
        for path in paths {
            count += if path.is_dir() { children(path)?.iter().filter(counts).count() as u64 } else { 0 };
            bytes += size(path)?.bytes;
        }
        Ok(Item { what, count, bytes, purpose, removed_by })
    };
    let at = |name: &str| profile.path().join(name);
    let kept = vec![
        of(&[profile.jobs_path()], "unfinished checks", "to go on with them", Some("--jobs"))?,
        of(&[profile.requests_path()], "requests", "to know the answers to a file", Some("--jobs"))?,
        of(&[profile.evidence_path()], "evidence", "to show later whom a check asked about", Some("--evidence"))?,
        of(&[profile.remembered_path()], "evaluations", "not to pay for members again", Some("--remembered"))?,
        of(&[profile.indexes_path()], "indexes", "not to fetch them again", Some("--indexes"))?,
        of(&[at("receipts"), at("checkpoints")], "receipts", "to hold the operator to its audit log", None)?,
        of(&[at("contradictions")], "contradictions", "to prove what the operator did", None)?,
        of(&[at("keys"), at("new-keys"), at("bundle")], "keys and bundle", "to be let in by the operator", None)?,
    ];
    Ok(Kept { kept, profile: profile.path().to_owned() })
}

/// Whether something in a folder is kept for itself.
fn counts(entry: &&DirEntry) -> bool {
    !entry.file_name().to_string_lossy().starts_with('.')
}

/// What is in a folder, if it is there.
pub(super) fn children(folder: &Path) -> Result<Vec<DirEntry>, StoreError> {
    match fs::read_dir(folder).and_then(Iterator::collect) {
        Ok(entries) => Ok(entries),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(source) => Err(StoreError::io("list the folder", folder, source)),
    }
}

/// How large a file or a folder is. Links are not followed; the file of a lock is nothing.
pub(super) fn size(path: &Path) -> Result<Size, StoreError> {
    let mut sum = Size::default();
    let mut waiting = vec![(path.to_owned(), 0)];
    while let Some((path, depth)) = waiting.pop() {
        let found = match fs::symlink_metadata(&path) {
            Ok(found) => found,
            // It may go meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(source) => return Err(StoreError::io("look at", &path, source)),
        };
        if !found.is_dir() {
            let nothing = path.file_name().is_some_and(|name| name == ".lock");
            sum.files += u64::from(!nothing);
            sum.bytes += found.len();
        } else if depth < DEPTH {
            waiting.extend(children(&path)?.into_iter().map(|entry| (entry.path(), depth + 1)));
        }
    }
    Ok(sum)
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rows = vec![["KEPT", "NUMBER", "SIZE", "FOR WHAT", "REMOVED BY"].map(str::to_owned).to_vec()];
        rows.extend(self.kept.iter().filter(|item| item.bytes > 0).map(|item| {
            let Item { what, count, purpose, removed_by, .. } = item;
            let removed_by = removed_by.unwrap_or("-");
            vec![(*what).to_owned(), number(*count), bytes(item.bytes), (*purpose).to_owned(), removed_by.to_owned()]
        }));
        f.write_str(&table(&rows))?;
        let profile = text::word(&self.profile);
        writeln!(
            f,
            "\nnothing was removed: blindlist forget --profile {profile} --jobs, or another of these; --all removes all"
        )?;
        writeln!(f, "of them. What no option removes goes with the folder {profile}: then the profile is gone.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_of_all_that_is_in_a_folder_and_links_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("a/b")).unwrap();
        fs::write(at("a/b/c"), [0; 10]).unwrap();
        fs::write(at("a/.lock"), "").unwrap();
        fs::write(at("big"), [0; 1_000]).unwrap();
        assert_eq!(size(&at("a")).unwrap(), Size { files: 1, bytes: 10 });
        assert_eq!(size(&at("nowhere")).unwrap(), Size::default());
        std::os::unix::fs::symlink(folder.path(), at("a/up")).unwrap();
        let found = size(&at("a")).unwrap();
        assert_eq!(found.files, 2);
        assert!(found.bytes < 1_000, "a link counts as itself");
    }
}
