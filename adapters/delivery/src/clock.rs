//! The only place in an adapter that asks the system for the time.
//! It never keeps it: what needs a time later is told it later.

use jiff::Timestamp;

/// The time now.
#[expect(clippy::disallowed_methods, reason = "the one place where adapters read the clock")]
pub fn now() -> Timestamp {
    Timestamp::now()
}
