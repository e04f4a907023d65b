//! What a check would cost, before anything is sent but questions for what is live and for the account. No job is begun.

use std::sync::Arc;
use std::time::Instant;

use blindlist_protocol::identifier::{Identifier, Scheme};
use blindlist_protocol::ids::JobId;
use blindlist_protocol::insurer::Asker;
use blindlist_protocol::job::{Item, JobSeed};
use blindlist_protocol::params::MAX_CHUNK;
use futures_util::FutureExt as _;
use serde::Serialize;

use super::party::Party;
use super::summary::{MembersSummary, OperatorSummary, judge};
use super::{Begun, CheckOptions, Operator, begin, members, too_many_rejected};
use crate::channel::Channel;
use crate::room::Room;
use crate::{Caller, ClientError, outside};

/// A member's time at the client, files included, over that of blinding alone: benches/BENCHMARKING.md, "Peers" and "Times".
const WHOLE: f64 = 2.5;
/// Bytes of an element, and of its evaluation.
const ELEMENT: u64 = 32;

/// What a check would cost.
#[derive(Clone, Debug, Serialize)]
pub struct Estimate {
    /// The member file.
    pub members: MembersSummary,
    /// The operators that answered.
    pub operators: Vec<OperatorEstimate>,
    /// Whether so many rows are rejected that nothing would be sent.
    pub refused: bool,
    /// Seconds that this machine computes for, if the servers keep up.
    pub seconds: f64,
    /// Operators that are not in it: what the report would say of them.
    pub absent: Vec<OperatorSummary>,
}

impl Estimate {
    /// Fails as the check would, before anything is sent.
    ///
    /// # Errors
    /// [`ClientError::TooManyRejected`], [`ClientError::TooLittleBudget`]; [`ClientError::Incomplete`] when an operator is
    /// missing.
    pub fn judge(&self) -> Result<(), ClientError> {
        if self.refused {
            let (rejected, rows) = (self.members.rejected, self.members.rows);
            return Err(ClientError::TooManyRejected {
                path: self.members.file.clone(),
                rejected,
                rows,
                written: None,
            });
        }
        match self.operators.iter().map(|operator| operator.short).sum() {
            0 => judge(&self.absent),
            short => Err(ClientError::TooLittleBudget { short }),
        }
    }
}

/// What a check would cost at one operator.
#[derive(Clone, Debug, Serialize)]
pub struct OperatorEstimate {
    /// Its name.
    pub operator: String,
    /// The lists that would be checked.
    pub lists: Vec<String>,
    /// Members who would be asked about, counted once for each epoch.
    pub members: u64,
    /// Members who are remembered, counted once for each epoch.
    pub remembered: u64,
    /// Evaluations that would be charged, canaries and padding included.
    pub charged: u64,
    /// Of these, padding.
    pub padding: u64,
    /// Evaluations that remain of the budgets.
    pub remaining: u64,
    /// Evaluations that are missing from them.
    pub short: u64,
    /// Bytes of indexes that are to be fetched.
    pub fetched_bytes: u64,
    /// Bytes of elements that are to be sent, and as many to be received.
    pub sent_bytes: u64,
}

/// Finds out what a check would cost. `now` is in seconds since 1970.
///
/// # Errors
/// [`ClientError`], when no operator answered that of the first.
pub async fn estimate<'a, C: Channel>(
    operators: Vec<Operator<'a, C>>,
    options: &'a CheckOptions,
    caller: &Caller,
    now: u64,
) -> Result<Estimate, ClientError> {
    let Begun { reading, parties, mut absent, .. } = begin(operators, options, caller, now).await?;
    let read = members::read(&reading.members, reading.scheme, &reading.columns, &options.room, caller)?;
    let (mut estimates, mut each) = (Vec::new(), None);
    for (channel, party) in parties {
        let estimated = one(&channel, &party, &read.people).await;
        if each.is_none() {
            each = Some(blinding(&party, reading.scheme, &options.room)?);
        }
        let _closed = caller.or(channel.close().map(Ok::<_, ClientError>)).await;
        estimates.push((party.profile(), estimated));
    }
    let operators = absent.present(estimates)?;
    let sent: u64 = operators.iter().map(|operator| operator.sent_bytes / ELEMENT).sum();
    let seconds = each.unwrap_or_default() * WHOLE * sent as f64;
    Ok(Estimate {
        members: MembersSummary::new(&reading, &read),
        refused: too_many_rejected(options, &read),
        operators,
        seconds,
        absent: absent.summaries().collect(),
    })
}

async fn one(
    channel: &impl Channel,
    party: &Party<'_>,
    people: &super::people::People,
) -> Result<OperatorEstimate, ClientError> {
    let mut estimate = OperatorEstimate {
        operator: party.operator().to_string(),
        lists: party.plan.releases.iter().map(|release| release.manifest.list.to_string()).collect(),
        members: 0,
        remembered: 0,
        charged: 0,
        padding: 0,
        remaining: 0,
        short: 0,
        fetched_bytes: party.to_fetch()?.iter().map(|release| release.manifest.index_length).sum(),
        sent_bytes: 0,
    };
    for (selection, charged, remaining) in party.estimate(channel, people).await? {
        estimate.members += selection.members;
        estimate.remembered += selection.remembered;
        estimate.charged += charged;
        estimate.padding += selection.padding();
        estimate.remaining += remaining;
        estimate.short += charged.saturating_sub(remaining);
        estimate.sent_bytes += charged * ELEMENT;
    }
    Ok(estimate)
}

/// Seconds that one element of a full chunk takes to blind on this machine.
fn blinding(party: &Party<'_>, scheme: Scheme, room: &Room) -> Result<f64, ClientError> {
    let Some(part) = party.plan.parts.first() else { return Ok(0.0) };
    let item = |n: usize| {
        let mut seed = [0; 16];
        seed[..8].copy_from_slice(&n.to_le_bytes());
        Item::Person(Identifier::canary(scheme, &seed))
    };
    let items: Arc<[Item]> = (0..MAX_CHUNK).map(item).collect();
    let secret = part.epoch.blinding(&JobSeed::from_bytes(*outside::random()?));
    let asker: Asker = party.asker();
    let (pool, holders, job) = (room.pool()?, part.holders.clone(), JobId::from_bytes([0; 16]));
    let begun = Instant::now();
    let asked = pool.install(|| part.epoch.ask(holders, job, 0, items, &secret, &asker));
    asked.map_err(|_| ClientError::Internal("a chunk could not be asked for"))?;
    Ok(begun.elapsed().as_secs_f64() / MAX_CHUNK as f64)
}
