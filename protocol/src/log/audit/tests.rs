//! A log that keeps the rules is read to its end; of one that breaks one, the first entry that does is named.

use super::*;
use crate::fixtures::{INSURER, JOB, Operator, holders, insurer, slug};
use crate::ids::LedgerId;
use crate::refusal::RefusalCode;
use crate::signature::{Signature, SigningKey};

fn operator() -> Operator {
    Operator::new(1, 1, 1, 1)
}

fn epoch_event(operator: &Operator) -> Event {
    let EpochRecord { epoch, operator_key, key, .. } = operator.record;
    Event::Epoch { epoch, operator_key, key, record: Digest::from_bytes([1; 32]) }
}

fn enrolment(insurer: InsurerId, key: &SigningKey) -> Event {
    let certificate = Digest::from_bytes([2; 32]);
    Event::Enrolment { insurer, name: slug("one"), signing_key: key.verifying(), certificate }
}

fn budget(granted: u64) -> Event {
    Event::Budget { insurer: INSURER, epoch: operator().record.epoch, granted }
}

/// A charge, signed as the insurer does.
fn charge_by(key: &SigningKey, number: u32, count: u32, spent: u64) -> Charge {
    let EpochRecord { epoch, operator_key, key: k, .. } = operator().record;
    let digest = Digest::from_bytes([u8::try_from(number).unwrap(); 32]);
    let signature = ChunkHeader { operator_key, epoch, key: k, job: JOB, number, count, digest }.sign(key);
    Charge { insurer: INSURER, epoch, holders: holders(&[1]), job: JOB, number, count, digest, signature, spent }
}

fn charge(number: u32, count: u32, spent: u64) -> Event {
    Event::Charge(charge_by(&insurer(), number, count, spent))
}

/// What every log here begins with: four entries.
fn beginning() -> Vec<Event> {
    vec![epoch_event(&operator()), enrolment(INSURER, &insurer()), budget(128), charge(0, 64, 64)]
}

/// Reads the events; the first that is bad, and why.
fn read(events: Vec<Event>) -> Result<Auditor, (u64, Fault)> {
    let mut auditor = Auditor::default();
    for event in events {
        auditor.read(&Entry { time: 5, event }.encode()).map_err(|bad| (bad.index, bad.fault))?;
    }
    Ok(auditor)
}

/// What is wrong with this event after the beginning and some more.
fn fault(more: Vec<Event>, last: Event) -> Option<Fault> {
    let events = [beginning(), more].concat();
    let place = events.len() as u64;
    let found = read([events, vec![last]].concat()).err();
    found.map(|(index, fault)| {
        assert_eq!(index, place, "{fault}");
        fault
    })
}

#[test]
fn a_log_that_keeps_the_rules_is_read_to_its_end() {
    let epoch = operator().record.epoch;
    let rest = vec![
        charge(1, 64, 128),
        Event::Refusal { insurer: INSURER, epoch, code: RefusalCode::OverBudget, value: 64 },
        budget(192),
        charge(2, 64, 192),
        Event::Status { insurer: INSURER, status: Status::Suspended },
        Event::Status { insurer: INSURER, status: Status::Active },
        Event::Release { epoch, manifest: Digest::from_bytes([3; 32]) },
        epoch_event(&operator()),
        Event::Retirement { epoch },
        budget(500),
    ];
    let auditor = read([beginning(), rest].concat()).unwrap();
    assert_eq!(auditor.accounts()[&(INSURER, epoch)], Account { granted: 500, spent: 192 });
    assert_eq!(auditor.head().size, 14);
}

/// [AUD-2]
#[test]
fn charges_that_break_a_rule_are_named() {
    let changed = |change: fn(&mut Charge)| {
        let mut charge = charge_by(&insurer(), 1, 64, 128);
        change(&mut charge);
        fault(vec![], Event::Charge(charge))
    };
    assert_eq!(changed(|_| ()), None);
    assert_eq!(changed(|charge| charge.insurer = InsurerId::from_bytes([9; 16])), Some(Fault::UnknownInsurer));
    assert_eq!(changed(|charge| charge.epoch = EpochId::from_bytes([9; 32])), Some(Fault::UnknownEpoch));
    assert_eq!(changed(|charge| charge.spent = 127), Some(Fault::Spent));
    for change in [
        (|charge| charge.number = 2) as fn(&mut Charge),
        |charge| charge.count = 63,
        |charge| charge.digest = Digest::from_bytes([9; 32]),
        |charge| charge.job = crate::ids::JobId::from_bytes([9; 16]),
        |charge| charge.signature = Signature::from_bytes([9; 64]),
    ] {
        assert_eq!(changed(change), Some(Fault::Signature));
    }
    assert_eq!(fault(vec![], charge(0, 64, 128)), Some(Fault::Twice));
    assert_eq!(fault(vec![], charge(1, 65, 129)), Some(Fault::OverBudget));
    assert_eq!(fault(vec![budget(127)], charge(1, 64, 128)), Some(Fault::OverBudget));
    assert_eq!(fault(vec![budget(9_000)], charge(1, 8_193, 8_257)), Some(Fault::Count));
    assert_eq!(fault(vec![], charge(1, 0, 64)), Some(Fault::Count));
    for status in [Status::Suspended, Status::Revoked] {
        let suspended = Event::Status { insurer: INSURER, status };
        assert_eq!(fault(vec![suspended], charge(1, 64, 128)), Some(Fault::NotActive));
    }
    let retired = Event::Retirement { epoch: operator().record.epoch };
    assert_eq!(fault(vec![retired], charge(1, 64, 128)), Some(Fault::Retired));
}

/// [AUD-2]
#[test]
fn an_insurers_signature_holds_under_the_key_of_that_moment() {
    let new = SigningKey::from_seed(&[0x2f; 32]);
    let (signing_key, certificate) = (new.verifying(), Digest::from_bytes([2; 32]));
    let renewed = || vec![Event::Keys { insurer: INSURER, signing_key, certificate }];
    assert_eq!(fault(renewed(), charge(1, 64, 128)), Some(Fault::Signature));
    assert_eq!(fault(renewed(), Event::Charge(charge_by(&new, 1, 64, 128))), None);
    assert_eq!(fault(vec![], Event::Charge(charge_by(&new, 1, 64, 128))), Some(Fault::Signature));
}

/// [AUD-2]
#[test]
fn other_events_are_of_what_there_is() {
    let (other, epoch) = (InsurerId::from_bytes([9; 16]), operator().record.epoch);
    let unknown = EpochId::from_bytes([9; 32]);
    let (signing_key, certificate) = (insurer().verifying(), Digest::from_bytes([2; 32]));
    let manifest = Digest::from_bytes([3; 32]);
    let code = RefusalCode::OverBudget;
    for (event, expected) in [
        (Event::Refusal { insurer: other, epoch, code, value: 0 }, Fault::UnknownInsurer),
        (Event::Refusal { insurer: INSURER, epoch, code: RefusalCode::Busy, value: 0 }, Fault::Code),
        (enrolment(INSURER, &insurer()), Fault::KnownInsurer),
        (Event::Keys { insurer: other, signing_key, certificate }, Fault::UnknownInsurer),
        (Event::Status { insurer: other, status: Status::Active }, Fault::UnknownInsurer),
        (Event::Budget { insurer: other, epoch, granted: 1 }, Fault::UnknownInsurer),
        (Event::Budget { insurer: INSURER, epoch: unknown, granted: 1 }, Fault::UnknownEpoch),
        (Event::Release { epoch: unknown, manifest }, Fault::UnknownEpoch),
        (Event::Retirement { epoch: unknown }, Fault::UnknownEpoch),
        (Event::Succession { old_key: signing_key, new_key: signing_key }, Fault::Succession),
        (Event::Continuation { ledger: LedgerId::from_bytes([1; 16]), size: 1, root: manifest }, Fault::Continuation),
    ] {
        assert_eq!(fault(vec![], event.clone()), Some(expected), "{event:?}");
    }
    assert_eq!(fault(vec![], Event::Refusal { insurer: INSURER, epoch: unknown, code, value: 0 }), None);
    let retired = || vec![Event::Retirement { epoch }];
    assert_eq!(fault(retired(), Event::Release { epoch, manifest }), Some(Fault::Retired));
    assert_eq!(fault(retired(), Event::Retirement { epoch }), Some(Fault::Retired));
    assert_eq!(fault(retired(), epoch_event(&operator())), Some(Fault::Retired));
    let Event::Epoch { operator_key, key, record, .. } = epoch_event(&operator()) else { panic!("it is one") };
    assert_eq!(fault(vec![], Event::Epoch { epoch: unknown, operator_key, key, record }), Some(Fault::EpochId));
}

/// [AUD-2]
#[test]
fn a_succession_ends_the_epochs_of_the_old_key() {
    let (old_key, new) = (operator().record.operator_key, Operator::new(2, 1, 1, 1));
    let succeeded = || vec![Event::Succession { old_key, new_key: new.record.operator_key }];
    assert_eq!(fault(succeeded(), charge(1, 64, 128)), Some(Fault::Retired));
    assert_eq!(fault(succeeded(), epoch_event(&new)), None);
}

/// [AUD-2]
#[test]
fn a_log_that_goes_on_from_another_knows_what_that_one_set() {
    let auditor = read(beginning()).unwrap();
    let before = auditor.head();
    let first = Event::Continuation { ledger: LedgerId::from_bytes([1; 16]), size: before.size, root: before.root };
    let mut next = auditor.into_next_log();
    next.read(&Entry { time: 5, event: first.clone() }.encode()).unwrap();
    next.read(&Entry { time: 5, event: charge(1, 64, 128) }.encode()).unwrap();
    assert_eq!(next.head().size, 2);
    assert!(read(vec![first, charge(1, 64, 128)]).is_err(), "without the log before it nobody is enrolled");
}

#[test]
fn a_bad_entry_changes_nothing() {
    let mut auditor = read(beginning()).unwrap();
    let head = auditor.head();
    assert_eq!(auditor.read(b"no entry").unwrap_err(), BadEntry { index: 4, fault: Fault::Malformed });
    assert!(auditor.read(&Entry { time: 5, event: charge(1, 64, 127) }.encode()).is_err());
    assert_eq!(auditor.head(), head);
    assert!(auditor.read(&Entry { time: 5, event: charge(1, 64, 128) }.encode()).is_ok());
}
