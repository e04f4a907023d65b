//! The texts that the cells of a workbook share, and the escapes inside texts.

use super::{
    super::{
        MAX_ROW_LEN,
        disk::{Disk, Fault},
    },
    archive::Archive,
    xml::{Token, Xml},
};

/// The most bytes of the texts with 4 for the place of each. A million rows of 200 bytes, no two the same, fit.
const MAX_LEN: usize = 256 << 20;

/// The most bytes of the part that holds the texts.
const MAX_PART_LEN: u64 = 2 << 30;

const TOO_LONG: &str = "one of its texts is longer than a row may be";

/// Texts by number, in one allocation.
#[derive(Default)]
pub(super) struct Strings {
    text: String,
    ends: Vec<u32>,
}

impl Strings {
    pub(super) fn read(disk: &Disk, archive: &Archive, part: &str) -> Result<Self, Fault> {
        let mut xml = Xml::new(archive.part(disk, part, MAX_PART_LEN)?);
        let (mut strings, mut one) = (Self::default(), String::new());
        // The depth of the element inside which text counts; 0 is none.
        let (mut in_text, mut in_phonetic) = (0, 0);
        loop {
            let depth = xml.depth();
            match xml.next()? {
                Token::Open(element) => match element.local_name().as_ref() {
                    "rPh" => in_phonetic = depth + 1,
                    "t" if in_phonetic == 0 => in_text = depth + 1,
                    _ => {}
                },
                Token::Close => {
                    in_text = if depth == in_text { 0 } else { in_text };
                    in_phonetic = if depth == in_phonetic { 0 } else { in_phonetic };
                    // sst / si
                    if depth == 2 {
                        strings.push(&mut one)?;
                    }
                }
                Token::Text(text) if in_text != 0 => append(&mut one, &text).map_err(|_| Fault::Broken(TOO_LONG))?,
                Token::Text(_) => {}
                Token::End => return Ok(strings),
            }
        }
    }

    pub(super) fn find(&self, place: usize) -> Option<&str> {
        let end = *self.ends.get(place)?;
        let start = match place.checked_sub(1) {
            Some(before) => *self.ends.get(before)?,
            None => 0,
        };
        self.text.get(start as usize..end as usize)
    }

    fn push(&mut self, one: &mut String) -> Result<(), Fault> {
        unescape(one);
        self.text.push_str(one);
        one.clear();
        let end = u32::try_from(self.text.len()).map_err(|_| Fault::DAMAGED)?;
        self.ends.push(end);
        if self.text.len() + 4 * self.ends.len() > MAX_LEN {
            return Err(Fault::Broken("it holds more text than fits in memory; export it as CSV"));
        }
        Ok(())
    }
}

/// Appends to the text of one cell.
pub(super) fn append(cell: &mut String, text: &str) -> Result<(), Fault> {
    if cell.len() + text.len() > MAX_ROW_LEN {
        return Err(Fault::TooLong);
    }
    cell.push_str(text);
    Ok(())
}

/// Turns `_x000D_` and the like into the character that XML cannot hold, `_x005F_` into the underscore.
pub(super) fn unescape(text: &mut String) {
    if !text.contains("_x") {
        return;
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find("_x") {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        let code = escape.get(2..6).filter(|code| code.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let character = code.and_then(|code| char::from_u32(u32::from_str_radix(code, 16).ok()?));
        match (character, escape.get(6..)) {
            (Some(character), Some(after)) if after.starts_with('_') => {
                out.push(character);
                rest = after.get(1..).unwrap_or_default();
            }
            _ => {
                out.push_str("_x");
                rest = escape.get(2..).unwrap_or_default();
            }
        }
    }
    out.push_str(rest);
    *text = out;
}
