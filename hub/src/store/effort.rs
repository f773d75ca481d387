//! How much was committed, and how long the store took for it. It counts, and commits nothing itself.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

/// What was committed so far.
#[derive(Debug, Default)]
pub(super) struct Effort {
    commits: AtomicU64,
    nanoseconds: AtomicU64,
}

impl Effort {
    /// How many commits there were. Whoever reads it finds all that was written up to it.
    pub(super) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Acquire)
    }

    /// How long they took altogether.
    pub(super) fn took(&self) -> Duration {
        Duration::from_nanos(self.nanoseconds.load(Ordering::Relaxed))
    }

    /// Has something committed, and adds how long it took.
    pub(super) fn time<T>(&self, commit: impl FnOnce() -> T) -> T {
        let began = Instant::now();
        let done = commit();
        let took = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.nanoseconds.fetch_add(took, Ordering::Relaxed);
        done
    }

    /// There were so many commits now, and all of them can be read.
    pub(super) fn reach(&self, commits: u64) {
        self.commits.store(commits, Ordering::Release);
    }
}
