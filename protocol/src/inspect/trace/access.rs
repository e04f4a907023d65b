//! How a visitor walks through a list, a structure or a choice, while the tracer keeps the path.

use super::{Fault, Tracer};
use crate::inspect::failure::Problem;
use crate::inspect::span::Part;
use serde::de::value::U32Deserializer;
use serde::de::{DeserializeSeed, EnumAccess, IntoDeserializer, SeqAccess, VariantAccess, Visitor};

/// What the values in a row are called.
pub(super) enum Names {
    /// Fields, each with its name.
    Fields(&'static [&'static str]),
    /// Items of an array or a list that began at `start`, each with its number.
    Items {
        /// The first byte, of the length if there is one.
        start: usize,
    },
}

/// Values in a row.
pub(super) struct Items<'t, 'a> {
    tracer: &'t mut Tracer<'a>,
    next: usize,
    length: usize,
    names: Names,
    /// How many items were single bytes.
    bytes: usize,
}

impl<'t, 'a> Items<'t, 'a> {
    pub(super) fn new(tracer: &'t mut Tracer<'a>, length: usize, names: Names) -> Self {
        Self { tracer, next: 0, length, names, bytes: 0 }
    }

    /// Whether all items, and at least one, were single bytes, which then have no spans.
    pub(super) fn are_bytes(&self) -> bool {
        self.bytes > 0 && self.bytes == self.length
    }

    fn part(&self) -> Part {
        match self.names {
            Names::Fields(names) => Part::Field(names.get(self.next).copied().unwrap_or("field")),
            Names::Items { .. } => Part::Item(self.next as u64),
        }
    }
}

impl<'de> SeqAccess<'de> for Items<'_, '_> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        if self.next == self.length {
            return Ok(None);
        }
        let part = self.part();
        self.next += 1;
        let start = self.tracer.at;
        self.tracer.path.push(part);
        let read = seed.deserialize(&mut *self.tracer);
        let read = match (&self.names, self.tracer.byte.is_some()) {
            (Names::Fields(_), _) => {
                self.tracer.flush_byte();
                read
            }
            (Names::Items { .. }, false) => read,
            (Names::Items { start }, true) => {
                self.tracer.byte = None;
                self.bytes += 1;
                read.map_err(|fault| self.tracer.cut_array(*start, self.length, fault))
            }
        };
        let read = read.map_err(|fault| self.tracer.noted(start, fault));
        self.tracer.path.pop();
        read.map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.length - self.next)
    }
}

impl Tracer<'_> {
    /// What to say when an array of bytes is cut short: that the array is, not its n-th byte.
    fn cut_array(&mut self, start: usize, needed: usize, fault: Fault) -> Fault {
        if !matches!(fault.0, Problem::CutShort { .. }) {
            return fault;
        }
        self.at = start;
        let item = self.path.pop();
        let cut = Problem::CutShort { needed: needed as u64, left: self.left() as u64 };
        let noted = self.noted(start, Fault(cut));
        self.path.extend(item);
        noted
    }

    fn noted(&mut self, start: usize, fault: Fault) -> Fault {
        Fault(self.note(start, fault).problem)
    }
}

/// An alternative of a choice.
pub(super) struct Alternative<'t, 'a> {
    pub(super) tracer: &'t mut Tracer<'a>,
    pub(super) number: u32,
    /// What its one field is called, if it is no structure.
    pub(super) content: Option<&'static str>,
}

impl<'de> EnumAccess<'de> for Alternative<'_, '_> {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Fault> {
        let number: U32Deserializer<Fault> = self.number.into_deserializer();
        Ok((seed.deserialize(number)?, self))
    }
}

impl<'de> VariantAccess<'de> for Alternative<'_, '_> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Fault> {
        let Self { tracer, content, .. } = self;
        let start = tracer.at;
        tracer.path.extend(content.map(Part::Field));
        let read = seed.deserialize(&mut *tracer);
        tracer.flush_byte();
        let read = read.map_err(|fault| tracer.noted(start, fault));
        if content.is_some() {
            tracer.path.pop();
        }
        read
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Fault> {
        self.tracer.structure(&[], length, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Fault> {
        self.tracer.structure(fields, fields.len(), visitor)
    }
}
