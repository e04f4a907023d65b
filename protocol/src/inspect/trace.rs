//! Decodes a value as [`codec`](crate::codec) does, and notes what stands where.
//!
//! It knows SPEC.md's "Encoding", not one layout: those are the types' own `Deserialize`, and so cannot differ from what
//! the programs read. A property holds it against `codec`. Nothing is allocated on the word of a length that leads beyond
//! the bytes.

mod access;

use super::failure::{Failure, Problem};
use super::span::{Part, Path, Span, Type, Value};
use super::words;
use access::{Alternative, Items, Names};
use serde::de::{self, DeserializeOwned, Visitor};
use std::fmt;

/// A value that was traced.
#[derive(Debug)]
pub(super) struct Traced<'a, T> {
    /// What was read, in order and without gaps, also when reading failed.
    pub(super) spans: Vec<Span<'a>>,
    /// The value.
    pub(super) value: Result<T, Failure>,
}

/// Reads a value that `bytes`, which begin at `base` of the file, encode whole. `section` is the one that defines it.
pub(super) fn whole<T: DeserializeOwned>(bytes: &[u8], base: u64, section: u8) -> Traced<'_, T> {
    let (mut traced, used) = beginning(bytes, base, section);
    let left = bytes.len() as u64 - used;
    if left > 0 && traced.value.is_ok() {
        let problem = Problem::LeftOver(left);
        traced.value = Err(Failure { offset: base + used, path: Path::default(), problem, section: 3 });
    }
    traced
}

/// Reads a value that `bytes` begin with, and says how many bytes it has.
pub(super) fn beginning<T: DeserializeOwned>(bytes: &[u8], base: u64, section: u8) -> (Traced<'_, T>, u64) {
    let mut tracer =
        Tracer { bytes, at: 0, base, section, path: vec![], spans: vec![], byte: None, name: None, failure: None };
    let read = T::deserialize(&mut tracer);
    tracer.flush_byte();
    let value = read.map_err(|fault| tracer.note(0, fault));
    (Traced { spans: tracer.spans, value }, tracer.at as u64)
}

/// Why a value could not be read; where is noted by whoever asked for it.
#[derive(Debug)]
struct Fault(Problem);

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(rule: T) -> Self {
        Self(Problem::NotAllowed(rule.to_string()))
    }
}

struct Tracer<'a> {
    bytes: &'a [u8],
    /// The next byte. What fails leaves it at the first byte that it could not read.
    at: usize,
    base: u64,
    section: u8,
    path: Vec<Part>,
    spans: Vec<Span<'a>>,
    /// Where a single byte stands that has no span yet: a `u8`, or a part of an array.
    byte: Option<usize>,
    /// The name of the newtype around the value that comes next.
    name: Option<&'static str>,
    /// The innermost place where reading failed.
    failure: Option<Failure>,
}

impl<'a> Tracer<'a> {
    fn left(&self) -> usize {
        self.bytes.len().saturating_sub(self.at)
    }

    fn take(&mut self, needed: usize) -> Result<&'a [u8], Fault> {
        let left = self.left();
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let cut = || Fault(Problem::CutShort { needed: needed as u64, left: left as u64 });
        let (taken, _) = rest.split_at_checked(needed).ok_or_else(cut)?;
        self.at += needed;
        Ok(taken)
    }

    /// An integer of so many bytes, with its span.
    fn integer(&mut self, ty: Type, width: usize) -> Result<u64, Fault> {
        let start = self.at;
        let number = little_endian(self.take(width)?);
        self.push(start, ty, Value::Number(number));
        Ok(number)
    }

    /// A length: no more than the bytes behind it, since no type is encoded in no bytes.
    fn length(&mut self) -> Result<usize, Fault> {
        let start = self.at;
        let found = little_endian(self.take(8)?);
        match usize::try_from(found) {
            Ok(length) if length <= self.left() => Ok(length),
            Ok(_) | Err(_) => {
                let left = self.left() as u64;
                self.at = start;
                Err(Fault(Problem::Length { found, left }))
            }
        }
    }

    /// The span of what was read since `start`.
    fn span(&self, start: usize, ty: Type, value: Value<'a>) -> Span<'a> {
        let offset = self.base + start as u64;
        Span { offset, length: (self.at - start) as u64, path: Path(self.path.clone()), ty, value }
    }

    fn push(&mut self, start: usize, ty: Type, value: Value<'a>) {
        let span = self.span(start, ty, value);
        self.spans.push(span);
    }

    /// Gives a single byte its span.
    fn flush_byte(&mut self) {
        if let Some(start) = self.byte.take()
            && let Some(byte) = self.bytes.get(start)
        {
            self.push(start, Type::U8, Value::Number((*byte).into()));
        }
    }

    /// Notes that what began at `start` under the current path could not be read, unless something inside it was it.
    fn note(&mut self, start: usize, fault: Fault) -> Failure {
        // What was read, but is not allowed, is as a whole; what could not be read is where reading ended.
        let is_read = matches!(fault.0, Problem::NotAllowed(_));
        let is_encoding = !is_read && !matches!(fault.0, Problem::NoAlternative { .. });
        let failure = self.failure.get_or_insert_with(|| Failure {
            offset: self.base + if is_read { start } else { self.at } as u64,
            path: Path(self.path.clone()),
            problem: fault.0,
            section: if is_encoding { 3 } else { self.section },
        });
        failure.clone()
    }

    /// The items of an array or a list, which began at `start`. Bytes become one span.
    fn items<'de, V: Visitor<'de>>(&mut self, start: usize, length: usize, visitor: V) -> Result<V::Value, Fault> {
        let name = self.name.take();
        let (first, place) = (self.at, self.spans.len());
        let is_list = first != start;
        if is_list {
            self.push(start, Type::List, Value::Items(length as u64));
        }
        let mut items = Items::new(self, length, Names::Items { start });
        let visited = visitor.visit_seq(&mut items)?;
        if items.are_bytes() {
            let bytes = self.bytes.get(first..self.at).unwrap_or_default();
            self.spans.truncate(place);
            self.push(start, self.type_of_bytes(is_list, name, length), Value::Bytes(bytes));
        }
        Ok(visited)
    }

    /// The number of an alternative with its span, and the alternative's name.
    fn alternative(
        &mut self,
        name: &'static str,
        variants: &'static [&'static str],
    ) -> Result<(u32, &'static str), Fault> {
        let start = self.at;
        let number = u32::try_from(little_endian(self.take(4)?)).unwrap_or(u32::MAX);
        let variant = usize::try_from(number).ok().and_then(|place| variants.get(place));
        let Some(variant) = variant else {
            self.at = start;
            let alternatives = u32::try_from(variants.len()).unwrap_or(u32::MAX);
            return Err(Fault(Problem::NoAlternative { found: number, alternatives }));
        };
        self.push(start, Type::Choice, Value::Alternative(number, words::alternative(name, variant)));
        Ok((number, variant))
    }

    fn type_of_bytes(&self, is_list: bool, name: Option<&str>, length: usize) -> Type {
        match (is_list, name, self.path.last()) {
            (true, _, Some(Part::Field("holders"))) => Type::Indices,
            (true, ..) => Type::Bytes,
            (false, Some("Element"), _) => Type::Element,
            (false, Some("Signature"), _) => Type::Signature,
            (false, ..) => Type::Array(length as u64),
        }
    }

    fn structure<'de, V: Visitor<'de>>(
        &mut self,
        fields: &'static [&'static str],
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.name = None;
        visitor.visit_seq(&mut Items::new(self, length, Names::Fields(fields)))
    }
}

fn little_endian(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

impl<'de> de::Deserializer<'de> for &mut Tracer<'_> {
    type Error = Fault;

    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.byte = Some(self.at);
        let byte = self.take(1)?.first().copied().unwrap_or_default();
        visitor.visit_u8(byte)
    }

    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_u64(self.integer(Type::U16, 2)?)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_u64(self.integer(Type::U32, 4)?)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_u64(self.integer(Type::U64, 8)?)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let start = self.at;
        let length = self.length()?;
        let text = std::str::from_utf8(self.take(length)?);
        let Ok(text) = text else {
            self.at = start;
            return Err(Fault(Problem::NotUtf8));
        };
        self.push(start, Type::Text, Value::Text(text));
        visitor.visit_str(text)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_string(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let start = self.at;
        let present = match little_endian(self.take(1)?) {
            0 => false,
            1 => true,
            found => {
                self.at = start;
                return Err(Fault(Problem::NotAnOption(u8::try_from(found).unwrap_or(u8::MAX))));
            }
        };
        self.push(start, Type::Option, Value::Present(present));
        if present { visitor.visit_some(self) } else { visitor.visit_none() }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let start = self.at;
        let length = self.length()?;
        self.items(start, length, visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Fault> {
        self.items(self.at, length, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.structure(fields, fields.len(), visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.structure(words::fields(name), length, visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Fault> {
        self.name = Some(name);
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let unnamed = self.path.is_empty();
        self.path.extend(unnamed.then_some(Part::Field("alternative")));
        let start = self.at;
        let (number, variant) =
            self.alternative(name, variants).map_err(|fault| Fault(self.note(start, fault).problem))?;
        if unnamed {
            self.path.pop();
        }
        visitor.visit_enum(Alternative { tracer: self, number, content: words::content(name, variant) })
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Fault> {
        Err(Fault(Problem::NotAllowed("SPEC.md has no such type".to_owned())))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u128 f32 f64 char bytes byte_buf unit unit_struct map identifier ignored_any
    }
}
