//! `blindlist cache`: which indexes the profile holds, and the removal of those that nobody needs any more.
//!
//! An index is no secret, and what is removed is fetched again when it is needed. What an unfinished check needs stays.

use std::fmt;

use blindlist_protocol::ids::EpochId;
use blindlist_store::text;
use serde::Serialize;
use std::path::PathBuf;

use crate::ClientError;
use crate::profile::Profile;
use crate::profile::indexes::Cached;
use crate::show::{bytes, moment, table};

/// The indexes in a profile, by its `Display` or as JSON.
#[derive(Debug, Serialize)]
pub struct Cache {
    indexes: Vec<Shown>,
    bytes: u64,
    #[serde(skip)]
    profile: PathBuf,
}

/// What was removed, by its `Display` or as JSON.
#[derive(Debug, Serialize)]
pub struct Cleaned {
    removed: Vec<Shown>,
    /// Indexes that would have been removed, did an unfinished check not need them.
    needed: u64,
    /// Bytes that are free again.
    bytes: u64,
    /// Whether it is known what is live. If not, nothing is removed for not being so.
    known: bool,
    #[serde(skip)]
    profile: PathBuf,
}

#[derive(Clone, Debug, Serialize)]
struct Shown {
    list: Option<String>,
    release: String,
    bytes: u64,
    whole: bool,
    live: Option<bool>,
    needed: bool,
    used: String,
}

/// The unfinished checks of a profile, as far as they need indexes.
struct Needs {
    epochs: Vec<EpochId>,
    /// Whether there is a check of which it is not known what it needs.
    unknown: bool,
}

impl Needs {
    fn of(profile: &Profile) -> Result<Self, ClientError> {
        let jobs = profile.look_at_jobs()?.jobs;
        let epochs = jobs.iter().map(|job| job.about.as_ref().and_then(|about| about.subject.epoch.parse().ok()));
        let epochs: Vec<Option<EpochId>> = epochs.collect();
        Ok(Self { unknown: epochs.contains(&None), epochs: epochs.into_iter().flatten().collect() })
    }

    fn include(&self, cached: &Cached) -> bool {
        match cached.epoch {
            Some(epoch) => self.unknown || self.epochs.contains(&epoch),
            None => self.unknown || !self.epochs.is_empty(),
        }
    }
}

impl Shown {
    fn new(cached: &Cached, needed: bool) -> Self {
        let (list, release, used) = (cached.list.clone(), cached.release.to_string(), moment(cached.used));
        let Cached { bytes, whole, live, .. } = *cached;
        Self { list, release, bytes, whole, live, needed, used }
    }

    fn row(&self) -> Vec<String> {
        let state = match (self.live, self.needed) {
            (Some(true), _) => "live",
            (Some(false), false) => "replaced",
            (Some(false), true) => "replaced, needed by an unfinished check",
            (None, _) => "unknown",
        };
        vec![
            self.list.as_deref().map_or_else(|| "-".to_owned(), |list| text::escape(list, 64)),
            self.release.chars().take(8).collect(),
            bytes(self.bytes) + if self.whole { "" } else { " (a part)" },
            self.used.clone(),
            state.to_owned(),
        ]
    }
}

/// Looks at the indexes of a profile.
///
/// # Errors
/// [`ClientError::Store`].
pub fn list(profile: &Profile) -> Result<Cache, ClientError> {
    let needs = Needs::of(profile)?;
    let indexes: Vec<Shown> =
        profile.cached_indexes()?.iter().map(|cached| Shown::new(cached, needs.include(cached))).collect();
    let bytes = indexes.iter().map(|index| index.bytes).sum();
    Ok(Cache { indexes, bytes, profile: profile.path().to_owned() })
}

/// Removes the indexes that are no longer live by the catalog that was seen last, or all of them, but those that an
/// unfinished check needs.
///
/// # Errors
/// [`ClientError::Store`], also when a check is under way.
pub fn clean(profile: &Profile, all: bool) -> Result<Cleaned, ClientError> {
    // No check may be under way, nor begin.
    let _jobs = profile.jobs()?;
    let needs = Needs::of(profile)?;
    let cached = profile.cached_indexes()?;
    let known = cached.iter().all(|cached| cached.live.is_some());
    let mut cleaned = Cleaned { removed: vec![], needed: 0, bytes: 0, known, profile: profile.path().to_owned() };
    for cached in cached.iter().filter(|cached| all || cached.live == Some(false)) {
        if needs.include(cached) {
            cleaned.needed += 1;
            continue;
        }
        profile.remove_index(cached)?;
        cleaned.bytes += cached.bytes;
        cleaned.removed.push(Shown::new(cached, false));
    }
    cleaned.bytes += profile.remove_index_leftovers()?;
    Ok(cleaned)
}

impl fmt::Display for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.indexes.is_empty() {
            return f.write_str("no index is here\n");
        }
        let header = ["LIST", "RELEASE", "SIZE", "USED", "STATE"].map(str::to_owned).to_vec();
        let rows: Vec<_> = std::iter::once(header).chain(self.indexes.iter().map(Shown::row)).collect();
        f.write_str(&table(&rows))?;
        writeln!(f, "\n{} in all", bytes(self.bytes))?;
        if self.indexes.iter().any(|index| index.live == Some(false) && !index.needed) {
            writeln!(
                f,
                "what was replaced is removed by: blindlist cache clean --profile {}",
                text::word(&self.profile)
            )?;
        }
        Ok(())
    }
}

impl fmt::Display for Cleaned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, freed) = (self.removed.len(), bytes(self.bytes));
        writeln!(f, "{count} {} removed, {freed} freed", if count == 1 { "index" } else { "indexes" })?;
        if self.needed > 0 {
            writeln!(f, "{} kept, which an unfinished check needs (blindlist jobs)", self.needed)?;
        }
        if !self.known {
            let profile = text::word(&self.profile);
            writeln!(
                f,
                "it is not known of all what is live: run `blindlist lists --profile {profile}`, then clean again"
            )?;
        }
        Ok(())
    }
}
