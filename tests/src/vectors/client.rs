//! Operations of what an insurer holds an operator's word against: sections 11, 12 and 21 of SPEC.md.

use std::collections::BTreeMap;
use std::iter::repeat;

use blindlist_protocol::entry::{Entry, Label};
use blindlist_protocol::epoch::EpochRecord;
use blindlist_protocol::ids::{Digest, InsurerId};
use blindlist_protocol::live::{Seen, Snapshot};
use blindlist_protocol::manifest::{Manifest, ReleaseError};
use blindlist_protocol::matching::{Candidate, Matcher, Who};
use blindlist_protocol::object;
use blindlist_protocol::oprf::Evaluation;
use blindlist_protocol::params::SEGMENT_LENGTH;
use blindlist_protocol::signature::VerifyingKey;
use blindlist_protocol::text::Slug;
use serde::{Deserialize, Serialize};

use super::fault::Fault;
use super::release::names;
use super::values::{Fixed, Hex, nullable};

/// Input of `catalog-accept`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatalogAccept {
    catalog: Hex,
    records: Vec<Hex>,
    manifests: Vec<Hex>,
    pinned: Fixed<32>,
    insurer: Slug,
    insurer_id: Fixed<16>,
    #[serde(deserialize_with = "nullable")]
    seen: Option<SeenBefore>,
    now: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeenBefore {
    sequence: u64,
    digest: Fixed<32>,
}

/// Output of `catalog-accept`.
#[derive(Debug, Serialize)]
pub struct Lists {
    lists: Vec<Slug>,
}

pub(super) fn catalog_accept(input: CatalogAccept) -> Result<Lists, Fault> {
    let snapshot = Snapshot::open(&input.catalog.0, &VerifyingKey::from_bytes(input.pinned.0))?;
    let seen = input.seen.map(|seen| Seen { sequence: seen.sequence, digest: Digest::from_bytes(seen.digest.0) });
    let mut gathering = snapshot.accept(seen, input.now, &InsurerId::from_bytes(input.insurer_id.0))?;
    let objects = input.records.iter().chain(&input.manifests);
    let objects: BTreeMap<Digest, &Hex> = objects.map(|object| (object::digest(&object.0), object)).collect();
    for digest in gathering.missing() {
        if let Some(Hex(object)) = objects.get(&digest) {
            gathering.add(digest, object)?;
        }
    }
    let live = gathering.finish(&input.insurer)?;
    Ok(Lists { lists: live.releases.into_iter().map(|release| release.manifest.list).collect() })
}

/// Input of `release-accept`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleaseAccept {
    manifest: Hex,
    pinned: Fixed<32>,
    segments: Vec<Hex>,
}

/// Output of `release-accept`.
#[derive(Debug, Serialize)]
pub struct Values {
    values: u32,
}

pub(super) fn release_accept(input: ReleaseAccept) -> Result<Values, Fault> {
    let manifest: Manifest = object::open(&input.manifest.0, &VerifyingKey::from_bytes(input.pinned.0))?;
    let segments: Vec<&[u8]> = input.segments.iter().map(|Hex(segment)| segment.as_slice()).collect();
    check_segments(&manifest, &segments)?;
    let bytes = segments.concat();
    let index = manifest.open_index(&bytes)?;
    index.verify()?;
    Ok(Values { values: index.header().entries() })
}

/// Checks the segments that came, each under its number; one that did not come has no bytes.
fn check_segments(manifest: &Manifest, came: &[&[u8]]) -> Result<(), ReleaseError> {
    let count = came.len().max(manifest.segments.len());
    let bytes = came.iter().copied().chain(repeat(&[][..]));
    (0..).zip(bytes).take(count).try_for_each(|(number, segment)| manifest.check_segment(number, segment))
}

/// Input of `match`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Match {
    manifest: Hex,
    record: Hex,
    pinned: Fixed<32>,
    index: Hex,
    members: Vec<Fixed<64>>,
    canaries: [Fixed<64>; 4],
}

/// Output of `match`.
#[derive(Debug, Serialize)]
pub struct Labels {
    labels: Vec<Option<Vec<Slug>>>,
}

pub(super) fn match_members(input: Match) -> Result<Labels, Fault> {
    let pinned = VerifyingKey::from_bytes(input.pinned.0);
    let manifest: Manifest = object::open(&input.manifest.0, &pinned)?;
    let record: EpochRecord = object::open(&input.record.0, &pinned)?;
    if manifest.epoch != record.epoch {
        return Err(Fault::misuse("the protocol pairs a manifest with its record in `live` only"));
    }
    check_segments(&manifest, &input.index.0.chunks(SEGMENT_LENGTH as usize).collect::<Vec<_>>())?;
    let index = manifest.open_index(&input.index.0)?;
    index.verify()?;
    let members = (0..).map(Who::Member).zip(&input.members);
    let everybody = members.chain((0..).map(Who::Canary).zip(&input.canaries));
    let entry = |y: &Fixed<64>| Entry::derive(&manifest.release, &Evaluation::from_bytes(y.0));
    let mut candidates: Vec<_> = everybody.map(|(who, y)| Candidate { entry: entry(y), who }).collect();
    candidates.sort_unstable_by_key(|candidate| candidate.entry.tag);
    let mut matcher = Matcher::new(&manifest);
    let hits = matcher.look_up(&candidates, &index)?;
    matcher.add(hits);
    let mut found: BTreeMap<u128, Label> = BTreeMap::new();
    for (member, label) in matcher.finish()? {
        assert!(found.insert(member, label).is_none(), "a member is found once");
    }
    let labels = (0..).zip(&input.members).map(|(member, _)| found.get(&member));
    Ok(Labels { labels: labels.map(|label| label.map(|label| names(&manifest.dictionary, *label))).collect() })
}
