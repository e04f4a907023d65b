//! The commands about evidence: what they take, and what they print.

use std::path::PathBuf;

use blindlist_protocol::ids::JobId;
use blindlist_protocol::params::MAX_CHALLENGE;
use blindlist_protocol::signature::VerifyingKey;
use blindlist_store::file::write_atomic;
use blindlist_store::text;
use clap::Args;

use super::manners::print;
use crate::open::{OpenOptions, open, verify};
use crate::outside::now;
use crate::profile::Profile;
use crate::replay::{ReplayOptions, replay};
use crate::show::note;
use crate::witness::{Witness, WitnessOptions};
use crate::{Caller, ClientError, receipts};

/// Where evidence is.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(super) struct Where {
    /// The folder of the evidence; without it, the one in the profile.
    #[arg(long, value_name = "DIR")]
    evidence: Option<PathBuf>,
    /// The profile folder: its receipts and the checkpoint that it remembers are held against the log too.
    #[arg(long, value_name = "DIR")]
    profile: Option<PathBuf>,
}

impl Where {
    fn open(&self) -> Result<(Option<Profile>, PathBuf), ClientError> {
        let profile = self.profile.as_deref().map(Profile::open).transpose()?;
        let in_profile = profile.as_ref().map(Profile::evidence_path);
        let evidence = self.evidence.clone().or(in_profile);
        Ok((profile, evidence.ok_or(ClientError::Internal("no folder of evidence"))?))
    }
}

#[derive(Debug, Args)]
pub(super) struct ReplayArgs {
    #[command(flatten)]
    place: Where,
    /// The member files that were checked, as they were; each is recognised by its SHA-256.
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    members: Vec<PathBuf>,
    /// The operator's export of its log.
    #[arg(long, value_name = "EXPORT")]
    audit: PathBuf,
    /// A file with the passphrase of the evidence; may be repeated. Without it, it is asked for.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Vec<PathBuf>,
}

pub(super) fn run_replay(args: &ReplayArgs, caller: &Caller) -> Result<(), ClientError> {
    let (profile, evidence) = args.place.open()?;
    let options = ReplayOptions {
        evidence: &evidence,
        members: &args.members,
        audit: &args.audit,
        profile: profile.as_ref(),
        passphrase_files: &args.passphrase_file,
    };
    let report = replay(&options, caller)?;
    print(&report)?;
    report.judge()
}

#[derive(Debug, Args)]
pub(super) struct OpenArgs {
    /// The folder of the evidence; without it, the one in the profile.
    #[arg(long, value_name = "DIR", conflicts_with = "verify")]
    evidence: Option<PathBuf>,
    /// The profile folder.
    #[arg(long, value_name = "DIR", conflicts_with = "verify", required_unless_present_any = ["evidence", "verify"])]
    profile: Option<PathBuf>,
    /// The job whose chunk is opened: the name of its folder, or as the log has it.
    #[arg(long, value_name = "ID", conflicts_with = "verify", required_unless_present = "verify")]
    job: Option<JobId>,
    /// The number of the chunk, from 0.
    #[arg(long, value_name = "N", conflicts_with = "verify", required_unless_present = "verify")]
    chunk: Option<u32>,
    /// The job's member file, as it was.
    #[arg(long, value_name = "FILE", conflicts_with = "verify", required_unless_present = "verify", num_args = 1..)]
    members: Vec<PathBuf>,
    /// How many elements are opened.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    sample: u32,
    /// What the auditor said, at most 64 bytes: it decides which elements are opened.
    #[arg(long, value_name = "TEXT", value_parser = challenge)]
    challenge: String,
    /// The file for the openings.
    #[arg(long, value_name = "FILE", conflicts_with = "verify", required_unless_present = "verify")]
    out: Option<PathBuf>,
    /// A file with the passphrase of the evidence; may be repeated. Without it, it is asked for.
    #[arg(long, value_name = "FILE", conflicts_with = "verify")]
    passphrase_file: Vec<PathBuf>,
    /// For the auditor: verifies a file of openings, and shows whom the opened elements meant.
    #[arg(long, value_name = "FILE")]
    verify: Option<PathBuf>,
    /// With --verify: the operator's export of its log, in which the chunk must be charged.
    #[arg(long, value_name = "EXPORT", requires = "verify", requires = "log_key")]
    audit: Option<PathBuf>,
    /// The key of that log, as `blindlistd audit checkpoint` shows it.
    #[arg(long, value_name = "KEY", requires = "audit", value_parser = log_key)]
    log_key: Option<VerifyingKey>,
}

pub(super) fn run_open(args: &OpenArgs, caller: &Caller) -> Result<(), ClientError> {
    if let Some(path) = &args.verify {
        let verified = verify(path, &args.challenge, args.sample, args.audit.as_deref().zip(args.log_key), caller)?;
        print(&verified)?;
        return verified.judge();
    }
    let place = Where { evidence: args.evidence.clone(), profile: args.profile.clone() };
    let (_, evidence) = place.open()?;
    let missing = || ClientError::Internal("an option that the command line requires");
    let out = args.out.as_deref().ok_or_else(missing)?;
    let options = OpenOptions {
        evidence: &evidence,
        job: args.job.ok_or_else(missing)?,
        chunk: args.chunk.ok_or_else(missing)?,
        members: &args.members,
        sample: args.sample,
        challenge: &args.challenge,
        out,
        passphrase_files: &args.passphrase_file,
    };
    let openings = open(&options, caller)?;
    let (opened, all) = (openings.openings.len(), openings.elements.len());
    note(&format!("{opened} of {all} elements are opened in {}: give it to nobody but the auditor", text::path(out)));
    Ok(())
}

#[derive(Debug, Args)]
pub(super) struct WitnessArgs {
    /// The checkpoint: a note, as `blindlistd audit checkpoint` prints it.
    #[arg(required_unless_present = "show_key")]
    note: Option<PathBuf>,
    /// The witness's folder; made if it is missing.
    #[arg(long, value_name = "DIR")]
    folder: PathBuf,
    /// The name that the witness signs as; needed for a new one. No spaces, no plus sign.
    #[arg(long)]
    name: Option<String>,
    /// The log's key, as `blindlistd audit checkpoint` shows it; needed for the first note of a log, and pinned then.
    #[arg(long, value_name = "KEY", value_parser = log_key)]
    log_key: Option<VerifyingKey>,
    /// An export of the log, which shows that the note goes on from the last one that was signed.
    #[arg(long, value_name = "EXPORT")]
    audit: Option<PathBuf>,
    /// The file for the signed note; without it, it is printed.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Prints the witness's public key and does nothing else.
    #[arg(long, conflicts_with_all = ["note", "log_key", "audit", "out"])]
    show_key: bool,
}

pub(super) fn run_witness(args: &WitnessArgs, caller: &Caller) -> Result<(), ClientError> {
    let witness = Witness::open(&args.folder, args.name.as_deref())?;
    let Some(note) = &args.note else { return print(&format!("{}\n", witness.shown_key()?)) };
    let options = WitnessOptions { note, log_key: args.log_key, audit: args.audit.as_deref() };
    let signed = witness.sign(&options, now(), caller)?;
    match &args.out {
        Some(out) => Ok(write_atomic(out, signed.to_string().as_bytes())?),
        None => print(&signed),
    }
}

fn challenge(text: &str) -> Result<String, String> {
    let fits = text.len() <= MAX_CHALLENGE;
    fits.then(|| text.to_owned()).ok_or_else(|| format!("a challenge has at most {MAX_CHALLENGE} bytes"))
}

fn log_key(text: &str) -> Result<VerifyingKey, &'static str> {
    receipts::key(text).ok_or("a key is 64 hexadecimal digits, lower case")
}
