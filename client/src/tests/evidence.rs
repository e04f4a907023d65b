//! Evidence that is kept, replayed against logs that agree and logs that do not, and opened for an auditor.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use blindlist_protocol::chunk::ChunkHeader;
use blindlist_protocol::enrolment::{EnrolmentRequest, Fingerprint};
use blindlist_protocol::evidence::OpeningsError;
use blindlist_protocol::ids::Digest;
use blindlist_protocol::log::export::ExportError;
use blindlist_protocol::log::{Charge, Entry, Event, Status};
use blindlist_protocol::message::{Account, Request, Response};
use blindlist_protocol::object;
use blindlist_protocol::signature::SigningKey;
use blindlist_store::exit::Code;
use blindlist_store::passphrase::Passphrase;

use super::log::TestLog;
use super::operator::{INSURER, Insurer, Operator, nir, person, receipt_key};
use crate::check::CheckOptions;
use crate::enroll;
use crate::evidence::Evidence;
use crate::open::{OpenOptions, open, verify};
use crate::profile::Profile;
use crate::replay::{ReplayOptions, Report, replay};
use crate::{Caller, ClientError, EvidenceError};

fn setting() -> (Operator, Insurer) {
    let mut operator = Operator::new(1);
    operator.seal("leak", &[(person(1), 0b11)]);
    let insurer = Insurer::joined(&mut operator);
    insurer.has(members(1, 30));
    private(&insurer.path("pass"), "correct horse");
    (operator, insurer)
}

fn members(from: u32, to: u32) -> String {
    (from..to).fold("nir\n".to_owned(), |text, n| text + &nir(n) + "\n")
}

fn private(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o600)).unwrap();
}

fn keeping(insurer: &Insurer) -> CheckOptions {
    let evidence = Some(Passphrase::read(insurer.path("pass")).unwrap());
    CheckOptions { evidence, ..insurer.options() }
}

fn jobs(insurer: &Insurer) -> Vec<Evidence> {
    Evidence::all(&insurer.path("profile/evidence")).unwrap()
}

fn replayed(insurer: &Insurer, files: &[PathBuf], log: &TestLog) -> Result<Report, ClientError> {
    replayed_with(insurer, files, log, Some(&insurer.profile()))
}

fn replayed_with(
    insurer: &Insurer,
    files: &[PathBuf],
    log: &TestLog,
    profile: Option<&Profile>,
) -> Result<Report, ClientError> {
    std::fs::write(insurer.path("export"), log.export()).unwrap();
    let options = ReplayOptions {
        evidence: &insurer.path("profile/evidence"),
        members: files,
        audit: &insurer.path("export"),
        profile,
        passphrase_files: &[insurer.path("pass")],
    };
    replay(&options, &Caller::nobody())
}

/// A replay with the only member file that ends with this code, and what it shows.
#[track_caller]
fn ends(insurer: &Insurer, log: &TestLog, code: Code) -> String {
    ends_with(insurer, log, Some(&insurer.profile()), code)
}

/// The same without the profile.
#[track_caller]
fn ends_alone(insurer: &Insurer, log: &TestLog, code: Code) -> String {
    ends_with(insurer, log, None, code)
}

#[track_caller]
fn ends_with(insurer: &Insurer, log: &TestLog, profile: Option<&Profile>, code: Code) -> String {
    let report = replayed_with(insurer, &[insurer.path("members.csv")], log, profile).unwrap();
    match report.judge() {
        Ok(()) => assert_eq!(code, Code::Done, "{report}"),
        Err(error) => assert_eq!(error.code(), code, "{error}\n{report}"),
    }
    report.to_string()
}

/// [EVI-1]
#[test]
fn evidence_is_there_before_anything_is_sent() {
    let (mut operator, insurer) = setting();
    let (folder, seen) = (insurer.path("profile/evidence"), Arc::new(AtomicBool::new(false)));
    operator.tamper = Some(Box::new({
        let seen = Arc::clone(&seen);
        move |request, response| {
            if matches!(request, Request::Evaluate(_)) {
                let there = Evidence::all(&folder).is_ok_and(|all| all.len() == 1);
                seen.store(there, Ordering::SeqCst);
            }
            Ok(response)
        }
    }));
    let summary = insurer.check_with(&operator, &keeping(&insurer)).unwrap();
    assert!(seen.load(Ordering::SeqCst));
    assert!(summary.to_string().contains("evidence  "), "{summary}");
    let [job] = jobs(&insurer).try_into().unwrap();
    assert_eq!((job.about().chunks(), job.receipts().unwrap().receipts.len()), (1, 1));
    assert_eq!(job.about().insurer, INSURER);
    assert_eq!(std::fs::read_dir(insurer.path("profile/jobs")).unwrap().count(), 1, "only the lock is left");
    let sealed = insurer.path("profile/evidence").join(job.about().job.to_string()).join("seed.age");
    assert!(std::fs::read(&sealed).unwrap().starts_with(b"age-encryption.org/v1\n"));
    for (path, mode) in [(sealed.parent().unwrap(), 0o700), (&sealed, 0o600)] {
        assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, mode);
    }
}

/// [EVI-1]
#[test]
fn an_operator_may_require_evidence() {
    let (mut operator, insurer) = setting();
    operator.change_record(|record| record.evidence = blindlist_protocol::epoch::Evidence::Required);
    operator.catalog.manifests.clear();
    operator.seal("leak", &[(person(1), 0b11)]);
    let error = insurer.check(&operator).unwrap_err();
    assert!(matches!(error, ClientError::Evidence(EvidenceError::Required(_))), "{error}");
    assert_eq!((error.code(), operator.spent(), insurer.unfinished()), (Code::Usage, 0, 0));
    assert!(error.to_string().contains("--keep-evidence"), "{error}");
    insurer.check_with(&operator, &keeping(&insurer)).unwrap();
    assert_eq!(jobs(&insurer).len(), 1);
}

/// [EVI-1]
#[test]
fn a_check_that_goes_on_keeps_its_evidence() {
    let (mut operator, insurer) = setting();
    operator.change_record(|record| record.evidence = blindlist_protocol::epoch::Evidence::Required);
    operator.tamper = Some(Box::new(|request, response| {
        if matches!(request, Request::Evaluate(_)) {
            return Err(crate::channel::ChannelError::Unexpected { asked: "x" });
        }
        Ok(response)
    }));
    insurer.check_with(&operator, &keeping(&insurer)).unwrap_err();
    assert!(jobs(&insurer)[0].receipts().is_none());
    operator.tamper = None;
    // It is there already, so nobody need ask for it again.
    insurer.resume(&operator).unwrap();
    let all = jobs(&insurer);
    assert_eq!((all.len(), all[0].receipts().unwrap().receipts.len(), operator.spent()), (1, 1, 64));
    ends(&insurer, &operator.log(), Code::Done);
}

#[test]
fn a_check_that_goes_on_may_begin_to_keep_evidence() {
    let (mut operator, insurer) = setting();
    operator.tamper = Some(Box::new(|request, response| {
        if matches!(request, Request::Evaluate(_)) {
            return Err(crate::channel::ChannelError::Unexpected { asked: "x" });
        }
        Ok(response)
    }));
    insurer.check(&operator).unwrap_err();
    operator.tamper = None;
    insurer.check_with(&operator, &CheckOptions { resume: true, ..keeping(&insurer) }).unwrap();
    assert_eq!((jobs(&insurer).len(), operator.spent()), (1, 64));
    ends(&insurer, &operator.log(), Code::Done);
}

#[test]
fn the_log_has_the_members_of_all_jobs_and_nobody_else() {
    let (operator, insurer) = setting();
    insurer.check_with(&operator, &keeping(&insurer)).unwrap();
    std::fs::rename(insurer.path("members.csv"), insurer.path("first.csv")).unwrap();
    insurer.has(members(1, 8_300));
    insurer.check_with(&operator, &keeping(&insurer)).unwrap();
    let files = [insurer.path("first.csv"), insurer.path("members.csv")];
    let report = replayed(&insurer, &files, &operator.log()).unwrap();
    report.judge().unwrap();
    let shown = report.to_string();
    assert!(shown.contains("3 of this insurer; chunks of 2 jobs: 3, with 8,384 elements"), "{shown}");
    assert!(shown.contains("that the log has: 3") && shown.contains("is a beginning of this log"), "{shown}");
    assert!(shown.ends_with("and nobody else in this insurer's name.\n"), "{shown}");
    assert!(!shown.contains(&nir(1)));

    let error = replayed(&insurer, &files[..1], &operator.log()).unwrap_err();
    assert!(matches!(error, ClientError::Evidence(EvidenceError::NoMembers { .. })), "{error}");
    assert!(error.to_string().contains("members.csv") && error.code() == Code::BadInput, "{error}");
    // The order of rows and what else is in the file do not matter to the chunks; its bytes do.
    insurer.has(members(1, 8_300) + "\n");
    let error = replayed(&insurer, &files, &operator.log()).unwrap_err();
    assert!(matches!(error, ClientError::Evidence(EvidenceError::NoMembers { .. })), "{error}");
}

#[test]
fn a_charge_without_evidence_is_named() {
    let (operator, insurer) = setting();
    insurer.check_with(&operator, &keeping(&insurer)).unwrap();
    insurer.check(&operator).unwrap();
    let shown = ends(&insurer, &operator.log(), Code::Failure);
    assert!(shown.contains("2 of this insurer; chunks of one job: 1,"), "{shown}");
    assert!(shown.contains("there is no evidence of its job"), "{shown}");
    assert!(shown.lines().any(|line| line.starts_with("4 ")), "the entry is named: {shown}");
}

#[test]
fn a_chunk_that_was_not_sent_is_named_and_no_fault() {
    let (mut operator, insurer) = setting();
    let before = operator.log();
    operator.tamper = Some(Box::new(|request, response| {
        if matches!(request, Request::Evaluate(_)) {
            return Err(crate::channel::ChannelError::Unexpected { asked: "x" });
        }
        Ok(response)
    }));
    insurer.check_with(&operator, &keeping(&insurer)).unwrap_err();
    let shown = ends(&insurer, &before, Code::Done);
    assert!(shown.contains("not sent: no receipt is held"), "{shown}");
}

#[test]
fn a_charge_that_is_left_out_is_shown_by_its_receipt() {
    let (operator, insurer) = setting();
    insurer.check_with(&operator, &keeping(&insurer)).unwrap();
    let good = operator.log();
    let mut other = good.clone();
    other.entries.pop();
    other.append(Event::Status { insurer: INSURER, status: Status::Active });
    let shown = ends(&insurer, &other, Code::PeerBroke);
    assert!(shown.contains("LEFT OUT: a receipt of entry 3 is held"), "{shown}");
    assert!(shown.contains("CONTRADICTED: entry 3 is another one"), "{shown}");
    assert!(shown.contains("CONTRADICTED: it is no beginning of this log"), "{shown}");

    // Cut off, and exported later.
    let mut cut = good.clone();
    (cut.entries, cut.later) = (good.entries[..3].to_vec(), 100);
    let shown = ends(&insurer, &cut, Code::PeerBroke);
    assert!(shown.contains("LEFT OUT") && shown.contains("CONTRADICTED: it is no beginning"), "{shown}");
    // As it was before: an old export.
    cut.later = 0;
    let shown = ends(&insurer, &cut, Code::Failure);
    assert!(
        shown.contains("older than the receipt of entry 3") && shown.contains("is later than this export"),
        "{shown}"
    );
}

#[test]
fn a_charge_that_another_key_signed_is_no_charge_of_this_insurer() {
    let (operator, insurer) = setting();
    insurer.check_with(&operator, &keeping(&insurer)).unwrap();
    let mut forged = operator.log();
    let thief = SigningKey::from_seed(&[9; 32]);
    // The operator enrols a key of its own in the insurer's name, and signs what it likes.
    let job = jobs(&insurer).remove(0);
    let record = job.epoch().record();
    let Ok(Entry { time, event: Event::Charge(charge) }) = Entry::decode(&forged.entries[3]) else { panic!() };
    let Charge { epoch, job, number, count, digest, .. } = charge;
    let header = ChunkHeader { operator_key: record.operator_key, epoch, key: record.key, job, number, count, digest };
    let keys = Event::Keys { insurer: INSURER, signing_key: thief.verifying(), certificate: digest };
    forged.entries[3] = Entry { time, event: keys }.encode();
    forged.append(Event::Charge(Charge { signature: header.sign(&thief), ..charge }));
    let shown = ends(&insurer, &forged, Code::PeerBroke);
    assert!(shown.contains("this insurer did not sign it"), "{shown}");

    // Without the profile the key may be one that the insurer has since. Only the receipt tells that the log is another one.
    std::fs::remove_file(insurer.path("profile/evidence").join(charge.job.to_string()).join("receipts")).unwrap();
    let shown = ends_alone(&insurer, &forged, Code::Failure);
    assert!(shown.contains("another key signed it: name --profile"), "{shown}");
}

/// A job that goes on after its keys were renewed has charges under two keys, and both are the insurer's.
#[test]
fn charges_under_a_renewed_key_are_this_insurers() {
    let (mut operator, insurer) = setting();
    insurer.has(members(1, 8_300));
    // The operator says that the budget suffices, and then it is enough for one of the two chunks.
    let all = std::mem::replace(&mut operator.granted, 8_192);
    operator.tamper = Some(Box::new(move |_, response| {
        if let Response::Account(account) = response {
            return Ok(Response::Account(Account { granted: all, ..account }));
        }
        Ok(response)
    }));
    insurer.check_with(&operator, &keeping(&insurer)).unwrap_err();
    assert_eq!(operator.take_asked().len(), 2);
    (operator.granted, operator.tamper) = (all, None);

    enroll::new_keys(&insurer.profile()).unwrap();
    let request: EnrolmentRequest = object::open_self_signed(&insurer.read("profile/new-request.csr")).unwrap();
    let before = operator.log();
    let bundle = operator.approve(&request);
    operator.change_log(|log| {
        *log = before;
        let certificate = Digest::from_bytes([0; 32]);
        log.append(Event::Keys { insurer: INSURER, signing_key: request.signing_key, certificate });
    });
    std::fs::write(insurer.path("bundle"), &bundle).unwrap();
    enroll::join(&insurer.path("bundle"), &insurer.profile(), Some(Fingerprint::of(&bundle))).unwrap();
    insurer.resume(&operator).unwrap();

    let [job] = jobs(&insurer).try_into().unwrap();
    assert_ne!(job.about().signing_key, request.signing_key);
    let shown = ends(&insurer, &operator.log(), Code::Done);
    assert!(shown.contains("2 of this insurer; chunks of one job: 2,"), "{shown}");
    // Without the profile, the evidence knows the first key only.
    let shown = ends_alone(&insurer, &operator.log(), Code::Failure);
    assert!(shown.contains("chunks of one job: 1,") && shown.contains("name --profile"), "{shown}");
    assert!(!shown.contains("does not charge"), "{shown}");
    // The evidence of a later job knows the second.
    insurer.check_with(&operator, &keeping(&insurer)).unwrap();
    ends_alone(&insurer, &operator.log(), Code::Done);
}

/// [AUD-2], [AUD-10]
#[test]
fn an_export_that_was_edited_is_refused() {
    let (operator, insurer) = setting();
    insurer.check_with(&operator, &keeping(&insurer)).unwrap();
    let files = [insurer.path("members.csv")];
    let refused = |log: &TestLog| replayed(&insurer, &files, log).unwrap_err();
    let good = operator.log();
    // An entry that breaks a rule is named, though the tree has it.
    let mut bad = good.clone();
    let Ok(Entry { time, event: Event::Charge(mut charge) }) = Entry::decode(&bad.entries[3]) else { panic!() };
    charge.spent += 1;
    bad.entries[3] = Entry { time, event: Event::Charge(charge) }.encode();
    let error = refused(&bad);
    assert!(
        matches!(&error, ClientError::Evidence(EvidenceError::Entry { source, .. }) if source.index == 3),
        "{error}"
    );
    assert_eq!(error.code(), Code::PeerBroke);
    // By another key.
    let error = refused(&TestLog { key: SigningKey::from_seed(&[9; 32]), ..good.clone() });
    assert!(matches!(error, ClientError::Evidence(EvidenceError::Export { .. })) && error.code() == Code::PeerBroke);

    let edited = |change: &dyn Fn(Vec<&str>) -> Vec<String>| {
        let text = good.export();
        let lines = change(text.lines().collect());
        std::fs::write(insurer.path("edited"), lines.join("\n")).unwrap();
        let options = ReplayOptions {
            evidence: &insurer.path("profile/evidence"),
            members: &files,
            audit: &insurer.path("edited"),
            profile: None,
            passphrase_files: &[insurer.path("pass")],
        };
        replay(&options, &Caller::nobody()).unwrap_err()
    };
    let own = |lines: Vec<&str>| lines.into_iter().map(str::to_owned).collect::<Vec<_>>();
    let error = edited(&|lines| own([&lines[..2], &lines[3..]].concat()));
    assert!(
        matches!(error, ClientError::Evidence(EvidenceError::Export { source: ExportError::Order, .. })),
        "{error}"
    );
    let error = edited(&|lines| own([&lines[..4], &lines[5..]].concat()));
    assert!(
        matches!(error, ClientError::Evidence(EvidenceError::Export { source: ExportError::Checkpoint, .. })),
        "{error}"
    );
    let error = edited(&|lines| own(lines[..5].to_vec()));
    assert!(matches!(error, ClientError::Evidence(EvidenceError::ExportEnds(_))), "{error}");
    assert_eq!(error.code(), Code::BadInput);
    let error = edited(&|lines| own([&lines[..], &["{}"]].concat()));
    assert_eq!(error.code(), Code::BadInput, "{error}");
    assert_eq!(edited(&|_| vec!["hello".to_owned()]).code(), Code::BadInput);
}

#[test]
fn a_log_of_another_ledger_is_told_apart() {
    let (operator, insurer) = setting();
    insurer.check_with(&operator, &keeping(&insurer)).unwrap();
    let other = TestLog { ledger: blindlist_protocol::ids::LedgerId::from_bytes([9; 16]), ..operator.log() };
    let error = replayed(&insurer, &[insurer.path("members.csv")], &other).unwrap_err();
    assert!(matches!(error, ClientError::Evidence(EvidenceError::OtherLog { .. })), "{error}");
}

#[test]
fn evidence_opens_with_its_passphrase_only() {
    let (operator, insurer) = setting();
    insurer.check_with(&operator, &keeping(&insurer)).unwrap();
    private(&insurer.path("pass"), "wrong");
    let error = replayed(&insurer, &[insurer.path("members.csv")], &operator.log()).unwrap_err();
    assert_eq!(error.code(), Code::NotAllowed, "{error}");
}

const CHALLENGE: &str = "dice 4 2 6";

fn opened(insurer: &Insurer, chunk: u32, sample: u32) -> Result<(), ClientError> {
    let options = OpenOptions {
        evidence: &insurer.path("profile/evidence"),
        job: jobs(insurer)[0].about().job,
        chunk,
        members: &[insurer.path("members.csv")],
        sample,
        challenge: CHALLENGE,
        out: &insurer.path("openings"),
        passphrase_files: &[insurer.path("pass")],
    };
    open(&options, &Caller::nobody()).map(|_| ())
}

/// [EVI-2]
#[test]
fn an_auditor_sees_whom_the_opened_elements_meant() {
    let (operator, insurer) = setting();
    insurer.check_with(&operator, &keeping(&insurer)).unwrap();
    opened(&insurer, 0, 64).unwrap();
    let (path, export) = (insurer.path("openings"), insurer.path("export"));
    std::fs::write(&export, operator.log().export()).unwrap();
    let log = Some((export.as_path(), receipt_key(1).verifying()));
    let verified = verify(&path, CHALLENGE, 64, log, &Caller::nobody()).unwrap();
    verified.judge().unwrap();
    let shown = verified.to_string();
    for n in 1..30 {
        assert!(shown.contains(&format!("nir={}", nir(n))), "{n}: {shown}");
    }
    assert!(!shown.contains(&nir(30)));
    let count = |what: &str| shown.lines().filter(|line| line.contains(what)).count();
    assert_eq!((count("nir="), count("nir canary"), count("padding")), (29, 4, 64 - 29 - 4), "{shown}");
    assert!(shown.contains("charged to insurer at 2026-09-21T14:13:20Z, entry 3"), "{shown}");
    assert!(!format!("{verified:?}").contains("180"));

    opened(&insurer, 0, 5).unwrap();
    let few = verify(&path, CHALLENGE, 5, None, &Caller::nobody()).unwrap();
    assert!(few.to_string().contains("opened   5 of 64 elements") && few.judge().is_ok());
    for (challenge, sample, expected) in
        [("other", 5, OpeningsError::Challenge), (CHALLENGE, 6, OpeningsError::Positions)]
    {
        let error = verify(&path, challenge, sample, None, &Caller::nobody()).unwrap_err();
        assert_eq!(error.code(), Code::BadInput, "{error}");
        assert!(matches!(error, ClientError::Evidence(EvidenceError::Openings { source, .. }) if source == expected));
    }
    let error = opened(&insurer, 1, 5).unwrap_err();
    assert!(matches!(error, ClientError::Evidence(EvidenceError::NoChunk { .. })), "{error}");
}

/// [EVI-2]
#[test]
fn openings_of_what_was_not_charged_prove_nothing() {
    let (operator, insurer) = setting();
    let before = operator.log();
    insurer.check_with(&operator, &keeping(&insurer)).unwrap();
    opened(&insurer, 0, 5).unwrap();
    let export = insurer.path("export");
    std::fs::write(&export, before.export()).unwrap();
    let log = Some((export.as_path(), receipt_key(1).verifying()));
    let verified = verify(&insurer.path("openings"), CHALLENGE, 5, log, &Caller::nobody()).unwrap();
    assert!(verified.to_string().contains("NOT charged"));
    assert_eq!(verified.judge().unwrap_err().code(), Code::Failure);
    let log = Some((export.as_path(), SigningKey::from_seed(&[9; 32]).verifying()));
    let error = verify(&insurer.path("openings"), CHALLENGE, 5, log, &Caller::nobody()).unwrap_err();
    assert_eq!(error.code(), Code::PeerBroke, "{error}");
}
