//! What stands where: a span for every value of an encoding, in SPEC.md's words.

use std::fmt;

/// A run of bytes that is one value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span<'a> {
    /// The first byte, from the start of the file.
    pub offset: u64,
    /// Bytes, the length in front of a text or of bytes included.
    pub length: u64,
    /// What it is called.
    pub path: Path,
    /// How it is encoded.
    pub ty: Type,
    /// What it says.
    pub value: Value<'a>,
}

/// The way to a value from the outside in: `holders[0].share`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Path(pub(super) Vec<Part>);

/// A step of a [`Path`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// A field of a structure.
    Field(&'static str),
    /// An item of a list, from 0.
    Item(u64),
}

impl Path {
    /// The steps.
    pub fn parts(&self) -> &[Part] {
        &self.0
    }

    /// The name of the last field on the way.
    pub fn field(&self) -> Option<&'static str> {
        self.0.iter().rev().find_map(|part| match part {
            Part::Field(name) => Some(*name),
            Part::Item(_) => None,
        })
    }

    pub(super) fn of(name: &'static str) -> Self {
        Self(vec![Part::Field(name)])
    }

    pub(super) fn item(name: &'static str, number: u64) -> Self {
        Self(vec![Part::Field(name), Part::Item(number)])
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, part) in self.0.iter().enumerate() {
            match part {
                Part::Field(name) if place == 0 => f.write_str(name)?,
                Part::Field(name) => write!(f, ".{name}")?,
                Part::Item(number) => write!(f, "[{number}]")?,
            }
        }
        Ok(())
    }
}

/// The type of a value (SPEC.md, "Encoding" and "The index").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// The first line.
    Line,
    /// An integer of one byte.
    U8,
    /// An integer of two bytes.
    U16,
    /// An integer of four bytes.
    U32,
    /// An integer of eight bytes.
    U64,
    /// So many bytes, without a length.
    Array(u64),
    /// An encoded element, 32 bytes.
    Element,
    /// A signature, 64 bytes.
    Signature,
    /// A length and UTF-8.
    Text,
    /// A length and bytes.
    Bytes,
    /// A length and indices of holders, a byte each.
    Indices,
    /// The length of a list, whose items follow.
    List,
    /// Whether something follows.
    Option,
    /// The number of an alternative, whose fields follow.
    Choice,
    /// A block of an index.
    Block,
    /// All labels of an index.
    Labels,
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Line => "line",
            Self::U8 => "u8",
            Self::U16 => "u16",
            Self::U32 => "u32",
            Self::U64 => "u64",
            Self::Array(length) => return f.pad(&format!("[u8; {length}]")),
            Self::Element => "element",
            Self::Signature => "signature",
            Self::Text => "text",
            Self::Bytes => "bytes",
            Self::Indices => "list of u8",
            Self::List => "list",
            Self::Option => "option",
            Self::Choice => "choice",
            Self::Block => "block",
            Self::Labels => "labels",
        };
        f.pad(name)
    }
}

/// What a span says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// An integer.
    Number(u64),
    /// Bytes, without the length in front of them.
    Bytes(&'a [u8]),
    /// A text, as it came: to be escaped for where it goes.
    Text(&'a str),
    /// How many items follow.
    Items(u64),
    /// Whether an option holds something.
    Present(bool),
    /// Which alternative of a choice.
    Alternative(u32, &'static str),
    /// A block of an index.
    Block {
        /// Its number, from 0.
        number: u32,
        /// The number of its first entry, from 0.
        start: u64,
        /// How many entries it has.
        entries: u32,
        /// Its first v.
        first: u128,
    },
}
