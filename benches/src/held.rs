//! A list of any size in the profile of an insurer, and members to look up in it. Made as a stream: what takes memory are
//! the members only.

use crate::{Parties, Source, slug};
use blindlist_client::index;
use blindlist_client::profile::Profile;
use blindlist_protocol::entry::{Dictionary, Entry};
use blindlist_protocol::identifier::Scheme;
use blindlist_protocol::ids::{Digest, ReleaseId};
use blindlist_protocol::index::{Encoder, Header};
use blindlist_protocol::manifest::Manifest;
use blindlist_protocol::matching::{Candidate, Matcher, Who};
use blindlist_protocol::object;
use blindlist_protocol::params::{CANARIES, SEGMENT_LENGTH};
use blindlist_protocol::signature::SigningKey;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::fmt;
use std::io::{Read, Write};

/// f.
const FALSE_POSITIVE_BITS: u8 = 40;

/// A release whose index is in a profile, in a folder that goes with it.
pub struct Held {
    _folder: tempfile::TempDir,
    profile: Profile,
    /// The release.
    pub manifest: Manifest,
    /// Members and canaries, in no order.
    pub members: Vec<Candidate>,
    /// How many of the members are on the list.
    pub hits: usize,
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Held")
    }
}

impl Held {
    /// A list of so many entries, and so many members, half of whom are on it.
    ///
    /// # Panics
    /// When a file cannot be written, or there are fewer entries than half the members.
    pub fn new(entries: u32, members: usize, dictionary: Dictionary) -> Self {
        let folder = tempfile::tempdir().expect("a folder of temporary files");
        let profile = Profile::create(&folder.path().join("profile")).expect("an empty folder");
        let release = ReleaseId::from_bytes([7; 16]);
        let path = folder.path().join("index");
        let header = Header::new(*release.as_bytes(), entries, FALSE_POSITIVE_BITS, dictionary.label_length());
        write(header.expect("a list has entries"), &dictionary, std::fs::File::create(&path).expect("a new file"));
        let manifest = manifest(entries, dictionary, &std::fs::File::open(&path).expect("it was written"));
        let kept = profile.index_path(&manifest).expect("a new profile");
        std::fs::rename(path, kept).expect("the same file system");

        let hits = members / 2;
        let mut everybody = Vec::with_capacity(members + CANARIES);
        let step = entries as usize / hits;
        for (place, entry) in Entries::new(entries).enumerate() {
            if let Some(i) = (0..).zip(0..CANARIES).find_map(|(i, canary)| (canary == place).then_some(i)) {
                everybody.push(Candidate { entry, who: Who::Canary(i) });
            } else if place % step == step - 1 && everybody.len() < hits + CANARIES {
                everybody.push(Candidate { entry, who: Who::Member(place as u128) });
            }
        }
        let hits = everybody.len() - CANARIES;
        let mut source = Source::new(4);
        let mut stranger = || Entry { tag: source.number(), pad: source.number() };
        everybody.extend((hits..members).map(|n| Candidate { entry: stranger(), who: Who::Member(n as u128) }));
        everybody.sort_unstable_by_key(|candidate| candidate.entry.pad);
        Self { _folder: folder, profile, manifest, members: everybody, hits }
    }

    /// The whole index.
    ///
    /// # Panics
    /// When it cannot be read.
    pub fn bytes(&self) -> Vec<u8> {
        let path = self.profile.index_path(&self.manifest).expect("it was written");
        std::fs::read(path).expect("it was written")
    }

    /// What a check does to look its members up in this release, on one thread: how many are found.
    ///
    /// # Panics
    /// When the file was touched.
    pub fn check(&self) -> usize {
        let mut members = self.members.clone();
        members.sort_unstable_by_key(|candidate| candidate.entry.tag);
        let index = index::open(&self.profile, &self.manifest).expect("it was written");
        let mut matcher = Matcher::new(&self.manifest);
        let hits = matcher.look_up(&members, &index).expect("it is whole");
        matcher.add(hits);
        matcher.finish().expect("the canaries are there").count()
    }
}

/// Entries with tags spread as those of a list are, ascending: the same in every run.
struct Entries {
    gaps: ChaCha8Rng,
    /// What one unit of the exponential distribution is in tags.
    unit: f64,
    left: u32,
    tag: u128,
}

impl Entries {
    /// N ordered random numbers are sums of N + 1 exponentially distributed gaps, over the sum of all.
    fn new(entries: u32) -> Self {
        let gaps = ChaCha8Rng::seed_from_u64(3);
        let mut all = gaps.clone();
        let sum: f64 = (0..=entries).map(|_| gap(&mut all).0).sum();
        // A little less, so that no rounding leads beyond the end.
        let unit = 2_f64.powi(128) / sum * (1.0 - 1e-9);
        Self { gaps, unit, left: entries, tag: 0 }
    }
}

impl Iterator for Entries {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        self.left = self.left.checked_sub(1)?;
        let (gap, low) = gap(&mut self.gaps);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive part of 2^128")]
        let gap = (gap * self.unit) as u128;
        self.tag += gap + u128::from(low);
        Some(Entry { tag: self.tag, pad: self.tag.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835) })
    }
}

/// Exponentially distributed, 1 on average; and low bits, which a floating number has none of.
fn gap(random: &mut ChaCha8Rng) -> (f64, u32) {
    (-(1.0 - random.random::<f64>()).ln(), random.random())
}

fn write(header: Header, dictionary: &Dictionary, file: std::fs::File) {
    let mut file = std::io::BufWriter::new(file);
    let mut out = Vec::new();
    let mut flush = |out: &mut Vec<u8>| {
        file.write_all(out).expect("room for the index");
        out.clear();
    };
    let mut encoder = Encoder::new(header, &mut out);
    for entry in Entries::new(header.entries()) {
        encoder.push(entry.tag, &mut out).expect("random tags ascend and differ");
        flush(&mut out);
    }
    let mut labels = encoder.finish(&mut out).expect("all entries were pushed");
    for (place, entry) in Entries::new(header.entries()).enumerate() {
        let label = if place < CANARIES { dictionary.canary_label(place) } else { dictionary.full() };
        labels.push(entry.seal(label, dictionary), &mut out).expect("a label of the dictionary");
        flush(&mut out);
    }
    labels.finish().expect("all labels were pushed");
    file.flush().expect("room for the index");
}

fn manifest(entries: u32, dictionary: Dictionary, index: &std::fs::File) -> Manifest {
    let parties = Parties::new(5);
    let (mut segments, mut length) = (Vec::new(), 0);
    loop {
        let mut segment = Vec::new();
        let read = index.take(SEGMENT_LENGTH.into()).read_to_end(&mut segment);
        if read.expect("it was written") == 0 {
            break;
        }
        length += segment.len() as u64;
        segments.push(object::digest(&segment));
    }
    let record = parties.epoch.record();
    Manifest {
        operator: slug("operator"),
        operator_key: SigningKey::from_seed(&[1; 32]).verifying(),
        list: slug("list"),
        title: "A list".parse().expect("a title"),
        incident: None,
        audience: Vec::new(),
        release: ReleaseId::from_bytes([7; 16]),
        sequence: 1,
        previous: None,
        created: 0,
        epoch: record.epoch,
        key: record.key,
        scheme: Scheme::Nir,
        entries,
        false_positive_bits: FALSE_POSITIVE_BITS,
        dictionary,
        source: Digest::from_bytes([0; 32]),
        index_length: length,
        segment_length: SEGMENT_LENGTH,
        segments,
    }
}
