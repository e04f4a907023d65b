//! Why a value has no canonical form. SPEC.md, "Identifiers".
//!
//! A reason is shown to people and counted by programs. It never holds any part of the value.

use thiserror::Error;

/// Why a value was rejected. The sentence is for people, [`Reject::code`] for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Error)]
pub enum Reject {
    /// Nothing is left once spaces and the like are taken away.
    #[error("the cell is empty")]
    Empty,
    /// A social security number that a spreadsheet turned into floating point.
    #[error("a spreadsheet has rounded this number; export the column again as text")]
    NirRounded,
    /// A character that no social security number has, or a letter where a digit belongs.
    #[error("a social security number has only digits, and A or B after the 2 of a Corsican department")]
    NirCharacter,
    /// Neither 13 nor 15 characters.
    #[error("a social security number has 13 characters, or 15 with its key")]
    NirLength,
    /// The first digit.
    #[error("the first digit of a social security number is 1, 2, 3, 4, 7 or 8")]
    NirSex,
    /// The fourth and fifth digits.
    #[error("the month in a social security number is 01-12, 20-42 or 50-99")]
    NirMonth,
    /// The sixth and seventh characters.
    #[error("the department in a social security number is two digits, 2A or 2B")]
    NirDepartment,
    /// The key does not belong to the number.
    #[error("the key does not belong to the number; one of its digits is wrong")]
    NirKey,
    /// A date in none of the accepted forms.
    #[error("a date is written 1980-12-31, 19801231 or 31/12/1980")]
    DateFormat,
    /// A year of two digits could mean two centuries.
    #[error("a date needs a year of four digits")]
    DateShortYear,
    /// The year is out of range.
    #[error("the year of a birth date is 1800 to 2199")]
    DateYear,
    /// The month is out of range, or is 00 although a day is given.
    #[error("the month of a birth date is 01 to 12, or 00 with day 00 when both are unknown")]
    DateMonth,
    /// That month has no such day.
    #[error("that month of that year has no such day")]
    DateDay,
    /// The day or the month is unknown where a complete date is needed.
    #[error("a name identifies a person only together with a complete birth date")]
    DateIncomplete,
    /// The birth rank is not one digit from 1 to 9.
    #[error("a birth rank is one digit from 1 to 9")]
    Rank,
    /// More than 200 characters as given, or more than 100 once normalised.
    #[error("a name has at most 200 characters, and 100 letters and spaces once normalised")]
    NameLength,
    /// A comma in a birth name.
    #[error("there is a comma where one name was expected")]
    NameComma,
    /// Something that is not a Latin letter, mark, apostrophe, hyphen or space.
    #[error("a name has only Latin letters with or without marks, apostrophes, hyphens and spaces")]
    NameCharacter,
}

impl Reject {
    /// All reasons.
    pub const ALL: [Self; 18] = [
        Self::Empty,
        Self::NirRounded,
        Self::NirCharacter,
        Self::NirLength,
        Self::NirSex,
        Self::NirMonth,
        Self::NirDepartment,
        Self::NirKey,
        Self::DateFormat,
        Self::DateShortYear,
        Self::DateYear,
        Self::DateMonth,
        Self::DateDay,
        Self::DateIncomplete,
        Self::Rank,
        Self::NameLength,
        Self::NameComma,
        Self::NameCharacter,
    ];

    /// A stable name of the reason in lower case with hyphens.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::NirRounded => "nir-rounded",
            Self::NirCharacter => "nir-character",
            Self::NirLength => "nir-length",
            Self::NirSex => "nir-sex",
            Self::NirMonth => "nir-month",
            Self::NirDepartment => "nir-department",
            Self::NirKey => "nir-key",
            Self::DateFormat => "date-format",
            Self::DateShortYear => "date-short-year",
            Self::DateYear => "date-year",
            Self::DateMonth => "date-month",
            Self::DateDay => "date-day",
            Self::DateIncomplete => "date-incomplete",
            Self::Rank => "rank",
            Self::NameLength => "name-length",
            Self::NameComma => "name-comma",
            Self::NameCharacter => "name-character",
        }
    }
}
