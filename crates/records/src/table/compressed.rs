//! The content of a file: its bytes, or what is compressed in them. Compression is known by the first bytes, never by the
//! name. Content is given piece by piece, so that a little file with endless content costs time and nothing else.

use std::{
    error::Error as StdError,
    fmt,
    io::{self, BufReader, Read},
    path::Path,
};

use flate2::bufread::MultiGzDecoder;

use super::{
    Digest, Progress,
    source::Source,
    zstd::{self, ZstdDecoder},
};
use crate::error::{Damage, TableError};

/// Compressed bytes read at a time.
const COMPRESSED_LEN: usize = 1 << 17;

/// How the bytes of a file are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// RFC 1952, of one member or several.
    Gzip,
    /// RFC 8878, of one frame or several.
    Zstd,
}

impl Compression {
    pub(super) fn of(first: &[u8]) -> Option<Self> {
        if first.starts_with(b"\x1f\x8b") {
            Some(Self::Gzip)
        } else if zstd::begins_frame(first) {
            Some(Self::Zstd)
        } else {
            None
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gzip => "gzip",
            Self::Zstd => "Zstandard",
        })
    }
}

/// What a file holds once it is decompressed.
pub(super) enum Content {
    Plain(Source),
    Gzip(Box<MultiGzDecoder<BufReader<Source>>>),
    Zstd(Box<ZstdDecoder<BufReader<Source>>>),
}

impl Content {
    /// `first` are the first bytes of the source.
    pub(super) fn new(source: Source, first: &[u8]) -> Self {
        let buffered = |source| BufReader::with_capacity(COMPRESSED_LEN, source);
        match Compression::of(first) {
            None => Self::Plain(source),
            Some(Compression::Gzip) => Self::Gzip(Box::new(MultiGzDecoder::new(buffered(source)))),
            Some(Compression::Zstd) => Self::Zstd(Box::new(ZstdDecoder::new(buffered(source)))),
        }
    }

    pub(super) fn compression(&self) -> Option<Compression> {
        match self {
            Self::Plain(_) => None,
            Self::Gzip(_) => Some(Compression::Gzip),
            Self::Zstd(_) => Some(Compression::Zstd),
        }
    }

    pub(super) fn path(&self) -> &Path {
        self.source().path()
    }

    /// How far reading of the file has come.
    pub(super) fn progress(&self) -> Progress {
        self.source().progress()
    }

    /// Reads until the buffer is full or the content ends, and returns the number of bytes read.
    pub(super) fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, TableError> {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            let read = match self {
                Self::Plain(source) => source.read(rest),
                Self::Gzip(decoder) => decoder.read(rest),
                Self::Zstd(decoder) => decoder.read(rest),
            };
            match read {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.failed(error)),
            }
        }
        Ok(filled)
    }

    /// The digest of the file as it is, compressed or not.
    pub(super) fn finish(self) -> Result<Digest, TableError> {
        match self {
            Self::Plain(source) => source.finish(),
            Self::Gzip(decoder) => decoder.into_inner().into_inner().finish(),
            Self::Zstd(decoder) => decoder.into_inner().into_inner().finish(),
        }
    }

    fn failed(&mut self, error: io::Error) -> TableError {
        let compression = self.compression();
        let source = self.source_mut();
        let path = source.path().to_owned();
        match (source.failure(), compression) {
            (Some(failure), _) => failure,
            (None, Some(compression)) => TableError::Damaged { path, compression, damage: damage(&error) },
            (None, None) => TableError::Read { path, reason: error },
        }
    }

    fn source(&self) -> &Source {
        match self {
            Self::Plain(source) => source,
            Self::Gzip(decoder) => decoder.get_ref().get_ref(),
            Self::Zstd(decoder) => decoder.get_ref().get_ref(),
        }
    }

    fn source_mut(&mut self) -> &mut Source {
        match self {
            Self::Plain(source) => source,
            Self::Gzip(decoder) => decoder.get_mut().get_mut(),
            Self::Zstd(decoder) => decoder.get_mut().get_mut(),
        }
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Content")
            .field("source", self.source())
            .field("compression", &self.compression())
            .finish_non_exhaustive()
    }
}

/// What a decoder's error comes from: the causes of errors are errors of their own.
fn damage(error: &io::Error) -> Damage {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(damage) = error.downcast_ref::<Damage>() {
            return *damage;
        }
        let inner = error.downcast_ref::<io::Error>();
        if inner.is_some_and(|error| error.kind() == io::ErrorKind::UnexpectedEof) {
            return Damage::Truncated;
        }
        // An `io::Error` names the cause of its inner error, not the inner error itself.
        cause = match inner.and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    Damage::Damaged
}
