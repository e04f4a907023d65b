//! A passphrase: from a file, from systemd, or from a person at the terminal, whose typing is not shown.
//!
//! It must never be taken from a pipe, an argument or an environment variable, and is never shown.

use std::fmt;
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use crate::{StoreError, file};

/// The longest passphrase, in bytes.
const LONGEST: usize = 1_024;

/// Most bytes that are read to find one: its line may end with two more.
const LINE: u64 = LONGEST as u64 + 2;

/// The environment variable in which systemd names the folder of a unit's credentials.
const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";

/// A passphrase; wiped when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// The first and only line of a file that is private as a secret must be. A line feed at its end does not count.
    ///
    /// # Errors
    /// Those of [`file::read_secret`], [`StoreError::BadPassphrase`].
    pub fn read(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
        Self::from_bytes(&file::read_secret(path, LINE)?)
            .ok_or_else(|| StoreError::BadPassphrase { path: Some(path.to_path_buf()) })
    }

    /// The credential `name` of the systemd unit that this program runs in, if it has one.
    ///
    /// The folder is systemd's, which alone decides who can enter it: its files may show access for a group that
    /// stands for this unit's user alone.
    ///
    /// # Errors
    /// [`StoreError::Io`], [`StoreError::TooLong`], [`StoreError::BadPassphrase`].
    pub fn credential(name: &str) -> Result<Option<Self>, StoreError> {
        let Some(folder) = std::env::var_os(CREDENTIALS) else { return Ok(None) };
        let path = PathBuf::from(folder).join(name);
        if !path.exists() {
            return Ok(None);
        }
        let bytes = Zeroizing::new(file::read_limited(&path, LINE)?);
        Self::from_bytes(&bytes).map(Some).ok_or(StoreError::BadPassphrase { path: Some(path) })
    }

    /// Whether a person is there to be asked.
    #[must_use]
    pub fn can_ask() -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Asks the person at the terminal.
    ///
    /// The caller escapes foreign text in `prompt` (see [`crate::text::escape`]).
    ///
    /// # Errors
    /// [`StoreError::NobodyToType`], [`StoreError::Terminal`], [`StoreError::BadPassphrase`].
    pub fn ask(prompt: &str) -> Result<Self, StoreError> {
        if !Self::can_ask() {
            return Err(StoreError::NobodyToType);
        }
        let line = ask_hidden(prompt).map_err(|source| StoreError::Terminal { source })?;
        Self::from_bytes(&line).ok_or(StoreError::BadPassphrase { path: None })
    }

    /// Asks for a new passphrase, twice.
    ///
    /// # Errors
    /// [`StoreError::NotRepeated`], else those of [`Passphrase::ask`].
    pub fn ask_new(prompt: &str) -> Result<Self, StoreError> {
        let first = Self::ask(prompt)?;
        if Self::ask("The same once more")? == first { Ok(first) } else { Err(StoreError::NotRepeated) }
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let line = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        let line = std::str::from_utf8(line.strip_suffix(b"\r").unwrap_or(line)).ok()?;
        let is_line = (1..=LONGEST).contains(&line.len()) && !line.contains(char::is_control);
        is_line.then(|| Self(Zeroizing::new(line.to_owned())))
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(..)")
    }
}

/// Shows a prompt and reads one line, which the terminal does not show meanwhile.
fn ask_hidden(prompt: &str) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut output = io::stderr().lock();
    write!(output, "{prompt}: ")?;
    output.flush()?;
    let hidden = Hidden::begin()?;
    let line = read_line(io::stdin().lock());
    drop(hidden);
    // The person's own line feed was not shown either.
    writeln!(output)?;
    line
}

/// A line of at most [`LONGEST`] bytes; the buffer never grows, which would leave copies behind.
fn read_line(input: impl BufRead) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut line = Zeroizing::new(Vec::with_capacity(LONGEST + 3));
    io::Read::take(input, LINE).read_until(b'\n', &mut line)?;
    Ok(line)
}

/// How the terminal was before it was kept from showing what is typed.
static SHOWN: Mutex<Option<Termios>> = Mutex::new(None);

/// Lets the terminal show again what is typed, if a passphrase is being typed: whether one was. For a program that is about to
/// end meanwhile.
pub fn give_up() -> bool {
    let shown = SHOWN.lock().unwrap_or_else(PoisonError::into_inner).take();
    // A terminal that is gone needs nothing.
    shown.is_some_and(|shown| tcsetattr(io::stdin(), OptionalActions::Flush, &shown).is_ok())
}

/// Keeps the terminal from showing what is typed, until it is dropped.
struct Hidden;

impl Hidden {
    fn begin() -> io::Result<Self> {
        let shown = tcgetattr(io::stdin())?;
        let mut hidden = shown.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        *SHOWN.lock().unwrap_or_else(PoisonError::into_inner) = Some(shown);
        tcsetattr(io::stdin(), OptionalActions::Flush, &hidden)?;
        Ok(Self)
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        give_up();
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn one_line_is_a_passphrase_and_its_end_does_not_count() {
        for bytes in [&b"correct horse"[..], b"correct horse\n", b"correct horse\r\n"] {
            assert_eq!(Passphrase::from_bytes(bytes).unwrap().expose(), "correct horse");
        }
        assert_eq!(Passphrase::from_bytes("é è".as_bytes()).unwrap().expose(), "é è");
        let longest = vec![b'x'; LONGEST];
        assert!(Passphrase::from_bytes(&longest).is_some());
        for bad in [&b""[..], b"\n", b"two\nlines\n", b"\xff", b"a\0b", &[&longest[..], b"x"].concat()] {
            assert!(Passphrase::from_bytes(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn a_file_must_be_private_and_hold_one_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pass");
        fs::write(&path, "secret words\n").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(Passphrase::read(&path), Err(StoreError::OpenToOthers { .. })));
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        assert_eq!(Passphrase::read(&path).unwrap().expose(), "secret words");
        fs::write(&path, "").unwrap();
        let error = Passphrase::read(&path).unwrap_err();
        assert!(error.to_string().contains("1 to 1,024 bytes") && error.to_string().contains("pass"), "{error}");
    }

    #[test]
    fn nothing_is_given_up_when_nothing_is_typed() {
        assert!(!give_up());
    }

    #[test]
    fn debug_shows_nothing() {
        let shown = format!("{:?}", Passphrase::from_bytes(b"secret").unwrap());
        assert_eq!(shown, "Passphrase(..)");
    }

    #[test]
    fn a_typed_line_ends_at_its_line_feed_and_is_bounded() {
        assert_eq!(*read_line(&b"one\ntwo\n"[..]).unwrap(), b"one\n");
        assert_eq!(read_line(&vec![b'x'; 9_999][..]).unwrap().len(), LONGEST + 2);
    }
}
