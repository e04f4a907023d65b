//! How far a seal has come, on standard error when that is a terminal.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use blindlist_store::text;
use indicatif::{ProgressBar, ProgressStyle};

use crate::show;

/// A bar in bytes of the inputs, with the rows so far.
pub(super) struct Progress {
    bar: ProgressBar,
    rows: std::sync::atomic::AtomicU64,
    start: Instant,
}

impl Progress {
    /// A bar for all inputs together.
    pub(super) fn new(inputs: &[PathBuf]) -> Self {
        // Where a length cannot be told the bar is only less exact; reading will say what is wrong.
        let lengths = inputs.iter().map(|input| input.metadata().map_or(0, |found| found.len()));
        let style = ProgressStyle::with_template("{bar:32} {percent:>3} %  {msg}  {eta_precise} left")
            .expect("the template is correct");
        Self { bar: ProgressBar::new(lengths.sum()).with_style(style), rows: 0.into(), start: Instant::now() }
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

    /// Which columns of an input are read.
    pub(super) fn tell_columns(&self, input: &Path, columns: &[String]) {
        let lines: String = columns.iter().map(|column| format!("\n  {column}")).collect();
        self.bar.suspend(|| eprintln!("{}{lines}", text::path(input)));
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
