//! The one row of a signal: which version is known, its labels, and its content as it was sealed.
//! Opens nothing and decides nothing.
//!
//! A signal's id is a keyed hash of how its owner names it, so that the row is found from a push without a row that points
//! to it. What was taken back, or has lapsed, leaves its version behind, so that pushing it again changes nothing.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use crate::{
    model::{Header, SignalId},
    store::{Error, Read, Txn, after_prefix, row},
    tables,
};

/// What the hub holds about a signal apart from its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// The labels of the newest version.
    pub header: Header,
    /// Whether its owner took it back.
    pub retracted: bool,
}

/// What is known of a signal whatever became of it: the first part of its row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Known {
    /// The highest version that was pushed or taken back.
    pub(super) version: u64,
    /// A keyed hash of what was pushed under that version.
    pub(super) content: [u8; 32],
    /// Whether that version took it back.
    pub(super) retracted: bool,
    /// Whether it was ever pushed.
    pub(super) exists: bool,
}

/// The whole row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) known: Known,
    /// The sealed content; empty once it was taken back or has lapsed.
    pub(super) sealed: Vec<u8>,
    /// The labels; `None` once it has lapsed, or if it was taken back before it was pushed.
    pub(super) header: Option<Header>,
}

impl Record {
    /// The row of a signal, if there is one.
    ///
    /// # Errors
    /// If the store fails or the row cannot be read.
    pub(super) fn of(read: &dyn Read, signal: SignalId) -> Result<Option<Self>, Error> {
        read.get(&key(signal))?.map(|bytes| Self::decode(&bytes)).transpose()
    }

    /// Puts it in the place of what was there.
    ///
    /// # Errors
    /// If it cannot be encoded.
    pub(super) fn put(&self, txn: &mut Txn<'_>, signal: SignalId) -> Result<(), Error> {
        let value = row::encode(tables::SIGNAL, &(&self.known, &self.sealed, &self.header))?;
        txn.put(key(signal), value);
        Ok(())
    }

    /// What is in the labels index of it.
    pub(super) fn indexed(&self) -> Option<&Header> {
        self.header.as_ref().filter(|_| !self.known.retracted)
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let (known, sealed, header): (_, &[u8], _) = row::split(tables::SIGNAL, bytes)?.0;
        Ok(Self {
            known,
            sealed: sealed.to_vec(),
            header,
        })
    }
}

/// What is known of a signal, and its sealed content, without reading its labels.
///
/// # Errors
/// If the row cannot be read.
pub(super) fn content(bytes: &[u8]) -> Result<(Known, &[u8]), Error> {
    Ok(row::split(tables::SIGNAL, bytes)?.0)
}

/// The state of a signal. None if there is no such signal, or it has lapsed and was forgotten.
///
/// # Errors
/// If the store fails or the row cannot be read.
pub fn state(read: &dyn Read, signal: SignalId) -> Result<Option<State>, Error> {
    read.get(&key(signal))?.map_or(Ok(None), |bytes| state_of(&bytes))
}

/// Visits the state of every signal after one that has not been forgotten, in order of their ids, and of no more than
/// `most`. Gives after which one to go on; `None` at the end.
///
/// # Errors
/// If the store fails or a row cannot be read.
pub fn each(
    read: &dyn Read,
    after: Option<SignalId>,
    most: usize,
    mut visit: impl FnMut(State),
) -> Result<Option<SignalId>, Error> {
    let from = after.map_or_else(|| vec![tables::SIGNAL], |after| [&key(after)[..], &[0]].concat());
    let (mut seen, mut last, mut broken) = (0, None, None);
    read.scan(&from, &after_prefix(&[tables::SIGNAL]), &mut |key, value| {
        match state_of(value) {
            Ok(state) => state.into_iter().for_each(&mut visit),
            Err(why) => broken = Some(why),
        }
        seen += 1;
        if broken.is_none() && seen < most {
            return ControlFlow::Continue(());
        }
        last = key.get(1..).and_then(|id| id.try_into().ok()).map(SignalId);
        ControlFlow::Break(())
    })?;
    broken.map_or(Ok(last), Err)
}

/// Key of the row of a signal.
pub(super) fn key(signal: SignalId) -> Vec<u8> {
    [&[tables::SIGNAL], &signal.0[..]].concat()
}

fn state_of(bytes: &[u8]) -> Result<Option<State>, Error> {
    let (known, _, header): (Known, &[u8], Option<Header>) = row::split(tables::SIGNAL, bytes)?.0;
    let retracted = known.retracted;
    Ok(header.map(|header| State { header, retracted }))
}
