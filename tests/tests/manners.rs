//! The insurer's command line, as a person or a nightly job meets it: what is said where, how it is ended, what it says to do
//! next.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests and their helpers")]
#![allow(clippy::wildcard_enum_match_arm, reason = "a test is about one kind of message and leaves the others alone")]

use std::fs;
use std::path::PathBuf;

use blindlist_protocol::message::Request;
use blindlist_tests::impostor::{Impostor, Reply};
use blindlist_tests::people::numbers;
use blindlist_tests::programs::{Ran, Running, blindlist, blindlistd, run, until};

use blindlist_tests::{Insurer, Operator, Scene, Serving};
use serde_json::Value;

/// A server that never answers about members.
fn mute(scene: &Scene) -> Impostor {
    scene.tampering(|request, response| match request {
        Request::Evaluate(_) => Reply::Silence,
        _ => response.into(),
    })
}

fn begun(scene: &Scene, impostor: &Impostor, more: &[&str]) -> Running {
    let mut client = scene.insurer.start_check(&scene.members, &impostor.address(), "out", more);
    until("the members are asked about", || impostor.evaluations() > 0 || client.has_ended());
    assert!(!client.has_ended());
    client
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn an_interrupted_check_ends_in_good_order_says_how_to_go_on_and_does() {
    for terminate in [false, true] {
        let scene = Scene::new();
        let impostor = mute(&scene);
        let client = begun(&scene, &impostor, &[]);
        if terminate {
            client.terminate();
        } else {
            client.interrupt();
        }
        let ran = client.wait().ends(130);
        for words in ["ending in good order", "--resume", "interrupted"] {
            assert!(ran.stderr.contains(words), "{words}: {ran}");
        }
        scene.insurer.results("out").are_none();
        let jobs = scene.insurer.run(&["jobs"]).ends(0);
        let goes_on = jobs.stdout.lines().find_map(|line| line.strip_prefix("go on     ")).unwrap();
        // Ready to be entered, but that the server is the honest one.
        let goes_on = goes_on.replace(&impostor.address(), &scene.server.address());
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", &goes_on]);
        run(shell).ends(0).prints(&["5 of 20 checked members"]);
        assert_eq!(scene.operator.spent("mutuelle"), 64);
        scene.insurer.run(&["jobs"]).ends(0).prints(&["no check is unfinished"]);
    }
}

#[test]
fn what_is_for_machines_is_json_and_what_is_quiet_says_nothing() {
    let scene = Scene::new();
    let ran = scene.insurer.check(&scene.members, &scene.server, "out", &["--json"]).ends(0);
    let summary = json(&ran.stdout);
    assert_eq!(summary["affected"]["rows"], 5, "{ran}");
    let written = fs::read_to_string(scene.insurer.path("out/summary.json")).unwrap();
    assert_eq!(summary, json(&written), "one result, two places");
    let events: Vec<Value> = ran.stderr.lines().map(json).collect();
    for kind in ["told", "began", "ended"] {
        assert!(events.iter().any(|event| event["event"] == kind), "{kind}: {ran}");
    }
    let ran = scene.insurer.check(&scene.members, &scene.server, "quiet", &["--quiet"]).ends(0);
    assert_eq!(ran.stderr, "");
    let ran = scene.insurer.check(&scene.insurer.path("none.csv"), &scene.server, "none", &["--json"]).ends(65);
    assert_eq!((ran.stdout.as_str(), &json(ran.stderr.trim())["code"]), ("", &65.into()), "{ran}");
    let lists = scene.insurer.run(&["lists", "--server", &scene.server.address(), "--json"]).ends(0);
    assert_eq!(json(&lists.stdout)["lists"][0]["people"], 10, "{lists}");
    has(&scene.insurer.run(&["jobs", "--json"]).ends(0), "jobs");
    has(&scene.insurer.run(&["cache", "list", "--json"]).ends(0), "indexes");
    has(&scene.insurer.run(&["cache", "clean", "--json"]).ends(0), "removed");
    has(&scene.insurer.run(&["forget", "--json"]).ends(0), "kept");
    has(&scene.insurer.run(&["forget", "--all", "--yes", "--json"]).ends(0), "removed");
}

/// Requires that a program printed one object with this key.
#[track_caller]
fn has(ran: &Ran, key: &str) {
    assert!(json(&ran.stdout).get(key).is_some(), "{ran}");
}

#[test]
fn without_a_terminal_there_are_plain_lines_and_no_colour() {
    let scene = Scene::new();
    let mut command = scene.insurer.check_command(&scene.members, &scene.server.address(), "out", &[]);
    command.env("TERM", "xterm-256color").env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
    let ran = run(command).ends(0);
    for words in ["reading the members: ", "asking: 64 members", "asking: ended after"] {
        assert!(ran.stderr.contains(words), "{words}: {ran}");
    }
    assert!(!ran.stderr.contains('\u{1b}') && !ran.stdout.contains('\u{1b}') && !ran.stderr.contains('\r'), "{ran}");
    let mut doctor = scene.insurer.command(&["doctor", "--server", &scene.server.address()]);
    doctor.env("CLICOLOR_FORCE", "1");
    assert!(run(doctor).ends(0).stdout.contains("\u{1b}[32mok"));
}

#[test]
fn a_server_that_restarts_is_found_again_and_that_is_said_twice() {
    let operator = Operator::with_numbers("op", &numbers(15_900, 16_100));
    let insurer = Insurer::enrolled("mutuelle", &operator, 40_000);
    let members = insurer.file("m.csv", format!("nir\n{}\n", numbers(0, 16_000).join("\n")));
    let server = operator.serve();
    let address = server.address();
    let mut client = insurer.start_check(&members, &address, "out", &[]);
    until("a chunk is answered", || insurer.answers_kept() > 0 || client.has_ended());
    assert!(!client.has_ended(), "the check was over before the server was killed");
    server.kill();
    let server = Serving::start(&operator, &address);
    let ran = client.wait().ends(0).prints(&["100 of 16,000 checked members"]);
    for (words, times) in [("trying again by itself, for up to 5 minutes", 1), ("answers again", 1)] {
        assert_eq!(ran.stderr.matches(words).count(), times, "{words}: {ran}");
    }
    assert_eq!(operator.spent("mutuelle"), 16_064);
    server.stop();
}

#[test]
fn patience_ends_and_leaves_a_check_that_goes_on() {
    let operator = Operator::with_numbers("op", &numbers(15_900, 16_100));
    let insurer = Insurer::enrolled("mutuelle", &operator, 40_000);
    let members = insurer.file("m.csv", format!("nir\n{}\n", numbers(0, 16_000).join("\n")));
    let server = operator.serve();
    let mut client = insurer.start_check(&members, &server.address(), "out", &["--patience", "1s"]);
    until("a chunk is answered", || insurer.answers_kept() > 0 || client.has_ended());
    assert!(!client.has_ended());
    // In good order: the client hears that it is gone.
    server.stop();
    let ran = client.wait().ends(69);
    assert!(ran.stderr.contains("--resume"), "{ran}");
    let server = operator.serve();
    insurer.check(&members, &server, "out", &["--resume"]).ends(0).prints(&["100 of 16,000 checked members"]);
    assert_eq!(operator.spent("mutuelle"), 16_064);
}

#[test]
fn doctor_says_what_is_wrong_and_what_to_do() {
    let scene = Scene::new();
    let (insurer, operator) = (&scene.insurer, &scene.operator);
    let address = scene.server.address();
    let out = insurer.path("out");
    let well = insurer.run(&["doctor", "--server", &address, "--out", out.to_str().unwrap()]).ends(0);
    well.prints(&["everything is well", "let in as mutuelle", "evaluations left", "free in"]);
    let report = insurer.run(&["doctor", "--server", &address, "--json"]).ends(0);
    let findings = json(&report.stdout)["findings"].as_array().unwrap().clone();
    assert!(findings.iter().all(|finding| finding["state"] == "ok" && finding["code"] == 0), "{report}");
    assert_eq!(operator.spent("mutuelle"), 0);

    operator.run(&["insurer", "suspend", "mutuelle"]).ends(0);
    insurer.run(&["doctor", "--server", &address]).ends(77).prints(&["problem  admission", "insurer resume"]);
    operator.run(&["insurer", "resume", "mutuelle"]).ends(0);
    for (server, code, words) in [
        ("server.invalid:4433", 69, "could not be resolved"),
        ("127.0.0.1:1", 69, "nothing listens on this UDP port"),
        ("localhost", 2, "HOST:PORT"),
    ] {
        insurer.run(&["doctor", "--server", server]).ends(code).prints(&[words, "-> "]);
    }
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let there = silent.local_addr().unwrap().to_string();
    insurer.run(&["doctor", "--server", &there]).ends(69).prints(&["UDP is blocked", "ask the network team"]);
    let other = Operator::with_numbers("other", &numbers(0, 2));
    let elsewhere = other.serve();
    insurer.run(&["doctor", "--server", &elsewhere.address()]).ends(69).prints(&["certificate was not trusted"]);

    let mut nowhere = blindlist(["doctor", "--profile"]);
    nowhere.arg(insurer.path("no-profile"));
    run(nowhere).ends(1).prints(&["problem  profile", "blindlist enroll"]);
    Insurer::new("alone").run(&["doctor"]).ends(1).prints(&["blindlist join"]);
}

#[test]
fn nothing_is_forgotten_by_mistake() {
    let scene = Scene::new();
    let client = begun(&scene, &mute(&scene), &[]);
    // One that is under way keeps its profile.
    scene.insurer.run(&["forget", "--jobs", "--yes"]).ends(75).complains(&["another process uses"]);
    scene.insurer.run(&["jobs"]).ends(0).prints(&["under way now"]);
    client.interrupt();
    client.wait().ends(130);
    scene.insurer.run(&["forget", "--jobs"]).ends(77).complains(&["--yes"]);
    let seed = || -> Vec<PathBuf> {
        let jobs = fs::read_dir(scene.insurer.profile().join("jobs")).unwrap();
        jobs.map(|job| job.unwrap().path().join("seed")).filter(|seed| seed.exists()).collect()
    };
    assert_eq!(seed().len(), 1);
    let id = seed()[0].parent().unwrap().file_name().unwrap().to_str().unwrap().to_owned();
    scene.insurer.run(&["forget", "--job", &id, "--yes"]).ends(0).prints(&["removed  the unfinished check", &id]);
    assert!(seed().is_empty());
    scene.insurer.run(&["forget", "--job", &id, "--yes"]).ends(1).complains(&["blindlist jobs"]);
    scene.is_unharmed();
}

#[test]
fn both_programs_describe_themselves_to_shells_and_to_man() {
    let folder = tempfile::tempdir().unwrap();
    for (program, page) in [("blindlist", "blindlist-check.1"), ("blindlistd", "blindlistd-insurer-approve.1")] {
        let command = |arguments: &[&str]| {
            let arguments = arguments.iter().copied();
            if program == "blindlist" { blindlist(arguments) } else { blindlistd(arguments) }
        };
        for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
            run(command(&["completions", shell])).ends(0).prints(&[program]);
        }
        let pages = folder.path().join(program);
        run(command(&["man", "--out", pages.to_str().unwrap()])).ends(0);
        let text = fs::read_to_string(pages.join(page)).unwrap();
        assert!(text.contains(".SH OPTIONS") && pages.join(format!("{program}.1")).exists(), "{text}");
    }
}
