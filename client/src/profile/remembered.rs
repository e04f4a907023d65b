//! Evaluations of members already paid for: `remembered/EPOCH`, a vault under a passphrase ([`blindlist_store::vault`]).
//!
//! A later check asks only about people who are not in it, and looks the others up in every release of the epoch without
//! asking. The file is for one operator, one epoch and one K. It holds no identifier, but with the passphrase anybody
//! can be tried: whoever has both, and a release's index, learns who of its people is on the list
//! (SPEC.md section 27.9).
//!
//! Only one process at a time may use it: whoever calls holds the lock of the jobs.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use blindlist_protocol::epoch::EpochRecord;
use blindlist_protocol::identifier::Identifier;
use blindlist_protocol::ids::EpochId;
use blindlist_protocol::insurer::Epoch;
use blindlist_protocol::oprf::Evaluation;
use blindlist_store::StoreError;
use blindlist_store::file::destroy_leftovers;
use blindlist_store::folder::PrivateFolder;
use blindlist_store::passphrase::Passphrase;
use blindlist_store::spill::Spill;
use blindlist_store::vault::{Additions, Handle, Reader, Vault};
use zeroize::Zeroizing;

use super::Profile;
use crate::check::people::{Gathering, People, append, first_record};
use crate::room::Room;
use crate::{Caller, ClientError};

const DOMAIN: &[u8] = b"blindlist remembered evaluations v1\n";

/// People are brought into the order of their handles by the first bytes of these.
const GROUPS: usize = 256;
/// The parts of the memory that people in that order, and evaluations that are to be remembered, may take.
const SHARE: usize = 16;

/// What the vault's file may be instead of what it should be.
const DAMAGED: &str = "it is not, or not whole, what was remembered of this epoch; restore it from a backup, or destroy it \
                       with `blindlist forget --remembered`, after which its members are paid again";

/// What is remembered of one epoch.
pub(crate) struct Remembered {
    folder: PathBuf,
    vault: Vault,
    /// None once it is kept.
    additions: Mutex<Option<Additions>>,
}

impl fmt::Debug for Remembered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Remembered({})", self.vault.count())
    }
}

impl Remembered {
    /// Whether nothing was remembered when it was opened.
    pub(crate) fn is_empty(&self) -> bool {
        self.vault.count() == 0
    }

    /// Opens what is remembered of an epoch, and reads all of it once: what is damaged must be found before anything is paid.
    ///
    /// # Errors
    /// [`StoreError::WrongPassphrase`]; [`ClientError::Damaged`], [`ClientError::Interrupted`], [`ClientError::Store`].
    pub(crate) fn open(
        profile: &Profile,
        epoch: &Epoch,
        passphrase: &Passphrase,
        room: &Room,
        caller: &Caller,
    ) -> Result<Self, ClientError> {
        let (folder, epoch_id) = (profile.remembered_path(), epoch.record().epoch.to_string());
        // It is encrypted as the file itself is.
        destroy_leftovers(folder.join(&epoch_id))?;
        let vault = Vault::open(&folder.join(epoch_id), passphrase, &binding(epoch.record())).map_err(meaning)?;
        room.each(vault.partitions(), caller, |number| vault.verify(number).map_err(meaning))?;
        let additions = Additions::new(room.spill(Additions::PARTITIONS, SHARE)?);
        Ok(Self { folder, vault, additions: Mutex::new(Some(additions)) })
    }

    /// Hands on the evaluations of those people who are remembered, on all threads, and returns the others.
    ///
    /// # Errors
    /// Those of `each`; [`ClientError::Damaged`], [`ClientError::Interrupted`], [`ClientError::Store`].
    pub(crate) fn split(
        &self,
        people: &People,
        room: &Room,
        caller: &Caller,
        each: impl Fn(Identifier, &Evaluation) -> Result<(), ClientError> + Sync,
    ) -> Result<People, ClientError> {
        let others = Mutex::new(Gathering::new(room)?);
        let add = |one: Identifier| others.lock().unwrap_or_else(PoisonError::into_inner).add(one);
        let partitions = self.vault.partitions();
        if partitions == 0 {
            people.each(room, caller, add)?;
        } else {
            let ordered = self.by_handle(people, room, caller)?;
            // Both are powers of two. Whoever reads a partition of the vault looks all of its people up.
            let runs = partitions.min(GROUPS);
            room.each(runs, caller, |run| {
                let mut reader = self.vault.reader();
                let mut groups = run * (GROUPS / runs)..(run + 1) * (GROUPS / runs);
                groups.try_for_each(|group| {
                    caller.check()?;
                    look_up(&ordered.read(group)?, &mut reader, &each, add)
                })
            })?;
        }
        let others = others.into_inner().unwrap_or_else(PoisonError::into_inner);
        others.finish(room, caller)
    }

    /// People with their handles, spilled by the first bytes of these.
    fn by_handle(&self, people: &People, room: &Room, caller: &Caller) -> Result<Spill, ClientError> {
        let ordered = Mutex::new(room.spill(GROUPS, SHARE)?);
        people.each(room, caller, |one| {
            let handle = self.vault.handle(one.as_bytes());
            let mut record = Zeroizing::new(handle.as_bytes().to_vec());
            append(&mut record, one.as_bytes());
            let [group, ..] = *handle.as_bytes();
            Ok(ordered.lock().unwrap_or_else(PoisonError::into_inner).push(group.into(), &record)?)
        })?;
        Ok(ordered.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    /// Remembers somebody's evaluation, once it is kept.
    ///
    /// # Errors
    /// [`ClientError::Store`].
    pub(crate) fn add(&self, identifier: &Identifier, evaluation: &Evaluation) -> Result<(), ClientError> {
        let handle = self.vault.handle(identifier.as_bytes());
        let mut additions = self.additions();
        let additions = additions.as_mut().ok_or(ClientError::Internal("an evaluation came after the last"))?;
        Ok(additions.push(&handle, evaluation.as_bytes())?)
    }

    /// Writes what was added to what was remembered. When it returns, all of it is on the disk; when it fails, what was
    /// remembered before is.
    ///
    /// # Errors
    /// [`ClientError::Damaged`], [`ClientError::Store`].
    pub(crate) fn keep(&self) -> Result<(), ClientError> {
        let Some(additions) = self.additions().take() else { return Ok(()) };
        if additions.count() > 0 {
            PrivateFolder::create(&self.folder)?;
            self.vault.update(&additions).map_err(meaning)?;
        }
        Ok(())
    }

    fn additions(&self) -> MutexGuard<'_, Option<Additions>> {
        self.additions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks up the people of one group.
fn look_up(
    bytes: &[u8],
    reader: &mut Reader<'_>,
    each: impl Fn(Identifier, &Evaluation) -> Result<(), ClientError>,
    other: impl Fn(Identifier) -> Result<(), ClientError>,
) -> Result<(), ClientError> {
    let mut people = Vec::new();
    let mut rest = bytes;
    while let Some((handle, after)) = rest.split_first_chunk() {
        let (one, after) = first_record(after).ok_or_else(impossible)?;
        people.push((Handle::from_bytes(*handle), one));
        rest = after;
    }
    // So that each partition is read once.
    people.sort_unstable_by_key(|(handle, _)| *handle);
    for (handle, bytes) in people {
        let identifier = Identifier::read(bytes).ok_or_else(impossible)?;
        match reader.find(&handle).map_err(meaning)? {
            Some(value) => each(identifier, &Evaluation::from_bytes(*value))?,
            None => other(identifier)?,
        }
    }
    Ok(())
}

/// The files of everything that a profile remembers, in the order of the epochs' ids.
///
/// # Errors
/// [`ClientError::Store`].
pub(crate) fn files(profile: &Profile) -> Result<Vec<PathBuf>, ClientError> {
    let is_epoch = |path: &PathBuf| name(path).is_some_and(|name| name.parse::<EpochId>().is_ok());
    let mut files = children(&profile.remembered_path())?;
    files.retain(is_epoch);
    files.sort_unstable();
    Ok(files)
}

/// What no passphrase but this one opens, and nothing but this epoch's check.
fn binding(record: &EpochRecord) -> Vec<u8> {
    [DOMAIN, record.operator_key.as_bytes(), record.epoch.as_bytes(), record.key.element().as_bytes()].concat()
}

/// Everything in a folder; nothing when it is not there.
fn children(folder: &Path) -> Result<Vec<PathBuf>, ClientError> {
    let failed = |source| StoreError::io("list the folder", folder, source);
    match fs::read_dir(folder) {
        Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        entries => {
            let paths = entries.map_err(failed)?.map(|entry| entry.map(|entry| entry.path()));
            Ok(paths.collect::<io::Result<_>>().map_err(failed)?)
        }
    }
}

fn name(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()
}

/// A vault that cannot be read is never taken for an empty one: its members would be paid again.
fn meaning(error: StoreError) -> ClientError {
    if let StoreError::NotSealed { path, .. } = error {
        return ClientError::Damaged { path, problem: DAMAGED };
    }
    error.into()
}

/// What cannot be: what was spilled is authenticated.
fn impossible() -> ClientError {
    ClientError::Internal("the people who were looked up are not those who came back")
}

#[cfg(test)]
mod tests;
