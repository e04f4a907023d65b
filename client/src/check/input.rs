//! The member file, which is read several times and must be the same each time.

use std::fmt;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use blindlist_protocol::ids::Digest;
use blindlist_records::{Table, TableOptions, is_standard_input};
use blindlist_store::spill::Spill;
use tokio::sync::oneshot;

use super::spool::{SpoolReader, spool};
use crate::room::Room;
use crate::{Caller, ClientError};

/// What standard input is called.
const STANDARD_INPUT: &str = "standard input";

/// A member file, and how it is to be read.
#[derive(Clone)]
pub struct MemberFile {
    path: PathBuf,
    options: TableOptions,
    /// What came from standard input.
    spooled: Option<Arc<Spill>>,
}

impl fmt::Debug for MemberFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemberFile").field("path", &self.path).field("options", &self.options).finish_non_exhaustive()
    }
}

/// What is said of how to read a member file, as it is written down; none when this version cannot read so.
pub(crate) fn table_options(encoding: Option<&str>, sheet: Option<&str>) -> Option<TableOptions> {
    let encoding = encoding.map(str::parse).transpose().ok()?;
    Some(TableOptions { encoding, sheet: sheet.map(str::to_owned) })
}

impl MemberFile {
    /// A file on the disk.
    pub fn new(path: PathBuf, options: TableOptions) -> Self {
        Self { path, options, spooled: None }
    }

    /// A file on the disk, or for `-` standard input, all of which is read now.
    ///
    /// # Errors
    /// [`ClientError::Store`], [`ClientError::Interrupted`].
    pub async fn open(path: PathBuf, options: TableOptions, room: &Room, caller: &Caller) -> Result<Self, ClientError> {
        if !is_standard_input(&path) {
            return Ok(Self::new(path, options));
        }
        let (sender, spooled) = oneshot::channel();
        let room = room.clone();
        // Nobody waits for this thread after Ctrl-C: somebody may never end the input.
        thread::spawn(move || sender.send(Self::from_stream(io::stdin().lock(), options, &room)));
        caller.or(async { spooled.await.unwrap_or(Err(ClientError::Internal("a thread ended"))) }).await
    }

    /// What a stream gives, all of which is read now.
    pub(crate) fn from_stream(stream: impl Read, options: TableOptions, room: &Room) -> Result<Self, ClientError> {
        Ok(Self { path: STANDARD_INPUT.into(), options, spooled: Some(spool(stream, room)?) })
    }

    /// The file as it was named.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file on the disk, if it is one.
    pub(super) fn on_disk(&self) -> Option<&Path> {
        self.spooled.is_none().then_some(self.path())
    }

    /// Where it is, as other jobs know it.
    pub(super) fn full_path(&self) -> PathBuf {
        self.on_disk().and_then(|path| fs::canonicalize(path).ok()).unwrap_or_else(|| self.path.clone())
    }

    /// How it is read.
    pub(super) fn options(&self) -> &TableOptions {
        &self.options
    }

    /// The same file, read in another way.
    pub(crate) fn read_with(&self, options: TableOptions) -> Self {
        Self { options, ..self.clone() }
    }

    /// Reads it from its first row on.
    pub(super) fn table(&self) -> Result<Table, ClientError> {
        Ok(match &self.spooled {
            None => Table::open_with(&self.path, &self.options)?,
            Some(spill) => Table::from_reader(&self.path, SpoolReader::new(spill), &self.options)?,
        })
    }

    /// Its SHA-256.
    pub(crate) fn sha256(&self) -> Result<String, ClientError> {
        let digest = match &self.spooled {
            None => blindlist_records::digest(&self.path)?,
            Some(_) => self.table()?.finish()?,
        };
        Ok(Digest::from_bytes(digest.sha256).to_string())
    }
}
