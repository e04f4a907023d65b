//! The options of commands about exchange files.

use std::path::PathBuf;

use blindlist_protocol::text::Slug;
use clap::Args;

use super::KeyHomeArgs;

/// Options of `publication`.
#[derive(Debug, Args)]
pub struct PublicationArgs {
    /// The home.
    #[command(flatten)]
    pub home: KeyHomeArgs,
    /// The insurer to hand it to, by the name that it was approved under.
    #[arg(long = "for", value_name = "INSURER")]
    pub insurer: Slug,
    /// The file to write, in place of what has its name.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// Options of `answer`.
#[derive(Debug, Args)]
pub struct AnswerArgs {
    /// The file of questions, which `blindlist request` made.
    #[arg(value_name = "QUESTIONS")]
    pub questions: PathBuf,
    /// The home.
    #[command(flatten)]
    pub home: KeyHomeArgs,
    /// The file to write the answers to, in place of what has its name.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Put the indexes of all lists in too, for an insurer whose publication is older than the lists.
    #[arg(long)]
    pub with_indexes: bool,
}
