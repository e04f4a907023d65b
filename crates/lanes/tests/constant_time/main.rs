//! Every path takes the same steps and touches the same memory whatever the secrets are.
//!
//! `examples/secret_lanes.rs` runs with two secrets. Of each run it is taken down which instructions are executed, by address,
//! and which memory they read or write, by address; the lists must be the same. There are two ways to do that:
//!
//! - [`valgrind`], which does not know AVX-512, for all other paths of this processor;
//! - [`single_steps`], for the fastest path of this processor. It sees more: masks, and what is divided.
//!
//! Cargo builds the example with all targets (`cargo test -p blindlist-lanes`), not with this one alone.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests and their helpers")]

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod decoded;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod single_steps;
mod valgrind;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod xsave;

use blindlist_lanes::Path;
use std::fmt;
use std::process::{Command, Stdio};

/// The operations of the example.
const OPERATIONS: [&str; 9] = [
    "hash to group",
    "encode",
    "decode",
    "encode doubled",
    "add",
    "subtract",
    "compare",
    "multiply",
    "multiply a fixed point",
];

/// 0, of which every multiple is 0; and an odd number, in which every digit is another.
fn secrets() -> [[u8; 32]; 2] {
    let mut many = std::array::from_fn(|i| u8::try_from(i).unwrap().wrapping_mul(0x53) ^ 0xa7);
    many[31] = 0x0e;
    [[0; 32], many]
}

/// The address of an instruction, that of an access to memory with its size, if known, or a number on which the time of the
/// instruction may depend.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Step(u64);

impl Step {
    const ACCESS: u64 = 1 << 63;
    const NUMBER: u64 = 1 << 62;
    const SIZE: u32 = 48;

    /// Addresses of programs are below 2^47.
    fn instruction(address: u64) -> Self {
        Self(address)
    }

    fn access(address: u64, size: u16) -> Self {
        Self(Self::ACCESS | u64::from(size) << Self::SIZE | address)
    }

    /// A number in two steps, its lower half and its upper.
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    fn number(number: u64) -> [Self; 2] {
        [number & u64::from(u32::MAX), number >> 32].map(|half| Self(Self::NUMBER | half))
    }

    fn is_instruction(self) -> bool {
        self.0 & (Self::ACCESS | Self::NUMBER) == 0
    }
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.0 & ((1 << Self::SIZE) - 1);
        if self.is_instruction() {
            write!(f, "instruction at {address:#x}")
        } else if self.0 & Self::ACCESS != 0 {
            write!(f, "memory at {address:#x}")
        } else {
            write!(f, "number {:#x}", self.0 & !Self::NUMBER)
        }
    }
}

/// An operation, by name, and its steps.
type Operation = (String, Vec<Step>);

/// The program, with no difference between two runs but the secret, which is its standard input: under another, or alone.
fn secret_lanes(under: &[&str], path: Path) -> Command {
    // Cargo builds examples beside the folder of tests.
    let program = std::env::current_exe().unwrap().ancestors().nth(2).unwrap().join("examples/secret_lanes");
    let mut words = under.iter().map(std::path::Path::new).chain([program.as_path()]);
    let mut command = Command::new(words.next().unwrap());
    command.args(words).arg(path.to_string());
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap());
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

/// The operation of a line that the program wrote.
fn begun(line: &str) -> Option<Operation> {
    Some((line.trim_end().strip_prefix("begin ")?.to_owned(), Vec::new()))
}

/// What the example does in variable time: under valgrind, which sees less and has no AVX-512, or step by step.
fn leaks(step_by_step: bool) -> Vec<&'static str> {
    let mut leaks = vec!["leaky address", "leaky branch"];
    #[cfg(target_arch = "x86_64")]
    leaks.extend(is_x86_feature_detected!("avx2").then_some("leaky indices"));
    leaks.extend(step_by_step.then_some("leaky division"));
    #[cfg(target_arch = "x86_64")]
    leaks.extend((step_by_step && is_x86_feature_detected!("avx512f")).then_some("leaky mask"));
    leaks
}

/// Each operation must do the same in both runs, but those that must not.
fn compare(path: Path, leaks: &[&str], one: &[Operation], other: &[Operation]) {
    let names: Vec<&str> = one.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names[..OPERATIONS.len()], OPERATIONS);
    let mut differing = Vec::new();
    for ((name, one), (also, other)) in one.iter().zip(other) {
        assert_eq!(name, also);
        assert!(!OPERATIONS.contains(&name.as_str()) || one.len() > 1_000, "{path}: {name} was not followed");
        if one != other {
            let at = one.iter().zip(other).take_while(|(one, other)| one == other).count();
            let after = one[..at].iter().rev().find(|step| step.is_instruction());
            eprintln!("{path}: {name}: after {after:?}, {:?} or {:?}", one.get(at), other.get(at));
            differing.push(name);
        }
    }
    assert_eq!(differing, leaks, "{path}: what depends on its secret, and what is known to");
}

fn follow_with_valgrind(path: Path) {
    let [one, other] = secrets().map(|secret| valgrind::operations(path, &secret));
    compare(path, &leaks(false), &one, &other);
}

#[test]
fn no_secret_shows_in_what_vectors_execute_or_touch() {
    for path in Path::all().filter(|path| *path != Path::portable() && valgrind::knows(*path)) {
        follow_with_valgrind(path);
    }
}

#[test]
fn no_secret_shows_in_what_the_portable_path_executes_or_touches() {
    follow_with_valgrind(Path::portable());
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn no_secret_shows_in_what_the_fastest_path_executes_or_touches() {
    if let Err(reason) = single_steps::permitted() {
        eprintln!("SKIPPED, as this system does not let one program follow another: {reason}");
        return;
    }
    let path = Path::all().next().unwrap();
    let secrets = secrets();
    let [one, other] = single_steps::operations(path, secrets.each_ref());
    compare(path, &leaks(true), &one, &other);
}
