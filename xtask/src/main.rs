//! What the README's commands do. It builds and runs the programs as a person would and uses none of our crates.

mod demo;
mod figures;
mod process;
mod spec;
mod test;

use std::process::ExitCode;

const USAGE: &str = "\
cargo demo [-- --records N --members M --overlap F]
    The whole way on this machine: seal a synthetic breach list, serve it, enrol an insurer, check its members,
    compare with the truth. 100,000 records, 10,000 members, 5 % of them affected unless told otherwise.

cargo xtask test [--install]
    All checks and tests: rustfmt, clippy, rustdoc, the ids of SPEC.md, the reference implementation and its vectors,
    tests. With --install it first installs what they need beside Rust.

cargo xtask spec [--list]
    Whether every requirement of SPEC.md has an id and a test that names it, and every id that is cited exists.

cargo xtask figures [--records N]
    Measures the figures in benches/BENCHMARKING.md on this machine and compares them with their bounds.
";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let command = arguments.next().unwrap_or_default();
    // `cargo demo -- --records 5` hands the `--` on.
    let rest: Vec<String> = arguments.filter(|argument| argument != "--").collect();
    let result = match command.as_str() {
        "demo" => demo::run(&rest),
        "test" => test::run(&rest),
        "spec" => spec::run(&rest),
        "figures" => figures::run(&rest),
        "help" | "--help" | "-h" => {
            print!("{USAGE}");
            Ok(())
        }
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("\nxtask: {message}");
            ExitCode::FAILURE
        }
    }
}
