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
pub use yardstick::{micros_each, process_time, variable_base};

use criterion::Criterion;
use std::time::Duration;

/// Criterion with the clock of [`CpuTime`] and short settings, which the command line may change.
pub fn criterion() -> Criterion<CpuTime> {
    Criterion::default()
        .with_measurement(CpuTime)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(4))
        .sample_size(30)
        .configure_from_args()
}
