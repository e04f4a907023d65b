//! Signed objects in files: read and verified, checked and signed.

use std::io;
use std::path::Path;

use blindlist_protocol::codec::CodecError;
use blindlist_protocol::object::{self, Kind, ObjectError};
use blindlist_protocol::signature::{SigningKey, VerifyingKey};
use blindlist_store::{StoreError, file};

use crate::Error;

/// The bytes and the value of an object in a file, if `key` signed it.
pub(crate) fn read<T: Kind>(what: &'static str, path: &Path, key: &VerifyingKey) -> Result<(Vec<u8>, T), Error> {
    let bytes = file::read_limited(path, T::LIMIT as u64)?;
    let value = open(what, path, &bytes, key)?;
    Ok((bytes, value))
}

/// The bytes of a file of at most `limit`, if it is there.
pub(crate) fn read_if_there(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, Error> {
    match file::read_limited(path, limit) {
        Err(StoreError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(None),
        read => Ok(Some(read?)),
    }
}

/// The value of an object that was read from a file, if `key` signed it.
pub(crate) fn open<T: Kind>(what: &'static str, path: &Path, bytes: &[u8], key: &VerifyingKey) -> Result<T, Error> {
    object::open(bytes, key).map_err(|reason| Error::Object { what, path: path.to_owned(), reason })
}

/// The signed bytes of a value that keeps the rules of its kind.
pub(crate) fn sign<T: Kind>(what: &'static str, value: &T, key: &SigningKey) -> Result<Vec<u8>, Error> {
    value.check().map_err(|rule| Error::Unsignable { what, reason: ObjectError::Invalid(rule) })?;
    let bytes = object::sign(value, key);
    if bytes.len() > T::LIMIT {
        let reason = CodecError::TooLarge { found: bytes.len(), limit: T::LIMIT }.into();
        return Err(Error::Unsignable { what, reason });
    }
    Ok(bytes)
}
