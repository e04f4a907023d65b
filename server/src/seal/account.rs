//! `seal-report.json`: what became of every row, beside the plan in the release's folder.
//!
//! It is a function of the plan and the inputs, as the release is, and names inputs by their digests alone. Everything in
//! it adds up: the rows of all inputs are those of all lists and the rejected ones; the people of a list are those of the
//! earlier release and its rows, without the merged ones; its entries are its people and the canaries.

use blindlist_protocol::ids::ReleaseId;
use blindlist_protocol::params::CANARIES;
use blindlist_protocol::text::Slug;
use serde::{Deserialize, Serialize};

use super::gather::Gathered;
use super::plan::{Hex, Plan, as_text};
use super::rejects::Counts;
use super::report::RejectedKind;

/// The file in the folder of the first release that has people.
pub(super) const ACCOUNT: &str = "seal-report.json";

const VERSION: u32 = 1;

/// What became of all rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// 1.
    pub version: u32,
    /// Rows of all inputs.
    pub rows: u64,
    /// Rows of all inputs that were rejected.
    pub rejected: u64,
    /// The inputs, in order.
    pub inputs: Vec<InputAccount>,
    /// The lists that have people.
    pub lists: Vec<ListAccount>,
}

/// What became of the rows of an input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputAccount {
    /// SHA-256 of its bytes.
    pub sha256: Hex,
    /// Its rows.
    pub rows: u64,
    /// Those that were rejected, by column and reason.
    pub rejected: Vec<RejectedKind>,
}

/// What a release has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListAccount {
    /// The list.
    pub list: Slug,
    /// The release.
    #[serde(with = "as_text")]
    pub release: ReleaseId,
    /// People of the earlier release that was added to.
    pub earlier: u64,
    /// Rows that were not rejected.
    pub rows: u64,
    /// Of those, rows of people who are in another row, or in the earlier release.
    pub merged: u64,
    /// Distinct people.
    pub people: u64,
    /// Of those, people who are not in the earlier release.
    pub new: u64,
    /// Canaries.
    pub canaries: u64,
    /// Entries of the index.
    pub entries: u64,
}

impl ListAccount {
    pub(super) fn new(list: Slug, release: ReleaseId, earlier: u64, rows: u64, people: u64) -> Self {
        let merged = (earlier + rows).saturating_sub(people);
        let new = people.saturating_sub(earlier);
        let canaries = CANARIES as u64;
        Self { list, release, earlier, rows, merged, people, new, canaries, entries: people + canaries }
    }
}

impl Account {
    pub(super) fn new(plan: &Plan, gathered: &Gathered, lists: Vec<ListAccount>) -> Self {
        let inputs = plan.inputs.iter().zip(&gathered.inputs).map(|(planned, input)| InputAccount {
            sha256: planned.sha256,
            rows: input.rows,
            rejected: kinds(&input.rejected),
        });
        let inputs: Vec<_> = inputs.collect();
        let rejected = inputs.iter().flat_map(|input| &input.rejected).map(|kind| kind.rows).sum();
        Self { version: VERSION, rows: gathered.rows(), rejected, inputs, lists }
    }

    /// The text of the file.
    pub(super) fn to_text(&self) -> Vec<u8> {
        let mut text = serde_json::to_vec_pretty(self).expect("names and numbers have a JSON form");
        text.push(b'\n');
        text
    }
}

/// Rejected rows by column and reason.
pub(super) fn kinds(counts: &Counts) -> Vec<RejectedKind> {
    let kinds = counts.iter().map(|((column, reason), rows)| RejectedKind {
        column: (*column).to_owned(),
        reason: reason.clone(),
        rows: *rows,
    });
    kinds.collect()
}
