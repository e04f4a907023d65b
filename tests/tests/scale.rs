//! `seal` and `check` at scale, made small: every kind of file, kills, a full disk, additions, little memory.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests and their helpers")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use blindlist_tests::draw::Draw;
use blindlist_tests::operator::numbers_csv;
use blindlist_tests::people::{number, numbers};
use blindlist_tests::programs::{Running, run, until};
use blindlist_tests::{Insurer, Operator};
use serde_json::Value;

/// Rows of a seal that is killed: more than a checkpoint has.
const ROWS: u32 = 200_000;
const KILLS: usize = 10;

/// The folder of an operator's only release.
fn release(operator: &Operator) -> PathBuf {
    let folders = fs::read_dir(operator.home().join("releases")).unwrap().map(|entry| entry.unwrap().path());
    let mut sealed = folders.filter(|path| path.join("manifest").exists());
    let found = sealed.next().unwrap();
    assert_eq!(sealed.next(), None);
    found
}

/// What a release is: its files, all but what is encrypted under random nonces.
fn files(release: &Path) -> Vec<Vec<u8>> {
    ["index", "manifest", "plan.json", "seal-report.json"]
        .iter()
        .map(|name| fs::read(release.join(name)).unwrap())
        .collect()
}

/// Whether a seal has made a plan that it did not end.
fn has_begun(operator: &Operator) -> bool {
    let folders = fs::read_dir(operator.home().join("releases")).into_iter().flatten();
    folders.map_while(Result::ok).any(|entry| entry.path().join("plan.json").exists())
}

#[test]
fn a_seal_that_is_killed_ten_times_ends_with_the_same_bytes() {
    let first = Operator::new("op");
    let mut rows = numbers(0, ROWS);
    // Some rows twice, and some that are rejected.
    rows.extend(numbers(0, 1_000));
    rows.insert(77, "1850175001".to_owned());
    let input = first.file("breach.csv", numbers_csv(&rows));
    let seal = ["seal", input.to_str().unwrap(), "--list", "list-a", "--categories", "identity", "--memory", "64MiB"];
    let mut sealing = Running::start(first.command(&seal));
    until("a plan is made", || has_begun(&first) || sealing.has_ended());
    assert!(!sealing.kill(), "the seal was over before it could be killed");

    // From here on everything follows from the plan: once undisturbed, and killed at any moment of what that took.
    let undisturbed = first.copied();
    let began = Instant::now();
    undisturbed.run(&seal).ends(0);
    let takes = u64::try_from(began.elapsed().as_millis()).unwrap();
    let expected = files(&release(&undisturbed));

    let seed = u64::from(std::process::id());
    println!("seed {seed}, a seal takes {takes} ms");
    let mut draw = Draw::new(seed);
    let (mut kills, mut went_on) = (1, 0);
    let mut operator = first.copied();
    while kills < KILLS {
        let sealing = Running::start(operator.command(&seal));
        thread::sleep(Duration::from_millis(draw.below(takes)));
        if sealing.kill() {
            // It went on from kill to kill until it was done: from the beginning again.
            assert!(files(&release(&operator)) == expected, "after {kills} kills");
            operator = first.copied();
        } else {
            kills += 1;
            went_on += u32::from(checkpoint(&operator) > 0);
        }
    }
    println!("{went_on} kills left a checkpoint");
    operator.run(&seal).ends(0);
    assert!(files(&release(&operator)) == expected, "after {kills} kills");
    let left = fs::read_dir(operator.home().join("releases")).unwrap().map(|entry| entry.unwrap().file_name());
    let left: Vec<_> = left.filter(|name| name.to_str().unwrap().ends_with(".tmp")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_check_that_is_killed_ten_times_ends_with_the_same_bytes_and_is_paid_once() {
    const MEMBERS: u32 = 20_000;
    let operator = Operator::with_numbers("op", &numbers(MEMBERS - 300, MEMBERS + 300));
    let insurer = Insurer::enrolled("mutuelle", &operator, 10_000_000);
    let server = operator.serve();
    let mut rows = numbers(0, MEMBERS);
    rows.insert(77, "1850175001".to_owned());
    let members = insurer.file("m.csv", numbers_csv(&rows));
    let began = Instant::now();
    insurer.check(&members, &server, "undisturbed", &[]).ends(0);
    let takes = u64::try_from(began.elapsed().as_millis()).unwrap();
    let expected = results(&insurer, "undisturbed");
    let cost = operator.spent("mutuelle");

    let seed = u64::from(std::process::id());
    println!("seed {seed}, a check takes {takes} ms");
    let mut draw = Draw::new(seed);
    let (mut kills, mut done, mut went_on) = (0, 1, 0);
    // Whether its results are there and its job is not: the next one is another check.
    let is_done = || insurer.path("killed/summary.json").exists() && !insurer.has_sent();
    while kills < KILLS {
        let check = insurer.start_check(&members, &server.address(), "killed", &["--resume"]);
        thread::sleep(Duration::from_millis(draw.below(takes)));
        if !check.kill() {
            kills += 1;
            went_on += u32::from(insurer.answers_kept() > 0);
        }
        if is_done() {
            assert!(results(&insurer, "killed") == expected, "after {kills} kills");
            fs::remove_dir_all(insurer.path("killed")).unwrap();
            done += 1;
        }
    }
    println!("{went_on} kills left answers, {done} checks were done");
    insurer.check(&members, &server, "killed", &["--resume"]).ends(0);
    assert!(results(&insurer, "killed") == expected, "after {kills} kills");
    insurer.results("killed").are_whole();
    assert_eq!(operator.spent("mutuelle"), cost * (done + 1));
}

/// The rows that a check wrote.
fn results(insurer: &Insurer, out: &str) -> [String; 2] {
    ["affected.csv", "rejected.csv"].map(|name| insurer.results(out).text(name))
}

/// Rows that the checkpoint of an unfinished seal has.
fn checkpoint(operator: &Operator) -> u64 {
    let folders = fs::read_dir(operator.home().join("releases")).unwrap().map(|entry| entry.unwrap().path());
    let found = folders.filter_map(|path| fs::read(path.join("checkpoint.json")).ok()).next();
    found.map_or(0, |bytes| serde_json::from_slice::<Value>(&bytes).unwrap()["rows"].as_u64().unwrap())
}

#[test]
fn a_full_disk_stops_a_seal_which_goes_on_when_there_is_room() {
    let operator = Operator::with_numbers("op", &numbers(0, 10));
    let small = operator.path("small");
    fs::create_dir(&small).unwrap();
    let mount = |options: &str| {
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(&small);
        command.output().is_ok_and(|output| output.status.success())
    };
    // Less than home and index need: a fast machine is done before it spills anything.
    if !mount("size=1m,mode=0700") {
        println!("SKIPPED: this user cannot mount a small file system, so no disk becomes full");
        return;
    }
    let _unmount = Unmount(small.clone());
    let home = small.join("home");
    blindlist_tests::operator::copy_folder(&operator.home(), &home);
    let input = operator.file("breach.csv", numbers_csv(&numbers(0, ROWS)));
    let blindlistd = |arguments: &[&str]| {
        let mut command = blindlist_tests::programs::blindlistd(arguments);
        command.arg("--home").arg(&home);
        run(command)
    };
    let seal = ["seal", input.to_str().unwrap(), "--list", "list-b", "--categories", "identity"];
    let before = blindlistd(&["lists"]).ends(0).stdout;
    blindlistd(&seal).ends(1).complains(&["the disk is full"]);
    assert_eq!(blindlistd(&["lists"]).ends(0).stdout, before);
    blindlistd(&["audit", "verify"]).ends(0);

    assert!(mount_again(&small));
    let ended = blindlistd(&seal).ends(0);
    assert!(ended.stdout.contains("200,000"), "{ended}");
}

fn mount_again(folder: &Path) -> bool {
    let mut command = Command::new("mount");
    command.args(["-o", "remount,size=256m"]).arg(folder);
    command.output().is_ok_and(|output| output.status.success())
}

struct Unmount(PathBuf);

impl Drop for Unmount {
    fn drop(&mut self) {
        // A folder that stays mounted is in nobody's way but the temporary folder's.
        let _ = Command::new("umount").arg("-l").arg(&self.0).output();
    }
}

#[test]
fn additions_make_a_whole_list_and_evaluate_only_what_is_new() {
    let operator = Operator::new("op");
    let first = operator.file("first.csv", numbers_csv(&numbers(0, 3_000)));
    let more = operator.file("more.csv", numbers_csv(&numbers(2_900, 3_100)));
    let append = |operator: &Operator| operator.run(&["seal", more.to_str().unwrap(), "--list", "list-a", "--append"]);
    operator.seal(&first, "list-a", "identity,contract", &[]).ends(0);
    append(&operator).ends(65).complains(&["list-a", "--keep-evaluations"]);

    operator.seal(&first, "list-a", "identity,contract", &["--keep-evaluations"]).ends(0);
    append(&operator).ends(0).prints(&["3,100", "100"]);
    let insurer = Insurer::enrolled("mutuelle", &operator, 1_000);
    let server = operator.serve();
    let members =
        insurer.file("m.csv", numbers_csv(&[numbers(0, 5), numbers(2_990, 3_010), numbers(3_095, 3_105)].concat()));
    insurer.check(&members, &server, "out", &[]).ends(0).prints(&["30 of 35 checked members"]);
    server.stop();
    // Nothing of it is readable, and nothing remains of it once its epoch's key is destroyed.
    let kept = || {
        let folders = fs::read_dir(operator.home().join("releases")).unwrap().map(|entry| entry.unwrap().path());
        folders.filter(|folder| folder.join("evaluations").exists()).count()
    };
    assert_eq!(kept(), 1, "those of the release before were destroyed");
    let epoch = operator.run(&["epoch", "list"]).ends(0).stdout;
    let id =
        epoch.split_whitespace().find(|word| word.len() >= 8 && word.chars().all(|c| c.is_ascii_hexdigit())).unwrap();
    operator.run(&["epoch", "new"]).ends(0);
    operator.run(&["epoch", "retire", id, "--yes"]).ends(0);
    assert_eq!(kept(), 0);
}

#[test]
fn a_dry_run_says_what_a_seal_would_do_and_leaves_nothing() {
    let operator = Operator::with_numbers("op", &numbers(0, 10));
    let rows = [numbers(0, 5_000), numbers(0, 400), vec!["1850175001".to_owned()]].concat();
    let input = operator.file("breach.csv", numbers_csv(&rows));
    let before = everything_below(&operator.home());
    let dry = operator.seal(&input, "list-b", "identity", &["--dry-run"]).ends(0);
    let dry = dry.prints(&["5,401", "5,000", "400", "Nothing was evaluated or written."]);
    assert_eq!(everything_below(&operator.home()), before);
    let sealed = operator.seal(&input, "list-b", "identity", &[]).ends(0);
    let line = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    for name in ["rows", "people", "merged", "rejected"] {
        assert_eq!(line(&dry.stdout, name), line(&sealed.stdout, name), "{name}");
    }
}

/// All files below a folder, with their lengths.
fn everything_below(folder: &Path) -> Vec<(PathBuf, u64)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(everything_below(&path));
        } else {
            all.push((path.clone(), fs::metadata(&path).unwrap().len()));
        }
    }
    all.sort();
    all
}

#[test]
fn a_check_in_little_memory_finds_the_same() {
    let operator = Operator::with_numbers("op", &numbers(19_000, 21_000));
    let insurer = Insurer::enrolled("mutuelle", &operator, 100_000);
    let server = operator.serve();
    let mut rows = numbers(0, 20_000);
    rows.extend([number(19_500), "1850175001".to_owned(), number(3)]);
    let members = insurer.file("m.csv", numbers_csv(&rows));
    insurer.check(&members, &server, "much", &[]).ends(0).prints(&["1,001 of 20,002 checked members"]);
    insurer.check(&members, &server, "little", &["--memory", "64MiB", "--threads", "1"]).ends(0);
    for file in ["affected.csv", "rejected.csv"] {
        assert_eq!(insurer.results("much").text(file), insurer.results("little").text(file));
    }
}
