//! How much an insurer may ask in a short time, beside its budget (SPEC.md, "Refusals", RateLimited).
//!
//! A repeat costs no budget but as much work, so it counts too. That is why the account is kept in memory and not in the
//! ledger, where each repeat would be a durable write: each server counts for itself, and of several that share a ledger
//! each allows the whole rate. The rate itself stands in the ledger or in the configuration, for all of them.
//!
//! Time is passed in. An insurer is admitted while it is not more than [`BURST`] ahead of its rate, a chunk at a time and
//! each as a whole, so that any rate lets any chunk pass at some time; in a minute it gets its rate, a sixth of it, and
//! one chunk at most.

use std::collections::HashMap;
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use blindlist_protocol::refusal::{Refusal, RefusalCode};

/// How far ahead of its rate an insurer may be: what it may ask at once after a pause.
const BURST: Duration = Duration::from_secs(10);

const MINUTE: Duration = Duration::from_secs(60);

/// What every insurer has asked lately.
#[derive(Debug)]
pub(super) struct Rates {
    /// Evaluations in a minute, for those without a rate of their own.
    usual: AtomicU64,
    /// By insurer id. There are as many as insurers.
    asked: Mutex<HashMap<[u8; 16], Asked>>,
}

#[derive(Debug, Clone, Copy)]
struct Asked {
    /// The rate that it was counted with. Another one begins anew: a change takes effect at once.
    rate: NonZeroU64,
    /// When all that was asked would have been asked if it had come at exactly the rate.
    until: Instant,
}

impl Rates {
    pub(super) fn new(usual: NonZeroU64) -> Self {
        Self { usual: AtomicU64::new(usual.get()), asked: Mutex::default() }
    }

    /// Changes the rate of those without one of their own.
    pub(super) fn set_usual(&self, usual: NonZeroU64) {
        self.usual.store(usual.get(), Ordering::Relaxed);
    }

    /// Counts `count` evaluations for an insurer, or refuses them with the milliseconds to wait and counts nothing.
    pub(super) fn admit(
        &self,
        insurer: [u8; 16],
        own: Option<NonZeroU64>,
        count: usize,
        now: Instant,
    ) -> Result<(), Refusal> {
        let usual = || NonZeroU64::new(self.usual.load(Ordering::Relaxed));
        let rate = own.or_else(usual).unwrap_or(NonZeroU64::MAX);
        let mut all = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = all.entry(insurer).or_insert(Asked { rate, until: now });
        if asked.rate != rate {
            *asked = Asked { rate, until: now };
        }
        let ahead = asked.until.saturating_duration_since(now);
        if ahead > BURST {
            return Err(Refusal::with(RefusalCode::RateLimited, milliseconds(ahead.saturating_sub(BURST))));
        }
        asked.until = asked.until.max(now) + time_of(count, rate);
        Ok(())
    }

    /// Takes back what was counted for a chunk that was told to come again.
    pub(super) fn take_back(&self, insurer: [u8; 16], count: usize) {
        let mut all = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(asked) = all.get_mut(&insurer) {
            asked.until = asked.until.checked_sub(time_of(count, asked.rate)).unwrap_or(asked.until);
        }
    }
}

/// How long so many evaluations take at this rate; a chunk of 8,192 at one in a minute takes days, not more.
fn time_of(count: usize, rate: NonZeroU64) -> Duration {
    let nanoseconds = MINUTE.as_nanos() * count.max(1) as u128 / u128::from(rate.get());
    Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
}

/// Rounded up: who waits so long is admitted.
fn milliseconds(wait: Duration) -> u64 {
    u64::try_from(wait.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: [u8; 16] = [1; 16];
    const CHUNK: usize = 8_192;

    fn rate(n: u64) -> NonZeroU64 {
        NonZeroU64::new(n).unwrap()
    }

    fn wait(admitted: Result<(), Refusal>) -> u64 {
        let refusal = admitted.unwrap_err();
        assert_eq!(refusal.code, RefusalCode::RateLimited);
        refusal.value
    }

    #[test]
    fn what_is_taken_back_may_be_asked_again_at_once() {
        let (rates, now) = (Rates::new(rate(60)), Instant::now());
        rates.admit(ONE, None, CHUNK, now).unwrap();
        rates.take_back(ONE, CHUNK);
        rates.admit(ONE, None, CHUNK, now).unwrap();
        assert!(wait(rates.admit(ONE, None, CHUNK, now)) > 0);
        rates.take_back([2; 16], CHUNK);
    }

    #[test]
    fn who_waits_as_long_as_told_is_admitted() {
        for per_minute in [1, 7, 999, 8_192, 100_000, 60_000_000] {
            let rates = Rates::new(rate(per_minute));
            let mut now = Instant::now();
            let mut asked = 0;
            for _ in 0..5 {
                loop {
                    match rates.admit(ONE, None, CHUNK, now) {
                        Ok(()) => asked += CHUNK,
                        Err(refusal) => {
                            assert!(refusal.value > 0);
                            now += Duration::from_millis(refusal.value);
                            break;
                        }
                    }
                }
                let told = rates.admit(ONE, None, CHUNK, now);
                assert_eq!(told, Ok(()), "at {per_minute} a minute");
                asked += CHUNK;
            }
            assert!(asked >= 6 * CHUNK);
        }
    }

    #[test]
    fn a_minute_has_the_rate_and_what_may_be_ahead() {
        let rates = Rates::new(rate(600_000));
        let start = Instant::now();
        let mut asked = 0;
        for millisecond in 0..60_000 {
            while rates.admit(ONE, None, 1_000, start + Duration::from_millis(millisecond)).is_ok() {
                asked += 1_000;
            }
        }
        assert!((690_000..=702_000).contains(&asked), "{asked}");
    }

    #[test]
    fn a_refused_chunk_does_not_count() {
        let rates = Rates::new(rate(8_192));
        let now = Instant::now();
        assert_eq!(rates.admit(ONE, None, CHUNK, now), Ok(()));
        for _ in 0..10 {
            assert_eq!(wait(rates.admit(ONE, None, CHUNK, now)), 50_000);
        }
        assert_eq!(wait(rates.admit(ONE, None, 1, now + Duration::from_millis(49_999))), 1);
        assert_eq!(rates.admit(ONE, None, 1, now + Duration::from_secs(50)), Ok(()));
    }

    #[test]
    fn each_insurer_has_its_own_rate_and_count() {
        let rates = Rates::new(rate(1));
        let now = Instant::now();
        assert_eq!(rates.admit(ONE, None, 1, now), Ok(()));
        wait(rates.admit(ONE, None, 1, now));
        assert_eq!(rates.admit([2; 16], None, 1, now), Ok(()), "another one");
        assert_eq!(rates.admit(ONE, Some(rate(60_000_000)), CHUNK, now), Ok(()), "a new rate takes effect at once");
        rates.set_usual(rate(60_000_000));
        assert_eq!(rates.admit([2; 16], None, CHUNK, now), Ok(()), "as does a new configuration");
    }
}
