//! The program `blindlistd`.

use blindlist_server::{Error, cli::Cli, run};
use blindlist_store::exit::Code;
use blindlist_store::log::{self, Format};
use clap::Parser as _;
use std::io::{ErrorKind, Write as _};
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let (usual, format) = (cli.usual_level(), cli.log.format);
    log::begin(cli.log.level, format, usual);
    match run(cli).and_then(|result| print(&result)) {
        Ok(()) => Code::Done.into(),
        Err(error) => {
            match format {
                Format::Human => eprintln!("blindlistd: {error}"),
                Format::Json => tracing::error!(code = error.code().number(), "{error}"),
            }
            error.code().into()
        }
    }
}

fn print(result: &str) -> Result<(), Error> {
    let mut output = std::io::stdout();
    match output.write_all(result.as_bytes()).and_then(|()| output.flush()) {
        // Whoever closed the pipe wants no more of it.
        Err(source) if source.kind() != ErrorKind::BrokenPipe => {
            Err(Error::Runtime { doing: "write to standard output", source })
        }
        Ok(()) | Err(_) => Ok(()),
    }
}
