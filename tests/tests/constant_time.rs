//! Operations on secrets take the same steps and touch the same memory whatever the secrets are.
//!
//! Not a measurement of time: valgrind runs `examples/secret_operation.rs` and writes down the address of every instruction
//! and of every byte that is read or written; with two secrets the lists must be the same. Valgrind knows no instructions that
//! take longer for some operands, and it runs the code that fits its own processor, which has AVX2 and no AVX-512.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests and their helpers")]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use blindlist_tests::programs::root;

/// Two scalars, canonical and not 0: the smallest, and one in which every digit is another.
fn secrets() -> [[u8; 32]; 2] {
    let mut one = [0; 32];
    one[0] = 1;
    let mut many = std::array::from_fn(|i| u8::try_from(i).unwrap().wrapping_mul(0x53) ^ 0xa7);
    many[31] = 0x0e;
    [one, many]
}

/// [OPRF-3]
#[test]
fn no_secret_shows_in_what_is_executed_or_touched() {
    let program = program();
    for operation in [
        "public-key",
        "evaluate",
        "evaluate-inputs",
        "prove",
        "prove-chunk",
        "hash-to-group",
        "ask",
        "blind",
        "blind-identifier",
        "unblind",
        "blind-as-the-rfc",
        "unblind-as-the-rfc",
    ] {
        if let Some(difference) = first_difference(&program, operation) {
            panic!("{operation} depends on its secret: {difference}");
        }
    }
}

/// If these went unnoticed, the test above would prove nothing.
#[test]
fn what_depends_on_a_secret_is_noticed() {
    let program = program();
    for operation in ["leaky-multiplication", "leaky-look-up"] {
        assert!(first_difference(&program, operation).is_some(), "{operation} was not noticed");
    }
}

/// The program that valgrind runs.
fn program() -> PathBuf {
    let version = Command::new("valgrind").arg("--version").stdout(Stdio::null()).status();
    assert!(
        version.is_ok_and(|status| status.success()),
        "valgrind is missing: `cargo xtask test --install` installs it"
    );
    let build = escargot::CargoBuild::new().manifest_path(root().join("Cargo.toml")).package("blindlist-tests");
    let built = build.example("secret_operation").current_release().run();
    built.unwrap_or_else(|error| panic!("building the operations: {error}")).path().to_owned()
}

/// The first step in which an operation on one secret differs from the same on the other.
fn first_difference(program: &Path, operation: &str) -> Option<String> {
    let [one, other] = secrets().map(|secret| steps(program, operation, &secret));
    assert!(one.len() > 100_000, "{operation}: nothing was followed");
    if one == other {
        return None;
    }
    let (one, other) = (String::from_utf8_lossy(&one), String::from_utf8_lossy(&other));
    let differ = (1_u64..).zip(one.lines().zip(other.lines())).find(|(_, (one, other))| one != other);
    Some(differ.map_or_else(
        || "one of them goes on".to_owned(),
        |(number, (one, other))| format!("step {number} is {one:?} and {other:?}"),
    ))
}

/// A line for each step of an operation on a secret: addresses of instructions (I), and of bytes loaded (L), stored (S) and
/// modified (M).
fn steps(program: &Path, operation: &str, secret: &[u8; 32]) -> Vec<u8> {
    let trace = tempfile::NamedTempFile::new().unwrap();
    let mut command = Command::new("valgrind");
    command.args(["--tool=lackey", "--trace-mem=yes", "--basic-counts=no"]);
    command.arg(format!("--log-file={}", trace.path().display())).arg(program).arg(operation);
    // No difference between two runs but the secret.
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap());
    let mut running = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    running.stdin.take().unwrap().write_all(secret).unwrap();
    let output = running.wait_with_output().unwrap();
    assert!(output.status.success(), "{operation} failed");

    // The program writes to this address when the operation begins. What comes before is the system's, and differs in a byte.
    let address = String::from_utf8(output.stdout).unwrap();
    let begun = format!("{:0>8},1\n", address.trim().trim_start_matches("0x"));
    let mut trace = fs::read(trace.path()).unwrap();
    let begun = find(&trace, begun.as_bytes()).unwrap_or_else(|| panic!("{operation} did not begin"));
    // The last lines are about the run.
    let end = begun + find(&trace[begun..], b"\n==").unwrap_or(trace.len() - begun);
    trace.truncate(end);
    trace.split_off(begun)
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    let first = *part.first().unwrap();
    let mut from = 0;
    while let Some(place) = text[from..].iter().position(|byte| *byte == first) {
        if text[from + place..].starts_with(part) {
            return Some(from + place);
        }
        from += place + 1;
    }
    None
}
