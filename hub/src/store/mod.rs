//! Keeps bytes under ordered keys: read, scan, and commit a whole batch or nothing.
//! Never knows what its bytes mean.

mod committer;
mod disk;
mod memory;
pub mod row;
#[cfg(test)]
mod suite;
mod txn;

use std::{collections::BTreeMap, ops::ControlFlow};

pub use committer::{Closed, Committed, Committer, Hooks};
pub use disk::Disk;
pub use memory::{Fault, Memory};
pub use txn::Txn;

/// Writes that become durable together: a value to put, or `None` to delete, for each key.
pub type Batch = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// What a scan hands each key and value to. `Break` ends the scan.
pub type Visit<'v> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'v;

/// Why the store could not do what was asked. What was asked has then not happened.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A value that this version of the hub cannot read.
    #[error("a stored value in table `{table}` cannot be read: {why}")]
    Corrupt {
        /// The table's prefix.
        table: char,
        /// What is wrong, without the value.
        why: &'static str,
    },
    /// The engine failed.
    #[error("the store failed while it was to {doing}")]
    Engine {
        /// What it was doing.
        doing: &'static str,
        /// The engine's own words.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Another process has the store open.
    #[error("the store in {path} is in use by another process")]
    InUse {
        /// Its folder.
        path: String,
    },
}

/// Anything that can be read like a store: a store, or a transaction on one.
pub trait Read {
    /// The value of a key.
    ///
    /// # Errors
    /// If the engine fails.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error>;

    /// Visits the keys from `from` (inclusive) to `to` (exclusive) in ascending byte order, until told to break.
    ///
    /// # Errors
    /// If the engine fails; what was visited until then was right.
    fn scan(&self, from: &[u8], to: &[u8], visit: &mut Visit<'_>) -> Result<(), Error>;
}

/// A store of ordered keys.
pub trait Store: Read + Send + Sync {
    /// Makes the whole batch durable, or nothing of it. When it returns `Ok`, the batch survives power loss.
    ///
    /// # Errors
    /// If the engine fails. The caller must then take the store's state as unknown and stop using it.
    fn commit(&self, batch: Batch) -> Result<(), Error>;
}

/// The first key after all keys that begin with `prefix`.
pub fn after_prefix(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return end;
        }
    }
    vec![u8::MAX; prefix.len() + 1]
}

/// Visits all keys that begin with `prefix`, in ascending byte order.
///
/// # Errors
/// If the engine fails.
pub fn scan_prefix(read: &dyn Read, prefix: &[u8], visit: &mut Visit<'_>) -> Result<(), Error> {
    read.scan(prefix, &after_prefix(prefix), visit)
}
