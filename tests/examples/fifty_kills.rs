//! The server killed again and again at random moments, while three insurers check at once:
//!
//! ```text
//! cargo run --release -p blindlist-tests --example fifty_kills -- [--kills 50] [--seed 1] [--scenes 4]
//! ```
//!
//! Each scene has a server, a ledger and three insurers of its own, and they run side by side, because whoever loses its
//! server waits for a while before it looks for it again. After each kill the ledger must hold every chunk that was
//! answered, whole and once, and the audit log must verify; after each round every result must be the truth, and every
//! account exactly what was asked. The seed draws the moments. It fails at the first thing that is not as it must be.
//! BLINDLIST_PROGRAMS names the folder of the programs when those of this tree are not meant.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a measurement ends when anything is wrong")]

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use blindlist_tests::kills::{Ends, MANY, Scene};

fn main() {
    let [kills, seed, scenes] = options();
    let (done, began) = (AtomicUsize::new(0), Instant::now());
    let ends = Mutex::new(Ends::default());
    println!("| kill | scene | round | after | later | checking | charged | kept | killed too |");
    println!("|---:|---:|---:|---|---:|---:|---:|---:|---:|");
    thread::scope(|scope| {
        for number in 0..scenes {
            let (done, ends) = (&done, &ends);
            scope.spawn(move || {
                let mut scene = Scene::new(seed + number, MANY);
                while done.load(Ordering::SeqCst) < usize::try_from(kills).unwrap() {
                    for kill in scene.round() {
                        let count = done.fetch_add(1, Ordering::SeqCst) + 1;
                        println!(
                            "| {count} | {number} | {} | {:?} | {} ms | {} | {} | {} | {} |",
                            kill.round,
                            kill.event,
                            kill.later.as_millis(),
                            kill.checking,
                            kill.charged,
                            kill.kept,
                            kill.impatient,
                        );
                    }
                }
                let mut ends = ends.lock().unwrap();
                ends.alone += scene.ends.alone;
                ends.resumed += scene.ends.resumed;
            });
        }
    });
    let Ends { alone, resumed } = *ends.lock().unwrap();
    println!(
        "\n{} kills in {:.0} s: {} checks ended right, {alone} by themselves and {resumed} with --resume; nothing is lost, \
         nothing is charged twice",
        done.into_inner(),
        began.elapsed().as_secs_f64(),
        alone + resumed
    );
}

/// Kills, seed, scenes.
fn options() -> [u64; 3] {
    let mut values = [50, 1, 4];
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let place = ["--kills", "--seed", "--scenes"].iter().position(|known| *known == name);
        let value = arguments.next().and_then(|value| value.parse().ok());
        match (place, value) {
            (Some(place), Some(value)) => values[place] = value,
            _ => panic!("looked for --kills N, --seed N or --scenes N, found {name}"),
        }
    }
    values
}
