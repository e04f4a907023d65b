//! A file of the test vectors: read strictly, run, judged.

use std::fmt::Display;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::compare;
use super::fault::Fault;

/// One scenario.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// One sentence: what it is about.
    pub about: String,
    /// Ids of SPEC.md that it shows.
    pub requirements: Vec<String>,
    operation: String,
    input: Value,
    expect: Expect,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Expect {
    Output(Output),
    Refusal(Refusal),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Output {
    output: Value,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Refusal {
    layer: String,
    errors: Vec<String>,
}

/// Why a scenario does not hold.
#[derive(Debug)]
pub struct Difference {
    /// What was expected.
    pub expected: String,
    /// What came.
    pub found: String,
}

impl Difference {
    pub(super) fn new(expected: impl Display, found: impl Display) -> Self {
        Self { expected: expected.to_string(), found: found.to_string() }
    }
}

/// What came of a scenario: an output, or a fault of a layer; or the input is not that of the operation.
pub type Ran = Result<Result<Value, Fault>, Difference>;

impl Scenario {
    pub(super) fn read(text: &str, operation: &str) -> Result<Self, Difference> {
        let scenario: Self = serde_json::from_str(text).map_err(|error| Difference::new("a scenario", error))?;
        if scenario.operation != operation {
            return Err(Difference::new(format!("the operation of its folder, {operation}"), scenario.operation));
        }
        if scenario.about.is_empty() {
            return Err(Difference::new("a sentence in `about`", "nothing"));
        }
        match &scenario.expect {
            Expect::Output(Output { output }) if !output.is_object() => Err(Difference::new("an object", output)),
            Expect::Refusal(Refusal { errors, .. }) if errors.is_empty() => Err(Difference::new("errors", "none")),
            Expect::Output(_) | Expect::Refusal(_) => Ok(scenario),
        }
    }

    /// Runs an operation on the input.
    pub(super) fn run<I: DeserializeOwned, O: Serialize>(&self, operation: impl FnOnce(I) -> Result<O, Fault>) -> Ran {
        let input = I::deserialize(&self.input).map_err(|error| Difference::new("the operation's input", error))?;
        let output = operation(input).map(|output| serde_json::to_value(output).expect("outputs are plain data"));
        Ok(output)
    }

    /// A member of the output, for an operation that needs to see what it should make.
    pub(super) fn expected_output(&self, member: &str) -> Result<&Value, Difference> {
        match &self.expect {
            Expect::Output(Output { output }) => output.get(member),
            Expect::Refusal(_) => None,
        }
        .ok_or_else(|| Difference::new(format!("an output with `{member}`"), "none"))
    }

    pub(super) fn is_negative(&self) -> bool {
        match &self.expect {
            Expect::Output(_) => false,
            Expect::Refusal(_) => true,
        }
    }

    /// What the file expects, in words.
    pub(super) fn expected(&self) -> String {
        match &self.expect {
            Expect::Output(_) => "an output".to_owned(),
            Expect::Refusal(Refusal { layer, errors }) => format!("{layer}: {}", errors.join(" or ")),
        }
    }

    pub(super) fn judge(&self, ran: Ran) -> Result<(), Difference> {
        match (&self.expect, ran?) {
            (Expect::Output(Output { output }), Ok(found)) => compare::same(output, &found),
            (Expect::Output(_), Err(fault)) => Err(Difference::new(self.expected(), fault)),
            (Expect::Refusal(_), Ok(_)) => Err(Difference::new(self.expected(), "an output")),
            (Expect::Refusal(Refusal { layer, errors }), Err(fault)) => {
                let right = fault.layer == layer && errors.iter().any(|error| *error == fault.error);
                if right { Ok(()) } else { Err(Difference::new(self.expected(), fault)) }
            }
        }
    }
}
