//! The command line: every command and option, once.

mod audit;
mod exchange;
mod keys;
mod seal;
mod shell;

use std::net::{Ipv6Addr, SocketAddr};
use std::num::NonZeroU64;
use std::path::PathBuf;

use blindlist_protocol::enrolment::Fingerprint;
use blindlist_protocol::epoch::Evidence;
use blindlist_protocol::text::{Address, Slug, TextError};
use blindlist_store::log::{Format, Level};
use clap::{Args, Parser, Subcommand};

pub use self::audit::{AuditCommand, BackupArgs, CheckpointArgs, ExportArgs, RestoreArgs, VerifyArgs};
pub use self::exchange::{AnswerArgs, PublicationArgs};
use self::keys::evidence;
pub use self::keys::{
    EpochCommand, KeyHomeArgs, NewEpochArgs, PassphraseArgs, RenewArgs, RetireArgs, RevokeArgs, SucceedArgs, UnlockArgs,
};
pub use self::seal::SealArgs;
pub use self::shell::{CompletionsArgs, ManArgs, completions, write_pages};
use crate::init::DEFAULT_PORT;

/// The operator's side of Blindlist: seals breach lists and answers insurers.
///
/// Results go to standard output, progress and messages to standard error. Exit codes: 0 done, 1 failure, 2 wrong command
/// line, 65 bad input, 75 try again later, 76 an insurer's file is not signed by it, 77 not allowed.
#[derive(Debug, Parser)]
#[command(name = "blindlistd", version, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// What is logged.
    #[command(flatten)]
    pub log: LogArgs,
}

/// What is logged, to standard error.
#[derive(Clone, Copy, Debug, Args)]
pub struct LogArgs {
    /// How much to log: off, error, warn, info, debug or trace. Without it BLINDLIST_LOG says it; else `serve` logs what
    /// happens, and all else what goes wrong.
    #[arg(long = "log", value_name = "LEVEL", global = true, help_heading = "Logging")]
    pub level: Option<Level>,
    /// human, or json: one object a line.
    #[arg(
        long = "log-format",
        value_name = "FORMAT",
        global = true,
        default_value = "human",
        help_heading = "Logging"
    )]
    pub format: Format,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make the home of a new operator: keys, certificates, the first epoch, an empty ledger.
    Init(InitArgs),
    /// Seal a breach list into a release and publish it.
    Seal(SealArgs),
    /// Show the live lists.
    Lists(HomeArgs),
    /// Approve insurers, show them, or change what they are answered.
    #[command(subcommand)]
    Insurer(InsurerCommand),
    /// Make another epoch, show the epochs, or end one.
    #[command(subcommand)]
    Epoch(EpochCommand),
    /// Put the successor in the place of a manifest key that was lost or stolen.
    ///
    /// Every insurer has pinned it, and follows by itself at its next check. Lists, budgets and the ledger go on; checks that
    /// are not finished begin again. Cut off, the same command goes on; until then nothing else is signed.
    Succeed(SucceedArgs),
    /// Verify the audit log, export it, or sign a checkpoint of it.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Copy the whole home, ledger and all, to one encrypted file, while the server runs.
    Backup(BackupArgs),
    /// Make a home from a backup, once all of it is found to be whole.
    Restore(RestoreArgs),
    /// Put the secret keys under a passphrase, under another one, or under none.
    Passphrase(PassphraseArgs),
    /// Answer insurers until stopped.
    Serve(ServeArgs),
    /// Write a file with what is live for an insurer that no network reaches: catalog, lists, indexes, its account.
    ///
    /// It checks its members against that with `blindlist request`. Only keys/online is needed, and a server may run. The
    /// file is not encrypted: it is for that insurer.
    Publication(PublicationArgs),
    /// Answer a file of questions: charge, evaluate and prove, as for insurers that come over the network.
    ///
    /// The whole file is verified before anything is charged; exit codes 65, 76 and 77 say that it was not. Answering the
    /// same file again costs nothing. What the budget does not allow is refused in the answers, for the insurer to read.
    /// Only keys/online is needed, and a server may run.
    Answer(AnswerArgs),
    /// Make synthetic files to try everything with: breach.csv, members.csv, truth.csv.
    Sample(SampleArgs),
    /// Print what a shell needs to complete commands of this program.
    Completions(CompletionsArgs),
    /// Write the manual pages of this program, one for each command.
    Man(ManArgs),
}

impl Cli {
    /// What is logged unless somebody says otherwise: of a server that runs for weeks, what happens.
    pub fn usual_level(&self) -> Level {
        if matches!(self.command, Command::Serve(_)) { Level::INFO } else { Level::WARN }
    }
}

/// Where the operator's home is.
#[derive(Debug, Args)]
pub struct HomeArgs {
    /// The operator's home folder.
    #[arg(long, value_name = "DIR")]
    pub home: PathBuf,
}

/// Options of `init`.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// The folder to make; it must not exist, or be empty.
    #[arg(long, value_name = "DIR")]
    pub home: PathBuf,
    /// The operator's name: a-z, 0-9, `_` and `-`. It cannot be changed later.
    #[arg(long, value_name = "NAME")]
    pub operator: Slug,
    /// Where insurers reach the server; may be repeated. The port is 4433 unless another one is named.
    #[arg(long = "host", value_name = "NAME_OR_IP[:PORT]", value_parser = host)]
    pub hosts: Vec<Address>,
    /// The PostgreSQL database to keep the ledger in, postgres://USER@HOST/DATABASE, without tables; several servers may
    /// share it. A file in the home unless named. The password comes from PGPASSWORD, or the file that PGPASSFILE names.
    #[arg(long, value_name = "URL")]
    pub ledger: Option<String>,
    /// Whether insurers must keep evidence, encrypted, that shows an auditor whom they asked about in the first epoch: optional
    /// or required.
    #[arg(long, value_name = "WHETHER", default_value = "optional", value_parser = evidence)]
    pub evidence: Evidence,
    /// Put the secret keys under a passphrase: the only line of this private file.
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// Put the secret keys under a passphrase that you are asked for, twice. Without either, systemd's credential
    /// blindlistd-passphrase is taken if there is one.
    #[arg(long, conflicts_with = "passphrase_file")]
    pub passphrase: bool,
}

/// What to do about insurers.
#[derive(Debug, Subcommand)]
pub enum InsurerCommand {
    /// Approve an insurer's request and write the bundle to send back.
    Approve(ApproveArgs),
    /// Show the insurers and what is left of their budgets.
    List(HomeArgs),
    /// Change how many members an insurer may ask about in each epoch; takes effect at once.
    SetBudget(BudgetArgs),
    /// Change how many evaluations an insurer may have in a minute; takes effect at once.
    SetRate(RateArgs),
    /// Answer an insurer nothing more, from now on.
    Suspend(InsurerArgs),
    /// Answer an insurer that was suspended again.
    Resume(InsurerArgs),
    /// Give an insurer a new certificate, for new keys or the same; its account goes on, the old certificate ends at once.
    Renew(RenewArgs),
    /// Never answer an insurer again, nor give its name to another.
    Revoke(RevokeArgs),
}

/// An enrolled insurer.
#[derive(Debug, Args)]
pub struct InsurerArgs {
    /// The name that it was approved under.
    #[arg(value_name = "NAME")]
    pub name: Slug,
    /// The operator's home folder.
    #[arg(long, value_name = "DIR")]
    pub home: PathBuf,
}

/// Options of `insurer set-budget`.
#[derive(Debug, Args)]
pub struct BudgetArgs {
    /// The insurer.
    #[command(flatten)]
    pub insurer: InsurerArgs,
    /// How many members it may ask about in each epoch. What it has spent in an epoch stays spent.
    #[arg(value_name = "MEMBERS", value_parser = clap::value_parser!(u32).range(1..))]
    pub members: u32,
}

/// Options of `insurer set-rate`.
#[derive(Debug, Args)]
pub struct RateArgs {
    /// The insurer.
    #[command(flatten)]
    pub insurer: InsurerArgs,
    /// Evaluations in a minute, on each server, or `default` for what blindlistd.toml says. A repeated question counts too.
    #[arg(value_name = "RATE", value_parser = rate)]
    pub rate: Rate,
}

/// Evaluations in a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rate {
    /// What the configuration says.
    Default,
    /// So many.
    Of(NonZeroU64),
}

/// Options of `insurer approve`.
#[derive(Debug, Args)]
pub struct ApproveArgs {
    /// The file that the insurer sent: request.csr.
    #[arg(value_name = "REQUEST")]
    pub request: PathBuf,
    /// The operator's home folder.
    #[arg(long, value_name = "DIR")]
    pub home: PathBuf,
    /// The name to know the insurer by: a-z, 0-9, `_` and `-`.
    #[arg(long, value_name = "NAME")]
    pub name: Slug,
    /// How many members it may ask about in each epoch.
    #[arg(long, value_name = "MEMBERS", value_parser = clap::value_parser!(u32).range(1..))]
    pub budget: u32,
    /// The file to write the bundle to; it must not exist.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// The fingerprint of the request as the insurer told it. Without it you are asked.
    #[arg(long, value_name = "FINGERPRINT")]
    pub fingerprint: Option<Fingerprint>,
    /// The passphrases of the keys.
    #[command(flatten)]
    pub unlock: UnlockArgs,
}

/// Options of `serve`.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// The operator's home folder.
    #[arg(long, value_name = "DIR")]
    pub home: PathBuf,
    /// The local UDP address to listen on, instead of the one in blindlistd.toml. Port 0 takes any free one.
    #[arg(long, value_name = "IP:PORT")]
    pub listen: Option<SocketAddr>,
    /// The local TCP address of the admin page, instead of the one in blindlistd.toml: status, /metrics, /readyz, /healthz.
    #[arg(long, value_name = "IP:PORT")]
    pub admin: Option<SocketAddr>,
    /// A private file whose only line, of 32 characters or more, the admin page wants to be shown as a bearer token or as a
    /// password. Without it the page is for loopback addresses alone.
    #[arg(long, value_name = "FILE")]
    pub admin_token_file: Option<PathBuf>,
    /// The passphrases of the keys.
    #[command(flatten)]
    pub unlock: UnlockArgs,
}

/// Options of `sample`.
#[derive(Debug, Args)]
pub struct SampleArgs {
    /// The folder to write to.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Rows of the breach list.
    #[arg(long, value_name = "N")]
    pub records: u64,
    /// Rows of the member list.
    #[arg(long, value_name = "M")]
    pub members: u64,
    /// The fraction of members who are on the breach list, from 0 to 1.
    #[arg(long, value_name = "F")]
    pub overlap: f64,
    /// Another seed gives other people.
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,
}

/// A host with or without a port.
fn host(text: &str) -> Result<Address, TextError> {
    if text.parse::<Ipv6Addr>().is_ok() {
        return format!("[{text}]:{DEFAULT_PORT}").parse();
    }
    text.parse().or_else(|_| format!("{text}:{DEFAULT_PORT}").parse())
}

/// A rate, which the ledger holds up to 2^63 - 1.
fn rate(text: &str) -> Result<Rate, &'static str> {
    if text == "default" {
        return Ok(Rate::Default);
    }
    let number = text.parse().ok().filter(|number: &NonZeroU64| number.get() <= u64::MAX >> 1);
    number.map(Rate::Of).ok_or("it is a number of evaluations, at least 1, or the word default")
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(std::iter::once("blindlistd").chain(line.split(' ')))
    }

    #[test]
    fn the_commands_agree_with_themselves() {
        Cli::command().debug_assert();
    }

    #[test]
    fn hosts_get_the_usual_port() {
        for (given, address) in [
            ("op.example.fr", "op.example.fr:4433"),
            ("op.example.fr:1", "op.example.fr:1"),
            ("10.0.0.1", "10.0.0.1:4433"),
            ("2001:db8::1", "[2001:db8::1]:4433"),
            ("[2001:db8::1]", "[2001:db8::1]:4433"),
            ("[2001:db8::1]:5", "[2001:db8::1]:5"),
        ] {
            assert_eq!(host(given).unwrap().as_str(), address);
        }
        for bad in ["", "a b", "a:0", "a:b", "a/b", "[x]"] {
            assert!(host(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_a_plan_fixes_cannot_be_given_with_it() {
        assert!(parse("seal in.csv --home h --plan p").is_ok());
        assert!(parse("seal in.csv --home h --list l --categories a,b").is_ok());
        for option in [
            "--list l",
            "--audience a",
            "--to-all",
            "--split-by c --audience-map m",
            "--categories a",
            "--title t",
            "--incident-date 2026-01-01",
            "--scheme nir",
            "--column nir=x",
            "--false-positive-bits 40",
            "--dry-run",
            "--accept-rejects",
        ] {
            assert!(parse(&format!("seal in.csv --home h --plan p {option}")).is_err(), "{option}");
        }
        for missing in
            ["seal in.csv --home h --list l", "seal in.csv --home h --categories a", "seal --home h --plan p"]
        {
            assert!(parse(missing).is_err(), "{missing}");
        }
    }

    #[test]
    fn an_audience_is_said_in_one_way() {
        let seal = "seal i --home h --list l --categories a";
        for good in ["--audience a,b --audience c", "--to-all", "--split-by c --audience-map m"] {
            assert!(parse(&format!("{seal} {good}")).is_ok(), "{good}");
        }
        for bad in [
            "--audience a --to-all",
            "--audience A",
            "--audience a,",
            "--split-by c",
            "--audience-map m",
            "--split-by c --audience-map m --audience a",
            "--split-by c --audience-map m --to-all",
        ] {
            assert!(parse(&format!("{seal} {bad}")).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_budget_follows_the_name() {
        let parsed = parse("insurer set-budget mutuelle 500 --home h").unwrap().command;
        let Command::Insurer(InsurerCommand::SetBudget(args)) = parsed else { panic!("{parsed:?}") };
        assert_eq!((args.insurer.name.as_str(), args.members), ("mutuelle", 500));
    }

    #[test]
    fn a_rate_is_a_number_or_the_default() {
        for (given, expected) in [("default", Rate::Default), ("1", Rate::Of(NonZeroU64::MIN))] {
            let parsed = parse(&format!("insurer set-rate mutuelle {given} --home h")).unwrap().command;
            let Command::Insurer(InsurerCommand::SetRate(args)) = parsed else { panic!("{parsed:?}") };
            assert_eq!((args.insurer.name.as_str(), args.rate), ("mutuelle", expected));
        }
    }

    #[test]
    fn values_out_of_range_are_refused() {
        for bad in [
            "seal i --home h --list L --categories a",
            "seal i --home h --list l --categories a,A",
            "seal i --home h --list l --categories a --false-positive-bits 31",
            "seal i --home h --list l --categories a --false-positive-bits 57",
            "seal i --home h --list l --categories a --scheme x",
            "seal i --home h --list l --categories a --column nir",
            "insurer approve r --home h --name n --budget 0 --out o",
            "insurer approve r --home h --name n --budget 4294967296 --out o",
            "insurer approve r --home h --name n --budget 1 --out o --fingerprint 12",
            "insurer set-budget n 0 --home h",
            "insurer set-budget n --home h",
            "insurer suspend N --home h",
            "insurer set-rate n --home h",
            "insurer set-rate n 0 --home h",
            "insurer set-rate n 9223372036854775808 --home h",
            "insurer set-rate n none --home h",
            "serve --home h --listen 4433",
            "init --home h --operator o --evidence maybe",
            "epoch new --home h --evidence yes",
            "audit --home h",
            "audit export --home h",
            "backup --home h",
            "restore --home h",
            "publication --home h --out f",
            "publication --home h --for N --out f",
            "answer --home h --out f",
            "answer q --home h",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
