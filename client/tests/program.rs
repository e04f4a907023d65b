//! The insurer's program, as cargo builds it with these tests: what goes from end to end is in `tests/`.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::process::Command;

#[test]
fn the_program_says_its_name_and_version() {
    let ran = Command::new(env!("CARGO_BIN_EXE_blindlist")).arg("--version").output().unwrap();
    assert!(ran.status.success());
    assert_eq!(String::from_utf8(ran.stdout).unwrap(), concat!("blindlist ", env!("CARGO_PKG_VERSION"), "\n"));
}
