//! Each operation of the lanes on secrets, for `tests/constant_time`, which follows every step of them.
//!
//! `secret_lanes PATH < 32 secret bytes`, with the path's name. All else is the same each time, so that only the secret can
//! make two runs differ. A line on the standard error says which operation begins.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failure of the harness is a failed test")]

use blindlist_lanes::{Path, fixed_base_all};
use curve25519_dalek::scalar::Scalar;
use std::hint::black_box;
use std::io::{Read, Write};

fn main() {
    let path = std::env::args().nth(1).unwrap();
    let path = Path::all().find(|known| known.to_string() == path).unwrap_or_else(|| panic!("no {path} here"));
    // A whole group of lanes, and one element more.
    let batch = 0..=u8::try_from(path.lanes()).unwrap();
    let mut secret = [0; 32];
    std::io::stdin().read_exact(&mut secret).unwrap();

    let public: Vec<[u8; 64]> = batch.clone().map(|i| [i; 64]).collect();
    let points = path.hash_to_group_all(&public);
    let table = path.table(&points[0]);
    let scalar = black_box(Scalar::from_bytes_mod_order(secret));
    let scalars: Vec<Scalar> = black_box(batch.clone().map(|i| scalar * Scalar::from(i)).collect());
    let half = |i: u8, k: u8| secret[usize::from(k % 32)].rotate_left(i.into()) ^ k;
    let uniform: Vec<[u8; 64]> =
        black_box(batch.map(|i| std::array::from_fn(|k| half(i, k.to_le_bytes()[0]))).collect());

    begin("hash to group");
    let hidden = black_box(path.hash_to_group_all(&uniform));
    begin("encode");
    let encodings = black_box(path.encode_all(&hidden));
    begin("decode");
    drop(black_box(path.decode_each(&encodings)));
    begin("encode doubled");
    drop(black_box(path.encode_doubled_all(&hidden)));
    begin("add");
    drop(black_box(path.add_all(&hidden, &points)));
    begin("subtract");
    drop(black_box(path.sub_all(&hidden, &points)));
    begin("compare");
    drop(black_box(path.equal_all(&hidden, &points)));
    begin("multiply");
    // One group, as this takes the longest.
    drop(black_box(path.mul_all(&scalar, &hidden[1..])));
    begin("multiply a fixed point");
    drop(black_box(fixed_base_all(&table, &scalars)));
    leak(&secret);
    begin("nothing");
}

/// In one piece, as whoever follows looks at what is written each time.
fn begin(operation: &str) {
    std::io::stderr().write_all(format!("begin {operation}\n").as_bytes()).unwrap();
}

/// What must be noticed: in each of these the secret shows in another way.
fn leak(secret: &[u8; 32]) {
    let table: [u8; 256] = black_box(std::array::from_fn(|i| i.to_le_bytes()[0]));
    begin("leaky address");
    black_box(black_box(&table)[usize::from(secret[0])]);
    begin("leaky branch");
    if black_box(secret[0]) & 1 == 1 {
        black_box(table);
    }
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        begin("leaky indices");
        read_from(secret[0] & 3, &[0; 4]);
    }
    begin("leaky division");
    black_box(black_box(1_u64 << 60) / (1 + u64::from(black_box(secret[0]))));
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx512f") {
        begin("leaky mask");
        read_where_set(secret[0], &[0; 8]);
    }
}

/// Reads the number of this index four times.
#[cfg(target_arch = "x86_64")]
fn read_from(index: u8, numbers: &[u64; 4]) {
    // SAFETY: instructions that the processor was found to have, which read within the array and write registers.
    #[allow(unsafe_code, reason = "the instruction itself")]
    unsafe {
        std::arch::asm!(
            "vmovq xmm1, {index}",
            "vpbroadcastq ymm1, xmm1",
            "vpcmpeqq ymm2, ymm2, ymm2",
            "vpgatherqq ymm0, [{numbers} + 8 * ymm1], ymm2",
            index = in(reg) u64::from(index),
            numbers = in(reg) numbers,
            out("ymm0") _,
            out("ymm1") _,
            out("ymm2") _,
            options(readonly, nostack, preserves_flags)
        );
    }
}

/// Reads the numbers whose bits are set, and no others.
#[cfg(target_arch = "x86_64")]
fn read_where_set(bits: u8, numbers: &[u64; 8]) {
    // SAFETY: instructions that the processor was found to have, which read within the array and write registers.
    #[allow(unsafe_code, reason = "the instruction itself")]
    unsafe {
        std::arch::asm!(
            "kmovw k1, {bits:e}",
            "vmovdqu64 zmm0 {{k1}} {{z}}, zmmword ptr [{numbers}]",
            bits = in(reg) u32::from(bits),
            numbers = in(reg) numbers,
            out("k1") _,
            out("zmm0") _,
            options(readonly, nostack, preserves_flags)
        );
    }
}
