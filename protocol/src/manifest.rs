//! The manifest of a release (SPEC.md, "Manifest").

use crate::entry::Dictionary;
use crate::epoch::EpochRecord;
use crate::identifier::Scheme;
use crate::ids::{Digest, EpochId, ReleaseId};
use crate::index::{Header, Index, IndexError, MAX_F, MIN_F, Storage};
use crate::object::{self, Broken, Kind, require};
use crate::oprf::PublicKey;
use crate::params::{CANARIES, MAX_AUDIENCE, MAX_OBJECT, SEGMENT_LENGTH, SOURCE_DOMAIN};
use crate::signature::VerifyingKey;
use crate::text::{Date, Slug, Title};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::ops::Range;

/// The signed description of a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The operator's name.
    pub operator: Slug,
    /// The operator's manifest key, which signs this manifest.
    pub operator_key: VerifyingKey,
    /// The list: one incident.
    pub list: Slug,
    /// What the list is about, in words.
    pub title: Title,
    /// When the incident happened, if it is known.
    pub incident: Option<Incident>,
    /// The insurers that it is addressed to, ascending; none means all.
    pub audience: Vec<Slug>,
    /// The release.
    pub release: ReleaseId,
    /// Counts the releases of this list from 1.
    pub sequence: u64,
    /// The digest of the manifest that this release replaces.
    pub previous: Option<Digest>,
    /// When the release was planned, in seconds since 1970.
    pub created: u64,
    /// The epoch that its entries were evaluated in.
    pub epoch: EpochId,
    /// The epoch's K.
    pub key: PublicKey,
    /// How rows were turned into identifiers.
    pub scheme: Scheme,
    /// N: distinct entries, canaries included.
    pub entries: u32,
    /// f: one look-up of somebody who is not on the list succeeds with probability 2^-f.
    pub false_positive_bits: u8,
    /// What the labels' bits mean.
    pub dictionary: Dictionary,
    /// A commitment to the source: [`source_commitment`].
    pub source: Digest,
    /// Bytes of the index.
    pub index_length: u64,
    /// Bytes of each segment but the last: 2^20.
    pub segment_length: u32,
    /// SHA-256 of each segment, in order.
    pub segments: Vec<Digest>,
}

/// First and last day of an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// The first day.
    pub first: Date,
    /// The last day, not before the first.
    pub last: Date,
}

impl fmt::Display for Incident {
    /// A day, or the first and the last with `/` between them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.first.fmt(f)?;
        if self.first == self.last { Ok(()) } else { write!(f, "/{}", self.last) }
    }
}

/// Why bytes are not the index of a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReleaseError {
    /// A segment that is not the one named, by its number.
    #[error("segment {0} of the index is not the one that the manifest names")]
    Segment(u32),
    /// An index that is none.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// An index of another release.
    #[error("the index does not agree with its manifest in release, entries, f, label length or length")]
    OtherIndex,
}

impl Manifest {
    /// The bytes of the index that a segment holds; none when there is no such segment.
    pub fn segment(&self, number: u32) -> Option<Range<u64>> {
        let start = u64::from(number).checked_mul(self.segment_length.into())?;
        let end = start.checked_add(self.segment_length.into())?.min(self.index_length);
        (start < end).then_some(start..end)
    }

    /// Holds the bytes that came for a segment against its length and digest.
    ///
    /// # Errors
    /// [`ReleaseError::Segment`].
    pub fn check_segment(&self, number: u32, bytes: &[u8]) -> Result<(), ReleaseError> {
        let length = self.segment(number).map(|range| range.end - range.start);
        let digest = usize::try_from(number).ok().and_then(|place| self.segments.get(place));
        let right = length == Some(bytes.len() as u64) && digest == Some(&object::digest(bytes));
        if right { Ok(()) } else { Err(ReleaseError::Segment(number)) }
    }

    /// Reads a whole index, whose segments were checked, and holds it against this manifest.
    ///
    /// # Errors
    /// [`ReleaseError::Index`], [`ReleaseError::OtherIndex`].
    pub fn open_index<'a>(&self, bytes: &'a [u8]) -> Result<Index<&'a [u8]>, ReleaseError> {
        let index = Index::parse(bytes)?;
        self.check_index(&index)?;
        Ok(index)
    }

    /// Holds the header and the length of an index against this manifest.
    ///
    /// # Errors
    /// [`ReleaseError::OtherIndex`].
    pub fn check_index<S: Storage>(&self, index: &Index<S>) -> Result<(), ReleaseError> {
        let label_length = self.dictionary.label_length();
        let header = Header::new(*self.release.as_bytes(), self.entries, self.false_positive_bits, label_length)?;
        let right = *index.header() == header && index.storage().length() == self.index_length;
        if right { Ok(()) } else { Err(ReleaseError::OtherIndex) }
    }

    /// People on the list: entries without the canaries.
    pub fn people(&self) -> u64 {
        u64::from(self.entries).saturating_sub(CANARIES as u64)
    }

    /// Whether the release is addressed to this insurer.
    pub fn addresses(&self, insurer: &Slug) -> bool {
        self.audience.is_empty() || self.audience.contains(insurer)
    }
}

/// The digests of an index's segments, as a manifest lists them.
pub fn segment_digests(index: &[u8]) -> Vec<Digest> {
    index.chunks(SEGMENT_LENGTH as usize).map(|segment| Digest::from_bytes(Sha256::digest(segment).into())).collect()
}

/// SHA-256(domain ‖ salt ‖ number of inputs ‖ their digests): says nothing without the salt, which the operator keeps.
pub fn source_commitment(salt: &[u8; 32], inputs: &[Digest]) -> Digest {
    let count = u32::try_from(inputs.len()).expect("inputs are named on a command line");
    let mut hash = Sha256::new().chain_update(SOURCE_DOMAIN).chain_update(salt).chain_update(count.to_le_bytes());
    for input in inputs {
        hash.update(input.as_bytes());
    }
    Digest::from_bytes(hash.finalize().into())
}

impl Kind for Manifest {
    const LINE: &'static [u8] = b"blindlist/1 manifest\n";
    const LIMIT: usize = MAX_OBJECT;

    fn check(&self) -> Result<(), Broken> {
        let segments = self.segments.len() as u64;
        let whole = self.index_length > 0 && self.index_length.div_ceil(SEGMENT_LENGTH.into()) == segments;
        let in_order = self.incident.is_none_or(|incident| incident.first <= incident.last);
        let audience = self.audience.len() <= MAX_AUDIENCE && self.audience.is_sorted_by(|a, b| a < b);
        let epoch = EpochRecord::id(&self.operator_key, &self.key);
        require(self.segment_length == SEGMENT_LENGTH, "MAN-1", "the segment length is not 2^20")?;
        require(whole, "MAN-1", "the segments do not make up the index")?;
        require(self.entries as usize >= CANARIES, "MAN-2", "there are fewer entries than canaries")?;
        require((MIN_F..=MAX_F).contains(&self.false_positive_bits), "MAN-2", "f is not from 32 to 56")?;
        require(self.sequence > 0, "MAN-3", "the sequence is 0")?;
        require(
            (self.sequence == 1) == self.previous.is_none(),
            "MAN-3",
            "the first release of a list, and no other, replaces none",
        )?;
        require(self.epoch == epoch, "MAN-4", "the epoch id is not that of the keys")?;
        require(in_order, "OBJ-3", "the incident ends before it begins")?;
        require(audience, "OBJ-3", "the audience is not at most 1,024 names, ascending")
    }

    fn signer(&self) -> &VerifyingKey {
        &self.operator_key
    }
}

#[cfg(test)]
mod tests;
