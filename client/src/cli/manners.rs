//! How a command speaks and how it is ended: results on standard output, everything else on standard error, and Ctrl-C.

use std::fmt::Display;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::Duration;

use blindlist_store::exit::Code;
use blindlist_store::{StoreError, passphrase};
use clap::Args;
use serde::Serialize;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;

use crate::caller::Interrupt;
use crate::terminal::{self, Manner, PROBLEM};
use crate::{Caller, ClientError};

/// How long work that was left behind may take to end.
const LEFT_BEHIND: Duration = Duration::from_secs(3);

/// How a command speaks.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(super) struct Manners {
    /// Says nothing but warnings and errors.
    #[arg(long, help_heading = "Output")]
    quiet: bool,
    /// For machines: what happens as lines of JSON on standard error, the result as one JSON object on standard output.
    #[arg(long, help_heading = "Output")]
    json: bool,
}

/// Whether a result is for machines.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(super) struct ForMachines {
    /// Prints one JSON object.
    #[arg(long, help_heading = "Output")]
    json: bool,
}

impl From<ForMachines> for Manners {
    fn from(machines: ForMachines) -> Self {
        Self { quiet: false, json: machines.json }
    }
}

/// The last word of a command that failed.
#[derive(Serialize)]
struct Failed<'a> {
    event: &'a str,
    code: u8,
    problem: String,
}

impl Manners {
    /// Prints a result.
    pub(super) fn print(self, result: &(impl Display + Serialize)) -> Result<(), ClientError> {
        if !self.json {
            return print(result);
        }
        let json =
            serde_json::to_string(result).map_err(|_| ClientError::Internal("a result that JSON cannot hold"))?;
        print(&format!("{json}\n"))
    }

    /// Says why a command failed.
    pub(super) fn fail(self, error: &ClientError) {
        let mut out = anstream::stderr().lock();
        let failed = Failed { event: "failed", code: error.code().number(), problem: error.to_string() };
        let line = match serde_json::to_string(&failed) {
            Ok(json) if self.json => json,
            Ok(_) | Err(_) => format!("{PROBLEM}blindlist:{PROBLEM:#} {error}"),
        };
        // When nobody can read it, there is nobody to tell.
        let _ = writeln!(out, "{line}").and_then(|()| out.flush());
    }
}

/// Runs a command that takes notice of Ctrl-C, and shows how far it is. What is told comes before the last word.
pub(super) fn in_runtime<F, T>(manners: Manners, command: impl FnOnce(Caller) -> F) -> Result<T, ClientError>
where
    F: Future<Output = Result<T, ClientError>>,
{
    let runtime = Runtime::new().map_err(|_| ClientError::Internal("no threads could be started"))?;
    let done = runtime.block_on(async {
        let (caller, interrupt, progress) = Caller::new();
        let shown = tokio::spawn(terminal::show(progress, Manner::suiting(manners.quiet, manners.json)));
        let listening = tokio::spawn(listen(interrupt, caller.clone()));
        let done = command(caller).await;
        listening.abort();
        // It holds a caller, and the last one ends what is shown.
        let _ = listening.await;
        let _ = timeout(LEFT_BEHIND, shown).await;
        done
    });
    // A name that is being looked up cannot be interrupted.
    runtime.shutdown_timeout(LEFT_BEHIND);
    done
}

/// Interrupts at the first Ctrl-C or SIGTERM, in good order; ends the program at the second.
async fn listen(interrupt: Interrupt, caller: Caller) {
    // Without signals the program can only be killed, which it survives too.
    let (Ok(mut ctrl_c), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) else {
        return;
    };
    let mut next = async || {
        tokio::select! {
            _ = ctrl_c.recv() => (),
            _ = terminate.recv() => (),
        }
    };
    next().await;
    // Whoever is asked for a passphrase waits for nothing else.
    if !passphrase::give_up() {
        interrupt.now();
        caller.note("ending in good order; once more, and it ends at once");
        next().await;
    }
    let _ = writeln!(io::stderr());
    std::process::exit(Code::Interrupted.number().into());
}

/// Prints a result. Colours are taken out where nobody wants them.
pub(super) fn print(result: &impl Display) -> Result<(), ClientError> {
    let failed = |source| StoreError::io("write the result to", Path::new("the standard output"), source);
    Ok(write_result(BufWriter::new(anstream::stdout().lock()), result).map_err(failed)?)
}

/// Whoever closes a pipe wants no more of it: that is no failure.
pub(super) fn write_result(mut out: impl Write, result: &impl Display) -> io::Result<()> {
    match write!(out, "{result}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails every write in one way.
    struct Fails(io::ErrorKind);

    impl Write for Fails {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(self.0.into())
        }
    }

    #[test]
    fn only_a_closed_pipe_is_no_failure() {
        assert!(write_result(Fails(io::ErrorKind::BrokenPipe), &"x").is_ok());
        assert!(write_result(Fails(io::ErrorKind::StorageFull), &"x").is_err());
        let mut out = Vec::new();
        write_result(&mut out, &"x").unwrap();
        assert_eq!(out, b"x");
    }

    #[test]
    fn what_is_told_last_is_shown_before_a_command_is_over() {
        let told = in_runtime(Manners { quiet: true, json: false }, |caller| async move {
            caller.note("x");
            Ok(7)
        });
        assert_eq!(told.unwrap(), 7);
    }
}
