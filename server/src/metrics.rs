//! What is counted and measured while insurers are answered, as Prometheus reads it.
//!
//! Counting happens a few times for each chunk and never for an element. Labels are names of insurers, codes and kinds of
//! requests: nothing that an insurer can choose freely, and nothing about a person. What can be looked up instead
//! (budgets, the catalog) is not kept here: [`crate::admin`] adds it when it is asked.

use std::time::Duration;

use blindlist_protocol::refusal::RefusalCode;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// What every name begins with.
pub(crate) const PREFIX: &str = "blindlistd";

/// Bounds of all histograms, in seconds: from a read of the ledger to a chunk that waits for a crowd.
const BOUNDS: [f64; 14] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// One insurer, by name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByInsurer {
    insurer: String,
}

/// An insurer, or nobody that is known, and why it was refused.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByCode {
    insurer: String,
    code: &'static str,
}

/// A kind of request.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByKind {
    kind: &'static str,
}

type PerInsurer = Family<ByInsurer, Counter>;

/// All of it. A clone would be the same one, so there is none.
pub(crate) struct Metrics {
    registry: Registry,
    evaluations: PerInsurer,
    charges: PerInsurer,
    charged: PerInsurer,
    repeats: PerInsurer,
    refusals: Family<ByCode, Counter>,
    /// Without a label, so that it is there before the first one: an alert sees a counter grow only then.
    internal_errors: Counter,
    queued_chunks: Gauge,
    queued_elements: Gauge,
    queueing: Histogram,
    evaluation: Histogram,
    ledger: Histogram,
    request: Family<ByKind, Histogram>,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let histogram = || Histogram::new(BOUNDS);
        let metrics = Self {
            registry: Registry::with_prefix(PREFIX),
            evaluations: Family::default(),
            charges: Family::default(),
            charged: Family::default(),
            repeats: Family::default(),
            refusals: Family::default(),
            internal_errors: Counter::default(),
            queued_chunks: Gauge::default(),
            queued_elements: Gauge::default(),
            queueing: histogram(),
            evaluation: histogram(),
            ledger: histogram(),
            request: Family::new_with_constructor(histogram),
        };
        metrics.registered()
    }

    fn registered(mut self) -> Self {
        let all = &mut self.registry;
        let evaluations = "Elements evaluated and answered, those of repeated chunks included";
        all.register("evaluations", evaluations, self.evaluations.clone());
        all.register("charges", "Chunks charged", self.charges.clone());
        all.register("charged_evaluations", "Evaluations charged", self.charged.clone());
        all.register("repeats", "Chunks answered again without a charge", self.repeats.clone());
        all.register("refusals", "Requests refused; no insurer when it is not known", self.refusals.clone());
        let help = "Requests refused because this server failed, and not the insurer";
        all.register("internal_errors", help, self.internal_errors.clone());
        all.register("queue_chunks", "Chunks that wait for their turn", self.queued_chunks.clone());
        all.register("queue_elements", "Elements in the chunks that wait", self.queued_elements.clone());
        for (name, help, histogram) in [
            ("queueing", "How long a chunk waited for its turn", &self.queueing),
            ("evaluation", "How long a chunk took to be validated, evaluated and proven", &self.evaluation),
            ("ledger", "How long a charge took to be durable", &self.ledger),
        ] {
            all.register_with_unit(name, help, Unit::Seconds, histogram.clone());
        }
        let help = "How long a request took, from when it had come whole to its answer or refusal";
        all.register_with_unit("request", help, Unit::Seconds, self.request.clone());
        self
    }

    /// What was registered, for whoever writes it out.
    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Chunks that wait for their turn, and the elements in them.
    pub(crate) fn queued(&self) -> (u64, u64) {
        (self.queued_chunks.get().cast_unsigned(), self.queued_elements.get().cast_unsigned())
    }

    /// A chunk of so many elements begins to wait; it does until what is returned is dropped.
    pub(crate) fn queue(&self, elements: usize) -> Queued {
        let elements = i64::try_from(elements).unwrap_or(i64::MAX);
        self.queued_chunks.inc();
        self.queued_elements.inc_by(elements);
        Queued { chunks: self.queued_chunks.clone(), elements: (self.queued_elements.clone(), elements) }
    }

    pub(crate) fn queued_for(&self, time: Duration) {
        self.queueing.observe(time.as_secs_f64());
    }

    pub(crate) fn evaluated_in(&self, time: Duration) {
        self.evaluation.observe(time.as_secs_f64());
    }

    pub(crate) fn ledger_took(&self, time: Duration) {
        self.ledger.observe(time.as_secs_f64());
    }

    pub(crate) fn request_took(&self, kind: &'static str, time: Duration) {
        self.request.get_or_create(&ByKind { kind }).observe(time.as_secs_f64());
    }

    pub(crate) fn charged(&self, insurer: &str, evaluations: u32) {
        count(&self.charges, insurer, 1);
        count(&self.charged, insurer, evaluations.into());
    }

    pub(crate) fn repeated(&self, insurer: &str) {
        count(&self.repeats, insurer, 1);
    }

    pub(crate) fn evaluated(&self, insurer: &str, evaluations: u32) {
        count(&self.evaluations, insurer, evaluations.into());
    }

    pub(crate) fn refused(&self, insurer: &str, code: RefusalCode) {
        let label = ByCode { insurer: insurer.to_owned(), code: label(code) };
        self.refusals.get_or_create(&label).inc();
        if code == RefusalCode::Internal {
            self.internal_errors.inc();
        }
    }
}

fn count(family: &PerInsurer, insurer: &str, number: u64) {
    family.get_or_create(&ByInsurer { insurer: insurer.to_owned() }).inc_by(number);
}

/// A chunk that waits.
pub(crate) struct Queued {
    chunks: Gauge,
    elements: (Gauge, i64),
}

impl Drop for Queued {
    fn drop(&mut self) {
        self.chunks.dec();
        self.elements.0.dec_by(self.elements.1);
    }
}

/// A refusal code as a label.
pub(crate) fn label(code: RefusalCode) -> &'static str {
    match code {
        RefusalCode::Malformed => "malformed",
        RefusalCode::TooLarge => "too_large",
        RefusalCode::InvalidElement => "invalid_element",
        RefusalCode::InvalidChunk => "invalid_chunk",
        RefusalCode::InvalidSignature => "invalid_signature",
        RefusalCode::UnknownInsurer => "unknown_insurer",
        RefusalCode::Suspended => "suspended",
        RefusalCode::UnknownEpoch => "unknown_epoch",
        RefusalCode::RetiredEpoch => "retired_epoch",
        RefusalCode::WrongHolders => "wrong_holders",
        RefusalCode::OverBudget => "over_budget",
        RefusalCode::RateLimited => "rate_limited",
        RefusalCode::Busy => "busy",
        RefusalCode::UnknownObject => "unknown_object",
        RefusalCode::Internal => "internal",
        RefusalCode::Unlisted(_) => "unlisted",
    }
}
