//! A checkpoint as a file: a signed note of C2SP, with the signatures of witnesses (SPEC.md, "Checkpoints").

use super::{BASE64, Checkpoint};
use crate::ids::{Digest, LedgerId};
use crate::params::{CHECKPOINT_DOMAIN, MAX_NOTE, MAX_NOTE_SIGNATURES};
use crate::signature::{Signature, SigningKey, VerifyingKey};
use base64::Engine as _;
use sha2::{Digest as _, Sha256};
use std::fmt;

/// A checkpoint that the log's key signed, and the signatures of others that stand below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    checkpoint: Checkpoint,
    /// Lines of signatures, as they came; the log's own is among them.
    signatures: Vec<String>,
}

/// Why a text is not the note of a log's checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// It has another form.
    #[error("it is not the note of a checkpoint")]
    Malformed,
    /// The log's key did not sign it.
    #[error("the log's key did not sign it")]
    Signature,
    /// No more signatures fit.
    #[error("a note has at most {MAX_NOTE_SIGNATURES} signatures")]
    Full,
    /// A name that cannot stand in a note.
    #[error("the name of a witness has no spaces and no plus sign")]
    Name,
}

/// What makes the first byte of a key's identity: how it signs.
#[derive(Clone, Copy)]
enum Algorithm {
    /// The text itself.
    Ed25519 = 1,
    /// The text and when it was seen.
    Cosignature = 4,
}

/// The first bytes of SHA-256(name ‖ newline ‖ algorithm ‖ key), by which a signature's line names its key.
fn key_id(name: &str, algorithm: Algorithm, key: &VerifyingKey) -> [u8; 4] {
    let hash = Sha256::new().chain_update(name).chain_update([b'\n', algorithm as u8]).chain_update(key.as_bytes());
    let hash: [u8; 32] = hash.finalize().into();
    *hash.first_chunk().expect("a hash has 32 bytes")
}

/// The public key of a witness in the form of C2SP's `signed-note`: `NAME+ID+KEY`.
///
/// # Errors
/// [`NoteError::Name`].
pub fn witness_key(name: &str, key: &VerifyingKey) -> Result<String, NoteError> {
    if !is_name(name) {
        return Err(NoteError::Name);
    }
    let id = u32::from_be_bytes(key_id(name, Algorithm::Cosignature, key));
    let typed = [&[Algorithm::Cosignature as u8], key.as_bytes().as_slice()].concat();
    Ok(format!("{name}+{id:08x}+{}", BASE64.encode(typed)))
}

fn line(name: &str, parts: &[&[u8]]) -> String {
    format!("\u{2014} {name} {}\n", BASE64.encode(parts.concat()))
}

/// The name and the bytes of a line of a signature.
fn signature(line: &str) -> Option<(&str, Vec<u8>)> {
    let (name, encoded) = line.strip_prefix("\u{2014} ")?.split_once(' ')?;
    let bytes = BASE64.decode(encoded).ok().filter(|bytes| bytes.len() > 4)?;
    is_name(name).then_some((name, bytes))
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c.is_control() || c == '+')
}

/// A number in its one decimal form.
fn number(text: &str) -> Option<u64> {
    text.parse().ok().filter(|number: &u64| number.to_string() == text)
}

/// What a cosignature signs: when, and the text.
fn witnessed(time: u64, checkpoint: &Checkpoint) -> Vec<u8> {
    format!("cosignature/v1\ntime {time}\n{}", checkpoint.text()).into_bytes()
}

impl Note {
    /// The note of a checkpoint, which `key` must have signed, without other signatures.
    ///
    /// # Errors
    /// [`NoteError::Signature`].
    pub fn new(checkpoint: Checkpoint, key: &VerifyingKey) -> Result<Self, NoteError> {
        checkpoint.verify(key).map_err(|_| NoteError::Signature)?;
        let (origin, id) = (checkpoint.origin(), key_id(&checkpoint.origin(), Algorithm::Ed25519, key));
        let own = line(&origin, &[&id, checkpoint.signature.as_bytes()]);
        Ok(Self { checkpoint, signatures: vec![own] })
    }

    /// The note of this text, if the log's key signed it exactly once. Lines of keys that are not known are kept unread.
    ///
    /// # Errors
    /// [`NoteError::Malformed`], [`NoteError::Signature`].
    pub fn open(text: &str, key: &VerifyingKey) -> Result<Self, NoteError> {
        let (mut checkpoint, lines) = parse(text).ok_or(NoteError::Malformed)?;
        let (origin, log) = (checkpoint.origin(), key_id(&checkpoint.origin(), Algorithm::Ed25519, key));
        let mut own = Vec::new();
        for line in &lines {
            let (name, bytes) = signature(line).ok_or(NoteError::Malformed)?;
            let signature = bytes.strip_prefix(&log).filter(|_| name == origin);
            own.extend(signature.map(<[u8; 64]>::try_from));
        }
        let [Ok(signature)] = own.as_slice() else { return Err(NoteError::Signature) };
        checkpoint.signature = Signature::from_bytes(*signature);
        checkpoint.verify(key).map_err(|_| NoteError::Signature)?;
        Ok(Self { checkpoint, signatures: lines.iter().map(|line| format!("{line}\n")).collect() })
    }

    /// The checkpoint that a note seems to be of, before its signatures are looked at.
    ///
    /// # Errors
    /// [`NoteError::Malformed`].
    pub fn ledger_of(text: &str) -> Result<LedgerId, NoteError> {
        parse(text).map(|(checkpoint, _)| checkpoint.ledger).ok_or(NoteError::Malformed)
    }

    /// The checkpoint that a note of one's own is of, whose key may have been replaced since: without its signature.
    ///
    /// # Errors
    /// [`NoteError::Malformed`].
    pub fn unverified(text: &str) -> Result<Checkpoint, NoteError> {
        parse(text).map(|(checkpoint, _)| checkpoint).ok_or(NoteError::Malformed)
    }

    /// The checkpoint.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Adds a witness's signature. `time` is in seconds since 1970.
    ///
    /// # Errors
    /// [`NoteError::Name`], [`NoteError::Full`].
    pub fn cosign(&mut self, name: &str, time: u64, key: &SigningKey) -> Result<(), NoteError> {
        if !is_name(name) {
            return Err(NoteError::Name);
        }
        let id = key_id(name, Algorithm::Cosignature, &key.verifying());
        let signed = key.sign(&witnessed(time, &self.checkpoint));
        let line = line(name, &[&id, &time.to_be_bytes(), signed.as_bytes()]);
        if self.signatures.len() == MAX_NOTE_SIGNATURES || self.to_string().len() + line.len() > MAX_NOTE {
            return Err(NoteError::Full);
        }
        self.signatures.push(line);
        Ok(())
    }

    /// When the witness with this name and key signed it, in seconds since 1970, if it did.
    pub fn cosigned(&self, name: &str, key: &VerifyingKey) -> Option<u64> {
        let id = key_id(name, Algorithm::Cosignature, key);
        self.signatures.iter().find_map(|line| {
            let (found, bytes) = signature(line.trim_end_matches('\n'))?;
            let (time, signed) = bytes.strip_prefix(&id)?.split_first_chunk::<8>()?;
            let time = u64::from_be_bytes(*time);
            let signature = Signature::from_bytes(signed.try_into().ok()?);
            let holds = key.verify(&witnessed(time, &self.checkpoint), &signature).is_ok();
            (found == name && holds).then_some(time)
        })
    }
}

/// The text and the lines of signatures below it.
fn parse(text: &str) -> Option<(Checkpoint, Vec<&str>)> {
    if text.len() > MAX_NOTE {
        return None;
    }
    let (head, signatures) = text.strip_suffix('\n')?.split_once("\n\n")?;
    let lines: Vec<&str> = head.split('\n').collect();
    let &[origin, size, root, time] = lines.as_slice() else { return None };
    let root: [u8; 32] = BASE64.decode(root).ok()?.try_into().ok()?;
    let checkpoint = Checkpoint {
        ledger: origin.strip_prefix(CHECKPOINT_DOMAIN)?.parse().ok()?,
        size: number(size)?,
        root: Digest::from_bytes(root),
        time: number(time.strip_prefix("blindlist time ")?)?,
        signature: Signature::from_bytes([0; 64]),
    };
    let signatures: Vec<&str> = signatures.split('\n').collect();
    (signatures.len() <= MAX_NOTE_SIGNATURES).then_some((checkpoint, signatures))
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", self.checkpoint.text(), self.signatures.concat())
    }
}

#[cfg(test)]
mod tests;
