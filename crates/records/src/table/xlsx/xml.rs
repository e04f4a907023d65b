//! XML as workbooks have it, token by token, with a limit on the length of a token and on the depth of elements. There
//! are no document types, so that no entity can grow, and messages never quote the text.

use std::{
    borrow::Cow,
    io::{self, BufRead, BufReader, Read},
};

use quick_xml::{
    Reader, XmlVersion,
    escape::resolve_xml_entity,
    events::{BytesRef, BytesStart, Event},
};

use super::super::disk::Fault;

/// The longest tag, text or comment in bytes: more than a row may hold.
const MAX_TOKEN_LEN: usize = 2 << 20;

/// Elements inside one another: a cell's text is 7 deep.
const MAX_DEPTH: usize = 64;

const BUFFER_LEN: usize = 1 << 16;

/// What XML consists of. Comments and the like are empty texts; an empty element is opened and closed.
pub(super) enum Token<'a> {
    Open(BytesStart<'a>),
    Close,
    Text(Cow<'a, str>),
    End,
}

pub(super) struct Xml<R> {
    reader: Reader<Bounded<R>>,
    buffer: Vec<u8>,
    depth: usize,
}

impl<R: Read> Xml<R> {
    pub(super) fn new(input: R) -> Self {
        let input = Bounded { input: BufReader::with_capacity(BUFFER_LEN, input), left: 0 };
        let mut reader = Reader::from_reader(input);
        reader.config_mut().expand_empty_elements = true;
        Self { reader, buffer: Vec::new(), depth: 0 }
    }

    pub(super) fn next(&mut self) -> Result<Token<'_>, Fault> {
        self.reader.get_mut().left = MAX_TOKEN_LEN;
        self.buffer.clear();
        let event = self.reader.read_event_into(&mut self.buffer).map_err(|error| {
            // Other errors may quote the text. This one may be shared, so its own source cannot be taken out of it.
            if let quick_xml::Error::Io(error) = error {
                io::Error::new(error.kind(), error.to_string()).into()
            } else {
                Fault::DAMAGED
            }
        })?;
        Ok(match event {
            Event::Start(start) | Event::Empty(start) => {
                self.depth += 1;
                if self.depth > MAX_DEPTH {
                    return Err(Fault::DAMAGED);
                }
                Token::Open(start)
            }
            Event::End(_) => {
                self.depth = self.depth.saturating_sub(1);
                Token::Close
            }
            Event::Text(text) => Token::Text(text.into_inner()),
            Event::CData(text) => Token::Text(text.into_inner()),
            Event::GeneralRef(reference) => Token::Text(resolve(&reference)?.into()),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => Token::Text("".into()),
            Event::DocType(_) => return Err(Fault::Broken("it declares a document type, which no workbook does")),
            Event::Eof if self.depth == 0 => Token::End,
            Event::Eof => return Err(Fault::DAMAGED),
        })
    }

    /// How many elements are open.
    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    /// What is read from.
    pub(super) fn input(&self) -> &R {
        self.reader.get_ref().input.get_ref()
    }
}

/// The value of an attribute by its name, prefix included.
pub(super) fn attribute<'a>(element: &'a BytesStart<'_>, name: &str) -> Result<Option<Cow<'a, str>>, Fault> {
    find_attribute(element, |found| found == name)
}

/// The value of the attribute `…:id`, by which parts of a workbook refer to one another.
pub(super) fn reference<'a>(element: &'a BytesStart<'_>) -> Result<Option<Cow<'a, str>>, Fault> {
    find_attribute(element, |found| found.split_once(':').is_some_and(|(_, local)| local == "id"))
}

fn find_attribute<'a>(element: &'a BytesStart<'_>, fits: impl Fn(&str) -> bool) -> Result<Option<Cow<'a, str>>, Fault> {
    let mut attributes = element.attributes();
    for attribute in attributes.with_checks(false) {
        let attribute = attribute.map_err(|_| Fault::DAMAGED)?;
        if fits(attribute.key.as_ref()) {
            return attribute.normalized_value(XmlVersion::default()).map(Some).map_err(|_| Fault::DAMAGED);
        }
    }
    Ok(None)
}

fn resolve(reference: &BytesRef<'_>) -> Result<String, Fault> {
    match reference.resolve_char_ref() {
        Ok(Some(character)) => Ok(character.into()),
        Ok(None) => resolve_xml_entity(reference).map(str::to_owned).ok_or(Fault::DAMAGED),
        Err(_) => Err(Fault::DAMAGED),
    }
}

/// Ends when too much is read at a time.
struct Bounded<R> {
    input: BufReader<R>,
    left: usize,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.input.read(buffer)
    }
}

impl<R: Read> BufRead for Bounded<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left == 0 {
            return Err(io::ErrorKind::InvalidData.into());
        }
        self.input.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.left = self.left.saturating_sub(amount);
        self.input.consume(amount);
    }
}
