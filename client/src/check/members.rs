//! The first reading of the member file: from rows to distinct identifiers.
//!
//! Which row is whose is not kept: the second reading finds it out again, and holds less in memory meanwhile.

use std::collections::HashSet;
use std::fmt;
use std::path::Path;

use blindlist_protocol::identifier::{Identifier, Scheme};
use blindlist_protocol::ids::Digest;
use blindlist_records::{Batch, Column, Columns, Rejection, Table};

use crate::show::{bytes_bar, note, number};
use crate::{ClientError, Stop};

/// Rows that are read at a time.
pub(super) const BATCH: usize = 4_096;
/// The most distinct members: what a job can number, canaries and padding included.
const MOST: u32 = u32::MAX - 128;

/// What the first reading found.
pub(crate) struct Members {
    /// The distinct identifiers, in no order.
    pub identifiers: Vec<Identifier>,
    /// Data rows.
    pub rows: u64,
    /// Distinct people.
    pub distinct: u64,
    /// Rows without an identifier.
    pub rejected: u64,
    /// SHA-256 of the file.
    pub sha256: String,
}

impl fmt::Debug for Members {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Members({} rows)", self.rows)
    }
}

/// Reads all rows.
pub(crate) fn read(
    path: &Path,
    scheme: Scheme,
    overrides: &[(Column, String)],
    stop: &Stop,
) -> Result<Members, ClientError> {
    let mut table = Table::open(path)?;
    let columns = columns(&table, scheme, overrides)?;
    for line in columns.describe() {
        note(&format!("column   {line}"));
    }
    let (mut rows, mut rejected, mut first) = (0_u64, 0_u64, None::<Rejection>);
    let mut seen: HashSet<Identifier> = HashSet::new();
    let mut batch = Batch::new();
    let bar = bytes_bar("reading the members", table.progress().total);
    while table.read_batch(&mut batch, BATCH)? > 0 {
        stop.check()?;
        for row in batch.iter() {
            rows += 1;
            match columns.identifier(&row) {
                Ok(identifier) => {
                    seen.insert(identifier);
                }
                Err(rejection) => {
                    rejected += 1;
                    first.get_or_insert(rejection);
                }
            }
        }
        if seen.len() > MOST as usize {
            let (path, most) = (path.to_owned(), MOST);
            return Err(ClientError::TooManyMembers { path, most });
        }
        bar.set_position(table.progress().read);
    }
    bar.finish_and_clear();
    let sha256 = Digest::from_bytes(table.finish()?.sha256).to_string();
    if seen.is_empty() {
        let path = path.to_owned();
        return Err(ClientError::NoMembers { path, scheme, first });
    }
    let distinct = seen.len() as u64;
    let usable = number(rows - rejected);
    note(&format!(
        "members  {} rows: {usable} usable ({} people), {} rejected",
        number(rows),
        number(distinct),
        number(rejected)
    ));
    let identifiers = seen.into_iter().collect();
    Ok(Members { identifiers, rows, distinct, rejected, sha256 })
}

/// The columns of a member file.
pub(super) fn columns(table: &Table, scheme: Scheme, overrides: &[(Column, String)]) -> Result<Columns, ClientError> {
    Columns::resolve(table.headers(), scheme, overrides)
        .map_err(|source| ClientError::Columns { path: table.path().to_owned(), source })
}
