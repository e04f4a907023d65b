//! What a check writes: every format, every column, and who else's words are in it.

use blindlist_protocol::manifest::Incident;
use blindlist_records::{Batch, Format, Table, WriteError};
use blindlist_store::exit::Code;
use futures_util::StreamExt;

use super::insurer::Insurer;
use super::operator::{Operator, nir, person, run};
use crate::check::CheckOptions;
use crate::check::summary::assert_fits;
use crate::{Caller, ClientError, Event, Level};

fn incident(first: &str, last: &str) -> Option<Incident> {
    Some(Incident { first: first.parse().unwrap(), last: last.parse().unwrap() })
}

/// Member 1 is on `jan` and `old`, 2 on `jan`, 3 on neither.
fn operator() -> Operator {
    let mut operator = Operator::named("almerys", 1);
    operator.incident = incident("2024-01-28", "2024-02-03");
    operator.title = "<script>alert('titre')</script>";
    operator.seal("jan", &[(person(1), 0b011), (person(2), 0b100)]);
    operator.incident = None;
    operator.seal("old", &[(person(1), 0b101)]);
    operator
}

/// The header and the rows of a table.
fn table(insurer: &Insurer, name: &str) -> Vec<Vec<String>> {
    let mut table = Table::open(insurer.path(name)).unwrap();
    let mut rows = vec![table.headers().to_vec()];
    let mut batch = Batch::new();
    while table.read_batch(&mut batch, 100).unwrap() > 0 {
        rows.extend(batch.iter().map(|row| row.cells().map(str::to_owned).collect()));
    }
    rows
}

fn names(insurer: &Insurer) -> Vec<String> {
    let files = std::fs::read_dir(insurer.path("out")).unwrap();
    let mut names: Vec<String> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_unstable();
    names
}

/// Rows of which one is rejected, which the options allow.
fn insurer(operator: &mut Operator) -> (Insurer, CheckOptions) {
    let insurer = Insurer::joined(operator);
    let rows = [format!("=1+1;{};\"Éva;\"\"x\"\"\"", nir(1)), "-2;none;\"y\nz\"".to_owned(), format!("+3;{};", nir(2))];
    insurer.has(format!("member;nir;Nom\n{}\n+4;{};\n", rows.join("\n"), nir(3)));
    let options = CheckOptions { accept_rejects: true, ..insurer.options() };
    (insurer, options)
}

#[test]
fn every_format_has_the_same_rows() {
    let mut operator = operator();
    let (insurer, options) = insurer(&mut operator);
    let affected = [
        ["member", "nir", "Nom", "list", "categories", "incident_date", "exposure"].map(str::to_owned),
        [
            "=1+1",
            &nir(1),
            "Éva;\"x\"",
            "jan|old",
            "nir|contract|insurer",
            "2024-01-28/2024-02-03|",
            "almerys, list jan (2024-01-28/2024-02-03): nir, contract; almerys, list old: nir, insurer",
        ]
        .map(str::to_owned),
        [
            "+3",
            &nir(2),
            "",
            "jan",
            "insurer",
            "2024-01-28/2024-02-03",
            "almerys, list jan (2024-01-28/2024-02-03): insurer",
        ]
        .map(str::to_owned),
    ];
    let file = insurer.path("members.csv").to_str().unwrap().to_owned();
    for format in [Format::Csv, Format::Xlsx, Format::Parquet] {
        let options = CheckOptions { format, ..options.clone() };
        let summary = insurer.check_with(&operator, &options).unwrap();
        let tables = ["affected", "rejected"].map(|name| format!("{name}.{format}"));
        assert_eq!(summary.results[..2], tables);
        assert_eq!(summary.results[2..], ["report.html", "summary.json"]);
        assert_eq!(table(&insurer, &format!("out/affected.{format}")), affected, "{format}");
        let rejected = table(&insurer, &format!("out/rejected.{format}"));
        assert_eq!(rejected[0], ["file", "line", "row", "column", "reason"]);
        assert_eq!(rejected[1][..4], [&file, "3", "2", "nir"]);
        assert_eq!(rejected.len(), 2);
    }
    insurer.check_with(&operator, &CheckOptions { format: Format::JsonLines, ..options }).unwrap();
    let text = insurer.text("out/affected.jsonl");
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        (lines.len(), &lines[0]["member"], &lines[1]["exposure"]),
        (2, &"=1+1".into(), &affected[2][6].as_str().into())
    );
}

/// [ID-1]
#[test]
fn csv_is_written_in_the_encoding_of_the_member_file() {
    let mut operator = operator();
    let insurer = Insurer::joined(&mut operator);
    let text = |tail: &str| format!("nir\tPrénom\tlist{tail}\n{}\tZoë €\tà moi", nir(2));
    let latin =
        |text: &str| text.chars().map(|c| if c == '€' { 0x80 } else { u8::try_from(c).unwrap() }).collect::<Vec<_>>();
    insurer.has(latin(&(text("") + "\n")));
    insurer.check(&operator).unwrap();
    let expected = text("\tlist_2\tcategories\tincident_date\texposure")
        + "\tjan\tinsurer\t2024-01-28/2024-02-03\talmerys, list jan (2024-01-28/2024-02-03): insurer\n";
    assert_eq!(insurer.read("out/affected.csv"), latin(&expected));
}

#[test]
fn a_summary_only_has_no_row_and_leaves_earlier_ones() {
    let mut operator = operator();
    let (insurer, options) = insurer(&mut operator);
    let alone = CheckOptions { summary_only: true, ..options.clone() };
    let summary = insurer.check_with(&operator, &alone).unwrap();
    assert_eq!(names(&insurer), ["report.html", "summary.json"]);
    assert_eq!((summary.affected.rows, summary.affected.people), (2, 2));

    insurer.check_with(&operator, &CheckOptions { format: Format::Xlsx, ..options }).unwrap();
    let before = insurer.read("out/affected.xlsx");
    let (caller, _interrupt, progress) = Caller::new();
    insurer.check_until(&operator, &alone, &caller).unwrap();
    drop(caller);
    let warned =
        |event| matches!(event, Event::Told { level: Level::Warning, line, .. } if line.starts_with("affected.xlsx "));
    let events: Vec<Event> = run(progress.collect());
    assert_eq!(events.into_iter().filter(|event| warned(event.clone())).count(), 1);
    assert_eq!(insurer.read("out/affected.xlsx"), before);
}

#[test]
fn too_many_rejected_rows_stop_a_check_and_are_named() {
    let mut operator = operator();
    let insurer = Insurer::joined(&mut operator);
    // One in a hundred is still taken.
    let good = nir(1) + "\n";
    insurer.has(format!("nir\nx\n{}", good.repeat(99)));
    insurer.check(&operator).unwrap();
    let spent = operator.spent();
    std::fs::remove_dir_all(insurer.path("out")).unwrap();

    insurer.has(format!("nir\nx\n{}", good.repeat(98)));
    for summary_only in [false, true] {
        let options = CheckOptions { summary_only, ..insurer.options() };
        let error = insurer.check_with(&operator, &options).unwrap_err();
        assert!(matches!(error, ClientError::TooManyRejected { rejected: 1, rows: 99, .. }), "{error}");
        assert_eq!((error.code(), error.resumable()), (Code::BadInput, false));
        assert_eq!(names(&insurer), ["rejected.csv"]);
        assert_eq!(table(&insurer, "out/rejected.csv")[1][1..4], ["2", "1", "nir"]);
    }
    assert_eq!((operator.spent(), insurer.unfinished()), (spent, 0));
}

#[test]
fn what_a_format_cannot_hold_is_said_and_can_be_had_in_another() {
    let mut operator = operator();
    let insurer = Insurer::joined(&mut operator);
    insurer.has(format!("nir,note\n{},{}\n", nir(1), "long".repeat(9_000)));
    let options = CheckOptions { format: Format::Xlsx, ..insurer.options() };
    let error = insurer.check_with(&operator, &options).unwrap_err();
    assert!(matches!(error, ClientError::Results { source: WriteError::CellTooLong { row: 1 }, .. }), "{error}");
    assert!(error.resumable() && !error.to_string().contains("long"), "{error}");
    assert_eq!((names(&insurer), insurer.unfinished()), (vec![], 1));
    insurer.resume(&operator).unwrap();
    assert_eq!((operator.spent(), insurer.unfinished()), (64, 0));
}

#[test]
fn the_summary_fits_its_schema_and_the_report_has_nobody_in_it() {
    let mut operator = operator();
    let (insurer, options) = insurer(&mut operator);
    insurer.check_with(&operator, &options).unwrap();
    let summary: serde_json::Value = serde_json::from_slice(&insurer.read("out/summary.json")).unwrap();
    assert_fits(&summary);
    let lists = &summary["operators"][0]["lists"];
    assert_eq!(lists[0]["incident"], "2024-01-28/2024-02-03");
    assert_eq!(lists[1]["incident"], serde_json::Value::Null);
    assert_eq!(lists[0]["expected_false_positives"], 3.0 / 2_f64.powi(40));

    let report = insurer.text("out/report.html");
    assert!(!report.contains("<script") && report.contains("&lt;script&gt;alert('titre')"), "{report}");
    for text in [nir(1).as_str(), "Éva", "=1+1", "none"] {
        assert!(!summary.to_string().contains(text), "{text}");
        assert!(
            !report.replace("default-src 'none'", "").replace("'none';", "").contains(&format!(">{text}")),
            "{text}"
        );
    }
}
