//! The byte encoding of messages and signed objects (SPEC.md, "Encoding").
//!
//! Integers are little-endian and of fixed width, lengths are eight bytes, enum tags four, an option's tag is one byte.
//! The only user of `bincode`. A value has exactly one encoding, and what was consumed must equal what came.

use bincode::config::{Configuration, Fixint, Limit, LittleEndian};
use serde::{Serialize, de::DeserializeOwned};

/// Why bytes are not the encoding of what was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// More bytes than the limit of this message.
    #[error("{found} bytes where at most {limit} are allowed")]
    TooLarge {
        /// Bytes found.
        found: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// The bytes end early, or hold a value that the type does not allow.
    #[error("the bytes are cut short or hold a value that is not allowed")]
    Malformed,
    /// Bytes are left after the value.
    #[error("{0} bytes are left over")]
    Trailing(usize),
}

/// No encoding is larger than this, whatever the caller's limit: it bounds what a decoder may allocate.
const CEILING: usize = 4 << 20;

fn configuration() -> Configuration<LittleEndian, Fixint, Limit<CEILING>> {
    bincode::config::standard().with_little_endian().with_fixed_int_encoding().with_limit::<CEILING>()
}

/// The one encoding of a value.
///
/// # Panics
/// When the value's encoding exceeds 4 MiB, which the types of this crate do not allow.
pub fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    bincode::serde::encode_to_vec(value, configuration()).expect("types of this crate have bounded, known lengths")
}

/// The value that `bytes` encode, and nothing but it.
///
/// # Errors
/// [`CodecError`] when there are more than `limit` bytes, when they do not hold such a value, or when any are left over.
pub fn decode<T: DeserializeOwned>(bytes: &[u8], limit: usize) -> Result<T, CodecError> {
    if bytes.len() > limit {
        return Err(CodecError::TooLarge { found: bytes.len(), limit });
    }
    let (value, used) = bincode::serde::decode_from_slice(bytes, configuration()).map_err(|_| CodecError::Malformed)?;
    match bytes.len() - used {
        0 => Ok(value),
        left => Err(CodecError::Trailing(left)),
    }
}

/// Serialises `[u8; 64]` as 64 bytes without a length: serde derives arrays up to 32 only.
pub(crate) mod bytes64 {
    use serde::de::{Error, SeqAccess, Visitor};
    use serde::ser::SerializeTuple;
    use serde::{Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8; 64], serializer: S) -> Result<S::Ok, S::Error> {
        let mut tuple = serializer.serialize_tuple(64)?;
        for byte in bytes {
            tuple.serialize_element(byte)?;
        }
        tuple.end()
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 64], D::Error> {
        struct Bytes;
        impl<'de> Visitor<'de> for Bytes {
            type Value = [u8; 64];
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("64 bytes")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<[u8; 64], A::Error> {
                let mut bytes = [0; 64];
                for byte in &mut bytes {
                    *byte = seq.next_element()?.ok_or_else(|| A::Error::custom("fewer than 64 bytes"))?;
                }
                Ok(bytes)
            }
        }
        deserializer.deserialize_tuple(64, Bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Sample {
        Unit,
        Fields { number: u16, option: Option<u8>, list: Vec<[u8; 2]>, text: String },
    }

    #[test]
    fn layout_is_as_specified() {
        let value = Sample::Fields { number: 0x0102, option: Some(7), list: vec![[1, 2]], text: "é".into() };
        let expected = [
            "01000000",         // tag
            "0201",             // number
            "0107",             // option
            "0100000000000000", // length of the list
            "0102",             // its element
            "0200000000000000", // bytes of the text
            "c3a9",
        ];
        assert_eq!(hex::encode(encode(&value)), expected.concat());
        assert_eq!(decode(&encode(&value), 100), Ok(value));
    }

    #[test]
    fn anything_else_is_refused() {
        let good = encode(&Sample::Unit);
        assert_eq!(decode::<Sample>(&good, 3), Err(CodecError::TooLarge { found: 4, limit: 3 }));
        assert_eq!(decode::<Sample>(&good[..3], 100), Err(CodecError::Malformed));
        assert_eq!(decode::<Sample>(&[&good[..], &[0]].concat(), 100), Err(CodecError::Trailing(1)));
        assert_eq!(decode::<Sample>(&[2, 0, 0, 0], 100), Err(CodecError::Malformed), "no such variant");
        assert_eq!(decode::<Option<u8>>(&[2, 0], 100), Err(CodecError::Malformed), "an option is 0 or 1");
        let endless = u64::MAX.to_le_bytes();
        assert_eq!(decode::<Vec<u8>>(&endless, 100), Err(CodecError::Malformed), "a length beyond the bytes");
    }
}
