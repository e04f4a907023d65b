//! In which encoding a text is: said by whoever runs the program, by the mark at its beginning, or found out from its
//! first MiB. What was chosen holds for the whole text. Nothing is ever guessed from names, words or the machine.

use std::{fmt, str, str::FromStr};

use thiserror::Error;

/// An encoding of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// UTF-8, with or without its mark.
    Utf8,
    /// UTF-16, the lesser byte first.
    Utf16Le,
    /// UTF-16, the greater byte first.
    Utf16Be,
    /// Windows-1252, and with it ISO-8859-1: what programs for Windows in Western Europe write.
    Windows1252,
    /// ISO-8859-15, also known as Latin-9. It is never detected, as nothing tells it from Windows-1252.
    Iso8859_15,
}

impl Encoding {
    /// All encodings.
    pub const ALL: [Self; 5] = [Self::Utf8, Self::Utf16Le, Self::Utf16Be, Self::Windows1252, Self::Iso8859_15];

    /// The name of the encoding in lower case, as it is given on a command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Utf16Le => "utf-16le",
            Self::Utf16Be => "utf-16be",
            Self::Windows1252 => "windows-1252",
            Self::Iso8859_15 => "iso-8859-15",
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The name of an encoding is none of those that are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("an encoding is utf-8, utf-16le, utf-16be, windows-1252 or iso-8859-15")]
pub struct UnknownEncoding;

impl FromStr for Encoding {
    type Err = UnknownEncoding;

    fn from_str(text: &str) -> Result<Self, UnknownEncoding> {
        Self::ALL.into_iter().find(|encoding| encoding.name().eq_ignore_ascii_case(text)).ok_or(UnknownEncoding)
    }
}

/// The encoding of a text, and why it is this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) encoding: Encoding,
    /// Bytes of the mark, which is no part of the text.
    pub(super) mark_len: usize,
    pub(super) origin: Origin,
}

/// Why a text was taken to be in an encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Whoever runs the program said so.
    Told,
    /// It begins with the mark of the encoding.
    Marked,
    /// Its first MiB looks so.
    Detected,
}

/// Why no encoding was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unclear {
    /// The mark belongs to another encoding than the one that was told.
    OtherMark { told: Encoding, mark: Encoding },
    /// Not UTF-8, and nothing that shows Windows-1252 either.
    Unknown,
}

const MARKS: [(&[u8], Encoding); 3] =
    [(b"\xef\xbb\xbf", Encoding::Utf8), (b"\xff\xfe", Encoding::Utf16Le), (b"\xfe\xff", Encoding::Utf16Be)];

/// Chooses the encoding of a text from its first bytes, of which `whole` says whether they are all. The rule, which
/// docs/COLUMNS.md tells:
///
/// 1. What was told, unless the text begins with the mark of another encoding.
/// 2. The encoding of the mark.
/// 3. UTF-16 if at least three of four pairs of bytes in the first KiB have NUL in one place, always the same.
/// 4. UTF-8 if the first bytes are valid.
/// 5. Windows-1252 if all the others are ones that French and English texts use in it.
pub(super) fn choose(first: &[u8], whole: bool, told: Option<Encoding>) -> Result<Choice, Unclear> {
    let mark = MARKS.into_iter().find(|(mark, _)| first.starts_with(mark));
    let mark_len = mark.map_or(0, |(mark, _)| mark.len());
    let chosen = |encoding, origin| Ok(Choice { encoding, mark_len, origin });
    match (told, mark) {
        (Some(told), Some((_, mark))) if told != mark => Err(Unclear::OtherMark { told, mark }),
        (Some(told), _) => chosen(told, Origin::Told),
        (None, Some((_, mark))) => chosen(mark, Origin::Marked),
        (None, None) => {
            let detected = utf16(first).or_else(|| is_utf8(first, whole).then_some(Encoding::Utf8));
            match detected.or_else(|| is_usual_windows_1252(first).then_some(Encoding::Windows1252)) {
                Some(encoding) => chosen(encoding, Origin::Detected),
                None => Err(Unclear::Unknown),
            }
        }
    }
}

/// UTF-16 without a mark: most letters of a header are below U+0100.
fn utf16(first: &[u8]) -> Option<Encoding> {
    let pairs = first.as_chunks::<2>().0;
    let pairs = pairs.get(..512).unwrap_or(pairs);
    let greater_last = pairs.iter().filter(|[a, b]| *a != 0 && *b == 0).count();
    let greater_first = pairs.iter().filter(|[a, b]| *a == 0 && *b != 0).count();
    let most = |count: usize| count > 0 && count * 4 >= pairs.len() * 3;
    match (most(greater_last), most(greater_first)) {
        (true, _) => Some(Encoding::Utf16Le),
        (_, true) => Some(Encoding::Utf16Be),
        (false, false) => None,
    }
}

fn is_utf8(first: &[u8], whole: bool) -> bool {
    match str::from_utf8(first) {
        Ok(_) => true,
        // The first bytes may end inside a character.
        Err(error) => error.error_len().is_none() && !whole,
    }
}

/// Whether bytes from 80 to 9F are only those that French and English need in Windows-1252: € … Œ ‘ ’ “ ” • – — ™ œ Ÿ. The
/// other ones stand for é, è or ç in code page 850 or on old Macintosh computers, and would be read as other letters.
fn is_usual_windows_1252(first: &[u8]) -> bool {
    let usual = |byte: &u8| {
        !matches!(byte, 0x80..=0x9f) || matches!(byte, 0x80 | 0x85 | 0x8c | 0x91..=0x97 | 0x99 | 0x9c | 0x9f)
    };
    first.iter().all(usual)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detected(first: &[u8]) -> Option<Encoding> {
        choose(first, true, None).ok().map(|choice| choice.encoding)
    }

    #[test]
    fn names_are_read_back() {
        for encoding in Encoding::ALL {
            assert_eq!(encoding.to_string().parse(), Ok(encoding));
            assert_eq!(encoding.name().to_uppercase().parse(), Ok(encoding));
            assert!(UnknownEncoding.to_string().contains(encoding.name()));
        }
        assert_eq!("utf-7".parse::<Encoding>(), Err(UnknownEncoding));
    }

    #[test]
    fn what_is_told_holds_unless_a_mark_contradicts() {
        let told = |first: &[u8], encoding| choose(first, true, Some(encoding));
        let choice = |encoding, mark_len| Ok(Choice { encoding, mark_len, origin: Origin::Told });
        assert_eq!(told(b"a;b", Encoding::Utf16Be), choice(Encoding::Utf16Be, 0));
        assert_eq!(told(b"\xff\xfea\0", Encoding::Utf16Le), choice(Encoding::Utf16Le, 2));
        let (mark, told_other) = (Encoding::Utf8, Encoding::Windows1252);
        assert_eq!(told(b"\xef\xbb\xbfa", told_other), Err(Unclear::OtherMark { told: told_other, mark }));
    }

    #[test]
    fn marks_and_nul_bytes_show_utf_16() {
        let choice = |encoding, mark_len, origin| Ok(Choice { encoding, mark_len, origin });
        assert_eq!(choose(b"\xfe\xff\0a", true, None), choice(Encoding::Utf16Be, 2, Origin::Marked));
        let text = |order: fn(u16) -> [u8; 2]| "Numéro;N°;Cœur\r\n".encode_utf16().flat_map(order).collect::<Vec<_>>();
        assert_eq!(detected(&text(u16::to_le_bytes)), Some(Encoding::Utf16Le));
        assert_eq!(detected(&text(u16::to_be_bytes)), Some(Encoding::Utf16Be));
        assert_eq!(detected(b"a\0"), Some(Encoding::Utf16Le));
        for other in [b"".as_slice(), b"a", b"\0\0\0\0", b"\0a,b", b"a\0,b;c", b"a\0\0b"] {
            assert_eq!(detected(other), Some(Encoding::Utf8), "{other:?}");
        }
    }

    #[test]
    fn bytes_that_are_not_utf_8_are_windows_1252_if_they_look_so() {
        assert_eq!(detected("prénom".as_bytes()), Some(Encoding::Utf8));
        assert_eq!(detected(b"pr\xe9nom;C\x9cur;l\x92autre;\x80"), Some(Encoding::Windows1252));
        // é and è of code page 850, é of a Macintosh, and a byte that Windows-1252 does not define.
        for other in [b"pr\x82nom".as_slice(), b"myst\x8are", b"pr\x8enom", b"pr\x81nom"] {
            assert_eq!(choose(other, true, None), Err(Unclear::Unknown));
        }
    }

    #[test]
    fn a_character_may_be_cut_only_where_more_follows() {
        let cut = b"pr\xc3";
        assert_eq!(choose(cut, false, None).map(|choice| choice.encoding), Ok(Encoding::Utf8));
        assert_eq!(choose(cut, true, None).map(|choice| choice.encoding), Ok(Encoding::Windows1252));
    }
}
