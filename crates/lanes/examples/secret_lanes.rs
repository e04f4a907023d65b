//! Each operation of the lanes on secrets, for `tests/constant_time`, which follows every step of them.
//!
//! `secret_lanes PATH < 32 secret bytes`, the path being `fastest` or `portable`. All else is the same each time, so that only
//! the secret can make two runs differ. A line on the standard error says which operation begins.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failure of the harness is a failed test")]

use blindlist_lanes::{Path, Point, fixed_base_all};
use curve25519_dalek::scalar::Scalar;
use std::hint::black_box;
use std::io::{Read, Write};

/// A block of four lanes and one more, which is no whole block of any number of lanes.
const BATCH: usize = 5;

fn main() {
    let path = match std::env::args().nth(1).unwrap().as_str() {
        "fastest" => Path::fastest(),
        "portable" => Path::portable(),
        other => panic!("no path {other}"),
    };
    let mut secret = [0; 32];
    std::io::stdin().read_exact(&mut secret).unwrap();

    let public: [[u8; 64]; BATCH] = std::array::from_fn(|i| [u8::try_from(i).unwrap(); 64]);
    let points = path.hash_to_group_all(&public);
    let table = path.table(&points[0]);
    let scalar = black_box(Scalar::from_bytes_mod_order(secret));
    let scalars: [Scalar; BATCH] = black_box(std::array::from_fn(|i| scalar * Scalar::from(i as u64)));
    let uniform: [[u8; 64]; BATCH] = black_box(std::array::from_fn(|i| {
        std::array::from_fn(|k| secret[k % 32].rotate_left(u32::try_from(i).unwrap()) ^ u8::try_from(k).unwrap())
    }));

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
    drop(black_box(path.mul_all(&scalar, &hidden)));
    begin("multiply a fixed point");
    drop(black_box(fixed_base_all(&table, &scalars)));
    begin("leaky sum");
    black_box(leaky_sum(path, &secret, &points));
    begin("nothing");
}

/// In one piece, as whoever follows looks at what is written each time.
fn begin(operation: &str) {
    std::io::stderr().write_all(format!("begin {operation}\n").as_bytes()).unwrap();
}

/// What must be caught: a sum in variable time.
fn leaky_sum(path: Path, secret: &[u8; 32], points: &[Point]) -> Point {
    path.multiscalar_vartime(&[u128::from(secret[0]), u128::from(secret[1])], &points[..2])
}
