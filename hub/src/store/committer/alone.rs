//! How a caller who is alone is kept from waiting for a core to wake: a core that has fallen asleep takes as long to wake as
//! half of what an answer takes. Whoever waits then looks for what they wait for, for a while.
//! Never takes a core from anyone who has something to do there: between two looks, all others go first.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use tokio::{
    sync::{
        mpsc,
        oneshot::{self, error::TryRecvError},
    },
    task,
};

/// For how long one looks at most: longer than an answer takes to decide, and than a commit mostly takes.
const PATIENCE: Duration = Duration::from_micros(500);

/// After so many groups of one job, callers come one at a time, as far as can be told. Under load there is one such group now
/// and then, and to look is then to take time from others.
pub(in crate::store) const STREAK: u32 = 8;

/// How many groups of one job there were, one after the other.
#[derive(Debug, Default)]
pub(super) struct Alone(AtomicU32);

impl Alone {
    /// Whether callers come one at a time.
    pub(super) fn is(&self) -> bool {
        self.0.load(Ordering::Relaxed) >= STREAK
    }

    /// So many jobs share the group that is being committed. To be called by the committing thread alone.
    pub(super) fn note(&self, jobs: usize) {
        let streak = if jobs <= 1 {
            self.0.load(Ordering::Relaxed) + 1
        } else {
            0
        };
        self.0.store(streak.min(STREAK), Ordering::Relaxed);
    }

    /// Looks for an answer, as long as its caller is alone. `None` if it is not there yet, or never will be.
    pub(super) async fn look<T>(&self, answered: &mut oneshot::Receiver<T>) -> Option<T> {
        let began = Instant::now();
        while self.is() && began.elapsed() < PATIENCE {
            match answered.try_recv() {
                Ok(answer) => return Some(answer),
                Err(TryRecvError::Closed) => return None,
                Err(TryRecvError::Empty) => task::yield_now().await,
            }
        }
        None
    }
}

/// Looks for a message that is about to be sent.
pub(super) fn look_for<T>(coming: &mut mpsc::Receiver<T>) -> Option<T> {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        match coming.try_recv() {
            Ok(message) => return Some(message),
            Err(mpsc::error::TryRecvError::Disconnected) => return None,
            Err(mpsc::error::TryRecvError::Empty) => thread::yield_now(),
        }
    }
    None
}
