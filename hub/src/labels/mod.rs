//! The labels index: the headers of live signals by person, by address and by area, newest first.
//! Each index row carries the whole header, so a question is one range scan, or for an area that holds others, and for a person
//! of several records, one for each of them, merged; and what was read for earlier questions need not be read again.
//! Never holds content; never decides.

mod memory;
mod merge;
#[cfg(test)]
mod tests;

use std::{cmp::Ordering, ops::ControlFlow, sync::Arc};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    model::{AreaCode, Header, Labelled, PersonId, SignalId, Sort},
    store::{Counted, Error, Txn, after_prefix, row},
    tables,
};
use memory::Memory;
use merge::Rows;

/// A day in microseconds.
const DAY: i64 = 24 * 60 * 60 * 1_000_000;

/// Finds headers. Remembers what it read, as long as it holds.
#[derive(Debug)]
pub struct Index {
    store: Arc<Counted>,
    memory: Memory,
}

/// Where to look: whose or what place's signals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Locus {
    /// An address, by its keyed hash.
    Address([u8; 16]),
    /// An area: itself and every area within it, each once. A signal is indexed under the smallest area that is known.
    Area(Arc<[AreaCode]>),
    /// Somebody whom the hub does not know: there is nothing.
    Nobody,
    /// A person, by every record that the hub has of them. A signal is indexed under one of those.
    Person(Arc<[PersonId]>),
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

/// A signal that was found. What each look at it needs lies beside it, so that a look at many does not go to the labels of
/// each, which lie all over the memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its labels.
    pub labelled: Labelled,
    /// Its place in the answer.
    pub position: Position,
    /// Whom it is about.
    pub person: Option<PersonId>,
    lapses_at: Timestamp,
}

/// Puts a signal into the index. An earlier version of it must have been removed.
///
/// # Errors
/// If the header cannot be encoded.
pub fn put(txn: &mut Txn<'_>, header: &Header) -> Result<(), Error> {
    let value = row::encode(tables::LABEL_PERSON, header)?;
    for prefix in prefixes(header) {
        txn.put(key(&prefix, &Position::of(header)), value.clone());
    }
    Ok(())
}

/// Takes a signal with this header out of the index.
pub fn remove(txn: &mut Txn<'_>, header: &Header) {
    for prefix in prefixes(header) {
        txn.delete(key(&prefix, &Position::of(header)));
    }
}

impl Index {
    /// The index in this store.
    pub fn new(store: Arc<Counted>) -> Self {
        Self {
            store,
            memory: Memory::empty(),
        }
    }

    /// Visits the headers of a locus that are in the window and have not lapsed, newest first, from after a position on.
    ///
    /// # Errors
    /// If the store fails or a row cannot be read: what was visited until then is then not the whole answer.
    pub fn scan(
        &self,
        locus: &Locus,
        window: Window,
        after: Option<Position>,
        mut visit: impl FnMut(&Found) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        let rows = locus
            .prefixes()
            .into_iter()
            .map(|prefix| self.rows(locus, &prefix, window, after));
        let rows = rows.collect::<Result<Vec<_>, _>>()?;
        merge::newest_first(&*self.store, rows, &mut |row| match row.lapses_at <= window.now {
            true => ControlFlow::Continue(()),
            false => visit(row),
        })
    }

    /// The rows under a prefix that are in the window and after a position.
    fn rows(&self, locus: &Locus, prefix: &[u8], window: Window, after: Option<Position>) -> Result<Rows, Error> {
        let (since, until) = (
            window.since.map(Timestamp::as_microsecond),
            window.until.map(Timestamp::as_microsecond),
        );
        // An area is remembered by whole days, so that a window that moves on with the clock finds what the last one read.
        let reach = match (locus, since) {
            (Locus::Area(_), Some(since)) => since.saturating_sub(since.rem_euclid(DAY)),
            _ => i64::MIN,
        };
        let list = self.memory.list(&self.store, prefix, reach)?;
        let (start, end) = (list.start(until, after), list.end(since));
        let (from, to) = range(prefix, window, after);
        let rest = list
            .rest(prefix)
            .map(|rest| (rest.max(from), to))
            .filter(|(from, to)| from < to);
        Ok(Rows::of(list, (start, end), rest))
    }
}

impl Locus {
    /// Whether a signal with these labels would be found here.
    pub fn holds(&self, header: &Header) -> bool {
        match self {
            Self::Address(address) => header.address == Some(*address),
            Self::Area(within) => header.area.as_ref().is_some_and(|area| within.contains(area)),
            Self::Nobody => false,
            Self::Person(records) => header.person.is_some_and(|person| records.contains(&person)),
        }
    }

    fn prefixes(&self) -> Vec<Vec<u8>> {
        match self {
            Self::Address(address) => vec![prefix(tables::LABEL_ADDRESS, address)],
            Self::Area(within) => within.iter().map(area_prefix).collect(),
            Self::Nobody => Vec::new(),
            Self::Person(records) => records
                .iter()
                .map(|record| prefix(tables::LABEL_PERSON, &record.0))
                .collect(),
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

impl Found {
    /// A signal with these labels, of this sort.
    fn of(header: Header, sort: Arc<Sort>) -> Self {
        Self {
            position: Position::of(&header),
            person: header.person,
            lapses_at: header.lapses_at,
            labelled: Labelled {
                header: Arc::new(header),
                sort,
            },
        }
    }
}

/// The order of an answer: newest first.
impl Ord for Position {
    fn cmp(&self, other: &Self) -> Ordering {
        other.occurred.cmp(&self.occurred).then(self.signal.cmp(&other.signal))
    }
}

impl PartialOrd for Position {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The keys under a prefix that are in the window and after a position.
fn range(prefix: &[u8], window: Window, after: Option<Position>) -> (Vec<u8>, Vec<u8>) {
    let newest = window.until.map(|until| with_time(prefix, until.as_microsecond() - 1));
    let from = match after {
        Some(position) => successor(key(prefix, &position)),
        None => newest.clone().unwrap_or_else(|| prefix.to_vec()),
    };
    let to = match window.since {
        Some(since) => after_prefix(&with_time(prefix, since.as_microsecond())),
        None => after_prefix(prefix),
    };
    (from.max(newest.unwrap_or_default()), to)
}

fn prefixes(header: &Header) -> Vec<Vec<u8>> {
    let person = header.person.map(|person| prefix(tables::LABEL_PERSON, &person.0));
    let address = header.address.map(|address| prefix(tables::LABEL_ADDRESS, &address));
    let area = header.area.as_ref().map(area_prefix);
    person.into_iter().chain(address).chain(area).collect()
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
