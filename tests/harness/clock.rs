//! A clock that stands still until it is told to move.

use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp, ToSpan as _};
use placehub_hub::clock;

/// The hub's time in a test. It starts at the system's, because TLS judges certificates by the system's own clock.
pub(crate) struct Clock(Mutex<Timestamp>);

impl Clock {
    /// A clock at the system's time, to the second.
    pub(crate) fn start() -> Arc<Self> {
        #[expect(clippy::disallowed_methods, reason = "certificates are judged by the system's clock")]
        let now = Timestamp::now();
        let whole = Timestamp::from_second(now.as_second()).unwrap();
        Arc::new(Self(Mutex::new(whole)))
    }

    /// The time now.
    pub(crate) fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    /// Moves on, or back if `by` is negative.
    pub(crate) fn advance(&self, by: SignedDuration) {
        let mut now = self.0.lock().unwrap();
        *now = now.checked_add(by).unwrap();
    }

    /// So many times 24 hours before now; after it if negative.
    pub(crate) fn days_ago(&self, days: i64) -> Timestamp {
        self.now() - (24 * days).hours()
    }
}

impl clock::Clock for Clock {
    fn now(&self) -> Timestamp {
        Self::now(self)
    }
}
