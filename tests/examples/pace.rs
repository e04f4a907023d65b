//! A check end to end, over loopback, with both sides on the same cores:
//!
//! ```text
//! cargo run --release -p blindlist-tests --example pace -- [--records 1000000] [--members 100000]
//! ```
//!
//! 1. MEMBERS members, a twentieth of them on the list, are checked against a list of RECORDS people by the real programs.
//!    The time from the client's start to its end is compared with the time that the cryptography of both sides takes for
//!    as many members when it keeps all cores busy, measured in this process before and after: what is beside that is what
//!    counts, in V.
//! 2. They are checked again with `--remember`, twice: the second of these asks for nothing.
//!
//! It fails when a figure of benches/BENCHMARKING.md ("A check") is not met. Leave the machine alone meanwhile.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a measurement ends when anything is wrong")]

use std::num::NonZeroUsize;
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use blindlist_benches::{Parties, identifiers, variable_base};
use blindlist_protocol::entry::Entry;
use blindlist_protocol::identifier::Identifier;
use blindlist_protocol::ids::ReleaseId;
use blindlist_protocol::job::Item;
use blindlist_protocol::params::MAX_CHUNK;
use blindlist_tests::measure::{Usage, beside, measure, numbers};
use blindlist_tests::programs::{blindlistd, run};
use blindlist_tests::{Insurer, Operator, Serving};

/// Chunks of which the cryptography is measured alone, before and after.
const ALONE: usize = 8;

fn main() -> ExitCode {
    let [records, members] = numbers([("--records", 1_000_000), ("--members", 100_000)]);
    let operator = Operator::new("op");
    let sample = operator.path("sample");
    let (out, records, count) = (sample.to_str().unwrap(), records.to_string(), members.to_string());
    let people = ["--records", &records, "--members", &count, "--overlap", "0.05"];
    run(blindlistd(["sample", "--out", out].into_iter().chain(people))).ends(0);
    let categories = "nir,birth-date,civil-status,contract,coverage-dates,insurer";
    operator.seal(&sample.join("breach.csv"), "list-a", categories, &[]).ends(0);
    let insurer = Insurer::enrolled("mutuelle", &operator, 3 * members);
    let words = insurer.passphrase();
    let remember = ["--remember", "--passphrase-file", words.to_str().unwrap()];
    let server = operator.serve();

    let (v, before) = (variable_base(), alone());
    let checked = check(&insurer, &server, &sample, "plain", &[]);
    let (after, v) = (alone(), (v + variable_base()) / 2.0);
    let cryptography = (before + after) / 2.0 * members as f64;
    let first = check(&insurer, &server, &sample, "first", &remember);
    let again = check(&insurer, &server, &sample, "again", &remember);
    server.stop();

    let affected = |out| insurer.results(out).text("affected.csv");
    let same = affected("first") == affected("plain") && affected("again") == affected("plain");
    let asked = insurer.results("again").number("/operators/0/epochs/0/asked");
    println!("{members} members against {records} records: {:.2} s", checked.wall.as_secs_f64());
    println!("both sides' cryptography alone, on all cores: {cryptography:.2} s");
    println!("a member: {:.2} µs before, {:.2} µs after", before * 1e6, after * 1e6);
    println!("with --remember, the first time: {:.2} s; affected.csv the same: {same}", first.wall.as_secs_f64());
    let wall = checked.wall.as_secs_f64();
    println!("time of a check / of both sides' cryptography: {:.3}; V: {v:.1} µs", wall / cryptography);
    let figures = [
        ("a member beside both sides' cryptography, in V", beside(wall, cryptography, members as f64, v), 0.53),
        ("evaluations of a second check with --remember", asked as f64, 0.0),
        ("its seconds", again.wall.as_secs_f64(), 2.0),
    ];
    println!("\n| figure | at most | measured |\n|---|---:|---:|");
    for (name, measured, most) in &figures {
        println!("| {name} | {most} | {measured:.3} |");
    }
    let met = same && figures.iter().all(|(_, measured, most)| measured <= most);
    if met { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn check(insurer: &Insurer, server: &Serving, sample: &Path, out: &str, more: &[&str]) -> Usage {
    measure(insurer.check_command(&sample.join("members.csv"), &server.address(), out, more))
}

/// Seconds that one member takes both sides when all cores work: blinded, validated, evaluated and proven, verified,
/// unblinded, turned into an entry.
fn alone() -> f64 {
    let parties = Parties::new(9);
    let people = identifiers(ALONE * MAX_CHUNK);
    let (release, next) = (ReleaseId::from_bytes([1; 16]), AtomicUsize::new(0));
    let began = Instant::now();
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, NonZeroUsize::get) {
            scope.spawn(|| {
                while let Some(chunk) = people.chunks(MAX_CHUNK).nth(next.fetch_add(1, Ordering::Relaxed)) {
                    whole_way(&parties, chunk, &release);
                }
            });
        }
    });
    began.elapsed().as_secs_f64() / people.len() as f64
}

fn whole_way(parties: &Parties, people: &[Identifier], release: &ReleaseId) {
    let items = people.iter().cloned().map(Item::Person).collect();
    let asked = parties.ask(&items);
    let answers = parties.answer(&asked);
    let answered = asked.prove(&answers).unwrap();
    for evaluation in answered.finish().iter().flatten() {
        std::hint::black_box(Entry::derive(release, evaluation));
    }
}
