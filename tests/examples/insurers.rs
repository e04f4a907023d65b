//! Hundreds of insurers at one server at once, beside one that is as large as the largest:
//!
//! ```text
//! cargo run --release -p blindlist-tests --example insurers -- [--insurers 300] [--members 300] [--chunk 60] [--giant 40]
//! ```
//!
//! INSURERS insurers with MEMBERS members each, in chunks of CHUNK elements, half of them one at a time and half four; the
//! giant has GIANT chunks of 8,192, of which 32 are always under way. Limits are those of the server's defaults, but for connections from one
//! address. Every answer is proven, every result is compared with the truth, every account with what was asked. It fails
//! when anything is wrong, when anybody waits for more turns of others than is fair, or when memory is beyond the figure
//! of benches/BENCHMARKING.md.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a measurement ends when anything is wrong")]

use std::time::Instant;

use blindlist_tests::crowd::{Size, run};

fn main() {
    let size = options();
    let began = Instant::now();
    let counted = run(size);
    println!(
        "{} insurers and a giant: {} chunks, {} evaluations, {} members found, all right, in {:.0} s",
        size.insurers,
        counted.chunks,
        counted.evaluations,
        counted.found,
        began.elapsed().as_secs_f64()
    );
    println!("told to come again: {} times, one chunk at most {} times", counted.busy, counted.busiest);
    println!("\n| while somebody's one chunk waited, answered | at most | counted |\n|---|---:|---:|");
    let (of_all, of_the_giant) = counted.fair(size);
    println!("| chunks of all others | {of_all} | {} |", counted.ahead);
    println!("| chunks of the giant | {of_the_giant} | {} |", counted.giant_ahead);
    println!("| peak memory of the server | 300 MB | {} MB |", counted.peak / 1_000_000);
    counted.is_fair(size);
    assert!(counted.peak <= 300_000_000, "too much memory");
}

fn options() -> Size {
    let mut values = [300, 300, 60, 40];
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let place = ["--insurers", "--members", "--chunk", "--giant"].iter().position(|known| *known == name);
        let value = arguments.next().and_then(|value| value.parse().ok());
        match (place, value) {
            (Some(place), Some(value)) => values[place] = value,
            _ => panic!("looked for --insurers N, --members N, --chunk N or --giant N, found {name}"),
        }
    }
    let [insurers, members, chunk, giant] = values;
    Size { insurers, members, chunk: chunk as usize, giant }
}
