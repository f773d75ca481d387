//! Rows that are committed and not in sled yet, as they lie over it: the young, which grow, over the old, which are being
//! settled. Never on the disk: the journal has them there.

use std::{ops::Bound, sync::Arc, vec};

use parking_lot::{RwLock, RwLockReadGuard};

use crate::store::{Batch, Error, Key, Visit, merge::laid_over};

/// How many rows a scan copies at once, to begin with, and at most. Most scans end soon.
const COPIED: (usize, usize) = (8, 128);
/// How many bytes of rows a scan copies at once, but for the row that goes over it.
const COPIED_BYTES: usize = 64 * 1024;

/// What lies over sled. Whoever reads takes it once, at the start: what leaves it later is in sled by then.
#[derive(Clone, Default)]
pub(super) struct Layers {
    /// What commits add to.
    pub(super) young: Arc<Layer>,
    /// What is being brought into sled.
    pub(super) old: Option<Arc<Layer>>,
}

/// The last row of each key that some commits wrote.
#[derive(Default)]
pub(super) struct Layer(RwLock<Batch>);

impl Layers {
    /// What the layers say of a key: a value, that it was deleted, or (`None`) nothing.
    pub(super) fn get(&self, key: &[u8]) -> Option<Option<Vec<u8>>> {
        let of = |layer: &Layer| layer.0.read().get(key).cloned();
        of(&self.young).or_else(|| self.old.as_deref().and_then(of))
    }

    /// Visits what is under the layers as they show it.
    pub(super) fn scan(
        &self,
        (from, to): (&[u8], &[u8]),
        under: impl FnOnce(&mut Visit<'_>) -> Result<(), Error>,
        visit: &mut Visit<'_>,
    ) -> Result<(), Error> {
        let old = |visit: &mut Visit<'_>| match self.old.as_deref() {
            Some(old) => laid_over(old.rows(from, to), under, visit),
            None => under(visit),
        };
        laid_over(self.young.rows(from, to), old, visit)
    }
}

impl Layer {
    /// Rows that nothing was added to yet.
    pub(super) fn new(rows: Batch) -> Self {
        Self(RwLock::new(rows))
    }

    /// Adds a batch. Readers of one key see all of it or nothing.
    pub(super) fn add(&self, batch: Batch) {
        self.0.write().extend(batch);
    }

    /// All rows, in ascending byte order. None can be added while this is held.
    pub(super) fn all(&self) -> RwLockReadGuard<'_, Batch> {
        self.0.read()
    }

    /// How many rows there are.
    pub(super) fn count(&self) -> u64 {
        self.0.read().len() as u64
    }

    /// The rows with keys from `from` (inclusive) to `to` (exclusive), in ascending byte order. The lock is held while some
    /// of them are copied, and not between.
    pub(super) fn rows<'l>(&'l self, from: &[u8], to: &'l [u8]) -> Rows<'l> {
        Rows {
            layer: self,
            from: Bound::Included(Key::from_slice(from)),
            to,
            size: COPIED.0,
            copied: Vec::new().into_iter(),
            ended: from >= to,
        }
    }
}

/// The rows of a layer within a range.
pub(super) struct Rows<'l> {
    layer: &'l Layer,
    from: Bound<Key>,
    to: &'l [u8],
    size: usize,
    copied: vec::IntoIter<Row>,
    ended: bool,
}

/// A key, and its value, or `None` if it was deleted.
type Row = (Key, Option<Vec<u8>>);

impl Rows<'_> {
    fn copy(&mut self) {
        let mut copied = Vec::new();
        let mut bytes = 0;
        self.ended = true;
        let rows = self.layer.0.read();
        let range = (self.from.as_ref().map(Key::as_slice), Bound::Excluded(self.to));
        for (key, value) in rows.range::<[u8], _>(range) {
            bytes += key.len() + value.as_ref().map_or(0, Vec::len);
            copied.push((key.clone(), value.clone()));
            if copied.len() >= self.size || bytes >= COPIED_BYTES {
                self.ended = false;
                break;
            }
        }
        drop(rows);
        if let Some((last, _)) = copied.last() {
            self.from = Bound::Excluded(last.clone());
        }
        self.size = COPIED.1.min(self.size * 2);
        self.copied = copied.into_iter();
    }
}

impl Iterator for Rows<'_> {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        let next = self.copied.next();
        if next.is_some() || self.ended {
            return next;
        }
        self.copy();
        self.copied.next()
    }
}
