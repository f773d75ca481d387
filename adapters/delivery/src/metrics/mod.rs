//! What an adapter counts, and the small HTTP listener that shows it to Prometheus.
//! It never shows anything of a person or a row: counts alone.

mod exposition;
mod listener;

use std::sync::atomic::{AtomicU64, Ordering};

pub use exposition::{Gauges, text};
pub use listener::serve;

/// A number that only rises while the program runs.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

/// What an adapter has done since it was started.
#[derive(Debug, Default)]
pub struct Counters {
    /// Entries put into the outbox.
    pub taken: Counter,
    /// Rows and messages of which nothing could be made.
    pub untranslated: Counter,
    /// Messages that were understood and of which the hub is told nothing.
    pub passed_over: Counter,
    /// Kept by the hub as new signals.
    pub recorded: Counter,
    /// Known to the hub before.
    pub already_known: Counter,
    /// Replaced a lower version.
    pub corrected: Counter,
    /// Not kept, because the hub has a higher version or a retraction.
    pub superseded: Counter,
    /// Taken back at the hub.
    pub retracted: Counter,
    /// Statements taken down by the hub: consents, joins of records, changes of number, deaths.
    pub stated: Counter,
    /// Refused by the hub, and in the quarantine.
    pub refused: Counter,
    /// Times the hub could not be reached or would not talk to this adapter.
    pub interruptions: Counter,
    /// Files of the drop folder that are done.
    pub files_done: Counter,
    /// Files of the drop folder that were rejected whole.
    pub files_rejected: Counter,
}

impl Counter {
    /// Raises it.
    pub fn add(&self, number: u64) {
        self.0.fetch_add(number, Ordering::Relaxed);
    }

    /// Its value.
    pub fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
