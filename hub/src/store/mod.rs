//! Keeps bytes under ordered keys: read, scan, and commit a whole batch or nothing.
//! Never knows what its bytes mean.

mod committer;
mod counted;
mod disk;
mod effort;
mod memory;
mod merge;
mod present;
pub mod row;
#[cfg(test)]
mod suite;
mod txn;
mod view;

use std::{collections::BTreeMap, ops::ControlFlow};

use smallvec::SmallVec;

pub use committer::{Coming, Committed, Committer, Hooks, Seal, Unwritten};
pub use counted::{Counted, Place, Stamp, Topic};
pub use disk::{CACHE, Disk, SEGMENT};
pub use memory::{Fault, Memory, Operations};
pub use txn::Txn;
pub use view::{Seen, View};

/// A key. Hardly any that the hub makes is longer than this, so that keys lie in the maps themselves that they are kept in:
/// what a look compares is then not all over the memory.
pub type Key = SmallVec<[u8; 48]>;

/// Writes that become durable together: a value to put, or `None` to delete, for each key.
pub type Batch = BTreeMap<Key, Option<Vec<u8>>>;

/// What a scan hands each key and value to. `Break` ends the scan.
pub type Visit<'v> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'v;

/// The longest key, in bytes.
pub const KEY_CAP: usize = 1024;

/// The longest value, in bytes.
///
/// sled keeps a tree leaf in one log message as long as it is under a quarter of a log segment, and otherwise in a file
/// of its own which nothing makes durable. Leaves split by the number of their keys (at 16, a few more after a merge),
/// whatever their size, so that a leaf of the longest keys and values must fit.
pub const VALUE_CAP: usize = 128 * 1024;

/// The most that one commit may write, keys and values together, in bytes.
///
/// The disk has it as one record, which is made in memory and written at once.
pub const BATCH_CAP: usize = 4 * 1024 * 1024;

/// Why the store could not do what was asked. Of a commit that failed in the engine, nothing can be said.
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
    /// The store cannot be opened because its files are not what the engine wrote.
    #[error("the store in {path} is damaged and must be restored from a backup")]
    Damaged {
        /// Its folder.
        path: String,
        /// The engine's own words.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A store whose rows this version of the hub cannot read.
    #[error("the store in {path} was written by another version of the hub, which alone can read it")]
    Version {
        /// Its folder.
        path: String,
    },
    /// A batch that no engine takes. Nothing of it was written, and the store is as sound as before.
    #[error("a {what} of {bytes} bytes is over the store's limit of {cap}")]
    TooLarge {
        /// `key`, `value` or `batch`.
        what: &'static str,
        /// Its size.
        bytes: usize,
        /// The limit.
        cap: usize,
    },
}

impl Error {
    /// The error and what is behind it, in one line.
    fn in_full(&self) -> String {
        let mut words = self.to_string();
        let mut source = std::error::Error::source(self);
        while let Some(error) = source {
            words = format!("{words}: {error}");
            source = error.source();
        }
        words
    }
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
    /// A scan that runs beside a commit may see a part of that commit's batch.
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
    /// [`Error::TooLarge`] if a key, a value or the batch is over its cap: nothing has happened then. Otherwise if the
    /// engine fails: the caller must take the store's state as unknown and stop using it.
    fn commit(&self, batch: Batch) -> Result<(), Error>;
}

/// The bytes that a batch writes, keys and values together.
///
/// # Errors
/// [`Error::TooLarge`] if a key, a value or the whole is over its cap.
pub(crate) fn weigh(batch: &Batch) -> Result<usize, Error> {
    let within = |what, bytes, cap| {
        if bytes > cap {
            Err(Error::TooLarge { what, bytes, cap })
        } else {
            Ok(bytes)
        }
    };
    let mut whole = 0;
    for (key, value) in batch {
        whole += within("key", key.len(), KEY_CAP)?;
        whole += within("value", value.as_ref().map_or(0, Vec::len), VALUE_CAP)?;
    }
    within("batch", whole, BATCH_CAP)
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
