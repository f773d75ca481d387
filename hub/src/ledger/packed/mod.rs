//! Entries as rows of the store: one as it is, or up to sixteen together, packed, because entries are much alike.
//! Never changes a byte of an entry: what is unpacked is what was hashed, and the tree tells if it is not.
//!
//! A row stands under the number of its last entry, and never holds entries from two groups of sixteen. A packed one is the
//! byte 2, how many entries there are (u8), the length of each without the ids of signals (u32, big-endian), how many ids
//! there are (u32, big-endian), the ids, and one LZ4 block of all entries without them, one after the other. One from which no
//! ids were taken out, because there are none, or an entry has the mark that would stand for them, or a build before wrote it,
//! is the byte 1, how many entries there are, their lengths and the block. Until its batch is packed, an entry with ids is the
//! byte 3, its text without them, the ids, and how many there are (u32, big-endian). Any other begins as entries do, or is
//! spoilt.

mod ids;
#[cfg(test)]
mod tests;

use std::fmt;

use lz4_flex::block::{CompressTable, compress_into_with_table, get_maximum_output_size};
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
/// What a row begins with that is one entry, not packed, whose ids lie beside it.
const APART: u8 = 3;
/// What every entry begins with.
const ENTRY: u8 = b'{';
/// Shorter rows of one entry are not worth the work, in bytes.
const SHORT: usize = 1024;
/// The most that entries of a row have together, in bytes, unless it is one alone: about as far as LZ4 looks back, and never
/// as much, packed, as a value of the store may have.
const FULL: usize = 64 * 1024;

/// An entry as it lies in a batch until that is packed: in a row of its own, and the ids of signals already beside it.
/// That can be done before, so that those who wait for the batch do not wait for it.
pub(super) struct Parted(Vec<u8>);

/// Packs entries. Keeps the room that it takes from one batch to the next, which is never more than the longest entry and
/// what it comes to.
#[derive(Default)]
pub(super) struct Packer {
    texts: Vec<u8>,
    block: Vec<u8>,
    table: CompressTable,
}

/// An entry of a batch.
struct Part<'r> {
    number: u64,
    row: &'r [u8],
    ids: &'r [[u8; 16]],
    text: &'r [u8],
}

impl Parted {
    /// Takes the ids out of an entry. It is left as it is if it has none, or has the mark that would stand for them.
    pub(super) fn of(entry: &[u8]) -> Self {
        let (mut row, mut ids) = (Vec::with_capacity(entry.len()), Vec::new());
        if memchr(ids::MARK, entry).is_none() {
            row.push(APART);
            ids::take_out(entry, &mut row, &mut ids);
        }
        if ids.is_empty() {
            return Self(entry.to_vec());
        }
        row.extend_from_slice(ids.as_flattened());
        row.extend_from_slice(&number(ids.len()));
        Self(row)
    }

    /// The row.
    pub(super) fn into_row(self) -> Vec<u8> {
        self.0
    }
}

impl Packer {
    /// Puts the entries of a batch together, in as few rows as may be. To be called on each batch before it is committed,
    /// when nothing more will be entered.
    pub(super) fn pack(&mut self, txn: &mut Txn<'_>) {
        let rows = txn.take_under(&[tables::LEDGER_ENTRY]);
        let mut together: Vec<Part<'_>> = Vec::new();
        for part in rows
            .iter()
            .filter_map(|(key, row)| Some(Part::read(entry_number(key)?, row)))
        {
            if !fits(&together, &part) {
                self.put(txn, &together);
                together.clear();
            }
            together.push(part);
        }
        self.put(txn, &together);
    }

    fn put(&mut self, txn: &mut Txn<'_>, parts: &[Part<'_>]) {
        let Some(last) = parts.last() else {
            return;
        };
        let alone = parts.len() == 1;
        let packed = (!alone || last.length() >= SHORT).then(|| self.packed(parts)).flatten();
        match packed.filter(|packed| !alone || packed.len() < last.length()) {
            Some(packed) => txn.put(entry_key(last.number), packed),
            None => parts
                .iter()
                .for_each(|part| txn.put(entry_key(part.number), part.whole())),
        }
    }

    /// The row of these entries; `None` if they are not to be packed.
    fn packed(&mut self, parts: &[Part<'_>]) -> Option<Vec<u8>> {
        self.texts.clear();
        parts.iter().for_each(|part| self.texts.extend_from_slice(part.text));
        let most = get_maximum_output_size(self.texts.len());
        if self.block.len() < most {
            self.block.resize(most, 0);
        }
        let length = compress_into_with_table(&self.texts, &mut self.block, &mut self.table).ok()?;
        let block = self.block.get(..length)?;
        let lengths: Vec<u8> = parts.iter().flat_map(|part| number(part.text.len())).collect();
        let ids: Vec<[u8; 16]> = parts.iter().flat_map(|part| part.ids).copied().collect();
        // At most sixteen.
        let count = [parts.len() as u8];
        Some(match ids.is_empty() {
            true => [&[PACKED], &count, &lengths[..], block].concat(),
            false => {
                let of_ids = number(ids.len());
                [&[IDS_BESIDE], &count, &lengths[..], &of_ids, ids.as_flattened(), block].concat()
            }
        })
    }
}

impl fmt::Debug for Parted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Parted({} bytes)", self.0.len())
    }
}

impl fmt::Debug for Packer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Packer(…)")
    }
}

impl<'r> Part<'r> {
    fn read(number: u64, row: &'r [u8]) -> Self {
        let apart = row.strip_prefix(&[APART]).and_then(split_apart);
        let (ids, text) = apart.unwrap_or((&[], row));
        Self { number, row, ids, text }
    }

    /// How long the entry is.
    fn length(&self) -> usize {
        self.text.len() + ids::LONGER * self.ids.len()
    }

    /// Whether it has the mark, and no id that it stands for.
    fn is_marked(&self) -> bool {
        self.ids.is_empty() && memchr(ids::MARK, self.text).is_some()
    }

    /// The entry.
    fn whole(&self) -> Vec<u8> {
        let mut ids = self.ids.iter();
        ids::put_back(self.text, &mut ids)
            .filter(|_| !self.ids.is_empty() && ids.next().is_none())
            .unwrap_or_else(|| self.row.to_vec())
    }
}

/// The entries of the row whose last has this number, each with its own; `None` if the row is spoilt.
pub(super) fn unpack(last: u64, row: &[u8]) -> Option<Vec<Numbered>> {
    if row.first() == Some(&ENTRY) {
        return Some(vec![(last, row.to_vec())]);
    }
    let (form, rest) = row.split_first()?;
    if *form == APART {
        let (ids, text) = split_apart(rest)?;
        let mut ids = ids.iter();
        let entry = ids::put_back(text, &mut ids).filter(|_| ids.next().is_none())?;
        return Some(vec![(last, entry)]);
    }
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

fn fits(together: &[Part<'_>], part: &Part<'_>) -> bool {
    let length: usize = together.iter().chain([part]).map(Part::length).sum();
    together.last().is_none_or(|last| {
        let follows = last.number + 1 == part.number && place(part.number) > 0;
        follows && length <= FULL && !last.is_marked() && !part.is_marked()
    })
}

/// No entry is longer, nor has it more ids, than a u32 could say.
fn number(of: usize) -> [u8; 4] {
    (of as u32).to_be_bytes()
}

/// The ids that a row ends with, and what goes before them.
fn split_apart(row: &[u8]) -> Option<(&[[u8; 16]], &[u8])> {
    let (rest, count) = row.split_last_chunk()?;
    let bytes = 16_usize.checked_mul(u32::from_be_bytes(*count) as usize)?;
    let (text, ids) = rest.split_at_checked(rest.len().checked_sub(bytes)?)?;
    Some((ids.as_chunks().0, text))
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
