//! A process killed while it charges, and a disk that fills up.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use super::charges::{charge, sum_of_charges};
use super::*;

/// Tells the test below that it runs in the process that will be killed; its value is the ledger's place.
const VICTIM: &str = "BLINDLIST_TEST_LEDGER_VICTIM";

on_both! {
/// [EVA-4], [EVA-5]
#[tokio::test]
async fn a_killed_process_loses_and_doubles_no_charge(on: On) {
    if let Ok(place) = std::env::var(VICTIM) {
        return charge_until_killed(place.parse().map_or_else(|_| Place::File(place.into()), Place::Postgres)).await;
    }
    let fixture = Fixture::with_budget(on, 1_000_000).await;
    let (_crate, module) = module_path!().split_once("::").unwrap();
    let name = format!("{module}::on_sqlite");
    let place = match &fixture.place {
        Place::File(path) => path.clone().into_os_string(),
        Place::Postgres(url) => url.with_password().into(),
    };
    let mut acknowledged = Vec::new();
    for round in 1..=3 {
        // Its standard error is ours alone: the test harness writes to standard output.
        let mut victim = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", &name, "--nocapture"])
            .env(VICTIM, &place)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(victim.stderr.take().unwrap()).lines().map(Result::unwrap);
        acknowledged.extend(lines.by_ref().take(40 * round));
        victim.kill().unwrap();
        acknowledged.extend(lines);
        victim.wait().unwrap();
    }
    let fixture = fixture.reopened().await;
    if on == On::Sqlite {
        let whole: String =
            sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&fixture.ledger.writer).await.unwrap();
        assert_eq!(whole, "ok");
    }
    let (_, spent) = account(&fixture.ledger, 1, EPOCH).await.unwrap();
    assert_eq!(sum_of_charges(&fixture.ledger).await, spent);
    log::assert_whole(&fixture.ledger).await;
    assert!(acknowledged.len() >= 40 + 80 + 120, "{}", acknowledged.len());
    for number in acknowledged {
        let again = fixture.ledger.charge(&charge(number.parse().unwrap(), 3)).await.unwrap();
        assert!(matches!(again, Outcome::Repeat { .. }), "chunk {number}: {again:?}");
    }
}
}

/// Charges from several tasks and writes the number of each chunk to standard error once it is charged.
async fn charge_until_killed(place: Place) {
    let ledger = Ledger::open(place).await.unwrap();
    let (_, spent) = account(&ledger, 1, EPOCH).await.unwrap();
    let first = u32::try_from(spent).unwrap();
    let mut tasks = JoinSet::new();
    for task in 0..4 {
        let ledger = ledger.clone();
        tasks.spawn(async move {
            for number in (first + task..).step_by(4) {
                match ledger.charge(&charge(number, 3)).await.unwrap() {
                    Outcome::Charged { .. } => eprintln!("{number}"),
                    // An earlier victim was killed between the charge and its line.
                    Outcome::Repeat { .. } => {}
                    other @ (Outcome::OverBudget { .. }
                    | Outcome::Suspended
                    | Outcome::Retired
                    | Outcome::OldKey
                    | Outcome::NoAccount) => {
                        panic!("{other:?}")
                    }
                }
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
}

#[tokio::test]
async fn a_full_disk_is_said_so_and_loses_nothing() {
    let fixture = Fixture::with_budget(On::Sqlite, 1_000_000).await;
    let pages: i64 = sqlx::query_scalar("PRAGMA page_count").fetch_one(&fixture.ledger.writer).await.unwrap();
    let limit = format!("PRAGMA max_page_count = {}", pages + 2);
    sqlx::raw_sql(sqlx::AssertSqlSafe(limit)).execute(&fixture.ledger.writer).await.unwrap();
    let mut number = 0;
    let error = loop {
        match fixture.ledger.charge(&charge(number, 10)).await {
            Ok(outcome) => assert!(matches!(outcome, Outcome::Charged { .. }), "{outcome:?}"),
            Err(error) => break error,
        }
        number += 1;
    };
    assert!(matches!(error, LedgerError::DiskFull { .. }), "{error:?}");
    assert!(number > 0);
    assert_eq!(account(&fixture.ledger, 1, EPOCH).await, Some((1_000_000, u64::from(number) * 10)));
    assert_eq!(sum_of_charges(&fixture.ledger).await, u64::from(number) * 10);

    let fixture = fixture.reopened().await;
    let outcome = fixture.ledger.charge(&charge(number, 10)).await.unwrap();
    assert!(matches!(outcome, Outcome::Charged { .. }), "with room again: {outcome:?}");
    log::assert_whole(&fixture.ledger).await;
}
