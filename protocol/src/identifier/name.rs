//! Birth names and first given names. SPEC.md, "Identifiers".

use std::fmt;

use unicode_normalization::UnicodeNormalization;

use super::Reject;

/// The longest name that is looked at, in characters.
const MAX_INPUT_CHARS: usize = 200;

/// The longest canonical name, in bytes.
const MAX_NAME_LEN: usize = 100;

/// A birth name: 1 to 100 bytes of A-Z and single spaces.
///
/// # Security
/// Personal data: `Debug` shows nothing of it and there is no `Display`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Box<str>);

impl Name {
    /// Normalises one birth name.
    ///
    /// # Errors
    /// A reason if it is empty, too long, holds a comma, or something that is not a Latin letter.
    pub fn parse(text: &str) -> Result<Self, Reject> {
        check_length(text)?;
        normalise(text).map(Self)
    }

    /// The canonical name in ASCII.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Name(redacted)")
    }
}

/// A first given name: 1 to 100 bytes of A-Z and single spaces.
///
/// # Security
/// Personal data: `Debug` shows nothing of it and there is no `Display`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GivenName(Box<str>);

impl GivenName {
    /// Normalises a given name, or the first of a list parted by commas. A space never parts two given names.
    ///
    /// # Errors
    /// A reason if it is empty, too long, or holds something that is not a Latin letter.
    pub fn parse(text: &str) -> Result<Self, Reject> {
        check_length(text)?;
        let first = text.split_once(',').map_or(text, |(first, _)| first);
        normalise(first).map(Self)
    }

    /// The canonical name in ASCII.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for GivenName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GivenName(redacted)")
    }
}

fn check_length(text: &str) -> Result<(), Reject> {
    if text.chars().nth(MAX_INPUT_CHARS).is_some() { Err(Reject::NameLength) } else { Ok(()) }
}

fn normalise(text: &str) -> Result<Box<str>, Reject> {
    let mut name = String::with_capacity(text.len());
    let mut space_due = false;
    for character in text.nfkd() {
        let mut letter = [0_u8; 1];
        let letters = match character {
            '\u{300}'..='\u{36f}' => continue,
            'A'..='Z' | 'a'..='z' => &*character.to_ascii_uppercase().encode_utf8(&mut letter),
            'œ' | 'Œ' => "OE",
            'æ' | 'Æ' => "AE",
            'ß' | 'ẞ' => "SS",
            _ if is_gap(character) => {
                space_due = true;
                continue;
            }
            ',' => return Err(Reject::NameComma),
            _ => return Err(Reject::NameCharacter),
        };
        if space_due && !name.is_empty() {
            name.push(' ');
        }
        space_due = false;
        name.push_str(letters);
    }
    match name.len() {
        0 => Err(Reject::Empty),
        1..=MAX_NAME_LEN => Ok(name.into_boxed_str()),
        _ => Err(Reject::NameLength),
    }
}

/// Whether the character parts two words: white space, an apostrophe or a hyphen.
fn is_gap(character: char) -> bool {
    matches!(character, '\t' | ' ' | '\'' | '`' | '-' | '\u{b4}' | '\u{2bc}' | '\u{2212}')
        || matches!(character, '\u{2010}'..='\u{2013}' | '\u{2018}' | '\u{2019}')
}
