//! What can go wrong with evidence, and with the exports, openings and notes that it is held against.

use std::path::PathBuf;

use blindlist_protocol::checkpoint::CheckpointError;
use blindlist_protocol::checkpoint::note::NoteError;
use blindlist_protocol::evidence::OpeningsError;
use blindlist_protocol::ids::{EpochId, JobId, LedgerId};
use blindlist_protocol::log::audit::BadEntry;
use blindlist_protocol::log::export::ExportError;
use blindlist_store::exit::Code;
use blindlist_store::text;

/// Why something could not be shown with evidence, or is not so.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// The operator wants evidence, which was not asked for.
    #[error(
        "the operator requires that whoever asks in the epoch {0} can show later whom it asked about: run it again with \
         --keep-evidence; nothing was sent"
    )]
    Required(EpochId),
    /// A folder without evidence.
    #[error("{} holds no evidence: `blindlist check --keep-evidence` keeps it, in the profile's folder evidence", text::path(.0))]
    None(PathBuf),
    /// No evidence of this job.
    #[error("there is no evidence of the job {job} in {}", text::path(folder))]
    NoJob {
        /// The job.
        job: JobId,
        /// Where it was looked for.
        folder: PathBuf,
    },
    /// A file of evidence that is not what this program wrote.
    #[error("{} is damaged: {problem}; restore it from a backup", text::path(path))]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What it should be.
        problem: &'static str,
    },
    /// A job whose member file was not given.
    #[error(
        "the member file of the job {job} of {created} is not among those given: it was {}, with the SHA-256 {sha256}",
        text::path(path)
    )]
    NoMembers {
        /// The job.
        job: JobId,
        /// When it was begun.
        created: String,
        /// Where the file was.
        path: PathBuf,
        /// What it held.
        sha256: String,
    },
    /// A chunk that the job does not have.
    #[error("the job {job} has the chunks 0 to {}, and no chunk {chunk}", chunks.saturating_sub(1))]
    NoChunk {
        /// The job.
        job: JobId,
        /// The chunk.
        chunk: u32,
        /// How many there are.
        chunks: u32,
    },
    /// A file that is no export, or one that does not hold.
    #[error("{}, line {line}: {source}", text::path(path))]
    Export {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// Why.
        source: ExportError,
    },
    /// An export that was cut off.
    #[error("{} ends before the checkpoint that an export ends with: it was cut off", text::path(.0))]
    ExportEnds(PathBuf),
    /// An entry that breaks a rule.
    #[error("the log in {} breaks the rules, first in {source}", text::path(path))]
    Entry {
        /// The file.
        path: PathBuf,
        /// Which entry, and how.
        source: BadEntry,
    },
    /// A log that goes on from another one.
    #[error(
        "the log in {} goes on from that of the ledger {ledger}, which was lost in part: this version cannot follow that",
        text::path(path)
    )]
    Continued {
        /// The file.
        path: PathBuf,
        /// The ledger before.
        ledger: LedgerId,
    },
    /// An export of a log that nothing here is about.
    #[error("{} is the log of the ledger {ledger}, in which no job here was charged", text::path(path))]
    OtherLog {
        /// The file.
        path: PathBuf,
        /// Its ledger.
        ledger: LedgerId,
    },
    /// An export of another log than the note's.
    #[error("{} is the log of the ledger {found}, the note is of the ledger {expected}", text::path(path))]
    OtherNoteLog {
        /// The export.
        path: PathBuf,
        /// Its ledger.
        found: LedgerId,
        /// The note's.
        expected: LedgerId,
    },
    /// Openings that do not hold.
    #[error("{}: {source}", text::path(path))]
    Openings {
        /// The file.
        path: PathBuf,
        /// Why.
        source: OpeningsError,
    },
    /// Openings of a chunk that was not charged.
    #[error("no charge in the log is for this chunk: it proves nothing of what was asked")]
    NotCharged,
    /// Evidence and log do not agree.
    #[error("the log and the evidence do not agree")]
    Disagree,
    /// A log that contradicts what the operator signed.
    #[error("the log contradicts what its key has signed before: keep the export, the receipts and the checkpoints")]
    Contradicts,
    /// A note that is none, or that the log's key did not sign.
    #[error("{}: {source}", text::path(path))]
    Note {
        /// The file.
        path: PathBuf,
        /// Why.
        source: NoteError,
    },
    /// The first note of a log, without its key.
    #[error("no note of the ledger {0} was signed here before: name the log's key with --log-key")]
    NoLogKey(LedgerId),
    /// Another key than the one that is pinned.
    #[error("the key that is pinned for the ledger {0} is another one")]
    OtherLogKey(LedgerId),
    /// Another name than the witness has.
    #[error("this witness signs as {0}")]
    OtherName(String),
    /// A witness without a name.
    #[error("a new witness needs a name: choose one with --name")]
    NoName,
    /// A note that is not the one signed last, and nothing that shows it to go on from there.
    #[error(
        "the last note signed had {0} entries: name an export of the log with --audit, which shows that it goes on from there"
    )]
    NoExport(u64),
    /// An export that has fewer entries than the note.
    #[error("{} has {entries} entries, the note {size}: a later export is needed", text::path(path))]
    ExportTooShort {
        /// The export.
        path: PathBuf,
        /// Its entries.
        entries: u64,
        /// The note's.
        size: u64,
    },
    /// A note that a witness must not sign.
    #[error("the note is not signed: {source}{}", Kept(kept.as_ref()))]
    NotConsistent {
        /// Why.
        source: CheckpointError,
        /// Where it is kept.
        kept: Option<PathBuf>,
    },
}

impl EvidenceError {
    /// The exit code.
    pub(super) fn code(&self) -> Code {
        match self {
            Self::Disagree | Self::NotCharged => Code::Failure,
            Self::Required(_)
            | Self::NoChunk { .. }
            | Self::NoLogKey(_)
            | Self::OtherLogKey(_)
            | Self::OtherName(_)
            | Self::NoName
            | Self::NoExport(_) => Code::Usage,
            Self::None(_)
            | Self::NoJob { .. }
            | Self::Damaged { .. }
            | Self::NoMembers { .. }
            | Self::ExportEnds(_)
            | Self::Continued { .. }
            | Self::OtherLog { .. }
            | Self::OtherNoteLog { .. }
            | Self::ExportTooShort { .. } => Code::BadInput,
            Self::Entry { .. } | Self::Contradicts | Self::NotConsistent { .. } => Code::PeerBroke,
            Self::Export { source, .. } => export_code(*source),
            Self::Openings { source, .. } => openings_code(*source),
            Self::Note { source, .. } => note_code(*source),
        }
    }
}

fn export_code(error: ExportError) -> Code {
    match error {
        ExportError::Malformed => Code::BadInput,
        ExportError::Checkpoint | ExportError::Order => Code::PeerBroke,
        ExportError::Note(error) => note_code(error),
    }
}

fn openings_code(error: OpeningsError) -> Code {
    match error {
        OpeningsError::Kind
        | OpeningsError::Codec(_)
        | OpeningsError::Chunk
        | OpeningsError::TooLong
        // Another file than the one that was asked for, or another question: nobody broke anything.
        | OpeningsError::Challenge
        | OpeningsError::Positions => Code::BadInput,
        OpeningsError::Epoch | OpeningsError::Element(_) => Code::PeerBroke,
    }
}

fn note_code(error: NoteError) -> Code {
    match error {
        NoteError::Malformed | NoteError::Full => Code::BadInput,
        NoteError::Signature => Code::PeerBroke,
        NoteError::Name => Code::Usage,
    }
}

/// Says where a contradiction is kept.
struct Kept<'a>(Option<&'a PathBuf>);

impl std::fmt::Display for Kept<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.map_or(Ok(()), |path| write!(f, "; it is kept beside the last one, as {}", text::path(path)))
    }
}
