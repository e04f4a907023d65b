//! A file of questions, verified to its last byte before any of them is asked. [EXC-2]
//!
//! What is remembered of a question is where it stands and its hash: what is read there later is answered only if it is
//! still the same. [EXC-3]

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use blindlist_protocol::exchange::{ExchangeError, Frame, Place, Questions, Reader, Sealed};
use blindlist_protocol::message::Request;
use blindlist_protocol::refusal::RefusalCode;
use blindlist_protocol::signature::VerifyingKey;
use blindlist_protocol::text::Slug;
use blindlist_store::StoreError;

use super::AnswerError;
use crate::Error;
use crate::insurers::certificate_end;
use crate::ledger::{Insurer, Status};
use crate::outside::now;
use crate::service::Service;

/// Bytes that are read at once.
const BUFFER: usize = 64 << 10;

/// A file of questions that may be answered.
#[derive(Debug)]
pub(super) struct Verified {
    path: PathBuf,
    file: File,
    pub(super) sealed: Sealed<Questions>,
    pub(super) insurer: Insurer,
}

impl Verified {
    /// Reads and verifies all of it: who asks, that it signed all of it, and that each question may be asked.
    pub(super) async fn read(path: &Path, service: &Service) -> Result<Self, Error> {
        let file = open(path)?;
        let mut insurer = None;
        let mut number = 0;
        let mut reading = Reading::new(path, &file);
        while let Some(frame) = reading.next()? {
            // The header comes first, so that nobody else's questions are looked at.
            let asking = match insurer.take() {
                Some(insurer) => insurer,
                None => asking(path, service, reading.header()?).await?,
            };
            number += 1;
            check(path, service, &asking, number, &frame.message).await?;
            insurer = Some(asking);
        }
        let sealed = reading.finish()?;
        // A file has a question at least, so somebody asked.
        let insurer =
            insurer.ok_or(AnswerError::NotQuestions { path: path.to_owned(), reason: ExchangeError::Count })?;
        let key = VerifyingKey::from_bytes(insurer.signing_key);
        let name = name(&insurer)?;
        sealed.verify(&key).map_err(|_| AnswerError::Signature { path: path.to_owned(), name })?;
        Ok(Self { path: path.to_owned(), file, sealed, insurer })
    }

    /// The bytes of a question, if they are those that were verified.
    pub(super) fn question(&self, place: &Place) -> Result<Vec<u8>, Error> {
        let changed = || AnswerError::Changed { path: self.path.clone() };
        let mut bytes = vec![0; place.length];
        match self.file.read_exact_at(&mut bytes, place.offset) {
            Ok(()) if place.has(&bytes) => Ok(bytes),
            Err(source) if source.kind() != io::ErrorKind::UnexpectedEof => Err(unread(&self.path, source)),
            Ok(()) | Err(_) => Err(changed().into()),
        }
    }
}

fn open(path: &Path) -> Result<File, Error> {
    // Opening a pipe would wait for its writer.
    let found = std::fs::metadata(path).map_err(|source| unread(path, source))?;
    if !found.is_file() {
        return Err(AnswerError::NotAFile { path: path.to_owned() }.into());
    }
    File::open(path).map_err(|source| unread(path, source))
}

/// The insurer that a file says it is from, if it may be answered. [EVA-1]
async fn asking(path: &Path, service: &Service, header: &Questions) -> Result<Insurer, Error> {
    let path = || path.to_owned();
    if header.operator_key != service.operator_key() {
        return Err(AnswerError::OtherOperator { path: path() }.into());
    }
    let ledger = service.ledger();
    let all = ledger.insurers().await?;
    let found = all.into_iter().find(|insurer| insurer.id == *header.insurer.as_bytes());
    let insurer = found.ok_or_else(|| AnswerError::UnknownInsurer { path: path() })?;
    may_be_answered(service, &insurer).await?;
    Ok(insurer)
}

/// Requires that an insurer is answered over the network too.
pub(super) async fn may_be_answered(service: &Service, insurer: &Insurer) -> Result<(), Error> {
    let changes = service.ledger().changes().await?.get(&insurer.id).copied().unwrap_or_default();
    let status = match (changes.revoked, insurer.status) {
        (Some(_), _) => "revoked",
        (None, Status::Suspended) => "suspended",
        // TLS would refuse it.
        (None, Status::Active) if certificate_end(insurer, changes) <= now()? => "without a valid certificate",
        (None, Status::Active) => return Ok(()),
    };
    Err(AnswerError::NotAnswered { name: name(insurer)?, status }.into())
}

/// Requires that a question may be asked by the insurer.
async fn check(path: &Path, service: &Service, insurer: &Insurer, number: u64, request: &Request) -> Result<(), Error> {
    let Request::Evaluate(request) = request else {
        return Err(AnswerError::NotQuestions { path: path.to_owned(), reason: ExchangeError::NotAChunk }.into());
    };
    let key = VerifyingKey::from_bytes(insurer.signing_key);
    service.check_question(&key, request).await.map_err(|refusal| {
        let code = refusal.code;
        let error = if matches!(code, RefusalCode::Busy | RefusalCode::RateLimited) {
            AnswerError::Busy(code)
        } else if code == RefusalCode::Internal {
            AnswerError::Failed
        } else {
            AnswerError::Question { path: path.to_owned(), number, code }
        };
        error.into()
    })
}

pub(super) fn name(insurer: &Insurer) -> Result<Slug, Error> {
    // The ledger holds none that is no name.
    insurer.name.parse().map_err(|_| AnswerError::Failed.into())
}

fn unread(path: &Path, source: io::Error) -> Error {
    Error::Unreadable(StoreError::io("read", path, source))
}

/// A file that is read frame by frame.
struct Reading<'a> {
    path: &'a Path,
    file: &'a File,
    reader: Reader<Questions>,
    buffer: Vec<u8>,
    /// What of the buffer is still to be taken.
    left: (usize, usize),
}

impl<'a> Reading<'a> {
    fn new(path: &'a Path, file: &'a File) -> Self {
        Self { path, file, reader: Reader::default(), buffer: vec![0; BUFFER], left: (0, 0) }
    }

    fn wrong(&self, reason: ExchangeError) -> Error {
        AnswerError::NotQuestions { path: self.path.to_owned(), reason }.into()
    }

    /// The next frame; none at the end.
    fn next(&mut self) -> Result<Option<Frame<Request>>, Error> {
        loop {
            let mut rest = self.buffer.get(self.left.0..self.left.1).unwrap_or_default();
            let frame = self.reader.push(&mut rest);
            self.left.0 = self.left.1 - rest.len();
            if let Some(frame) = frame.map_err(|reason| self.wrong(reason))? {
                return Ok(Some(frame));
            }
            match self.file.read(&mut self.buffer) {
                Ok(0) => return Ok(None),
                Ok(read) => self.left = (0, read),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => self.left = (0, 0),
                Err(source) => return Err(unread(self.path, source)),
            }
        }
    }

    /// The header, which comes before every frame.
    fn header(&self) -> Result<&Questions, Error> {
        self.reader.header().ok_or_else(|| self.wrong(ExchangeError::Header))
    }

    fn finish(self) -> Result<Sealed<Questions>, Error> {
        let path = self.path.to_owned();
        self.reader.finish().map_err(|reason| AnswerError::NotQuestions { path, reason }.into())
    }
}
