//! Reading ahead of a job: what was made ready on a view can be written by a job that is told whether the view still holds.
//! Never says that it holds unless it is certain.

use std::{
    cell::{Cell, RefCell},
    collections::{HashSet, VecDeque},
    hash::BuildHasher as _,
    mem,
};

use foldhash::fast::RandomState;

use super::{Batch, Error, Read, Visit};

/// The keys of how many commits are remembered. A view seldom waits for more than two or three.
const REMEMBERED: usize = 64;

/// The room for hashes that is kept of a commit's, when they are forgotten.
const ROOM: usize = 4096;

/// Reads, and remembers what was read.
pub struct View<'r> {
    base: &'r dyn Read,
    since: u64,
    hasher: RandomState,
    keys: RefCell<Vec<u64>>,
    scanned: Cell<bool>,
}

/// What was read through a [`View`], by the hashes of its keys, and how many commits there had been before. Keys that share a
/// hash are taken for the same, which costs a second reading and nothing else.
#[derive(Debug)]
pub struct Seen {
    since: u64,
    keys: Vec<u64>,
    scanned: bool,
}

impl<'r> View<'r> {
    /// A view that begins after so many commits. Whoever is to say whether it holds must hash alike.
    pub(super) fn new(base: &'r dyn Read, since: u64, hasher: RandomState) -> Self {
        Self {
            base,
            since,
            hasher,
            keys: RefCell::default(),
            scanned: Cell::new(false),
        }
    }

    /// What was read.
    pub fn seen(self) -> Seen {
        Seen {
            since: self.since,
            keys: self.keys.into_inner(),
            scanned: self.scanned.get(),
        }
    }
}

impl Read for View<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.keys.borrow_mut().push(self.hasher.hash_one(key));
        self.base.get(key)
    }

    /// A view through which anything was scanned is never taken to hold: keys that were not there leave no trace.
    fn scan(&self, from: &[u8], to: &[u8], visit: &mut Visit<'_>) -> Result<(), Error> {
        self.scanned.set(true);
        self.base.scan(from, to, visit)
    }
}

/// Which keys the last commits wrote, and what is to be committed next.
#[derive(Default)]
pub(super) struct Recent {
    /// How many commits there were.
    commits: u64,
    /// What is to be committed next.
    pending: Keys,
    /// What the last ones wrote, the newest at the end.
    written: VecDeque<Keys>,
    hasher: RandomState,
}

/// Hashes of keys.
type Keys = HashSet<u64, RandomState>;

impl Recent {
    /// How views must hash.
    pub(super) fn hasher(&self) -> RandomState {
        self.hasher.clone()
    }

    /// How many commits there were.
    pub(super) fn commits(&self) -> u64 {
        self.commits
    }

    /// Notes keys that the next commit writes.
    pub(super) fn note(&mut self, batch: &Batch) {
        let hasher = &self.hasher;
        self.pending.extend(batch.keys().map(|key| hasher.hash_one(key)));
    }

    /// What was noted is the next commit.
    pub(super) fn commit(&mut self) {
        self.commits += 1;
        // The room of the oldest is taken again.
        let mut next = match self.written.len() < REMEMBERED {
            true => Keys::default(),
            false => self.written.pop_front().unwrap_or_default(),
        };
        next.clear();
        next.shrink_to(ROOM);
        self.written.push_back(mem::replace(&mut self.pending, next));
    }

    /// Whether no commit since, and nothing that is to be committed next, wrote what was read.
    pub(super) fn leaves(&self, seen: &Seen) -> bool {
        let since = usize::try_from(self.commits.saturating_sub(seen.since)).unwrap_or(usize::MAX);
        let later = self.written.iter().rev().take(since).chain([&self.pending]);
        let writes = |keys: &Keys| seen.keys.iter().any(|key| keys.contains(key));
        !seen.scanned && since <= self.written.len() && !later.into_iter().any(writes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Memory, Store as _, scan_prefix};

    fn seen(recent: &Recent, since: u64, keys: &[&[u8]]) -> Seen {
        let memory = Memory::new();
        let view = View::new(&memory, since, recent.hasher.clone());
        keys.iter().for_each(|key| assert_eq!(view.get(key).unwrap(), None));
        view.seen()
    }

    fn batch(key: &[u8]) -> Batch {
        Batch::from([(key.into(), None)])
    }

    #[test]
    fn a_view_holds_until_a_key_that_was_read_is_written() {
        let mut recent = Recent::default();
        recent.note(&batch(b"a"));
        recent.commit();
        let early = seen(&recent, 0, &[b"a", b"b"]);
        let later = seen(&recent, 1, &[b"a", b"b"]);
        assert!(!recent.leaves(&early));
        assert!(recent.leaves(&later));
        recent.note(&batch(b"c"));
        assert!(recent.leaves(&later));
        recent.note(&batch(b"b"));
        assert!(!recent.leaves(&later), "it is to be written next");
        recent.commit();
        assert!(!recent.leaves(&later));
        assert!(recent.leaves(&seen(&recent, 2, &[b"a", b"b"])));
        recent.commit();
        assert!(!recent.leaves(&later), "not the last commit, but one since");
        assert!(recent.leaves(&seen(&recent, 2, &[b"a", b"b"])));
    }

    #[test]
    fn a_view_through_which_anything_was_scanned_does_not_hold() {
        let memory = Memory::new();
        memory.commit(batch(b"a")).unwrap();
        let recent = Recent::default();
        let view = View::new(&memory, 0, recent.hasher.clone());
        scan_prefix(&view, b"a", &mut |_, _| std::ops::ControlFlow::Continue(())).unwrap();
        assert!(!recent.leaves(&view.seen()));
    }

    #[test]
    fn what_was_read_before_the_oldest_commit_that_is_remembered_does_not_hold() {
        let mut recent = Recent::default();
        recent.note(&batch(b"x"));
        recent.commit();
        (0..REMEMBERED).for_each(|_| recent.commit());
        assert!(!recent.leaves(&seen(&recent, 0, &[b"never written"])));
        let since = seen(&recent, 1, &[b"x", b"never written"]);
        assert!(recent.leaves(&since), "all since are remembered, and no more");
        recent.note(&batch(b"x"));
        assert!(!recent.leaves(&since));
        recent.commit();
        let last = recent.commits();
        assert!(!recent.leaves(&seen(&recent, last - 1, &[b"x"])));
        assert!(recent.leaves(&seen(&recent, last, &[b"x"])));
    }
}
