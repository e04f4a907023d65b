//! What the service manager is told (sd_notify(3)). Nothing, unless it has set NOTIFY_SOCKET.

use std::time::Duration;

use sd_notify::NotifyState;

/// The server listens, or has taken over its configuration.
pub(super) fn ready() {
    tell(&[NotifyState::Ready]);
}

/// The configuration is being read again.
pub(super) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => tracing::warn!(%error, "the service manager was not told of the reload: the clock failed"),
    }
}

/// What is under way is being finished.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Tells again and again that the server's tasks make progress, if the service manager wants to hear it.
pub(super) async fn watchdog() {
    let Some(patience) = sd_notify::watchdog_enabled() else { return };
    let pause = (patience / 2).max(Duration::from_millis(10));
    loop {
        tell(&[NotifyState::Watchdog]);
        tokio::time::sleep(pause).await;
    }
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "the service manager could not be told");
    }
}
