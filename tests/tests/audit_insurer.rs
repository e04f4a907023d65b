//! The insurer's side of the audit log, with both programs over real QUIC: evidence that is kept, replayed and opened, a
//! witness, and an operator that puts yesterday's ledger back.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests and their helpers")]

use std::fs;
use std::path::{Path, PathBuf};

use blindlist_tests::operator::{copy_folder, numbers_csv};
use blindlist_tests::people::{number, numbers};
use blindlist_tests::programs::{Ran, blindlist, run};
use blindlist_tests::{Insurer, Operator};

/// An operator whose newest epoch wants evidence, with a list in it, and an insurer with its passphrase in a file.
fn setting() -> (Operator, Insurer) {
    let operator = Operator::new("op");
    operator.run(&["epoch", "new", "--evidence", "required"]).ends(0);
    let input = operator.file("breach.csv", numbers_csv(&numbers(0, 20)));
    operator.seal(&input, "list-a", "identity", &[]).ends(0);
    let insurer = Insurer::enrolled("mutuelle", &operator, 20_000);
    private(&insurer.path("pass"), "correct horse battery");
    (operator, insurer)
}

fn private(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    fs::write(path, text).unwrap();
    fs::set_permissions(path, PermissionsExt::from_mode(0o600)).unwrap();
}

const KEEP: [&str; 3] = ["--keep-evidence", "--passphrase-file", "pass"];

/// The operator's export of its log, a checkpoint, and the log's key.
fn shipped(operator: &Operator) -> (PathBuf, PathBuf, String) {
    let (export, note) = (operator.path("export.jsonl"), operator.path("note"));
    operator.run(&["audit", "export", "--out", export.to_str().unwrap()]).ends(0);
    let ran = operator.run(&["audit", "checkpoint", "--out", note.to_str().unwrap()]).ends(0);
    let key = ran.stderr.split_whitespace().last().unwrap().to_owned();
    (export, note, key)
}

/// The only job that there is evidence of.
fn job(insurer: &Insurer) -> String {
    let mut jobs = fs::read_dir(insurer.profile().join("evidence")).unwrap();
    let job = jobs.next().unwrap().unwrap().file_name().into_string().unwrap();
    assert!(jobs.next().is_none());
    job
}

/// [EVI-1], [AUD-7], [AUD-10]
#[test]
fn an_insurer_shows_that_it_asked_about_its_members_and_nobody_else() {
    let (operator, insurer) = setting();
    let server = operator.serve();
    let members = insurer.file("members.csv", numbers_csv(&numbers(10, 9_000)));
    let secrets = [number(10), number(15)];
    insurer.check(&members, &server, "out", &[]).ends(2).complains(&["--keep-evidence"]);
    assert_eq!(operator.spent("mutuelle"), 0);
    let ran = insurer.check(&members, &server, "out", &KEEP).ends(0).is_silent_about(&secrets);
    ran.prints(&["10 of 8,990 checked members", "\nlog       ", "\nevidence  "]);
    insurer.run(&["lists", "--server", &server.address()]).ends(0).prints(&["it goes on from what was remembered"]);

    let (export, _, key) = shipped(&operator);
    let export = export.to_str().unwrap();
    let replay = |more: &[&str]| {
        let ran = insurer.run(&[&["replay", "--audit", export, "--passphrase-file", "pass"], more].concat());
        ran.is_silent_about(&secrets)
    };
    let agrees = ["2 of this insurer; chunks of one job: 2, with", "that the log has: 2", "and nobody else"];
    replay(&["--members", "members.csv"]).ends(0).prints(&agrees);
    insurer.file("other.csv", numbers_csv(&numbers(10, 9_001)));
    replay(&["--members", "other.csv"]).ends(65).complains(&["members.csv", "SHA-256"]);
    replay(&["--members", "members.csv", "other.csv"]).ends(0).prints(&agrees);

    open_an_element(&insurer, export, &key);
    fs::remove_dir_all(insurer.profile().join("evidence")).unwrap();
    replay(&["--members", "members.csv"]).ends(65).complains(&["--keep-evidence"]);
    server.stop();
}

/// [EVI-2]
fn open_an_element(insurer: &Insurer, export: &str, key: &str) {
    let (job, challenge) = (job(insurer), ["--sample", "20", "--challenge", "the auditor's dice: 6 1 3"]);
    let open = ["open", "--job", &job, "--chunk", "1", "--members", "members.csv", "--passphrase-file", "pass"];
    let opened = insurer.run(&[&open[..], &challenge, &["--out", "openings"]].concat()).ends(0);
    opened.is_silent_about(&[number(10), number(11)]);
    let path = insurer.path("openings");
    let verify = |more: &[&str]| -> Ran {
        run(blindlist([&["open", "--verify", path.to_str().unwrap()], &challenge[..], more].concat()))
    };
    verify(&[]).ends(0).prints(&["nir=", "opened   20 of 832 elements", "not looked at"]);
    verify(&["--audit", export, "--log-key", key]).ends(0).prints(&["charged to mutuelle at"]);
    verify(&["--audit", export, "--log-key", &"0".repeat(64)]).ends(76).complains(&["key"]);
    let other = ["open", "--verify", path.to_str().unwrap(), "--sample", "20", "--challenge", "another"];
    run(blindlist(other)).ends(65).complains(&["another challenge"]);
}

/// [AUD-8], [AUD-9]: yesterday's home is put back, ledger, checkpoints and all.
#[test]
fn a_log_that_was_rolled_back_is_noticed_by_insurer_witness_and_replay() {
    let (operator, insurer) = setting();
    let members = insurer.file("members.csv", numbers_csv(&numbers(10, 100)));
    copy_folder(&operator.home(), &operator.path("yesterday"));
    let server = operator.serve();
    insurer.check(&members, &server, "out", &KEEP).ends(0);
    server.stop();
    let (export, note, key) = shipped(&operator);
    let witness = |note: &Path, more: &[&str]| {
        let desk = insurer.path("witness");
        run(blindlist([&["witness", note.to_str().unwrap(), "--folder", desk.to_str().unwrap()], more].concat()))
    };
    witness(&note, &["--name", "w.example"]).ends(2).complains(&["--log-key"]);
    let signed = witness(&note, &["--log-key", &key]).ends(0);
    assert_eq!(signed.stdout.lines().last().unwrap().split(' ').nth(1), Some("w.example"), "{signed}");
    let shown = ["witness", "--folder", insurer.path("witness").to_str().unwrap(), "--show-key"].map(str::to_owned);
    run(blindlist(shown)).ends(0).prints(&["w.example+"]);

    fs::remove_dir_all(operator.home()).unwrap();
    fs::rename(operator.path("yesterday"), operator.home()).unwrap();
    let server = operator.serve();
    insurer.run(&["lists", "--server", &server.address()]).ends(76).complains(&["has lost entries", "contradictions"]);
    insurer.check(&members, &server, "again", &KEEP).ends(76).complains(&["audit log", "contradictions"]);
    insurer.results("again").are_none();
    server.stop();
    let kept: Vec<_> = fs::read_dir(insurer.profile().join("contradictions")).unwrap().collect();
    assert_eq!(kept.len(), 2);

    let (later, note, _) = shipped(&operator);
    assert_eq!(later, export);
    witness(&note, &["--audit", later.to_str().unwrap()]).ends(76).complains(&["is not signed"]);
    let replay =
        ["replay", "--audit", later.to_str().unwrap(), "--members", "members.csv", "--passphrase-file", "pass"];
    insurer.run(&replay).ends(76).prints(&["LEFT OUT", "CONTRADICTED"]).complains(&["contradicts"]);
}
