//! The steps of a check and of a seal, as the programs call them, without files and network, on the fastest path that
//! `BLINDLIST_LANES` allows (1: curve25519-dalek).

use blindlist_benches::{CpuTime, Parties, Source, bench_variable_base, criterion, identifiers};
use blindlist_protocol::entry::Entry;
use blindlist_protocol::identifier::Identifier;
use blindlist_protocol::ids::ReleaseId;
use blindlist_protocol::insurer::Answered;
use blindlist_protocol::job::Item;
use blindlist_protocol::operator::Question;
use blindlist_protocol::oprf::evaluate_inputs;
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput};
use std::hint::black_box;
use std::sync::Arc;

/// The smallest job, middling chunks, the largest chunk.
const CHUNKS: [usize; 4] = [64, 512, 4_096, 8_192];

fn main() {
    let mut criterion = criterion().sample_size(10);
    bench_variable_base(&mut criterion, "steps");
    let parties = Parties::new(5);
    for size in CHUNKS {
        seal(&mut criterion, size);
        let items = identifiers(size).into_iter().map(Item::Person).collect();
        operator(&mut criterion, &parties, &items);
        insurer(&mut criterion, &parties, &items);
    }
    criterion.final_summary();
}

/// Identifiers to entries.
fn seal(criterion: &mut Criterion<CpuTime>, size: usize) {
    let mut source = Source::new(6);
    let key = source.key();
    let release = ReleaseId::from_bytes(source.bytes());
    let people = identifiers(size);
    let inputs: Vec<&[u8]> = people.iter().map(Identifier::as_bytes).collect();

    let mut group = criterion.benchmark_group("seal");
    group.throughput(Throughput::Elements(size as u64));
    group.bench_function(BenchmarkId::new("evaluate and derive", size), |b| {
        b.iter(|| -> Vec<Entry> {
            let evaluations = evaluate_inputs(&key, black_box(&inputs));
            evaluations.iter().map(|y| Entry::derive(&release, y)).collect()
        });
    });
    group.finish();
}

/// A request, decoded, to an answer.
fn operator(criterion: &mut Criterion<CpuTime>, parties: &Parties, items: &Arc<[Item]>) {
    let asked = parties.ask(items);
    let validate = |request| Question::validate(request, &parties.key, &parties.insurer);

    let mut group = criterion.benchmark_group("operator");
    group.throughput(Throughput::Elements(items.len() as u64));
    group.bench_function(BenchmarkId::new("validate", items.len()), |b| {
        b.iter_batched(|| asked.request().clone(), validate, BatchSize::PerIteration);
    });
    let question = validate(asked.request().clone()).expect("the insurer asks rightly");
    group.bench_function(BenchmarkId::new("answer", items.len()), |b| {
        b.iter(|| question.answer(black_box(&[0; 64])));
    });
    group.finish();
}

/// Identifiers to a request; an answer to evaluations.
fn insurer(criterion: &mut Criterion<CpuTime>, parties: &Parties, items: &Arc<[Item]>) {
    let answers = parties.answer(&parties.ask(items));
    let answered = || {
        let asked = parties.ask(items);
        asked.prove(&answers).expect("the operator is honest")
    };

    let mut group = criterion.benchmark_group("insurer");
    group.throughput(Throughput::Elements(items.len() as u64));
    group.bench_function(BenchmarkId::new("ask", items.len()), |b| {
        b.iter(|| parties.ask(black_box(items)));
    });
    group.bench_function(BenchmarkId::new("prove", items.len()), |b| {
        b.iter_batched(|| parties.ask(items), |asked| asked.prove(&answers), BatchSize::PerIteration);
    });
    group.bench_function(BenchmarkId::new("finish", items.len()), |b| {
        b.iter_batched(answered, Answered::finish, BatchSize::PerIteration);
    });
    group.finish();
}
