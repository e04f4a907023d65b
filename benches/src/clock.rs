//! Processor time instead of wall time: what a thread was given by the system, whatever else the machine does.
//!
//! It counts one thread only, so the work measured must not be spread over several.

use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use rustix::time::{ClockId, clock_gettime};
use std::fmt;
use std::time::Duration;

/// The processor time of the thread that runs the benchmark, in nanoseconds.
#[derive(Clone, Copy, Default)]
pub struct CpuTime;

impl fmt::Debug for CpuTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CpuTime")
    }
}

impl Measurement for CpuTime {
    type Intermediate = Duration;
    type Value = Duration;

    fn start(&self) -> Duration {
        Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).expect("processor time is never negative")
    }

    fn end(&self, start: Duration) -> Duration {
        self.start().saturating_sub(start)
    }

    fn add(&self, one: &Duration, other: &Duration) -> Duration {
        *one + *other
    }

    fn zero(&self) -> Duration {
        Duration::ZERO
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        value.as_secs_f64() * 1e9
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        // The units are the same.
        WallTime.formatter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sleep_does_not_count_and_work_does() {
        let clock = CpuTime;
        let start = clock.start();
        std::thread::sleep(Duration::from_millis(200));
        assert!(clock.end(start) < Duration::from_millis(100));

        let start = clock.start();
        while clock.end(start) < Duration::from_millis(5) {}
        assert!(clock.to_f64(&clock.end(start)) >= 5e6);
    }
}
