//! Says what the bytes of a file or a message are, value by value, and what can be checked of them without a key.
//!
//! For people who look at a format (SPEC.md, sections 3, 5, 8 to 19, 24 and 25), or at a file that is refused. What a program
//! relies on it opens with [`object`](crate::object), [`message`](crate::message) or [`index`](crate::index) and a key:
//! nothing here says whose the bytes are.

mod exchange;
mod failure;
mod index;
mod message;
mod object;
mod span;
mod trace;
mod words;

#[cfg(test)]
mod tests;

pub use failure::{Failure, Problem};
pub use span::{Part, Path, Span, Type, Value};

use crate::catalog::Catalog;
use crate::enrolment::{Bundle, EnrolmentRequest};
use crate::epoch::EpochRecord;
use crate::exchange::{Answers, DIGEST, Header, Questions};
use crate::index::Index;
use crate::manifest::Manifest;
use crate::object::Kind;
use crate::params::{MAX_REQUEST, MAX_RESPONSE};
use crate::succession::Succession;
use std::fmt;
use std::str::FromStr;

/// What bytes may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A signed [`EpochRecord`].
    EpochRecord,
    /// A signed [`Manifest`].
    Manifest,
    /// A signed [`Catalog`] snapshot.
    Catalog,
    /// A signed [`EnrolmentRequest`].
    EnrolmentRequest,
    /// A signed [`Bundle`].
    Bundle,
    /// A signed [`Succession`].
    Succession,
    /// An index.
    Index,
    /// A [`Request`](crate::message::Request).
    Request,
    /// A [`Response`](crate::message::Response).
    Response,
    /// A file of [`Questions`].
    Questions,
    /// A file of [`Answers`].
    Answers,
}

/// A text that names no format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the kinds are epoch, manifest, catalog, enrolment, bundle, succession, index, request, response, questions and answers"
)]
pub struct UnknownFormat;

impl Format {
    /// All formats.
    pub const ALL: [Self; 11] = [
        Self::EpochRecord,
        Self::Manifest,
        Self::Catalog,
        Self::EnrolmentRequest,
        Self::Bundle,
        Self::Succession,
        Self::Index,
        Self::Request,
        Self::Response,
        Self::Questions,
        Self::Answers,
    ];

    /// The format whose line the bytes begin with.
    pub fn of_line(bytes: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.line().is_some_and(|line| bytes.starts_with(line)))
    }

    /// Its first line, newline included; messages have none.
    pub const fn line(self) -> Option<&'static [u8]> {
        match self {
            Self::EpochRecord => Some(EpochRecord::LINE),
            Self::Manifest => Some(Manifest::LINE),
            Self::Catalog => Some(Catalog::LINE),
            Self::EnrolmentRequest => Some(EnrolmentRequest::LINE),
            Self::Bundle => Some(Bundle::LINE),
            Self::Succession => Some(Succession::LINE),
            Self::Index => Some(&crate::index::MAGIC),
            Self::Questions => Some(Questions::LINE),
            Self::Answers => Some(Answers::LINE),
            Self::Request | Self::Response => None,
        }
    }

    /// Most bytes of it; an index and exchange files have no such limit.
    pub const fn limit(self) -> Option<usize> {
        match self {
            Self::EpochRecord => Some(EpochRecord::LIMIT),
            Self::Manifest => Some(Manifest::LIMIT),
            Self::Catalog => Some(Catalog::LIMIT),
            Self::EnrolmentRequest => Some(EnrolmentRequest::LIMIT),
            Self::Bundle => Some(Bundle::LIMIT),
            Self::Succession => Some(Succession::LIMIT),
            Self::Request => Some(MAX_REQUEST),
            Self::Response => Some(MAX_RESPONSE),
            Self::Index | Self::Questions | Self::Answers => None,
        }
    }

    /// Its section of SPEC.md.
    pub const fn section(self) -> u8 {
        match self {
            Self::Index => 9,
            Self::EpochRecord => 10,
            Self::Manifest => 11,
            Self::Catalog => 12,
            Self::EnrolmentRequest | Self::Bundle => 13,
            Self::Request | Self::Response => 18,
            Self::Succession => 24,
            Self::Questions | Self::Answers => 25,
        }
    }

    /// The word for it on a command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::EpochRecord => "epoch",
            Self::Manifest => "manifest",
            Self::Catalog => "catalog",
            Self::EnrolmentRequest => "enrolment",
            Self::Bundle => "bundle",
            Self::Succession => "succession",
            Self::Index => "index",
            Self::Request => "request",
            Self::Response => "response",
            Self::Questions => "questions",
            Self::Answers => "answers",
        }
    }
}

impl fmt::Display for Format {
    /// Its name in SPEC.md.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::EpochRecord => "epoch record",
            Self::Catalog => "catalog snapshot",
            Self::EnrolmentRequest => "enrolment request",
            Self::Manifest
            | Self::Bundle
            | Self::Succession
            | Self::Index
            | Self::Request
            | Self::Response
            | Self::Questions
            | Self::Answers => self.word(),
        })
    }
}

impl FromStr for Format {
    type Err = UnknownFormat;

    /// The format of a word or of a name in SPEC.md.
    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        let named = |format: &Self| format.word() == text || format.to_string() == text;
        Self::ALL.into_iter().find(named).ok_or(UnknownFormat)
    }
}

/// What bytes turned out to be.
#[derive(Debug)]
pub struct Inspection<'a> {
    /// What they were read as.
    pub format: Format,
    /// The first byte, from the start of the file: not 0 for an object in a response.
    pub offset: u64,
    /// How many bytes they are.
    pub length: u64,
    /// What stands where, in order and without gaps; up to the failure, if there is one.
    pub spans: Vec<Span<'a>>,
    /// Where reading ended too early, if it did.
    pub failure: Option<Failure>,
    /// What was checked, and what cannot be checked here.
    pub findings: Vec<Finding>,
    /// The signed object in a response.
    pub inner: Option<Box<Inspection<'a>>>,
    /// The index, for its entries.
    pub index: Option<Index<&'a [u8]>>,
}

/// Something that is known about the bytes as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is about.
    pub about: &'static str,
    /// How that stands.
    pub verdict: Verdict,
    /// In words.
    pub words: String,
}

/// How something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A fact that is neither good nor bad.
    Fact,
    /// A rule that holds.
    Holds,
    /// A rule that is broken.
    Fails,
    /// What these bytes alone cannot tell.
    Open,
}

/// Who signs exchange files.
const BY_INSURER: &str = "the insurer's request-signing key (section 25)";
const BY_LEDGER: &str = "the receipt key that a live epoch record names for the ledger (section 25)";

/// Reads bytes as one format.
pub fn inspect(bytes: &[u8], format: Format) -> Inspection<'_> {
    at(bytes, format, 0)
}

/// Reads bytes as the format whose line they begin with; without such a line as a request, or else as a response.
///
/// # Errors
/// What is wrong with them as a request and as a response, when they are neither.
pub fn inspect_any(bytes: &[u8]) -> Result<Inspection<'_>, Box<[Failure; 2]>> {
    if let Some(format) = Format::of_line(bytes) {
        return Ok(inspect(bytes, format));
    }
    let (request, response) = (inspect(bytes, Format::Request), inspect(bytes, Format::Response));
    match (&request.failure, &response.failure) {
        (None, _) => Ok(request),
        (Some(_), None) => Ok(response),
        (Some(as_request), Some(as_response)) => Err(Box::new([as_request.clone(), as_response.clone()])),
    }
}

/// Reads bytes that begin at `offset` of the file.
fn at(bytes: &[u8], format: Format, offset: u64) -> Inspection<'_> {
    let mut inspection = Inspection {
        format,
        offset,
        length: bytes.len() as u64,
        spans: vec![],
        failure: None,
        findings: vec![],
        inner: None,
        index: None,
    };
    if let Some(failure) = too_large(bytes, format, offset) {
        inspection.failure = Some(failure);
        return inspection;
    }
    match format {
        Format::EpochRecord => object::read::<EpochRecord>(bytes, &mut inspection),
        Format::Manifest => object::read::<Manifest>(bytes, &mut inspection),
        Format::Catalog => object::read::<Catalog>(bytes, &mut inspection),
        Format::EnrolmentRequest => object::read::<EnrolmentRequest>(bytes, &mut inspection),
        Format::Bundle => object::read::<Bundle>(bytes, &mut inspection),
        Format::Succession => object::read::<Succession>(bytes, &mut inspection),
        Format::Index => index::read(bytes, &mut inspection),
        Format::Request => message::read_request(bytes, &mut inspection),
        Format::Response => message::read_response(bytes, &mut inspection),
        Format::Questions => exchange::read::<Questions>(bytes, 0, BY_INSURER, &mut inspection),
        Format::Answers => exchange::read::<Answers>(bytes, DIGEST as u64, BY_LEDGER, &mut inspection),
    }
    inspection
}

fn too_large(bytes: &[u8], format: Format, offset: u64) -> Option<Failure> {
    let limit = format.limit().filter(|limit| bytes.len() > *limit)?;
    Some(Failure { offset, path: Path::default(), problem: Problem::TooLarge { limit: limit as u64 }, section: 26 })
}

impl<'a> Inspection<'a> {
    /// The first thing that is wrong, in words: a failure, or a rule that is broken.
    pub fn complaint(&self) -> Option<String> {
        let failure = self.failure.as_ref().map(Failure::to_string);
        let broken = || {
            let finding = self.findings.iter().find(|finding| finding.verdict == Verdict::Fails)?;
            Some(format!("{}: {}", finding.about, finding.words))
        };
        let inside = || {
            let inner = self.inner.as_ref()?;
            Some(format!("the {} in it, {}", inner.format, inner.complaint()?))
        };
        failure.or_else(broken).or_else(inside)
    }

    fn find(&mut self, about: &'static str, verdict: Verdict, words: impl Into<String>) {
        self.findings.push(Finding { about, verdict, words: words.into() });
    }

    /// Takes the line off the bytes, with a span; fails without it.
    fn line(&mut self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let line = self.format.line()?;
        let begun = bytes.strip_prefix(line).zip(bytes.get(..line.len()));
        let Some((rest, line)) = begun else {
            self.fail(self.offset, Path::of("line"), Problem::Line, 5);
            return None;
        };
        let value = Value::Text(std::str::from_utf8(line).unwrap_or_default());
        self.push(self.offset, line.len() as u64, Path::of("line"), Type::Line, value);
        Some(rest)
    }

    fn push(&mut self, offset: u64, length: u64, path: Path, ty: Type, value: Value<'a>) {
        self.spans.push(Span { offset, length, path, ty, value });
    }

    fn fail(&mut self, offset: u64, path: Path, problem: Problem, section: u8) {
        self.failure = Some(Failure { offset, path, problem, section });
    }
}
