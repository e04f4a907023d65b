//! The program `blindlistd`.

use blindlist_server::{cli::Cli, run};
use blindlist_store::exit::Code;
use clap::Parser as _;
use std::io::Write as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(result) => {
            // Whoever closed the pipe wants no more of it.
            let _ = std::io::stdout().write_all(result.as_bytes());
            Code::Done.into()
        }
        Err(error) => {
            eprintln!("blindlistd: {error}");
            error.code().into()
        }
    }
}
