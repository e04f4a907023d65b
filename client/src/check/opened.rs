//! What an operator says is live, and what of it a check is about.

use std::collections::BTreeMap;

use blindlist_protocol::catalog::Catalog;
use blindlist_protocol::identifier::Scheme;
use blindlist_protocol::ids::{Digest, EpochId};
use blindlist_protocol::insurer::Epoch;
use blindlist_protocol::live::{Live, Release};

use super::CheckOptions;
use crate::channel::Channel;
use crate::profile::jobs::{Jobs, Unfinished};
use crate::profile::{Enrolled, Profile};
use crate::show::number;
use crate::{Caller, ClientError, live};

/// An operator that said what is live.
pub(super) struct Opened<'a> {
    pub profile: &'a Profile,
    pub enrolled: Enrolled,
    /// The jobs of the profile, for this process alone.
    pub jobs: Jobs,
    /// Those that were left unfinished.
    pub unfinished: Vec<Unfinished>,
    pub catalog: Catalog,
    /// The catalog's digest.
    pub digest: Digest,
    pub epochs: BTreeMap<EpochId, Epoch>,
    /// The releases chosen.
    pub releases: Vec<Release>,
    /// Why there are none, if there are none.
    pub nothing: Option<ClientError>,
    pub caller: Caller,
}

impl<'a> Opened<'a> {
    /// Asks what is live and chooses from it.
    pub(super) async fn new(
        profile: &'a Profile,
        channel: &impl Channel,
        options: &CheckOptions,
        caller: Caller,
        now: u64,
    ) -> Result<Self, ClientError> {
        let enrolled = profile.enrolled()?;
        let jobs = profile.jobs()?;
        let unfinished = jobs.unfinished()?;
        let live = caller.or(live::refresh(profile, &enrolled, channel, &caller, now)).await?;
        let Live { catalog, digest, epochs, releases } = live;
        let (releases, nothing) = match choose(&releases, options) {
            Ok(releases) => (releases, None),
            Err(nothing) => (Vec::new(), Some(nothing)),
        };
        Ok(Self { profile, enrolled, jobs, unfinished, catalog, digest, epochs, releases, nothing, caller })
    }

    /// The schemes of the releases chosen.
    pub(super) fn schemes(&self) -> impl Iterator<Item = Scheme> {
        self.releases.iter().map(|release| release.manifest.scheme)
    }

    /// The unfinished jobs that a check under this scheme could go on with.
    pub(super) fn unfinished(&self, scheme: Scheme) -> impl Iterator<Item = &Unfinished> {
        let epochs: Vec<String> = self.epochs.keys().map(ToString::to_string).collect();
        let (scheme, jobs) = (scheme.to_string(), self.unfinished.iter());
        jobs.filter(move |job| job.subject.scheme == scheme && epochs.contains(&job.subject.epoch))
    }

    /// Says which lists are checked.
    pub(super) fn show(&self) {
        for Release { manifest, .. } in &self.releases {
            self.caller.note(format!("list     {} ({} people)", manifest.list, number(manifest.people())));
        }
    }
}

/// The releases to check against.
fn choose(live: &[Release], options: &CheckOptions) -> Result<Vec<Release>, ClientError> {
    if live.is_empty() {
        return Err(ClientError::NoLiveList);
    }
    let chosen = |release: &&Release| {
        let manifest = &release.manifest;
        options.list.as_ref().is_none_or(|list| *list == manifest.list)
            && options.scheme.is_none_or(|scheme| scheme == manifest.scheme)
    };
    let releases: Vec<Release> = live.iter().filter(chosen).cloned().collect();
    if releases.is_empty() {
        return Err(no_such_list(live, options));
    }
    Ok(releases)
}

fn no_such_list(live: &[Release], options: &CheckOptions) -> ClientError {
    let list = options.list.as_ref().map(|list| format!("named {list}"));
    let scheme = options.scheme.map(|scheme| format!("of the scheme {scheme}"));
    let wanted: Vec<String> = list.into_iter().chain(scheme).collect();
    let shown = |release: &Release| format!("{} ({})", release.manifest.list, release.manifest.scheme);
    let names: Vec<String> = live.iter().map(shown).collect();
    ClientError::NoSuchList { wanted: wanted.join(" and "), live: names.join(", ") }
}
