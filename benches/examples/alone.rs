//! The yardstick of `peers/run.py`, and what Blindlist's cryptography costs alone, without programs, files and network:
//!
//! ```text
//! cargo run --release -p blindlist-benches --example alone [ELEMENTS]
//! ```
//!
//! CPU-µs of this process as JSON: `v` for one variable-base multiplication of curve25519-dalek; and unless ELEMENTS is 0, per
//! element, `prepare` (identifier to entry), `server` (a request, decoded, to a proven answer), `client` (identifier to a
//! request; its answer, verified, to an entry).
#![allow(clippy::print_stdout, reason = "its output is what it is for")]

use std::hint::black_box;
use std::time::Duration;

use blindlist_benches::{Parties, Source, identifiers, micros_each, process_time, variable_base};
use blindlist_protocol::entry::Entry;
use blindlist_protocol::identifier::Identifier;
use blindlist_protocol::ids::ReleaseId;
use blindlist_protocol::job::Item;
use blindlist_protocol::oprf::evaluate_inputs;
use blindlist_protocol::params::MAX_CHUNK;

/// Records that are sealed together.
const BLOCK: usize = 1_024;

fn main() {
    let elements: usize = std::env::args().nth(1).map_or(0, |text| text.parse().expect("a number of elements"));
    let v = variable_base();
    if elements == 0 {
        println!("{{\"v\": {v:.4}}}");
        return;
    }
    let people = identifiers(elements);
    let prepare = prepare(&people);
    let (server, client) = check(&people);
    println!("{{\"v\": {v:.4}, \"prepare\": {prepare:.4}, \"server\": {server:.4}, \"client\": {client:.4}}}");
}

fn prepare(people: &[Identifier]) -> f64 {
    let key = Source::new(2).key();
    let release = ReleaseId::from_bytes([1; 16]);
    let start = process_time();
    for block in people.chunks(BLOCK) {
        let inputs: Vec<&[u8]> = block.iter().map(Identifier::as_bytes).collect();
        for evaluation in evaluate_inputs(&key, &inputs) {
            black_box(Entry::derive(&release, &evaluation));
        }
    }
    micros_each(process_time() - start, people.len())
}

/// What the server and the client take for a member, in full chunks.
fn check(people: &[Identifier]) -> (f64, f64) {
    let (parties, release) = (Parties::new(3), ReleaseId::from_bytes([1; 16]));
    let (mut server, mut client) = (Duration::ZERO, Duration::ZERO);
    for chunk in people.chunks(MAX_CHUNK) {
        let items = chunk.iter().cloned().map(Item::Person).collect();
        let start = process_time();
        let asked = parties.ask(&items);
        let sent = process_time();
        let answers = parties.answer(&asked);
        let answered = process_time();
        let proven = asked.prove(&answers).expect("an honest operator");
        for evaluation in proven.finish().iter().flatten() {
            black_box(Entry::derive(&release, evaluation));
        }
        client += (sent - start) + (process_time() - answered);
        server += answered - sent;
    }
    (micros_each(server, people.len()), micros_each(client, people.len()))
}
