//! Bars on a terminal: one for each step that is under way, below what was told.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use blindlist_protocol::text::Slug;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::{Show, line, put};
use crate::caller::{Event, Unit};
use crate::show::duration;

/// How a bar of bytes looks.
const BYTES: &str = "{prefix}{msg} {wide_bar} {bytes}/{total_bytes}  {binary_bytes_per_sec}{left}";
/// How a bar of members looks.
const MEMBERS: &str = "{prefix}{msg} {wide_bar} {human_pos}/{human_len}  {rate}{left}";
/// How often a bar is drawn although nothing is told, so that its time goes on.
const TICK: Duration = Duration::from_millis(500);

/// Shows events as bars and lines.
pub(super) struct Bars<W> {
    out: W,
    all: MultiProgress,
    steps: BTreeMap<u64, ProgressBar>,
}

impl<W: Write> Bars<W> {
    /// Bars on standard error; lines go to `out`, which is standard error too.
    pub(super) fn new(out: W) -> Self {
        Self::on(ProgressDrawTarget::stderr(), out)
    }

    fn on(target: ProgressDrawTarget, out: W) -> Self {
        Self { out, all: MultiProgress::with_draw_target(target), steps: BTreeMap::new() }
    }
}

impl<W: Write> Show for Bars<W> {
    fn show(&mut self, event: &Event) {
        match event {
            Event::Told { level, operator, line: text } => {
                let (said, out) = (line(*level, operator.as_ref().map(Slug::as_str), text), &mut self.out);
                self.all.suspend(|| put(out, &said));
            }
            Event::Began { step, operator, what, unit, total } => {
                let bar = self.all.add(ProgressBar::new(*total).with_style(style(*unit)).with_message(*what));
                bar.set_prefix(operator.as_ref().map_or(String::new(), |operator| format!("{operator}: ")));
                bar.enable_steady_tick(TICK);
                self.steps.insert(*step, bar);
            }
            Event::Advanced { step, done } => {
                if let Some(bar) = self.steps.get(step) {
                    bar.set_position(*done);
                }
            }
            Event::Ended { step } => {
                if let Some(bar) = self.steps.remove(step) {
                    bar.finish_and_clear();
                    self.all.remove(&bar);
                }
            }
        }
    }
}

impl<W> Drop for Bars<W> {
    fn drop(&mut self) {
        // What was under way when everything ended.
        self.steps.values().for_each(ProgressBar::finish_and_clear);
    }
}

fn style(unit: Unit) -> ProgressStyle {
    let template = match unit {
        Unit::Bytes => BYTES,
        Unit::Members => MEMBERS,
    };
    let style = ProgressStyle::with_template(template).expect("the templates are constant and tried by a test");
    // Nobody hears of a failure to format a number.
    let style = style.with_key("rate", |state: &ProgressState, out: &mut dyn std::fmt::Write| {
        let _ = write!(out, "{:.0}/s", state.per_sec());
    });
    style.with_key("left", |state: &ProgressState, out: &mut dyn std::fmt::Write| {
        // Of a step that has only begun nothing is known.
        let _ = if state.pos() == 0 { Ok(()) } else { write!(out, ", {} left", duration(state.eta())) };
    })
}

#[cfg(test)]
mod tests {
    use anstream::StripStream;

    use super::super::tests::events;
    use super::*;

    #[test]
    fn every_step_has_a_bar_while_it_is_under_way_and_lines_are_kept() {
        let mut written = Vec::new();
        let mut bars = Bars::on(ProgressDrawTarget::hidden(), StripStream::new(&mut written));
        let mut seen = Vec::new();
        for event in events() {
            bars.show(&event);
            seen.push(bars.steps.get(&7).map(ProgressBar::position));
        }
        assert_eq!(seen, [None, Some(0), Some(0), Some(8_192), Some(8_192), None, None]);
        drop(bars);
        let lines = "columns  nir: \"nir\"\nwarning: acme: the connection was lost\nwarning: once is enough\n";
        assert_eq!(String::from_utf8(written).unwrap(), lines);
    }

    #[test]
    fn both_units_have_a_style() {
        for unit in [Unit::Bytes, Unit::Members] {
            ProgressBar::hidden().with_style(style(unit)).finish();
        }
    }
}
