//! An operator that is asked in a file, which somebody carries there: [`crate::exchange`].

use std::sync::Arc;

use blindlist_protocol::exchange::{KnownLog, Questions};
use blindlist_protocol::message::Request;
use blindlist_protocol::signature::SigningKey;
use rayon::ThreadPool;

use super::super::asking;
use super::{Channel, ClientError, Party, People};

impl Party<'_> {
    /// What a file of questions to this operator begins with.
    pub(in crate::check) fn questions(&self) -> Result<Questions, ClientError> {
        let mut logs = Vec::new();
        for part in &self.plan.parts {
            let holder = part.asked()?;
            let known = self.profile.remembered(&holder.ledger, &holder.receipt_key)?;
            let size = known.map_or(0, |known| known.checkpoint.size);
            logs.push(KnownLog { ledger: holder.ledger, size });
        }
        logs.retain(|log| log.size > 0);
        logs.sort_unstable_by_key(|log| log.ledger);
        logs.dedup_by_key(|log| log.ledger);
        Ok(Questions { operator_key: self.catalog.operator_key, insurer: self.asker().insurer, logs })
    }

    /// The key that signs it.
    pub(in crate::check) fn signer(&self) -> SigningKey {
        self.asker().signer
    }

    /// Gives the requests for all chunks, in every epoch, to whoever writes them down. `created` is when, RFC 3339.
    pub(in crate::check) async fn write_down(
        &mut self,
        channel: &impl Channel,
        members: &People,
        pool: &Arc<ThreadPool>,
        created: &str,
        take: &mut impl FnMut(Request) -> Result<(), ClientError>,
    ) -> Result<(), ClientError> {
        for (place, selected) in self.prepare(channel, members).await?.into_iter().enumerate() {
            if let Some((work, ..)) = self.work(place, selected, members, pool, created)? {
                let caller = self.caller.clone();
                caller.or(asking::write_down(&work, &self.room, take)).await?;
            }
        }
        Ok(())
    }
}
