//! V, one variable-base multiplication of curve25519-dalek: what figures are divided by, so that they mean something on
//! another machine.

use std::hint::black_box;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::Source;

/// Multiplications that are measured together: of different points, as the protocol's are.
const FRESH: usize = 8_192;

/// V now, in µs of processor time, on one thread.
pub fn variable_base() -> f64 {
    let mut source = Source::new(1);
    let scalar = source.scalar();
    let points: Vec<_> = (0..FRESH).map(|_| source.point()).collect();
    let start = process_time();
    for point in &points {
        black_box(black_box(&scalar) * point);
    }
    micros_each(process_time() - start, FRESH)
}

/// The processor time of all threads of this process.
pub fn process_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).expect("processor time is never negative")
}

/// µs for each of several.
pub fn micros_each(spent: Duration, elements: usize) -> f64 {
    spent.as_secs_f64() * 1e6 / elements as f64
}
