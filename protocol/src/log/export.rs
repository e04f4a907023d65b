//! An exported log: lines of JSON (SPEC.md, "Exports"). Read and written line by line; where the lines are is not known here.

use super::Entry;
use super::tree::{self, Frontier, Head};
use crate::checkpoint::note::{Note, NoteError};
use crate::ids::LedgerId;
use crate::params::{MAX_AUDIT_ENTRY, MAX_NOTE};
use crate::signature::VerifyingKey;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;

/// What the first line says it is.
const FORMAT: &str = "audit 1";

/// Most bytes of a line that is read: an entry in hexadecimal, or a note, with the words beside it.
pub const MAX_LINE: usize = 2 * MAX_AUDIT_ENTRY + 2 * MAX_NOTE;

/// Why lines are not the export of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExportError {
    /// A line of another form.
    #[error("it is not a line of an exported audit log")]
    Malformed,
    /// The checkpoint of another ledger than the first line's, or not of these entries (AUD-10).
    #[error("its entries are not those that its checkpoint was signed for")]
    Checkpoint,
    /// Entries that are not numbered from 0 in order (AUD-10).
    #[error("its entries are not numbered in order")]
    Order,
    /// The checkpoint does not hold.
    #[error(transparent)]
    Note(#[from] NoteError),
}

/// The first line of an export, without its end.
pub fn first_line(ledger: &LedgerId) -> String {
    json!({"blindlist": FORMAT, "ledger": ledger.to_string()}).to_string()
}

/// The line of an entry, without its end, with what its bytes mean for people to read.
pub fn entry_line(index: u64, bytes: &[u8]) -> String {
    let mut line = Map::new();
    line.insert("index".into(), index.into());
    line.insert("entry".into(), hexadecimal(bytes).into());
    if let Ok(Entry { time, event }) = Entry::decode(bytes) {
        line.insert("time".into(), time.into());
        line.insert("event".into(), super::show::event(&event));
    }
    Value::Object(line).to_string()
}

/// The last line, without its end.
pub fn last_line(note: &Note) -> String {
    json!({"checkpoint": note.to_string()}).to_string()
}

/// A reader of the lines of an export.
#[derive(Debug)]
pub struct Reader {
    ledger: LedgerId,
    tree: Frontier,
}

/// What a line says.
#[derive(Debug)]
pub enum Line {
    /// The bytes of the next entry.
    Entry(Vec<u8>),
    /// The log's checkpoint, which ends the export.
    End(Box<Note>),
}

#[derive(Deserialize)]
struct First {
    blindlist: String,
    ledger: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Further {
    Entry { index: u64, entry: String },
    End { checkpoint: String },
}

impl Reader {
    /// Reads the first line.
    ///
    /// # Errors
    /// [`ExportError::Malformed`].
    pub fn new(line: &str) -> Result<Self, ExportError> {
        let first: First = parse(line)?;
        let ledger = first.ledger.parse().ok().filter(|_| first.blindlist == FORMAT);
        Ok(Self { ledger: ledger.ok_or(ExportError::Malformed)?, tree: Frontier::default() })
    }

    /// The ledger whose log it is.
    pub fn ledger(&self) -> &LedgerId {
        &self.ledger
    }

    /// The size and root of the entries read so far.
    pub fn head(&self) -> Head {
        self.tree.head()
    }

    /// Reads a further line; the last is verified under the log's key.
    ///
    /// # Errors
    /// [`ExportError`].
    pub fn read(&mut self, line: &str, key: &VerifyingKey) -> Result<Line, ExportError> {
        match parse(line)? {
            Further::Entry { index, entry } => {
                if index != self.tree.size() {
                    return Err(ExportError::Order);
                }
                let bytes = bytes(&entry).filter(|bytes| bytes.len() <= MAX_AUDIT_ENTRY);
                let bytes = bytes.ok_or(ExportError::Malformed)?;
                self.tree.append(tree::leaf(&bytes));
                Ok(Line::Entry(bytes))
            }
            Further::End { checkpoint } => {
                let note = Note::open(&checkpoint, key)?;
                if note.checkpoint().ledger != self.ledger || note.checkpoint().head() != self.tree.head() {
                    return Err(ExportError::Checkpoint);
                }
                Ok(Line::End(Box::new(note)))
            }
        }
    }
}

fn parse<'a, T: Deserialize<'a>>(line: &'a str) -> Result<T, ExportError> {
    if line.len() > MAX_LINE {
        return Err(ExportError::Malformed);
    }
    serde_json::from_str(line).map_err(|_| ExportError::Malformed)
}

pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    let lower = text.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    if !lower || !text.len().is_multiple_of(2) {
        return None;
    }
    let pairs = text.as_bytes().chunks_exact(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

#[cfg(test)]
mod tests;
