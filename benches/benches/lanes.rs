//! What four lanes gain: each operation on many independent elements, with curve25519-dalek one after the other and with
//! lanes. One variable-base multiplication of dalek, to which both are compared, is the first.

use blindlist_benches::{CpuTime, Source, criterion};
use blindlist_lanes::{Path, Point, fixed_base_all};
use criterion::{BenchmarkId, Criterion, Throughput};
use curve25519_dalek::ristretto::RistrettoPoint;
use curve25519_dalek::scalar::Scalar;
use std::hint::black_box;

/// How many elements are worked on together.
const BATCH: usize = 1_024;
/// Points of multi-scalar multiplications.
const SUMS: [usize; 4] = [64, 1_024, 4_096, 8_192];

fn main() {
    let mut criterion = criterion();
    let mut source = Source::new(1);
    let (r, point) = (source.scalar(), source.point());
    criterion.bench_function("lanes/V: variable base", |b| b.iter(|| black_box(&r) * black_box(&point)));
    for (name, path) in [("lanes", Path::fastest()), ("dalek", Path::portable())] {
        elements(&mut criterion, name, path);
        products(&mut criterion, name, path);
        sums(&mut criterion, name, path);
    }
    criterion.final_summary();
}

/// To elements and back.
fn elements(criterion: &mut Criterion<CpuTime>, name: &str, path: Path) {
    let mut source = Source::new(2);
    let uniform: Vec<[u8; 64]> = (0..BATCH).map(|_| source.bytes()).collect();
    let points = path.hash_to_group_all(&uniform);
    let encodings = path.encode_all(&points);
    let others: Vec<Point> = points.iter().rev().copied().collect();

    let mut group = criterion.benchmark_group("lanes");
    group.throughput(Throughput::Elements(BATCH as u64));
    group.bench_function(BenchmarkId::new("hash to group", name), |b| {
        b.iter(|| path.hash_to_group_all(black_box(&uniform)));
    });
    group.bench_function(BenchmarkId::new("decode", name), |b| b.iter(|| path.decode_all(black_box(&encodings))));
    group.bench_function(BenchmarkId::new("encode", name), |b| b.iter(|| path.encode_all(black_box(&points))));
    group.bench_function(BenchmarkId::new("encode doubled", name), |b| {
        b.iter(|| path.encode_doubled_all(black_box(&points)));
    });
    group.bench_function(BenchmarkId::new("add", name), |b| {
        b.iter(|| path.add_all(black_box(&points), black_box(&others)));
    });
    group.bench_function(BenchmarkId::new("compare", name), |b| {
        b.iter(|| path.equal_all(black_box(&points), black_box(&others)));
    });
    group.finish();
}

/// Scalar multiplications.
fn products(criterion: &mut Criterion<CpuTime>, name: &str, path: Path) {
    let mut source = Source::new(3);
    let uniform: Vec<[u8; 64]> = (0..BATCH).map(|_| source.bytes()).collect();
    let points = path.hash_to_group_all(&uniform);
    let scalars: Vec<Scalar> = (0..BATCH).map(|_| source.scalar()).collect();
    let base = Point::from(RistrettoPoint::mul_base(&source.scalar()));
    let table = path.table(&base);

    let mut group = criterion.benchmark_group("lanes");
    group.bench_function(BenchmarkId::new("make a table", name), |b| b.iter(|| path.table(black_box(&base))));
    group.throughput(Throughput::Elements(BATCH as u64));
    group.bench_function(BenchmarkId::new("variable base", name), |b| {
        b.iter(|| path.mul_all(black_box(&scalars[0]), black_box(&points)));
    });
    group.bench_function(BenchmarkId::new("fixed base", name), |b| {
        b.iter(|| fixed_base_all(black_box(&table), black_box(&scalars)));
    });
    group.finish();
}

/// Multi-scalar multiplications of 128-bit numbers.
fn sums(criterion: &mut Criterion<CpuTime>, name: &str, path: Path) {
    let mut source = Source::new(4);
    let encodings: Vec<[u8; 32]> = (0..SUMS[3]).map(|_| source.point().compress().0).collect();
    let points = path.decode_all(&encodings).expect("encodings of points");
    let numbers: Vec<u128> = points.iter().map(|_| source.number()).collect();

    let mut group = criterion.benchmark_group("lanes");
    for count in SUMS {
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(BenchmarkId::new(format!("multi-scalar, {count} points"), name), |b| {
            b.iter(|| path.multiscalar_vartime(black_box(&numbers[..count]), black_box(&points[..count])));
        });
    }
    group.finish();
}
