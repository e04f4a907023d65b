//! `blindlist`: see [`blindlist_client::cli`].
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    blindlist_client::cli::main()
}
