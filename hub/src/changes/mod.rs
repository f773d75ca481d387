//! The change log: what open watches must look at again, and what each of them has on its reader's screen.
//! Carries ids and labels only, and wakes; never content, never a decision.

pub mod screen;

use std::ops::ControlFlow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::{
    model::{PersonId, SignalId},
    store::{Error, Read, Txn, row, scan_prefix},
    tables,
};

/// Something that may change what a watch shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// A person said something about sharing, turned out to be somebody else too or no longer, or has died.
    Person(PersonId),
    /// A signal was kept, corrected, taken back or forgotten.
    Signal(SignalId),
}

/// Wakes open watches after a commit that announced itself, and says up to which change the log is durable.
#[derive(Debug, Clone)]
pub struct Bell(watch::Sender<u64>);

impl Bell {
    /// A bell that nobody listens to yet. The log is durable up to change number `serial`.
    pub fn new(serial: u64) -> Self {
        Self(watch::Sender::new(serial))
    }

    /// Wakes everyone who listens: the log is durable up to change number `serial`.
    pub fn ring(&self, serial: u64) {
        self.0.send_replace(serial);
    }

    /// Listens from now on.
    pub fn listen(&self) -> watch::Receiver<u64> {
        self.0.subscribe()
    }
}

/// Adds a change to the log and has watches woken once it is durable.
///
/// # Errors
/// If the store fails.
pub fn record(txn: &mut Txn<'_>, change: Change, at: Timestamp) -> Result<(), Error> {
    let serial = last(txn)? + 1;
    let value = row::encode(tables::CHANGE, &(change, at.as_microsecond()))?;
    txn.put(change_key(serial), value);
    txn.put(serial_key(), serial.to_be_bytes().to_vec());
    txn.announce();
    Ok(())
}

/// The number of the newest change; 0 if there was none.
///
/// # Errors
/// If the store fails.
pub fn last(read: &dyn Read) -> Result<u64, Error> {
    read.get(&serial_key())?.map_or(Ok(0), |bytes| number(&bytes))
}

/// The next change after number `serial`, with its own number.
///
/// # Errors
/// If the store fails.
pub fn next(read: &dyn Read, serial: u64) -> Result<Option<(u64, Change)>, Error> {
    let mut found = None;
    read.scan(&change_key(serial + 1), &change_key(u64::MAX), &mut |key, value| {
        let at = key.get(1..).map_or(Ok(0), number);
        let change = row::decode::<(Change, i64)>(tables::CHANGE, value);
        found = Some(at.and_then(|at| Ok((at, change?.0))));
        ControlFlow::Break(())
    })?;
    found.transpose()
}

/// Forgets up to `most` changes from before a time. No watch lives that long: whoever resumes looks at everything.
/// The newest change stays, so that numbers are never used twice. Says how many were forgotten.
///
/// # Errors
/// If the store fails.
pub fn forget(txn: &mut Txn<'_>, before: Timestamp, most: usize) -> Result<usize, Error> {
    let mut old = Vec::new();
    let mut broken = None;
    let newest = change_key(last(txn)?);
    scan_prefix(
        txn,
        &[tables::CHANGE],
        &mut |key, value| match row::decode::<(Change, i64)>(tables::CHANGE, value) {
            Ok((_, at)) if at < before.as_microsecond() && key != newest && old.len() < most => {
                old.push(key.to_vec());
                ControlFlow::Continue(())
            }
            Ok(_) => ControlFlow::Break(()),
            Err(why) => {
                broken = Some(why);
                ControlFlow::Break(())
            }
        },
    )?;
    broken.map_or(Ok(()), Err)?;
    let count = old.len();
    old.into_iter().for_each(|key| txn.delete(key));
    Ok(count)
}

fn change_key(serial: u64) -> Vec<u8> {
    [&[tables::CHANGE], &serial.to_be_bytes()[..]].concat()
}

fn serial_key() -> Vec<u8> {
    [&[tables::SINGLE], &b"changes.last"[..]].concat()
}

fn number(bytes: &[u8]) -> Result<u64, Error> {
    let bytes = bytes.try_into().map_err(|_| Error::Corrupt {
        table: char::from(tables::SINGLE),
        why: "a number is not eight bytes",
    })?;
    Ok(u64::from_be_bytes(bytes))
}
