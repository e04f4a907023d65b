use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use tempfile::TempDir;

use super::*;
use crate::text;

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn names(folder: &TempDir) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn secret(folder: &TempDir, content: &[u8], mode: u32) -> PathBuf {
    let path = folder.path().join("secret");
    fs::write(&path, content).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    path
}

#[test]
fn a_secret_is_read_when_it_is_private() {
    let folder = folder();
    for private in [0o600, 0o400] {
        let path = secret(&folder, b"key", private);
        assert_eq!(**read_secret(&path, 3).unwrap(), *b"key");
        fs::remove_file(&path).unwrap();
    }
    assert_eq!(**read_secret(secret(&folder, b"", 0o600), 0).unwrap(), *b"");
}

#[test]
fn a_secret_open_to_others_is_refused_with_the_command_to_run() {
    let folder = folder();
    for open in [0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o644] {
        let path = secret(&folder, b"key", open);
        let error = read_secret(&path, 3).unwrap_err();
        assert!(matches!(&error, StoreError::OpenToOthers { mode, .. } if *mode == open), "{open:o}: {error}");
        assert!(error.to_string().ends_with(&format!("chmod 600 {}", text::word(&path))), "{error}");
        assert!(!format!("{error} {error:?}").contains("key"));
    }
}

#[test]
fn a_link_to_a_secret_is_judged_by_the_file_behind_it() {
    let folder = folder();
    let link = folder.path().join("link");
    symlink(secret(&folder, b"key", 0o600), &link).unwrap();
    assert_eq!(**read_secret(&link, 3).unwrap(), *b"key");
    secret(&folder, b"key", 0o644);
    assert!(matches!(read_secret(&link, 3), Err(StoreError::OpenToOthers { .. })));
}

#[test]
fn a_secret_that_is_no_regular_file_is_refused_without_waiting() {
    let folder = folder();
    assert!(matches!(read_secret(folder.path(), 9), Err(StoreError::NotAFile { .. })));
    assert!(matches!(read_secret("/dev/null", 9), Err(StoreError::NotAFile { .. })));

    let pipe = folder.path().join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0).unwrap();
    assert!(matches!(read_secret(&pipe, 9), Err(StoreError::NotAFile { .. })));

    let socket = folder.path().join("socket");
    let _listener = UnixListener::bind(&socket).unwrap();
    assert!(matches!(read_secret(&socket, 9), Err(StoreError::Io { .. })));
    assert!(matches!(read_secret(folder.path().join("missing"), 9), Err(StoreError::Io { .. })));
}

#[test]
fn limits_are_exact() {
    let folder = folder();
    let path = secret(&folder, b"12345", 0o600);
    assert_eq!(read_secret(&path, 5).unwrap().len(), 5);
    assert!(matches!(read_secret(&path, 4), Err(StoreError::TooLong { max: 4, .. })));
    assert_eq!(read_limited(&path, 5).unwrap(), b"12345");
    assert!(matches!(read_limited(&path, 4), Err(StoreError::TooLong { max: 4, .. })));
    assert!(matches!(read_limited("/dev/zero", 1000), Err(StoreError::TooLong { .. })));
    assert!(matches!(read_limited(folder.path(), 9), Err(StoreError::Io { .. })));
}

#[test]
fn a_secret_of_a_fixed_length_has_that_length() {
    let folder = folder();
    let path = secret(&folder, b"12345", 0o600);
    assert_eq!(*read_secret_exact::<5>(&path).unwrap(), *b"12345");
    assert!(matches!(read_secret_exact::<4>(&path), Err(StoreError::WrongLength { found: 5, expected: 4, .. })));
    assert!(matches!(read_secret_exact::<6>(&path), Err(StoreError::WrongLength { found: 5, expected: 6, .. })));
    secret(&folder, b"12345", 0o644);
    assert!(matches!(read_secret_exact::<5>(&path), Err(StoreError::OpenToOthers { .. })));
}

#[test]
fn a_file_that_is_not_as_long_as_it_said_is_noticed() {
    let folder = folder();
    let path = secret(&folder, b"12345", 0o600);
    for (length, expected) in [(4, None), (5, Some(())), (6, None)] {
        let mut buffer = vec![0; length];
        assert_eq!(read_whole(&mut File::open(&path).unwrap(), &mut buffer).unwrap(), expected, "{length}");
    }
}

#[test]
fn a_written_file_has_its_content_and_mode_and_nothing_is_left_over() {
    let folder = folder();
    let path = folder.path().join("file");
    write_atomic(&path, b"one").unwrap();
    assert_eq!((fs::read(&path).unwrap(), mode(&path)), (b"one".to_vec(), 0o600));
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    write_atomic(&path, b"two").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"two");
    assert_eq!(mode(&path), 0o600, "the mode is the new file's, not the old one's");
    assert_eq!(names(&folder), ["file"]);
}

#[test]
fn a_new_file_replaces_nothing() {
    let folder = folder();
    let path = folder.path().join("file");
    write_new(&path, b"first").unwrap();
    assert_eq!(mode(&path), 0o600);
    assert!(matches!(write_new(&path, b"second"), Err(StoreError::Exists { .. })));
    assert_eq!(fs::read(&path).unwrap(), b"first");

    let broken = folder.path().join("broken");
    symlink("nowhere", &broken).unwrap();
    assert!(matches!(write_new(&broken, b"x"), Err(StoreError::Exists { .. })));
    assert_eq!(names(&folder), ["broken", "file"]);
}

#[test]
fn a_link_is_replaced_and_its_target_left_alone() {
    let folder = folder();
    let (target, link) = (folder.path().join("target"), folder.path().join("link"));
    fs::write(&target, "target").unwrap();
    symlink(&target, &link).unwrap();
    write_atomic(&link, b"new").unwrap();
    assert_eq!(fs::read(&target).unwrap(), b"target");
    assert!(fs::symlink_metadata(&link).unwrap().is_file());
}

#[test]
fn a_failed_write_leaves_what_was_there_and_no_temporary_file() {
    let folder = folder();
    let occupied = folder.path().join("occupied");
    fs::create_dir(&occupied).unwrap();
    fs::write(occupied.join("inside"), "x").unwrap();
    assert!(matches!(write_atomic(&occupied, b"new"), Err(StoreError::Io { .. })));
    assert_eq!(fs::read(occupied.join("inside")).unwrap(), b"x");
    assert_eq!(names(&folder), ["occupied"]);

    assert!(matches!(write_atomic(folder.path().join("no/file"), b"x"), Err(StoreError::Io { .. })));
    for nameless in ["/", "..", "a/.."] {
        assert!(matches!(write_atomic(nameless, b"x"), Err(StoreError::NoFileName { .. })), "{nameless}");
    }
}

#[test]
fn an_unfinished_file_never_appears() {
    let folder = folder();
    let path = folder.path().join("file");
    fs::write(&path, "old").unwrap();
    let mut file = AtomicFile::create(&path).unwrap();
    file.write_all(&[7; 100_000]).unwrap();
    file.flush().unwrap();
    assert_eq!(names(&folder).len(), 2, "the temporary file is beside it");
    drop(file);
    assert_eq!(fs::read(&path).unwrap(), b"old");
    assert_eq!(names(&folder), ["file"]);
}

#[test]
fn what_was_streamed_is_what_is_read() {
    let folder = folder();
    let path = folder.path().join("file");
    let mut file = AtomicFile::create(&path).unwrap();
    for number in 0..10_000_u32 {
        file.write_all(&number.to_le_bytes()).unwrap();
    }
    file.commit().unwrap();
    let expected: Vec<u8> = (0..10_000_u32).flat_map(u32::to_le_bytes).collect();
    assert_eq!(fs::read(&path).unwrap(), expected);
}

#[test]
fn a_reader_sees_one_content_or_the_other() {
    const LENGTH: usize = 200_000;
    let folder = folder();
    let path = folder.path().join("file");
    write_atomic(&path, &[0; LENGTH]).unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for round in 1..=50 {
                write_atomic(&path, &[round; LENGTH]).unwrap();
            }
            done.store(true, Ordering::Release);
        });
        while !done.load(Ordering::Acquire) {
            let seen = fs::read(&path).unwrap();
            assert_eq!(seen.len(), LENGTH);
            assert!(seen.iter().all(|byte| Some(byte) == seen.first()));
        }
    });
    assert_eq!(fs::read(&path).unwrap().first(), Some(&50));
}

#[test]
fn a_secret_that_is_destroyed_or_replaced_is_overwritten_on_the_disk() {
    let folder = folder();
    let path = secret(&folder, b"the key", 0o600);
    // A second name shows what is left of the bytes.
    let shadow = folder.path().join("shadow");
    fs::hard_link(&path, &shadow).unwrap();
    replace_secret(&path, b"sealed").unwrap();
    assert_eq!((fs::read(&path).unwrap(), fs::read(&shadow).unwrap()), (b"sealed".to_vec(), vec![0; 7]));
    assert_eq!(mode(&path), 0o600);
    fs::remove_file(&shadow).unwrap();
    fs::hard_link(&path, &shadow).unwrap();
    destroy(&path).unwrap();
    assert_eq!((path.exists(), fs::read(&shadow).unwrap()), (false, vec![0; 6]));
    destroy(&path).unwrap();
    assert!(matches!(replace_secret(&path, b"x"), Err(StoreError::Io { .. })));
    assert!(!path.exists());
}

#[test]
fn a_link_is_never_destroyed_through() {
    let folder = folder();
    let path = secret(&folder, b"the key", 0o600);
    let link = folder.path().join("link");
    symlink(&path, &link).unwrap();
    assert!(destroy(&link).is_err() && replace_secret(&link, b"x").is_err());
    assert_eq!(fs::read(&path).unwrap(), b"the key");
}

#[test]
fn what_killed_processes_left_of_a_file_goes_and_nothing_else() {
    let folder = folder();
    for name in
        [".rows.csv.a1B2c3.tmp", ".rows.csv.x.tmp", ".other.csv.a1.tmp", "rows.csv", ".rows.csv", "rows.csv.a.tmp"]
    {
        fs::write(folder.path().join(name), "somebody").unwrap();
    }
    destroy_leftovers(folder.path().join("rows.csv")).unwrap();
    assert_eq!(names(&folder), [".other.csv.a1.tmp", ".rows.csv", "rows.csv", "rows.csv.a.tmp"]);
    destroy_leftovers(folder.path().join("missing/rows.csv")).unwrap();

    let mut half = AtomicFile::create(folder.path().join("half")).unwrap();
    half.write_all(b"somebody").unwrap();
    std::mem::forget(half);
    assert_eq!(names(&folder).len(), 5);
    destroy_leftovers(folder.path().join("half")).unwrap();
    assert_eq!(names(&folder).len(), 4);
}
