//! Ctrl-C, which must reach what waits for the network and what computes.

use tokio::sync::watch;

use crate::ClientError;

/// Whether somebody pressed Ctrl-C. Long work asks now and then, and ends in good order: temporary files are removed.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<bool>);

impl Stop {
    /// One that never comes.
    #[must_use]
    pub fn never() -> Self {
        Self(watch::channel(false).1)
    }

    /// One that comes with the first Ctrl-C. The runtime needs a thread beside the one that computes.
    pub(crate) fn on_ctrl_c() -> Self {
        let (sender, stop) = watch::channel(false);
        tokio::spawn(async move {
            // Without it the program can only be killed, which it survives too.
            if tokio::signal::ctrl_c().await.is_ok() {
                sender.send_replace(true);
            }
        });
        Self(stop)
    }

    /// To be asked between two steps of a computation.
    ///
    /// # Errors
    /// [`ClientError::Interrupted`] once it has come.
    pub fn check(&self) -> Result<(), ClientError> {
        if *self.0.borrow() { Err(ClientError::Interrupted) } else { Ok(()) }
    }

    /// Waits for `work`, but not longer than until it comes.
    ///
    /// # Errors
    /// [`ClientError::Interrupted`] once it has come, else those of `work`.
    pub async fn or<T, E>(&self, work: impl Future<Output = Result<T, E>>) -> Result<T, ClientError>
    where
        ClientError: From<E>,
    {
        let mut stop = self.0.clone();
        tokio::select! {
            done = work => Ok(done?),
            Ok(_) = stop.wait_for(|come| *come) => Err(ClientError::Interrupted),
        }
    }
}

#[cfg(test)]
impl Stop {
    /// One that has come once `true` is sent.
    pub(crate) fn by_hand() -> (watch::Sender<bool>, Self) {
        let (sender, stop) = watch::channel(false);
        (sender, Self(stop))
    }
}
