//! Bytes as the vectors write them: lower-case hexadecimal text.

use blindlist_protocol::oprf::{Element, KeyError, PublicKey};
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};

/// The bytes of lower-case hexadecimal text.
///
/// # Errors
/// For anything else, upper-case digits among it.
pub fn unhex(text: &str) -> Result<Vec<u8>, &'static str> {
    let decoded = hex::decode(text).ok().filter(|_| !text.bytes().any(|digit| digit.is_ascii_uppercase()));
    decoded.ok_or("not lower-case hexadecimal text")
}

/// Bytes of any number.
#[derive(Clone, Debug)]
pub struct Hex(pub Vec<u8>);

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        unhex(&String::deserialize(deserializer)?).map(Self).map_err(Error::custom)
    }
}

/// So many bytes.
#[derive(Clone, Copy, Debug)]
pub struct Fixed<const N: usize>(pub [u8; N]);

impl<'de, const N: usize> Deserialize<'de> for Fixed<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Hex(bytes) = Hex::deserialize(deserializer)?;
        let found = bytes.len();
        bytes.try_into().map(Self).map_err(|_| Error::custom(format!("{found} bytes where there must be {N}")))
    }
}

impl Fixed<32> {
    /// The bytes as an element.
    pub(super) fn element(self) -> Element {
        Element::from_bytes(self.0)
    }

    /// The bytes as a public key.
    pub(super) fn public_key(self) -> Result<PublicKey, KeyError> {
        self.element().try_into()
    }
}

/// Elements of a list.
pub(super) fn elements(list: &[Fixed<32>]) -> Vec<Element> {
    list.iter().map(|bytes| bytes.element()).collect()
}

/// An option that must be there, if only as `null`: serde alone takes a missing member for none.
pub(super) fn nullable<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Option<T>, D::Error> {
    Option::deserialize(deserializer)
}
