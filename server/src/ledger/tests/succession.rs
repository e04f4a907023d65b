//! Accounts that go on under another manifest key.

use blindlist_protocol::log::{Entry, Event};

use super::*;
use crate::ledger::Succession;

const NEW_EPOCH: [u8; 32] = [0xe7; 32];
const OTHER_NEW_EPOCH: [u8; 32] = [0xe8; 32];

fn keys() -> [VerifyingKey; 2] {
    [1, 2].map(|byte| VerifyingKey::from_bytes([byte; 32]))
}

async fn succeed(ledger: &Ledger, epochs: &[([u8; 32], [u8; 32])]) -> Result<(), LedgerError> {
    let [old_key, new_key] = keys();
    let epochs: Vec<_> = epochs.iter().map(|(old, new)| (EpochId::from_bytes(*old), epoch(*new))).collect();
    ledger.succeed(&Succession { old_key, new_key, epochs: &epochs, at: 77 }).await
}

/// How often each event of a succession is in the log: successions, epochs opened under the new key.
async fn logged(ledger: &Ledger) -> (usize, usize) {
    let entries = ledger.log_entries(0, 1_000).await.unwrap();
    let events: Vec<_> = entries.iter().map(|logged| Entry::decode(&logged.entry).unwrap().event).collect();
    let [old_key, new_key] = keys();
    let opened = |event: &&Event| matches!(event, Event::Epoch { epoch, .. } if [NEW_EPOCH, OTHER_NEW_EPOCH].contains(epoch.as_bytes()));
    let succeeded = events.iter().filter(|event| **event == Event::Succession { old_key, new_key }).count();
    (succeeded, events.iter().filter(opened).count())
}

on_both! {
#[tokio::test]
async fn what_is_left_of_each_account_is_granted_in_the_epoch_that_follows(on: On) {
    let Fixture { folder: _folder, ledger, .. } = Fixture::with_budget(on, 100).await;
    ledger.register(&insurer(2, "two", 50)).await.unwrap();
    ledger.open_epoch(&epoch(OTHER_EPOCH)).await.unwrap();
    ledger.charge(&charges::charge(1, 30)).await.unwrap();
    ledger.charge(&Charge { insurer: [2; 16], signing_key: [102; 32], ..charges::charge(2, 40) }).await.unwrap();
    // Less than it has spent: nothing is left.
    ledger.set_budget(&[2; 16], 10, AT).await.unwrap();

    let both = [(EPOCH, NEW_EPOCH), (OTHER_EPOCH, OTHER_NEW_EPOCH)];
    succeed(&ledger, &both).await.unwrap();
    assert_eq!(account(&ledger, 1, NEW_EPOCH).await, Some((70, 0)));
    assert_eq!(account(&ledger, 1, OTHER_NEW_EPOCH).await, Some((100, 0)));
    assert_eq!(account(&ledger, 2, NEW_EPOCH).await, Some((0, 0)));
    assert_eq!(account(&ledger, 2, OTHER_NEW_EPOCH).await, Some((10, 0)));
    let ended: Vec<_> = ledger.epochs().await.unwrap().into_iter().map(|(epoch, at)| (epoch[0], at)).collect();
    assert_eq!(ended, [(0xe1, Some(77)), (0xe2, Some(77)), (0xe7, None), (0xe8, None)]);
    // Whatever comes too late finds the epoch ended.
    let late = ledger.charge(&charges::charge(3, 1)).await.unwrap();
    assert_eq!(late, Outcome::Retired);
    assert_eq!(account(&ledger, 1, EPOCH).await, Some((30, 30)));

    // Once more changes nothing, and what is charged meanwhile stays charged.
    let next = Charge { epoch: NEW_EPOCH, ..charges::charge(4, 60) };
    assert!(matches!(ledger.charge(&next).await.unwrap(), Outcome::Charged { remaining: 10, .. }));
    succeed(&ledger, &both).await.unwrap();
    assert_eq!(account(&ledger, 1, NEW_EPOCH).await, Some((70, 60)));
    assert_eq!(logged(&ledger).await, (1, 2));
    log::assert_whole(&ledger).await;
    // Insurers that come later have accounts in the epochs that go on.
    ledger.register(&insurer(3, "three", 5)).await.unwrap();
    assert_eq!(account(&ledger, 3, NEW_EPOCH).await, Some((5, 0)));
}

#[tokio::test]
async fn all_accounts_are_carried_over_or_none(on: On) {
    let Fixture { folder: _folder, ledger, .. } = Fixture::with_budget(on, 100).await;
    let unknown = succeed(&ledger, &[(EPOCH, NEW_EPOCH), ([9; 32], OTHER_NEW_EPOCH)]).await;
    assert!(matches!(unknown, Err(LedgerError::UnknownEpoch)), "{unknown:?}");
    assert_eq!((account(&ledger, 1, NEW_EPOCH).await, account(&ledger, 1, EPOCH).await), (None, Some((100, 0))));
    assert_eq!(logged(&ledger).await, (0, 0));
    assert!(!ledger.is_retired(&EPOCH).await.unwrap());
}

/// Charges race with the succession: what was charged before it is missing after it, and nothing else.
#[tokio::test]
async fn nothing_is_charged_past_a_succession(on: On) {
    let Fixture { folder: _folder, ledger, .. } = Fixture::with_budget(on, 1_000).await;
    let mut tasks = JoinSet::new();
    for number in 0..40 {
        let ledger = ledger.clone();
        tasks.spawn(async move {
            matches!(ledger.charge(&charges::charge(number, 10)).await.unwrap(), Outcome::Charged { .. })
        });
    }
    succeed(&ledger, &[(EPOCH, NEW_EPOCH)]).await.unwrap();
    let charged = tasks.join_all().await.into_iter().filter(|charged| *charged).count() as u64;
    assert_eq!(account(&ledger, 1, EPOCH).await, Some((charged * 10, charged * 10)));
    assert_eq!(account(&ledger, 1, NEW_EPOCH).await, Some((1_000 - charged * 10, 0)));
}
}
