//! Events in JSON, for people: bytes in hexadecimal, choices by their names (SPEC.md, "Exports").

use super::export::hexadecimal;
use super::{Charge, Event, Status};
use serde_json::{Value, json};

/// What an event says. Readers of an export take nothing from it.
pub(super) fn event(event: &Event) -> Value {
    match event {
        Event::Charge(charge) => self::charge(charge),
        Event::Refusal { insurer, epoch, code, value } => json!({"refusal": {
            "insurer": insurer.to_string(), "epoch": epoch.to_string(),
            "code": u16::from(*code), "meaning": code.to_string(), "value": value,
        }}),
        Event::Enrolment { insurer, name, signing_key, certificate } => json!({"enrolment": {
            "insurer": insurer.to_string(), "name": name.as_str(),
            "signing_key": signing_key.to_string(), "certificate": certificate.to_string(),
        }}),
        Event::Keys { insurer, signing_key, certificate } => json!({"keys": {
            "insurer": insurer.to_string(),
            "signing_key": signing_key.to_string(), "certificate": certificate.to_string(),
        }}),
        Event::Status { insurer, status } => json!({"status": {
            "insurer": insurer.to_string(), "status": match status {
                Status::Active => "active",
                Status::Suspended => "suspended",
                Status::Revoked => "revoked",
            },
        }}),
        Event::Budget { insurer, epoch, granted } => json!({"budget": {
            "insurer": insurer.to_string(), "epoch": epoch.to_string(), "granted": granted,
        }}),
        Event::Epoch { epoch, operator_key, key, record } => json!({"epoch": {
            "epoch": epoch.to_string(), "operator_key": operator_key.to_string(),
            "key": hexadecimal(key.element().as_bytes()), "record": record.to_string(),
        }}),
        Event::Release { epoch, manifest } => json!({"release": {
            "epoch": epoch.to_string(), "manifest": manifest.to_string(),
        }}),
        Event::Retirement { epoch } => json!({"retirement": {"epoch": epoch.to_string()}}),
        Event::Succession { old_key, new_key } => json!({"succession": {
            "old_key": old_key.to_string(), "new_key": new_key.to_string(),
        }}),
        Event::Continuation { ledger, size, root } => json!({"continuation": {
            "ledger": ledger.to_string(), "size": size, "root": root.to_string(),
        }}),
    }
}

fn charge(charge: &Charge) -> Value {
    json!({"charge": {
        "insurer": charge.insurer.to_string(),
        "epoch": charge.epoch.to_string(),
        "holders": charge.holders.indices(),
        "job": charge.job.to_string(),
        "number": charge.number,
        "count": charge.count,
        "digest": charge.digest.to_string(),
        "signature": hexadecimal(charge.signature.as_bytes()),
        "spent": charge.spent,
    }})
}
