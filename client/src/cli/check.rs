//! `blindlist check`: what it takes.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use blindlist_protocol::identifier::Scheme;
use blindlist_protocol::text::Slug;
use blindlist_records::{Column, Encoding, Format, TableOptions, parse_override};
use blindlist_store::memory::Memory;
use clap::{ArgGroup, Args, CommandFactory as _, error::ErrorKind};

use super::manners::Manners;
use super::{Cli, evidence};
use crate::check::{self, Check, CheckOptions, MemberFile, Padding};
use crate::profile::Profile;
use crate::profile::jobs::look::CommandLine;
use crate::room::Room;
use crate::{Caller, ClientError, passphrases};

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("kept").args(["keep_evidence", "remember"]).multiple(true))]
pub(super) struct CheckArgs {
    /// The member file, with a line of headers: CSV in any encoding, also compressed by gzip or Zstandard, an Excel workbook
    /// (.xlsx), or Parquet; `-` is standard input, for CSV.
    members: PathBuf,
    /// The profile folder; repeated, one for each operator: all are asked at once, and one result is written.
    #[arg(long, value_name = "DIR", required = true)]
    pub(super) profile: Vec<PathBuf>,
    /// The folder for the results; made if it is missing.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The operator's server, instead of those in its bundle. For one profile.
    #[arg(long, value_name = "HOST:PORT")]
    server: Option<String>,
    /// Says what the check would cost, send and take, and what it would reject. Nothing is charged, nothing is written.
    #[arg(long, conflicts_with = "resume")]
    dry_run: bool,
    /// Goes on with an unfinished check of the same file; what was answered is not paid again.
    #[arg(long)]
    pub(super) resume: bool,
    /// One list only.
    #[arg(long, help_heading = "What is checked")]
    list: Option<Slug>,
    /// The lists of one scheme only: nir, beneficiary or person.
    #[arg(long, help_heading = "What is checked")]
    scheme: Option<Scheme>,
    /// Which header is which field, where it cannot be told: nir=HEADER, birth_date=HEADER and so on.
    #[arg(long, value_name = "FIELD=HEADER", value_parser = parse_override, help_heading = "What is checked")]
    pub(super) column: Vec<(Column, String)>,
    /// The encoding of a CSV file, where it cannot be told: utf-8, utf-16le, utf-16be, windows-1252 or iso-8859-15.
    #[arg(long, help_heading = "What is checked")]
    encoding: Option<Encoding>,
    /// The sheet of a workbook, by its name; otherwise the first.
    #[arg(long, help_heading = "What is checked")]
    sheet: Option<String>,
    /// Goes on when more than 1 % of the rows have no valid identifier. Otherwise nothing is sent then.
    #[arg(long, help_heading = "What is checked")]
    accept_rejects: bool,
    /// Hides the number of members: random elements fill up to N, or to the next of 1, 2 or 5 times a power of ten. They
    /// cost as much as members.
    #[arg(long, value_name = "N|round", value_parser = padding, help_heading = "What is sent")]
    pad_to: Option<Padding>,
    /// Keeps the answers for members already paid for, encrypted, in the profile: the next check pays for new members alone.
    #[arg(long, help_heading = "What is kept")]
    remember: bool,
    /// Keeps what shows later whom was asked about, encrypted, in the profile: for `replay` and `open`.
    #[arg(long, help_heading = "What is kept")]
    keep_evidence: bool,
    /// A file with the passphrase for what is kept; without it, it is asked for, or systemd's credential
    /// `blindlist-passphrase` is taken.
    #[arg(long, value_name = "FILE", requires = "kept", help_heading = "What is kept")]
    passphrase_file: Option<PathBuf>,
    /// What affected and rejected rows are written as: csv (as the input is), xlsx, parquet or jsonl.
    #[arg(long, value_name = "FORMAT", default_value_t, help_heading = "Output")]
    format: Format,
    /// Writes no row: only report.html and summary.json.
    #[arg(long, conflicts_with = "format", help_heading = "Output")]
    summary_only: bool,
    #[command(flatten)]
    pub(super) manners: Manners,
    /// How long a server that was lost is tried again: 90s, 5m, 2h. One that cannot be reached at first is not.
    #[arg(long, value_name = "TIME", value_parser = patience, default_value = "5m", help_heading = "Resources")]
    patience: Duration,
    /// Threads that compute; without it, as many as there are cores.
    #[arg(long, value_name = "N", help_heading = "Resources")]
    threads: Option<NonZeroUsize>,
    /// Memory for what grows with the members, 64MiB at least; what does not fit is written, encrypted under a key that
    /// is nowhere else, to files in the profile that go when the check ends.
    #[arg(long, value_name = "SIZE", default_value_t = Room::MEMORY, help_heading = "Resources")]
    memory: Memory,
}

pub(super) async fn run(args: CheckArgs, caller: Caller) -> Result<(), ClientError> {
    if args.profile.len() > 1 && args.server.is_some() {
        let problem = "--server is for one profile: with several, each bundle says where its operator is";
        Cli::command().error(ErrorKind::ArgumentConflict, problem).exit();
    }
    let profiles = args.profile.iter().map(|path| Profile::open(path)).collect::<Result<Vec<_>, _>>()?;
    profiles.iter().try_for_each(|profile| profile.enrolled().map(drop))?;
    let first = profiles.first().ok_or(ClientError::Internal("an option that the command line requires"))?;
    let room = Room::new(first.path(), args.threads, args.memory);
    let options = TableOptions { encoding: args.encoding, sheet: args.sheet };
    let members = MemberFile::open(args.members, options, &room, &caller).await?;
    let options = CheckOptions {
        list: args.list,
        scheme: args.scheme,
        columns: args.column,
        resume: args.resume,
        padding: args.pad_to.unwrap_or_default(),
        format: args.format,
        summary_only: args.summary_only,
        accept_rejects: args.accept_rejects,
        command: CommandLine::of_this_process(),
        ..CheckOptions::new(members, args.out, room)
    };
    check::check_files(&options)?;
    // A person is asked before anybody waits for an answer.
    let files: Vec<PathBuf> = args.passphrase_file.into_iter().collect();
    let evidence = evidence::passphrase(args.keep_evidence, &files)?;
    let remember = args.remember.then(|| passphrases::for_remembered(&files, &profiles)).transpose()?;
    let options = CheckOptions { evidence, remember, ..options };
    let check = Check::new(profiles, options).at(args.server).patient_for(args.patience);
    if args.dry_run {
        let estimate = check.estimate(&caller).await?;
        args.manners.print(&estimate)?;
        return estimate.judge();
    }
    let summary = check.run(&caller).await?;
    args.manners.print(&summary)?;
    summary.judge()
}

/// A number of elements, or the next round one.
pub(super) fn padding(text: &str) -> Result<Padding, &'static str> {
    if text == "round" {
        return Ok(Padding::Round);
    }
    let number = text.parse().ok().filter(|number| (1..=u64::from(u32::MAX)).contains(number));
    number.map(Padding::To).ok_or("it is a number from 1 to 4294967295, or the word round")
}

/// A time with its unit.
pub(super) fn patience(text: &str) -> Result<Duration, &'static str> {
    let seconds = [("s", 1), ("m", 60), ("h", 3_600)].into_iter().find_map(|(unit, seconds)| {
        let number: u32 = text.strip_suffix(unit)?.parse().ok()?;
        Some(u64::from(number) * seconds)
    });
    seconds.map(Duration::from_secs).ok_or("it is a number with s, m or h, such as 90s, 5m or 2h")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_unit() {
        for (text, seconds) in [("0s", 0), ("90s", 90), ("5m", 300), ("2h", 7_200)] {
            assert_eq!(patience(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for bad in ["", "5", "m", "-1s", "1.5m", "5 m", "5d", "4294967296s"] {
            assert!(patience(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn padding_is_a_number_or_round() {
        assert!(matches!(padding("round"), Ok(Padding::Round)));
        assert!(matches!(padding("100000"), Ok(Padding::To(100_000))));
        for bad in ["", "0", "-1", "Round", "4294967296"] {
            assert!(padding(bad).is_err(), "{bad}");
        }
    }
}
