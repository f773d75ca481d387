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
    /// An entry is not the one that was signed.
    #[error("entry {number} is not the one that was signed: the signed head speaks for another in its place")]
    Changed {
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
    /// The hash that was kept of an entry is missing or not its own, and the entry is the one that was signed.
    #[error("the hash that is kept of entry {number} is not its own, though the signed head speaks for the entry")]
    Kept {
        /// The entry.
        number: u64,
    },
    /// An entry that the checkpoint speaks for, or that others follow, is not there.
    #[error("entry {number} is missing")]
    Missing {
        /// The first one.
        number: u64,
    },
    /// A stored hash is not that of the hashes under it. It was changed, or they were, and their entries with them.
    #[error("what is kept of entries {first} to {last} contradicts the hash over them, {index} of level {level}")]
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
    /// A signed head speaks for other entries, or for other hashes of them: the ledger was rewritten or forked.
    #[error("the signed head over {size} entries speaks for others than are here from entry {since} on")]
    Rewritten {
        /// Up to how many entries other heads fit, so the first entry that may be wrong.
        since: u64,
        /// How many entries the first head speaks for that does not fit.
        size: u64,
    },
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
    /// An entry, or a hash kept of one, stands behind the last that the checkpoint speaks for.
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
    /// The index by subject does not list an entry under the practitioner who asked, or an agreement that was asked under.
    #[error("the index by subject does not list entry {number} under who asked, or under an agreement")]
    Unlisted {
        /// The entry.
        number: u64,
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
    /// The first entry that is wrong, where that can be told.
    pub fn number(&self) -> Option<u64> {
        match self {
            Self::BackInTime { number }
            | Self::Changed { number }
            | Self::Form { number, .. }
            | Self::Handover { number }
            | Self::Index { number }
            | Self::Kept { number }
            | Self::Missing { number }
            | Self::Rotation { number }
            | Self::Shown { number }
            | Self::Source { number, .. }
            | Self::Surplus { number }
            | Self::Unlisted { number } => Some(*number),
            Self::Checkpoint(_)
            | Self::Cosignature { .. }
            | Self::EarlierCheckpoint(_)
            | Self::Node { .. }
            | Self::Rewritten { .. }
            | Self::Stray
            | Self::Tail { .. }
            | Self::Witnesses { .. } => None,
        }
    }

    /// The first and the last of the entries among which one at least is wrong, where no more can be told.
    pub fn among(&self) -> Option<(u64, u64)> {
        match self {
            Self::Node { first, last, .. } => Some((*first, *last)),
            Self::Rewritten { since, size } => Some((*since, size.checked_sub(1).filter(|last| last >= since)?)),
            _ => None,
        }
    }
}
