//! What the command line says of itself: completions for shells, and manual pages.

use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::Cli;

/// Options of `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell: bash, zsh, fish, powershell or elvish.
    pub shell: Shell,
}

/// Options of `man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// The folder to write to; made if it is missing.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

/// What a shell needs to complete commands of this program.
pub fn completions(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "blindlistd", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// Writes a page for each command.
///
/// # Errors
/// The system's, when the folder or a page cannot be written.
pub fn write_pages(folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    clap_mangen::generate_to(Cli::command(), folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_has_completions() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::PowerShell, Shell::Elvish] {
            let script = completions(shell);
            assert!(script.contains("blindlistd") && script.contains("false-positive-bits"), "{shell}");
        }
    }

    #[test]
    fn every_command_has_a_page() {
        let folder = tempfile::tempdir().unwrap();
        write_pages(&folder.path().join("man")).unwrap();
        let page = |name: &str| std::fs::read_to_string(folder.path().join("man").join(name)).unwrap();
        assert!(page("blindlistd.1").contains("blindlistd\\-seal"));
        assert!(page("blindlistd-insurer-approve.1").contains("\\-\\-budget"));
    }
}
