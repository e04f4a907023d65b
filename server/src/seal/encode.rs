//! From the people of a list to its index, and what the manifest says of it.
//!
//! The people are gone through three times, since N and f stand before everything else. Nothing of them is held: what is
//! coded is written segment by segment, and the labels, which come last, wait in a spill.

use std::io::Write as _;
use std::path::Path;

use blindlist_protocol::entry::Dictionary;
use blindlist_protocol::ids::{Digest, ReleaseId};
use blindlist_protocol::index::{Encoder, Header, IndexError, choose_f};
use blindlist_protocol::object;
use blindlist_protocol::params::SEGMENT_LENGTH;
use blindlist_store::file::AtomicFile;
use blindlist_store::spill::Spill;

use super::kept::KeptWriter;
use super::record::{Record, Row};
use super::sorted::{Listed, with_canaries};
use crate::Error;

/// Bytes of labels that wait in memory.
const LABELS: usize = 8 << 20;

/// An index that was written.
pub(super) struct Encoded {
    /// Without canaries.
    pub(super) people: u64,
    pub(super) entries: u32,
    pub(super) f: u8,
    pub(super) length: u64,
    pub(super) segments: Vec<Digest>,
}

/// What an index is made of: people that are gone through again and again, and canaries.
pub(super) struct Entries<'a, P> {
    pub(super) release: ReleaseId,
    pub(super) requested_f: u8,
    pub(super) dictionary: &'a Dictionary,
    pub(super) canaries: &'a [Record],
    /// The people, ascending by tag, the same ones each time.
    pub(super) people: P,
}

impl<P> Entries<'_, P> {
    /// Writes the index; of the people, what is to be kept.
    pub(super) fn write_index<const W: usize, I>(
        &self,
        path: &Path,
        mut keep: Option<&mut KeptWriter>,
    ) -> Result<Encoded, Error>
    where
        P: Fn() -> I,
        I: Iterator<Item = Result<Row<W>, Error>>,
    {
        let (people, header) = self.header()?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let mut labels = Spill::temporary(folder, 1, LABELS)?;
        let mut file = SegmentWriter::create(path)?;
        let mut encoder = Encoder::new(header, &mut file.buffer);
        let width = usize::from(header.label_len());
        for listed in with_canaries((self.people)(), self.canaries) {
            let listed = listed?;
            encoder.push(listed.record().tag, &mut file.buffer)?;
            let label = listed.record().sealed(self.dictionary).to_le_bytes();
            labels.push(0, label.get(..width).expect("a label has at most 8 bytes"))?;
            if let (Listed::Person(row), Some(keep)) = (&listed, &mut keep) {
                keep.push(row)?;
            }
            file.flush_whole()?;
        }
        let mut encoder = encoder.finish(&mut file.buffer)?;
        for frame in labels.frames(0) {
            for label in frame?.chunks_exact(width) {
                encoder
                    .push(label.iter().rev().fold(0, |label, byte| label << 8 | u64::from(*byte)), &mut file.buffer)?;
            }
            file.flush_whole()?;
        }
        encoder.finish()?;
        let (length, segments) = file.finish()?;
        Ok(Encoded { people, entries: header.entries(), f: header.f(), length, segments })
    }

    /// How long the index would be.
    pub(super) fn measure<const W: usize, I>(&self) -> Result<Encoded, Error>
    where
        P: Fn() -> I,
        I: Iterator<Item = Result<Row<W>, Error>>,
    {
        let (people, header) = self.header()?;
        let (mut length, mut buffer) = (0, Vec::new());
        let mut encoder = Encoder::new(header, &mut buffer);
        for listed in with_canaries((self.people)(), self.canaries) {
            encoder.push(listed?.record().tag, &mut buffer)?;
            length += buffer.len() as u64;
            buffer.clear();
        }
        encoder.finish(&mut buffer)?;
        length += buffer.len() as u64 + u64::from(header.entries()) * u64::from(header.label_len());
        Ok(Encoded { people, entries: header.entries(), f: header.f(), length, segments: Vec::new() })
    }

    /// Counts the people and chooses f.
    fn header<const W: usize, I>(&self) -> Result<(u64, Header), Error>
    where
        P: Fn() -> I,
        I: Iterator<Item = Result<Row<W>, Error>>,
    {
        let people = (self.people)().try_fold(0_u64, |people, row| row.map(|_| people + 1))?;
        let found = people + self.canaries.len() as u64;
        let entries = u32::try_from(found).map_err(|_| IndexError::EntriesOutOfRange { found })?;
        let mut failed = None;
        let tags = with_canaries((self.people)(), self.canaries).map_while(|listed| match listed {
            Ok(listed) => Some(listed.record().tag),
            Err(error) => {
                failed = Some(error);
                None
            }
        });
        let f = choose_f(entries, self.requested_f, tags);
        if let Some(error) = failed {
            return Err(error);
        }
        let header = Header::new(*self.release.as_bytes(), entries, f?, self.dictionary.label_length())?;
        Ok((people, header))
    }
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
        let step = u128::MAX / 300_000;
        let record = |i: u64| Record {
            tag: u128::from(i) * step + u128::from(i * i),
            pad: i.wrapping_mul(0x9e37_79b9_7f4a_7c15),
            label: 1 + i % 7,
        };
        let is_canary = |i: u64| i % 100_000 == 7;
        let canaries: Vec<_> = (0..300_000).filter(|i| is_canary(*i)).map(record).collect();
        let entries = Entries {
            release: ReleaseId::from_bytes([7; 16]),
            requested_f: 40,
            dictionary: &dictionary,
            canaries: &canaries,
            people: || {
                let people = (0..300_000).filter(|i| !is_canary(*i));
                people.map(|i| Ok(Row { record: record(i), y: [] }))
            },
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("index");
        let encoded = entries.write_index(&path, None).unwrap();

        let mut sealed: Vec<_> = (0..300_000)
            .map(record)
            .map(|record| SealedEntry { tag: record.tag, label: record.label ^ (record.pad & 0xff) })
            .collect();
        let expected = encode([7; 16], 40, 1, &mut sealed).unwrap();
        assert!(expected.len() > SEGMENT_LENGTH as usize, "it has several segments");
        assert_eq!(std::fs::read(&path).unwrap(), expected);
        assert_eq!(encoded.segments, segment_digests(&expected));
        assert_eq!((encoded.people, encoded.entries, encoded.length), (299_997, 300_000, expected.len() as u64));
        assert_eq!(entries.measure().unwrap().length, encoded.length);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing stays beside it");
    }
}
