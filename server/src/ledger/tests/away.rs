//! What is true of PostgreSQL alone: someone else's database, and one that goes away and comes back.

use super::test_postgres::{Postgres, shared};
use super::*;

fn place(address: &str) -> Place {
    Place::Postgres(address.parse().unwrap())
}

#[tokio::test]
async fn a_database_with_tables_is_never_made_a_ledger() {
    let address = shared().database();
    shared().sql(&address, "CREATE TABLE insurers (x BIGINT)");
    for _ in 0..2 {
        let made = Ledger::create(place(&address), ID).await;
        assert!(matches!(made, Err(LedgerError::NotEmpty { .. })), "{made:?}");
        let opened = Ledger::open(place(&address)).await;
        assert!(matches!(opened, Err(LedgerError::NotALedger { .. })), "{opened:?}");
    }
    assert_eq!(shared().sql(&address, "SELECT string_agg(relname, ',') FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"), "insurers");
    let empty = Ledger::open(place(&shared().database())).await;
    assert!(matches!(empty, Err(LedgerError::NotALedger { .. })), "{empty:?}");
}

#[tokio::test]
async fn a_ledger_is_made_once_and_can_be_taken_back() {
    let fixture = Fixture::with_budget(On::Postgres, 5).await;
    let again = Ledger::create(fixture.place.clone(), [7; 16]).await;
    assert!(matches!(again, Err(LedgerError::NotEmpty { .. })), "{again:?}");
    assert_eq!(Ledger::open(fixture.place.clone()).await.unwrap().id(), ID);
    fixture.ledger.close().await;
    Ledger::take_back(&fixture.place).await;
    Ledger::create(fixture.place.clone(), [7; 16]).await.unwrap();
}

#[tokio::test]
async fn every_connection_is_set_up_for_durability() {
    let ledger = Fixture::new(On::Postgres).await.ledger;
    let setting = async |pool: &Pool, name: &str| -> String {
        sqlx::query_scalar("SELECT current_setting($1)").bind(name).fetch_one(pool).await.unwrap()
    };
    for (pool, read_only) in [(&ledger.writer, "off"), (&ledger.reader, "on")] {
        assert_eq!(setting(pool, "transaction_isolation").await, "read committed");
        assert_eq!(setting(pool, "synchronous_commit").await, "on");
        assert_eq!(setting(pool, "transaction_read_only").await, read_only);
        assert_eq!(setting(pool, "application_name").await, "blindlistd");
    }
}

#[tokio::test]
async fn an_unreachable_database_is_said_so_at_once() {
    for address in ["postgres://u:geheim@127.0.0.1:1/ledger", "postgres:///ledger?host=/nowhere&user=u"] {
        let error = Ledger::open(place(address)).await.unwrap_err();
        assert!(matches!(error, LedgerError::NotOpened { .. }), "{error:?}");
        let said = error.to_string();
        assert!(said.starts_with("could not open the ledger at postgres://") && !said.contains("geheim"), "{said}");
    }
}

/// [EVA-4]
#[tokio::test]
async fn a_database_that_comes_back_goes_on_where_it_was() {
    let server = Postgres::start();
    let place = place(&server.database());
    let ledger = Ledger::create(place, ID).await.unwrap();
    ledger.open_epoch(&epoch(EPOCH)).await.unwrap();
    ledger.register(&insurer(1, "one", 100)).await.unwrap();
    assert_eq!(said(&ledger, &charges::charge(1, 10)).await, Said::Charged(90));
    server.stop();
    for _ in 0..2 {
        let charged = ledger.charge(&charges::charge(2, 10)).await;
        assert!(matches!(charged, Err(LedgerError::Unreachable { .. } | LedgerError::Busy { .. })), "{charged:?}");
        let found = ledger.by_certificate(&[51; 32]).await;
        assert!(matches!(found, Err(LedgerError::Unreachable { .. } | LedgerError::Busy { .. })), "{found:?}");
    }
    server.start_again();
    assert_eq!(said(&ledger, &charges::charge(1, 10)).await, Said::Repeat(90));
    assert_eq!(said(&ledger, &charges::charge(2, 10)).await, Said::Charged(80));
}
