//! The command line of `blindlist`: what it takes, what it prints, how it ends.
//!
//! Results go to standard output, everything else to standard error. The clock is read here and nowhere else.

use std::fmt::Display;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use blindlist_protocol::enrolment::Fingerprint;
use blindlist_protocol::identifier::Scheme;
use blindlist_protocol::text::Slug;
use blindlist_records::{Column, parse_override};
use blindlist_store::exit::Code;
use blindlist_store::text::escape;
use clap::{Args, Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::channel::QuicChannel;
use crate::check::{self, CheckOptions};
use crate::profile::Profile;
use crate::show::note;
use crate::{ClientError, enroll, lists};

/// The environment variable that says what is logged.
const LOG: &str = "BLINDLIST_LOG";

/// Finds out which of an insurer's members are on an operator's breach list, without showing anyone the members.
#[derive(Debug, Parser)]
#[command(name = "blindlist", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes this insurer's keys, and the request that the operator approves.
    Enroll {
        /// The folder for keys and everything else; made if it is missing.
        #[arg(long, value_name = "DIR")]
        profile: PathBuf,
        /// The insurer's name: a-z, 0-9, `_` and `-`.
        #[arg(long)]
        name: Slug,
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
    /// The member file: CSV in UTF-8 with a line of headers.
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
    /// Goes on with an unfinished check of the same file; what was answered is not paid again.
    #[arg(long)]
    resume: bool,
}

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let filter = EnvFilter::try_from_env(LOG).unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).init();
    match run(cli.command) {
        Ok(()) => Code::Done.into(),
        Err(error) => {
            note(&format!("blindlist: {error}"));
            error.code().into()
        }
    }
}

fn run(command: Command) -> Result<(), ClientError> {
    match command {
        Command::Enroll { profile, name } => {
            let fingerprint = enroll::enroll(&profile, name)?;
            let profile = Profile::open(&profile)?;
            print(&enrolled(&profile, &fingerprint))
        }
        Command::Fingerprint { file } => print(&format!("{}\n", enroll::fingerprint(&file)?)),
        Command::Join { bundle, profile, fingerprint } => {
            let bundle = enroll::join(&bundle, &Profile::open(&profile)?, fingerprint)?;
            note(&format!("joined {} as {}", bundle.operator, bundle.insurer));
            Ok(())
        }
        Command::Lists { place } => in_runtime(show_lists(place)),
        Command::Check { place, check } => in_runtime(run_check(place, check)),
    }
}

fn enrolled(profile: &Profile, fingerprint: &Fingerprint) -> String {
    let shown = |path: PathBuf| escape(&path.display().to_string(), 1_024);
    format!(
        "request      {}\nfingerprint  {fingerprint}\n\n\
         1. Send the request to the operator, and tell it the fingerprint by another way, such as a call.\n\
         2. The operator sends a bundle back and tells you its fingerprint.\n\
         3. Install it: blindlist join BUNDLE --profile {}\n",
        shown(profile.request_path()),
        shown(profile.path().to_owned())
    )
}

async fn show_lists(place: Place) -> Result<(), ClientError> {
    let profile = Profile::open(&place.profile)?;
    let channel = QuicChannel::connect(&profile.enrolled()?, place.server.as_deref()).await?;
    let shown = lists::lists(&profile, &channel, now()).await;
    channel.close().await;
    print(&shown?)
}

async fn run_check(place: Place, check: CheckArgs) -> Result<(), ClientError> {
    let profile = Profile::open(&place.profile)?;
    let options = CheckOptions {
        members: check.members,
        out: check.out,
        list: check.list,
        scheme: check.scheme,
        columns: check.column,
        resume: check.resume,
    };
    let channel = QuicChannel::connect(&profile.enrolled()?, place.server.as_deref()).await?;
    let answered = check::ask(&profile, &channel, &options, now()).await;
    channel.close().await;
    print(&answered?.conclude(now)?)
}

/// Runs a command to its end, or until Ctrl-C: what it holds in temporary files is then removed.
fn in_runtime(command: impl Future<Output = Result<(), ClientError>>) -> Result<(), ClientError> {
    let runtime = tokio::runtime::Runtime::new().map_err(|_| ClientError::Internal("no threads could be started"))?;
    runtime.block_on(async {
        tokio::select! {
            done = command => done,
            Ok(()) = tokio::signal::ctrl_c() => Err(ClientError::Interrupted),
        }
    })
}

fn print(result: &impl Display) -> Result<(), ClientError> {
    let mut out = io::stdout().lock();
    let written = write!(out, "{result}").and_then(|()| out.flush());
    written.map_err(|source| ClientError::File {
        action: "write the result to",
        path: "the standard output".into(),
        source,
    })
}

/// Seconds since 1970; 0 on a clock before that, by which no certificate is valid.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
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
}
