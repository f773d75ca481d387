//! Walks the rows in which entries stand. Never says of a spoilt row what its entries were, and never writes.

use std::ops::ControlFlow;

use super::{Error, packed, read::Numbered, stored};
use crate::{
    store::{self, Read},
    tables,
};

/// Takes a row's number and bytes, and its entries unless it is spoilt. Says how many more entries are wanted.
pub(super) type Visit<'v> = dyn FnMut((u64, &[u8]), Option<Vec<Numbered>>) -> usize + 'v;

/// What is wrong with a row that is neither an entry nor packed ones.
pub(super) const SPOILT: Error = Error::Torn("a row of entries is spoilt");

/// The entries of the rows from number `from` on, as they lie, until there are `limit` or some more: whole rows, one entry in
/// place of what is spoilt. For those who look for what is wrong.
pub(super) fn whole(read: &dyn Read, from: u64, limit: usize) -> Result<Vec<Numbered>, Error> {
    let mut entries = Vec::new();
    each(read, from, limit, &mut |(last, bytes), row| {
        entries.extend(row.unwrap_or_else(|| vec![(last, bytes.to_vec())]));
        limit.saturating_sub(entries.len())
    })?;
    Ok(entries)
}

/// The entries of the row from which one is read: the first whose number is not below its own.
pub(super) fn with(read: &dyn Read, number: u64) -> Result<Vec<Numbered>, Error> {
    let mut found = Some(Vec::new());
    each(read, number, 1, &mut |_, row| {
        found = row;
        0
    })?;
    found.ok_or(SPOILT)
}

/// Visits the rows whose numbers are not below `from`, as long as entries are wanted.
pub(super) fn each(read: &dyn Read, from: u64, mut wanted: usize, visit: &mut Visit<'_>) -> Result<(), Error> {
    if wanted == 0 {
        return Ok(());
    }
    let mut odd = false;
    let to = store::after_prefix(&[tables::LEDGER_ENTRY]);
    read.scan(&stored::entry_key(from), &to, &mut |key, row| {
        match stored::entry_number(key) {
            Some(last) => wanted = visit((last, row), packed::unpack(last, row)),
            None => odd = true,
        }
        match odd || wanted == 0 {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    })
    .map_err(Error::Store)?;
    match odd {
        true => Err(Error::Torn("a key of an entry is malformed")),
        false => Ok(()),
    }
}
