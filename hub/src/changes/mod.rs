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

/// How many changes share a row at most.
const GATHERED: usize = 64;

/// A change, and when it was made, in microseconds.
type Dated = (Change, i64);

/// Adds a change to the log and has watches woken once it is durable.
///
/// # Errors
/// If the store fails.
pub fn record(txn: &mut Txn<'_>, change: Change, at: Timestamp) -> Result<(), Error> {
    let serial = last(txn)? + 1;
    let value = row::encode(tables::CHANGE, &[(change, at.as_microsecond())].as_slice())?;
    txn.put(change_key(serial), value);
    txn.put(serial_key(), serial.to_be_bytes().to_vec());
    txn.announce(serial);
    Ok(())
}

/// Puts the changes of a batch into as few rows as may be, each under the number of its last change.
/// To be called on each batch before it is committed.
///
/// # Errors
/// If what was recorded cannot be read.
pub fn gather(txn: &mut Txn<'_>) -> Result<(), Error> {
    for rows in txn.take_under(&[tables::CHANGE]).chunks(GATHERED) {
        if let [(key, value)] = rows {
            txn.put(key.clone(), value.clone());
            continue;
        }
        let changes = rows
            .iter()
            .map(|(_, value)| row::decode::<Vec<Dated>>(tables::CHANGE, value));
        let changes: Vec<_> = changes.collect::<Result<_, _>>()?;
        if let Some((last, _)) = rows.last() {
            txn.put(last.clone(), row::encode(tables::CHANGE, &changes.concat())?);
        }
    }
    Ok(())
}

/// The number of the newest change; 0 if there was none.
///
/// # Errors
/// If the store fails.
pub fn last(read: &dyn Read) -> Result<u64, Error> {
    read.get(&serial_key())?.map_or(Ok(0), |bytes| number(&bytes))
}

/// The changes after number `serial`, each with its own number, in order; at least `most` of them, if there are as many.
///
/// # Errors
/// If the store fails.
pub fn after(read: &dyn Read, serial: u64, most: usize) -> Result<Vec<(u64, Change)>, Error> {
    let (mut found, mut broken) = (Vec::new(), None);
    read.scan(&change_key(serial + 1), &change_key(u64::MAX), &mut |key, value| {
        let last = key.get(1..).map_or(Ok(0), number);
        let changes = row::decode::<Vec<Dated>>(tables::CHANGE, value);
        match last.and_then(|last| Ok((last, changes?))) {
            Ok((last, changes)) => {
                let numbers = (0..=last).rev().zip(changes.into_iter().rev());
                let wanted = numbers
                    .take_while(|(at, _)| *at > serial)
                    .map(|(at, (change, _))| (at, change));
                let mut wanted: Vec<_> = wanted.collect();
                found.extend(wanted.drain(..).rev());
            }
            Err(why) => broken = Some(why),
        }
        match broken.is_none() && found.len() < most {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        }
    })?;
    broken.map_or(Ok(found), Err)
}

/// Forgets up to `most` rows of changes from before a time. No watch lives that long: whoever resumes looks at everything.
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
        &mut |key, value| match row::decode::<Vec<Dated>>(tables::CHANGE, value) {
            Ok(changes)
                if changes.iter().all(|(_, at)| *at < before.as_microsecond()) && key != newest && old.len() < most =>
            {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Memory, Store as _};

    fn signal(number: u64) -> Change {
        Change::Signal(SignalId(u128::from(number).to_be_bytes()))
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// A log whose batches have these sizes; change `n` is of signal `n`.
    fn log(batches: &[u64]) -> Memory {
        let memory = Memory::new();
        for size in batches {
            let mut txn = Txn::new(&memory);
            for _ in 0..*size {
                let next = last(&txn).unwrap() + 1;
                record(&mut txn, signal(next), at(next.cast_signed())).unwrap();
            }
            gather(&mut txn).unwrap();
            memory.commit(txn.into_writes()).unwrap();
        }
        memory
    }

    #[test]
    fn every_change_is_found_in_order_however_the_batches_fell() {
        let memory = log(&[1, 3, 200, 0, 1, 64, 65]);
        for serial in 0..334 {
            let expected: Vec<_> = (serial + 1..=334).map(|number| (number, signal(number))).collect();
            assert_eq!(after(&memory, serial, usize::MAX).unwrap(), expected, "after {serial}");
            let first = after(&memory, serial, 1).unwrap();
            assert_eq!(first.first(), expected.first(), "after {serial}");
        }
        assert!(after(&memory, 334, 9).unwrap().is_empty());
    }

    #[test]
    fn a_batch_takes_one_row_for_every_sixty_four_changes() {
        let memory = log(&[200]);
        let mut rows = 0;
        scan_prefix(&memory, &[tables::CHANGE], &mut |_, _| {
            rows += 1;
            ControlFlow::Continue(())
        })
        .unwrap();
        assert_eq!(rows, 4);
    }

    #[test]
    fn what_is_forgotten_is_old_and_never_the_newest() {
        let memory = log(&[10, 10, 10]);
        let forget = |before| {
            let mut txn = Txn::new(&memory);
            let count = forget(&mut txn, at(before), 9).unwrap();
            memory.commit(txn.into_writes()).unwrap();
            count
        };
        assert_eq!(forget(10), 0, "a row goes when all of it is old");
        assert_eq!(forget(11), 1);
        assert_eq!(after(&memory, 0, 1).unwrap().first(), Some(&(11, signal(11))));
        assert_eq!(forget(99), 1);
        assert_eq!(last(&memory).unwrap(), 30);
    }
}
