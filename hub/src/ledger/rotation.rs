//! The change of the ledger's key, of a store that nothing else is writing. Never makes a key, and never stores one.

use std::sync::Arc;

use jiff::Timestamp;

use super::{Change, Checkpoint, Entry, Error, Ledger, Signer, VerifierKey, read, verify::KEY_ROTATED};
use crate::store::{Committer, Hooks, Read, Store, Unwritten};

/// Why the key was not changed.
#[derive(Debug, thiserror::Error)]
pub enum Unchanged {
    /// The ledger cannot be handed over.
    #[error("the ledger cannot be handed over to this key")]
    Ledger(#[source] Error),
    /// The store failed; whether the key was changed can be told by trying again.
    #[error("the change of keys could not be written")]
    Unwritten(#[source] Unwritten),
}

/// Hands the ledger of a store over from one key to another. If that has been done already, it stays so.
///
/// # Errors
/// If the ledger is not one of the old key, or the store fails.
pub async fn rotate(store: Arc<dyn Store>, from: Signer, to: Signer, now: Timestamp) -> Result<(), Unchanged> {
    if check_key(&*store, to.verifier_key()).is_ok() && read::checkpoint(&*store).is_ok_and(|note| note.is_some()) {
        return Ok(());
    }
    check_key(&*store, from.verifier_key()).map_err(Unchanged::Ledger)?;
    let hooks = Hooks {
        // The handover seals itself, with both keys.
        seal: Box::new(|_| Ok(())),
        committed: Box::new(|_| ()),
    };
    let committer = Committer::start(store, hooks).map_err(|why| Unchanged::Ledger(Error::Store(why)))?;
    let done = committer
        .commit(move |txn| Ledger::new(from).hand_over(txn, to, "rotate-key", now))
        .await;
    committer.stop().await;
    done.map_err(Unchanged::Unwritten)?.map_err(Unchanged::Ledger)?;
    Ok(())
}

/// Checks that a ledger can be gone on with under this key: that it signed the stored checkpoint, and has not been handed
/// over to another since.
///
/// # Errors
/// If not, or if the rows cannot be read.
pub fn check_key(read: &dyn Read, key: &VerifierKey) -> Result<(), Error> {
    if let Some(note) = read::checkpoint(read)? {
        Checkpoint::open(&note, key).map_err(Error::Checkpoint)?;
    }
    match last_rotation(read)? {
        Some(change) if change.to != key.to_string() => Err(Error::Torn("it was handed over to another key")),
        _ => Ok(()),
    }
}

/// From which key to which the ledger was handed over last; none if it never was.
///
/// # Errors
/// If the rows cannot be read, or the handover is not over the entry that tells it.
pub fn last_rotation(read: &dyn Read) -> Result<Option<Change>, Error> {
    let Some(handover) = read::handovers(read)?.pop() else {
        return Ok(None);
    };
    // The handover speaks for the entry that tells it, and for none after that.
    let size = Checkpoint::read_unverified(&handover).map_err(Error::Checkpoint)?.size;
    let bytes = match size.checked_sub(1) {
        Some(number) => read::entry(read, number)?,
        None => None,
    };
    let told = bytes.and_then(|bytes| Entry::parse(&bytes).ok());
    let told = told
        .filter(|entry| entry.action == KEY_ROTATED)
        .and_then(|entry| entry.change);
    let torn = Error::Torn("a handover does not end with the entry that tells it");
    told.map(Some).ok_or(torn)
}
