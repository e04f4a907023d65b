//! A client that was written from SPEC.md alone, in another language and over another QUIC, against the real server.
//!
//! It is `reference/client.py` on aioquic, in the virtual environment that `cargo xtask test --install` makes.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests and their helpers")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use blindlist_protocol::enrolment::Fingerprint;
use blindlist_protocol::message::Response;
use blindlist_tests::impostor::{Impostor, Reply};
use blindlist_tests::insurer::{approve, fingerprint};
use blindlist_tests::people::{number, numbers, spaced, with_key};
use blindlist_tests::programs::{Ran, blindlistd, root, run};
use blindlist_tests::results::rows;
use blindlist_tests::{Insurer, Operator};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The foreign client, in a folder of its own.
struct Foreign {
    folder: TempDir,
}

impl Foreign {
    /// Makes one with `client.py enroll`.
    fn new(name: &str) -> Self {
        let foreign = Self { folder: tempfile::tempdir().unwrap() };
        let shown = foreign.run(&["enroll", "--name", name]).ends(0).stdout;
        let shown: Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(shown["fingerprint"], fingerprint(&foreign.request()), "both sides show one fingerprint");
        foreign
    }

    /// Makes one that an operator has approved for `budget` members and that has installed the bundle.
    fn enrolled(name: &str, operator: &Operator, budget: u64) -> Self {
        let foreign = Self::new(name);
        let bundle = foreign.path("bundle");
        let request = foreign.request();
        approve(operator, &request, name, budget, &bundle, Some(&fingerprint(&request))).ends(0);
        foreign.join(&bundle, &fingerprint(&bundle)).ends(0);
        foreign
    }

    /// Makes one with the keys of our own client, so that an impostor can pass its chunks on.
    fn with_keys_of(insurer: &Insurer) -> Self {
        let foreign = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(foreign.path("profile")).unwrap();
        for (key, seed) in [("tls.key", "tls.seed"), ("signing.key", "signing.seed")] {
            let key = fs::read(insurer.profile().join("keys").join(key)).unwrap();
            fs::write(foreign.path("profile").join(seed), &key[key.len() - 32..]).unwrap();
        }
        let bundle = insurer.path("bundle");
        foreign.join(&bundle, &fingerprint(&bundle)).ends(0);
        foreign
    }

    fn join(&self, bundle: &Path, fingerprint: &str) -> Ran {
        self.run(&["join", bundle.to_str().unwrap(), "--fingerprint", fingerprint])
    }

    /// `check` of a member file with one server.
    fn check(&self, members: &Path, server: &str, more: &[&str]) -> Ran {
        self.run(&[&["check", members.to_str().unwrap(), "--server", server], more].concat())
    }

    fn request(&self) -> PathBuf {
        self.path("profile").join("request.csr")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        let mut command = Command::new(python());
        // The source tree gets no compiled modules.
        command.arg("-B").arg(root().join("tests/reference/client.py")).args(arguments);
        command.arg("--profile").arg(self.path("profile")).current_dir(self.folder.path());
        run(command)
    }
}

/// The Python that has aioquic.
fn python() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let python = target.join("python/bin/python3");
    assert!(python.exists(), "{} is not there: `cargo xtask test --install` installs it", python.display());
    python
}

/// What a check printed.
fn result(ran: Ran) -> Value {
    serde_json::from_str(&ran.ends(0).stdout).unwrap()
}

/// Requires that the client failed, printed no result, and says all of these.
#[track_caller]
fn fails(ran: Ran, about: &[&str]) {
    let ran = ran.ends(1).is_printable();
    assert_eq!(ran.stdout, "", "a failure has no result");
    assert!(ran.stderr.starts_with("client.py: ") && ran.stderr.lines().count() == 1, "no sentence: {ran}");
    for word in about {
        assert!(ran.stderr.contains(word), "{word:?} is missing in {ran}");
    }
}

/// [NET-3], [NET-7], [EVA-4]: another QUIC, which offers X25519 only, asks for more than one chunk and is charged for both.
#[test]
fn it_agrees_with_the_truth_row_for_row_and_pays() {
    let operator = Operator::new("op");
    let folder = operator.path("sample");
    let mut sample = blindlistd(["sample", "--out"]);
    // More members than one chunk holds.
    sample.arg(&folder).args(["--records", "3000", "--members", "8250", "--overlap", "0.05", "--seed", "11"]);
    run(sample).ends(0);
    let categories = "nir,civil-status,birth-date,insurer,contract,coverage-dates";
    operator.seal(&folder.join("breach.csv"), "demo", categories, &["--scheme", "beneficiary"]).ends(0);
    let foreign = Foreign::enrolled("mutuelle", &operator, 8_250);
    let server = operator.serve();

    let columns = ["nir=Numéro de sécurité sociale", "birth_date=Date de naissance"];
    let more = ["--scheme", "beneficiary", "--delimiter", ";", "--column", columns[0], "--column", columns[1]];
    let found = result(foreign.check(&folder.join("members.csv"), &server.address(), &more));
    let truth: Vec<Value> = rows(&folder.join("truth.csv"), b',')
        .iter()
        .map(|line| {
            let leaked: Vec<&str> = line[1].split('|').collect();
            json!({"row": line[0].parse::<u32>().unwrap(), "lists": [{"list": "demo", "categories": leaked}]})
        })
        .collect();
    assert!(truth.len() > 400, "{} members of 8,250 are on the list", truth.len());
    assert_eq!(found["affected"], json!(truth));
    assert_eq!(found["rejected"], json!([]));
    assert_eq!((&found["rows"], &found["asked"], &found["chunks"]), (&json!(8_250), &json!(8_256), &json!(2)));
    assert_eq!(found["accounts"], json!([{"granted": 8_256, "spent": 8_256}]));
    assert_eq!(operator.account("mutuelle"), [8_256, 8_256, 0], "8,250 members and 4 canaries, in 64s");
    let more = operator.file("one.csv", format!("nir\n{}\n", number(1)));
    fails(foreign.check(&more, &server.address(), &[]), &["no list of scheme nir"]);
}

/// Rows as people write them, with the numbers that both clients must give them.
fn messy_members() -> String {
    let one = with_key(&number(1));
    let cells = [
        spaced(&one),
        number(2),
        "260042a111222".to_owned(),
        format!("{}98", number(11)),
        "  ".to_owned(),
        "1,85E+14".to_owned(),
        number(4),
        one.replace(' ', "."),
        number(2)[..12].to_owned(),
        "18506750010A1".to_owned(),
        number(50),
        "9850578006084".to_owned(),
        "1851378006084".to_owned(),
        "1850A78006084".to_owned(),
        "18505B8006084".to_owned(),
    ];
    let rows = cells.iter().zip(1..).map(|(cell, row): (_, u32)| format!("{row},\"{cell}\"\n"));
    std::iter::once("row,nir\n".to_owned()).chain(rows).collect()
}

/// [ID-1], [MAT-2]: two implementations of section 7 reject the same rows, for the same reasons.
#[test]
fn it_agrees_with_our_own_client_on_messy_rows_and_several_lists() {
    let operator = Operator::new("op");
    for (list, categories, people) in [
        ("list-b", "contract,coverage", vec![number(2), number(4)]),
        ("list-a", "identity,contract", vec![number(1), number(2), "260042A111222".to_owned()]),
    ] {
        let input = operator.file(list, format!("nir\n{}\n", people.join("\n")));
        operator.seal(&input, list, categories, &[]).ends(0);
    }
    let (foreign, ours) = (Foreign::enrolled("foreign", &operator, 60), Insurer::enrolled("ours", &operator, 60));
    let server = operator.serve();
    let members = ours.file("m.csv", messy_members());
    let found = result(foreign.check(&members, &server.address(), &[]));
    let (a, b) = (["identity", "contract"], ["contract", "coverage"]);
    let on_a = |row: u32| json!({"row": row, "lists": [{"list": "list-a", "categories": a}]});
    let on_b = json!({"list": "list-b", "categories": b});
    assert_eq!(
        found["affected"],
        json!([
            on_a(1),
            {"row": 2, "lists": [{"list": "list-a", "categories": a}, on_b]},
            on_a(3),
            {"row": 7, "lists": [on_b]},
            on_a(8),
        ])
    );

    ours.check(&members, &server, "out", &["--accept-rejects"]).ends(0);
    let our_rows: Vec<_> = ours.results("out").affected(b',').iter().map(|row| row[0].clone()).collect();
    let its_rows: Vec<_> =
        found["affected"].as_array().unwrap().iter().map(|member| member["row"].to_string()).collect();
    assert_eq!(its_rows, our_rows);
    let our_rejects: Vec<Value> = rows(&ours.results("out").folder().join("rejected.csv"), b',')
        .iter()
        .map(|row| json!({"row": row[2].parse::<u32>().unwrap(), "column": row[3], "reason": row[4].split(':').next()}))
        .collect();
    assert_eq!(our_rejects.len(), 9);
    assert_eq!(found["rejected"], json!(our_rejects));
    assert_eq!(operator.account("foreign"), operator.account("ours"));
}

/// [ENR-2]
#[test]
fn a_fingerprint_that_differs_stops_it_and_its_operator() {
    let operator = Operator::with_numbers("op", &numbers(0, 3));
    let foreign = Foreign::new("mutuelle");
    let (request, bundle) = (foreign.request(), foreign.path("bundle"));
    let other = Fingerprint::of(b"another file").to_string();
    approve(&operator, &request, "mutuelle", 60, &bundle, Some(&other)).ends(77).complains(&["fingerprint"]);
    assert!(!bundle.exists());
    approve(&operator, &request, "mutuelle", 60, &bundle, Some(&fingerprint(&request))).ends(0);

    let members = operator.file("m.csv", format!("nir\n{}\n", number(1)));
    let server = operator.serve();
    fails(foreign.join(&bundle, &other), &["another fingerprint"]);
    fails(foreign.check(&members, &server.address(), &[]), &["join first"]);
    // Another insurer's bundle, and a changed one, with the right fingerprints.
    let someone = Insurer::new("someone");
    let theirs = someone.approved(&operator, 60);
    fails(foreign.join(&theirs, &fingerprint(&theirs)), &["not made for the keys"]);
    let mut bytes = fs::read(&bundle).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    let changed = operator.file("changed", &bytes);
    fails(foreign.join(&changed, &Fingerprint::of(&bytes).to_string()), &["signature"]);
    // As people may write it down.
    foreign.join(&bundle, &fingerprint(&bundle).to_uppercase().replace('-', ":")).ends(0);
    assert_eq!(result(foreign.check(&members, &server.address(), &[]))["affected"][0]["row"], 1);
}

/// [NET-1], [NET-5], [EVA-1]
#[test]
fn strangers_get_nothing_and_pay_nothing() {
    let (operator, other) = (Operator::with_numbers("op", &numbers(0, 3)), Operator::new("other"));
    let members = operator.file("m.csv", format!("nir\n{}\n", number(1)));

    // Its certificate is of the right authority, but not in the ledger: a copy of the operator's home issued it.
    let copy = operator.path("copy");
    let mut copying = Command::new("cp");
    copying.arg("-a").arg(operator.home()).arg(&copy);
    run(copying).ends(0);
    let unlisted = Foreign::new("unlisted");
    let (request, bundle) = (unlisted.request(), unlisted.path("bundle"));
    let mut approving = blindlistd(["insurer", "approve", "--name", "unlisted", "--budget", "60"]);
    approving.arg(&request).arg("--home").arg(&copy).arg("--out").arg(&bundle);
    approving.args(["--fingerprint", &fingerprint(&request)]);
    run(approving).ends(0);
    unlisted.join(&bundle, &fingerprint(&bundle)).ends(0);
    let outsider = Foreign::enrolled("outsider", &other, 60);
    let poor = Foreign::enrolled("poor", &operator, 60);

    let server = operator.serve();
    fails(unlisted.check(&members, &server.address(), &[]), &["UNKNOWN_INSURER (6)"]);
    fails(outsider.check(&members, &server.address(), &[]), &["TLS failed"]);
    result(poor.check(&members, &server.address(), &[]));
    fails(poor.check(&members, &server.address(), &[]), &["OVER_BUDGET (11), 64"]);
    operator.run(&["insurer", "suspend", "poor"]).ends(0);
    fails(poor.check(&members, &server.address(), &[]), &["SUSPENDED (7)"]);
    assert_eq!(operator.account("poor"), [64, 64, 0]);
    server.stop();
    fails(poor.check(&members, "127.0.0.1:9", &[]), &["127.0.0.1:9"]);
}

#[test]
fn it_refuses_what_an_impostor_makes_of_the_answers() {
    let operator = Operator::with_numbers("op", &numbers(0, 10));
    let insurer = Insurer::enrolled("mutuelle", &operator, 1_000);
    let foreign = Foreign::with_keys_of(&insurer);
    let server = operator.serve();
    let members = operator.file("m.csv", format!("nir\n{}\n", numbers(5, 25).join("\n")));
    let refuses = |tamper: fn(Response) -> Reply, about: &[&str]| {
        let impostor = Impostor::between(&insurer, &operator, &server, move |_, response| tamper(response));
        fails(foreign.check(&members, &impostor.address(), &[]), about);
    };
    refuses(swap_two_answers, &["proof: invalid"]);
    refuses(change_a_segment, &["release: MAN-5"]);
    refuses(lose_an_answer, &["gave the response up"]);
    let impostor = Impostor::between(&insurer, &operator, &server, |_, response: Response| response);
    let found = result(foreign.check(&members, &impostor.address(), &[]));
    let affected: Vec<_> = found["affected"].as_array().unwrap().iter().map(|member| member["row"].as_u64()).collect();
    assert_eq!(affected, [1, 2, 3, 4, 5].map(Some));
}

fn swap_two_answers(response: Response) -> Reply {
    let Response::Evaluated(mut evaluated) = response else { return response.into() };
    evaluated.elements.swap(0, 1);
    Response::Evaluated(evaluated).into()
}

fn change_a_segment(response: Response) -> Reply {
    let Response::Segment(mut bytes) = response else { return response.into() };
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    Response::Segment(bytes).into()
}

fn lose_an_answer(response: Response) -> Reply {
    if matches!(response, Response::Evaluated(_)) { Reply::Nothing } else { response.into() }
}
