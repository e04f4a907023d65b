//! Operators whose audit log does not hold: nothing is written on the strength of what they say.

use blindlist_protocol::checkpoint::note::Note;
use blindlist_protocol::checkpoint::{Checkpoint, CheckpointError};
use blindlist_protocol::ids::{Digest, LedgerId};
use blindlist_protocol::insurer::EvaluationError;
use blindlist_protocol::log::tree::{Head, leaf};
use blindlist_protocol::log::{Entry, Event, Status};
use blindlist_protocol::message::{Request, Response};
use blindlist_protocol::receipt::Receipt;
use blindlist_protocol::refusal::RefusalCode;
use blindlist_protocol::signature::SigningKey;
use blindlist_store::exit::Code;

use super::operator::{INSURER, Insurer, LEDGER, NOW, Operator, nir, person, receipt_key, run};
use crate::channel::ChannelError;
use crate::receipts::JobReceipts;
use crate::{Broken, Caller, ClientError};

fn setting() -> (Operator, Insurer) {
    let mut operator = Operator::new(1);
    operator.seal("leak", &[(person(1), 0b11)]);
    let insurer = Insurer::joined(&mut operator);
    insurer.has(format!("nir\n{}\n{}\n", nir(1), nir(900)));
    (operator, insurer)
}

/// The check must fail for this reason and leave no result. What was kept of the contradiction.
#[track_caller]
fn assert_refused(operator: &Operator, insurer: &Insurer, expected: CheckpointError) -> Vec<String> {
    let before = insurer.path("profile/checkpoints").exists().then(|| remembered(insurer));
    let error = insurer.check(operator).unwrap_err();
    assert_eq!(error.code(), Code::PeerBroke, "{error}");
    assert!(insurer.has_no_result());
    assert_eq!(insurer.path("profile/checkpoints").exists().then(|| remembered(insurer)), before);
    let shown = error.to_string();
    let ClientError::Broken(Broken::Log { source, kept }) = error else { panic!("{error}") };
    assert_eq!(source, expected);
    let Some(kept) = kept else { return vec![] };
    assert!(shown.contains(&kept.display().to_string()) && shown.contains("nothing is reported"), "{shown}");
    let mut names: Vec<String> =
        std::fs::read_dir(kept).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn remembered(insurer: &Insurer) -> String {
    insurer.text(&format!("profile/checkpoints/{LEDGER}"))
}

/// Removes what the first check has written.
fn clear(insurer: &Insurer) {
    std::fs::remove_dir_all(insurer.path("out")).unwrap();
}

/// An entry that means nothing to anybody.
fn other_entry() -> Vec<u8> {
    Entry { time: NOW, event: Event::Status { insurer: INSURER, status: Status::Active } }.encode()
}

/// Changes what is answered to a request for a checkpoint.
fn checkpoints(operator: &mut Operator, change: impl Fn(Checkpoint) -> Checkpoint + Send + Sync + 'static) {
    operator.tamper = Some(Box::new(move |_, mut response| {
        if let Response::Checkpoint(checkpoint) = &mut response {
            *checkpoint = change(checkpoint.clone());
        }
        Ok(response)
    }));
}

/// Refuses some requests.
fn refuse(operator: &mut Operator, which: fn(&Request) -> bool) {
    operator.tamper = Some(Box::new(move |request, response| {
        if which(request) { Err(ChannelError::Refused(RefusalCode::UnknownObject.into())) } else { Ok(response) }
    }));
}

/// Changes receipts.
fn receipts(operator: &mut Operator, change: impl Fn(&mut Receipt) + Send + Sync + 'static) {
    operator.tamper = Some(Box::new(move |_, mut response| {
        if let Response::Evaluated(evaluated) = &mut response {
            change(&mut evaluated.receipt);
        }
        Ok(response)
    }));
}

/// [AUD-4], [AUD-7]
#[test]
fn receipts_and_the_checkpoint_are_kept() {
    let (operator, insurer) = setting();
    let summary = insurer.check(&operator).unwrap();
    let log = operator.log();
    let head = log.checkpoint().head();
    assert_eq!(
        (summary.operators[0].logs[0].size, summary.operators[0].logs[0].root.as_str()),
        (4, head.root.to_string().as_str())
    );
    let note = Note::open(&remembered(&insurer), &receipt_key(1).verifying()).unwrap();
    assert_eq!(note.checkpoint().head(), head);
    let kept = insurer.profile().receipts().unwrap();
    let [JobReceipts { ledger, receipts, .. }] = kept.as_slice() else { panic!("{kept:?}") };
    assert_eq!((*ledger, receipts.len(), receipts[0].index), (LEDGER, 1, 3));
    assert_eq!(receipts[0].entry, log.entries[3]);
    // The log goes on, and so does what is remembered.
    clear(&insurer);
    operator.change_log(|log| drop(log.append(Event::Status { insurer: INSURER, status: Status::Active })));
    insurer.check(&operator).unwrap();
    let note = Note::open(&remembered(&insurer), &receipt_key(1).verifying()).unwrap();
    assert_eq!(note.checkpoint().size, 6);
    assert_eq!(insurer.profile().receipts().unwrap().len(), 2);
}

/// [AUD-7], [MAT-3]: after the last answer, before anything is looked up.
#[test]
fn the_log_is_asked_last_whatever_is_found() {
    let (operator, insurer) = setting();
    insurer.check(&operator).unwrap();
    insurer.check(&operator).unwrap();
    let sent = operator.take_sent();
    let place = |what: &str| sent.iter().rposition(|request| request.starts_with(what)).unwrap();
    assert!(place("0 of 64") < place("Checkpoint") && place("Checkpoint") < place("Consistency"), "{sent:?}");
    assert!(place("Consistency") < place("Inclusion"), "{sent:?}");
}

/// [AUD-8]
#[test]
fn a_log_that_shrank_is_refused() {
    let (operator, insurer) = setting();
    insurer.check(&operator).unwrap();
    clear(&insurer);
    // The database of yesterday is put back.
    operator.change_log(|log| log.entries.truncate(1));
    let kept = assert_refused(&operator, &insurer, CheckpointError::Shrunk(4));
    assert_eq!(kept, ["checkpoint", "epoch-record", "remembered"]);
}

/// [AUD-7], [AUD-8]
#[test]
fn a_log_that_was_edited_or_forked_is_refused() {
    let (operator, insurer) = setting();
    insurer.check(&operator).unwrap();
    clear(&insurer);
    let good = operator.log();
    operator.change_log(|log| log.entries[1] = other_entry());
    let kept = assert_refused(&operator, &insurer, CheckpointError::NotConsistent(4));
    assert_eq!(kept, ["checkpoint", "epoch-record", "remembered"]);
    operator.change_log(|log| *log = good.clone());
    operator.change_log(|log| log.entries.swap(0, 1));
    assert_refused(&operator, &insurer, CheckpointError::NotConsistent(4));
    operator.change_log(|log| *log = good);
    insurer.check(&operator).unwrap();
}

/// [AUD-8]
#[test]
fn as_large_with_another_root_is_another_log() {
    let (mut operator, insurer) = setting();
    insurer.check(&operator).unwrap();
    clear(&insurer);
    checkpoints(&mut operator, |checkpoint| {
        let head = Head { size: 4, root: leaf(b"another") };
        Checkpoint::sign(checkpoint.ledger, &head, NOW, &receipt_key(1))
    });
    assert_refused(&operator, &insurer, CheckpointError::Shrunk(4));
}

/// [AUD-7]
#[test]
fn a_checkpoint_of_another_key_or_ledger_is_refused() {
    let (mut operator, insurer) = setting();
    let thief = SigningKey::from_seed(&[9; 32]);
    checkpoints(&mut operator, move |checkpoint| Checkpoint::sign(LEDGER, &checkpoint.head(), NOW, &thief));
    assert!(assert_refused(&operator, &insurer, CheckpointError::Signature).is_empty());
    checkpoints(&mut operator, |checkpoint| {
        Checkpoint::sign(LedgerId::from_bytes([9; 16]), &checkpoint.head(), NOW, &receipt_key(1))
    });
    assert_refused(&operator, &insurer, CheckpointError::Ledger);
}

/// [AUD-7]
#[test]
fn a_checkpoint_must_cover_the_receipts() {
    let (mut operator, insurer) = setting();
    let before = operator.log();
    checkpoints(&mut operator, move |_| before.checkpoint());
    let kept = assert_refused(&operator, &insurer, CheckpointError::Uncovered(3));
    assert_eq!(kept, ["checkpoint", "epoch-record", "receipt"]);
}

/// [AUD-7]
#[test]
fn a_receipt_whose_entry_is_not_in_the_log_is_kept_and_refused() {
    let (mut operator, insurer) = setting();
    // The charge is left out, and something else stands in its place.
    operator.tamper = Some(Box::new(|request, response| {
        let hashes = matches!(request, Request::Inclusion { .. });
        Ok(if hashes { Response::Path(vec![leaf(b"x"), leaf(b"y")]) } else { response })
    }));
    let kept = assert_refused(&operator, &insurer, CheckpointError::NotIncluded(3));
    assert_eq!(kept, ["checkpoint", "epoch-record", "receipt"]);
    refuse(&mut operator, |request| matches!(request, Request::Inclusion { .. }));
    assert_refused(&operator, &insurer, CheckpointError::NotIncluded(4));
}

/// [AUD-7]
#[test]
fn a_path_that_is_refused_shows_nothing() {
    let (mut operator, insurer) = setting();
    insurer.check(&operator).unwrap();
    clear(&insurer);
    refuse(&mut operator, |request| matches!(request, Request::Consistency { .. }));
    assert_refused(&operator, &insurer, CheckpointError::NotConsistent(4));
}

/// [AUD-7]
#[test]
fn the_log_goes_on_from_the_one_in_the_catalog() {
    let (mut operator, insurer) = setting();
    operator.catalog.checkpoints = vec![operator.log().checkpoint()];
    operator.catalog.sequence += 1;
    insurer.check(&operator).unwrap();
    clear(&insurer);
    let head = Head { size: 2, root: leaf(b"another log") };
    operator.catalog.checkpoints = vec![Checkpoint::sign(LEDGER, &head, NOW, &receipt_key(1))];
    operator.catalog.sequence += 1;
    let kept = assert_refused(&operator, &insurer, CheckpointError::NotConsistent(2));
    assert_eq!(kept, ["catalog", "checkpoint", "epoch-record", "remembered"]);
    let head = Head { size: 99, root: Digest::from_bytes([9; 32]) };
    operator.catalog.checkpoints = vec![Checkpoint::sign(LEDGER, &head, NOW, &receipt_key(1))];
    operator.catalog.sequence += 1;
    assert_refused(&operator, &insurer, CheckpointError::Shrunk(99));
}

/// [AUD-7]
#[test]
fn a_log_that_is_not_shown_is_refused() {
    let (mut operator, insurer) = setting();
    refuse(&mut operator, |request| matches!(request, Request::Checkpoint(_)));
    let error = insurer.check(&operator).unwrap_err();
    assert!(matches!(error, ClientError::Broken(Broken::NoLog(LEDGER))), "{error}");
    assert_eq!(error.code(), Code::PeerBroke);
    assert!(insurer.has_no_result());
    assert_eq!(insurer.profile().receipts().unwrap().len(), 1, "the receipts are kept all the same");
}

/// [AUD-4]
#[test]
fn an_answer_without_its_receipt_is_not_accepted() {
    let (mut operator, insurer) = setting();
    let refused = |operator: &Operator| {
        let error = insurer.check(operator).unwrap_err();
        assert_eq!(error.code(), Code::PeerBroke, "{error}");
        assert!(insurer.has_no_result());
        let ClientError::Broken(Broken::Answer { source, .. }) = error else { panic!("{error}") };
        assert!(matches!(source, EvaluationError::Receipt(_)), "{source}");
    };
    receipts(&mut operator, |receipt| {
        *receipt = Receipt::sign(&LEDGER, receipt.index, receipt.entry.clone(), &SigningKey::from_seed(&[9; 32]));
    });
    refused(&operator);
    receipts(&mut operator, |receipt| receipt.index += 1);
    refused(&operator);
    // One that the log's key signed, but for another chunk.
    receipts(&mut operator, |receipt| {
        let Ok(Entry { time, event: Event::Charge(mut charge) }) = Entry::decode(&receipt.entry) else { panic!() };
        charge.number += 1;
        *receipt = Receipt::of_charge(&LEDGER, receipt.index, charge, time, &receipt_key(1));
    });
    refused(&operator);
    operator.tamper = None;
    insurer.resume(&operator).unwrap();
    assert_eq!(operator.spent(), 64 * 3, "each was a new check");
}

/// [AUD-7], [AUD-8]
#[test]
fn lists_show_the_log_and_hold_it_to_what_is_remembered() {
    let (operator, insurer) = setting();
    let shown = || run(crate::lists::lists(&insurer.profile(), &operator, &Caller::nobody(), NOW));
    assert!(!shown().unwrap().to_string().contains("\nlog "), "nothing is remembered yet");
    insurer.check(&operator).unwrap();
    operator.change_log(|log| drop(log.append(Event::Status { insurer: INSURER, status: Status::Active })));
    let root = operator.log().checkpoint().root.to_string();
    let text = shown().unwrap().to_string();
    assert!(text.contains(&format!("log      5 entries, root {}", &root[..8])), "{text}");
    assert!(remembered(&insurer).contains("\n5\n"), "it is remembered");
    operator.change_log(|log| log.entries.truncate(4));
    let error = shown().unwrap_err();
    assert!(matches!(error, ClientError::Broken(Broken::Log { source: CheckpointError::Shrunk(5), .. })), "{error}");
}

/// [AUD-11]
#[test]
fn another_log_than_the_one_remembered_is_refused_until_a_person_agrees() {
    let (mut operator, insurer) = setting();
    insurer.check(&operator).unwrap();
    let other = LedgerId::from_bytes([8; 16]);
    operator.change_record(|record| record.holders[0].ledger = other);
    operator.change_log(|log| log.ledger = other);
    let spent = operator.spent();
    let error = insurer.check(&operator).unwrap_err();
    assert!(matches!(error, ClientError::Broken(Broken::OtherLog(ledger)) if ledger == other), "{error}");
    assert_eq!(operator.spent(), spent, "nothing is asked of it");
    std::fs::remove_dir_all(insurer.path("profile/checkpoints")).unwrap();
    insurer.check(&operator).unwrap();
    let remembered = insurer.profile().remembered(&other, &receipt_key(1).verifying()).unwrap().unwrap();
    assert_eq!(remembered.checkpoint.ledger, other);
}

/// [AUD-4]
#[test]
fn receipts_of_a_check_that_another_one_replaces_are_kept() {
    let (mut operator, insurer) = setting();
    // Answered and not concluded: the canaries of another list are wrong.
    operator.seal_with("broken", &[(person(700), 1)], |entries| drop(entries.remove(3)));
    insurer.check(&operator).unwrap_err();
    let first = insurer.profile().receipts().unwrap();
    std::fs::remove_dir_all(insurer.path("profile/receipts")).unwrap();
    insurer.check(&operator).unwrap_err();
    let only = crate::check::CheckOptions { list: Some(super::operator::slug("leak")), ..insurer.options() };
    insurer.check_with(&operator, &only).unwrap();
    let kept = insurer.profile().receipts().unwrap();
    assert_eq!(kept.len(), 3);
    assert!(kept.contains(&first[0]));
    assert_eq!(insurer.unfinished(), 0);
}

#[test]
fn a_damaged_memory_is_not_held_against_the_operator() {
    let (operator, insurer) = setting();
    insurer.check(&operator).unwrap();
    std::fs::write(insurer.path(&format!("profile/checkpoints/{LEDGER}")), "x").unwrap();
    let error = insurer.check(&operator).unwrap_err();
    assert!(matches!(error, ClientError::Damaged { .. }), "{error}");
}
