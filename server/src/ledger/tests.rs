mod away;
mod charges;
mod crash;
mod custody;
mod log;
mod overview;
mod succession;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use blindlist_protocol::ids::{Digest, EpochId};
use blindlist_protocol::oprf::SecretKey;
use blindlist_protocol::signature::VerifyingKey;
use blindlist_protocol::text::Slug;
use blindlist_store::StoreError;
use tempfile::TempDir;
use tokio::task::JoinSet;

use self::charges::{Said, said};
use super::*;

const ID: [u8; 16] = [0xa1; 16];
const EPOCH: [u8; 32] = [0xe1; 32];
const OTHER_EPOCH: [u8; 32] = [0xe2; 32];
const AT: i64 = 1_760_000_000;

/// Which database a test runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum On {
    Sqlite,
    Postgres,
}

/// Runs each test twice. A test takes the database that it is to run on.
macro_rules! on_both {
    ($($(#[doc = $doc:expr])* #[tokio::test] async fn $name:ident($on:ident: On) $body:block)*) => {$(
        mod $name {
            use super::*;

            async fn run($on: On) $body

            $(#[doc = $doc])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn on_sqlite() {
                run(On::Sqlite).await;
            }

            $(#[doc = $doc])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn on_postgresql() {
                run(On::Postgres).await;
            }
        }
    )*};
}
use on_both;

/// A place without a ledger, and the folder that it is in if it is in one.
fn free_place(on: On) -> (TempDir, Place) {
    let folder = tempfile::tempdir().unwrap();
    let place = match on {
        On::Sqlite => folder.path().join("ledger.db").into(),
        On::Postgres => Place::Postgres(test_postgres::shared().database().parse().unwrap()),
    };
    (folder, place)
}

struct Fixture {
    folder: TempDir,
    place: Place,
    ledger: Ledger,
}

impl Fixture {
    async fn new(on: On) -> Self {
        let (folder, place) = free_place(on);
        let ledger = Ledger::create(place.clone(), ID).await.unwrap();
        Self { folder, place, ledger }
    }

    /// With an open epoch and the insurer `1`.
    async fn with_budget(on: On, budget: u64) -> Self {
        let fixture = Self::new(on).await;
        fixture.ledger.open_epoch(&epoch(EPOCH)).await.unwrap();
        fixture.ledger.register(&insurer(1, "one", budget)).await.unwrap();
        fixture
    }

    async fn reopened(self) -> Self {
        drop(self.ledger);
        Self { ledger: Ledger::open(self.place.clone()).await.unwrap(), ..self }
    }
}

/// An epoch of this id, whatever its keys are.
fn epoch(id: [u8; 32]) -> NewEpoch {
    NewEpoch {
        epoch: EpochId::from_bytes(id),
        operator_key: VerifyingKey::from_bytes([0x0e; 32]),
        key: SecretKey::from_uniform_bytes(&[1; 64]).unwrap().public(),
        record: Digest::from_bytes([0x0d; 32]),
        at: AT,
    }
}

/// A name that lives as long as the tests.
fn slug(name: &str) -> &'static Slug {
    Box::leak(Box::new(name.parse().unwrap()))
}

fn insurer(number: u8, name: &str, budget: u64) -> NewInsurer<'static> {
    NewInsurer {
        id: [number; 16],
        name: slug(name),
        certificate: [number.wrapping_add(50); 32],
        signing_key: [number.wrapping_add(100); 32],
        budget,
        at: AT,
    }
}

async fn account(ledger: &Ledger, insurer: u8, epoch: [u8; 32]) -> Option<(u64, u64)> {
    let account = ledger.account(&[insurer; 16], &epoch).await.unwrap()?;
    Some((account.granted, account.spent))
}

#[tokio::test]
async fn a_new_ledger_is_private_and_keeps_its_id() {
    let fixture = Fixture::with_budget(On::Sqlite, 1).await;
    for suffix in ["", "-wal", "-shm"] {
        let mode = fs::metadata(fixture.folder.path().join(format!("ledger.db{suffix}"))).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "ledger.db{suffix}");
    }
    let fixture = fixture.reopened().await;
    assert_eq!(fixture.ledger.id(), ID);
}

#[tokio::test]
async fn an_existing_file_is_never_made_a_ledger() {
    let fixture = Fixture::with_budget(On::Sqlite, 5).await;
    let again = Ledger::create(fixture.place.clone(), [7; 16]).await;
    assert!(matches!(again, Err(LedgerError::File(StoreError::Exists { .. }))), "{again:?}");
    assert_eq!(account(&fixture.reopened().await.ledger, 1, EPOCH).await, Some((5, 0)));
}

#[tokio::test]
async fn what_is_no_ledger_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    assert!(matches!(Ledger::open(&path).await, Err(LedgerError::Missing { .. })));
    assert!(!path.exists());

    for content in [&b""[..], b"id,name\n1,x\n", &[0; 4096]] {
        fs::write(&path, content).unwrap();
        assert!(matches!(Ledger::open(&path).await, Err(LedgerError::NotALedger { .. })), "{}", content.len());
        assert_eq!(fs::read(&path).unwrap(), content);
    }

    // Another program's SQLite file.
    fs::remove_file(&path).unwrap();
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path).create_if_missing(true);
    let mut other = sqlx::ConnectOptions::connect(&options).await.unwrap();
    sqlx::query("CREATE TABLE t (x BIGINT)").execute(&mut other).await.unwrap();
    other.close().await.unwrap();
    let content = fs::read(&path).unwrap();
    assert!(matches!(Ledger::open(&path).await, Err(LedgerError::NotALedger { .. })));
    assert_eq!(fs::read(&path).unwrap(), content);
}

on_both! {
#[tokio::test]
async fn a_ledger_of_a_newer_version_is_refused(on: On) {
    let fixture = Fixture::new(on).await;
    sqlx::query("UPDATE _sqlx_migrations SET version = version + 1000").execute(&fixture.ledger.writer).await.unwrap();
    assert!(matches!(Ledger::open(fixture.place.clone()).await, Err(LedgerError::Newer)));
}
}

#[tokio::test]
async fn every_connection_is_set_up_for_durability() {
    let fixture = Fixture::new(On::Sqlite).await;
    let pragma =
        async |pool: &Pool, pragma: &'static str| -> i64 { sqlx::query_scalar(pragma).fetch_one(pool).await.unwrap() };
    for pool in [&fixture.ledger.writer, &fixture.ledger.reader] {
        let mode: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(pool).await.unwrap();
        assert_eq!(mode, "wal");
        assert_eq!(pragma(pool, "PRAGMA foreign_keys").await, 1);
        assert!(pragma(pool, "PRAGMA busy_timeout").await >= 10_000);
    }
    assert_eq!(pragma(&fixture.ledger.writer, "PRAGMA synchronous").await, 2, "FULL");
    assert_eq!(pragma(&fixture.ledger.reader, "PRAGMA query_only").await, 1);
}

on_both! {
#[tokio::test]
async fn insurers_come_back_as_they_were_registered(on: On) {
    let Fixture { folder: _folder, ledger, .. } = Fixture::new(on).await;
    ledger.register(&insurer(2, "mutuelle-ete", 20)).await.unwrap();
    ledger.register(&insurer(1, "a", u64::MAX >> 1)).await.unwrap();
    let listed = ledger.insurers().await.unwrap();
    let expected = Insurer {
        id: [2; 16],
        name: "mutuelle-ete".to_owned(),
        certificate: [52; 32],
        signing_key: [102; 32],
        status: Status::Active,
        budget: 20,
        rate: None,
        created: AT,
    };
    assert_eq!(listed.iter().map(|insurer| insurer.name.as_str()).collect::<Vec<_>>(), ["a", "mutuelle-ete"]);
    assert_eq!(listed.get(1), Some(&expected));
    assert_eq!(listed.first().unwrap().budget, u64::MAX >> 1);
    assert_eq!(ledger.by_certificate(&[52; 32]).await.unwrap(), Some(expected));
    assert_eq!(ledger.by_certificate(&[2; 32]).await.unwrap(), None);
}

#[tokio::test]
async fn names_certificates_keys_and_ids_are_unique_and_told_apart(on: On) {
    let Fixture { folder: _folder, ledger, .. } = Fixture::with_budget(on, 5).await;
    let same_name = NewInsurer { name: slug("one"), ..insurer(2, "two", 5) };
    assert!(matches!(ledger.register(&same_name).await, Err(LedgerError::NameTaken)));
    let same_certificate = NewInsurer { certificate: [51; 32], ..insurer(2, "two", 5) };
    assert!(matches!(ledger.register(&same_certificate).await, Err(LedgerError::CertificateTaken)));
    let same_key = NewInsurer { signing_key: [101; 32], ..insurer(2, "two", 5) };
    assert!(matches!(ledger.register(&same_key).await, Err(LedgerError::SigningKeyTaken)));
    let same_id = NewInsurer { id: [1; 16], ..insurer(2, "two", 5) };
    assert!(matches!(ledger.register(&same_id).await, Err(LedgerError::IdTaken)));
    assert_eq!(ledger.insurers().await.unwrap().len(), 1);
    assert_eq!(account(&ledger, 2, EPOCH).await, None);
    ledger.register(&insurer(2, "two", 5)).await.unwrap();
}

#[tokio::test]
async fn a_budget_beyond_the_ledger_is_refused(on: On) {
    let Fixture { folder: _folder, ledger, .. } = Fixture::new(on).await;
    let amount = 1 << 63;
    let result = ledger.register(&insurer(1, "one", amount)).await;
    assert!(matches!(result, Err(LedgerError::TooMany { amount: found }) if found == amount), "{result:?}");
    assert!(ledger.insurers().await.unwrap().is_empty());
}

#[tokio::test]
async fn each_insurer_has_an_account_in_each_epoch(on: On) {
    let Fixture { folder: _folder, ledger, .. } = Fixture::new(on).await;
    ledger.register(&insurer(1, "before", 10)).await.unwrap();
    ledger.open_epoch(&epoch(EPOCH)).await.unwrap();
    ledger.register(&insurer(2, "between", 20)).await.unwrap();
    ledger.open_epoch(&epoch(OTHER_EPOCH)).await.unwrap();
    ledger.register(&insurer(3, "after", 30)).await.unwrap();
    ledger.open_epoch(&epoch(EPOCH)).await.unwrap();
    for (number, granted) in [(1, 10), (2, 20), (3, 30)] {
        let expected = Account { granted, spent: 0 };
        let listed = ledger.accounts(&[number; 16]).await.unwrap();
        assert_eq!(listed, [(EPOCH, expected), (OTHER_EPOCH, expected)], "insurer {number}");
        assert_eq!(account(&ledger, number, EPOCH).await, Some((granted, 0)));
    }
    assert_eq!(account(&ledger, 1, [0; 32]).await, None);
    assert_eq!(account(&ledger, 9, EPOCH).await, None);
    assert!(ledger.accounts(&[9; 16]).await.unwrap().is_empty());
}

#[tokio::test]
async fn insurers_and_epochs_added_at_once_do_not_miss_each_other(on: On) {
    let fixture = Fixture::new(on).await;
    // Two ledgers on one file stand for two processes.
    let second = Ledger::open(fixture.place.clone()).await.unwrap();
    let mut tasks = JoinSet::new();
    for number in 0..20 {
        let (first, second) = (fixture.ledger.clone(), second.clone());
        tasks.spawn(async move { first.register(&insurer(number, &format!("n{number}"), 10)).await });
        tasks.spawn(async move { second.open_epoch(&epoch([number; 32])).await });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap().unwrap();
    }
    for number in 0..20 {
        assert_eq!(second.accounts(&[number; 16]).await.unwrap().len(), 20, "insurer {number}");
    }
}

#[tokio::test]
async fn a_rate_lasts_until_it_is_the_default_again(on: On) {
    let rate = NonZeroU64::new(u64::MAX >> 1);
    let fixture = Fixture::with_budget(on, 5).await;
    assert_eq!(fixture.ledger.by_name("one").await.unwrap().unwrap().rate, None);
    fixture.ledger.set_rate(&[1; 16], rate).await.unwrap();
    let fixture = fixture.reopened().await;
    assert_eq!(fixture.ledger.by_certificate(&[51; 32]).await.unwrap().unwrap().rate, rate);
    fixture.ledger.set_rate(&[1; 16], None).await.unwrap();
    assert_eq!(fixture.ledger.insurers().await.unwrap().first().unwrap().rate, None);
    assert!(matches!(fixture.ledger.set_rate(&[9; 16], rate).await, Err(LedgerError::UnknownInsurer)));
    let beyond = fixture.ledger.set_rate(&[1; 16], NonZeroU64::new(1 << 63)).await;
    assert!(matches!(beyond, Err(LedgerError::TooMany { .. })), "{beyond:?}");
}

#[tokio::test]
async fn a_status_lasts(on: On) {
    let fixture = Fixture::with_budget(on, 5).await;
    fixture.ledger.set_status(&[1; 16], Status::Suspended, AT).await.unwrap();
    let fixture = fixture.reopened().await;
    let found = fixture.ledger.by_certificate(&[51; 32]).await.unwrap().unwrap();
    assert_eq!(found.status, Status::Suspended);
    let unknown = fixture.ledger.set_status(&[9; 16], Status::Active, AT).await;
    assert!(matches!(unknown, Err(LedgerError::UnknownInsurer)));
}

#[tokio::test]
async fn a_budget_is_changed_in_every_epoch_that_is_open_or_will_be(on: On) {
    let Fixture { folder: _folder, ledger, .. } = Fixture::with_budget(on, 10).await;
    ledger.register(&insurer(2, "two", 10)).await.unwrap();
    ledger.charge(&charges::charge(1, 8)).await.unwrap();
    ledger.set_budget(&[1; 16], 5, AT).await.unwrap();
    assert_eq!(account(&ledger, 1, EPOCH).await, Some((5, 8)));
    let refused = said(&ledger, &charges::charge(2, 1)).await;
    assert_eq!(refused, Said::OverBudget { remaining: 0, missing: 4 }, "3 that are owed, and 1");
    assert_eq!(said(&ledger, &charges::charge(1, 8)).await, Said::Repeat(0));
    ledger.set_budget(&[1; 16], 9, AT).await.unwrap();
    assert_eq!(said(&ledger, &charges::charge(2, 1)).await, Said::Charged(0));
    ledger.open_epoch(&epoch(OTHER_EPOCH)).await.unwrap();
    assert_eq!(account(&ledger, 1, OTHER_EPOCH).await, Some((9, 0)));
    assert_eq!(account(&ledger, 2, EPOCH).await, Some((10, 0)), "nobody else's");
    assert_eq!(ledger.by_name("one").await.unwrap().unwrap().budget, 9);
    assert_eq!(ledger.by_name("One").await.unwrap(), None);
    assert!(matches!(ledger.set_budget(&[9; 16], 1, AT).await, Err(LedgerError::UnknownInsurer)));
    assert!(matches!(ledger.set_budget(&[1; 16], 1 << 63, AT).await, Err(LedgerError::TooMany { .. })));
    assert_eq!(account(&ledger, 1, EPOCH).await, Some((9, 9)));
}

#[tokio::test]
async fn damage_is_reported_not_believed(on: On) {
    let fixture = Fixture::with_budget(on, 5).await;
    let mut raw = fixture.ledger.writer.acquire().await.unwrap();
    let allow = match on {
        On::Sqlite => "PRAGMA ignore_check_constraints = ON",
        On::Postgres => {
            "ALTER TABLE accounts DROP CONSTRAINT accounts_spent_check; \
             ALTER TABLE insurers DROP CONSTRAINT insurers_status_check"
        }
    };
    for damage in [allow, "UPDATE accounts SET spent = -1", "UPDATE insurers SET status = 'x'"] {
        sqlx::raw_sql(damage).execute(&mut *raw).await.unwrap();
    }
    drop(raw);
    let found = fixture.ledger.account(&[1; 16], &EPOCH).await;
    assert!(matches!(found, Err(LedgerError::Damaged { what: "spent" })), "{found:?}");
    let found = fixture.ledger.insurers().await;
    assert!(matches!(found, Err(LedgerError::Damaged { what: "status" })), "{found:?}");
}
}
