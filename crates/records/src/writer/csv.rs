//! CSV, in any encoding that tables are read in. Cells are quoted where they must be, rows end in LF.

use std::{io, str};

use encoding_rs::{Encoder, EncoderResult, ISO_8859_15, WINDOWS_1252};

use crate::{rejection::io_error, table::Encoding};

/// How CSV is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CsvStyle {
    /// What parts the fields: an ASCII character.
    pub delimiter: u8,
    /// The encoding. A character that it does not have becomes `?`.
    pub encoding: Encoding,
    /// Whether the text begins with the mark of the encoding, if that has one.
    pub mark: bool,
}

impl Default for CsvStyle {
    /// Commas, UTF-8, no mark.
    fn default() -> Self {
        Self { delimiter: b',', encoding: Encoding::Utf8, mark: false }
    }
}

pub(super) struct CsvWriter<W: io::Write>(csv::Writer<Encoded<W>>);

impl<W: io::Write> CsvWriter<W> {
    pub(super) fn new(style: CsvStyle, headers: &[&str], output: W) -> io::Result<Self> {
        let mut output = Encoded::new(style.encoding, output);
        if style.mark && output.has_mark() {
            io::Write::write_all(&mut output, "\u{feff}".as_bytes())?;
        }
        let mut rows = csv::WriterBuilder::new().delimiter(style.delimiter).from_writer(output);
        rows.write_record(headers).map_err(io_error)?;
        Ok(Self(rows))
    }

    pub(super) fn cell(&mut self, cell: &str) -> io::Result<()> {
        self.0.write_field(cell).map_err(io_error)
    }

    pub(super) fn end_row(&mut self) -> io::Result<()> {
        self.0.write_record(None::<&[u8]>).map_err(io_error)
    }

    pub(super) fn finish(self) -> io::Result<W> {
        Ok(self.0.into_inner().map_err(csv::IntoInnerError::into_error)?.output)
    }
}

/// Takes UTF-8 and gives another encoding.
struct Encoded<W> {
    output: W,
    encoding: Encoding,
    encoder: Option<Encoder>,
    /// A piece of text, whose last character may be cut.
    text: Vec<u8>,
    bytes: Vec<u8>,
}

impl<W> Encoded<W> {
    fn new(encoding: Encoding, output: W) -> Self {
        let encoder = match encoding {
            Encoding::Utf8 | Encoding::Utf16Le | Encoding::Utf16Be => None,
            Encoding::Windows1252 => Some(WINDOWS_1252.new_encoder()),
            Encoding::Iso8859_15 => Some(ISO_8859_15.new_encoder()),
        };
        Self { output, encoding, encoder, text: Vec::new(), bytes: Vec::new() }
    }

    fn has_mark(&self) -> bool {
        self.encoder.is_none()
    }
}

impl<W: io::Write> io::Write for Encoded<W> {
    fn write(&mut self, utf8: &[u8]) -> io::Result<usize> {
        if self.encoding == Encoding::Utf8 {
            return self.output.write(utf8);
        }
        self.text.extend_from_slice(utf8);
        let text = match str::from_utf8(&self.text) {
            Ok(text) => text,
            Err(error) if error.error_len().is_none() => {
                let valid = self.text.get(..error.valid_up_to()).unwrap_or_default();
                str::from_utf8(valid).map_err(io::Error::other)?
            }
            Err(error) => return Err(io::Error::other(error)),
        };
        self.bytes.clear();
        match (&mut self.encoder, self.encoding) {
            (Some(encoder), _) => encode(encoder, text, &mut self.bytes),
            (None, Encoding::Utf16Be) => self.bytes.extend(text.encode_utf16().flat_map(u16::to_be_bytes)),
            (None, _) => self.bytes.extend(text.encode_utf16().flat_map(u16::to_le_bytes)),
        }
        let taken = text.len();
        self.output.write_all(&self.bytes)?;
        self.text.drain(..taken);
        Ok(utf8.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

/// Appends a text in an encoding of one byte a character.
fn encode(encoder: &mut Encoder, mut text: &str, bytes: &mut Vec<u8>) {
    loop {
        let wanted = encoder.max_buffer_length_from_utf8_without_replacement(text.len());
        let start = bytes.len();
        bytes.resize(start + wanted.expect("a piece of text fits memory several times"), 0);
        let into = bytes.get_mut(start..).unwrap_or_default();
        let (result, read, written) = encoder.encode_from_utf8_without_replacement(text, into, false);
        bytes.truncate(start + written);
        text = text.get(read..).unwrap_or_default();
        match result {
            EncoderResult::InputEmpty => return,
            EncoderResult::OutputFull => {}
            EncoderResult::Unmappable(_) => bytes.push(b'?'),
        }
    }
}
