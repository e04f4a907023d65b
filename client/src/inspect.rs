//! `blindlist inspect`: what a file or a message is, value by value, and what can be checked of it without a key.
//!
//! A file that is none of the protocol's may be a table of members by mistake, so nothing of such a file is shown.

mod report;
mod value;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use blindlist_protocol::inspect::{Failure, Format, Inspection, inspect, inspect_any};
use blindlist_protocol::params::MAX_RESPONSE;
use blindlist_store::{StoreError, text};

pub use report::Report;

use crate::ClientError;
use crate::show::note;

/// What every line of this version's formats begins with.
const LINES: &[u8] = b"blindlist/1 ";
/// Indexes and exchange files are read whole; beyond so many bytes that is said.
const LARGE: u64 = 4 << 30;
/// The longest unknown line that is shown, in characters.
const SHOWN_LINE: usize = 40;

/// The bytes of a file, or of standard input for `-`: of an index and of exchange files all, of anything else one more than
/// it may have.
///
/// # Errors
/// [`ClientError::Unreadable`].
pub fn read(path: &Path, format: Option<Format>) -> Result<Vec<u8>, ClientError> {
    let failed = |source| ClientError::Unreadable(StoreError::io("read", path, source));
    let mut file: Box<dyn Read> = if is_standard_input(path) {
        Box::new(io::stdin().lock())
    } else {
        Box::new(File::open(path).map_err(failed)?)
    };
    let mut bytes = Vec::new();
    // A response is the largest of all that has a limit.
    file.by_ref().take(MAX_RESPONSE as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    if format.or_else(|| Format::of_line(&bytes)).is_some_and(|format| format.limit().is_none()) {
        file.by_ref().take(LARGE.saturating_sub(bytes.len() as u64)).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 >= LARGE {
            note(&format!("{} has 4 GiB or more, all of which is read into memory", name(path)));
            file.read_to_end(&mut bytes).map_err(failed)?;
        }
    }
    Ok(bytes)
}

/// What the bytes of a file are.
///
/// # Errors
/// [`ClientError::NotOurs`] when they are nothing that SPEC.md knows.
pub fn look<'a>(path: &Path, bytes: &'a [u8], format: Option<Format>) -> Result<Inspection<'a>, ClientError> {
    if let Some(format) = format {
        return Ok(inspect(bytes, format));
    }
    inspect_any(bytes).map_err(|failures| ClientError::NotOurs { file: name(path), what: unknown(bytes, &failures) })
}

/// Whether anything is wrong with what was found.
///
/// # Errors
/// [`ClientError::NotOurs`] with the first thing that is.
pub fn judge(path: &Path, inspection: &Inspection<'_>) -> Result<(), ClientError> {
    let Some(complaint) = inspection.complaint() else { return Ok(()) };
    let what = match &inspection.failure {
        Some(_) => format!("it is not a valid {}: {complaint}", inspection.format),
        None => format!("the {} breaks a rule: {complaint}", inspection.format),
    };
    Err(ClientError::NotOurs { file: name(path), what })
}

fn unknown(bytes: &[u8], [request, response]: &[Failure; 2]) -> String {
    if bytes.is_empty() {
        return "it is empty".to_owned();
    }
    if let Some(rest) = bytes.strip_prefix(LINES) {
        let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        let word = String::from_utf8_lossy(rest.get(..end).unwrap_or_default());
        return format!(
            "its line \"blindlist/1 {}\" names nothing that can be inspected (SPEC.md sections 5, 9 and 25); openings are read by `blindlist open --verify`",
            text::escape(&word, SHOWN_LINE)
        );
    }
    let neither =
        "it begins with no line of SPEC.md section 5, 9 or 25, and is neither a request nor a response (section 18)";
    if request.offset == 0 && response.offset == 0 {
        neither.to_owned()
    } else {
        format!("{neither}: as a request, {request}; as a response, {response}; --as KIND shows what could be read")
    }
}

fn is_standard_input(path: &Path) -> bool {
    path == Path::new("-")
}

fn name(path: &Path) -> String {
    if is_standard_input(path) { "standard input".to_owned() } else { text::path(path) }
}
