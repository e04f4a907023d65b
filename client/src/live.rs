//! What the operator says is live: fetched, held against the profile's pins, remembered.
//!
//! The rules are [`blindlist_protocol::live`]'s.

use blindlist_protocol::ids::Digest;
use blindlist_protocol::live::{Gathering, Live, LiveError, Snapshot};
use blindlist_protocol::object::ObjectError;
use blindlist_protocol::params::MAX_SUCCESSIONS;
use blindlist_protocol::refusal::RefusalCode;
use blindlist_protocol::succession::Pins;
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::channel::{self, Channel};
use crate::profile::{Enrolled, Profile};
use crate::{Broken, Caller, ClientError};

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
    caller: &Caller,
    now: u64,
) -> Result<Live, ClientError> {
    let bundle = enrolled.bundle();
    let mut gathering = loop {
        let snapshot = open(profile, enrolled, channel, &channel::catalog(channel).await?, caller).await?;
        let (_lock, signer) = (profile.lock()?, snapshot.signer());
        // Another process may have followed a succession meanwhile: what the old key says must not be remembered then.
        if profile.pins(bundle)?.operator_key != signer {
            continue;
        }
        let seen = snapshot.seen();
        let accepted = snapshot.accept(profile.seen(&signer)?, now, &bundle.insurer_id)?;
        profile.remember(seen, &signer)?;
        break accepted;
    };
    fetch(channel, &mut gathering).await?;
    let live = gathering.finish(&bundle.insurer)?;
    profile.note_live(&live)?;
    Ok(live)
}

/// The snapshot of these bytes, if the pinned key signed it, or one that the pins lead to. [SUC-2]
async fn open(
    profile: &Profile,
    enrolled: &Enrolled,
    channel: &impl Channel,
    bytes: &[u8],
    caller: &Caller,
) -> Result<Snapshot, ClientError> {
    let mut pins = profile.pins(enrolled.bundle())?;
    for _ in 0..MAX_SUCCESSIONS {
        match Snapshot::open(bytes, &pins.operator_key) {
            Err(LiveError::Object { source: ObjectError::Signature, .. }) => {}
            opened => return Ok(opened?),
        }
        pins = follow(profile, enrolled, channel, &pins, caller).await?;
    }
    Ok(Snapshot::open(bytes, &pins.operator_key)?)
}

/// Asks for the succession of the pinned key, and pins what it leads to.
async fn follow(
    profile: &Profile,
    enrolled: &Enrolled,
    channel: &impl Channel,
    pins: &Pins,
    caller: &Caller,
) -> Result<Pins, ClientError> {
    let bytes = match channel::succession(channel, pins.operator_key).await {
        Err(error) if error.is_refusal(RefusalCode::UnknownObject) => {
            return Err(Broken::NotSucceeded(pins.operator_key).into());
        }
        answered => answered?,
    };
    let next = pins.follow(&bytes).map_err(Broken::Succession)?;
    let _lock = profile.lock()?;
    // Another check of this profile may have been first.
    let pinned = profile.pins(enrolled.bundle())?;
    if pinned != *pins {
        return Ok(pinned);
    }
    profile.pin(&next)?;
    caller.warn("the operator's manifest key was succeeded, by the key that was pinned for that:");
    caller.warn(format!("  before  {}", pins.operator_key));
    caller.warn(format!("  now     {} (compare it with other insurers)", next.operator_key));
    Ok(next)
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
