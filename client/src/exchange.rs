//! A check without a network (SPEC.md, "Exchange files"): [`request`] is a check up to its questions, which go into a file,
//! and [`finish`] goes on with it over the file of answers.
//!
//! What a file holds is held against the same rules as what comes over a connection, by the same code: a [`FileChannel`]
//! is a channel. Here is what a connection has and a file has not: who it is from, whom it is for, and how old it is.

mod error;

use std::fmt;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use blindlist_protocol::exchange::Writer;
use blindlist_protocol::ids::Digest;
use blindlist_protocol::live::{Live, LiveError};
use blindlist_protocol::message::{Request, Response};
use blindlist_protocol::params::MAX_CHUNK;
use blindlist_protocol::refusal::RefusalCode;
use blindlist_store::file::AtomicFile;
use blindlist_store::text;
use serde::Serialize;

use crate::channel::{Channel, ChannelError, FileChannel};
use crate::check::{self, CheckOptions, Operator, Summary, Writing};
use crate::profile::Profile;
use crate::profile::requests::Requested;
use crate::show::{moment, number};
use crate::{Broken, Caller, ClientError, live};
pub use error::ExchangeFault;

/// A file of questions that was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Questions {
    /// The file.
    pub questions: PathBuf,
    /// Its digest, by which its answers name it.
    pub digest: String,
    /// How many chunks it asks about.
    pub chunks: u32,
    /// Evaluations that it asks for; of those that were answered before, none is charged.
    pub evaluations: u64,
}

/// The publication in a file, verified. `now` is in seconds since 1970.
///
/// # Errors
/// [`ExchangeFault`] when it is none or not for this profile, and what [`live::refresh`] finds wrong with it.
pub async fn publication(
    profile: &Profile,
    path: &Path,
    caller: &Caller,
    now: u64,
) -> Result<FileChannel, ClientError> {
    let file = FileChannel::open(path, caller)?;
    if file.sealed().header.questions.is_some() {
        return Err(ExchangeFault::NotAPublication(path.to_owned()).into());
    }
    verify(profile, &file, caller, now).await?;
    Ok(file)
}

/// Writes what a check would ask to a file, in place of what has its name. The check goes on with an unfinished one of the
/// same members: its questions are the same again, and are not charged twice.
///
/// # Errors
/// [`ClientError`]. No file is written then.
pub async fn request<C: Channel>(
    operator: Operator<'_, C>,
    options: CheckOptions,
    out: &Path,
    caller: &Caller,
    now: u64,
) -> Result<Questions, ClientError> {
    let profile = operator.profile;
    if is_same(options.members.path(), out) {
        return Err(ExchangeFault::WouldReplace(out.to_owned()).into());
    }
    let options = CheckOptions { resume: is_begun(profile, &options)?, ..options };
    let writing = Writing::begin(operator, &options, caller, now).await?;
    let (header, signer, subjects) = (writing.questions()?, writing.signer(), writing.subjects());
    let (mut writer, begin) = Writer::begin(&header).map_err(ExchangeFault::TooMany)?;
    let mut file = AtomicFile::create(out)?;
    write(&mut file, &begin)?;
    let mut evaluations = 0;
    let take = |request: Request| {
        if let Request::Evaluate(evaluate) = &request {
            evaluations += evaluate.elements.len() as u64;
        }
        write(&mut file, &writer.question(&request).map_err(ExchangeFault::TooMany)?)
    };
    writing.write_down(take).await?;
    let chunks = writer.frames();
    if chunks == 0 {
        return Err(ExchangeFault::NothingToAsk.into());
    }
    let (end, digest) = writer.finish(&signer).map_err(ExchangeFault::TooMany)?;
    write(&mut file, &end)?;
    // Known before anybody can answer it.
    profile.keep_request(&digest, &Requested::new(moment(now), options.list.as_ref(), subjects, &header.logs))?;
    file.commit()?;
    Ok(Questions { questions: out.to_owned(), digest: digest.to_string(), chunks, evaluations })
}

/// What the answers in a file are to, if this profile asked it. Nothing of them is verified.
///
/// # Errors
/// [`ExchangeFault::Publication`], [`ExchangeFault::OtherQuestions`].
pub fn asked(profile: &Profile, file: &FileChannel) -> Result<(Digest, Requested), ClientError> {
    let questions = file.sealed().header.questions;
    let digest = questions.ok_or_else(|| ExchangeFault::Publication(file.path().to_owned()))?;
    let requested = profile.request(&digest)?;
    Ok((digest, requested.ok_or_else(|| ExchangeFault::OtherQuestions(file.path().to_owned()))?))
}

/// Goes on with a check over a file of answers to its questions, and writes the results. `clock` gives seconds since 1970.
///
/// # Errors
/// [`ClientError::MembersChanged`] for another member file than the questions were about; [`ClientError`]. What was answered
/// is kept.
pub async fn finish(
    profile: &Profile,
    file: &FileChannel,
    options: CheckOptions,
    caller: &Caller,
    clock: impl Fn() -> u64,
) -> Result<Summary, ClientError> {
    let (digest, requested) = asked(profile, file)?;
    let live = verify(profile, file, caller, clock()).await?;
    not_older(profile, file, &live, &requested)?;
    all_asked(&live, &requested, &options)?;
    if !requested.is_about(&options.members.sha256()?) {
        return Err(ClientError::MembersChanged(options.members.path().to_owned()));
    }
    let options = CheckOptions { resume: true, to_go_on: "run `blindlist finish` again", ..options };
    let operator = Operator { profile, channel: Ok(file) };
    let answered =
        check::ask(vec![operator], &options, caller, clock()).await.inspect_err(|error| advise(error, caller))?;
    let summary = answered.conclude(clock)?;
    profile.forget_request(&digest)?;
    Ok(summary)
}

/// Makes sure that a file is for this profile and from its operator; what is live by it. [EXC-5]
async fn verify(profile: &Profile, file: &FileChannel, caller: &Caller, now: u64) -> Result<Live, ClientError> {
    let (enrolled, sealed, path) = (profile.enrolled()?, file.sealed(), || file.path().to_owned());
    let header = &sealed.header;
    if header.insurer != enrolled.bundle().insurer_id {
        return Err(ExchangeFault::NotForUs(path()).into());
    }
    // What the manifest key has signed is what it is, whoever wrote the file.
    let live = live::refresh(profile, &enrolled, file, caller, now).await.map_err(|error| {
        let is_older = matches!(error, ClientError::Broken(Broken::Live(LiveError::LowerSequence { .. })));
        if is_older { ExchangeFault::Older(path()).into() } else { error }
    })?;
    if header.operator_key != live.catalog.operator_key {
        return Err(ExchangeFault::NotForUs(path()).into());
    }
    let holders = live.epochs.values().flat_map(|epoch| &epoch.record().holders);
    let mut keys = holders.filter(|holder| holder.ledger == header.ledger).map(|holder| &holder.receipt_key);
    if !keys.any(|key| sealed.verify(key).is_ok()) {
        return Err(ExchangeFault::Signature(path()).into());
    }
    Ok(live)
}

/// Makes sure that no more of the log is remembered than the file shows, unless that was remembered before its questions
/// were written: then the log has shrunk, which the check finds out. [EXC-6]
fn not_older(profile: &Profile, file: &FileChannel, live: &Live, requested: &Requested) -> Result<(), ClientError> {
    let ledger = file.sealed().header.ledger;
    let Some(Response::Checkpoint(shown)) = file.answer(&Request::Checkpoint(ledger))? else { return Ok(()) };
    for holder in live.epochs.values().flat_map(|epoch| &epoch.record().holders) {
        if holder.ledger == ledger && requested.known(&ledger) <= shown.size {
            let known = profile.remembered(&ledger, &holder.receipt_key)?;
            if known.is_some_and(|known| known.checkpoint.size > shown.size) {
                return Err(ExchangeFault::Older(file.path().to_owned()).into());
            }
        }
    }
    Ok(())
}

/// Makes sure that all lists that are chosen can be looked up in with what was asked.
fn all_asked(live: &Live, requested: &Requested, options: &CheckOptions) -> Result<(), ClientError> {
    let chosen = live.releases.iter().map(|release| &release.manifest).filter(|manifest| {
        options.list.as_ref().is_none_or(|list| *list == manifest.list)
            && options.scheme.is_none_or(|scheme| scheme == manifest.scheme)
    });
    match chosen.into_iter().find(|manifest| !requested.asked_in(&manifest.epoch)) {
        Some(manifest) => Err(ExchangeFault::NotAsked(manifest.list.clone()).into()),
        None => Ok(()),
    }
}

/// Says what to do when the operator refused chunks.
fn advise(error: &ClientError, caller: &Caller) {
    if matches!(error, ClientError::Channel(ChannelError::Refused(refusal)) if refusal.code == RefusalCode::OverBudget)
    {
        caller.warn(
            "when the budget is raised, the operator answers the same questions again, and `blindlist finish` goes on with the \
             new answers; what was charged is not charged again",
        );
    }
}

/// Whether the profile has an unfinished check of the same members.
fn is_begun(profile: &Profile, options: &CheckOptions) -> Result<bool, ClientError> {
    let unfinished = profile.look_at_jobs()?.jobs;
    let mut begun = unfinished.iter().filter_map(|job| job.about.as_ref()).map(|about| &about.subject).peekable();
    if begun.peek().is_none() {
        return Ok(false);
    }
    let sha256 = options.members.sha256()?;
    Ok(begun.any(|subject| subject.members_sha256 == sha256))
}

fn is_same(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

fn write(file: &mut AtomicFile, bytes: &[u8]) -> Result<(), ClientError> {
    file.write_all(bytes).map_err(|source| file.write_error(source).into())
}

impl fmt::Display for Questions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (chunks, evaluations) = (number(self.chunks.into()), number(self.evaluations));
        writeln!(f, "questions    {}", text::path(&self.questions))?;
        writeln!(f, "digest       {}", self.digest)?;
        writeln!(f, "evaluations  {evaluations}, in {chunks} chunks of up to {}", number(MAX_CHUNK as u64))?;
        writeln!(f, "\nNext, at the operator's:\n  blindlistd answer QUESTIONS --home HOME --out ANSWERS")?;
        writeln!(
            f,
            "and then here, with the member file as it is now:\n  blindlist finish ANSWERS --profile DIR --out DIR"
        )
    }
}
