//! The options of commands about the audit log, and of backups.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{KeyHomeArgs, UnlockArgs};

/// What to do about the audit log.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Read the whole log and name the first entry that breaks a rule.
    ///
    /// Its entries are held against the ledger's hashes, accounts and charges, against the checkpoint that the home keeps, and
    /// against those that are named. Exit code 65: something does not hold. Only keys/online is needed, here as for `export`
    /// and `checkpoint`, and a server may run.
    Verify(VerifyArgs),
    /// Write the whole log to a private file, as lines of JSON that an auditor verifies elsewhere.
    Export(ExportArgs),
    /// Sign a checkpoint of the log: how many entries it has, and the root of their hashes. The log's public key goes to
    /// standard error.
    ///
    /// Kept on another machine, it tells a ledger that was rolled back or rewritten.
    Checkpoint(CheckpointArgs),
}

/// Options of `audit verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The home.
    #[command(flatten)]
    pub home: KeyHomeArgs,
    /// A checkpoint that was kept elsewhere, from which the log must go on; may be repeated.
    #[arg(long = "checkpoint", value_name = "NOTE")]
    pub checkpoints: Vec<PathBuf>,
}

/// Options of `audit export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The home.
    #[command(flatten)]
    pub home: KeyHomeArgs,
    /// The file to write, in place of what has its name.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// Options of `audit checkpoint`.
#[derive(Debug, Args)]
pub struct CheckpointArgs {
    /// The home.
    #[command(flatten)]
    pub home: KeyHomeArgs,
    /// The file to write, in place of what has its name; standard output without it.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Options of `backup`.
#[derive(Debug, Args)]
pub struct BackupArgs {
    /// The operator's home folder.
    #[arg(long, value_name = "DIR")]
    pub home: PathBuf,
    /// The file to write; it must not exist.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// A private file whose only line is the passphrase to put the backup under. Without it you are asked, twice. Keys are
    /// copied as they are, under their own passphrases if they have any.
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
}

/// Options of `restore`.
#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// The backup.
    #[arg(value_name = "BACKUP")]
    pub backup: PathBuf,
    /// The folder to make; it must not exist, or be empty.
    #[arg(long, value_name = "DIR")]
    pub home: PathBuf,
    /// A checkpoint that was kept elsewhere; may be repeated. A backup whose ledger is behind it is refused, and the entries
    /// that are lost are counted.
    #[arg(long = "checkpoint", value_name = "NOTE")]
    pub checkpoints: Vec<PathBuf>,
    /// The passphrases of the backup, and of the keys in it.
    #[command(flatten)]
    pub unlock: UnlockArgs,
}
