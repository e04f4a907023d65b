//! Checks with remembered evaluations: [JOB-5].

use std::fs;
use std::path::PathBuf;

use blindlist_protocol::message::Request;
use blindlist_protocol::refusal::{Refusal, RefusalCode};
use blindlist_store::StoreError;
use blindlist_store::exit::Code;
use blindlist_store::passphrase::Passphrase;

use super::insurer::asked;
use super::operator::{Insurer, NOW, Operator, nir, person, run};
use crate::channel::ChannelError;
use crate::check::{self, CheckOptions, Summary};
use crate::replay::{ReplayOptions, replay};
use crate::{Broken, Caller, ClientError, enroll};

fn setting() -> (Operator, Insurer) {
    let mut operator = Operator::new(1);
    operator.seal("leak", &[(person(3), 1), (person(205), 2), (person(900), 4)]);
    let insurer = Insurer::joined(&mut operator);
    insurer.has(members(0..200));
    (operator, insurer)
}

fn members(numbers: impl Iterator<Item = u32>) -> String {
    numbers.fold("nir\nx\n".to_owned(), |text, n| text + &nir(n) + "\n")
}

/// What is checked, and remembered under these words.
fn under(insurer: &Insurer, words: &str) -> CheckOptions {
    let path = insurer.path("words");
    fs::write(&path, words).unwrap();
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    CheckOptions { remember: Some(Passphrase::read(path).unwrap()), ..insurer.options() }
}

fn remembering(insurer: &Insurer) -> CheckOptions {
    under(insurer, "right")
}

fn resuming(insurer: &Insurer) -> CheckOptions {
    CheckOptions { resume: true, ..remembering(insurer) }
}

/// The only file of remembered evaluations.
fn file(insurer: &Insurer) -> PathBuf {
    let mut entries = fs::read_dir(insurer.path("profile/remembered")).unwrap();
    let file = entries.next().unwrap().unwrap().path();
    assert!(entries.next().is_none());
    file
}

fn has_asked(operator: &Operator) -> bool {
    // As `operator` writes requests down: the number of a chunk, and of its elements.
    operator.take_sent().iter().any(|sent| sent.contains(" of "))
}

/// Members asked about, and members remembered.
fn numbers(summary: &Summary) -> (u64, u64) {
    let [operator] = &summary.operators[..] else { panic!("one operator") };
    let [epoch] = &operator.epochs[..] else { panic!("one epoch") };
    (epoch.members, epoch.remembered)
}

/// What the check of a file writes when nothing is remembered.
fn expected(operator: &mut Operator, members: &str) -> (String, String) {
    let insurer = Insurer::joined(operator);
    insurer.has(members);
    insurer.check(operator).unwrap();
    written(&insurer)
}

fn written(insurer: &Insurer) -> (String, String) {
    // It names the member file.
    let rejected = insurer.text("out/rejected.csv").replace(&*insurer.home.path().to_string_lossy(), "");
    (insurer.text("out/affected.csv"), rejected)
}

#[test]
fn a_second_check_of_the_same_members_asks_nothing() {
    let (mut operator, insurer) = setting();
    let expected = expected(&mut operator, &members(0..200));
    insurer.join(&mut operator).unwrap();
    let spent = operator.spent();
    let summary = insurer.check_with(&operator, &remembering(&insurer)).unwrap();
    assert_eq!((numbers(&summary), operator.spent() - spent), ((200, 0), 256));
    assert!(has_asked(&operator));
    assert_eq!(written(&insurer), expected);

    for _ in 0..2 {
        let held = fs::read(file(&insurer)).unwrap();
        let summary = insurer.check_with(&operator, &remembering(&insurer)).unwrap();
        assert_eq!((numbers(&summary), operator.spent() - spent), ((0, 200), 256));
        assert!(!has_asked(&operator));
        assert_eq!((summary.affected.rows, insurer.unfinished()), (1, 0));
        assert_eq!(written(&insurer), expected);
        assert!(fs::read(file(&insurer)).unwrap() == held, "nothing was added");
    }
}

#[test]
fn joiners_alone_are_asked_about() {
    let (mut operator, insurer) = setting();
    insurer.check_with(&operator, &remembering(&insurer)).unwrap();
    let spent = operator.spent();
    // Some left, some joined.
    let later = members(20..210);
    insurer.has(&later);
    let summary = insurer.check_with(&operator, &remembering(&insurer)).unwrap();
    assert_eq!((numbers(&summary), operator.spent() - spent), ((10, 180), 64));
    assert_eq!(summary.affected.rows, 1);
    let found = written(&insurer);
    // All of them are remembered now, whoever left too.
    insurer.has(members(0..210));
    let summary = insurer.check_with(&operator, &remembering(&insurer)).unwrap();
    assert_eq!((numbers(&summary), operator.spent() - spent), ((0, 210), 64));
    assert_eq!(summary.affected.rows, 2);
    assert_eq!(found, expected(&mut operator, &later));
}

#[test]
fn a_new_release_of_the_epoch_is_matched_without_asking() {
    let (mut operator, insurer) = setting();
    insurer.check_with(&operator, &remembering(&insurer)).unwrap();
    let spent = operator.spent();
    operator.take_sent();
    operator.seal("later", &[(person(7), 0b101), (person(3), 0b010)]);
    let summary = insurer.check_with(&operator, &remembering(&insurer)).unwrap();
    assert!(!has_asked(&operator));
    assert_eq!((operator.spent(), summary.affected.rows, summary.operators[0].lists.len()), (spent, 2, 2));
    assert_eq!(written(&insurer), expected(&mut operator, &members(0..200)));
}

/// [CAN-2]
#[test]
fn remembered_canaries_are_looked_up_in_every_release() {
    let (mut operator, insurer) = setting();
    insurer.check_with(&operator, &remembering(&insurer)).unwrap();
    operator.take_sent();
    operator.seal_with("broken", &[(person(7), 1)], |entries| drop(entries.remove(3)));
    let error = insurer.check_with(&operator, &remembering(&insurer)).unwrap_err();
    assert!(matches!(error, ClientError::Broken(Broken::Match { .. })), "{error}");
    assert!(!has_asked(&operator));
}

#[test]
fn a_wrong_passphrase_is_refused_before_anything_is_asked() {
    let (operator, insurer) = setting();
    insurer.check_with(&operator, &remembering(&insurer)).unwrap();
    let (spent, held) = (operator.spent(), fs::read(file(&insurer)).unwrap());
    operator.take_sent();
    insurer.has(members(0..300));
    let error = insurer.check_with(&operator, &under(&insurer, "wrong")).unwrap_err();
    assert!(matches!(error, ClientError::Store(StoreError::WrongPassphrase { .. })), "{error}");
    assert_eq!(error.code(), Code::NotAllowed);
    assert!(!has_asked(&operator) && operator.spent() == spent);
    assert!(fs::read(file(&insurer)).unwrap() == held);
    assert_eq!(insurer.unfinished(), 0);
}

#[test]
fn what_is_damaged_is_refused_and_not_paid_again() {
    let (operator, insurer) = setting();
    insurer.check_with(&operator, &remembering(&insurer)).unwrap();
    let (spent, held) = (operator.spent(), fs::read(file(&insurer)).unwrap());
    operator.take_sent();
    for place in [0, 50, held.len() / 2, held.len() - 1] {
        let mut damaged = held.clone();
        damaged[place] ^= 1;
        fs::write(file(&insurer), damaged).unwrap();
        let error = insurer.check_with(&operator, &remembering(&insurer)).unwrap_err();
        assert!(matches!(error, ClientError::Damaged { .. }), "{error}");
        assert!(error.to_string().contains("blindlist forget --remembered"), "{error}");
        assert!(!has_asked(&operator) && operator.spent() == spent, "{place}");
    }
    // Who forgets it pays again, and knows.
    fs::remove_file(file(&insurer)).unwrap();
    let summary = insurer.check_with(&operator, &remembering(&insurer)).unwrap();
    assert_eq!((numbers(&summary), operator.spent()), ((200, 0), 2 * spent));
}

#[test]
fn another_epoch_knows_nothing_of_it() {
    let (operator, insurer) = setting();
    insurer.check_with(&operator, &remembering(&insurer)).unwrap();
    let mut other = Operator::new(2);
    other.seal("leak", &[(person(3), 1)]);
    let elsewhere = Insurer::joined(&mut other);
    elsewhere.has(members(0..200));
    let folder = blindlist_store::folder::PrivateFolder::create(elsewhere.path("profile/remembered")).unwrap();
    fs::copy(file(&insurer), folder.join(file(&insurer).file_name().unwrap())).unwrap();
    let summary = elsewhere.check_with(&other, &remembering(&elsewhere)).unwrap();
    assert_eq!((numbers(&summary), other.spent()), ((200, 0), 256));
}

/// Loses every answer, after it was charged.
fn lose(operator: &mut Operator) {
    operator.tamper = Some(Box::new(|request, response| {
        if matches!(request, Request::Evaluate(_)) {
            return Err(ChannelError::Refused(Refusal::from(RefusalCode::Busy)));
        }
        Ok(response)
    }));
}

#[test]
fn a_check_that_ended_before_it_was_answered_goes_on() {
    let (mut operator, insurer) = setting();
    insurer.check_with(&operator, &remembering(&insurer)).unwrap();
    let spent = operator.spent();
    let later = members(150..260);
    insurer.has(&later);
    lose(&mut operator);
    let error = insurer.check_with(&operator, &remembering(&insurer)).unwrap_err();
    assert_eq!((error.code(), insurer.unfinished()), (Code::TryAgain, 1), "{error}");
    operator.tamper = None;
    // Whom it left out is known only with what is remembered.
    let error = insurer.check_with(&operator, &CheckOptions { resume: true, ..insurer.options() }).unwrap_err();
    assert!(matches!(error, ClientError::Forgotten(50)), "{error}");
    let summary = insurer.check_with(&operator, &resuming(&insurer)).unwrap();
    assert_eq!((numbers(&summary), operator.spent() - spent, insurer.unfinished()), ((60, 50), 64, 0));
    assert_eq!(written(&insurer), expected(&mut operator, &later));
}

/// The job would be about everybody then, and its chunks not those that were paid.
#[test]
fn a_job_that_lost_whom_it_asks_about_does_not_go_on() {
    let (mut operator, insurer) = setting();
    insurer.check_with(&operator, &remembering(&insurer)).unwrap();
    let spent = operator.spent();
    insurer.has(members(150..260));
    lose(&mut operator);
    insurer.check_with(&operator, &remembering(&insurer)).unwrap_err();
    operator.tamper = None;
    let jobs = fs::read_dir(insurer.path("profile/jobs")).unwrap().map(|entry| entry.unwrap().path().join("asked"));
    fs::remove_file(jobs.into_iter().find(|path| path.exists()).unwrap()).unwrap();
    let error = insurer.check_with(&operator, &resuming(&insurer)).unwrap_err();
    assert!(matches!(error, ClientError::Damaged { .. }), "{error}");
    assert_eq!(operator.spent() - spent, 64, "what was lost on the way");
}

#[test]
fn a_check_that_could_not_write_goes_on() {
    let (mut operator, insurer) = setting();
    let expected = expected(&mut operator, &members(0..200));
    insurer.join(&mut operator).unwrap();
    let (spent, folder) = (operator.spent(), insurer.path("profile/remembered"));
    let in_the_way = folder.clone();
    operator.tamper = Some(Box::new(move |request, response| {
        if matches!(request, Request::Evaluate(_)) {
            fs::write(&in_the_way, "").unwrap();
        }
        Ok(response)
    }));
    let error = insurer.check_with(&operator, &remembering(&insurer)).unwrap_err();
    assert!(matches!(error, ClientError::Store(StoreError::NotAFolder { .. })), "{error}");
    assert!(insurer.has_no_result() && error.resumable());
    operator.tamper = None;
    fs::remove_file(folder).unwrap();
    let summary = insurer.check_with(&operator, &resuming(&insurer)).unwrap();
    assert_eq!((numbers(&summary), operator.spent() - spent), ((200, 0), 256));
    assert_eq!(written(&insurer), expected);
    insurer.check_with(&operator, &remembering(&insurer)).unwrap();
    assert_eq!(operator.spent() - spent, 256);
}

/// Killed after the evaluations were kept and before a result was written.
#[test]
fn a_check_that_ended_after_it_was_answered_pays_nothing_again() {
    for resume in [true, false] {
        let (mut operator, insurer) = setting();
        let expected = expected(&mut operator, &members(0..200));
        insurer.join(&mut operator).unwrap();
        let (spent, options) = (operator.spent(), remembering(&insurer));
        let profile = insurer.profile();
        drop(run(check::ask(asked(&profile, &operator), &options, &Caller::nobody(), NOW)).unwrap());
        assert_eq!((insurer.unfinished(), operator.spent() - spent), (1, 256));
        operator.take_sent();
        insurer.check_with(&operator, &CheckOptions { resume, ..options }).unwrap();
        assert!(!has_asked(&operator));
        assert_eq!((insurer.unfinished(), operator.spent() - spent), (0, 256));
        assert_eq!(written(&insurer), expected);
    }
}

#[test]
fn two_operators_are_remembered_apart() {
    let (mut one, insurer) = setting();
    let mut two = Operator::named("second", 2);
    two.seal("leak", &[(person(8), 1)]);
    enroll::enroll(&insurer.path("other"), super::operator::slug("insurer")).unwrap();
    insurer.join_as(&mut two, "other").unwrap();
    let profiles = [insurer.profile(), crate::profile::Profile::open(&insurer.path("other")).unwrap()];
    let check = |one: &Operator, two: &Operator| {
        let [mut operators, others] =
            [(&profiles[0], one), (&profiles[1], two)].map(|(profile, one)| asked(profile, one));
        operators.extend(others);
        let options = remembering(&insurer);
        run(check::ask(operators, &options, &Caller::nobody(), NOW)).unwrap().conclude(|| NOW).unwrap()
    };
    let first = check(&one, &two);
    assert_eq!((first.affected.rows, one.spent(), two.spent()), (2, 256, 256));
    let found = written(&insurer);
    check(&one, &two);
    assert_eq!((one.spent(), two.spent(), written(&insurer)), (256, 256, found));
    one.seal("later", &[(person(9), 1)]);
    assert_eq!((check(&one, &two).affected.rows, one.spent(), two.spent()), (3, 256, 256));
}

#[test]
fn evidence_is_of_those_who_were_asked_about() {
    let (operator, insurer) = setting();
    let keeping = || CheckOptions { evidence: remembering(&insurer).remember, ..remembering(&insurer) };
    insurer.check_with(&operator, &keeping()).unwrap();
    fs::copy(insurer.path("members.csv"), insurer.path("first.csv")).unwrap();
    insurer.has(members(150..260));
    insurer.check_with(&operator, &keeping()).unwrap();
    assert_eq!(operator.spent(), 256 + 64);
    fs::write(insurer.path("export"), operator.log().export()).unwrap();
    let options = ReplayOptions {
        evidence: &insurer.path("profile/evidence"),
        members: &[insurer.path("members.csv"), insurer.path("first.csv")],
        audit: &insurer.path("export"),
        profile: Some(&insurer.profile()),
        passphrase_files: &[insurer.path("words")],
    };
    replay(&options, &Caller::nobody()).unwrap().judge().unwrap();
}
