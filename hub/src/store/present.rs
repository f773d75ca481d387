//! Which keys of a table may be there, in memory, so that what is new need not be looked for on the disk: filters that take
//! some few other keys for one that is there.
//! Never says that a key is not there before all that are have been noted, and forgets none.

use std::{hash::BuildHasher as _, ops::ControlFlow};

use fastbloom::BloomFilter;
use foldhash::fast::RandomState;
use parking_lot::RwLock;

use super::{Batch, Error, Key, Read, after_prefix};

/// How many keys the first filter has room for; each further one has room for twice as many as the one before.
const FIRST: usize = 1 << 20;
/// Of the keys that are not there, how many are looked for all the same in a filter that is full.
const IN_VAIN: f64 = 0.01;

/// The keys of a table that are there, as far as they have been noted. It may take another for one of them.
pub(super) struct Present {
    /// What the table's keys begin with.
    table: &'static [u8],
    noted: RwLock<Noted>,
}

struct Noted {
    /// A key is in one of them.
    filters: Vec<BloomFilter<RandomState>>,
    /// How many keys the last of them has room for.
    room: usize,
    /// The first filter's room.
    first: usize,
    hasher: RandomState,
    /// All keys before this one have been noted; `None` once all have.
    from: Option<Vec<u8>>,
}

impl Present {
    /// Nothing has been noted yet of the table whose keys begin with this.
    pub(super) fn of(table: &'static [u8]) -> Self {
        Self::with_room(table, FIRST)
    }

    fn with_room(table: &'static [u8], first: usize) -> Self {
        let noted = Noted {
            filters: Vec::new(),
            room: 0,
            first,
            hasher: RandomState::default(),
            from: Some(table.to_vec()),
        };
        Self {
            table,
            noted: RwLock::new(noted),
        }
    }

    /// Whether a key is certain not to be there.
    pub(super) fn lacks(&self, key: &[u8]) -> bool {
        if !key.starts_with(self.table) {
            return false;
        }
        let noted = self.noted.read();
        noted.from.is_none() && !noted.has(noted.hasher.hash_one(key))
    }

    /// Notes what a batch puts. To be called before anybody can see the batch.
    pub(super) fn note(&self, batch: &Batch) {
        let puts = |(key, value): &(&Key, &Option<Vec<u8>>)| value.is_some() && key.starts_with(self.table);
        let mut puts = batch.iter().filter(puts).peekable();
        if puts.peek().is_some() {
            let mut noted = self.noted.write();
            puts.for_each(|(key, _)| noted.add(key));
        }
    }

    /// Notes so many of the keys that are there, and says whether there are more.
    ///
    /// # Errors
    /// Those of the scan; what is there then counts as unknown.
    pub(super) fn learn(&self, read: &dyn Read, most: usize) -> Result<bool, Error> {
        let Some(from) = self.noted.read().from.clone() else {
            return Ok(false);
        };
        let (mut keys, mut more) = (Vec::new(), false);
        read.scan(&from, &after_prefix(self.table), &mut |key, _| {
            more = keys.len() >= most;
            if more {
                return ControlFlow::Break(());
            }
            keys.push(Key::from_slice(key));
            ControlFlow::Continue(())
        })?;
        let mut noted = self.noted.write();
        keys.iter().for_each(|key| noted.add(key));
        let behind = |last: &Key| [last.as_slice(), &[0]].concat();
        noted.from = more.then(|| keys.last().map_or(from, behind));
        Ok(more)
    }
}

impl Noted {
    fn has(&self, hash: u64) -> bool {
        self.filters.iter().any(|filter| filter.contains_hash(hash))
    }

    fn add(&mut self, key: &[u8]) {
        let hash = self.hasher.hash_one(key);
        // One that is taken for another is found by what that one has left.
        if self.has(hash) {
            return;
        }
        if self.room == 0 {
            self.room = self.first << self.filters.len();
            let filter = BloomFilter::with_false_pos(IN_VAIN).hasher(self.hasher.clone());
            self.filters.push(filter.expected_items(self.room));
        }
        if let Some(filter) = self.filters.last_mut() {
            filter.insert_hash(hash);
            self.room -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use super::*;
    use crate::store::Memory;

    fn key(number: u32) -> Key {
        let mut key = Key::from_slice(b"s");
        key.extend_from_slice(&number.to_be_bytes());
        key
    }

    fn puts(numbers: Range<u32>) -> Batch {
        numbers.map(|number| (key(number), Some(Vec::new()))).collect()
    }

    /// How many of keys that are not there are looked for.
    fn in_vain(present: &Present, numbers: Range<u32>) -> usize {
        numbers.filter(|number| !present.lacks(&key(*number))).count()
    }

    #[test]
    fn no_key_is_lost_when_a_filter_is_full() {
        let present = Present::with_room(b"s", 10);
        for from in (0..5000).step_by(7) {
            present.note(&puts(from..from + 7));
            // What is noted again takes no room.
            present.note(&puts(0..7));
        }
        assert!(!present.learn(&Memory::new(), 1).unwrap(), "there is nothing else");
        assert_eq!(in_vain(&present, 0..5000), 5000, "they may be there");
        assert!(in_vain(&present, 10_000..20_000) < 1500, "nine filters");
        let filters = present.noted.read().filters.len();
        assert_eq!(filters, 9, "10 · (2⁹ - 1) is the first room for 5,000");
    }

    #[test]
    fn one_key_in_a_hundred_that_is_not_there_is_taken_for_one_that_is() {
        let present = Present::with_room(b"s", 5000);
        present.note(&puts(0..5000));
        present.learn(&Memory::new(), 1).unwrap();
        let in_vain = in_vain(&present, 10_000..30_000);
        assert!((100..400).contains(&in_vain), "{in_vain} of 20,000");
    }
}
