//! Valgrind's lackey writes down the address of every instruction and of every byte that is read or written.

use super::{Operation, Path, Step, begun, secret_lanes};
use std::io::{BufRead, BufReader, Write};

/// Whether valgrind has the instructions of a path: those of AVX2, but not of AVX-512.
pub(super) fn knows(path: Path) -> bool {
    path.lanes() <= 4
}

/// The operations with a secret.
pub(super) fn operations(path: Path, secret: &[u8; 32]) -> Vec<Operation> {
    let mut command = secret_lanes(&["valgrind", "--tool=lackey", "--trace-mem=yes", "--basic-counts=no"], path);
    let mut running = command.spawn().unwrap_or_else(|error| panic!("valgrind: {error}"));
    running.stdin.take().unwrap().write_all(secret).unwrap();

    // Valgrind's lines and the program's are in order, as both write to the standard error without waiting.
    let mut operations: Vec<Operation> = Vec::new();
    let mut line = String::new();
    let mut lines = BufReader::new(running.stderr.take().unwrap());
    while lines.read_line(&mut line).unwrap() > 0 {
        match begun(&line) {
            Some(operation) => operations.push(operation),
            None => operations.last_mut().into_iter().for_each(|(_, steps)| steps.extend(step(&line))),
        }
        line.clear();
    }
    assert!(running.wait().unwrap().success(), "the program failed");
    operations
}

/// A line such as `I  00109abc,3` or ` S 1ffeffe7e,8`: the kind, the address, the size.
fn step(line: &str) -> Option<Step> {
    let (kind, rest) = line.trim().split_at_checked(1)?;
    let (address, size) = rest.trim_start().split_once(',')?;
    let address = u64::from_str_radix(address, 16).ok()?;
    match kind {
        "I" => Some(Step::instruction(address)),
        "L" | "S" | "M" => Some(Step::access(address, size.parse().ok()?)),
        _ => None,
    }
}
