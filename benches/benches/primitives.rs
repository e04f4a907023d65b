//! What one operation costs: the parts that every other figure is made of.
//!
//! The operations of `blindlist_lanes` on many independent elements, for each path that this processor has; `curve25519-dalek`
//! is one element after the other. And V, one variable-base multiplication of curve25519-dalek, to which all are compared.

use blindlist_benches::{CpuTime, Source, bench_variable_base, criterion, identifiers};
use blindlist_lanes::{Path, Point, fixed_base_all};
use blindlist_protocol::entry::Entry;
use blindlist_protocol::ids::ReleaseId;
use blindlist_protocol::oprf::{Scalar, encode, evaluate_inputs, finalize};
use blindlist_protocol::params::MAX_CHUNK;
use criterion::measurement::Measurement;
use criterion::{BatchSize, BenchmarkGroup, BenchmarkId, Criterion, Throughput};
use std::hint::black_box;

/// How many elements are worked on together.
const BATCHES: [usize; 4] = [64, 512, 4_096, MAX_CHUNK];
/// Scalars that are inverted together.
const SCALARS: usize = 1_024;

fn main() {
    let mut criterion = criterion();
    bench_variable_base(&mut criterion, "primitives");
    single(&mut criterion);
    let world = World::new();
    for path in Path::all() {
        for count in BATCHES {
            elements(&mut criterion, path, &world, count);
            products(&mut criterion, path, &world, count);
        }
    }
    criterion.final_summary();
}

/// What is done once for each element.
fn single(criterion: &mut Criterion<CpuTime>) {
    let mut source = Source::new(1);
    let (r, point) = (source.scalar(), source.point());
    let element = encode(&point.into());
    let release = ReleaseId::from_bytes(source.bytes());
    let person = identifiers(1).remove(0);
    let evaluation = evaluate_inputs(&source.key(), &[person.as_bytes()]).remove(0);
    let scalars: Vec<Scalar> = (0..SCALARS).map(|_| source.scalar()).collect();

    let mut group = criterion.benchmark_group("primitives");
    group.bench_function("finalize", |b| b.iter(|| finalize(black_box(person.as_bytes()), black_box(&element))));
    group.bench_function("entry", |b| b.iter(|| Entry::derive(black_box(&release), black_box(&evaluation))));
    group.bench_function("invert scalar", |b| b.iter(|| black_box(&r).invert()));
    group.throughput(Throughput::Elements(SCALARS as u64));
    group.bench_function("invert scalars in a batch", |b| {
        b.iter_batched_ref(|| scalars.clone(), |scalars| Scalar::invert_batch_alloc(scalars), BatchSize::SmallInput);
    });
    group.bench_function("make a table", |b| b.iter(|| Path::fastest().table(black_box(&point.into()))));
    group.finish();
}

/// What the operations are given.
struct World {
    uniform: Vec<[u8; 64]>,
    encodings: Vec<[u8; 32]>,
    scalars: Vec<Scalar>,
    numbers: Vec<u128>,
}

impl World {
    fn new() -> Self {
        let mut source = Source::new(2);
        let uniform: Vec<[u8; 64]> = (0..MAX_CHUNK).map(|_| source.bytes()).collect();
        let points = Path::portable().hash_to_group_all(&uniform);
        Self {
            encodings: Path::portable().encode_all(&points),
            scalars: points.iter().map(|_| source.scalar()).collect(),
            numbers: points.iter().map(|_| source.number()).collect(),
            uniform,
        }
    }

    /// Its first points as a path has them.
    fn points(&self, path: Path, count: usize) -> Vec<Point> {
        path.decode_all(&self.encodings[..count]).expect("encodings of points")
    }
}

/// To elements and back.
fn elements(criterion: &mut Criterion<CpuTime>, path: Path, world: &World, count: usize) {
    let (uniform, encodings) = (&world.uniform[..count], &world.encodings[..count]);
    let points = world.points(path, count);
    let others: Vec<Point> = points.iter().rev().copied().collect();

    let mut group = Operations { group: criterion.benchmark_group("primitives"), path, count };
    group.measure("hash to group", || path.hash_to_group_all(black_box(uniform)));
    group.measure("decode", || path.decode_all(black_box(encodings)));
    group.measure("encode", || path.encode_all(black_box(&points)));
    group.measure("encode doubled", || path.encode_doubled_all(black_box(&points)));
    group.measure("add", || path.add_all(black_box(&points), black_box(&others)));
    group.measure("compare", || path.equal_all(black_box(&points), black_box(&others)));
}

/// Multiplications by scalars.
fn products(criterion: &mut Criterion<CpuTime>, path: Path, world: &World, count: usize) {
    let (scalars, numbers) = (&world.scalars[..count], &world.numbers[..count]);
    let points = world.points(path, count);
    let table = path.table(&points[0]);

    let mut group = Operations { group: criterion.benchmark_group("primitives"), path, count };
    group.measure("variable base", || path.mul_all(black_box(&scalars[0]), black_box(&points)));
    group.measure("fixed base", || fixed_base_all(black_box(&table), black_box(scalars)));
    group.measure("multi-scalar, 128 bits", || path.multiscalar_vartime(black_box(numbers), black_box(&points)));
}

/// The benchmarks of one path and one size.
struct Operations<'a, M: Measurement> {
    group: BenchmarkGroup<'a, M>,
    path: Path,
    count: usize,
}

impl<M: Measurement> Operations<'_, M> {
    fn measure<T>(&mut self, name: &str, mut operation: impl FnMut() -> T) {
        let id = BenchmarkId::new(format!("{name}, {}", self.path), self.count);
        self.group.throughput(Throughput::Elements(self.count as u64));
        self.group.bench_function(id, |b| b.iter(&mut operation));
    }
}
