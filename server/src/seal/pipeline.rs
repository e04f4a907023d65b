//! From a row to a record: read, identify, evaluate, derive. What a core does with one block of rows.
//!
//! Nothing here decides what is published, or where a record goes.

use std::collections::HashMap;

use blindlist_protocol::entry::{Dictionary, Entry, Label};
use blindlist_protocol::identifier::{Identifier, Scheme};
use blindlist_protocol::ids::ReleaseId;
use blindlist_protocol::oprf::{Evaluation, SecretKey, evaluate_inputs};
use blindlist_records::{Batch, Column, Columns, Reason, Rejection, Row, Table, TableOptions, find_header};
use blindlist_store::text;
use sha2::{Digest as _, Sha512};
use zeroize::Zeroizing;

use super::audience::{Audience, AudienceError, Split};
use super::inputs::Source;
use super::plan::Choices;
use super::record::{Layout, Record};
use crate::Error;

/// Rows that are evaluated together: enough to share an inversion, few enough to spread evenly.
pub(super) const BLOCK: usize = 1_024;

/// Longest part of a header that is shown, in characters.
const SHOWN_HEADER: usize = 60;

/// What is done to each row.
pub(super) struct Work<'a> {
    options: TableOptions,
    scheme: Scheme,
    columns: Vec<(Column, String)>,
    dictionary: &'a Dictionary,
    layout: Layout,
    /// How rows are dealt out to several lists; without it there is one list of all.
    split: Option<Dealt<'a>>,
    rule: Rule<'a>,
}

/// From an identifier to a tag and a pad.
pub(super) enum Rule<'a> {
    /// By the evaluation under a key, for the release of each list.
    Evaluate(&'a SecretKey, Vec<ReleaseId>),
    /// By a hash under a random key that nobody keeps: equal people meet, and nothing is evaluated.
    Hash(Zeroizing<[u8; 32]>),
}

/// Which list a row belongs to.
struct Dealt<'a> {
    split: &'a Split,
    places: HashMap<&'a str, usize>,
}

/// The columns of one input.
pub(super) struct Found {
    columns: Columns,
    /// The place of the column that tells the list.
    code: Option<usize>,
    /// What the input is, and which columns are read.
    pub(super) described: Vec<String>,
}

/// Some rows of a table.
pub(super) struct Block {
    /// Which of the blocks of its table they are, from 0.
    pub(super) number: u64,
    /// How many of its first rows are evaluated already.
    pub(super) done: usize,
    pub(super) rows: Batch,
}

/// What came out of a block.
#[derive(Default)]
pub(super) struct Worked {
    pub(super) rejected: Vec<Rejection>,
    /// The list of each row that was not rejected.
    pub(super) lists: Vec<usize>,
    /// The records of the last of those rows, as long as the layout says: those that were not evaluated already.
    pub(super) records: Zeroizing<Vec<u8>>,
}

impl<'a> Work<'a> {
    pub(super) fn new(choices: &'a Choices, rule: Rule<'a>) -> Result<Self, Error> {
        let split = match &choices.audience {
            Audience::Split(split) => Some(Dealt { split, places: split.places() }),
            Audience::Unsaid | Audience::All | Audience::Named(_) => None,
        };
        let kept = choices.keep_evaluations && matches!(rule, Rule::Evaluate(..));
        Ok(Self {
            options: choices.table_options()?,
            scheme: choices.scheme,
            columns: choices.overrides()?,
            dictionary: &choices.categories,
            layout: Layout::new(&choices.categories, kept),
            split,
            rule,
        })
    }

    pub(super) fn layout(&self) -> Layout {
        self.layout
    }

    pub(super) fn lists(&self) -> usize {
        self.split.as_ref().map_or(1, |dealt| dealt.split.parts.len())
    }

    /// Opens an input and finds its columns.
    pub(super) fn open(&self, source: &Source) -> Result<(Table, Found), Error> {
        let table = source.open(&self.options)?;
        let path = || source.path().to_owned();
        let columns = Columns::of(&table, self.scheme, &self.columns)
            .map_err(|reason| Error::Columns { path: path(), reason })?;
        let mut described = vec![table.describe()];
        described.extend_from_slice(columns.describe());
        let code = self.split.as_ref().map(|Dealt { split, .. }| {
            let place = find_header(table.headers(), &split.column);
            let place = place.map_err(|reason| AudienceError::Column { path: path(), reason })?;
            let header = text::escape(split.column.trim(), SHOWN_HEADER);
            described.push(format!("split_by <- \"{header}\" (column {})", place + 1));
            Ok::<_, Error>(place)
        });
        Ok((table, Found { columns, code: code.transpose()?, described }))
    }

    /// Turns a block of rows into records.
    pub(super) fn take(&self, found: &Found, block: &Block) -> Worked {
        let mut worked = Worked::default();
        let (mut people, mut whats) = (Vec::with_capacity(BLOCK), Vec::with_capacity(BLOCK));
        for (place, row) in block.rows.iter().enumerate() {
            match self.person(found, &row) {
                Ok((person, label, list)) => {
                    worked.lists.push(list);
                    if place >= block.done {
                        people.push(person);
                        whats.push((label, list));
                    }
                }
                Err(rejection) => worked.rejected.push(rejection),
            }
        }
        worked.records = self.records(&people, &whats);
        worked
    }

    /// The records of some people, each with a label and the place of a list.
    fn records(&self, people: &[Identifier], whats: &[(Label, usize)]) -> Zeroizing<Vec<u8>> {
        let mut records = Zeroizing::new(Vec::with_capacity(people.len() * self.layout.width()));
        match &self.rule {
            Rule::Evaluate(key, releases) => {
                let inputs: Vec<&[u8]> = people.iter().map(Identifier::as_bytes).collect();
                for (y, (label, list)) in evaluate_inputs(key, &inputs).iter().zip(whats) {
                    let release = releases.get(*list).expect("there is a release for each list");
                    self.layout.write(&Record::new(&Entry::derive(release, y), *label), y, &mut records);
                }
            }
            Rule::Hash(key) => {
                for (person, (label, _)) in people.iter().zip(whats) {
                    let hash = Sha512::new().chain_update(key.as_slice()).chain_update(person.as_bytes()).finalize();
                    let y = Evaluation::from_bytes(hash.into());
                    let entry = Entry::derive(&ReleaseId::from_bytes([0; 16]), &y);
                    self.layout.write(&Record::new(&entry, *label), &y, &mut records);
                }
            }
        }
        records
    }

    fn person(&self, found: &Found, row: &Row<'_>) -> Result<(Identifier, Label, usize), Rejection> {
        let identifier = found.columns.identifier(row)?;
        let dictionary = self.dictionary;
        let label = match found.columns.categories(row) {
            None => Some(dictionary.full()),
            Some(names) => names
                .split('|')
                .map(|name| dictionary.one(name.trim()))
                .reduce(|all, one| Some(all?.union(one?)))
                .flatten(),
        };
        let column = Column::Categories.name();
        let unknown = Rejection { line: row.line(), row: row.number(), column, reason: Reason::Category };
        Ok((identifier, label.ok_or(unknown)?, self.list(found, row)?))
    }

    /// The list that a row belongs to.
    fn list(&self, found: &Found, row: &Row<'_>) -> Result<usize, Rejection> {
        let (Some(dealt), Some(place)) = (&self.split, found.code) else { return Ok(0) };
        let list = row.cell(place).and_then(|code| dealt.places.get(code.trim()).copied());
        let (line, row) = (row.line(), row.number());
        list.ok_or(Rejection { line, row, column: "split_by", reason: Reason::Unmapped })
    }
}
