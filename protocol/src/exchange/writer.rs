//! Gives the bytes of an exchange file, piece by piece.

use super::{Answers, ExchangeError, Header, Questions};
use crate::codec;
use crate::ids::Digest;
use crate::message::{Request, Response};
use crate::params::MAX_EXCHANGE_HEADER;
use crate::signature::SigningKey;
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::marker::PhantomData;

/// An exchange file that is being written. What each call returns is to be appended to the file.
pub struct Writer<H> {
    hash: Sha256,
    frames: u32,
    kind: PhantomData<H>,
}

impl<H> fmt::Debug for Writer<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Writer({} frames)", self.frames)
    }
}

impl<H: Header> Writer<H> {
    /// Begins a file: its line and its header.
    ///
    /// # Errors
    /// [`ExchangeError::Header`] for a header that breaks a rule.
    pub fn begin(header: &H) -> Result<(Self, Vec<u8>), ExchangeError> {
        let encoded = codec::encode(header);
        if !header.holds() || encoded.len() > MAX_EXCHANGE_HEADER {
            return Err(ExchangeError::Header);
        }
        let bytes = [H::LINE, &framed(&encoded)?].concat();
        let hash = Sha256::new().chain_update(&bytes);
        Ok((Self { hash, frames: 0, kind: PhantomData }, bytes))
    }

    /// How many frames there are so far.
    pub fn frames(&self) -> u32 {
        self.frames
    }

    fn frame(&mut self, content: &[u8]) -> Result<Vec<u8>, ExchangeError> {
        if self.frames >= H::COUNT.1 {
            return Err(ExchangeError::Count);
        }
        if content.len() > H::LIMIT {
            return Err(ExchangeError::TooLong { found: content.len(), limit: H::LIMIT });
        }
        let bytes = framed(content)?;
        self.frames += 1;
        self.hash.update(&bytes);
        Ok(bytes)
    }

    /// Ends the file: its last bytes, and the digest of all of it. Deterministic.
    ///
    /// # Errors
    /// [`ExchangeError::Count`] when it has no frame and should have one.
    pub fn finish(mut self, key: &SigningKey) -> Result<(Vec<u8>, Digest), ExchangeError> {
        if self.frames < H::COUNT.0 {
            return Err(ExchangeError::Count);
        }
        let mut end = 0_u32.to_le_bytes().to_vec();
        self.hash.update(&end);
        let signature = key.sign(&signed::<H>(&self.hash));
        self.hash.update(signature.as_bytes());
        end.extend_from_slice(signature.as_bytes());
        Ok((end, Digest::from_bytes(self.hash.finalize().into())))
    }
}

impl Writer<Questions> {
    /// Adds a chunk, which must not be in the file yet.
    ///
    /// # Errors
    /// [`ExchangeError::NotAChunk`], [`ExchangeError::Count`].
    pub fn question(&mut self, request: &Request) -> Result<Vec<u8>, ExchangeError> {
        if !matches!(request, Request::Evaluate(_)) {
            return Err(ExchangeError::NotAChunk);
        }
        self.frame(&request.encode())
    }
}

impl Writer<Answers> {
    /// Adds the answer to the question with this digest, which must not be answered in the file yet.
    ///
    /// # Errors
    /// [`ExchangeError::Count`], [`ExchangeError::TooLong`].
    pub fn answer(&mut self, question: &Digest, response: &Response) -> Result<Vec<u8>, ExchangeError> {
        self.frame(&[&question.as_bytes()[..], &response.encode()].concat())
    }
}

/// LE32(length) ‖ content.
fn framed(content: &[u8]) -> Result<Vec<u8>, ExchangeError> {
    let too_long = |_| ExchangeError::TooLong { found: content.len(), limit: u32::MAX as usize };
    let length = u32::try_from(content.len()).map_err(too_long)?;
    Ok([&length.to_le_bytes()[..], content].concat())
}

/// What is signed: domain ‖ SHA-256 of all before the signature.
pub(super) fn signed<H: Header>(before: &Sha256) -> Vec<u8> {
    [H::DOMAIN, before.clone().finalize().as_slice()].concat()
}
