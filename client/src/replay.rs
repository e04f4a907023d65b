//! `blindlist replay`: the operator's log has this insurer's members, and nobody else in its name (SPEC.md, "Evidence").
//!
//! 1. `export` reads the log and checks every entry; the insurer's charges are set aside, and its receipts and the
//!    checkpoint that it remembers are held against the log.
//! 2. `again` makes every chunk of every job anew, from the seed and the member file.
//! 3. `compare` finds the charges that are no such chunk, and the chunks that were not charged.
//!
//! Nothing is sent. Nothing that is shown says who the members are.

mod again;
mod compare;
pub(crate) mod export;
mod report;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use blindlist_protocol::ids::{Digest, InsurerId, LedgerId};
use blindlist_protocol::log::{Entry, Event};
use blindlist_protocol::signature::VerifyingKey;

use crate::evidence::Evidence;
use crate::passphrases::passphrases;
use crate::profile::Profile;
use crate::profile::logs::Remembered;
use crate::receipts::JobReceipts;
use crate::room::Room;
use crate::{Caller, ClientError, EvidenceError};
pub(crate) use again::{chunks, files};
use compare::{Given, Logged, OwnKeys};
use export::Export;
pub use report::Report;

/// What to hold against each other.
#[derive(Debug)]
pub struct ReplayOptions<'a> {
    /// The folder of the evidence.
    pub evidence: &'a Path,
    /// The member files of its jobs.
    pub members: &'a [PathBuf],
    /// The export of the log.
    pub audit: &'a Path,
    /// The profile, for receipts, the checkpoint remembered and the keys that signed.
    pub profile: Option<&'a Profile>,
    /// Files with passphrases of the evidence.
    pub passphrase_files: &'a [PathBuf],
}

/// What the log says of this insurer.
struct InLog {
    charges: Vec<Logged>,
    /// Receipts whose entry the log has.
    confirmed: usize,
    /// Indices of receipts in whose place the log has something else.
    contradicted: Vec<u64>,
    /// The root of as many entries as the remembered checkpoint has.
    root: Option<Digest>,
}

/// Holds a log against all jobs that there is evidence of.
///
/// # Errors
/// [`EvidenceError`] for a log that does not hold, evidence or a member file that is missing; [`ClientError`].
pub fn replay(options: &ReplayOptions<'_>, caller: &Caller) -> Result<Report, ClientError> {
    let evidence = Evidence::all(options.evidence)?;
    let export = Export::open(options.audit)?;
    let ledger = export.ledger();
    let own = OwnKeys::of(&evidence, options.profile)?;
    let (evidence, others): (Vec<_>, Vec<_>) = evidence.into_iter().partition(|job| job.holder().ledger == ledger);
    if evidence.is_empty() {
        return Err(EvidenceError::OtherLog { path: options.audit.to_owned(), ledger }.into());
    }
    if !others.is_empty() {
        caller.note(format!("{} jobs were charged in other logs, and are left aside", others.len()));
    }
    let files = files(&evidence, options.members)?;
    let known = passphrases(options.passphrase_files);
    let seeds = evidence.iter().map(|job| job.seed(&known)).collect::<Result<Vec<_>, _>>()?;

    let receipts = receipts(&evidence, options.profile, &ledger)?;
    let mut keys: Vec<VerifyingKey> = evidence.iter().map(|job| job.holder().receipt_key).collect();
    keys.extend(receipts.iter().map(|receipts| receipts.key));
    keys.sort_unstable();
    keys.dedup();
    let remembered = remembered(options.profile, &ledger, &keys)?;
    let given = Given::of(&receipts);
    let insurers: Vec<InsurerId> = evidence.iter().map(|job| job.about().insurer).collect();
    let mut found = InLog { charges: Vec::new(), confirmed: 0, contradicted: Vec::new(), root: None };
    let mut visit = |index: u64, bytes: &[u8], entry: &Entry, export: &Export| {
        found.see(index, bytes, entry, &given, &insurers);
        if remembered.as_ref().is_some_and(|remembered| remembered.checkpoint.size == export.head().size) {
            found.root = Some(export.head().root);
        }
    };
    let end = export::audit(export, &keys, &mut visit, caller)?;

    let room = Room::new(options.evidence, None, Room::MEMORY);
    let made = again::all(&evidence, &seeds, &files, &room, caller)?;
    let compared = compare::compare(&made, &found.charges, &own, &given, end.checkpoint());
    Ok(Report::new(end.checkpoint(), made.len(), compared, found.confirmed, found.contradicted)
        .with_remembered(remembered.map(|remembered| remembered.checkpoint), found.root))
}

impl InLog {
    fn see(&mut self, index: u64, bytes: &[u8], entry: &Entry, given: &Given, insurers: &[InsurerId]) {
        match given.at(index).map(|entries| entries.iter().all(|entry| entry == bytes)) {
            Some(true) => self.confirmed += 1,
            Some(false) => self.contradicted.push(index),
            None => {}
        }
        if let Event::Charge(charge) = &entry.event
            && insurers.contains(&charge.insurer)
        {
            self.charges.push(Logged { index, time: entry.time, charge: charge.clone() });
        }
    }
}

/// The receipts of a log, from the evidence and the profile, one of each.
fn receipts(
    evidence: &[Evidence],
    profile: Option<&Profile>,
    ledger: &LedgerId,
) -> Result<Vec<JobReceipts>, ClientError> {
    let mut all: BTreeMap<_, JobReceipts> = BTreeMap::new();
    let kept = profile.map_or(Ok(Vec::new()), Profile::receipts)?;
    for receipts in evidence.iter().filter_map(Evidence::receipts).cloned().chain(kept) {
        if receipts.ledger == *ledger {
            all.insert(receipts.job, receipts);
        }
    }
    Ok(all.into_values().collect())
}

fn remembered(
    profile: Option<&Profile>,
    ledger: &LedgerId,
    keys: &[VerifyingKey],
) -> Result<Option<Remembered>, ClientError> {
    match (profile, keys.first()) {
        (Some(profile), Some(key)) => profile.remembered(ledger, key),
        (None, _) | (_, None) => Ok(None),
    }
}
