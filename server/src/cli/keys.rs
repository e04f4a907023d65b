//! The options of commands that open or end secret keys.

use std::path::PathBuf;

use blindlist_protocol::enrolment::Fingerprint;
use blindlist_protocol::epoch::Evidence;
use blindlist_protocol::text::Slug;
use clap::{Args, Subcommand};

use super::{HomeArgs, InsurerArgs};
use crate::home::KeyFiles;

/// How to open secret keys that are under a passphrase.
#[derive(Debug, Args)]
pub struct UnlockArgs {
    /// A private file whose only line is the passphrase of the secret keys; may be repeated, and each is tried. Without it,
    /// systemd's credential blindlistd-passphrase is taken, or you are asked.
    #[arg(long = "passphrase-file", value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

/// A home whose secret keys are needed.
#[derive(Debug, Args)]
pub struct KeyHomeArgs {
    /// The operator's home folder.
    #[arg(long, value_name = "DIR")]
    pub home: PathBuf,
    /// Its passphrases.
    #[command(flatten)]
    pub unlock: UnlockArgs,
}

/// What to do about epochs.
#[derive(Debug, Subcommand)]
pub enum EpochCommand {
    /// Make a new epoch beside the others; lists are sealed in it from now on, and every insurer has its budget again.
    New(NewEpochArgs),
    /// Show the epochs and the lists in them.
    List(HomeArgs),
    /// End an epoch for ever: destroy its key, and take its lists out of the catalog.
    Retire(RetireArgs),
}

/// Options of `epoch new`.
#[derive(Debug, Args)]
pub struct NewEpochArgs {
    /// The home.
    #[command(flatten)]
    pub home: KeyHomeArgs,
    /// Whether insurers must keep evidence, encrypted, that shows an auditor whom they asked about in the epoch: optional or
    /// required.
    #[arg(long, value_name = "WHETHER", default_value = "optional", value_parser = evidence)]
    pub evidence: Evidence,
}

/// Options of `epoch retire`.
#[derive(Debug, Args)]
pub struct RetireArgs {
    /// The epoch's id, or enough of its first digits.
    #[arg(value_name = "ID", value_parser = epoch_prefix)]
    pub id: String,
    /// The home.
    #[command(flatten)]
    pub home: KeyHomeArgs,
    /// Do not ask.
    #[arg(long)]
    pub yes: bool,
}

/// Options of `succeed`.
#[derive(Debug, Args)]
pub struct SucceedArgs {
    /// The home.
    #[command(flatten)]
    pub home: KeyHomeArgs,
    /// The private file with the successor's key, when it is not HOME/keys/offline/successor.key. It is the manifest key's
    /// from then on.
    #[arg(long, value_name = "FILE")]
    pub successor_key: Option<PathBuf>,
    /// Do not ask.
    #[arg(long)]
    pub yes: bool,
}

/// Options of `passphrase`.
#[derive(Debug, Args)]
pub struct PassphraseArgs {
    /// The home, with the passphrases that its keys are under now.
    #[command(flatten)]
    pub home: KeyHomeArgs,
    /// Which keys: all, those of keys/offline, or online: those that `serve` needs.
    #[arg(long, value_name = "WHICH", default_value = "all")]
    pub keys: KeyFiles,
    /// A private file whose only line is the new passphrase. Without it you are asked, twice.
    #[arg(long, value_name = "FILE")]
    pub new_passphrase_file: Option<PathBuf>,
    /// Leave the keys under no passphrase.
    #[arg(long, conflicts_with = "new_passphrase_file")]
    pub remove: bool,
}

/// Options of `insurer renew`.
#[derive(Debug, Args)]
pub struct RenewArgs {
    /// The name that the insurer was approved under.
    #[arg(value_name = "NAME")]
    pub name: Slug,
    /// The file that the insurer sent: request.csr, with new keys or the same.
    #[arg(value_name = "REQUEST")]
    pub request: PathBuf,
    /// The home.
    #[command(flatten)]
    pub home: KeyHomeArgs,
    /// The file to write the bundle to; it must not exist.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// The fingerprint of the request as the insurer told it. Without it you are asked.
    #[arg(long, value_name = "FINGERPRINT")]
    pub fingerprint: Option<Fingerprint>,
}

/// Options of `insurer revoke`.
#[derive(Debug, Args)]
pub struct RevokeArgs {
    /// The insurer.
    #[command(flatten)]
    pub insurer: InsurerArgs,
    /// Do not ask.
    #[arg(long)]
    pub yes: bool,
}

/// The first digits of an epoch's id.
pub(super) fn epoch_prefix(text: &str) -> Result<String, &'static str> {
    let is_prefix = (4..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_prefix.then(|| text.to_ascii_lowercase()).ok_or("it is an epoch's id: its first 4 to 64 hexadecimal digits")
}

/// Whether insurers must keep evidence.
pub(super) fn evidence(text: &str) -> Result<Evidence, &'static str> {
    match text {
        "optional" => Ok(Evidence::Optional),
        "required" => Ok(Evidence::Required),
        _ => Err("it is optional or required"),
    }
}
