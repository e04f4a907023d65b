//! Takes the bytes of an exchange file in whatever pieces they come. [EXC-1]

use super::writer::signed;
use super::{ExchangeError, Header, sha256};
use crate::codec;
use crate::ids::Digest;
use crate::params::MAX_EXCHANGE_HEADER;
use crate::signature::{BadSignature, Signature, VerifyingKey};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fmt;
use std::mem;

/// Bytes of a frame's length.
const LENGTH: usize = 4;
/// Bytes of the signature.
const SIGNATURE: usize = 64;

/// An exchange file that is being read. It holds what it has of the frame at hand, and where each one before it stands.
pub struct Reader<H> {
    next: Next,
    /// The part of it that came so far.
    held: Vec<u8>,
    /// Bytes before it.
    offset: u64,
    hash: Sha256,
    header: Option<H>,
    places: BTreeMap<Digest, Place>,
    sealed: Option<(Vec<u8>, Signature)>,
}

/// What comes next.
#[derive(Clone, Copy)]
enum Next {
    Line,
    Length,
    Content(usize),
    Signature,
    Nothing,
}

/// Where a frame's content stands in its file, and what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its first byte.
    pub offset: u64,
    /// Its bytes.
    pub length: usize,
    /// Their SHA-256: what is read there later must be the same.
    digest: Digest,
}

impl Place {
    /// Whether these bytes, which were read there again, are still the same.
    pub fn has(&self, content: &[u8]) -> bool {
        sha256(content) == self.digest
    }
}

/// A frame, read.
#[derive(Debug)]
pub struct Frame<M> {
    /// The digest of the question that it is about.
    pub question: Digest,
    /// What it says.
    pub message: M,
    /// Where it stands.
    pub place: Place,
}

/// A file that was read to its end. Who signed it is still to be verified.
pub struct Sealed<H> {
    /// Its header.
    pub header: H,
    /// SHA-256 of all of it.
    pub digest: Digest,
    /// Where its frames stand, by the digests of the questions that they are about.
    pub places: BTreeMap<Digest, Place>,
    message: Vec<u8>,
    signature: Signature,
}

impl<H> fmt::Debug for Reader<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reader({} frames)", self.places.len())
    }
}

impl<H> fmt::Debug for Sealed<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} frames, {})", self.places.len(), self.digest)
    }
}

impl<H: Header> Default for Reader<H> {
    fn default() -> Self {
        Self {
            next: Next::Line,
            held: Vec::new(),
            offset: 0,
            hash: Sha256::new(),
            header: None,
            places: BTreeMap::new(),
            sealed: None,
        }
    }
}

impl<H: Header> Reader<H> {
    /// Takes bytes, in the order of the file, until a frame is whole; none when all of them are taken before that. What was
    /// taken is gone from `bytes`: it is to be called again with the rest.
    ///
    /// # Errors
    /// [`ExchangeError`]: the file is to be given up.
    pub fn push(&mut self, bytes: &mut &[u8]) -> Result<Option<Frame<H::Message>>, ExchangeError> {
        while !bytes.is_empty() {
            let Some(part) = self.take(bytes)? else { break };
            if let Some(frame) = self.part(&part)? {
                return Ok(Some(frame));
            }
        }
        Ok(None)
    }

    /// The header, once it was read.
    pub fn header(&self) -> Option<&H> {
        self.header.as_ref()
    }

    /// Ends the reading, where the file ends.
    ///
    /// # Errors
    /// [`ExchangeError::CutShort`], or [`ExchangeError::Line`] for what ends within its line.
    pub fn finish(self) -> Result<Sealed<H>, ExchangeError> {
        let (Some(header), Some((message, signature))) = (self.header, self.sealed) else {
            let is_line = matches!(self.next, Next::Line);
            return Err(if is_line { ExchangeError::Line } else { ExchangeError::CutShort });
        };
        let digest = Digest::from_bytes(self.hash.finalize().into());
        Ok(Sealed { header, digest, places: self.places, message, signature })
    }

    /// The next part of the file, once all of it is there. Its memory grows as the bytes come.
    fn take(&mut self, bytes: &mut &[u8]) -> Result<Option<Vec<u8>>, ExchangeError> {
        let wanted = match self.next {
            Next::Line => H::LINE.len(),
            Next::Length => LENGTH,
            Next::Content(length) => length,
            Next::Signature => SIGNATURE,
            Next::Nothing => return Err(ExchangeError::Trailing),
        };
        let (taken, rest) = bytes.split_at_checked(wanted - self.held.len()).unwrap_or((*bytes, &[]));
        *bytes = rest;
        self.held.extend_from_slice(taken);
        Ok((self.held.len() == wanted).then(|| mem::take(&mut self.held)))
    }

    /// A part that is whole; a frame, if it is one.
    fn part(&mut self, part: &[u8]) -> Result<Option<Frame<H::Message>>, ExchangeError> {
        let offset = self.offset;
        self.offset += part.len() as u64;
        let before = matches!(self.next, Next::Signature).then(|| signed::<H>(&self.hash));
        self.hash.update(part);
        match self.next {
            Next::Line if part != H::LINE => return Err(ExchangeError::Line),
            Next::Line => self.next = Next::Length,
            Next::Length => self.next = self.after_length(part)?,
            Next::Content(_) => {
                self.next = Next::Length;
                if self.header.is_some() {
                    return self.frame(offset, part).map(Some);
                }
                self.header = Some(header(part)?);
            }
            Next::Signature => {
                self.next = Next::Nothing;
                let signature = part.first_chunk().map(|bytes| Signature::from_bytes(*bytes));
                self.sealed = before.zip(signature);
            }
            Next::Nothing => return Err(ExchangeError::Trailing),
        }
        Ok(None)
    }

    fn after_length(&self, part: &[u8]) -> Result<Next, ExchangeError> {
        let length = part.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let limit = if self.header.is_some() { H::LIMIT } else { MAX_EXCHANGE_HEADER };
        let frames = u32::try_from(self.places.len()).unwrap_or(u32::MAX);
        match length {
            0 if self.header.is_none() => Err(ExchangeError::Header),
            0 if frames < H::COUNT.0 => Err(ExchangeError::Count),
            0 => Ok(Next::Signature),
            found if found > limit => Err(ExchangeError::TooLong { found, limit }),
            _ if self.header.is_some() && frames >= H::COUNT.1 => Err(ExchangeError::Count),
            _ => Ok(Next::Content(length)),
        }
    }

    fn frame(&mut self, offset: u64, content: &[u8]) -> Result<Frame<H::Message>, ExchangeError> {
        let (question, message) = H::read(content)?;
        let place = Place { offset, length: content.len(), digest: sha256(content) };
        if self.places.insert(question, place).is_some() {
            return Err(ExchangeError::Twice);
        }
        Ok(Frame { question, message, place })
    }
}

fn header<H: Header>(content: &[u8]) -> Result<H, ExchangeError> {
    let header: Option<H> = codec::decode(content, MAX_EXCHANGE_HEADER).ok();
    header.filter(Header::holds).ok_or(ExchangeError::Header)
}

impl<H: Header> Sealed<H> {
    /// Verifies that this key signed the file.
    ///
    /// # Errors
    /// [`BadSignature`].
    pub fn verify(&self, key: &VerifyingKey) -> Result<(), BadSignature> {
        key.verify(&self.message, &self.signature)
    }

    /// The places of all frames in the order of the file.
    pub fn in_order(&self) -> Vec<(Digest, Place)> {
        let mut all: Vec<_> = self.places.iter().map(|(question, place)| (*question, *place)).collect();
        all.sort_unstable_by_key(|(_, place)| place.offset);
        all
    }
}
