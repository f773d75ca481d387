//! Which keys of a table may be there, in memory, so that what is new need not be looked for on the disk: filters that take
//! some few other keys for one that is there.
//! Never says that a key is not there before all that are have been noted, and forgets none.

use std::{
    hash::BuildHasher as _,
    ops::ControlFlow,
    sync::atomic::{AtomicBool, Ordering},
};

use fastbloom::AtomicBloomFilter;
use foldhash::fast::RandomState;
use parking_lot::{Mutex, MutexGuard, RwLock};

use super::{Batch, Error, Key, Read, after_prefix};

/// How many keys the first filter has room for; each further one has room for twice as many as the one before.
const FIRST: usize = 1 << 20;
/// Of the keys that are not there, how many are taken for one that is by a filter that is full.
const IN_VAIN: f64 = 0.01;
/// How many keys of those that were there are noted before a commit that waits may note its own.
const AT_ONCE: usize = 64;

/// The keys of a table that are there, as far as they have been noted. It may take another for one of them.
pub(super) struct Present {
    /// What the table's keys begin with.
    table: &'static [u8],
    /// Whether all keys that are there have been noted.
    whole: AtomicBool,
    hasher: RandomState,
    /// How many keys the first filter has room for.
    first: usize,
    /// A key that has been noted is in one of them.
    filters: RwLock<Vec<AtomicBloomFilter>>,
    noting: Mutex<Noting>,
}

struct Noting {
    /// For how many more keys there is room in the last filter.
    left: usize,
    /// All keys before this one have been noted; `None` once all have.
    from: Option<Vec<u8>>,
}

impl Present {
    /// Nothing has been noted yet of the table whose keys begin with this.
    pub(super) fn of(table: &'static [u8]) -> Self {
        Self::with_room(table, FIRST)
    }

    fn with_room(table: &'static [u8], first: usize) -> Self {
        Self {
            table,
            whole: AtomicBool::new(false),
            hasher: RandomState::default(),
            first,
            filters: RwLock::default(),
            noting: Mutex::new(Noting {
                left: 0,
                from: Some(table.to_vec()),
            }),
        }
    }

    /// Whether a key is certain not to be there, for whoever knows of all that was committed before.
    pub(super) fn lacks(&self, key: &[u8]) -> bool {
        key.starts_with(self.table) && self.whole.load(Ordering::Acquire) && !self.has(self.hasher.hash_one(key))
    }

    /// Notes what a batch puts. To be called before anybody can see the batch.
    pub(super) fn note(&self, batch: &Batch) {
        let puts = |(key, value): &(&Key, &Option<Vec<u8>>)| value.is_some() && key.starts_with(self.table);
        let mut puts = batch.iter().filter(puts).peekable();
        if puts.peek().is_some() {
            self.add(&mut self.noting.lock(), puts.map(|(key, _)| key));
        }
    }

    /// Notes so many of the keys that are there, and says whether there are more.
    ///
    /// # Errors
    /// Those of the scan; the next look goes on from where this one began.
    pub(super) fn learn(&self, read: &dyn Read, most: usize) -> Result<bool, Error> {
        let Some(from) = self.noting.lock().from.clone() else {
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
        let mut noting = self.noting.lock();
        for some in keys.chunks(AT_ONCE) {
            self.add(&mut noting, some);
            MutexGuard::bump(&mut noting);
        }
        let behind = |last: &Key| [last.as_slice(), &[0]].concat();
        noting.from = more.then(|| keys.last().map_or(from, behind));
        if !more {
            self.whole.store(true, Ordering::Release);
        }
        Ok(more)
    }

    fn has(&self, hash: u64) -> bool {
        // The newest has room for half of all.
        self.filters
            .read()
            .iter()
            .rev()
            .any(|filter| filter.contains_hash(hash))
    }

    fn add<'k>(&self, noting: &mut Noting, keys: impl IntoIterator<Item = &'k Key>) {
        for key in keys {
            let hash = self.hasher.hash_one(key.as_slice());
            // One that is taken for another is found by what that one has left.
            if self.has(hash) {
                continue;
            }
            if noting.left == 0 {
                noting.left = self.first << self.filters.read().len();
                let filter = AtomicBloomFilter::with_false_pos(IN_VAIN).expected_items(noting.left);
                self.filters.write().push(filter);
            }
            if let Some(filter) = self.filters.read().last() {
                filter.insert_hash(hash);
                noting.left -= 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Memory;

    fn key(number: u32) -> Key {
        let mut key = Key::from_slice(b"s");
        key.extend_from_slice(&number.to_be_bytes());
        key
    }

    fn puts(numbers: impl Iterator<Item = u32>) -> Batch {
        numbers.map(|number| (key(number), Some(Vec::new()))).collect()
    }

    /// How many keys that are not there are taken for one that is.
    fn taken(present: &Present) -> usize {
        (10_000..30_000).filter(|number| !present.lacks(&key(*number))).count()
    }

    #[test]
    fn no_key_is_lost_when_a_filter_is_full() {
        let present = Present::with_room(b"s", 10);
        for from in (0..5000).step_by(7) {
            // What is noted again takes no room.
            present.note(&puts((from..from + 7).chain(0..7)));
        }
        assert_eq!(
            present.filters.read().len(),
            9,
            "10 · (2⁹ - 1) is the first room for 5,000"
        );
        assert!(!present.learn(&Memory::new(), 1).unwrap(), "there is nothing else");
        assert!((0..5000).all(|number| !present.lacks(&key(number))));
        assert!(taken(&present) < 3000, "one in a hundred by each of nine");
    }

    #[test]
    fn one_key_in_a_hundred_is_taken_for_one_that_is_there_by_a_filter_that_is_full() {
        let present = Present::with_room(b"s", 5000);
        present.note(&puts(0..5000));
        present.learn(&Memory::new(), 1).unwrap();
        let taken = taken(&present);
        assert!((100..320).contains(&taken), "{taken} of 20,000");
    }
}
