//! What both sides do alike with streams. Above all: a message that was cut short must never look whole.

use std::time::Duration;

use bytes::Bytes;
use quinn::{IdleTimeout, ReadToEndError, RecvStream, SendStream, VarInt, WriteError};

/// Reset or stop code: whoever sent it gave up on this stream.
pub(crate) const ABANDONED: VarInt = VarInt::from_u32(1);
/// Stop code: the message is longer than the receiver takes.
pub(crate) const TOO_LARGE: VarInt = VarInt::from_u32(2);
/// Reset or stop code: the message was not sent or received whole in time.
pub(crate) const TOO_SLOW: VarInt = VarInt::from_u32(3);

/// A message on its way out.
///
/// `quinn` *finishes* a stream that is dropped, so that a cancelled or panicking task would hand over a truncated
/// message as if it were whole. This one resets it instead, unless it is [settled](Self::settle).
pub(crate) struct Outgoing {
    stream: SendStream,
    settled: bool,
}

impl Outgoing {
    pub(crate) fn new(stream: SendStream) -> Self {
        Self { stream, settled: false }
    }

    /// Writes the whole message and finishes the stream; the other side may not have it yet.
    pub(crate) async fn write_whole(&mut self, message: &[u8]) -> Result<(), WriteError> {
        self.stream.write_all(message).await?;
        self.stream.finish()?;
        Ok(())
    }

    /// Like [`write_whole`](Self::write_whole), without a second copy of the message while it is on its way.
    pub(crate) async fn hand_over(&mut self, message: Vec<u8>) -> Result<(), WriteError> {
        self.stream.write_chunk(Bytes::from(message)).await?;
        self.stream.finish()?;
        Ok(())
    }

    /// Waits until the other side has everything, or wants no more of it, or is gone.
    pub(crate) async fn delivered(&self) {
        // Each of the three ends the wait, and none leaves anything to do.
        let _ = self.stream.stopped().await;
    }

    /// The other side has the message: nothing is to be reset any more.
    pub(crate) fn settle(mut self) {
        self.settled = true;
    }

    /// Gives up on the message, and says why.
    pub(crate) fn reset(mut self, code: VarInt) {
        self.settled = true;
        // Fails only when the stream is closed already.
        let _ = self.stream.reset(code);
    }
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        if !self.settled {
            // Fails only when the stream is closed already.
            let _ = self.stream.reset(ABANDONED);
        }
    }
}

/// A message on its way in. Dropped before it is whole, it tells the other side to stop sending.
pub(crate) struct Arriving(RecvStream);

impl Arriving {
    pub(crate) fn new(stream: RecvStream) -> Self {
        Self(stream)
    }

    /// Reads the whole message, of at most `limit` bytes; tells the other side to stop when it is longer.
    pub(crate) async fn read_whole(&mut self, limit: usize) -> Result<Vec<u8>, ReadToEndError> {
        let message = self.0.read_to_end(limit).await;
        if matches!(message, Err(ReadToEndError::TooLong)) {
            self.stop(TOO_LARGE);
        }
        message
    }

    /// Wants no more of the message, and says why.
    pub(crate) fn stop(&mut self, code: VarInt) {
        // Fails only when the stream is closed already.
        let _ = self.0.stop(code);
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        self.stop(ABANDONED);
    }
}

/// A duration as QUIC's idle timeout; one beyond its range (146 million years) becomes the longest.
pub(crate) fn idle_timeout(duration: Duration) -> IdleTimeout {
    IdleTimeout::try_from(duration).unwrap_or(IdleTimeout::from(VarInt::MAX))
}
