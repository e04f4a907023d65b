//! The clock and the randomness of this machine, and the word of the person at it. Nothing else in this crate may ask for any.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use blindlist_store::{StoreError, confirm};
use rand::TryRng as _;
use rand::rngs::SysRng;
use zeroize::Zeroizing;

use crate::Error;

/// Seconds since 1970.
pub(crate) fn now() -> Result<u64, Error> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|_| Error::Clock)?;
    Ok(since.as_secs())
}

/// A point in time, for measuring how long something takes.
pub(crate) fn instant() -> Instant {
    Instant::now()
}

/// Random bytes of the operating system.
pub(crate) fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, Error> {
    let mut bytes = Zeroizing::new([0; N]);
    SysRng.try_fill_bytes(&mut *bytes).map_err(|_| Error::Randomness)?;
    Ok(bytes)
}

/// Runs what waits for the ledger to its end, for code that otherwise computes: on a thread of its own, so that it does
/// not matter whether this one belongs to a runtime.
pub(crate) fn wait<T: Send, F: Future<Output = Result<T, Error>>>(work: impl FnOnce() -> F + Send) -> Result<T, Error> {
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.map_err(|source| Error::Runtime { doing: "start", source })?.block_on(work())
    };
    std::thread::scope(|scope| scope.spawn(run).join()).unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Asks the person at the terminal to agree to what cannot be undone.
pub(crate) fn agree(question: &str) -> Result<(), Error> {
    match confirm::ask(question) {
        Ok(true) => Ok(()),
        Ok(false) => Err(Error::NotAgreed),
        Err(StoreError::NoTerminal) => Err(Error::NobodyToAgree),
        Err(error) => Err(error.into()),
    }
}
