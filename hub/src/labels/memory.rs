//! The newest rows of a person, an address or an area as they were read for earlier questions, so that they need not be
//! read and decoded again. Never older than what is committed: each list is kept under the stamp of its rows.

use std::{fmt, ops::ControlFlow, sync::Arc};

use quick_cache::{Weighter, sync::Cache};

use super::{Found, Position, key, merge::each};
use crate::{
    model::{Header, Sort},
    store::{Counted, Error, Stamp, after_prefix},
};

/// How many rows of one prefix are remembered at most.
const LONGEST: usize = 1024;
/// Of how many prefixes rows are remembered.
const REMEMBERED: usize = 32_768;
/// How much is remembered: each row counts, and so does each prefix.
const ROWS: u64 = 131_072;
/// How many sorts are remembered.
const SORTS: usize = 8192;

/// The first rows of a prefix: the newest.
#[derive(Debug)]
pub(super) struct List {
    pub(super) rows: Vec<Found>,
    /// The first row that is not in the list; `None` if all are.
    pub(super) rest: Option<Position>,
}

/// Remembers lists. Prints as `Memory(…)`.
pub(super) struct Memory {
    lists: Cache<Vec<u8>, (Stamp, Arc<List>), Weight>,
    sorts: Sorts,
}

#[derive(Clone)]
struct Weight;

/// Sorts that were met, so that those that are equal are mostly one: who compares them then looks no further.
struct Sorts(Cache<Sort, Arc<Sort>>);

impl Memory {
    pub(super) fn empty() -> Self {
        Self {
            lists: Cache::with_weighter(REMEMBERED, ROWS, Weight),
            sorts: Sorts(Cache::new(SORTS)),
        }
    }

    /// The rows under a prefix of what happened at or after a time, in microseconds, as far as a list is long enough.
    ///
    /// # Errors
    /// If the store fails or a row cannot be read.
    pub(super) fn list(&self, store: &Counted, prefix: &[u8], since: i64) -> Result<Arc<List>, Error> {
        if let Some((stamp, list)) = self.lists.get(prefix)
            && store.stamp(prefix) == Some(stamp)
            && list.reaches(since)
        {
            return Ok(list);
        }
        let (list, stamp) = store.stamped(prefix, |read| {
            let (mut rows, mut rest) = (Vec::new(), None);
            each(read, prefix, &after_prefix(prefix), &mut |_, header| {
                let here = Position::of(&header);
                if rows.len() == LONGEST || here.occurred < since {
                    rest = Some(here);
                    return ControlFlow::Break(());
                }
                rows.push(self.sorts.label(header));
                ControlFlow::Continue(())
            })?;
            Ok::<_, Error>(Arc::new(List { rows, rest }))
        })?;
        if let Some(stamp) = stamp {
            self.lists.insert(prefix.to_vec(), (stamp, list.clone()));
        }
        Ok(list)
    }
}

impl List {
    fn reaches(&self, since: i64) -> bool {
        self.rows.len() == LONGEST || self.rest.is_none_or(|rest| rest.occurred < since)
    }

    /// Where in the list what comes after a position begins, and what happened before a time.
    pub(super) fn start(&self, until: Option<i64>, after: Option<Position>) -> usize {
        self.rows.partition_point(|row| {
            let here = row.position;
            until.is_some_and(|until| here.occurred >= until) || after.is_some_and(|after| here <= after)
        })
    }

    /// Where in the list what happened before a time begins.
    pub(super) fn end(&self, since: Option<i64>) -> usize {
        let held = |row: &Found| since.is_none_or(|since| row.position.occurred >= since);
        self.rows.partition_point(held)
    }

    /// The key of the first row that is not in the list.
    pub(super) fn rest(&self, prefix: &[u8]) -> Option<Vec<u8>> {
        self.rest.as_ref().map(|rest| key(prefix, rest))
    }
}

impl Sorts {
    fn label(&self, header: Header) -> Found {
        let sort = Sort::of(&header);
        let known = self.0.get(&sort).unwrap_or_else(|| {
            let unknown = Arc::new(sort.clone());
            self.0.insert(sort, unknown.clone());
            unknown
        });
        Found::of(header, known)
    }
}

impl Weighter<Vec<u8>, (Stamp, Arc<List>)> for Weight {
    fn weight(&self, _: &Vec<u8>, (_, list): &(Stamp, Arc<List>)) -> u64 {
        list.rows.len() as u64 + 1
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memory(…)")
    }
}
