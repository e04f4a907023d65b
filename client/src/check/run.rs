//! A whole check over the network: connections, questions, results.

use std::time::Duration;

use futures_util::future::join_all;

use super::{CheckOptions, Estimate, Operator, Summary, ask, estimate};
use crate::channel::{PATIENCE, QuicChannel};
use crate::outside::now;
use crate::profile::Profile;
use crate::{Caller, ClientError};

/// A check of one member file against the lists of one or several operators.
///
/// ```no_run
/// use std::path::Path;
///
/// use blindlist_client::check::{Check, CheckOptions, MemberFile};
/// use blindlist_client::profile::Profile;
/// use blindlist_client::room::Room;
/// use blindlist_client::{Caller, ClientError};
/// use blindlist_records::TableOptions;
/// use futures_util::StreamExt;
///
/// # async fn example() -> Result<(), ClientError> {
/// let profile = Profile::open(Path::new("operator-a"))?;
/// let room = Room::new(profile.path(), None, Room::MEMORY);
/// let members = MemberFile::new("members.csv".into(), TableOptions::default());
/// let check = Check::new(vec![profile], CheckOptions::new(members, "results".into(), room));
///
/// let (caller, interrupt, mut progress) = Caller::new();
/// let listener = tokio::spawn(async move {
///     while let Some(event) = progress.next().await {
///         println!("{event:?}");
///     }
/// });
/// // `interrupt.now()`, from anywhere, ends it so that it can be gone on with.
/// let summary = check.run(&caller).await?;
/// drop(caller);
/// listener.await.ok();
/// println!("{} of {} rows are affected", summary.affected.rows, summary.members.rows);
/// # drop(interrupt);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Check {
    profiles: Vec<Profile>,
    server: Option<String>,
    patience: Duration,
    options: CheckOptions,
}

impl Check {
    /// A check that asks the operators of these profiles.
    pub fn new(profiles: Vec<Profile>, options: CheckOptions) -> Self {
        Self { profiles, server: None, patience: PATIENCE, options }
    }

    /// Asks at this address, instead of those in the bundles.
    #[must_use]
    pub fn at(self, server: Option<String>) -> Self {
        Self { server, ..self }
    }

    /// Tries a server that was lost again for so long. One that cannot be reached at first is missing at once.
    #[must_use]
    pub fn patient_for(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Runs it. When it returns a summary, the results are written; [`Summary::complete`] says whether every operator is in
    /// them. It computes on this task's thread and on others: the runtime needs several.
    ///
    /// # Errors
    /// [`ClientError`]: no result is written, unless it says so; [`ClientError::resumable`] says whether the same check with
    /// [`CheckOptions::resume`] goes on.
    pub async fn run(&self, caller: &Caller) -> Result<Summary, ClientError> {
        ask(self.operators(caller).await, &self.options, caller, now()).await?.conclude(now)
    }

    /// Finds out what it would cost. Nothing is charged, no job is begun, and no result is written.
    ///
    /// # Errors
    /// [`ClientError`], when no operator answered that of the first.
    pub async fn estimate(&self, caller: &Caller) -> Result<Estimate, ClientError> {
        estimate(self.operators(caller).await, &self.options, caller, now()).await
    }

    /// The ways to all operators, which are looked for side by side.
    async fn operators(&self, caller: &Caller) -> Vec<Operator<'_, QuicChannel>> {
        let connecting = self.profiles.iter().map(|profile| async move {
            let channel = self.connect(profile, caller).await;
            Operator { profile, channel }
        });
        join_all(connecting).await
    }

    async fn connect(&self, profile: &Profile, caller: &Caller) -> Result<QuicChannel, ClientError> {
        let enrolled = profile.enrolled()?;
        enrolled.certificate_warning(now()).into_iter().for_each(|warning| caller.warn(warning));
        let channel = caller.or(QuicChannel::connect(&enrolled, self.server.as_deref(), caller)).await?;
        Ok(channel.with_patience(self.patience))
    }
}
