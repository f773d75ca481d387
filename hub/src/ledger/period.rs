//! A span of time, and the entries that were made in it. Finds them by halving, because the ledger's time never goes
//! back; never reads the log from its beginning.

use std::ops::Range;

use jiff::Timestamp;

use super::{Entry, Error, read};
use crate::store::Read;

/// From when (inclusive) until when (exclusive). `None`: from the first entry, until the last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Period {
    /// From when.
    pub since: Option<Timestamp>,
    /// Until when.
    pub until: Option<Timestamp>,
}

impl Period {
    /// The numbers of the entries that were made in it.
    ///
    /// # Errors
    /// If the store fails, or an entry that is looked at is missing or not an entry.
    pub fn numbers(&self, read: &dyn Read) -> Result<Range<u64>, Error> {
        let start = match self.since {
            Some(since) => first_at_or_after(read, since)?,
            None => 0,
        };
        let end = match self.until {
            Some(until) => first_at_or_after(read, until)?,
            None => read::size(read)?,
        };
        Ok(start..end.max(start))
    }
}

/// The number of the first entry that was made at `at` or later; the number of entries if there is none.
/// Looks at as many entries as the log's size has binary digits.
///
/// # Errors
/// As for [`Period::numbers`].
pub fn first_at_or_after(read: &dyn Read, at: Timestamp) -> Result<u64, Error> {
    let (mut low, mut high) = (0, read::size(read)?);
    while low < high {
        let middle = low + (high - low) / 2;
        let bytes = read::entry(read, middle)?.ok_or(Error::Torn("an entry is missing"))?;
        if Entry::parse(&bytes).map_err(Error::Entry)?.at < at {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::samples::{Nothing, at, filled, pushed};

    #[test]
    fn a_period_holds_what_was_made_from_its_start_until_before_its_end() {
        let seconds = [0, 1, 1, 4, 9];
        let entries = seconds.map(|second| Entry {
            at: at(second),
            ..pushed()
        });
        let txn = filled(entries.map(|entry| (entry, vec![])));
        let numbers = |since: Option<i64>, until: Option<i64>| {
            let period = Period {
                since: since.map(at),
                until: until.map(at),
            };
            period.numbers(&txn).unwrap()
        };
        assert_eq!(numbers(None, None), 0..5);
        assert_eq!(numbers(Some(1), Some(4)), 1..3);
        assert_eq!(numbers(Some(2), None), 3..5);
        assert_eq!(numbers(None, Some(1)), 0..1);
        assert_eq!(numbers(Some(10), None), 5..5);
        assert_eq!(numbers(Some(9), Some(2)), 4..4);
        assert_eq!(Period::default().numbers(&Nothing).unwrap(), 0..0);
    }
}
