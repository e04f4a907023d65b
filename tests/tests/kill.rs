//! Both programs killed at any moment: nothing is lost, nothing is paid twice, nothing is half-written.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests and their helpers")]
#![allow(clippy::wildcard_enum_match_arm, reason = "a test is about one kind of message and leaves the others alone")]

use std::fs;
use std::path::PathBuf;

use blindlist_protocol::message::{Evaluate, Request};
use blindlist_tests::impostor::{Impostor, Reply};
use blindlist_tests::people::{number, numbers};
use blindlist_tests::programs::{Running, until};
use blindlist_tests::raw::{RawInsurer, elements, send};
use blindlist_tests::results::FILES;
use blindlist_tests::{Insurer, Operator, Serving};

/// Three chunks: two full ones and a rest.
const MEMBERS: u32 = 17_000;
/// What an undisturbed check of them costs: with 4 canaries, in 64s.
const COST: u64 = 17_024;
/// Half of the list are members: the last ones.
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

    /// Kills a check that has asked about `asked` chunks and kept so many answers; no further answer reaches it.
    fn kill_after(&self, answers: usize, asked: usize, server: &Serving, more: &[&str]) {
        let held = u32::try_from(answers).unwrap();
        let between =
            Impostor::between(&self.insurer, &self.operator, server, move |request, response| match request {
                Request::Evaluate(chunk) if chunk.number >= held => Reply::Silence,
                _ => response.into(),
            });
        let mut client = self.insurer.start_check(&self.members, &between.address(), "out", more);
        let is_there = || between.evaluations() >= asked && self.insurer.answers_kept() == answers;
        until("the point came", || is_there() || client.has_ended());
        assert!(!client.kill(), "a check must wait for its answers");
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
        assert_eq!(visible, FILES);
    }

    /// Requires that there is no result, nor anything that could be taken for one.
    #[track_caller]
    fn has_no_result(&self) {
        let names = self.insurer.results("out").names();
        assert!(names.iter().all(|name| name.starts_with('.')), "{names:?}");
    }
}

#[test]
fn a_killed_server_loses_no_charge_and_doubles_none() {
    let charged = |scene: &Scene| scene.operator.spent("mutuelle") > 0;
    let answered = |scene: &Scene| scene.insurer.answers_kept() > 0;
    // Side by side: a client waits long for a server that is gone.
    let disturbed = std::thread::scope(|scope| {
        let points = [scope.spawn(|| killed_server(charged)), scope.spawn(|| killed_server(answered))];
        points.map(|point| point.join().unwrap())
    });
    assert!(disturbed.contains(&true), "every check was over before its server could be killed");
}

/// Kills the server of a check when the point has come. Whether the check was still under way.
fn killed_server(has_come: fn(&Scene) -> bool) -> bool {
    let scene = Scene::new();
    let server = scene.operator.serve();
    let address = server.address();
    let mut client = scene.check(&server, &[]);
    until("the point came", || has_come(&scene) || client.has_ended());
    let disturbed = !client.has_ended();
    server.kill();
    let again = Serving::start(&scene.operator, &address);
    finish(&scene, client, &again);
    disturbed
}

/// A client that lost its server connects again by itself, or gives up and is told to go on.
fn finish(scene: &Scene, client: Running, server: &Serving) {
    let ran = client.wait();
    if ran.stdout.is_empty() {
        assert!(ran.stderr.contains("--resume"), "{ran}");
        scene.has_no_result();
        scene.check(server, &["--resume"]).wait().ends(0);
    }
    scene.is_right();
}

#[test]
fn a_killed_client_goes_on_where_it_was() {
    // Killed when it has been asked about everything, and 0, 1 or 2 answers have come.
    for answers in 0..3 {
        let scene = Scene::new();
        let server = scene.operator.serve();
        scene.kill_after(answers, 3, &server, &[]);
        scene.has_no_result();
        scene.check(&server, &["--resume"]).wait().ends(0);
        scene.is_right();
    }
}

#[test]
fn a_client_killed_again_and_again_pays_once() {
    let scene = Scene::new();
    let server = scene.operator.serve();
    for answers in 0..3 {
        scene.kill_after(answers, 1, &server, &["--resume"]);
        scene.has_no_result();
    }
    let ran = scene.check(&server, &["--resume"]).wait().ends(0);
    assert!(ran.stderr.contains("2 of 3 chunks are answered already"), "{ran}");
    scene.is_right();
    assert_eq!(scene.insurer.answers_kept(), 0, "a finished job is removed");
}

#[test]
fn without_resume_a_new_check_is_paid_anew() {
    let scene = Scene::new();
    let server = scene.operator.serve();
    scene.kill_after(2, 3, &server, &[]);
    until("all was charged", || scene.operator.spent("mutuelle") == COST);
    let ran = scene.check(&server, &[]).wait().ends(0);
    assert!(ran.stderr.contains("--resume"), "the warning: {ran}");
    assert_eq!(scene.operator.spent("mutuelle"), 2 * COST);
}

/// [JOB-2]
#[test]
fn a_changed_file_is_another_check() {
    let scene = Scene::new();
    let server = scene.operator.serve();
    scene.kill_after(1, 3, &server, &[]);
    let whole = fs::read(&scene.members).unwrap();
    let one_more = format!("{}\n", number(900_000));
    fs::write(&scene.members, [&whole[..], one_more.as_bytes()].concat()).unwrap();
    until("all was charged", || scene.operator.spent("mutuelle") == COST);
    scene.check(&server, &["--resume"]).wait().ends(65).complains(&["m.csv", "changed"]);
    scene.has_no_result();
    assert_eq!(scene.operator.spent("mutuelle"), COST, "nothing is asked about a changed file");
    fs::write(&scene.members, whole).unwrap();
    scene.check(&server, &["--resume"]).wait().ends(0);
    scene.is_right();
}

/// [EVA-4]
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
        let bytes = Request::Evaluate(chunk.clone()).encode();
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
    let again = Serving::start(&scene.operator, &address);
    finish(&scene, client, &again);
}

#[test]
fn a_killed_seal_leaves_no_release() {
    let operator = Operator::new("op");
    let input = operator.file("breach.csv", format!("nir\n{}\n", numbers(0, 150_000).join("\n")));
    let first = operator.file("first.csv", format!("nir\n{}\n", numbers(0, 5).join("\n")));
    operator.seal(&first, "list-a", "identity", &[]).ends(0);
    let before = operator.run(&["lists"]).ends(0).stdout;
    let releases = operator.home().join("releases");
    let folders = || fs::read_dir(&releases).unwrap().map(|entry| entry.unwrap().path());
    let published = || folders().filter(|folder| folder.join("manifest").exists()).count();
    let input = input.to_str().unwrap();
    let arguments = ["seal", input, "--list", "list-a", "--categories", "identity"];
    for _ in 0..2 {
        let mut sealing = Running::start(operator.command(&arguments));
        // The second goes on with the first one's.
        let begun = || folders().any(|folder| folder.join("plan.json").exists() && !folder.join("manifest").exists());
        until("a release is being made", || begun() || sealing.has_ended());
        assert!(!sealing.kill(), "the seal was over before it could be killed");
        assert_eq!((operator.run(&["lists"]).ends(0).stdout, published()), (before.clone(), 1));
    }
    operator.serve().stop();
    operator.run(&arguments).ends(0);
    let after = operator.run(&["lists"]).ends(0).stdout;
    assert!(after.contains("150,000"), "{after}");
    assert_eq!(published(), 2);
    let insurer = Insurer::enrolled("mutuelle", &operator, 60);
    let server = operator.serve();
    let members = insurer.file("m.csv", format!("nir\n{}\n", numbers(149_999, 150_001).join("\n")));
    insurer.check(&members, &server, "out", &[]).ends(0).prints(&["1 of 2 checked members"]);
}

#[test]
fn two_seals_do_not_meet() {
    let operator = Operator::new("op");
    let input = operator.file("breach.csv", format!("nir\n{}\n", numbers(0, 150_000).join("\n")));
    let releases = operator.home().join("releases");
    let entries = || fs::read_dir(&releases).unwrap().count();
    let arguments = ["seal", input.to_str().unwrap(), "--list", "list-a", "--categories", "identity"];
    let mut sealing = Running::start(operator.command(&arguments));
    until("a release is being made", || entries() > 0 || sealing.has_ended());
    operator.run(&arguments).ends(75);
    sealing.wait().ends(0);
}
