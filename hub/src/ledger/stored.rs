//! The ledger's rows: their keys, and the tail that an append needs. Never signs, and never looks into an entry.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Error,
    tree::{self, Frontier, Hash},
};
use crate::{
    store::{Read, Txn, row},
    tables,
};

/// From one kept level of the tree to the next.
const STRIDE: u8 = 4;

/// The end of the log: what an append must know of all that went before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tail {
    /// The tree so far.
    pub(super) frontier: Frontier,
    /// When the last entry was decided.
    pub(super) at: Option<Timestamp>,
}

#[derive(Serialize, Deserialize)]
struct TailRow {
    size: u64,
    peaks: Vec<Hash>,
    #[serde(with = "jiff::fmt::serde::timestamp::microsecond::optional")]
    at: Option<Timestamp>,
}

impl Tail {
    /// The stored tail; that of an empty log if there is none.
    pub(super) fn load(read: &dyn Read) -> Result<Self, Error> {
        let Some(bytes) = read.get(&tail_key()).map_err(Error::Store)? else {
            return Ok(Self::default());
        };
        let row: TailRow = row::decode(tables::SINGLE, &bytes).map_err(Error::Store)?;
        let at_fits = row.at.is_some() == (row.size > 0);
        match Frontier::restore(row.size, row.peaks) {
            Some(frontier) if at_fits => Ok(Self { frontier, at: row.at }),
            _ => Err(Error::Torn("the tail's hashes do not fit its size")),
        }
    }

    /// Appends an entry's bytes to the log: the entry, the subtrees to be kept that it completes, and the tail.
    /// Returns the entry's number.
    pub(super) fn append(mut self, txn: &mut Txn<'_>, bytes: Vec<u8>, at: Timestamp) -> Result<u64, Error> {
        let number = self.frontier.size();
        let completed = self.frontier.push(tree::leaf_hash(&bytes));
        for node in completed.iter().filter(|node| is_kept(node.level)) {
            txn.put(node_key(node.level, node.index), node.hash.to_vec());
        }
        let row = TailRow {
            size: self.frontier.size(),
            peaks: self.frontier.peaks().to_vec(),
            at: Some(at),
        };
        txn.put(entry_key(number), bytes);
        txn.put(tail_key(), row::encode(tables::SINGLE, &row).map_err(Error::Store)?);
        Ok(number)
    }
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

/// Whether the hashes of complete subtrees of this height have rows: those of every fourth level above the leaves.
/// Those between are made from at most sixteen of the level below, so that sixteen entries cost one row and not thirty.
pub(super) fn is_kept(level: u8) -> bool {
    level > 0 && level.is_multiple_of(STRIDE)
}

/// Key of a complete subtree's hash. Only those of a kept level have a row.
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
