//! Text in UTF-8 from content in any encoding.
//!
//! What is malformed in its encoding comes out as [`MALFORMED`], a byte that UTF-8 does not have: the row that it stands in is
//! then no text, whatever the encoding was, and is never read as if a character were there.

use std::mem;

use encoding_rs::{Decoder, DecoderResult, ISO_8859_15, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::{
    Digest,
    compressed::Content,
    encoding::{self, Choice, Encoding, Origin, Unclear},
};
use crate::error::TableError;

/// Bytes by which the encoding is chosen.
pub(super) const FIRST_LEN: usize = 1 << 20;

/// Bytes read at a time after them.
const PIECE_LEN: usize = 1 << 18;

const MALFORMED: u8 = 0xff;

pub(super) struct Text {
    content: Content,
    choice: Choice,
    /// Nothing if the content is UTF-8, which is passed on as it is.
    decoder: Option<Decoder>,
    /// Content that is still to be passed on or decoded.
    raw: Vec<u8>,
    ended: bool,
}

impl Text {
    /// `first` are the first [`FIRST_LEN`] bytes of the content, or all of them if it has no more.
    pub(super) fn new(content: Content, first: Vec<u8>, told: Option<Encoding>) -> Result<Self, TableError> {
        let choice = encoding::choose(&first, first.len() < FIRST_LEN, told).map_err(|unclear| {
            let path = content.path().to_owned();
            match unclear {
                Unclear::OtherMark { told, mark } => TableError::OtherMark { path, told, mark },
                Unclear::Unknown => TableError::Unclear { path },
            }
        })?;
        let mut raw = first;
        raw.drain(..choice.mark_len);
        let decoder = match choice.encoding {
            Encoding::Utf8 => None,
            Encoding::Utf16Le => Some(UTF_16LE),
            Encoding::Utf16Be => Some(UTF_16BE),
            Encoding::Windows1252 => Some(WINDOWS_1252),
            Encoding::Iso8859_15 => Some(ISO_8859_15),
        };
        let decoder = decoder.map(encoding_rs::Encoding::new_decoder_without_bom_handling);
        Ok(Self { content, choice, decoder, raw, ended: false })
    }

    pub(super) fn content(&self) -> &Content {
        &self.content
    }

    pub(super) fn encoding(&self) -> Encoding {
        self.choice.encoding
    }

    /// Whether the text began with the mark of its encoding.
    pub(super) fn has_mark(&self) -> bool {
        self.choice.mark_len > 0
    }

    pub(super) fn origin(&self) -> Origin {
        self.choice.origin
    }

    /// The encoding, and how it was found.
    pub(super) fn describe(&self) -> String {
        let origin = match self.choice.origin {
            Origin::Told => "as told",
            Origin::Marked => "by its mark",
            Origin::Detected => "detected",
        };
        format!("{} ({origin})", self.choice.encoding)
    }

    /// Replaces the piece by the next one, which is empty only at the end of the text.
    pub(super) fn next(&mut self, piece: &mut Vec<u8>) -> Result<(), TableError> {
        piece.clear();
        while piece.is_empty() && !self.ended {
            if self.raw.is_empty() {
                self.raw.resize(PIECE_LEN, 0);
                let length = self.content.fill(&mut self.raw)?;
                self.raw.truncate(length);
            }
            self.ended = self.raw.is_empty();
            match &mut self.decoder {
                Some(decoder) => {
                    decode(decoder, self.choice.encoding, &self.raw, self.ended, piece);
                    self.raw.clear();
                }
                None => mem::swap(&mut self.raw, piece),
            }
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Result<Digest, TableError> {
        self.content.finish()
    }
}

/// Appends what the bytes stand for.
fn decode(decoder: &mut Decoder, encoding: Encoding, raw: &[u8], last: bool, text: &mut Vec<u8>) {
    // The standard that encoding_rs follows has control characters for what Windows-1252 leaves undefined.
    let undefined = |byte: &u8| encoding == Encoding::Windows1252 && matches!(byte, 0x81 | 0x8d | 0x8f | 0x90 | 0x9d);
    let mut parts = raw.split(undefined).peekable();
    while let Some(mut part) = parts.next() {
        let is_last = last && parts.peek().is_none();
        loop {
            let wanted = decoder.max_utf8_buffer_length_without_replacement(part.len());
            let start = text.len();
            text.resize(start + wanted.expect("a part fits memory several times"), 0);
            let into = text.get_mut(start..).unwrap_or_default();
            let (result, read, written) = decoder.decode_to_utf8_without_replacement(part, into, is_last);
            text.truncate(start + written);
            part = part.get(read..).unwrap_or_default();
            match result {
                DecoderResult::InputEmpty => break,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(..) => text.push(MALFORMED),
            }
        }
        if parts.peek().is_some() {
            text.push(MALFORMED);
        }
    }
}
