//! What can go wrong, each in one sentence, and the one table from errors to exit codes.
//!
//! A message never holds a cell of a member file, nor text of the other side that was not checked.

use std::fmt;
use std::path::PathBuf;

use blindlist_protocol::enrolment::Fingerprint;
use blindlist_protocol::entry::InconsistentLabel;
use blindlist_protocol::identifier::Scheme;
use blindlist_protocol::ids::{Digest, EpochId};
use blindlist_protocol::index::IndexError;
use blindlist_protocol::insurer::EvaluationError;
use blindlist_protocol::object::ObjectError;
use blindlist_protocol::refusal::{Refusal, RefusalCode};
use blindlist_protocol::text::Slug;
use blindlist_records::{ColumnError, Rejection, TableError};
use blindlist_store::StoreError;
use blindlist_store::exit::Code;
use blindlist_transport::TransportError;

use crate::channel::ChannelError;
use crate::show::number;

/// Why a command ended without doing what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// A folder, a file or the terminal.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file that could not be worked on in a way that [`StoreError`] does not know.
    #[error("could not {action} {}: {source}", path.display())]
    File {
        /// What was being done, as an infinitive.
        action: &'static str,
        /// What it was being done to.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A key, a certificate or the connection.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// A request that got no answer.
    #[error(transparent)]
    Channel(#[from] ChannelError),
    /// The member file cannot be read as a table.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The columns of the member file cannot be told.
    #[error("{}: {source}", path.display())]
    Columns {
        /// The member file.
        path: PathBuf,
        /// Why.
        source: ColumnError,
    },
    /// The profile has keys already.
    #[error("the profile {} has keys already; they were left as they are (use another folder for another insurer)", .0.display())]
    KeysExist(PathBuf),
    /// The profile has no keys.
    #[error("the profile {} has no keys yet: run `blindlist enroll` first", .0.display())]
    NotEnrolled(PathBuf),
    /// The profile has no bundle.
    #[error("the profile {} has no operator yet: run `blindlist join` with the bundle that the operator sent", .0.display())]
    NotJoined(PathBuf),
    /// A file in the profile is not what this program wrote.
    #[error("{} is damaged: {problem}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what can be done.
        problem: &'static str,
    },
    /// A file that should be a request or a bundle.
    #[error("{} is not {expected}: {source}", path.display())]
    NotAnObject {
        /// The file.
        path: PathBuf,
        /// What was looked for.
        expected: &'static str,
        /// What was found.
        source: ObjectError,
    },
    /// A bundle that was made for other keys.
    #[error("this bundle was not made for the keys in {}: the operator must approve the request.csr of this profile", .0.display())]
    ForeignBundle(PathBuf),
    /// A bundle whose certificate is not for our TLS key.
    #[error("this bundle holds a certificate that is not for the key of this profile: ask the operator for a new one")]
    ForeignCertificate,
    /// The fingerprint is not the one that was given.
    #[error("the bundle's fingerprint is {found}, not {expected}: it is not the file that the operator made")]
    OtherFingerprint {
        /// The file's.
        found: Fingerprint,
        /// What `--fingerprint` said.
        expected: Fingerprint,
    },
    /// Whoever was asked did not say yes.
    #[error("the fingerprint was not confirmed: nothing was installed")]
    NotConfirmed,
    /// A bundle of another operator than the one pinned.
    #[error("the profile {} belongs to another operator key already: use another folder for another operator", .0.display())]
    OtherOperator(PathBuf),
    /// The catalog snapshot has run out.
    #[error(
        "the operator's catalog expired on {0}: ask the operator to sign a new one, then try again (is this computer's clock right?)"
    )]
    CatalogExpired(String),
    /// Nothing is live for this insurer.
    #[error("the operator has no live list for this insurer: there is nothing to check against")]
    NoLiveList,
    /// Nothing that is live was chosen.
    #[error("the operator has no live list {wanted}; live are: {live}")]
    NoSuchList {
        /// What was asked for, in words.
        wanted: String,
        /// The lists that are live.
        live: String,
    },
    /// The lists chosen need different columns.
    #[error("the live lists have different schemes: {0}; choose one with --scheme, and check once for each")]
    SeveralSchemes(String),
    /// Several key holders must answer, which this version cannot ask.
    #[error(
        "the epoch {epoch} needs the answers of {threshold} key holders together, this version asks one only: update it"
    )]
    SeveralHolders {
        /// The epoch.
        epoch: EpochId,
        /// How many.
        threshold: u8,
    },
    /// The member file cannot be read twice.
    #[error("{} is not a regular file: the members are read twice, so they cannot come from a pipe", .0.display())]
    NotAFile(PathBuf),
    /// A result would replace the member file.
    #[error("{} is the member file itself: choose another folder with --out", .0.display())]
    WouldReplaceInput(PathBuf),
    /// No row has an identifier.
    #[error("no row of {} could be turned into an identifier of the scheme {scheme}{}", path.display(), FirstRejection(first.as_ref()))]
    NoMembers {
        /// The member file.
        path: PathBuf,
        /// The scheme.
        scheme: Scheme,
        /// The first rejected row.
        first: Option<Rejection>,
    },
    /// More distinct people than one job can number.
    #[error("{} has more than {most} distinct people: split it", path.display())]
    TooManyMembers {
        /// The member file.
        path: PathBuf,
        /// The most that one check takes.
        most: u32,
    },
    /// The member file is not the one that was read before.
    #[error("{} has changed since the check began: a changed file is a new check, which is paid anew; run it without --resume", .0.display())]
    MembersChanged(PathBuf),
    /// The budget cannot cover the check. Nothing was charged.
    #[error(
        "the budget does not allow this check: it needs {} more evaluations, {} more than are left in the epoch {epoch}; \
         nothing was sent or charged; ask the operator to raise the budget",
        number(*needed),
        number(*missing)
    )]
    OverBudget {
        /// The epoch.
        epoch: EpochId,
        /// Evaluations that the check still needs.
        needed: u64,
        /// Evaluations that are missing.
        missing: u64,
    },
    /// The operator broke the protocol.
    #[error("the operator's server broke the protocol: {0}")]
    Broken(#[from] Broken),
    /// An index does not fit into memory.
    #[error("the index of the list {list} has {bytes} bytes, more than this computer's memory can hold")]
    IndexTooLarge {
        /// The list.
        list: Slug,
        /// Its length.
        bytes: u64,
    },
    /// Somebody pressed Ctrl-C.
    #[error("interrupted; an interrupted check goes on with --resume")]
    Interrupted,
    /// A thread of ours ended before its work was done.
    #[error("a part of this program failed: {0}")]
    Internal(&'static str),
}

/// How the operator's server broke the protocol. Nothing was unblinded or written on the strength of it.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// A signed object does not hold.
    #[error("{what} does not hold: {source}")]
    Object {
        /// Which.
        what: &'static str,
        /// Why.
        source: ObjectError,
    },
    /// Another object than the one asked for.
    #[error("asked for the object {0}, it sent another one")]
    OtherObject(Digest),
    /// An object that its own catalog names is not to be had: somebody may be hiding a list.
    #[error(
        "it refuses the object {0}, which its signed catalog says is ours: a list may be hidden, so nothing is reported"
    )]
    HiddenObject(Digest),
    /// A manifest that the catalog addresses to us and that itself addresses others only.
    #[error("its catalog says that the list {0} is addressed to us, the list's manifest says that it is not")]
    NotAddressed(Slug),
    /// An older catalog than one seen before.
    #[error("its catalog has the sequence {found}, but {seen} was seen before: an older view is not accepted")]
    LowerSequence {
        /// What came.
        found: u64,
        /// The highest seen.
        seen: u64,
    },
    /// Two catalogs of one sequence.
    #[error("it shows two different catalogs with the sequence {0}: compare the catalog's digest with other insurers")]
    TwoCatalogs(u64),
    /// Two records of one epoch.
    #[error("its catalog names two records of the epoch {0}")]
    TwoRecords(EpochId),
    /// A manifest whose epoch is not live, or has another key or operator.
    #[error("the manifest of the list {0} belongs to no live epoch of its operator")]
    NoEpoch(Slug),
    /// Two releases of one list, or with one id.
    #[error("its catalog names two releases of the list {0}")]
    TwoReleases(Slug),
    /// A segment that is not what the manifest says.
    #[error("segment {number} of the index of {list} is not the one that the manifest names")]
    Segment {
        /// The list.
        list: Slug,
        /// The segment.
        number: u32,
    },
    /// An index that is none.
    #[error("the index of {list} is malformed: {source}")]
    Index {
        /// The list.
        list: Slug,
        /// Why.
        source: IndexError,
    },
    /// An index that is not the manifest's.
    #[error("the index of {0} does not agree with its manifest in release, entries, f or label length")]
    OtherIndex(Slug),
    /// An answer without proof.
    #[error("its answer to chunk {number} is not accepted: {source}")]
    Answer {
        /// The chunk.
        number: u32,
        /// Why.
        source: EvaluationError,
    },
    /// A label that makes no sense.
    #[error("in the list {list} {source}; nobody's status can be concluded, and no result was written")]
    Label {
        /// The list.
        list: Slug,
        /// What.
        source: InconsistentLabel,
    },
    /// A canary that is not there, or has another label.
    #[error(
        "a canary was not found in the list {0} with its known label: key, proof, index or code disagree, so nobody's \
         status can be concluded, and no result was written"
    )]
    Canary(Slug),
}

impl ClientError {
    /// The exit code. The only place that knows it.
    pub fn code(&self) -> Code {
        match self {
            Self::Store(error) => store_code(error),
            Self::Transport(error) => transport_code(error),
            Self::Channel(error) => channel_code(error),
            Self::File { .. }
            | Self::KeysExist(_)
            | Self::NotEnrolled(_)
            | Self::NotJoined(_)
            | Self::Damaged { .. }
            | Self::NoLiveList
            | Self::NoSuchList { .. }
            | Self::SeveralHolders { .. }
            | Self::IndexTooLarge { .. }
            | Self::Internal(_) => Code::Failure,
            Self::SeveralSchemes(_) | Self::WouldReplaceInput(_) => Code::Usage,
            Self::Table(_)
            | Self::Columns { .. }
            | Self::NotAnObject { .. }
            | Self::ForeignBundle(_)
            | Self::ForeignCertificate
            | Self::NotAFile(_)
            | Self::NoMembers { .. }
            | Self::TooManyMembers { .. }
            | Self::MembersChanged(_) => Code::BadInput,
            Self::CatalogExpired(_) | Self::Interrupted => Code::TryAgain,
            Self::Broken(_) => Code::PeerBroke,
            Self::OtherFingerprint { .. } | Self::NotConfirmed | Self::OtherOperator(_) | Self::OverBudget { .. } => {
                Code::NotAllowed
            }
        }
    }
}

fn store_code(error: &StoreError) -> Code {
    match error {
        // A confirmation that nobody can give is a thing that is not allowed.
        StoreError::NoTerminal => Code::NotAllowed,
        StoreError::Locked { .. } | StoreError::Changed { .. } => Code::TryAgain,
        StoreError::TooLong { .. } | StoreError::NotAFile { .. } => Code::BadInput,
        StoreError::Io { .. }
        | StoreError::DiskFull { .. }
        | StoreError::OpenToOthers { .. }
        | StoreError::NotAFolder { .. }
        | StoreError::NotEmpty { .. }
        | StoreError::Exists { .. }
        | StoreError::NoFileName { .. }
        | StoreError::Terminal { .. } => Code::Failure,
    }
}

fn channel_code(error: &ChannelError) -> Code {
    match error {
        ChannelError::Transport(error) => transport_code(error),
        ChannelError::Malformed(_) | ChannelError::Unexpected { .. } => Code::PeerBroke,
        ChannelError::Refused(Refusal { code, .. }) => refusal_code(*code),
    }
}

fn transport_code(error: &TransportError) -> Code {
    match error {
        TransportError::ComeBack => Code::TryAgain,
        TransportError::ResponseTooLarge { .. } => Code::PeerBroke,
        TransportError::Pki { .. } | TransportError::Bind { .. } | TransportError::Io(_) => Code::Failure,
        TransportError::BadAddress { .. } => Code::Usage,
        TransportError::Resolve { .. }
        | TransportError::Unreachable { .. }
        | TransportError::PeerNotTrusted { .. }
        | TransportError::NotAccepted { .. }
        | TransportError::NoCommonProtocol
        | TransportError::Lost
        | TransportError::Deadline => Code::Unreachable,
    }
}

fn refusal_code(code: RefusalCode) -> Code {
    match code {
        RefusalCode::UnknownInsurer | RefusalCode::Suspended | RefusalCode::OverBudget => Code::NotAllowed,
        RefusalCode::RateLimited | RefusalCode::Busy => Code::TryAgain,
        RefusalCode::UnknownEpoch
        | RefusalCode::RetiredEpoch
        | RefusalCode::UnknownObject
        | RefusalCode::WrongHolders
        | RefusalCode::Internal => Code::Unreachable,
        // This program sends none of what these name.
        RefusalCode::Malformed
        | RefusalCode::TooLarge
        | RefusalCode::InvalidElement
        | RefusalCode::InvalidChunk
        | RefusalCode::InvalidSignature
        | RefusalCode::Unlisted(_) => Code::PeerBroke,
    }
}

/// Names the first rejected row, if there is one.
struct FirstRejection<'a>(Option<&'a Rejection>);

impl fmt::Display for FirstRejection<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(rejection) => write!(f, ": {rejection}"),
            None => f.write_str(": it has no row"),
        }
    }
}
