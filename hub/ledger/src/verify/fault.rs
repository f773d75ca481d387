//! What can be wrong with a ledger. Never holds a value of an entry.

use crate::{EntryInvalid, NoteInvalid};

/// The first thing that is wrong. Never holds a value of an entry.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// An entry was decided before the one in front of it.
    #[error("entry {number} goes back in time")]
    BackInTime {
        /// The entry.
        number: u64,
    },
    /// The checkpoint is not one that the key signed.
    #[error("the checkpoint is not one by this key")]
    Checkpoint(#[source] NoteInvalid),
    /// A cosignature that claims to be by a known witness is not.
    #[error("the cosignature in the name of {witness} is wrong")]
    Cosignature {
        /// The witness.
        witness: String,
        /// What is wrong with it.
        #[source]
        source: NoteInvalid,
    },
    /// The entries are not those that a checkpoint from before speaks for: the ledger was rewritten or forked.
    #[error("the first {size} entries are not those that an earlier checkpoint speaks for")]
    Earlier {
        /// How many entries it speaks for.
        size: u64,
    },
    /// A checkpoint from before is not one by any key of this ledger.
    #[error("an earlier checkpoint is not one by a key of this ledger")]
    EarlierCheckpoint(#[source] NoteInvalid),
    /// An entry is not in the format.
    #[error("entry {number} is not an entry of the ledger's format")]
    Form {
        /// The entry.
        number: u64,
        /// What is wrong with it.
        #[source]
        source: EntryInvalid,
    },
    /// The key that was in force before an entry did not sign that another takes its place, or the other did not.
    #[error("the change of keys in entry {number} is not signed by the old key and the new")]
    Handover {
        /// The entry.
        number: u64,
    },
    /// A row of the index by subject is malformed or names an entry that is not there.
    #[error("the index by subject names entry {number}, which is not there, or does so in a wrong form")]
    Index {
        /// The entry, as far as it can be told.
        number: u64,
    },
    /// An entry that the checkpoint speaks for, or that others follow, is not there.
    #[error("entry {number} is missing")]
    Missing {
        /// The first one.
        number: u64,
    },
    /// A stored hash is not that of the entries under it. It was changed, or one of them.
    #[error("entries {first} to {last} and the stored hash {index} of level {level} contradict each other")]
    Node {
        /// The first entry under it.
        first: u64,
        /// The last entry under it.
        last: u64,
        /// The height of the subtree.
        level: u8,
        /// Its place among those of its height.
        index: u64,
    },
    /// There are as many entries as the checkpoint says, but not those that were signed.
    #[error("the entries are not those that the checkpoint speaks for: the roots differ")]
    Root,
    /// An entry changes the key of the ledger, and not from the one that was in force, or in a wrong form.
    #[error("entry {number} changes the ledger's key in a way that cannot be")]
    Rotation {
        /// The entry.
        number: u64,
    },
    /// An entry says that something was shown that no decision in it covers, or that no entry before it brought in.
    #[error("entry {number} shows what was not decided on, or not there yet")]
    Shown {
        /// The entry.
        number: u64,
    },
    /// The source of the entries, or the store, failed.
    #[error("entry {number} or what belongs to it could not be read")]
    Source {
        /// The entry that was being read.
        number: u64,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A row that does not belong to the ledger stands among the stored hashes.
    #[error("a stored hash belongs to no entry of the ledger")]
    Stray,
    /// An entry stands behind the last one that the checkpoint speaks for.
    #[error("entry {number} is beyond the checkpoint")]
    Surplus {
        /// The first one.
        number: u64,
    },
    /// The stored tail does not fit the entries.
    #[error("the stored tail does not fit the {size} entries")]
    Tail {
        /// How many entries there are.
        size: u64,
    },
    /// Fewer of the known witnesses than asked for have cosigned the checkpoint.
    #[error("{have} of the witnesses have cosigned the checkpoint, and {need} are asked for")]
    Witnesses {
        /// How many have.
        have: usize,
        /// How many are asked for.
        need: usize,
    },
}

impl Fault {
    /// The first entry that is wrong, where that can be told; else the first of those among which it is.
    pub fn number(&self) -> Option<u64> {
        match self {
            Self::Node { first, .. } => Some(*first),
            Self::BackInTime { number }
            | Self::Form { number, .. }
            | Self::Handover { number }
            | Self::Index { number }
            | Self::Missing { number }
            | Self::Rotation { number }
            | Self::Shown { number }
            | Self::Source { number, .. }
            | Self::Surplus { number } => Some(*number),
            Self::Checkpoint(_)
            | Self::Cosignature { .. }
            | Self::Earlier { .. }
            | Self::EarlierCheckpoint(_)
            | Self::Root
            | Self::Stray
            | Self::Tail { .. }
            | Self::Witnesses { .. } => None,
        }
    }
}
