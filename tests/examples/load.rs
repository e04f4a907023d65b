//! What a server costs beside its evaluations, and what it holds under full load:
//!
//! ```text
//! cargo run --release -p blindlist-tests --example load [CONNECTIONS]
//! ```
//!
//! 1. Chunks of 8,192 elements from eight insurers at once, charged and answered: the CPU of the server's process over the
//!    CPU that the same number of chunks takes to decode, evaluate and prove, measured in this process before and after.
//! 2. CONNECTIONS (500) connections of twenty insurers with one such chunk each, all at once: the server's peak memory, its
//!    index being small. Whoever is told that the server is busy comes again when told to; each is answered in the end.
//!
//! It fails when a figure of benches/BENCHMARKING.md is not met. Leave the machine alone meanwhile.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a measurement ends when anything is wrong")]

use std::fs;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use blindlist_benches::process_time;
use blindlist_protocol::message::{Request, Response};
use blindlist_protocol::oprf::{self, BatchContext, Element, SecretKey};
use blindlist_protocol::params::MAX_CHUNK;
use blindlist_protocol::refusal::RefusalCode;
use blindlist_tests::people::numbers;
use blindlist_tests::raw::{RawInsurer, elements, kind};
use blindlist_tests::{Operator, Serving};
use tokio::runtime::Runtime;
use tokio::sync::{Barrier, Semaphore};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// Insurers, and connections of each.
const OVERHEAD: (usize, usize) = (8, 2);
/// Chunks of each connection.
const CHUNKS: usize = 4;
const INSURERS: usize = 20;
/// Chunks that are measured without a server, before and after.
const RAW: usize = 6;

fn main() -> ExitCode {
    let connections = std::env::args().nth(1).map_or(500, |number| number.parse().unwrap());
    let operator = Operator::with_numbers("op", &numbers(0, 10));
    let path = operator.home().join("blindlistd.toml");
    let config = fs::read_to_string(&path).unwrap();
    let all = connections + 64;
    let limits = format!("[limits]\nconnections_per_address = {all}\nconnections_per_insurer = {all}\n");
    fs::write(&path, config + &limits).unwrap();
    let insurers: Arc<Vec<_>> =
        Arc::new((0..INSURERS).map(|i| RawInsurer::enrolled(&format!("i{i}"), &operator, 100_000_000)).collect());
    let chunks = (OVERHEAD.0 * OVERHEAD.1 * CHUNKS).max(connections);
    let pool = Arc::new(elements(1, MAX_CHUNK + chunks));
    let runtime = Runtime::new().unwrap();

    let server = operator.serve();
    let before = raw(&pool);
    let (answered, cpu) = runtime.block_on(overhead(&insurers, &pool, &server));
    let after = raw(&pool);
    let raw = (before + after) / 2;
    let ratio = cpu.as_secs_f64() / (raw.as_secs_f64() * answered as f64);
    println!("a chunk alone: {:.1} ms of CPU ({before:.1?} before, {after:.1?} after)", raw.as_secs_f64() * 1e3);
    println!("a chunk served: {:.1} ms of CPU, over {answered} chunks", cpu.as_secs_f64() * 1e3 / answered as f64);
    server.stop();

    let server = operator.serve();
    let began = Instant::now();
    let busy = runtime.block_on(full_house(&insurers, &pool, &server, connections));
    let peak = server.peak_memory() as f64 / 1e6;
    println!("{connections} chunks at once: answered within {:.1?}, after {busy} times busy", began.elapsed());
    server.stop();

    println!("\n| figure | at most | measured |\n|---|---:|---:|");
    println!("| CPU of the server / of its evaluations | 1.10 | {ratio:.3} |");
    println!("| peak memory of the server, {connections} connections | 300 MB | {peak:.0} MB |");
    if ratio <= 1.10 && peak <= 300.0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The CPU of a chunk without a server: decoded, evaluated, proven.
fn raw(pool: &[Element]) -> Duration {
    let key = SecretKey::from_uniform_bytes(&[7; 64]).unwrap();
    let public = key.public();
    let context = BatchContext { epoch: &[1; 32], key: &public, holders: &[1], holder: 1 };
    let start = process_time();
    for number in 0..RAW {
        let elements = &pool[number..number + MAX_CHUNK];
        let points = oprf::decode_all(elements).unwrap();
        let answers = oprf::blind_evaluate(&key, &points).unwrap();
        oprf::prove_chunk(&context, &key, &public, (elements, &points), &answers, &[3; 64]).unwrap();
    }
    (process_time() - start) / u32::try_from(RAW).unwrap()
}

/// How many chunks were answered, and the CPU that the server took for them.
async fn overhead(insurers: &Arc<Vec<RawInsurer>>, pool: &Arc<Vec<Element>>, server: &Serving) -> (usize, Duration) {
    let (many, each) = OVERHEAD;
    let before = server.cpu();
    let mut asking = JoinSet::new();
    for line in 0..many * each {
        let (insurers, pool, address) = (Arc::clone(insurers), Arc::clone(pool), server.address());
        asking.spawn(async move {
            let connection = insurers[line % many].connect_to(&address).await;
            for number in 0..CHUNKS {
                let first = line * CHUNKS + number;
                let chunk = connection.chunk(pool[first..first + MAX_CHUNK].to_vec());
                let answer = connection.ask(&Request::Evaluate(chunk)).await;
                assert!(matches!(answer, Response::Evaluated(_)), "{}", kind(&answer));
            }
        });
    }
    asking.join_all().await;
    (many * each * CHUNKS, server.cpu() - before)
}

/// How often somebody was told that the server is busy.
async fn full_house(
    insurers: &Arc<Vec<RawInsurer>>,
    pool: &Arc<Vec<Element>>,
    server: &Serving,
    connections: usize,
) -> u64 {
    let everybody = Arc::new(Barrier::new(connections));
    let at_the_door = Arc::new(Semaphore::new(8));
    let mut asking = JoinSet::new();
    for number in 0..connections {
        let (insurers, pool, address) = (Arc::clone(insurers), Arc::clone(pool), server.address());
        let (everybody, at_the_door) = (Arc::clone(&everybody), Arc::clone(&at_the_door));
        asking.spawn(async move {
            // A few at a time: all handshakes at once would outlast the patience of the last.
            let turn = at_the_door.acquire().await.unwrap();
            let connection = insurers[number % INSURERS].connect_to(&address).await;
            drop(turn);
            // A connection that nobody uses is kept open by its keep-alive.
            everybody.wait().await;
            let chunk = Request::Evaluate(connection.chunk(pool[number..number + MAX_CHUNK].to_vec()));
            let mut busy = 0;
            loop {
                let answer = connection.ask(&chunk).await;
                match &answer {
                    Response::Evaluated(_) => break,
                    Response::Refused(refusal) if refusal.code == RefusalCode::Busy => {
                        busy += 1;
                        sleep(Duration::from_millis(refusal.value)).await;
                    }
                    Response::Catalog(_)
                    | Response::Object(_)
                    | Response::Segment(_)
                    | Response::Account(_)
                    | Response::Refused(_)
                    | Response::Checkpoint(_)
                    | Response::Path(_) => panic!("{}", kind(&answer)),
                }
            }
            // Until all have their answers: so many connections there are all the time.
            everybody.wait().await;
            busy
        });
    }
    asking.join_all().await.into_iter().sum()
}
