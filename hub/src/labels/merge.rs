//! Rows of several ranges of the index as one list, newest first. Holds what is remembered of each range and a few rows
//! beyond. Knows nothing of windows and places.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque, binary_heap::PeekMut},
    ops::ControlFlow,
    sync::Arc,
};

use super::{Found, memory::List, successor};
use crate::{
    model::{Header, Sort},
    store::{Error, Read, row},
    tables,
};

/// How many rows of a range are read ahead, beyond what is remembered.
const AHEAD: usize = 64;

/// The rows of a range, which are in order: first of a list, then of the store.
pub(super) struct Rows {
    list: Arc<List>,
    next: usize,
    end: usize,
    /// The keys of the store that come after the list; `None` if there are none or all have been read ahead.
    rest: Option<(Vec<u8>, Vec<u8>)>,
    ahead: VecDeque<Found>,
}

impl Rows {
    /// Those of a list from one index to another, then those of the keys from `rest.0` (inclusive) to `rest.1` (exclusive).
    pub(super) fn of(list: Arc<List>, (next, end): (usize, usize), rest: Option<(Vec<u8>, Vec<u8>)>) -> Self {
        let ahead = VecDeque::new();
        Self {
            list,
            next,
            end,
            rest,
            ahead,
        }
    }

    /// The next one, which is read if need be.
    fn first(&mut self, read: &dyn Read) -> Result<Option<&Found>, Error> {
        if self.next < self.end {
            return Ok(self.list.rows.get(self.next));
        }
        if self.ahead.is_empty()
            && let Some((from, to)) = self.rest.take()
        {
            let mut last = None;
            let ahead = &mut self.ahead;
            each(read, &from, &to, &mut |key, header| {
                let sort = Arc::new(Sort::of(&header));
                ahead.push_back(Found::of(header, sort));
                if ahead.len() < AHEAD {
                    return ControlFlow::Continue(());
                }
                last = Some(key.to_vec());
                ControlFlow::Break(())
            })?;
            self.rest = last.map(|last| (successor(last), to));
        }
        Ok(self.ahead.front())
    }

    fn pass(&mut self) {
        match self.next < self.end {
            true => self.next += 1,
            false => drop(self.ahead.pop_front()),
        }
    }
}

/// Visits the rows of all ranges, newest first, until told to break.
///
/// # Errors
/// If the store fails or a row cannot be read.
pub(super) fn newest_first(
    read: &dyn Read,
    mut ranges: Vec<Rows>,
    visit: &mut dyn FnMut(&Found) -> ControlFlow<()>,
) -> Result<(), Error> {
    let mut heads = BinaryHeap::with_capacity(ranges.len());
    for (index, rows) in ranges.iter_mut().enumerate() {
        heads.extend(rows.first(read)?.map(|found| Reverse((found.position, index))));
    }
    while let Some(mut head) = heads.peek_mut() {
        let Reverse((position, index)) = &mut *head;
        // Each head is that of one of them.
        let Some(rows) = ranges.get_mut(*index) else {
            break;
        };
        if rows.first(read)?.is_some_and(|found| visit(found).is_break()) {
            return Ok(());
        }
        rows.pass();
        match rows.first(read)? {
            Some(found) => *position = found.position,
            None => drop(PeekMut::pop(head)),
        }
    }
    Ok(())
}

/// Visits the rows of the keys from `from` (inclusive) to `to` (exclusive), until told to break.
///
/// # Errors
/// If the store fails or a row cannot be read.
pub(super) fn each(
    read: &dyn Read,
    from: &[u8],
    to: &[u8],
    visit: &mut dyn FnMut(&[u8], Header) -> ControlFlow<()>,
) -> Result<(), Error> {
    let mut broken = None;
    read.scan(
        from,
        to,
        &mut |key, value| match row::decode(tables::LABEL_PERSON, value) {
            Ok(header) => visit(key, header),
            Err(why) => {
                broken = Some(why);
                ControlFlow::Break(())
            }
        },
    )?;
    broken.map_or(Ok(()), Err)
}
