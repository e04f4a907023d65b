//! How the values of a page are encoded (Encodings.md of the Parquet format), read one at a time. Every place in the page
//! is checked; no length in it makes anything grow.

use super::{
    super::{MAX_ROW_LEN, disk::Fault},
    delta::Delta,
    shape::{Physical, Value},
};

const PLAIN: i32 = 0;
const PLAIN_DICTIONARY: i32 = 2;
const RLE: i32 = 3;
const DELTA_BINARY_PACKED: i32 = 5;
const DELTA_LENGTH_BYTE_ARRAY: i32 = 6;
const DELTA_BYTE_ARRAY: i32 = 7;
const RLE_DICTIONARY: i32 = 8;
const BYTE_STREAM_SPLIT: i32 = 9;

/// The values of a page and how far reading has come.
pub(super) enum Values {
    /// One after the other, from this place in the page on.
    Plain(usize),
    /// Truth values as bits, from this bit of the page on.
    Bits(usize),
    /// Truth values in runs.
    Runs(Hybrid),
    /// Places in the dictionary.
    Dictionary(Hybrid),
    /// First the first bytes of all values, then the second ones.
    Split { start: usize, count: usize, next: usize },
    /// Integers by their differences.
    Delta(Delta),
    /// The lengths of all values, then the values, from this place on.
    Lengths(Delta, usize),
    /// What each shares with the one before, then the rest as above.
    Prefixes { shared: Delta, lengths: Delta, at: usize, value: Vec<u8> },
}

impl Values {
    /// The values that begin at `start`, at most `count`.
    pub(super) fn new(page: &[u8], start: usize, encoding: i32, physical: Physical, count: u32) -> Result<Self, Fault> {
        let count = count as usize;
        let whole = matches!(physical, Physical::Int32 | Physical::Int64);
        let text = matches!(physical, Physical::Bytes | Physical::Fixed(_));
        Ok(match (encoding, physical.width()) {
            (PLAIN, _) if physical == Physical::Boolean => Self::Bits(start.checked_mul(8).ok_or(Fault::DAMAGED)?),
            (PLAIN, _) => Self::Plain(start),
            (RLE, _) if physical == Physical::Boolean => {
                let length = u32::from_le_bytes(array(page, start)?) as usize;
                let end = (start + 4).checked_add(length).ok_or(Fault::DAMAGED)?;
                Self::Runs(Hybrid::new(start + 4, end.min(page.len()), 1)?)
            }
            (PLAIN_DICTIONARY | RLE_DICTIONARY, _) => match page.get(start) {
                Some(width) => Self::Dictionary(Hybrid::new(start + 1, page.len(), *width)?),
                // All values are missing.
                None => Self::Plain(start),
            },
            (BYTE_STREAM_SPLIT, Some(width)) if !text => {
                Self::Split { start, count: page.len().saturating_sub(start) / width, next: 0 }
            }
            (DELTA_BINARY_PACKED, _) if whole => Self::Delta(Delta::new(page, start, count)?),
            (DELTA_LENGTH_BYTE_ARRAY, _) if text => {
                let lengths = Delta::new(page, start, count)?;
                let at = lengths.end(page)?;
                Self::Lengths(lengths, at)
            }
            (DELTA_BYTE_ARRAY, _) if text => {
                let shared = Delta::new(page, start, count)?;
                let lengths = Delta::new(page, shared.end(page)?, count)?;
                let at = lengths.end(page)?;
                Self::Prefixes { shared, lengths, at, value: Vec::new() }
            }
            _ => return Err(Fault::Broken("a column is written in an encoding that is not known")),
        })
    }

    /// The next value.
    pub(super) fn next<'a>(
        &'a mut self,
        page: &'a [u8],
        dictionary: Option<&'a Dictionary>,
        physical: Physical,
    ) -> Result<Value<'a>, Fault> {
        match self {
            Self::Plain(at) => plain(page, at, physical),
            Self::Bits(at) => {
                let byte = page.get(*at / 8).ok_or(Fault::DAMAGED)?;
                let value = byte >> (*at % 8) & 1 == 1;
                *at += 1;
                Ok(Value::Boolean(value))
            }
            Self::Runs(runs) => Ok(Value::Boolean(runs.next(page)? == 1)),
            Self::Dictionary(places) => {
                let place = places.next(page)? as usize;
                dictionary.ok_or(Fault::DAMAGED)?.find(place, physical)
            }
            Self::Split { start, count, next } => {
                let width = physical.width().filter(|_| *next < *count).ok_or(Fault::DAMAGED)?;
                let mut value = [0; 8];
                for (of, byte) in value.iter_mut().enumerate().take(width) {
                    *byte = *page.get(*start + of * *count + *next).ok_or(Fault::DAMAGED)?;
                }
                *next += 1;
                split(&value, physical)
            }
            Self::Delta(delta) => {
                let value = delta.next(page)?;
                #[expect(clippy::cast_possible_truncation, reason = "differences wrap around in the width of the type")]
                let narrow = value as i32;
                Ok(if physical == Physical::Int32 { Value::Int32(narrow) } else { Value::Int64(value) })
            }
            Self::Lengths(lengths, at) => slice(page, at, length(lengths, page)?).map(Value::Bytes),
            Self::Prefixes { shared, lengths, at, value } => {
                let (shared, length) = (length(shared, page)?, length(lengths, page)?);
                let rest = slice(page, at, length)?;
                if shared > value.len() {
                    return Err(Fault::DAMAGED);
                }
                value.truncate(shared);
                // A value could otherwise grow by a page with each row.
                if shared + length > MAX_ROW_LEN {
                    return Err(Fault::TooLong);
                }
                value.extend_from_slice(rest);
                Ok(Value::Bytes(value))
            }
        }
    }
}

/// The values that a column has, each once.
pub(super) struct Dictionary {
    bytes: Vec<u8>,
    /// Where values of different lengths begin.
    starts: Vec<u32>,
    count: usize,
}

impl Dictionary {
    pub(super) fn read(bytes: Vec<u8>, count: u32, encoding: i32, physical: Physical) -> Result<Self, Fault> {
        if !matches!(encoding, PLAIN | PLAIN_DICTIONARY) {
            return Err(Fault::DAMAGED);
        }
        let (count, mut starts) = (count as usize, Vec::new());
        // What a value takes at least: its length, or itself.
        let least = match physical {
            Physical::Bytes => 4,
            Physical::Boolean => return Err(Fault::DAMAGED),
            Physical::Int32
            | Physical::Int64
            | Physical::Int96
            | Physical::Float
            | Physical::Double
            | Physical::Fixed(_) => physical.width().unwrap_or(1),
        };
        if least.checked_mul(count).is_none_or(|length| length > bytes.len()) {
            return Err(Fault::DAMAGED);
        }
        if physical == Physical::Bytes {
            let mut at = 0;
            for _ in 0..count {
                starts.push(u32::try_from(at).map_err(|_| Fault::DAMAGED)?);
                plain(&bytes, &mut at, physical)?;
            }
        }
        Ok(Self { bytes, starts, count })
    }

    fn find(&self, place: usize, physical: Physical) -> Result<Value<'_>, Fault> {
        let mut at = match physical.width() {
            Some(width) if place < self.count => place * width,
            Some(_) => return Err(Fault::DAMAGED),
            None => *self.starts.get(place).ok_or(Fault::DAMAGED)? as usize,
        };
        plain(&self.bytes, &mut at, physical)
    }
}

/// Runs of a number that is repeated, and of numbers packed as bits.
pub(super) struct Hybrid {
    at: usize,
    end: usize,
    /// Bits of a number.
    width: u8,
    /// Numbers left in the run.
    left: u64,
    run: Run,
}

enum Run {
    Repeated(u32),
    /// The next number begins at this bit of the page.
    Packed(usize),
}

impl Hybrid {
    pub(super) fn new(start: usize, end: usize, width: u8) -> Result<Self, Fault> {
        if width > 32 || start > end {
            return Err(Fault::DAMAGED);
        }
        Ok(Self { at: start, end, width, left: 0, run: Run::Repeated(0) })
    }

    pub(super) fn next(&mut self, page: &[u8]) -> Result<u32, Fault> {
        while self.left == 0 {
            // Of numbers without bits some writers say nothing.
            if self.width == 0 && self.at == self.end {
                return Ok(0);
            }
            self.begin_run(page)?;
        }
        self.left -= 1;
        match &mut self.run {
            Run::Repeated(value) => Ok(*value),
            Run::Packed(bit) => {
                let value = bits(page.get(..self.end).unwrap_or_default(), *bit, self.width)?;
                *bit += usize::from(self.width);
                u32::try_from(value).map_err(|_| Fault::DAMAGED)
            }
        }
    }

    fn begin_run(&mut self, page: &[u8]) -> Result<(), Fault> {
        let page = page.get(..self.end).ok_or(Fault::DAMAGED)?;
        let head = varint(page, &mut self.at)?;
        if head & 1 == 0 {
            let mut value = [0; 4];
            let bytes = slice(page, &mut self.at, usize::from(self.width).div_ceil(8))?;
            value.get_mut(..bytes.len()).unwrap_or_default().copy_from_slice(bytes);
            (self.left, self.run) = (head >> 1, Run::Repeated(u32::from_le_bytes(value)));
        } else {
            let groups = head >> 1;
            let length = usize::try_from(groups).ok().and_then(|groups| groups.checked_mul(self.width.into()));
            self.left = groups.checked_mul(8).ok_or(Fault::DAMAGED)?;
            self.run = Run::Packed(self.at.checked_mul(8).ok_or(Fault::DAMAGED)?);
            // The last run may be cut short; its numbers are checked as they are read.
            self.at = self.at.saturating_add(length.ok_or(Fault::DAMAGED)?).min(self.end);
        }
        Ok(())
    }
}

/// `width` bits, at most 64, from this bit of the page on, the lowest first.
pub(super) fn bits(page: &[u8], bit: usize, width: u8) -> Result<u64, Fault> {
    if width == 0 {
        return Ok(0);
    }
    let (first, last) = (bit / 8, (bit + usize::from(width) - 1) / 8);
    let bytes = page.get(first..=last).ok_or(Fault::DAMAGED)?;
    let value = bytes.iter().rev().fold(0_u128, |value, byte| value << 8 | u128::from(*byte)) >> (bit % 8);
    u64::try_from(value & ((1 << width) - 1)).map_err(|_| Fault::DAMAGED)
}

/// A number in groups of 7 bits.
pub(super) fn varint(page: &[u8], at: &mut usize) -> Result<u64, Fault> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = *page.get(*at).ok_or(Fault::DAMAGED)?;
        *at += 1;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(Fault::DAMAGED)
}

/// The value at a place, and the place after it.
fn plain<'a>(page: &'a [u8], at: &mut usize, physical: Physical) -> Result<Value<'a>, Fault> {
    let value = match physical {
        Physical::Int32 => Value::Int32(i32::from_le_bytes(array(page, *at)?)),
        Physical::Int64 => Value::Int64(i64::from_le_bytes(array(page, *at)?)),
        Physical::Float => Value::Float(f32::from_le_bytes(array(page, *at)?)),
        Physical::Double => Value::Double(f64::from_le_bytes(array(page, *at)?)),
        Physical::Bytes => {
            let length = u32::from_le_bytes(array(page, *at)?) as usize;
            *at += 4;
            return slice(page, at, length).map(Value::Bytes);
        }
        Physical::Fixed(length) => return slice(page, at, length).map(Value::Bytes),
        Physical::Boolean | Physical::Int96 => return Err(Fault::DAMAGED),
    };
    *at += physical.width().ok_or(Fault::DAMAGED)?;
    Ok(value)
}

/// A value whose bytes were gathered.
fn split(value: &[u8], physical: Physical) -> Result<Value<'static>, Fault> {
    match plain(value, &mut 0, physical)? {
        Value::Int32(value) => Ok(Value::Int32(value)),
        Value::Int64(value) => Ok(Value::Int64(value)),
        Value::Float(value) => Ok(Value::Float(value)),
        Value::Double(value) => Ok(Value::Double(value)),
        Value::Boolean(_) | Value::Bytes(_) => Err(Fault::DAMAGED),
    }
}

fn length(lengths: &mut Delta, page: &[u8]) -> Result<usize, Fault> {
    usize::try_from(lengths.next(page)?).map_err(|_| Fault::DAMAGED)
}

fn array<const N: usize>(page: &[u8], at: usize) -> Result<[u8; N], Fault> {
    page.get(at..).and_then(|rest| rest.first_chunk()).copied().ok_or(Fault::DAMAGED)
}

fn slice<'a>(page: &'a [u8], at: &mut usize, length: usize) -> Result<&'a [u8], Fault> {
    let end = at.checked_add(length).ok_or(Fault::DAMAGED)?;
    let bytes = page.get(*at..end).ok_or(Fault::DAMAGED)?;
    *at = end;
    Ok(bytes)
}
