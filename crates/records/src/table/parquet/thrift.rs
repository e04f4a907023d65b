//! Thrift's compact protocol, in which Parquet writes everything but the values: read field by field, with a limit on what
//! is read, and no length believed before it is checked.

use std::io::Read;

use super::super::disk::Fault;

/// Structures inside one another: a column's statistics are 6 deep.
const MAX_DEPTH: usize = 24;

/// The type of a field or of the elements of a list.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Kind(u8);

impl Kind {
    pub(super) const TRUE: Self = Self(1);
    const FALSE: Self = Self(2);
    const BYTE: Self = Self(3);
    const I16: Self = Self(4);
    pub(super) const I32: Self = Self(5);
    pub(super) const I64: Self = Self(6);
    const DOUBLE: Self = Self(7);
    pub(super) const BINARY: Self = Self(8);
    pub(super) const LIST: Self = Self(9);
    const SET: Self = Self(10);
    const MAP: Self = Self(11);
    pub(super) const STRUCT: Self = Self(12);
}

pub(super) struct Thrift<R> {
    input: R,
    /// Bytes that may still be read.
    left: usize,
}

impl<R: Read> Thrift<R> {
    pub(super) fn new(input: R, limit: usize) -> Self {
        Self { input, left: limit }
    }

    /// The next field of a structure, nothing at its end. `last` is the number of the field before, at first 0.
    pub(super) fn field(&mut self, last: &mut i16) -> Result<Option<(i16, Kind)>, Fault> {
        let head = self.byte()?;
        if head == 0 {
            return Ok(None);
        }
        *last = match head >> 4 {
            0 => i16::try_from(self.signed()?).map_err(|_| Fault::DAMAGED)?,
            step => last.checked_add(i16::from(step)).ok_or(Fault::DAMAGED)?,
        };
        Ok(Some((*last, Kind(head & 15))))
    }

    /// The length of a list whose elements are of that type. Each takes a byte at least.
    pub(super) fn list(&mut self, kind: Kind) -> Result<usize, Fault> {
        let (length, found) = self.list_head()?;
        if found != kind && length > 0 { Err(Fault::DAMAGED) } else { Ok(length) }
    }

    pub(super) fn i64(&mut self, kind: Kind) -> Result<i64, Fault> {
        if matches!(kind, Kind::BYTE) {
            return Ok(i64::from(i8::from_le_bytes([self.byte()?])));
        }
        if matches!(kind, Kind::I16 | Kind::I32 | Kind::I64) { self.signed() } else { Err(Fault::DAMAGED) }
    }

    pub(super) fn i32(&mut self, kind: Kind) -> Result<i32, Fault> {
        i32::try_from(self.i64(kind)?).map_err(|_| Fault::DAMAGED)
    }

    /// A number that is a length, place or count.
    pub(super) fn length(&mut self, kind: Kind) -> Result<u64, Fault> {
        u64::try_from(self.i64(kind)?).map_err(|_| Fault::DAMAGED)
    }

    /// A text of at most `limit` bytes.
    pub(super) fn text(&mut self, kind: Kind, limit: usize) -> Result<String, Fault> {
        let length = usize::try_from(self.varint()?).map_err(|_| Fault::DAMAGED)?;
        if kind != Kind::BINARY || length > limit {
            return Err(Fault::DAMAGED);
        }
        let mut bytes = vec![0; length];
        self.spend(length)?;
        self.input.read_exact(&mut bytes)?;
        String::from_utf8(bytes).map_err(|_| Fault::DAMAGED)
    }

    /// Reads over a value.
    pub(super) fn skip(&mut self, kind: Kind) -> Result<(), Fault> {
        self.skip_inside(kind, 0)
    }

    fn skip_inside(&mut self, kind: Kind, depth: usize) -> Result<(), Fault> {
        if depth > MAX_DEPTH {
            return Err(Fault::DAMAGED);
        }
        match kind {
            Kind::TRUE | Kind::FALSE => {}
            Kind::BYTE => {
                self.byte()?;
            }
            Kind::I16 | Kind::I32 | Kind::I64 => {
                self.varint()?;
            }
            Kind::DOUBLE => self.skip_bytes(8)?,
            Kind::BINARY => {
                let length = usize::try_from(self.varint()?).map_err(|_| Fault::DAMAGED)?;
                self.skip_bytes(length)?;
            }
            Kind::LIST | Kind::SET => {
                let (length, element) = self.list_head()?;
                for _ in 0..length {
                    self.skip_element(element, depth)?;
                }
            }
            Kind::MAP => {
                let length = self.varint()?;
                let kinds = if length == 0 { 0 } else { self.byte()? };
                for _ in 0..length {
                    self.skip_element(Kind(kinds >> 4), depth)?;
                    self.skip_element(Kind(kinds & 15), depth)?;
                }
            }
            Kind::STRUCT => {
                let mut last = 0;
                while let Some((_, kind)) = self.field(&mut last)? {
                    self.skip_inside(kind, depth + 1)?;
                }
            }
            _ => return Err(Fault::DAMAGED),
        }
        Ok(())
    }

    /// In a list a truth value has a byte of its own.
    fn skip_element(&mut self, kind: Kind, depth: usize) -> Result<(), Fault> {
        if matches!(kind, Kind::TRUE | Kind::FALSE) { self.skip_bytes(1) } else { self.skip_inside(kind, depth + 1) }
    }

    fn skip_bytes(&mut self, length: usize) -> Result<(), Fault> {
        self.spend(length)?;
        let wanted = length as u64;
        let skipped = std::io::copy(&mut (&mut self.input).take(wanted), &mut std::io::sink())?;
        if skipped == wanted { Ok(()) } else { Err(Fault::DAMAGED) }
    }

    fn list_head(&mut self) -> Result<(usize, Kind), Fault> {
        let head = self.byte()?;
        let length = match head >> 4 {
            15 => usize::try_from(self.varint()?).map_err(|_| Fault::DAMAGED)?,
            short => usize::from(short),
        };
        if length > self.left { Err(Fault::DAMAGED) } else { Ok((length, Kind(head & 15))) }
    }

    fn signed(&mut self) -> Result<i64, Fault> {
        self.varint().map(zigzag)
    }

    fn varint(&mut self) -> Result<u64, Fault> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Fault::DAMAGED)
    }

    fn byte(&mut self) -> Result<u8, Fault> {
        self.spend(1)?;
        let mut byte = [0];
        self.input.read_exact(&mut byte)?;
        Ok(byte[0])
    }

    fn spend(&mut self, length: usize) -> Result<(), Fault> {
        self.left = self.left.checked_sub(length).ok_or(Fault::DAMAGED)?;
        Ok(())
    }
}

/// The signed number that 0, -1, 1, -2, … are counted as.
pub(super) fn zigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}
