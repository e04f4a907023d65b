//! The operator's side of the audit log, with the real program: every kind of tampering with the ledger is told, in the
//! right words, by `audit verify` or when a server starts; and what is exported an auditor reads.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests and their helpers")]
#![allow(clippy::wildcard_enum_match_arm, reason = "a test is about one kind of message and leaves the others alone")]

use std::fs;
use std::path::PathBuf;

use blindlist_protocol::checkpoint::note::Note;
use blindlist_protocol::epoch::{EpochRecord, Evidence};
use blindlist_protocol::log::audit::Auditor;
use blindlist_protocol::log::export::{Line, Reader};
use blindlist_protocol::log::tree::{self, Frontier};
use blindlist_protocol::log::{Entry, Event};
use blindlist_protocol::message::{Request, Response};
use blindlist_protocol::object;
use blindlist_protocol::signature::VerifyingKey;
use blindlist_tests::draw::Draw;
use blindlist_tests::postgres::shared;
use blindlist_tests::programs::Ran;
use blindlist_tests::raw::{RawInsurer, elements, send};
use blindlist_tests::{Operator, Serving};
use sqlx::{AnyConnection, Connection as _, Row as _};

/// The words that every report of tampering ends with 65 with.
const FOUND: i32 = 65;

/// Asks about chunks of four elements, one after the other.
fn ask(insurer: &RawInsurer, server: &Serving, salts: std::ops::Range<u64>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let line = insurer.connect(server).await;
        for salt in salts {
            line.evaluated(line.chunk(elements(salt, 4))).await;
        }
    });
}

/// An operator whose log has: 0 an epoch, 1 an enrolment, 2 a budget, 3 to 7 charges, 8 and 9 a suspension and its end.
struct Scene {
    operator: Operator,
    insurer: RawInsurer,
}

impl Scene {
    fn new() -> Self {
        let operator = Operator::new("op");
        let insurer = RawInsurer::enrolled("raw", &operator, 100);
        let scene = Self { operator, insurer };
        let server = scene.operator.serve();
        ask(&scene.insurer, &server, 0..5);
        scene.operator.run(&["insurer", "suspend", "raw"]).ends(0);
        scene.operator.run(&["insurer", "resume", "raw"]).ends(0);
        server.stop();
        scene
    }

    fn verify(&self, more: &[&str]) -> Ran {
        self.operator.run(&[&["audit", "verify"], more].concat())
    }

    /// Does something to the ledger that nothing but its file prevents.
    fn tamper(&self, statements: &[String]) {
        let url = format!("sqlite://{}", self.operator.home().join("ledger.sqlite").display());
        on_ledger(&url, async |connection| {
            let free = "PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON";
            sqlx::raw_sql(free).execute(&mut *connection).await.unwrap();
            for statement in statements {
                let done =
                    sqlx::raw_sql(sqlx::AssertSqlSafe(statement.clone())).execute(&mut *connection).await.unwrap();
                assert!(done.rows_affected() > 0, "{statement}");
            }
        });
    }

    /// The entries as they are.
    fn entries(&self) -> Vec<Vec<u8>> {
        let url = format!("sqlite://{}", self.operator.home().join("ledger.sqlite").display());
        on_ledger(&url, async |connection| {
            let rows = sqlx::query("SELECT bytes FROM log_entries ORDER BY place").fetch_all(connection).await.unwrap();
            rows.iter().map(|row| row.get::<Vec<u8>, _>("bytes")).collect()
        })
    }

    fn ledger(&self) -> PathBuf {
        self.operator.home().join("ledger.sqlite")
    }

    /// Requires that the log is found bad, in these words; and that a server does not start with it, if they are for both.
    #[track_caller]
    fn is_found(&self, words: &[&str]) {
        self.verify(&[]).ends(FOUND).complains(words);
    }

    #[track_caller]
    fn is_not_served(&self, words: &[&str]) {
        self.operator.run(&["serve", "--listen", "127.0.0.1:0"]).ends(FOUND).complains(words);
    }
}

fn on_ledger<T>(url: &str, work: impl AsyncFnOnce(&mut AnyConnection) -> T) -> T {
    sqlx::any::install_default_drivers();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut connection = AnyConnection::connect(url).await.unwrap();
        let done = work(&mut connection).await;
        connection.close().await.unwrap();
        done
    })
}

fn hexadecimal(bytes: &[u8]) -> String {
    format!("X'{}'", hex::encode(bytes))
}

/// The statements that make these the entries of the log, with all hashes right.
fn rewritten(entries: &[Vec<u8>]) -> Vec<String> {
    let mut statements = vec!["DELETE FROM log_entries".to_owned(), "DELETE FROM log_nodes".to_owned()];
    let mut tree = Frontier::default();
    for (place, entry) in entries.iter().enumerate() {
        statements.push(format!("INSERT INTO log_entries VALUES ({place}, {})", hexadecimal(entry)));
        for (node, hash) in tree.append(tree::leaf(entry)) {
            let hash = hexadecimal(hash.as_bytes());
            statements.push(format!("INSERT INTO log_nodes VALUES ({}, {}, {hash})", node.level, node.index));
        }
    }
    let roots: Vec<u8> = tree.roots().iter().flat_map(|root| *root.as_bytes()).collect();
    statements.push(format!("UPDATE meta SET log_size = {}, log_roots = {}", tree.size(), hexadecimal(&roots)));
    statements
}

/// [AUD-1], [AUD-2]
#[test]
fn whatever_is_changed_in_the_ledger_is_found_and_named() {
    let scene = Scene::new();
    let whole =
        scene.verify(&[]).ends(0).prints(&["The audit log holds: 10 entries, 5 of them charges", "from 1 checkpoint"]);
    assert!(whole.stderr.is_empty(), "{whole}");
    let before = fs::read(scene.ledger()).unwrap();
    let entries = scene.entries();
    assert_eq!(entries.len(), 10);
    let leaf = |place: usize, entry: &[u8]| {
        let hash = hexadecimal(tree::leaf(entry).as_bytes());
        format!("UPDATE log_nodes SET hash = {hash} WHERE level = 0 AND place = {place}")
    };
    let set = |place: usize, entry: &[u8]| {
        format!("UPDATE log_entries SET bytes = {} WHERE place = {place}", hexadecimal(entry))
    };
    let mut budget = Entry::decode(&entries[2]).unwrap();
    let Event::Budget { granted, .. } = &mut budget.event else { panic!("entry 2 is a budget") };
    *granted += 1;
    let budget = budget.encode();
    for (tampering, words) in [
        (vec![set(4, &entries[5])], "entry 4 was changed"),
        (vec![set(2, &budget)], "entry 2 was changed"),
        (vec![set(4, &entries[5]), set(5, &entries[4])], "entry 4 was changed"),
        (vec![set(4, &entries[5]), leaf(4, &entries[5])], "entry 4: what it says is spent is not the sum"),
        (vec![set(2, &budget), leaf(2, &budget)], "its stored tree is not that of its entries"),
        (vec!["DELETE FROM log_entries WHERE place = 9".to_owned()], "entry 9 is missing"),
        (vec!["DELETE FROM log_entries WHERE place = 4".to_owned()], "entry 4 is missing"),
        (vec!["DELETE FROM log_entries".to_owned()], "entry 0 is missing"),
        (vec!["DELETE FROM log_nodes WHERE level = 1".to_owned()], "its stored tree is not that of its entries"),
        (vec!["INSERT INTO log_entries SELECT 10, bytes FROM log_entries WHERE place = 9".to_owned()], "entry 10 stands beyond"),
        (vec!["UPDATE accounts SET spent = spent - 4".to_owned()], "100 with"),
        (vec!["UPDATE accounts SET granted = granted + 64".to_owned()], "granted and 20 spent, the audit log says 128 and 20"),
        (vec!["DELETE FROM accounts".to_owned()], "has 0 granted and 0 spent, the audit log says 128 and 20"),
        (
            vec!["INSERT INTO charges SELECT insurer, epoch, CAST(X'00' || substr(digest, 2) AS BLOB), job, 9, count, signature, at, entry \
                  FROM charges WHERE entry = 3".to_owned()],
            "chunk 9 of a job of insurer",
        ),
        (vec!["UPDATE charges SET count = 1 WHERE entry = 3".to_owned()], "is in its charges, and not so in the audit log"),
        (vec!["DELETE FROM charges WHERE entry = 5".to_owned()], "the charge of entry 5 is not in its charges"),
    ] {
        scene.tamper(&tampering);
        let words = if words == "100 with" { "128 granted and 16 spent, the audit log says 128 and 20" } else { words };
        scene.is_found(&[words]);
        fs::write(scene.ledger(), &before).unwrap();
    }
    scene.verify(&[]).ends(0);
}

/// Hashes and all: only a checkpoint from before tells. [AUD-8]
#[test]
fn a_log_that_was_rewritten_or_cut_off_is_not_served() {
    let scene = Scene::new();
    let note = scene.operator.path("note");
    scene.operator.run(&["audit", "checkpoint", "--out", note.to_str().unwrap()]).ends(0);
    let before = fs::read(scene.ledger()).unwrap();
    let entries = scene.entries();
    let forged = [&entries[..8], &[entries[9].clone()], &[entries[8].clone()], &[entries[9].clone()]].concat();
    let kept = scene.operator.home().join("audit/checkpoint");
    let kept_note = fs::read(&kept).unwrap();
    for (entries, words) in [
        (&forged[..], "the audit log was rewritten: its first 10 entries are not those of the checkpoint"),
        (&forged[..10], "the audit log was rewritten: its first 10 entries are not those of the checkpoint"),
        (&entries[..9], "the ledger was rolled back, or it is an older copy"),
    ] {
        scene.tamper(&rewritten(entries));
        scene.is_found(&[words, "that the home keeps"]);
        scene.is_not_served(&[words, "that the home keeps"]);
        // Whoever changes the one can change the other. A checkpoint on another machine stays.
        fs::remove_file(&kept).unwrap();
        scene.verify(&[]).ends(0).prints(&["name one that was kept"]);
        scene.verify(&["--checkpoint", note.to_str().unwrap()]).ends(FOUND).complains(&[words, "the checkpoint in"]);
        fs::write(scene.ledger(), &before).unwrap();
        fs::write(&kept, &kept_note).unwrap();
    }
    scene.operator.serve().stop();
}

#[test]
fn a_ledger_that_was_rolled_back_is_not_served_and_the_loss_is_counted() {
    let scene = Scene::new();
    let older = fs::read(scene.ledger()).unwrap();
    let server = scene.operator.serve();
    ask(&scene.insurer, &server, 5..8);
    server.stop();
    let newer = fs::read(scene.ledger()).unwrap();
    fs::write(scene.ledger(), &older).unwrap();
    let words = ["the ledger was rolled back", "had 13 entries", "and the ledger has 10", "the last 3 are lost"];
    scene.is_found(&words);
    scene.is_not_served(&words);
    fs::write(scene.ledger(), newer).unwrap();
    scene.operator.serve().stop();
    scene.verify(&[]).ends(0);
}

#[test]
fn what_is_no_checkpoint_of_this_log_is_said_so() {
    let scene = Scene::new();
    let other = Operator::new("other");
    let note = other.run(&["audit", "checkpoint"]).ends(0).stdout;
    let path = scene.operator.file("other.note", &note);
    scene.verify(&["--checkpoint", path.to_str().unwrap()]).ends(FOUND).complains(&["is a checkpoint of the ledger"]);
    let own = scene.operator.run(&["audit", "checkpoint"]).ends(0).stdout;
    let path = scene.operator.file("own.note", own.replace("\n10\n", "\n11\n"));
    scene.verify(&["--checkpoint", path.to_str().unwrap()]).ends(FOUND).complains(&["the log's key did not sign it"]);
    let path = scene.operator.file("no.note", "nothing");
    scene.verify(&["--checkpoint", path.to_str().unwrap()]).ends(FOUND).complains(&["is not the note of a checkpoint"]);
    scene.verify(&["--checkpoint", "nowhere"]).ends(FOUND).complains(&["nowhere"]);
}

/// [AUD-10]
#[test]
fn what_is_exported_an_auditor_reads_with_the_key_that_the_checkpoint_tells() {
    for operator in [Operator::new("op"), Operator::with_ledger("op", &shared().database())] {
        let insurer = RawInsurer::enrolled("raw", &operator, 100);
        let server = operator.serve();
        ask(&insurer, &server, 0..3);
        let out = operator.path("log.jsonl");
        operator.run(&["audit", "export", "--out", out.to_str().unwrap()]).ends(0).prints(&["exported", "entries  6"]);
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&out).unwrap().permissions()) & 0o777, 0o600);
        let said = operator.run(&["audit", "checkpoint"]).ends(0);
        let key = said.stderr.trim().rsplit(' ').next().unwrap();
        let key = VerifyingKey::from_bytes(hex::decode(key).unwrap().try_into().unwrap());
        let note = Note::open(&said.stdout, &key).unwrap();

        let text = fs::read_to_string(&out).unwrap();
        let mut lines = text.lines();
        let (mut reader, mut auditor) = (Reader::new(lines.next().unwrap()).unwrap(), Auditor::default());
        let mut end = None;
        for line in lines {
            match reader.read(line, &key).unwrap() {
                Line::Entry(entry) => drop(auditor.read(&entry).unwrap()),
                Line::End(note) => end = Some(note),
            }
        }
        assert_eq!(end.unwrap().checkpoint().head(), auditor.head());
        assert_eq!(note.checkpoint().head(), auditor.head());
        assert_eq!(auditor.accounts().values().map(|account| account.spent).sum::<u64>(), 12);
        operator.run(&["audit", "verify"]).ends(0).prints(&["3 of them charges"]);
        server.stop();
    }
}

/// Entries that are not those of the head are signed for nobody.
#[test]
fn a_log_that_does_not_hold_is_not_exported() {
    let scene = Scene::new();
    let entries = scene.entries();
    scene.tamper(&[format!("UPDATE log_entries SET bytes = {} WHERE place = 4", hexadecimal(&entries[5]))]);
    let export = scene.operator.run(&["audit", "export", "--out", "log.jsonl"]);
    export.ends(FOUND).complains(&["the ledger's head, of 10 entries, is not theirs"]);
    assert!(!scene.operator.path("log.jsonl").exists());
}

/// [AUD-3]
#[test]
fn a_log_holds_after_every_kill_and_has_every_answer() {
    let operator = Operator::new("op");
    let insurer = RawInsurer::enrolled("raw", &operator, 100_000);
    let (mut draw, mut answered, mut salt) = (Draw::new(7), 0_u64, 0_u64);
    for round in 0..6 {
        let server = operator.serve();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let most = draw.below(12) + 1;
        runtime.block_on(async {
            let line = insurer.connect(&server).await;
            for _ in 0..most {
                line.evaluated(line.chunk(elements(salt, 4))).await;
                (salt, answered) = (salt + 1, answered + 1);
            }
            // One more is under way when it is killed.
            let last = Request::Evaluate(line.chunk(elements(salt, 4))).encode();
            salt += 1;
            let last = send(&line.connection, &last);
            let kill = async {
                tokio::time::sleep(std::time::Duration::from_micros(draw.below(20_000))).await;
                server.kill()
            };
            let (last, _) =
                tokio::join!(async { tokio::time::timeout(std::time::Duration::from_millis(25), last).await }, kill);
            answered += u64::from(matches!(last, Ok(Ok(Response::Evaluated(_)))));
        });
        let verified = operator.run(&["audit", "verify"]).ends(0);
        let charges: u64 =
            verified.stdout.split(" of them charges").next().unwrap().rsplit(' ').next().unwrap().parse().unwrap();
        assert!(charges >= answered && charges <= salt, "round {round}: {answered} of {salt} answered, {verified}");
        assert_eq!(operator.spent("raw"), 4 * charges);
    }
}

/// What is verified is the ledger of one moment.
#[test]
fn a_ledger_that_is_written_to_is_verified_exported_and_backed_up() {
    for operator in [Operator::new("op"), Operator::with_ledger("op", &shared().database())] {
        let insurer = RawInsurer::enrolled("raw", &operator, 100_000);
        let words = operator.file("words", "correct horse battery");
        fs::set_permissions(&words, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let server = operator.serve();
        let done = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async {
                    let line = insurer.connect(&server).await;
                    let mut salts = 0..;
                    while !done.load(std::sync::atomic::Ordering::Relaxed) {
                        line.evaluated(line.chunk(elements(salts.next().unwrap(), 4))).await;
                    }
                });
            });
            for round in ["1", "2", "3"] {
                operator.run(&["audit", "verify"]).ends(0);
                operator.run(&["audit", "export", "--out", "log.jsonl"]).ends(0);
                operator.run(&["backup", "--out", round, "--passphrase-file", "words"]).ends(0);
            }
            done.store(true, std::sync::atomic::Ordering::Relaxed);
        });
        server.stop();
        operator.run(&["audit", "verify"]).ends(0);
    }
}

#[test]
fn a_server_keeps_a_checkpoint_when_it_starts_and_when_it_stops() {
    let operator = Operator::new("op");
    let insurer = RawInsurer::enrolled("raw", &operator, 100);
    let kept = operator.home().join("audit/checkpoint");
    assert!(!kept.exists());
    let size = || fs::read_to_string(&kept).unwrap().lines().nth(1).unwrap().parse::<u64>().unwrap();
    let server = operator.serve();
    blindlist_tests::programs::until("a checkpoint is kept", || kept.exists());
    assert_eq!(size(), 3);
    ask(&insurer, &server, 0..4);
    server.stop();
    assert_eq!(size(), 7);
}

#[test]
fn a_backup_made_while_serving_is_restored_and_served() {
    let operator = Operator::with_numbers("op", &blindlist_tests::people::numbers(0, 20));
    let insurer = RawInsurer::enrolled("raw", &operator, 100);
    let words = operator.file("words", "correct horse battery");
    fs::set_permissions(&words, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let server = operator.serve();
    ask(&insurer, &server, 0..3);
    let backup = ["backup", "--out", "home.backup", "--passphrase-file", "words"];
    operator.run(&backup).ends(0).prints(&["The home is backed up"]).is_silent_about(&["correct horse"]);
    operator.run(&backup).ends(1).complains(&["home.backup"]);
    ask(&insurer, &server, 3..5);
    operator.run(&["audit", "checkpoint", "--out", "note"]).ends(0);
    server.stop();
    let bytes = fs::read(operator.path("home.backup")).unwrap();
    assert!(bytes.starts_with(b"age-encryption.org/v1\n"));

    let restore = |name: &str, more: &[&str]| {
        let arguments = [&["restore", "home.backup", "--passphrase-file", "words", "--home", name], more].concat();
        let mut command = blindlist_tests::programs::blindlistd(arguments);
        command.current_dir(operator.path("home").parent().unwrap());
        blindlist_tests::programs::run(command)
    };
    restore("second", &["--checkpoint", "note"]).ends(FOUND).complains(&["the last 2 are lost"]);
    assert!(!operator.path("second").exists());
    restore("home", &[]).ends(1).complains(&["home"]);
    restore("second", &[]).ends(0).prints(&["is restored", "No --checkpoint was named"]);
    let mut serve = blindlist_tests::programs::blindlistd(["serve", "--listen", "127.0.0.1:0", "--home"]);
    serve.arg(operator.path("second"));
    let restored = Serving::try_start_as(serve).unwrap();
    ask(&insurer, &restored, 0..3);
    restored.stop();
}

#[test]
fn required_evidence_is_in_the_epoch_records() {
    let operator = Operator::new("op");
    let key = VerifyingKey::from_bytes(
        fs::read(operator.home().join("keys/online/manifest.pub")).unwrap().try_into().unwrap(),
    );
    let evidence = || {
        let records = fs::read_dir(operator.home().join("epochs")).unwrap().map(|epoch| epoch.unwrap().path());
        let records = records.map(|epoch| object::open::<EpochRecord>(&fs::read(epoch.join("record")).unwrap(), &key));
        let mut records: Vec<_> = records.map(Result::unwrap).collect();
        records.sort_by_key(|record| record.created);
        records.into_iter().map(|record| record.evidence).collect::<Vec<_>>()
    };
    assert_eq!(evidence(), [Evidence::Optional]);
    operator.run(&["epoch", "new", "--evidence", "required"]).ends(0);
    operator.run(&["epoch", "new"]).ends(0);
    assert_eq!(evidence(), [Evidence::Optional, Evidence::Required, Evidence::Optional]);
    operator.run(&["epoch", "new", "--evidence", "perhaps"]).ends(2);
}
