//! The headers by which a column is known, and how headers are compared and shown.

use blindlist_protocol::identifier::Field;
use unicode_normalization::UnicodeNormalization;

use super::Column;

/// The longest part of a header that is shown, in characters.
const SHOWN_CHARS: usize = 60;

/// The most headers that are listed.
const LISTED: usize = 40;

// Case, accents, punctuation and spaces make no difference: "birth_date" also stands for "Birth date".

const NIR: &[&str] = &[
    "nir",
    "numéro nir",
    "n° nir",
    "numéro de sécurité sociale",
    "numéro sécurité sociale",
    "n° de sécurité sociale",
    "n° sécurité sociale",
    "no de sécurité sociale",
    "no sécurité sociale",
    "num sécurité sociale",
    "numéro de sécu",
    "numéro sécu",
    "n° de sécu",
    "n° sécu",
    "no sécu",
    "num sécu",
    "nss",
    "no ss",
    "num ss",
    "numéro ss",
    "numéro insee",
    "n° insee",
    "no insee",
    "social security number",
    "ssn",
];

const BIRTH_DATE: &[&str] =
    &["birth_date", "date of birth", "dob", "date de naissance", "date naissance", "naissance", "ddn"];

const BIRTH_RANK: &[&str] =
    &["birth_rank", "rang", "rang de naissance", "rang naissance", "rang gémellaire", "rang gémellité"];

/// Never plain "nom": it is usually the name in use.
const BIRTH_NAME: &[&str] = &["birth_name", "nom de naissance", "nom naissance", "nom de famille de naissance"];

const GIVEN_NAME: &[&str] =
    &["given_name", "given names", "first name", "prénom", "prénoms", "premier prénom", "prénom de naissance"];

const CATEGORIES: &[&str] = &["categories", "data categories", "catégories de données"];

/// The headers by which a column is known, the canonical one first.
pub(super) const fn synonyms(column: Column) -> &'static [&'static str] {
    match column {
        Column::Field(Field::Nir) => NIR,
        Column::Field(Field::BirthDate) => BIRTH_DATE,
        Column::Field(Field::BirthRank) => BIRTH_RANK,
        Column::Field(Field::BirthName) => BIRTH_NAME,
        Column::Field(Field::GivenName) => GIVEN_NAME,
        Column::Categories => CATEGORIES,
    }
}

/// A header without case, accents, punctuation and spaces.
pub(super) fn fold(header: &str) -> String {
    header.nfkd().filter(|character| character.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// A header in quotes, on one line, of bounded length.
pub(super) fn shown(header: &str) -> String {
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
pub(super) fn listed(headers: impl Iterator<Item: AsRef<str>>) -> String {
    let mut headers = headers.map(|header| shown(header.as_ref())).collect::<Vec<_>>();
    let hidden = headers.len().saturating_sub(LISTED);
    headers.truncate(LISTED);
    let text = headers.join(", ");
    if hidden > 0 { format!("{text} and {hidden} more") } else { text }
}
