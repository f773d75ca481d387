//! The ledger's rows: their keys, and the tail that an append needs. Never signs, and never looks into an entry.

use jiff::Timestamp;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::{
    Error, Prepared,
    tree::{self, Frontier, Hash},
};
use crate::{
    store::{Read, Txn, row},
    tables,
};

/// From one kept level of the tree to the next.
pub(super) const STRIDE: u8 = 4;

/// How many hashes a row of the tree holds: those of the subtrees that are a kept level lower.
pub(super) const WIDTH: usize = 1 << STRIDE;

const SHORT: Error = Error::Torn("a row of the tree's hashes has another length");

/// The end of the log: what an append must know of all that went before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tail {
    /// The tree so far.
    pub(super) frontier: Frontier,
    // INVARIANT: as many as the size is above a multiple of the width.
    /// The hashes of the last leaves, which do not fill a row yet.
    pub(super) leaves: Vec<Hash>,
    /// When the last entry was decided.
    pub(super) at: Option<Timestamp>,
}

/// The row of the tail that was made last, and what it says: the next entry mostly finds that very row.
#[derive(Debug, Default)]
pub(super) struct LastTail(Mutex<Option<(Vec<u8>, Tail)>>);

#[derive(Serialize, Deserialize)]
struct TailRow<'r> {
    size: u64,
    #[serde(with = "jiff::fmt::serde::timestamp::microsecond::optional")]
    at: Option<Timestamp>,
    /// The frontier's hashes, then those of the last leaves.
    hashes: &'r [u8],
}

impl Tail {
    /// The stored tail; that of an empty log if there is none.
    pub(super) fn load(read: &dyn Read) -> Result<Self, Error> {
        let row = read.get(&tail_key()).map_err(Error::Store)?;
        row.map_or_else(|| Ok(Self::default()), |row| Self::decode(&row))
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        const UNFIT: Error = Error::Torn("the tail's hashes do not fit its size");
        let (TailRow { size, at, hashes }, rest) = row::split(tables::SINGLE, bytes).map_err(Error::Store)?;
        let (hashes, half) = hashes.as_chunks();
        let peaks = usize::try_from(size.count_ones()).map_err(|_| UNFIT)?;
        let (peaks, leaves) = hashes.split_at_checked(peaks).ok_or(UNFIT)?;
        let fits = half.is_empty() && rest.is_empty() && at.is_some() == (size > 0) && leaves.len() == place(size);
        let frontier = Frontier::restore(size, peaks.to_vec()).filter(|_| fits).ok_or(UNFIT)?;
        let leaves = leaves.to_vec();
        Ok(Self { frontier, leaves, at })
    }

    /// Appends an entry to the log: the entry, the rows of hashes that it fills, and the tail, which is
    /// remembered. Returns the entry's number.
    pub(super) fn append(mut self, txn: &mut Txn<'_>, entry: Prepared, last: &LastTail) -> Result<u64, Error> {
        let (at, number) = (entry.at(), self.frontier.size());
        let (row, leaf) = entry.into_leaf();
        self.leaves.push(leaf);
        for node in self.frontier.push(leaf).iter().filter(|node| is_kept(node.level)) {
            let hashes = match node.level {
                STRIDE => std::mem::take(&mut self.leaves),
                level => (0..WIDTH as u64)
                    .map(|child| subtree(txn, level - STRIDE, (node.index << STRIDE) + child))
                    .collect::<Result<_, _>>()?,
            };
            txn.put(node_key(node.level, node.index), hashes.concat());
        }
        let tail = TailRow {
            size: self.frontier.size(),
            at: Some(at),
            hashes: &[self.frontier.peaks(), &self.leaves].concat().concat(),
        };
        txn.put(entry_key(number), row);
        let tail = row::encode(tables::SINGLE, &tail).map_err(Error::Store)?;
        txn.put(tail_key(), tail.clone());
        self.at = Some(at);
        *last.0.lock() = Some((tail, self));
        Ok(number)
    }
}

impl LastTail {
    /// As [`Tail::load`].
    pub(super) fn load(&self, read: &dyn Read) -> Result<Tail, Error> {
        let Some(row) = read.get(&tail_key()).map_err(Error::Store)? else {
            return Ok(Tail::default());
        };
        let known = self
            .0
            .lock()
            .as_ref()
            .filter(|(last, _)| *last == row)
            .map(|(_, tail)| tail.clone());
        known.map_or_else(|| Tail::decode(&row), Ok)
    }
}

/// The hashes in the row of a complete subtree, if there is one.
pub(super) fn hashes(read: &dyn Read, level: u8, index: u64) -> Result<Option<[Hash; WIDTH]>, Error> {
    let Some(bytes) = read.get(&node_key(level, index)).map_err(Error::Store)? else {
        return Ok(None);
    };
    let (hashes, half) = bytes.as_chunks();
    let hashes = hashes.try_into().ok().filter(|_| half.is_empty());
    hashes.map(Some).ok_or(SHORT)
}

/// The hash of a complete subtree of a kept level, made of those in its row.
pub(super) fn subtree(read: &dyn Read, level: u8, index: u64) -> Result<Hash, Error> {
    let hashes = hashes(read, level, index)?.ok_or(Error::Torn("a row of the tree's hashes is missing"))?;
    Ok(tree::root_of(&hashes))
}

/// Where a number stands in its row of hashes.
pub(super) fn place(number: u64) -> usize {
    usize::try_from(number).unwrap_or_default() % WIDTH
}

/// Key of the tail.
pub(super) fn tail_key() -> Vec<u8> {
    key(tables::SINGLE, &[b"ledger.tail"])
}

/// Key of the checkpoint.
pub(super) fn checkpoint_key() -> Vec<u8> {
    key(tables::SINGLE, &[b"ledger.checkpoint"])
}

/// Key of the note over a change of the ledger's key, by the number of entries that it speaks for.
pub(super) fn handover_key(size: u64) -> Vec<u8> {
    [handover_prefix(), size.to_be_bytes().to_vec()].concat()
}

/// What the keys of such notes begin with.
pub(super) fn handover_prefix() -> Vec<u8> {
    key(tables::SINGLE, &[b"ledger.handover."])
}

/// Key of an entry.
pub(super) fn entry_key(number: u64) -> Vec<u8> {
    key(tables::LEDGER_ENTRY, &[&number.to_be_bytes()])
}

/// Whether complete subtrees of this height have rows: those of every fourth level above the leaves. A row holds the hashes
/// of the sixteen subtrees under it that are four levels lower, so that sixteen entries cost one row and not thirty.
pub(super) fn is_kept(level: u8) -> bool {
    level > 0 && level.is_multiple_of(STRIDE)
}

/// Key of a complete subtree's row. Only those of a kept level have one.
pub(super) fn node_key(level: u8, index: u64) -> Vec<u8> {
    key(tables::LEDGER_NODE, &[&[level], &index.to_be_bytes()])
}

/// Key of a subject's row for an entry: the newest entry has the lowest key.
pub(super) fn subject_key(subject: &[u8; 16], number: u64) -> Vec<u8> {
    key(tables::LEDGER_SUBJECT, &[subject, &(!number).to_be_bytes()])
}

/// Number of an entry's key.
pub(super) fn entry_number(key: &[u8]) -> Option<u64> {
    let number = key.strip_prefix(&[tables::LEDGER_ENTRY])?;
    Some(u64::from_be_bytes(number.try_into().ok()?))
}

/// Level and index of a subtree's key.
pub(super) fn node_place(key: &[u8]) -> Option<(u8, u64)> {
    let (level, index) = key.strip_prefix(&[tables::LEDGER_NODE])?.split_first()?;
    Some((*level, u64::from_be_bytes(index.try_into().ok()?)))
}

/// Number of the entry that a subject's key points to.
pub(super) fn subject_number(key: &[u8]) -> Option<u64> {
    let (_, number) = key.strip_prefix(&[tables::LEDGER_SUBJECT])?.split_first_chunk::<16>()?;
    Some(!u64::from_be_bytes(number.try_into().ok()?))
}

fn key(table: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut key = vec![table];
    for part in parts {
        key.extend_from_slice(part);
    }
    key
}
