//! The channel over a file of answers (SPEC.md, "Exchange files"): nothing is sent, and what is not in the file has no
//! answer.
//!
//! The file is read once from its first byte to its last, and where each answer stands is remembered. An answer is read
//! there when it is asked for, and only if it is still the same. Who signed the file is for [`crate::exchange`].

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use blindlist_protocol::exchange::{self, Answers, ExchangeError, Header as _, Reader, Sealed};
use blindlist_protocol::message::{Request, Response};
use blindlist_protocol::refusal::RefusalCode;
use blindlist_store::StoreError;

use super::{Channel, ChannelError, unless_refused};
use crate::caller::Unit;
use crate::exchange::ExchangeFault;
use crate::{Caller, ClientError};

/// Bytes that are read at once.
const BUFFER: usize = 64 << 10;

/// A file of answers, whole.
pub struct FileChannel {
    path: PathBuf,
    file: File,
    sealed: Sealed<Answers>,
}

impl fmt::Debug for FileChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileChannel").field("path", &self.path).finish_non_exhaustive()
    }
}

impl FileChannel {
    /// Reads all of a file.
    ///
    /// # Errors
    /// [`ExchangeFault::NotAnswers`], [`ClientError::NotAFile`], [`ClientError::Unreadable`], [`ClientError::Interrupted`].
    pub fn open(path: &Path, caller: &Caller) -> Result<Self, ClientError> {
        let unread = |source| ClientError::Unreadable(StoreError::io("read", path, source));
        let wrong = |reason| ExchangeFault::NotAnswers { path: path.to_owned(), reason };
        // Opening a pipe would wait for its writer.
        let found = std::fs::metadata(path).map_err(unread)?;
        if !found.is_file() {
            return Err(ClientError::NotAFile(path.to_owned()));
        }
        let mut file = File::open(path).map_err(unread)?;
        let meter = caller.meter("reading the answers", Unit::Bytes, found.len());
        let (mut reader, mut buffer) = (Reader::<Answers>::default(), vec![0; BUFFER]);
        loop {
            caller.check()?;
            let read = match file.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(source) => return Err(unread(source)),
            };
            let mut rest = buffer.get(..read).unwrap_or_default();
            while !rest.is_empty() {
                reader.push(&mut rest).map_err(wrong)?;
            }
            meter.add(read as u64);
        }
        let sealed = reader.finish().map_err(wrong)?;
        Ok(Self { path: path.to_owned(), file, sealed })
    }

    /// The file, read: its header, and what it takes to verify it.
    pub fn sealed(&self) -> &Sealed<Answers> {
        &self.sealed
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The answer to a request, refusals too; none if it is not in the file.
    ///
    /// # Errors
    /// [`ChannelError::FileChanged`], [`ChannelError::Malformed`].
    pub(crate) fn answer(&self, request: &Request) -> Result<Option<Response>, ChannelError> {
        let Some(place) = self.sealed.places.get(&exchange::question(request)) else { return Ok(None) };
        let mut content = vec![0; place.length];
        let read = self.file.read_exact_at(&mut content, place.offset);
        if read.is_err() || !place.has(&content) {
            return Err(ChannelError::FileChanged);
        }
        match Answers::read(&content) {
            Ok((_, response)) => Ok(Some(response)),
            Err(ExchangeError::Content(error)) => Err(error.into()),
            // It was read so before.
            Err(_) => Err(ChannelError::FileChanged),
        }
    }
}

impl Channel for FileChannel {
    async fn call(&self, request: Request) -> Result<Response, ChannelError> {
        match self.answer(&request)? {
            None => Err(missing(&request)),
            Some(response) => unless_refused(response),
        }
    }
}

/// What it means that a file does not answer a request. What every file answers that the operator can [EXC-4], it refuses.
fn missing(request: &Request) -> ChannelError {
    ChannelError::NotInFile(match request {
        Request::Object(_) | Request::Succession(_) | Request::Checkpoint(_) => {
            return ChannelError::Refused(RefusalCode::UnknownObject.into());
        }
        Request::Catalog => "no catalog; ask the operator for another file",
        Request::Segment { .. } => {
            "not the index of a list that this profile has not got yet; ask the operator to answer the same questions again with \
             `blindlistd answer --with-indexes`, which costs nothing"
        }
        Request::Account(_) => "no account; ask the operator for another file",
        Request::Evaluate(_) => {
            "no answer to a chunk of this check: run `blindlist request` again and have that answered; what was answered before \
             is not charged again"
        }
        Request::Consistency { .. } => {
            "nothing that leads from what this profile remembers of the operator's audit log to where it is now: run `blindlist \
             request` again and have that answered, which costs nothing"
        }
        Request::Inclusion { .. } => {
            "nothing that shows a receipt to be in the operator's audit log: run `blindlist request` again and have that \
             answered, which costs nothing"
        }
    })
}
