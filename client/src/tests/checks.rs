//! Checks that go well, and the files that they write.

use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use super::operator::{Insurer, NOW, Operator, nir, person, run, slug};
use crate::check::{CheckOptions, MemberFile};
use crate::{Caller, ClientError};
use blindlist_records::TableOptions;
use blindlist_store::exit::Code;

fn operator() -> Operator {
    let mut operator = Operator::new(1);
    operator.seal("leak-2026", &[(person(1), 0b001), (person(2), 0b110), (person(900), 0b111)]);
    operator
}

/// [ID-1], [MAT-2]
#[test]
fn affected_rows_come_out_unchanged_in_order_with_their_categories() {
    let mut operator = operator();
    let insurer = Insurer::joined(&mut operator);
    let rows = [
        format!("A1,{},\"Été, \"\"Ö\"\"\"", nir(2)),
        format!("A2,{},nobody", nir(3)),
        "A3,not a number,x".to_owned(),
        format!("A4,{},first", nir(1)),
        format!("A5,{},again", nir(2)),
        "A6,short".to_owned(),
    ];
    insurer.has(format!("member,nir,name\n{}\n", rows.join("\n")));
    let options = CheckOptions { accept_rejects: true, ..insurer.options() };
    let summary = insurer.check_with(&operator, &options).unwrap();

    let both = "leak-2026,contract|insurer,,\"breached, list leak-2026: contract, insurer\"";
    let expected = [
        "member,nir,name,list,categories,incident_date,exposure".to_owned(),
        format!("A1,{},\"Été, \"\"Ö\"\"\",{both}", nir(2)),
        format!("A4,{},first,leak-2026,nir,,\"breached, list leak-2026: nir\"", nir(1)),
        format!("A5,{},again,{both}", nir(2)),
    ];
    assert_eq!(insurer.text("out/affected.csv"), expected.join("\n") + "\n");
    let rejected = insurer.text("out/rejected.csv");
    let lines: Vec<&str> = rejected.lines().collect();
    assert_eq!(lines.len(), 3, "{rejected}");
    let file = insurer.path("members.csv").to_str().unwrap().to_owned();
    let named = |line: usize, place| lines[line].starts_with(&format!("{file},{place}"));
    assert!(named(1, "4,3,nir,") && named(2, "7,6,row,"), "{rejected}");
    assert!(!rejected.contains("not a number"));

    let shown = summary.to_string();
    assert!(shown.starts_with("3 of 4 checked members are on the list \"leak-2026\"\n"), "{shown}");
    assert!(shown.contains("2 of 6 rows could NOT be checked"), "{shown}");
    assert_eq!(insurer.unfinished(), 0);
}

#[test]
fn the_summary_holds_the_numbers() {
    let mut operator = operator();
    let insurer = Insurer::joined(&mut operator);
    insurer.has(format!("nir\n{}\n{}\n{}\nx\n", nir(1), nir(1), nir(5)));
    insurer.check_with(&operator, &CheckOptions { accept_rejects: true, ..insurer.options() }).unwrap();
    let summary: serde_json::Value = serde_json::from_slice(&insurer.read("out/summary.json")).unwrap();
    assert_eq!(summary["schema"], 2);
    assert_eq!(summary["started"], "2026-09-21T14:13:20Z");
    assert_eq!(summary["complete"], true);
    let members = &summary["members"];
    assert_eq!((&members["rows"], &members["distinct"], &members["rejected"]), (&json!(4), &json!(2), &json!(1)));
    assert_eq!(members["rejected_by_reason"][0]["rows"], 1);
    assert_eq!(summary["affected"], json!({"rows": 2, "people": 1}));
    let operator = &summary["operators"][0];
    assert_eq!((&operator["operator"], &operator["insurer"]), (&json!("breached"), &json!("insurer")));
    assert_eq!(operator["catalog"]["sequence"], 2);
    let list = &operator["lists"][0];
    assert_eq!(list["list"], "leak-2026");
    assert_eq!(list["title"], "Fuite d'été");
    assert_eq!((&list["entries"], &list["false_positive_bits"]), (&json!(7), &json!(40)));
    assert_eq!(list["affected_rows"], 2);
    assert_eq!(list["categories"], json!({"nir": 2, "contract": 0, "insurer": 0}));
    let epoch = &operator["epochs"][0];
    let asked = ["asked", "members", "canaries", "padding", "remembered"].map(|name| epoch[name].as_u64().unwrap());
    assert_eq!(asked, [64, 2, 4, 58, 0]);
    assert_eq!(operator["remaining"], (1 << 20) - 64);
}

#[test]
fn results_are_private_and_keep_the_delimiter() {
    let mut operator = operator();
    let insurer = Insurer::joined(&mut operator);
    insurer.has(format!("\u{feff}Numéro de sécurité sociale;Nom\r\n{};\"a;b\"\r\n{};c,d\r\n", nir(1), nir(4)));
    insurer.check(&operator).unwrap();
    let expected = format!(
        "\u{feff}Numéro de sécurité sociale;Nom;list;categories;incident_date;exposure\n\
         {};\"a;b\";leak-2026;nir;;breached, list leak-2026: nir\n",
        nir(1)
    );
    assert_eq!(insurer.text("out/affected.csv"), expected);
    for (name, mode) in [("out", 0o700), ("out/affected.csv", 0o600), ("out/summary.json", 0o600)] {
        let found = std::fs::metadata(insurer.path(name)).unwrap().permissions().mode();
        assert_eq!(found & 0o777, mode, "{name}");
    }
}

#[test]
fn several_lists_share_one_evaluation_and_one_row() {
    let mut operator = operator();
    operator.seal("a-list", &[(person(1), 0b010), (person(5), 0b100)]);
    let insurer = Insurer::joined(&mut operator);
    insurer.has(format!("nir\n{}\n{}\n{}\n", nir(1), nir(2), nir(5)));
    insurer.check(&operator).unwrap();
    let affected = insurer.text("out/affected.csv");
    let starts: Vec<String> =
        affected.lines().map(|line| line.split(',').take(4).collect::<Vec<_>>().join(",")).collect();
    let expected = [
        "nir,list,categories,incident_date".to_owned(),
        format!("{},a-list|leak-2026,nir|contract,|", nir(1)),
        format!("{},leak-2026,contract|insurer,", nir(2)),
        format!("{},a-list,insurer,", nir(5)),
    ];
    assert_eq!(starts, expected);
    assert!(affected.contains(",\"breached, list a-list: contract; breached, list leak-2026: nir\"\n"), "{affected}");
    assert_eq!(operator.spent(), 64);

    let one = CheckOptions { list: Some(slug("a-list")), ..insurer.options() };
    let summary = insurer.check_with(&operator, &one).unwrap();
    assert_eq!((summary.operators[0].lists.len(), summary.affected.rows), (1, 2));
    let none = CheckOptions { list: Some(slug("other")), ..insurer.options() };
    let error = insurer.check_with(&operator, &none).unwrap_err();
    assert!(error.to_string().contains("a-list (nir), leak-2026 (nir)"), "{error}");
}

#[test]
fn nobody_affected_is_a_result() {
    let mut operator = operator();
    let insurer = Insurer::joined(&mut operator);
    insurer.has(format!("nir\n{}\n", nir(7)));
    let summary = insurer.check(&operator).unwrap();
    assert_eq!((summary.affected.rows, summary.affected.people), (0, 0));
    assert_eq!(insurer.text("out/affected.csv"), "nir,list,categories,incident_date,exposure\n");
}

#[test]
fn what_cannot_be_checked_is_said_before_anything_is_sent() {
    let mut operator = Operator::new(1);
    let insurer = Insurer::joined(&mut operator);
    insurer.has(format!("nir\n{}\n", nir(7)));
    let error = insurer.check(&operator).unwrap_err();
    assert!(matches!(error, ClientError::NoLiveList), "{error}");
    assert_eq!(error.code(), Code::Failure);

    let operator = operator_with_insurer(&insurer);
    insurer.has("nir\nx\ny\n");
    let error = insurer.check(&operator).unwrap_err();
    assert!(error.to_string().contains("row 1, nir: "), "{error}");
    assert_eq!(error.code(), Code::BadInput);
    insurer.has("name\nx\n");
    let error = insurer.check(&operator).unwrap_err();
    assert!(error.to_string().contains("--column nir=HEADER"), "{error}");
    let sent = operator.take_sent();
    assert!(!sent.iter().any(|request| request.starts_with("Segment")), "an index is large: {sent:?}");
    std::fs::remove_file(insurer.path("members.csv")).unwrap();
    assert_eq!(insurer.check(&operator).unwrap_err().code(), Code::BadInput);
    assert_eq!((operator.spent(), insurer.unfinished()), (0, 0));
}

fn operator_with_insurer(insurer: &Insurer) -> Operator {
    let mut operator = operator();
    insurer.join(&mut operator).unwrap();
    operator
}

#[test]
fn the_member_file_is_not_replaced_by_a_result() {
    let mut operator = operator();
    let insurer = Insurer::joined(&mut operator);
    std::fs::create_dir(insurer.path("out")).unwrap();
    std::fs::write(insurer.path("out/affected.csv"), format!("nir\n{}\n", nir(1))).unwrap();
    let options = CheckOptions {
        members: MemberFile::new(insurer.path("out/affected.csv"), TableOptions::default()),
        ..insurer.options()
    };
    let error = insurer.check_with(&operator, &options).unwrap_err();
    assert!(matches!(error, ClientError::WouldReplaceInput(_)), "{error}");
    assert_eq!(insurer.text("out/affected.csv"), format!("nir\n{}\n", nir(1)));
}

#[test]
fn results_that_are_half_in_place_are_named() {
    let mut operator = operator();
    let insurer = Insurer::joined(&mut operator);
    insurer.has(format!("nir\n{}\n", nir(1)));
    std::fs::create_dir_all(insurer.path("out/rejected.csv")).unwrap();
    std::fs::set_permissions(insurer.path("out"), PermissionsExt::from_mode(0o700)).unwrap();
    let error = insurer.check(&operator).unwrap_err();
    assert!(matches!(error, ClientError::HalfWritten { new: 1, .. }), "{error}");
    assert_eq!((error.code(), error.resumable(), insurer.unfinished()), (Code::Failure, true, 1));
    assert_eq!(std::fs::read_dir(insurer.path("out")).unwrap().count(), 2, "no temporary file is left");
    std::fs::remove_dir(insurer.path("out/rejected.csv")).unwrap();
    insurer.resume(&operator).unwrap();
    assert_eq!((operator.spent(), insurer.unfinished()), (64, 0));
}

#[test]
fn over_budget_is_noticed_before_anything_is_sent() {
    let mut operator = operator();
    let insurer = Insurer::joined(&mut operator);
    operator.granted = 64;
    insurer.has("nir\n".to_owned() + &(0..61).map(|n| nir(n) + "\n").collect::<String>());
    let error = insurer.check(&operator).unwrap_err();
    assert!(matches!(error, ClientError::OverBudget { needed: 128, missing: 64, .. }), "{error}");
    assert_eq!(error.code(), Code::NotAllowed);
    assert!(operator.take_asked().is_empty());
    assert_eq!(insurer.unfinished(), 0);
    // One member fewer fits exactly.
    insurer.has("nir\n".to_owned() + &(0..60).map(|n| nir(n) + "\n").collect::<String>());
    assert_eq!(insurer.check(&operator).unwrap().operators[0].remaining, Some(0));
}

#[test]
fn lists_show_what_is_live_and_what_remains() {
    let mut operator = operator();
    let insurer = Insurer::joined(&mut operator);
    let shown = run(crate::lists::lists(&insurer.profile(), &operator, &Caller::nobody(), NOW)).unwrap().to_string();
    let row = shown.lines().nth(1).unwrap();
    assert!(row.starts_with("leak-2026  Fuite d'été  "), "{shown}");
    assert!(row.contains(" 3 ") && row.contains("nir,contract,insurer"), "{shown}");
    assert!(shown.contains("1,048,576 of 1,048,576 evaluations left"), "{shown}");
    assert!(shown.contains("sequence 2"), "{shown}");
}
