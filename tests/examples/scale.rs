//! Sealing and checking at national scale:
//!
//! ```text
//! cargo run --release -p blindlist-tests --example scale -- [--records 5000000] [--members 1000000]
//! ```
//!
//! 1. RECORDS synthetic records are sealed: the peak memory of `blindlistd`, and the time from its start to its end over
//!    the time that the evaluation alone takes for as many on the same cores, measured in this process before and after: what is beside that
//!    is what counts, in V.
//! 2. MEMBERS members, a twentieth of them on the list, are checked against it, if there are any: the peak memory of
//!    `blindlist`.
//!
//! It fails when a figure of benches/BENCHMARKING.md is not met. Leave the machine alone meanwhile, and have 200 bytes
//! of disk for each record.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a measurement ends when anything is wrong")]

use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use blindlist_benches::variable_base;
use blindlist_protocol::entry::Entry;
use blindlist_protocol::identifier::{Identifier, Nir};
use blindlist_protocol::ids::ReleaseId;
use blindlist_protocol::oprf::{SecretKey, evaluate_inputs};
use blindlist_tests::measure::{Usage, beside, measure, numbers};
use blindlist_tests::people::number;
use blindlist_tests::programs::{blindlistd, run};
use blindlist_tests::{Insurer, Operator};

/// Evaluations that are measured alone, before and after; and how many share an inversion, as in `seal`.
const ALONE: u64 = 400_000;
const BLOCK: u64 = 1_024;

fn main() -> ExitCode {
    let [records, members] = numbers([("--records", 5_000_000), ("--members", 1_000_000)]);
    let operator = Operator::new("op");
    let sample = operator.path("sample");
    let count = records.to_string();
    let out = sample.to_str().unwrap();
    run(blindlistd([
        "sample",
        "--out",
        out,
        "--records",
        &count,
        "--members",
        &members.max(1).to_string(),
        "--overlap",
        "0.05",
    ]))
    .ends(0);

    let (v, before) = (variable_base(), alone());
    let categories = "nir,birth-date,civil-status,contract,coverage-dates,insurer";
    let breach = sample.join("breach.csv");
    let seal = ["seal", breach.to_str().unwrap(), "--list", "list-a", "--categories", categories];
    let sealed = measure(operator.command(&seal));
    let (after, v) = (alone(), (v + variable_base()) / 2.0);
    let evaluation = (before + after) / 2.0 * records as f64;
    let wall = sealed.wall.as_secs_f64();
    println!(
        "{records} records sealed in {wall:.1} s; alone, their evaluation takes {evaluation:.1} s: {:.3}",
        wall / evaluation
    );
    println!("an evaluation: {:.2} µs before, {:.2} µs after, on all cores", before * 1e6, after * 1e6);
    println!("V: {v:.1} µs");
    println!("{}", sizes(&operator.home().join("releases")));

    let checked = (members > 0).then(|| check(&operator, &sample.join("members.csv"), members));
    let mut figures = vec![
        ("a record beside its evaluation, in V", beside(wall, evaluation, records as f64, v), 0.14, ""),
        ("peak memory of the seal", sealed.peak as f64 / 1e6, 512.0, " MB"),
    ];
    figures.extend(checked.map(|checked| ("peak memory of the check", checked.peak as f64 / 1e6, 512.0, " MB")));
    println!("\n| figure | at most | measured |\n|---|---:|---:|");
    for (name, measured, most, unit) in &figures {
        println!("| {name} | {most}{unit} | {measured:.3}{unit} |");
    }
    if figures.iter().all(|(_, measured, most, _)| measured <= most) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What it takes to check so many members against the list.
fn check(operator: &Operator, file: &Path, members: u64) -> Usage {
    let insurer = Insurer::enrolled("mutuelle", operator, members);
    let server = operator.serve();
    let checked = measure(insurer.check_command(file, &server.address(), "out", &[]));
    println!("{members} members checked in {:.1} s", checked.wall.as_secs_f64());
    server.stop();
    checked
}

/// Seconds that one evaluation takes when all cores evaluate.
fn alone() -> f64 {
    let key = SecretKey::from_uniform_bytes(&[7; 64]).unwrap();
    let release = ReleaseId::from_bytes([1; 16]);
    let next = AtomicU64::new(0);
    let began = Instant::now();
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, NonZeroUsize::get) {
            scope.spawn(|| {
                loop {
                    let first = next.fetch_add(BLOCK, Ordering::Relaxed);
                    if first >= ALONE {
                        break;
                    }
                    let people: Vec<Identifier> = (first..first + BLOCK).map(person).collect();
                    let inputs: Vec<&[u8]> = people.iter().map(Identifier::as_bytes).collect();
                    for evaluation in evaluate_inputs(&key, &inputs) {
                        std::hint::black_box(Entry::derive(&release, &evaluation));
                    }
                }
            });
        }
    });
    began.elapsed().as_secs_f64() / ALONE.next_multiple_of(BLOCK) as f64
}

fn person(n: u64) -> Identifier {
    Identifier::nir(&Nir::parse(&number(u32::try_from(n).unwrap())).unwrap())
}

/// The sizes of what was published.
fn sizes(releases: &Path) -> String {
    let folders = fs::read_dir(releases).unwrap().map(|entry| entry.unwrap().path());
    let release = folders.filter(|path| path.join("index").exists()).last().unwrap();
    let length = |name: &str| fs::metadata(release.join(name)).unwrap().len();
    format!("index {} bytes, manifest {} bytes", length("index"), length("manifest"))
}
