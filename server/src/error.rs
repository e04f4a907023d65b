//! Why a command failed, each in one sentence, and the exit code that it ends with.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use blindlist_protocol::entry::DictionaryError;
use blindlist_protocol::ids::{Digest, EpochId, LedgerId};
use blindlist_protocol::index::IndexError;
use blindlist_protocol::object::ObjectError;
use blindlist_protocol::text::Slug;
use blindlist_records::sample::SampleError;
use blindlist_records::{ColumnError, TableError, UnknownEncoding};
use blindlist_store::exit::Code;
use blindlist_store::{StoreError, text};
use blindlist_transport::TransportError;

use crate::answer::AnswerError;
use crate::audit::AuditError;
use crate::backup::BackupError;
use crate::ledger::{LedgerError, UrlError};
use crate::seal::{AppendError, AudienceError};
use crate::show::count;

/// Why a command of `blindlistd` failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A folder, a file or the terminal.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file that somebody named and that cannot be read.
    #[error(transparent)]
    Unreadable(StoreError),
    /// Certificates and sockets.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The admin page would be open to everybody who reaches its address.
    #[error(
        "the admin page would be open to whoever reaches {address}: name a loopback address such as 127.0.0.1:9433, or guard \
         it with --admin-token-file"
    )]
    AdminAddress {
        /// The address.
        address: SocketAddr,
    },
    /// The admin page's token is none.
    #[error(
        "{} holds no token for the admin page: looked for one line of 32 to 1,024 letters, digits and signs, without spaces",
        text::path(.path)
    )]
    AdminToken {
        /// The file.
        path: PathBuf,
    },
    /// The admin page's socket could not be opened.
    #[error("could not listen on TCP {address} for the admin page: {source}")]
    AdminBind {
        /// The address.
        address: SocketAddr,
        /// What the operating system said.
        source: io::Error,
    },
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The audit log.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// A backup.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// Questions that came in a file.
    #[error(transparent)]
    Answer(#[from] AnswerError),
    /// The database of the ledger is not named as it should be.
    #[error("--ledger: {0}")]
    LedgerUrl(UrlError),
    /// An input cannot be read as a table.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The columns of an input cannot be told.
    #[error("{}: {reason}", text::path(.path))]
    Columns {
        /// The input.
        path: PathBuf,
        /// Why.
        reason: ColumnError,
    },
    /// A column was not named as it should be.
    #[error("--column: {0}")]
    Override(ColumnError),
    /// No encoding is called so.
    #[error("--encoding: {0}")]
    Encoding(UnknownEncoding),
    /// Standard input comes once.
    #[error("standard input, `-`, is named twice among the inputs; it can be read once")]
    StandardInputTwice,
    /// The categories are no dictionary.
    #[error("--categories: {0}")]
    Categories(DictionaryError),
    /// A list cannot be addressed like that.
    #[error(transparent)]
    Audience(#[from] AudienceError),
    /// Nothing can be added to a list.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// No sample was made.
    #[error(transparent)]
    Sample(#[from] SampleError),
    /// The clock stands before 1970.
    #[error("the clock of this machine stands before 1970; set it first")]
    Clock,
    /// The system gave no random bytes.
    #[error("the operating system gave no random bytes")]
    Randomness,
    /// Threads, signals or standard output: what has no path.
    #[error("could not {doing}: {source}")]
    Runtime {
        /// What was being done, as an infinitive.
        doing: &'static str,
        /// The system's reason.
        source: io::Error,
    },
    /// The folder is no home.
    #[error("{} is not an operator's home: it has no blindlistd.toml; make one with `blindlistd init`", text::path(.path))]
    NotAHome {
        /// The folder.
        path: PathBuf,
    },
    /// The configuration.
    #[error("{}: {problem}", text::path(.path))]
    Config {
        /// The file.
        path: PathBuf,
        /// What was looked for and found.
        problem: String,
    },
    /// More addresses than a bundle holds.
    #[error("an operator has at most 16 addresses")]
    TooManyAddresses,
    /// A key file.
    #[error("{} cannot be used: {problem}", text::path(.path))]
    Key {
        /// The file.
        path: PathBuf,
        /// What would be right.
        problem: &'static str,
    },
    /// A signed object of our own that is not one.
    #[error("{} is not the {what} of this operator: {reason}", text::path(.path))]
    Object {
        /// The kind expected.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        reason: ObjectError,
    },
    /// A file from an insurer that is not what it should be.
    #[error("{} is not an enrolment request: {reason}", text::path(.path))]
    Request {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: ObjectError,
    },
    /// An object that would break the rules of its kind.
    #[error("no {what} was signed: {reason}")]
    Unsignable {
        /// The kind.
        what: &'static str,
        /// Why.
        reason: ObjectError,
    },
    /// The catalog in the ledger is not one of this operator's.
    #[error("the catalog in the ledger is not one that the manifest key of this home signed: {0}")]
    LedgerCatalog(ObjectError),
    /// Another home of the ledger published a catalog at the same time.
    #[error("another home of this ledger has published a catalog meanwhile; copy its new files here and do this again")]
    CatalogTaken,
    /// A live epoch is not there.
    #[error("the catalog names an epoch that is not in the folder epochs: put it back from a backup")]
    NoEpoch,
    /// The epoch of a plan is not live.
    #[error("the plan is for the epoch {0}, which is not live; seal the list without --plan")]
    PlanEpoch(EpochId),
    /// No epoch has the id.
    #[error("no epoch that could be meant begins with {0}; `blindlistd epoch list` shows them all")]
    UnknownEpoch(String),
    /// Several epochs have it.
    #[error("the ids of several epochs begin with {0}; give more of its digits")]
    AmbiguousEpoch(String),
    /// The only epoch that lists can be sealed in.
    #[error("{0} is the only live epoch; make another one first: blindlistd epoch new")]
    LastEpoch(EpochId),
    /// An epoch that something was begun with and cut off.
    #[error("the epoch {0} is half made or half retired; finish that first: `blindlistd epoch list` says how")]
    EpochUnfinished(EpochId),
    /// The manifest key is being succeeded.
    #[error("a succession of the manifest key was begun and cut off; finish it first: blindlistd succeed")]
    SuccessionBegun,
    /// The successor's key is kept elsewhere.
    #[error("the successor's key is not at {}; name the file that holds it with --successor-key", text::path(.path))]
    NoSuccessor {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// Another key than insurers have pinned as the successor.
    #[error("the key in {} is not the one that insurers have pinned as the manifest key's successor", text::path(.path))]
    NotTheSuccessor {
        /// The file.
        path: PathBuf,
    },
    /// A list is addressed to an insurer that is not enrolled.
    #[error(
        "the list {0} is addressed to an insurer that the ledger does not know: it is not the ledger of this home; put the \
         right one back"
    )]
    Addressee(Slug),
    /// The person at the terminal did not agree.
    #[error("nothing was changed")]
    NotAgreed,
    /// Nobody is there to agree.
    #[error("nothing was changed: agree to it at a terminal, or with --yes")]
    NobodyToAgree,
    /// No insurer has the name.
    #[error("no insurer of the name {0} is enrolled; `blindlistd insurer list` shows who is")]
    UnknownInsurer(Slug),
    /// The ledger is not the one that the epoch is accounted for in.
    #[error(
        "the ledger of this home is {found}, but the epoch is accounted for in {expected}: another ledger would let \
         insurers spend their budgets twice; put the right one back, or name it in blindlistd.toml"
    )]
    WrongLedger {
        /// The ledger that the epoch record names.
        expected: LedgerId,
        /// The ledger of the home.
        found: LedgerId,
    },
    /// A live release is not there.
    #[error("the catalog names a release that is not in the folder releases: the one with manifest {manifest}")]
    ReleaseMissing {
        /// The digest of the manifest.
        manifest: Digest,
    },
    /// An index of the wrong length.
    #[error("{} has {found} bytes, its manifest says {expected}: the release is damaged", text::path(.path))]
    IndexLength {
        /// The index.
        path: PathBuf,
        /// Bytes found.
        found: u64,
        /// Bytes expected.
        expected: u64,
    },
    /// An index could not be made.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// Too many rows were rejected.
    #[error(
        "{} of {} rows were rejected, more than one in a hundred, and nothing is published{}; correct the list, or add \
         --accept-rejects to publish the other rows",
        count(*.rejected), count(*.rows), listed_in(.listed.as_ref())
    )]
    TooManyRejects {
        /// Rows of the inputs.
        rows: u64,
        /// Rows rejected.
        rejected: u64,
        /// The file or folder in which they are listed.
        listed: Option<PathBuf>,
    },
    /// Not one row was there.
    #[error("{} has no rows: looked for one person at least, found column headers alone; nothing is published", named(.inputs))]
    NoRows {
        /// The inputs.
        inputs: Vec<PathBuf>,
    },
    /// Not one row was left.
    #[error(
        "no row of {} could be used, and a list needs one person at least: nothing is published{}",
        count(*.rows), listed_in(.listed.as_ref())
    )]
    NoPeople {
        /// Rows of the inputs.
        rows: u64,
        /// The file or folder in which the rejected ones are listed.
        listed: Option<PathBuf>,
    },
    /// An input changed while it was sealed.
    #[error("{} was changed while it was being sealed, and nothing is published; seal it again", text::path(.path))]
    Changed {
        /// The input.
        path: PathBuf,
    },
    /// A plan that is none.
    #[error("{} is not a plan that can be followed: {problem}", text::path(.path))]
    Plan {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// Another number of inputs than planned.
    #[error("the plan is for {expected} inputs, found {found}; name the same inputs in the same order")]
    PlanInputs {
        /// Inputs of the plan.
        expected: usize,
        /// Inputs named.
        found: usize,
    },
    /// Another input than planned.
    #[error("{} is not the input of the plan at this place: its SHA-256 is another", text::path(.path))]
    NotThePlanned {
        /// The input.
        path: PathBuf,
    },
    /// The list has gone on since.
    #[error("another release of this list was published since the plan was made; seal the list without --plan")]
    PlanOutdated,
    /// The same plan gave other bytes.
    #[error(
        "{} holds other bytes than the same plan and inputs give now: it is damaged, or was made by another version; it \
         was left as it is",
        text::path(.path)
    )]
    ReleaseDiffers {
        /// The release.
        path: PathBuf,
    },
    /// The fingerprint is another one.
    #[error("the fingerprint of {} is another one than --fingerprint says; nothing was approved", text::path(.path))]
    Fingerprint {
        /// The file.
        path: PathBuf,
    },
    /// The person at the terminal said no.
    #[error("nothing was approved")]
    Declined,
}

impl Error {
    /// The exit code that a command ends with.
    pub fn code(&self) -> Code {
        match self {
            Self::Store(error) => error.code(),
            Self::Ledger(error) => ledger_code(error),
            Self::Sample(error) => sample_code(error),
            Self::Audience(error) => error.code(),
            Self::Append(error) => error.code(),
            Self::Backup(error) => error.code(),
            Self::Answer(error) => error.code(),
            Self::Transport(_)
            | Self::AdminToken { .. }
            | Self::AdminBind { .. }
            | Self::Clock
            | Self::Randomness
            | Self::Runtime { .. }
            | Self::NotAHome { .. }
            | Self::Config { .. }
            | Self::Key { .. }
            | Self::Object { .. }
            | Self::Unsignable { .. }
            | Self::LedgerCatalog(_)
            | Self::NoEpoch
            | Self::PlanEpoch(_)
            | Self::UnknownInsurer(_)
            | Self::UnknownEpoch(_)
            | Self::AmbiguousEpoch(_)
            | Self::LastEpoch(_)
            | Self::EpochUnfinished(_)
            | Self::SuccessionBegun
            | Self::NoSuccessor { .. }
            | Self::Addressee(_)
            | Self::WrongLedger { .. }
            | Self::ReleaseMissing { .. }
            | Self::IndexLength { .. }
            | Self::PlanOutdated
            | Self::ReleaseDiffers { .. } => Code::Failure,
            Self::Override(_)
            | Self::Encoding(_)
            | Self::StandardInputTwice
            | Self::LedgerUrl(_)
            | Self::Categories(_)
            | Self::TooManyAddresses
            | Self::AdminAddress { .. }
            | Self::PlanInputs { .. } => Code::Usage,
            Self::CatalogTaken => Code::TryAgain,
            Self::Audit(_)
            | Self::Table(_)
            | Self::Columns { .. }
            | Self::Request { .. }
            | Self::Index(_)
            | Self::TooManyRejects { .. }
            | Self::NoRows { .. }
            | Self::NoPeople { .. }
            | Self::Changed { .. }
            | Self::Plan { .. }
            | Self::NotThePlanned { .. }
            | Self::Unreadable(_) => Code::BadInput,
            Self::Fingerprint { .. }
            | Self::Declined
            | Self::NotAgreed
            | Self::NobodyToAgree
            | Self::NotTheSuccessor { .. } => Code::NotAllowed,
        }
    }
}

fn ledger_code(error: &LedgerError) -> Code {
    match error {
        LedgerError::Busy { .. } => Code::TryAgain,
        LedgerError::NotOpened { .. } | LedgerError::Unreachable { .. } => Code::Unreachable,
        LedgerError::File(error) => error.code(),
        LedgerError::Missing { .. }
        | LedgerError::NotALedger { .. }
        | LedgerError::NotEmpty { .. }
        | LedgerError::Newer
        | LedgerError::Unlogged
        | LedgerError::Schema { .. }
        | LedgerError::Damaged { .. }
        | LedgerError::NameTaken
        | LedgerError::CertificateTaken
        | LedgerError::SigningKeyTaken
        | LedgerError::IdTaken
        | LedgerError::UnknownInsurer
        | LedgerError::UnknownEpoch
        | LedgerError::Revoked
        | LedgerError::TooMany { .. }
        | LedgerError::NothingToCharge
        | LedgerError::DiskFull { .. }
        | LedgerError::Database { .. } => Code::Failure,
    }
}

fn sample_code(error: &SampleError) -> Code {
    match error {
        SampleError::Overlap(_) | SampleError::TooManyShared { .. } | SampleError::TooMany => Code::Usage,
        SampleError::Exists { .. } | SampleError::Write { .. } => Code::Failure,
    }
}

/// Whether it is that a file is not there.
pub(crate) fn not_there(error: &Error) -> bool {
    matches!(error, Error::Store(StoreError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound)
}

fn named(inputs: &[PathBuf]) -> String {
    inputs.iter().map(|input| text::path(input)).collect::<Vec<_>>().join(", ")
}

fn listed_in(folder: Option<&PathBuf>) -> String {
    folder.map_or(String::new(), |folder| format!("; they are listed in {}", text::path(folder)))
}
