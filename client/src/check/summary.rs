//! What a check found, in numbers: `summary.json`, whose layout is in docs/summary.schema.json. `display` is the same for the
//! terminal, [`crate::report`] for the register of incidents.
//!
//! No member is in it, nor anything of a row but numbers.

mod display;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::path::{Path, PathBuf};

use blindlist_protocol::catalog::Catalog;
use blindlist_protocol::enrolment::Bundle;
use blindlist_protocol::entry::Label;
use blindlist_protocol::ids::{Digest, EpochId, JobId, LedgerId};
use blindlist_protocol::live::Release;
use blindlist_protocol::log::tree::Head;
use blindlist_protocol::text::Slug;
use blindlist_store::exit::Code;
use serde::{Serialize, Serializer};

use super::members::Members;
use super::reading::Reading;
use super::select::Selection;
use crate::ClientError;
use crate::show::moment;

#[cfg(test)]
pub(crate) use tests::{assert_fits, sample};

/// The version of `summary.json`.
const SCHEMA: u32 = 2;

/// What a check found, in numbers: no person is in it.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// The version of this layout.
    pub schema: u32,
    /// What made it.
    pub program: ProgramSummary,
    /// When the check began, RFC 3339.
    pub started: String,
    /// When the results were written, RFC 3339.
    pub finished: String,
    /// Whether no operator is missing.
    pub complete: bool,
    /// The member file.
    pub members: MembersSummary,
    /// The members who are on any list.
    pub affected: AffectedSummary,
    /// The operators: those that answered, then those that are missing, then those without a list.
    pub operators: Vec<OperatorSummary>,
    /// The files that were written.
    pub results: Vec<String>,
    /// Where the results are; only shown.
    #[serde(skip)]
    pub out: PathBuf,
}

/// A program.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ProgramSummary {
    /// Its name.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
}

/// A member file.
#[derive(Clone, Debug, Serialize)]
pub struct MembersSummary {
    /// The file, as it was named.
    #[serde(serialize_with = "as_text")]
    pub file: PathBuf,
    /// Its SHA-256, 64 hexadecimal digits.
    pub sha256: String,
    /// Data rows.
    pub rows: u64,
    /// Distinct people.
    pub distinct: u64,
    /// Rows without an identifier.
    pub rejected: u64,
    /// Of these, how many for each column and reason, the most frequent first.
    pub rejected_by_reason: Vec<ReasonSummary>,
}

/// Rows that were rejected for one reason.
#[derive(Clone, Debug, Serialize)]
pub struct ReasonSummary {
    /// The column.
    pub column: &'static str,
    /// The reason, in words.
    pub reason: String,
    /// How many.
    pub rows: u64,
}

/// The members who are on any list.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct AffectedSummary {
    /// Rows of the member file.
    pub rows: u64,
    /// Distinct people.
    pub people: u64,
}

/// What one operator said.
#[derive(Clone, Debug, Serialize)]
pub struct OperatorSummary {
    /// The operator's name; the profile's if the operator is not known.
    pub operator: String,
    /// The profile folder.
    #[serde(serialize_with = "as_text")]
    pub profile: PathBuf,
    /// The name that the operator knows the insurer by.
    pub insurer: Option<Slug>,
    /// Whether it answered.
    pub status: Status,
    /// Why it did not.
    pub problem: Option<String>,
    /// Whether the same command with `--resume` may get its answer.
    pub resumable: bool,
    /// What the problem means; only for the exit code.
    #[serde(skip)]
    pub code: Code,
    /// The catalog that was relied on.
    pub catalog: Option<CatalogSummary>,
    /// What was asked.
    pub epochs: Vec<EpochSummary>,
    /// What remains of the budgets afterwards; nothing if the operator did not tell.
    pub remaining: Option<u64>,
    /// The audit logs that have the charges.
    pub logs: Vec<LogSummary>,
    /// The lists, in the order of their names.
    pub lists: Vec<ListSummary>,
    /// Where the evidence is, if it is kept.
    #[serde(serialize_with = "as_text_if_any")]
    pub evidence: Option<PathBuf>,
}

/// Whether an operator is in the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// It answered.
    Answered,
    /// It did not: nothing is known of its lists.
    Missing,
    /// It has no list for this insurer, or none of those that were chosen: there was nothing to ask.
    WithoutList,
}

/// A catalog snapshot.
#[derive(Clone, Debug, Serialize)]
pub struct CatalogSummary {
    /// Its sequence.
    pub sequence: u64,
    /// Its digest, 64 hexadecimal digits.
    pub digest: String,
}

/// What was asked in one epoch, whether in this run or in one that it goes on with.
#[derive(Clone, Debug, Serialize)]
pub struct EpochSummary {
    /// The epoch.
    pub epoch: String,
    /// The job, if anything was asked.
    pub job: Option<String>,
    /// All elements asked for.
    pub asked: u64,
    /// Of these, members.
    pub members: u64,
    /// Of these, canaries.
    pub canaries: u64,
    /// Of these, padding.
    pub padding: u64,
    /// Members who were not asked about, since their evaluations are remembered.
    pub remembered: u64,
}

/// An audit log, as it was when all was answered.
#[derive(Clone, Debug, Serialize)]
pub struct LogSummary {
    /// Its ledger.
    pub ledger: String,
    /// Its entries.
    pub size: u64,
    /// The root over them.
    pub root: String,
}

/// What one list says.
#[derive(Clone, Debug, Serialize)]
pub struct ListSummary {
    /// The list.
    pub list: Slug,
    /// Its title.
    pub title: String,
    /// The release.
    pub release: String,
    /// The digest of its manifest.
    pub manifest: String,
    /// When it was sealed, RFC 3339.
    pub created: String,
    /// When the incident happened: a day, or its first and last with `/` between them.
    pub incident: Option<String>,
    /// Entries, canaries included.
    pub entries: u32,
    /// f: one look-up of somebody who is not on the list succeeds with probability 2^-f.
    pub false_positive_bits: u8,
    /// How many members are expected to be found although they are not on it, at most: the distinct people times 2^-f.
    pub expected_false_positives: f64,
    /// Rows of members who are on it.
    pub affected_rows: u64,
    /// Rows for each category, in the order of the dictionary.
    #[serde(serialize_with = "as_map")]
    pub categories: Vec<(Slug, u64)>,
}

impl Summary {
    /// The summary of a check whose affected are not counted yet. `started` is in seconds since 1970.
    pub(super) fn new(reading: &Reading, members: &Members, mut operators: Vec<OperatorSummary>, started: u64) -> Self {
        let distinct = members.people.distinct();
        for list in operators.iter_mut().flat_map(|operator| &mut operator.lists) {
            list.expected_false_positives = distinct as f64 * (-f64::from(list.false_positive_bits)).exp2();
        }
        Self {
            schema: SCHEMA,
            program: ProgramSummary { name: "blindlist", version: env!("CARGO_PKG_VERSION") },
            started: moment(started),
            finished: String::new(),
            complete: operators.iter().all(|operator| operator.status != Status::Missing),
            members: MembersSummary::new(reading, members),
            affected: AffectedSummary::default(),
            operators,
            results: Vec::new(),
            out: PathBuf::new(),
        }
    }

    /// Rows that were looked up.
    pub fn checked_rows(&self) -> u64 {
        self.members.rows.saturating_sub(self.members.rejected)
    }

    /// Fails when an operator is missing, so that nobody takes the result for whole.
    ///
    /// # Errors
    /// [`ClientError::Incomplete`].
    pub fn judge(&self) -> Result<(), ClientError> {
        judge(&self.operators)
    }

    /// `summary.json`.
    pub(super) fn to_json(&self) -> Result<Vec<u8>, ClientError> {
        let json = serde_json::to_vec_pretty(self);
        let mut json = json.map_err(|_| ClientError::Internal("a summary that JSON cannot hold"))?;
        json.push(b'\n');
        Ok(json)
    }

    /// Takes what was counted of all lists, in the order of the operators.
    pub(super) fn put_lists(&mut self, counted: Vec<ListSummary>) {
        let lists = self.operators.iter_mut().flat_map(|operator| &mut operator.lists);
        for (list, counted) in lists.zip(counted) {
            (list.affected_rows, list.categories) = (counted.affected_rows, counted.categories);
        }
    }
}

/// Fails when any of these operators is missing: with 76 if one broke the protocol, which must not pass for a server that is
/// down.
pub(super) fn judge(operators: &[OperatorSummary]) -> Result<(), ClientError> {
    let missing: Vec<_> = operators.iter().filter(|operator| operator.status == Status::Missing).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let broke = missing.iter().any(|operator| operator.code == Code::PeerBroke);
    let code = if broke { Code::PeerBroke } else { Code::TryAgain };
    let resumable = missing.iter().all(|operator| operator.resumable);
    Err(ClientError::Incomplete { missing: missing.len(), code, resumable })
}

impl MembersSummary {
    /// What was read of a member file.
    pub(super) fn new(reading: &Reading, members: &Members) -> Self {
        let reason = |((column, reason), rows): (&(&'static str, String), &u64)| ReasonSummary {
            column,
            reason: reason.clone(),
            rows: *rows,
        };
        let mut reasons: Vec<ReasonSummary> = members.reasons.iter().map(reason).collect();
        // Those of the same number stay in the order of columns and reasons.
        reasons.sort_by_key(|reason| Reverse(reason.rows));
        Self {
            file: reading.members.path().to_owned(),
            sha256: reading.sha256.clone(),
            rows: members.rows,
            distinct: members.people.distinct(),
            rejected: members.rejected,
            rejected_by_reason: reasons,
        }
    }
}

impl OperatorSummary {
    /// An operator that answered, with nobody on its lists yet.
    pub(super) fn answered(
        bundle: &Bundle,
        profile: &Path,
        (catalog, digest): (&Catalog, Digest),
        releases: &[Release],
    ) -> Self {
        Self {
            operator: bundle.operator.to_string(),
            profile: profile.to_owned(),
            insurer: Some(bundle.insurer.clone()),
            status: Status::Answered,
            problem: None,
            resumable: false,
            code: Code::Done,
            catalog: Some(CatalogSummary::new(catalog, digest)),
            epochs: Vec::new(),
            remaining: None,
            logs: Vec::new(),
            lists: releases.iter().map(ListSummary::new).collect(),
            evidence: None,
        }
    }

    /// An operator that did not answer, and why.
    pub(super) fn absent(operator: String, profile: &Path, status: Status, problem: &ClientError) -> Self {
        Self {
            operator,
            profile: profile.to_owned(),
            insurer: None,
            status,
            problem: Some(problem.to_string()),
            resumable: problem.resumable(),
            code: problem.code(),
            catalog: None,
            epochs: Vec::new(),
            remaining: None,
            logs: Vec::new(),
            lists: Vec::new(),
            evidence: None,
        }
    }

    /// All elements asked for.
    pub fn asked(&self) -> u64 {
        self.epochs.iter().map(|epoch| epoch.asked).sum()
    }

    /// Members who were not asked about, since their evaluations are remembered, in all epochs together.
    pub fn remembered(&self) -> u64 {
        self.epochs.iter().map(|epoch| epoch.remembered).sum()
    }
}

impl CatalogSummary {
    /// The summary of a snapshot with this digest.
    pub(super) fn new(catalog: &Catalog, digest: Digest) -> Self {
        Self { sequence: catalog.sequence, digest: digest.to_string() }
    }
}

impl EpochSummary {
    /// What was selected to be asked.
    pub(super) fn new(epoch: EpochId, job: Option<JobId>, selection: &Selection) -> Self {
        let (asked, members, canaries) = (selection.elements, selection.members, selection.canaries());
        Self {
            epoch: epoch.to_string(),
            job: job.map(|job| job.to_string()),
            asked,
            members,
            canaries,
            padding: selection.padding(),
            remembered: selection.remembered,
        }
    }
}

impl LogSummary {
    /// The summary of a log with this head.
    pub(super) fn new(ledger: &LedgerId, head: &Head) -> Self {
        Self { ledger: ledger.to_string(), size: head.size, root: head.root.to_string() }
    }
}

impl ListSummary {
    /// Nobody on the list of a release.
    pub(super) fn new(Release { manifest, digest }: &Release) -> Self {
        Self {
            list: manifest.list.clone(),
            title: manifest.title.to_string(),
            release: manifest.release.to_string(),
            manifest: digest.to_string(),
            created: moment(manifest.created),
            incident: manifest.incident.map(|incident| incident.to_string()),
            entries: manifest.entries,
            false_positive_bits: manifest.false_positive_bits,
            expected_false_positives: 0.0,
            affected_rows: 0,
            categories: manifest.dictionary.categories().iter().map(|name| (name.clone(), 0)).collect(),
        }
    }

    /// Counts a row with this label.
    pub(super) fn count(&mut self, release: &Release, label: Label) {
        self.affected_rows += 1;
        for name in release.manifest.dictionary.names(label) {
            let known = self.categories.iter_mut().find(|(known, _)| known == name);
            if let Some((_, rows)) = known {
                *rows += 1;
            }
        }
    }
}

fn as_map<S: Serializer>(categories: &[(Slug, u64)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(categories.iter().map(|(name, rows)| (name, rows)))
}

/// A path that is no Unicode is shown as well as it can be; an error would come after everything was paid.
fn as_text<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.to_string_lossy())
}

fn as_text_if_any<S: Serializer>(path: &Option<PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
    path.as_ref().map(|path| path.to_string_lossy()).serialize(serializer)
}
