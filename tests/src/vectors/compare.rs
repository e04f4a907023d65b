//! Whether a value is the one that a file expects.
//!
//! The expected JSON leads: it has the contract's form (hexadecimal text, names), what it is compared with is what serde
//! makes of the protocol's types (bytes as arrays of numbers).

use std::collections::BTreeSet;

use blindlist_protocol::epoch::Evidence;
use blindlist_protocol::identifier::Scheme;
use serde_json::{Map, Value, json};

use super::scenario::Difference;
use super::values::unhex;

/// Compares a value with the expected one, member for member.
///
/// # Errors
/// The first place where they differ.
pub fn same(expected: &Value, found: &Value) -> Result<(), Difference> {
    compare("", expected, found)
}

fn compare(path: &str, expected: &Value, found: &Value) -> Result<(), Difference> {
    let equal = match (expected, found) {
        (Value::Object(members), Value::Object(others)) => return compare_members(path, members, others),
        (Value::Array(items), Value::Array(others)) if items.len() == others.len() => {
            let pairs = items.iter().zip(others).enumerate();
            return pairs.into_iter().try_for_each(|(i, (item, other))| compare(&format!("{path}[{i}]"), item, other));
        }
        (Value::Object(_), Value::Array(date)) => date_of(expected).is_some_and(|expected| expected == *date),
        (Value::String(text), Value::Array(bytes)) => {
            unhex(text).is_ok_and(|expected| expected.iter().map(|byte| json!(byte)).eq(bytes.iter().cloned()))
        }
        (Value::String(name), Value::Number(_)) if path.ends_with(".scheme") => {
            name.parse::<Scheme>().is_ok_and(|scheme| json!(scheme) == *found)
        }
        (Value::String(name), Value::String(_)) if path.ends_with(".evidence") => {
            evidence(name).is_some_and(|evidence| json!(evidence) == *found)
        }
        // Bytes are hexadecimal text, and nothing else in the protocol is a list of numbers.
        (Value::Number(_), Value::Number(_)) => expected == found && !path.ends_with(']'),
        (Value::String(_), Value::String(_)) | (Value::Bool(_), Value::Bool(_)) | (Value::Null, Value::Null) => {
            expected == found
        }
        (
            Value::Object(_) | Value::Array(_) | Value::String(_) | Value::Number(_) | Value::Bool(_) | Value::Null,
            _,
        ) => false,
    };
    if equal { Ok(()) } else { Err(differ(path, expected, found)) }
}

fn compare_members(path: &str, members: &Map<String, Value>, others: &Map<String, Value>) -> Result<(), Difference> {
    let names: BTreeSet<&String> = members.keys().chain(others.keys()).collect();
    for name in names {
        let path = format!("{path}.{name}");
        match (members.get(name), others.get(name)) {
            (Some(expected), Some(found)) => compare(&path, expected, found)?,
            (expected, found) => return Err(Difference::new(shown(&path, expected), shown(&path, found))),
        }
    }
    Ok(())
}

/// A date is written as a structure in the contract; in the code it is a tuple.
fn date_of(expected: &Value) -> Option<Vec<Value>> {
    let members = expected.as_object().filter(|members| members.len() == 3)?;
    ["year", "month", "day"].into_iter().map(|name| members.get(name).cloned()).collect()
}

fn evidence(name: &str) -> Option<Evidence> {
    match name {
        "optional" => Some(Evidence::Optional),
        "required" => Some(Evidence::Required),
        _ => None,
    }
}

fn differ(path: &str, expected: &Value, found: &Value) -> Difference {
    Difference::new(shown(path, Some(expected)), shown(path, Some(found)))
}

/// A value at its place, in the contract's form as far as that is plain, and not at any length.
fn shown(path: &str, value: Option<&Value>) -> String {
    let Some(value) = value else { return format!("no {path}") };
    let bytes: Option<Vec<u8>> = serde_json::from_value(value.clone()).ok();
    let mut text = bytes.map_or_else(|| value.to_string(), |bytes| format!("\"{}\"", hex::encode(bytes)));
    if let Some((end, _)) = text.char_indices().nth(300) {
        text.truncate(end);
        text.push('…');
    }
    format!("{path} = {text}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(expected: Value, found: Value) -> bool {
        same(&json!({ "a": expected }), &json!({ "a": found })).is_ok()
    }

    #[test]
    fn bytes_are_lower_case_hexadecimal_text() {
        assert!(holds(json!("01ff"), json!([1, 255])));
        assert!(holds(json!(""), json!([])));
        assert!(holds(json!(["01", "02"]), json!([[1], [2]])));
        for wrong in
            [json!("01FF"), json!("01fe"), json!("01"), json!("01ff00"), json!("1ff"), json!([1, 255]), json!(511)]
        {
            assert!(!holds(wrong.clone(), json!([1, 255])), "{wrong}");
        }
        assert!(!holds(json!(""), Value::Null));
        assert!(!holds(json!("01"), json!(1)));
    }

    #[test]
    fn members_and_items_are_the_same() {
        assert!(holds(json!({ "b": 1, "c": null }), json!({ "c": null, "b": 1 })));
        assert!(!holds(json!({ "b": 1 }), json!({ "b": 1, "c": null })));
        assert!(!holds(json!({ "b": 1, "c": null }), json!({ "b": 1 })));
        assert!(!holds(json!({ "b": 1 }), json!({ "b": 2 })));
        assert!(!holds(json!([{ "b": 1 }]), json!([{ "b": 1 }, { "b": 1 }])));
        assert!(!holds(json!({ "Catalog": {} }), json!("Catalog")));
        assert!(!holds(json!("Catalog"), json!({ "Catalog": [] })));
    }

    #[test]
    fn what_the_code_writes_otherwise_has_its_name() {
        let pair = |name: &str, expected: Value, found: Value| {
            same(&json!({ name: expected }), &json!({ name: found })).is_ok()
        };
        assert!(pair("scheme", json!("person"), json!(Scheme::Person)));
        assert!(!pair("scheme", json!("person"), json!(Scheme::Nir)));
        assert!(!pair("scheme", json!("Person"), json!(Scheme::Person)));
        assert!(!pair("schema", json!("person"), json!(Scheme::Person)));
        assert!(pair("evidence", json!("required"), json!(Evidence::Required)));
        assert!(!pair("evidence", json!("optional"), json!(Evidence::Required)));
        assert!(!pair("evidence", json!("Required"), json!(Evidence::Required)));

        let found = json!("2024-02-29".parse::<blindlist_protocol::text::Date>().unwrap());
        assert!(holds(json!({ "year": 2024, "month": 2, "day": 29 }), found.clone()));
        assert!(!holds(json!({ "year": 2024, "month": 29, "day": 2 }), found.clone()));
        assert!(!holds(json!({ "year": 2024, "month": 2, "day": 29, "hour": 1 }), found.clone()));
        assert!(!holds(json!([2024, 2, 29]), found));
    }
}
