//! `cargo xtask test`: everything that must pass, in one command, the same on a desk and in CI.

use crate::process;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Something that the tests need beside the Rust toolchain.
struct Tool {
    name: &'static str,
    /// A command that succeeds when it is there.
    probe: &'static [&'static str],
    /// A command that installs it.
    install: &'static [&'static str],
}

const TOOLS: &[Tool] = &[
    Tool {
        name: "rustfmt",
        probe: &["cargo", "fmt", "--version"],
        install: &["rustup", "component", "add", "rustfmt"],
    },
    Tool {
        name: "clippy",
        probe: &["cargo", "clippy", "--version"],
        install: &["rustup", "component", "add", "clippy"],
    },
    Tool {
        name: "a C compiler",
        probe: &["cc", "--version"],
        install: &["apt-get", "install", "-y", "build-essential"],
    },
];

struct Step {
    name: &'static str,
    /// The tools without which it is skipped, by name.
    needs: &'static [&'static str],
    arguments: &'static [&'static str],
    environment: &'static [(&'static str, &'static str)],
}

const DENY: (&str, &str) = ("RUSTDOCFLAGS", "-D warnings");

const STEPS: &[Step] = &[
    Step { name: "rustfmt", needs: &["rustfmt"], arguments: &["fmt", "--all", "--check"], environment: &[] },
    Step {
        name: "clippy",
        needs: &["clippy", "a C compiler"],
        arguments: &["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"],
        environment: &[],
    },
    Step {
        name: "rustdoc",
        needs: &["a C compiler"],
        arguments: &["doc", "--workspace", "--no-deps", "--locked", "--document-private-items"],
        environment: &[DENY],
    },
    Step {
        name: "tests",
        needs: &["a C compiler"],
        arguments: &["test", "--workspace", "--locked", "--no-fail-fast"],
        environment: &[],
    },
];

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
    let mut command = process::cargo();
    command.args(step.arguments).envs(step.environment.iter().copied());
    println!("\n{}", process::bold(&format!("== {}: {}", step.name, process::shown(&command))));
    let start = Instant::now();
    match process::run(&mut command) {
        Ok(()) => Outcome::Passed(start.elapsed()),
        Err(message) => Outcome::Failed(message),
    }
}

/// The tools that are not there, after installing them when asked to.
fn missing_tools(install: bool) -> Result<Vec<&'static str>, String> {
    let absent: Vec<&Tool> = TOOLS.iter().filter(|tool| !succeeds(tool.probe)).collect();
    for tool in absent.iter().filter(|_| install) {
        println!("installing {}", tool.name);
        if tool.install.contains(&"apt-get") {
            process::run(Command::new("apt-get").arg("update"))?;
        }
        if let [program, arguments @ ..] = tool.install {
            process::run(Command::new(program).args(arguments))?;
        }
    }
    let still_absent = absent.iter().filter(|tool| !install || !succeeds(tool.probe));
    let names: Vec<_> = still_absent.map(|tool| tool.name).collect();
    if !names.is_empty() {
        println!("missing: {}", names.join(", "));
    }
    Ok(names)
}

fn succeeds(probe: &[&str]) -> bool {
    let [program, arguments @ ..] = probe else { return false };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
