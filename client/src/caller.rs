//! Whoever called: it may interrupt long work, and hears how far that is.

use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use blindlist_protocol::text::Slug;
use futures_util::Stream;
use serde::Serialize;
use tokio::sync::{mpsc, watch};

use crate::ClientError;

/// The shortest time between two reports of one step.
const BETWEEN_REPORTS: Duration = Duration::from_millis(100);

/// Who called. Long work asks now and then whether it is to end, and ends in good order: temporary files are removed.
///
/// Clones are the same caller.
#[derive(Clone, Debug)]
pub struct Caller {
    interrupted: watch::Receiver<bool>,
    events: Option<mpsc::UnboundedSender<Event>>,
    steps: Arc<AtomicU64>,
    operator: Option<Slug>,
}

/// Ends what a [`Caller`] called. What was paid for is kept.
#[derive(Clone, Debug)]
pub struct Interrupt(watch::Sender<bool>);

/// What a [`Caller`] hears, until everything that it called has ended.
#[derive(Debug)]
pub struct Progress(mpsc::UnboundedReceiver<Event>);

/// Something that happened. No cell of a member file, identifier or secret is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// One line for people.
    Told {
        /// How much it matters.
        level: Level,
        /// The operator that it is about, when there are several.
        #[serde(skip_serializing_if = "Option::is_none")]
        operator: Option<Slug>,
        /// The line.
        line: String,
    },
    /// A step that takes time begins.
    Began {
        /// Its number, by which the other two name it.
        step: u64,
        /// The operator that it is about, when there are several.
        #[serde(skip_serializing_if = "Option::is_none")]
        operator: Option<Slug>,
        /// What is done.
        what: &'static str,
        /// What is counted.
        unit: Unit,
        /// How many there are.
        total: u64,
    },
    /// A step has come so far. Not every advance is told.
    Advanced {
        /// Its number.
        step: u64,
        /// How many are done.
        done: u64,
    },
    /// A step is over, whether it succeeded or not.
    Ended {
        /// Its number.
        step: u64,
    },
}

/// How much an event matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// What is done and found.
    Info,
    /// What somebody should look at.
    Warning,
}

/// What a step counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// Members, canaries and padding included.
    Members,
}

impl Caller {
    /// A caller, by which it interrupts, and what it hears.
    #[must_use]
    pub fn new() -> (Self, Interrupt, Progress) {
        let (interrupt, interrupted) = watch::channel(false);
        let (events, progress) = mpsc::unbounded_channel();
        let caller = Self { interrupted, events: Some(events), steps: Arc::default(), operator: None };
        (caller, Interrupt(interrupt), Progress(progress))
    }

    /// One that never interrupts and hears nothing.
    #[must_use]
    pub fn nobody() -> Self {
        Self { interrupted: watch::channel(false).1, events: None, steps: Arc::default(), operator: None }
    }

    /// The same caller, who is told that everything is about this operator.
    #[must_use]
    pub(crate) fn about(&self, operator: &Slug) -> Self {
        Self { operator: Some(operator.clone()), ..self.clone() }
    }

    /// To be asked between two steps of a computation.
    ///
    /// # Errors
    /// [`ClientError::Interrupted`] once it has interrupted.
    pub fn check(&self) -> Result<(), ClientError> {
        if *self.interrupted.borrow() { Err(ClientError::Interrupted) } else { Ok(()) }
    }

    /// Waits for `work`, but not longer than until it is interrupted.
    ///
    /// # Errors
    /// [`ClientError::Interrupted`] once it is, else those of `work`.
    pub async fn or<T, E>(&self, work: impl Future<Output = Result<T, E>>) -> Result<T, ClientError>
    where
        ClientError: From<E>,
    {
        let mut interrupted = self.interrupted.clone();
        tokio::select! {
            done = work => Ok(done?),
            Ok(_) = interrupted.wait_for(|interrupted| *interrupted) => Err(ClientError::Interrupted),
        }
    }

    /// Tells one line.
    pub(crate) fn note(&self, line: impl Into<String>) {
        self.tell(Level::Info, line.into());
    }

    /// Tells one line that somebody should look at.
    pub(crate) fn warn(&self, line: impl Into<String>) {
        self.tell(Level::Warning, line.into());
    }

    fn tell(&self, level: Level, line: String) {
        self.send(Event::Told { level, operator: self.operator.clone(), line });
    }

    /// Begins a step of so many units. It ends when the meter is dropped.
    pub(crate) fn meter(&self, what: &'static str, unit: Unit, total: u64) -> Meter {
        let step = self.steps.fetch_add(1, Ordering::Relaxed) + 1;
        self.send(Event::Began { step, operator: self.operator.clone(), what, unit, total });
        Meter { caller: self.clone(), step, state: Mutex::new((0, Instant::now())) }
    }

    fn send(&self, event: Event) {
        if let Some(events) = &self.events {
            // Who hears no longer is not told.
            let _ = events.send(event);
        }
    }
}

impl Interrupt {
    /// Ends everything that was called, soon and in good order.
    pub fn now(&self) {
        self.0.send_replace(true);
    }
}

impl Stream for Progress {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        self.0.poll_recv(context)
    }
}

/// How far a step is.
pub(crate) struct Meter {
    caller: Caller,
    step: u64,
    /// What is done, and when that was told last.
    state: Mutex<(u64, Instant)>,
}

impl fmt::Debug for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Meter({})", self.step)
    }
}

impl Meter {
    /// So many more are done.
    pub(crate) fn add(&self, more: u64) {
        self.report(|done| done + more);
    }

    /// So many are done.
    pub(crate) fn set(&self, done: u64) {
        self.report(|_| done);
    }

    fn report(&self, change: impl FnOnce(u64) -> u64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.0 = change(state.0);
        if state.1.elapsed() >= BETWEEN_REPORTS {
            state.1 = Instant::now();
            self.caller.send(Event::Advanced { step: self.step, done: state.0 });
        }
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.caller.send(Event::Ended { step: self.step });
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;

    use super::*;
    use crate::tests::operator::run;

    #[test]
    fn a_caller_hears_everything_in_order_and_then_the_end() {
        let (caller, _interrupt, progress) = Caller::new();
        caller.note("a");
        let about = caller.about(&"op".parse().unwrap());
        let meter = about.meter("counting", Unit::Members, 3);
        meter.add(2);
        about.warn("b");
        drop((caller, about, meter));
        let events: Vec<Event> = run(progress.collect());
        let operator = Some("op".parse::<Slug>().unwrap());
        let told = |level, operator, line: &str| Event::Told { level, operator, line: line.to_owned() };
        let began =
            Event::Began { step: 1, operator: operator.clone(), what: "counting", unit: Unit::Members, total: 3 };
        let expected =
            [told(Level::Info, None, "a"), began, told(Level::Warning, operator, "b"), Event::Ended { step: 1 }];
        assert_eq!(events, expected);
        let json = serde_json::to_string(&events[0]).unwrap();
        assert_eq!(json, r#"{"event":"told","level":"info","line":"a"}"#);
    }

    #[test]
    fn an_interrupt_ends_what_waits_and_what_computes() {
        let (caller, interrupt, _progress) = Caller::new();
        assert!(caller.check().is_ok());
        interrupt.now();
        assert!(matches!(caller.check(), Err(ClientError::Interrupted)));
        let waits = caller.or(std::future::pending::<Result<(), ClientError>>());
        assert!(matches!(run(waits), Err(ClientError::Interrupted)));
    }
}
