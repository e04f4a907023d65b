//! The command line of `blindlist`: what it takes, and what does it.
//!
//! Results go to standard output, everything else to standard error: see `manners`.

mod check;
mod estimate;
mod evidence;
mod exchange;
mod keeping;
mod manners;
mod options;
mod shell;

use std::path::PathBuf;
use std::process::ExitCode;

use blindlist_protocol::enrolment::Fingerprint;
use blindlist_protocol::inspect::Format;
use blindlist_protocol::text::Slug;
use blindlist_store::exit::Code;
use blindlist_store::{log, text};
use clap::{Args, Parser, Subcommand};

use crate::channel::{Channel as _, QuicChannel};
use crate::outside::now;
use crate::profile::Profile;
use crate::show::note;
use crate::{Caller, ClientError, enroll, inspect, lists};
use manners::{ForMachines, Manners, in_runtime, print};

/// Finds out which of an insurer's members are on an operator's breach list, without showing anyone the members.
///
/// Results go to standard output, progress and messages to standard error. Exit codes: 0 done, also when nobody is
/// affected; 1 failure, 2 wrong command line, 65 bad input, 69 server unreachable, 75 try again later, or an operator is
/// missing from the result, 76 the server broke the protocol, 77 not allowed or over budget, 130 interrupted.
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
        id = "log_format",
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
    /// Finds out whether a check would work from here, and what to do if not.
    ///
    /// It looks at the profile, the clock, the certificate, the way to the server, the budget, the disk and the memory.
    /// Nothing is charged. Exit codes: 0 a check would work, else the code of the worst problem.
    Doctor(keeping::DoctorArgs),
    /// Shows the live lists and what remains of the budget.
    Lists {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        machines: ForMachines,
    },
    /// Checks a member file against the live lists.
    ///
    /// Exit codes: 0 done, also when nobody is affected; 65 the file cannot be used, or more than 1 % of its rows; 75 the
    /// results are written, and an operator is missing from them; 77 over budget; 130 interrupted. After most failures the
    /// same command with --resume goes on, and what was answered is not paid again.
    Check(Box<check::CheckArgs>),
    /// Writes what a check would ask to a file, for an operator that no network reaches.
    ///
    /// `blindlistd answer` makes a file of answers of it, and `finish` ends the check. Written again, the questions about the
    /// same members are the same, and are not paid again.
    Request(Box<exchange::RequestArgs>),
    /// Ends a check whose questions went in a file, with the file of answers.
    Finish(Box<exchange::FinishArgs>),
    /// Shows the checks that are unfinished, and how to go on with them.
    Jobs(keeping::JobsArgs),
    /// Shows the indexes that are kept, or removes those that nobody needs.
    #[command(subcommand)]
    Cache(keeping::CacheCommand),
    /// Removes what a profile keeps; without a choice, shows what that is.
    ///
    /// Seeds and remembered evaluations are overwritten before they are removed. What a disk or a backup keeps of them is
    /// out of reach.
    Forget(keeping::ForgetArgs),
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
    /// Prints what a file or a message is, value by value, and what can be checked of it without a key.
    ///
    /// It knows every kind of SPEC.md: epoch records, manifests, catalog snapshots, enrolment requests, bundles,
    /// successions, indexes, requests, responses and exchange files. What is broken is explained, with exit code 65.
    Inspect {
        /// The file; `-` is standard input.
        file: PathBuf,
        /// What it is: epoch, manifest, catalog, enrolment, bundle, succession, index, request, response, questions or answers. Its first line
        /// says so; a request or a response, which have none, are told apart by what can be read.
        #[arg(long = "as", value_name = "KIND")]
        kind: Option<Format>,
        /// Shows everything; otherwise long lists and long values are cut.
        #[arg(long)]
        all: bool,
    },
    /// Prints what a shell needs to complete commands of this program.
    Completions(shell::CompletionsArgs),
    /// Writes the manual pages of this program, one for each command.
    Man(shell::ManArgs),
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

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    log::begin(cli.log.level, cli.log.format, log::Level::WARN);
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "started");
    let manners = cli.command.manners();
    let code = match run(cli.command) {
        Ok(Code::Done) => {
            tracing::info!("done");
            Code::Done
        }
        Ok(code) => {
            tracing::info!(code = code.number(), "ended");
            code
        }
        Err(error) => {
            tracing::info!(code = error.code().number(), "failed");
            manners.fail(&error);
            error.code()
        }
    };
    code.into()
}

impl Command {
    fn manners(&self) -> Manners {
        match self {
            Self::Doctor(args) => args.manners,
            Self::Check(args) => args.manners,
            Self::Request(args) => args.manners,
            Self::Finish(args) => args.manners,
            Self::Lists { machines, .. } => (*machines).into(),
            Self::Jobs(args) => args.manners(),
            Self::Cache(command) => command.manners(),
            Self::Forget(args) => args.manners(),
            Self::Enroll { .. }
            | Self::Fingerprint { .. }
            | Self::Join { .. }
            | Self::Replay(_)
            | Self::Open(_)
            | Self::Witness(_)
            | Self::Inspect { .. }
            | Self::Completions(_)
            | Self::Man(_) => Manners::default(),
        }
    }
}

fn run(command: Command) -> Result<Code, ClientError> {
    let manners = command.manners();
    match command {
        Command::Doctor(args) => return keeping::run_doctor(&args),
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
        Command::Join { bundle, profile, fingerprint } => join(&bundle, &Profile::open(&profile)?, fingerprint),
        Command::Lists { place, .. } => {
            in_runtime(manners, |caller| async move { caller.or(show_lists(place, manners, &caller)).await })
        }
        Command::Check(args) => in_runtime(manners, |caller| check::run(*args, caller)),
        Command::Request(args) => in_runtime(manners, |caller| exchange::run_request(*args, caller)),
        Command::Finish(args) => in_runtime(manners, |caller| exchange::run_finish(*args, caller)),
        Command::Jobs(args) => keeping::run_jobs(&args),
        Command::Cache(command) => keeping::run_cache(&command),
        Command::Forget(args) => keeping::run_forget(&args),
        Command::Replay(args) => in_runtime(manners, |caller| async move { evidence::run_replay(&args, &caller) }),
        Command::Open(args) => in_runtime(manners, |caller| async move { evidence::run_open(&args, &caller) }),
        Command::Witness(args) => in_runtime(manners, |caller| async move { evidence::run_witness(&args, &caller) }),
        Command::Completions(args) => shell::run_completions(&args),
        Command::Man(args) => shell::run_man(&args),
    }?;
    Ok(Code::Done)
}

fn join(bundle: &std::path::Path, profile: &Profile, fingerprint: Option<Fingerprint>) -> Result<(), ClientError> {
    let bundle = enroll::join(bundle, profile, fingerprint)?;
    note(&format!("joined {} as {}", bundle.operator, bundle.insurer));
    note(&format!("next: blindlist doctor --profile {}", text::word(profile.path())));
    Ok(())
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

async fn show_lists(place: Place, manners: Manners, caller: &Caller) -> Result<(), ClientError> {
    let profile = Profile::open(&place.profile)?;
    let enrolled = profile.enrolled()?;
    enrolled.certificate_warning(now()).into_iter().for_each(|warning| caller.warn(warning));
    let channel = QuicChannel::connect(&enrolled, place.server.as_deref(), caller).await?;
    let shown = lists::lists(&profile, &channel, caller, now()).await;
    channel.close().await;
    manners.print(&shown?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(std::iter::once("blindlist").chain(line.split(' ')))
    }

    #[test]
    fn columns_and_profiles_may_be_given_one_by_one() {
        let line = "check m.csv --profile p --profile q --out o --column nir=A --column birth_date=B --resume";
        let Command::Check(check) = parse(line).unwrap().command else {
            panic!("it is a check");
        };
        assert_eq!((check.profile.len(), check.what.column.len(), check.resume), (2, 2, true));
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for bad in [
            "check m.csv --out o",
            "check m.csv --profile p",
            "check m.csv --profile p --out o --patience 5",
            "check m.csv --profile p --out o --patience -5m",
            "check m.csv --profile p --out o --pad-to 0",
            "check m.csv --profile p --out o --pad-to square",
            "check m.csv --profile p --out o --format pdf",
            "check m.csv --profile p --out o --passphrase-file f",
            "check m.csv --profile p --out o --dry-run --resume",
            "check m.csv --profile p --out o --summary-only --format xlsx",
            "forget --profile p --jobs --indexes",
            "forget --profile p --job 12",
            "completions tcsh",
            "man",
            "cache",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        for good in [
            "check m.csv --profile p --out o --patience 0s --pad-to round --format xlsx --remember --passphrase-file f",
            "check m.csv --profile p --out o --keep-evidence --passphrase-file f --quiet --json --accept-rejects",
            "check m.csv --profile p --out o --dry-run --pad-to 100000",
            "forget --profile p",
            "forget --profile p --evidence",
            "forget --profile p --evidence 00000000000000000000000000000001 --yes",
            "cache clean --profile p --all",
            "doctor --profile p --out o --server h:1 --json",
        ] {
            parse(good).unwrap_or_else(|error| panic!("{good}: {error}"));
        }
    }
}
