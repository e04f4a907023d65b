//! How far a seal has come, on standard error when that is a terminal.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::inputs::Source;
use crate::outside::instant;
use crate::show;

/// A bar in bytes of the inputs, with the rows so far; or in lists.
pub(super) struct Progress {
    bar: ProgressBar,
    rows: std::sync::atomic::AtomicU64,
    start: Instant,
}

impl Progress {
    /// A bar for all inputs together.
    pub(super) fn reading(sources: &[Source]) -> Self {
        let length = sources.iter().map(|source| source.found.bytes).sum();
        Self::new(length, "{bar:32} {percent:>3} %  {msg}  {eta_precise} left")
    }

    /// A bar for the lists that are sorted and encoded.
    pub(super) fn encoding(lists: usize) -> Self {
        Self::new(lists as u64, "{spinner} sorting and encoding {pos} of {len}  {elapsed_precise}")
    }

    fn new(length: u64, template: &str) -> Self {
        let style = ProgressStyle::with_template(template).expect("the template is correct");
        Self { bar: ProgressBar::new(length).with_style(style), rows: 0.into(), start: instant() }
    }

    /// Another list is begun.
    pub(super) fn list(&self) {
        self.bar.inc(1);
    }

    /// Bytes were read.
    pub(super) fn read(&self, bytes: u64) {
        self.bar.inc(bytes);
    }

    /// Rows were worked on.
    pub(super) fn rows(&self, rows: u64) {
        let all = self.rows.fetch_add(rows, std::sync::atomic::Ordering::Relaxed) + rows;
        if !self.bar.is_hidden() {
            let rate = show::count(rate(all, self.start.elapsed()));
            self.bar.set_message(format!("{}, {rate} a second", show::counted(all, "row")));
        }
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// Rows a second.
pub(super) fn rate(rows: u64, time: Duration) -> u64 {
    let milliseconds = u64::try_from(time.as_millis()).unwrap_or(u64::MAX).max(1);
    rows.saturating_mul(1_000) / milliseconds
}
