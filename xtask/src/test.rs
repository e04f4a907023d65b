//! `cargo xtask test`: everything that must pass, in one command, the same on a desk and in CI.

use crate::process;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Something that the tests need beside the Rust toolchain.
struct Tool {
    name: &'static str,
    /// Succeeds when it is there.
    probe: fn() -> Command,
    /// Install it, one after the other.
    install: fn() -> Vec<Command>,
}

/// In the order in which they are installed.
const TOOLS: &[Tool] = &[
    Tool {
        name: "rustfmt",
        probe: || line("cargo fmt --version"),
        install: || vec![line("rustup component add rustfmt")],
    },
    Tool {
        name: "clippy",
        probe: || line("cargo clippy --version"),
        install: || vec![line("rustup component add clippy")],
    },
    Tool {
        name: "a C compiler",
        probe: || line("cc --version"),
        install: || vec![line("apt-get update"), line("apt-get install -y build-essential")],
    },
    Tool {
        name: "valgrind",
        probe: || line("valgrind --version"),
        install: || vec![line("apt-get update"), line("apt-get install -y valgrind")],
    },
    Tool {
        name: "python3",
        // Debian has `venv` without what it needs to make one.
        probe: || line("python3 -m ensurepip --version"),
        install: || vec![line("apt-get update"), line("apt-get install -y python3 python3-venv")],
    },
    // No step needs these by name: the tests that use one say that it is missing, and the others run all the same.
    Tool {
        name: "PostgreSQL",
        probe: postgres_is_there,
        install: || vec![line("apt-get update"), line("apt-get install -y --no-install-recommends postgresql")],
    },
    Tool {
        name: "Chromium",
        probe: chromium_is_there,
        install: || vec![line("apt-get update"), line("apt-get install -y --no-install-recommends chromium")],
    },
    Tool { name: "the foreign client's packages", probe: foreign_packages_are_there, install: foreign_packages },
];

struct Step {
    name: &'static str,
    /// The tools without which it is skipped, by name.
    needs: &'static [&'static str],
    /// Run one after the other, until one fails.
    commands: fn() -> Vec<Command>,
}

const STEPS: &[Step] = &[
    Step { name: "rustfmt", needs: &["rustfmt"], commands: || vec![line("cargo fmt --all --check")] },
    Step {
        name: "clippy",
        needs: &["clippy", "a C compiler"],
        commands: || vec![line("cargo clippy --workspace --all-targets --locked -- -D warnings")],
    },
    Step { name: "rustdoc", needs: &["a C compiler"], commands: rustdoc },
    Step { name: "spec", needs: &[], commands: || vec![line("cargo xtask spec")] },
    Step { name: "reference", needs: &["python3"], commands: reference },
    Step {
        name: "vectors",
        needs: &["python3"],
        commands: || {
            vec![line("python3 -B tests/reference/make.py --check"), line("python3 -B tests/reference/run.py")]
        },
    },
    Step { name: "tests", needs: &["a C compiler"], commands: tests },
];

/// All tests, of the programs that cargo builds with them: alone they would be built with other features of their
/// dependencies, and those once more.
fn tests() -> Vec<Command> {
    let mut command = line("cargo test --workspace --locked --no-fail-fast");
    command.env(process::PROGRAMS, process::target().join("debug"));
    vec![command]
}

fn rustdoc() -> Vec<Command> {
    let mut command = line("cargo doc --workspace --no-deps --locked --document-private-items");
    command.env("RUSTDOCFLAGS", "-D warnings");
    vec![command]
}

/// The reference implementation's own tests.
fn reference() -> Vec<Command> {
    // -B: no compiled modules in the source tree.
    let mut command = line("python3 -B -m unittest");
    command.current_dir(process::root().join("tests/reference"));
    vec![command]
}

/// Debian keeps the server's programs out of the PATH, by version.
fn postgres_is_there() -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", "ls /usr/lib/postgresql/*/bin/initdb || command -v initdb"]);
    command
}

/// Under the names that tests/src/browser.rs tries.
fn chromium_is_there() -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", "command -v chromium || command -v chromium-browser || command -v google-chrome"]);
    command
}

/// Succeeds when the environment has each package in the version wanted: then there is nothing to be installed.
fn foreign_packages_are_there() -> Command {
    let mut command = Command::new(environment().join("bin/python3"));
    command.args(["-m", "pip", "install", "--dry-run", "--no-index", "--requirement"]).arg(requirements());
    command
}

fn foreign_packages() -> Vec<Command> {
    let mut make = line("python3 -m venv --clear");
    make.arg(environment());
    let mut fill = Command::new(environment().join("bin/python3"));
    fill.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]).arg(requirements());
    vec![make, fill]
}

/// Where tests/tests/foreign.rs looks for its Python.
fn environment() -> PathBuf {
    process::target().join("python")
}

fn requirements() -> PathBuf {
    process::root().join("tests/reference/requirements.txt")
}

/// A command as one would type it at the top of the repository. No word of it has a space.
fn line(words: &str) -> Command {
    let mut words = words.split_whitespace();
    let mut command = match words.next() {
        None | Some("cargo") => process::cargo(),
        Some(program) => Command::new(program),
    };
    command.args(words).current_dir(process::root());
    command
}

/// Runs every step, going on after a failure, and says at the end what passed, failed and was skipped.
pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let install = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => false,
        ["--install"] => true,
        other => return Err(format!("`cargo xtask test` takes --install or nothing, not {other:?}")),
    };
    let missing = missing_tools(install)?;
    let mut outcomes = Vec::new();
    for step in STEPS {
        let lacking: Vec<_> = step.needs.iter().filter(|need| missing.contains(*need)).copied().collect();
        let outcome = if lacking.is_empty() { perform(step) } else { Outcome::Skipped(lacking) };
        outcomes.push((step.name, outcome));
    }
    println!("\n{}", process::bold("Summary"));
    for (name, outcome) in &outcomes {
        println!("  {name:<10} {}", outcome.words());
    }
    let count = |wanted: fn(&Outcome) -> bool| outcomes.iter().filter(|(_, outcome)| wanted(outcome)).count();
    let failed = count(|outcome| matches!(outcome, Outcome::Failed(_)));
    let skipped = count(|outcome| matches!(outcome, Outcome::Skipped(_)));
    match (failed, skipped) {
        (0, 0) => Ok(()),
        (0, _) => Err(format!("{skipped} steps were skipped; `cargo xtask test --install` installs what they need")),
        _ => Err(format!("{failed} steps failed, {skipped} were skipped")),
    }
}

enum Outcome {
    Passed(Duration),
    Failed(String),
    Skipped(Vec<&'static str>),
}

impl Outcome {
    fn words(&self) -> String {
        match self {
            Self::Passed(time) => format!("passed in {} s", time.as_secs()),
            Self::Failed(message) => format!("FAILED: {message}"),
            Self::Skipped(lacking) => format!("SKIPPED: {} is missing", lacking.join(" and ")),
        }
    }
}

fn perform(step: &Step) -> Outcome {
    let start = Instant::now();
    for mut command in (step.commands)() {
        println!("\n{}", process::bold(&format!("== {}: {}", step.name, process::shown(&command))));
        if let Err(message) = process::run(&mut command) {
            return Outcome::Failed(message);
        }
    }
    Outcome::Passed(start.elapsed())
}

/// The tools that are not there, after installing them when asked to.
fn missing_tools(install: bool) -> Result<Vec<&'static str>, String> {
    let mut missing = Vec::new();
    for tool in TOOLS.iter().filter(|tool| !is_there(tool)) {
        if install {
            println!("installing {}", tool.name);
            (tool.install)().iter_mut().try_for_each(process::run)?;
        }
        if !install || !is_there(tool) {
            missing.push(tool.name);
        }
    }
    if !missing.is_empty() {
        println!("missing: {}", missing.join(", "));
    }
    Ok(missing)
}

fn is_there(tool: &Tool) -> bool {
    let mut command = (tool.probe)();
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
