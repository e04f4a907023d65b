//! Lanes take the same steps and touch the same memory whatever the secrets are.
//!
//! Valgrind, which knows AVX2, runs `examples/secret_lanes.rs` and writes down the address of every instruction and of every
//! byte that is read or written; with two secrets the lists must be the same.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests and their helpers")]

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

/// Two secrets: the smallest number but 0, which is odd, and an even one in which every digit is another.
fn secrets() -> [[u8; 32]; 2] {
    let mut one = [0; 32];
    one[0] = 1;
    let mut many = std::array::from_fn(|i| u8::try_from(i).unwrap().wrapping_mul(0x53) ^ 0xa6);
    many[31] = 0x0e;
    [one, many]
}

#[test]
fn no_secret_shows_in_what_lanes_execute_or_touch() {
    for operation in ["multiply", "fixed-base", "hash-to-group", "encode", "encode-doubled", "subtract", "compare"] {
        let [one, other] = secrets().map(|secret| steps(operation, &secret));
        assert!(one.0 > 10_000, "{operation}: nothing was followed");
        assert_eq!(one, other, "{operation} depends on its secret");
    }
}

/// If this went unnoticed, the test above would prove nothing.
#[test]
fn what_depends_on_a_secret_is_noticed() {
    let [one, other] = secrets().map(|secret| steps("leaky-sum", &secret));
    assert_ne!(one, other);
}

/// The number of steps of an operation, and a digest of them: addresses of instructions, of bytes loaded and stored.
fn steps(operation: &str, secret: &[u8; 32]) -> (usize, u64) {
    use std::hash::{DefaultHasher, Hasher};
    // Cargo builds examples with tests, beside their folder.
    let program = std::env::current_exe().unwrap().ancestors().nth(2).unwrap().join("examples/secret_lanes");
    let mut command = Command::new("valgrind");
    command.args(["--tool=lackey", "--trace-mem=yes", "--basic-counts=no"]).arg(program).arg(operation);
    // No difference between two runs but the secret.
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = command.spawn().unwrap_or_else(|error| panic!("valgrind: {error}"));
    running.stdin.take().unwrap().write_all(secret).unwrap();

    // The trace comes before the address is read at the end, so all of it is kept in order, from the address on.
    let trace = BufReader::new(running.stderr.take().unwrap());
    let lines: Vec<String> = trace.lines().map(Result::unwrap).filter(|line| !line.starts_with("==")).collect();
    let output = running.wait_with_output().unwrap();
    assert!(output.status.success(), "{operation} failed");
    let address = String::from_utf8(output.stdout).unwrap();
    let begun = format!("{:0>8},1", address.trim().trim_start_matches("0x"));
    let begun = lines.iter().position(|line| line.ends_with(&begun)).expect("the operation begins");
    let mut digest = DefaultHasher::new();
    for line in &lines[begun..] {
        digest.write(line.as_bytes());
    }
    (lines.len() - begun, digest.finish())
}
