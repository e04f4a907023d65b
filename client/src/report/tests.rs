//! The report, as a text. How it looks, somebody has to look at.

use super::*;
use crate::check::summary::sample;

#[test]
fn it_stands_alone() {
    let page = html(&sample(true));
    assert!(page.starts_with("<!DOCTYPE html><html lang=\"en\">"));
    for forbidden in ["<script", "http://", "https://", "@import", "url(\"", "src="] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    // What the charts refer to is in the page.
    for reference in page.split("url(#").skip(1).map(|rest| rest.split(')').next().unwrap()) {
        assert!(page.contains(&format!("id=\"{reference}\"")), "{reference}");
    }
    assert_eq!(
        page.matches("<svg").count(),
        page.matches("role=\"img\"").count() + page.matches("aria-hidden").count()
    );
}

#[test]
fn what_comes_from_others_is_escaped() {
    let page = html(&sample(false));
    for text in ["Fuite <b>", "<no answer>", "adhérents <2026>"] {
        assert!(!page.contains(text), "{text}");
        assert!(page.contains(&text.replace('<', "&lt;").replace('>', "&gt;")), "{text}");
    }
}

/// Every number that somebody may have to show.
#[test]
fn it_says_what_was_asked_of_whom_and_what_was_found() {
    let summary = sample(true);
    let page = html(&summary);
    let first = &summary.operators[0];
    let (epoch, list, log) = (&first.epochs[0], &first.lists[0], &first.logs[0]);
    for text in [
        &summary.members.sha256,
        &epoch.epoch,
        epoch.job.as_ref().unwrap(),
        &list.release,
        &list.manifest,
        &log.root,
        &log.ledger,
        &first.catalog.as_ref().unwrap().digest,
    ] {
        assert!(page.contains(text.as_str()), "{text}");
    }
    for text in [
        "<dd>20,500<small>21,003 rows of the member file</small></dd>",
        "incident of 2024-01-28 to 2024-02-03",
        "whose incident has no date",
        "<th scope=\"row\">birth date</th>",
        "1 chance in 11,200,000",
        "120,000 evaluations remained",
        "2026-09-21, 14:20:00 UTC",
        "reason number 6",
        "which knows the insurer as mutuelle",
        "viamedis/feb-2024",
        "1 entry, root",
    ] {
        assert!(page.contains(text), "{text}");
    }
    assert!(!page.contains("not complete"));
}

#[test]
fn what_is_missing_stands_before_everything_else() {
    let page = html(&sample(false));
    let alarm = page.find("This result is not complete").unwrap();
    assert!(alarm < page.find("People affected").unwrap());
    assert!(page.contains("breach lists of almerys on 2026-09-21") && page.contains("of 1 operator<"));
    assert!(page.contains("<strong>viamedis</strong> is missing") && page.contains("An operator that is missing"));
}

#[test]
fn nobody_affected_and_nothing_rejected_is_a_report_too() {
    let mut summary = sample(true);
    (summary.affected.rows, summary.affected.people, summary.members.rejected) = (0, 0, 0);
    summary.members.rejected_by_reason.clear();
    for list in summary.operators.iter_mut().flat_map(|operator| &mut operator.lists) {
        list.affected_rows = 0;
    }
    let page = html(&summary);
    assert!(page.contains("every row was checked") && !page.contains("Rows that could not be checked"));
    assert!(!page.contains("Rows by category"));
}
