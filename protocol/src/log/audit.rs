//! Whoever verifies a log reads it entry by entry and names the first that breaks a rule (SPEC.md, AUD-2).

use super::tree::{self, Frontier, Head};
use super::{Charge, Entry, Event, Status, is_logged};
use crate::chunk::ChunkHeader;
use crate::epoch::EpochRecord;
use crate::ids::{Digest, EpochId, InsurerId};
use crate::oprf::PublicKey;
use crate::params::MAX_CHUNK;
use crate::signature::VerifyingKey;
use std::collections::{BTreeMap, BTreeSet};

/// What the entries of a log read so far amount to.
#[derive(Clone, Debug, Default)]
pub struct Auditor {
    tree: Frontier,
    /// The log that this one may go on from.
    before: Frontier,
    insurers: BTreeMap<InsurerId, Insurer>,
    epochs: BTreeMap<EpochId, Epoch>,
    /// The epochs of each manifest key, so that a succession is read at once however many others there are.
    of_key: BTreeMap<VerifyingKey, Vec<EpochId>>,
    accounts: BTreeMap<(InsurerId, EpochId), Account>,
    charged: BTreeSet<(InsurerId, EpochId, Digest)>,
}

#[derive(Clone, Debug)]
struct Insurer {
    signing_key: VerifyingKey,
    status: Status,
}

#[derive(Clone, Debug)]
struct Epoch {
    operator_key: VerifyingKey,
    key: PublicKey,
    retired: bool,
}

/// What an insurer was granted and charged in an epoch, by the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Evaluations granted.
    pub granted: u64,
    /// Evaluations charged.
    pub spent: u64,
}

/// An entry that breaks a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("entry {index}: {fault}")]
pub struct BadEntry {
    /// Its index.
    pub index: u64,
    /// Which rule.
    pub fault: Fault,
}

/// What is wrong with an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Its bytes are no entry.
    #[error("its bytes are not an entry")]
    Malformed,
    /// An insurer that no entry enrolled.
    #[error("no entry before it enrols its insurer")]
    UnknownInsurer,
    /// An insurer that is enrolled already.
    #[error("its insurer is enrolled already")]
    KnownInsurer,
    /// A charge to an insurer that is suspended or revoked.
    #[error("its insurer is not active at that moment")]
    NotActive,
    /// An epoch that no entry opened.
    #[error("no entry before it opens its epoch")]
    UnknownEpoch,
    /// An epoch that was retired.
    #[error("its epoch is retired at that moment")]
    Retired,
    /// An epoch whose id is not the hash of its keys, or whose keys changed.
    #[error("its epoch's id does not belong to its keys")]
    EpochId,
    /// A charge for no element, or for more than a chunk has.
    #[error("a chunk has 1 to 8,192 elements")]
    Count,
    /// A charge that the insurer did not sign.
    #[error("the insurer's signature does not hold: it did not ask for this")]
    Signature,
    /// A chunk charged twice.
    #[error("the same chunk was charged before")]
    Twice,
    /// A charge whose `spent` is not the sum.
    #[error("what it says is spent is not the sum of the insurer's charges")]
    Spent,
    /// A charge beyond the budget.
    #[error("it is beyond what was granted")]
    OverBudget,
    /// A refusal with a code that is not logged.
    #[error("refusals with its code are not logged")]
    Code,
    /// A key that succeeds itself.
    #[error("a manifest key cannot succeed itself")]
    Succession,
    /// A continuation that is not the first entry, or of another log than was read before.
    #[error("only the first entry may say what log it goes on from, and it is not the one before")]
    Continuation,
}

impl Auditor {
    /// Reads the next entry of the log.
    ///
    /// # Errors
    /// [`BadEntry`]; nothing has changed then.
    pub fn read(&mut self, bytes: &[u8]) -> Result<Entry, BadEntry> {
        let index = self.tree.size();
        let bad = |fault| BadEntry { index, fault };
        let entry = Entry::decode(bytes).map_err(|_| bad(Fault::Malformed))?;
        self.apply(&entry.event).map_err(bad)?;
        self.tree.append(tree::leaf(bytes));
        Ok(entry)
    }

    /// The size and root of what was read.
    pub fn head(&self) -> Head {
        self.tree.head()
    }

    /// All accounts by insurer and epoch.
    pub fn accounts(&self) -> &BTreeMap<(InsurerId, EpochId), Account> {
        &self.accounts
    }

    /// Goes on with the log of another ledger, which begins with a Continuation of this one's.
    #[must_use]
    pub fn into_next_log(self) -> Self {
        Self { before: self.tree, tree: Frontier::default(), ..self }
    }

    fn apply(&mut self, event: &Event) -> Result<(), Fault> {
        match event {
            Event::Charge(charge) => self.charge(charge),
            Event::Refusal { insurer, code, .. } => {
                self.insurer(insurer)?;
                require(is_logged(*code), Fault::Code)
            }
            Event::Enrolment { insurer, signing_key, .. } => {
                let new = Insurer { signing_key: *signing_key, status: Status::Active };
                require(!self.insurers.contains_key(insurer), Fault::KnownInsurer)?;
                self.insurers.insert(*insurer, new);
                Ok(())
            }
            Event::Keys { insurer, signing_key, .. } => {
                self.insurer(insurer)?.signing_key = *signing_key;
                Ok(())
            }
            Event::Status { insurer, status } => {
                self.insurer(insurer)?.status = *status;
                Ok(())
            }
            Event::Budget { insurer, epoch, granted } => {
                self.insurer(insurer)?;
                require(self.epochs.contains_key(epoch), Fault::UnknownEpoch)?;
                self.accounts.entry((*insurer, *epoch)).or_default().granted = *granted;
                Ok(())
            }
            Event::Epoch { epoch, operator_key, key, .. } => self.open(*epoch, *operator_key, *key),
            Event::Release { epoch, .. } => self.open_epoch(epoch).map(|_| ()),
            Event::Retirement { epoch } => {
                self.open_epoch(epoch)?.retired = true;
                Ok(())
            }
            Event::Succession { old_key, new_key } => {
                require(old_key != new_key, Fault::Succession)?;
                for ended in self.of_key.remove(old_key).unwrap_or_default() {
                    self.epochs.entry(ended).and_modify(|epoch| epoch.retired = true);
                }
                Ok(())
            }
            Event::Continuation { size, root, .. } => {
                let before = Head { size: *size, root: *root } == self.before.head();
                require(before && self.tree.size() == 0, Fault::Continuation)
            }
        }
    }

    fn charge(&mut self, charge: &Charge) -> Result<(), Fault> {
        let Charge { insurer: id, epoch, digest, count, .. } = charge;
        let insurer = self.insurers.get(id).ok_or(Fault::UnknownInsurer)?;
        require(insurer.status == Status::Active, Fault::NotActive)?;
        let known = self.epochs.get(epoch).ok_or(Fault::UnknownEpoch)?;
        require(!known.retired, Fault::Retired)?;
        require((1..=MAX_CHUNK).contains(&(*count as usize)), Fault::Count)?;
        let header = ChunkHeader {
            operator_key: known.operator_key,
            epoch: *epoch,
            key: known.key,
            job: charge.job,
            number: charge.number,
            count: *count,
            digest: *digest,
        };
        header.verify(&insurer.signing_key, &charge.signature).map_err(|_| Fault::Signature)?;
        require(!self.charged.contains(&(*id, *epoch, *digest)), Fault::Twice)?;
        let account = self.accounts.get_mut(&(*id, *epoch)).ok_or(Fault::OverBudget)?;
        require(account.spent.checked_add((*count).into()) == Some(charge.spent), Fault::Spent)?;
        require(charge.spent <= account.granted, Fault::OverBudget)?;
        account.spent = charge.spent;
        self.charged.insert((*id, *epoch, *digest));
        Ok(())
    }

    fn open(&mut self, epoch: EpochId, operator_key: VerifyingKey, key: PublicKey) -> Result<(), Fault> {
        require(EpochRecord::id(&operator_key, &key) == epoch, Fault::EpochId)?;
        let of_key = self.of_key.entry(operator_key).or_default();
        let known = self.epochs.entry(epoch).or_insert_with(|| {
            of_key.push(epoch);
            Epoch { operator_key, key, retired: false }
        });
        require(!known.retired, Fault::Retired)
    }

    fn insurer(&mut self, insurer: &InsurerId) -> Result<&mut Insurer, Fault> {
        self.insurers.get_mut(insurer).ok_or(Fault::UnknownInsurer)
    }

    fn open_epoch(&mut self, epoch: &EpochId) -> Result<&mut Epoch, Fault> {
        let known = self.epochs.get_mut(epoch).ok_or(Fault::UnknownEpoch)?;
        require(!known.retired, Fault::Retired)?;
        Ok(known)
    }
}

fn require(holds: bool, fault: Fault) -> Result<(), Fault> {
    if holds { Ok(()) } else { Err(fault) }
}

#[cfg(test)]
mod tests;
