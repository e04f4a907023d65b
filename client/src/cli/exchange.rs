//! `blindlist request` and `blindlist finish`: what they take.

use std::path::{Path, PathBuf};

use blindlist_protocol::text::Slug;
use blindlist_records::TableOptions;
use clap::Args;

use super::manners::Manners;
use super::options::{Kept, Machine, Output, What};
use crate::channel::{FileChannel, QuicChannel};
use crate::check::{self, CheckOptions, MemberFile, Operator};
use crate::exchange;
use crate::outside::now;
use crate::profile::Profile;
use crate::profile::jobs::look::CommandLine;
use crate::{Caller, ClientError};

/// What it means for `request` to accept rejects.
const ACCEPT_REJECTS: &str =
    "Goes on when more than 1 % of the rows have no valid identifier. Otherwise nothing is written then";
/// What it means for `request` to remember.
const REMEMBER: &str =
    "Asks only about members whose answers are not kept from an earlier check; `finish` needs it too then";

#[derive(Debug, Args)]
#[command(mut_arg("accept_rejects", |arg| arg.help(ACCEPT_REJECTS)), mut_arg("remember", |arg| arg.help(REMEMBER)))]
pub(super) struct RequestArgs {
    /// The member file, as for `check`. It must be as it is now when the answers come.
    members: PathBuf,
    /// The profile folder.
    #[arg(long, value_name = "DIR")]
    profile: PathBuf,
    /// The file to write, in place of what has its name.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// What is live, in the file that the operator made with `blindlistd publication`. Without it, the server is asked.
    #[arg(long, value_name = "FILE", conflicts_with = "server")]
    publication: Option<PathBuf>,
    /// The operator's server, instead of those in its bundle.
    #[arg(long, value_name = "HOST:PORT")]
    server: Option<String>,
    /// An unfinished check of the same file is always gone on with.
    #[arg(long, hide = true)]
    resume: bool,
    #[command(flatten)]
    what: What,
    #[command(flatten)]
    kept: Kept,
    #[command(flatten)]
    pub(super) manners: Manners,
    #[command(flatten)]
    machine: Machine,
}

#[derive(Debug, Args)]
pub(super) struct FinishArgs {
    /// The file of answers, which the operator made with `blindlistd answer`.
    answers: PathBuf,
    /// The profile folder.
    #[arg(long, value_name = "DIR")]
    profile: PathBuf,
    /// The folder for the results; made if it is missing.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The member file, when it is not where `request` read it. It must be the same.
    #[arg(long, value_name = "FILE")]
    members: Option<PathBuf>,
    /// One list only, of those that were asked about.
    #[arg(long, help_heading = "What is checked")]
    list: Option<Slug>,
    /// What was answered before is always used.
    #[arg(long, hide = true)]
    resume: bool,
    /// Uses the answers that are kept from earlier checks, and keeps these.
    #[arg(long, help_heading = "What is kept")]
    remember: bool,
    /// A file with the passphrase for what is kept; without it, it is asked for, or systemd's credential
    /// `blindlist-passphrase` is taken.
    #[arg(long, value_name = "FILE", requires = "remember", help_heading = "What is kept")]
    passphrase_file: Option<PathBuf>,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    pub(super) manners: Manners,
    #[command(flatten)]
    machine: Machine,
}

pub(super) async fn run_request(args: RequestArgs, caller: Caller) -> Result<(), ClientError> {
    let profile = Profile::open(&args.profile)?;
    let enrolled = profile.enrolled()?;
    let room = args.machine.room(&profile);
    let members = MemberFile::open(args.members, args.what.table(), &room, &caller).await?;
    // A list of rejected rows goes beside the questions.
    let options = args.what.check(members, folder_of(&args.out), room);
    check::check_files(&options)?;
    let profiles = [profile];
    let (evidence, remember) = args.kept.passphrases(&profiles)?;
    let options = CheckOptions { evidence, remember, ..options };
    let [profile] = &profiles;
    let written = match &args.publication {
        Some(path) => {
            let channel = exchange::publication(profile, path, &caller, now()).await?;
            let operator = Operator { profile, channel: Ok(channel) };
            exchange::request(operator, options, &args.out, &caller, now()).await?
        }
        None => {
            enrolled.certificate_warning(now()).into_iter().for_each(|warning| caller.warn(warning));
            let channel = caller.or(QuicChannel::connect(&enrolled, args.server.as_deref(), &caller)).await?;
            let operator = Operator { profile, channel: Ok(channel) };
            exchange::request(operator, options, &args.out, &caller, now()).await?
        }
    };
    args.manners.print(&written)
}

pub(super) async fn run_finish(args: FinishArgs, caller: Caller) -> Result<(), ClientError> {
    let profile = Profile::open(&args.profile)?;
    let file = FileChannel::open(&args.answers, &caller)?;
    let (_, requested) = exchange::asked(&profile, &file)?;
    let room = args.machine.room(&profile);
    let path = args.members.or_else(|| Some(requested.subjects.first()?.members.as_str().into()));
    let path = path.ok_or(ClientError::Internal("questions about nothing"))?;
    let members = MemberFile::open(path, TableOptions::default(), &room, &caller).await?;
    let Output { format, summary_only } = args.output;
    let options = CheckOptions {
        list: args.list.or_else(|| requested.list.as_ref()?.parse().ok()),
        scheme: requested.subjects.first().and_then(|subject| subject.scheme.parse().ok()),
        format,
        summary_only,
        // That was decided before the questions were written.
        accept_rejects: true,
        command: CommandLine::of_this_process(),
        ..CheckOptions::new(members, args.out, room)
    };
    check::check_files(&options)?;
    let kept = Kept { remember: args.remember, keep_evidence: false, passphrase_file: args.passphrase_file };
    let profiles = [profile];
    let (_, remember) = kept.passphrases(&profiles)?;
    let [profile] = &profiles;
    let summary = exchange::finish(profile, &file, CheckOptions { remember, ..options }, &caller, now).await?;
    args.manners.print(&summary)?;
    summary.judge()
}

/// The folder that a file is going to be in.
fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        Some(_) | None => ".".into(),
    }
}
