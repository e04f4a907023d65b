//! What a seal tells when it is done, and whether so many rejected rows are acceptable.

mod checked;

use std::path::{Path, PathBuf};
use std::time::Duration;

use blindlist_protocol::ids::{Digest, ReleaseId};
use blindlist_protocol::manifest::Manifest;
use blindlist_protocol::text::Slug;
use blindlist_store::text;
use serde::{Deserialize, Serialize};

pub use self::checked::{Checked, CheckedList, Estimate};
use super::audience::{Audience, names};
use super::plan::Plan;
use super::progress::rate;
use super::publish::Operator;
use crate::show::Heading;
use crate::{Error, show};

/// A seal that is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Whether anything is new.
    pub outcome: Outcome,
    /// The lists: one, or one for each part of a split that has people.
    pub lists: Vec<SealedList>,
    /// Lists of a split that were not made, since no row is theirs.
    pub without: Vec<Slug>,
    /// Lists of an earlier split, and the list without a split, that are live and were not made anew.
    pub stays: Vec<Slug>,
    /// What came to the release that was added to.
    pub added: Option<Added>,
    /// Rows of all inputs.
    pub rows: u64,
    /// Rejected rows by column and reason.
    pub rejected: Vec<RejectedKind>,
    /// Where the rejected rows are listed, one file for each input.
    pub rejected_files: Vec<PathBuf>,
    /// Bytes of a label.
    pub label_bytes: u8,
    /// Whether what additions need was kept.
    pub kept: bool,
    /// The sequence of the catalog that names the releases.
    pub catalog_sequence: u64,
    /// The digest of that catalog.
    pub catalog: Digest,
    /// Where the plan is kept.
    pub plan: PathBuf,
    /// How long it took.
    pub time: Duration,
}

/// A release that was sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedList {
    /// The list.
    pub list: Slug,
    /// Whom it is addressed to; nobody named means all.
    pub audience: Vec<Slug>,
    /// The release.
    pub release: ReleaseId,
    /// Distinct people.
    pub people: u64,
    /// Rows of people who were in another row already.
    pub merged: u64,
    /// f.
    pub false_positive_bits: u8,
    /// Bytes of the index.
    pub index_bytes: u64,
    /// The digest of the manifest.
    pub manifest: Digest,
}

/// What came of additions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Added {
    /// People of the earlier release.
    pub earlier: u64,
    /// People who were not on it.
    pub new: u64,
}

/// What became of a seal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The releases are live now.
    Published,
    /// The releases existed, with the same bytes.
    Identical,
}

/// How many rows were rejected for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RejectedKind {
    /// The column, or `row`.
    pub column: String,
    /// The reason in words.
    pub reason: String,
    /// The number of rows.
    pub rows: u64,
}

impl Sealed {
    /// Distinct people of all lists; who is on several is counted in each.
    pub fn people(&self) -> u64 {
        self.lists.iter().map(|list| list.people).sum()
    }

    /// The report for a terminal.
    pub(crate) fn to_text(&self) -> String {
        let mut text = match &self.lists[..] {
            [list] if self.without.is_empty() && self.stays.is_empty() => self.one(list),
            lists => self.several(lists),
        };
        if total(&self.rejected) > 0 {
            text += &reasons(&self.rejected);
            for file in &self.rejected_files {
                text += &format!("  listed in {}\n", text::path(file));
            }
        }
        text
    }

    fn one(&self, list: &SealedList) -> String {
        let head = match self.outcome {
            Outcome::Published => format!("The list {} is live.\n\n", list.list),
            Outcome::Identical => format!(
                "The release exists already, and sealing it again gave the same bytes: the list {} stays as it is.\n\n",
                list.list
            ),
        };
        let audience = if list.audience.is_empty() { "all insurers".to_owned() } else { names(&list.audience) };
        let fields = show::fields(&[
            ("rows", show::count(self.rows)),
            ("people", self.added_to(list.people)),
            ("merged", self.merged(list.merged)),
            ("rejected", show::count(total(&self.rejected))),
            ("audience", audience),
            ("false hits", format!("1 in 2^{} for each person asked about", list.false_positive_bits)),
            ("index", self.index_size(list)),
            ("release", list.release.to_string()),
            ("manifest", list.manifest.to_string()),
            ("catalog", format!("{} (sequence {})", self.catalog, self.catalog_sequence)),
            ("plan", text::path(&self.plan)),
            ("additions", self.additions().to_owned()),
            ("time", self.time()),
        ]);
        head + &fields
    }

    fn added_to(&self, people: u64) -> String {
        match self.added {
            Some(Added { earlier, new }) => {
                format!("{}: {} were there, {} new", show::count(people), show::count(earlier), show::count(new))
            }
            None => show::count(people),
        }
    }

    fn merged(&self, merged: u64) -> String {
        let rows = show::counted(merged, "row");
        let others = if self.added.is_some() { "in another row, or there already" } else { "in another row" };
        format!("{rows} of people {others}")
    }

    fn additions(&self) -> &'static str {
        if self.kept {
            "evaluate new rows alone: evaluations are kept beside the plan, encrypted"
        } else {
            "will have to evaluate everything again, since no evaluations are kept (--keep-evaluations)"
        }
    }

    fn several(&self, lists: &[SealedList]) -> String {
        let count = show::counted(lists.len() as u64, "list");
        let head = match self.outcome {
            Outcome::Published => format!("{count} went live together, each for one insurer alone.\n\n"),
            Outcome::Identical => format!(
                "The releases exist already, and sealing them again gave the same bytes: {count} stay as they are.\n\n"
            ),
        };
        let row = |list: &SealedList| {
            [
                list.list.to_string(),
                names(&list.audience),
                show::count(list.people),
                show::count(list.merged),
                list.false_positive_bits.to_string(),
                show::bytes(list.index_bytes),
                show::short(&list.release),
                show::short(&list.manifest),
            ]
        };
        let columns = [
            Heading::Text("list"),
            Heading::Text("insurer"),
            Heading::Number("people"),
            Heading::Number("merged"),
            Heading::Number("f"),
            Heading::Number("index"),
            Heading::Text("release"),
            Heading::Text("manifest"),
        ];
        let table = show::table(columns, &lists.iter().map(row).collect::<Vec<_>>());
        let fields = show::fields(&[
            ("rows", show::count(self.rows)),
            ("people", format!("{}; who is on several lists is counted in each", show::count(self.people()))),
            ("rejected", show::count(total(&self.rejected))),
            ("indexes", show::bytes(lists.iter().map(|list| list.index_bytes).sum())),
            ("catalog", format!("{} (sequence {})", self.catalog, self.catalog_sequence)),
            ("plan", text::path(&self.plan)),
            ("additions", self.additions().to_owned()),
            ("time", self.time()),
        ]);
        let mut text = format!("{head}{table}\n{fields}");
        if !self.without.is_empty() {
            text += &format!("\nNo row, and so no list: {}\n", names(&self.without));
        }
        if !self.stays.is_empty() {
            text += &format!("\nLive since an earlier seal, and left as it was: {}\n", names(&self.stays));
        }
        text
    }

    fn time(&self) -> String {
        let milliseconds = u64::try_from(self.time.as_millis()).unwrap_or(u64::MAX);
        format!(
            "{}.{} s, {} a second",
            show::count(milliseconds / 1_000),
            milliseconds % 1_000 / 100,
            show::counted(rate(self.rows, self.time), "row")
        )
    }

    /// Its bytes, and the bits of an entry in it.
    fn index_size(&self, list: &SealedList) -> String {
        let entries = (list.people + blindlist_protocol::params::CANARIES as u64).max(1);
        let tenths = list.index_bytes.saturating_mul(80) / entries;
        let labels = 8 * u64::from(self.label_bytes);
        format!(
            "{}, {}.{} bits for each entry, {labels} of them its label",
            show::bytes(list.index_bytes),
            tenths / 10,
            tenths % 10
        )
    }
}

/// Says, before the work begins, which columns of an input are read.
pub(super) fn tell_columns(input: &Path, columns: &[String]) {
    let lines: String = columns.iter().map(|column| format!("\n  {column}")).collect();
    eprintln!("{}{lines}", text::path(input));
}

/// Says, before the work begins, which live lists are going to be addressed to others than now.
pub(super) fn tell_audience(operator: &Operator, plan: &Plan) -> Result<(), Error> {
    let list = &plan.choices.list;
    if let (Audience::Split(_), Some(live)) = (&plan.choices.audience, operator.live_release(list)) {
        let audience = &live.manifest.audience;
        let whom = if audience.is_empty() { "all insurers".to_owned() } else { names(audience) };
        eprintln!(
            "blindlistd: the list {list} is live, addressed to {whom}, and stays so beside the parts of the split"
        );
    }
    for chosen in plan.choices.lists()? {
        let Some(live) = operator.live_release(&chosen.list) else { continue };
        let next: Vec<Slug> = chosen.audience.iter().map(|insurer| insurer.name.clone()).collect();
        if let Some(change) = audience_change(&live.manifest.audience, &next) {
            eprintln!("blindlistd: the list {} {change}", chosen.list);
        }
    }
    Ok(())
}

/// What changes for whom; nobody named means all.
fn audience_change(before: &[Slug], after: &[Slug]) -> Option<String> {
    let only = |these: &[Slug], those: &[Slug]| -> Vec<Slug> {
        these.iter().filter(|name| !those.contains(name)).cloned().collect()
    };
    if before == after {
        return None;
    }
    let keep = "whoever fetched the releases before keeps them, and sees no newer one";
    if after.is_empty() {
        return Some(format!("was addressed to {}, and is going to be open to all insurers", names(before)));
    }
    if before.is_empty() {
        let now = names(after);
        return Some(format!("was open to all insurers, and is going to be addressed to {now} alone; {keep}"));
    }
    let (added, removed) = (only(after, before), only(before, after));
    let mut parts = Vec::new();
    if !added.is_empty() {
        parts.push(format!("is going to be addressed to {} too", names(&added)));
    }
    if !removed.is_empty() {
        parts.push(format!("is not going to be addressed to {} any more; {keep}", names(&removed)));
    }
    Some(parts.join(", and "))
}

/// The live lists that look like parts of the same split, or are the list unsplit, and are not made anew.
pub(super) fn stays(operator: &Operator, plan: &Plan, without: &[Slug]) -> Vec<Slug> {
    let Audience::Split(_) = plan.choices.audience else { return Vec::new() };
    let made = |list: &Slug| !without.contains(list) && plan.releases.iter().any(|planned| planned.list == *list);
    let is_part = |manifest: &&Manifest| {
        if manifest.list == plan.choices.list {
            return true;
        }
        let suffix =
            manifest.list.as_str().strip_prefix(plan.choices.list.as_str()).and_then(|rest| rest.strip_prefix('-'));
        matches!(&manifest.audience[..], [insurer] if suffix == Some(insurer.as_str()))
    };
    let live = operator.live().iter().map(|release| &release.manifest).filter(is_part);
    live.map(|manifest| manifest.list.clone()).filter(|list| !made(list)).collect()
}

/// Why rows are not published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    rows: u64,
    rejected: u64,
}

/// Whether a list with so many rejected rows may be published: at most one row in a hundred, and never a list of nobody.
pub(super) fn verdict(rows: u64, rejected: u64, accept_rejects: bool) -> Result<(), Refused> {
    let nobody = rows == rejected;
    let too_many = !accept_rejects && rejected.saturating_mul(100) > rows;
    if nobody || too_many { Err(Refused { rows, rejected }) } else { Ok(()) }
}

impl Refused {
    /// The error, with the file or folder in which the rejected rows are listed.
    pub(super) fn into_error(self, inputs: Vec<PathBuf>, listed: Option<PathBuf>) -> Error {
        let Self { rows, rejected } = self;
        if rows == 0 {
            Error::NoRows { inputs }
        } else if rows == rejected {
            Error::NoPeople { rows, listed }
        } else {
            Error::TooManyRejects { rows, rejected, listed }
        }
    }
}

/// Rows that were rejected.
pub(super) fn total(rejected: &[RejectedKind]) -> u64 {
    rejected.iter().map(|kind| kind.rows).sum()
}

/// One line for each column and reason.
pub(super) fn reasons(rejected: &[RejectedKind]) -> String {
    let line = |kind: &RejectedKind| format!("  {} {}: {}\n", show::count(kind.rows), kind.column, kind.reason);
    rejected.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_the_audience_is_told() {
        let slugs = |names: &str| names.split_terminator(',').map(|name| name.parse().unwrap()).collect::<Vec<Slug>>();
        let change = |before, after| audience_change(&slugs(before), &slugs(after));
        assert_eq!((change("", ""), change("a,b", "a,b")), (None, None));
        for (before, after, told) in [
            ("a", "", "was addressed to a, and is going to be open to all insurers"),
            ("", "a,b", "was open to all insurers, and is going to be addressed to a, b alone; "),
            ("a", "a,b", "is going to be addressed to b too"),
            ("a,c", "a,b", "is going to be addressed to b too, and is not going to be addressed to c any more; "),
        ] {
            let found = change(before, after).unwrap();
            assert!(found.starts_with(told), "{found}");
        }
    }

    #[test]
    fn one_row_in_a_hundred_may_be_rejected() {
        assert_eq!(verdict(100, 0, false), Ok(()));
        assert_eq!(verdict(100, 1, false), Ok(()));
        assert_eq!(verdict(199, 2, false), Err(Refused { rows: 199, rejected: 2 }));
        assert_eq!(verdict(200, 2, false), Ok(()));
        assert_eq!(verdict(199, 198, true), Ok(()));
        for accept in [false, true] {
            assert!(verdict(7, 7, accept).is_err() && verdict(0, 0, accept).is_err(), "a list of nobody");
        }
    }
}
