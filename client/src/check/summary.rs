//! `summary.json`, and the same for people.

use std::fmt;
use std::path::PathBuf;

use blindlist_protocol::catalog::Catalog;
use blindlist_protocol::entry::Label;
use blindlist_protocol::ids::{Digest, LedgerId};
use blindlist_protocol::live::Release;
use blindlist_protocol::log::tree::Head;
use blindlist_protocol::params::CANARIES;
use blindlist_protocol::text::Slug;
use blindlist_store::text;
use serde::{Serialize, Serializer};

use super::members::Members;
use super::plan::{self, Plan};
use crate::show::number;

/// The version of `summary.json`.
const SCHEMA: u32 = 1;

/// What a check found, in numbers: no person is in it.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// The version of this layout.
    pub schema: u32,
    /// When the check began, RFC 3339.
    pub started: String,
    /// When the results were written, RFC 3339.
    pub finished: String,
    /// The operator's name.
    pub operator: Slug,
    /// The catalog that it relied on.
    pub catalog: CatalogSummary,
    /// The member file.
    pub members: MembersSummary,
    /// The members who are on any list.
    pub affected: AffectedSummary,
    /// The lists, in the order of their names.
    pub lists: Vec<ListSummary>,
    /// What it cost.
    pub evaluations: EvaluationsSummary,
    /// The audit logs that have the charges.
    pub logs: Vec<LogSummary>,
    /// Where the results are; only shown.
    #[serde(skip)]
    pub out: PathBuf,
    /// Where the evidence is, if it is kept; only shown.
    #[serde(skip)]
    pub evidence: Option<PathBuf>,
}

/// A catalog snapshot.
#[derive(Clone, Debug, Serialize)]
pub struct CatalogSummary {
    /// Its sequence.
    pub sequence: u64,
    /// Its digest, 64 hexadecimal digits.
    pub digest: String,
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

impl LogSummary {
    /// The summary of a log with this head.
    pub(super) fn new(ledger: &LedgerId, head: &Head) -> Self {
        Self { ledger: ledger.to_string(), size: head.size, root: head.root.to_string() }
    }
}

/// A member file.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct MembersSummary {
    /// Data rows.
    pub rows: u64,
    /// Distinct people.
    pub distinct: u64,
    /// Rows without an identifier.
    pub rejected: u64,
}

/// The members who are on any list.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct AffectedSummary {
    /// Rows of the member file.
    pub rows: u64,
    /// Distinct people.
    pub people: u64,
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
    /// Entries, canaries included.
    pub entries: u32,
    /// f: one look-up of somebody who is not on the list succeeds with probability 2^-f.
    pub false_positive_bits: u8,
    /// Rows of members who are on it.
    pub affected_rows: u64,
    /// Rows for each category, in the order of the dictionary.
    #[serde(serialize_with = "as_map")]
    pub categories: Vec<(Slug, u64)>,
}

/// What a check cost, over all epochs, whether in this run or in one that it goes on with.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct EvaluationsSummary {
    /// All elements asked for.
    pub asked: u64,
    /// Of these, members.
    pub members: u64,
    /// Of these, canaries.
    pub canaries: u64,
    /// Of these, padding.
    pub padding: u64,
    /// What remains of the budgets afterwards; nothing if the operator did not tell.
    pub remaining: Option<u64>,
}

impl Summary {
    /// The summary of a check whose affected are not counted yet.
    pub(super) fn new(operator: &Slug, (catalog, digest): (&Catalog, Digest), plan: &Plan, members: &Members) -> Self {
        let epochs = plan.parts.len() as u64;
        let distinct = members.people.distinct();
        let asked = epochs * plan::cost(distinct);
        let (people, canaries) = (epochs * distinct, epochs * CANARIES as u64);
        Self {
            schema: SCHEMA,
            started: String::new(),
            finished: String::new(),
            operator: operator.clone(),
            catalog: CatalogSummary { sequence: catalog.sequence, digest: digest.to_string() },
            members: MembersSummary { rows: members.rows, distinct, rejected: members.rejected },
            affected: AffectedSummary::default(),
            lists: Vec::new(),
            evaluations: EvaluationsSummary {
                asked,
                members: people,
                canaries,
                padding: asked - people - canaries,
                remaining: None,
            },
            logs: Vec::new(),
            out: PathBuf::new(),
            evidence: None,
        }
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
            entries: manifest.entries,
            false_positive_bits: manifest.false_positive_bits,
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

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for list in &self.lists {
            let checked = self.members.rows - self.members.rejected;
            let (affected, checked) = (number(list.affected_rows), number(checked));
            writeln!(f, "{affected} of {checked} checked members are on the list \"{}\"", list.list)?;
            for (name, rows) in list.categories.iter().filter(|(_, rows)| *rows > 0) {
                writeln!(f, "  {:>11}  {name}", number(*rows))?;
            }
        }
        if self.members.rejected > 0 {
            let (rejected, rows) = (number(self.members.rejected), number(self.members.rows));
            writeln!(f, "{rejected} of {rows} rows could NOT be checked, so nobody knows whether they are affected:")?;
            writeln!(f, "  rejected.csv says why")?;
        }
        writeln!(f)?;
        writeln!(f, "results   {}", text::path(&self.out))?;
        writeln!(f, "          affected.csv  rejected.csv  summary.json")?;
        if let Some(remaining) = self.evaluations.remaining {
            let (asked, remaining) = (number(self.evaluations.asked), number(remaining));
            writeln!(f, "budget    {asked} evaluations used, {remaining} left")?;
        }
        let CatalogSummary { sequence, digest } = &self.catalog;
        writeln!(f, "catalog   {sequence}, digest {digest}")?;
        for log in &self.logs {
            writeln!(f, "log       {} entries, root {}", number(log.size), log.root)?;
        }
        self.evidence.as_ref().map_or(Ok(()), |path| {
            writeln!(f, "evidence  {}; keep it, the member file and the passphrase", text::path(path))
        })
    }
}
