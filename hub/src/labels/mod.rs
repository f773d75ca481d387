//! The labels index: the headers of live signals by person, by address and by area, newest first.
//! Each index row carries the whole header, so a question is one range scan. Never holds content; never decides.

#[cfg(test)]
mod tests;

use std::ops::ControlFlow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    model::{AreaCode, Header, PersonId, SignalId},
    store::{Error, Read, Txn, after_prefix, row},
    tables,
};

/// What the hub holds about a signal apart from its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The labels of the newest version.
    pub header: Header,
    /// The areas under which it is indexed.
    pub areas: Vec<AreaCode>,
    /// Whether its owner took it back.
    pub retracted: bool,
}

/// Where to look: whose or what place's signals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Locus {
    /// An address, by its keyed hash.
    Address([u8; 16]),
    /// An area.
    Area(AreaCode),
    /// Somebody whom the hub does not know: there is nothing.
    Nobody,
    /// A person.
    Person(PersonId),
}

/// Which part of the index to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Only what happened at or after this.
    pub since: Option<Timestamp>,
    /// Only what happened before this.
    pub until: Option<Timestamp>,
    /// Only what has not lapsed by now.
    pub now: Timestamp,
}

/// A place in an answer: after the signal of this time and id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    occurred: i64,
    signal: SignalId,
}

/// Puts a signal into the index, in place of any earlier version.
///
/// # Errors
/// If the store fails.
pub fn put(txn: &mut Txn<'_>, header: Header, areas: Vec<AreaCode>) -> Result<(), Error> {
    remove(txn, header.id)?;
    let value = row::encode(tables::LABEL_PERSON, &header)?;
    for prefix in prefixes(&header, &areas) {
        txn.put(key(&prefix, &Position::of(&header)), value.clone());
    }
    write_state(
        txn,
        State {
            header,
            areas,
            retracted: false,
        },
    )
}

/// Takes a signal out of the index and marks it as retracted. Gives back its state until then.
///
/// # Errors
/// If the store fails.
pub fn retract(txn: &mut Txn<'_>, signal: SignalId, version: u64) -> Result<Option<State>, Error> {
    let Some(before) = remove(txn, signal)? else {
        return Ok(None);
    };
    let mut after = before.clone();
    after.retracted = true;
    after.header.version = version;
    write_state(txn, after)?;
    Ok(Some(before))
}

/// The state of a signal.
///
/// # Errors
/// If the store fails.
pub fn state(read: &dyn Read, signal: SignalId) -> Result<Option<State>, Error> {
    read.get(&state_key(signal))?
        .map(|bytes| row::decode(tables::SIGNAL, &bytes))
        .transpose()
}

/// Takes a signal that has lapsed out of the index, and forgets that it was. Returns its labels; `None` if it has not lapsed.
///
/// # Errors
/// If the store fails.
pub fn forget(txn: &mut Txn<'_>, signal: SignalId, now: Timestamp) -> Result<Option<Header>, Error> {
    let lapsed = state(txn, signal)?.filter(|state| state.header.lapses_at <= now);
    if lapsed.is_some() {
        remove(txn, signal)?;
        txn.delete(state_key(signal));
    }
    Ok(lapsed.map(|state| state.header))
}

/// Visits the state of every signal after one, in order of their ids.
///
/// # Errors
/// If the store fails or a row cannot be read.
pub fn each(
    read: &dyn Read,
    after: Option<SignalId>,
    mut visit: impl FnMut(State) -> ControlFlow<()>,
) -> Result<(), Error> {
    let from = after.map_or_else(|| vec![tables::SIGNAL], |after| successor(state_key(after)));
    let mut broken = None;
    read.scan(
        &from,
        &after_prefix(&[tables::SIGNAL]),
        &mut |_, value| match row::decode(tables::SIGNAL, value) {
            Ok(state) => visit(state),
            Err(why) => {
                broken = Some(why);
                ControlFlow::Break(())
            }
        },
    )?;
    broken.map_or(Ok(()), Err)
}

/// Visits the headers of a locus that are in the window and have not lapsed, newest first, from after a position on.
///
/// # Errors
/// If the store fails or a row cannot be read: what was visited until then is then not the whole answer.
pub fn scan(
    read: &dyn Read,
    locus: &Locus,
    window: Window,
    after: Option<Position>,
    mut visit: impl FnMut(Header) -> ControlFlow<()>,
) -> Result<(), Error> {
    let Some(prefix) = locus.prefix() else {
        return Ok(());
    };
    let newest = window.until.map(|until| with_time(&prefix, until.as_microsecond() - 1));
    let from = match after {
        Some(position) => successor(key(&prefix, &position)),
        None => newest.clone().unwrap_or_else(|| prefix.clone()),
    };
    let from = from.max(newest.unwrap_or_default());
    let to = match window.since {
        Some(since) => after_prefix(&with_time(&prefix, since.as_microsecond())),
        None => after_prefix(&prefix),
    };
    let mut broken = None;
    read.scan(
        &from,
        &to,
        &mut |_, value| match row::decode::<Header>(tables::LABEL_PERSON, value) {
            Ok(header) if header.lapses_at <= window.now => ControlFlow::Continue(()),
            Ok(header) => visit(header),
            Err(why) => {
                broken = Some(why);
                ControlFlow::Break(())
            }
        },
    )?;
    broken.map_or(Ok(()), Err)
}

impl Locus {
    /// Whether a signal would be found here.
    pub fn holds(&self, state: &State) -> bool {
        match self {
            Self::Address(address) => state.header.address == Some(*address),
            Self::Area(area) => state.areas.contains(area),
            Self::Nobody => false,
            Self::Person(person) => state.header.person == Some(*person),
        }
    }

    fn prefix(&self) -> Option<Vec<u8>> {
        match self {
            Self::Address(address) => Some(prefix(tables::LABEL_ADDRESS, address)),
            Self::Area(area) => Some(area_prefix(area)),
            Self::Nobody => None,
            Self::Person(person) => Some(prefix(tables::LABEL_PERSON, &person.0)),
        }
    }
}

impl Window {
    /// Whether a signal happened in it and has not lapsed.
    pub fn holds(&self, header: &Header) -> bool {
        self.since.is_none_or(|since| since <= header.occurred_at)
            && self.until.is_none_or(|until| header.occurred_at < until)
            && self.now < header.lapses_at
    }
}

impl Position {
    /// The place of a signal.
    pub fn of(header: &Header) -> Self {
        Self {
            occurred: header.occurred_at.as_microsecond(),
            signal: header.id,
        }
    }
}

fn remove(txn: &mut Txn<'_>, signal: SignalId) -> Result<Option<State>, Error> {
    let before = state(txn, signal)?;
    if let Some(state) = &before {
        for prefix in prefixes(&state.header, &state.areas) {
            txn.delete(key(&prefix, &Position::of(&state.header)));
        }
    }
    Ok(before)
}

fn write_state(txn: &mut Txn<'_>, state: State) -> Result<(), Error> {
    let value = row::encode(tables::SIGNAL, &state)?;
    txn.put(state_key(state.header.id), value);
    Ok(())
}

fn state_key(signal: SignalId) -> Vec<u8> {
    prefix(tables::SIGNAL, &signal.0)
}

fn prefixes(header: &Header, areas: &[AreaCode]) -> Vec<Vec<u8>> {
    let person = header.person.map(|person| prefix(tables::LABEL_PERSON, &person.0));
    let address = header.address.map(|address| prefix(tables::LABEL_ADDRESS, &address));
    person
        .into_iter()
        .chain(address)
        .chain(areas.iter().map(area_prefix))
        .collect()
}

fn area_prefix(area: &AreaCode) -> Vec<u8> {
    let mut bytes = prefix(tables::LABEL_AREA, area.as_str().as_bytes());
    bytes.push(0);
    bytes
}

fn prefix(table: u8, id: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(1 + id.len() + 24);
    bytes.push(table);
    bytes.extend_from_slice(id);
    bytes
}

fn key(prefix: &[u8], position: &Position) -> Vec<u8> {
    let mut bytes = with_time(prefix, position.occurred);
    bytes.extend_from_slice(&position.signal.0);
    bytes
}

/// Times in descending order: the newest has the smallest bytes.
fn with_time(prefix: &[u8], micros: i64) -> Vec<u8> {
    let ascending = micros.cast_unsigned() ^ (1 << 63);
    let mut bytes = prefix.to_vec();
    bytes.extend_from_slice(&(!ascending).to_be_bytes());
    bytes
}

fn successor(mut key: Vec<u8>) -> Vec<u8> {
    key.push(0);
    key
}
