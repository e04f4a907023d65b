//! Running other programs and saying so.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The top of the repository.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// The cargo that runs this program.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// What leaked in every synthetic breach.
pub(crate) const CATEGORIES: &str = "nir,civil-status,birth-date,insurer,contract,coverage-dates";

/// Where cargo puts what it builds.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |folder| root().join(folder))
}

/// The environment variable with the folder of programs that are there; the tests know it too.
pub(crate) const PROGRAMS: &str = "BLINDLIST_PROGRAMS";

/// An empty folder of this name where cargo builds, what an earlier run left there removed.
pub(crate) fn fresh_folder(name: &str) -> Result<PathBuf, String> {
    let folder = target().join(name);
    let failed = |error: std::io::Error| format!("making {}: {error}", folder.display());
    if folder.exists() {
        std::fs::remove_dir_all(&folder).map_err(failed)?;
    }
    std::fs::create_dir_all(&folder).map_err(failed)?;
    Ok(folder)
}

/// The folder of our programs, when they are not to be built.
pub(crate) fn given_programs() -> Option<PathBuf> {
    std::env::var_os(PROGRAMS).map(|folder| root().join(folder))
}

/// One of our programs as `cargo build --release` made it, or as it was given, to be run in `folder`.
pub(crate) fn program(name: &str, arguments: &[&str], folder: &Path) -> Command {
    let programs = given_programs().unwrap_or_else(|| target().join("release"));
    let mut command = Command::new(programs.join(name));
    command.args(arguments).current_dir(folder);
    command
}

/// What is wrong with an option.
pub(crate) fn wrong_option(error: impl std::fmt::Display) -> String {
    format!("{error}; `cargo xtask help` shows the options")
}

/// Bold text on a terminal, plain text elsewhere or when NO_COLOR is set.
pub(crate) fn bold(text: &str) -> String {
    if std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() {
        format!("\u{1b}[1m{text}\u{1b}[0m")
    } else {
        text.to_owned()
    }
}

/// Runs a command to its end, its output going where ours goes.
pub(crate) fn run(command: &mut Command) -> Result<(), String> {
    let name = shown(command);
    let status = command.stdin(Stdio::null()).status().map_err(|error| format!("starting `{name}`: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("`{name}` failed: {status}")) }
}

/// Runs a command to its end and returns the first line that it printed.
pub(crate) fn first_line(command: &mut Command) -> Result<String, String> {
    let name = shown(command);
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| format!("starting `{name}`: {error}"))?;
    if !output.status.success() {
        return Err(format!("`{name}` failed: {}", output.status));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().next().map(str::to_owned).ok_or_else(|| format!("`{name}` printed nothing"))
}

/// A command as a person would type it.
pub(crate) fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned();
    let words = command.get_args().map(|word| {
        let word = word.to_string_lossy();
        if word.contains([' ', '|']) { format!("'{word}'") } else { word.into_owned() }
    });
    std::iter::once(program).chain(words).collect::<Vec<_>>().join(" ")
}
