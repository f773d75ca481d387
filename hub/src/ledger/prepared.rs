//! An entry with all that can be done before its place in the ledger is known: encoded, hashed, and parted from its ids.
//! Whoever brings it does that on their own thread; only an entry that comes after a later one is done again. Never writes.

use jiff::Timestamp;
use placehub_ledger::Written;

use super::{Entry, EntryInvalid, packed::Parted, tree::Hash};

/// An entry that is ready to be appended.
#[derive(Debug)]
pub struct Prepared {
    entry: Written,
    row: Parted,
}

impl Prepared {
    /// Makes an entry ready.
    ///
    /// # Errors
    /// As for [`Entry::encode`].
    pub fn of(entry: &Entry) -> Result<Self, EntryInvalid> {
        entry.write().map(Self::parted)
    }

    /// When it was decided, to the microsecond.
    pub(super) fn at(&self) -> Timestamp {
        self.entry.at()
    }

    /// The same entry with another time.
    ///
    /// # Errors
    /// As for [`Written::at_time`].
    pub(super) fn at_time(self, at: Timestamp) -> Result<Self, EntryInvalid> {
        match at == self.at() {
            true => Ok(self),
            false => self.entry.at_time(at).map(Self::parted),
        }
    }

    /// Its row until its batch is packed, and its hash as a leaf of the tree.
    pub(super) fn into_leaf(self) -> (Vec<u8>, Hash) {
        (self.row.into_row(), self.entry.leaf())
    }

    fn parted(entry: Written) -> Self {
        let row = Parted::of(entry.bytes());
        Self { entry, row }
    }
}
