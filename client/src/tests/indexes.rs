//! Indexes in the profile: read by segments, verified where they are used, fetched again when they are damaged.

use std::path::PathBuf;

use blindlist_protocol::index::{Index, SealedEntry, Storage, encode};
use blindlist_protocol::manifest::{Manifest, ReleaseError};
use blindlist_protocol::message::Request;
use blindlist_protocol::object;
use blindlist_protocol::params::SEGMENT_LENGTH;
use blindlist_store::exit::Code;
use blindlist_transport::TransportError;

use super::operator::{Insurer, Operator, nir, person};
use crate::channel::ChannelError;
use crate::index::{IndexFault, SegmentFile};
use crate::{Broken, ClientError};

/// Bytes of a segment here: fewer than a block has.
const SEGMENT: u32 = 1_000;

/// An index of 3,000 entries in a file of a folder that goes with it.
struct Held {
    _folder: tempfile::TempDir,
    path: PathBuf,
    bytes: Vec<u8>,
    manifest: Manifest,
    tags: Vec<u128>,
}

impl Held {
    fn new() -> Self {
        let mut operator = Operator::new(1);
        operator.seal("leak", &[(person(1), 1)]);
        let manifest = operator.manifest("leak");
        let tags: Vec<u128> = (0..3_000_u128).map(|n| (n << 115) | (n * n)).collect();
        let label = |tag: &u128| u64::try_from(tag >> 115 & 0xff).unwrap();
        let mut entries: Vec<_> = tags.iter().map(|tag| SealedEntry { tag: *tag, label: label(tag) }).collect();
        let bytes = encode(*manifest.release.as_bytes(), 40, 1, &mut entries).unwrap();
        let manifest = Manifest {
            entries: 3_000,
            index_length: bytes.len() as u64,
            segment_length: SEGMENT,
            segments: bytes.chunks(SEGMENT as usize).map(object::digest).collect(),
            ..manifest
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("index");
        std::fs::write(&path, &bytes).unwrap();
        Self { _folder: folder, path, bytes, manifest, tags }
    }

    fn open(&self) -> Result<SegmentFile, IndexFault> {
        SegmentFile::open(self.path.clone(), &self.manifest)
    }
}

/// The positions and labels of the tags that are found.
fn found<S: Storage>(index: &Index<S>, tags: &[u128]) -> Result<Vec<(usize, u64)>, S::Error> {
    let mut found = Vec::new();
    index.merge(tags.iter().copied(), |position, label| found.push((position, label)))?;
    Ok(found)
}

#[test]
fn a_file_is_read_as_memory_is_by_several_threads() {
    let held = Held::new();
    let expected = found(&Index::parse(&held.bytes).unwrap(), &held.tags).unwrap();
    assert_eq!(expected.len(), 3_000);
    let index = Index::open(held.open().unwrap()).unwrap();
    index.verify().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_eq!(found(&index, &held.tags).unwrap(), expected));
        }
    });
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    assert!((1..=3 * cores).contains(&index.storage().in_memory()), "segments do not pile up");
    for (tag, (_, label)) in held.tags.iter().zip(&expected).step_by(7) {
        assert_eq!(index.lookup(*tag).unwrap(), Some(*label));
    }
}

#[test]
fn every_stretch_of_a_file_is_what_was_written() {
    let held = Held::new();
    let file = held.open().unwrap();
    let mut room = Vec::new();
    let end = held.bytes.len();
    for (from, to) in [(0, 0), (0, end), (999, 1_001), (1_000, 2_000), (500, 4_500), (end - 1, end), (end, end)] {
        assert_eq!(file.read(from as u64, to - from, &mut room).unwrap(), &held.bytes[from..to], "{from}..{to}");
    }
    for (from, length) in [(end, 1), (end - 1, 2), (usize::MAX, 1), (1, usize::MAX)] {
        let refused = file.read(from as u64, length, &mut room);
        assert!(matches!(refused, Err(IndexFault::Malformed(_))), "{length} bytes from {from} on");
    }
}

/// [MAN-5]: no byte of a wrong segment is used, and the file goes.
#[test]
fn a_wrong_byte_is_found_where_it_is_read() {
    for number in 0..Held::new().manifest.segments.len() {
        let held = Held::new();
        let mut bytes = held.bytes.clone();
        let wrong = bytes.chunks_mut(SEGMENT as usize).nth(number).unwrap();
        *wrong.last_mut().unwrap() ^= 1;
        std::fs::write(&held.path, &bytes).unwrap();

        let file = held.open().unwrap();
        for (other, segment) in held.bytes.chunks(SEGMENT as usize).enumerate() {
            let mut room = Vec::new();
            let start = other as u64 * u64::from(SEGMENT);
            let read = file.read(start, segment.len(), &mut room);
            assert_eq!(read.is_ok(), other != number, "segment {other}");
            assert_eq!(held.path.exists(), other < number, "it is removed when it is found wrong");
            if let Err(error) = read {
                assert!(matches!(error, IndexFault::Damaged(_)), "{error}");
            }
        }
    }
}

#[test]
fn a_file_of_another_length_is_damaged() {
    for change in [|bytes: &mut Vec<u8>| bytes.push(0), |bytes: &mut Vec<u8>| bytes.truncate(bytes.len() - 1)] {
        let mut held = Held::new();
        change(&mut held.bytes);
        std::fs::write(&held.path, &held.bytes).unwrap();
        assert!(matches!(held.open(), Err(IndexFault::Damaged(_))));
        assert!(!held.path.exists());
    }
    let held = Held::new();
    let file = held.open().unwrap();
    std::fs::write(&held.path, &held.bytes[..1_500]).unwrap();
    assert!(matches!(file.read(1_200, 1, &mut Vec::new()), Err(IndexFault::Damaged(_))), "cut while it is in use");
    assert!(matches!(held.open(), Err(IndexFault::Store(_))), "it is not there");
}

#[test]
fn debug_shows_no_byte_of_an_index() {
    let held = Held::new();
    let shown = format!("{:?}", held.open().unwrap());
    assert_eq!(shown, format!("SegmentFile {{ path: {:?}, .. }}", held.path));
}

/// The path of the only index in the profile.
fn index_of(insurer: &Insurer) -> PathBuf {
    let mut files = std::fs::read_dir(insurer.path("profile/indexes")).unwrap();
    let path = files.next().unwrap().unwrap().path();
    assert!(files.next().is_none(), "one file");
    path
}

/// [MAT-1]: what is damaged after it was fetched ends the check without a result and without another charge.
#[test]
fn damage_that_is_found_at_the_look_up_is_mended_by_going_on() {
    let mut operator = Operator::new(1);
    // Of several segments: the frame is in others than the first block.
    operator.seal_many("leak", &[(person(1), 1)], 500_000);
    let insurer = Insurer::joined(&mut operator);
    insurer.has(format!("nir\n{}\n{}\n", nir(1), nir(2)));
    assert_eq!(insurer.check(&operator).unwrap().affected.rows, 1);
    let (index, spent) = (index_of(&insurer), operator.spent());
    let good = insurer.read(&index);

    let mut bad = good.clone();
    // Behind the header's segment, up to that of the directory: the blocks of about all tags.
    bad[1 << 20..2 << 20].fill(0);
    std::fs::write(&index, &bad).unwrap();
    let error = insurer.check(&operator).unwrap_err();
    assert!(matches!(error, ClientError::IndexDamaged(_)), "{error}");
    assert_eq!((error.code(), error.resumable()), (Code::TryAgain, true));
    assert!(!index.exists());
    let charged = operator.spent();
    assert!(charged > spent, "the check was asked for and paid");
    assert_eq!(insurer.resume(&operator).unwrap().affected.rows, 1);
    assert_eq!(insurer.read(index_of(&insurer)), good);
    assert_eq!(operator.spent(), charged);
}

/// [IDX-6]: an index has no name in the profile before it was verified to the last entry.
#[test]
fn an_index_that_was_not_verified_has_no_name() {
    let mut operator = Operator::new(1);
    operator.seal("leak", &[(person(1), 1)]);
    let manifest = operator.manifest("leak");
    let insurer = Insurer::joined(&mut operator);
    insurer.has(format!("nir\n{}\n", nir(1)));
    // What killed processes left behind is neither used nor in the way.
    let path = insurer.profile().index_path(&manifest).unwrap();
    let left = insurer.profile().unverified_index_path(&manifest).unwrap();
    for name in [format!(".{}-x.tmp", manifest.release), manifest.release.to_string()] {
        std::fs::write(path.with_file_name(name), b"a part of it").unwrap();
    }
    std::fs::write(&left, b"a part of it").unwrap();
    assert_eq!(insurer.check(&operator).unwrap().affected.rows, 1);
    assert_eq!(index_of(&insurer), path, "and it is the only file");

    operator.damage("leak", |bytes| {
        let end = bytes.len() - 5 - 8;
        bytes[end - 1] ^= 0x81;
    });
    let error = insurer.check(&operator).unwrap_err();
    let malformed = matches!(&error, ClientError::Broken(Broken::Release { source: ReleaseError::Index(_), .. }));
    assert!(malformed, "{error}");
    assert_eq!(index_of(&insurer), path, "what was verified before stays");
    assert!(crate::index::open(&insurer.profile(), &operator.manifest("leak")).is_err());
}

/// A download that broke off is gone on with: what is here and right is not fetched again, and nothing here is trusted.
#[test]
fn a_download_that_broke_off_is_gone_on_with() {
    let mut operator = Operator::new(1);
    operator.seal_many("leak", &[(person(1), 1)], 700_000);
    let segments = operator.manifest("leak").segments.len();
    assert!(segments >= 4, "{segments}");
    let insurer = Insurer::joined(&mut operator);
    insurer.has(format!("nir\n{}\n", nir(1)));
    let lost = u32::try_from(segments - 1).unwrap();
    operator.tamper = Some(Box::new(move |request, response| {
        let is_lost = matches!(request, Request::Segment { number, .. } if *number == lost);
        if is_lost { Err(ChannelError::Transport(TransportError::Lost)) } else { Ok(response) }
    }));
    let error = insurer.check(&operator).unwrap_err();
    assert!(matches!(error, ClientError::Channel(_)), "{error}");
    let partial = index_of(&insurer);
    assert!(partial.to_string_lossy().ends_with(".unverified"));
    assert_eq!(operator.spent(), 0, "nothing is asked before the lists are here");

    // One of those that are here is damaged meanwhile.
    let mut bytes = insurer.read(&partial);
    bytes[SEGMENT_LENGTH as usize + 7] ^= 1;
    std::fs::write(&partial, &bytes).unwrap();
    operator.tamper = None;
    operator.take_sent();
    assert_eq!(insurer.check(&operator).unwrap().affected.rows, 1);
    let sent = operator.take_sent();
    let fetched: Vec<_> = sent.iter().filter(|request| request.starts_with("Segment")).collect();
    assert_eq!(fetched.len(), 2, "{fetched:?}");

    // The same bytes as one that was fetched at once.
    let whole = insurer.read(index_of(&insurer));
    std::fs::remove_file(index_of(&insurer)).unwrap();
    insurer.check(&operator).unwrap();
    assert_eq!(insurer.read(index_of(&insurer)), whole);
}

/// A partial file of any length and content is overwritten where it is not right, and leads to no other index.
#[test]
fn a_partial_file_is_never_trusted() {
    let mut operator = Operator::new(1);
    operator.seal("leak", &[(person(1), 1)]);
    let insurer = Insurer::joined(&mut operator);
    insurer.has(format!("nir\n{}\n", nir(1)));
    let manifest = operator.manifest("leak");
    let partial = insurer.profile().unverified_index_path(&manifest).unwrap();
    let length = usize::try_from(manifest.index_length).unwrap();
    for length in [0, 1, length - 1, length, length + 1, 3 << 20] {
        std::fs::write(&partial, vec![0x5a; length]).unwrap();
        assert_eq!(insurer.check(&operator).unwrap().affected.rows, 1, "{length}");
        std::fs::remove_file(index_of(&insurer)).unwrap();
    }
}

/// [MAT-3]: a manifest that says other bytes of a release has them all fetched before anything is asked or looked up. A
/// segment that is fetched again only when a member is found there would tell who is a member.
#[test]
fn other_bytes_of_a_release_are_fetched_before_anything_is_looked_up() {
    let mut operator = Operator::new(1);
    // The last segment holds labels only: opening the index does not touch it.
    operator.seal_many("leak", &[(person(1), 1)], 700_000);
    let insurer = Insurer::joined(&mut operator);
    insurer.has(format!("nir\n{}\n", nir(2)));
    assert_eq!(insurer.check(&operator).unwrap().affected.rows, 0);
    let before = index_of(&insurer);
    operator.take_sent();

    // One label of somebody: nothing that this member or a canary touches.
    operator.damage("leak", |bytes| {
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
    });
    assert_eq!(insurer.check(&operator).unwrap().affected.rows, 0);
    let sent = operator.take_sent();
    let fetched = |request: &String| request.starts_with("Segment");
    let segments = operator.manifest("leak").segments.len();
    assert_eq!(sent.iter().filter(|request| fetched(request)).count(), segments, "{sent:?}");
    let (last, chunk) = (sent.iter().rposition(fetched), sent.iter().position(|request| request == "0 of 64"));
    assert!(last < chunk, "{sent:?}");
    assert_ne!(index_of(&insurer), before);
}
