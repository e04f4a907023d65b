//! Why a check without a network cannot go on.

use std::path::PathBuf;

use blindlist_protocol::exchange::ExchangeError;
use blindlist_protocol::text::Slug;
use blindlist_store::exit::Code;
use blindlist_store::text;

/// Why a check without a network cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeFault {
    /// It is no file of answers, or damaged.
    #[error("{} is neither answers nor a publication, or it is damaged: {reason}", text::path(path))]
    NotAnswers {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: ExchangeError,
    },
    /// Answers where a publication is needed.
    #[error("{} is no publication but answers to questions: give it to `blindlist finish`", text::path(.0))]
    NotAPublication(PathBuf),
    /// A publication where answers are needed.
    #[error("{} is a publication, which answers no questions: give it to `blindlist request --publication`", text::path(.0))]
    Publication(PathBuf),
    /// It is for somebody else.
    #[error("{} is for another insurer, or from another operator than this profile's", text::path(.0))]
    NotForUs(PathBuf),
    /// It answers other questions.
    #[error(
        "{} answers no questions of this profile that are still open: they were written with another profile, or their check is \
         finished",
        text::path(.0)
    )]
    OtherQuestions(PathBuf),
    /// The operator's ledger did not sign it.
    #[error("{} is not signed by the key that the operator's epoch record names; nothing of it was used", text::path(.0))]
    Signature(PathBuf),
    /// More is known than it shows.
    #[error(
        "{} is older than what this profile has seen of the operator since: ask for a newer one; answers to the same questions \
         cost nothing when they are made again",
        text::path(.0)
    )]
    Older(PathBuf),
    /// A list in an epoch that was not asked about.
    #[error(
        "the list {0} is in an epoch that the questions did not ask about: it is newer than they are. Run `blindlist request` \
         again with a new publication, where what was answered is not charged again, or name the lists that were asked about \
         with --list"
    )]
    NotAsked(Slug),
    /// Nobody is left to be asked about.
    #[error("nothing is to be asked: the evaluations of all members are remembered; no file was written")]
    NothingToAsk,
    /// The questions cannot be in one file.
    #[error("the questions do not fit into one file: {0}")]
    TooMany(ExchangeError),
    /// Questions would replace the member file.
    #[error("{} is the member file itself, or the publication: choose another name with --out", text::path(.0))]
    WouldReplace(PathBuf),
}

impl ExchangeFault {
    /// The exit code.
    pub(crate) fn code(&self) -> Code {
        match self {
            Self::NotAnswers { .. }
            | Self::NotAPublication(_)
            | Self::Publication(_)
            | Self::NotForUs(_)
            | Self::OtherQuestions(_) => Code::BadInput,
            Self::Signature(_) => Code::PeerBroke,
            Self::Older(_) | Self::NotAsked(_) => Code::TryAgain,
            Self::NothingToAsk | Self::TooMany(_) => Code::Failure,
            Self::WouldReplace(_) => Code::Usage,
        }
    }
}
