//! What can go wrong, each in one sentence.
//!
//! A message never holds a cell of a member file, nor text of the other side that was not checked.

mod evidence;
mod meaning;

use std::cmp::Ordering;
use std::fmt;
use std::path::{Path, PathBuf};

use blindlist_protocol::checkpoint::CheckpointError;
use blindlist_protocol::enrolment::Fingerprint;
use blindlist_protocol::identifier::Scheme;
use blindlist_protocol::ids::{EpochId, JobId, LedgerId};
use blindlist_protocol::index::IndexError;
use blindlist_protocol::insurer::EvaluationError;
use blindlist_protocol::live::LiveError;
use blindlist_protocol::manifest::ReleaseError;
use blindlist_protocol::matching::MatchError;
use blindlist_protocol::object::ObjectError;
use blindlist_protocol::signature::VerifyingKey;
use blindlist_protocol::succession::SuccessionError;
use blindlist_protocol::text::Slug;
use blindlist_records::{ColumnError, Rejection, TableError, WriteError};
use blindlist_store::exit::Code;
use blindlist_store::{StoreError, text};
use blindlist_transport::TransportError;

pub use evidence::EvidenceError;
pub(crate) use meaning::transport_code;

use crate::channel::ChannelError;
use crate::exchange::ExchangeFault;
use crate::show::{moment, number};

/// Why a command ended without doing what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// A folder, a file or the terminal.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file that somebody named and that cannot be read.
    #[error(transparent)]
    Unreadable(StoreError),
    /// The results could not all be put in place.
    #[error("{source}; {}", Places(files, *new))]
    HalfWritten {
        /// The results, in the order in which they are put in place.
        files: Vec<String>,
        /// How many of them are in place for certain.
        new: usize,
        /// Why the next is not.
        source: StoreError,
    },
    /// The format that was chosen cannot hold the results. None was written.
    #[error("{}: {source}", text::path(path))]
    Results {
        /// The file.
        path: PathBuf,
        /// Why.
        source: WriteError,
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
    #[error("{}: {source}", text::path(path))]
    Columns {
        /// The member file.
        path: PathBuf,
        /// Why.
        source: ColumnError,
    },
    /// The profile has keys already.
    #[error("the profile {} has keys already; they were left as they are (use another folder for another insurer)", text::path(.0))]
    KeysExist(PathBuf),
    /// The profile has no keys.
    #[error("the profile {} has no keys yet: run `blindlist enroll` first", text::path(.0))]
    NotEnrolled(PathBuf),
    /// The profile has no bundle.
    #[error("the profile {} has no operator yet: run `blindlist join` with the bundle that the operator sent", text::path(.0))]
    NotJoined(PathBuf),
    /// A file in the profile is not what this program wrote.
    #[error("{} is damaged: {problem}", text::path(path))]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what can be done.
        problem: &'static str,
    },
    /// A file that should be a request or a bundle.
    #[error("{} is not {expected}: {source}", text::path(path))]
    NotAnObject {
        /// The file.
        path: PathBuf,
        /// What was looked for.
        expected: &'static str,
        /// What was found.
        source: ObjectError,
    },
    /// Something to inspect that breaks a rule of SPEC.md, or that SPEC.md does not know.
    #[error("{file}: {what}")]
    NotOurs {
        /// The file.
        file: String,
        /// What is wrong with it, where, and by which section.
        what: String,
    },
    /// A bundle that was made for other keys.
    #[error("this bundle was not made for the keys in {}: the operator must approve the request that goes with them", text::path(.0))]
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
    #[error("the profile {} belongs to another operator key already: use another folder for another operator", text::path(.0))]
    OtherOperator(PathBuf),
    /// The catalog snapshot has run out.
    #[error(
        "the operator's catalog expired on {0}: the operator signs a new one by sealing a list again; then try again (is this \
         computer's clock right?)"
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
    #[error("{} is not a regular file: the members are read twice, so they cannot come from a pipe but standard input, `-`", text::path(.0))]
    NotAFile(PathBuf),
    /// A result would replace the member file.
    #[error("{} is the member file itself: choose another folder with --out", text::path(.0))]
    WouldReplaceInput(PathBuf),
    /// No row has an identifier.
    #[error("no row of {} could be turned into an identifier of the scheme {scheme}{}", text::path(path), FirstRejection(first.as_ref()))]
    NoMembers {
        /// The member file.
        path: PathBuf,
        /// The scheme.
        scheme: Scheme,
        /// The first rejected row.
        first: Option<Rejection>,
    },
    /// More distinct people than one job can number.
    #[error("{} has more than {most} distinct people: split it", text::path(path))]
    TooManyMembers {
        /// The member file.
        path: PathBuf,
        /// The most that one check takes.
        most: u32,
    },
    /// The member file is not the one that was read before.
    #[error("{} has changed since the check began, and must be as it was: a changed file is a new check, without --resume, which is paid anew", text::path(.0))]
    MembersChanged(PathBuf),
    /// More rows than one in a hundred have no identifier. Nothing was sent.
    #[error(
        "{} of the {} rows of {} could not be turned into an identifier, more than one in a hundred: nothing was sent; {}mend \
         the file or say which column is which, or go on without these rows with --accept-rejects",
        number(*rejected),
        number(*rows),
        text::path(path),
        LookAt(written.as_deref())
    )]
    TooManyRejected {
        /// The member file.
        path: PathBuf,
        /// Rows without an identifier.
        rejected: u64,
        /// All rows.
        rows: u64,
        /// Where they are named, if they are.
        written: Option<PathBuf>,
    },
    /// The unfinished check read the file in another way.
    #[error(
        "the unfinished check of {} read it by other columns, in another encoding or from another sheet: leave these options \
         out to go on with it, or begin anew, and pay anew, without --resume",
        text::path(.0)
    )]
    ReadOtherwise(PathBuf),
    /// Two profiles of one operator.
    #[error("{} and {} are profiles of the same operator: it would be asked and paid twice; name one of them", text::path(.0), text::path(.1))]
    SameOperator(PathBuf, PathBuf),
    /// A job left out people whose evaluations were remembered, and no longer are.
    #[error(
        "the unfinished check does not ask about {} members, whose evaluations were remembered and are not at hand now: go on \
         with --remember and the passphrase, or begin anew without --resume",
        number(*.0)
    )]
    Forgotten(u64),
    /// Operators are missing from the results, which were written.
    #[error(
        "{missing} of the operators {} missing from the result{}",
        if *missing == 1 { "is" } else { "are" },
        if *resumable { ": run the same command with --resume once it answers; nothing is paid twice" } else { "" }
    )]
    Incomplete {
        /// How many.
        missing: usize,
        /// What the gravest of their failures means.
        code: Code,
        /// Whether going on may help all of them.
        resumable: bool,
    },
    /// The budget cannot cover the check. Nothing was charged.
    #[error(
        "the budget does not allow this check: it needs {} more evaluations, {} more than are left in the epoch {epoch}; \
         nothing was sent or charged; ask the operator to raise the budget with `blindlistd insurer set-budget`",
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
    /// The budgets cannot cover the check, which was only tried.
    #[error("the budgets do not allow this check: {} evaluations are missing; ask the operator to raise them", number(*short))]
    TooLittleBudget {
        /// Evaluations that are missing.
        short: u64,
    },
    /// Evidence, or what it is held against.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// A check without a network.
    #[error(transparent)]
    Exchange(#[from] ExchangeFault),
    /// The operator broke the protocol.
    #[error("the operator's server broke the protocol: {0}")]
    Broken(#[from] Broken),
    /// An index in the profile is not what it was when it was verified. It was removed.
    #[error("{} is damaged and was removed: the next check fetches it again", text::path(.0))]
    IndexDamaged(PathBuf),
    /// There is no unfinished check with this id.
    #[error(
        "the profile {} has no unfinished check {job}: `blindlist jobs` shows those that it has",
        text::path(profile)
    )]
    NoUnfinishedJob {
        /// The profile.
        profile: PathBuf,
        /// What was looked for.
        job: JobId,
    },
    /// Whoever was asked did not say yes.
    #[error("nothing was removed")]
    NotRemoved,
    /// Something is to be removed, and nobody is there to be asked.
    #[error("nothing was removed: this program has no terminal to ask on; confirm with --yes")]
    NobodyConfirms,
    /// Somebody pressed Ctrl-C.
    #[error("interrupted")]
    Interrupted,
    /// The system's generator failed.
    #[error("the operating system gave no random bytes")]
    Randomness,
    /// A thread of ours ended before its work was done.
    #[error("a part of this program failed: {0}")]
    Internal(&'static str),
}

/// How the operator's server broke the protocol. Nothing was unblinded or written on the strength of it.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// What it shows as live is not accepted.
    #[error(transparent)]
    Live(LiveError),
    /// A catalog of another key than the pinned one, and nothing that leads there.
    #[error("its catalog is not signed by the pinned manifest key {0}, and it shows no succession of that key")]
    NotSucceeded(VerifyingKey),
    /// A catalog of another key than the pinned one, and a succession that is not the pinned one's.
    #[error("its catalog is not signed by the pinned manifest key, and {0}")]
    Succession(SuccessionError),
    /// An index that is not the manifest's, or none at all.
    #[error("the list {list}: {source}")]
    Release {
        /// The list.
        list: Slug,
        /// Why.
        source: ReleaseError,
    },
    /// An index that is the manifest's and malformed, which was not found when it was fetched.
    #[error("{0}")]
    Index(IndexError),
    /// An answer without proof.
    #[error("its answer to chunk {number} is not accepted: {source}")]
    Answer {
        /// The chunk.
        number: u32,
        /// Why.
        source: EvaluationError,
    },
    /// An audit log that does not hold.
    #[error("{source}{}", Kept(kept.as_deref()))]
    Log {
        /// Why.
        source: CheckpointError,
        /// Where what contradicts itself is kept.
        kept: Option<PathBuf>,
    },
    /// An audit log that is not shown.
    #[error("it gave receipts of the audit log of the ledger {0}, and shows no checkpoint of it")]
    NoLog(LedgerId),
    /// Another log than the one that is remembered.
    #[error(
        "its audit log is another one than before, of the ledger {0}: what it owed to us in the old one cannot be checked; \
         if it has explained that, remove the profile's folder `checkpoints` to begin anew"
    )]
    OtherLog(LedgerId),
    /// A canary or a label that is not right.
    #[error("in the list {list} {source}; nobody's status can be concluded, and no result was written")]
    Match {
        /// The list.
        list: Slug,
        /// What.
        source: MatchError,
    },
}

impl From<LiveError> for ClientError {
    /// A catalog that ran out is no breach: a new one helps.
    fn from(error: LiveError) -> Self {
        match error {
            LiveError::Expired(at) => Self::CatalogExpired(moment(at)),
            LiveError::Object { .. }
            | LiveError::LowerSequence { .. }
            | LiveError::TwoCatalogs(_)
            | LiveError::OtherObject(_)
            | LiveError::Hidden(_)
            | LiveError::NotAddressed(_)
            | LiveError::TwoRecords(_)
            | LiveError::NoEpoch(_)
            | LiveError::TwoReleases(_) => Broken::Live(error).into(),
        }
    }
}

/// Says which file to look at, if there is one.
struct LookAt<'a>(Option<&'a Path>);

impl fmt::Display for LookAt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |path| write!(f, "look at {}, ", text::path(path)))
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

/// Says where what contradicts itself is kept.
struct Kept<'a>(Option<&'a Path>);

impl fmt::Display for Kept<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("; nothing is reported")?;
        self.0.map_or(Ok(()), |path| write!(f, ", and what contradicts itself is kept in {}", text::path(path)))
    }
}

/// Says which of the results are new after so many were put in place and the next one failed.
struct Places<'a>(&'a [String], usize);

impl fmt::Display for Places<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, name) in self.0.iter().enumerate() {
            let separator = if place == 0 { "" } else { ", " };
            let state = match place.cmp(&self.1) {
                Ordering::Less => "is new",
                // Its last step may have failed, the one that makes a name durable.
                Ordering::Equal => "may be new",
                Ordering::Greater => "is not",
            };
            write!(f, "{separator}{name} {state}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_written_results_are_named() {
        let files = ["affected.csv", "rejected.csv", "summary.json"].map(str::to_owned).to_vec();
        let error = ClientError::HalfWritten { files, new: 1, source: StoreError::NotAFile { path: "x".into() } };
        let shown = error.to_string();
        assert!(shown.ends_with("; affected.csv is new, rejected.csv may be new, summary.json is not"), "{shown}");
    }
}
