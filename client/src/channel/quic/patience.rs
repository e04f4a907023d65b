//! How long to wait before a server is tried again, and when that is given up. Time and chance are passed in.

use std::time::{Duration, Instant};

use blindlist_protocol::refusal::{Refusal, RefusalCode};

/// The wait before the second attempt; it doubles with each.
const FIRST: Duration = Duration::from_millis(500);
/// The longest wait.
const LONGEST: Duration = Duration::from_secs(30);

/// How often a server may ask to wait for one request before that is passed on.
const WAITS: u32 = 30;
/// The longest wait that it may ask for before that is passed on.
const LONGEST_ASKED: Duration = Duration::from_secs(120);

/// How often one request may lose its connection, whatever else is answered meanwhile.
const LOSSES: u32 = 20;

/// A number from 0 to 1.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draw(f64);

impl Draw {
    /// From random bits.
    pub(super) fn from_bits(bits: u32) -> Self {
        Self(f64::from(bits) / f64::from(u32::MAX))
    }
}

/// What is left of our patience with a server that gives no answer at all.
#[derive(Debug)]
pub(super) struct Patience {
    whole: Duration,
    next: Duration,
    silent_since: Option<Instant>,
}

impl Patience {
    /// It ends when there was no answer for so long.
    pub(super) fn new(whole: Duration) -> Self {
        Self { whole, next: FIRST, silent_since: None }
    }

    /// How long it lasts.
    pub(super) fn whole(&self) -> Duration {
        self.whole
    }

    /// Something was answered, be it a refusal. Whether there was silence before.
    pub(super) fn answered(&mut self) -> bool {
        self.next = FIRST;
        self.silent_since.take().is_some()
    }

    /// Whether nothing was answered since the last failure.
    pub(super) fn is_silent(&self) -> bool {
        self.silent_since.is_some()
    }

    /// How long to wait after a failure: from half to the whole of what doubles each time; none when patience has ended.
    pub(super) fn failed(&mut self, now: Instant, draw: Draw) -> Option<Duration> {
        let since = *self.silent_since.get_or_insert(now);
        let left = self.whole.checked_sub(now.saturating_duration_since(since)).filter(|left| !left.is_zero())?;
        let half = self.next / 2;
        self.next = (self.next * 2).min(LONGEST);
        // The last attempt is made when patience ends, and not before.
        Some((half + half.mul_f64(draw.0)).min(left))
    }
}

/// What one request has been through.
#[derive(Debug, Default)]
pub(super) struct Trials {
    waits: u32,
    losses: u32,
}

impl Trials {
    /// How long the server asks to wait: that, and up to a quarter more, so that not everybody comes at once. None when it
    /// does not ask, or asks too much.
    pub(super) fn asked_to_wait(&mut self, refusal: &Refusal, draw: Draw) -> Option<Duration> {
        let asks = matches!(refusal.code, RefusalCode::Busy | RefusalCode::RateLimited);
        self.waits += u32::from(asks);
        let wait = FIRST.max(Duration::from_millis(refusal.value));
        let within_reason = asks && wait <= LONGEST_ASKED && self.waits <= WAITS;
        within_reason.then(|| wait + (wait / 4).mul_f64(draw.0))
    }

    /// Whether it may be sent once more after its connection was lost.
    pub(super) fn may_be_lost_again(&mut self) -> bool {
        self.losses += 1;
        self.losses < LOSSES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: Draw = Draw(0.0);
    const MOST: Draw = Draw(1.0);

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    #[test]
    fn waits_double_up_to_the_longest_and_are_drawn_from_half_to_the_whole() {
        let now = Instant::now();
        for (draw, part) in [(LEAST, 0.5), (Draw::from_bits(0), 0.5), (Draw(0.5), 0.75), (MOST, 1.0)] {
            let mut patience = Patience::new(seconds(1e6));
            let waits: Vec<_> = (0..8).map(|_| patience.failed(now, draw).unwrap()).collect();
            assert_eq!(waits, [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0].map(|whole| seconds(whole * part)));
        }
        assert!((Draw::from_bits(u32::MAX).0 - 1.0).abs() < f64::EPSILON);
    }

    #[test]
    fn patience_ends_after_so_long_without_any_answer() {
        let begun = Instant::now();
        let mut patience = Patience::new(seconds(60.0));
        let (mut now, mut attempts) = (begun, 0);
        while let Some(wait) = patience.failed(now, MOST) {
            now += wait;
            attempts += 1;
            assert!(attempts < 100, "it never ends");
        }
        assert_eq!(now - begun, seconds(60.0), "the last attempt comes at the very end");
        assert!(patience.is_silent());
        assert_eq!(patience.failed(now, LEAST), None, "it stays ended for whoever comes next");
        assert!(patience.answered());
        assert_eq!(patience.failed(now, MOST), Some(FIRST), "an answer gives all of it back");
        assert!(patience.answered() && !patience.answered(), "that it is back is news once");
    }

    #[test]
    fn time_without_a_failure_is_no_silence() {
        let now = Instant::now();
        let mut patience = Patience::new(seconds(1.0));
        assert!(patience.failed(now, LEAST).is_some());
        patience.answered();
        assert!(patience.failed(now + seconds(3_600.0), LEAST).is_some(), "nothing was asked for an hour");
    }

    #[test]
    fn without_patience_nothing_is_tried_again() {
        assert_eq!(Patience::new(Duration::ZERO).failed(Instant::now(), MOST), None);
    }

    #[test]
    fn a_server_says_how_long_to_wait_within_reason() {
        for code in [RefusalCode::Busy, RefusalCode::RateLimited] {
            let after = |value, draw| Trials::default().asked_to_wait(&Refusal::with(code, value), draw);
            assert_eq!(after(5_000, LEAST), Some(seconds(5.0)), "never less than it asked");
            assert_eq!(after(5_000, MOST), Some(seconds(6.25)));
            assert_eq!(after(0, LEAST), Some(FIRST));
            assert_eq!(after(120_000, LEAST), Some(LONGEST_ASKED));
            assert_eq!(after(120_001, LEAST), None);
            assert_eq!(after(u64::MAX, LEAST), None);
        }
        let final_word = Refusal::with(RefusalCode::OverBudget, 1);
        assert_eq!(Trials::default().asked_to_wait(&final_word, LEAST), None);
    }

    #[test]
    fn one_request_is_not_tried_for_ever() {
        let mut trials = Trials::default();
        let refusal = Refusal::with(RefusalCode::RateLimited, 1);
        for _ in 0..WAITS {
            assert!(trials.asked_to_wait(&refusal, LEAST).is_some());
        }
        assert_eq!(trials.asked_to_wait(&refusal, LEAST), None);
        assert_eq!((0..100).filter(|_| trials.may_be_lost_again()).count(), 19);
    }
}
