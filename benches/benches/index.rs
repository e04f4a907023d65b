//! The index of a million people: writing it, verifying it, and looking a million members up in it, half of them hits;
//! and the same look-up in an index that is in a file of a profile, read by segments.
//!
//! That file holds 1,000,000 entries, or as many as `BLINDLIST_ENTRIES` says. A national list, which takes 210 MB in the
//! folder of temporary files and as much memory:
//!
//! ```text
//! BLINDLIST_ENTRIES=33000000 cargo bench -p blindlist-benches --bench index -- file
//! ```

use blindlist_benches::{CpuTime, Held, Source, criterion, slug};
use blindlist_protocol::entry::{Dictionary, Entry, Label};
use blindlist_protocol::index::{Index, SealedEntry, encode};
use blindlist_protocol::matching::Matcher;
use criterion::{BatchSize, Criterion, Throughput};
use std::hint::black_box;

const ENTRIES: usize = 1_000_000;
const LOOKUPS: usize = 1_000_000;
const HITS: usize = LOOKUPS / 2;
const FALSE_POSITIVE_BITS: u8 = 40;
const RELEASE: [u8; 16] = [0; 16];

fn main() {
    let mut source = Source::new(8);
    let dictionary = dictionary();
    let people: Vec<Entry> = (0..ENTRIES).map(|_| entry(&mut source)).collect();
    let others = (HITS..LOOKUPS).map(|_| entry(&mut source));
    // Members come in the order of their tags in no file: the hits are spread among the others.
    let mut members: Vec<Entry> = people.iter().copied().take(HITS).chain(others).collect();
    members.sort_unstable_by_key(|entry| entry.pad);
    let sealed: Vec<SealedEntry> = people
        .iter()
        .map(|entry| SealedEntry { tag: entry.tag, label: entry.seal(dictionary.full(), &dictionary) })
        .collect();

    let mut criterion = criterion().sample_size(10);
    write(&mut criterion, &sealed, &dictionary);
    let bytes = encoded(&mut sealed.clone(), &dictionary);
    read(&mut criterion, &bytes, &members, &dictionary);
    drop((people, members, sealed, bytes));
    file(&mut criterion, dictionary);
    criterion.final_summary();
}

fn write(criterion: &mut Criterion<CpuTime>, sealed: &[SealedEntry], dictionary: &Dictionary) {
    let mut group = criterion.benchmark_group("index");
    group.throughput(Throughput::Elements(ENTRIES as u64));
    group.bench_function("encode", |b| {
        b.iter_batched(|| sealed.to_vec(), |mut sealed| encoded(&mut sealed, dictionary), BatchSize::PerIteration);
    });
    group.finish();
}

fn read(criterion: &mut Criterion<CpuTime>, bytes: &[u8], members: &[Entry], dictionary: &Dictionary) {
    let index = Index::parse(bytes).expect("just encoded");
    assert_eq!(look_up(&index, members.to_vec(), dictionary).len(), HITS);

    let mut group = criterion.benchmark_group("index");
    group.throughput(Throughput::Elements(ENTRIES as u64));
    group.bench_function("verify", |b| b.iter(|| black_box(&index).verify()));
    group.throughput(Throughput::Elements(LOOKUPS as u64));
    group.bench_function("look up", |b| {
        b.iter_batched(|| members.to_vec(), |members| look_up(&index, members, dictionary), BatchSize::PerIteration);
    });
    group.finish();
}

/// A file of a profile: all blocks verified, in memory; the members merged with it, in memory; and all of a check's
/// look-up, with reading and hashing the segments and sorting the members. Elements are entries of the index.
fn file(criterion: &mut Criterion<CpuTime>, dictionary: Dictionary) {
    let entries = std::env::var("BLINDLIST_ENTRIES").map_or(Ok(1_000_000), |entries| entries.parse());
    let held = Held::new(entries.expect("BLINDLIST_ENTRIES is a number"), LOOKUPS, dictionary);
    let bytes = held.bytes();
    let index = Index::parse(&bytes).expect("just encoded");
    let mut sorted = held.members.clone();
    sorted.sort_unstable_by_key(|candidate| candidate.entry.tag);
    assert_eq!(held.check(), held.hits);

    let mut group = criterion.benchmark_group("file");
    group.throughput(Throughput::Elements(index.header().entries().into()));
    group.bench_function("verify", |b| b.iter(|| black_box(&index).verify()));
    let matcher = Matcher::new(&held.manifest);
    group.bench_function("merge", |b| b.iter(|| matcher.look_up(&sorted, &index)));
    group.bench_function("check", |b| b.iter(|| black_box(&held).check()));
    group.finish();
}

/// Sorts the members' entries, looks them up, opens the labels of those that are found.
fn look_up(index: &Index<&[u8]>, mut members: Vec<Entry>, dictionary: &Dictionary) -> Vec<(usize, Label)> {
    members.sort_unstable_by_key(|entry| entry.tag);
    let mut affected = Vec::new();
    let tags = members.iter().map(|entry| entry.tag);
    let merged = index.merge(tags, |position, sealed| {
        let label = members.get(position).map(|entry| entry.open(sealed, dictionary));
        affected.push((position, label.expect("a position of the queries").expect("the right pad")));
    });
    merged.expect("sorted queries against a good index");
    affected
}

fn encoded(sealed: &mut [SealedEntry], dictionary: &Dictionary) -> Vec<u8> {
    let bytes = encode(RELEASE, FALSE_POSITIVE_BITS, dictionary.label_length(), sealed);
    bytes.expect("a million random tags are distinct")
}

/// Eight categories: labels of one byte.
fn dictionary() -> Dictionary {
    let names: Vec<_> = (0..8).map(|i| slug(&format!("category-{i}"))).collect();
    Dictionary::try_from(names).expect("eight different names")
}

fn entry(source: &mut Source) -> Entry {
    Entry { tag: source.number(), pad: source.number() }
}
