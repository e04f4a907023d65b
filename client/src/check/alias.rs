//! Names for people within one run of a check, by a secret that nobody else has and that goes with the process.

use std::fmt;

use blindlist_protocol::identifier::Identifier;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::{ClientError, outside};

/// Somebody's name within one run of a check: evenly spread, and different for different people.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Alias(u128);

/// The secret that names people.
#[derive(Clone)]
pub(crate) struct Aliases(Hmac<Sha256>);

impl Alias {
    /// The name of these bits.
    pub(crate) const fn from_bits(bits: u128) -> Self {
        Self(bits)
    }

    /// Its bits.
    pub(crate) const fn bits(self) -> u128 {
        self.0
    }
}

impl Aliases {
    /// A fresh secret.
    pub(crate) fn new() -> Result<Self, ClientError> {
        let secret = outside::random::<32>()?;
        Ok(Self(Hmac::new_from_slice(&*secret).expect("HMAC takes keys of any length")))
    }

    /// Somebody's name.
    pub(crate) fn of(&self, identifier: &Identifier) -> Alias {
        let mac = self.0.clone().chain_update(identifier.as_bytes()).finalize().into_bytes();
        Alias(u128::from_le_bytes(*mac.first_chunk().expect("HMAC-SHA-256 has 32 bytes")))
    }
}

impl fmt::Debug for Alias {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Alias(redacted)")
    }
}

impl fmt::Debug for Aliases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Aliases(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::operator::person;

    #[test]
    fn a_name_is_somebodys_in_one_run_alone() {
        let aliases = Aliases::new().unwrap();
        assert_eq!(aliases.of(&person(1)), aliases.clone().of(&person(1)));
        assert_ne!(aliases.of(&person(1)), aliases.of(&person(2)));
        assert_ne!(aliases.of(&person(1)), Aliases::new().unwrap().of(&person(1)));
        assert_eq!(format!("{:?} {aliases:?}", aliases.of(&person(1))), "Alias(redacted) Aliases(redacted)");
    }
}
