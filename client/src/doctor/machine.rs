//! The profile's folder, the disk and the memory of this computer.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use blindlist_store::exit::Code;
use blindlist_store::text;

use super::DoctorOptions;
use super::report::Report;
use crate::profile::{Enrolled, Profile};
use crate::show::{bytes, number};

/// Room that a check needs beside the indexes, at least.
const ROOM: u64 = 256 << 20;
/// Room that results need, at least.
const RESULTS: u64 = 64 << 20;
/// The most files of a profile that are looked at.
const MOST: usize = 100_000;

/// Looks at the profile: the insurer, if it has joined.
pub(super) fn profile(profile: &Profile, report: &mut Report) -> Option<Enrolled> {
    let word = text::word(profile.path());
    let open = open_to_others(profile.path());
    if let Some(path) = open.first() {
        let found = format!("{} is open to other users, and {} more", text::path(path), number(open.len() as u64 - 1));
        report.problem("profile", found, &format!("make it private with: chmod -R go= {word}"), Code::Failure);
    }
    match profile.look_at_jobs() {
        Ok(looked) if looked.jobs.iter().any(|job| job.about.is_none()) => {
            let advice = format!("look at it with: blindlist jobs --profile {word}");
            report.warning("profile", "an unfinished check is damaged".to_owned(), &advice);
        }
        Ok(looked) if looked.busy => report.fine("jobs", "a check is under way now".to_owned()),
        Ok(looked) if !looked.jobs.is_empty() => {
            let found = format!("{} unfinished", number(looked.jobs.len() as u64));
            report.warning("jobs", found, &format!("see how to go on with: blindlist jobs --profile {word}"));
        }
        Ok(_) => {}
        Err(error) => report.broken("profile", &error, "restore it from a backup"),
    }
    let enrolled = profile.enrolled().and_then(|enrolled| enrolled.identity().map(|_| enrolled));
    match enrolled {
        Ok(enrolled) => {
            if open.is_empty() {
                let bundle = enrolled.bundle();
                report.fine(
                    "profile",
                    format!("{} at the operator {}, whole and private", bundle.insurer, bundle.operator),
                );
            }
            Some(enrolled)
        }
        Err(error) => {
            report.broken("profile", &error, "do that, or restore the profile from a backup");
            None
        }
    }
}

/// What in a folder its group or others may use.
fn open_to_others(folder: &Path) -> Vec<PathBuf> {
    let (mut open, mut waiting, mut seen) = (Vec::new(), vec![folder.to_owned()], 0);
    while let Some(path) = waiting.pop() {
        let Ok(found) = fs::symlink_metadata(&path) else { continue };
        seen += 1;
        if seen > MOST || found.is_symlink() {
            continue;
        }
        if found.permissions().mode() & 0o077 != 0 {
            open.push(path.clone());
        }
        if found.is_dir() {
            waiting.extend(fs::read_dir(&path).into_iter().flatten().flatten().map(|entry| entry.path()));
        }
    }
    open.sort();
    open
}

/// Looks at the disk and the memory. `missing` bytes of indexes are still to be fetched.
pub(super) fn examine(options: &DoctorOptions<'_>, missing: u64, report: &mut Report) {
    let needed = missing.saturating_mul(2).saturating_add(ROOM);
    disk("disk", options.profile, needed, report);
    if let Some(out) = options.out {
        disk("results", out, RESULTS, report);
    }
    memory(available_memory(), options.memory.share(1) as u64, report);
}

/// Whether there is so much room where a folder is, or will be.
fn disk(subject: &'static str, folder: &Path, needed: u64, report: &mut Report) {
    let here = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let there = here.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("/"));
    let shown = text::path(there);
    match rustix::fs::statvfs(there) {
        Ok(disk) => {
            let free = disk.f_bavail.saturating_mul(disk.f_frsize);
            let found = format!("{} free in {shown}, {} needed", bytes(free), bytes(needed));
            if free < needed {
                let advice = "free some space: `blindlist cache clean` removes indexes that nobody needs";
                report.problem(subject, found, advice, Code::Failure);
            } else {
                report.fine(subject, found);
            }
        }
        Err(_) => report.warning(subject, format!("{shown} cannot be looked at"), "check that it is mounted"),
    }
}

/// What Linux says of the memory that programs may still take; none elsewhere.
fn available_memory() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1_024)
}

fn memory(available: Option<u64>, wanted: u64, report: &mut Report) {
    let Some(available) = available else { return };
    let found = format!("{} available, a check takes about {}", bytes(available), bytes(wanted));
    if available < wanted {
        report.warning("memory", found, "end other programs, or give the check less with --memory 64MiB");
    } else {
        report.fine("memory", found);
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    fn only(report: &Report) -> (State, String) {
        let [finding] = report.findings() else { panic!("{report}") };
        (finding.state, finding.found.clone())
    }

    #[test]
    fn a_disk_without_room_is_a_problem_also_for_a_folder_that_is_not_there_yet() {
        let folder = tempfile::tempdir().unwrap();
        for (needed, state) in [(1, State::Ok), (u64::MAX, State::Problem)] {
            let mut report = Report::default();
            disk("results", &folder.path().join("not/there"), needed, &mut report);
            let (found, text) = only(&report);
            assert_eq!(found, state, "{text}");
            assert!(text.contains(&text::path(folder.path())), "{text}");
        }
    }

    #[test]
    fn little_memory_is_a_warning() {
        for (available, state) in [(10, State::Ok), (9, State::Warning)] {
            let mut report = Report::default();
            memory(Some(available), 10, &mut report);
            assert_eq!(only(&report).0, state);
        }
        assert!(available_memory().is_some_and(|available| available > 0) || !Path::new("/proc/meminfo").exists());
    }

    #[test]
    fn a_file_that_others_may_read_is_found() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("a")).unwrap();
        let secret = folder.path().join("a/secret");
        fs::write(&secret, "x").unwrap();
        for path in [folder.path(), &folder.path().join("a")] {
            fs::set_permissions(path, fs::Permissions::from_mode(0o700)).unwrap();
        }
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o640)).unwrap();
        assert_eq!(open_to_others(folder.path()), [&*secret]);
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(open_to_others(folder.path()).is_empty());
    }
}
