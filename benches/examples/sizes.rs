//! How many bytes every message has, and an index, as Markdown:
//!
//! ```text
//! cargo run --release -p blindlist-benches --example sizes
//! ```
//!
//! The messages are encoded, the index is made. What QUIC and TLS add is not counted: see `peers/`.
#![allow(clippy::print_stdout, reason = "its output is what it is for")]

use blindlist_benches::{Held, Parties, identifiers, slug};
use blindlist_protocol::checkpoint::Checkpoint;
use blindlist_protocol::entry::Dictionary;
use blindlist_protocol::ids::{Digest, LedgerId, ReleaseId};
use blindlist_protocol::job::Item;
use blindlist_protocol::log::tree::Head;
use blindlist_protocol::message::{Account, Request, Response};
use blindlist_protocol::object;
use blindlist_protocol::params::{MAX_CHUNK, SEGMENT_LENGTH};
use blindlist_protocol::refusal::{Refusal, RefusalCode};
use blindlist_protocol::signature::SigningKey;

/// Elements of the chunks.
const CHUNKS: [usize; 5] = [1, 64, 512, 4_096, MAX_CHUNK];
/// Entries of the index.
const ENTRIES: u32 = 1_000_000;

fn main() {
    let parties = Parties::new(1);
    let signer = SigningKey::from_seed(&[1; 32]);
    let epoch = parties.key.record().epoch;
    let ledger = LedgerId::from_bytes([1; 16]);
    let entries = u64::from(ENTRIES);

    println!("| request | bytes | response | bytes |\n|---|---:|---|---:|");
    for count in CHUNKS {
        let items = identifiers(count).into_iter().map(Item::Person).collect();
        let asked = parties.ask(&items);
        let [(_, answer)] = parties.answer(&asked);
        let (request, response) = (Request::Evaluate(asked.request().clone()), Response::Evaluated(answer));
        row(&format!("Evaluate, {count} elements"), &request, "Evaluated", &response);
    }
    let record = object::sign(parties.key.record(), &signer);
    row("Object", &Request::Object(Digest::from_bytes([1; 32])), "Object, epoch record", &Response::Object(record));
    let number = 0;
    let segment = Request::Segment { release: ReleaseId::from_bytes([1; 16]), number };
    let full = Response::Segment(vec![0; usize::try_from(SEGMENT_LENGTH).expect("it fits into memory")]);
    row("Segment", &segment, "Segment, a full one", &full);
    let account = Response::Account(Account { granted: entries, spent: entries });
    row("Account", &Request::Account(epoch), "Account", &account);
    let head = Head { size: entries, root: Digest::from_bytes([2; 32]) };
    let checkpoint = Checkpoint::sign(ledger, &head, 1 << 31, &signer);
    row("Checkpoint", &Request::Checkpoint(ledger), "Checkpoint", &Response::Checkpoint(checkpoint));
    let path = Response::Path(vec![Digest::from_bytes([3; 32]); 20]);
    let inclusion = Request::Inclusion { ledger, index: entries / 2, size: entries };
    row("Inclusion", &inclusion, "Path, in a log of a million entries", &path);
    let busy = Response::Refused(Refusal::with(RefusalCode::Busy, 1_000));
    row("Catalog", &Request::Catalog, "Refused", &busy);

    println!("\n| an index of 1,000,000 entries, f = 40 | bytes | an entry |\n|---|---:|---:|");
    for categories in [8, 16] {
        let names: Vec<_> = (0..categories).map(|i| slug(&format!("category-{i}"))).collect();
        let held = Held::new(ENTRIES, 1_000, Dictionary::try_from(names).expect("at most 64 categories"));
        let manifest = object::sign(&held.manifest, &signer).len();
        let index = held.manifest.index_length;
        println!("| {categories} categories | {index} | {:.3} |", index as f64 / f64::from(ENTRIES));
        println!("| their manifest | {manifest} | {:.3} |", manifest as f64 / f64::from(ENTRIES));
    }
}

fn row(request: &str, asked: &Request, response: &str, answered: &Response) {
    println!("| {request} | {} | {response} | {} |", asked.encode().len(), answered.encode().len());
}
