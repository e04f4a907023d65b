//! The table of operations, in the contract's order.

use super::scenario::{Ran, Scenario};
use super::{audit, client, evidence, exchange, files, objects, oprf, people, release};

/// An operation: a row of the contract's table.
#[derive(Debug)]
pub struct Operation {
    /// Its name, and its folder's.
    pub name: &'static str,
    /// Runs it.
    pub run: fn(&Scenario) -> Ran,
}

macro_rules! operations {
    ($($name:literal $run:expr,)*) => {
        /// All operations.
        pub const OPERATIONS: &[Operation] = &[$(Operation { name: $name, run: $run }),*];
    };
}

operations! {
    "text" |s| s.run(people::text),
    "signature" |s| s.run(objects::signature),
    "object-sign" objects::sign,
    "object-open" |s| s.run(objects::open),
    "secret-key" |s| s.run(oprf::secret_key),
    "public-key" |s| s.run(oprf::public_key),
    "element" |s| s.run(oprf::element),
    "hash-to-group" |s| s.run(oprf::hash_to_group),
    "prf" |s| s.run(oprf::prf),
    "blinding" |s| s.run(oprf::blinding),
    "identifier" |s| s.run(people::identifier),
    "canary" |s| s.run(people::canary),
    "dictionary" |s| s.run(release::dictionary),
    "entry" |s| s.run(release::entry),
    "label" |s| s.run(release::label),
    "index-encode" |s| s.run(release::index_encode),
    "index-read" |s| s.run(release::index_read),
    "index-look-up" |s| s.run(release::index_look_up),
    "epoch-id" |s| s.run(objects::epoch_id),
    "holder-part" |s| s.run(oprf::holder_part),
    "source" |s| s.run(release::source),
    "segments" |s| s.run(release::segments),
    "audience" |s| s.run(objects::audience),
    "catalog-accept" |s| s.run(client::catalog_accept),
    "successor" |s| s.run(objects::successor),
    "fingerprint" |s| s.run(objects::fingerprint),
    "fingerprint-parse" |s| s.run(objects::fingerprint_parse),
    "job" |s| s.run(exchange::job),
    "chunk-sign" |s| s.run(exchange::chunk_sign),
    "chunk-verify" |s| s.run(exchange::chunk_verify),
    "prove" |s| s.run(oprf::prove),
    "verify" |s| s.run(oprf::verify),
    "verify-composites" |s| s.run(oprf::verify_composites),
    "composites-forgery" |s| s.run(oprf::composites_forgery),
    "evaluate" |s| s.run(exchange::evaluate),
    "answer" |s| s.run(exchange::answer),
    "request" |s| s.run(exchange::request),
    "response" |s| s.run(exchange::response),
    "release-accept" |s| s.run(client::release_accept),
    "match" |s| s.run(client::match_members),
    "log-entry" |s| s.run(audit::log_entry),
    "log-verify" |s| s.run(audit::log_verify),
    "inclusion-prove" |s| s.run(audit::inclusion_prove),
    "inclusion-verify" |s| s.run(audit::inclusion_verify),
    "consistency-prove" |s| s.run(audit::consistency_prove),
    "consistency-verify" |s| s.run(audit::consistency_verify),
    "receipt-sign" |s| s.run(audit::receipt_sign),
    "checkpoint-sign" |s| s.run(audit::checkpoint_sign),
    "note-open" |s| s.run(audit::note_open),
    "cosign" |s| s.run(audit::cosign),
    "checkpoint-accept" |s| s.run(audit::checkpoint_accept),
    "export-read" |s| s.run(audit::export_read),
    "openings-make" |s| s.run(evidence::make),
    "openings-verify" |s| s.run(evidence::verify),
    "succession-accept" |s| s.run(audit::succession_accept),
    "questions-make" |s| s.run(files::questions_make),
    "questions-read" |s| s.run(files::questions_read),
    "answers-make" |s| s.run(files::answers_make),
    "answers-read" |s| s.run(files::answers_read),
}
