//! From sorted records to the index file and what the manifest says of it. Streams: one segment is in memory.

use std::io::Write as _;
use std::path::Path;

use blindlist_protocol::entry::{Dictionary, Entry};
use blindlist_protocol::ids::{Digest, ReleaseId};
use blindlist_protocol::index::{Encoder, Header, IndexError, choose_f};
use blindlist_protocol::object;
use blindlist_protocol::params::SEGMENT_LENGTH;
use blindlist_store::file::AtomicFile;

use super::pipeline::Record;
use crate::Error;

/// An index that was written.
pub(super) struct Encoded {
    pub(super) entries: u32,
    pub(super) f: u8,
    pub(super) length: u64,
    pub(super) segments: Vec<Digest>,
}

/// Writes the index of records with strictly ascending tags.
pub(super) fn write_index(
    path: &Path,
    release: &ReleaseId,
    requested_f: u8,
    dictionary: &Dictionary,
    records: &[Record],
) -> Result<Encoded, Error> {
    let found = records.len() as u64;
    let entries = u32::try_from(found).map_err(|_| IndexError::EntriesOutOfRange { found })?;
    let f = choose_f(entries, requested_f, records.iter().map(|record| record.tag))?;
    let header = Header::new(*release.as_bytes(), entries, f, dictionary.label_length())?;

    let mut file = SegmentWriter::create(path)?;
    let mut encoder = Encoder::new(header, &mut file.buffer);
    for record in records {
        encoder.push(record.tag, &mut file.buffer)?;
        file.flush_whole()?;
    }
    let mut labels = encoder.finish(&mut file.buffer)?;
    for record in records {
        file.flush_whole()?;
        labels.push(sealed(record, dictionary), &mut file.buffer)?;
    }
    labels.finish()?;
    let (length, segments) = file.finish()?;
    Ok(Encoded { entries, f, length, segments })
}

fn sealed(record: &Record, dictionary: &Dictionary) -> u64 {
    let entry = Entry { tag: record.tag, pad: record.pad.into() };
    let label = dictionary.label(record.label).expect("rows with other labels were rejected");
    entry.seal(label, dictionary)
}

/// A file that is hashed by segments as it is written.
struct SegmentWriter {
    file: AtomicFile,
    /// What is not written yet.
    buffer: Vec<u8>,
    length: u64,
    segments: Vec<Digest>,
}

impl SegmentWriter {
    fn create(path: &Path) -> Result<Self, Error> {
        Ok(Self { file: AtomicFile::create(path)?, buffer: Vec::new(), length: 0, segments: Vec::new() })
    }

    /// Writes all whole segments of the buffer.
    fn flush_whole(&mut self) -> Result<(), Error> {
        while self.buffer.len() >= SEGMENT_LENGTH as usize {
            let rest = self.buffer.split_off(SEGMENT_LENGTH as usize);
            let segment = std::mem::replace(&mut self.buffer, rest);
            self.write(&segment)?;
        }
        Ok(())
    }

    fn finish(mut self) -> Result<(u64, Vec<Digest>), Error> {
        self.flush_whole()?;
        let last = std::mem::take(&mut self.buffer);
        if !last.is_empty() {
            self.write(&last)?;
        }
        self.file.commit()?;
        Ok((self.length, self.segments))
    }

    fn write(&mut self, segment: &[u8]) -> Result<(), Error> {
        self.file.write_all(segment).map_err(|source| Error::from(self.file.write_error(source)))?;
        self.length += segment.len() as u64;
        self.segments.push(object::digest(segment));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use blindlist_protocol::index::{SealedEntry, encode};
    use blindlist_protocol::manifest::segment_digests;

    #[test]
    fn the_streamed_index_is_the_one_that_is_encoded_in_memory() {
        let names = ["a", "b", "c"].map(|name| name.parse().unwrap());
        let dictionary = Dictionary::try_from(names.to_vec()).unwrap();
        let release = ReleaseId::from_bytes([7; 16]);
        let step = u128::MAX / 300_000;
        let records: Vec<Record> = (0..300_000_u64)
            .map(|i| Record {
                tag: u128::from(i) * step + u128::from(i * i),
                pad: i.wrapping_mul(0x9e37_79b9_7f4a_7c15),
                label: 1 + i % 7,
            })
            .collect();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("index");
        let encoded = write_index(&path, &release, 40, &dictionary, &records).unwrap();

        let mut entries: Vec<_> = records
            .iter()
            .map(|record| SealedEntry { tag: record.tag, label: record.label ^ (record.pad & 0xff) })
            .collect();
        let expected = encode([7; 16], 40, 1, &mut entries).unwrap();
        assert!(expected.len() > SEGMENT_LENGTH as usize, "it has several segments");
        assert_eq!(std::fs::read(&path).unwrap(), expected);
        assert_eq!(encoded.segments, segment_digests(&expected));
        assert_eq!((encoded.entries, encoded.length), (300_000, expected.len() as u64));
    }
}
