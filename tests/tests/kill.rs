//! Both programs killed at any moment: nothing is lost, nothing is paid twice, nothing is half-written.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests and their helpers")]

use std::fs;
use std::path::PathBuf;

use blindlist_protocol::message::Evaluate;
use blindlist_tests::people::numbers;
use blindlist_tests::programs::{Running, until};
use blindlist_tests::raw::{RawInsurer, elements, send};
use blindlist_tests::{Insurer, Operator, Serving};

/// Three chunks: two full ones and a rest.
const MEMBERS: u32 = 17_000;
/// What an undisturbed check of them costs: with 4 canaries, in 64s.
const COST: u64 = 17_024;
/// Members 40,000 to 40,999 do not exist; of the list 500 are members.
const AFFECTED: usize = 500;

struct Scene {
    operator: Operator,
    insurer: Insurer,
    members: PathBuf,
}

impl Scene {
    fn new() -> Self {
        let affected = u32::try_from(AFFECTED).unwrap();
        let operator = Operator::with_numbers("op", &numbers(MEMBERS - affected, MEMBERS + affected));
        let insurer = Insurer::enrolled("mutuelle", &operator, 40_000);
        let members = insurer.file("m.csv", format!("nir\n{}\n", numbers(0, MEMBERS).join("\n")));
        Self { operator, insurer, members }
    }

    fn check(&self, server: &Serving, more: &[&str]) -> Running {
        self.insurer.start_check(&self.members, &server.address(), "out", more)
    }

    /// Requires a right and whole result, paid for once.
    #[track_caller]
    fn is_right(&self) {
        let results = self.insurer.results("out");
        let found: Vec<_> = results.affected(b',').into_iter().map(|row| row[0].clone()).collect();
        assert_eq!(found, numbers(MEMBERS - u32::try_from(AFFECTED).unwrap(), MEMBERS));
        assert_eq!(results.number("/affected/people"), AFFECTED as u64);
        assert_eq!(self.operator.spent("mutuelle"), COST);
        let visible: Vec<_> = results.names().into_iter().filter(|name| !name.starts_with('.')).collect();
        assert_eq!(visible, ["affected.csv", "rejected.csv", "summary.json"]);
    }

    /// Requires that there is no result, nor anything that could be taken for one.
    #[track_caller]
    fn has_no_result(&self) {
        let names = self.insurer.results("out").names();
        assert!(names.iter().all(|name| name.starts_with('.')), "{names:?}");
    }
}

/// Points of a check, one after the other.
fn points() -> Vec<(&'static str, fn(&Scene) -> bool)> {
    vec![
        ("something was charged", |scene| scene.operator.spent("mutuelle") > 0),
        ("one answer was kept", |scene| scene.insurer.answers_kept() >= 1),
        ("two answers were kept", |scene| scene.insurer.answers_kept() >= 2),
    ]
}

#[test]
fn a_killed_server_loses_no_charge_and_doubles_none() {
    for (what, reached) in points() {
        let scene = Scene::new();
        let server = scene.operator.serve();
        let address = server.address();
        let mut client = scene.check(&server, &[]);
        until(what, || reached(&scene) || client.has_ended());
        server.kill();
        let again = restart(&scene.operator, &address);
        // It connects again by itself, or gives up and is told to go on.
        let ran = client.wait();
        if ran.stdout.is_empty() {
            scene.has_no_result();
            scene.check(&again, &["--resume"]).wait().ends(0);
        }
        scene.is_right();
    }
}

#[test]
fn a_killed_client_goes_on_where_it_was() {
    for (what, reached) in points() {
        let scene = Scene::new();
        let server = scene.operator.serve();
        let mut client = scene.check(&server, &[]);
        until(what, || reached(&scene) || client.has_ended());
        let had_ended = client.kill();
        assert!(!had_ended, "{what}: the check was over before it could be killed");
        scene.has_no_result();
        scene.check(&server, &["--resume"]).wait().ends(0);
        scene.is_right();
    }
}

#[test]
fn a_client_killed_again_and_again_pays_once() {
    let scene = Scene::new();
    let server = scene.operator.serve();
    let mut kills = 0;
    loop {
        let kept = scene.insurer.answers_kept();
        let mut client = scene.check(&server, &["--resume"]);
        until("it got on", || scene.insurer.answers_kept() > kept || client.has_ended());
        if client.kill() {
            break;
        }
        kills += 1;
    }
    assert!(kills >= 1);
    if scene.insurer.answers_kept() > 0 {
        scene.check(&server, &["--resume"]).wait().ends(0);
    }
    scene.is_right();
}

#[test]
fn a_changed_file_is_another_check() {
    let scene = Scene::new();
    let server = scene.operator.serve();
    let mut client = scene.check(&server, &[]);
    until("one answer was kept", || scene.insurer.answers_kept() >= 1 || client.has_ended());
    assert!(!client.kill());
    let whole = fs::read(&scene.members).unwrap();
    fs::write(&scene.members, [&whole[..], format!("{}\n", numbers(900_000, 900_001)[0]).as_bytes()].concat()).unwrap();
    let spent = scene.operator.spent("mutuelle");
    scene.check(&server, &["--resume"]).wait().ends(65).complains(&["m.csv", "changed"]);
    scene.has_no_result();
    assert_eq!(scene.operator.spent("mutuelle"), spent, "nothing is asked about a changed file");
    fs::write(&scene.members, whole).unwrap();
    scene.check(&server, &["--resume"]).wait().ends(0);
    scene.is_right();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_was_charged_before() {
    let operator = Operator::with_numbers("op", &numbers(0, 3));
    let insurer = RawInsurer::enrolled("raw", &operator, 100_000);
    let mut server = operator.serve();
    let mut charged = 0;
    for round in 0..5 {
        let line = insurer.connect(&server).await;
        assert_eq!(line.account().await.spent, charged, "a charge was lost or doubled");
        // The answer has come: killed at once, the charge must be there.
        let count = 100 + round;
        line.evaluated(line.chunk(elements(round, usize::try_from(count).unwrap()))).await;
        charged += count;
        server.kill();
        server = operator.serve();
    }
    // Killed while many are under way: charged or not, each once, and never twice when all are sent again.
    let line = insurer.connect(&server).await;
    let chunks: Vec<Evaluate> = (10..26).map(|salt| line.chunk(elements(salt, 64))).collect();
    let asking = chunks.iter().map(|chunk| {
        let bytes = blindlist_protocol::message::Request::Evaluate(chunk.clone()).encode();
        let (connection, operator) = (&line.connection, &operator);
        async move { (send(connection, &bytes).await.is_ok(), operator) }
    });
    let mut asking: Vec<_> = asking.map(Box::pin).collect();
    // The first answer, then the end.
    let first = asking.remove(0).await.0;
    assert!(first);
    let rest = tokio::join!(asking.remove(0), asking.remove(0), async { server.kill() });
    let answered = 1 + u64::from(rest.0.0) + u64::from(rest.1.0);
    let server = operator.serve();
    let line = insurer.connect(&server).await;
    let spent = line.account().await.spent;
    assert!(spent >= charged + 64 * answered, "{answered} answers came, {spent} were charged");
    assert!(spent <= charged + 64 * 3, "no more were asked for");
    for chunk in &chunks {
        line.evaluated(chunk.clone()).await;
        line.evaluated(chunk.clone()).await;
    }
    assert_eq!(line.account().await.spent, charged + 64 * 16);
}

#[test]
fn a_server_that_is_asked_to_stop_answers_what_it_was_asked() {
    let scene = Scene::new();
    let server = scene.operator.serve();
    let address = server.address();
    let mut client = scene.check(&server, &[]);
    until("something was charged", || scene.operator.spent("mutuelle") > 0 || client.has_ended());
    server.stop();
    let again = restart(&scene.operator, &address);
    let ran = client.wait();
    if ran.stdout.is_empty() {
        scene.has_no_result();
        scene.check(&again, &["--resume"]).wait().ends(0);
    }
    scene.is_right();
}

#[test]
fn a_killed_seal_leaves_no_release() {
    let operator = Operator::new("op");
    let input = operator.file("breach.csv", format!("nir\n{}\n", numbers(0, 60_000).join("\n")));
    let first = operator.file("first.csv", format!("nir\n{}\n", numbers(0, 5).join("\n")));
    operator.seal(&first, "list-a", "identity", &[]).ends(0);
    let before = operator.run(&["lists"]).ends(0).stdout;
    let releases = operator.home().join("releases");
    let entries = || fs::read_dir(&releases).unwrap().count();
    let input = input.to_str().unwrap();
    let arguments = ["seal", input, "--list", "list-a", "--categories", "identity"];
    let begun = entries();
    for _ in 0..2 {
        let had = entries();
        let mut sealing = Running::start(operator.command(&arguments));
        until("a release is being made", || entries() > had || sealing.has_ended());
        assert!(!sealing.kill(), "the seal was over before it could be killed");
        assert_eq!(operator.run(&["lists"]).ends(0).stdout, before);
    }
    operator.serve().stop();
    operator.run(&arguments).ends(0);
    let after = operator.run(&["lists"]).ends(0).stdout;
    assert!(after.contains("60,000"), "{after}");
    assert!(entries() > begun);
    let insurer = Insurer::enrolled("mutuelle", &operator, 60);
    let server = operator.serve();
    let members = insurer.file("m.csv", format!("nir\n{}\n", numbers(59_999, 60_001).join("\n")));
    insurer.check(&members, &server, "out", &[]).ends(0).prints(&["1 of 2 members"]);
}

#[test]
fn two_seals_do_not_meet() {
    let operator = Operator::new("op");
    let input = operator.file("breach.csv", format!("nir\n{}\n", numbers(0, 60_000).join("\n")));
    let releases = operator.home().join("releases");
    let entries = || fs::read_dir(&releases).unwrap().count();
    let arguments = ["seal", input.to_str().unwrap(), "--list", "list-a", "--categories", "identity"];
    let mut sealing = Running::start(operator.command(&arguments));
    until("a release is being made", || entries() > 0 || sealing.has_ended());
    operator.run(&arguments).ends(75);
    sealing.wait().ends(0);
}

/// Serves where the server before it did.
fn restart(operator: &Operator, address: &str) -> Serving {
    Serving::start(operator, address)
}
