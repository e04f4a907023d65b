//! Keys that were lost or stolen: the succession of the manifest key, and an insurer's new keys.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests and their helpers")]
#![allow(clippy::wildcard_enum_match_arm, reason = "a test is about one kind of message and leaves the others alone")]

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use blindlist_protocol::message::{Request, Response};
use blindlist_protocol::object;
use blindlist_protocol::refusal::RefusalCode;
use blindlist_protocol::signature::SigningKey;
use blindlist_protocol::succession::Succession;
use blindlist_tests::forge::{Forger, right_canaries};
use blindlist_tests::impostor::{Impostor, Reply};
use blindlist_tests::insurer::fingerprint;
use blindlist_tests::people::numbers;
use blindlist_tests::programs::{Ran, Running};
use blindlist_tests::{Insurer, Operator, Scene, Serving};

fn members(insurer: &Insurer, from: u32, to: u32) -> PathBuf {
    insurer.file("m.csv", format!("nir\n{}\n", numbers(from, to).join("\n")))
}

/// The manifest key of a home, as people see it.
fn operator_key(operator: &Operator) -> String {
    hex::encode(fs::read(operator.home().join("keys/online/manifest.pub")).unwrap())
}

fn succeed(operator: &Operator) -> Ran {
    operator.run(&["succeed", "--yes"]).ends(0)
}

/// Requires that a check says of the manifest key that it was succeeded by this one.
#[track_caller]
fn tells_of(ran: &Ran, keys: &[&str]) {
    for word in [&["manifest key was succeeded", "compare it with other insurers"], keys].concat() {
        assert!(ran.stderr.contains(word), "{word:?} is missing in standard error of {ran}");
    }
}

/// The indexes that an insurer holds, each with its inode and open: no other file gets that inode.
fn indexes(insurer: &Insurer) -> Vec<(PathBuf, u64, File)> {
    let entries = fs::read_dir(insurer.profile().join("indexes")).unwrap().map(|entry| entry.unwrap());
    let files = entries.filter(|entry| !entry.file_name().to_str().unwrap().starts_with('.'));
    let found = files.map(|entry| (entry.path(), entry.metadata().unwrap().ino(), File::open(entry.path()).unwrap()));
    let mut found: Vec<_> = found.collect();
    found.sort_by(|one, other| one.0.cmp(&other.0));
    found
}

/// Requires that an insurer still holds these files and no others.
#[track_caller]
fn still_holds(insurer: &Insurer, held: &[(PathBuf, u64, File)]) {
    let files = |indexes: &[(PathBuf, u64, File)]| -> Vec<(PathBuf, u64)> {
        indexes.iter().map(|(path, inode, _)| (path.clone(), *inode)).collect()
    };
    assert_eq!(files(&indexes(insurer)), files(held), "the same indexes");
}

/// [SUC-2], [SUC-3]
#[test]
fn insurers_follow_their_operator_from_key_to_key_and_pay_nothing_twice() {
    let operator = Operator::with_numbers("op", &numbers(0, 10));
    let insurers = ["first", "second"].map(|name| Insurer::enrolled(name, &operator, 300));
    let [first, second] = &insurers;
    let server = operator.serve();
    first.check(&members(first, 5, 25), &server, "out", &[]).ends(0).prints(&["5 of 20 checked members"]);
    second.check(&members(second, 5, 15), &server, "out", &[]).ends(0);
    assert_eq!(operator.account("first"), [320, 64, 256]);
    let (mut keys, held) = (vec![operator_key(&operator)], indexes(first));

    operator.run(&["succeed"]).ends(77).complains(&["--yes"]);
    succeed(&operator).prints(&["manifest key now", "successor.key", &keys[0]]);
    keys.push(operator_key(&operator));
    // The server has run all the time.
    let ran = first.check(&members(first, 5, 26), &server, "out-2", &[]).ends(0).prints(&["5 of 21 checked members"]);
    tells_of(&ran, &[&keys[0], &keys[1]]);
    still_holds(first, &held);
    assert_eq!(operator.account("first"), [256, 64, 192]);
    let again = first.run(&["lists", "--server", &server.address()]).ends(0);
    assert!(!again.stderr.contains("succeeded"), "{again}");

    // The second misses one, and follows both.
    succeed(&operator);
    keys.push(operator_key(&operator));
    let ran =
        second.run(&["lists", "--server", &server.address()]).ends(0).prints(&["list-a", "256 of 256 evaluations"]);
    tells_of(&ran, &[&keys[0], &keys[1], &keys[2]]);
    let again = operator.serve();
    second.check(&members(second, 5, 26), &again, "out-2", &[]).ends(0).prints(&["5 of 21 checked members"]);
    first.check(&members(first, 5, 27), &again, "out-3", &[]).ends(0);

    // What comes later is made under the newest key, for old and new insurers.
    let third = Insurer::enrolled("third", &operator, 100);
    let input = operator.file("b.csv", "nir\n");
    fs::write(&input, format!("nir\n{}\n", numbers(20, 30).join("\n"))).unwrap();
    operator.seal(&input, "list-b", "identity", &[]).ends(0);
    operator.run(&["epoch", "new"]).ends(0);
    for insurer in [first, second, &third] {
        insurer.run(&["lists", "--server", &again.address()]).ends(0).prints(&["list-a", "list-b"]);
    }
    operator.run(&["audit", "verify"]).ends(0);
}

/// [SUC-2], [SUC-3]: by the end, the operator of before is a thief.
#[test]
fn a_thief_with_the_old_key_is_left_behind() {
    let scene = Scene::new();
    let other = Insurer::enrolled("autre", &scene.operator, 100);
    let forger = Forger::of(&scene.operator, &scene.insurer);
    let forgery = forger.release(&numbers(0, 10), right_canaries(), 0);
    let thief = Impostor::alone(&scene.operator, forger.serve(&forgery), |_, response| response);
    // Until the succession its word is the operator's word.
    other.run(&["lists", "--server", &thief.address()]).ends(0).prints(&["forged"]);
    succeed(&scene.operator);
    let lists = |server: &str| scene.insurer.run(&["lists", "--server", server]);
    tells_of(&lists(&scene.server.address()).ends(0), &[]);

    let refused =
        lists(&thief.address()).ends(76).complains(&["not signed by the pinned manifest key", "no succession"]);
    assert!(!refused.stderr.contains("was succeeded"), "{refused}");
    scene.fails(&thief, 76);

    // It has another key follow the one that it stole, and back.
    let (own, stolen) = (SigningKey::from_seed(&[7; 32]), forger.manifest_key.clone());
    let now = operator_key(&scene.operator).parse::<blindlist_protocol::ids::Digest>().unwrap();
    let pinned = blindlist_protocol::signature::VerifyingKey::from_bytes(*now.as_bytes());
    let word = |old_key, key: &SigningKey| {
        let successor = object::digest(b"whatever");
        let operator = forger.record.operator.clone();
        object::sign(&Succession { operator, old_key, new_key: key.verifying(), successor, time: 1 }, key)
    };
    let fresh = Insurer::enrolled("neuve", &scene.operator, 100);
    for (succession, signer, insurer) in [
        (word(pinned, &own), &own, &scene.insurer),
        (word(pinned, &stolen), &stolen, &fresh),
        (word(stolen.verifying(), &own), &own, &fresh),
    ] {
        let mut catalog = forger.catalog(&[]);
        catalog.operator_key = signer.verifying();
        let catalog = object::sign(&catalog, signer);
        let nothing = |_: &Request| Response::Refused(RefusalCode::UnknownObject.into());
        let liar = Impostor::alone(&scene.operator, nothing, move |request, response| match request {
            Request::Catalog => Response::Catalog(catalog.clone()),
            Request::Succession(_) => Response::Object(succession.clone()),
            _ => response,
        });
        insurer.run(&["lists", "--server", &liar.address()]).ends(76).complains(&["the succession is"]);
    }
    scene.is_unharmed();
    fresh.run(&["lists", "--server", &scene.server.address()]).ends(0).prints(&["list-a"]);
}

/// Has a check begin whose answers get lost on the way: it is charged, and stays unfinished.
fn leave_unfinished(scene: &Scene) {
    let deaf = scene.tampering(|request, response| match request {
        Request::Evaluate(_) => Reply::from(Response::Refused(RefusalCode::Internal.into())),
        _ => response.into(),
    });
    let ran = scene.check(&deaf);
    assert!(ran.stderr.contains("--resume"), "{ran}");
    assert_eq!(jobs(&scene.insurer), 1);
}

fn jobs(insurer: &Insurer) -> usize {
    let entries = fs::read_dir(insurer.profile().join("jobs")).unwrap().map(|entry| entry.unwrap());
    entries.filter(|entry| entry.path().is_dir()).count()
}

/// [SUC-3]
#[test]
fn a_check_that_was_not_finished_begins_again_under_the_new_key() {
    for more in [&["--resume"][..], &[]] {
        let scene = Scene::new();
        leave_unfinished(&scene);
        succeed(&scene.operator);
        let ran = scene.insurer.check(&scene.members, &scene.server, "out", more).ends(0);
        assert!(ran.stderr.contains("begins again, and is paid again"), "{ran}");
        ran.prints(&["5 of 20 checked members"]);
        assert_eq!(jobs(&scene.insurer), 0, "its seed is gone");
    }
}

#[test]
fn a_succession_that_is_killed_goes_on_when_it_is_repeated() {
    for trial in 0..10_u64 {
        let operator = Operator::with_numbers("op", &numbers(0, 3));
        let insurer = Insurer::enrolled("mutuelle", &operator, 100);
        let server = operator.serve();
        let running = Running::start(operator.command(&["succeed", "--yes"]));
        // From the start of the process to well after its end, wherever that falls on this machine.
        thread::sleep(Duration::from_millis(trial * 4));
        running.kill();
        // Whatever was reached, the home can be looked at and served, and the command goes on.
        operator.run(&["lists"]).ends(0).prints(&["list-a"]);
        let address = operator.serve();
        insurer.run(&["lists", "--server", &address.address()]).is_printable();
        succeed(&operator);
        for server in [&server, &address] {
            insurer.run(&["lists", "--server", &server.address()]).ends(0).prints(&["list-a"]);
        }
        insurer.check(&members(&insurer, 1, 11), &server, "out", &[]).ends(0).prints(&["2 of 10 checked members"]);
    }
}

#[test]
fn the_successors_key_comes_from_where_it_was_kept() {
    let operator = Operator::with_numbers("op", &numbers(0, 10));
    let insurer = Insurer::enrolled("mutuelle", &operator, 100);
    let (home, away) = (operator.home().join("keys/offline/successor.key"), operator.path("kept-apart"));
    fs::rename(&home, &away).unwrap();
    fs::remove_file(operator.home().join("keys/offline/manifest.key")).unwrap();
    operator.run(&["succeed", "--yes"]).ends(1).complains(&["--successor-key"]);
    let wrong = operator.home().join("keys/online/receipt.key");
    let with = |path: &Path| operator.run(&["succeed", "--yes", "--successor-key", path.to_str().unwrap()]);
    with(&wrong).ends(77).complains(&["not the one that insurers have pinned"]);
    with(&away).ends(0);
    assert!(home.exists());
    let server = operator.serve();
    insurer.check(&members(&insurer, 5, 25), &server, "out", &[]).ends(0).prints(&["5 of 20 checked members"]);
}

/// Has the operator renew an insurer by a request.
fn renew(scene: &Scene, request: &Path, bundle: &Path) -> Ran {
    let name = scene.insurer.name();
    let (shown, out) = (request.to_str().unwrap(), bundle.to_str().unwrap());
    scene.operator.run(&["insurer", "renew", name, shown, "--out", out, "--fingerprint", &fingerprint(request)])
}

fn refused(insurer: &Insurer, server: &Serving) {
    insurer.run(&["lists", "--server", &server.address()]).ends(77).complains(&["no enrolled insurer"]);
}

/// [ENR-5]
#[test]
fn stolen_keys_are_replaced_in_the_same_profile() {
    let scene = Scene::new();
    let Scene { insurer, server, .. } = &scene;
    let (request, bundle) = (insurer.profile().join("new-request.csr"), insurer.path("new-bundle"));
    let lists = || insurer.run(&["lists", "--server", &server.address()]);
    leave_unfinished(&scene);
    // What a thief has.
    let stolen = insurer.path("stolen");
    copy(&insurer.profile(), &stolen);

    let made = insurer.run(&["enroll", "--new-keys"]).ends(0).prints(&["new-request.csr", "insurer renew"]);
    let again = insurer.run(&["enroll", "--new-keys"]).ends(0);
    assert_eq!((&made.stdout, made.stdout.contains(&fingerprint(&request))), (&again.stdout, true));
    lists().ends(0);
    renew(&scene, &request, &bundle).ends(0);
    refused(insurer, server);
    let (seen, old) =
        (fs::read(insurer.profile().join("seen.json")).unwrap(), fs::read(insurer.profile().join("keys/tls.key")));
    insurer.join(&bundle).ends(0);
    lists().ends(0).prints(&["list-a"]);
    assert_eq!(fs::read(insurer.profile().join("seen.json")).unwrap(), seen);
    assert_ne!(fs::read(insurer.profile().join("keys/tls.key")).unwrap(), old.unwrap());
    assert!(!request.exists() && !insurer.profile().join("new-keys").exists());

    let thief = Insurer::new("thief");
    fs::remove_dir_all(thief.profile()).unwrap();
    fs::rename(&stolen, thief.profile()).unwrap();
    refused(&thief, server);
    // The unfinished check goes on with the new keys.
    let ran = insurer.check(&scene.members, server, "out", &["--resume"]).ends(0);
    assert!(ran.stderr.contains("going on with an unfinished check"), "{ran}");
    assert_eq!(scene.operator.spent(insurer.name()), 64);
}

#[test]
fn new_keys_and_a_new_manifest_key_may_come_together() {
    let scene = Scene::new();
    let Scene { insurer, server, .. } = &scene;
    let (request, bundle) = (insurer.profile().join("new-request.csr"), insurer.path("new-bundle"));
    insurer.run(&["enroll", "--new-keys"]).ends(0);
    let before = operator_key(&scene.operator);
    succeed(&scene.operator);
    renew(&scene, &request, &bundle).ends(0);
    refused(insurer, server);
    // The bundle is of the pinned successor: it is taken, and the succession is followed by the first who asks.
    insurer.join(&bundle).ends(0);
    let ran = insurer.run(&["lists", "--server", &server.address()]).ends(0).prints(&["list-a"]);
    tells_of(&ran, &[&before, &operator_key(&scene.operator)]);
    insurer.run(&["enroll", "--new-keys", "--name", "x"]).ends(2);
    insurer.run(&["enroll"]).ends(2);
}

fn copy(from: &Path, to: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(|entry| entry.unwrap()) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).unwrap();
        }
    }
    fs::set_permissions(to, fs::metadata(from).unwrap().permissions()).unwrap();
    assert_eq!(fs::metadata(to).unwrap().permissions().mode() & 0o777, 0o700);
}
