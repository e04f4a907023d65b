//! A check without a network, with both programs: publication, questions, answers; the same results, charges and log as over
//! QUIC, and what happens to files that were tampered with.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests and their helpers")]

use std::fs;
use std::path::PathBuf;

use blindlist_protocol::exchange::{Answers, Header, Place, Questions, Reader, Sealed};
use blindlist_protocol::message::{Request, Response};
use blindlist_tests::operator::numbers_csv;
use blindlist_tests::people::{number, numbers};
use blindlist_tests::programs::{Ran, blindlist, run};
use blindlist_tests::{Insurer, Operator};

/// An operator with ten people on its list, an insurer with 10,000 members of whom five are: two chunks. No server runs.
struct Desk {
    operator: Operator,
    insurer: Insurer,
    members: PathBuf,
}

impl Desk {
    fn new(budget: u64) -> Self {
        let operator = Operator::with_numbers("op", &numbers(0, 10));
        let insurer = Insurer::enrolled("mutuelle", &operator, budget);
        let members = insurer.file("m.csv", numbers_csv(&numbers(5, 10_005)));
        Self { operator, insurer, members }
    }

    fn publish(&self) -> Ran {
        self.operator.run(&["publication", "--for", "mutuelle", "--out", self.path("publication").to_str().unwrap()])
    }

    fn request(&self, more: &[&str]) -> Ran {
        let members = self.members.to_str().unwrap();
        let always = ["request", members, "--publication", "publication", "--out", "questions"];
        self.insurer.run(&[&always[..], more].concat())
    }

    fn answer(&self) -> Ran {
        let (questions, answers) = (self.path("questions"), self.path("answers"));
        self.operator.run(&["answer", questions.to_str().unwrap(), "--out", answers.to_str().unwrap()])
    }

    fn finish(&self, out: &str, more: &[&str]) -> Ran {
        self.insurer.run(&[&["finish", "answers", "--out", out], more].concat())
    }

    /// A file that goes to and fro: it is where the insurer's program runs.
    fn path(&self, name: &str) -> PathBuf {
        self.insurer.path(name)
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// How many jobs the insurer has not finished.
    fn jobs(&self) -> usize {
        let all = fs::read_dir(self.insurer.profile().join("jobs")).unwrap();
        all.filter(|entry| entry.as_ref().unwrap().path().join("seed").exists()).count()
    }

    /// The publication and the questions.
    fn asked(budget: u64) -> Self {
        let desk = Self::new(budget);
        desk.publish().ends(0);
        desk.request(&[]).ends(0);
        desk
    }

    fn audit(&self) {
        self.operator.run(&["audit", "verify"]).ends(0).prints(&["The audit log holds"]);
    }
}

fn read<H: Header>(file: &[u8]) -> (Vec<(H::Message, Place)>, Sealed<H>) {
    let (mut reader, mut rest, mut frames) = (Reader::<H>::default(), file, Vec::new());
    while !rest.is_empty() {
        frames.extend(reader.push(&mut rest).unwrap().map(|frame| (frame.message, frame.place)));
    }
    (frames, reader.finish().unwrap())
}

/// [EXC-3], [EXC-5]
#[test]
fn a_check_in_files_is_the_check_over_the_network() {
    let desk = Desk::new(20_000);
    let secrets = [number(5), number(9_000)];
    desk.publish().ends(0).prints(&["The publication for the insurer mutuelle", "budget left", "20,032 evaluations"]);
    let ran = desk.request(&[]).ends(0).is_silent_about(&secrets);
    ran.prints(&["evaluations  10,048, in 2 chunks", "blindlistd answer"]);
    assert_eq!(desk.operator.spent("mutuelle"), 0);
    desk.answer().ends(0).prints(&["charged now", "10,048 evaluations", "9,984 evaluations"]).is_silent_about(&secrets);
    assert_eq!(desk.operator.spent("mutuelle"), 10_048);
    let ran = desk.finish("files", &[]).ends(0).is_silent_about(&secrets);
    ran.prints(&["5 of 10,000 checked members", "9,984"]);
    desk.audit();

    // The same again costs nothing, and a finished check is finished.
    desk.answer().ends(0).prints(&["charged now", "0 evaluations"]);
    assert_eq!(desk.operator.spent("mutuelle"), 10_048);
    desk.finish("again", &[]).ends(65).complains(&["answers no questions of this profile that are still open"]);
    assert_eq!(desk.jobs(), 0);

    // Another insurer with the same members, over the network.
    let over_there = Insurer::enrolled("voisine", &desk.operator, 20_000);
    let members = over_there.file("m.csv", numbers_csv(&numbers(5, 10_005)));
    let server = desk.operator.serve();
    over_there.check(&members, &server, "out", &[]).ends(0);
    let (files, network) = (desk.insurer.results("files"), over_there.results("out"));
    assert_eq!(files.text("affected.csv"), network.text("affected.csv"));
    assert_eq!(files.names(), network.names());
    assert_eq!(desk.operator.spent("voisine"), 10_048);
    desk.audit();
}

/// [EXC-3]: `serve` and `answer` share the ledger, and chunks that came one way are not charged when they come the other.
#[test]
fn files_and_network_are_one_account() {
    let desk = Desk::asked(20_000);
    let server = desk.operator.serve();
    desk.answer().ends(0);
    assert_eq!(desk.operator.spent("mutuelle"), 10_048);
    // The check whose questions went in a file goes on over the network, for nothing.
    desk.insurer.check(&desk.members, &server, "out", &["--resume"]).ends(0).prints(&["5 of 10,000"]);
    assert_eq!(desk.operator.spent("mutuelle"), 10_048);
    desk.audit();
}

/// [EXC-3]
#[test]
fn a_budget_that_ends_in_the_middle_is_an_answer() {
    let desk = Desk::asked(10_000);
    desk.operator.run(&["insurer", "set-budget", "mutuelle", "8500"]).ends(0);
    desk.answer().ends(0).prints(&["are refused, and the file says so", "set-budget", "lacked"]);
    let spent = desk.operator.spent("mutuelle");
    assert!(spent > 0 && spent < 10_048, "{spent}");
    let ran = desk.finish("out", &[]).ends(77).complains(&["the budget does not allow it"]);
    let said = format!("{ran}");
    assert!(said.contains("run `blindlist finish` again to go on") && !said.contains("--resume"), "{ran}");
    desk.insurer.results("out").are_none();
    desk.operator.run(&["insurer", "set-budget", "mutuelle", "10000"]).ends(0);
    desk.answer().ends(0);
    desk.finish("out", &[]).ends(0).prints(&["5 of 10,000"]);
    assert_eq!(desk.operator.spent("mutuelle"), 10_048);
    desk.audit();
}

/// [EXC-2]
#[test]
fn questions_that_were_tampered_with_cost_nothing() {
    let desk = Desk::asked(20_000);
    let good = desk.read("questions");
    let (chunks, sealed) = read::<Questions>(&good);
    let refused = |bytes: &[u8], codes: &[i32]| {
        fs::write(desk.path("questions"), bytes).unwrap();
        let ran = desk.answer().complains(&["nothing was charged"]);
        assert!(codes.iter().any(|code| format!("{ran}").contains(&format!("ended with Some({code})"))), "{ran}");
        assert!(!desk.path("answers").exists());
        assert_eq!(desk.operator.spent("mutuelle"), 0);
    };
    let changed = |place: usize| {
        let mut bytes = good.clone();
        bytes[place] ^= 1;
        bytes
    };
    let at = |place: Place| usize::try_from(place.offset).unwrap();
    // An element, the number of a chunk, the signature of a chunk; the operator, the insurer; the file's signature.
    refused(&changed(at(chunks[0].1) + 500), &[65, 76]);
    refused(&changed(at(chunks[1].1) + 62), &[76]);
    refused(&changed(at(chunks[1].1) + chunks[1].1.length - 1), &[76]);
    refused(&changed(30), &[65]);
    refused(&changed(60), &[77]);
    refused(&changed(good.len() - 1), &[76]);
    refused(&good[..good.len() - 100], &[65]);
    refused(&[&good[..], b"\0"].concat(), &[65]);
    // A chunk of the two is left out.
    let end = at(chunks[1].1) - 4;
    let without = [&good[..end], &good[end + 4 + chunks[1].1.length..]].concat();
    refused(&without, &[76]);
    assert_eq!(sealed.header.logs, []);

    fs::write(desk.path("questions"), &good).unwrap();
    desk.operator.run(&["insurer", "suspend", "mutuelle"]).ends(0);
    refused(&good, &[77]);
    desk.operator.run(&["insurer", "resume", "mutuelle"]).ends(0);
    let other = Operator::with_numbers("other", &numbers(0, 3));
    let questions = desk.path("questions");
    let ran = other.run(&["answer", questions.to_str().unwrap(), "--out", "x"]).ends(65);
    ran.complains(&["asks another operator"]);
    desk.answer().ends(0);
}

/// [EXC-1], [EXC-5]
#[test]
fn answers_that_were_tampered_with_are_not_used() {
    let desk = Desk::asked(20_000);
    desk.answer().ends(0);
    let good = desk.read("answers");
    let (answers, _) = read::<Answers>(&good);
    let place = |wanted: fn(&Response) -> bool| {
        let (_, place) = answers.iter().find(|(response, _)| wanted(response)).unwrap();
        usize::try_from(place.offset).unwrap()
    };
    let fails = |bytes: &[u8], codes: &[i32], about: &str| {
        fs::write(desk.path("answers"), bytes).unwrap();
        let ran = desk.finish("out", &[]).complains(&[about]);
        assert!(codes.iter().any(|code| format!("{ran}").contains(&format!("ended with Some({code})"))), "{ran}");
        desk.insurer.results("out").are_none();
    };
    let changed = |place: usize| {
        let mut bytes = good.clone();
        bytes[place] ^= 1;
        bytes
    };
    let (evaluated, account) =
        (place(|one| matches!(one, Response::Evaluated(_))), place(|one| matches!(one, Response::Account(_))));
    let (catalog, checkpoint) =
        (place(|one| matches!(one, Response::Catalog(_))), place(|one| matches!(one, Response::Checkpoint(_))));
    fails(&changed(evaluated + 100), &[76], "not signed by the key");
    fails(&changed(account + 40), &[76], "not signed by the key");
    fails(&changed(checkpoint + 60), &[76], "not signed by the key");
    fails(&changed(catalog + 100), &[76], "catalog");
    fails(&changed(good.len() - 1), &[76], "not signed by the key");
    fails(&changed(28), &[65, 76], "");
    fails(&changed(60), &[65], "for another insurer");
    fails(&changed(100), &[65], "answers no questions of this profile");
    fails(&good[..good.len() / 2], &[65], "damaged");
    fails(&[&good[..], b"\0"].concat(), &[65], "damaged");
    fails(&desk.read("publication"), &[65], "is a publication");
    fails(&desk.read("questions"), &[65], "damaged");

    fs::write(desk.path("answers"), &good).unwrap();
    desk.finish("out", &[]).ends(0).prints(&["5 of 10,000"]);
}

/// [EXC-5]
#[test]
fn a_publication_is_for_one_insurer_and_only_for_asking() {
    let desk = Desk::new(20_000);
    desk.publish().ends(0);
    let other = Insurer::enrolled("voisine", &desk.operator, 20_000);
    let (members, publication) = (other.file("m.csv", numbers_csv(&numbers(0, 5))), desk.path("publication"));
    let arguments = |publication: &str| {
        let members = members.to_str().unwrap();
        other.run(&["request", members, "--publication", publication, "--out", "q"])
    };
    arguments(publication.to_str().unwrap()).ends(65).complains(&["for another insurer"]);
    let mut bytes = desk.read("publication");
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(desk.path("publication"), &bytes).unwrap();
    desk.request(&[]).ends(76).complains(&["not signed by the key"]);
    assert!(!desk.path("questions").exists() && !other.path("q").exists());
    bytes[last] ^= 1;
    fs::write(desk.path("publication"), &bytes).unwrap();
    desk.request(&[]).ends(0);
    fs::copy(desk.path("publication"), desk.path("answers")).unwrap();
    desk.finish("out", &[]).ends(65).complains(&["is a publication"]);
    desk.answer().ends(0);
    fs::copy(desk.path("answers"), desk.path("publication")).unwrap();
    desk.request(&[]).ends(65).complains(&["no publication but answers"]);
}

/// What was published between publication and answers is asked for; with the indexes in the answers the check ends.
#[test]
fn a_list_that_is_sealed_meanwhile_is_not_missed() {
    let desk = Desk::asked(20_000);
    let input = desk.operator.file("more.csv", numbers_csv(&numbers(0, 15)));
    desk.operator.seal(&input, "list-b", "identity", &[]).ends(0);
    desk.answer().ends(0);
    desk.finish("out", &[]).ends(75).complains(&["--with-indexes"]);
    desk.insurer.results("out").are_none();
    let (questions, answers) = (desk.path("questions"), desk.path("answers"));
    let paths = [questions.to_str().unwrap(), "--out", answers.to_str().unwrap()];
    desk.operator.run(&[&["answer"], &paths[..], &["--with-indexes"]].concat()).ends(0).prints(&["0 evaluations"]);
    desk.finish("out", &[]).ends(0).prints(&["5 of 10,000 checked members are on the list \"list-a\"", "10 of 10,000"]);
    assert_eq!(desk.operator.spent("mutuelle"), 10_048);
}

/// [EXC-6]
#[test]
fn answers_that_are_older_than_what_is_known_wait_for_newer_ones() {
    let desk = Desk::asked(30_000);
    desk.answer().ends(0);
    // Another check of the same insurer has seen more of the log since.
    let server = desk.operator.serve();
    let others = desk.insurer.file("others.csv", numbers_csv(&numbers(0, 50)));
    desk.insurer.check(&others, &server, "others", &[]).ends(0);
    desk.finish("out", &[]).ends(75).complains(&["is older than what this profile has seen"]);
    desk.operator.run(&["insurer", "set-budget", "mutuelle", "40000"]).ends(0);
    desk.answer().ends(0);
    desk.finish("out", &[]).ends(75).complains(&["run `blindlist request` again"]);
    assert!(!desk.insurer.profile().join("contradictions").exists());
    // The same questions again, which now say what is remembered.
    desk.request(&[]).ends(0);
    let (_, sealed) = read::<Questions>(&desk.read("questions"));
    assert_eq!(sealed.header.logs.len(), 1);
    desk.answer().ends(0).prints(&["charged now", "0 evaluations"]);
    desk.finish("out", &[]).ends(0).prints(&["5 of 10,000"]);
}

/// A ledger that was rolled back after the questions were written is no older file but a log that shrank. [EXC-6], [AUD-8]
#[test]
fn an_operator_that_lost_its_log_is_found_out() {
    let desk = Desk::new(30_000);
    let yesterday = desk.operator.copied();
    let server = desk.operator.serve();
    let others = desk.insurer.file("others.csv", numbers_csv(&numbers(0, 50)));
    desk.insurer.check(&others, &server, "others", &[]).ends(0);
    desk.publish().ends(0);
    desk.request(&[]).ends(0);
    let (questions, answers) = (desk.path("questions"), desk.path("answers"));
    yesterday.run(&["answer", questions.to_str().unwrap(), "--out", answers.to_str().unwrap()]).ends(0);
    let ran = desk.finish("out", &[]).ends(76);
    ran.complains(&["audit log"]);
    assert!(desk.insurer.profile().join("contradictions").exists());
    desk.insurer.results("out").are_none();
}

#[test]
fn the_member_file_must_be_the_one_that_was_asked_about() {
    let desk = Desk::asked(20_000);
    desk.answer().ends(0);
    let moved = desk.path("moved.csv");
    fs::rename(&desk.members, &moved).unwrap();
    desk.finish("out", &[]).ends(65);
    let other = desk.insurer.file("other.csv", numbers_csv(&numbers(5, 10_006)));
    let ran = desk.finish("out", &["--members", other.to_str().unwrap()]).ends(65);
    ran.complains(&["has changed since the check began"]);
    desk.insurer.results("out").are_none();
    assert_eq!(desk.jobs(), 1, "no second job was begun");
    desk.finish("out", &["--members", moved.to_str().unwrap()]).ends(0).prints(&["5 of 10,000"]);
    assert_eq!(desk.jobs(), 0, "no seed is left");
}

/// Questions are the same whenever they are written, and tell nothing of the members.
#[test]
fn questions_tell_nothing_and_do_not_change() {
    let desk = Desk::asked(20_000);
    let first = desk.read("questions");
    desk.request(&[]).ends(0);
    assert!(first == desk.read("questions"), "the same questions are other bytes");
    let number = number(5);
    assert!(!first.windows(number.len()).any(|window| window == number.as_bytes()));
    let (chunks, _) = read::<Questions>(&first);
    let sizes = chunks.iter().map(|(request, _)| {
        let Request::Evaluate(evaluate) = request else { panic!("{request:?}") };
        evaluate.elements.len()
    });
    assert_eq!(sizes.collect::<Vec<_>>(), [8_192, 1_856]);
    let ran = run(blindlist(["inspect", desk.path("questions").to_str().unwrap()])).ends(0);
    ran.prints(&["questions (SPEC.md section 25)", "2 Evaluate", "request-signing key"]);
    desk.answer().ends(0);
    let ran = run(blindlist(["inspect", desk.path("answers").to_str().unwrap()])).ends(0);
    ran.prints(&["answers (SPEC.md section 25)", "2 Evaluated", "1 Checkpoint"]);
}
