//! A store that counts what is written by topic, so that what was read of a topic can be remembered until it is written again.
//! Remembers nothing itself, and never knows what a topic is about.

use std::{
    collections::BTreeSet,
    fmt,
    hash::{BuildHasher as _, RandomState},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering, fence},
    },
};

use parking_lot::Mutex;

use super::{Batch, Error, Read, Store, Visit};

/// How many counts there are. Topics that share one are forgotten together, which costs time and nothing else.
const COUNTS: usize = 1 << 16;

/// Which topic a key belongs to; `None` if it is never remembered. A topic is the beginning of its keys.
pub type Topic = fn(&[u8]) -> Option<&[u8]>;

/// What a topic's count was. As long as the topic has the same stamp, nothing that was read of it has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp(u64);

/// Where the count of a topic stands, for as long as the store is open. Finding it takes a hash; looking at it takes none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(usize);

/// A store, with the counts of what was written to it through this.
pub struct Counted {
    store: Arc<dyn Store>,
    topic: Topic,
    /// Odd while a commit writes to one of the count's topics.
    counts: Box<[AtomicU64]>,
    hasher: RandomState,
    writing: Mutex<()>,
}

impl Counted {
    /// Counts what is written to `store` from now on. Nothing else may write to it.
    pub fn new(store: Arc<dyn Store>, topic: Topic) -> Self {
        Self {
            store,
            topic,
            counts: (0..COUNTS).map(|_| AtomicU64::new(0)).collect(),
            hasher: RandomState::new(),
            writing: Mutex::new(()),
        }
    }

    /// The stamp of a topic; `None` while a commit writes to it, or to one that shares its count.
    pub fn stamp(&self, topic: &[u8]) -> Option<Stamp> {
        self.stamp_at(self.place(topic))
    }

    /// The stamp of the topic whose place this is, as [`Counted::stamp`].
    pub fn stamp_at(&self, Place(place): Place) -> Option<Stamp> {
        let count = self.counts.get(place)?.load(Ordering::SeqCst);
        count.is_multiple_of(2).then_some(Stamp(count))
    }

    /// Where the count of a topic stands.
    pub fn place(&self, topic: &[u8]) -> Place {
        let hash = usize::try_from(self.hasher.hash_one(topic)).unwrap_or_default();
        Place(hash % COUNTS)
    }

    /// Reads something of a topic, and gives the stamp that it may be remembered under: none if the topic was written
    /// in the meantime.
    ///
    /// # Errors
    /// Those of what is read.
    pub fn stamped<T, E>(
        &self,
        topic: &[u8],
        read: impl FnOnce(&dyn Read) -> Result<T, E>,
    ) -> Result<(T, Option<Stamp>), E> {
        let before = self.stamp(topic);
        let found = read(&*self.store)?;
        fence(Ordering::SeqCst);
        let stamp = before.filter(|_| self.stamp(topic) == before);
        Ok((found, stamp))
    }
}

impl fmt::Debug for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Counted(…)")
    }
}

impl Read for Counted {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.store.get(key)
    }

    fn scan(&self, from: &[u8], to: &[u8], visit: &mut Visit<'_>) -> Result<(), Error> {
        self.store.scan(from, to, visit)
    }
}

impl Store for Counted {
    fn commit(&self, batch: Batch) -> Result<(), Error> {
        let topics = batch.keys().filter_map(|key| (self.topic)(key));
        let places: BTreeSet<Place> = topics.map(|topic| self.place(topic)).collect();
        let count = || {
            for count in places.iter().filter_map(|Place(place)| self.counts.get(*place)) {
                count.fetch_add(1, Ordering::SeqCst);
            }
        };
        let _one_at_a_time = self.writing.lock();
        count();
        let done = self.store.commit(batch);
        count();
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Fault, Memory};

    fn topic(key: &[u8]) -> Option<&[u8]> {
        key.get(..2).filter(|topic| topic.starts_with(b"t"))
    }

    fn put(key: &[u8]) -> Batch {
        Batch::from([(key.to_vec(), Some(vec![1]))])
    }

    /// A store that looks at its own stamp while it commits.
    struct Peeking {
        memory: Memory,
        peek: Mutex<Box<dyn FnMut() + Send>>,
    }

    impl Read for Peeking {
        fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
            self.memory.get(key)
        }

        fn scan(&self, from: &[u8], to: &[u8], visit: &mut Visit<'_>) -> Result<(), Error> {
            self.memory.scan(from, to, visit)
        }
    }

    impl Store for Peeking {
        fn commit(&self, batch: Batch) -> Result<(), Error> {
            self.peek.lock()();
            self.memory.commit(batch)
        }
    }

    #[test]
    fn a_stamp_changes_with_each_commit_to_its_topic_and_no_other() {
        let counted = Counted::new(Arc::new(Memory::new()), topic);
        let stamps = || (counted.stamp(b"t1").unwrap(), counted.stamp(b"t2").unwrap());
        let before = stamps();
        counted.commit(put(b"t1-a")).unwrap();
        counted.commit(put(b"x1-a")).unwrap();
        let after = stamps();
        assert_ne!(before.0, after.0);
        assert_eq!(before.1, after.1);
        counted.commit(put(b"t1-b")).unwrap();
        assert_ne!(after.0, stamps().0, "also the second time");
        let places = [b"t1", b"t2"].map(|topic| counted.place(topic));
        let there = places.map(|place| counted.stamp_at(place).unwrap());
        assert_eq!(there, <[Stamp; 2]>::from(stamps()), "also by their places");
    }

    #[test]
    fn a_commit_that_failed_changes_the_stamp_too() {
        let memory = Arc::new(Memory::new());
        let counted = Counted::new(memory.clone(), topic);
        let before = counted.stamp(b"t1").unwrap();
        memory.fail(Fault::Commit { skip: 0 });
        counted.commit(put(b"t1-a")).unwrap_err();
        assert_ne!(counted.stamp(b"t1").unwrap(), before);
    }

    #[test]
    fn nothing_is_to_be_remembered_of_a_topic_that_is_being_written() {
        let peeking = Arc::new(Peeking {
            memory: Memory::new(),
            peek: Mutex::new(Box::new(|| ())),
        });
        let counted = Arc::new(Counted::new(peeking.clone(), topic));
        let (same, seen) = (Arc::downgrade(&counted), Arc::new(Mutex::new(Vec::new())));
        let told = seen.clone();
        *peeking.peek.lock() = Box::new(move || {
            if let Some(counted) = same.upgrade() {
                told.lock().push((counted.stamp(b"t1"), counted.stamp(b"t2").is_some()));
            }
        });
        counted.commit(put(b"t1-a")).unwrap();
        assert_eq!(*seen.lock(), [(None, true)]);
        let (_, stamp) = counted
            .stamped::<_, Error>(b"t1", |_| counted.commit(put(b"t1-b")))
            .unwrap();
        assert_eq!(stamp, None, "it was written while it was read");
        let (value, stamp) = counted.stamped(b"t1", |read| read.get(b"t1-b")).unwrap();
        assert_eq!((value, stamp), (Some(vec![1]), counted.stamp(b"t1")));
    }
}
