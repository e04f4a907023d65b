//! An index (SPEC.md, "The index"): header, blocks, directory, labels. Its entries are read on demand.

use super::span::Path;
use super::trace;
use super::{Inspection, Problem, Type, Value, Verdict};
use crate::ids::ReleaseId;
use crate::index::{BLOCK_ENTRIES, HEADER_LEN, Header, Index, IndexError};
use crate::object;
use serde::Deserialize;

/// What stands behind the line: the encoding of this structure, under SPEC.md's names.
#[derive(Deserialize)]
#[expect(dead_code, reason = "it is read for its spans; the values come from the index")]
struct Fields {
    release: ReleaseId,
    #[serde(rename = "N")]
    entries: u32,
    f: u8,
    #[serde(rename = "L")]
    label_len: u8,
}

/// Where the parts of an index begin.
struct Frame {
    directory: u64,
    labels: u64,
}

impl Frame {
    fn of(header: &Header, length: u64) -> Self {
        let labels = length.saturating_sub(u64::from(header.entries()) * u64::from(header.label_len()));
        Self { directory: labels.saturating_sub(8 * u64::from(header.blocks())), labels }
    }

    /// Where the end of a block stands.
    fn end_of(&self, block: u32) -> u64 {
        self.directory + 8 * u64::from(block)
    }
}

pub(super) fn read<'a>(bytes: &'a [u8], inspection: &mut Inspection<'a>) {
    let Some(rest) = inspection.line(bytes) else { return };
    let line = (bytes.len() - rest.len()) as u64;
    let (traced, _) = trace::beginning::<Fields>(rest, line, inspection.format.section());
    inspection.spans.extend(traced.spans);
    if let Err(failure) = traced.value {
        inspection.failure = Some(failure);
        return;
    }
    let index = match Index::parse(bytes) {
        Ok(index) => index,
        Err(error) => return refuse(bytes, error, inspection),
    };
    parts(bytes, &index, inspection);
    inspection.find("digest", Verdict::Fact, object::digest(bytes).to_string());
    match index.verify() {
        Ok(()) => {
            let words = "it is the one encoding of its entries (IDX-2 to IDX-5)";
            inspection.find("structure", Verdict::Holds, words);
        }
        Err(error) => refuse(bytes, error, inspection),
    }
    let open =
        "whether it is the index that a manifest describes (IDX-6); labels are hidden by pads that only y yields";
    inspection.find("beyond it", Verdict::Open, open);
    inspection.index = Some(index);
}

/// The spans of blocks, directory and labels.
fn parts<'a>(bytes: &'a [u8], index: &Index<&'a [u8]>, inspection: &mut Inspection<'a>) {
    let header = index.header();
    let frame = Frame::of(header, bytes.len() as u64);
    let ends = || (0..header.blocks()).zip(part(bytes, frame.directory, frame.labels).as_chunks::<8>().0);
    let mut start = HEADER_LEN as u64;
    for (number, end) in ends() {
        let end = (HEADER_LEN as u64).saturating_add(u64::from_le_bytes(*end));
        let first = part(bytes, start, start + 12).iter().rev().fold(0, |v, byte| (v << 8) | u128::from(*byte));
        let before = u64::from(number) * u64::from(BLOCK_ENTRIES);
        let entries = u32::try_from(u64::from(header.entries()).saturating_sub(before)).unwrap_or(u32::MAX);
        let value = Value::Block { number, start: before, entries: entries.min(BLOCK_ENTRIES), first };
        let path = Path::item("blocks", number.into());
        inspection.push(start, end.saturating_sub(start), path, Type::Block, value);
        start = end;
    }
    for (number, end) in ends() {
        let path = Path::item("directory", number.into());
        inspection.push(frame.end_of(number), 8, path, Type::U64, Value::Number(u64::from_le_bytes(*end)));
    }
    let labels = part(bytes, frame.labels, bytes.len() as u64);
    let length = labels.len() as u64;
    inspection.push(frame.labels, length, Path::of("labels"), Type::Labels, Value::Bytes(labels));
}

fn part(bytes: &[u8], from: u64, to: u64) -> &[u8] {
    let range = usize::try_from(from).ok().zip(usize::try_from(to).ok());
    range.and_then(|(from, to)| bytes.get(from..to)).unwrap_or_default()
}

/// Says where an error is.
fn refuse(bytes: &[u8], error: IndexError, inspection: &mut Inspection<'_>) {
    let length = bytes.len() as u64;
    let directory = |block| Header::parse(bytes).map_or(0, |header| Frame::of(&header, length).end_of(block));
    let last = || Header::parse(bytes).map_or(0, |header| directory(header.blocks().saturating_sub(1)));
    let block_span = |block: u32| {
        let span =
            inspection.spans.iter().find(|span| matches!(span.value, Value::Block { number, .. } if number == block));
        span.map_or(0, |span| span.offset)
    };
    let (offset, path) = match error {
        IndexError::TooShort { .. } => (length, Path::default()),
        IndexError::EntriesOutOfRange { .. } => (field(inspection, "N"), Path::of("N")),
        IndexError::FOutOfRange { .. } => (field(inspection, "f"), Path::of("f")),
        IndexError::LabelLengthOutOfRange { .. } => (field(inspection, "L"), Path::of("L")),
        IndexError::DirectoryNotAscending { block } | IndexError::BlockTooShort { block, .. } => {
            (directory(block), Path::item("directory", block.into()))
        }
        IndexError::DirectoryEndMismatch { .. } => (last(), Path::of("directory")),
        IndexError::BlocksOutOfOrder { block }
        | IndexError::ValueOutOfRange { block }
        | IndexError::RunTooLong { block }
        | IndexError::BlockEndsEarly { block }
        | IndexError::LeftOverBytes { block, .. }
        | IndexError::PaddingNotZero { block } => (block_span(block), Path::item("blocks", block.into())),
        // The line was taken off before; the rest are about writing and searching.
        IndexError::WrongMagic
        | IndexError::NoSuchBlock { .. }
        | IndexError::QueriesNotSorted { .. }
        | IndexError::TagsNotAscending { .. }
        | IndexError::ValuesCollide { .. }
        | IndexError::NoSuitableF
        | IndexError::CountMismatch { .. }
        | IndexError::LabelTooWide { .. } => (0, Path::default()),
    };
    inspection.fail(offset, path, Problem::Index(error), 9);
}

/// Where a field of the header stands.
fn field(inspection: &Inspection<'_>, name: &'static str) -> u64 {
    let span = inspection.spans.iter().find(|span| span.path.field() == Some(name));
    span.map_or(0, |span| span.offset)
}
