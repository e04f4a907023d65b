//! `/`: the status page. One document with its style and its script in it, which a browser is told to allow by their
//! digests, and nothing from anywhere else. `maud` escapes all that is put into it.
//!
//! Without a script it loads itself again now and then. With one, [`SCRIPT`] takes over what is in `main`.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use blindlist_store::text;
use hyper::header::HeaderValue;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;

use super::status::{Epoch, InsurerStatus, JobStatus, List, Log, Status};
use super::warnings::Warning;
use crate::audit::entries;
use crate::metrics::label;
use crate::show;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Names of an audience that are shown.
const NAMED: usize = 4;

/// Characters of a title that are shown; it has fewer.
const TITLE: usize = 1_000;

/// What the browser may load: the style and the script of the page, and the page again.
pub(super) fn policy() -> HeaderValue {
    static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
        let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)));
        let policy = format!(
            "default-src 'none'; style-src {}; script-src {}; connect-src 'self'; img-src data:; base-uri 'none'; \
             form-action 'none'; frame-ancestors 'none'",
            hash(STYLE),
            hash(SCRIPT)
        );
        HeaderValue::try_from(policy).expect("it is ASCII")
    });
    POLICY.clone()
}

/// The page.
pub(super) fn page(status: &Status) -> Markup {
    let warnings = status.warnings();
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                // An empty one keeps browsers from asking for another.
                link rel="icon" href="data:,";
                title { (status.operator) " – Blindlist" }
                noscript { meta http-equiv="refresh" content="15"; }
                style { (PreEscaped(STYLE)) }
            }
            body {
                p #stale role="status" { "The server did not answer the last time. What is shown is from before." }
                main { (contents(status, &warnings)) }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    }
}

fn contents(status: &Status, warnings: &[Warning]) -> Markup {
    html! {
        header {
            h1 { (status.operator) }
            @match status.ready {
                Ok(()) => span .badge .good { "ready" },
                Err(reason) => span .badge .bad { "not ready: " (reason) },
            }
            p {
                "blindlistd " (env!("CARGO_PKG_VERSION")) ", listening on UDP " (status.address) " since "
                (moment(status.since)) ". Seen at " (clock(status.now)) "."
            }
        }
        @if !warnings.is_empty() {
            ul .warnings aria-label="Warnings" {
                @for warning in warnings { li .grave[warning.grave] { (with_commands(&warning.text)) } }
            }
        }
        (tiles(status))
        section {
            h2 { "Lists" }
            @if status.lists.is_empty() { p .none { "No list is live." } } @else { (lists(status)) }
        }
        section {
            h2 { "Jobs of the last 15 minutes" }
            @if status.jobs.is_empty() { p .none { "None." } } @else { (jobs(status)) }
        }
        section {
            h2 { "Insurers" }
            @if status.trouble.ledger.is_some() { p .none { "Not known while the ledger cannot be read." } }
            @else if status.insurers.is_empty() { p .none { "No insurer is enrolled." } }
            @else { (insurers(status)) }
        }
        section { h2 { "Epochs" } (epochs(status)) }
        @if let Some(log) = &status.log { section { h2 { "Audit log" } (audit(log, status.now)) } }
        section { h2 { "Keys and catalog" } (facts(status)) }
    }
}

/// A sentence in which commands are between backticks.
fn with_commands(sentence: &str) -> Markup {
    html! {
        @for (place, part) in sentence.split('`').enumerate() {
            @if place % 2 == 0 { (part) } @else { code { (part) } }
        }
    }
}

fn tiles(status: &Status) -> Markup {
    let active = status.insurers.iter().filter(|insurer| insurer.is_active()).count();
    let (chunks, elements) = status.queued;
    let spent = status.insurers.iter().flat_map(|insurer| &insurer.accounts).map(|(_, account)| account.spent).sum();
    let people = status.lists.iter().map(|list| list.people).sum();
    html! {
        dl .tiles {
            (tile("Lists", status.lists.len() as u64, &format!("{} people on them", show::count(people))))
            (tile("Insurers answered", active as u64, &format!("of {} enrolled", show::count(status.insurers.len() as u64))))
            (tile("Evaluations spent", spent, "in live epochs"))
            (tile("Connections", status.connections.open as u64, &format!("{} since the start", show::count(status.connections.accepted))))
            (tile("Jobs", status.jobs.len() as u64, "in the last 15 minutes"))
            (tile("Chunks waiting", chunks, &show::counted(elements, "element")))
        }
    }
}

fn tile(title: &str, value: u64, more: &str) -> Markup {
    html! { div .tile { dt { (title) } dd { (show::count(value)) small { (more) } } } }
}

fn lists(status: &Status) -> Markup {
    html! {
        table {
            thead { tr {
                th { "List" } th .number { "People" } th { "Release" } th { "Manifest" } th { "Audience" } th { "Epoch" }
                th { "Sealed" } th .number { "Index" }
            } }
            tbody { @for list in &status.lists { (list_row(list)) } }
        }
    }
}

fn list_row(list: &List) -> Markup {
    let named = list.audience.get(..list.audience.len().min(NAMED)).unwrap_or_default().join(", ");
    let more = list.audience.len().saturating_sub(NAMED);
    html! {
        tr {
            td .name { (list.name) @if !list.title.is_empty() { small { (text::escape(&list.title, TITLE)) } } }
            td .number data-label="People" { span { (show::count(list.people)) small { "by " (list.scheme) } } }
            td data-label="Release" { (id(&list.release)) }
            td data-label="Manifest" { (id(&list.manifest)) }
            td data-label="Audience" {
                @if list.audience.is_empty() { "all insurers" }
                @else { span title=(list.audience.join(", ")) { (named) @if more > 0 { " and " (more) " more" } } }
            }
            td data-label="Epoch" { (id(&list.epoch)) }
            td data-label="Sealed" { (day(list.created)) }
            td .number data-label="Index" { (show::bytes(list.index_length)) }
        }
    }
}

fn jobs(status: &Status) -> Markup {
    html! {
        table {
            thead { tr {
                th { "Job" } th { "Insurer" } th .number { "Chunks answered" } th .number { "Evaluations" }
                th .number { "Repeated" } th { "Began" } th { "Last chunk" }
            } }
            tbody { @for job in &status.jobs { (job_row(job, status.now)) } }
        }
    }
}

fn job_row(job: &JobStatus, now: u64) -> Markup {
    html! {
        tr {
            td data-label="Job" { (id(&job.id)) }
            td data-label="Insurer" { (job.insurer) }
            td .number data-label="Chunks" { (show::count(job.chunks)) }
            td .number data-label="Evaluations" { (show::count(job.evaluations)) }
            td .number data-label="Repeated" { (show::count(job.repeats)) }
            td data-label="Began" { (ago(job.began, now)) }
            td data-label="Last chunk" { (ago(job.last, now)) }
        }
    }
}

fn insurers(status: &Status) -> Markup {
    html! {
        table {
            thead { tr {
                th { "Insurer" } th { "Status" } th { "Budget used" } th { "Last activity" } th { "Certificate until" }
            } }
            tbody { @for insurer in &status.insurers { (insurer_row(insurer, status.now)) } }
        }
    }
}

fn insurer_row(insurer: &InsurerStatus, now: u64) -> Markup {
    let several = insurer.accounts.len() > 1;
    html! {
        tr {
            td .name { (insurer.name) }
            td data-label="Status" {
                span .good[insurer.is_active()] .bad[!insurer.is_active()] {
                    (insurer.standing)
                    @if let Some(refused) = &insurer.refused {
                        small .look {
                            "refused " (show::counted(refused.times, "time")) ", last " (ago(refused.last, now)) ": "
                            (label(refused.code))
                        }
                    }
                }
            }
            td .used data-label="Budget" {
                @if insurer.accounts.is_empty() { span { "–" } }
                @else {
                    div {
                        @for (epoch, account) in &insurer.accounts {
                            @let percent = percent(account.spent, account.granted);
                            div .nearly[percent >= 90] {
                                (show::count(account.spent)) " of " (show::count(account.granted))
                                @if several { span .soft { " in " (show::short(epoch)) "…" } }
                                svg viewBox="0 0 100 4" preserveAspectRatio="none" role="img"
                                    aria-label=(format!("{percent} % used")) {
                                    rect width=(percent) height="4" {}
                                }
                            }
                        }
                    }
                }
            }
            td data-label="Last activity" { @match insurer.last { Some(last) => (ago(last, now)), None => "never" } }
            td data-label="Certificate until" { (day(insurer.certificate_end)) }
        }
    }
}

fn epochs(status: &Status) -> Markup {
    html! {
        table {
            thead { tr { th { "Epoch" } th { "Status" } th { "Made" } th .number { "Lists" } } }
            tbody { @for epoch in &status.epochs { (epoch_row(epoch)) } }
        }
    }
}

fn epoch_row(epoch: &Epoch) -> Markup {
    html! {
        tr {
            td data-label="Epoch" { (id(&epoch.id)) }
            td data-label="Status" {
                @match epoch.retired {
                    None => span .good { "live" },
                    Some(at) => span .soft { "retired " (day(at)) },
                }
            }
            td data-label="Made" { @match epoch.created { Some(created) => (day(created)), None => "–" } }
            td .number data-label="Lists" { (show::count(epoch.lists as u64)) }
        }
    }
}

fn audit(log: &Log, now: u64) -> Markup {
    html! {
        dl .facts {
            dt { "Length" } dd { (entries(log.entries)) }
            dt { "Root" } dd { code .whole { (log.root) } }
            dt { "Last checkpoint" }
            dd {
                @match log.checkpoint {
                    Some((size, time)) => { (entries(size)) ", " (ago(time, now)) },
                    None => "none is kept yet",
                }
            }
        }
    }
}

fn facts(status: &Status) -> Markup {
    let catalog = &status.catalog;
    html! {
        dl .facts {
            dt { "Operator key" } dd { code .whole { (status.operator_key) } }
            dt { "Catalog digest" } dd { code .whole { (catalog.digest) } }
            dt { "Catalog" }
            dd { "sequence " (show::count(catalog.sequence)) ", signed " (day(catalog.issued)) ", expires " (day(catalog.expires)) }
            @if let Some(end) = status.certificate_end { dt { "Server certificate" } dd { "until " (day(end)) } }
            @if let Some(disk) = status.disk {
                dt { "Disk of the home" } dd { (show::bytes(disk.free)) " of " (show::bytes(disk.size)) " free" }
            }
        }
    }
}

/// The first digits of an id; all of it for whoever copies it or points at it.
fn id(id: &impl ToString) -> Markup {
    let whole = id.to_string();
    html! { code .id title=(whole) { (whole) } }
}

fn percent(spent: u64, granted: u64) -> u64 {
    let percent = u128::from(spent) * 100 / u128::from(granted.max(1));
    u64::try_from(percent).unwrap_or(100).min(100)
}

fn day(seconds: u64) -> Markup {
    html! { time datetime=(show::date(seconds)) { (show::date(seconds)) } }
}

/// Day and time of day, in UTC.
fn moment(seconds: u64) -> Markup {
    html! { span { (show::date(seconds)) " " (clock(seconds)) } }
}

/// The time of day, in UTC.
fn clock(seconds: u64) -> String {
    let time = i64::try_from(seconds).ok().and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    time.map_or("an unknown time".to_owned(), |time| {
        format!("{:02}:{:02}:{:02} UTC", time.hour(), time.minute(), time.second())
    })
}

/// How long ago, in the largest unit that fits, and when exactly for whoever points at it.
fn ago(then: u64, now: u64) -> Markup {
    let seconds = now.saturating_sub(then);
    let (number, unit) = match seconds {
        0..60 => (seconds, "s"),
        60..3_600 => (seconds / 60, "min"),
        3_600..172_800 => (seconds / 3_600, "h"),
        _ => (seconds / 86_400, "days"),
    };
    let exact = format!("{} {}", show::date(then), clock(then));
    html! { span title=(exact) { (number) " " (unit) " ago" } }
}

#[cfg(test)]
mod tests;
