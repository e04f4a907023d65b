//! The command line of `blindlist`: what it takes, what it prints, how it ends.
//!
//! Results go to standard output, everything else to standard error. Ctrl-C is heard here: see [`Stop`].

mod evidence;

use std::fmt::Display;
use std::io::{self, BufWriter, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use blindlist_protocol::enrolment::Fingerprint;
use blindlist_protocol::identifier::Scheme;
use blindlist_protocol::inspect::Format;
use blindlist_protocol::text::Slug;
use blindlist_records::{Column, Encoding, TableOptions, parse_override};
use blindlist_store::exit::Code;
use blindlist_store::memory::Memory;
use blindlist_store::{StoreError, log, text};
use clap::{Args, Parser, Subcommand};
use futures_util::FutureExt as _;

use crate::channel::QuicChannel;
use crate::check::{self, CheckOptions, MemberFile};
use crate::outside::now;
use crate::profile::Profile;
use crate::room::Room;
use crate::show::note;
use crate::{ClientError, Stop, enroll, inspect, lists};

/// Finds out which of an insurer's members are on an operator's breach list, without showing anyone the members.
///
/// Results go to standard output, progress and messages to standard error. Exit codes: 0 done, also when nobody is
/// affected; 1 failure, 2 wrong command line, 65 bad input, 69 server unreachable, 75 try again later, 76 the server broke
/// the protocol, 77 not allowed or over budget.
#[derive(Debug, Parser)]
#[command(name = "blindlist", version, arg_required_else_help = true, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    log: LogArgs,
}

/// What is logged, to standard error.
#[derive(Debug, Args)]
struct LogArgs {
    /// How much to log: off, error, warn, info, debug or trace. Without it BLINDLIST_LOG says it, else what goes wrong is.
    #[arg(long = "log", value_name = "LEVEL", global = true, help_heading = "Logging")]
    level: Option<log::Level>,
    /// human, or json: one object a line. Messages for people stay as they are.
    #[arg(
        long = "log-format",
        value_name = "FORMAT",
        global = true,
        default_value = "human",
        help_heading = "Logging"
    )]
    format: log::Format,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes this insurer's keys, and the request that the operator approves.
    Enroll {
        /// The folder for keys and everything else; made if it is missing.
        #[arg(long, value_name = "DIR")]
        profile: PathBuf,
        /// The insurer's name: a-z, 0-9, `_` and `-`.
        #[arg(long, required_unless_present = "new_keys")]
        name: Option<Slug>,
        /// Makes new keys in a profile that has joined an operator, because the old ones were stolen or are to be changed.
        /// The old ones stay in use until the bundle for the new ones is joined.
        #[arg(long, conflicts_with = "name")]
        new_keys: bool,
    },
    /// Prints the fingerprint of a request or a bundle.
    Fingerprint {
        /// The request or bundle.
        file: PathBuf,
    },
    /// Prints what a file or a message is, value by value, and what can be checked of it without a key.
    ///
    /// It knows every kind of SPEC.md: epoch records, manifests, catalog snapshots, enrolment requests, bundles,
    /// successions, indexes, requests and responses. What is broken is explained, with exit code 65.
    Inspect {
        /// The file; `-` is standard input.
        file: PathBuf,
        /// What it is: epoch, manifest, catalog, enrolment, bundle, succession, index, request or response. Its first line
        /// says so; a request or a response, which have none, are told apart by what can be read.
        #[arg(long = "as", value_name = "KIND")]
        kind: Option<Format>,
        /// Shows everything; otherwise long lists and long values are cut.
        #[arg(long)]
        all: bool,
    },
    /// Checks and installs the bundle that the operator sent.
    Join {
        /// The bundle.
        bundle: PathBuf,
        /// The profile folder.
        #[arg(long, value_name = "DIR")]
        profile: PathBuf,
        /// The bundle's fingerprint, as the operator told it; without it, it is shown and asked for.
        #[arg(long, value_name = "FP")]
        fingerprint: Option<Fingerprint>,
    },
    /// Shows the live lists and what remains of the budget.
    Lists {
        #[command(flatten)]
        place: Place,
    },
    /// Checks a member file against the live lists.
    Check {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        check: CheckArgs,
    },
    /// Confirms that the operator's log charges exactly the members of this insurer's checks, and nobody else.
    ///
    /// Needs the evidence that `check --keep-evidence` keeps, the member files as they were, and the operator's export of
    /// its log. Exit codes: 0 all agrees, 1 something does not, 76 the log contradicts what its key has signed.
    Replay(evidence::ReplayArgs),
    /// Opens elements of a chunk for an auditor, or verifies such openings.
    ///
    /// What is opened says whom these elements meant, and nothing of the others.
    Open(evidence::OpenArgs),
    /// Signs a checkpoint of an operator's log, if it goes on from the last one that this witness signed.
    Witness(evidence::WitnessArgs),
}

/// Whose profile, which server.
#[derive(Debug, Args)]
struct Place {
    /// The profile folder.
    #[arg(long, value_name = "DIR")]
    profile: PathBuf,
    /// The operator's server, instead of those in its bundle.
    #[arg(long, value_name = "HOST:PORT")]
    server: Option<String>,
}

#[derive(Debug, Args)]
struct CheckArgs {
    /// The member file, with a line of headers: CSV in any encoding, also compressed by gzip or Zstandard, an Excel workbook
    /// (.xlsx), or Parquet; `-` is standard input, for CSV.
    members: PathBuf,
    /// The folder for affected.csv, rejected.csv and summary.json; made if it is missing.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// One list only.
    #[arg(long)]
    list: Option<Slug>,
    /// The lists of one scheme only: nir, beneficiary or person.
    #[arg(long)]
    scheme: Option<Scheme>,
    /// Which header is which field, where it cannot be told: nir=HEADER, birth_date=HEADER and so on.
    #[arg(long, value_name = "FIELD=HEADER", value_parser = parse_override)]
    column: Vec<(Column, String)>,
    /// The encoding of a CSV file, where it cannot be told: utf-8, utf-16le, utf-16be, windows-1252 or iso-8859-15.
    #[arg(long)]
    encoding: Option<Encoding>,
    /// The sheet of a workbook, by its name; otherwise the first.
    #[arg(long)]
    sheet: Option<String>,
    /// Goes on with an unfinished check of the same file; what was answered is not paid again.
    #[arg(long)]
    resume: bool,
    /// Keeps what shows later whom was asked about, encrypted, in the profile: for `replay` and `open`.
    #[arg(long)]
    keep_evidence: bool,
    /// A file with the passphrase for the evidence; without it, it is asked for, or systemd's credential
    /// `blindlist-passphrase` is taken.
    #[arg(long, value_name = "FILE", requires = "keep_evidence")]
    passphrase_file: Option<PathBuf>,
    /// Threads that compute; without it, as many as there are cores.
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
    /// Memory for what grows with the members, 64MiB at least; what does not fit is written, encrypted under a key that
    /// is nowhere else, to files in the profile that go when the check ends.
    #[arg(long, value_name = "SIZE", default_value_t = Room::MEMORY)]
    memory: Memory,
}

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    log::begin(cli.log.level, cli.log.format, log::Level::WARN);
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "started");
    match run(cli.command) {
        Ok(()) => {
            tracing::info!("done");
            Code::Done.into()
        }
        Err(error) => {
            tracing::info!(code = error.code().number(), "failed");
            note(&format!("blindlist: {error}"));
            error.code().into()
        }
    }
}

fn run(command: Command) -> Result<(), ClientError> {
    match command {
        Command::Enroll { profile, name: Some(name), new_keys: _ } => {
            let fingerprint = enroll::enroll(&profile, name)?;
            let profile = Profile::open(&profile)?;
            print(&enrolled(&profile, &fingerprint))
        }
        Command::Enroll { profile, name: None, new_keys: _ } => {
            let profile = Profile::open(&profile)?;
            let fingerprint = enroll::new_keys(&profile)?;
            print(&renewing(&profile, &fingerprint))
        }
        Command::Fingerprint { file } => print(&format!("{}\n", enroll::fingerprint(&file)?)),
        Command::Inspect { file, kind, all } => {
            let bytes = inspect::read(&file, kind)?;
            let inspection = inspect::look(&file, &bytes, kind)?;
            print(&inspect::Report::new(&inspection, all))?;
            inspect::judge(&file, &inspection)
        }
        Command::Join { bundle, profile, fingerprint } => {
            let bundle = enroll::join(&bundle, &Profile::open(&profile)?, fingerprint)?;
            note(&format!("joined {} as {}", bundle.operator, bundle.insurer));
            Ok(())
        }
        Command::Lists { place } => in_runtime(|stop| async move { stop.or(show_lists(place)).await }),
        Command::Check { place, check } => in_runtime(|stop| run_check(place, check, stop)),
        Command::Replay(args) => in_runtime(|stop| async move { evidence::run_replay(&args, &stop) }),
        Command::Open(args) => in_runtime(|stop| async move { evidence::run_open(&args, &stop) }),
        Command::Witness(args) => in_runtime(|stop| async move { evidence::run_witness(&args, &stop) }),
    }
}

fn enrolled(profile: &Profile, fingerprint: &Fingerprint) -> String {
    format!(
        "request      {}\nfingerprint  {fingerprint}\n\n\
         1. Send the request to the operator, and tell it the fingerprint by another way, such as a call.\n\
         2. The operator sends a bundle back and tells you its fingerprint.\n\
         3. Install it: blindlist join BUNDLE --profile {}\n",
        text::path(&profile.request_path()),
        text::word(profile.path())
    )
}

fn renewing(profile: &Profile, fingerprint: &Fingerprint) -> String {
    format!(
        "request      {}\nfingerprint  {fingerprint}\n\n\
         1. Send the request to the operator, and tell it the fingerprint by another way, such as a call. It renews you with\n\
         \x20  `blindlistd insurer renew`; the certificate that you have is refused from then on.\n\
         2. The operator sends a bundle back and tells you its fingerprint.\n\
         3. Install it: blindlist join BUNDLE --profile {}\n\
         \x20  The old keys are destroyed then, and not before.\n",
        text::path(&profile.new_request_path()),
        text::word(profile.path())
    )
}

async fn show_lists(place: Place) -> Result<(), ClientError> {
    let profile = Profile::open(&place.profile)?;
    let enrolled = profile.enrolled()?;
    enrolled.certificate_warning(now()).iter().for_each(|warning| note(warning));
    let channel = QuicChannel::connect(&enrolled, place.server.as_deref()).await?;
    let shown = lists::lists(&profile, &channel, now()).await;
    channel.close().await;
    print(&shown?)
}

async fn run_check(place: Place, check: CheckArgs, stop: Stop) -> Result<(), ClientError> {
    let profile = Profile::open(&place.profile)?;
    let enrolled = profile.enrolled()?;
    let room = Room::new(profile.path(), check.threads, check.memory);
    let options = TableOptions { encoding: check.encoding, sheet: check.sheet };
    let members = MemberFile::open(check.members, options, &room, &stop).await?;
    let options = CheckOptions {
        members,
        out: check.out,
        list: check.list,
        scheme: check.scheme,
        columns: check.column,
        resume: check.resume,
        evidence: None,
        room,
    };
    check::check_files(&options)?;
    // A person is asked before anybody waits for an answer.
    let evidence = evidence::passphrase(check.keep_evidence, check.passphrase_file.as_deref())?;
    let options = CheckOptions { evidence, ..options };
    enrolled.certificate_warning(now()).iter().for_each(|warning| note(warning));
    let connect = QuicChannel::connect(&enrolled, place.server.as_deref());
    let channel = stop.or(connect).await?;
    let answered = check::ask(&profile, &channel, &options, &stop, now()).await;
    // Whoever does not want to wait for this is heard by what comes next.
    let _closed = stop.or(channel.close().map(Ok::<_, ClientError>)).await;
    print(&answered?.conclude(now)?)
}

/// Runs a command that takes notice of Ctrl-C.
fn in_runtime<F>(command: impl FnOnce(Stop) -> F) -> Result<(), ClientError>
where
    F: Future<Output = Result<(), ClientError>>,
{
    let runtime = tokio::runtime::Runtime::new().map_err(|_| ClientError::Internal("no threads could be started"))?;
    runtime.block_on(async { command(Stop::on_ctrl_c()).await })
}

fn print(result: &impl Display) -> Result<(), ClientError> {
    let failed = |source| StoreError::io("write the result to", Path::new("the standard output"), source);
    Ok(write_result(BufWriter::new(io::stdout().lock()), result).map_err(failed)?)
}

/// Whoever closes a pipe wants no more of it: that is no failure.
fn write_result(mut out: impl Write, result: &impl Display) -> io::Result<()> {
    match write!(out, "{result}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn columns_may_be_given_one_by_one() {
        let line = "blindlist check m.csv --profile p --out o --column nir=A --column birth_date=B --resume";
        let cli = Cli::try_parse_from(line.split(' ')).unwrap();
        let Command::Check { check, .. } = cli.command else {
            panic!("it is a check");
        };
        assert_eq!((check.column.len(), check.resume), (2, true));
    }

    /// Fails every write in one way.
    struct Fails(io::ErrorKind);

    impl Write for Fails {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(self.0.into())
        }
    }

    #[test]
    fn only_a_closed_pipe_is_no_failure() {
        assert!(write_result(Fails(io::ErrorKind::BrokenPipe), &"x").is_ok());
        assert!(write_result(Fails(io::ErrorKind::StorageFull), &"x").is_err());
        let mut out = Vec::new();
        write_result(&mut out, &"x").unwrap();
        assert_eq!(out, b"x");
    }
}
