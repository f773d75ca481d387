//! A batch in the making, which reads its own writes. Never touches the store it reads.

use std::{collections::BTreeMap, ops::Bound};

use super::{Batch, Error, Key, Read, Visit, after_prefix, merge::laid_over};

/// Writes on top of something that can be read. Nothing happens to that until the committer commits the writes.
pub struct Txn<'b> {
    base: &'b dyn Read,
    writes: Batch,
    announced: Option<u64>,
}

impl<'b> Txn<'b> {
    /// An empty transaction on `base`, which may itself be a transaction.
    pub fn new(base: &'b dyn Read) -> Self {
        Self {
            base,
            writes: BTreeMap::new(),
            announced: None,
        }
    }

    /// Puts a value.
    pub fn put(&mut self, key: impl AsRef<[u8]>, value: Vec<u8>) {
        self.writes.insert(Key::from_slice(key.as_ref()), Some(value));
    }

    /// Deletes a key, if it is there.
    pub fn delete(&mut self, key: impl AsRef<[u8]>) {
        self.writes.insert(Key::from_slice(key.as_ref()), None);
    }

    /// Takes back what it was to put under keys that begin with `prefix`, in ascending byte order, so that it can be put
    /// there in another form.
    pub fn take_under(&mut self, prefix: &[u8]) -> Vec<(Key, Vec<u8>)> {
        let end = after_prefix(prefix);
        let own = self
            .writes
            .range::<[u8], _>((Bound::Included(prefix), Bound::Excluded(end.as_slice())));
        let keys: Vec<_> = own
            .filter(|(_, value)| value.is_some())
            .map(|(key, _)| key.clone())
            .collect();
        let take = |key| self.writes.remove(&key).flatten().map(|value| (key, value));
        keys.into_iter().filter_map(take).collect()
    }

    /// Has it announced, once the batch is durable, that there are so many changes now. Of several numbers the highest
    /// counts.
    pub fn announce(&mut self, changes: u64) {
        self.announced = self.announced.max(Some(changes));
    }

    /// Whether it writes nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// The writes, and what is to be announced.
    pub(super) fn finish(self) -> (Batch, Option<u64>) {
        (self.writes, self.announced)
    }

    /// The writes, to be taken over by another transaction or, in tests, committed without a committer.
    pub fn into_writes(self) -> Batch {
        self.writes
    }

    /// Takes over writes that were made ready on what this transaction reads, and that nobody is to be told of.
    pub fn take_over(&mut self, writes: Batch) {
        self.writes.extend(writes);
    }

    /// Takes over the writes of a finished transaction that read this one.
    pub(super) fn absorb(&mut self, (writes, announced): (Batch, Option<u64>)) {
        self.writes.extend(writes);
        self.announced = self.announced.max(announced);
    }
}

impl Read for Txn<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        match self.writes.get(key) {
            Some(value) => Ok(value.clone()),
            None => self.base.get(key),
        }
    }

    fn scan(&self, from: &[u8], to: &[u8], visit: &mut Visit<'_>) -> Result<(), Error> {
        if from >= to {
            return Ok(());
        }
        let own = self
            .writes
            .range::<[u8], _>((Bound::Included(from), Bound::Excluded(to)));
        let own = own.map(|(key, value)| (key, value.as_ref()));
        laid_over(own, |visit| self.base.scan(from, to, visit), visit)
    }
}
