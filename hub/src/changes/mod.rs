//! The change log: what open watches must look at again, and what each of them has shown.
//! Carries ids and labels only, and wakes; never content, never a decision.

use std::ops::ControlFlow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::{
    model::{AgencyId, Level, PersonId, SignalId},
    store::{Error, Read, Txn, row, scan_prefix},
    tables,
};

/// Something that may change what a watch shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// A person said something about sharing.
    Consent(PersonId),
    /// A signal was kept, corrected or taken back.
    Signal(SignalId),
}

/// What a watch has shown of a signal. Numbers are the watch's own count of events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownRow {
    /// Owner of the signal.
    pub owner: AgencyId,
    /// Which version was shown.
    pub version: u64,
    /// How much of it.
    pub level: Level,
    /// The event that showed it.
    pub shown: u64,
    /// The event that hid it again, if one did.
    pub hidden: Option<u64>,
    /// When this row was written.
    #[serde(with = "jiff::fmt::serde::timestamp::microsecond::required")]
    pub at: Timestamp,
}

/// Wakes open watches after a commit that announced itself.
#[derive(Debug, Clone)]
pub struct Bell(watch::Sender<()>);

impl Bell {
    /// A bell that nobody listens to yet.
    pub fn new() -> Self {
        Self(watch::Sender::new(()))
    }

    /// Wakes everyone who listens.
    pub fn ring(&self) {
        self.0.send_replace(());
    }

    /// Listens from now on.
    pub fn listen(&self) -> watch::Receiver<()> {
        self.0.subscribe()
    }
}

impl Default for Bell {
    fn default() -> Self {
        Self::new()
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

/// The number of the oldest change that the log still holds, if any.
///
/// # Errors
/// If the store fails.
pub fn first(read: &dyn Read) -> Result<Option<u64>, Error> {
    let mut first = None;
    scan_prefix(read, &[tables::CHANGE], &mut |key, _| {
        first = key.get(1..).map(number);
        ControlFlow::Break(())
    })?;
    first.transpose()
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

/// What a watch has shown, by signal.
///
/// # Errors
/// If the store fails.
pub fn shown(read: &dyn Read, watch: [u8; 16]) -> Result<Vec<(SignalId, ShownRow)>, Error> {
    let mut rows = Vec::new();
    scan_prefix(read, &[&[tables::SHOWN], &watch[..]].concat(), &mut |key, value| {
        rows.push((key.to_vec(), value.to_vec()));
        ControlFlow::Continue(())
    })?;
    rows.into_iter()
        .map(|(key, value)| {
            let id = key.get(17..).and_then(|id| id.try_into().ok()).ok_or(Error::Corrupt {
                table: char::from(tables::SHOWN),
                why: "its key is not a watch and a signal",
            })?;
            Ok((SignalId(id), row::decode(tables::SHOWN, &value)?))
        })
        .collect()
}

/// Writes what a watch has shown of a signal.
///
/// # Errors
/// If the store fails.
pub fn set_shown(txn: &mut Txn<'_>, watch: [u8; 16], signal: SignalId, shown: &ShownRow) -> Result<(), Error> {
    let value = row::encode(tables::SHOWN, shown)?;
    txn.put([&[tables::SHOWN], &watch[..], &signal.0[..]].concat(), value);
    Ok(())
}

/// Dates what a watch has shown anew, so that it is not forgotten while the watch goes on.
///
/// # Errors
/// If the store fails.
pub fn renew(txn: &mut Txn<'_>, watch: [u8; 16], now: Timestamp) -> Result<(), Error> {
    for (signal, row) in shown(txn, watch)? {
        set_shown(txn, watch, signal, &ShownRow { at: now, ..row })?;
    }
    Ok(())
}

/// Forgets changes, and what watches have shown, from before a time. A cursor from before it can no longer be resumed.
///
/// # Errors
/// If the store fails.
pub fn forget(txn: &mut Txn<'_>, before: Timestamp) -> Result<(), Error> {
    let mut old = Vec::new();
    let mut broken = None;
    let newest = last(txn)?;
    scan_prefix(
        txn,
        &[tables::CHANGE],
        &mut |key, value| match row::decode::<(Change, i64)>(tables::CHANGE, value) {
            Ok((_, at)) if at < before.as_microsecond() && key != change_key(newest) => {
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
    scan_prefix(txn, &[tables::SHOWN], &mut |key, value| {
        match row::decode::<ShownRow>(tables::SHOWN, value) {
            Ok(shown) if shown.at < before => old.push(key.to_vec()),
            Ok(_) => {}
            Err(why) => broken = Some(why),
        }
        ControlFlow::Continue(())
    })?;
    old.into_iter().for_each(|key| txn.delete(key));
    broken.map_or(Ok(()), Err)
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
