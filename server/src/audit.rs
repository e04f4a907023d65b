//! The operator's side of the audit log: `audit verify`, `audit export`, `audit checkpoint`, and the checkpoint that the
//! home keeps (SPEC.md, "Audit log").
//!
//! Only the receipt key is needed. The kept checkpoint is outside of the ledger, so that a ledger which was rolled back or
//! rewritten is told from it: [`check_kept`]. That of the machine itself is no stronger than the machine: checkpoints
//! belong on another one, and `audit verify --checkpoint` takes them back.

mod export;
mod kept;
mod verify;

use std::path::PathBuf;

use blindlist_protocol::checkpoint::CheckpointError;
use blindlist_protocol::checkpoint::note::NoteError;
use blindlist_protocol::ids::{EpochId, InsurerId, LedgerId};
use blindlist_protocol::log::audit::BadEntry;
use blindlist_store::text;

use crate::show::{count, moment};

pub use self::export::export;
pub(crate) use self::kept::{NOTE, open_note};
pub use self::kept::{check_kept, checkpoint, keep};
pub use self::verify::{Verified, verify};

/// Why an audit log is not what it should be.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// An entry that breaks a rule.
    #[error("the audit log does not hold: {0}")]
    BadEntry(#[from] BadEntry),
    /// An entry whose bytes are not those that were hashed.
    #[error("the audit log does not hold: entry {0} was changed: its hash is of other bytes")]
    Changed(u64),
    /// An entry that is not there.
    #[error("the audit log does not hold: entry {0} is missing")]
    Missing(u64),
    /// An entry beyond the log's end.
    #[error("the audit log does not hold: entry {0} stands beyond its end")]
    Beyond(u64),
    /// Hashes above the entries.
    #[error("the audit log does not hold: its stored tree is not that of its entries, from entry {0} on")]
    Tree(u64),
    /// The size and root.
    #[error("the audit log does not hold: the ledger's head, of {0} entries, is not theirs")]
    Head(u64),
    /// An account.
    #[error(
        "the ledger does not hold: the account of insurer {insurer} in epoch {epoch} has {} granted and {} spent, the audit \
         log says {} and {}",
        count(found.0), count(found.1), count(logged.0), count(logged.1)
    )]
    Account {
        /// The insurer.
        insurer: InsurerId,
        /// The epoch.
        epoch: EpochId,
        /// Granted and spent in the ledger.
        found: (u64, u64),
        /// Granted and spent by the log.
        logged: (u64, u64),
    },
    /// A charge that is not the log's.
    #[error(
        "the ledger does not hold: chunk {number} of a job of insurer {insurer} is in its charges, and not so in the audit log"
    )]
    Charge {
        /// The insurer.
        insurer: InsurerId,
        /// The chunk's number.
        number: u64,
    },
    /// A charge that is in the log alone.
    #[error("the ledger does not hold: the charge of entry {0} is not in its charges")]
    NoCharge(u64),
    /// A ledger that is behind a checkpoint.
    #[error(
        "the ledger was rolled back, or it is an older copy: {} had {} on {}, and the ledger has {}: the last {} lost. Put the \
         newer ledger back; on this one insurers could spend twice what they have spent since",
        .what, entries(*.known), moment(*.time), count(*.found), lost(*.known, *.found)
    )]
    Behind {
        /// Which checkpoint.
        what: String,
        /// Entries that it had.
        known: u64,
        /// When.
        time: u64,
        /// Entries that there are.
        found: u64,
    },
    /// A log that does not go on from a checkpoint.
    #[error(
        "the audit log was rewritten: its first {} are not those of {} from {}",
        entries(*.known), .what, moment(*.time)
    )]
    Rewritten {
        /// Which checkpoint.
        what: String,
        /// Entries that it had.
        known: u64,
        /// When.
        time: u64,
    },
    /// A file that is no checkpoint of this log.
    #[error("{} is not a checkpoint of this log: {reason}", text::path(.path))]
    Note {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: NoteError,
    },
    /// A checkpoint of another ledger.
    #[error("{} is a checkpoint of the ledger {found}, and this is the ledger {expected}", text::path(.path))]
    OtherLedger {
        /// The file.
        path: PathBuf,
        /// Its ledger.
        found: LedgerId,
        /// The ledger there is.
        expected: LedgerId,
    },
}

/// A number of entries.
pub(crate) fn entries(number: u64) -> String {
    if number == 1 { "1 entry".to_owned() } else { format!("{} entries", count(number)) }
}

fn lost(known: u64, found: u64) -> String {
    match known.saturating_sub(found) {
        1 => "one is".to_owned(),
        lost => format!("{} are", count(lost)),
    }
}

impl AuditError {
    /// What a checkpoint that the log does not go on from means.
    fn against(what: String, time: u64, error: CheckpointError, (known, found): (u64, u64)) -> Self {
        match error {
            CheckpointError::Shrunk(_) if found < known => Self::Behind { what, known, time, found },
            CheckpointError::Shrunk(_)
            | CheckpointError::NotConsistent(_)
            | CheckpointError::Signature
            | CheckpointError::Ledger
            | CheckpointError::Uncovered(_)
            | CheckpointError::NotIncluded(_) => Self::Rewritten { what, known, time },
        }
    }
}
