//! A nationwide campaign at 1:100, for real: one operator, four hundred insurers, one server.
//!
//! ```text
//! cargo run --release -p blindlist-tests --example campaign -- [--scale 100] [--insurers 400] [--peers results.json]
//! ```
//!
//! 33,000,000 / SCALE people are on the list; 65,000,000 / SCALE are members of the insurers, a person of one of them: of
//! eleven people on the list ten are somebody's member. All programs are the real ones, over loopback:
//!
//! 1. the operator seals, and approves every insurer;
//! 2. every insurer fetches the index and checks all its members, a few insurers at a time: this is the CPU;
//! 3. the indexes are forgotten and everybody does it again through a relay that counts: these are the bytes.
//!
//! Every result of 2 and 3 is compared with the truth: every affected member, and nobody else. With `--peers`, what the
//! peers take per item, measured by benches/peers/run.py, is multiplied up to the same campaign; it fails when Blindlist takes
//! more CPU than SPU's unbalanced protocol. Times are compared in units of V, which is measured here as it was there.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a measurement ends when anything is wrong")]

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use blindlist_benches::variable_base;
use blindlist_tests::campaign::{Campaign, Extrapolated, Measured, extrapolate};
use blindlist_tests::measure::spent_by_programs;
use blindlist_tests::people::number;
use blindlist_tests::relay::Relay;
use blindlist_tests::{Insurer, Operator};
use serde_json::Value;

/// Insurers at work at any time.
const AT_ONCE: usize = 4;

fn main() -> ExitCode {
    let (scale, insurers, peers) = options();
    let campaign = Campaign::new(33_000_000 / scale, 65_000_000 / scale, insurers);
    println!("{campaign}\n");
    let before = variable_base();
    let measured = run(&campaign);
    let v = (before + variable_base()) / 2.0;
    print!("{}", measured.table(&campaign, v));
    let Some(peers) = peers else { return ExitCode::SUCCESS };

    let peers: Value = serde_json::from_slice(&fs::read(&peers).unwrap()).unwrap();
    let theirs = extrapolate(&campaign, &peers);
    print!("\n{}", Extrapolated::table(&theirs, &measured, v));
    let ratio = theirs.iter().find(|peer| peer.key == "spu-unbalanced").map(|spu| measured.in_v(v) / spu.in_v());
    let Some(ratio) = ratio else {
        println!("\nSPU's unbalanced protocol was not measured: nothing to compare with.");
        return ExitCode::FAILURE;
    };
    println!("\n| figure | at most | measured |\n|---|---:|---:|");
    println!("| CPU of the campaign / SPU unbalanced, each in its own V | 1 | {ratio:.3} |");
    if ratio <= 1.0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn options() -> (u32, usize, Option<PathBuf>) {
    let (mut scale, mut insurers, mut peers) = (100, 400, None);
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().unwrap_or_else(|| panic!("{name} needs a value"));
        match name.as_str() {
            "--scale" => scale = value.parse().unwrap(),
            "--insurers" => insurers = value.parse().unwrap(),
            "--peers" => peers = Some(PathBuf::from(value)),
            _ => panic!("looked for --scale N, --insurers N or --peers FILE, found {name}"),
        }
    }
    assert!(scale >= 70, "people have numbers below a million");
    (scale, insurers, peers)
}

fn run(campaign: &Campaign) -> Measured {
    let operator = Operator::new("op");
    let list = campaign.listed().map(number).collect::<Vec<_>>().join("\n");
    let breach = operator.file("breach.csv", format!("nir\n{list}\n"));
    let (_, seal) = taken(|| {
        let categories = "nir,birth-date,civil-status,contract,coverage-dates,insurer";
        operator.seal(&breach, "list-a", categories, &[]).ends(0)
    });
    // Twice their members, twice canaries and padding.
    let budget = |size: usize| 2 * size as u64 + 256;
    let (insurers, enrolment) = taken(|| {
        in_turns(campaign.insurers(), |i| {
            let insurer = Insurer::enrolled(&format!("mutuelle-{i}"), &operator, budget(campaign.members(i).len()));
            let members: Vec<String> = campaign.members(i).iter().map(|person| number(*person)).collect();
            insurer.file("members.csv", format!("nir\n{}\n", members.join("\n")));
            insurer
        })
    });

    let server = operator.serve();
    let (idle, began) = (server.cpu(), Instant::now());
    let (found, clients) = taken(|| check(campaign, &insurers, &server.address()));
    let (served, wall) = (server.cpu() - idle, began.elapsed());
    let disk = insurers.iter().map(|insurer| insurer.disk("indexes")).sum();

    in_turns(insurers.len(), |i| insurers[i].run(&["forget", "--indexes", "--yes"]).ends(0));
    let relay = Relay::before(&server);
    assert_eq!(check(campaign, &insurers, &relay.address()), found);
    let [up, down] = relay.carried();
    server.stop();
    Measured { seal, enrolment, clients, server: served, wall, found, index: operator.index_length(), disk, up, down }
}

/// Every insurer checks its members, the largest first, and finds the right ones: how many in all.
fn check(campaign: &Campaign, insurers: &[Insurer], server: &str) -> usize {
    let found = in_turns(insurers.len(), |i| {
        let insurer = &insurers[i];
        let out = format!("out-{server}").replace(':', "-");
        insurer.start_check(&insurer.path("members.csv"), server, &out, &["--quiet"]).wait().ends(0);
        let mut affected: Vec<_> = insurer.results(&out).affected(b',').into_iter().flatten().collect();
        affected.sort_unstable();
        let mut truth: Vec<_> = campaign.affected(i).map(number).collect();
        truth.sort_unstable();
        assert!(affected == truth, "insurer {i}: {} found, {} are on the list", affected.len(), truth.len());
        affected.len()
    });
    found.into_iter().sum()
}

/// What something returned, and the CPU of all programs that it started and waited for.
fn taken<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let before = spent_by_programs();
    (work(), spent_by_programs() - before)
}

/// Does something for each number below `count`, a few at a time; results in their order.
fn in_turns<T: Send>(count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let worker = || {
        let turns = std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed)).take_while(|turn| *turn < count);
        turns.map(|turn| (turn, work(turn))).collect::<Vec<_>>()
    };
    let mut done: Vec<(usize, T)> = thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    done.sort_unstable_by_key(|(turn, _)| *turn);
    done.into_iter().map(|(_, result)| result).collect()
}
