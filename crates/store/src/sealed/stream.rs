//! Files under a passphrase that are too large for memory: written and read piece by piece.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::Path;

use age::stream::{StreamReader, StreamWriter};

use super::{WORK, decrypt, encryptor};
use crate::StoreError;
use crate::passphrase::Passphrase;

/// Encrypts what is written to it. Without [`SealedWriter::finish`] it is a file that was cut off.
pub struct SealedWriter<W: Write>(StreamWriter<W>);

impl<W: Write> SealedWriter<W> {
    /// Begins the file.
    ///
    /// # Errors
    /// The output's.
    pub fn new(output: W, passphrase: &Passphrase) -> io::Result<Self> {
        encryptor(passphrase, WORK).wrap_output(output).map(Self)
    }

    /// Ends the file; the output, with everything written to it.
    ///
    /// # Errors
    /// The output's.
    pub fn finish(self) -> io::Result<W> {
        self.0.finish()
    }
}

impl<W: Write> Write for SealedWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Decrypts a file as it is read. That it was not cut off is known once it was read to its end.
pub struct SealedReader(StreamReader<BufReader<File>>);

impl SealedReader {
    /// Opens the file `path`.
    ///
    /// # Errors
    /// [`StoreError::WrongPassphrase`], [`StoreError::NotSealed`] when it is damaged, for another recipient than a
    /// passphrase, or asks for more work than is allowed; [`StoreError::Io`].
    pub fn open(path: &Path, passphrase: &Passphrase) -> Result<Self, StoreError> {
        let file = File::open(path).map_err(|source| StoreError::io("read", path, source))?;
        decrypt(path, BufReader::new(file), passphrase).map(Self)
    }
}

impl Read for SealedReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passphrase(words: &str) -> Passphrase {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), words).unwrap();
        Passphrase::read(file.path()).unwrap()
    }

    #[test]
    fn a_large_file_opens_again_and_not_when_it_was_cut_off_or_changed() {
        let secret: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
        let mut writer = SealedWriter::new(Vec::new(), &passphrase("right")).unwrap();
        writer.write_all(&secret).unwrap();
        let sealed = writer.finish().unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        let read = |bytes: &[u8]| {
            std::fs::write(file.path(), bytes).unwrap();
            let mut found = Vec::new();
            let mut reader = SealedReader::open(file.path(), &passphrase("right")).unwrap();
            reader.read_to_end(&mut found).map(|_| found)
        };
        assert_eq!(read(&sealed).unwrap(), secret);
        // The pieces of the format are 64 KiB and 16 bytes.
        for length in [sealed.len() - 1, sealed.len() - 100, sealed.len() - 70_000, sealed.len() - 3 * 65_552] {
            assert!(read(&sealed[..length]).is_err(), "{length}");
        }
        let mut changed = sealed.clone();
        changed[500_000] ^= 1;
        assert!(read(&changed).is_err());
        std::fs::write(file.path(), &sealed).unwrap();
        let wrong = SealedReader::open(file.path(), &passphrase("wrong"));
        assert!(matches!(wrong, Err(StoreError::WrongPassphrase { .. })));
    }
}
