//! What the benchmarks share: clocks that count processor time, the unit V, and made-up people, keys and parties.
//!
//! Everything random comes from fixed seeds, so that two runs measure the same work. Nothing here is fit for real keys.

mod clock;
mod fixtures;
mod held;
mod yardstick;

pub use clock::CpuTime;
pub use fixtures::{Parties, Source, identifiers, slug};
pub use held::Held;
pub use yardstick::{bench_variable_base, micros_each, process_time, variable_base};

use criterion::Criterion;
use std::time::Duration;

/// Criterion with the clock of [`CpuTime`] and short settings, which the command line may change.
///
/// The benchmarks run on this thread alone: what would be spread over all cores stays on it.
///
/// # Panics
/// When it is called a second time, or after something was computed.
pub fn criterion() -> Criterion<CpuTime> {
    let alone = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread();
    alone.build_global().expect("it is called once, and first");
    Criterion::default()
        .with_measurement(CpuTime)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .sample_size(20)
        .configure_from_args()
}
