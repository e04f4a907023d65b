//! A check up to its questions, which are written down instead of asked: for [`crate::exchange`].

use std::sync::Arc;

use blindlist_protocol::exchange::Questions;
use blindlist_protocol::message::Request;
use blindlist_protocol::signature::SigningKey;

use super::members::Members;
use super::party::Party;
use super::{Begun, CheckOptions, Operator, begin, read};
use crate::channel::Channel;
use crate::profile::jobs::Subject;
use crate::show::moment;
use crate::{Caller, ClientError};

/// A check whose members are read, and of which nothing was asked but what is live.
pub(crate) struct Writing<'a, C> {
    options: &'a CheckOptions,
    channel: C,
    party: Party<'a>,
    members: Members,
    now: u64,
}

impl<'a, C: Channel> Writing<'a, C> {
    /// Learns what is live and reads the members. `now` is in seconds since 1970.
    pub(crate) async fn begin(
        operator: Operator<'a, C>,
        options: &'a CheckOptions,
        caller: &Caller,
        now: u64,
    ) -> Result<Self, ClientError> {
        let Begun { reading, mut parties, .. } = begin(vec![operator], options, caller, now).await?;
        let (channel, party) = parties.pop().ok_or(ClientError::Internal("a check without an operator"))?;
        let members = read(options, &reading, caller)?;
        Ok(Self { options, channel, party, members, now })
    }

    /// What the file of questions begins with.
    pub(crate) fn questions(&self) -> Result<Questions, ClientError> {
        self.party.questions()
    }

    /// The key that signs it.
    pub(crate) fn signer(&self) -> SigningKey {
        self.party.signer()
    }

    /// What the job in each epoch is about.
    pub(crate) fn subjects(&self) -> Vec<Subject> {
        self.party.plan.parts.iter().map(|part| part.subject.clone()).collect()
    }

    /// Gives the requests for all chunks to whoever writes them down, once budget and indexes allow it.
    pub(crate) async fn write_down(
        mut self,
        mut take: impl FnMut(Request) -> Result<(), ClientError>,
    ) -> Result<(), ClientError> {
        let pool = Arc::new(self.options.room.pool()?);
        let (people, created) = (&self.members.people, moment(self.now));
        let written = self.party.write_down(&self.channel, people, &pool, &created, &mut take).await;
        self.channel.close().await;
        written
    }
}
