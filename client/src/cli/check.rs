//! `blindlist check`: what it takes.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, CommandFactory as _, error::ErrorKind};

use super::Cli;
use super::manners::Manners;
use super::options::{Kept, Machine, Output, What};
use crate::check::{self, Check, CheckOptions, MemberFile};
use crate::profile::Profile;
use crate::{Caller, ClientError};

#[derive(Debug, Args)]
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
    #[command(flatten)]
    pub(super) what: What,
    #[command(flatten)]
    kept: Kept,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    pub(super) manners: Manners,
    /// How long a server that was lost is tried again: 90s, 5m, 2h. One that cannot be reached at first is not.
    #[arg(long, value_name = "TIME", value_parser = patience, default_value = "5m", help_heading = "Resources")]
    patience: Duration,
    #[command(flatten)]
    machine: Machine,
}

pub(super) async fn run(args: CheckArgs, caller: Caller) -> Result<(), ClientError> {
    if args.profile.len() > 1 && args.server.is_some() {
        let problem = "--server is for one profile: with several, each bundle says where its operator is";
        Cli::command().error(ErrorKind::ArgumentConflict, problem).exit();
    }
    let profiles = args.profile.iter().map(|path| Profile::open(path)).collect::<Result<Vec<_>, _>>()?;
    profiles.iter().try_for_each(|profile| profile.enrolled().map(drop))?;
    let first = profiles.first().ok_or(ClientError::Internal("an option that the command line requires"))?;
    let room = args.machine.room(first);
    let members = MemberFile::open(args.members, args.what.table(), &room, &caller).await?;
    let Output { format, summary_only } = args.output;
    let options = args.what.check(members, args.out, room);
    let options = CheckOptions { resume: args.resume, format, summary_only, ..options };
    check::check_files(&options)?;
    let (evidence, remember) = args.kept.passphrases(&profiles)?;
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

/// A time with its unit.
fn patience(text: &str) -> Result<Duration, &'static str> {
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
}
