//! The clock and the randomness of this machine. Nothing else in this crate may ask for either.

use std::time::{SystemTime, UNIX_EPOCH};

use rand::TryRng as _;
use rand::rngs::SysRng;
use zeroize::Zeroizing;

use crate::ClientError;

/// Seconds since 1970; 0 on a clock before that, by which no certificate is valid.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Random bytes of the operating system.
///
/// # Errors
/// [`ClientError::Randomness`].
pub(crate) fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, ClientError> {
    let mut bytes = Zeroizing::new([0; N]);
    SysRng.try_fill_bytes(&mut *bytes).map_err(|_| ClientError::Randomness)?;
    Ok(bytes)
}
