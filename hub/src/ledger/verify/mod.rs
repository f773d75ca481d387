//! Checks a ledger: from bytes alone as anyone can, and the stored one row by row.

mod stored;
#[cfg(test)]
mod tests;

pub use placehub_ledger::verify::{Evidence, Fault, KEY_ROTATED, Row, Verified, Walk, verify};
pub use stored::verify_stored;
