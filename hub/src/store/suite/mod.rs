//! What every engine must do, and the committer on top of them. Never names an engine in a test that both must pass.

mod committer;
mod copies;
mod disk;
mod engine;
mod group;
mod journal;
mod layers;
mod present;
mod settle;
mod txn;
mod waiting;

use std::{ops::ControlFlow, sync::Arc};

use parking_lot::Mutex;
use proptest::{collection::vec, prelude::*, sample::select};

use super::{
    Batch, Disk, Error, Memory, Read, Store, Visit,
    disk::{BLOCK, Pace},
};

type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

/// Runs a test on each engine, empty.
fn on_each(test: impl Fn(Arc<dyn Store>)) {
    test(Arc::new(Memory::new()));
    let folder = tempfile::tempdir().unwrap();
    test(Arc::new(Disk::open(folder.path()).unwrap()));
    let folder = tempfile::tempdir().unwrap();
    test(Arc::new(Disk::open_at(folder.path(), small(1)).unwrap()));
}

/// A pace at which a file of the journal is full after so many commits, if they are small, and waits for nothing.
fn small(commits: u64) -> Pace {
    Pace {
        file: commits * BLOCK as u64,
        files: 1,
        part: 3000,
        ..Pace::default()
    }
}

/// A batch of `key` to put, `value` to it; or of `key` to delete.
fn batch<'a>(writes: impl IntoIterator<Item = (&'a [u8], Option<&'a [u8]>)>) -> Batch {
    writes
        .into_iter()
        .map(|(key, value)| (key.into(), value.map(<[u8]>::to_vec)))
        .collect()
}

/// Keys that are often the same: short ones, and some about as long as lie in the maps themselves, and longer.
fn keys() -> impl Strategy<Value = Vec<u8>> {
    let long = (vec(0_u8..4, 1..3), select(&[47, 48, 49, 90]));
    prop_oneof![
        3 => vec(0_u8..4, 0..4),
        1 => long.prop_map(|(key, length): (Vec<u8>, usize)| key.into_iter().cycle().take(length).collect()),
    ]
}

/// A batch of one value to put.
fn put(key: &[u8], value: &[u8]) -> Batch {
    batch([(key, Some(value))])
}

/// What a scan visits, in its order, if it is never told to break.
fn scanned(read: &dyn Read, from: &[u8], to: &[u8]) -> Pairs {
    let mut found = Pairs::new();
    read.scan(from, to, &mut |key, value| {
        found.push((key.to_vec(), value.to_vec()));
        ControlFlow::Continue(())
    })
    .unwrap();
    found
}

/// Everything under short keys.
fn everything(read: &dyn Read) -> Pairs {
    scanned(read, b"", &[u8::MAX; 64])
}

/// A store in memory that has somebody look when a batch is about to be there, and when it is there and nobody has been told.
#[derive(Default)]
pub(super) struct Peeking {
    memory: Memory,
    look: Mutex<Option<Look>>,
}

/// Told whether the batch is there.
type Look = Box<dyn FnMut(bool) + Send>;

impl Peeking {
    /// Who is to look from now on.
    pub(super) fn look(&self, look: impl FnMut(bool) + Send + 'static) {
        *self.look.lock() = Some(Box::new(look));
    }

    fn peek(&self, there: bool) {
        if let Some(look) = &mut *self.look.lock() {
            look(there);
        }
    }
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
        self.peek(false);
        self.memory.commit(batch)?;
        self.peek(true);
        Ok(())
    }
}
