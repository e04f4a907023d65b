use super::*;

/// A charge by insurer 1; `number` makes its digest.
pub(super) fn charge(number: u32, count: u32) -> Charge {
    let mut digest = [0xd0; 32];
    digest.first_chunk_mut::<4>().unwrap().copy_from_slice(&number.to_le_bytes());
    Charge { insurer: [1; 16], epoch: EPOCH, digest, job: [0x0b; 16], number, count, signature: [0x51; 64], at: AT }
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
    assert_eq!(ledger.charge(&charge(1, 30)).await.unwrap(), Outcome::Charged { remaining: 70 });
    assert_eq!(ledger.charge(&charge(1, 30)).await.unwrap(), Outcome::Repeat { remaining: 70 });
    assert_eq!(ledger.charge(&charge(2, 70)).await.unwrap(), Outcome::Charged { remaining: 0 });
    assert_eq!(account(&ledger, 1, EPOCH).await, Some((100, 100)));
    assert_eq!(ledger.charge(&charge(1, 30)).await.unwrap(), Outcome::Repeat { remaining: 0 }, "the budget is spent");
    let refused = ledger.charge(&charge(3, 1)).await.unwrap();
    assert_eq!(refused, Outcome::OverBudget { remaining: 0, missing: 1 });
    assert_eq!(account(&ledger, 1, EPOCH).await, Some((100, 100)));
}

/// [EVA-4]
#[tokio::test]
async fn a_charge_that_does_not_fit_takes_nothing(on: On) {
    let Fixture { folder: _folder, ledger, .. } = Fixture::with_budget(on, 100).await;
    ledger.charge(&charge(1, 60)).await.unwrap();
    let refused = ledger.charge(&charge(2, 41)).await.unwrap();
    assert_eq!(refused, Outcome::OverBudget { remaining: 40, missing: 1 });
    let refused = ledger.charge(&charge(2, u32::MAX)).await.unwrap();
    assert_eq!(refused, Outcome::OverBudget { remaining: 40, missing: u64::from(u32::MAX) - 40 });
    assert_eq!(account(&ledger, 1, EPOCH).await, Some((100, 60)));
    assert_eq!(ledger.charge(&charge(2, 40)).await.unwrap(), Outcome::Charged { remaining: 0 });
}

#[tokio::test]
async fn the_largest_budget_does_not_overflow(on: On) {
    let largest = u64::MAX >> 1;
    let Fixture { folder: _folder, ledger, .. } = Fixture::with_budget(on, largest).await;
    sqlx::query("UPDATE accounts SET spent = granted - 1").execute(&ledger.writer).await.unwrap();
    let refused = ledger.charge(&charge(1, 2)).await.unwrap();
    assert_eq!(refused, Outcome::OverBudget { remaining: 1, missing: 1 });
    assert_eq!(ledger.charge(&charge(1, 1)).await.unwrap(), Outcome::Charged { remaining: 0 });
    assert_eq!(account(&ledger, 1, EPOCH).await, Some((largest, largest)));
}

#[tokio::test]
async fn an_empty_charge_is_refused(on: On) {
    let Fixture { folder: _folder, ledger, .. } = Fixture::with_budget(on, 100).await;
    assert!(matches!(ledger.charge(&charge(1, 0)).await, Err(LedgerError::NothingToCharge)));
    assert_eq!(ledger.charge(&charge(1, 1)).await.unwrap(), Outcome::Charged { remaining: 99 });
}

#[tokio::test]
async fn a_digest_is_charged_apart_for_each_epoch_and_insurer(on: On) {
    let Fixture { folder: _folder, ledger, .. } = Fixture::with_budget(on, 100).await;
    ledger.open_epoch(&OTHER_EPOCH).await.unwrap();
    ledger.register(&insurer(2, "two", 50)).await.unwrap();
    let mine = charge(1, 10);
    let other_epoch = Charge { epoch: OTHER_EPOCH, ..mine.clone() };
    let other_insurer = Charge { insurer: [2; 16], ..mine.clone() };
    assert_eq!(ledger.charge(&mine).await.unwrap(), Outcome::Charged { remaining: 90 });
    assert_eq!(ledger.charge(&other_epoch).await.unwrap(), Outcome::Charged { remaining: 90 });
    assert_eq!(ledger.charge(&other_insurer).await.unwrap(), Outcome::Charged { remaining: 40 });
    for repeated in [mine, other_epoch, other_insurer] {
        assert!(matches!(ledger.charge(&repeated).await.unwrap(), Outcome::Repeat { .. }));
    }
    assert_eq!(account(&ledger, 2, OTHER_EPOCH).await, Some((50, 0)));
}

#[tokio::test]
async fn who_has_no_account_is_not_charged(on: On) {
    let Fixture { folder: _folder, ledger, .. } = Fixture::with_budget(on, 100).await;
    for unknown in [Charge { epoch: [9; 32], ..charge(1, 1) }, Charge { insurer: [9; 16], ..charge(1, 1) }] {
        assert_eq!(ledger.charge(&unknown).await.unwrap(), Outcome::NoAccount);
    }
    assert_eq!(account(&ledger, 1, EPOCH).await, Some((100, 0)));
}

/// [EVA-5]
#[tokio::test]
async fn a_suspended_insurer_gets_nothing_not_even_a_repeat(on: On) {
    let Fixture { folder: _folder, ledger, .. } = Fixture::with_budget(on, 100).await;
    ledger.register(&insurer(2, "two", 50)).await.unwrap();
    ledger.charge(&charge(1, 10)).await.unwrap();
    ledger.set_status(&[1; 16], Status::Suspended).await.unwrap();
    for refused in [charge(1, 10), charge(2, 10), charge(3, 1000)] {
        assert_eq!(ledger.charge(&refused).await.unwrap(), Outcome::Suspended);
    }
    assert_eq!(account(&ledger, 1, EPOCH).await, Some((100, 10)));
    let other = Charge { insurer: [2; 16], ..charge(1, 10) };
    assert_eq!(ledger.charge(&other).await.unwrap(), Outcome::Charged { remaining: 40 }, "others are not");
    ledger.set_status(&[1; 16], Status::Active).await.unwrap();
    assert_eq!(ledger.charge(&charge(1, 10)).await.unwrap(), Outcome::Repeat { remaining: 90 });
    assert_eq!(ledger.charge(&charge(2, 10)).await.unwrap(), Outcome::Charged { remaining: 80 });
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
    assert_eq!(fixture.ledger.charge(&charge(1, 30)).await.unwrap(), Outcome::Repeat { remaining: 70 });
    fixture.ledger.close().await;
    let fixture = fixture.reopened().await;
    assert_eq!(fixture.ledger.charge(&charge(2, 30)).await.unwrap(), Outcome::Charged { remaining: 40 });
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
            (_, other @ (Outcome::Suspended | Outcome::NoAccount)) => panic!("{other:?}"),
        }
    }
    let distinct: std::collections::BTreeSet<_> = charged.iter().collect();
    assert_eq!((charged.len(), distinct.len()), (50, 50), "each chunk is charged once");
    assert_eq!(refused, 60, "thirty chunks do not fit, twice each");
    assert_eq!(account(&second, 1, EPOCH).await, Some((1000, 1000)));
    assert_eq!(sum_of_charges(&second).await, 1000);
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
            Outcome::Repeat { .. } | Outcome::Suspended | Outcome::NoAccount => panic!("{outcome:?}"),
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
}
}
