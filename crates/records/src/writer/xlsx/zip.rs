//! A ZIP archive (APPNOTE.TXT 6.3) written as a stream: deflated parts one after the other, each with its length and checksum
//! behind it, then the directory. At most 4 GiB; whoever writes makes sure of that.

use std::io::{self, Write};

use flate2::{Compression, Crc, write::DeflateEncoder};

const LOCAL: u32 = 0x0403_4b50;
const DESCRIPTOR: u32 = 0x0807_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;

/// Version 2.0, which deflation needs.
const VERSION: u16 = 20;
/// Lengths and checksum stand behind the part.
const FLAGS: u16 = 1 << 3;
const DEFLATED: u16 = 8;
/// 1980-01-01, 00:00: the first moment there is.
const TIME: u16 = 0;
const DATE: u16 = 1 << 5 | 1;

pub(super) struct Zip<W: Write> {
    /// Nothing only while the output is being passed on.
    state: Option<State<W>>,
    parts: Vec<Part>,
}

enum State<W: Write> {
    Between(Counted<W>),
    Inside(DeflateEncoder<Counted<W>>, Crc),
}

struct Part {
    name: &'static str,
    start: u64,
    crc: u32,
    packed: u64,
    length: u64,
}

impl<W: Write> Zip<W> {
    pub(super) fn new(output: W) -> Self {
        let output = Counted { output: io::BufWriter::new(output), length: 0 };
        Self { state: Some(State::Between(output)), parts: Vec::new() }
    }

    /// Begins a part, after the one before.
    pub(super) fn begin(&mut self, name: &'static str) -> io::Result<()> {
        let mut output = self.end()?;
        self.parts.push(Part { name, start: output.length, crc: 0, packed: 0, length: 0 });
        let mut header = Record::new(LOCAL);
        header.u16(VERSION).u16(FLAGS).u16(DEFLATED).u16(TIME).u16(DATE).u32(0).u32(0).u32(0);
        header.u16(u16::try_from(name.len()).map_err(io::Error::other)?).u16(0);
        output.write_all(&header.0)?;
        output.write_all(name.as_bytes())?;
        self.state = Some(State::Inside(DeflateEncoder::new(output, Compression::default()), Crc::new()));
        Ok(())
    }

    /// Writes into the part.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.state {
            Some(State::Inside(encoder, crc)) => {
                crc.update(bytes);
                encoder.write_all(bytes)
            }
            Some(State::Between(_)) | None => Err(failed()),
        }
    }

    /// Writes the directory and gives the output back.
    pub(super) fn finish(mut self) -> io::Result<W> {
        let mut output = self.end()?;
        let start = output.length;
        for part in &self.parts {
            let mut header = Record::new(CENTRAL);
            header.u16(VERSION).u16(VERSION).u16(FLAGS).u16(DEFLATED).u16(TIME).u16(DATE);
            header.u32(part.crc).u32(short(part.packed)?).u32(short(part.length)?);
            header.u16(u16::try_from(part.name.len()).map_err(io::Error::other)?);
            header.u16(0).u16(0).u16(0).u16(0).u32(0).u32(short(part.start)?);
            output.write_all(&header.0)?;
            output.write_all(part.name.as_bytes())?;
        }
        let parts = u16::try_from(self.parts.len()).map_err(io::Error::other)?;
        let mut end = Record::new(END);
        end.u16(0).u16(0).u16(parts).u16(parts).u32(short(output.length - start)?).u32(short(start)?).u16(0);
        output.write_all(&end.0)?;
        output.output.into_inner().map_err(io::IntoInnerError::into_error)
    }

    /// Ends the part, if one was begun.
    fn end(&mut self) -> io::Result<Counted<W>> {
        let (encoder, crc) = match self.state.take().ok_or_else(failed)? {
            State::Between(output) => return Ok(output),
            State::Inside(encoder, crc) => (encoder, crc),
        };
        let length = encoder.total_in();
        let mut output = encoder.finish()?;
        let part = self.parts.last_mut().ok_or_else(failed)?;
        let header = 30 + part.name.len() as u64;
        (part.crc, part.packed, part.length) = (crc.sum(), output.length - part.start - header, length);
        let mut descriptor = Record::new(DESCRIPTOR);
        descriptor.u32(part.crc).u32(short(part.packed)?).u32(short(part.length)?);
        output.write_all(&descriptor.0)?;
        Ok(output)
    }
}

/// What was written before has failed.
fn failed() -> io::Error {
    io::Error::other("the archive could not be written before")
}

fn short(length: u64) -> io::Result<u32> {
    u32::try_from(length).map_err(io::Error::other)
}

/// Counts what goes through it.
struct Counted<W: Write> {
    output: io::BufWriter<W>,
    length: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.output.write(bytes)?;
        self.length += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

/// A header, lesser byte first.
struct Record(Vec<u8>);

impl Record {
    fn new(signature: u32) -> Self {
        Self(signature.to_le_bytes().to_vec())
    }

    fn u16(&mut self, value: u16) -> &mut Self {
        self.0.extend(value.to_le_bytes());
        self
    }

    fn u32(&mut self, value: u32) -> &mut Self {
        self.0.extend(value.to_le_bytes());
        self
    }
}
