//! The ZIP archive that a workbook is: its directory, and its parts unpacked as they are read. Nothing is ever written,
//! and no name in the archive is taken for a path. Two libraries would do this too, but they hold the whole directory,
//! however long, and let a part unpack to more than the directory says.

use std::io::{self, BufReader, Read};

use flate2::{Crc, read::DeflateDecoder};

use super::super::disk::{Disk, Fault, Section};

/// The longest directory that is read. A workbook has a few dozen parts of some 100 bytes each in it.
const MAX_DIRECTORY_LEN: u64 = 4 << 20;

/// The end of the directory with the longest comment after it.
const MAX_TAIL_LEN: u64 = 22 + 0xffff;

/// A part that is larger than `SUSPECT_LEN` and was packed to less than this fraction of itself is no table of people.
const MAX_RATIO: u64 = 300;
const SUSPECT_LEN: u64 = 64 << 20;

const BUFFER_LEN: usize = 1 << 16;

const ENCRYPTED: &str = "it is encrypted; remove the password and save it again";
const TOO_LARGE: &str = "it unpacks to more than a workbook of people can hold; export it as CSV";

/// The directory of an archive.
pub(super) struct Archive {
    entries: Vec<Entry>,
}

struct Entry {
    name: String,
    flags: u16,
    method: u16,
    crc: u32,
    packed: u64,
    size: u64,
    start: u64,
}

impl Archive {
    pub(super) fn open(disk: &Disk) -> Result<Self, Fault> {
        let (start, length) = find_directory(disk)?;
        if length > MAX_DIRECTORY_LEN || start.saturating_add(length) > disk.length() {
            return Err(Fault::DAMAGED);
        }
        let bytes = disk.bytes(start, usize::try_from(length).map_err(|_| Fault::DAMAGED)?)?;
        let mut fields = Fields(&bytes);
        let mut entries = Vec::new();
        while !fields.0.is_empty() {
            entries.push(Entry::read(&mut fields)?);
        }
        Ok(Self { entries })
    }

    /// The name of a part as the archive has it; names differ by more than case.
    pub(super) fn find(&self, name: &str) -> Option<&str> {
        self.entry(name).map(|entry| entry.name.as_str())
    }

    /// Begins to unpack a part of at most `limit` bytes.
    pub(super) fn part(&self, disk: &Disk, name: &str, limit: u64) -> Result<Part, Fault> {
        let entry = self.entry(name).ok_or(Fault::DAMAGED)?;
        if entry.flags & 1 != 0 {
            return Err(Fault::Broken(ENCRYPTED));
        }
        if entry.size > limit || (entry.size > SUSPECT_LEN && entry.size / MAX_RATIO > entry.packed) {
            return Err(Fault::Broken(TOO_LARGE));
        }
        let header = disk.bytes(entry.start, 30)?;
        let mut fields = Fields(&header);
        if fields.u32()? != 0x0403_4b50 {
            return Err(Fault::DAMAGED);
        }
        fields.take(22)?;
        let after = u64::from(fields.u16()?) + u64::from(fields.u16()?);
        let packed = disk.section(entry.start.saturating_add(30 + after), entry.packed);
        let source = match entry.method {
            0 if entry.packed == entry.size => Source::Stored(packed),
            8 => Source::Deflated(Box::new(DeflateDecoder::new(BufReader::with_capacity(BUFFER_LEN, packed)))),
            _ => return Err(Fault::DAMAGED),
        };
        Ok(Part { source, size: entry.size, unpacked: 0, expected: entry.crc, crc: Crc::new() })
    }

    fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name.eq_ignore_ascii_case(name))
    }
}

impl Entry {
    fn read(fields: &mut Fields<'_>) -> Result<Self, Fault> {
        if fields.u32()? != 0x0201_4b50 {
            return Err(Fault::DAMAGED);
        }
        fields.take(4)?;
        let (flags, method) = (fields.u16()?, fields.u16()?);
        fields.take(4)?;
        let (crc, packed, size) = (fields.u32()?, u64::from(fields.u32()?), u64::from(fields.u32()?));
        let (name, extra, comment) = (fields.u16()?, fields.u16()?, fields.u16()?);
        fields.take(8)?;
        let start = u64::from(fields.u32()?);
        // Parts of interest have names in ASCII; those of others only need to be different.
        let name = String::from_utf8_lossy(fields.take(name.into())?).replace('\\', "/");
        let extra = fields.take(extra.into())?;
        fields.take(comment.into())?;
        let mut entry = Self { name, flags, method, crc, packed, size, start };
        entry.widen(Fields(extra))?;
        Ok(entry)
    }

    /// Takes from the ZIP64 field what did not fit 32 bits.
    fn widen(&mut self, mut extra: Fields<'_>) -> Result<(), Fault> {
        let wide = |value: &u64| *value == u64::from(u32::MAX);
        if ![self.size, self.packed, self.start].iter().any(wide) {
            return Ok(());
        }
        loop {
            let (id, length) = (extra.u16()?, extra.u16()?);
            let mut field = Fields(extra.take(length.into())?);
            if id == 1 {
                for value in [&mut self.size, &mut self.packed, &mut self.start] {
                    if wide(value) {
                        *value = field.u64()?;
                    }
                }
                return Ok(());
            }
        }
    }
}

/// Where the directory begins, and its length.
fn find_directory(disk: &Disk) -> Result<(u64, u64), Fault> {
    let length = disk.length().min(MAX_TAIL_LEN);
    let tail_start = disk.length() - length;
    let tail = disk.bytes(tail_start, usize::try_from(length).map_err(|_| Fault::DAMAGED)?)?;
    let at = tail.windows(4).rposition(|window| window == b"PK\x05\x06").ok_or(Fault::DAMAGED)?;
    let mut end = Fields(tail.get(at..).unwrap_or_default());
    end.take(12)?;
    let (length, start) = (end.u32()?, end.u32()?);
    if length != u32::MAX && start != u32::MAX {
        return Ok((start.into(), length.into()));
    }
    let locator = (tail_start + at as u64).checked_sub(20).ok_or(Fault::DAMAGED)?;
    let locator = disk.bytes(locator, 20)?;
    let mut fields = Fields(&locator);
    if fields.u32()? != 0x0706_4b50 {
        return Err(Fault::DAMAGED);
    }
    fields.take(4)?;
    let end = disk.bytes(fields.u64()?, 56)?;
    let mut fields = Fields(&end);
    if fields.u32()? != 0x0606_4b50 {
        return Err(Fault::DAMAGED);
    }
    fields.take(36)?;
    let (length, start) = (fields.u64()?, fields.u64()?);
    Ok((start, length))
}

/// A part of an archive, unpacked as it is read. It has exactly the bytes that the directory promises, or reading fails.
pub(super) struct Part {
    source: Source,
    size: u64,
    unpacked: u64,
    expected: u32,
    crc: Crc,
}

enum Source {
    Stored(Section),
    Deflated(Box<DeflateDecoder<BufReader<Section>>>),
}

impl Part {
    /// Bytes unpacked, and bytes in all.
    pub(super) fn progress(&self) -> (u64, u64) {
        (self.unpacked, self.size)
    }
}

impl Read for Part {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = match &mut self.source {
            Source::Stored(section) => section.read(buffer)?,
            Source::Deflated(decoder) => decoder.read(buffer)?,
        };
        self.unpacked += read as u64;
        self.crc.update(buffer.get(..read).unwrap_or_default());
        let ended = read == 0 && !buffer.is_empty();
        let whole = self.unpacked == self.size && self.crc.sum() == self.expected;
        if self.unpacked > self.size || (ended && !whole) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(read)
    }
}

/// Little-endian fields one after the other.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], Fault> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Fault::DAMAGED)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(Fault::DAMAGED)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn u16(&mut self) -> Result<u16, Fault> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Result<u32, Fault> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, Fault> {
        self.array().map(u64::from_le_bytes)
    }
}
