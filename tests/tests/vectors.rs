//! The test vectors, run in the Rust implementation (`tests/vectors/README.md`); and that the runner fails where it must.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests and their helpers")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use blindlist_tests::programs::root;
use blindlist_tests::vectors::operations::OPERATIONS;
use blindlist_tests::vectors::scenario::Scenario;
use blindlist_tests::vectors::{Report, run};
use serde_json::{Value, json};
use tempfile::TempDir;

#[test]
fn every_vector_holds() {
    let report = run(&root().join("tests/vectors")).unwrap();
    println!("{report}");
    let negative: usize = report.negative.values().sum();
    assert!(report.failures.is_empty(), "{} failures, listed above", report.failures.len());
    assert!(negative >= 40, "{negative} scenarios with a failure");
}

#[test]
fn operations_are_those_of_the_contract() {
    let contract = fs::read_to_string(root().join("tests/vectors/README.md")).unwrap();
    let section = contract.split("\n## Operations").nth(1).unwrap();
    let rows = section.lines().skip_while(|line| !line.starts_with("|---")).skip(1);
    let first_cells = rows.map_while(|row| row.strip_prefix('|')?.split('|').next());
    let named: Vec<&str> = first_cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
    assert_eq!(named, OPERATIONS.iter().map(|operation| operation.name).collect::<Vec<_>>());
}

/// What files say that they show is there.
#[test]
fn requirements_are_ids_of_the_specification() {
    let specification = fs::read_to_string(root().join("SPEC.md")).unwrap();
    for operation in OPERATIONS {
        for file in fs::read_dir(root().join("tests/vectors").join(operation.name)).unwrap() {
            let path = file.unwrap().path();
            let scenario: Scenario = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
            for id in scenario.requirements {
                assert!(specification.contains(&format!("[{id}]")), "{}: {id}", path.display());
            }
        }
    }
}

/// No part of an output is left uncompared: with any one changed, no file holds.
#[test]
fn every_part_of_every_output_is_compared() {
    let changed = |scenario: &Value| {
        let outputs = scenario["expect"].get("output").map(changes).into_iter().flatten();
        outputs.map(|output| with(scenario, "/expect/output", output)).collect()
    };
    assert_none_holds(&run_changed(changed));
}

#[test]
fn every_member_of_every_input_is_needed_and_no_other() {
    let changed = |scenario: &Value| {
        let inputs = without_a_member(&scenario["input"]).into_iter();
        let more = with(scenario, "/input/more", json!(1));
        inputs.map(|input| with(scenario, "/input", input)).chain([more]).collect()
    };
    assert_none_holds(&run_changed(changed));
}

/// Runs every file in each of the ways that it can be changed.
fn run_changed(change: impl Fn(&Value) -> Vec<Value>) -> Report {
    let folder = TempDir::new().unwrap();
    for operation in OPERATIONS {
        for file in fs::read_dir(root().join("tests/vectors").join(operation.name)).unwrap() {
            let path = file.unwrap().path();
            let scenario = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
            for (i, changed) in change(&scenario).into_iter().enumerate() {
                let name = format!("{}/{}-{i}.json", operation.name, path.file_stem().unwrap().display());
                write(folder.path(), &name, &changed.to_string());
            }
        }
    }
    run(folder.path()).unwrap()
}

fn assert_none_holds(report: &Report) {
    assert!(report.failures.len() > 1_000, "{} files are too few", report.failures.len());
    assert!(report.positive.is_empty(), "they hold: {:?}", report.positive);
    assert!(report.negative.is_empty(), "they hold: {:?}", report.negative);
}

/// The value without one of its members, or of the members of one of them, in every way.
fn without_a_member(value: &Value) -> Vec<Value> {
    let Value::Object(members) = value else { return vec![] };
    let without = |name: &String| {
        let mut members = members.clone();
        members.remove(name);
        json!(members)
    };
    let inner = members.iter().flat_map(|(name, inner)| {
        without_a_member(inner).into_iter().map(move |inner| with(value, &format!("/{name}"), inner))
    });
    members.keys().map(without).chain(inner).collect()
}

/// The value with one thing in it changed, in several ways; of a list the first, the middle and the last item.
fn changes(value: &Value) -> Vec<Value> {
    match value {
        Value::Null => vec![json!(0), json!("")],
        Value::Bool(value) => vec![json!(!value)],
        Value::Number(number) => vec![json!(number.as_u64().unwrap() ^ 1), json!(number.to_string()), Value::Null],
        Value::String(text) if text.contains(|c: char| c.is_ascii_lowercase()) => {
            vec![json!(text.to_uppercase()), json!(format!("{text}00")), json!([text])]
        }
        Value::String(text) => vec![json!(format!("{text}00")), json!([text])],
        Value::Array(items) => {
            let places = BTreeSet::from([0, items.len() / 2, items.len().saturating_sub(1)]);
            let inner = places.into_iter().filter_map(|place| Some((place, items.get(place)?)));
            let inner = inner.flat_map(|(place, item)| changes(item).into_iter().map(move |changed| (place, changed)));
            let replaced = inner.map(|(place, changed)| {
                let mut items = items.clone();
                items[place] = changed;
                json!(items)
            });
            replaced.chain([json!([items.as_slice(), &[json!("00")]].concat())]).collect()
        }
        Value::Object(members) => {
            let inner = members.iter().flat_map(|(name, inner)| {
                changes(inner).into_iter().map(move |changed| with(value, &format!("/{name}"), changed))
            });
            inner.chain(without_a_member(value)).chain([with(value, "/more", json!(1))]).collect()
        }
    }
}

/// The value with something else at a JSON pointer.
fn with(value: &Value, pointer: &str, new: Value) -> Value {
    let mut changed = value.clone();
    let (parent, member) = pointer.rsplit_once('/').unwrap();
    changed.pointer_mut(parent).unwrap()[member] = new;
    changed
}

/// A scenario that holds: `text` is the operation that needs no cryptography.
fn good() -> Value {
    json!({
        "about": "A name.",
        "requirements": [],
        "operation": "text",
        "input": { "type": "slug", "text": "a" },
        "expect": { "output": {} },
    })
}

/// A scenario of another operation.
fn scenario(operation: &str, input: &Value, expect: &Value) -> Value {
    json!({ "about": "x", "requirements": [], "operation": operation, "input": input, "expect": expect })
}

fn write(folder: &Path, path: &str, content: &str) {
    let path = folder.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

/// Runs one file, and says what the report says of it: nothing when it holds.
fn run_one(path: &str, content: &str) -> Option<String> {
    let folder = TempDir::new().unwrap();
    write(folder.path(), path, content);
    let Report { failures, .. } = run(folder.path()).unwrap();
    let failure = failures.into_iter().find(|failure| !failure.file.ends_with('/'));
    failure.map(|failure| format!("{}: {:?}", failure.file, failure.difference))
}

fn assert_fails(content: &Value, says: &str) {
    let operation = content["operation"].as_str().unwrap();
    let said = run_one(&format!("{operation}/x.json"), &content.to_string());
    let said = said.unwrap_or_else(|| panic!("it holds: {content}"));
    assert!(said.contains(says), "{said}\ndoes not say {says:?}");
}

fn assert_holds(content: &Value) {
    let operation = content["operation"].as_str().unwrap();
    assert_eq!(run_one(&format!("{operation}/x.json"), &content.to_string()), None);
}

#[test]
fn files_are_read_strictly() {
    assert_holds(&good());
    assert_fails(&with(&good(), "/more", json!(1)), "unknown field");
    assert_fails(&with(&good(), "/input/more", json!(1)), "unknown field");
    assert_fails(&with(&good(), "/expect/more", json!(1)), "did not match");
    assert_fails(&with(&good(), "/expect", json!({ "layer": "text" })), "did not match");
    assert_fails(&with(&good(), "/expect", json!({ "layer": "text", "errors": [] })), "errors");
    assert_fails(&with(&good(), "/about", json!("")), "about");
    assert_fails(&with(&good(), "/input/type", json!("Slug")), "unknown variant");
    for member in ["about", "requirements", "operation", "input", "expect"] {
        let mut missing = good();
        missing.as_object_mut().unwrap().remove(member);
        let said = run_one("text/x.json", &missing.to_string()).unwrap();
        assert!(said.contains(&format!("missing field `{member}`")), "{said}");
    }
    for member in ["type", "text"] {
        let mut missing = good();
        missing["input"].as_object_mut().unwrap().remove(member);
        assert_fails(&missing, "missing field");
    }
}

#[test]
fn files_stand_where_they_belong() {
    let good = good().to_string();
    assert_eq!(run_one("text/x.json", &good), None);
    for path in ["x.json", "texts/x.json", "text/deeper/x.json", "text/x.txt", "element/x.json", "Text/x.json"] {
        assert!(run_one(path, &good).is_some(), "{path}");
    }
    assert!(run_one("text/x.json", "").unwrap().contains("EOF"));
}

#[test]
fn what_differs_fails() {
    assert_fails(&with(&good(), "/input/text", json!("A")), "text: slug");
    assert_fails(&with(&good(), "/expect", json!({ "layer": "text", "errors": ["slug"] })), "an output");
    assert_fails(&with(&good(), "/expect/output", json!({ "more": 1 })), ".more");
    let refused = |layer: &str, errors: &[&str]| {
        scenario("text", &json!({ "type": "slug", "text": "A" }), &json!({ "layer": layer, "errors": errors }))
    };
    assert_holds(&refused("text", &["title", "slug"]));
    assert_fails(&refused("text", &["title"]), "text: slug");
    assert_fails(&refused("encoding", &["slug"]), "text: slug");

    // k = 1, so K = G (RFC 9496, appendix A.1).
    let (one, g) =
        (format!("01{}", "00".repeat(31)), "e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76");
    let key = |key: &str, public: &str| {
        scenario("secret-key", &json!({ "key": key }), &json!({ "output": { "public_key": public } }))
    };
    assert_holds(&key(&one, g));
    assert_fails(&key(&one, &g.to_uppercase()), ".public_key");
    assert_fails(&key(&one, &g.replace("76", "77")), ".public_key");
    assert_fails(&key(&one.replace("01", "0A"), g), "lower-case");
    assert_fails(&key(&one[2..], g), "31 bytes where there must be 32");
}

#[test]
fn every_operation_needs_a_scenario_that_holds() {
    let folder = TempDir::new().unwrap();
    write(
        folder.path(),
        "text/x.json",
        &with(&good(), "/expect", json!({ "layer": "text", "errors": ["slug"] })).to_string(),
    );
    let report = run(folder.path()).unwrap();
    let missing: Vec<&str> = report.failures.iter().filter_map(|failure| failure.file.strip_suffix('/')).collect();
    assert_eq!(missing, OPERATIONS.iter().map(|operation| operation.name).collect::<Vec<_>>());
}

/// [PRF-4]: the runner's batched `VerifyProof` takes the RFC's own batch, and Blindlist's verifier does not.
#[test]
fn the_batch_of_rfc_9497_holds_by_its_composites_only() {
    let file = fs::read_to_string(root().join("tests/vectors/rfc9497-ristretto255-sha512.json")).unwrap();
    let suites: Value = serde_json::from_str(&file).unwrap();
    let suite = suites.as_array().unwrap().iter().find(|suite| suite["mode"] == 1).unwrap();
    let vector = suite["vectors"].as_array().unwrap().iter().find(|vector| vector["Batch"] == 2).unwrap();
    let list = |name: &str| vector[name].as_str().unwrap().split(',').collect::<Vec<_>>();
    let key = &suite["pkSm"];
    let input = |evaluated: Vec<&str>| {
        json!({
            "key": key, "epoch": "00".repeat(32), "holders": "01", "holder": 1, "public_part": key,
            "blinded": list("BlindedElement"), "evaluated": evaluated, "proof": vector["Proof"]["proof"],
        })
    };
    let honest = list("EvaluationElement");
    let swapped: Vec<&str> = honest.iter().rev().copied().collect();
    let (holds, invalid) = (json!({ "output": {} }), json!({ "layer": "proof", "errors": ["invalid"] }));
    assert_holds(&scenario("verify-composites", &input(honest.clone()), &holds));
    assert_holds(&scenario("verify-composites", &input(swapped), &invalid));
    assert_holds(&scenario("verify", &input(honest), &invalid));
}
