//! The log of a ledger: what each change appends, that nothing else does, and that its nodes prove what they should.

use blindlist_protocol::chunk::ChunkHeader;
use blindlist_protocol::epoch::EpochRecord;
use blindlist_protocol::ids::{InsurerId, JobId};
use blindlist_protocol::log::audit::Auditor;
use blindlist_protocol::log::tree::{self, Frontier, Head};
use blindlist_protocol::log::{self as entries, Entry, Event};
use blindlist_protocol::refusal::RefusalCode;
use blindlist_protocol::signature::SigningKey;

use super::*;
use crate::ledger::Publication;

/// The events from an index on.
async fn events(ledger: &Ledger, from: u64) -> Vec<Event> {
    let logged = ledger.log_entries(from, 1_000).await.unwrap();
    logged.iter().map(|logged| Entry::decode(&logged.entry).unwrap().event).collect()
}

/// What was appended since this was asked last.
struct Since<'a> {
    ledger: &'a Ledger,
    size: u64,
}

impl Since<'_> {
    async fn events(&mut self) -> Vec<Event> {
        let events = events(self.ledger, self.size).await;
        self.size = self.ledger.log_head().await.unwrap().size;
        events
    }
}

/// Requires that entries, nodes and head of the log belong together, with nothing beside them.
pub(super) async fn assert_whole(ledger: &Ledger) {
    let mut tree = Frontier::default();
    let mut nodes = Vec::new();
    let entries = ledger.log_entries(0, 1_000_000).await.unwrap();
    for (index, logged) in (0..).zip(&entries) {
        assert_eq!(logged.index, index);
        nodes.extend(tree.append(tree::leaf(&logged.entry)));
    }
    assert_eq!(ledger.log_head().await.unwrap(), tree.head());
    let stored: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM log_nodes").fetch_one(&ledger.reader).await.unwrap();
    assert_eq!(usize::try_from(stored).unwrap(), nodes.len());
    let (places, hashes): (Vec<_>, Vec<_>) = nodes.into_iter().map(|(node, hash)| (vec![node], hash)).unzip();
    assert_eq!(ledger.log_hashes(&places).await.unwrap(), hashes);
}

fn budget(insurer: u8, epoch: [u8; 32], granted: u64) -> Event {
    Event::Budget { insurer: InsurerId::from_bytes([insurer; 16]), epoch: EpochId::from_bytes(epoch), granted }
}

fn opened(id: [u8; 32]) -> Event {
    let NewEpoch { epoch, operator_key, key, record, .. } = epoch(id);
    Event::Epoch { epoch, operator_key, key, record }
}

fn enrolled(number: u8, name: &str) -> Event {
    let NewInsurer { id, name, certificate, signing_key, .. } = insurer(number, name, 0);
    Event::Enrolment {
        insurer: InsurerId::from_bytes(id),
        name: name.clone(),
        signing_key: VerifyingKey::from_bytes(signing_key),
        certificate: Digest::from_bytes(certificate),
    }
}

fn status(status: entries::Status) -> Event {
    Event::Status { insurer: InsurerId::from_bytes([1; 16]), status }
}

on_both! {
/// [AUD-1]
#[tokio::test]
async fn the_register_logs_each_change_and_its_budgets(on: On) {
    let Fixture { folder: _folder, ledger, .. } = Fixture::new(on).await;
    let mut log = Since { ledger: &ledger, size: 0 };
    ledger.register(&insurer(1, "one", 10)).await.unwrap();
    assert_eq!(log.events().await, [enrolled(1, "one")]);
    ledger.open_epoch(&epoch(EPOCH)).await.unwrap();
    assert_eq!(log.events().await, [opened(EPOCH), budget(1, EPOCH, 10)]);
    ledger.open_epoch(&epoch(EPOCH)).await.unwrap();
    assert_eq!(log.events().await, [], "it is open");
    ledger.register(&insurer(2, "two", 20)).await.unwrap();
    assert_eq!(log.events().await, [enrolled(2, "two"), budget(2, EPOCH, 20)]);
    ledger.open_epoch(&epoch(OTHER_EPOCH)).await.unwrap();
    assert_eq!(log.events().await, [opened(OTHER_EPOCH), budget(1, OTHER_EPOCH, 10), budget(2, OTHER_EPOCH, 20)]);
    ledger.set_budget(&[1; 16], 7, AT).await.unwrap();
    assert_eq!(log.events().await, [budget(1, EPOCH, 7), budget(1, OTHER_EPOCH, 7)]);
    for (set, logged) in
        [(Status::Suspended, entries::Status::Suspended), (Status::Active, entries::Status::Active)]
    {
        ledger.set_status(&[1; 16], set, AT).await.unwrap();
        assert_eq!(log.events().await, [status(logged)]);
    }
    ledger.set_rate(&[1; 16], NonZeroU64::new(5)).await.unwrap();
    assert_eq!(log.events().await, [], "a rate is no event");
    assert_whole(&ledger).await;
}

/// [AUD-1]
#[tokio::test]
async fn what_ends_is_logged(on: On) {
    let Fixture { folder: _folder, ledger, .. } = Fixture::with_budget(on, 10).await;
    let mut log = Since { ledger: &ledger, size: 3 };
    let renewal = Renewal { insurer: [1; 16], certificate: [61; 32], signing_key: [111; 32], at: AT };
    ledger.renew(&renewal).await.unwrap();
    let keys = Event::Keys {
        insurer: InsurerId::from_bytes([1; 16]),
        signing_key: VerifyingKey::from_bytes([111; 32]),
        certificate: Digest::from_bytes([61; 32]),
    };
    assert_eq!(log.events().await, [keys]);
    ledger.revoke(&[1; 16], AT).await.unwrap();
    assert_eq!(log.events().await, [status(entries::Status::Revoked)]);
    ledger.retire_epoch(&EPOCH, AT).await.unwrap();
    assert_eq!(log.events().await, [Event::Retirement { epoch: EpochId::from_bytes(EPOCH) }]);
    ledger.retire_epoch(&EPOCH, AT).await.unwrap();
    assert_eq!(log.events().await, [], "once");
    assert_whole(&ledger).await;
}

/// [AUD-1]
#[tokio::test]
async fn a_catalog_logs_the_manifests_that_are_new_in_it(on: On) {
    let Fixture { folder: _folder, ledger, .. } = Fixture::with_budget(on, 10).await;
    let mut log = Since { ledger: &ledger, size: 3 };
    let manifest = |number| (EpochId::from_bytes(EPOCH), Digest::from_bytes([number; 32]));
    let release = |number| Event::Release { epoch: manifest(number).0, manifest: manifest(number).1 };
    assert_eq!(ledger.catalog().await.unwrap(), None);
    for (sequence, bytes, manifests, taken, logged) in [
        (1, b"one", &[][..], true, &[][..]),
        (2, b"two", &[manifest(1), manifest(2)], true, &[release(1), release(2)]),
        (2, b"2nd", &[manifest(3)], false, &[]),
        (1, b"old", &[manifest(3)], false, &[]),
        (9, b"new", &[manifest(2), manifest(3)], true, &[release(3)]),
        (10, b"ten", &[manifest(1)], true, &[]),
    ] {
        let publication = Publication { sequence, bytes, manifests, at: AT };
        assert_eq!(ledger.publish(&publication).await.unwrap(), taken, "{sequence}");
        assert_eq!(log.events().await, logged, "{sequence}");
        assert_eq!(ledger.catalog().await.unwrap().as_deref() == Some(&bytes[..]), taken);
    }
    assert_whole(&ledger).await;
}

/// [AUD-1]
#[tokio::test]
async fn what_fails_logs_nothing(on: On) {
    let Fixture { folder: _folder, ledger, .. } = Fixture::with_budget(on, 10).await;
    ledger.register(&insurer(2, "two", 10)).await.unwrap();
    ledger.revoke(&[2; 16], AT).await.unwrap();
    let before = ledger.log_head().await.unwrap();
    assert!(ledger.register(&insurer(1, "one", 10)).await.is_err());
    assert!(ledger.register(&insurer(3, "three", 1 << 63)).await.is_err());
    assert!(ledger.set_status(&[9; 16], Status::Active, AT).await.is_err());
    assert!(ledger.set_budget(&[9; 16], 1, AT).await.is_err());
    assert!(ledger.set_budget(&[1; 16], 1 << 63, AT).await.is_err());
    assert!(ledger.revoke(&[2; 16], AT).await.is_err());
    assert!(ledger.revoke(&[9; 16], AT).await.is_err());
    assert!(ledger.retire_epoch(&[9; 32], AT).await.is_err());
    assert!(ledger.charge(&charges::charge(1, 0)).await.is_err());
    for (insurer, certificate) in [(2, 71), (9, 72), (1, 52)] {
        let taken = Renewal { insurer: [insurer; 16], certificate: [certificate; 32], signing_key: [120; 32], at: AT };
        assert!(ledger.renew(&taken).await.is_err());
    }
    assert_eq!(ledger.log_head().await.unwrap(), before);
    assert_whole(&ledger).await;
}

/// [AUD-6]
#[tokio::test]
async fn the_nodes_prove_every_entry_and_every_beginning(on: On) {
    const SIZE: u64 = 19;
    let Fixture { folder: _folder, ledger, .. } = Fixture::with_budget(on, 1_000).await;
    let mut heads = vec![tree::fold(&[]); 4];
    while ledger.log_head().await.unwrap().size < SIZE {
        let refusal = Event::Refusal {
            insurer: InsurerId::from_bytes([1; 16]),
            epoch: EpochId::from_bytes(EPOCH),
            code: RefusalCode::OverBudget,
            value: heads.len() as u64,
        };
        ledger.log_refusal(refusal, AT).await.unwrap();
        heads.push(ledger.log_head().await.unwrap().root);
    }
    let entries = ledger.log_entries(0, 1_000).await.unwrap();
    let mut tree = Frontier::default();
    let heads: Vec<Head> = std::iter::once(tree.head())
        .chain(entries.iter().map(|logged| {
            tree.append(tree::leaf(&logged.entry));
            tree.head()
        }))
        .collect();
    for to in &heads[1..] {
        for from in &heads[1..=usize::try_from(to.size).unwrap()] {
            let path = ledger.log_hashes(&tree::consistency(from.size, to.size).unwrap()).await.unwrap();
            tree::verify_consistency(from, to, &path).unwrap();
            let (leaf, index) = (tree::leaf(&entries[usize::try_from(from.size).unwrap() - 1].entry), from.size - 1);
            let path = ledger.log_hashes(&tree::inclusion(index, to.size).unwrap()).await.unwrap();
            tree::verify_inclusion(leaf, index, to, &path).unwrap();
        }
        assert_eq!(ledger.log_hashes(&[tree::roots(to.size)]).await.unwrap(), [to.root]);
    }
    let beyond = ledger.log_hashes(&tree::consistency(3, SIZE + 1).unwrap()).await;
    assert!(matches!(beyond, Err(LedgerError::Damaged { what: "audit log" })), "{beyond:?}");
}

/// [AUD-2]
#[tokio::test]
async fn a_life_of_a_ledger_makes_a_log_that_an_auditor_accepts(on: On) {
    let Fixture { folder: _folder, ledger, .. } = Fixture::new(on).await;
    let operator_key = SigningKey::from_seed(&[1; 32]).verifying();
    let keys = [SigningKey::from_seed(&[11; 32]), SigningKey::from_seed(&[12; 32])];
    let opened = |seed| {
        let key = SecretKey::from_uniform_bytes(&[seed; 64]).unwrap().public();
        NewEpoch { epoch: EpochRecord::id(&operator_key, &key), operator_key, key, ..epoch(EPOCH) }
    };
    let (first, second) = (opened(1), opened(2));
    let charge = |epoch: NewEpoch, number: u32, count: u32, signer: &SigningKey| {
        let charge = charges::charge(number, count);
        let header = ChunkHeader {
            operator_key: epoch.operator_key,
            epoch: epoch.epoch,
            key: epoch.key,
            job: JobId::from_bytes(charge.job),
            number,
            count,
            digest: Digest::from_bytes(charge.digest),
        };
        let (signing_key, signature) = (*signer.verifying().as_bytes(), *header.sign(signer).as_bytes());
        Charge { epoch: *epoch.epoch.as_bytes(), signing_key, signature, ..charge }
    };
    ledger.open_epoch(&first).await.unwrap();
    let one = NewInsurer { signing_key: *keys[0].verifying().as_bytes(), ..insurer(1, "one", 100) };
    ledger.register(&one).await.unwrap();
    assert_eq!(said(&ledger, &charge(first, 1, 30, &keys[0])).await, Said::Charged(70));
    assert_eq!(said(&ledger, &charge(first, 1, 30, &keys[0])).await, Said::Repeat(70));
    ledger.set_status(&[1; 16], Status::Suspended, AT).await.unwrap();
    ledger.set_status(&[1; 16], Status::Active, AT).await.unwrap();
    ledger.set_budget(&[1; 16], 50, AT).await.unwrap();
    assert_eq!(said(&ledger, &charge(first, 2, 21, &keys[0])).await, Said::OverBudget { remaining: 20, missing: 1 });
    let signing_key = *keys[1].verifying().as_bytes();
    ledger.renew(&Renewal { insurer: [1; 16], certificate: [61; 32], signing_key, at: AT }).await.unwrap();
    assert_eq!(said(&ledger, &charge(first, 3, 10, &keys[1])).await, Said::Charged(10));
    ledger.open_epoch(&second).await.unwrap();
    assert_eq!(said(&ledger, &charge(second, 1, 10, &keys[1])).await, Said::Charged(40));
    ledger.retire_epoch(first.epoch.as_bytes(), AT).await.unwrap();
    let mut auditor = Auditor::default();
    for logged in ledger.log_entries(0, 1_000).await.unwrap() {
        auditor.read(&logged.entry).unwrap();
    }
    assert_eq!(auditor.head(), ledger.log_head().await.unwrap());
    for ((insurer, epoch), account) in auditor.accounts() {
        let kept = ledger.account(insurer.as_bytes(), epoch.as_bytes()).await.unwrap().unwrap();
        assert_eq!((account.granted, account.spent), (kept.granted, kept.spent));
    }
    assert_eq!(auditor.accounts().len(), 2);
}
}
