//! `blindlist lists`: what is live, by which catalog, and what remains of the budget.

use std::collections::BTreeMap;
use std::fmt;

use blindlist_protocol::ids::EpochId;
use blindlist_protocol::live::{Live, Release};
use blindlist_protocol::log::tree::Head;
use blindlist_protocol::manifest::Manifest;
use blindlist_protocol::message::Account;
use blindlist_protocol::refusal::RefusalCode;
use blindlist_protocol::text::Slug;
use blindlist_store::text::escape;

use crate::channel::{self, Channel};
use crate::live;
use crate::log::Log;
use crate::profile::Profile;
use crate::show::{moment, number, table};
use crate::{Caller, ClientError};
use serde::{Serialize, Serializer};

/// The longest title that is shown, in characters.
const SHOWN_TITLE: usize = 60;

/// What `blindlist lists` shows, by its `Display`.
#[derive(Debug)]
pub struct Lists {
    live: Live,
    operator: String,
    accounts: Vec<(EpochId, Account)>,
    logs: Vec<Head>,
}

/// Asks the operator for everything that [`Lists`] shows. `now` is in seconds since 1970. An audit log of which something
/// is remembered must go on from there.
///
/// # Errors
/// As [`live::refresh`]; [`crate::Broken::Log`].
pub async fn lists(profile: &Profile, channel: &impl Channel, caller: &Caller, now: u64) -> Result<Lists, ClientError> {
    let enrolled = profile.enrolled()?;
    let live = live::refresh(profile, &enrolled, channel, caller, now).await?;
    let (mut accounts, mut logs) = (Vec::new(), BTreeMap::new());
    for (id, epoch) in &live.epochs {
        match channel::account(channel, *id).await {
            Ok(account) => {
                accounts.push((*id, account));
                for holder in &epoch.record().holders {
                    let log = Log::of(holder, epoch.object(), &live.catalog);
                    if !logs.contains_key(&log.ledger) && profile.remembered(&log.ledger, &log.key)?.is_some() {
                        logs.insert(log.ledger, log.refresh(profile, channel, &[], caller).await?);
                    }
                }
            }
            // A live epoch may be another server's.
            Err(error) if error.is_refusal(RefusalCode::UnknownEpoch) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let logs = logs.into_values().collect();
    Ok(Lists { operator: enrolled.bundle().operator.to_string(), live, accounts, logs })
}

/// What machines read of it.
#[derive(Serialize)]
struct Shown<'a> {
    operator: &'a str,
    catalog: ShownCatalog,
    lists: Vec<ShownList>,
    budgets: Vec<ShownBudget>,
    logs: Vec<ShownLog>,
}

#[derive(Serialize)]
struct ShownCatalog {
    sequence: u64,
    digest: String,
    expires: String,
}

#[derive(Serialize)]
struct ShownList {
    list: String,
    title: String,
    release: String,
    manifest: String,
    epoch: String,
    scheme: String,
    people: u64,
    categories: Vec<String>,
    incident: Option<String>,
    created: String,
    /// Bytes of its index.
    bytes: u64,
}

#[derive(Serialize)]
struct ShownBudget {
    epoch: String,
    granted: u64,
    remaining: u64,
}

#[derive(Serialize)]
struct ShownLog {
    size: u64,
    root: String,
}

impl Serialize for Lists {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let list = |Release { manifest, digest }: &Release| ShownList {
            list: manifest.list.to_string(),
            title: manifest.title.as_str().to_owned(),
            release: manifest.release.to_string(),
            manifest: digest.to_string(),
            epoch: manifest.epoch.to_string(),
            scheme: manifest.scheme.to_string(),
            people: manifest.people(),
            categories: manifest.dictionary.categories().iter().map(ToString::to_string).collect(),
            incident: manifest.incident.map(|incident| incident.to_string()),
            created: moment(manifest.created),
            bytes: manifest.index_length,
        };
        let budget = |(epoch, account): &(EpochId, Account)| ShownBudget {
            epoch: epoch.to_string(),
            granted: account.granted,
            remaining: account.remaining(),
        };
        let (catalog, digest) = (&self.live.catalog, self.live.digest.to_string());
        let shown = Shown {
            operator: &self.operator,
            catalog: ShownCatalog { sequence: catalog.sequence, digest, expires: moment(catalog.expires) },
            lists: self.live.releases.iter().map(list).collect(),
            budgets: self.accounts.iter().map(budget).collect(),
            logs: self.logs.iter().map(|head| ShownLog { size: head.size, root: head.root.to_string() }).collect(),
        };
        shown.serialize(serializer)
    }
}

impl fmt::Display for Lists {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.live.releases.is_empty() {
            writeln!(f, "{} has no live list for this insurer", self.operator)?;
        } else {
            let header = ["LIST", "TITLE", "RELEASE", "SCHEME", "PEOPLE", "CATEGORIES", "INCIDENT", "CREATED"];
            let mut rows = vec![header.map(str::to_owned).to_vec()];
            rows.extend(self.live.releases.iter().map(row));
            f.write_str(&table(&rows))?;
        }
        let catalog = &self.live.catalog;
        writeln!(f)?;
        writeln!(f, "catalog  sequence {}, valid until {}", catalog.sequence, moment(catalog.expires))?;
        writeln!(f, "digest   {} (compare it with other insurers)", self.live.digest)?;
        for release in &self.live.releases {
            writeln!(f, "manifest {} of the list {}", release.digest, release.manifest.list)?;
        }
        for (epoch, account) in &self.accounts {
            let (left, granted) = (number(account.remaining()), number(account.granted));
            writeln!(f, "budget   {left} of {granted} evaluations left in epoch {}", short(&epoch.to_string()))?;
        }
        for log in &self.logs {
            let (size, root) = (number(log.size), short(&log.root.to_string()));
            writeln!(f, "log      {size} entries, root {root}; it goes on from what was remembered")?;
        }
        Ok(())
    }
}

fn row(release: &Release) -> Vec<String> {
    let manifest: &Manifest = &release.manifest;
    let categories: Vec<&str> = manifest.dictionary.categories().iter().map(Slug::as_str).collect();
    vec![
        manifest.list.to_string(),
        escape(manifest.title.as_str(), SHOWN_TITLE),
        short(&manifest.release.to_string()),
        manifest.scheme.to_string(),
        number(manifest.people()),
        categories.join(","),
        manifest.incident.map_or_else(|| "-".to_owned(), |incident| incident.to_string()),
        moment(manifest.created),
    ]
}

/// The first eight digits of an id.
fn short(id: &str) -> String {
    id.chars().take(8).collect()
}
