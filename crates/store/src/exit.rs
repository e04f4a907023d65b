//! The exit codes of both programs, in one table.
//!
//! Scripts rely on these numbers: none may change its meaning. 65 to 77 follow BSD's `sysexits.h`, 130 what shells say of a
//! program that Ctrl-C ended.

use std::process::ExitCode;

/// How a program ended, as the shell sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Code {
    /// 0: done, also when nobody is affected.
    Done = 0,
    /// 1: a failure that no other code describes, such as a full disk.
    Failure = 1,
    /// 2: the command line is wrong.
    Usage = 2,
    /// 65: an input cannot be read or is not what it should be.
    BadInput = 65,
    /// 69: the server cannot be reached, or refused the connection.
    Unreachable = 69,
    /// 75: nothing is wrong that a later attempt would not cure; also when results are written and an operator is missing
    /// from them.
    TryAgain = 75,
    /// 76: the peer broke the protocol: a bad proof, a bad signature, a missing canary.
    PeerBroke = 76,
    /// 77: not allowed, or the budget is spent.
    NotAllowed = 77,
    /// 130: somebody ended it by Ctrl-C or SIGTERM. What was done is kept where it can be.
    Interrupted = 130,
}

impl Code {
    /// The number that the shell sees.
    #[must_use]
    pub fn number(self) -> u8 {
        self as u8
    }
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code.number())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_the_documented_ones() {
        let table = [
            (Code::Done, 0),
            (Code::Failure, 1),
            (Code::Usage, 2),
            (Code::BadInput, 65),
            (Code::Unreachable, 69),
            (Code::TryAgain, 75),
            (Code::PeerBroke, 76),
            (Code::NotAllowed, 77),
            (Code::Interrupted, 130),
        ];
        for (code, number) in table {
            assert_eq!(code.number(), number, "{code:?}");
            assert_eq!(ExitCode::from(code), ExitCode::from(number), "{code:?}");
        }
    }
}
