//! `blindlist open`: single elements of a chunk, opened for an auditor who does not learn the seed (SPEC.md, "Evidence").
//!
//! [`open`] is the insurer's, [`verify`] the auditor's, who needs no profile. Which elements are opened follows from the
//! auditor's challenge. What is opened is personal data: it goes into the file, and to the auditor's standard output.

use std::fmt;
use std::path::{Path, PathBuf};

use blindlist_protocol::chunk::ChunkHeader;
use blindlist_protocol::evidence::{Openings, OpeningsError};
use blindlist_protocol::identifier::Said;
use blindlist_protocol::ids::JobId;
use blindlist_protocol::log::{Entry, Event};
use blindlist_protocol::params::MAX_OPENINGS;
use blindlist_protocol::signature::VerifyingKey;
use blindlist_store::file::{read_limited, write_atomic};

use crate::evidence::Evidence;
use crate::passphrases::passphrases;
use crate::replay::export::{self, Export};
use crate::replay::{chunks, files};
use crate::room::Room;
use crate::show::{moment, table};
use crate::{Caller, ClientError, EvidenceError, receipts};

/// What to open.
#[derive(Debug)]
pub struct OpenOptions<'a> {
    /// The folder of the evidence.
    pub evidence: &'a Path,
    /// The job.
    pub job: JobId,
    /// The chunk's number.
    pub chunk: u32,
    /// Its member file, among others.
    pub members: &'a [PathBuf],
    /// How many elements.
    pub sample: u32,
    /// What the auditor said.
    pub challenge: &'a str,
    /// The file to write.
    pub out: &'a Path,
    /// Files with passphrases of the evidence.
    pub passphrase_files: &'a [PathBuf],
}

/// Opens elements of a chunk.
///
/// # Errors
/// [`EvidenceError`], [`ClientError`].
pub fn open(options: &OpenOptions<'_>, caller: &Caller) -> Result<Openings, ClientError> {
    let job = Evidence::open(options.evidence, options.job)?;
    let about = job.about();
    if options.chunk >= about.chunks() {
        let (job, chunk, chunks) = (about.job, options.chunk, about.chunks());
        return Err(EvidenceError::NoChunk { job, chunk, chunks }.into());
    }
    let files = files(std::slice::from_ref(&job), options.members)?;
    let seed = job.seed(&passphrases(options.passphrase_files))?;
    let room = Room::new(options.evidence, None, Room::MEMORY);
    let (secret, mut chunks) = chunks(&job, &seed, &files, &room, caller)?;
    let failed = || ClientError::Internal("a chunk could not be made again");
    let items = loop {
        let chunk = chunks.next()?;
        if chunk.number == options.chunk {
            break chunk.items;
        }
    };
    let challenge = options.challenge.as_bytes();
    let which = (about.job, options.chunk);
    let openings = Openings::make(job.epoch(), which, &items, &secret, challenge, options.sample);
    let openings = openings.map_err(|_| failed())?;
    write_atomic(options.out, &openings.encode())?;
    Ok(openings)
}

/// What an auditor was shown, by its `Display`.
///
/// # Security
/// Personal data.
pub struct Verified {
    openings: Openings,
    header: ChunkHeader,
    /// The charge in the log, when one was looked for.
    charge: Option<Option<Found>>,
}

/// The charge of a chunk.
struct Found {
    index: u64,
    time: u64,
    insurer: String,
}

impl fmt::Debug for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verified({:?})", self.openings)
    }
}

/// Verifies openings for a challenge and a number, and looks their chunk up in a log with this key. [EVI-2]
///
/// # Errors
/// [`EvidenceError::Openings`]; those of reading the export.
pub fn verify(
    path: &Path,
    challenge: &str,
    sample: u32,
    log: Option<(&Path, VerifyingKey)>,
    caller: &Caller,
) -> Result<Verified, ClientError> {
    let refused = |source: OpeningsError| EvidenceError::Openings { path: path.to_owned(), source };
    let bytes = read_limited(path, MAX_OPENINGS as u64).map_err(ClientError::Unreadable)?;
    let openings = Openings::decode(&bytes).map_err(refused)?;
    let header = openings.verify(challenge.as_bytes(), sample).map_err(refused)?;
    let charge = log.map(|(path, key)| find(path, key, &header, caller)).transpose()?;
    Ok(Verified { openings, header, charge })
}

/// The charge of a chunk in a log, every entry of which is checked.
fn find(path: &Path, key: VerifyingKey, header: &ChunkHeader, caller: &Caller) -> Result<Option<Found>, ClientError> {
    let (mut found, mut names) = (None, std::collections::BTreeMap::new());
    let mut visit = |index: u64, _: &[u8], entry: &Entry, _: &Export| match &entry.event {
        Event::Enrolment { insurer, name, .. } => drop(names.insert(*insurer, name.to_string())),
        Event::Charge(charge) => {
            let same = (charge.epoch, charge.job, charge.number) == (header.epoch, header.job, header.number);
            if same && (charge.count, charge.digest) == (header.count, header.digest) {
                let insurer = names.get(&charge.insurer).cloned().unwrap_or_default();
                found = Some(Found { index, time: entry.time, insurer });
            }
        }
        Event::Refusal { .. }
        | Event::Keys { .. }
        | Event::Status { .. }
        | Event::Budget { .. }
        | Event::Epoch { .. }
        | Event::Release { .. }
        | Event::Retirement { .. }
        | Event::Succession { .. }
        | Event::Continuation { .. } => {}
    };
    export::audit(Export::open(path)?, &[key], &mut visit, caller)?;
    Ok(found)
}

impl Verified {
    /// Whether the log charges the chunk, when one was looked at.
    ///
    /// # Errors
    /// [`EvidenceError::NotCharged`].
    pub fn judge(&self) -> Result<(), ClientError> {
        match self.charge {
            Some(None) => Err(EvidenceError::NotCharged.into()),
            Some(Some(_)) | None => Ok(()),
        }
    }
}

/// What an opened element is, in words.
fn said(identifier: &[u8]) -> [String; 2] {
    if identifier.is_empty() {
        return ["padding".to_owned(), String::new()];
    }
    match Said::read(identifier) {
        Some(Said::Person(scheme, fields)) => {
            let fields: Vec<String> = fields.iter().map(|(field, text)| format!("{field}={text}")).collect();
            [scheme.to_string(), fields.join("  ")]
        }
        Some(Said::Canary(scheme, value)) => [format!("{scheme} canary"), receipts::hexadecimal(&value)],
        None => ["no identifier".to_owned(), receipts::hexadecimal(identifier)],
    }
}

impl fmt::Display for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rows = vec![["ELEMENT", "SCHEME", "IDENTIFIER"].map(str::to_owned).to_vec()];
        rows.extend(self.openings.openings.iter().map(|opening| {
            let [scheme, fields] = said(&opening.identifier);
            vec![opening.position.to_string(), scheme, fields]
        }));
        f.write_str(&table(&rows))?;
        let ChunkHeader { job, number, count, digest, epoch, .. } = &self.header;
        writeln!(f)?;
        writeln!(f, "opened   {} of {count} elements, as the challenge asks", self.openings.openings.len())?;
        writeln!(f, "chunk    {number} of the job {job}")?;
        writeln!(f, "epoch    {epoch}")?;
        writeln!(f, "digest   {digest}")?;
        match &self.charge {
            None => writeln!(f, "log      not looked at: --audit says whether the chunk was charged"),
            Some(None) => writeln!(f, "log      NOT charged"),
            Some(Some(Found { index, time, insurer })) => {
                writeln!(f, "log      charged to {insurer} at {}, entry {index}", moment(*time))
            }
        }
    }
}
