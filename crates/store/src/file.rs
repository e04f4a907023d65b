//! Files read with a limit and written whole or not at all.
//!
//! A reader of a file written here sees the old content or the new, never a part, also after a crash or on a full disk.
//! It must not follow a link when it writes: what is replaced is the name.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use tempfile::NamedTempFile;
use zeroize::Zeroizing;

use crate::{StoreError, owner};

/// What the name of a file ends with that is still being written.
const SUFFIX: &str = ".tmp";

#[cfg(test)]
mod tests;

/// 0600: what is written is for its owner alone.
const PRIVATE: u32 = 0o600;

/// Reads a secret of at most `max` bytes into memory that is zeroised on drop; no other copy of it is made.
///
/// A symbolic link is followed, because secrets are often mounted through one: what is checked is the file that was
/// opened. It must be a regular file of the user who runs this program, without any access for group or others.
///
/// # Errors
/// [`StoreError::OpenToOthers`], [`StoreError::OwnedByAnother`], [`StoreError::NotAFile`], [`StoreError::TooLong`], [`StoreError::Changed`] when it
/// grows or shrinks meanwhile, [`StoreError::Io`] when it cannot be read.
pub fn read_secret(path: impl AsRef<Path>, max: u64) -> Result<Zeroizing<Vec<u8>>, StoreError> {
    let path = path.as_ref();
    let too_long = || StoreError::TooLong { path: path.to_path_buf(), max };
    let mut file = open_secret(path)?;
    if file.length > max {
        return Err(too_long());
    }
    let length = usize::try_from(file.length).map_err(|_| too_long())?;
    // Exactly as long as the file: a vector that grew would leave copies behind.
    let mut secret = Zeroizing::new(vec![0; length]);
    file.read_into(path, &mut secret)?;
    Ok(secret)
}

/// Reads a secret of exactly `N` bytes as [`read_secret`] does.
///
/// # Errors
/// [`StoreError::WrongLength`] when it has another length, else those of [`read_secret`].
pub fn read_secret_exact<const N: usize>(path: impl AsRef<Path>) -> Result<Zeroizing<[u8; N]>, StoreError> {
    let path = path.as_ref();
    let wrong = |found| StoreError::WrongLength { path: path.to_path_buf(), found, expected: N };
    let mut secret = Zeroizing::new([0; N]);
    let mut file = open_secret(path)?;
    if file.length != N as u64 {
        return Err(wrong(file.length));
    }
    file.read_into(path, &mut *secret)?;
    Ok(secret)
}

/// Reads a file of at most `max` bytes that is no secret. Pipes are read to their end.
///
/// # Errors
/// [`StoreError::TooLong`], [`StoreError::Io`] when it cannot be read.
pub fn read_limited(path: impl AsRef<Path>, max: u64) -> Result<Vec<u8>, StoreError> {
    let path = path.as_ref();
    let failed = |source| StoreError::io("read", path, source);
    let mut bytes = Vec::new();
    let mut file = File::open(path).map_err(failed)?.take(max);
    file.read_to_end(&mut bytes).map_err(failed)?;
    if is_at_end(&mut file.into_inner()).map_err(failed)? {
        Ok(bytes)
    } else {
        Err(StoreError::TooLong { path: path.to_path_buf(), max })
    }
}

/// A secret's file that was found private.
struct SecretFile {
    file: File,
    /// Its length in bytes when it was opened.
    length: u64,
}

fn open_secret(path: &Path) -> Result<SecretFile, StoreError> {
    let failed = |source| StoreError::io("read", path, source);
    // NONBLOCK: opening a pipe must not wait for a writer before it is refused.
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(failed)?;
    let found = file.metadata().map_err(failed)?;
    if !found.is_file() {
        return Err(StoreError::NotAFile { path: path.to_path_buf() });
    }
    owner::check_private(path, &found, PRIVATE)?;
    Ok(SecretFile { file, length: found.len() })
}

impl SecretFile {
    /// Reads all of it into `secret`, which is as long as it was.
    fn read_into(&mut self, path: &Path, secret: &mut [u8]) -> Result<(), StoreError> {
        let read = read_whole(&mut self.file, secret).map_err(|source| StoreError::io("read", path, source))?;
        read.ok_or_else(|| StoreError::Changed { path: path.to_path_buf() })
    }
}

/// Writes `bytes` as the file `path`, in place of what was there; on failure that stays as it was.
///
/// When it returns, the file and its name are on the disk. A symbolic link is replaced, not followed.
///
/// # Errors
/// [`StoreError::DiskFull`], [`StoreError::NoFileName`], [`StoreError::Io`].
pub fn write_atomic(path: impl AsRef<Path>, bytes: &[u8]) -> Result<(), StoreError> {
    filled(path.as_ref(), bytes)?.commit()
}

/// Writes `bytes` as the file `path` as [`write_atomic`] does, if nothing has that name.
///
/// # Errors
/// [`StoreError::Exists`] when something has that name, be it a broken link; else those of [`write_atomic`].
pub fn write_new(path: impl AsRef<Path>, bytes: &[u8]) -> Result<(), StoreError> {
    filled(path.as_ref(), bytes)?.commit_new()
}

/// Writes `bytes` as the file `path` as [`write_atomic`] does, and then overwrites with zeros what the file held before.
///
/// A process that is killed in between leaves the old bytes on the disk, without a name.
///
/// # Errors
/// Those of [`write_atomic`], [`StoreError::Io`] when there was no such file.
pub fn replace_secret(path: impl AsRef<Path>, bytes: &[u8]) -> Result<(), StoreError> {
    let path = path.as_ref();
    let old = open_to_overwrite(path).map_err(|source| StoreError::io("replace", path, source))?;
    write_atomic(path, bytes)?;
    overwrite(old).map_err(|source| StoreError::io("overwrite what was in", path, source))
}

/// Requires that a secret's file, if there is one, is private as [`read_secret`] wants it, without reading it.
///
/// # Errors
/// [`StoreError::OpenToOthers`], [`StoreError::OwnedByAnother`], [`StoreError::Io`].
pub fn check_secret(path: impl AsRef<Path>) -> Result<(), StoreError> {
    let path = path.as_ref();
    match fs::metadata(path) {
        Ok(found) => owner::check_private(path, &found, PRIVATE),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(StoreError::io("look at", path, source)),
    }
}

/// Destroys a secret: its bytes are overwritten with zeros, on the disk, before its name goes. A file that is not there
/// is destroyed already.
///
/// What a file system that copies on write, a solid-state disk or a backup keeps of it is out of reach.
///
/// # Errors
/// [`StoreError::Io`], [`StoreError::DiskFull`].
pub fn destroy(path: impl AsRef<Path>) -> Result<(), StoreError> {
    let path = path.as_ref();
    let failed = |source| StoreError::io("destroy", path, source);
    match open_to_overwrite(path) {
        Ok(file) => overwrite(file).map_err(failed)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(failed(source)),
    }
    let (folder, _) = split(path)?;
    fs::remove_file(path).and_then(|()| File::open(folder)?.sync_all()).map_err(failed)
}

/// Destroys what processes left that were killed while they wrote a file as [`AtomicFile`] does. The caller knows that nobody
/// writes it now.
///
/// # Errors
/// [`StoreError::Io`], [`StoreError::DiskFull`].
pub fn destroy_leftovers(path: impl AsRef<Path>) -> Result<(), StoreError> {
    let (folder, name) = split(path.as_ref())?;
    let failed = |source| StoreError::io("list the folder", &folder, source);
    let begin = [b".", name.as_encoded_bytes(), b"."].concat();
    let entries = match fs::read_dir(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(failed)?,
    };
    for entry in entries {
        let left = entry.map_err(failed)?.file_name();
        let bytes = left.as_encoded_bytes();
        if bytes.starts_with(&begin) && bytes.ends_with(SUFFIX.as_bytes()) {
            destroy(folder.join(left))?;
        }
    }
    Ok(())
}

/// Never through a link: what is overwritten is the file that has the name.
fn open_to_overwrite(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).custom_flags(OFlags::NOFOLLOW.bits().cast_signed()).open(path)
}

/// Overwrites all of a file with zeros, on the disk.
fn overwrite(mut file: File) -> io::Result<()> {
    let length = file.metadata()?.len();
    io::copy(&mut io::repeat(0).take(length), &mut file)?;
    file.sync_all()
}

/// A file that appears under its name only when it is complete.
///
/// What is written goes to a temporary file in the same folder, `.NAME.XXXXXX.tmp`, through a buffer. Dropping this
/// without [`AtomicFile::commit`] removes it. A process that is killed leaves it behind; it is never read again.
#[derive(Debug)]
pub struct AtomicFile {
    writer: BufWriter<NamedTempFile>,
    path: PathBuf,
    folder: PathBuf,
}

impl AtomicFile {
    /// Begins the file that shall be `path`, in a folder that exists.
    ///
    /// # Errors
    /// [`StoreError::NoFileName`], [`StoreError::DiskFull`], [`StoreError::Io`].
    pub fn create(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
        let (folder, name) = split(path)?;
        let mut prefix = OsString::from(".");
        prefix.push(name);
        prefix.push(".");
        let temporary = tempfile::Builder::new()
            .prefix(&prefix)
            .suffix(SUFFIX)
            .permissions(Permissions::from_mode(PRIVATE))
            .tempfile_in(&folder)
            .map_err(|source| StoreError::io("write", path, source))?;
        Ok(Self { writer: BufWriter::new(temporary), path: path.to_path_buf(), folder })
    }

    /// Where the file will appear.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What to report when a write into this file failed with `source`: writers name neither the file nor a full disk.
    #[must_use]
    pub fn write_error(&self, source: io::Error) -> StoreError {
        StoreError::io("write", &self.path, source)
    }

    /// Puts the file in place of what had its name, and waits until both are on the disk.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`], [`StoreError::Io`]. What had the name stays as it was, unless the very last step
    /// failed, the one that makes the new name durable.
    pub fn commit(self) -> Result<(), StoreError> {
        self.finish(|temporary, path| temporary.persist(path))
    }

    /// As [`AtomicFile::commit`], if nothing has the name.
    ///
    /// # Errors
    /// [`StoreError::Exists`], else those of [`AtomicFile::commit`].
    fn commit_new(self) -> Result<(), StoreError> {
        self.finish(|temporary, path| temporary.persist_noclobber(path))
    }

    fn finish(
        self,
        rename: impl FnOnce(NamedTempFile, &Path) -> Result<File, tempfile::PersistError>,
    ) -> Result<(), StoreError> {
        let Self { writer, path, folder } = self;
        let failed = |source: io::Error| {
            if source.kind() == io::ErrorKind::AlreadyExists {
                StoreError::Exists { path: path.clone() }
            } else {
                StoreError::io("write", &path, source)
            }
        };
        let temporary = writer.into_inner().map_err(|unwritten| failed(unwritten.into_error()))?;
        temporary.as_file().sync_all().map_err(failed)?;
        rename(temporary, &path).map_err(|kept| failed(kept.error))?;
        File::open(&folder).and_then(|opened| opened.sync_all()).map_err(failed)
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

fn filled(path: &Path, bytes: &[u8]) -> Result<AtomicFile, StoreError> {
    let mut file = AtomicFile::create(path)?;
    // Past the buffer, which would keep a copy of a secret.
    match file.writer.get_mut().write_all(bytes) {
        Ok(()) => Ok(file),
        Err(source) => Err(file.write_error(source)),
    }
}

/// The folder and the file name of `path`.
fn split(path: &Path) -> Result<(PathBuf, OsString), StoreError> {
    let name = path.file_name().ok_or_else(|| StoreError::NoFileName { path: path.to_path_buf() })?;
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) | None => Path::new("."),
    };
    Ok((folder.to_path_buf(), name.to_os_string()))
}

/// Fills `buffer` from `file`; `None` when the file does not end exactly there.
fn read_whole(file: &mut File, buffer: &mut [u8]) -> io::Result<Option<()>> {
    match file.read_exact(buffer) {
        Ok(()) => Ok(is_at_end(file)?.then_some(())),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

fn is_at_end(file: &mut File) -> io::Result<bool> {
    let mut next = Zeroizing::new([0]);
    loop {
        match file.read(&mut *next) {
            Ok(read) => return Ok(read == 0),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
