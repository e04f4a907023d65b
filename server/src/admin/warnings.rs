//! What somebody should do something about, gravest first, each in one sentence with what helps.

use super::status::{InsurerStatus, Status};
use crate::insurers::NEAR_END;
use crate::metrics::label;
use crate::service::NotReady;
use crate::show;

/// Seconds before the end of the catalog from which on it is warned about: 30 days.
const CATALOG_NEAR_END: u64 = 30 * 86_400;
/// A budget of which so many hundredths are used is nearly used.
const NEARLY_USED: u64 = 90;
/// So many refusals in a row, the last less than so many seconds ago, are a client in trouble.
const REFUSED: (u64, u64) = (5, 3_600);
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
        if let Some(refused) = &insurer.refused
            && refused.times >= REFUSED.0
            && refused.last.saturating_add(REFUSED.1) > status.now
        {
            let (times, why) = (show::count(refused.times), refused.code);
            let text =
                format!("{} was refused {times} times in a row, last because {why} ({}).", insurer.name, label(why));
            warn(false, text);
        }
    }
    let used = named(active().filter(|insurer| is_nearly_used(insurer)));
    if let Some(names) = used {
        warn(
            false,
            format!("{NEARLY_USED} % or more of the budget is used: {names}. `insurer set-budget` grants more."),
        );
    }
    let ending = named(active().filter(|insurer| insurer.certificate_end.saturating_sub(NEAR_END) <= status.now));
    if let Some(names) = ending {
        warn(
            false,
            format!("Certificates end within 60 days, or have ended: {names}. `insurer renew` gives new ones."),
        );
    }
}

fn is_nearly_used(insurer: &InsurerStatus) -> bool {
    let nearly = |granted: u64, spent: u64| {
        granted > 0 && u128::from(spent) * 100 >= u128::from(granted) * u128::from(NEARLY_USED)
    };
    insurer.accounts.iter().any(|(_, account)| nearly(account.granted, account.spent))
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
