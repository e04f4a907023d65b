//! What whoever answers files needs beside the answers (SPEC.md, "Exchange files").

use std::num::NonZeroU64;

use blindlist_protocol::message::Evaluate;
use blindlist_protocol::operator::Question;
use blindlist_protocol::refusal::Refusal;
use blindlist_protocol::signature::VerifyingKey;

use super::Service;

impl Service {
    /// From now on only insurers that have a rate of their own have one: nobody waits for others here.
    pub(crate) fn lift_rate(&self) {
        self.set_rate(NonZeroU64::MAX);
    }

    /// Whether a question may be asked by whoever has this signing key, but for the encoding of its elements. Nothing is
    /// charged. [EXC-2]
    pub(crate) async fn check_question(&self, key: &VerifyingKey, request: &Evaluate) -> Result<(), Refusal> {
        let epoch = self.served_epoch(&request.epoch).await?;
        Question::check(request, &epoch, key)?;
        Ok(())
    }

    /// The manifest keys that the present one succeeded.
    pub(crate) fn succeeded_keys(&self) -> Vec<VerifyingKey> {
        self.live().succeeded().copied().collect()
    }
}
