//! The succession of a manifest key, and how an insurer's pins follow it (SPEC.md, "Succession").
//!
//! [`Succession`] is what the successor signs when it takes the manifest key's place; [`Pins::follow`] is all that may ever
//! move the pins of an insurer. Asking for successions, counting them and remembering the pins are the caller's.

use crate::enrolment::{Bundle, successor_hash};
use crate::ids::Digest;
use crate::object::{self, Broken, Kind, ObjectError, SelfSigned, require};
use crate::params::MAX_ENROLMENT;
use crate::signature::VerifyingKey;
use crate::text::Slug;
use serde::{Deserialize, Serialize};

/// The word of a manifest key's successor that it has taken its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Succession {
    /// The operator's name.
    pub operator: Slug,
    /// The manifest key that was lost or stolen.
    pub old_key: VerifyingKey,
    /// The key in its place, which signs this.
    pub new_key: VerifyingKey,
    /// [`successor_hash`] of the key that may replace `new_key`.
    pub successor: Digest,
    /// When, in seconds since 1970.
    pub time: u64,
}

impl Kind for Succession {
    const LINE: &'static [u8] = b"blindlist/1 succession\n";
    const LIMIT: usize = MAX_ENROLMENT;

    fn check(&self) -> Result<(), Broken> {
        require(self.old_key != self.new_key, "SUC-1", "the old key and the new key are one")?;
        let fresh = [&self.old_key, &self.new_key].iter().all(|key| successor_hash(key) != self.successor);
        require(fresh, "SUC-1", "the successor's hash is that of the old key or of the new key")
    }

    fn signer(&self) -> &VerifyingKey {
        &self.new_key
    }
}

impl SelfSigned for Succession {}

/// What an insurer has pinned of an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pins {
    /// The manifest key.
    pub operator_key: VerifyingKey,
    /// [`successor_hash`] of the only key that may replace it.
    pub successor: Digest,
}

/// Why a succession does not move the pins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SuccessionError {
    /// It does not hold by itself.
    #[error("the succession does not hold: {0}")]
    Object(#[from] ObjectError),
    /// Of another key than the pinned one.
    #[error("the succession is of another key than the pinned one")]
    OtherKey,
    /// To a key whose hash was not pinned.
    #[error("the succession is to a key that was not pinned as the successor")]
    NotTheSuccessor,
}

impl Pins {
    /// What a bundle has an insurer pin that has pinned nothing yet.
    pub fn of(bundle: &Bundle) -> Self {
        Self { operator_key: bundle.operator_key, successor: bundle.successor }
    }

    /// The pins after the succession in these bytes. [SUC-2]
    ///
    /// # Errors
    /// [`SuccessionError`]: the pins stay as they are.
    pub fn follow(&self, bytes: &[u8]) -> Result<Self, SuccessionError> {
        let succession: Succession = object::open_self_signed(bytes)?;
        if succession.old_key != self.operator_key {
            return Err(SuccessionError::OtherKey);
        }
        if !self.may_be_followed_by(&succession.new_key) {
            return Err(SuccessionError::NotTheSuccessor);
        }
        Ok(Self { operator_key: succession.new_key, successor: succession.successor })
    }

    /// Whether this is the key that was pinned as the successor.
    pub fn may_be_followed_by(&self, key: &VerifyingKey) -> bool {
        successor_hash(key) == self.successor
    }
}

#[cfg(test)]
mod tests;
