//! Yes or no, asked of the person at the terminal.
//!
//! It must never take an answer from a pipe: what a script says is said with an option.

use std::io::{self, BufRead, IsTerminal, Write};

use crate::StoreError;

/// The longest answer that is read, in bytes.
const LONGEST_ANSWER: u64 = 4096;

/// Shows `prompt` on standard error and reads one line: `true` for `y` or `yes` in any case, `false` for anything else.
///
/// The caller escapes foreign text in `prompt` (see [`crate::text::escape`]).
///
/// # Errors
/// [`StoreError::NoTerminal`] when standard input or standard error is no terminal, [`StoreError::Terminal`] when
/// reading or writing fails.
pub fn ask(prompt: &str) -> Result<bool, StoreError> {
    let (input, output) = (io::stdin(), io::stderr());
    if !input.is_terminal() || !output.is_terminal() {
        return Err(StoreError::NoTerminal);
    }
    ask_on(input.lock(), output.lock(), prompt).map_err(|source| StoreError::Terminal { source })
}

fn ask_on(input: impl BufRead, mut output: impl Write, prompt: &str) -> io::Result<bool> {
    write!(output, "{prompt} [y/N] ")?;
    output.flush()?;
    let mut answer = Vec::new();
    input.take(LONGEST_ANSWER).read_until(b'\n', &mut answer)?;
    let answer = answer.trim_ascii();
    Ok(answer.eq_ignore_ascii_case(b"y") || answer.eq_ignore_ascii_case(b"yes"))
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    const CHILD: &str = "BLINDLIST_TEST_ASKS_WITHOUT_TERMINAL";

    #[test]
    fn nothing_is_asked_without_a_terminal() {
        if std::env::var_os(CHILD).is_some() {
            assert!(matches!(ask("Is it the same?"), Err(StoreError::NoTerminal)));
            return;
        }
        // In a process of its own, because whoever runs this test may well have a terminal.
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "confirm::tests::nothing_is_asked_without_a_terminal"])
            .env(CHILD, "1")
            .stdin(Stdio::piped())
            .output()
            .unwrap();
        let report = String::from_utf8_lossy(&child.stdout);
        assert!(child.status.success() && report.contains("1 passed"), "{report}");
    }

    fn answered(input: &[u8]) -> bool {
        let mut shown = Vec::new();
        let answer = ask_on(input, &mut shown, "Is it the same?").unwrap();
        assert_eq!(shown, b"Is it the same? [y/N] ");
        answer
    }

    #[test]
    fn only_yes_is_yes() {
        for yes in [&b"y\n"[..], b"Y\n", b"yes\n", b" YES \r\n", b"y"] {
            assert!(answered(yes), "{yes:?}");
        }
        for no in [&b""[..], b"\n", b"n\n", b"no\n", b"yess\n", b"ye\n", b"y y\n", b"\xff\n", b"n\ny\n"] {
            assert!(!answered(no), "{no:?}");
        }
    }

    #[test]
    fn one_question_reads_one_line() {
        let mut input = &b"n\nyes\n"[..];
        assert!(!ask_on(&mut input, io::sink(), "First?").unwrap());
        assert!(ask_on(&mut input, io::sink(), "Second?").unwrap());
    }
}
