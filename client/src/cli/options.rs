//! Options that several commands about a member file take.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use blindlist_protocol::identifier::Scheme;
use blindlist_protocol::text::Slug;
use blindlist_records::{Column, Encoding, Format, TableOptions, parse_override};
use blindlist_store::memory::Memory;
use blindlist_store::passphrase::Passphrase;
use clap::{ArgGroup, Args};

use crate::check::{CheckOptions, MemberFile, Padding};
use crate::profile::Profile;
use crate::profile::jobs::look::CommandLine;
use crate::room::Room;
use crate::{ClientError, passphrases};

/// Which members are asked about, and how their file is read.
#[derive(Debug, Args)]
pub(super) struct What {
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
    /// cost as much as members. A check that goes on keeps its padding.
    #[arg(long, value_name = "N|round", value_parser = padding, help_heading = "What is sent")]
    pad_to: Option<Padding>,
}

impl What {
    /// How the member file is read.
    pub(super) fn table(&self) -> TableOptions {
        TableOptions { encoding: self.encoding, sheet: self.sheet.clone() }
    }

    /// A check of these members, whose results go into a folder.
    pub(super) fn check(self, members: MemberFile, out: PathBuf, room: Room) -> CheckOptions {
        CheckOptions {
            list: self.list,
            scheme: self.scheme,
            columns: self.column,
            padding: self.pad_to.unwrap_or_default(),
            accept_rejects: self.accept_rejects,
            command: CommandLine::of_this_process(),
            ..CheckOptions::new(members, out, room)
        }
    }
}

/// What is kept in the profile, and the passphrase for it.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("kept").args(["keep_evidence", "remember"]).multiple(true))]
pub(super) struct Kept {
    /// Keeps the answers for members already paid for, encrypted, in the profile: the next check pays for new members alone.
    #[arg(long, help_heading = "What is kept")]
    pub(super) remember: bool,
    /// Keeps what shows later whom was asked about, encrypted, in the profile: for `replay` and `open`.
    #[arg(long, help_heading = "What is kept")]
    pub(super) keep_evidence: bool,
    /// A file with the passphrase for what is kept; without it, it is asked for, or systemd's credential
    /// `blindlist-passphrase` is taken.
    #[arg(long, value_name = "FILE", requires = "kept", help_heading = "What is kept")]
    pub(super) passphrase_file: Option<PathBuf>,
}

impl Kept {
    /// The passphrases for the evidence and for what is remembered, as far as they are needed. A person is asked for them,
    /// before anybody waits for an answer.
    pub(super) fn passphrases(
        self,
        profiles: &[Profile],
    ) -> Result<(Option<Passphrase>, Option<Passphrase>), ClientError> {
        let files: Vec<PathBuf> = self.passphrase_file.into_iter().collect();
        let evidence = self.keep_evidence.then(|| passphrases::for_new(&files)).transpose()?;
        let remember = self.remember.then(|| passphrases::for_remembered(&files, profiles)).transpose()?;
        Ok((evidence, remember))
    }
}

/// What the results are written as.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Output {
    /// What affected and rejected rows are written as: csv (as the input is), xlsx, parquet or jsonl.
    #[arg(long, value_name = "FORMAT", default_value_t, help_heading = "Output")]
    pub(super) format: Format,
    /// Writes no row: only report.html and summary.json.
    #[arg(long, conflicts_with = "format", help_heading = "Output")]
    pub(super) summary_only: bool,
}

/// What may be used of the machine.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Machine {
    /// Threads that compute; without it, as many as there are cores.
    #[arg(long, value_name = "N", help_heading = "Resources")]
    threads: Option<NonZeroUsize>,
    /// Memory for what grows with the members, 64MiB at least; what does not fit is written, encrypted under a key that
    /// is nowhere else, to files in the profile that go at the end.
    #[arg(long, value_name = "SIZE", default_value_t = Room::MEMORY, help_heading = "Resources")]
    memory: Memory,
}

impl Machine {
    /// The room in a profile.
    pub(super) fn room(self, profile: &Profile) -> Room {
        Room::new(profile.path(), self.threads, self.memory)
    }
}

/// A number of elements, or the next round one.
fn padding(text: &str) -> Result<Padding, &'static str> {
    if text == "round" {
        return Ok(Padding::Round);
    }
    let number = text.parse().ok().filter(|number| (1..=u64::from(u32::MAX)).contains(number));
    number.map(Padding::To).ok_or("it is a number from 1 to 4294967295, or the word round")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_is_a_number_or_round() {
        assert!(matches!(padding("round"), Ok(Padding::Round)));
        assert!(matches!(padding("100000"), Ok(Padding::To(100_000))));
        for bad in ["", "0", "-1", "Round", "4294967296"] {
            assert!(padding(bad).is_err(), "{bad}");
        }
    }
}
