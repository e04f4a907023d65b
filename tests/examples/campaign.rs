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

use blindlist_benches::variable_base;
use blindlist_tests::campaign::{Campaign, Extrapolated, extrapolate, run};
use serde_json::Value;

fn main() -> ExitCode {
    let (scale, insurers, peers) = options();
    let campaign = Campaign::new(33_000_000 / scale, 65_000_000 / scale, insurers);
    println!("{campaign}\n");
    let mut v = Vec::new();
    let measured = run(&campaign, &mut || v.push(variable_base()));
    v.sort_by(f64::total_cmp);
    println!("V, before, between and after the phases, in µs: {v:.1?}");
    let v = v[v.len() / 2];
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
