//! What can go wrong with folders, files and the terminal, each in one sentence that names the path.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::exit::Code;
use crate::text;

/// A folder, a file or the terminal could not be used.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The system refused an action.
    #[error("could not {action} {}: {source}", text::path(.path))]
    Io {
        /// What was being done, as an infinitive.
        action: &'static str,
        /// What it was being done to.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// There is no room left for what was to be written.
    #[error("could not {action} {}: the disk is full; free some space and try again", text::path(.path))]
    DiskFull {
        /// What was being done, as an infinitive.
        action: &'static str,
        /// What it was being done to.
        path: PathBuf,
    },
    /// Users other than the owner have access to a folder or file that must be private.
    #[error(
        "{} is open to other users (mode {mode:04o}); make it private with: chmod {wanted:o} {}",
        text::path(.path),
        text::word(.path)
    )]
    OpenToOthers {
        /// The folder or file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// The permission bits that it should have.
        wanted: u32,
    },
    /// A folder or file that must be private belongs to another user than the one who runs this program.
    #[error(
        "{} belongs to another user (uid {owner}, and this program runs as uid {user}); run it as that user, or change \
         the owner",
        text::path(.path)
    )]
    OwnedByAnother {
        /// The folder or file.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
        /// Who runs this program.
        user: u32,
    },
    /// A file is under a passphrase, and there is none to open it with.
    #[error(
        "{} is encrypted, and no passphrase was given: use --passphrase-file, or a terminal",
        text::path(.path)
    )]
    NoPassphrase {
        /// The file.
        path: PathBuf,
    },
    /// No passphrase that was given opens a file.
    #[error("the passphrase does not open {}; nothing was changed", text::path(.path))]
    WrongPassphrase {
        /// The file.
        path: PathBuf,
    },
    /// A file under a passphrase is not as this program writes it.
    #[error("{} cannot be decrypted: {problem}", text::path(.path))]
    NotSealed {
        /// The file.
        path: PathBuf,
        /// What was found.
        problem: &'static str,
    },
    /// A passphrase that is none.
    #[error("a passphrase is one line of 1 to 1,024 bytes of UTF-8{}", from(.path.as_deref()))]
    BadPassphrase {
        /// The file that it was read from, if it was.
        path: Option<PathBuf>,
    },
    /// A passphrase must be typed, and nobody is there.
    #[error(
        "a passphrase must be typed, but this program has no terminal; use a terminal, or a file with it (see --help)"
    )]
    NobodyToType,
    /// The passphrase was not repeated as it was typed first.
    #[error("the two passphrases are not the same; nothing was changed")]
    NotRepeated,
    /// A file was expected, and something else was found: a folder, a pipe, a device.
    #[error("{} is not a regular file", text::path(.path))]
    NotAFile {
        /// What was found.
        path: PathBuf,
    },
    /// A folder was expected, and something else was found.
    #[error("{} is not a folder", text::path(.path))]
    NotAFolder {
        /// What was found.
        path: PathBuf,
    },
    /// A folder that was to be filled for the first time holds something already.
    #[error("the folder {} is not empty; choose a new folder or an empty one", text::path(.path))]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// A file that was to be made exists already. It was left as it is.
    #[error("{} exists already and was left as it is", text::path(.path))]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A file is longer than it may be.
    #[error("{} is longer than {max} bytes, the most that is accepted here", text::path(.path))]
    TooLong {
        /// The file.
        path: PathBuf,
        /// The limit, in bytes.
        max: u64,
    },
    /// A secret of a fixed length has another one.
    #[error("{} has {found} bytes instead of {expected}: it is damaged, or another file", text::path(.path))]
    WrongLength {
        /// The file.
        path: PathBuf,
        /// Its length in bytes.
        found: u64,
        /// The length that it should have, in bytes.
        expected: usize,
    },
    /// A file grew or shrank while it was being read.
    #[error("{} was changed while it was being read; try again", text::path(.path))]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// Another process holds the lock of a folder.
    #[error("another process uses {}; wait until it has ended, or stop it", text::path(.path))]
    Locked {
        /// The folder.
        path: PathBuf,
    },
    /// A path has no last component that could be a file's name.
    #[error("{} does not name a file", text::path(.path))]
    NoFileName {
        /// The path.
        path: PathBuf,
    },
    /// A question came up, and nobody is there to answer it.
    #[error(
        "a question must be answered, but this program has no terminal; use a terminal, or confirm with --fingerprint"
    )]
    NoTerminal,
    /// The terminal broke off while a question was open.
    #[error("could not ask on the terminal: {source}")]
    Terminal {
        /// The system's reason.
        source: io::Error,
    },
}

impl StoreError {
    /// What the system's `source` means when it stopped `action` on `path`.
    #[must_use]
    pub fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_path_buf();
        if matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
            Self::DiskFull { action, path }
        } else {
            Self::Io { action, path, source }
        }
    }

    /// The exit code of a program that ends with this error, unless the file's meaning suggests another one.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Locked { .. } | Self::Changed { .. } => Code::TryAgain,
            Self::NotAFile { .. } | Self::TooLong { .. } => Code::BadInput,
            // A confirmation that nobody can give is a thing that is not allowed.
            Self::NoTerminal
            | Self::NoPassphrase { .. }
            | Self::WrongPassphrase { .. }
            | Self::NobodyToType
            | Self::NotRepeated => Code::NotAllowed,
            Self::BadPassphrase { .. } => Code::BadInput,
            Self::Io { .. }
            | Self::DiskFull { .. }
            | Self::OpenToOthers { .. }
            | Self::OwnedByAnother { .. }
            | Self::NotSealed { .. }
            | Self::NotAFolder { .. }
            | Self::NotEmpty { .. }
            | Self::Exists { .. }
            | Self::WrongLength { .. }
            | Self::NoFileName { .. }
            | Self::Terminal { .. } => Code::Failure,
        }
    }
}

fn from(path: Option<&Path>) -> String {
    path.map_or(String::new(), |path| format!("; {} holds something else", text::path(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_or_quota_gets_its_own_sentence() {
        for kind in [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded] {
            let error = StoreError::io("write", Path::new("/x/y"), kind.into());
            assert_eq!(error.to_string(), "could not write /x/y: the disk is full; free some space and try again");
        }
        let error = StoreError::io("write", Path::new("/x/y"), io::ErrorKind::PermissionDenied.into());
        assert!(error.to_string().starts_with("could not write /x/y: "), "{error}");
        assert!(matches!(error, StoreError::Io { action: "write", .. }));
    }

    #[test]
    fn the_command_to_run_is_quoted() {
        let error = StoreError::OpenToOthers { path: "/it's here".into(), mode: 0o40_755 & 0o7777, wanted: 0o700 };
        assert_eq!(
            error.to_string(),
            r"/it's here is open to other users (mode 0755); make it private with: chmod 700 '/it'\''s here'"
        );
    }

    #[test]
    fn what_a_later_attempt_cures_is_told_from_what_it_does_not() {
        let path = || PathBuf::from("/x");
        for (error, code) in [
            (StoreError::Locked { path: path() }, Code::TryAgain),
            (StoreError::Changed { path: path() }, Code::TryAgain),
            (StoreError::TooLong { path: path(), max: 1 }, Code::BadInput),
            (StoreError::NotAFile { path: path() }, Code::BadInput),
            (StoreError::NoTerminal, Code::NotAllowed),
            (StoreError::DiskFull { action: "write", path: path() }, Code::Failure),
            (StoreError::OpenToOthers { path: path(), mode: 0o644, wanted: 0o600 }, Code::Failure),
        ] {
            assert_eq!(error.code(), code, "{error}");
        }
    }

    #[test]
    fn a_path_cannot_write_to_the_terminal() {
        let error = StoreError::NotAFile { path: "a\u{1b}[2Jb".into() };
        assert_eq!(error.to_string(), r"a\u{1b}[2Jb is not a regular file");
    }
}
