//! A store that counts what is written by topic, so that what was read of a topic can be remembered until it is written again.
//! Remembers nothing itself but single rows that it is told to, and which keys there are, and never knows what a topic is about.

use std::{
    collections::BTreeSet,
    fmt,
    hash::BuildHasher as _,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering, fence},
    },
};

use foldhash::fast::RandomState;
use parking_lot::Mutex;
use quick_cache::sync::Cache;

use super::{Batch, Error, Key, Read, Store, Visit, present::Present};

/// How many counts there are. Topics that share one are forgotten together, which costs time and nothing else.
const COUNTS: usize = 1 << 16;

/// How many rows are remembered, whether they are there or not.
const ROWS: usize = 1 << 16;
/// Longer rows are not remembered, in bytes.
const SMALL: usize = 256;

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
    is_alone: fn(&[u8]) -> bool,
    rows: Cache<Key, (Stamp, Option<Vec<u8>>)>,
    present: Option<Present>,
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
            is_alone: |_| false,
            rows: Cache::new(ROWS),
            present: None,
            counts: (0..COUNTS).map(|_| AtomicU64::new(0)).collect(),
            hasher: RandomState::default(),
            writing: Mutex::new(()),
        }
    }

    /// The same, which also remembers the rows, if they are small, whose keys are a topic each and are said to be remembered
    /// alone.
    pub fn remembering(self, is_alone: fn(&[u8]) -> bool) -> Self {
        Self { is_alone, ..self }
    }

    /// The same, which also comes to know which keys there are of the table whose keys begin with this, and then looks for no
    /// other.
    pub fn knowing(self, table: &'static [u8]) -> Self {
        let present = Some(Present::of(table));
        Self { present, ..self }
    }

    /// Looks which keys there are of the table that it is to know, at so many of them, and says whether there are more.
    ///
    /// # Errors
    /// If the engine fails. Nothing is then taken for absent.
    pub fn learn(&self, most: usize) -> Result<bool, Error> {
        match &self.present {
            Some(present) => present.learn(&*self.store, most),
            None => Ok(false),
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
        self.stamped_at(self.place(topic), read)
    }

    fn stamped_at<T, E>(
        &self,
        place: Place,
        read: impl FnOnce(&dyn Read) -> Result<T, E>,
    ) -> Result<(T, Option<Stamp>), E> {
        let before = self.stamp_at(place);
        let found = read(&*self.store)?;
        fence(Ordering::SeqCst);
        let stamp = before.filter(|_| self.stamp_at(place) == before);
        Ok((found, stamp))
    }

    /// A row that is a topic of its own.
    fn row(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let place = self.place(key);
        let stamp = self.stamp_at(place);
        let known = self.rows.get(key).filter(|(known, _)| Some(*known) == stamp);
        if let Some((_, row)) = known {
            return Ok(row);
        }
        let (row, stamp) = self.stamped_at(place, |read| read.get(key))?;
        if let Some(stamp) = stamp
            && row.as_ref().is_none_or(|row| row.len() <= SMALL)
        {
            self.rows.insert(Key::from_slice(key), (stamp, row.clone()));
            // A commit may have taken it out of memory before it was put there.
            if self.stamp_at(place) != Some(stamp) {
                self.rows.remove(key);
            }
        }
        Ok(row)
    }
}

impl fmt::Debug for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Counted(…)")
    }
}

impl Read for Counted {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        if self.present.as_ref().is_some_and(|present| present.lacks(key)) {
            return Ok(None);
        }
        // What is not counted by itself could be remembered for ever.
        match (self.is_alone)(key) && (self.topic)(key) == Some(key) {
            true => self.row(key),
            false => self.store.get(key),
        }
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
        // What is remembered of these rows serves nobody any more, and is not to stay in memory until others take its place.
        for key in batch.keys().filter(|key| (self.is_alone)(key)) {
            self.rows.remove(key.as_slice());
        }
        if let Some(present) = &self.present {
            present.note(&batch);
        }
        let done = self.store.commit(batch);
        count();
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Fault, Memory, suite::Peeking};

    fn topic(key: &[u8]) -> Option<&[u8]> {
        match key {
            [b't', _, ..] => key.get(..2),
            [b'r', ..] => Some(key),
            _ => None,
        }
    }

    fn put(key: &[u8]) -> Batch {
        Batch::from([(key.into(), Some(vec![1]))])
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
        let peeking = Arc::new(Peeking::default());
        let counted = Arc::new(Counted::new(peeking.clone(), topic));
        let (same, seen) = (Arc::downgrade(&counted), Arc::new(Mutex::new(Vec::new())));
        let told = seen.clone();
        peeking.look(move |there| {
            if let Some(counted) = same.upgrade().filter(|_| !there) {
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

    /// A store that counts how often a row of it is read, and may be told to write it meanwhile.
    struct Watched {
        memory: Memory,
        reads: AtomicU64,
        meanwhile: Mutex<Box<dyn FnMut() + Send>>,
    }

    impl Read for Watched {
        fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
            self.reads.fetch_add(1, Ordering::SeqCst);
            let row = self.memory.get(key);
            self.meanwhile.lock()();
            row
        }

        fn scan(&self, from: &[u8], to: &[u8], visit: &mut Visit<'_>) -> Result<(), Error> {
            self.memory.scan(from, to, visit)
        }
    }

    impl Store for Watched {
        fn commit(&self, batch: Batch) -> Result<(), Error> {
            self.memory.commit(batch)
        }
    }

    fn watched() -> (Arc<Watched>, Arc<Counted>) {
        let watched = Arc::new(Watched {
            memory: Memory::new(),
            reads: AtomicU64::new(0),
            meanwhile: Mutex::new(Box::new(|| ())),
        });
        let counted = Counted::new(watched.clone(), topic).remembering(|key| key.starts_with(b"r"));
        (watched, Arc::new(counted))
    }

    #[test]
    fn a_row_that_is_remembered_is_read_again_once_it_was_written_or_taken_away() {
        let (watched, counted) = watched();
        let read = |row: Option<u8>, reads| {
            let row = row.map(|value| vec![value]);
            assert_eq!(
                [counted.get(b"r").unwrap(), counted.get(b"r").unwrap()],
                [row.clone(), row]
            );
            assert_eq!(watched.reads.swap(0, Ordering::SeqCst), reads);
        };
        read(None, 1);
        read(None, 0);
        counted.commit(put(b"r")).unwrap();
        assert!(counted.rows.is_empty(), "what is of no more use does not stay");
        read(Some(1), 1);
        counted.commit(put(b"x")).unwrap();
        read(Some(1), 0);
        counted.commit(Batch::from([(Key::from_slice(b"r"), None)])).unwrap();
        read(None, 1);
        let long = vec![1; SMALL + 1];
        counted
            .commit(Batch::from([(Key::from_slice(b"r-long"), Some(long))]))
            .unwrap();
        for key in [b"x1".as_slice(), b"t1", b"r-long"] {
            counted.get(key).unwrap();
            counted.get(key).unwrap();
        }
        assert_eq!(watched.reads.load(Ordering::SeqCst), 6, "no other row is remembered");
    }

    #[test]
    fn a_row_that_was_written_while_it_was_read_is_not_remembered() {
        let (watched, counted) = watched();
        let (same, mut rows) = (Arc::downgrade(&counted), vec![put(b"r")]);
        *watched.meanwhile.lock() = Box::new(move || {
            if let (Some(counted), Some(row)) = (same.upgrade(), rows.pop()) {
                counted.commit(row).unwrap();
            }
        });
        assert_eq!(counted.get(b"r").unwrap(), None, "as it was when it was read");
        assert_eq!(counted.get(b"r").unwrap(), Some(vec![1]));
    }

    #[test]
    fn while_a_row_is_written_it_is_read_and_not_remembered() {
        let peeking = Arc::new(Peeking::default());
        let counted = Arc::new(Counted::new(peeking.clone(), topic).remembering(|key| key == b"r"));
        assert_eq!(counted.get(b"r").unwrap(), None);
        let (same, seen) = (Arc::downgrade(&counted), Arc::new(Mutex::new(Vec::new())));
        let told = seen.clone();
        peeking.look(move |there| {
            if let Some(counted) = same.upgrade().filter(|_| !there) {
                told.lock()
                    .extend([counted.get(b"r").unwrap(), counted.get(b"r").unwrap()]);
            }
        });
        counted.commit(put(b"r")).unwrap();
        assert_eq!(*seen.lock(), [None, None], "nothing is written yet");
        assert_eq!(counted.get(b"r").unwrap(), Some(vec![1]));
    }
}
