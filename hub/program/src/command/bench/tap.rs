//! The hub's store, with a tape: while it runs, every batch that the hub commits is copied, to be weighed, or written again
//! to sled alone. When it does not run, the store is as it always is.

use std::{
    ops::ControlFlow,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::Result;
use placehub_hub::{
    store::{Batch, Disk, Error, Read, Store, Visit},
    tables,
};

use super::alone::Alone;

/// How many bytes a batch may have while a store is copied.
const COPIED_AT_ONCE: usize = 1024 * 1024;

/// A store on the disk with a tape.
pub(super) struct Tap {
    disk: Disk,
    tape: Mutex<Option<Vec<Batch>>>,
}

impl Tap {
    /// Opens the store in a folder.
    ///
    /// # Errors
    /// As [`Disk::open`].
    pub(super) fn open(folder: &Path) -> Result<Arc<Self>, Error> {
        Ok(Arc::new(Self {
            disk: Disk::open(folder)?,
            tape: Mutex::new(None),
        }))
    }

    /// Starts the tape.
    pub(super) fn record(&self) {
        *self.tape() = Some(Vec::new());
    }

    /// Stops the tape, and gives what is on it.
    pub(super) fn stop(&self) -> Vec<Batch> {
        self.tape().take().unwrap_or_default()
    }

    /// As [`Disk::rest`].
    ///
    /// # Errors
    /// If it has failed.
    pub(super) fn rest(&self) -> Result<(), Error> {
        self.disk.rest()
    }

    /// As [`Disk::room`].
    pub(super) fn room(&self) -> u64 {
        self.disk.room()
    }

    /// Makes sled in another folder hold just what this store holds. Nothing may be written meanwhile.
    ///
    /// # Errors
    /// If one of the two fails.
    pub(super) fn copy(&self, folder: &Path) -> Result<Alone> {
        let copy = Alone::make(folder)?;
        let (mut batch, mut bytes, mut failed) = (Batch::new(), 0, None);
        self.disk.scan(&[], &[u8::MAX; 2], &mut |key, value| {
            bytes += key.len() + value.len();
            batch.insert(key.into(), Some(value.to_vec()));
            if bytes > COPIED_AT_ONCE {
                bytes = 0;
                if let Err(why) = copy.commit(std::mem::take(&mut batch)) {
                    failed = Some(why);
                    return ControlFlow::Break(());
                }
            }
            ControlFlow::Continue(())
        })?;
        copy.commit(batch)?;
        failed.map_or(Ok(copy), Err)
    }

    fn tape(&self) -> MutexGuard<'_, Option<Vec<Batch>>> {
        self.tape.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Read for Tap {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.disk.get(key)
    }

    fn scan(&self, from: &[u8], to: &[u8], visit: &mut Visit<'_>) -> Result<(), Error> {
        self.disk.scan(from, to, visit)
    }
}

impl Store for Tap {
    fn commit(&self, batch: Batch) -> Result<(), Error> {
        if let Some(tape) = &mut *self.tape() {
            tape.push(batch.clone());
        }
        self.disk.commit(batch)
    }
}

/// How many rows batches write, and how many bytes, keys and values together.
pub(super) fn weight(batches: &[Batch]) -> (usize, usize) {
    let rows = || batches.iter().flatten();
    let bytes = rows().map(|(key, value)| key.len() + value.as_ref().map_or(0, Vec::len));
    (rows().count(), bytes.sum())
}

/// How many bytes batches write for each entry of the ledger, all rows together; none if there are too few batches to tell.
pub(super) fn bytes_an_entry(batches: &[Batch]) -> Option<f64> {
    let last = |batch: &Batch| {
        let mut keys = batch.keys().rev();
        let key = keys.find(|key| key.first() == Some(&tables::LEDGER_ENTRY))?;
        key.last_chunk().map(|number| u64::from_be_bytes(*number))
    };
    let (first, rest) = batches.split_first()?;
    let entries = last(rest.last()?)?
        .checked_sub(last(first)?)
        .filter(|entries| *entries > 0)?;
    let (_, bytes) = weight(rest);
    Some(bytes as f64 / entries as f64)
}

/// The same writes in as few batches as hold so many rows each: what is written over within one is left out.
pub(super) fn merged(batches: &[Batch], rows: usize) -> Vec<Batch> {
    let mut merged = vec![Batch::new()];
    for batch in batches {
        if merged
            .last()
            .is_some_and(|last| last.len() + batch.len() > rows && !last.is_empty())
        {
            merged.push(Batch::new());
        }
        if let Some(last) = merged.last_mut() {
            last.extend(batch.clone());
        }
    }
    merged
}
