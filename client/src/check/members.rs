//! The first reading of the member file: from rows to distinct identifiers.
//!
//! Which row is whose is not kept: the second reading finds it out again, and holds less in memory meanwhile.

use std::collections::BTreeMap;
use std::fmt;

use blindlist_protocol::identifier::Scheme;
use blindlist_protocol::ids::Digest;
use blindlist_records::{Batch, Column, Columns, Rejection, Table};

use super::input::MemberFile;
use super::people::{Gathering, People};
use crate::caller::Unit;
use crate::room::Room;
use crate::show::number;
use crate::{Caller, ClientError};

/// Rows that are read at a time.
pub(super) const BATCH: usize = 4_096;
/// The most distinct members: what a job can number, canaries and padding included.
const MOST: u32 = u32::MAX - 128;

/// Rows for each column and reason of a rejection.
pub(crate) type Reasons = BTreeMap<(&'static str, String), u64>;

/// What the first reading found.
pub(crate) struct Members {
    /// The distinct identifiers.
    pub people: People,
    /// Data rows.
    pub rows: u64,
    /// Rows without an identifier.
    pub rejected: u64,
    /// Of these, how many for each column and reason.
    pub reasons: Reasons,
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
    file: &MemberFile,
    scheme: Scheme,
    overrides: &[(Column, String)],
    room: &Room,
    caller: &Caller,
) -> Result<Members, ClientError> {
    let mut table = file.table()?;
    let columns = columns(&table, scheme, overrides)?;
    caller.note(format!("file     {}", table.describe()));
    for line in columns.describe() {
        caller.note(format!("column   {line}"));
    }
    let (mut rows, mut first, mut reasons) = (0_u64, None::<Rejection>, Reasons::new());
    let mut people = Gathering::new(room)?;
    let mut batch = Batch::new();
    let meter = caller.meter("reading the members", Unit::Bytes, table.progress().total);
    while table.read_batch(&mut batch, BATCH)? > 0 {
        caller.check()?;
        for row in batch.iter() {
            rows += 1;
            match columns.identifier(&row) {
                Ok(identifier) => people.add(identifier)?,
                Err(rejection) => {
                    *reasons.entry((rejection.column, rejection.reason.in_general())).or_default() += 1;
                    first.get_or_insert(rejection);
                }
            }
        }
        meter.set(table.progress().read);
    }
    drop(meter);
    let sha256 = Digest::from_bytes(table.finish()?.sha256).to_string();
    let people = people.finish(room, caller)?;
    let distinct = people.distinct();
    if distinct == 0 {
        let path = file.path().to_owned();
        return Err(ClientError::NoMembers { path, scheme, first });
    }
    if distinct > MOST.into() {
        let (path, most) = (file.path().to_owned(), MOST);
        return Err(ClientError::TooManyMembers { path, most });
    }
    let rejected = reasons.values().sum();
    let usable = number(rows - rejected);
    caller.note(format!(
        "members  {} rows: {usable} usable ({} people), {} rejected",
        number(rows),
        number(distinct),
        number(rejected)
    ));
    Ok(Members { people, rows, rejected, reasons, sha256 })
}

/// The columns of a member file.
pub(super) fn columns(table: &Table, scheme: Scheme, overrides: &[(Column, String)]) -> Result<Columns, ClientError> {
    Columns::of(table, scheme, overrides)
        .map_err(|source| ClientError::Columns { path: table.path().to_owned(), source })
}
