//! The operator's audit log, as an insurer holds it to its word: a fresh checkpoint is verified against everything that
//! the log has shown before (SPEC.md, "Checkpoints").
//!
//! What is asked for here depends on nothing that was found: it comes before anything is looked up [MAT-3].

use blindlist_protocol::catalog::Catalog;
use blindlist_protocol::checkpoint::note::Note;
use blindlist_protocol::checkpoint::{Checkpoint, CheckpointError};
use blindlist_protocol::epoch::Holder;
use blindlist_protocol::ids::{Digest, LedgerId};
use blindlist_protocol::log::tree::Head;
use blindlist_protocol::receipt::Receipt;
use blindlist_protocol::refusal::RefusalCode;
use blindlist_protocol::signature::VerifyingKey;
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::channel::{self, Channel, ChannelError};
use crate::profile::Profile;
use crate::profile::logs::Remembered;
use crate::receipts::JobReceipts;
use crate::{Broken, Caller, ClientError};

/// Paths that are asked for at a time.
const AT_A_TIME: usize = 8;

/// The log of a holder's ledger.
#[derive(Debug)]
pub(crate) struct Log<'a> {
    pub(crate) ledger: LedgerId,
    pub(crate) key: VerifyingKey,
    /// The signed epoch record that says so.
    pub(crate) record: &'a [u8],
    /// The snapshot, which has a checkpoint of it.
    pub(crate) catalog: &'a Catalog,
}

impl<'a> Log<'a> {
    /// The log of a holder in an epoch.
    pub(crate) fn of(holder: &Holder, record: &'a [u8], catalog: &'a Catalog) -> Self {
        Self { ledger: holder.ledger, key: holder.receipt_key, record, catalog }
    }

    /// Requires that this log is one that is remembered, unless none is: an operator that shows another one has dropped what
    /// it owed to us in the old one. [AUD-11]
    ///
    /// # Errors
    /// [`Broken::OtherLog`], [`ClientError::Store`].
    pub(crate) fn check_known(&self, profile: &Profile) -> Result<(), ClientError> {
        if profile.remembers_any_log()? && profile.remembered(&self.ledger, &self.key)?.is_none() {
            return Err(Broken::OtherLog(self.ledger).into());
        }
        Ok(())
    }

    /// Asks for a checkpoint, holds it against what is remembered, the catalog and the receipts, and remembers it.
    /// [AUD-7], [AUD-8]
    ///
    /// # Errors
    /// [`Broken::Log`], [`Broken::NoLog`], [`ClientError::Channel`], [`ClientError::Store`].
    pub(crate) async fn refresh(
        &self,
        profile: &Profile,
        channel: &impl Channel,
        jobs: &[&JobReceipts],
        caller: &Caller,
    ) -> Result<Head, ClientError> {
        loop {
            let remembered = profile.remembered(&self.ledger, &self.key)?;
            let checkpoint = self.ask(channel).await?;
            let accepted = self.accept(channel, &checkpoint, remembered.as_ref(), jobs).await?;
            let head = accepted
                .map_err(|source| self.broken(profile, &checkpoint, remembered.as_ref(), jobs, source, caller))?;
            let new = Note::new(checkpoint, &self.key).map_err(|_| ClientError::Internal("a note of what holds"))?;
            // Another process may have remembered another one meanwhile: then against that one.
            if profile.remember_checkpoint(&new, &self.key, remembered.as_ref())? {
                return Ok(head);
            }
        }
    }

    async fn ask(&self, channel: &impl Channel) -> Result<Checkpoint, ClientError> {
        match channel::checkpoint(channel, self.ledger).await {
            Err(error) if error.is_refusal(RefusalCode::UnknownObject) => Err(Broken::NoLog(self.ledger).into()),
            answered => Ok(answered?),
        }
    }

    /// Fetches the paths and verifies them.
    async fn accept(
        &self,
        channel: &impl Channel,
        checkpoint: &Checkpoint,
        remembered: Option<&Remembered>,
        jobs: &[&JobReceipts],
    ) -> Result<Result<Head, CheckpointError>, ClientError> {
        // Nothing is asked about the log of somebody else.
        if checkpoint.verify(&self.key).is_err() {
            return Ok(Err(CheckpointError::Signature));
        }
        let size = checkpoint.size;
        let mut earlier = Vec::new();
        // The one in the catalog is the manifest key's word, whatever key the log had then.
        for before in remembered.map(|remembered| &remembered.checkpoint).into_iter().chain(self.in_catalog()) {
            let path = match before.size {
                0 => Vec::new(),
                from if from < size => path(channel::consistency(channel, self.ledger, from, size).await)?,
                _ => Vec::new(),
            };
            earlier.push((before.head(), path));
        }
        let receipts = jobs.iter().flat_map(|job| &job.receipts);
        let fetch = |receipt: &Receipt| {
            let receipt = receipt.clone();
            async move {
                let path = if receipt.index < size {
                    path(channel::inclusion(channel, self.ledger, receipt.index, size).await)?
                } else {
                    Vec::new()
                };
                Ok::<_, ClientError>((receipt, path))
            }
        };
        let fetched: Vec<_> = receipts.map(fetch).collect();
        let receipts: Vec<(Receipt, Vec<Digest>)> = stream::iter(fetched).buffered(AT_A_TIME).try_collect().await?;
        Ok(checkpoint.accept(&self.ledger, &self.key, &earlier, &receipts))
    }

    fn in_catalog(&self) -> Option<&'a Checkpoint> {
        self.catalog.checkpoints.iter().find(|checkpoint| checkpoint.ledger == self.ledger)
    }

    /// Keeps what contradicts itself and says so.
    fn broken(
        &self,
        profile: &Profile,
        checkpoint: &Checkpoint,
        remembered: Option<&Remembered>,
        jobs: &[&JobReceipts],
        source: CheckpointError,
        caller: &Caller,
    ) -> ClientError {
        let text = |checkpoint: &Checkpoint| Note::new(checkpoint.clone(), &self.key).map(|note| note.to_string());
        // What nobody signed proves nothing.
        let Ok(new) = text(checkpoint) else { return Broken::Log { source, kept: None }.into() };
        let mut files = vec![("checkpoint", new.into_bytes()), ("epoch-record", self.record.to_vec())];
        match source {
            CheckpointError::Uncovered(index) | CheckpointError::NotIncluded(index) => {
                let of = |job: &&JobReceipts| job.receipts.iter().any(|receipt| receipt.index == index);
                if let Some(job) = jobs.iter().copied().find(of) {
                    let one = job.receipts.iter().filter(|receipt| receipt.index == index).cloned().collect();
                    let one = JobReceipts { receipts: one, ..job.clone() };
                    files.push(("receipt", one.text().into_bytes()));
                }
            }
            CheckpointError::Signature
            | CheckpointError::Ledger
            | CheckpointError::NotConsistent(_)
            | CheckpointError::Shrunk(_) => {
                files.extend(remembered.map(|remembered| ("remembered", remembered.text.clone().into_bytes())));
                let catalog = self.in_catalog().map(|found| text(found).unwrap_or_else(|_| found.text()));
                files.extend(catalog.map(|text| ("catalog", text.into_bytes())));
            }
        }
        let kept = profile.keep_contradiction(&files);
        if let Err(error) = &kept {
            caller.warn(format!("what contradicts itself could not be kept: {error}"));
        }
        Broken::Log { source, kept: kept.ok() }.into()
    }
}

/// A path that is refused is none, and shows nothing.
fn path(answered: Result<Vec<Digest>, ChannelError>) -> Result<Vec<Digest>, ChannelError> {
    match answered {
        Err(error) if error.is_refusal(RefusalCode::UnknownObject) => Ok(Vec::new()),
        answered => answered,
    }
}
