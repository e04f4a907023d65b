//! `summary.json` fits its schema, and the terminal says what matters.

use serde_json::{Map, Value, json};

use super::*;

const SCHEMA_FILE: &str = include_str!("../../../../docs/summary.schema.json");

/// A check of two operators, of which one is missing when it is not complete.
pub(crate) fn sample(complete: bool) -> Summary {
    let list = |name: &str, incident: Option<&str>, rows| ListSummary {
        list: name.parse().unwrap(),
        title: format!("Fuite <b>d'été</b> & {name}"),
        release: "0".repeat(32),
        manifest: "1".repeat(64),
        created: "2026-09-21T14:13:20Z".to_owned(),
        incident: incident.map(str::to_owned),
        entries: 33_000_004,
        false_positive_bits: 40,
        expected_false_positives: 98_000.0 / 2_f64.powi(40),
        affected_rows: rows,
        categories: [("nir", rows), ("birth-date", rows / 3), ("health_insurer", 0)]
            .map(|(name, rows)| (name.parse().unwrap(), rows))
            .to_vec(),
    };
    let first = OperatorSummary {
        operator: "almerys".to_owned(),
        profile: "profiles/almerys".into(),
        insurer: Some("mutuelle".parse().unwrap()),
        status: Status::Answered,
        problem: None,
        resumable: false,
        code: Code::Done,
        catalog: Some(CatalogSummary { sequence: 12, digest: "2".repeat(64) }),
        epochs: vec![EpochSummary {
            epoch: "3".repeat(64),
            job: Some("4".repeat(32)),
            asked: 65_536,
            members: 60_000,
            canaries: 4,
            padding: 5_532,
            remembered: 38_000,
        }],
        remaining: Some(120_000),
        logs: vec![LogSummary { ledger: "5".repeat(32), size: 1, root: "6".repeat(64) }],
        lists: vec![list("jan-2024", Some("2024-01-28/2024-02-03"), 21_000), list("old", None, 0)],
        evidence: Some("profiles/almerys/evidence".into()),
    };
    let second = if complete {
        let lists = vec![list("feb-2024", Some("2024-02-05"), 7)];
        OperatorSummary { operator: "viamedis".to_owned(), lists, evidence: None, ..first.clone() }
    } else {
        let problem = Some("cannot reach viamedis.example:4433 <no answer>".to_owned());
        let lost = ClientError::from(blindlist_transport::TransportError::Lost);
        let absent =
            OperatorSummary::absent("viamedis".to_owned(), Path::new("profiles/viamedis"), Status::Missing, &lost);
        OperatorSummary { problem, ..absent }
    };
    let reason = |n: u64| ReasonSummary { column: "nir", reason: format!("reason number {n}"), rows: 400 >> n };
    Summary {
        schema: SCHEMA,
        program: ProgramSummary { name: "blindlist", version: "0.1.0" },
        started: "2026-09-21T14:13:20Z".to_owned(),
        finished: "2026-09-21T14:20:00Z".to_owned(),
        complete,
        members: MembersSummary {
            file: "exports/adhérents <2026>.xlsx".into(),
            sha256: "7".repeat(64),
            rows: 100_000,
            distinct: 98_000,
            rejected: 793,
            rejected_by_reason: (0..7).map(reason).collect(),
        },
        affected: AffectedSummary { rows: 21_003, people: 20_500 },
        operators: vec![first, second],
        results: crate::check::results::files(blindlist_records::Format::Csv, false),
        out: "out".into(),
    }
}

/// Makes sure that a summary fits docs/summary.schema.json.
pub(crate) fn assert_fits(summary: &Value) {
    let schema: Value = serde_json::from_str(SCHEMA_FILE).unwrap();
    fits(&schema, &schema, summary, "summary").unwrap();
}

/// The part of JSON Schema that ours uses. A keyword that is not known is an error, so that none is passed over.
fn fits(root: &Value, schema: &Value, value: &Value, place: &str) -> Result<(), String> {
    for (keyword, rule) in schema.as_object().unwrap() {
        let holds = match keyword.as_str() {
            "$schema" | "$defs" | "title" | "description" | "properties" => true,
            "$ref" => {
                let target = root.pointer(rule.as_str().unwrap().strip_prefix('#').unwrap()).expect("a target");
                fits(root, target, value, place)?;
                true
            }
            "const" => value == rule,
            "enum" => rule.as_array().unwrap().contains(value),
            "type" => {
                let types = rule.as_array().map_or(std::slice::from_ref(rule), Vec::as_slice);
                types.iter().any(|kind| is_of_type(value, kind.as_str().unwrap()))
            }
            "minimum" => value.as_f64().is_none_or(|number| number >= rule.as_f64().unwrap()),
            "pattern" => value.as_str().is_none_or(|text| has_pattern(text, rule.as_str().unwrap())),
            "anyOf" => rule.as_array().unwrap().iter().any(|schema| fits(root, schema, value, place).is_ok()),
            "items" => each(value.as_array().into_iter().flatten(), |item| fits(root, rule, item, place))?,
            "required" => {
                let object = value.as_object();
                object.is_none_or(|object| {
                    rule.as_array().unwrap().iter().all(|name| object.contains_key(name.as_str().unwrap()))
                })
            }
            "propertyNames" => each(keys(value), |name| fits(root, rule, &json!(name), place))?,
            "additionalProperties" => {
                let empty = json!({});
                let known = schema.get("properties").unwrap_or(&empty);
                each(value.as_object().into_iter().flatten(), |(name, value)| {
                    let place = format!("{place}.{name}");
                    match (known.get(name), rule) {
                        (Some(schema), _) => fits(root, schema, value, &place),
                        (None, Value::Bool(false)) => Err(format!("{place} is not named")),
                        (None, rule) => fits(root, rule, value, &place),
                    }
                })?
            }
            other => panic!("{other} is not known here"),
        };
        if !holds {
            return Err(format!("{place}: {keyword} does not hold"));
        }
    }
    Ok(())
}

fn each<T>(mut items: impl Iterator<Item = T>, check: impl FnMut(T) -> Result<(), String>) -> Result<bool, String> {
    items.try_for_each(check).map(|()| true)
}

fn keys(value: &Value) -> impl Iterator<Item = &String> {
    value.as_object().into_iter().flat_map(Map::keys)
}

fn is_of_type(value: &Value, kind: &str) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "integer" => value.is_u64(),
        "number" => value.is_number(),
        other => panic!("{other} is not known here"),
    }
}

fn has_pattern(text: &str, pattern: &str) -> bool {
    let hex = |text: &str| !text.is_empty() && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    match pattern {
        "^[0-9a-f]{64}$" => text.len() == 64 && hex(text),
        "^[0-9a-f]+$" => hex(text),
        "^[a-z0-9][a-z0-9_-]{0,63}$" => text.parse::<Slug>().is_ok(),
        "^[0-9]{4}-[0-9]{2}-[0-9]{2}(/[0-9]{4}-[0-9]{2}-[0-9]{2})?$" => {
            text.split('/').count() <= 2
                && text.split('/').all(|day| day.parse::<blindlist_protocol::text::Date>().is_ok())
        }
        other => panic!("{other} is not known here"),
    }
}

#[test]
fn a_summary_fits_its_schema() {
    for complete in [true, false] {
        assert_fits(&serde_json::from_slice(&sample(complete).to_json().unwrap()).unwrap());
    }
}

#[test]
fn the_schema_refuses_what_is_none() {
    let schema: Value = serde_json::from_str(SCHEMA_FILE).unwrap();
    let good: Value = serde_json::from_slice(&sample(true).to_json().unwrap()).unwrap();
    for (pointer, value) in [
        ("/schema", json!(1)),
        ("/complete", json!("yes")),
        ("/members/sha256", json!("abc")),
        ("/members/rejected_by_reason/0/rows", json!(-1)),
        ("/operators/0/status", json!("late")),
        ("/operators/0/insurer", json!("An Insurer")),
        ("/operators/0/catalog/digest", json!(null)),
        ("/operators/0/lists/0/incident", json!("soon")),
        ("/operators/0/lists/0/categories", json!({"An Iban": 1})),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).unwrap() = value;
        assert!(fits(&schema, &schema, &bad, "summary").is_err(), "{pointer}");
    }
}

/// So that nothing is in a summary that the schema does not name, and the other way round.
#[test]
fn the_schema_names_every_field_and_no_other() {
    fn objects(schema: &Value, found: &mut usize) {
        if let Some(properties) = schema.get("properties") {
            *found += 1;
            assert_eq!(schema["additionalProperties"], false, "{schema}");
            let mut required: Vec<&str> =
                schema["required"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
            let mut named: Vec<&String> = keys(properties).collect();
            required.sort_unstable();
            named.sort_unstable();
            assert_eq!(named, required);
        }
        for inner in schema.as_object().into_iter().flat_map(Map::values).chain(schema.as_array().into_iter().flatten())
        {
            objects(inner, found);
        }
    }
    let mut found = 0;
    objects(&serde_json::from_str(SCHEMA_FILE).unwrap(), &mut found);
    assert_eq!(found, 10);
}

#[test]
fn a_path_that_is_no_unicode_is_no_obstacle() {
    use std::os::unix::ffi::OsStringExt;
    let odd = std::ffi::OsString::from_vec(b"caf\xe9.csv".to_vec());
    let mut summary = sample(true);
    summary.members.file = odd.clone().into();
    summary.operators[0].profile = odd.clone().into();
    summary.operators[0].evidence = Some(odd.into());
    let json: Value = serde_json::from_slice(&summary.to_json().unwrap()).unwrap();
    assert_eq!(json["members"]["file"], "caf\u{fffd}.csv");
}

#[test]
fn the_terminal_says_what_matters() {
    let shown = sample(true).to_string();
    let expected = [
        "21,000 of 99,207 checked members are on the list \"jan-2024\" of almerys",
        "       21,000  nir",
        "        7,000  birth-date",
        "0 of 99,207 checked members are on the list \"old\" of almerys",
        "793 of 100,000 rows could NOT be checked, so nobody knows whether they are affected:",
        "          400  nir: reason number 0",
        "           25  nir: reason number 4",
        "  and 2 more reasons, in summary.json",
        "  rejected.csv says which",
        "results   out",
        "          affected.csv  rejected.csv  report.html  summary.json",
        "operator  viamedis",
        "budget    65,536 evaluations used, 120,000 left, 38,000 remembered",
        "log       1 entries, root 6666666666666666666666666666666666666666666666666666666666666666",
    ];
    for line in expected {
        assert!(shown.lines().any(|shown| shown == line), "{line}\n\n{shown}");
    }
    assert!(!shown.contains("number 5") && !shown.contains("MISSING"), "{shown}");

    let shown = sample(false).to_string();
    assert!(shown.contains("\nMISSING   viamedis: cannot reach viamedis.example:4433 <no answer>\n"), "{shown}");
    assert!(shown.contains("--resume once it answers") && !shown.contains("operator  viamedis"), "{shown}");
}
