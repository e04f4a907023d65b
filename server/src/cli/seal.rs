//! The command line of `seal`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use blindlist_protocol::identifier::Scheme;
use blindlist_protocol::index::{MAX_F, MIN_F};
use blindlist_protocol::text::{Slug, Title};
use blindlist_records::{Encoding, parse_override};
use blindlist_store::memory::Memory;
use clap::Args;

use super::UnlockArgs;
use super::keys::epoch_prefix;
use crate::seal::{IncidentDates, Resources};

/// Options of `seal`.
#[derive(Debug, Args)]
pub struct SealArgs {
    /// The files of the breach list, or patterns with `*`; `-` is standard input. CSV with a line of headers, whatever parts
    /// its fields and however it is encoded, plain or in .gz or .zst; XLSX; Parquet. docs/COLUMNS.md says which columns.
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// The operator's home folder.
    #[arg(long, value_name = "DIR")]
    pub home: PathBuf,
    /// The list's name; a release of a list replaces the one before.
    #[arg(long, value_name = "LIST", required_unless_present = "plan")]
    pub list: Option<Slug>,
    /// Only these enrolled insurers see the list, and each of them sees the names of the others. Without it, all do.
    #[arg(long, value_name = "A,B,C", value_delimiter = ',')]
    pub audience: Vec<Slug>,
    /// Open a list to all insurers that was addressed to some of them.
    #[arg(long, conflicts_with = "audience")]
    pub to_all: bool,
    /// Make one list for each insurer, LIST-INSURER, that it alone sees: by the codes in the column with this header.
    #[arg(long, value_name = "HEADER", requires = "audience_map", conflicts_with_all = ["audience", "to_all"])]
    pub split_by: Option<String>,
    /// Which insurer each code of --split-by stands for: CSV with the columns `code` and `insurer`.
    #[arg(long, value_name = "FILE", requires = "split_by")]
    pub audience_map: Option<PathBuf>,
    /// What leaked, in up to 64 words. A row has all of them unless a column `categories` names some, parted by `|`.
    #[arg(long, value_name = "A,B,C", value_delimiter = ',', required_unless_present_any = ["plan", "append"])]
    pub categories: Vec<Slug>,
    /// What the list is about, in words that insurers see.
    #[arg(long, value_name = "TITLE")]
    pub title: Option<Title>,
    /// When the incident happened: a day, or the first and the last: 2026-01-20/2026-01-31.
    #[arg(long, value_name = "DATE[/DATE]")]
    pub incident_date: Option<IncidentDates>,
    /// How rows are turned into identifiers: nir (unless you say otherwise), beneficiary or person.
    #[arg(long, value_name = "SCHEME")]
    pub scheme: Option<Scheme>,
    /// The header of a column that is not found by itself, such as nir=NUMSS; may be repeated.
    #[arg(long = "column", value_name = "NAME=HEADER", value_parser = column)]
    pub columns: Vec<String>,
    /// How the inputs are encoded that are text, if their bytes do not tell: utf-8, utf-16le, utf-16be, windows-1252 or
    /// iso-8859-15.
    #[arg(long, value_name = "ENCODING")]
    pub encoding: Option<Encoding>,
    /// The sheet of the inputs that are workbooks, if it is not the first.
    #[arg(long, value_name = "NAME")]
    pub sheet: Option<String>,
    /// Somebody who is not on the list is found by chance with probability 2^-BITS, for BITS from 32 to 56; 40 unless you say
    /// otherwise.
    #[arg(long, value_name = "BITS", value_parser = clap::value_parser!(u8).range(i64::from(MIN_F)..=i64::from(MAX_F)))]
    pub false_positive_bits: Option<u8>,
    /// Add the inputs to the live list: a whole new release, for which nobody is evaluated again. It needs what
    /// --keep-evaluations kept, and keeps it too. What is not said stays as it is; of the categories the first do.
    #[arg(long, conflicts_with_all = ["split_by", "epoch"])]
    pub append: bool,
    /// Keep, encrypted beside the release, what --append needs. It is as sensitive as the epoch's key, and destroyed with it.
    #[arg(long)]
    pub keep_evaluations: bool,
    /// Read and check the inputs, and tell how large the index and how long the seal would be; evaluate and write nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Publish even if more than one row in a hundred is rejected.
    #[arg(long)]
    pub accept_rejects: bool,
    /// Follow the plan of an earlier seal; the same inputs give the same bytes.
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = [
            "list", "audience", "to_all", "split_by", "audience_map", "categories", "title", "incident_date", "scheme",
            "columns", "encoding", "sheet", "false_positive_bits", "append", "keep_evaluations", "dry_run", "accept_rejects",
        ]
    )]
    pub plan: Option<PathBuf>,
    /// Seal in this live epoch instead of the newest: its id, or enough of its first digits.
    #[arg(long, value_name = "ID", value_parser = epoch_prefix, conflicts_with = "plan")]
    pub epoch: Option<String>,
    /// Threads that evaluate; as many as there are cores unless you say otherwise.
    #[arg(long, value_name = "N")]
    pub threads: Option<NonZeroUsize>,
    /// Memory for everything that grows with the inputs, in MiB or GiB, 64MiB at least. What does not fit waits, encrypted,
    /// in the home.
    #[arg(long, value_name = "SIZE", default_value_t = Resources::MEMORY)]
    pub memory: Memory,
    /// The passphrases of the keys.
    #[command(flatten)]
    pub unlock: UnlockArgs,
}

/// A column, kept as it was written.
fn column(text: &str) -> Result<String, blindlist_records::ColumnError> {
    parse_override(text).map(|_| text.to_owned())
}
