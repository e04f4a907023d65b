//! Which types of columns can be read, and how their values become the text of cells.

use super::super::{
    disk::Fault,
    typed::{Decimal, TRUSTED_F64, write_moment},
};

/// Up to this, all integers are distinct in 32-bit floating point.
const TRUSTED_F32: u128 = 1 << 24;

/// A field as the schema describes it (`SchemaElement` of parquet.thrift).
#[derive(Default)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) physical: Option<Physical>,
    /// Bytes of a value, where all have as many.
    pub(super) length: usize,
    /// 0 required, 1 optional, 2 repeated.
    pub(super) repetition: i32,
    pub(super) children: usize,
    /// `ConvertedType`, the older way to say what values mean.
    pub(super) converted: Option<i32>,
    /// `LogicalType`, by its number in the union.
    pub(super) logical: Option<i16>,
    /// The digits after the point of a decimal.
    pub(super) scale: i32,
    /// 1 milliseconds, 2 microseconds, 3 nanoseconds.
    pub(super) unit: i16,
    pub(super) bits: i32,
    pub(super) unsigned: bool,
}

impl Field {
    /// Whether the field has values, rather than other fields in it.
    pub(super) fn is_leaf(&self) -> bool {
        self.physical.is_some()
    }
}

/// How values are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Physical {
    Boolean,
    Int32,
    Int64,
    Float,
    Double,
    /// Any number of bytes.
    Bytes,
    /// Always as many bytes.
    Fixed(usize),
    Int96,
}

impl Physical {
    /// The type of this number; the length of fixed values stands elsewhere.
    pub(super) fn of(number: i32) -> Option<Self> {
        Some(match number {
            0 => Self::Boolean,
            1 => Self::Int32,
            2 => Self::Int64,
            3 => Self::Int96,
            4 => Self::Float,
            5 => Self::Double,
            6 => Self::Bytes,
            7 => Self::Fixed(0),
            _ => return None,
        })
    }

    /// The bytes of a value, where all have as many.
    pub(super) fn width(self) -> Option<usize> {
        match self {
            Self::Int32 | Self::Float => Some(4),
            Self::Int64 | Self::Double => Some(8),
            Self::Int96 => Some(12),
            Self::Fixed(length) => Some(length),
            Self::Boolean | Self::Bytes => None,
        }
    }
}

/// A column that can be read, or why it cannot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Readable {
        physical: Physical,
        meaning: Meaning,
        optional: bool,
    },
    /// What it holds, for a message.
    Unreadable(&'static str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    Boolean,
    Integer {
        unsigned: bool,
    },
    /// Floating point.
    Float,
    Text,
    /// Days from 1970-01-01.
    Day,
    /// Parts of a second from 1970-01-01, so many in a second.
    Moment {
        per_second: i64,
    },
    Decimal {
        scale: u16,
    },
}

impl Shape {
    pub(super) fn of(field: &Field) -> Self {
        let Some(physical) = field.physical else {
            return Self::Unreadable("a list or group of values");
        };
        if field.children > 0 || field.repetition == 2 {
            return Self::Unreadable("a list or group of values");
        }
        let physical = if let Physical::Fixed(_) = physical { Physical::Fixed(field.length) } else { physical };
        match meaning(field, physical) {
            Ok(meaning) => Self::Readable { physical, meaning, optional: field.repetition == 1 },
            Err(found) => Self::Unreadable(found),
        }
    }

    /// The type of the values, as it is stated again for each chunk, if they can be read.
    pub(super) fn physical(self) -> Option<Physical> {
        match self {
            Self::Readable { physical: Physical::Fixed(_), .. } => Some(Physical::Fixed(0)),
            Self::Readable { physical, .. } => Some(physical),
            Self::Unreadable(_) => None,
        }
    }
}

fn meaning(field: &Field, physical: Physical) -> Result<Meaning, &'static str> {
    let stored_as =
        |fits: &[Physical], meaning, otherwise| if fits.contains(&physical) { Ok(meaning) } else { Err(otherwise) };
    let integer = |unsigned| {
        let meaning = Meaning::Integer { unsigned };
        stored_as(&[Physical::Int32, Physical::Int64], meaning, "numbers of an unknown type")
    };
    let moment = |per_second| stored_as(&[Physical::Int64], Meaning::Moment { per_second }, "times of an unknown type");
    match (field.logical, field.converted) {
        (Some(1 | 4 | 12), _) | (None, Some(0 | 4 | 19)) => {
            stored_as(&[Physical::Bytes], Meaning::Text, "text of an unknown type")
        }
        (Some(5), _) | (None, Some(5)) => decimal(field, physical),
        (Some(6), _) | (None, Some(6)) => stored_as(&[Physical::Int32], Meaning::Day, "dates of an unknown type"),
        (Some(7), _) | (None, Some(7 | 8)) => Err("times of day"),
        (Some(8), _) => match field.unit {
            1 => moment(1_000),
            2 => moment(1_000_000),
            3 => moment(1_000_000_000),
            _ => Err("times of an unknown type"),
        },
        (None, Some(9)) => moment(1_000),
        (None, Some(10)) => moment(1_000_000),
        (Some(10), _) => integer(field.unsigned),
        (None, Some(11..=14)) => integer(true),
        (None, Some(15..=18)) => integer(false),
        // A column in which nothing is known of the values but that they are all missing.
        (Some(11), _) | (None, None) => plain(physical),
        (Some(14), _) => Err("UUIDs"),
        (Some(15), _) => Err("16-bit floating point"),
        (Some(_), _) | (None, Some(_)) => Err("values of another type"),
    }
}

/// The meaning of values that are what they are stored as.
fn plain(physical: Physical) -> Result<Meaning, &'static str> {
    match physical {
        Physical::Boolean => Ok(Meaning::Boolean),
        Physical::Int32 | Physical::Int64 => Ok(Meaning::Integer { unsigned: false }),
        Physical::Float | Physical::Double => Ok(Meaning::Float),
        Physical::Int96 => Err("96-bit times"),
        Physical::Bytes | Physical::Fixed(_) => Err("binary data"),
    }
}

fn decimal(field: &Field, physical: Physical) -> Result<Meaning, &'static str> {
    let fits = match physical {
        Physical::Int32 | Physical::Int64 | Physical::Bytes => true,
        Physical::Fixed(length) => (1..=16).contains(&length),
        Physical::Boolean | Physical::Float | Physical::Double | Physical::Int96 => false,
    };
    match u16::try_from(field.scale) {
        Ok(scale) if fits => Ok(Meaning::Decimal { scale }),
        Ok(_) | Err(_) => Err("decimals of an unknown type"),
    }
}

/// A value as it is stored.
#[derive(Clone, Copy)]
pub(super) enum Value<'a> {
    Boolean(bool),
    Int32(i32),
    Int64(i64),
    Float(f32),
    Double(f64),
    Bytes(&'a [u8]),
}

impl Meaning {
    /// Writes the text of a value.
    pub(super) fn write(self, value: Value<'_>, out: &mut String) -> Result<(), Fault> {
        match (self, value) {
            (Self::Boolean, Value::Boolean(value)) => out.push_str(if value { "TRUE" } else { "FALSE" }),
            (Self::Integer { unsigned }, Value::Int32(value)) => {
                exact(if unsigned { i128::from(value.cast_unsigned()) } else { i128::from(value) }, 0, out);
            }
            (Self::Integer { unsigned }, Value::Int64(value)) => {
                exact(if unsigned { i128::from(value.cast_unsigned()) } else { i128::from(value) }, 0, out);
            }
            (Self::Float, Value::Float(value)) => float(value.is_nan(), &format!("{value:e}"), TRUSTED_F32, out),
            (Self::Float, Value::Double(value)) => float(value.is_nan(), &format!("{value:e}"), TRUSTED_F64, out),
            (Self::Text, Value::Bytes(bytes)) => {
                out.push_str(std::str::from_utf8(bytes).map_err(|_| Fault::Broken("it has text that is not UTF-8"))?);
            }
            (Self::Day, Value::Int32(days)) => {
                if !write_moment(days.into(), 0, out) {
                    exact(days.into(), 0, out);
                }
            }
            (Self::Moment { per_second }, Value::Int64(value)) => moment(value, per_second, out),
            (Self::Decimal { scale }, Value::Int32(value)) => exact(value.into(), scale, out),
            (Self::Decimal { scale }, Value::Int64(value)) => exact(value.into(), scale, out),
            (Self::Decimal { scale }, Value::Bytes(bytes)) => exact(big_endian(bytes)?, scale, out),
            _ => return Err(Fault::DAMAGED),
        }
        Ok(())
    }
}

/// A number of which all digits are known.
fn exact(value: i128, scale: u16, out: &mut String) {
    let decimal = Decimal { negative: value < 0, digits: value.unsigned_abs(), exponent: -i32::from(scale) };
    decimal.write(u128::MAX, out);
}

/// A floating-point number in its shortest form. What is no number is an empty cell, as which it was exported.
fn float(is_nan: bool, text: &str, trusted: u128, out: &mut String) {
    match Decimal::parse(text) {
        Some(decimal) => decimal.write(trusted, out),
        None if is_nan => {}
        None => out.push_str(text),
    }
}

fn moment(value: i64, per_second: i64, out: &mut String) {
    let seconds = value.div_euclid(per_second);
    let (day, time) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // A part of a second after midnight is not midnight.
    let time = if value.rem_euclid(per_second) > 0 { time.max(1) } else { time };
    if !write_moment(day, time, out) {
        exact(value.into(), 0, out);
    }
}

fn big_endian(bytes: &[u8]) -> Result<i128, Fault> {
    let first = bytes.first().ok_or(Fault::DAMAGED)?;
    let fill = if first & 0x80 == 0 { 0 } else { 0xff };
    let mut whole = [fill; 16];
    let start = 16_usize.checked_sub(bytes.len()).ok_or(Fault::DAMAGED)?;
    whole.get_mut(start..).unwrap_or_default().copy_from_slice(bytes);
    Ok(i128::from_be_bytes(whole))
}
