//! The names of files and columns. What is in them, [`crate::tests`] makes sure of.

use super::affected::{COLUMNS, headers};
use super::*;

fn ours(input: &[&str]) -> Vec<String> {
    let input: Vec<String> = input.iter().map(|header| (*header).to_owned()).collect();
    let all = headers(&input);
    assert_eq!(all[..input.len()], input, "the columns of the input are as they were");
    all[input.len()..].to_vec()
}

#[test]
fn our_columns_have_names_that_the_input_has_not() {
    assert_eq!(ours(&["nir", "nom"]), COLUMNS);
    assert_eq!(
        ours(&["list", "list_2", "CATEGORIES ", "Exposure", "", ""]),
        ["list_3", "categories_2", "incident_date", "exposure_2"]
    );
}

#[test]
fn files_are_named_by_their_format_and_the_summary_is_last() {
    assert_eq!(files(Format::Csv, false), ["affected.csv", "rejected.csv", "report.html", "summary.json"]);
    assert_eq!(files(Format::JsonLines, false), ["affected.jsonl", "rejected.jsonl", "report.html", "summary.json"]);
    assert_eq!(files(Format::Xlsx, true), ["report.html", "summary.json"]);
}

/// A letter with a field that `affected` does not have would be sent with a hole in it.
#[test]
fn the_fields_of_the_model_letters_are_columns() {
    let page = include_str!("../../../../docs/NOTIFYING.md");
    let fields = |text: &'static str| {
        let fields = text.split('«').skip(1);
        fields.map(|rest| rest.split_once('»').expect("a closed field").0).collect::<Vec<_>>()
    };
    let of_table = |source: &str| {
        let rows = page.lines().filter(|line| line.starts_with("| `«") && line.contains(&format!("| {source} |")));
        rows.flat_map(&fields).collect::<Vec<_>>()
    };
    let mut ours = of_table("`affected`");
    ours.sort_unstable();
    let mut columns = COLUMNS;
    columns.sort_unstable();
    assert_eq!(ours, columns);
    let own = of_table("your file");
    let letters = page.lines().filter(|line| line.starts_with('>')).flat_map(&fields).collect::<Vec<_>>();
    assert!(letters.len() >= 7, "{letters:?}");
    for field in fields(page) {
        assert!(columns.contains(&field) || own.contains(&field), "«{field}»");
    }
}
