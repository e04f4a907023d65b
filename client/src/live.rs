//! What the operator says is live: fetched, held against the profile's pins, remembered.
//!
//! The rules are [`blindlist_protocol::live`]'s.

use blindlist_protocol::ids::Digest;
use blindlist_protocol::live::{Gathering, Live, LiveError, Snapshot};
use blindlist_protocol::refusal::RefusalCode;
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::ClientError;
use crate::channel::{self, Channel};
use crate::profile::{Enrolled, Profile};

/// Objects that are fetched at a time.
const AT_A_TIME: usize = 8;

/// Asks the operator what is live, verifies it, and remembers the catalog. `now` is in seconds since 1970.
///
/// # Errors
/// [`ClientError::Channel`], [`ClientError::CatalogExpired`], [`ClientError::Broken`].
pub async fn refresh(
    profile: &Profile,
    enrolled: &Enrolled,
    channel: &impl Channel,
    now: u64,
) -> Result<Live, ClientError> {
    let bundle = enrolled.bundle();
    let snapshot = Snapshot::open(&channel::catalog(channel).await?, &bundle.operator_key)?;
    let mut gathering = {
        let _lock = profile.lock()?;
        let seen = snapshot.seen();
        let accepted = snapshot.accept(profile.seen()?, now, &bundle.insurer_id)?;
        profile.remember(seen)?;
        accepted
    };
    fetch(channel, &mut gathering).await?;
    Ok(gathering.finish(&bundle.insurer)?)
}

/// Fetches all that the snapshot names. What the operator refuses stays missing.
async fn fetch(channel: &impl Channel, gathering: &mut Gathering) -> Result<(), ClientError> {
    let object = |digest: Digest| async move {
        match channel::object(channel, digest).await {
            Ok(bytes) => Ok((digest, bytes)),
            Err(error) if error.is_refusal(RefusalCode::UnknownObject) => Err(LiveError::Hidden(digest).into()),
            Err(error) => Err(ClientError::from(error)),
        }
    };
    let mut objects = stream::iter(gathering.missing().into_iter().map(object)).buffered(AT_A_TIME);
    while let Some((digest, bytes)) = objects.try_next().await? {
        gathering.add(digest, &bytes)?;
    }
    Ok(())
}
