//! The values of one column of one row group, page by page (`PageHeader` of parquet.thrift). One page is in memory at a
//! time, with the dictionary if there is one.

use std::{
    io::{BufReader, Read},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use flate2::{Crc, read::MultiGzDecoder};

use super::{
    super::{
        disk::{Disk, Fault, Section},
        zstd::ZstdDecoder,
    },
    metadata::Chunk,
    shape::{Meaning, Physical},
    thrift::{Kind, Thrift},
    values::{Dictionary, Hybrid, Values},
};

/// The largest page. Writers make them of about 1 MiB, some of a whole row group.
const MAX_PAGE_LEN: usize = 64 << 20;

/// The most bytes of all pages and dictionaries in memory.
const MAX_LIVE_LEN: usize = 256 << 20;

/// The most bytes of a page's header, which may repeat values of the page.
const MAX_HEADER_LEN: usize = 1 << 20;

const BUFFER_LEN: usize = 1 << 13;

const TOO_LARGE: &str = "its pages are too large; write it again with pages of 1 MiB";

/// Counts the bytes of all pages in memory.
#[derive(Clone, Default)]
pub(super) struct Budget(Arc<AtomicUsize>);

/// Bytes that are counted until they are given back.
struct Lease {
    budget: Budget,
    length: usize,
}

impl Budget {
    fn lease(&self, length: usize) -> Result<Lease, Fault> {
        let live = self.0.fetch_add(length, Ordering::Relaxed).saturating_add(length);
        let lease = Lease { budget: self.clone(), length };
        if live > MAX_LIVE_LEN { Err(Fault::Broken(TOO_LARGE)) } else { Ok(lease) }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.budget.0.fetch_sub(self.length, Ordering::Relaxed);
    }
}

/// Reads the values of a column of a row group.
pub(super) struct Pages {
    input: BufReader<Section>,
    codec: i32,
    physical: Physical,
    meaning: Meaning,
    optional: bool,
    budget: Budget,
    dictionary: Option<(Dictionary, Lease)>,
    page: Option<Page>,
}

/// A page of values that is being read.
struct Page {
    bytes: Vec<u8>,
    /// Values, the missing ones included, that are still to be read.
    left: u32,
    /// For each value whether it is there, unless all are.
    levels: Option<Hybrid>,
    values: Values,
    _lease: Lease,
}

impl Pages {
    pub(super) fn new(
        disk: &Disk,
        chunk: Chunk,
        (physical, meaning, optional): (Physical, Meaning, bool),
        budget: &Budget,
    ) -> Self {
        let input = BufReader::with_capacity(BUFFER_LEN, disk.section(chunk.start, u64::MAX));
        let budget = budget.clone();
        Self { input, codec: chunk.codec, physical, meaning, optional, budget, dictionary: None, page: None }
    }

    /// Writes the text of the next value; nothing if it is missing.
    pub(super) fn write_next(&mut self, out: &mut String) -> Result<(), Fault> {
        let page = loop {
            match &mut self.page {
                Some(page) if page.left > 0 => break page,
                _ => {
                    self.page = None;
                    self.read_page()?;
                }
            }
        };
        page.left -= 1;
        if let Some(levels) = &mut page.levels
            && levels.next(&page.bytes)? == 0
        {
            return Ok(());
        }
        let dictionary = self.dictionary.as_ref().map(|(dictionary, _)| dictionary);
        let value = page.values.next(&page.bytes, dictionary, self.physical)?;
        self.meaning.write(value, out)
    }

    /// Whether no value of the current page is left.
    pub(super) fn is_done(&self) -> bool {
        self.page.as_ref().is_none_or(|page| page.left == 0)
    }

    /// Reads the next page of values or the dictionary.
    fn read_page(&mut self) -> Result<(), Fault> {
        let header = Header::read(&mut self.input)?;
        if header.packed.max(header.size) > MAX_PAGE_LEN {
            return Err(Fault::Broken(TOO_LARGE));
        }
        // The places of a dictionary's values take as many bytes again at most.
        let copies = if header.kind == PAGE_DICTIONARY { 2 } else { 1 };
        let lease = self.budget.lease(header.size * copies)?;
        let packed_lease = self.budget.lease(header.packed)?;
        let mut packed = Vec::new();
        (&mut self.input).take(header.packed as u64).read_to_end(&mut packed)?;
        if packed.len() != header.packed || header.crc.is_some_and(|crc| crc.cast_unsigned() != sum(&packed)) {
            return Err(Fault::DAMAGED);
        }
        let bytes = if header.kind == PAGE_INDEX { Vec::new() } else { header.unpack(packed, self.codec)? };
        drop(packed_lease);
        match header.kind {
            PAGE_DICTIONARY if self.dictionary.is_none() => {
                let dictionary = Dictionary::read(bytes, header.count, header.encoding, self.physical)?;
                self.dictionary = Some((dictionary, lease));
            }
            PAGE_DATA | PAGE_DATA_2 => self.page = Some(self.begin(&header, bytes, lease)?),
            PAGE_INDEX => {}
            _ => return Err(Fault::DAMAGED),
        }
        Ok(())
    }

    /// Finds the levels and the values in a page.
    fn begin(&self, header: &Header, bytes: Vec<u8>, lease: Lease) -> Result<Page, Fault> {
        let (start, length) = match header.kind {
            PAGE_DATA_2 => (header.repetitions, header.definitions),
            _ if self.optional => {
                if header.level_encoding != ENCODING_RLE {
                    return Err(Fault::Broken("it is written in an encoding of the first days of Parquet"));
                }
                let length = bytes.first_chunk().map(|length| u32::from_le_bytes(*length)).ok_or(Fault::DAMAGED)?;
                (4, length as usize)
            }
            _ => (0, 0),
        };
        let values_start = start.checked_add(length).filter(|start| *start <= bytes.len()).ok_or(Fault::DAMAGED)?;
        let levels = self.optional.then(|| Hybrid::new(start, values_start, 1)).transpose()?;
        let values = Values::new(&bytes, values_start, header.encoding, self.physical, header.count)?;
        Ok(Page { bytes, left: header.count, levels, values, _lease: lease })
    }
}

const PAGE_DATA: i32 = 0;
const PAGE_INDEX: i32 = 1;
const PAGE_DICTIONARY: i32 = 2;
const PAGE_DATA_2: i32 = 3;

const ENCODING_RLE: i32 = 3;

/// What stands before the bytes of a page.
#[derive(Default)]
struct Header {
    kind: i32,
    packed: usize,
    size: usize,
    crc: Option<i32>,
    count: u32,
    encoding: i32,
    level_encoding: i32,
    /// Of the second kind of data page: bytes of both levels, which are never packed, and whether the rest is.
    repetitions: usize,
    definitions: usize,
    unpacked: bool,
}

impl Header {
    fn read(input: &mut BufReader<Section>) -> Result<Self, Fault> {
        let (mut thrift, mut header, mut last) = (Thrift::new(input, MAX_HEADER_LEN), Self::default(), 0);
        let length = |value: u64| usize::try_from(value).map_err(|_| Fault::DAMAGED);
        while let Some((id, kind)) = thrift.field(&mut last)? {
            match id {
                1 => header.kind = thrift.i32(kind)?,
                2 => header.size = length(thrift.length(kind)?)?,
                3 => header.packed = length(thrift.length(kind)?)?,
                4 => header.crc = Some(thrift.i32(kind)?),
                5 | 7 | 8 if kind == Kind::STRUCT => header.read_inner(&mut thrift, id)?,
                _ => thrift.skip(kind)?,
            }
        }
        Ok(header)
    }

    /// Reads the part for this kind of page.
    fn read_inner<R: Read>(&mut self, thrift: &mut Thrift<R>, of: i16) -> Result<(), Fault> {
        let mut last = 0;
        let length = |value: u64| usize::try_from(value).map_err(|_| Fault::DAMAGED);
        while let Some((id, kind)) = thrift.field(&mut last)? {
            match (of, id) {
                (_, 1) => self.count = u32::try_from(thrift.length(kind)?).map_err(|_| Fault::DAMAGED)?,
                (5 | 7, 2) | (8, 4) => self.encoding = thrift.i32(kind)?,
                (5, 3) => self.level_encoding = thrift.i32(kind)?,
                (8, 5) => self.definitions = length(thrift.length(kind)?)?,
                (8, 6) => self.repetitions = length(thrift.length(kind)?)?,
                (8, 7) => self.unpacked = kind != Kind::TRUE,
                _ => thrift.skip(kind)?,
            }
        }
        Ok(())
    }

    /// The bytes of the page as they were before they were compressed.
    fn unpack(&self, packed: Vec<u8>, codec: i32) -> Result<Vec<u8>, Fault> {
        let levels = if self.kind == PAGE_DATA_2 { self.repetitions.checked_add(self.definitions) } else { Some(0) };
        let levels = levels.filter(|length| *length <= self.size).ok_or(Fault::DAMAGED)?;
        let (before, rest) = packed.split_at_checked(levels).ok_or(Fault::DAMAGED)?;
        let size = self.size - levels;
        let whole = if codec == CODEC_NONE || self.unpacked {
            packed
        } else if size == 0 {
            before.to_vec()
        } else {
            let mut whole = before.to_vec();
            decompress(codec, rest, size, &mut whole)?;
            whole
        };
        if whole.len() == self.size { Ok(whole) } else { Err(Fault::DAMAGED) }
    }
}

const CODEC_NONE: i32 = 0;

/// Appends what was compressed: `size` bytes, or some other number of at most one more.
fn decompress(codec: i32, packed: &[u8], size: usize, out: &mut Vec<u8>) -> Result<(), Fault> {
    let read = match codec {
        1 => {
            if snap::raw::decompress_len(packed).ok() != Some(size) {
                return Err(Fault::DAMAGED);
            }
            let start = out.len();
            out.resize(start + size, 0);
            snap::raw::Decoder::new().decompress(packed, out.get_mut(start..).unwrap_or_default()).map(drop).ok()
        }
        2 => MultiGzDecoder::new(packed).take(size as u64 + 1).read_to_end(out).map(drop).ok(),
        6 => ZstdDecoder::new(packed).take(size as u64 + 1).read_to_end(out).map(drop).ok(),
        4 => return Err(Fault::Broken("it is compressed with Brotli; write it with Snappy, gzip or Zstandard")),
        5 | 7 => return Err(Fault::Broken("it is compressed with LZ4; write it with Snappy, gzip or Zstandard")),
        _ => return Err(Fault::Broken("its compression is unknown; write it with Snappy, gzip or Zstandard")),
    };
    read.ok_or(Fault::DAMAGED)
}

fn sum(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}
