//! A store in memory, which fails when it is told to: for trying the hub out, and for proving that it fails closed.
//! Never survives its process, so it never holds what a hub has promised to keep.

use std::{
    collections::BTreeMap,
    ops::{Bound, ControlFlow},
    sync::Arc,
};

use parking_lot::Mutex;

use super::{Batch, Error, Key, Read, Store, Visit, weigh};

/// One failure to come: `skip` more operations of the kind succeed, the one after them fails, and then all is well again.
///
/// One alone fails, rather than all from there on, because that is what shows up code which swallows an error and goes on;
/// but for the one fault that says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A `get` fails.
    Get {
        /// How many succeed before.
        skip: u64,
    },
    /// Every `get` fails until the store is healed, as when several look at the same time and each must meet it.
    EveryGet,
    /// A `scan` fails after it has visited half of what it found.
    Scan {
        /// How many succeed before.
        skip: u64,
    },
    /// A `commit` fails and writes nothing.
    Commit {
        /// How many succeed before.
        skip: u64,
    },
}

/// How many operations a store has been asked for, those that failed among them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Operations {
    /// Calls of `get`.
    pub gets: u64,
    /// Calls of `scan`.
    pub scans: u64,
    /// Calls of `commit`.
    pub commits: u64,
}

/// An ordered map that can be told to fail. A scan sees the store as it was when the scan began.
#[derive(Default)]
pub struct Memory {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    values: Arc<BTreeMap<Key, Vec<u8>>>,
    get: Kind,
    scan: Kind,
    commit: Kind,
}

/// One kind of operation: how many were asked for, and which one is to fail.
#[derive(Default)]
struct Kind {
    asked: u64,
    failing: Option<u64>,
    for_good: bool,
}

impl Memory {
    /// An empty store that does not fail.
    pub fn new() -> Self {
        Self::default()
    }

    /// Has an operation fail, in place of an earlier fault of the same kind.
    pub fn fail(&self, fault: Fault) {
        let mut state = self.state.lock();
        let (kind, skip) = match fault {
            Fault::Get { skip } => (&mut state.get, skip),
            Fault::EveryGet => (&mut state.get, 0),
            Fault::Scan { skip } => (&mut state.scan, skip),
            Fault::Commit { skip } => (&mut state.commit, skip),
        };
        kind.failing = Some(kind.asked.saturating_add(skip));
        kind.for_good = fault == Fault::EveryGet;
    }

    /// Takes back all faults.
    pub fn heal(&self) {
        let mut state = self.state.lock();
        (state.get.failing, state.get.for_good) = (None, false);
        state.scan.failing = None;
        state.commit.failing = None;
    }

    /// How many operations were asked for since the store was made. The difference between two calls is what a request
    /// took, and so how many faults there are to try.
    pub fn operations(&self) -> Operations {
        let state = self.state.lock();
        Operations {
            gets: state.get.asked,
            scans: state.scan.asked,
            commits: state.commit.asked,
        }
    }
}

impl Read for Memory {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let mut state = self.state.lock();
        if state.get.fails() {
            return Err(told("read a value"));
        }
        Ok(state.values.get(key).cloned())
    }

    fn scan(&self, from: &[u8], to: &[u8], visit: &mut Visit<'_>) -> Result<(), Error> {
        let (fails, values) = {
            let mut state = self.state.lock();
            (state.scan.fails(), Arc::clone(&state.values))
        };
        let found = || {
            (from < to)
                .then(|| values.range::<[u8], _>((Bound::Included(from), Bound::Excluded(to))))
                .into_iter()
                .flatten()
        };
        let limit = if fails { found().count() / 2 } else { usize::MAX };
        for (key, value) in found().take(limit) {
            if let ControlFlow::Break(()) = visit(key, value) {
                break;
            }
        }
        if fails { Err(told("scan a range")) } else { Ok(()) }
    }
}

impl Store for Memory {
    fn commit(&self, batch: Batch) -> Result<(), Error> {
        weigh(&batch)?;
        let mut state = self.state.lock();
        if state.commit.fails() {
            return Err(told("commit a batch"));
        }
        let values = Arc::make_mut(&mut state.values);
        for (key, value) in batch {
            match value {
                Some(value) => values.insert(key, value),
                None => values.remove(&key),
            };
        }
        Ok(())
    }
}

impl Kind {
    /// Counts one operation, and says whether it is the one to fail.
    fn fails(&mut self) -> bool {
        let number = self.asked;
        self.asked += 1;
        let fails = self.for_good || self.failing == Some(number);
        if fails {
            self.failing = None;
        }
        fails
    }
}

fn told(doing: &'static str) -> Error {
    Error::Engine {
        doing,
        source: "the store was told to fail here".into(),
    }
}
