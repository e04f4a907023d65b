//! One operation of the lanes on a secret, for `tests/constant_time.rs`, which follows every step of it.
//!
//! `secret_lanes NAME < 32 secret bytes`. All else is the same each time, so that only the secret can make two runs differ.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failure of the harness is a failed test")]

use blindlist_lanes::{
    Point, Table, encode_all, encode_doubled_all, equal_all, fixed_base_all, hash_to_group_all, mul_all,
    multiscalar_vartime, sub_all,
};
use curve25519_dalek::scalar::Scalar;
use std::hint::black_box;
use std::io::Read;
use std::sync::atomic::{AtomicU8, Ordering};

/// Written to when the operation begins: where it is, in hexadecimal, is what this program prints.
static BEGUN: AtomicU8 = AtomicU8::new(0);

fn main() {
    let operation = std::env::args().nth(1).unwrap();
    let mut secret = [0; 32];
    std::io::stdin().read_exact(&mut secret).unwrap();
    let points = hash_to_group_all(&[[1; 64], [2; 64], [3; 64], [4; 64], [5; 64]]);
    let table = Table::new(&points[0]);
    println!("{:p}", BEGUN.as_ptr());
    BEGUN.store(1, Ordering::SeqCst);
    let scalar = || black_box(Scalar::from_bytes_mod_order(secret));
    let secrets = || [scalar(), Scalar::ONE, scalar() + scalar(), scalar(), scalar() * scalar()];
    let uniform: [[u8; 64]; 5] = std::array::from_fn(|i| {
        std::array::from_fn(|k| secret[k % 32].rotate_left(u32::try_from(i).unwrap()) ^ u8::try_from(k).unwrap())
    });
    let hidden = || hash_to_group_all(black_box(&uniform));
    match operation.as_str() {
        "multiply" => drop(black_box(mul_all(&scalar(), &points))),
        "fixed-base" => drop(black_box(fixed_base_all(&table, &secrets()))),
        "hash-to-group" => drop(black_box(hidden())),
        "encode" => drop(black_box(encode_all(&hidden()))),
        "encode-doubled" => drop(black_box(encode_doubled_all(&hidden()))),
        "subtract" => drop(black_box(sub_all(&hidden(), &points))),
        "compare" => drop(black_box(equal_all(&hidden(), &points))),
        "leaky-sum" => drop(black_box(leaky_sum(&secret, &points))),
        other => panic!("no operation {other}"),
    }
}

/// What must be caught: a sum in variable time.
fn leaky_sum(secret: &[u8; 32], points: &[Point]) -> Vec<Point> {
    let numbers: Vec<u128> = secret[..5].iter().map(|byte| u128::from(*byte) << 64).collect();
    vec![multiscalar_vartime(&numbers, points)]
}
