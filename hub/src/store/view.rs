//! Reading ahead of a job: what was made ready on a view can be written by a job that is told whether the view still holds.
//! Never says that it holds unless it is certain.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    hash::BuildHasher as _,
};

use foldhash::fast::RandomState;

use super::{Batch, Error, Read, Visit};

/// How many keys are remembered before the oldest half is forgotten, and what was read before then must be read again.
const REMEMBERED: usize = 1 << 16;

/// Reads, and remembers what was read.
pub struct View<'r> {
    base: &'r dyn Read,
    since: u64,
    keys: RefCell<Vec<Vec<u8>>>,
    scanned: Cell<bool>,
}

/// What was read through a [`View`], and how many commits there had been before.
#[derive(Debug)]
pub struct Seen {
    since: u64,
    keys: Vec<Vec<u8>>,
    scanned: bool,
}

impl<'r> View<'r> {
    /// A view that begins after so many commits.
    pub(super) fn new(base: &'r dyn Read, since: u64) -> Self {
        Self {
            base,
            since,
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
        self.keys.borrow_mut().push(key.to_vec());
        self.base.get(key)
    }

    /// A view through which anything was scanned is never taken to hold: keys that were not there leave no trace.
    fn scan(&self, from: &[u8], to: &[u8], visit: &mut Visit<'_>) -> Result<(), Error> {
        self.scanned.set(true);
        self.base.scan(from, to, visit)
    }
}

/// Which commit wrote a key last, as far as is remembered.
#[derive(Default)]
pub(super) struct Recent {
    /// How many commits there were.
    commits: u64,
    /// The first commit of which all keys are remembered.
    from: u64,
    /// The first commit of `young`.
    young_from: u64,
    young: HashMap<u64, u64, RandomState>,
    old: HashMap<u64, u64, RandomState>,
    hasher: RandomState,
}

impl Recent {
    /// How many commits there were.
    pub(super) fn commits(&self) -> u64 {
        self.commits
    }

    /// Notes the keys of the next commit.
    pub(super) fn note(&mut self, batch: &Batch) {
        self.commits += 1;
        if self.young.len() >= REMEMBERED {
            self.old = std::mem::take(&mut self.young);
            self.from = self.young_from;
            self.young_from = self.commits;
        }
        let (hasher, number) = (&self.hasher, self.commits);
        self.young
            .extend(batch.keys().map(|key| (hasher.hash_one(key), number)));
    }

    /// Whether no commit since, and nothing in `pending`, wrote what was read.
    pub(super) fn leaves(&self, seen: &Seen, pending: &Batch) -> bool {
        let written_since = |key: &[u8]| {
            let hash = self.hasher.hash_one(key);
            let last = self.young.get(&hash).or_else(|| self.old.get(&hash));
            last.is_some_and(|number| *number > seen.since)
        };
        !seen.scanned
            && seen.since + 1 >= self.from
            && !seen
                .keys
                .iter()
                .any(|key| pending.contains_key(key) || written_since(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Memory, Store as _, scan_prefix};

    fn seen(since: u64, keys: &[&[u8]]) -> Seen {
        let memory = Memory::new();
        let view = View::new(&memory, since);
        keys.iter().for_each(|key| assert_eq!(view.get(key).unwrap(), None));
        view.seen()
    }

    fn batch(key: &[u8]) -> Batch {
        Batch::from([(key.to_vec(), None)])
    }

    #[test]
    fn a_view_holds_until_a_key_that_was_read_is_written() {
        let mut recent = Recent::default();
        recent.note(&batch(b"a"));
        let early = seen(0, &[b"a", b"b"]);
        let later = seen(1, &[b"a", b"b"]);
        assert!(!recent.leaves(&early, &Batch::new()));
        assert!(recent.leaves(&later, &Batch::new()));
        assert!(!recent.leaves(&later, &batch(b"b")));
        recent.note(&batch(b"c"));
        assert!(recent.leaves(&later, &Batch::new()));
        recent.note(&batch(b"b"));
        assert!(!recent.leaves(&later, &Batch::new()));
    }

    #[test]
    fn a_view_through_which_anything_was_scanned_does_not_hold() {
        let memory = Memory::new();
        memory.commit(batch(b"a")).unwrap();
        let view = View::new(&memory, 0);
        scan_prefix(&view, b"a", &mut |_, _| std::ops::ControlFlow::Continue(())).unwrap();
        assert!(!Recent::default().leaves(&view.seen(), &Batch::new()));
    }

    #[test]
    fn what_was_read_before_the_oldest_commit_that_is_remembered_does_not_hold() {
        let mut recent = Recent::default();
        let early = seen(0, &[b"never written"]);
        let whole: Batch = (0..REMEMBERED).map(|n| (n.to_be_bytes().to_vec(), None)).collect();
        recent.note(&whole);
        recent.note(&batch(b"x"));
        assert!(recent.leaves(&early, &Batch::new()), "both are remembered");
        recent.note(&whole);
        recent.note(&batch(b"y"));
        assert!(!recent.leaves(&early, &Batch::new()));
        assert!(recent.leaves(&seen(2, &[b"never written"]), &Batch::new()));
        assert!(!recent.leaves(&seen(3, &[b"y"]), &Batch::new()));
    }
}
