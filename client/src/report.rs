//! `report.html`: a check for the register of incidents (GDPR, articles 33 and 34). One document that holds its style and its
//! charts, without a script, which can be read without a network and printed.
//!
//! `maud` escapes all that is put into it, and the document forbids itself to load anything. No member is in it.

mod chart;
mod meaning;
#[cfg(test)]
mod tests;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::check::summary::{EpochSummary, ListSummary, OperatorSummary, Status, Summary};
use crate::show::number;

const STYLE: &str = include_str!("report/page.css");

/// Nothing but the style in the page.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// The page.
pub(crate) fn html(summary: &Summary) -> String {
    let title = format!("Members affected by a breach – {}", day(&summary.finished));
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                link rel="icon" href="data:,";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body { main { (contents(summary)) } }
        }
    };
    page.into_string()
}

fn contents(summary: &Summary) -> Markup {
    let operators: Vec<&str> = answered(summary).map(|operator| operator.operator.as_str()).collect();
    html! {
        header {
            h1 { "Members affected by a breach" }
            p .lead {
                "A member file, checked against the breach lists of " (operators.join(" and ")) " on "
                (moment(&summary.finished)) ". For the register of incidents: GDPR, articles 33 and 34."
            }
        }
        @if !summary.complete { (missing(summary)) }
        (without_list(summary))
        (tiles(summary))
        section { h2 { "Whom it concerns" } (found(summary)) }
        @if summary.members.rejected > 0 { section { h2 { "Rows that could not be checked" } (rejected(summary)) } }
        section { h2 { "What was asked" } (asked(summary)) }
        section { h2 { "What the numbers mean" } (meaning::of(summary)) }
        section { h2 { "What can be proven" } (proof(summary)) }
        footer {
            p {
                "Made by " (summary.program.name) " " (summary.program.version) ". This page holds no personal data. "
                code { "summary.json" } " has the same numbers for machines."
            }
        }
    }
}

/// Who has nothing to look in: a claim that can be compared with what other insurers are told.
fn without_list(summary: &Summary) -> Markup {
    let operators = summary.operators.iter().filter(|operator| operator.status == Status::WithoutList);
    html! {
        @for operator in operators {
            p {
                strong { (operator.operator) } " was asked and had nothing to look in: " (operator.problem.as_deref().unwrap_or_default()) "."
                @if let Some(catalog) = &operator.catalog {
                    " It said so in its catalog " (catalog.sequence) ", digest " code { (catalog.digest) } ": compare it with other insurers."
                }
            }
        }
    }
}

/// What is not known, before everything else.
fn missing(summary: &Summary) -> Markup {
    let missing = summary.operators.iter().filter(|operator| operator.status == Status::Missing);
    let resumable = missing.clone().all(|operator| operator.resumable);
    let operators = missing.filter_map(|operator| Some((operator, operator.problem.as_ref()?)));
    html! {
        section .alarm {
            h2 { "This result is not complete" }
            ul { @for (operator, problem) in operators { li { strong { (operator.operator) } " is missing: " (problem) } } }
            p {
                "Nobody knows who is on its lists. "
                @if resumable {
                    "Run the same command with " code { "--resume" }
                    " once it answers: what the others answered is not paid again."
                } @else {
                    "Do not ask again before what is said here is explained."
                }
            }
        }
    }
}

fn tiles(summary: &Summary) -> Markup {
    let (members, affected) = (&summary.members, &summary.affected);
    let lists = summary.operators.iter().map(|operator| operator.lists.len()).sum::<usize>();
    html! {
        dl .tiles {
            (tile("People affected", affected.people, &format!("{} of the member file", rows(affected.rows))))
            (tile("People checked", members.distinct, &format!("{} of {}", number(summary.checked_rows()), rows(members.rows))))
            (tile("Rows not checked", members.rejected, if members.rejected == 0 { "every row was checked" } else { "nobody knows of these" }))
            (tile("Lists", lists as u64, &format!("of {}", count(answered(summary).count() as u64, "operator"))))
        }
    }
}

fn tile(name: &str, value: u64, note: &str) -> Markup {
    html! { div { dt { (name) } dd { (number(value)) small { (note) } } } }
}

fn found(summary: &Summary) -> Markup {
    let (affected, rejected) = (summary.affected.rows, summary.members.rejected);
    html! {
        (chart::rows(affected, summary.checked_rows().saturating_sub(affected), rejected))
        @for operator in &summary.operators {
            @for list in &operator.lists { div .part { (list_found(operator, list, summary.checked_rows())) } }
        }
    }
}

fn list_found(operator: &OperatorSummary, list: &ListSummary, checked: u64) -> Markup {
    html! {
        h3 { @if list.title.is_empty() { (list.list) } @else { (list.title) } }
        p {
            "List " strong { (list.list) } " of " (operator.operator) ", " (incident(list)) ". "
            (number(list.affected_rows)) " of " (number(checked)) " checked rows are on it."
        }
        @if list.affected_rows > 0 {
            table {
                caption { "Rows by category of data. A member can be in several." }
                thead { tr { th scope="col" { "Category" } th .number scope="col" { "Rows" } th .chart scope="col" { "Of those on the list" } } }
                tbody {
                    @for (name, rows) in &list.categories {
                        tr {
                            th scope="row" { (name.as_str().replace(['-', '_'], " ")) }
                            td .number { (number(*rows)) }
                            td .chart { (chart::bar(*rows, list.affected_rows)) }
                        }
                    }
                }
            }
        }
    }
}

fn incident(list: &ListSummary) -> String {
    match list.incident.as_deref().map(|days| days.split_once('/').ok_or(days)) {
        None => "whose incident has no date".to_owned(),
        Some(Ok((first, last))) => format!("incident of {first} to {last}"),
        Some(Err(day)) => format!("incident of {day}"),
    }
}

fn rejected(summary: &Summary) -> Markup {
    let members = &summary.members;
    let file = summary.results.iter().find(|name| name.starts_with("rejected."));
    html! {
        p {
            (rows(members.rejected)) " of " (number(members.rows)) " gave no identifier, and nobody was asked about. "
            "They may be affected: look at them by hand."
            @if let Some(file) = file { " " code { (file) } " names each by its line." }
        }
        table {
            thead { tr { th scope="col" { "Column" } th scope="col" { "Reason" } th .number scope="col" { "Rows" } th .chart scope="col" { "Of the rejected" } } }
            tbody {
                @for reason in &members.rejected_by_reason {
                    tr {
                        th scope="row" { (reason.column) }
                        td { (reason.reason) }
                        td .number { (number(reason.rows)) }
                        td .chart { (chart::bar(reason.rows, members.rejected)) }
                    }
                }
            }
        }
    }
}

fn asked(summary: &Summary) -> Markup {
    let members = &summary.members;
    html! {
        dl .facts {
            dt { "Member file" } dd { (members.file.to_string_lossy()) }
            dt { "SHA-256 of it" } dd { code { (members.sha256) } }
            dt { "Rows" } dd { (number(members.rows)) ", of which " (number(members.rejected)) " were rejected" }
            dt { "Different people" } dd { (number(members.distinct)) }
            dt { "Begun" } dd { (moment(&summary.started)) }
            dt { "Written" } dd { (moment(&summary.finished)) }
            dt { "Results" } dd { (summary.results.join(", ")) }
        }
        p .soft {
            "The member file did not leave this machine. Each operator received blinded values, which tell it how many people "
            "were asked about and nothing of who they are."
        }
        @for operator in answered(summary).filter(|operator| !operator.epochs.is_empty()) { (questions(operator)) }
    }
}

/// What one operator was asked.
fn questions(operator: &OperatorSummary) -> Markup {
    html! {
        h3 {
            "Asked of " (operator.operator)
            @if let Some(insurer) = &operator.insurer { ", which knows the insurer as " (insurer) }
        }
        table .wide {
            thead {
                tr {
                    th scope="col" { "Epoch" } th .number scope="col" { "Members" } th .number scope="col" { "Canaries" }
                    th .number scope="col" { "Padding" } th .number scope="col" { "Paid" } th .number scope="col" { "Remembered" }
                }
            }
            tbody { @for epoch in &operator.epochs { (questions_in(epoch)) } }
        }
        @if let Some(remaining) = operator.remaining {
            p { (count(remaining, "evaluation")) " remained of the budget." }
        }
    }
}

fn questions_in(epoch: &EpochSummary) -> Markup {
    html! {
        tr {
            th scope="row" {
                code { (epoch.epoch) }
                @if let Some(job) = &epoch.job { br; small { "job " code { (job) } } }
            }
            td .number data-label="Members" { (number(epoch.members)) }
            td .number data-label="Canaries" { (number(epoch.canaries)) }
            td .number data-label="Padding" { (number(epoch.padding)) }
            td .number data-label="Paid" { (number(epoch.asked)) }
            td .number data-label="Remembered" { (number(epoch.remembered)) }
        }
    }
}

fn proof(summary: &Summary) -> Markup {
    html! {
        p {
            "These digests bind what the operators published. Compare them with those of other insurers, by telephone or mail: "
            "an operator that shows different insurers different things shows different digests."
        }
        @for operator in answered(summary) {
            h3 { (operator.operator) }
            dl .facts {
                @if let Some(catalog) = &operator.catalog {
                    dt { "Catalog " (number(catalog.sequence)) } dd { code { (catalog.digest) } }
                }
                @for log in &operator.logs {
                    dt { "Audit log" }
                    dd {
                        (count(log.size, "entry")) ", root " code { (log.root) } br;
                        small { "ledger " code { (log.ledger) } }
                    }
                }
                @for list in &operator.lists {
                    dt { "List " (list.list) }
                    dd {
                        "manifest " code { (list.manifest) } br;
                        small {
                            "release " code { (list.release) } ", sealed " (moment(&list.created)) ", "
                            (count(list.entries.into(), "entry")) ", f = " (list.false_positive_bits)
                        }
                    }
                }
            }
        }
    }
}

/// The operators that are in the result.
fn answered(summary: &Summary) -> impl Iterator<Item = &OperatorSummary> {
    summary.operators.iter().filter(|operator| operator.status == Status::Answered)
}

fn rows(n: u64) -> String {
    count(n, "row")
}

/// So many of something, whose plural is regular.
fn count(n: u64, what: &str) -> String {
    match (n, what.strip_suffix('y')) {
        (1, _) => format!("1 {what}"),
        (n, Some(stem)) => format!("{} {stem}ies", number(n)),
        (n, None) => format!("{} {what}s", number(n)),
    }
}

/// The day of a moment in RFC 3339.
fn day(moment: &str) -> &str {
    moment.split_once('T').map_or(moment, |(day, _)| day)
}

/// A moment in RFC 3339 as people write it.
fn moment(moment: &str) -> String {
    match moment.strip_suffix('Z').and_then(|rest| rest.split_once('T')) {
        Some((day, time)) => format!("{day}, {time} UTC"),
        None => moment.to_owned(),
    }
}
