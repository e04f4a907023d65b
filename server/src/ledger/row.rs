//! From a row's columns to our types, and back. What the schema rules out is a damaged ledger, never a panic.

use sqlx::Row as _;

use super::{Account, LedgerError, Row};

/// Bytes of a known length.
pub(super) fn bytes<const LENGTH: usize>(row: &Row, column: &'static str) -> Result<[u8; LENGTH], LedgerError> {
    let found: &[u8] = row.try_get(column).map_err(|_| LedgerError::Damaged { what: column })?;
    found.try_into().map_err(|_| LedgerError::Damaged { what: column })
}

/// Bytes of any length.
pub(super) fn blob<'row>(row: &'row Row, column: &'static str) -> Result<&'row [u8], LedgerError> {
    row.try_get(column).map_err(|_| LedgerError::Damaged { what: column })
}

pub(super) fn text<'row>(row: &'row Row, column: &'static str) -> Result<&'row str, LedgerError> {
    row.try_get(column).map_err(|_| LedgerError::Damaged { what: column })
}

pub(super) fn number(row: &Row, column: &'static str) -> Result<i64, LedgerError> {
    row.try_get(column).map_err(|_| LedgerError::Damaged { what: column })
}

/// A number of evaluations, which is never negative.
pub(super) fn amount(row: &Row, column: &'static str) -> Result<u64, LedgerError> {
    u64::try_from(number(row, column)?).map_err(|_| LedgerError::Damaged { what: column })
}

pub(super) fn account(row: &Row) -> Result<Account, LedgerError> {
    Ok(Account { granted: amount(row, "granted")?, spent: amount(row, "spent")? })
}

/// A number of evaluations as the ledger holds it: a BIGINT ends at 2^63 - 1.
pub(super) fn from_amount(amount: u64) -> Result<i64, LedgerError> {
    i64::try_from(amount).map_err(|_| LedgerError::TooMany { amount })
}
