//! Room for the bytes of messages under way: in everyone's, and in each caller's share of it.
//!
//! Requests and responses have a room each. A response never waits for a request's room, and is given up when it is not
//! taken in time, so whoever waits for room gets it in the end. Room is taken in the caller's share first: a caller that
//! takes no answers holds up itself, and waits where nobody else does.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// One caller's part of everyone's room.
const SHARES: usize = 8;

/// Room for requests and room for responses, so many bytes each.
pub(super) struct Room {
    requests: Arc<Semaphore>,
    responses: Arc<Semaphore>,
    bytes: u32,
}

impl Room {
    pub(super) fn new(bytes: usize) -> Self {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX).max(1);
        let semaphore = || Arc::new(Semaphore::new(bytes as usize));
        Self { requests: semaphore(), responses: semaphore(), bytes }
    }

    /// What one caller may have of it.
    pub(super) fn share(&self) -> Self {
        Self::new(self.bytes as usize / SHARES)
    }

    /// Waits until a request of so many bytes, or as many as a share has, may be read.
    pub(super) async fn for_request(&self, share: &Self, bytes: usize) -> Taken {
        let bytes = share.fitting(bytes);
        Taken([take(&share.requests, bytes).await, take(&self.requests, bytes).await])
    }

    /// Waits until a response of so many bytes, or as many as a share has, may be made.
    pub(super) async fn for_response(&self, share: &Self, bytes: usize) -> Taken {
        let bytes = share.fitting(bytes);
        Taken([take(&share.responses, bytes).await, take(&self.responses, bytes).await])
    }

    fn fitting(&self, bytes: usize) -> u32 {
        u32::try_from(bytes).unwrap_or(u32::MAX).min(self.bytes)
    }
}

async fn take(room: &Arc<Semaphore>, bytes: u32) -> OwnedSemaphorePermit {
    Arc::clone(room).acquire_many_owned(bytes).await.expect("a room is never closed")
}

/// Room that is taken; dropping it gives it back.
pub(super) struct Taken([OwnedSemaphorePermit; 2]);

impl Taken {
    /// Gives back what a message of so many bytes does not need.
    pub(super) fn shrink_to(&mut self, bytes: usize) {
        for permit in &mut self.0 {
            drop(permit.split(permit.num_permits().saturating_sub(bytes)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    fn now<T>(future: impl Future<Output = T>) -> Option<T> {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => Some(value),
            Poll::Pending => None,
        }
    }

    #[test]
    fn one_caller_has_its_share_and_no_more() {
        let room = Room::new(800);
        let (one, other) = (room.share(), room.share());
        let mut first = now(room.for_request(&one, 90)).unwrap();
        assert!(now(room.for_request(&one, 11)).is_none());
        let _other = now(room.for_request(&other, 100)).unwrap();
        first.shrink_to(50);
        let _second = now(room.for_request(&one, 50)).unwrap();
        assert!(now(room.for_request(&one, 1)).is_none());
        first.shrink_to(60);
        assert!(now(room.for_request(&one, 1)).is_none(), "what was given back is gone");
        drop(first);
        assert!(now(room.for_request(&one, 50)).is_some());
    }

    #[test]
    fn all_callers_together_have_the_whole_and_no_more() {
        let room = Room::new(800);
        let shares: Vec<_> = (0..9).map(|_| room.share()).collect();
        let taken: Vec<_> = shares[..8].iter().map(|share| now(room.for_request(share, 100)).unwrap()).collect();
        assert!(now(room.for_request(&shares[8], 1)).is_none());
        assert!(now(room.for_response(&shares[8], 100)).is_some(), "responses have room of their own");
        drop(taken);
        assert!(now(room.for_request(&shares[8], 1)).is_some());
    }

    #[test]
    fn what_is_longer_than_a_share_takes_all_of_it() {
        let room = Room::new(800);
        let share = room.share();
        let _all = now(room.for_response(&share, usize::MAX)).unwrap();
        assert!(now(room.for_response(&share, 1)).is_none());
    }
}
