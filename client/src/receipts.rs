//! A job's receipts as a file: lines of JSON, for the insurer to hold against an export of the log later.
//!
//! ```text
//! {"blindlist":"receipts 1","job":"…","ledger":"…","key":"…"}
//! {"index":5,"entry":"…","signature":"…"}
//! ```
//!
//! Bytes are in lower-case hexadecimal. Nothing of a member is in it: an entry says how many were asked about.

use std::path::Path;

use blindlist_protocol::ids::{Digest, JobId, LedgerId};
use blindlist_protocol::receipt::Receipt;
use blindlist_protocol::signature::{Signature, VerifyingKey};
use blindlist_store::file::{read_limited, write_atomic};
use serde::{Deserialize, Serialize};

use crate::ClientError;

/// What the first line says it is.
const FORMAT: &str = "receipts 1";
/// Bytes that a file may have: more than the receipts of the largest job.
const MOST: u64 = 1 << 30;

/// The receipts of a job, which the key of a log has signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobReceipts {
    /// The job.
    pub job: JobId,
    /// The log's ledger.
    pub ledger: LedgerId,
    /// The log's key.
    pub key: VerifyingKey,
    /// One for each chunk.
    pub receipts: Vec<Receipt>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct First {
    blindlist: String,
    job: String,
    ledger: String,
    key: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    index: u64,
    entry: String,
    signature: String,
}

impl JobReceipts {
    /// The text of the file.
    pub fn text(&self) -> String {
        let first = First {
            blindlist: FORMAT.to_owned(),
            job: self.job.to_string(),
            ledger: self.ledger.to_string(),
            key: self.key.to_string(),
        };
        let lines = self.receipts.iter().map(|receipt| {
            let line = Line {
                index: receipt.index,
                entry: hexadecimal(&receipt.entry),
                signature: hexadecimal(receipt.signature.as_bytes()),
            };
            json(&line)
        });
        std::iter::once(json(&first)).chain(lines).collect()
    }

    /// Writes the file.
    ///
    /// # Errors
    /// [`ClientError::Store`].
    pub fn write(&self, path: &Path) -> Result<(), ClientError> {
        Ok(write_atomic(path, self.text().as_bytes())?)
    }

    /// Reads a file and verifies every receipt in it under the key that it names.
    ///
    /// # Errors
    /// [`ClientError::Store`], [`ClientError::Damaged`].
    pub fn read(path: &Path) -> Result<Self, ClientError> {
        let bytes = read_limited(path, MOST)?;
        let parsed = std::str::from_utf8(&bytes).ok().and_then(parse);
        let holds = |receipts: &Self| {
            let mut all = receipts.receipts.iter();
            all.all(|receipt| receipt.verify_signature(&receipts.ledger, &receipts.key).is_ok())
        };
        parsed.filter(holds).ok_or_else(|| ClientError::Damaged {
            path: path.to_owned(),
            problem: "it should hold the receipts of a job; restore it from a backup",
        })
    }
}

fn json(line: &impl Serialize) -> String {
    serde_json::to_string(line).expect("texts and numbers are JSON") + "\n"
}

fn parse(text: &str) -> Option<JobReceipts> {
    let mut lines = text.lines();
    let first: First = serde_json::from_str(lines.next()?).ok()?;
    let receipts = lines.map(|line| {
        let line: Line = serde_json::from_str(line).ok()?;
        let signature = Signature::from_bytes(bytes(&line.signature)?.try_into().ok()?);
        Some(Receipt { index: line.index, entry: bytes(&line.entry)?, signature })
    });
    let receipts = receipts.collect::<Option<Vec<_>>>().filter(|_| first.blindlist == FORMAT)?;
    Some(JobReceipts {
        job: first.job.parse().ok()?,
        ledger: first.ledger.parse().ok()?,
        key: key(&first.key)?,
        receipts,
    })
}

/// A key from its hexadecimal form.
pub(crate) fn key(text: &str) -> Option<VerifyingKey> {
    // A key is written as a digest is.
    let key: Digest = text.parse().ok()?;
    Some(VerifyingKey::from_bytes(*key.as_bytes()))
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if !digits.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')) || !digits.len().is_multiple_of(2) {
        return None;
    }
    let pairs = digits.chunks_exact(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use blindlist_protocol::signature::SigningKey;

    #[test]
    fn receipts_come_back_and_damage_shows() {
        let (key, ledger) = (SigningKey::from_seed(&[1; 32]), LedgerId::from_bytes([2; 16]));
        let receipts = (0..3).map(|index| Receipt::sign(&ledger, index, vec![7; 40], &key)).collect();
        let all = JobReceipts { job: JobId::from_bytes([3; 16]), ledger, key: key.verifying(), receipts };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r");
        all.write(&path).unwrap();
        assert_eq!(JobReceipts::read(&path).unwrap(), all);
        let text = all.text();
        for bad in [
            text.replace("\"index\":2", "\"index\":9"),
            text.replace("0707", "0708"),
            text.replace("receipts 1", "receipts 2"),
            text.replace("\"index\":1,", ""),
            text.replace("0707", "070"),
            String::new(),
        ] {
            std::fs::write(&path, bad).unwrap();
            assert!(matches!(JobReceipts::read(&path), Err(ClientError::Damaged { .. })));
        }
    }
}
