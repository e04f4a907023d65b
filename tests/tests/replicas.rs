//! Several servers on one ledger in PostgreSQL: a budget is one, whichever of them is asked.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests and their helpers")]
#![allow(clippy::wildcard_enum_match_arm, reason = "a test is about one kind of message and leaves the others alone")]

use std::sync::Barrier;
use std::thread;

use blindlist_protocol::message::{Request, Response};
use blindlist_protocol::refusal::RefusalCode;
use blindlist_tests::postgres::{Postgres, shared};
use blindlist_tests::raw::{RawInsurer, elements, kind};
use blindlist_tests::{Operator, Serving};

/// Does something in a runtime of its own, with a connection of its own.
fn with_line<T>(
    insurer: &RawInsurer,
    server: &Serving,
    work: impl AsyncFnOnce(&blindlist_tests::raw::Line<'_>) -> T,
) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let line = insurer.connect(server).await;
        work(&line).await
    })
}

/// Whether a chunk is answered; otherwise it is refused because the budget is spent.
async fn is_answered(line: &blindlist_tests::raw::Line<'_>, salt: u64) -> bool {
    match line.ask(&Request::Evaluate(line.chunk(elements(salt, 1)))).await {
        Response::Evaluated(_) => true,
        Response::Refused(refusal) if refusal.code == RefusalCode::OverBudget && refusal.value == 1 => false,
        response => panic!("{}", kind(&response)),
    }
}

/// [EVA-4], [EVA-5]
#[test]
fn replicas_never_overspend_and_never_charge_twice() {
    const CHUNKS: usize = 96;
    let address = shared().database();
    let operator = Operator::with_ledger("op", &address);
    let insurer = RawInsurer::enrolled("raw", &operator, 60);
    let [granted, 0, _] = operator.account("raw") else { panic!("a new account") };
    assert_eq!(granted, 64);
    let replicas = [operator.serve(), operator.serve()];

    // Each chunk goes to both, from several connections at once, each in an order of its own.
    let begin = Barrier::new(6);
    let ask_all = |(number, step): (usize, usize)| {
        let server = &replicas[number % 2];
        with_line(&insurer, server, async |line| {
            begin.wait();
            let mut answered = vec![false; CHUNKS];
            for i in 0..CHUNKS {
                let chunk = (i * step + number) % CHUNKS;
                answered[chunk] = is_answered(line, chunk as u64).await;
            }
            answered
        })
    };
    let answered: Vec<Vec<bool>> = thread::scope(|scope| {
        let ask_all = &ask_all;
        // Steps that have no factor in common with the number of chunks.
        let orders = [1, 5, 7, 11, 13, 17].into_iter().enumerate();
        let threads: Vec<_> = orders.map(|order| scope.spawn(move || ask_all(order))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for others in &answered {
        assert_eq!(others, &answered[0], "a chunk that was charged is answered by every replica, and no other is");
    }
    assert_eq!(answered[0].iter().filter(|answered| **answered).count(), 64);
    assert_eq!(operator.account("raw"), [64, 64, 0]);
    let charges = shared().sql(&address, "SELECT COUNT(*), SUM(count), COUNT(DISTINCT digest) FROM charges");
    assert_eq!(charges, "64|64|64");
}

#[test]
fn a_change_takes_effect_on_every_replica_at_once() {
    let operator = Operator::with_ledger("op", &shared().database());
    let insurer = RawInsurer::enrolled("raw", &operator, 60);
    let replicas = [operator.serve(), operator.serve()];
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let lines = [insurer.connect(&replicas[0]).await, insurer.connect(&replicas[1]).await];
        let chunk = |salt| lines[0].chunk(elements(salt, 8));
        lines[0].evaluated(chunk(1)).await;
        operator.run(&["insurer", "suspend", "raw"]).ends(0);
        for line in &lines {
            line.is_refused(chunk(1), RefusalCode::Suspended).await;
            line.is_refused(chunk(2), RefusalCode::Suspended).await;
        }
        operator.run(&["insurer", "resume", "raw"]).ends(0);
        for line in &lines {
            assert_eq!(line.evaluated(chunk(1)).await.account.spent, 8, "a repeat");
        }
        operator.run(&["insurer", "set-budget", "raw", "4"]).ends(0);
        assert_eq!(lines[0].evaluated(chunk(2)).await.account.spent, 16);
        assert_eq!(lines[1].account().await.spent, 16, "what one charged the other sees");
    });
}

/// What one home seals every server of the ledger serves at once; what needs files that are not there yet is busy.
#[test]
fn a_replica_takes_the_catalog_from_the_database_and_is_busy_until_it_has_the_files() {
    let first = Operator::with_ledger("op", &shared().database());
    let insurer = RawInsurer::enrolled("raw", &first, 60);
    let second = first.copied();
    let servers = [first.serve(), second.serve()];
    let input =
        first.file("breach.csv", blindlist_tests::operator::numbers_csv(&blindlist_tests::people::numbers(0, 5)));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let line = insurer.connect(&servers[1]).await;
        assert!(line.catalog.manifests.is_empty());
        first.seal(&input, "list-a", "identity", &[]).ends(0);
        let sealed = first.run(&["lists"]).ends(0);
        let again = insurer.connect(&servers[1]).await;
        let [listed] = &again.catalog.manifests[..] else { panic!("the second server knows of the list") };
        assert!(sealed.stdout.contains(&listed.manifest.to_string()), "{sealed}");
        let manifest = Request::Object(listed.manifest);
        let refusal = line.refusal_of(&manifest.encode()).await;
        assert!(refusal.code == RefusalCode::Busy && refusal.value > 0, "{refusal:?}");
        assert_eq!(line.evaluated(line.chunk(elements(1, 8))).await.account.spent, 8, "the rest is served");
        assert!(servers[1].log().contains("files of the catalog are not in this home"));
        second.run(&["lists"]).ends(1).complains(&["the catalog names a release that is not in the folder releases"]);

        blindlist_tests::operator::copy_folder(&first.home().join("releases"), &second.home().join("releases"));
        let came = async || matches!(line.ask(&manifest).await, Response::Object(_));
        while !came().await {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        assert!(servers[1].log().contains("the files that were missing are here"));
    });
    // The second home goes on from what the first has published.
    second.seal(&input, "list-b", "identity", &[]).ends(0);
    let catalog = |home: &Operator| std::fs::read(home.home().join("catalog")).unwrap();
    assert_ne!(catalog(&first), catalog(&second));
    runtime.block_on(async {
        let line = insurer.connect(&servers[0]).await;
        assert_eq!(line.catalog.manifests.len(), 2, "the first server follows the second home");
        assert_eq!(line.catalog.sequence, 3);
    });
    first.run(&["audit", "verify"]).ends(0).prints(&["The audit log holds"]);
}

/// [EVA-4]
#[test]
fn a_server_outlives_its_database() {
    let database = Postgres::start();
    let operator = Operator::with_ledger("op", &database.database());
    let insurer = RawInsurer::enrolled("raw", &operator, 60);
    let server = operator.serve();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let line = insurer.connect(&server).await;
        line.evaluated(line.chunk(elements(1, 8))).await;
        database.stop();
        let refusal = line.refusal_of(&Request::Evaluate(line.chunk(elements(2, 8))).encode()).await;
        assert_eq!(refusal.code, RefusalCode::Busy);
        assert!(refusal.value > 0);
        let said = operator.run(&["insurer", "list"]).ends(69).complains(&["could not open the ledger at postgres://"]);
        assert_eq!(said.stderr.lines().count(), 1, "{said}");
        database.start_again();
        assert_eq!(line.evaluated(line.chunk(elements(1, 8))).await.account.spent, 8);
        assert_eq!(line.evaluated(line.chunk(elements(2, 8))).await.account.spent, 16);
    });
    assert!(!server.log().contains("ERROR"));
}

#[test]
fn a_database_that_is_not_free_is_left_alone_and_no_home_is_made() {
    let address = shared().database();
    shared().sql(&address, "CREATE TABLE t (x BIGINT)");
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    let init = |ledger: &str| {
        let arguments = ["init", "--operator", "op", "--host", "127.0.0.1:9", "--ledger", ledger, "--home"];
        let mut command = blindlist_tests::programs::blindlistd(arguments);
        command.arg(&home);
        blindlist_tests::programs::run(command)
    };
    init(&address).ends(1).complains(&["has tables already"]);
    init("postgres://u:geheim@127.0.0.1:1/l").ends(69).complains(&["could not open"]).is_silent_about(&["geheim"]);
    init("postgres://u:geheim@h").ends(2).complains(&["--ledger", "names no database"]).is_silent_about(&["geheim"]);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    assert_eq!(shared().sql(&address, "SELECT COUNT(*) FROM t"), "0");
    init(&shared().database()).ends(0);
    assert!(!home.join("ledger.sqlite").exists());
}
