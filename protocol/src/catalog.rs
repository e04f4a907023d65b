//! The catalog snapshot: what the operator says is live (SPEC.md, "Catalog snapshot").

use crate::checkpoint::Checkpoint;
use crate::ids::{Digest, InsurerId};
use crate::object::{Broken, Kind, require};
use crate::params::{AUDIENCE_DOMAIN, MAX_AUDIENCE, MAX_CATALOG, MAX_OBJECT};
use crate::signature::VerifyingKey;
use crate::text::Slug;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// The signed list of all live epoch records and manifests, by the digests of the whole objects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Catalog {
    /// The operator's name.
    pub operator: Slug,
    /// The operator's manifest key, which signs this snapshot.
    pub operator_key: VerifyingKey,
    /// Grows with every snapshot; a client refuses a lower one than it has seen.
    pub sequence: u64,
    /// When it was signed, in seconds since 1970.
    pub issued: u64,
    /// When it may no longer be relied on, in seconds since 1970.
    pub expires: u64,
    /// Live epoch records, ascending.
    pub epochs: Vec<Digest>,
    /// Live manifests, ascending by digest.
    pub manifests: Vec<Listed>,
    /// The audit log of each ledger at that time.
    pub checkpoints: Vec<Checkpoint>,
}

/// A live manifest in a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// The digest of the manifest.
    pub manifest: Digest,
    /// [`audience_tag`] of each insurer that it is addressed to, ascending; none means all.
    pub audience: Vec<Digest>,
}

impl Listed {
    /// A manifest that is addressed to all.
    pub fn to_all(manifest: Digest) -> Self {
        Self { manifest, audience: Vec::new() }
    }

    /// Whether the manifest is addressed to this insurer, who must then be given it.
    pub fn addresses(&self, insurer: &InsurerId) -> bool {
        self.audience.is_empty() || self.audience.contains(&audience_tag(&self.manifest, insurer))
    }
}

/// SHA-256(domain ‖ manifest digest ‖ insurer id): only the operator and that insurer can recognise it.
pub fn audience_tag(manifest: &Digest, insurer: &InsurerId) -> Digest {
    let hash = Sha256::new().chain_update(AUDIENCE_DOMAIN).chain_update(manifest.as_bytes());
    Digest::from_bytes(hash.chain_update(insurer.as_bytes()).finalize().into())
}

impl Kind for Catalog {
    const LINE: &'static [u8] = b"blindlist/1 catalog\n";
    const LIMIT: usize = MAX_OBJECT;

    fn check(&self) -> Result<(), Broken> {
        let ascending = |digests: &[Digest], most| digests.is_sorted_by(|a, b| a < b) && digests.len() <= most;
        let manifests: Vec<Digest> = self.manifests.iter().map(|listed| listed.manifest).collect();
        let audiences = self.manifests.iter().all(|listed| ascending(&listed.audience, MAX_AUDIENCE));
        let checkpoints =
            self.checkpoints.is_sorted_by(|a, b| a.ledger < b.ledger) && self.checkpoints.len() <= MAX_CATALOG;
        require(self.sequence > 0, "CAT-1", "the sequence is 0")?;
        require(self.expires > self.issued, "CAT-1", "it expires before it is issued")?;
        require(ascending(&self.epochs, MAX_CATALOG), "OBJ-3", "the epochs are not at most 4,096, ascending")?;
        require(ascending(&manifests, MAX_CATALOG), "OBJ-3", "the manifests are not at most 4,096, ascending")?;
        require(audiences, "OBJ-3", "an audience is not at most 1,024 insurers, ascending")?;
        require(checkpoints, "OBJ-3", "the checkpoints are not at most 4,096, ascending by their ledgers")
    }

    fn signer(&self) -> &VerifyingKey {
        &self.operator_key
    }
}

#[cfg(test)]
mod tests;
