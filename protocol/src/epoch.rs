//! The epoch record and its canaries (SPEC.md, "Epoch record").

use crate::holders::{self, HolderSet};
use crate::identifier::{Identifier, Scheme};
use crate::ids::{EpochId, LedgerId};
use crate::object::{Broken, Kind, require};
use crate::oprf::PublicKey;
use crate::params::{CANARIES, EPOCH_ID_DOMAIN, MAX_ADDRESSES, MAX_HOLDERS, MAX_OBJECT};
use crate::signature::VerifyingKey;
use crate::text::{Address, Slug};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

/// The signed, versioned description of an epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// Counts the records of this epoch from 1; a later one replaces an earlier one.
    pub version: u32,
    /// The operator's name.
    pub operator: Slug,
    /// The operator's manifest key, which signs this record.
    pub operator_key: VerifyingKey,
    /// SHA-256(domain ‖ operator key ‖ K).
    pub epoch: EpochId,
    /// K.
    pub key: PublicKey,
    /// How many holders must answer together: t.
    pub threshold: u8,
    /// The holders, by ascending index: n of them.
    pub holders: Vec<Holder>,
    /// The values of the canaries, distinct.
    pub canaries: [[u8; 16]; CANARIES],
    /// Whether insurers must keep evidence of what they asked.
    pub evidence: Evidence,
    /// When the epoch was made, in seconds since 1970.
    pub created: u64,
}

/// A holder of a share of the epoch's key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The point of the polynomial that is its share, from 1.
    pub index: u8,
    /// Its share of K.
    pub share: PublicKey,
    /// The key that signs its receipts.
    pub receipt_key: VerifyingKey,
    /// The ledger that accounts for its evaluations in this epoch; a holder on another ledger refuses to serve it.
    pub ledger: LedgerId,
    /// Where it answers.
    pub addresses: Vec<Address>,
}

/// What an operator asks of insurers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Evidence {
    /// Evidence may be kept.
    Optional,
    /// Evidence must be kept.
    Required,
}

impl EpochRecord {
    /// The id of the epoch of these keys.
    pub fn id(operator_key: &VerifyingKey, key: &PublicKey) -> EpochId {
        let hash = Sha256::new().chain_update(EPOCH_ID_DOMAIN).chain_update(operator_key.as_bytes());
        EpochId::from_bytes(hash.chain_update(key.element().as_bytes()).finalize().into())
    }

    /// The canaries as identifiers of a scheme, in order.
    pub fn canaries(&self, scheme: Scheme) -> [Identifier; CANARIES] {
        self.canaries.map(|value| Identifier::canary(scheme, &value))
    }

    /// The holder with this index.
    pub fn holder(&self, index: u8) -> Option<&Holder> {
        self.holders.iter().find(|holder| holder.index == index)
    }

    /// Whether a set is one that answers requests: `threshold` holders of this record.
    pub fn accepts(&self, set: &HolderSet) -> bool {
        set.indices().len() == usize::from(self.threshold) && set.indices().iter().all(|i| self.holder(*i).is_some())
    }

    /// The first `threshold` holders.
    pub fn first_set(&self) -> Option<HolderSet> {
        let indices: Vec<u8> = self.holders.iter().take(self.threshold.into()).map(|holder| holder.index).collect();
        HolderSet::try_from(indices).ok().filter(|set| self.accepts(set))
    }
}

fn distinct<T: Ord>(values: impl Iterator<Item = T>) -> bool {
    let values: Vec<T> = values.collect();
    values.iter().collect::<BTreeSet<_>>().len() == values.len()
}

impl Kind for EpochRecord {
    const LINE: &'static [u8] = b"blindlist/1 epoch\n";
    const LIMIT: usize = MAX_OBJECT;

    fn check(&self) -> Result<(), Broken> {
        let holders = &self.holders;
        let indices: Vec<u8> = holders.iter().map(|holder| holder.index).collect();
        let shares: Vec<_> = holders.iter().map(|holder| (holder.index, holder.share)).collect();
        let ascending = holders.len() <= MAX_HOLDERS && HolderSet::try_from(indices).is_ok();
        let threshold = (1..=holders.len()).contains(&self.threshold.into());
        let addresses = holders.iter().all(|holder| holder.addresses.len() <= MAX_ADDRESSES);
        let keys = distinct(holders.iter().map(|holder| holder.receipt_key));
        let ledgers = distinct(holders.iter().map(|holder| holder.ledger));
        require(self.version > 0, "EPO-1", "the version is 0")?;
        require(
            self.epoch == Self::id(&self.operator_key, &self.key),
            "EPO-1",
            "the epoch id is not that of the keys",
        )?;
        require(ascending, "EPO-2", "the holders are not 1 to 32 with ascending indices")?;
        require(addresses, "EPO-2", "a holder has more than 16 addresses")?;
        require(threshold, "EPO-2", "the threshold is not from 1 to the number of holders")?;
        require(
            holders::lie_on_one_polynomial(&self.key, &shares, self.threshold.into()),
            "EPO-3",
            "K and the shares do not lie on one polynomial of the threshold's degree",
        )?;
        require(distinct(self.canaries.iter()), "EPO-4", "two canaries are equal")?;
        require(keys && ledgers, "EPO-4", "two holders share a ledger or a receipt key")
    }

    fn signer(&self) -> &VerifyingKey {
        &self.operator_key
    }
}

#[cfg(test)]
mod tests;
