//! Requests and responses (SPEC.md, "Messages").

use super::trace;
use super::{Format, Inspection, Part, Value, Verdict};
use crate::chunk;
use crate::log::{Entry, Event};
use crate::message::{Evaluate, Evaluated, Request, Response};
use crate::object;
use crate::oprf::{self, Element, Scalar};
use crate::params::{MAX_AUDIT_ENTRY, MAX_CHUNK, MAX_PATH};

/// What it takes to check a receipt or a checkpoint.
const SIGNED_BY_HOLDER: &str = "its signature is verified with the holder's receipt key (section 22)";
/// Bytes of a scalar.
const SCALAR: usize = 32;

pub(super) fn read_request<'a>(bytes: &'a [u8], inspection: &mut Inspection<'a>) {
    let traced = trace::whole::<Request>(bytes, inspection.offset, inspection.format.section());
    inspection.spans.extend(traced.spans);
    match traced.value {
        Err(failure) => inspection.failure = Some(failure),
        Ok(Request::Evaluate(evaluate)) => chunk(&evaluate, inspection),
        Ok(Request::Catalog | Request::Object(_) | Request::Segment { .. } | Request::Account(_)) => {}
        Ok(Request::Checkpoint(_) | Request::Consistency { .. } | Request::Inclusion { .. }) => {}
        Ok(Request::Succession(_)) => {}
    }
}

pub(super) fn read_response<'a>(bytes: &'a [u8], inspection: &mut Inspection<'a>) {
    let traced = trace::whole::<Response>(bytes, inspection.offset, inspection.format.section());
    inspection.spans.extend(traced.spans);
    match traced.value {
        Err(failure) => inspection.failure = Some(failure),
        Ok(Response::Catalog(_)) => inner(Some(Format::Catalog), inspection),
        Ok(Response::Object(object)) => {
            inspection.find("digest", Verdict::Fact, format!("{} of the object", object::digest(&object)));
            inner(None, inspection);
        }
        Ok(Response::Segment(segment)) => {
            inspection.find("digest", Verdict::Fact, format!("{} of the segment", object::digest(&segment)));
            inspection.find("segment", Verdict::Open, "whether it is the one that the manifest names (MAN-5)");
        }
        Ok(Response::Evaluated(evaluated)) => answer(&evaluated, inspection),
        Ok(Response::Checkpoint(_)) => inspection.find("checkpoint", Verdict::Open, SIGNED_BY_HOLDER),
        Ok(Response::Path(path)) => bounded("path", "hashes", path.len(), MAX_PATH, inspection),
        Ok(Response::Account(_) | Response::Refused(_)) => {}
    }
}

/// What holds of a question by itself (SPEC.md, "Chunks" and "Evaluation").
fn chunk(evaluate: &Evaluate, inspection: &mut Inspection<'_>) {
    let elements = &evaluate.elements;
    if elements.len() <= MAX_CHUNK {
        inspection.find("digest", Verdict::Fact, format!("{} of the chunk (section 15)", chunk::digest(elements)));
    }
    count(elements, inspection);
    if elements.is_sorted_by(|a, b| a < b) {
        inspection.find("order", Verdict::Holds, "the elements ascend strictly by their bytes (section 15)");
    } else {
        let rule = "the elements do not ascend strictly by their bytes (SPEC.md section 15)";
        inspection.find("order", Verdict::Fails, rule);
    }
    decodable(elements, inspection);
    let needed =
        "its message has the operator's key and K in it, and it is verified with the insurer's request-signing key";
    inspection.find("signature", Verdict::Open, needed);
}

/// What holds of an answer by itself (SPEC.md, "Proofs").
fn answer(evaluated: &Evaluated, inspection: &mut Inspection<'_>) {
    let entry = &evaluated.receipt.entry;
    bounded("receipt", "bytes of an entry", entry.len(), MAX_AUDIT_ENTRY, inspection);
    count(&evaluated.elements, inspection);
    decodable(&evaluated.elements, inspection);
    let (c, s) = evaluated.proof.as_bytes().split_at(SCALAR);
    if [c, s].into_iter().all(is_canonical_scalar) {
        let needed = "its scalars are canonical; to verify it takes the question, K and the epoch (section 16)";
        inspection.find("proof", Verdict::Open, needed);
    } else {
        inspection.find("proof", Verdict::Fails, "a scalar is not canonical (SPEC.md section 16, PRF-1)");
    }
    let found = match Entry::decode(entry) {
        Ok(Entry { event: Event::Charge(_), .. }) => (Verdict::Holds, "its entry is a charge (AUD-4)"),
        Ok(_) => (Verdict::Fails, "its entry is another event than a charge (SPEC.md section 22.2, AUD-4)"),
        Err(_) => (Verdict::Fails, "its bytes are no entry of an audit log (SPEC.md section 22.1)"),
    };
    inspection.find("entry", found.0, found.1);
    inspection.find("receipt", Verdict::Open, SIGNED_BY_HOLDER);
}

/// Finds fault with what is longer than its limit.
fn bounded(name: &'static str, what: &str, found: usize, limit: usize, inspection: &mut Inspection<'_>) {
    if found > limit {
        let rule = format!("{found} {what}, where {limit} are allowed (SPEC.md section 18, MSG-2)");
        inspection.find(name, Verdict::Fails, rule);
    }
}

fn count(elements: &[Element], inspection: &mut Inspection<'_>) {
    let found = elements.len();
    if (1..=MAX_CHUNK).contains(&found) {
        inspection.find(
            "number",
            Verdict::Holds,
            format!("{found} of the 1 to {MAX_CHUNK} elements that a chunk may have"),
        );
    } else {
        let rule = format!("{found} elements, where a chunk has 1 to {MAX_CHUNK} (SPEC.md section 15)");
        inspection.find("number", Verdict::Fails, rule);
    }
}

/// Decodes elements, in variable time: what travels is public.
fn decodable(elements: &[Element], inspection: &mut Inspection<'_>) {
    let first = elements.iter().zip(0..).find_map(|(element, i)| oprf::decode(element).err().zip(Some(i)));
    let Some((error, number)) = first else {
        let words =
            "every one is canonical, none is the identity; found in variable time, since they are public (OPRF-2)";
        return inspection.find("elements", Verdict::Holds, words);
    };
    let path = [Part::Field("elements"), Part::Item(number)];
    let offset = inspection.spans.iter().find(|span| span.path.parts() == path).map_or(0, |span| span.offset);
    let words = format!("elements[{number}] at offset {offset} is {error} (SPEC.md section 6, OPRF-2)");
    inspection.find("elements", Verdict::Fails, words);
}

fn is_canonical_scalar(bytes: &[u8]) -> bool {
    let array = <[u8; SCALAR]>::try_from(bytes);
    array.is_ok_and(|array| Scalar::from_canonical_bytes(array).is_some().into())
}

/// Reads the signed object in a response: of this format, or else of the one whose line it has.
fn inner(expected: Option<Format>, inspection: &mut Inspection<'_>) {
    let held = inspection.spans.last().and_then(|span| match span.value {
        Value::Bytes(bytes) => Some((bytes, span.offset + span.length - bytes.len() as u64)),
        // Nothing stands for no bytes as well as for no items.
        Value::Items(_) => Some((&[][..], span.offset + span.length)),
        Value::Number(_) | Value::Text(_) | Value::Present(_) | Value::Alternative(..) | Value::Block { .. } => None,
    });
    let Some((bytes, offset)) = held else { return };
    match expected.or_else(|| Format::of_line(bytes)) {
        Some(Format::Index | Format::Request | Format::Response) | None => {
            inspection.find("object", Verdict::Fails, "it begins with no line of a signed object (SPEC.md section 5)");
        }
        Some(format) => inspection.inner = Some(Box::new(super::at(bytes, format, offset))),
    }
}
