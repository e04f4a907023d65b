//! The crate `voprf` (RFC 9497, ristretto255) as a peer of `peers/run.py`:
//!
//! ```text
//! cargo run --release -p blindlist-benches --example voprf_peer -- ENTRIES.csv MEMBERS.csv [BATCH]
//! ```
//!
//! It takes the list and the members, one a line below a header, through the protocol, BATCH (1,024) elements with one
//! proof, and prints CPU-µs per entry and per member as JSON, and how many members it found. From bytes to bytes: what
//! is sent is encoded and decoded. It has no index: what the server evaluated is kept in memory and compared.
#![allow(clippy::print_stdout, reason = "its output is what it is for")]

use std::collections::HashSet;
use std::time::Duration;

use blindlist_benches::{micros_each, process_time};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha12Rng;
use voprf::{BlindedElement, EvaluationElement, Group, Proof, Ristretto255};

type Client = voprf::VoprfClient<Ristretto255>;
type Server = voprf::VoprfServer<Ristretto255>;
type Key = <Ristretto255 as Group>::Elem;

/// Why nothing of it may fail.
const HONEST: &str = "both sides are honest";

/// What was spent, and what it was spent for.
#[derive(Default)]
struct Counted {
    server: Duration,
    client: Duration,
    sent: usize,
    received: usize,
    found: usize,
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (Some(entries), Some(members)) = (arguments.next(), arguments.next()) else {
        unreadable("ENTRIES.csv MEMBERS.csv", &"none was named")
    };
    let batch = arguments.next().map_or(1_024, |batch| batch.parse().expect("BATCH is a number"));
    let (entries, members) = (rows(&entries), rows(&members));
    let mut random = Random(ChaCha12Rng::seed_from_u64(1));
    let server = Server::new(&mut random).expect("random bytes");

    let start = process_time();
    let list: HashSet<Vec<u8>> =
        entries.iter().map(|entry| server.evaluate(entry.as_bytes()).expect(HONEST).to_vec()).collect();
    let prepare = micros_each(process_time() - start, entries.len());

    let mut counted = Counted::default();
    for chunk in members.chunks(batch) {
        counted.check(&server, chunk, &list, &mut random);
    }
    let per_member = |bytes: usize| bytes as f64 / members.len() as f64;
    println!(
        "{{\"prepare\": {prepare:.4}, \"server\": {:.4}, \"client\": {:.4}, \"up\": {:.4}, \"down\": {:.4}, \"found\": {}}}",
        micros_each(counted.server, members.len()),
        micros_each(counted.client, members.len()),
        per_member(counted.sent),
        per_member(counted.received),
        counted.found,
    );
}

impl Counted {
    fn check(&mut self, server: &Server, members: &[String], list: &HashSet<Vec<u8>>, random: &mut Random) {
        let start = process_time();
        let asked: Vec<_> = members.iter().map(|one| Client::blind(one.as_bytes(), random).expect(HONEST)).collect();
        let request: Vec<u8> = asked.iter().flat_map(|one| one.message.serialize()).collect();
        let sent = process_time();
        let (response, key) = answer(server, &request, random);
        let answered = process_time();
        let (proof, elements) = response.split_at(64);
        let proof = Proof::<Ristretto255>::deserialize(proof).expect(HONEST);
        let elements: Vec<_> =
            elements.chunks_exact(32).map(|bytes| EvaluationElement::deserialize(bytes).expect(HONEST)).collect();
        let states: Vec<_> = asked.into_iter().map(|one| one.state).collect();
        let inputs: Vec<&[u8]> = members.iter().map(String::as_bytes).collect();
        let found = Client::batch_finalize(&inputs, &states, &elements, &proof, key).expect(HONEST);
        self.found += found.filter(|y| list.contains(&y.as_ref().expect(HONEST)[..])).count();
        self.client += (sent - start) + (process_time() - answered);
        self.server += answered - sent;
        self.sent += request.len();
        self.received += response.len();
    }
}

/// The server's answer: its proof, its elements; and its public key, which the client has from elsewhere.
fn answer(server: &Server, request: &[u8], random: &mut Random) -> (Vec<u8>, Key) {
    let blinded: Vec<_> =
        request.chunks_exact(32).map(|bytes| BlindedElement::deserialize(bytes).expect(HONEST)).collect();
    let evaluated = server.batch_blind_evaluate(random, &blinded).expect(HONEST);
    let mut response = evaluated.proof.serialize().to_vec();
    for message in &evaluated.messages {
        response.extend(message.serialize());
    }
    (response, server.get_public_key())
}

fn rows(path: &str) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| unreadable(path, &error));
    text.lines().skip(1).map(str::to_owned).collect()
}

#[expect(clippy::panic, reason = "a measurement ends when anything is wrong")]
fn unreadable(path: &str, error: &dyn std::fmt::Display) -> ! {
    panic!("reading {path}: {error}")
}

/// Randomness in the shape that the crate takes.
struct Random(ChaCha12Rng);

impl voprf_rand::RngCore for Random {
    fn next_u32(&mut self) -> u32 {
        self.0.next_u32()
    }

    fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
    }
}

impl voprf_rand::CryptoRng for Random {}
