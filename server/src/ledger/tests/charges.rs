use blindlist_protocol::holders::HolderSet;
use blindlist_protocol::log::{Entry, Event};

use super::*;

/// A charge by insurer 1; `number` makes its digest.
pub(super) fn charge(number: u32, count: u32) -> Charge {
    let mut digest = [0xd0; 32];
    digest.first_chunk_mut::<4>().unwrap().copy_from_slice(&number.to_le_bytes());
    Charge {
        insurer: [1; 16],
        epoch: EPOCH,
        holders: HolderSet::try_from(vec![1]).unwrap(),
        digest,
        job: [0x0b; 16],
        number,
        count,
        signing_key: [101; 32],
        signature: [0x51; 64],
        at: AT,
    }
}

/// What became of a charge, without its entry.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    Charged(u64),
    Repeat(u64),
    OverBudget { remaining: u64, missing: u64 },
    Suspended,
    Retired,
    OldKey,
    NoAccount,
}

/// Charges, and requires that the log has grown by the entry of this charge, or not at all. Nobody else may be at it.
pub(super) async fn said(ledger: &Ledger, charge: &Charge) -> Said {
    let before = ledger.log_head().await.unwrap();
    let outcome = ledger.charge(charge).await.unwrap();
    let after = ledger.log_head().await.unwrap();
    let (said, logged) = match outcome {
        Outcome::Charged { remaining, logged } => (Said::Charged(remaining), Some(logged)),
        Outcome::Repeat { remaining, logged } => (Said::Repeat(remaining), Some(logged)),
        Outcome::OverBudget { remaining, missing } => (Said::OverBudget { remaining, missing }, None),
        Outcome::Suspended => (Said::Suspended, None),
        Outcome::Retired => (Said::Retired, None),
        Outcome::OldKey => (Said::OldKey, None),
        Outcome::NoAccount => (Said::NoAccount, None),
    };
    if let Some(logged) = logged {
        assert_eq!(ledger.log_entries(logged.index, 1).await.unwrap(), std::slice::from_ref(&logged));
        let Entry { time, event: Event::Charge(kept) } = Entry::decode(&logged.entry).unwrap() else { panic!() };
        let at = (time, *kept.insurer.as_bytes(), *kept.epoch.as_bytes(), *kept.digest.as_bytes(), kept.count);
        assert_eq!(at, (charge.at.cast_unsigned(), charge.insurer, charge.epoch, charge.digest, charge.count));
        if matches!(said, Said::Charged(_)) {
            let account = ledger.account(&charge.insurer, &charge.epoch).await.unwrap().unwrap();
            assert_eq!((logged.index, after.size), (before.size, before.size + 1));
            assert_eq!(kept.spent, account.spent);
        }
    }
    if !matches!(said, Said::Charged(_)) {
        assert_eq!(after, before, "nothing is logged");
    }
    said
}

/// The sum of the charges of insurer 1, which must be what its account says it spent.
pub(super) async fn sum_of_charges(ledger: &Ledger) -> u64 {
    let sum: i64 = sqlx::query_scalar(
        "SELECT CAST(COALESCE(SUM(count), 0) AS BIGINT) FROM charges WHERE insurer = $1 AND epoch = $2",
    )
    .bind(&[1; 16][..])
    .bind(&EPOCH[..])
    .fetch_one(&ledger.reader)
    .await
    .unwrap();
    u64::try_from(sum).unwrap()
}

on_both! {
/// [EVA-5]
#[tokio::test]
async fn a_charge_is_debited_once(on: On) {
    let Fixture { folder: _folder, ledger, .. } = Fixture::with_budget(on, 100).await;
    assert_eq!(said(&ledger, &charge(1, 30)).await, Said::Charged(70));
    assert_eq!(said(&ledger, &charge(1, 30)).await, Said::Repeat(70));
    assert_eq!(said(&ledger, &charge(2, 70)).await, Said::Charged(0));
    assert_eq!(account(&ledger, 1, EPOCH).await, Some((100, 100)));
    assert_eq!(said(&ledger, &charge(1, 30)).await, Said::Repeat(0), "the budget is spent");
    let refused = said(&ledger, &charge(3, 1)).await;
    assert_eq!(refused, Said::OverBudget { remaining: 0, missing: 1 });
    assert_eq!(account(&ledger, 1, EPOCH).await, Some((100, 100)));
}

/// [EVA-4]
#[tokio::test]
async fn a_charge_that_does_not_fit_takes_nothing(on: On) {
    let Fixture { folder: _folder, ledger, .. } = Fixture::with_budget(on, 100).await;
    ledger.charge(&charge(1, 60)).await.unwrap();
    let refused = said(&ledger, &charge(2, 41)).await;
    assert_eq!(refused, Said::OverBudget { remaining: 40, missing: 1 });
    let refused = said(&ledger, &charge(2, u32::MAX)).await;
    assert_eq!(refused, Said::OverBudget { remaining: 40, missing: u64::from(u32::MAX) - 40 });
    assert_eq!(account(&ledger, 1, EPOCH).await, Some((100, 60)));
    assert_eq!(said(&ledger, &charge(2, 40)).await, Said::Charged(0));
}

#[tokio::test]
async fn the_largest_budget_does_not_overflow(on: On) {
    let largest = u64::MAX >> 1;
    let Fixture { folder: _folder, ledger, .. } = Fixture::with_budget(on, largest).await;
    sqlx::query("UPDATE accounts SET spent = granted - 1").execute(&ledger.writer).await.unwrap();
    let refused = said(&ledger, &charge(1, 2)).await;
    assert_eq!(refused, Said::OverBudget { remaining: 1, missing: 1 });
    assert_eq!(said(&ledger, &charge(1, 1)).await, Said::Charged(0));
    assert_eq!(account(&ledger, 1, EPOCH).await, Some((largest, largest)));
}

#[tokio::test]
async fn an_empty_charge_is_refused(on: On) {
    let Fixture { folder: _folder, ledger, .. } = Fixture::with_budget(on, 100).await;
    assert!(matches!(ledger.charge(&charge(1, 0)).await, Err(LedgerError::NothingToCharge)));
    assert_eq!(said(&ledger, &charge(1, 1)).await, Said::Charged(99));
}

#[tokio::test]
async fn a_digest_is_charged_apart_for_each_epoch_and_insurer(on: On) {
    let Fixture { folder: _folder, ledger, .. } = Fixture::with_budget(on, 100).await;
    ledger.open_epoch(&epoch(OTHER_EPOCH)).await.unwrap();
    ledger.register(&insurer(2, "two", 50)).await.unwrap();
    let mine = charge(1, 10);
    let other_epoch = Charge { epoch: OTHER_EPOCH, ..mine.clone() };
    let other_insurer = Charge { insurer: [2; 16], signing_key: [102; 32], ..mine.clone() };
    assert_eq!(said(&ledger, &mine).await, Said::Charged(90));
    assert_eq!(said(&ledger, &other_epoch).await, Said::Charged(90));
    assert_eq!(said(&ledger, &other_insurer).await, Said::Charged(40));
    for repeated in [mine, other_epoch, other_insurer] {
        assert!(matches!(ledger.charge(&repeated).await.unwrap(), Outcome::Repeat { .. }));
    }
    assert_eq!(account(&ledger, 2, OTHER_EPOCH).await, Some((50, 0)));
}

#[tokio::test]
async fn who_has_no_account_is_not_charged(on: On) {
    let Fixture { folder: _folder, ledger, .. } = Fixture::with_budget(on, 100).await;
    for unknown in [Charge { epoch: [9; 32], ..charge(1, 1) }, Charge { insurer: [9; 16], ..charge(1, 1) }] {
        assert_eq!(said(&ledger, &unknown).await, Said::NoAccount);
    }
    assert_eq!(account(&ledger, 1, EPOCH).await, Some((100, 0)));
}

/// [EVA-5]
#[tokio::test]
async fn a_suspended_insurer_gets_nothing_not_even_a_repeat(on: On) {
    let Fixture { folder: _folder, ledger, .. } = Fixture::with_budget(on, 100).await;
    ledger.register(&insurer(2, "two", 50)).await.unwrap();
    ledger.charge(&charge(1, 10)).await.unwrap();
    ledger.set_status(&[1; 16], Status::Suspended, AT).await.unwrap();
    for refused in [charge(1, 10), charge(2, 10), charge(3, 1000)] {
        assert_eq!(said(&ledger, &refused).await, Said::Suspended);
    }
    assert_eq!(account(&ledger, 1, EPOCH).await, Some((100, 10)));
    let other = Charge { insurer: [2; 16], signing_key: [102; 32], ..charge(1, 10) };
    assert_eq!(said(&ledger, &other).await, Said::Charged(40), "others are not");
    ledger.set_status(&[1; 16], Status::Active, AT).await.unwrap();
    assert_eq!(said(&ledger, &charge(1, 10)).await, Said::Repeat(90));
    assert_eq!(said(&ledger, &charge(2, 10)).await, Said::Charged(80));
}

#[tokio::test]
async fn all_of_a_charge_is_kept(on: On) {
    let Fixture { folder: _folder, ledger, .. } = Fixture::with_budget(on, 100).await;
    ledger.charge(&Charge { job: [3; 16], signature: [4; 64], at: -5, ..charge(77, 10) }).await.unwrap();
    let kept = sqlx::query("SELECT * FROM charges").fetch_one(&ledger.reader).await.unwrap();
    assert_eq!(row::bytes::<16>(&kept, "insurer").unwrap(), [1; 16]);
    assert_eq!(row::bytes::<32>(&kept, "epoch").unwrap(), EPOCH);
    assert_eq!(row::bytes::<32>(&kept, "digest").unwrap(), charge(77, 10).digest);
    assert_eq!(row::bytes::<16>(&kept, "job").unwrap(), [3; 16]);
    assert_eq!(row::bytes::<64>(&kept, "signature").unwrap(), [4; 64]);
    let numbers = ["number", "count", "at"].map(|column| row::number(&kept, column).unwrap());
    assert_eq!(numbers, [77, 10, -5]);
}

/// [EVA-4]
#[tokio::test]
async fn charges_outlive_the_process_that_made_them(on: On) {
    let fixture = Fixture::with_budget(on, 100).await;
    fixture.ledger.charge(&charge(1, 30)).await.unwrap();
    let fixture = fixture.reopened().await;
    assert_eq!(said(&fixture.ledger, &charge(1, 30)).await, Said::Repeat(70));
    fixture.ledger.close().await;
    let fixture = fixture.reopened().await;
    assert_eq!(said(&fixture.ledger, &charge(2, 30)).await, Said::Charged(40));
}

/// Eighty tasks through two ledgers on one file (two processes) want the last fifty of a budget, each chunk twice.
#[tokio::test]
async fn concurrent_charges_fill_a_budget_exactly(on: On) {
    let fixture = Fixture::with_budget(on, 1000).await;
    fixture.ledger.charge(&charge(1000, 950)).await.unwrap();
    let second = Ledger::open(fixture.place.clone()).await.unwrap();
    let mut tasks = JoinSet::new();
    for number in 0..80 {
        for ledger in [fixture.ledger.clone(), second.clone()] {
            tasks.spawn(async move { (number, ledger.charge(&charge(number, 1)).await.unwrap()) });
        }
    }
    let (mut charged, mut refused) = (Vec::new(), 0);
    while let Some(done) = tasks.join_next().await {
        match done.unwrap() {
            (number, Outcome::Charged { .. }) => charged.push(number),
            (_, Outcome::Repeat { .. }) => {}
            (_, Outcome::OverBudget { remaining, missing }) => {
                assert_eq!((remaining, missing), (0, 1));
                refused += 1;
            }
            (_, other @ (Outcome::Suspended | Outcome::Retired | Outcome::OldKey | Outcome::NoAccount)) => {
                panic!("{other:?}")
            }
        }
    }
    let distinct: std::collections::BTreeSet<_> = charged.iter().collect();
    assert_eq!((charged.len(), distinct.len()), (50, 50), "each chunk is charged once");
    assert_eq!(refused, 60, "thirty chunks do not fit, twice each");
    assert_eq!(account(&second, 1, EPOCH).await, Some((1000, 1000)));
    assert_eq!(sum_of_charges(&second).await, 1000);
    log::assert_whole(&second).await;
}

/// Chunks of different sizes: nobody overspends, and what is left is less than any that was refused.
#[tokio::test]
async fn concurrent_charges_of_all_sizes_never_overspend(on: On) {
    let Fixture { folder: _folder, ledger, .. } = Fixture::with_budget(on, 500).await;
    let mut tasks = JoinSet::new();
    for number in 0..100 {
        let ledger = ledger.clone();
        let count = 1 + number * 7 % 23;
        tasks.spawn(async move { (u64::from(count), ledger.charge(&charge(number, count)).await.unwrap()) });
    }
    let (mut charged, mut smallest_refused) = (0, u64::MAX);
    while let Some(done) = tasks.join_next().await {
        let (count, outcome) = done.unwrap();
        match outcome {
            Outcome::Charged { .. } => charged += count,
            Outcome::OverBudget { remaining, missing } => {
                assert_eq!(remaining + missing, count);
                smallest_refused = smallest_refused.min(count);
            }
            Outcome::Repeat { .. } | Outcome::Suspended => panic!("{outcome:?}"),
            Outcome::Retired | Outcome::OldKey | Outcome::NoAccount => panic!("{outcome:?}"),
        }
    }
    assert_eq!(account(&ledger, 1, EPOCH).await, Some((500, charged)));
    assert_eq!(sum_of_charges(&ledger).await, charged);
    assert!(charged <= 500 && 500 - charged < smallest_refused, "{charged} {smallest_refused}");
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_no_half_charge(on: On) {
    let Fixture { folder: _folder, ledger, .. } = Fixture::with_budget(on, 100_000).await;
    for round in 0..40_u32 {
        let mut tasks = JoinSet::new();
        for number in 0..8 {
            let ledger = ledger.clone();
            tasks.spawn(async move { ledger.charge(&charge(round * 8 + number, 10)).await });
        }
        for _ in 0..round {
            tokio::task::yield_now().await;
        }
        if round % 3 == 0 {
            tasks.join_next().await.unwrap().unwrap().unwrap();
        }
        tasks.shutdown().await;
    }
    for number in 0..320 {
        let settled = ledger.charge(&charge(number, 10)).await.unwrap();
        assert!(matches!(settled, Outcome::Charged { .. } | Outcome::Repeat { .. }), "{settled:?}");
    }
    assert_eq!(account(&ledger, 1, EPOCH).await, Some((100_000, 3200)));
    assert_eq!(sum_of_charges(&ledger).await, 3200);
    log::assert_whole(&ledger).await;
}
}
