//! The append-only record of every decision: entries in a Merkle tree whose head is signed.
//! Never holds the content of a signal, and has no function that changes or drops an entry.
//!
//! The format, for those who check it without this program, is in `FORMAT.md`.

pub mod concern;
pub mod held;
mod index;
mod packed;
mod period;
mod prepared;
pub mod read;
mod rotation;
mod rows;
#[cfg(test)]
mod samples;
mod stored;
#[cfg(test)]
mod tests;
pub mod verify;

use jiff::Timestamp;
use parking_lot::Mutex;

#[cfg(test)]
pub(crate) use index::forget_mention;
pub use period::{Period, first_at_or_after};
pub use placehub_ledger::{
    Change, Checkpoint, Class, Commitment, Entry, EntryInvalid, Hex, Hidden, LONGEST, Near, NoteInvalid, Refusal,
    Remainder, Shown, Signer, Subject, Touched, VerifierKey, WitnessKey, tree, witness,
};

pub use prepared::Prepared;
pub use rotation::{Unchanged, check_key, last_rotation, rotate};

use crate::store::{self, Committed, Txn};
use stored::{LastTail, Tail};

/// Writes the ledger of this node of the hub and signs its head.
#[derive(Debug)]
pub struct Ledger {
    signer: Signer,
    waiting: index::Waiting,
    packer: Mutex<packed::Packer>,
    tail: LastTail,
}

/// Evidence that an entry is in a transaction. It becomes a [`Receipt`] once that is durable.
#[derive(Debug)]
#[must_use = "nothing may be shown without the receipt that this becomes"]
pub struct Entered {
    number: u64,
}

/// Evidence that a decision is in the ledger, on the disk. There is no other way to make one.
#[derive(Debug)]
#[must_use = "a receipt is what a permit is made of"]
pub struct Receipt<D> {
    number: u64,
    decision: D,
}

/// Why the ledger could not be written or read. Nothing may then be disclosed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A proof was asked of an entry or a size that the ledger does not have.
    #[error("the ledger has no such entry or size")]
    Beyond,
    /// The entry is not one that the ledger takes.
    #[error("the entry cannot be written")]
    Entry(#[source] EntryInvalid),
    /// The stored checkpoint cannot be read.
    #[error("the stored checkpoint cannot be read")]
    Checkpoint(#[source] NoteInvalid),
    /// The store failed, or a row in it cannot be read.
    #[error("the ledger's rows could not be read or written")]
    Store(#[source] store::Error),
    /// The stored rows contradict each other.
    #[error("the stored ledger contradicts itself: {0}")]
    Torn(&'static str),
}

impl Ledger {
    /// The ledger whose head this signer signs. The signer's name is the ledger's origin, for ever.
    pub fn new(signer: Signer) -> Self {
        Self {
            signer,
            waiting: index::Waiting::unknown(),
            packer: Mutex::default(),
            tail: LastTail::default(),
        }
    }

    /// What others need to check the checkpoints.
    pub fn verifier_key(&self) -> &VerifierKey {
        self.signer.verifier_key()
    }

    /// Appends an entry, and lists it for each subject that it concerns.
    /// Its time becomes that of the last entry, if that was later: the ledger's time never goes back.
    ///
    /// # Errors
    /// If the entry contradicts itself, or the stored tail cannot be read. The transaction must then be dropped.
    pub fn enter(&self, txn: &mut Txn<'_>, entry: Entry, concerns: &[[u8; 16]]) -> Result<Entered, Error> {
        self.append(txn, Prepared::of(&entry).map_err(Error::Entry)?, concerns)
    }

    /// As [`Ledger::enter`], of an entry that was made ready before.
    ///
    /// # Errors
    /// As for [`Ledger::enter`].
    pub fn append(&self, txn: &mut Txn<'_>, entry: Prepared, concerns: &[[u8; 16]]) -> Result<Entered, Error> {
        let tail = self.tail.load(txn)?;
        let at = tail.at.map_or(entry.at(), |last| entry.at().max(last));
        let entry = entry.at_time(at).map_err(Error::Entry)?;
        let number = tail.append(txn, entry, &self.tail)?;
        index::note(txn, number, concerns);
        Ok(Entered { number })
    }

    /// Signs the head, if there are entries that the stored checkpoint does not speak for, and puts the index in order.
    /// To be called on each batch before it is committed, so that no entry is durable without a checkpoint over it.
    ///
    /// # Errors
    /// If the stored checkpoint is of another origin, ahead of the tail, or of another tree: whoever signed then would
    /// sign a rolled back or forked ledger (C2SP tlog-checkpoint forbids it). The batch must then be dropped.
    pub fn seal(&self, txn: &mut Txn<'_>) -> Result<(), Error> {
        self.waiting.gather(txn)?;
        let Tail { frontier, .. } = self.tail.load(txn)?;
        let stored = match read::checkpoint(txn)? {
            Some(note) => Some(Checkpoint::read_unverified(&note).map_err(Error::Checkpoint)?),
            None => None,
        };
        if let Some(stored) = &stored {
            if stored.origin != self.signer.verifier_key().name() {
                return Err(Error::Torn("the checkpoint is of another origin"));
            }
            if stored.size > frontier.size() {
                return Err(Error::Torn("the checkpoint is ahead of the tail"));
            }
            if stored.size == frontier.size() && stored.root != frontier.root() {
                return Err(Error::Torn("the checkpoint is of another tree"));
            }
        }
        if stored.map_or(0, |stored| stored.size) < frontier.size() {
            let note = Checkpoint::sign(&self.signer, frontier.size(), &frontier.root());
            txn.put(stored::checkpoint_key(), note.into_bytes());
        }
        Ok(())
    }

    /// Completes a batch, just before its commit: seals it, and packs its entries. Nothing may be entered after.
    ///
    /// # Errors
    /// As for [`Ledger::seal`].
    pub fn complete(&self, txn: &mut Txn<'_>) -> Result<(), store::Error> {
        self.seal(txn).map_err(|why| store::Error::Engine {
            doing: "sign the ledger's head",
            source: Box::new(why),
        })?;
        self.packer.lock().pack(txn);
        Ok(())
    }

    /// Hands the ledger over to another key of the same name, for ever: an entry tells it, and the checkpoint over that
    /// entry is signed by both keys and kept beside the ledger, so that who knows the old key can follow.
    /// Returns the ledger under its new key. The transaction must hold nothing else.
    ///
    /// # Errors
    /// If the new key has another name or is the old one, or the ledger is not one that the old key signed.
    pub fn hand_over(self, txn: &mut Txn<'_>, to: Signer, by: &str, now: Timestamp) -> Result<Self, Error> {
        let (old, new) = (self.signer.verifier_key(), to.verifier_key());
        if old.name() != new.name() || old == new {
            return Err(Error::Checkpoint(NoteInvalid::Origin));
        }
        if let Some(note) = read::checkpoint(txn)? {
            Checkpoint::open(&note, old).map_err(Error::Checkpoint)?;
        }
        let entry = Entry {
            allowed: true,
            change: Some(Change {
                from: old.to_string(),
                to: new.to_string(),
                by: by.to_owned(),
                ..Change::default()
            }),
            ..Entry::new(now, verify::KEY_ROTATED)
        };
        let _entered = self.enter(txn, entry, &[])?;
        self.seal(txn)?;
        let frontier = Tail::load(txn)?.frontier;
        let by_old = read::checkpoint(txn)?.ok_or(Error::Torn("the ledger was not sealed"))?;
        let by_new = Checkpoint::sign(&to, frontier.size(), &frontier.root());
        let both = Checkpoint::join(&by_new, &by_old)
            .map_err(Error::Checkpoint)?
            .into_bytes();
        txn.put(stored::handover_key(frontier.size()), both.clone());
        txn.put(stored::checkpoint_key(), both);
        Ok(Self::new(to))
    }
}

impl Entered {
    /// The entry's number, from 0.
    pub fn number(&self) -> u64 {
        self.number
    }
}

impl<D> Receipt<D> {
    /// The receipt of a decision whose entry is durable.
    pub fn new(committed: Committed<(Entered, D)>) -> Self {
        Self::made(committed.into_inner())
    }

    /// The entry's number, from 0.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// What was decided.
    pub fn decision(&self) -> &D {
        &self.decision
    }

    /// What was decided, for its one use.
    pub fn into_decision(self) -> D {
        self.decision
    }

    fn made((Entered { number }, decision): (Entered, D)) -> Self {
        Self { number, decision }
    }
}
