//! Exchange files: questions and answers for machines that no connection reaches (SPEC.md, "Exchange files").
//!
//! [`Questions`] and [`Answers`] are what the two kinds begin with. A [`Writer`] gives a file piece by piece and a [`Reader`]
//! takes it in whatever pieces it comes, so that nobody holds more of it than a frame, and where each one stands.
//!
//! It must not say whether questions may be answered, or what answers are worth: a signature says who wrote a file, and what
//! is in it is held against the same rules as what comes over a connection.

mod reader;
mod writer;

#[cfg(test)]
mod tests;

pub use reader::{Frame, Place, Reader, Sealed};
pub use writer::Writer;

use crate::codec::CodecError;
use crate::ids::{Digest, InsurerId, LedgerId};
use crate::message::{Request, Response};
use crate::params::{
    ANSWERS_DIGEST_DOMAIN, ANSWERS_LINE, MAX_ANSWERS, MAX_KNOWN_LOGS, MAX_QUESTIONS, MAX_REQUEST, MAX_RESPONSE,
    QUESTIONS_DIGEST_DOMAIN, QUESTIONS_LINE,
};
use crate::signature::VerifyingKey;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest as _, Sha256};
use std::fmt;

/// Bytes of a question's digest in front of its answer.
pub(crate) const DIGEST: usize = 32;

/// A kind of exchange file, by its header.
pub trait Header: Serialize + DeserializeOwned {
    /// What each of its frames says.
    type Message: fmt::Debug;
    /// Its first line.
    const LINE: &'static [u8];
    /// First bytes of what is signed.
    const DOMAIN: &'static [u8];
    /// Most bytes of a frame's content.
    const LIMIT: usize;
    /// Fewest and most frames.
    const COUNT: (u32, u32);

    /// Whether the header keeps the rules that its types do not.
    fn holds(&self) -> bool;

    /// The digest of the question that a frame is about, and what it says.
    ///
    /// # Errors
    /// [`ExchangeError::Content`], [`ExchangeError::NotAChunk`].
    fn read(content: &[u8]) -> Result<(Digest, Self::Message), ExchangeError>;
}

/// The header of a file of questions: chunks, and nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Questions {
    /// The manifest key of the operator who is asked.
    pub operator_key: VerifyingKey,
    /// Who asks.
    pub insurer: InsurerId,
    /// What it remembers of the operator's logs, ascending by ledger.
    pub logs: Vec<KnownLog>,
}

/// How much of a log an insurer remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownLog {
    /// The log's ledger.
    pub ledger: LedgerId,
    /// Entries of the checkpoint that is remembered.
    pub size: u64,
}

/// The header of a file of answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answers {
    /// The operator's manifest key.
    pub operator_key: VerifyingKey,
    /// Who is answered.
    pub insurer: InsurerId,
    /// The ledger that was charged, whose receipt key signs the file.
    pub ledger: LedgerId,
    /// The digest of the file of questions; none in a publication.
    pub questions: Option<Digest>,
}

/// Why bytes are not an exchange file of the kind expected. [EXC-1]
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExchangeError {
    /// Another first line.
    #[error("it does not begin with the line that names its kind")]
    Line,
    /// The bytes end too early.
    #[error("it is cut short")]
    CutShort,
    /// Bytes are left after the signature.
    #[error("there is more behind its signature")]
    Trailing,
    /// A frame that is longer than its content may be.
    #[error("a frame has {found} bytes where at most {limit} are allowed")]
    TooLong {
        /// Bytes found.
        found: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// Fewer or more frames than there may be.
    #[error("it has no frames, or more than there may be")]
    Count,
    /// No header, or one that breaks a rule.
    #[error("its header is malformed")]
    Header,
    /// A frame that is no message.
    #[error("the message in one of its frames is malformed: {0}")]
    Content(#[from] CodecError),
    /// A question that is not a chunk.
    #[error("it asks for something else than evaluations")]
    NotAChunk,
    /// Two frames about one question.
    #[error("two of its frames are about the same question")]
    Twice,
}

impl Header for Questions {
    type Message = Request;
    const LINE: &'static [u8] = QUESTIONS_LINE;
    const DOMAIN: &'static [u8] = QUESTIONS_DIGEST_DOMAIN;
    const LIMIT: usize = MAX_REQUEST;
    const COUNT: (u32, u32) = (1, MAX_QUESTIONS);

    fn holds(&self) -> bool {
        let ascending = self.logs.is_sorted_by(|a, b| a.ledger < b.ledger);
        ascending && self.logs.len() <= MAX_KNOWN_LOGS && self.logs.iter().all(|log| log.size > 0)
    }

    fn read(content: &[u8]) -> Result<(Digest, Request), ExchangeError> {
        match Request::decode(content)? {
            request @ Request::Evaluate(_) => Ok((sha256(content), request)),
            Request::Catalog
            | Request::Object(_)
            | Request::Segment { .. }
            | Request::Account(_)
            | Request::Checkpoint(_)
            | Request::Consistency { .. }
            | Request::Inclusion { .. }
            | Request::Succession(_) => Err(ExchangeError::NotAChunk),
        }
    }
}

impl Header for Answers {
    type Message = Response;
    const LINE: &'static [u8] = ANSWERS_LINE;
    const DOMAIN: &'static [u8] = ANSWERS_DIGEST_DOMAIN;
    const LIMIT: usize = DIGEST + MAX_RESPONSE;
    const COUNT: (u32, u32) = (0, MAX_ANSWERS);

    fn holds(&self) -> bool {
        true
    }

    fn read(content: &[u8]) -> Result<(Digest, Response), ExchangeError> {
        let (question, response) = content.split_first_chunk().ok_or(CodecError::Malformed)?;
        Ok((Digest::from_bytes(*question), Response::decode(response)?))
    }
}

/// What an answer names its question by: SHA-256 of the request's bytes.
pub fn question(request: &Request) -> Digest {
    sha256(&request.encode())
}

fn sha256(bytes: &[u8]) -> Digest {
    Digest::from_bytes(Sha256::digest(bytes).into())
}
