//! What a file is, as far as its first bytes tell.

/// Bytes that are looked at.
pub(super) const SIGNATURE_LEN: usize = 16;

/// What is not text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signature {
    /// A ZIP archive, such as an Excel workbook.
    Zip,
    /// A compound file: an old Excel workbook, or a new one that is encrypted.
    Compound,
    Parquet,
    /// Something that this crate cannot read.
    Other(&'static str),
}

impl Signature {
    pub(super) fn of(first: &[u8]) -> Option<Self> {
        let signatures: [(&[u8], Self); 16] = [
            (b"PK\x03\x04", Self::Zip),
            (b"PK\x05\x06", Self::Zip),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Self::Compound),
            (b"PAR1", Self::Parquet),
            (b"PARE", Self::Other("an encrypted Parquet file")),
            (b"BZh", Self::Other("a bzip2 file")),
            (b"\xfd7zXZ\0", Self::Other("an xz file")),
            (b"\x04\x22\x4d\x18", Self::Other("an LZ4 file")),
            (b"7z\xbc\xaf\x27\x1c", Self::Other("a 7z archive")),
            (b"Rar!\x1a\x07", Self::Other("a RAR archive")),
            (b"%PDF-", Self::Other("a PDF document")),
            (b"SQLite format 3\0", Self::Other("an SQLite database")),
            (b"age-encryption.o", Self::Other("a file encrypted with age")),
            (b"-----BEGIN PGP ", Self::Other("a file encrypted with PGP")),
            (b"\xff\xfe\0\0", Self::Other("text in UTF-32")),
            (b"\0\0\xfe\xff", Self::Other("text in UTF-32")),
        ];
        signatures.into_iter().find(|(signature, _)| first.starts_with(signature)).map(|(_, found)| found)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Zip => "a ZIP archive such as an Excel workbook",
            Self::Compound => "an old or encrypted Excel workbook",
            Self::Parquet => "a Parquet file",
            Self::Other(name) => name,
        }
    }
}
