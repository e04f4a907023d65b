//! What somebody should do something about, gravest first, each in one sentence with what helps.
//!
//! deploy/alerts.yml has the same limits for Prometheus. A budget that is used up is none of it: one check may be all that
//! it was granted for.

use blindlist_protocol::refusal::RefusalCode;

use super::status::{InsurerStatus, Refusals, Status};
use crate::insurers::NEAR_END;
use crate::metrics::label;
use crate::service::NotReady;
use crate::show;

/// Seconds before the end of the catalog from which on it is warned about: 30 days.
const CATALOG_NEAR_END: u64 = 30 * 86_400;
/// So many refusals in a row are a client in trouble.
const REFUSED: u64 = 5;
/// The last refusal that is warned of was less than so many seconds ago.
const LATELY: u64 = 3_600;
/// A disk with less free than a twentieth, or than so many bytes, is nearly full.
const FREE: (u64, u64) = (20, 1 << 30);
/// Names in one sentence.
const NAMED: usize = 5;

/// One sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Warning {
    /// Whether insurers are hurt by it now.
    pub(super) grave: bool,
    pub(super) text: String,
}

pub(super) fn of(status: &Status) -> Vec<Warning> {
    let mut all = Vec::new();
    let mut warn = |grave, text| all.push(Warning { grave, text });
    serving(status, &mut warn);
    keys(status, &mut warn);
    insurers(status, &mut warn);
    all.sort_by_key(|warning| !warning.grave);
    all
}

fn serving(status: &Status, warn: &mut impl FnMut(bool, String)) {
    if let Some(problem) = &status.trouble.ledger {
        warn(true, format!("The ledger cannot be read: {problem}. Nothing is answered without being charged."));
    }
    if status.ready == Err(NotReady::Log) {
        let text = "The audit log contradicts the checkpoint that the home keeps: the ledger was rolled back or changed. \
                    Nothing is charged or signed any more; see the operator's guide.";
        warn(true, text.to_owned());
    }
    if status.ready == Err(NotReady::Draining) {
        warn(false, "The server is stopping: it answers what is under way, and nothing new.".to_owned());
    }
    let (expires, day) = (status.catalog.expires, show::date(status.catalog.expires));
    if expires <= status.now {
        warn(
            true,
            format!("The catalog expired on {day}: insurers refuse it. Any seal or epoch command signs a new one."),
        );
    } else if expires.saturating_sub(CATALOG_NEAR_END) <= status.now {
        warn(false, format!("The catalog expires on {day}. Any seal or epoch command signs a new one."));
    }
    if status.trouble.later_catalog {
        let text =
            "The home has a later catalog than the one that is served, or one that cannot be read: the log says why.";
        warn(true, text.to_owned());
    }
    if status.trouble.lacking > 0 {
        let lacking = show::count(status.trouble.lacking as u64);
        let text = format!(
            "The home lacks files of {lacking} of the live epochs and releases: whoever asks for them is told to come again."
        );
        warn(true, text);
    }
    if let Some(disk) = status.disk
        && (disk.free < disk.size / FREE.0 || disk.free < FREE.1)
    {
        let (free, size) = (show::bytes(disk.free), show::bytes(disk.size));
        warn(disk.free < FREE.1 / 16, format!("The disk of the home is nearly full: {free} of {size} are free."));
    }
}

fn keys(status: &Status, warn: &mut impl FnMut(bool, String)) {
    if let Some(end) = status.certificate_end
        && end.saturating_sub(NEAR_END) <= status.now
    {
        let (ended, day) = (end <= status.now, show::date(end));
        let text = if ended { format!("ended on {day}: no insurer can connect.") } else { format!("ends on {day}.") };
        warn(ended, format!("The certificate of this server {text}"));
    }
    for epoch in &status.trouble.half_retired {
        let id = show::short(epoch);
        warn(false, format!("The epoch {id} is retired, but not all of it is gone: repeat `epoch retire {id}`."));
    }
}

fn insurers(status: &Status, warn: &mut impl FnMut(bool, String)) {
    let active = || status.insurers.iter().filter(|insurer| insurer.is_active());
    for insurer in active() {
        if let Some(refused) = lately_refused(insurer, status.now)
            && refused.times >= REFUSED
            && refused.code != RefusalCode::OverBudget
        {
            let (times, why) = (show::count(refused.times), refused.code);
            let text =
                format!("{} was refused {times} times in a row, last because {why} ({}).", insurer.name, label(why));
            warn(false, text);
        }
    }
    let over_budget = |insurer: &&InsurerStatus| {
        lately_refused(insurer, status.now).is_some_and(|refused| refused.code == RefusalCode::OverBudget)
    };
    if let Some(names) = named(active().filter(over_budget)) {
        let text = format!("Refused for their budget within the hour: {names}. `insurer set-budget` grants more.");
        warn(false, text);
    }
    let ending = named(active().filter(|insurer| insurer.certificate_end.saturating_sub(NEAR_END) <= status.now));
    if let Some(names) = ending {
        warn(
            false,
            format!("Certificates end within 60 days, or have ended: {names}. `insurer renew` gives new ones."),
        );
    }
}

fn lately_refused(insurer: &InsurerStatus, now: u64) -> Option<&Refusals> {
    insurer.refused.as_ref().filter(|refused| refused.last.saturating_add(LATELY) > now)
}

/// A few names, and how many more there are; nothing without any.
fn named<'a, I: Iterator<Item = &'a InsurerStatus>>(insurers: I) -> Option<String> {
    let names: Vec<_> = insurers.map(|insurer| insurer.name.as_str()).collect();
    let shown = names.get(..names.len().min(NAMED)).filter(|shown| !shown.is_empty())?.join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => Some(shown),
        more => Some(format!("{shown} and {} more", show::count(more as u64))),
    }
}
