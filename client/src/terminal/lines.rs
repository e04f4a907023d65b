//! Plain lines, for a log file or a program that reads them: when a step begins, now and then, and when it ends.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::{Duration, Instant};

use blindlist_protocol::text::Slug;

use super::{Show, line, put};
use crate::caller::{Event, Level, Unit};
use crate::show::{bytes, duration, number};

/// The longest time without a line of a step that goes on.
const LONGEST: Duration = Duration::from_secs(10);
/// The shortest time between two lines of a step.
const SHORTEST: Duration = Duration::from_secs(1);
/// In percent, how much further a step is at its next line, if not so much time has passed.
const STRIDE: u64 = 10;

/// Shows events as lines.
pub(super) struct Lines<W, C> {
    out: W,
    clock: C,
    steps: BTreeMap<u64, Step>,
}

struct Step {
    operator: Option<Slug>,
    what: &'static str,
    unit: Unit,
    total: u64,
    begun: Instant,
    /// When it was told last, and how far it was.
    told: (Instant, u64),
}

impl<W: Write, C: Fn() -> Instant> Lines<W, C> {
    /// Lines go to `out`; `clock` says what time it is.
    pub(super) fn new(out: W, clock: C) -> Self {
        Self { out, clock, steps: BTreeMap::new() }
    }
}

impl<W: Write, C: Fn() -> Instant> Show for Lines<W, C> {
    fn show(&mut self, event: &Event) {
        let now = (self.clock)();
        let said = match event {
            Event::Told { level, operator, line: text } => {
                Some(line(*level, operator.as_ref().map(Slug::as_str), text))
            }
            Event::Began { step, operator, what, unit, total } => {
                let (operator, told) = (operator.clone(), (now, 0));
                let begun = Step { operator, what, unit: *unit, total: *total, begun: now, told };
                let counted = if *unit == Unit::Members { " members" } else { "" };
                let said = begun.said(&format!(": {}{counted}", amount(*unit, *total)));
                self.steps.insert(*step, begun);
                Some(said)
            }
            Event::Advanced { step, done } => self.steps.get_mut(step).and_then(|step| step.advanced(now, *done)),
            Event::Ended { step } => self.steps.remove(step).map(|step| {
                let took = now.saturating_duration_since(step.begun);
                let took = if took < SHORTEST { "less than a second".to_owned() } else { duration(took) };
                step.said(&format!(": ended after {took}"))
            }),
        };
        if let Some(said) = said {
            put(&mut self.out, &said);
        }
    }
}

impl Step {
    fn said(&self, text: &str) -> String {
        line(Level::Info, self.operator.as_ref().map(Slug::as_str), &format!("{}{text}", self.what))
    }

    /// The line for having come so far, if it is time for one.
    fn advanced(&mut self, now: Instant, done: u64) -> Option<String> {
        let since = now.saturating_duration_since(self.told.0);
        let further = percent(done, self.total) >= percent(self.told.1, self.total).saturating_add(STRIDE);
        if since < LONGEST && !(further && since >= SHORTEST) {
            return None;
        }
        self.told = (now, done);
        let passed = now.saturating_duration_since(self.begun);
        let left = passed.checked_mul(u32::try_from(self.total.saturating_sub(done)).unwrap_or(u32::MAX));
        let left = left.and_then(|left| left.checked_div(u32::try_from(done).unwrap_or(u32::MAX)));
        let left = left.map_or(String::new(), |left| format!(", about {} left", duration(left)));
        let (done, total) = (amount(self.unit, done), amount(self.unit, self.total));
        Some(self.said(&format!(": {} % ({done} of {total}){left}", percent(self.told.1, self.total))))
    }
}

fn percent(done: u64, total: u64) -> u64 {
    u128::from(done).saturating_mul(100).checked_div(total.into()).map_or(100, |percent| percent.min(100) as u64)
}

fn amount(unit: Unit, n: u64) -> String {
    match unit {
        Unit::Bytes => bytes(n),
        Unit::Members => number(n),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use anstream::StripStream;

    use super::*;

    /// What is written when events come at these seconds.
    fn written(events: &[(u64, Event)]) -> Vec<String> {
        let (begun, now) = (Instant::now(), Cell::new(0));
        let mut written = Vec::new();
        let mut lines = Lines::new(StripStream::new(&mut written), || begun + Duration::from_secs(now.get()));
        for (second, event) in events {
            now.set(*second);
            lines.show(event);
        }
        drop(lines);
        String::from_utf8(written).unwrap().lines().map(str::to_owned).collect()
    }

    fn began(unit: Unit, total: u64) -> Event {
        let operator = Some("acme".parse().unwrap());
        Event::Began { step: 1, operator, what: "asking", unit, total }
    }

    fn at(done: u64) -> Event {
        Event::Advanced { step: 1, done }
    }

    #[test]
    fn a_step_is_told_at_its_begin_now_and_then_and_at_its_end() {
        let events = [
            (0, began(Unit::Members, 1_000)),
            (0, at(500)),
            (2, at(590)),
            (3, at(610)),
            (9, at(615)),
            (13, at(616)),
            (15, at(1_000)),
            (15, Event::Ended { step: 1 }),
            (16, at(3)),
            (16, Event::Ended { step: 1 }),
        ];
        let expected = [
            "acme: asking: 1,000 members",
            "acme: asking: 59 % (590 of 1,000), about 1 second left",
            "acme: asking: 61 % (616 of 1,000), about 8 seconds left",
            "acme: asking: 100 % (1,000 of 1,000), about 0 seconds left",
            "acme: asking: ended after 15 seconds",
        ];
        assert_eq!(written(&events), expected);
    }

    #[test]
    fn a_step_of_any_size_is_no_danger() {
        for total in [0, 1, u64::MAX] {
            let events = [(0, began(Unit::Bytes, total)), (11, at(0)), (22, at(1)), (33, at(u64::MAX))];
            assert_eq!(written(&events).len(), 4, "{total}");
        }
    }
}
