//! The format once more, written for plainness, to hold the encoder against. Shares no code with it but [`Header`]'s fields.

use super::super::Header;

/// The file of these values and labels, bit by bit.
pub(super) fn naive_file(header: &Header, values: &[u128], labels: &[u64]) -> Vec<u8> {
    let mut blocks = Vec::new();
    let mut directory = Vec::new();
    for block in values.chunks(1024) {
        blocks.extend(naive_block(header.f(), block));
        directory.extend((blocks.len() as u64).to_le_bytes());
    }
    let mut file = naive_header(header);
    file.extend(blocks);
    file.extend(directory);
    for label in labels {
        file.extend(&label.to_le_bytes()[..usize::from(header.label_len())]);
    }
    file
}

pub(super) fn naive_header(header: &Header) -> Vec<u8> {
    let mut file = b"blindlist/1 index\n".to_vec();
    file.extend(header.release());
    file.extend(header.entries().to_le_bytes());
    file.extend([header.f(), header.label_len()]);
    file
}

pub(super) fn naive_block(f: u8, values: &[u128]) -> Vec<u8> {
    let k = f - 1;
    let mut bits: Vec<bool> = (0..96).map(|bit| (values[0] >> bit) & 1 == 1).collect();
    for pair in values.windows(2) {
        let gap = pair[1] - pair[0] - 1;
        bits.extend((0..gap >> k).map(|_| false));
        bits.push(true);
        bits.extend((0..k).map(|bit| (gap >> bit) & 1 == 1));
    }
    pack(&bits)
}

/// Bits into bytes, least significant first, the last byte filled with zeros.
pub(super) fn pack(bits: &[bool]) -> Vec<u8> {
    let byte = |eight: &[bool]| (0..).zip(eight).map(|(at, bit)| u8::from(*bit) << at).sum();
    bits.chunks(8).map(byte).collect()
}

/// floor(tag * N * 2^f / 2^128) by long multiplication on 32-bit digits and a shift by single bits.
pub(super) fn naive_value(tag: u128, entries: u32, f: u8) -> u128 {
    let mut product = [0_u64; 5];
    let mut carry = 0;
    for (digit, place) in product.iter_mut().enumerate() {
        let factor = if digit < 4 { (tag >> (32 * digit)) & 0xffff_ffff } else { 0 };
        let sum = u64::try_from(factor).unwrap() * u64::from(entries) + carry;
        *place = sum & 0xffff_ffff;
        carry = sum >> 32;
    }
    let bit = |at: u32| u128::from((product[at as usize / 32] >> (at % 32)) & 1);
    // The product has 160 bits; those from 128 - f on are the value.
    (128 - u32::from(f)..160).rev().fold(0, |value, at| (value << 1) | bit(at))
}

/// The smallest f by trying one after the other.
pub(super) fn naive_f(tags: &[u128], requested: u8) -> Option<u8> {
    let entries = u32::try_from(tags.len()).unwrap();
    (requested..=56).find(|f| {
        let values: Vec<u128> = tags.iter().map(|tag| naive_value(*tag, entries, *f)).collect();
        values.windows(2).all(|pair| pair[0] != pair[1])
    })
}
