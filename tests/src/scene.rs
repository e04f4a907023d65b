//! What the tests with hostile servers begin with.

use std::path::PathBuf;

use blindlist_protocol::message::{Request, Response};

use crate::impostor::{Impostor, Reply};
use crate::people::numbers;
use crate::programs::{Ran, run};
use crate::{Insurer, Operator, Serving};

/// An operator with ten people on its list, an insurer with twenty members of whom five are, and the real server.
#[derive(Debug)]
pub struct Scene {
    /// The operator.
    pub operator: Operator,
    /// The insurer.
    pub insurer: Insurer,
    /// The real server.
    pub server: Serving,
    /// The member file.
    pub members: PathBuf,
}

impl Default for Scene {
    fn default() -> Self {
        Self::new()
    }
}

impl Scene {
    /// Makes it.
    pub fn new() -> Self {
        let operator = Operator::with_numbers("op", &numbers(0, 10));
        let insurer = Insurer::enrolled("mutuelle", &operator, 100_000);
        let server = operator.serve();
        let members = insurer.file("m.csv", format!("nir\n{}\n", numbers(5, 25).join("\n")));
        Self { operator, insurer, server, members }
    }

    /// A server that passes requests on to the real one and tampers with its answers.
    pub fn tampering<R: Into<Reply>>(
        &self,
        tamper: impl Fn(&Request, Response) -> R + Send + Sync + 'static,
    ) -> Impostor {
        Impostor::between(&self.insurer, &self.operator, &self.server, tamper)
    }

    /// Runs a check against an impostor.
    pub fn check(&self, impostor: &Impostor) -> Ran {
        run(self.insurer.check_command(&self.members, &impostor.address(), "out", &[]))
    }

    /// Requires that the check fails with this code and leaves nothing.
    #[track_caller]
    pub fn fails(&self, impostor: &Impostor, code: i32) -> Ran {
        let ran = self.check(impostor).ends(code).complains(&[]);
        self.insurer.results("out").are_none();
        ran
    }

    /// Removes the results of a check.
    pub fn forget_results(&self) {
        std::fs::remove_dir_all(self.insurer.results("out").folder()).unwrap();
    }

    /// Lets the insurer forget which audit log it has seen, as a person may who heard why there is another.
    pub fn forget_log(&self) {
        std::fs::remove_dir_all(self.insurer.profile().join("checkpoints")).unwrap();
    }

    /// Requires that a check with the honest server is right, whatever happened before.
    #[track_caller]
    pub fn is_unharmed(&self) {
        self.insurer.check(&self.members, &self.server, "honest", &[]).ends(0).prints(&["5 of 20 checked members"]);
    }
}
