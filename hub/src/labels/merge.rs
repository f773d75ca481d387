//! Rows of several ranges of the index as one list, newest first. Holds a few rows of each range at a time.
//! Knows nothing of windows and places.

use std::{collections::VecDeque, ops::ControlFlow};

use super::{Position, successor};
use crate::{
    model::Header,
    store::{Error, Read, row},
    tables,
};

/// How many rows of a range are read ahead when there is more than one range.
const AHEAD: usize = 64;

/// The rows of a range, which are in order. Some of them have been read ahead.
pub(super) struct Rows {
    from: Vec<u8>,
    to: Vec<u8>,
    ahead: VecDeque<Header>,
    ended: bool,
}

impl Rows {
    /// Those from `from` (inclusive) to `to` (exclusive).
    pub(super) fn between(from: Vec<u8>, to: Vec<u8>) -> Self {
        Self {
            from,
            to,
            ahead: VecDeque::new(),
            ended: false,
        }
    }

    /// The next one, which is read if need be.
    fn first(&mut self, read: &dyn Read) -> Result<Option<&Header>, Error> {
        if self.ahead.is_empty() && !self.ended {
            let (mut seen, mut last) = (0, None);
            let ahead = &mut self.ahead;
            each(read, &self.from, &self.to, &mut |key, header| {
                ahead.push_back(header);
                seen += 1;
                if seen < AHEAD {
                    return ControlFlow::Continue(());
                }
                last = Some(key.to_vec());
                ControlFlow::Break(())
            })?;
            match last {
                Some(last) => self.from = successor(last),
                None => self.ended = true,
            }
        }
        Ok(self.ahead.front())
    }
}

/// Visits the rows of all ranges, newest first, until told to break.
///
/// # Errors
/// If the store fails or a row cannot be read.
pub(super) fn newest_first(
    read: &dyn Read,
    mut ranges: Vec<Rows>,
    visit: &mut dyn FnMut(Header) -> ControlFlow<()>,
) -> Result<(), Error> {
    if let [only] = ranges.as_slice() {
        return each(read, &only.from, &only.to, &mut |_, header| visit(header));
    }
    loop {
        let mut newest = None;
        for (index, rows) in ranges.iter_mut().enumerate() {
            if let Some(header) = rows.first(read)? {
                let Position { occurred, signal } = Position::of(header);
                let place = (std::cmp::Reverse(occurred), signal, index);
                newest = Some(newest.map_or(place, |known: (_, _, _)| known.min(place)));
            }
        }
        let next = newest.and_then(|(_, _, index)| ranges.get_mut(index)?.ahead.pop_front());
        match next.map(&mut *visit) {
            Some(ControlFlow::Continue(())) => {}
            Some(ControlFlow::Break(())) | None => return Ok(()),
        }
    }
}

fn each(
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
