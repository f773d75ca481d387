//! Entries as rows of the store: one as it is, or up to sixteen together, packed, because entries are much alike.
//! Never changes a byte of an entry: what is unpacked is what was hashed, and the tree tells if it is not.
//!
//! A row stands under the number of its last entry, and never holds entries from two groups of sixteen. A packed one is the
//! byte 2, how many entries there are (u8), the length of each without the ids of signals (u32, big-endian), how many ids
//! there are (u32, big-endian), the ids, and one LZ4 block of all entries without them, one after the other. One from which no
//! ids were taken out, because there are none, or an entry has the mark that would stand for them, or a build before wrote it,
//! is the byte 1, how many entries there are, their lengths and the block. Any other begins as entries do, or is spoilt.

mod ids;
#[cfg(test)]
mod tests;

use memchr::memchr;
use placehub_ledger::LONGEST;

use super::{
    read::Numbered,
    stored::{WIDTH, entry_key, entry_number, place},
};
use crate::{store::Txn, tables};

/// What a packed row begins with from which no ids were taken out.
const PACKED: u8 = 1;
/// What a packed row begins with whose ids lie beside it.
const IDS_BESIDE: u8 = 2;
/// What every entry begins with.
const ENTRY: u8 = b'{';
/// Shorter rows of one entry are not worth the work, in bytes.
const SHORT: usize = 1024;
/// The most that entries of a row have together, in bytes, unless it is one alone: about as far as LZ4 looks back, and never
/// as much, packed, as a value of the store may have.
const FULL: usize = 64 * 1024;

/// Puts the entries of a batch together, in as few rows as may be. To be called on each batch before it is committed, when
/// nothing more will be entered.
pub(super) fn pack(txn: &mut Txn<'_>) {
    let mut row = Vec::new();
    let entries = txn.take_under(&[tables::LEDGER_ENTRY]);
    for (number, entry) in entries
        .into_iter()
        .filter_map(|(key, entry)| Some((entry_number(&key)?, entry)))
    {
        if !fits(&row, number, entry.len()) {
            put(txn, &std::mem::take(&mut row));
        }
        row.push((number, entry));
    }
    put(txn, &row);
}

/// The entries of the row whose last has this number, each with its own; `None` if the row is spoilt.
pub(super) fn unpack(last: u64, row: &[u8]) -> Option<Vec<Numbered>> {
    if row.first() == Some(&ENTRY) {
        return Some(vec![(last, row.to_vec())]);
    }
    let (form, rest) = row.split_first()?;
    let (count, rest) = rest.split_first()?;
    let (lengths, rest) = rest.split_at_checked(4 * usize::from(*count))?;
    let lengths = lengths.as_chunks().0;
    let entries = match *form {
        PACKED => unpacked(lengths, rest, LONGEST, |entry| Some(entry.to_vec()))?,
        IDS_BESIDE => {
            let (ids, block) = split_ids(rest)?;
            let most = LONGEST.checked_sub(ids::LONGER * ids.len())?;
            let mut ids = ids.iter();
            let entries = unpacked(lengths, block, most, |text| ids::put_back(text, &mut ids))?;
            if ids.next().is_some() {
                return None;
            }
            entries
        }
        _ => return None,
    };
    // At most as many as there are numbers from the group's first to this one, so that none is below zero.
    let before = entries.len().checked_sub(1).filter(|before| *before <= place(last))?;
    Some((last - before as u64..=last).zip(entries).collect())
}

fn fits(row: &[Numbered], number: u64, length: usize) -> bool {
    let together: usize = row.iter().map(|(_, entry)| entry.len()).sum();
    row.last().is_none_or(|(last, _)| last + 1 == number) && place(number) > 0 && together + length <= FULL
}

fn put(txn: &mut Txn<'_>, row: &[Numbered]) {
    let Some((last, entry)) = row.last() else {
        return;
    };
    let alone = row.len() == 1;
    let packed = (!alone || entry.len() >= SHORT).then(|| packed(row));
    let packed = packed.filter(|packed| !alone || packed.len() < entry.len());
    txn.put(entry_key(*last), packed.unwrap_or_else(|| entry.clone()));
}

fn packed(row: &[Numbered]) -> Vec<u8> {
    let together = row.iter().map(|(_, entry)| entry.len()).sum();
    let mut texts = Vec::with_capacity(together);
    let (mut lengths, mut ids) = (Vec::new(), Vec::new());
    let marked = row.iter().any(|(_, entry)| memchr(ids::MARK, entry).is_some());
    for (_, entry) in row {
        let before = texts.len();
        match marked {
            true => texts.extend_from_slice(entry),
            false => ids::take_out(entry, &mut texts, &mut ids),
        }
        lengths.extend(number(texts.len() - before));
    }
    let block = lz4_flex::block::compress(&texts);
    // At most sixteen.
    let count = [row.len() as u8];
    match ids.is_empty() {
        true => [&[PACKED], &count, &lengths[..], &block].concat(),
        false => {
            let of_ids = number(ids.len());
            [&[IDS_BESIDE], &count, &lengths[..], &of_ids, ids.as_flattened(), &block].concat()
        }
    }
}

/// No entry is longer, nor has it more ids, than a u32 could say.
fn number(of: usize) -> [u8; 4] {
    (of as u32).to_be_bytes()
}

/// The ids that a row begins with, and what is behind them.
fn split_ids(row: &[u8]) -> Option<(&[[u8; 16]], &[u8])> {
    let (count, rest) = row.split_first_chunk()?;
    let bytes = 16_usize.checked_mul(u32::from_be_bytes(*count) as usize)?;
    let (ids, block) = rest.split_at_checked(bytes)?;
    Some((ids.as_chunks().0, block))
}

/// The entries, of these lengths in the block and there no longer than `most` together, each made whole.
fn unpacked(
    lengths: &[[u8; 4]],
    block: &[u8],
    most: usize,
    mut whole: impl FnMut(&[u8]) -> Option<Vec<u8>>,
) -> Option<Vec<Vec<u8>>> {
    let lengths = lengths.iter().map(|length| u32::from_be_bytes(*length) as usize);
    let together = lengths
        .clone()
        .try_fold(0_usize, |sum, length| sum.checked_add(length))?;
    if lengths.len() > WIDTH || together > most {
        return None;
    }
    let texts = lz4_flex::block::decompress(block, together).ok()?;
    let mut rest = texts.as_slice();
    let entries = lengths.map(|length| {
        let (text, behind) = rest.split_at_checked(length)?;
        rest = behind;
        whole(text)
    });
    entries.collect()
}
