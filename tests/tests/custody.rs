//! Custody of keys: passphrases, the change of an epoch, an insurer's new certificate and its end.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests and their helpers")]

use std::fs::{self, Permissions};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use blindlist_protocol::message::{Request, Response};
use blindlist_protocol::refusal::RefusalCode;
use blindlist_tests::insurer::fingerprint;
use blindlist_tests::people::numbers;
use blindlist_tests::programs::{Ran, Running, run, until};
use blindlist_tests::raw::{RawInsurer, elements};
use blindlist_tests::{Insurer, Operator, Serving};

/// The first bytes of a file under a passphrase.
const SEALED: &[u8] = b"age-encryption.org/v1\n";

/// A private file with a passphrase next to an operator's home.
fn passphrase(operator: &Operator, words: &str) -> String {
    let path = operator.file(&format!("{words}.txt"), format!("{words}\n"));
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    path.to_str().unwrap().to_owned()
}

/// The key files of a home, by their paths in it.
fn key_files(operator: &Operator) -> Vec<PathBuf> {
    fn gather(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                gather(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "key") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    gather(&operator.home(), &mut found);
    found.sort();
    found
}

fn sealed(operator: &Operator) -> usize {
    key_files(operator).iter().filter(|path| fs::read(path).unwrap().starts_with(SEALED)).count()
}

/// The ids of an operator's epochs, oldest first, with what `epoch list` says of each.
fn epochs(operator: &Operator) -> Vec<(String, String)> {
    let table = operator.run(&["epoch", "list"]).ends(0).is_printable().stdout;
    let rows = table.lines().skip(1).map(|line| line.split_once("  ").unwrap());
    rows.map(|(id, rest)| (id.to_owned(), rest.to_owned())).collect()
}

/// Serves with these passphrases.
fn serve(operator: &Operator, passphrases: &[&str]) -> Serving {
    let command = operator.command(&[&["serve", "--listen", "127.0.0.1:0"], passphrases].concat());
    Serving::try_start_as(command).unwrap_or_else(|log| panic!("the server did not come up:\n{log}"))
}

fn seal_numbers(operator: &Operator, list: &str, from: u32, to: u32, more: &[&str]) -> Ran {
    let rows: String = numbers(from, to).iter().map(|number| format!("{number}\n")).collect();
    let input = operator.file(&format!("{list}.csv"), format!("nir\n{rows}"));
    operator.seal(&input, list, "identity,contract", more)
}

fn members(insurer: &Insurer, from: u32, to: u32) -> PathBuf {
    insurer.file("m.csv", format!("nir\n{}\n", numbers(from, to).join("\n")))
}

#[test]
fn keys_under_a_passphrase_open_with_it_and_with_nothing_else() {
    let operator = Operator::with_numbers("op", &numbers(0, 10));
    let (right, wrong) = (passphrase(&operator, "right-words"), passphrase(&operator, "wrong-words"));
    let insurer = Insurer::enrolled("mutuelle", &operator, 100);
    operator.run(&["passphrase", "--new-passphrase-file", &right]).ends(0).prints(&["6 key files", "new passphrase"]);
    assert_eq!((sealed(&operator), key_files(&operator).len()), (6, 6));

    let second = Insurer::new("second");
    let (request, print) = (second.request(), fingerprint(&second.request()));
    let request = request.to_str().unwrap();
    let approve =
        ["insurer", "approve", request, "--name", "x", "--budget", "1", "--out", "b", "--fingerprint", &print];
    let input = operator.path("breach.csv");
    let input = input.to_str().unwrap();
    for command in [
        &["seal", input, "--list", "list-b", "--categories", "identity"][..],
        &approve,
        &["epoch", "new"],
        &["epoch", "retire", "0000", "--yes"],
        &["passphrase", "--remove"],
        &["serve", "--listen", "127.0.0.1:0"],
    ] {
        let nothing = operator.run(command).ends(77).complains(&["is encrypted", "--passphrase-file"]);
        let given = operator.run(&[command, &["--passphrase-file", &wrong]].concat());
        given.ends(77).complains(&["the passphrase does not open"]).is_silent_about(&["wrong-words"]);
        nothing.is_silent_about(&["right-words"]);
    }
    operator.run(&["lists"]).ends(0).prints(&["list-a"]);

    let server = serve(&operator, &["--passphrase-file", &right]);
    insurer.check(&members(&insurer, 5, 25), &server, "out", &[]).ends(0).prints(&["5 of 20 checked members"]);
    assert!(!server.log().contains("right-words"));
    // A file that others can read is no place for a passphrase.
    fs::set_permissions(&right, Permissions::from_mode(0o644)).unwrap();
    operator.run(&["epoch", "new", "--passphrase-file", &right]).ends(1).complains(&["open to other users"]);
    fs::set_permissions(&right, Permissions::from_mode(0o600)).unwrap();
    operator.run(&["passphrase", "--remove", "--passphrase-file", &right]).ends(0);
    assert_eq!(sealed(&operator), 0);
    // The server that runs has its keys already, and goes on.
    seal_numbers(&operator, "list-b", 0, 10, &[]).ends(0);
    insurer.check(&members(&insurer, 5, 26), &server, "out-2", &[]).ends(0);
}

#[test]
fn a_key_or_folder_that_is_open_or_anothers_stops_every_command() {
    let operator = Operator::with_numbers("op", &numbers(0, 3));
    let insurer = Insurer::new("mutuelle");
    let (request, input) = (insurer.request(), operator.path("breach.csv"));
    let print = fingerprint(&request);
    let (request, input) = (request.to_str().unwrap(), input.to_str().unwrap());
    let commands = [
        &["serve", "--listen", "127.0.0.1:0"][..],
        &["seal", input, "--list", "list-b", "--categories", "identity"],
        &["insurer", "approve", request, "--name", "x", "--budget", "1", "--out", "b", "--fingerprint", &print],
        &["epoch", "new"],
        &["passphrase", "--remove"],
    ];
    let refused = |words: &[&str]| {
        for command in commands {
            operator.run(command).ends(1).complains(words);
        }
    };
    for (name, open, private) in [("keys/offline/successor.key", 0o640, 0o600), ("keys/online", 0o755, 0o700)] {
        let path = operator.home().join(name);
        fs::set_permissions(&path, Permissions::from_mode(open)).unwrap();
        refused(&["open to other users", name, "chmod"]);
        fs::set_permissions(&path, Permissions::from_mode(private)).unwrap();
    }
    // Only root can give a file away; for others the rule is tested where it is written.
    let (key, mine) = (operator.home().join("keys/offline/ca.key"), fs::metadata(operator.home()).unwrap().uid());
    if std::os::unix::fs::chown(&key, Some(4_711), None).is_ok() {
        refused(&["belongs to another user", "uid 4711"]);
        std::os::unix::fs::chown(&key, Some(mine), None).unwrap();
    }
    operator.run(&["epoch", "new"]).ends(0);
}

#[test]
fn a_home_begins_under_a_passphrase_or_a_credential() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("blindlistd-passphrase"), "a credential").unwrap();
    fs::set_permissions(path("blindlistd-passphrase"), Permissions::from_mode(0o600)).unwrap();
    let daemon = |arguments: &[&str]| blindlist_tests::programs::blindlistd(arguments);
    let file = path("blindlistd-passphrase");
    let init = daemon(&["init", "--operator", "op", "--home", &path("one"), "--passphrase-file", &file]);
    run(init).ends(0).prints(&["under the passphrase"]);
    let mut init = daemon(&["init", "--operator", "op", "--home", &path("two")]);
    init.env("CREDENTIALS_DIRECTORY", folder.path());
    run(init).ends(0).prints(&["under the passphrase"]);
    for home in ["one", "two"] {
        assert!(fs::read(path(&format!("{home}/keys/offline/manifest.key"))).unwrap().starts_with(SEALED));
        run(daemon(&["epoch", "new", "--home", &path(home)])).ends(77);
        let mut new = daemon(&["epoch", "new", "--home", &path(home)]);
        new.env("CREDENTIALS_DIRECTORY", folder.path());
        run(new).ends(0).prints(&["is live"]);
    }
    run(daemon(&["init", "--operator", "op", "--home", &path("three"), "--passphrase"])).ends(77);
    assert!(!Path::new(&path("three")).exists());
}

#[test]
fn a_change_of_the_passphrase_that_is_killed_leaves_every_key_readable_and_goes_on() {
    let operator = Operator::new("op");
    let (old, new) = (passphrase(&operator, "old-words"), passphrase(&operator, "new-words"));
    operator.run(&["passphrase", "--new-passphrase-file", &old]).ends(0);
    let before: Vec<_> = key_files(&operator).iter().map(|path| fs::read(path).unwrap()).collect();
    let change = ["passphrase", "--passphrase-file", &old, "--new-passphrase-file", &new];
    for wanted in [1, 4] {
        let changed = || {
            let now = key_files(&operator);
            now.iter().zip(&before).filter(|(path, before)| fs::read(path).is_ok_and(|now| now != **before)).count()
        };
        let mut running = Running::start(operator.command(&change));
        until("a key file is changed", || changed() >= wanted || running.has_ended());
        running.kill();
        // With both passphrases everything works, whatever was reached.
        operator.run(&["epoch", "retire", "zzzz", "--yes"]).ends(2);
        let both = ["--passphrase-file", &old, "--passphrase-file", &new];
        operator.run(&[&["epoch", "retire", "ffffffffffffffff", "--yes"][..], &both].concat()).ends(1);
        serve(&operator, &both);
    }
    operator.run(&change).ends(0).prints(&["6 key files"]);
    assert_eq!(sealed(&operator), 6);
    operator.run(&["epoch", "new", "--passphrase-file", &old]).ends(77);
    operator.run(&["epoch", "new", "--passphrase-file", &new]).ends(0);
    serve(&operator, &["--passphrase-file", &new]);
}

#[test]
fn a_check_over_two_epochs_pays_in_both_and_finds_in_both() {
    let operator = Operator::with_numbers("op", &numbers(0, 10));
    let insurer = Insurer::enrolled("mutuelle", &operator, 100);
    let server = operator.serve();
    operator.run(&["epoch", "new"]).ends(0).prints(&["is live", "budget again"]);
    seal_numbers(&operator, "list-b", 10, 20, &[]).ends(0);
    let listed = epochs(&operator);
    assert!(listed[0].1.ends_with("list-a") && listed[1].1.ends_with("list-b"), "{listed:?}");

    insurer.check(&members(&insurer, 5, 15), &server, "out", &[]).ends(0);
    let found = insurer.results("out").affected(b',');
    let lists: Vec<_> = found.iter().map(|row| (row[0].clone(), row[1].clone())).collect();
    let expected = numbers(5, 15).into_iter().enumerate();
    let expected: Vec<_> =
        expected.map(|(i, number)| (number, if i < 5 { "list-a" } else { "list-b" }.to_owned())).collect();
    assert_eq!(lists, expected);
    let table = operator.run(&["insurer", "list"]).ends(0).stdout;
    let spent: Vec<_> = table.lines().filter(|line| line.starts_with("mutuelle")).map(numbers_of).collect();
    assert_eq!(spent, [[128, 64, 64]; 2], "{table}");
    insurer.run(&["lists", "--server", &server.address()]).ends(0).prints(&[&listed[0].0[..8], &listed[1].0[..8]]);

    // A list of the first epoch goes on in it when it is told to.
    seal_numbers(&operator, "list-c", 0, 5, &["--epoch", &listed[0].0[..12]]).ends(0);
    assert!(epochs(&operator)[0].1.ends_with("list-a, list-c"));
    seal_numbers(&operator, "list-d", 0, 5, &["--epoch", "0123456789"]).ends(1).complains(&["epoch list"]);
}

/// The cells of a line that are numbers.
fn numbers_of(line: &str) -> Vec<u64> {
    line.split_whitespace().filter_map(|cell| cell.replace(',', "").parse().ok()).collect()
}

/// [EVA-2]
#[tokio::test]
async fn a_retired_epoch_is_gone_for_servers_and_clients_that_knew_it() {
    let operator = Operator::with_numbers("op", &numbers(0, 10));
    let (insurer, raw) = (Insurer::enrolled("mutuelle", &operator, 100), RawInsurer::enrolled("raw", &operator, 100));
    let server = operator.serve();
    let line = raw.connect(&server).await;
    let request = line.chunk(elements(0, 64));
    assert!(matches!(line.ask(&Request::Evaluate(request.clone())).await, Response::Evaluated(_)));
    let first = epochs(&operator)[0].0.clone();
    let key = operator.home().join("epochs").join(&first).join("oprf.key");
    let shadow = fs::File::open(&key).unwrap();

    let refused = operator.run(&["epoch", "retire", &first, "--yes"]);
    refused.ends(1).complains(&["only live epoch", "epoch new"]);
    operator.run(&["epoch", "new"]).ends(0);
    seal_numbers(&operator, "list-b", 10, 20, &[]).ends(0);
    operator.run(&["epoch", "retire", &first]).ends(77).complains(&["--yes"]);
    assert!(key.exists());
    operator.run(&["epoch", "retire", &first[..8], "--yes"]).ends(0).prints(&["retired", "list-a", "backup"]);

    // What was on the disk is overwritten, not only unnamed.
    let mut left = [1; 32];
    shadow.read_exact_at(&mut left, 0).unwrap();
    assert_eq!((left, key.exists()), ([0; 32], false));
    // On the connection that knew it, at once, also for what was paid.
    line.is_refused(request, RefusalCode::RetiredEpoch).await;
    let account = line.ask(&Request::Account(line.epoch())).await;
    assert!(matches!(account, Response::Refused(refusal) if refusal.code == RefusalCode::RetiredEpoch));
    insurer.check(&members(&insurer, 5, 15), &server, "out", &[]).ends(0);
    assert_eq!(insurer.results("out").affected(b',').len(), 5, "those of list-b");
    let again = operator.serve();
    insurer.run(&["lists", "--server", &again.address()]).ends(0).prints(&["list-b"]).is_silent_about(&["list-a"]);
    let listed = epochs(&operator);
    assert!(listed[0].1.starts_with("retired 2") && listed[1].1.starts_with("live"), "{listed:?}");
}

#[test]
fn a_retirement_that_is_killed_goes_on_when_it_is_repeated() {
    for trial in 0..12_u64 {
        let operator = Operator::with_numbers("op", &numbers(0, 3));
        operator.run(&["epoch", "new"]).ends(0);
        seal_numbers(&operator, "list-b", 10, 20, &[]).ends(0);
        let first = epochs(&operator)[0].0.clone();
        let retire = ["epoch", "retire", &first, "--yes"];
        let running = Running::start(operator.command(&retire));
        // From the start of the process to well after its end, wherever that falls on this machine.
        thread::sleep(Duration::from_millis(trial * 3));
        running.kill();
        // Whatever was reached, the home can be looked at and served, and the command goes on.
        operator.run(&["lists"]).ends(0).prints(&["list-b"]);
        let server = operator.serve();
        operator.run(&retire).ends(0);
        let listed = epochs(&operator);
        assert!(listed[0].1.starts_with("retired 2") && listed[1].1.starts_with("live"), "{listed:?}");
        assert!(!operator.home().join("epochs").join(&first).join("oprf.key").exists());
        operator.run(&["lists"]).ends(0).prints(&["list-b"]).is_silent_about(&["list-a"]);
        drop(server);
    }
}

#[tokio::test]
async fn a_renewed_insurer_goes_on_with_its_account_and_the_old_certificate_ends() {
    let operator = Operator::with_numbers("op", &numbers(0, 10));
    let insurer = Insurer::enrolled("mutuelle", &operator, 100);
    let old = RawInsurer::enrolled("raw", &operator, 100);
    let server = operator.serve();
    insurer.check(&members(&insurer, 5, 15), &server, "out", &[]).ends(0);
    let renew = |name: &str, request: &Path, out: &Path, fingerprint: &str| {
        let (request, out) = (request.to_str().unwrap(), out.to_str().unwrap());
        operator.run(&["insurer", "renew", name, request, "--out", out, "--fingerprint", fingerprint])
    };

    // The same keys, another certificate: the bundle is joined in the same profile.
    let (request, out) = (insurer.request(), insurer.path("renewed"));
    renew("mutuelle", &request, &out, &"0".repeat(64)).ends(77).complains(&["fingerprint"]);
    assert!(!out.exists());
    renew("mutuelle", &request, &out, &fingerprint(&request)).ends(0);
    insurer.run(&["lists", "--server", &server.address()]).ends(77).complains(&["no enrolled insurer"]);
    insurer.join(&out).ends(0);
    insurer.check(&members(&insurer, 5, 16), &server, "out-2", &[]).ends(0);
    assert_eq!(operator.account("mutuelle"), [128, 128, 0], "one account for both");

    // New keys, on a connection that was open before.
    let line = old.connect(&server).await;
    let fresh = Insurer::new("raw");
    let bundle = fresh.path("bundle");
    renew("raw", &fresh.request(), &bundle, &fingerprint(&fresh.request())).ends(0).prints(&["refused from now on"]);
    assert!(matches!(line.ask(&Request::Catalog).await, Response::Refused(refusal)
        if refusal.code == RefusalCode::UnknownInsurer));
    fresh.join(&bundle).ends(0);
    fresh.run(&["lists", "--server", &server.address()]).ends(0).prints(&["list-a"]);
    // The keys that were replaced let nobody in again.
    let again = operator.path("again");
    renew("raw", &operator.path("raw.csr"), &again, &fingerprint(&operator.path("raw.csr")))
        .ends(1)
        .complains(&["signing key"]);
    // Of another operator, nothing is joined.
    let other = Operator::new("other");
    let foreign = fresh.path("foreign");
    let request = fresh.request();
    blindlist_tests::insurer::approve(&other, &request, "raw", 10, &foreign, Some(&fingerprint(&request))).ends(0);
    fresh.join(&foreign).ends(77);
    renew("nobody", &fresh.request(), &again, &fingerprint(&fresh.request())).ends(1).complains(&["insurer list"]);
    assert!(!again.exists());
}

#[tokio::test]
async fn a_revoked_insurer_is_never_answered_again() {
    let operator = Operator::with_numbers("op", &numbers(0, 10));
    let raw = RawInsurer::enrolled("raw", &operator, 100);
    let server = operator.serve();
    let line = raw.connect(&server).await;
    operator.run(&["insurer", "revoke", "raw"]).ends(77).complains(&["--yes"]);
    assert!(matches!(line.ask(&Request::Catalog).await, Response::Catalog(_)));
    operator.run(&["insurer", "revoke", "raw", "--yes"]).ends(0).prints(&["revoked"]);
    assert!(matches!(line.ask(&Request::Catalog).await, Response::Refused(refusal)
        if refusal.code == RefusalCode::Suspended));
    operator.run(&["insurer", "list"]).ends(0).prints(&["revoked"]);
    operator.run(&["insurer", "resume", "raw"]).ends(1).complains(&["revoked"]);
    operator.run(&["insurer", "revoke", "raw", "--yes"]).ends(1).complains(&["revoked"]);
    let fresh = Insurer::new("raw");
    let (request, out) = (fresh.request(), fresh.path("bundle"));
    let print = fingerprint(&request);
    blindlist_tests::insurer::approve(&operator, &request, "raw", 10, &out, Some(&print))
        .ends(1)
        .complains(&["name is registered already"]);
    let renew = ["insurer", "renew", "raw", request.to_str().unwrap(), "--out", out.to_str().unwrap()];
    operator.run(&[&renew[..], &["--fingerprint", &print]].concat()).ends(1).complains(&["revoked"]);
    assert!(!out.exists());
    assert!(matches!(line.ask(&Request::Catalog).await, Response::Refused(_)));
}
