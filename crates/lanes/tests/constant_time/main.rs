//! Every path takes the same steps and touches the same memory whatever the secrets are.
//!
//! `examples/secret_lanes.rs` runs with several secrets. Of each run it is taken down which instructions are executed, by
//! address, and which memory they read or write, by address; the lists must be the same. There are two ways to do that:
//!
//! - [`valgrind`], which knows AVX2 but not AVX-512, and follows the fastest path among those it knows, and the portable one;
//! - [`single_steps`], slower, for the path that is the fastest on this processor.
//!
//! Cargo builds the example with all targets (`cargo test -p blindlist-lanes`), not with this one alone.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests and their helpers")]

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod single_steps;
mod valgrind;

use std::fmt;
use std::process::{Command, Stdio};

/// The operations of the example, and the one in variable time.
const OPERATIONS: usize = 9;
const LEAKY: &str = "leaky sum";

/// The smallest number but 0, which is odd; an even one in which every digit is another; 0.
fn secrets() -> [[u8; 32]; 3] {
    let mut one = [0; 32];
    one[0] = 1;
    let mut many = std::array::from_fn(|i| u8::try_from(i).unwrap().wrapping_mul(0x53) ^ 0xa6);
    many[31] = 0x0e;
    [one, many, [0; 32]]
}

/// The address of an instruction, or that of an access to memory with its size, if known.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Step(u64);

impl Step {
    const ACCESS: u64 = 1 << 63;
    const SIZE: u32 = 48;

    /// Addresses of programs are below 2^47.
    fn instruction(address: u64) -> Self {
        Self(address)
    }

    fn access(address: u64, size: u16) -> Self {
        Self(Self::ACCESS | u64::from(size) << Self::SIZE | address)
    }
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.0 & Self::ACCESS == 0 { "instruction" } else { "memory" };
        write!(f, "{what} at {:#x}", self.0 & ((1 << Self::SIZE) - 1))
    }
}

/// An operation, by name, and its steps.
type Operation = (String, Vec<Step>);

/// The program, with no difference between two runs but the secret, which is its standard input: under another, or alone.
fn secret_lanes(under: &[&str], path: &str) -> Command {
    // Cargo builds examples beside the folder of tests.
    let program = std::env::current_exe().unwrap().ancestors().nth(2).unwrap().join("examples/secret_lanes");
    let mut words = under.iter().map(std::path::Path::new).chain([program.as_path()]);
    let mut command = Command::new(words.next().unwrap());
    command.args(words).arg(path);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap());
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

/// The operation of a line that the program wrote.
fn begun(line: &str) -> Option<Operation> {
    Some((line.trim_end().strip_prefix("begin ")?.to_owned(), Vec::new()))
}

/// Each operation must do the same in both runs, but the one that must not.
fn compare(path: &str, one: &[Operation], other: &[Operation]) {
    assert_eq!(one.len(), OPERATIONS + 2);
    for ((name, one), (also, other)) in one.iter().zip(other) {
        assert_eq!(name, also);
        if name == LEAKY {
            assert_ne!(one, other, "{path}: if this goes unnoticed, all the rest proves nothing");
        } else if one != other {
            let at = one.iter().zip(other).take_while(|(one, other)| one == other).count();
            panic!(
                "{path}: {name} depends on its secret: after {:?}, {:?} or {:?}",
                one[..at].iter().rev().find(|step| step.0 & Step::ACCESS == 0),
                one.get(at),
                other.get(at)
            );
        } else {
            assert!(name == "nothing" || one.len() > 1_000, "{path}: {name} was not followed");
        }
    }
}

#[test]
fn no_secret_shows_in_what_vectors_execute_or_touch() {
    follow_with_valgrind("fastest");
}

#[test]
fn no_secret_shows_in_what_the_portable_path_executes_or_touches() {
    follow_with_valgrind("portable");
}

fn follow_with_valgrind(path: &str) {
    let [first, others @ ..] = secrets();
    let first = valgrind::operations(path, &first);
    for secret in others {
        compare(path, &first, &valgrind::operations(path, &secret));
    }
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn no_secret_shows_in_what_the_fastest_path_executes_or_touches() {
    match single_steps::permitted() {
        Err(reason) => eprintln!("SKIPPED, as this system does not let one program follow another: {reason}"),
        Ok(()) => {
            let [one, many, _] = secrets();
            let [one, many] = single_steps::operations("fastest", [&one, &many]);
            compare("fastest", &one, &many);
        }
    }
}
