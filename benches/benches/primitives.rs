//! What one operation costs: the parts that every other figure is made of.

use blindlist_benches::{CpuTime, Source, criterion, identifiers};
use blindlist_protocol::entry::Entry;
use blindlist_protocol::ids::ReleaseId;
use blindlist_protocol::oprf::{Point, Scalar, decode, encode, evaluate_inputs, finalize, hash_to_group};
use blindlist_protocol::params::MAX_CHUNK;
use criterion::{BatchSize, Criterion, Throughput};
use curve25519_dalek::constants::RISTRETTO_BASEPOINT_TABLE;
use curve25519_dalek::ristretto::RistrettoBasepointTable;
use curve25519_dalek::traits::VartimeMultiscalarMul;
use std::hint::black_box;

/// How many are encoded or inverted together.
const BATCH: usize = 1_024;

fn main() {
    let mut criterion = criterion();
    one_element(&mut criterion);
    hashes(&mut criterion);
    batches(&mut criterion);
    criterion.final_summary();
}

fn one_element(criterion: &mut Criterion<CpuTime>) {
    let mut source = Source::new(1);
    let (r, point) = (source.scalar(), source.point());
    let table = RistrettoBasepointTable::create(&source.point());
    let element = encode(&point);
    let person = identifiers(1).remove(0);

    let mut group = criterion.benchmark_group("primitives");
    group.bench_function("hash to group", |b| {
        b.iter(|| hash_to_group(black_box(person.as_bytes())));
    });
    group.bench_function("variable base", |b| b.iter(|| black_box(&r) * black_box(&point)));
    group.bench_function("fixed base G", |b| b.iter(|| black_box(&r) * RISTRETTO_BASEPOINT_TABLE));
    group.bench_function("fixed base K", |b| b.iter(|| black_box(&r) * black_box(&table)));
    group.bench_function("encode", |b| b.iter(|| encode(black_box(&point))));
    group.bench_function("decode", |b| b.iter(|| decode(black_box(&element))));
    group.bench_function("invert scalar", |b| b.iter(|| black_box(&r).invert()));
    group.finish();
}

fn hashes(criterion: &mut Criterion<CpuTime>) {
    let mut source = Source::new(2);
    let element = encode(&source.point());
    let release = ReleaseId::from_bytes(source.bytes());
    let person = identifiers(1).remove(0);
    let evaluation = evaluate_inputs(&source.key(), &[person.as_bytes()]).remove(0);

    let mut group = criterion.benchmark_group("primitives");
    group.bench_function("finalize", |b| {
        b.iter(|| finalize(black_box(person.as_bytes()), black_box(&element)));
    });
    group.bench_function("entry", |b| {
        b.iter(|| Entry::derive(black_box(&release), black_box(&evaluation)));
    });
    group.finish();
}

fn batches(criterion: &mut Criterion<CpuTime>) {
    let mut source = Source::new(3);
    let points: Vec<Point> = (0..MAX_CHUNK).map(|_| source.point()).collect();
    let coefficients: Vec<Scalar> = points.iter().map(|_| Scalar::from(source.number())).collect();
    let scalars: Vec<Scalar> = (0..BATCH).map(|_| source.scalar()).collect();
    let block = &points[..BATCH];

    let mut group = criterion.benchmark_group("primitives");
    group.throughput(Throughput::Elements(BATCH as u64));
    group.bench_function("encode in a batch", |b| {
        b.iter(|| Point::double_and_compress_batch(black_box(block)));
    });
    group.bench_function("invert scalars in a batch", |b| {
        b.iter_batched_ref(|| scalars.clone(), |scalars| Scalar::invert_batch_alloc(scalars), BatchSize::SmallInput);
    });
    group.throughput(Throughput::Elements(MAX_CHUNK as u64));
    group.bench_function("multi-scalar, 128 bits", |b| {
        b.iter(|| Point::vartime_multiscalar_mul(black_box(&coefficients), black_box(&points)));
    });
    group.finish();
}
