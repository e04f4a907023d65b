//! An export of a log as a file, read line by line (SPEC.md, "Exports").

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use blindlist_protocol::checkpoint::note::Note;
use blindlist_protocol::ids::LedgerId;
use blindlist_protocol::log::audit::Auditor;
use blindlist_protocol::log::export::{ExportError, Line, MAX_LINE, Reader};
use blindlist_protocol::log::tree::Head;
use blindlist_protocol::log::{Entry, Event};
use blindlist_protocol::signature::VerifyingKey;
use blindlist_store::StoreError;

use crate::caller::Unit;
use crate::{Caller, ClientError, EvidenceError};

/// An export that is being read.
pub(crate) struct Export {
    path: PathBuf,
    input: BufReader<File>,
    bytes: u64,
    length: u64,
    /// The number of the line read last, from 1.
    line: u64,
    reader: Reader,
}

impl Export {
    /// Opens a file and reads its first line.
    pub(crate) fn open(path: &Path) -> Result<Self, ClientError> {
        let failed = |source| ClientError::Unreadable(StoreError::io("read", path, source));
        let file = File::open(path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        let mut input = BufReader::new(file);
        let first = line(&mut input).map_err(failed)?.unwrap_or_default();
        let (path, bytes) = (path.to_owned(), first.len() as u64);
        let reader = Reader::new(&first);
        let reader = reader.map_err(|source| EvidenceError::Export { path: path.clone(), line: 1, source })?;
        Ok(Self { path, input, bytes, length, line: 1, reader })
    }

    /// Its ledger.
    pub(crate) fn ledger(&self) -> LedgerId {
        *self.reader.ledger()
    }

    /// The size and root of the entries read so far.
    pub(crate) fn head(&self) -> Head {
        self.reader.head()
    }

    /// Reads the next line. The last one is verified under one of the log's keys, and nothing comes after it.
    pub(crate) fn next(&mut self, keys: &[VerifyingKey]) -> Result<Line, ClientError> {
        let Some(line) = self.line()? else { return Err(EvidenceError::ExportEnds(self.path.clone()).into()) };
        let mut read = Err(ExportError::Malformed);
        for key in keys {
            read = self.reader.read(&line, key);
            // An entry is read whatever the key is.
            if !matches!(read, Err(ExportError::Note(_))) {
                break;
            }
        }
        let failed = |source| EvidenceError::Export { path: self.path.clone(), line: self.line, source };
        let read = read.map_err(failed)?;
        if matches!(read, Line::End(_)) && self.line()?.is_some() {
            let source = ExportError::Malformed;
            return Err(EvidenceError::Export { path: self.path.clone(), line: self.line, source }.into());
        }
        Ok(read)
    }

    fn line(&mut self) -> Result<Option<String>, ClientError> {
        let read = line(&mut self.input);
        let read = read.map_err(|source| ClientError::Unreadable(StoreError::io("read", &self.path, source)))?;
        if let Some(line) = &read {
            self.line += 1;
            self.bytes += line.len() as u64;
        }
        Ok(read)
    }
}

/// The next line with its end, at most one byte longer than is allowed; none at the end of the file.
fn line(input: &mut impl BufRead) -> std::io::Result<Option<String>> {
    let mut bytes = Vec::new();
    input.take(MAX_LINE as u64 + 1).read_until(b'\n', &mut bytes)?;
    // What is no UTF-8 is no JSON either.
    Ok((!bytes.is_empty()).then(|| String::from_utf8_lossy(&bytes).into_owned()))
}

/// What is made of each entry: its index, its bytes, what it says, and the tree with it.
pub(crate) type Visit<'a> = &'a mut dyn FnMut(u64, &[u8], &Entry, &Export);

/// Reads an export to its end, and every entry as an auditor does: the first that breaks a rule is named. [AUD-2], [AUD-10]
pub(crate) fn audit(
    mut export: Export,
    keys: &[VerifyingKey],
    visit: Visit<'_>,
    caller: &Caller,
) -> Result<Note, ClientError> {
    let mut auditor = Auditor::default();
    let meter = caller.meter("reading the log", Unit::Bytes, export.length);
    loop {
        caller.check()?;
        match export.next(keys)? {
            Line::Entry(bytes) => {
                let index = export.head().size.saturating_sub(1);
                let read = auditor.read(&bytes);
                let entry = read.map_err(|source| EvidenceError::Entry { path: export.path.clone(), source })?;
                if let Event::Continuation { ledger, .. } = entry.event {
                    return Err(EvidenceError::Continued { path: export.path, ledger }.into());
                }
                visit(index, &bytes, &entry, &export);
                meter.set(export.bytes);
            }
            Line::End(end) => return Ok(*end),
        }
    }
}
