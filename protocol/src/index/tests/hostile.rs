//! Files that no encoder writes: each fault has its own refusal, and nothing panics or runs away.

use proptest::prelude::*;

use super::super::*;
use super::reference::{naive_block, naive_header, pack};
use super::{RELEASE, encode, file_of, random_entries, tag_of, values_of};

/// An index in parts, to break one at a time.
struct Parts {
    header: Vec<u8>,
    blocks: Vec<Vec<u8>>,
    ends: Vec<u64>,
    labels: Vec<u8>,
}

impl Parts {
    fn new(f: u8, values: &[&[u128]]) -> Self {
        let blocks = values.iter().map(|values| naive_block(f, values)).collect();
        Self::of_blocks(f, u32::try_from(values.concat().len()).unwrap(), blocks)
    }

    fn of_blocks(f: u8, entries: u32, blocks: Vec<Vec<u8>>) -> Self {
        let header = naive_header(&Header::new(RELEASE, entries, f, 1).unwrap());
        let ends = blocks.iter().scan(0, |end, block| {
            *end += block.len() as u64;
            Some(*end)
        });
        Self { header, ends: ends.collect(), blocks, labels: vec![0; entries as usize] }
    }

    fn file(&self) -> Vec<u8> {
        let ends: Vec<u8> = self.ends.iter().flat_map(|end| end.to_le_bytes()).collect();
        [&self.header[..], &self.blocks.concat(), &ends, &self.labels].concat()
    }

    fn verify(&self) -> Result<(), IndexError> {
        verify(&self.file())
    }
}

/// Values for two blocks, the second of one entry.
fn two_blocks(f: u8) -> (Vec<u128>, u128) {
    ((0..1024).map(|value| value << f).collect(), 1024 << f)
}

/// A block of N entries under f = 32 that begins with `first`, then has these bits.
fn one_block(entries: u32, first: u128, bits: &[bool]) -> Result<(), IndexError> {
    let block = [&first.to_le_bytes()[..12], &pack(bits)].concat();
    Parts::of_blocks(32, entries, vec![block]).verify()
}

/// `zeros` zero bits, a one, and the remainder of f = 32.
fn code(zeros: usize, low: u32) -> Vec<bool> {
    let mut bits = vec![false; zeros];
    bits.push(true);
    bits.extend((0..31).map(|bit| (low >> bit) & 1 == 1));
    bits
}

#[test]
fn the_parts_make_a_good_file() {
    let (block, last) = two_blocks(40);
    assert_eq!(Parts::new(40, &[&block, &[last]]).verify(), Ok(()));
    assert_eq!(one_block(2, 5, &code(0, 0)), Ok(()));
}

/// [IDX-2]
#[test]
fn header_fields_out_of_range() {
    let with = |at: usize, bytes: &[u8]| {
        let mut parts = Parts::new(40, &[&[1]]);
        parts.header[at..at + bytes.len()].copy_from_slice(bytes);
        parts.verify()
    };
    for at in 0..MAGIC.len() {
        assert_eq!(with(at, b"\0"), Err(IndexError::WrongMagic));
    }
    assert_eq!(with(34, &[0; 4]), Err(IndexError::EntriesOutOfRange { found: 0 }));
    for f in [0, 31, 57, 255] {
        assert_eq!(with(38, &[f]), Err(IndexError::FOutOfRange { found: f }));
    }
    for label_len in [0, 9, 255] {
        assert_eq!(with(39, &[label_len]), Err(IndexError::LabelLengthOutOfRange { found: label_len }));
    }
}

/// [IDX-2]
#[test]
fn lengths_that_do_not_fit() {
    let file = Parts::new(40, &[&[1, 9]]).file();
    assert_eq!(verify(&[]), Err(IndexError::TooShort { found: 0, needed: 40 }));
    assert_eq!(verify(&file[..39]), Err(IndexError::TooShort { found: 39, needed: 40 }));
    assert_eq!(verify(&file[..40]), Err(IndexError::TooShort { found: 40, needed: 62 }));
    assert_eq!(verify(&file[..61]), Err(IndexError::TooShort { found: 61, needed: 62 }));

    // The largest N: the lengths that follow from it do not overflow.
    let mut parts = Parts::new(40, &[&[1]]);
    parts.header[34..38].fill(0xff);
    parts.header[39] = 8;
    let needed = 40 + (12 + 8) * (1 << 22) + 8 * u64::from(u32::MAX);
    assert_eq!(parts.verify(), Err(IndexError::TooShort { found: parts.file().len() as u64, needed }));
}

#[test]
fn no_shorter_or_longer_file_is_accepted() {
    let file = Parts::new(40, &[&[1, 9, 1 << 39]]).file();
    assert_eq!(verify(&file), Ok(()));
    for len in 0..file.len() {
        assert!(verify(&file[..len]).is_err(), "the first {len} bytes");
    }
    for byte in 0..=255 {
        assert!(verify(&[&file[..], &[byte]].concat()).is_err(), "one more byte, {byte}");
    }
}

/// [IDX-3]
#[test]
fn directories_that_do_not_describe_the_blocks() {
    let (block, last) = two_blocks(40);
    let with = |change: fn(&mut Vec<u64>)| {
        let mut parts = Parts::new(40, &[&block, &[last]]);
        change(&mut parts.ends);
        (parts.verify(), parts.blocks.concat().len() as u64)
    };
    assert_eq!(with(|ends| ends[0] = 0).0, Err(IndexError::DirectoryNotAscending { block: 0 }));
    assert_eq!(with(|ends| ends[1] = ends[0]).0, Err(IndexError::DirectoryNotAscending { block: 1 }));
    assert_eq!(with(|ends| ends[0] = u64::MAX).0, Err(IndexError::DirectoryNotAscending { block: 1 }));
    assert_eq!(with(|ends| ends[0] = 11).0, Err(IndexError::BlockTooShort { block: 0, found: 11 }));
    assert_eq!(with(|ends| ends[0] += 1).0, Err(IndexError::BlockTooShort { block: 1, found: 11 }));
    let (refusal, expected) = with(|ends| ends[1] += 1);
    assert_eq!(refusal, Err(IndexError::DirectoryEndMismatch { found: expected + 1, expected }));
    let (refusal, expected) = with(|ends| ends[1] = u64::MAX);
    assert_eq!(refusal, Err(IndexError::DirectoryEndMismatch { found: u64::MAX, expected }));
}

/// [IDX-4]
#[test]
fn blocks_out_of_order() {
    let (block, _) = two_blocks(40);
    let last = *block.last().unwrap();
    let refused = Err(IndexError::BlocksOutOfOrder { block: 1 });
    assert_eq!(Parts::new(40, &[&block, &[last]]).verify(), refused);
    assert_eq!(Parts::new(40, &[&block, &[0]]).verify(), refused);
    assert_eq!(Parts::new(40, &[&block, &[last + 1]]).verify(), Ok(()));
}

/// [IDX-4]
#[test]
fn values_beyond_the_range() {
    let refused = Err(IndexError::ValueOutOfRange { block: 0 });
    let range = 2 << 32;
    assert_eq!(one_block(1, (1 << 32) - 1, &[]), Ok(()));
    assert_eq!(one_block(1, 1 << 32, &[]), refused);
    assert_eq!(one_block(1, (1 << 96) - 1, &[]), refused);
    assert_eq!(one_block(2, range - 2, &code(0, 0)), Ok(()));
    assert_eq!(one_block(2, range - 1, &code(0, 0)), refused);
    assert_eq!(one_block(2, range - 2, &code(0, 1)), refused);
    assert_eq!(one_block(2, 0, &code(4, 0)), refused);
    let (block, last) = two_blocks(40);
    let beyond = [last, 1025 << 40];
    assert_eq!(Parts::new(40, &[&block, &beyond[..1]]).verify(), Ok(()));
    assert_eq!(Parts::new(40, &[&block, &beyond[1..]]).verify(), Err(IndexError::ValueOutOfRange { block: 1 }));
}

/// [IDX-4]
#[test]
fn runs_that_lead_beyond_the_range() {
    let refused = Err(IndexError::RunTooLong { block: 0 });
    assert_eq!(one_block(2, 0, &code(64, 0)), refused);
    // Refused for its length, long before its end is known; the same without an end.
    assert_eq!(one_block(2, 0, &code(10_000_000, 0)), refused);
    assert_eq!(one_block(2, 0, &[false; 10_000_000]), refused);
    // 1000 entries leave room for 2000 zero bits, once: not from half way on.
    let mut bits = code(1500, 0);
    bits.extend(code(600, 0));
    assert_eq!(one_block(1000, 0, &bits), refused);
    // A block that is all runs, each of them allowed by itself.
    let bits: Vec<bool> = (0..999).flat_map(|_| code(1900, 0)).collect();
    assert_eq!(one_block(1000, 0, &bits), refused);
}

/// [IDX-5]
#[test]
fn blocks_that_end_early() {
    let refused = Err(IndexError::BlockEndsEarly { block: 0 });
    assert_eq!(one_block(2, 0, &[]), refused);
    assert_eq!(one_block(20, 0, &[false; 30]), refused, "within the unary part");
    assert_eq!(one_block(100, 0, &[false; 190]), refused, "within a long unary part");
    for bits in 1..25 {
        assert_eq!(one_block(2, 0, &code(0, 0)[..bits]), refused, "within the remainder");
    }
    assert_eq!(one_block(3, 0, &code(0, 0)), refused, "between two entries");
}

/// [IDX-5]
#[test]
fn bytes_behind_the_last_entry() {
    for found in 1..20 {
        let mut bits = code(1, 7);
        bits.resize(40 + 8 * found, false);
        assert_eq!(one_block(2, 0, &bits), Err(IndexError::LeftOverBytes { block: 0, found: found as u64 }));
    }
    assert_eq!(one_block(1, 0, &[true; 8]), Err(IndexError::LeftOverBytes { block: 0, found: 1 }));
}

/// [IDX-5]
#[test]
fn padding_that_is_not_zero() {
    for bit in 33..40 {
        let mut bits = code(1, 7);
        bits.resize(40, false);
        assert_eq!(one_block(2, 0, &bits), Ok(()));
        bits[bit] = true;
        assert_eq!(one_block(2, 0, &bits), Err(IndexError::PaddingNotZero { block: 0 }));
    }
}

#[test]
fn a_block_that_is_not_there() {
    let file = Parts::new(40, &[&[1]]).file();
    let index = Index::parse(&file).unwrap();
    let mut values = vec![7];
    for block in [1, 2, u32::MAX] {
        assert_eq!(index.decode_block(block, &mut values), Err(IndexError::NoSuchBlock { block, blocks: 1 }));
        assert!(values.is_empty());
    }
}

proptest! {
    #[test]
    fn a_changed_file_is_refused_or_is_the_encoding_of_what_it_says(
        size in 1_u32..60,
        f in MIN_F..=MAX_F,
        flips in prop::collection::vec(any::<prop::sample::Index>(), 1..4),
        seed: u64,
    ) {
        let mut file = encode(RELEASE, f, 1, &mut random_entries(size, 1, seed)).unwrap();
        for flip in flips {
            let bit = flip.index(file.len() * 8);
            file[bit / 8] ^= 1 << (bit % 8);
        }
        check_hostile(&file);
    }

    #[test]
    fn changes_around_the_border_of_blocks_are_survived(
        size in prop::sample::select(vec![1024_u32, 1025, 2100]),
        noise in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..30),
    ) {
        let mut file = encode(RELEASE, 40, 1, &mut random_entries(size, 1, 1)).unwrap();
        for (at, byte) in noise {
            let at = at.index(file.len());
            file[at] = byte;
        }
        check_hostile(&file);
    }

    #[test]
    fn noise_behind_a_good_header_is_survived(
        noise in prop::collection::vec(any::<u8>(), 0..400),
        thin in any::<bool>(),
        entries in 1_u32..20,
        f in MIN_F..=MAX_F,
    ) {
        // Thinned, it has runs of any length.
        let noise = noise.iter().map(|byte| if thin && byte % 16 != 0 { 0 } else { *byte });
        let mut block = vec![0; FIRST_LEN];
        block.extend(noise);
        check_hostile(&Parts::of_blocks(f, entries, vec![block]).file());
    }
}

/// Nothing panics; and what is accepted is exactly what the encoder would write.
fn check_hostile(file: &[u8]) {
    let Ok(index) = Index::parse(file) else { return };
    // Any outcome will do here, as long as there is one.
    let _ = index.merge((0..=64).map(|at| (u128::MAX / 64).saturating_mul(at)), |_, _| ());
    let _ = index.lookup(u128::MAX / 3);
    let Ok(()) = index.verify() else { return };
    let values = values_of(file).unwrap();
    let label_len = usize::from(index.header().label_len());
    let labels = &file[file.len() - values.len() * label_len..];
    let labels: Vec<u64> = labels.chunks(label_len).map(label_of).collect();
    for (value, label) in values.iter().zip(&labels) {
        assert_eq!(index.lookup(tag_of(index.header(), *value)), Ok(Some(*label)));
    }
    assert!(file_of(index.header(), &values, &labels) == file);
}

fn label_of(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |label, byte| (label << 8) | u64::from(*byte))
}

fn verify(file: &[u8]) -> Result<(), IndexError> {
    Index::parse(file)?.verify()
}
