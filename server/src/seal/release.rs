//! From the records of one list to its release: the index, what is kept for additions, and the manifest.

use blindlist_protocol::entry::{Entry, Label};
use blindlist_protocol::identifier::Identifier;
use blindlist_protocol::ids::{Digest, ReleaseId};
use blindlist_protocol::manifest::Manifest;
use blindlist_protocol::oprf::{SecretKey, evaluate_inputs};
use blindlist_protocol::params::{CANARIES, SEGMENT_LENGTH};
use blindlist_protocol::text::Slug;

use super::account::ListAccount;
use super::encode::{Encoded, Entries};
use super::kept::KeptWriter;
use super::plan::{Chosen, Plan, Planned};
use super::publish::{INDEX, Operator, Ready};
use super::record::{KEPT, Record};
use super::report::SealedList;
use super::sorted::{Room, Spilled};
use super::staging::Staging;
use crate::Error;
use crate::home::StoredEpoch;

/// What the releases of a plan have in common.
pub(super) struct Making<'a> {
    pub(super) plan: &'a Plan,
    pub(super) operator: &'a Operator,
    pub(super) epoch: &'a StoredEpoch,
    pub(super) key: &'a SecretKey,
    pub(super) staging: &'a Staging,
    pub(super) spilled: &'a Spilled,
    pub(super) room: &'a Room<'a>,
}

/// A release whose files are written.
pub(super) struct Made {
    pub(super) ready: Ready,
    pub(super) list: SealedList,
    pub(super) account: ListAccount,
}

impl Making<'_> {
    /// Makes the release of the list at this place, of so many people of an earlier release and rows.
    pub(super) fn release(
        &self,
        place: usize,
        (planned, chosen): (&Planned, &Chosen<'_>),
        earlier: u64,
        rows: u64,
    ) -> Result<Made, Error> {
        let encoded = if self.plan.choices.keep_evaluations {
            self.write::<KEPT>(place, planned.release)?
        } else {
            self.write::<0>(place, planned.release)?
        };
        let account = ListAccount::new(planned.list.clone(), planned.release, earlier, rows, encoded.people);
        let audience: Vec<Slug> = chosen.audience.iter().map(|insurer| insurer.name.clone()).collect();
        let list = SealedList {
            list: planned.list.clone(),
            audience: audience.clone(),
            release: planned.release,
            people: account.people,
            merged: account.merged,
            false_positive_bits: encoded.f,
            index_bytes: encoded.length,
            // Known once it is signed.
            manifest: Digest::from_bytes([0; 32]),
        };
        let addressees = chosen.audience.iter().map(|insurer| insurer.id).collect();
        let manifest = self.manifest(planned, audience, encoded);
        Ok(Made { ready: Ready { manifest, addressees }, list, account })
    }

    fn write<const W: usize>(&self, place: usize, release: ReleaseId) -> Result<Encoded, Error> {
        let (choices, folder) = (&self.plan.choices, self.staging.release(release)?);
        let canaries = self.epoch.record.canaries(choices.scheme);
        let canary_labels: Vec<Label> = (0..CANARIES).map(|i| choices.categories.canary_label(i)).collect();
        let entries = Entries {
            release,
            requested_f: choices.false_positive_bits,
            dictionary: &choices.categories,
            canaries: &evaluate(self.key, release, &canaries, &canary_labels),
            people: || self.spilled.people::<W>(place, self.room),
        };
        let keep = || KeptWriter::create(folder.path(), self.key, release);
        let mut keep = choices.keep_evaluations.then(keep).transpose()?;
        let encoded = entries.write_index(&folder.join(INDEX), keep.as_mut())?;
        keep.map_or(Ok(()), KeptWriter::finish)?;
        Ok(encoded)
    }

    fn manifest(&self, planned: &Planned, audience: Vec<Slug>, encoded: Encoded) -> Manifest {
        let (choices, record) = (&self.plan.choices, &self.epoch.record);
        Manifest {
            operator: record.operator.clone(),
            operator_key: self.operator.key.verifying(),
            list: planned.list.clone(),
            title: choices.title.clone(),
            incident: choices.incident.map(|dates| dates.0),
            audience,
            release: planned.release,
            sequence: planned.sequence,
            previous: planned.previous.map(|hex| hex.0),
            created: self.plan.created,
            epoch: self.plan.epoch,
            key: record.key,
            scheme: choices.scheme,
            entries: encoded.entries,
            false_positive_bits: encoded.f,
            dictionary: choices.categories.clone(),
            source: self.plan.source(),
            index_length: encoded.length,
            segment_length: SEGMENT_LENGTH,
            segments: encoded.segments,
        }
    }
}

/// The records of canaries with their labels.
fn evaluate(key: &SecretKey, release: ReleaseId, canaries: &[Identifier], labels: &[Label]) -> Vec<Record> {
    let inputs: Vec<&[u8]> = canaries.iter().map(Identifier::as_bytes).collect();
    let evaluations = evaluate_inputs(key, &inputs);
    let records = evaluations.iter().zip(labels).map(|(y, label)| Record::new(&Entry::derive(&release, y), *label));
    records.collect()
}
