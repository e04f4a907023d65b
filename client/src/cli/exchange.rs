//! `blindlist request` and `blindlist finish`: what they take.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use blindlist_protocol::identifier::Scheme;
use blindlist_protocol::text::Slug;
use blindlist_records::{Column, Encoding, Format, TableOptions, parse_override};
use blindlist_store::memory::Memory;
use clap::{ArgGroup, Args};

use super::check::padding;
use super::evidence;
use super::manners::Manners;
use crate::channel::{FileChannel, QuicChannel};
use crate::check::{self, CheckOptions, MemberFile, Operator, Padding};
use crate::exchange;
use crate::outside::now;
use crate::profile::Profile;
use crate::profile::jobs::look::CommandLine;
use crate::room::Room;
use crate::{Caller, ClientError, passphrases};

/// What it may use of the machine.
#[derive(Clone, Copy, Debug, Args)]
struct Machine {
    /// Threads that compute; without it, as many as there are cores.
    #[arg(long, value_name = "N", help_heading = "Resources")]
    threads: Option<NonZeroUsize>,
    /// Memory for what grows with the members, 64MiB at least; what does not fit is written, encrypted under a key that
    /// is nowhere else, to files in the profile that go at the end.
    #[arg(long, value_name = "SIZE", default_value_t = Room::MEMORY, help_heading = "Resources")]
    memory: Memory,
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("kept").args(["keep_evidence", "remember"]).multiple(true))]
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
    /// One list only.
    #[arg(long, help_heading = "What is checked")]
    list: Option<Slug>,
    /// The lists of one scheme only: nir, beneficiary or person.
    #[arg(long, help_heading = "What is checked")]
    scheme: Option<Scheme>,
    /// Which header is which field, where it cannot be told: nir=HEADER, birth_date=HEADER and so on.
    #[arg(long, value_name = "FIELD=HEADER", value_parser = parse_override, help_heading = "What is checked")]
    column: Vec<(Column, String)>,
    /// The encoding of a CSV file, where it cannot be told: utf-8, utf-16le, utf-16be, windows-1252 or iso-8859-15.
    #[arg(long, help_heading = "What is checked")]
    encoding: Option<Encoding>,
    /// The sheet of a workbook, by its name; otherwise the first.
    #[arg(long, help_heading = "What is checked")]
    sheet: Option<String>,
    /// Goes on when more than 1 % of the rows have no valid identifier. Otherwise nothing is written then.
    #[arg(long, help_heading = "What is checked")]
    accept_rejects: bool,
    /// Hides the number of members: random elements fill up to N, or to the next of 1, 2 or 5 times a power of ten. They
    /// cost as much as members.
    #[arg(long, value_name = "N|round", value_parser = padding, help_heading = "What is sent")]
    pad_to: Option<Padding>,
    /// Asks only about members whose answers are not kept from an earlier check; `finish` needs it too then.
    #[arg(long, help_heading = "What is kept")]
    remember: bool,
    /// Keeps what shows later whom was asked about, encrypted, in the profile: for `replay` and `open`.
    #[arg(long, help_heading = "What is kept")]
    keep_evidence: bool,
    /// A file with the passphrase for what is kept; without it, it is asked for, or systemd's credential
    /// `blindlist-passphrase` is taken.
    #[arg(long, value_name = "FILE", requires = "kept", help_heading = "What is kept")]
    passphrase_file: Option<PathBuf>,
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
    /// What affected and rejected rows are written as: csv (as the input is), xlsx, parquet or jsonl.
    #[arg(long, value_name = "FORMAT", default_value_t, help_heading = "Output")]
    format: Format,
    /// Writes no row: only report.html and summary.json.
    #[arg(long, conflicts_with = "format", help_heading = "Output")]
    summary_only: bool,
    #[command(flatten)]
    pub(super) manners: Manners,
    #[command(flatten)]
    machine: Machine,
}

pub(super) async fn run_request(args: RequestArgs, caller: Caller) -> Result<(), ClientError> {
    let profile = Profile::open(&args.profile)?;
    let enrolled = profile.enrolled()?;
    let room = Room::new(profile.path(), args.machine.threads, args.machine.memory);
    let table = TableOptions { encoding: args.encoding, sheet: args.sheet };
    let members = MemberFile::open(args.members, table, &room, &caller).await?;
    let options = CheckOptions {
        list: args.list,
        scheme: args.scheme,
        columns: args.column,
        padding: args.pad_to.unwrap_or_default(),
        accept_rejects: args.accept_rejects,
        command: CommandLine::of_this_process(),
        // A list of rejected rows goes beside the questions.
        ..CheckOptions::new(members, folder_of(&args.out), room)
    };
    check::check_files(&options)?;
    let files: Vec<PathBuf> = args.passphrase_file.into_iter().collect();
    let evidence = evidence::passphrase(args.keep_evidence, &files)?;
    let profiles = [profile];
    let remember = args.remember.then(|| passphrases::for_remembered(&files, &profiles)).transpose()?;
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
    let room = Room::new(profile.path(), args.machine.threads, args.machine.memory);
    let path = args.members.or_else(|| Some(requested.subjects.first()?.members.as_str().into()));
    let path = path.ok_or(ClientError::Internal("questions about nothing"))?;
    let members = MemberFile::open(path, TableOptions::default(), &room, &caller).await?;
    let list = args.list.or_else(|| requested.list.as_ref()?.parse().ok());
    let options = CheckOptions {
        list,
        scheme: requested.subjects.first().and_then(|subject| subject.scheme.parse().ok()),
        format: args.format,
        summary_only: args.summary_only,
        // That was decided before the questions were written.
        accept_rejects: true,
        command: CommandLine::of_this_process(),
        ..CheckOptions::new(members, args.out, room)
    };
    check::check_files(&options)?;
    let files: Vec<PathBuf> = args.passphrase_file.into_iter().collect();
    let profiles = [profile];
    let remember = args.remember.then(|| passphrases::for_remembered(&files, &profiles)).transpose()?;
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
