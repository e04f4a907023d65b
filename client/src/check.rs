//! `blindlist check`: which members are on the operators' lists, and what leaked for each.
//!
//! 1. Every operator says what is live, and `party` opens its share of the check.
//! 2. `reading` says how the member file is read, `members` turns its rows into distinct identifiers, `people`.
//! 3. `select` finds out whom each operator is asked about: everybody, or those whose evaluations are not remembered.
//! 4. The budget must suffice, and the indexes are fetched: [`crate::index`].
//! 5. `asking` has the members evaluated, chunk by chunk, and keeps nothing that is not proven: what is proven goes into
//!    `entries`. The operator's audit log must have it all: `log`.
//! 6. `matching` looks the entries up, run by run, and makes sure that every canary is found.
//! 7. `results` reads the members again and writes the files, all or none.
//!
//! An operator that fails does not spoil the others: it is missing from the result, and the check can be gone on with.
//! Memory does not grow with the members: what does is spilled, encrypted, by [`crate::room`]. Only `findings` are held.
//!
//! [`ask`] is 1 to 5, and [`Answered::conclude`] the rest. What is sent must not depend on what is found (SPEC.md
//! [MAT-3]), so the second has no channel, and the connections can be closed before it.
//!
//! Members are personal data: they go into the files of affected rows and nowhere else.

mod absent;
mod alias;
mod asking;
mod dry;
mod entries;
mod findings;
pub(crate) mod input;
mod keeping;
mod matching;
pub(crate) mod members;
mod opened;
mod party;
pub(crate) mod people;
mod plan;
mod reading;
mod results;
mod run;
mod select;
mod spool;
pub(crate) mod summary;
mod written;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use blindlist_protocol::identifier::Scheme;
use blindlist_protocol::text::Slug;
use blindlist_records::{Column, Format};
use blindlist_store::folder::PrivateFolder;
use blindlist_store::passphrase::Passphrase;
use futures_util::FutureExt as _;
use futures_util::future::join_all;

use crate::channel::Channel;
use crate::profile::Profile;
use crate::profile::jobs::look::CommandLine;
use crate::room::Room;
use crate::show::moment;
use crate::{Caller, ClientError};
use absent::{Absent, name};
use alias::Aliases;
pub use dry::{Estimate, OperatorEstimate, estimate};
use findings::Findings;
pub use input::MemberFile;
use members::Members;
use opened::Opened;
use party::Party;
use reading::Reading;
pub use run::Check;
pub use select::Padding;
use summary::OperatorSummary;
pub use summary::Summary;
pub(crate) use written::Writing;

/// The part of the rows that may be rejected before somebody must look at them: one in so many.
const REJECTS: u64 = 100;

/// What to check, as the command line says it.
#[derive(Clone, Debug)]
pub struct CheckOptions {
    /// The member file.
    pub members: MemberFile,
    /// The folder for the results; made if it is missing.
    pub out: PathBuf,
    /// One list only.
    pub list: Option<Slug>,
    /// The lists of one scheme only.
    pub scheme: Option<Scheme>,
    /// Columns chosen by their headers.
    pub columns: Vec<(Column, String)>,
    /// Whether to go on with an unfinished check.
    pub resume: bool,
    /// The passphrase for the evidence, when it is to be kept.
    pub evidence: Option<Passphrase>,
    /// The passphrase for the evaluations, when they are to be remembered.
    pub remember: Option<Passphrase>,
    /// How many elements each job has at least.
    pub padding: Padding,
    /// The format of the tables that are written.
    pub format: Format,
    /// Whether no row is written: the report and the summary alone.
    pub summary_only: bool,
    /// Whether to go on when more than one row in a hundred is rejected.
    pub accept_rejects: bool,
    /// The command line that it comes from, to show how to go on with what is unfinished.
    pub command: Option<CommandLine>,
    /// What it may use of the machine.
    pub room: Room,
    /// What a person is to do to go on after a failure.
    pub to_go_on: &'static str,
}

impl CheckOptions {
    /// Checks all live lists and writes the results into `out`.
    pub fn new(members: MemberFile, out: PathBuf, room: Room) -> Self {
        Self {
            members,
            out,
            list: None,
            scheme: None,
            columns: Vec::new(),
            resume: false,
            evidence: None,
            remember: None,
            padding: Padding::Least,
            format: Format::Csv,
            summary_only: false,
            accept_rejects: false,
            command: None,
            room,
            to_go_on: "run the same command with --resume",
        }
    }
}

/// An operator to be asked: the profile that was enrolled with it, and the way there, or why there is none.
#[derive(Debug)]
pub struct Operator<'a, C> {
    /// The profile.
    pub profile: &'a Profile,
    /// The way to its server.
    pub channel: Result<C, ClientError>,
}

/// A check whose requests are all answered. Nothing was looked up yet.
pub struct Answered<'a> {
    options: &'a CheckOptions,
    reading: Reading,
    members: Members,
    parties: Vec<Party<'a>>,
    absent: Absent<'a>,
    aliases: Aliases,
    started: u64,
    caller: Caller,
}

/// Operators that said what is live, each with its share of a check. Nothing was read but the member file's digest.
struct Begun<'a, C> {
    reading: Reading,
    parties: Vec<(C, Party<'a>)>,
    absent: Absent<'a>,
    aliases: Aliases,
}

/// Has a member file evaluated for the live lists of all operators. `now` is in seconds since 1970.
///
/// # Errors
/// [`ClientError`], when no operator answered that of the first. What was paid for stays in the profiles for `--resume`.
pub async fn ask<'a, C: Channel>(
    operators: Vec<Operator<'a, C>>,
    options: &'a CheckOptions,
    caller: &Caller,
    now: u64,
) -> Result<Answered<'a>, ClientError> {
    check_files(options)?;
    // In a folder that exists the files are private all the same.
    if !options.out.is_dir() {
        PrivateFolder::create(&options.out)?;
    }
    let Begun { reading, parties, mut absent, aliases } = begin(operators, options, caller, now).await?;
    let goes_on = parties.iter().any(|(_, party)| party.plan.goes_on());
    let members = read(options, &reading, caller).inspect_err(|error| {
        if goes_on {
            advise_resume(error, options, caller);
        }
    })?;
    let (pool, created) = (Arc::new(options.room.pool()?), moment(now));
    let asking = parties.into_iter().map(|(channel, mut party)| {
        let (people, pool, created) = (&members.people, &pool, created.as_str());
        async move {
            let asked = party.ask(&channel, people, pool, created).await;
            // Whoever does not want to wait for this is heard by what comes next.
            let _closed = caller.or(channel.close().map(Ok::<_, ClientError>)).await;
            (party.profile(), asked.map(|()| party))
        }
    });
    let parties = absent.present(join_all(asking).await).inspect_err(|error| advise_resume(error, options, caller))?;
    Ok(Answered { options, reading, members, parties, absent, aliases, started: now, caller: caller.clone() })
}

/// Learns what is live, and which unfinished jobs go on.
async fn begin<'a, C: Channel>(
    operators: Vec<Operator<'a, C>>,
    options: &'a CheckOptions,
    caller: &Caller,
    now: u64,
) -> Result<Begun<'a, C>, ClientError> {
    let several = operators.len() > 1;
    let (mut absent, aliases) = (Absent::new(several, caller), Aliases::new()?);
    let opening = operators.into_iter().map(|Operator { profile, channel }| async move {
        let caller = if several { caller.about(&name(profile)) } else { caller.clone() };
        let opened = match channel {
            Ok(channel) => Opened::new(profile, &channel, options, caller, now).await.map(|opened| (channel, opened)),
            Err(error) => Err(error),
        };
        (profile, opened)
    });
    let opened = absent.present(join_all(opening).await)?;
    let opened = absent.with_list(opened)?;
    different(&opened)?;
    let scheme = scheme(opened.iter().flat_map(|(_, opened)| opened.schemes()))?;
    opened.iter().for_each(|(_, opened)| opened.show());
    let unfinished: Vec<_> = opened.iter().flat_map(|(_, opened)| opened.unfinished(scheme)).collect();
    let reading = Reading::new(options, scheme, &unfinished)?;
    let room = options.room.part(opened.len());
    let planned = opened.into_iter().map(|(channel, opened)| {
        let profile = opened.profile;
        let party = Party::plan(opened, options, &reading, &aliases, room.clone());
        (profile, party.map(|party| (channel, party)))
    });
    let parties = absent.present(planned.collect())?;
    let goes_on = parties.iter().any(|(_, party)| party.plan.goes_on());
    if options.resume && !goes_on && parties.iter().any(|(_, party)| party.plan.file_changed) {
        return Err(ClientError::MembersChanged(options.members.path().to_owned()));
    }
    Ok(Begun { reading, parties, absent, aliases })
}

/// Makes sure that no operator would be asked twice.
fn different<C>(opened: &[(C, Opened<'_>)]) -> Result<(), ClientError> {
    let mut seen = BTreeMap::new();
    for (_, opened) in opened {
        if let Some(first) = seen.insert(opened.catalog.operator_key, opened.profile.path()) {
            return Err(ClientError::SameOperator(first.to_owned(), opened.profile.path().to_owned()));
        }
    }
    Ok(())
}

impl Answered<'_> {
    /// Looks the members up and writes the results. `clock` gives seconds since 1970.
    ///
    /// # Errors
    /// [`ClientError`]. What was paid for stays in the profiles for `--resume`; no result is written, unless it says so.
    pub fn conclude(mut self, clock: impl Fn() -> u64) -> Result<Summary, ClientError> {
        let (options, caller) = (self.options, self.caller.clone());
        let summary = self.look_up_and_write(clock).inspect_err(|error| advise_resume(error, options, &caller))?;
        // An operator that is missing is asked by the command that goes on, which needs what the others said.
        self.parties.iter().for_each(|party| party.end(summary.complete));
        Ok(summary)
    }

    fn look_up_and_write(&mut self, clock: impl Fn() -> u64) -> Result<Summary, ClientError> {
        let looked_up =
            self.parties.drain(..).map(|party| (party.profile(), party.look_up().map(|found| (party, found))));
        let found = self.absent.present(looked_up.collect())?;
        let mut findings = Findings::new(self.aliases.clone());
        for (party, found) in found {
            found.into_iter().for_each(|list| findings.add(list));
            self.parties.push(party);
        }
        let mut operators: Vec<OperatorSummary> = self.parties.iter().map(Party::summary).collect();
        operators.extend(self.absent.summaries());
        let mut summary = Summary::new(&self.reading, &self.members, operators, self.started);
        summary.finished = moment(clock());
        let several = summary.operators.len() > 1;
        let lists = self.parties.iter().flat_map(|party| party.lists(several)).collect();
        results::write(self.options, &self.reading, lists, &mut findings, &mut summary, &self.caller)?;
        Ok(summary)
    }
}

/// The one scheme that the lists share.
fn scheme(schemes: impl Iterator<Item = Scheme>) -> Result<Scheme, ClientError> {
    let mut schemes: Vec<Scheme> = schemes.collect();
    schemes.sort_unstable();
    schemes.dedup();
    match *schemes {
        [scheme] => Ok(scheme),
        [] => Err(ClientError::NoLiveList),
        [_, _, ..] => {
            let names: Vec<&str> = schemes.iter().map(|scheme| scheme.name()).collect();
            Err(ClientError::SeveralSchemes(names.join(", ")))
        }
    }
}

/// Reads the members, of whom most must have an identifier.
fn read(options: &CheckOptions, reading: &Reading, caller: &Caller) -> Result<Members, ClientError> {
    let members = members::read(&reading.members, reading.scheme, &reading.columns, &options.room, caller)?;
    let path = || options.members.path().to_owned();
    if members.sha256 != reading.sha256 {
        return Err(ClientError::MembersChanged(path()));
    }
    if too_many_rejected(options, &members) {
        let written = results::write_rejected(options, reading, caller)?;
        let (rejected, rows) = (members.rejected, members.rows);
        return Err(ClientError::TooManyRejected { path: path(), rejected, rows, written: Some(written) });
    }
    Ok(members)
}

fn too_many_rejected(options: &CheckOptions, members: &Members) -> bool {
    !options.accept_rejects && members.rejected.saturating_mul(REJECTS) > members.rows
}

/// Says how to go on after a failure, when that can help.
fn advise_resume(error: &ClientError, options: &CheckOptions, caller: &Caller) {
    let written = if matches!(error, ClientError::HalfWritten { .. }) { "" } else { "no result was written; " };
    if error.resumable() {
        caller.warn(format!("{written}what was evaluated is kept: {} to go on", options.to_go_on));
    }
}

/// Makes sure that the member file can be read and the results can be written. Called before connecting, it spares the
/// operator what cannot succeed.
///
/// # Errors
/// [`ClientError`] for a file that is no table, and for results that would replace it.
pub fn check_files(options: &CheckOptions) -> Result<(), ClientError> {
    // A file that is missing is reported by whoever reads it.
    let members = options.members.on_disk();
    if let Some(path) = members.filter(|path| std::fs::metadata(path).is_ok_and(|found| !found.is_file())) {
        return Err(ClientError::NotAFile(path.to_owned()));
    }
    let refused = |source| ClientError::Results { path: options.out.clone(), source };
    options.format.check().map_err(refused)?;
    drop(options.members.table()?);
    let same = |a: &Path, b: &Path| matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b);
    for name in results::files(options.format, options.summary_only) {
        let path = options.out.join(name);
        if members.is_some_and(|members| same(&path, members)) {
            return Err(ClientError::WouldReplaceInput(path));
        }
    }
    Ok(())
}
