//! Checks a ledger from bytes alone: the entries, a checkpoint and the key that must have signed it.
//! Never trusts, and never uses, anything that wrote the ledger.

use jiff::Timestamp;

use super::{
    Checkpoint, Entry, EntryInvalid, NoteInvalid, VerifierKey,
    tree::{Frontier, Hash, Node, leaf_hash},
};

/// What has been checked: these many entries, unchanged and in order, are what the key signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Number of entries.
    pub size: u64,
    /// Root of their tree.
    pub root: Hash,
    /// When the first was decided.
    pub first_at: Option<Timestamp>,
    /// When the last was decided.
    pub last_at: Option<Timestamp>,
}

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
    /// An entry is not in the format.
    #[error("entry {number} is not an entry of the ledger's format")]
    Form {
        /// The entry.
        number: u64,
        /// What is wrong with it.
        #[source]
        source: EntryInvalid,
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
}

impl Fault {
    /// The first entry that is wrong, where that can be told; else the first of those among which it is.
    pub fn number(&self) -> Option<u64> {
        match self {
            Self::Node { first, .. } => Some(*first),
            Self::BackInTime { number }
            | Self::Form { number, .. }
            | Self::Index { number }
            | Self::Missing { number }
            | Self::Source { number, .. }
            | Self::Surplus { number } => Some(*number),
            Self::Checkpoint(_) | Self::Root | Self::Stray | Self::Tail { .. } => None,
        }
    }
}

/// Checks that the entries, in order from number 0, are exactly those that the checkpoint speaks for,
/// that each is in the format, and that none goes back in time. Holds one entry at a time.
///
/// It says nothing of entries after the checkpoint: who fears that the log was cut short compares with a checkpoint
/// kept elsewhere.
///
/// # Errors
/// The first thing that is wrong.
pub fn verify<E>(
    entries: impl Iterator<Item = Result<Vec<u8>, E>>,
    checkpoint: &str,
    key: &VerifierKey,
) -> Result<Verified, Fault>
where
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let signed = Checkpoint::open(checkpoint, key).map_err(Fault::Checkpoint)?;
    let mut walk = Walk::default();
    for bytes in entries {
        let number = walk.size();
        if number >= signed.size {
            return Err(Fault::Surplus { number });
        }
        let bytes = bytes.map_err(|source| Fault::Source {
            number,
            source: source.into(),
        })?;
        walk.step(&bytes)?;
    }
    walk.against(&signed)
}

/// The entries so far, checked one after the other. For those who cannot hand over an iterator.
#[derive(Debug, Clone, Default)]
pub struct Walk {
    frontier: Frontier,
    first_at: Option<Timestamp>,
    last_at: Option<Timestamp>,
}

impl Walk {
    /// The tree of the entries so far.
    pub fn frontier(&self) -> &Frontier {
        &self.frontier
    }

    /// When the last entry was decided.
    pub fn last_at(&self) -> Option<Timestamp> {
        self.last_at
    }

    /// Number of entries so far.
    pub fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// Takes the next entry. Returns the subtrees that it completes.
    ///
    /// # Errors
    /// If it is not an entry of the format, or goes back in time.
    pub fn step(&mut self, bytes: &[u8]) -> Result<Vec<Node>, Fault> {
        let number = self.size();
        let entry = Entry::parse(bytes).map_err(|source| Fault::Form { number, source })?;
        if self.last_at.is_some_and(|last| entry.at < last) {
            return Err(Fault::BackInTime { number });
        }
        self.first_at.get_or_insert(entry.at);
        self.last_at = Some(entry.at);
        Ok(self.frontier.push(leaf_hash(bytes)))
    }

    /// Compares the entries so far with what was signed.
    ///
    /// # Errors
    /// If there are more or fewer, or their root is another.
    pub fn against(self, signed: &Checkpoint) -> Result<Verified, Fault> {
        let (size, root) = (self.size(), self.frontier.root());
        if size < signed.size {
            return Err(Fault::Missing { number: size });
        }
        if size > signed.size {
            return Err(Fault::Surplus { number: signed.size });
        }
        if root != signed.root {
            return Err(Fault::Root);
        }
        Ok(Verified {
            size,
            root,
            first_at: self.first_at,
            last_at: self.last_at,
        })
    }
}
