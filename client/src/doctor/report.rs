//! What was found: a line for each thing, and what to do about it.

use std::fmt;

use blindlist_store::exit::Code;
use serde::{Serialize, Serializer};

use crate::ClientError;
use crate::terminal::{FINE, PROBLEM, WARNING};

/// The widest subject.
const WIDTH: usize = 11;

/// Everything that was found, by its `Display` or as JSON.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    findings: Vec<Finding>,
}

/// One thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub subject: &'static str,
    /// Whether it is well.
    pub state: State,
    /// What was found.
    pub found: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
    /// How a check would end because of it.
    #[serde(serialize_with = "number")]
    pub code: Code,
}

/// Whether something is well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It is.
    Ok,
    /// It will not be for long, or may be the cause of something.
    Warning,
    /// A check would fail.
    Problem,
}

fn number<S: Serializer>(code: &Code, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u8(code.number())
}

impl Finding {
    /// Something that is well.
    pub(super) fn fine(subject: &'static str, found: String) -> Self {
        Self { subject, state: State::Ok, found, advice: None, code: Code::Done }
    }

    /// Something to look at.
    pub(super) fn warning(subject: &'static str, found: String, advice: &str) -> Self {
        Self { subject, state: State::Warning, found, advice: Some(advice.to_owned()), code: Code::Done }
    }

    /// Something because of which a check would end with this code.
    pub(super) fn problem(subject: &'static str, found: String, advice: &str, code: Code) -> Self {
        Self { subject, state: State::Problem, found, advice: Some(advice.to_owned()), code }
    }

    /// The same, which no longer decides.
    pub(super) fn at_most_a_warning(self) -> Self {
        match self.state {
            State::Problem => Self { state: State::Warning, code: Code::Done, ..self },
            State::Ok | State::Warning => self,
        }
    }
}

impl Report {
    pub(super) fn add(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    pub(super) fn fine(&mut self, subject: &'static str, found: String) {
        self.add(Finding::fine(subject, found));
    }

    pub(super) fn warning(&mut self, subject: &'static str, found: String, advice: &str) {
        self.add(Finding::warning(subject, found, advice));
    }

    pub(super) fn problem(&mut self, subject: &'static str, found: String, advice: &str, code: Code) {
        self.add(Finding::problem(subject, found, advice, code));
    }

    /// A failure that any command would end with.
    pub(super) fn broken(&mut self, subject: &'static str, error: &ClientError, advice: &str) {
        self.problem(subject, error.to_string(), advice, error.code());
    }

    /// What was found, in the order in which it was looked at.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The code of the worst problem.
    pub fn code(&self) -> Code {
        let codes = self.findings.iter().map(|finding| finding.code);
        codes.max_by_key(|code| gravity(*code)).unwrap_or(Code::Done)
    }
}

/// How bad a code is: what only others can mend comes after what mends itself.
fn gravity(code: Code) -> u8 {
    match code {
        Code::Done => 0,
        Code::Interrupted => 1,
        Code::TryAgain => 2,
        Code::Failure => 3,
        Code::Usage => 4,
        Code::BadInput => 5,
        Code::Unreachable => 6,
        Code::NotAllowed => 7,
        Code::PeerBroke => 8,
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Finding { subject, state, found, advice, .. } in &self.findings {
            let (style, word) = match state {
                State::Ok => (FINE, "ok"),
                State::Warning => (WARNING, "warning"),
                State::Problem => (PROBLEM, "problem"),
            };
            writeln!(f, "{style}{word:7}{style:#}  {subject:WIDTH$}  {found}")?;
            if let Some(advice) = advice {
                writeln!(f, "         {:WIDTH$}  -> {advice}", "")?;
            }
        }
        let count = |state| self.findings.iter().filter(|finding| finding.state == state).count();
        match (count(State::Problem), count(State::Warning)) {
            (0, 0) => writeln!(f, "\neverything is well"),
            (0, warnings) => writeln!(f, "\na check would work; things to look at: {warnings}"),
            (problems, _) => writeln!(f, "\na check would fail; problems: {problems}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_problem_decides() {
        let mut report = Report::default();
        assert_eq!(report.code(), Code::Done);
        report.fine("version", "1".to_owned());
        report.warning("certificate", "it ends".to_owned(), "renew it");
        assert_eq!(report.code(), Code::Done, "warnings decide nothing");
        for (code, worst) in [
            (Code::TryAgain, Code::TryAgain),
            (Code::Unreachable, Code::Unreachable),
            (Code::Failure, Code::Unreachable),
            (Code::PeerBroke, Code::PeerBroke),
            (Code::NotAllowed, Code::PeerBroke),
        ] {
            report.problem("x", "y".to_owned(), "z", code);
            assert_eq!(report.code(), worst);
        }
    }

    #[test]
    fn people_and_machines_read_the_same() {
        let mut report = Report::default();
        report.fine("version", "1".to_owned());
        report.problem("server", "silence".to_owned(), "ask", Code::Unreachable);
        let shown = anstream::adapter::strip_str(&report.to_string()).to_string();
        let expected = "ok       version      1\nproblem  server       silence\n                      -> ask\n\n\
                        a check would fail; problems: 1\n";
        assert_eq!(shown, expected);
        let json = serde_json::to_string(&report).unwrap();
        let expected = r#"{"findings":[{"subject":"version","state":"ok","found":"1","code":0},{"subject":"server","state":"problem","found":"silence","advice":"ask","code":69}]}"#;
        assert_eq!(json, expected);
    }
}
