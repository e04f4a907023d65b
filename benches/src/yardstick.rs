//! V, one variable-base multiplication of curve25519-dalek: what figures are divided by, so that they mean something on
//! another machine.

use std::hint::black_box;
use std::time::Duration;

use blindlist_protocol::oprf::Scalar;
use criterion::{Criterion, Throughput};
use curve25519_dalek::ristretto::RistrettoPoint;
use rustix::time::{ClockId, clock_gettime};

use crate::{CpuTime, Source};

/// Multiplications that are measured together: of different points, as the protocol's are.
const FRESH: usize = 1_024;
/// How often [`variable_base`] does them.
const TIMES: usize = 8;

struct Multiplications {
    scalar: Scalar,
    points: Vec<RistrettoPoint>,
}

impl Multiplications {
    fn new() -> Self {
        let mut source = Source::new(1);
        Self { scalar: source.scalar(), points: (0..FRESH).map(|_| source.point()).collect() }
    }

    fn run(&self) {
        for point in &self.points {
            black_box(black_box(&self.scalar) * point);
        }
    }
}

/// V as a benchmark of a group.
pub fn bench_variable_base(criterion: &mut Criterion<CpuTime>, group: &str) {
    let multiplications = Multiplications::new();
    let mut group = criterion.benchmark_group(group);
    group.throughput(Throughput::Elements(FRESH as u64));
    group.bench_function("V", |b| b.iter(|| multiplications.run()));
    group.finish();
}

/// V now, in µs of processor time, on one thread.
pub fn variable_base() -> f64 {
    let multiplications = Multiplications::new();
    let start = process_time();
    (0..TIMES).for_each(|_| multiplications.run());
    micros_each(process_time() - start, TIMES * FRESH)
}

/// The processor time of all threads of this process.
pub fn process_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).expect("processor time is never negative")
}

/// µs for each of several.
pub fn micros_each(spent: Duration, elements: usize) -> f64 {
    spent.as_secs_f64() * 1e6 / elements as f64
}
