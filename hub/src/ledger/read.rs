//! Reads entries as they were hashed, by number or by subject. Never looks into one, and never writes.

use std::ops::{ControlFlow, Range};

use placehub_ledger::proof::{self, Nodes, Unproven};

use super::{
    Error, index,
    rows::{self, SPOILT},
    stored::{self, STRIDE, Tail},
    tree::{self, Hash, branch_hash},
};
use crate::store::{self, Read};

/// An entry's number and its bytes, exactly as they were hashed.
pub type Numbered = (u64, Vec<u8>);

const GAP: Error = Error::Torn("an entry is missing");
const UNKEPT: Error = Error::Torn("a hash of the tree is missing");

/// The bytes of an entry, if the ledger has come to that number.
///
/// # Errors
/// If the store fails, the entry should be there and is not, or its row is spoilt.
pub fn entry(read: &dyn Read, number: u64) -> Result<Option<Vec<u8>>, Error> {
    let find = || {
        let row = rows::with(read, number)?;
        Ok(row
            .into_iter()
            .find(|(found, _)| *found == number)
            .map(|(_, entry)| entry))
    };
    match find()? {
        // It may have come after it was looked for.
        None if number < size(read)? => find()?.ok_or(GAP).map(Some),
        found => Ok(found),
    }
}

/// At most `limit` entries below number `before` (`None`: from the end), newest first.
///
/// # Errors
/// If the store fails, or an entry that should be there is not.
pub fn newest(read: &dyn Read, before: Option<u64>, limit: usize) -> Result<Vec<Numbered>, Error> {
    let size = size(read)?;
    let end = before.map_or(size, |before| before.min(size));
    backwards(read, end.saturating_sub(limit as u64)..end)
}

/// The entries with these numbers, newest first.
///
/// # Errors
/// If the store fails, or one of them is missing.
pub fn backwards(read: &dyn Read, numbers: Range<u64>) -> Result<Vec<Numbered>, Error> {
    let count = usize::try_from(numbers.end.saturating_sub(numbers.start)).map_err(|_| Error::Beyond)?;
    let mut entries = export(read, numbers.start, count)?;
    if entries.len() < count {
        return Err(GAP);
    }
    entries.reverse();
    Ok(entries)
}

/// At most `limit` entries that concern any of the subjects, with numbers within a range, newest first and each once. Reads index rows and the entries it returns, not the log.
///
/// # Errors
/// If the store fails, or an entry that the index names is not there.
pub fn concerning(
    read: &dyn Read,
    subjects: &[[u8; 16]],
    within: Range<u64>,
    limit: usize,
) -> Result<Vec<Numbered>, Error> {
    if within.is_empty() || limit == 0 {
        return Ok(Vec::new());
    }
    let numbers = index::numbers(read, subjects, &within, limit)?;
    let newest = numbers.len().saturating_sub(limit);
    let (mut row, mut found) = (Vec::new(), Vec::new());
    // Upwards, so that a row that was read is the first from a number on that it has.
    for number in numbers.into_iter().skip(newest) {
        let is_it = |(found, _): &&Numbered| *found == number;
        if !row.iter().any(|entry| is_it(&entry)) {
            row = rows::with(read, number)?;
        }
        found.push(row.iter().find(is_it).cloned().ok_or(GAP)?);
    }
    found.reverse();
    Ok(found)
}

/// Whether the index lists an entry under any of the subjects.
///
/// # Errors
/// If the store fails.
pub fn concerns(read: &dyn Read, number: u64, subjects: &[[u8; 16]]) -> Result<bool, Error> {
    Ok(!index::numbers(read, subjects, &(number..number + 1), 1)?.is_empty())
}

/// At most `limit` entries from number `from` on, in order. To stream the log, take the checkpoint first and then
/// pages until its size: entries that come in the meantime are not covered by it.
///
/// # Errors
/// If the store fails, or there is a gap.
pub fn export(read: &dyn Read, from: u64, limit: usize) -> Result<Vec<Numbered>, Error> {
    let mut entries: Vec<Numbered> = Vec::new();
    let (mut next, mut wrong) = (from, None);
    rows::each(read, from, limit, &mut |_, row| {
        let Some(row) = row else {
            wrong = Some(SPOILT);
            return 0;
        };
        let (begins, wanted) = (entries.is_empty(), limit - entries.len());
        let row = row.into_iter().skip_while(|(number, _)| begins && *number < from);
        for (number, entry) in row.take(wanted) {
            if number != next {
                wrong = Some(GAP);
                return 0;
            }
            next = number.saturating_add(1);
            entries.push((number, entry));
        }
        limit - entries.len()
    })?;
    wrong.map_or(Ok(entries), Err)
}

/// The hashes that are kept of the leaves of these entries, in order. They are those that the entries had when they were
/// made, whatever their rows hold now.
///
/// # Errors
/// If the store fails, or a row of hashes is missing.
pub fn kept(read: &dyn Read, within: Range<u64>) -> Result<Vec<Hash>, Error> {
    let tree = Rows::of(read)?;
    let mut kept = Vec::new();
    let mut number = within.start;
    while number < within.end {
        let row = tree.leaves(number)?;
        let row = row.get(stored::place(number)..).unwrap_or_default();
        let most = usize::try_from(within.end - number)
            .unwrap_or(usize::MAX)
            .min(row.len());
        kept.extend(row.iter().take(most));
        number += u64::try_from(most).ok().filter(|most| *most > 0).ok_or(UNKEPT)?;
    }
    Ok(kept)
}

/// Number of entries.
///
/// # Errors
/// If the store fails or the tail cannot be read.
pub fn size(read: &dyn Read) -> Result<u64, Error> {
    Ok(Tail::load(read)?.frontier.size())
}

/// The signed note over the entries, if there are any.
///
/// # Errors
/// If the store fails or the checkpoint is not text.
pub fn checkpoint(read: &dyn Read) -> Result<Option<String>, Error> {
    let bytes = read.get(&stored::checkpoint_key()).map_err(Error::Store)?;
    bytes.map(note).transpose()
}

/// For each change of the ledger's key, oldest first, the note that the old key and the new have signed over it.
///
/// # Errors
/// If the store fails or a note is not text.
pub fn handovers(read: &dyn Read) -> Result<Vec<String>, Error> {
    let mut found = Vec::new();
    store::scan_prefix(read, &stored::handover_prefix(), &mut |_, bytes| {
        found.push(bytes.to_vec());
        ControlFlow::Continue(())
    })
    .map_err(Error::Store)?;
    found.into_iter().map(note).collect()
}

/// That an entry is in the tree of the first `size` entries. Reads O(log n) rows of hashes, and no entry.
///
/// # Errors
/// If there is no such entry or size, or the store fails.
pub fn prove_inclusion(read: &dyn Read, number: u64, size: u64) -> Result<Vec<Hash>, Error> {
    proof::prove_inclusion(&Rows::of(read)?.within(size)?, number, size).map_err(unproven)
}

/// That the tree of `to` entries begins with that of `from`. Reads O(log n) rows of hashes, and no entry.
///
/// # Errors
/// If there is no such size, or the store fails.
pub fn prove_consistency(read: &dyn Read, from: u64, to: u64) -> Result<Vec<Hash>, Error> {
    proof::prove_consistency(&Rows::of(read)?.within(to)?, from, to).map_err(unproven)
}

/// The complete subtrees of the stored ledger: those of kept levels stand in rows, those between are made of them.
struct Rows<'r> {
    read: &'r dyn Read,
    // Read before any row of hashes: rows are filled from it, and never taken back.
    tail: Tail,
}

impl<'r> Rows<'r> {
    fn of(read: &'r dyn Read) -> Result<Self, Error> {
        let tail = Tail::load(read)?;
        Ok(Self { read, tail })
    }

    fn within(self, size: u64) -> Result<Self, Error> {
        if size <= self.tail.frontier.size() {
            Ok(self)
        } else {
            Err(Error::Beyond)
        }
    }

    /// The hashes of the leaves in whose row an entry's stands; those that do not fill one yet stand in the tail.
    fn leaves(&self, number: u64) -> Result<Vec<Hash>, Error> {
        let index = number >> STRIDE;
        if index < self.tail.frontier.size() >> STRIDE {
            let row = stored::hashes(self.read, STRIDE, index)?;
            Ok(row.ok_or(UNKEPT)?.to_vec())
        } else {
            Ok(self.tail.leaves.clone())
        }
    }
}

impl Nodes for Rows<'_> {
    type Error = Error;

    fn node(&self, level: u8, index: u64) -> Result<Hash, Error> {
        let above_kept = level % STRIDE;
        let kept = level - above_kept;
        let first = index << above_kept;
        let row = if kept == 0 {
            Some(self.leaves(first)?)
        } else if first >> STRIDE < self.tail.frontier.size() >> (kept + STRIDE) {
            let row = stored::hashes(self.read, kept + STRIDE, first >> STRIDE)?;
            Some(row.ok_or(UNKEPT)?.to_vec())
        } else {
            None
        };
        match row {
            Some(hashes) => {
                let start = stored::place(first);
                let under = hashes.get(start..start + (1 << above_kept)).ok_or(UNKEPT)?;
                Ok(tree::root_of(under))
            }
            // The row that would hold it is not full yet, so it is made of those below.
            None if above_kept == 0 => stored::subtree(self.read, level, index),
            None => {
                let (left, right) = (self.node(level - 1, 2 * index)?, self.node(level - 1, 2 * index + 1)?);
                Ok(branch_hash(&left, &right))
            }
        }
    }
}

fn unproven(why: Unproven<Error>) -> Error {
    match why {
        Unproven::Nodes(error) => error,
        Unproven::Range => Error::Beyond,
    }
}

fn note(bytes: Vec<u8>) -> Result<String, Error> {
    String::from_utf8(bytes).map_err(|_| Error::Torn("a signed note is not text"))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use placehub_ledger::tree::Frontier;

    use super::*;
    use crate::{ledger::samples, store::Visit};

    /// The rows of hashes of a ledger of some size, which counts those that are read. It has no entries.
    struct Endless {
        size: u64,
        reads: Cell<usize>,
    }

    impl Endless {
        fn rows(&self) -> Rows<'_> {
            let peaks = vec![[0; 32]; self.size.count_ones() as usize];
            let tail = Tail {
                frontier: Frontier::restore(self.size, peaks).unwrap(),
                leaves: vec![[0; 32]; stored::place(self.size)],
                at: None,
            };
            Rows { read: self, tail }
        }
    }

    impl Read for Endless {
        fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, store::Error> {
            self.reads.set(self.reads.get() + 1);
            let (level, index) = stored::node_place(key).expect("a proof reads nothing but hashes");
            Ok((index < self.size >> level).then(|| vec![0; 32 * stored::WIDTH]))
        }

        fn scan(&self, _: &[u8], _: &[u8], _: &mut Visit<'_>) -> Result<(), store::Error> {
            Ok(())
        }
    }

    #[test]
    fn a_proof_among_ten_million_entries_reads_a_hundred_rows_at_most_and_no_entry() {
        for size in [10_000_000, 9_999_999, (1 << 24) - 1] {
            for number in [0, 1, 15, 4_999_999, size / 2, size - 17, size - 1] {
                let reads = |prove: &dyn Fn(&Rows<'_>)| {
                    let endless = Endless {
                        size,
                        reads: Cell::new(0),
                    };
                    prove(&endless.rows());
                    endless.reads.get()
                };
                let inclusion = reads(&|rows| drop(proof::prove_inclusion(rows, number, size).unwrap()));
                let consistency = reads(&|rows| drop(proof::prove_consistency(rows, number, size).unwrap()));
                assert!(
                    inclusion <= 100 && consistency <= 100,
                    "{number} of {size}: {inclusion}, {consistency}"
                );
            }
        }
    }

    /// Counts what is read of a store: the rows that are got, and those that a scan visits.
    struct Counting<'r>(&'r dyn Read, Cell<usize>);

    impl Read for Counting<'_> {
        fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, store::Error> {
            self.1.set(self.1.get() + 1);
            self.0.get(key)
        }

        fn scan(&self, from: &[u8], to: &[u8], visit: &mut Visit<'_>) -> Result<(), store::Error> {
            self.0.scan(from, to, &mut |key, value| {
                self.1.set(self.1.get() + 1);
                visit(key, value)
            })
        }
    }

    #[test]
    fn who_saw_somebody_is_read_off_the_index_however_long_the_ledger_is() {
        const THEIRS: usize = 20;
        let (limit, them) = (THEIRS / 2, samples::subject(1));
        for size in [THEIRS, 3 * THEIRS, 50 * THEIRS] {
            let store = samples::filled((0..size).map(|number| {
                let theirs = number % (size / THEIRS) == 0;
                let at = samples::at(i64::try_from(number).unwrap());
                let entry = crate::ledger::Entry {
                    at,
                    ..samples::pushed()
                };
                (entry, vec![if theirs { them } else { samples::subject(2) }])
            }));
            let counting = Counting(&store, Cell::new(0));
            let found = concerning(&counting, &[them], 0..u64::MAX, limit).unwrap();
            assert_eq!(found.len(), limit);
            assert!(counting.1.get() <= 2 * limit, "{size}: {} rows", counting.1.get());
        }
    }
}
