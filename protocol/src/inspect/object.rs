//! Signed objects (SPEC.md, "Signatures and signed objects" and sections 10 to 13 and 24).

use super::trace;
use super::{Format, Inspection, Path, Problem, Type, Value, Verdict};
use crate::enrolment::Fingerprint;
use crate::object::{self, Kind};
use crate::signature::Signature;

/// Bytes of the signature that ends an object.
const SIGNATURE: usize = 64;

/// Reads line ‖ body ‖ signature.
pub(super) fn read<'a, T: Kind>(bytes: &'a [u8], inspection: &mut Inspection<'a>) {
    let Some(rest) = inspection.line(bytes) else { return };
    identity(bytes, inspection);
    let base = inspection.offset + T::LINE.len() as u64;
    let Some((body, signature)) = rest.split_last_chunk::<SIGNATURE>() else {
        let problem = Problem::CutShort { needed: SIGNATURE as u64, left: rest.len() as u64 };
        return inspection.fail(base, Path::of("signature"), problem, 5);
    };
    let traced = trace::whole::<T>(body, base, inspection.format.section());
    inspection.spans.extend(traced.spans);
    let value = match traced.value {
        Ok(value) => value,
        Err(failure) => {
            inspection.failure = Some(failure);
            return inspection.find(
                "signature",
                Verdict::Open,
                "the last 64 bytes were taken for it, not for the body",
            );
        }
    };
    let offset = base + body.len() as u64;
    inspection.push(offset, SIGNATURE as u64, Path::of("signature"), Type::Signature, Value::Bytes(signature));
    rules(&value, inspection);
    let message = bytes.strip_suffix(signature).unwrap_or_default();
    match value.signer().verify(message, &Signature::from_bytes(*signature)) {
        Ok(()) => inspection.find(
            "signature",
            Verdict::Holds,
            format!(
                "it holds under {}, the key that the object itself names; whose key that is, it does not say",
                signer(inspection.format)
            ),
        ),
        Err(_) => inspection.find(
            "signature",
            Verdict::Fails,
            format!(
                "it does not hold under {}, the key that the object names (SPEC.md section 5)",
                signer(inspection.format)
            ),
        ),
    }
    inspection.find("beyond it", Verdict::Open, beyond(inspection.format));
}

/// How others call the object.
fn identity(bytes: &[u8], inspection: &mut Inspection<'_>) {
    match inspection.format {
        Format::EnrolmentRequest | Format::Bundle => {
            inspection.find("fingerprint", Verdict::Fact, Fingerprint::of(bytes).to_string());
        }
        Format::EpochRecord
        | Format::Manifest
        | Format::Catalog
        | Format::Succession
        | Format::Index
        | Format::Request
        | Format::Response
        | Format::Questions
        | Format::Answers => inspection.find("digest", Verdict::Fact, object::digest(bytes).to_string()),
    }
}

fn rules<T: Kind>(value: &T, inspection: &mut Inspection<'_>) {
    let section = inspection.format.section();
    match value.check() {
        Ok(()) => inspection.find(
            "rules",
            Verdict::Holds,
            format!("those of SPEC.md section {section} that need nothing but the object"),
        ),
        Err(broken) => inspection.find("rules", Verdict::Fails, format!("{broken} (SPEC.md section {section})")),
    }
}

/// The field that names the signer.
fn signer(format: Format) -> &'static str {
    match format {
        Format::EnrolmentRequest => "signing_key",
        Format::Succession => "new_key",
        Format::EpochRecord
        | Format::Manifest
        | Format::Catalog
        | Format::Bundle
        | Format::Index
        | Format::Request
        | Format::Response
        | Format::Questions
        | Format::Answers => "operator_key",
    }
}

/// What the object alone cannot tell.
fn beyond(format: Format) -> &'static str {
    match format {
        Format::EpochRecord => {
            "whether operator_key is the pinned one (OBJ-2), and whether a live catalog snapshot names this record"
        }
        Format::Manifest => {
            "whether operator_key is the pinned one (OBJ-2), whether catalog snapshot and epoch record agree with it (MAN-4, \
             CAT-6), and whether the index is the one described (IDX-6, MAN-5)"
        }
        Format::Catalog => {
            "whether operator_key is the pinned one (OBJ-2), whether it has expired (CAT-3), and whether a higher sequence, or \
             another snapshot with this one, has been seen (CAT-2)"
        }
        Format::EnrolmentRequest => "whose it is: that rests on the fingerprint, compared over another channel (ENR-2)",
        Format::Bundle => {
            "whose it is: that rests on the fingerprint, compared over another channel (ENR-2); whether the keys are the \
             insurer's own (ENR-3); whether the certificates are what section 20 wants"
        }
        Format::Succession => {
            "whether old_key is the pinned manifest key, and whether new_key has the hash that was pinned as its successor's \
             (SUC-2)"
        }
        Format::Index | Format::Request | Format::Response | Format::Questions | Format::Answers => "",
    }
}
