//! `audit verify`: the whole log, the ledger that it is of, and every checkpoint that is known, held against each other.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use blindlist_protocol::checkpoint::note::Note;
use blindlist_protocol::ids::{Digest, EpochId, InsurerId, LedgerId};
use blindlist_protocol::log::audit::Auditor;
use blindlist_protocol::log::tree::{self, Frontier, Head, Node};
use blindlist_protocol::log::{Charge, Event};
use blindlist_protocol::signature::VerifyingKey;
use sha2::{Digest as _, Sha256};

use super::export::BATCH;
use super::{AuditError, NOTE, open_note};
use crate::Error;
use crate::home::Home;
use crate::ledger::{Charged, Ledger, Logged, Reading};

/// A log that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Its size and root.
    pub head: Head,
    /// Chunks that it charges for.
    pub charges: u64,
    /// Checkpoints that it goes on from.
    pub checkpoints: usize,
}

/// Reads the log as it is at this moment, entry by entry, and holds it against the ledger, the checkpoint that the home
/// keeps, and those in `notes`. A server may run meanwhile.
///
/// # Errors
/// [`AuditError`] for the first thing that does not hold; [`Error`] for what cannot be read.
pub async fn verify(home: &Home, notes: &[PathBuf]) -> Result<Verified, Error> {
    let key = home.receipt_signing_key()?.verifying();
    let ledger = home.ledger().await?;
    let verified = verify_ledger(home, &ledger, &key, notes).await;
    ledger.close().await;
    verified
}

pub(crate) async fn verify_ledger(
    home: &Home,
    ledger: &Ledger,
    key: &VerifyingKey,
    notes: &[PathBuf],
) -> Result<Verified, Error> {
    // Before the ledger: a server that runs may keep a newer one meanwhile.
    let known = known(home, LedgerId::from_bytes(ledger.id()), key, notes)?;
    let mut reading = Reading::begin(ledger).await?;
    let stored = reading.head().await?;
    let mut log =
        Log { heads: known.iter().map(|(_, note)| (note.checkpoint().size, None)).collect(), ..Log::default() };
    log.see();
    let (entries, nodes) = reading.counts().await?;
    while log.tree.size() < stored.size {
        let from = log.tree.size();
        let batch = reading.entries(from, BATCH).await?;
        if batch.is_empty() {
            return Err(AuditError::Missing(from).into());
        }
        let nodes = log.read(&batch, stored.size, &reading.leaves(from, BATCH).await?)?;
        check_nodes(&mut reading, from, &nodes).await?;
    }
    let beyond = reading.entries(stored.size, 1).await?;
    match beyond.first() {
        Some(beyond) => return Err(AuditError::Beyond(beyond.index).into()),
        // One of a negative place would be counted and never read.
        None if entries != stored.size => return Err(AuditError::Head(stored.size).into()),
        None => {}
    }
    if log.tree.head() != stored || nodes != 2 * stored.size - u64::from(stored.size.count_ones()) {
        return Err(AuditError::Head(stored.size).into());
    }
    check_accounts(&mut reading, &log.auditor).await?;
    let charges = log.charges.len() as u64;
    check_charges(&mut reading, log.charges).await?;
    for (what, note) in &known {
        check_note(what, note, &log.heads, &stored)?;
    }
    Ok(Verified { head: stored, charges, checkpoints: known.len() })
}

/// Every checkpoint that is known, with its name.
fn known(home: &Home, ledger: LedgerId, key: &VerifyingKey, notes: &[PathBuf]) -> Result<Vec<(String, Note)>, Error> {
    let mut known = Vec::new();
    let kept = home.path().join(NOTE);
    if kept.exists() {
        known.push(("the checkpoint that the home keeps".to_owned(), open_note(&kept, ledger, key)?));
    }
    let named = |path: &Path| format!("the checkpoint in {}", blindlist_store::text::path(path));
    for path in notes {
        known.push((named(path), open_note(path, ledger, key)?));
    }
    Ok(known)
}

/// What was read of a log.
#[derive(Default)]
struct Log {
    auditor: Auditor,
    tree: Frontier,
    /// By index, the [`fingerprint`] of what a charge's row in the ledger must be: there may be millions.
    charges: HashMap<u64, [u8; 32]>,
    /// The root at the sizes that checkpoints have.
    heads: BTreeMap<u64, Option<Digest>>,
}

impl Log {
    /// Reads the next entries, up to the log's end, each with the hash that is stored for it; the nodes that are complete.
    fn read(
        &mut self,
        batch: &[Logged],
        end: u64,
        hashes: &HashMap<u64, Digest>,
    ) -> Result<Vec<(Node, Digest)>, Error> {
        let mut nodes = Vec::new();
        for Logged { index, entry } in batch {
            let expected = self.tree.size();
            if expected == end {
                break;
            }
            if *index != expected {
                return Err(AuditError::Missing(expected).into());
            }
            let leaf = tree::leaf(entry);
            if hashes.get(index) != Some(&leaf) {
                return Err(AuditError::Changed(*index).into());
            }
            if let Event::Charge(charge) = self.auditor.read(entry).map_err(AuditError::BadEntry)?.event {
                self.charges.insert(*index, fingerprint(&row_of(&charge, *index)));
            }
            nodes.extend(self.tree.append(leaf));
            self.see();
        }
        Ok(nodes)
    }

    fn see(&mut self) {
        let Head { size, root } = self.tree.head();
        if let Some(seen) = self.heads.get_mut(&size) {
            *seen = Some(root);
        }
    }
}

fn row_of(charge: &Charge, entry: u64) -> Charged {
    Charged {
        insurer: charge.insurer,
        epoch: charge.epoch,
        digest: charge.digest,
        job: charge.job,
        number: charge.number.into(),
        count: charge.count.into(),
        signature: *charge.signature.as_bytes(),
        entry: entry.cast_signed(),
    }
}

fn fingerprint(row: &Charged) -> [u8; 32] {
    let Charged { insurer, epoch, digest, job, number, count, signature, entry } = row;
    let hash = Sha256::new().chain_update(insurer.as_bytes()).chain_update(epoch.as_bytes());
    let hash = hash.chain_update(digest.as_bytes()).chain_update(job.as_bytes()).chain_update(signature);
    let numbers = [number.to_le_bytes(), count.to_le_bytes(), entry.to_le_bytes()];
    hash.chain_update(numbers.as_flattened()).finalize().into()
}

/// The stored nodes above the leaves.
async fn check_nodes(reading: &mut Reading, from: u64, nodes: &[(Node, Digest)]) -> Result<(), Error> {
    let mut levels: BTreeMap<u8, BTreeMap<u64, Digest>> = BTreeMap::new();
    for (node, hash) in nodes.iter().filter(|(node, _)| node.level > 0) {
        levels.entry(node.level).or_default().insert(node.index, *hash);
    }
    for (level, computed) in levels {
        let (Some((first, _)), most) = (computed.first_key_value(), u32::try_from(computed.len()).unwrap_or(BATCH))
        else {
            continue;
        };
        let stored = reading.nodes(level, *first, most).await?;
        if computed.iter().any(|(place, hash)| stored.get(place) != Some(hash)) {
            return Err(AuditError::Tree(from).into());
        }
    }
    Ok(())
}

/// Every account is what the log says, and none is missing.
async fn check_accounts(reading: &mut Reading, auditor: &Auditor) -> Result<(), Error> {
    let nothing = (0, 0);
    let mut logged: BTreeMap<(InsurerId, EpochId), (u64, u64)> =
        auditor.accounts().iter().map(|(of, account)| (*of, (account.granted, account.spent))).collect();
    for (of, found) in reading.accounts().await? {
        let said = logged.remove(&of).unwrap_or(nothing);
        if said != found {
            return Err(AuditError::Account { insurer: of.0, epoch: of.1, found, logged: said }.into());
        }
    }
    match logged.into_iter().find(|(_, said)| *said != nothing) {
        Some(((insurer, epoch), logged)) => Err(AuditError::Account { insurer, epoch, found: nothing, logged }.into()),
        None => Ok(()),
    }
}

/// Every row of the charges is of one entry, and every entry has one.
async fn check_charges(reading: &mut Reading, mut logged: HashMap<u64, [u8; 32]>) -> Result<(), Error> {
    let mut after = None;
    loop {
        let rows = reading.charges(after, 10 * BATCH).await?;
        let Some(last) = rows.last() else { break };
        after = Some(last.key());
        for row in rows {
            let entry = u64::try_from(row.entry).ok().and_then(|entry| logged.remove(&entry));
            if entry != Some(fingerprint(&row)) {
                return Err(AuditError::Charge { insurer: row.insurer, number: row.number }.into());
            }
        }
    }
    match logged.into_keys().min() {
        Some(entry) => Err(AuditError::NoCharge(entry).into()),
        None => Ok(()),
    }
}

fn check_note(what: &str, note: &Note, heads: &BTreeMap<u64, Option<Digest>>, stored: &Head) -> Result<(), AuditError> {
    let checkpoint = note.checkpoint();
    let (what, known, time) = (what.to_owned(), checkpoint.size, checkpoint.time);
    match heads.get(&known).copied().flatten() {
        None => Err(AuditError::Behind { what, known, time, found: stored.size }),
        Some(root) if root != checkpoint.root => Err(AuditError::Rewritten { what, known, time }),
        Some(_) => Ok(()),
    }
}
