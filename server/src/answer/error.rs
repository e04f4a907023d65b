//! Why a file of questions is not answered.

use std::path::PathBuf;

use blindlist_protocol::exchange::ExchangeError;
use blindlist_protocol::refusal::RefusalCode;
use blindlist_protocol::text::Slug;
use blindlist_store::exit::Code;
use blindlist_store::text;

/// Why a file of questions is not answered, or a publication not made.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// It is no such file, or damaged.
    #[error("{} is not a file of questions, or it is damaged: {reason}; nothing was charged", text::path(.path))]
    NotQuestions {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: ExchangeError,
    },
    /// It cannot be read twice.
    #[error("{} is not a regular file: questions are read twice, once to verify all of them", text::path(.path))]
    NotAFile {
        /// The file.
        path: PathBuf,
    },
    /// It would be replaced by its answers.
    #[error("{} is the file of questions itself: choose another name with --out", text::path(.path))]
    SameFile {
        /// The file.
        path: PathBuf,
    },
    /// It was written for another operator, or before the manifest key was succeeded.
    #[error(
        "{} asks another operator, or this one before its manifest key was succeeded: its insurer makes it again with a new \
         publication; nothing was charged",
        text::path(.path)
    )]
    OtherOperator {
        /// The file.
        path: PathBuf,
    },
    /// No insurer has the id.
    #[error("{} is from no insurer that is enrolled here; nothing was charged", text::path(.path))]
    UnknownInsurer {
        /// The file.
        path: PathBuf,
    },
    /// The insurer is answered nothing.
    #[error("the insurer {name} is {status}: nothing is answered to it, and nothing was charged")]
    NotAnswered {
        /// Who.
        name: Slug,
        /// How it stands.
        status: &'static str,
    },
    /// Another key signed it.
    #[error(
        "{} is not signed by the key of the insurer {name}, which it says that it is from: it was changed, or the insurer's \
         keys were renewed since; nothing was charged",
        text::path(.path)
    )]
    Signature {
        /// The file.
        path: PathBuf,
        /// Who it should be from.
        name: Slug,
    },
    /// A question that nobody would be answered.
    #[error("question {number} of {} is refused, and so are all: {code}; nothing was charged", text::path(.path))]
    Question {
        /// The file.
        path: PathBuf,
        /// The question's number, from 1.
        number: u64,
        /// Why.
        code: RefusalCode,
    },
    /// It was written to meanwhile.
    #[error(
        "{} was changed while it was being answered; no answers were written. Answer it again: what was charged is not \
         charged twice",
        text::path(.path)
    )]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// The ledger, or files that are missing in the home.
    #[error("the file could not be written to its end: {0}; try again, what was charged is not charged twice")]
    Busy(RefusalCode),
    /// The service failed; it has said why.
    #[error("the file could not be written to its end; the reason was logged. What was charged is not charged twice")]
    Failed,
    /// Something that everybody is answered was refused.
    #[error("nothing was written: {0}")]
    Refused(RefusalCode),
    /// More than a file may hold.
    #[error("the answers do not fit into one file: {0}")]
    TooLarge(ExchangeError),
}

impl AnswerError {
    /// The exit code that a command ends with.
    pub(crate) fn code(&self) -> Code {
        match self {
            Self::NotQuestions { .. } | Self::NotAFile { .. } | Self::OtherOperator { .. } | Self::Changed { .. } => {
                Code::BadInput
            }
            Self::Question { code: RefusalCode::InvalidSignature, .. } | Self::Signature { .. } => Code::PeerBroke,
            Self::Question { .. } => Code::BadInput,
            Self::SameFile { .. } => Code::Usage,
            Self::UnknownInsurer { .. } | Self::NotAnswered { .. } | Self::Refused(_) => Code::NotAllowed,
            Self::Busy(_) => Code::TryAgain,
            Self::Failed | Self::TooLarge(_) => Code::Failure,
        }
    }
}
