//! The French social security number (NIR). SPEC.md, "Identifiers".
//!
//! Layout: sex 1, year 2, month 2, department 2, commune 3, order 3, and a key of 2 that is checked and then left out.

use std::fmt;

use super::Reject;

/// A social security number without its key: 13 ASCII characters, all digits but for the A or B of Corsica.
///
/// # Security
/// Personal data: `Debug` shows nothing of it and there is no `Display`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nir([u8; 13]);

impl Nir {
    /// Reads a number of 13 or 15 characters, with or without spaces, dots and dashes, and checks its key if it has one.
    /// Never allocates.
    ///
    /// # Errors
    /// The first thing that is wrong, in this order: characters, length, place of letters, sex, month, key.
    pub fn parse(text: &str) -> Result<Self, Reject> {
        let mut kept = [0_u8; 15];
        let mut count = 0_usize;
        for character in text.chars() {
            let byte = match character {
                '\t' | ' ' | '\u{a0}' | '\u{2007}' | '\u{2009}' | '\u{202f}' => continue,
                '.' | '-' | '\u{2010}'..='\u{2013}' => continue,
                '0'..='9' | 'A' | 'B' => u8::try_from(character).map_err(|_| Reject::NirCharacter)?,
                'a' => b'A',
                'b' => b'B',
                _ if is_rounded(text) => return Err(Reject::NirRounded),
                _ => return Err(Reject::NirCharacter),
            };
            if let Some(slot) = kept.get_mut(count) {
                *slot = byte;
            }
            count += 1;
        }
        let [number @ .., key_tens, key_ones] = kept;
        match count {
            0 => return Err(Reject::Empty),
            13 => {}
            15 if !(key_tens.is_ascii_digit() && key_ones.is_ascii_digit()) => return Err(Reject::NirCharacter),
            15 => {}
            _ => return Err(Reject::NirLength),
        }
        let nir = Self::check(number)?;
        if count == 15 && nir.key() != two_digits(key_tens, key_ones) {
            return Err(Reject::NirKey);
        }
        Ok(nir)
    }

    /// The 13 characters.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The key that belongs to this number, 1 to 97: 97 − (number mod 97), with 2A counted as 19 and 2B as 18.
    pub fn key(&self) -> u8 {
        let mut digits = self.0;
        match digits[6] {
            b'A' => [digits[5], digits[6]] = *b"19",
            b'B' => [digits[5], digits[6]] = *b"18",
            _ => {}
        }
        let number = digits.iter().fold(0_u64, |number, digit| number * 10 + u64::from(digit - b'0'));
        u8::try_from(97 - number % 97).expect("the difference is at most 97")
    }

    /// Checks 13 characters that are digits, A or B.
    fn check(number: [u8; 13]) -> Result<Self, Reject> {
        for (place, character) in number.into_iter().enumerate() {
            match (place, character) {
                (_, b'0'..=b'9') => {}
                (6, _) if number[5] == b'2' => {}
                (5 | 6, _) => return Err(Reject::NirDepartment),
                _ => return Err(Reject::NirCharacter),
            }
        }
        if !matches!(number[0], b'1' | b'2' | b'3' | b'4' | b'7' | b'8') {
            return Err(Reject::NirSex);
        }
        if !matches!(two_digits(number[3], number[4]), 1..=12 | 20..=42 | 50..=99) {
            return Err(Reject::NirMonth);
        }
        Ok(Self(number))
    }
}

impl fmt::Debug for Nir {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nir(redacted)")
    }
}

/// Whether the text is a number in scientific notation, such as `1,85E+14`.
fn is_rounded(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.trim().split_once(['E', 'e']) else {
        return false;
    };
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    mantissa.starts_with(|first: char| first.is_ascii_digit())
        && mantissa.chars().all(|character| matches!(character, '0'..='9' | '.' | ','))
        && !exponent.is_empty()
        && exponent.bytes().all(|byte| byte.is_ascii_digit())
}

/// The value of two ASCII digits.
fn two_digits(tens: u8, ones: u8) -> u8 {
    (tens - b'0') * 10 + (ones - b'0')
}
