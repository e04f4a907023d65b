//! How headers are compared and shown.

use unicode_normalization::UnicodeNormalization;

/// The longest part of a header that is shown, in characters.
const SHOWN_CHARS: usize = 60;

/// The most headers that are listed.
const LISTED: usize = 40;

/// A header without case, accents, punctuation and spaces.
pub(super) fn fold(header: &str) -> String {
    header.nfkd().filter(|character| character.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// A header in quotes, on one line, of bounded length.
pub(crate) fn shown(header: &str) -> String {
    let mut text = String::from('"');
    for character in header.chars().take(SHOWN_CHARS) {
        if character.is_control() {
            text.extend(character.escape_default());
        } else {
            text.push(character);
        }
    }
    if header.chars().nth(SHOWN_CHARS).is_some() {
        text.push('…');
    }
    text.push('"');
    text
}

/// Digits of a cell that may be a number or a date of somebody.
const DIGITS: usize = 6;

/// The headers that a file has, [`listed`]; of a file without headers, whose first line is about somebody, nothing.
pub(super) fn found(headers: &[String]) -> String {
    let is_of_a_person = |header: &String| header.chars().filter(char::is_ascii_digit).count() >= DIGITS;
    if headers.iter().any(is_of_a_person) {
        "a first line with numbers or dates in it, which looks like a row and is not shown; the file needs a line of headers"
            .to_owned()
    } else {
        listed(headers.iter())
    }
}

/// Headers in quotes with commas, of bounded number.
pub(crate) fn listed(headers: impl Iterator<Item: AsRef<str>>) -> String {
    let mut headers = headers.map(|header| shown(header.as_ref())).collect::<Vec<_>>();
    let hidden = headers.len().saturating_sub(LISTED);
    headers.truncate(LISTED);
    let text = headers.join(", ");
    if hidden > 0 { format!("{text} and {hidden} more") } else { text }
}
