//! What the command line says of itself: completions for shells, and manual pages.

use std::path::PathBuf;

use blindlist_store::StoreError;
use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::Cli;
use super::manners::print;
use crate::ClientError;
use crate::show::note;
use blindlist_store::text;

#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// The shell: bash, zsh, fish, powershell or elvish.
    shell: Shell,
}

pub(super) fn run_completions(args: &CompletionsArgs) -> Result<(), ClientError> {
    print(&completions(args.shell))
}

fn completions(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "blindlist", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

#[derive(Debug, Args)]
pub(super) struct ManArgs {
    /// The folder to write to; made if it is missing.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

pub(super) fn run_man(args: &ManArgs) -> Result<(), ClientError> {
    let failed = |source| StoreError::io("write the manual pages to", &args.out, source);
    std::fs::create_dir_all(&args.out).map_err(failed)?;
    clap_mangen::generate_to(Cli::command(), &args.out).map_err(failed)?;
    let out = text::word(&args.out);
    note(&format!("the manual pages are in {out}; look at one with: man -l {out}/blindlist.1"));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_has_completions() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::PowerShell, Shell::Elvish] {
            let script = completions(shell);
            assert!(script.contains("blindlist") && script.contains("pad-to"), "{shell}");
        }
    }

    #[test]
    fn every_command_has_a_page() {
        let folder = tempfile::tempdir().unwrap();
        run_man(&ManArgs { out: folder.path().join("man") }).unwrap();
        let page = |name: &str| std::fs::read_to_string(folder.path().join("man").join(name)).unwrap();
        assert!(page("blindlist.1").contains("blindlist\\-check"));
        assert!(page("blindlist-check.1").contains("\\-\\-pad\\-to"));
        assert!(page("blindlist-cache-clean.1").contains("\\-\\-all"));
    }
}
