//! The index by subject: which entries concern whom. What a batch adds waits in one row, and what has waited is listed
//! later, subject by subject, many entries in a row, so that an answer about two hundred people does not cost two hundred
//! rows. Never looks into an entry, and never lists one later than it is there: what waits is read with what is listed.

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    ops::{ControlFlow, Range},
    sync::atomic::{AtomicUsize, Ordering},
};

use super::{Error, stored};
use crate::{
    store::{self, Read, Txn, after_prefix, row, scan_prefix},
    tables,
};

/// How many mentions wait before the oldest are listed. Whoever looks somebody up reads all that waits.
const WAITING: usize = 4096;
/// How many subjects are listed in a batch, unless more must be for no more than `WAITING` to wait: their rows are what the
/// batch pays for.
const LISTED: usize = 256;
/// The most mentions in a row of those that wait.
const ROW: usize = 2048;
/// A subject and a number.
const MENTION: usize = 24;
/// Not counted yet.
const UNKNOWN: usize = usize::MAX;

/// That an entry concerns a subject.
type Mention = ([u8; 16], u64);
/// A row of what waits: its key, and what it mentions.
type WaitingRow = (Vec<u8>, Vec<Mention>);

/// Counts how many mentions wait.
#[derive(Debug)]
pub(super) struct Waiting(AtomicUsize);

impl Waiting {
    /// Not counted yet.
    pub(super) fn unknown() -> Self {
        Self(AtomicUsize::new(UNKNOWN))
    }

    /// Brings what a batch adds into as few rows as may be, and lists what has waited long enough. To be called on each batch
    /// before it is committed.
    pub(super) fn gather(&self, txn: &mut Txn<'_>) -> Result<(), Error> {
        let own = txn.take_under(&[tables::LEDGER_WAITING]);
        let own: Vec<_> = own.iter().map(|(_, value)| value.as_slice()).collect();
        let together = own.concat();
        let added = together.len() / MENTION;
        for part in together.chunks(ROW * MENTION) {
            let last = part.last_chunk::<8>().map_or(0, |number| u64::from_be_bytes(*number));
            txn.put(waiting_key(last, part), part.to_vec());
        }
        let before = match self.0.load(Ordering::Relaxed) {
            UNKNOWN => waiting(txn)?.iter().map(|(_, mentions)| mentions.len()).sum(),
            known => known + added,
        };
        let left = if before > WAITING { list(txn, before)? } else { before };
        self.0.store(left, Ordering::Relaxed);
        Ok(())
    }
}

/// Notes that an entry concerns these subjects.
pub(super) fn note(txn: &mut Txn<'_>, number: u64, subjects: &[[u8; 16]]) {
    let mut subjects = subjects.to_vec();
    subjects.sort_unstable();
    subjects.dedup();
    let mut mentions = Vec::with_capacity(subjects.len() * MENTION);
    for subject in subjects {
        mentions.extend_from_slice(&subject);
        mentions.extend_from_slice(&number.to_be_bytes());
    }
    if !mentions.is_empty() {
        txn.put(waiting_key(number, &mentions), mentions);
    }
}

/// The numbers within a range of entries that concern any of the subjects: at least the newest `limit` of each, if there
/// are as many.
pub(super) fn numbers(
    read: &dyn Read,
    subjects: &[[u8; 16]],
    within: &Range<u64>,
    limit: usize,
) -> Result<BTreeSet<u64>, Error> {
    if subjects.is_empty() {
        return Ok(BTreeSet::new());
    }
    // What waits first: if it is listed in the meantime, it is found twice, and otherwise it might be found nowhere.
    let mentions = waiting(read)?.into_iter().flat_map(|(_, mentions)| mentions);
    let fits = |(subject, number): &Mention| subjects.contains(subject) && within.contains(number);
    let mut found: BTreeSet<u64> = mentions.filter(fits).map(|(_, number)| number).collect();
    for subject in subjects {
        let (mut seen, mut torn) = (0, None);
        let from = stored::subject_key(subject, within.end.saturating_sub(1));
        let to = after_prefix(&[&[tables::LEDGER_SUBJECT], &subject[..]].concat());
        read.scan(&from, &to, &mut |key, value| match listed(key, value) {
            Some(numbers) => {
                let oldest = numbers.first().copied().unwrap_or_default();
                let before = found.len();
                found.extend(numbers.into_iter().filter(|number| within.contains(number)));
                seen += found.len() - before;
                match seen < limit && within.start < oldest {
                    true => ControlFlow::Continue(()),
                    false => ControlFlow::Break(()),
                }
            }
            None => {
                torn = Some(Error::Torn("a row of the index is malformed"));
                ControlFlow::Break(())
            }
        })
        .map_err(Error::Store)?;
        torn.map_or(Ok(()), Err)?;
    }
    Ok(found)
}

/// The first number in the index that is not below `size`; `size` for a row that is none.
pub(super) fn odd(read: &dyn Read, size: u64) -> Result<Option<u64>, store::Error> {
    let mut odd = None;
    for table in [tables::LEDGER_SUBJECT, tables::LEDGER_WAITING] {
        scan_prefix(read, &[table], &mut |key, value| {
            let numbers = match table {
                tables::LEDGER_SUBJECT => listed(key, value),
                _ => mentions(value).map(|mentions| mentions.into_iter().map(|(_, number)| number).collect()),
            };
            odd = odd.or(match numbers {
                Some(numbers) => numbers.into_iter().find(|number| *number >= size),
                None => Some(size),
            });
            match odd {
                None => ControlFlow::Continue(()),
                Some(_) => ControlFlow::Break(()),
            }
        })?;
    }
    Ok(odd)
}

/// Whether entries are in the index, asked in the order of their numbers. Keeps what waits, and the last row that it read of
/// each subject.
pub(super) struct Listed<'r> {
    read: &'r dyn Read,
    waiting: HashSet<Mention>,
    rows: HashMap<[u8; 16], Vec<u64>>,
}

impl<'r> Listed<'r> {
    /// Reads what waits, as far as its rows can be read.
    ///
    /// # Errors
    /// If the store fails.
    pub(super) fn of(read: &'r dyn Read) -> Result<Self, store::Error> {
        let mut waiting = HashSet::new();
        scan_prefix(read, &[tables::LEDGER_WAITING], &mut |_, value| {
            waiting.extend(mentions(value).unwrap_or_default());
            ControlFlow::Continue(())
        })?;
        let rows = HashMap::new();
        Ok(Self { read, waiting, rows })
    }

    /// Whether an entry is in the index under a subject.
    ///
    /// # Errors
    /// If the store fails.
    pub(super) fn lists(&mut self, subject: &[u8; 16], number: u64) -> Result<bool, store::Error> {
        let known = |rows: &HashMap<[u8; 16], Vec<u64>>| {
            let row = rows.get(subject);
            row.is_some_and(|numbers| numbers.binary_search(&number).is_ok())
        };
        if self.waiting.contains(&(*subject, number)) || known(&self.rows) {
            return Ok(true);
        }
        let to = after_prefix(&[&[tables::LEDGER_SUBJECT], &subject[..]].concat());
        let rows = &mut self.rows;
        self.read
            .scan(&stored::subject_key(subject, number), &to, &mut |key, value| {
                rows.insert(*subject, listed(key, value).unwrap_or_default());
                ControlFlow::Break(())
            })?;
        Ok(known(&self.rows))
    }
}

/// Lists the oldest of what waits, and says how many mentions are left.
fn list(txn: &mut Txn<'_>, before: usize) -> Result<usize, Error> {
    let mut left = before;
    let mut subjects: BTreeMap<[u8; 16], Vec<u64>> = BTreeMap::new();
    for (key, mentions) in waiting(txn)? {
        if left <= WAITING && subjects.len() > LISTED {
            break;
        }
        left = left.saturating_sub(mentions.len());
        for (subject, number) in mentions {
            subjects.entry(subject).or_default().push(number);
        }
        txn.delete(key);
    }
    for (subject, mut numbers) in subjects {
        numbers.sort_unstable();
        let gaps: Vec<u64> = numbers
            .windows(2)
            .filter_map(|two| two.last()?.checked_sub(*two.first()?))
            .collect();
        let value = match gaps.is_empty() {
            true => Vec::new(),
            false => row::encode(tables::LEDGER_SUBJECT, &gaps).map_err(Error::Store)?,
        };
        if let Some(oldest) = numbers.first() {
            txn.put(stored::subject_key(&subject, *oldest), value);
        }
    }
    Ok(left)
}

/// The rows of what waits, oldest first.
fn waiting(read: &dyn Read) -> Result<Vec<WaitingRow>, Error> {
    let (mut found, mut torn) = (Vec::new(), false);
    scan_prefix(
        read,
        &[tables::LEDGER_WAITING],
        &mut |key, value| match mentions(value) {
            Some(mentions) => {
                found.push((key.to_vec(), mentions));
                ControlFlow::Continue(())
            }
            None => {
                torn = true;
                ControlFlow::Break(())
            }
        },
    )
    .map_err(Error::Store)?;
    match torn {
        true => Err(Error::Torn("a row of the index is malformed")),
        false => Ok(found),
    }
}

/// By the last entry that a row mentions, and the last subject, since an entry may mention more than a row has room for.
fn waiting_key(last: u64, mentions: &[u8]) -> Vec<u8> {
    let subject = mentions
        .last_chunk::<MENTION>()
        .and_then(|mention| mention.first_chunk::<16>());
    let mut key = vec![tables::LEDGER_WAITING];
    key.extend_from_slice(&last.to_be_bytes());
    key.extend_from_slice(subject.unwrap_or(&[0; 16]));
    key
}

fn mentions(value: &[u8]) -> Option<Vec<Mention>> {
    let (mentions, rest) = value.as_chunks::<MENTION>();
    let each = mentions.iter().map(|mention| {
        let (subject, number) = mention.split_first_chunk()?;
        Some((*subject, u64::from_be_bytes(number.try_into().ok()?)))
    });
    each.collect::<Option<Vec<_>>>()
        .filter(|_| rest.is_empty() && !value.is_empty())
}

/// The numbers of a row of the index, in ascending order.
fn listed(key: &[u8], value: &[u8]) -> Option<Vec<u64>> {
    let mut numbers = vec![stored::subject_number(key)?];
    if !value.is_empty() {
        let (gaps, rest): (Vec<u64>, _) = row::split(tables::LEDGER_SUBJECT, value).ok()?;
        if gaps.is_empty() || gaps.contains(&0) || !rest.is_empty() {
            return None;
        }
        for gap in gaps {
            numbers.push(numbers.last()?.checked_add(gap)?);
        }
    }
    Some(numbers)
}

/// Takes a mention out of what waits, which nothing but a test does.
#[cfg(test)]
pub(crate) fn forget_mention(txn: &mut Txn<'_>, subject: &[u8; 16], number: u64) {
    for (key, mentions) in waiting(txn).unwrap() {
        let kept = mentions.into_iter().filter(|mention| *mention != (*subject, number));
        let bytes = kept.flat_map(|(subject, number)| [subject.to_vec(), number.to_be_bytes().to_vec()].concat());
        let value: Vec<u8> = bytes.collect();
        match value.is_empty() {
            true => txn.delete(key),
            false => txn.put(key, value),
        }
    }
}
