//! What is pinned of the operator: `pins.json`. Until the file is there, the bundle that was joined says it.
//!
//! Nothing but a succession moves the pins (SPEC.md, "Succession"), no bundle does [ENR-5].

use blindlist_protocol::enrolment::Bundle;
use blindlist_protocol::ids::Digest;
use blindlist_protocol::signature::VerifyingKey;
use blindlist_protocol::succession::Pins;
use blindlist_store::file::{read_limited, write_atomic};
use serde::{Deserialize, Serialize};

use super::Profile;
use crate::ClientError;

/// Bytes that `pins.json` may have.
const MAX_PINS: u64 = 4_096;

impl Profile {
    /// What is pinned, where this bundle was joined.
    ///
    /// # Errors
    /// [`ClientError::Store`], [`ClientError::Damaged`].
    pub fn pins(&self, joined: &Bundle) -> Result<Pins, ClientError> {
        let path = self.folder.join("pins.json");
        if !path.exists() {
            return Ok(Pins::of(joined));
        }
        let file: Option<PinsFile> = serde_json::from_slice(&read_limited(&path, MAX_PINS)?).ok();
        let problem =
            "it should hold the operator's manifest key and the hash of its successor; restore it from a backup";
        file.and_then(|file| file.pins()).ok_or(ClientError::Damaged { path, problem })
    }

    /// Pins the key and its successor, in one step. The caller holds the lock.
    ///
    /// # Errors
    /// [`ClientError::Store`].
    pub fn pin(&self, pins: &Pins) -> Result<(), ClientError> {
        let file = PinsFile { operator_key: pins.operator_key.to_string(), successor: pins.successor.to_string() };
        let json = serde_json::to_vec_pretty(&file).expect("texts are JSON");
        Ok(write_atomic(self.folder.join("pins.json"), &json)?)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PinsFile {
    operator_key: String,
    successor: String,
}

impl PinsFile {
    fn pins(&self) -> Option<Pins> {
        // A key is written as a digest is.
        let key: Digest = self.operator_key.parse().ok()?;
        let operator_key = VerifyingKey::from_bytes(*key.as_bytes());
        Some(Pins { operator_key, successor: self.successor.parse().ok()? })
    }
}
