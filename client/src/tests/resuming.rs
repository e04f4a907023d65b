//! Checks that fail half-way and go on.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use blindlist_protocol::message::Request;
use blindlist_protocol::refusal::{Refusal, RefusalCode};
use blindlist_store::exit::Code;

use super::insurer::asked;
use super::operator::{Insurer, NOW, Operator, nir, person, run};
use crate::channel::ChannelError;
use crate::{Caller, ClientError, check};

/// Two full chunks and one of 64.
const MEMBERS: u32 = 2 * 8_192 + 10;

fn setting() -> (Operator, Insurer) {
    let mut operator = Operator::new(1);
    operator.seal("leak", &[(person(3), 1), (person(MEMBERS - 1), 2)]);
    let insurer = Insurer::joined(&mut operator);
    insurer.has(members(MEMBERS));
    (operator, insurer)
}

fn members(count: u32) -> String {
    (0..count).fold("nir\n".to_owned(), |text, n| text + &nir(n) + "\n")
}

/// Drops the answer to one chunk, after it was charged.
fn lose(operator: &mut Operator, lost: u32) {
    operator.tamper = Some(Box::new(move |request, response| {
        if matches!(request, Request::Evaluate(evaluate) if evaluate.number == lost) {
            return Err(ChannelError::Refused(Refusal::from(RefusalCode::Busy)));
        }
        Ok(response)
    }));
}

#[test]
fn only_the_rest_is_asked_and_nothing_is_charged_twice() {
    let (mut operator, insurer) = setting();
    operator.granted = 2 * 8_192 + 64;
    lose(&mut operator, 2);
    let error = insurer.check(&operator).unwrap_err();
    assert_eq!(error.code(), Code::TryAgain, "{error}");
    assert!(insurer.has_no_result());
    assert_eq!(insurer.unfinished(), 1);
    let asked = operator.take_asked();
    let kept = (0..3).filter(|chunk| kept(&insurer, *chunk)).collect::<Vec<u32>>();
    assert!(asked.contains(&2) && !kept.contains(&2), "{asked:?} {kept:?}");

    operator.tamper = None;
    // What was charged but not answered must not count as missing, even with nothing left.
    let summary = insurer.resume(&operator).unwrap();
    assert_eq!((summary.affected.rows, summary.operators[0].remaining), (2, Some(0)));
    let rest: Vec<u32> = (0..3).filter(|chunk| !kept.contains(chunk)).collect();
    assert_eq!(operator.take_asked(), rest);
    assert_eq!(operator.spent(), operator.granted);
    assert_eq!(insurer.unfinished(), 0);
    assert_eq!(std::fs::read_dir(insurer.path("profile/jobs")).unwrap().count(), 1, "only the lock is left");
}

fn kept(insurer: &Insurer, chunk: u32) -> bool {
    answers(insurer).join(chunk.to_string()).exists()
}

/// The answers of the only job.
fn answers(insurer: &Insurer) -> PathBuf {
    job(insurer).join("answers")
}

/// The folder of the only job.
fn job(insurer: &Insurer) -> PathBuf {
    let jobs = insurer.profile().jobs().unwrap().unfinished().unwrap();
    insurer.path("profile/jobs").join(jobs[0].id.to_string())
}

#[test]
fn a_damaged_answer_is_asked_for_again_without_charge() {
    let (mut operator, insurer) = small();
    // The second list's canary is missing: the answers are kept, no result is written.
    operator.seal_with("broken", &[(person(700), 1)], |entries| drop(entries.remove(3)));
    insurer.check(&operator).unwrap_err();
    let path = answers(&insurer).join("0");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[40] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    operator.take_asked();
    insurer.resume(&operator).unwrap_err();
    assert_eq!((operator.take_asked(), operator.spent()), (vec![0], 64));
    // Now it is good again.
    insurer.resume(&operator).unwrap_err();
    assert_eq!((operator.take_asked(), operator.spent()), (vec![], 64));
}

fn small() -> (Operator, Insurer) {
    let mut operator = Operator::new(1);
    operator.seal("leak", &[(person(3), 1)]);
    let insurer = Insurer::joined(&mut operator);
    insurer.has(members(10));
    (operator, insurer)
}

/// [JOB-2]
#[test]
fn a_changed_file_is_another_job() {
    let (mut operator, insurer) = small();
    lose(&mut operator, 0);
    insurer.check(&operator).unwrap_err();
    operator.tamper = None;
    insurer.has(members(11));
    let error = insurer.resume(&operator).unwrap_err();
    assert!(matches!(error, ClientError::MembersChanged(_)), "{error}");
    assert_eq!(error.code(), Code::BadInput);
    assert!(error.to_string().contains("members.csv has changed"), "{error}");
    // Without --resume it is checked as what it is; the old job could still go on with the old file.
    insurer.check(&operator).unwrap();
    assert_eq!((insurer.unfinished(), operator.spent()), (1, 128));
    insurer.has(members(10));
    insurer.resume(&operator).unwrap();
    assert_eq!((insurer.unfinished(), operator.spent()), (0, 128));
}

/// [JOB-2]
#[test]
fn a_file_that_changes_between_the_readings_gets_no_result() {
    let (mut operator, insurer) = small();
    let (path, changed) = (insurer.path("members.csv"), AtomicBool::new(false));
    operator.tamper = Some(Box::new(move |request, response| {
        if matches!(request, Request::Evaluate(_)) && !changed.swap(true, Ordering::SeqCst) {
            std::fs::write(&path, members(9)).unwrap();
        }
        Ok(response)
    }));
    let error = insurer.check(&operator).unwrap_err();
    assert!(matches!(error, ClientError::MembersChanged(_)), "{error}");
    assert!(insurer.has_no_result());
}

/// [JOB-1]
#[test]
fn without_resume_a_new_job_is_paid_and_the_old_one_goes() {
    let (mut operator, insurer) = small();
    lose(&mut operator, 0);
    insurer.check(&operator).unwrap_err();
    operator.tamper = None;
    insurer.check(&operator).unwrap();
    assert_eq!((operator.spent(), insurer.unfinished()), (128, 0));
}

#[test]
fn there_need_not_be_anything_to_go_on_with() {
    let (operator, insurer) = small();
    assert_eq!(insurer.resume(&operator).unwrap().affected.rows, 1);
}

#[test]
fn the_columns_of_the_job_are_used_again() {
    let (mut operator, insurer) = small();
    insurer.has(format!("a,b\n{},x\n", nir(3)));
    let chosen =
        check::CheckOptions { columns: vec![blindlist_records::parse_override("nir=a").unwrap()], ..insurer.options() };
    lose(&mut operator, 0);
    insurer.check_with(&operator, &chosen).unwrap_err();
    operator.tamper = None;
    assert_eq!(insurer.resume(&operator).unwrap().affected.rows, 1);
    assert_eq!(operator.spent(), 64);
}

#[test]
fn one_check_at_a_time() {
    let (operator, insurer) = small();
    let _running = insurer.profile().jobs().unwrap();
    assert_eq!(insurer.check(&operator).unwrap_err().code(), Code::TryAgain);
}

/// As after a kill between the two steps of removing a job, or while one was being made.
#[test]
fn half_a_job_is_no_job_and_is_removed() {
    for missing in ["seed", "job.json"] {
        let (mut operator, insurer) = small();
        lose(&mut operator, 0);
        insurer.check(&operator).unwrap_err();
        operator.tamper = None;
        let folder = job(&insurer);
        std::fs::remove_file(folder.join(missing)).unwrap();
        assert_eq!(insurer.resume(&operator).unwrap().affected.rows, 1);
        assert!(!folder.exists(), "{missing}");
        assert_eq!((operator.spent(), insurer.unfinished()), (128, 0));
    }
}

#[test]
fn a_damaged_job_hinders_only_the_check_that_goes_on_with_it() {
    let (mut operator, insurer) = small();
    lose(&mut operator, 0);
    insurer.check(&operator).unwrap_err();
    operator.tamper = None;
    std::fs::write(job(&insurer).join("sent"), "x").unwrap();
    let error = insurer.resume(&operator).unwrap_err();
    assert!(matches!(error, ClientError::Damaged { .. }), "{error}");
    insurer.check(&operator).unwrap();
    assert_eq!(insurer.unfinished(), 0);
}

#[test]
fn a_job_that_cannot_be_removed_does_not_hide_its_results() {
    let (operator, insurer) = small();
    let (profile, options) = (insurer.profile(), insurer.options());
    let answered = run(check::ask(asked(&profile, &operator), &options, &Caller::nobody(), NOW)).unwrap();
    let jobs = std::fs::read_dir(insurer.path("profile/jobs")).unwrap().map(|entry| entry.unwrap().path());
    let seed = jobs.map(|job| job.join("seed")).find(|seed| seed.exists()).unwrap();
    std::fs::remove_file(&seed).unwrap();
    std::fs::create_dir(&seed).unwrap();
    assert_eq!(answered.conclude(|| NOW).unwrap().affected.rows, 1);
    assert!(seed.exists());
}

#[test]
fn ctrl_c_is_heard_wherever_it_comes() {
    // Before anything.
    let (operator, insurer) = small();
    let (caller, interrupt, _progress) = Caller::new();
    interrupt.now();
    let error = insurer.check_until(&operator, &insurer.options(), &caller).unwrap_err();
    assert!(matches!(error, ClientError::Interrupted), "{error}");
    assert_eq!((operator.spent(), insurer.unfinished()), (0, 0));

    // While the last question before the look-up is answered: what computes must hear it by itself.
    let (mut operator, insurer) = small();
    let (caller, interrupt, _progress) = Caller::new();
    operator.tamper = Some(Box::new(move |request, response| {
        if matches!(request, Request::Evaluate(_)) {
            interrupt.now();
        }
        Ok(response)
    }));
    let error = insurer.check_until(&operator, &insurer.options(), &caller).unwrap_err();
    assert!(matches!(error, ClientError::Interrupted), "{error}");
    assert_eq!(error.code(), Code::Interrupted);
    assert!(insurer.has_no_result() && error.resumable());
    operator.tamper = None;
    insurer.resume(&operator).unwrap();
    assert_eq!((operator.spent(), insurer.unfinished()), (64, 0));

    // After the last question.
    let (operator, insurer) = small();
    let (caller, interrupt, _progress) = Caller::new();
    let (profile, options) = (insurer.profile(), insurer.options());
    let answered = run(check::ask(asked(&profile, &operator), &options, &caller, NOW)).unwrap();
    interrupt.now();
    let error = answered.conclude(|| NOW).unwrap_err();
    assert!(matches!(error, ClientError::Interrupted), "{error}");
    assert!(insurer.has_no_result());
    insurer.resume(&operator).unwrap();
    assert_eq!((operator.spent(), insurer.unfinished()), (64, 0));
}
