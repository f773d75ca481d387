//! Entries as rows of the store: one as it is, or up to sixteen together, packed, because entries are much alike.
//! Never changes a byte of an entry: what is unpacked is what was hashed, and the tree tells if it is not.
//!
//! A row stands under the number of its last entry, and has no entries of two rows of the tree's hashes. A packed one is the byte 1, how
//! many entries there are (u8), the length of each (u32, big-endian), and one LZ4 block of all of them, one after the other.
//! No entry begins with that byte. What cannot be unpacked stands for one entry, which is not the one that was hashed.

use placehub_ledger::LONGEST;

use super::stored::{WIDTH, entry_key, entry_number, place};
use crate::{store::Txn, tables};

/// What a packed row begins with.
const PACKED: u8 = 1;
/// Shorter rows of one entry are not worth the work, in bytes.
const SHORT: usize = 1024;
/// The most that entries of a row have together, in bytes, unless it is one alone: about as far as LZ4 looks back, and never
/// as much, packed, as a value of the store may have.
const FULL: usize = 64 * 1024;

/// Puts the entries of a batch together, in as few rows as may be. To be called on each batch before it is committed, when
/// nothing more will be entered.
pub fn pack(txn: &mut Txn<'_>) {
    let mut row = Vec::new();
    for (key, entry) in txn.take_under(&[tables::LEDGER_ENTRY]) {
        let Some(number) = entry_number(&key) else {
            txn.put(key, entry);
            continue;
        };
        if !fits(&row, number, entry.len()) {
            put(txn, &std::mem::take(&mut row));
        }
        row.push((number, entry));
    }
    put(txn, &row);
}

/// The entries of the row whose last has this number, each with its own.
pub(super) fn unpack(last: u64, row: &[u8]) -> impl Iterator<Item = Numbered> {
    let entries = unpacked(row).filter(|entries| (1..=place(last) + 1).contains(&entries.len()));
    let entries = entries.unwrap_or_else(|| vec![row.to_vec()]);
    // At most sixteen, and at least one.
    let before = entries.len().saturating_sub(1) as u64;
    (last.saturating_sub(before)..=last).zip(entries)
}

/// An entry with its number.
type Numbered = (u64, Vec<u8>);

fn fits(row: &[Numbered], number: u64, length: usize) -> bool {
    let together: usize = row.iter().map(|(_, entry)| entry.len()).sum();
    row.last().is_none_or(|(last, _)| last + 1 == number) && place(number) > 0 && together + length <= FULL
}

fn put(txn: &mut Txn<'_>, row: &[Numbered]) {
    let Some((last, entry)) = row.last() else {
        return;
    };
    let packed = match row.len() == 1 && entry.len() < SHORT {
        true => None,
        false => Some(packed(row)).filter(|packed| row.len() > 1 || packed.len() < entry.len()),
    };
    txn.put(entry_key(*last), packed.unwrap_or_else(|| entry.clone()));
}

fn packed(row: &[Numbered]) -> Vec<u8> {
    // At most sixteen, none of which is longer than a u32 could say.
    let mut packed = vec![PACKED, row.len() as u8];
    for (_, entry) in row {
        packed.extend((entry.len() as u32).to_be_bytes());
    }
    let entries: Vec<_> = row.iter().map(|(_, entry)| entry.as_slice()).collect();
    packed.extend(lz4_flex::block::compress(&entries.concat()));
    packed
}

fn unpacked(row: &[u8]) -> Option<Vec<Vec<u8>>> {
    let (count, rest) = row.strip_prefix(&[PACKED])?.split_first()?;
    let count = usize::from(*count);
    let (lengths, block) = rest.split_at_checked(4 * count)?;
    let lengths = lengths.as_chunks().0.iter().map(|length| u32::from_be_bytes(*length));
    let lengths: Vec<_> = lengths.map(|length| length as usize).collect();
    let together = lengths.iter().sum();
    if count > WIDTH || together > LONGEST {
        return None;
    }
    let entries = lz4_flex::block::decompress(block, together).ok()?;
    let mut rest = entries.as_slice();
    let entries = lengths.into_iter().map(|length| {
        let (entry, behind) = rest.split_at_checked(length)?;
        rest = behind;
        Some(entry.to_vec())
    });
    entries.collect()
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*, sample::Index};

    use super::*;
    use crate::{
        ledger::{read, samples, verify, verify::verify_stored},
        store::{Memory, Read, Store as _, scan_prefix},
    };

    /// A store into which batches of entries were put, one after the other, each packed; with raw ones before them.
    fn kept(raw: &[Vec<u8>], batches: &[Vec<Vec<u8>>]) -> Memory {
        let memory = Memory::new();
        let mut number = 0;
        let mut put = |entries: &[Vec<u8>], packing: bool| {
            let mut txn = Txn::new(&memory);
            for entry in entries {
                txn.put(entry_key(number), entry.clone());
                number += 1;
            }
            if packing {
                pack(&mut txn);
            }
            memory.commit(txn.into_writes()).unwrap();
        };
        put(raw, false);
        batches.iter().for_each(|batch| put(batch, true));
        memory
    }

    fn rows(read: &dyn Read) -> Vec<(u64, Vec<u8>)> {
        let mut rows = Vec::new();
        scan_prefix(read, &[tables::LEDGER_ENTRY], &mut |key, row| {
            rows.push((entry_number(key).unwrap(), row.to_vec()));
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
        rows
    }

    /// What looks like an entry: much of it like the others, and some of it like nothing.
    fn entries(most: usize) -> impl Strategy<Value = Vec<Vec<u8>>> {
        let noise = prop_oneof![8 => vec(any::<u8>(), 0..80), 1 => vec(any::<u8>(), 9_000..70_000)];
        let entry =
            (noise, 0..200_usize).prop_map(|(noise, alike)| [b"{".to_vec(), b"alike".repeat(alike), noise].concat());
        vec(entry, 0..most)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn what_is_packed_is_read_as_it_was_entered_wherever_one_begins(
            raw in entries(20),
            batches in vec(entries(40), 0..4),
            at: Index,
            limit in 1_usize..50,
        ) {
            let memory = kept(&raw, &batches);
            let all: Vec<_> = (0..).zip([raw, batches.concat()].concat()).collect();
            let from = at.index(all.len() + 1);
            let page: Vec<_> = all.iter().skip(from).take(limit).cloned().collect();
            prop_assert_eq!(read::export(&memory, from as u64, limit).unwrap(), page);
            prop_assert_eq!(read::export(&memory, 0, usize::MAX).unwrap(), all.clone());
            let all_count = all.len() as u64;
            for (number, entry) in all {
                prop_assert_eq!(read::entry(&memory, number).unwrap(), Some(entry));
            }
            prop_assert_eq!(read::entry(&memory, all_count).unwrap(), None);
        }

        #[test]
        fn no_row_is_longer_than_the_store_takes_or_goes_over_a_row_of_hashes(batches in vec(entries(40), 0..4)) {
            let memory = kept(&[], &batches);
            for (last, row) in rows(&memory) {
                let (first, _) = unpack(last, &row).next().unwrap();
                prop_assert!(row.len() <= crate::store::VALUE_CAP);
                prop_assert_eq!(first / WIDTH as u64, last / WIDTH as u64);
            }
        }
    }

    #[test]
    fn entries_that_are_alike_take_a_fifth_of_their_length_and_one_row_for_sixteen() {
        let entries: Vec<_> = (0..48)
            .map(|n| {
                let entry = crate::ledger::Entry {
                    at: samples::at(n),
                    ..samples::allowed()
                };
                entry.encode().unwrap()
            })
            .collect();
        let long: usize = entries.iter().map(Vec::len).sum();
        let rows = rows(&kept(&[], &[entries]));
        assert_eq!(rows.iter().map(|(last, _)| *last).collect::<Vec<_>>(), [15, 31, 47]);
        let packed: usize = rows.iter().map(|(_, row)| row.len()).sum();
        assert!(packed * 5 < long, "{packed} of {long}");
    }

    #[test]
    fn one_entry_is_packed_if_that_makes_it_shorter() {
        let row = |entry: &[u8]| rows(&kept(&[], &[vec![entry.to_vec()]])).pop().unwrap().1;
        let (short, long) = (vec![b'{'; SHORT - 1], vec![b'{'; SHORT]);
        assert_eq!(row(&short), short);
        assert!(row(&long).len() < 40);
        let longest = vec![b'{'; LONGEST];
        assert!(row(&longest).len() < LONGEST / 200);
        let mut noise = Vec::new();
        for number in 0..100_u32 {
            noise.extend(
                number
                    .wrapping_mul(0x9e37_79b9)
                    .rotate_left(number)
                    .to_be_bytes()
                    .map(|byte| byte ^ 0x5a),
            );
        }
        assert_eq!(row(&noise), noise);
    }

    #[test]
    fn a_flipped_byte_in_a_packed_row_names_an_entry_of_that_row() {
        let mut good = samples::many(37);
        pack(&mut good);
        let key = samples::signer(1).verifier_key().clone();
        let all = read::export(&good, 0, 99).unwrap();
        assert_eq!((all.len(), rows(&good).len()), (37, 3));
        assert_eq!(verify_stored(&good, &key).unwrap().size, 37);
        let (mut found, mut flips) = (0, 0);
        for (last, row) in rows(&good) {
            let (first, _) = unpack(last, &row).next().unwrap();
            for place in 0..row.len() {
                flips += 1;
                let mut other = row.clone();
                other[place] ^= 1;
                let mut txn = Txn::new(&good);
                txn.put(entry_key(last), other);
                // Some flips of the packed form change nothing of what was packed.
                if read::export(&txn, 0, 99).is_ok_and(|read| read == all) {
                    continue;
                }
                let fault = verify_stored(&txn, &key).unwrap_err();
                let named = match fault {
                    verify::Fault::Changed { number } | verify::Fault::Missing { number } => number,
                    other => panic!("byte {place} of row {last}: {other}"),
                };
                assert!((first..=last).contains(&named), "byte {place} of row {last}: {named}");
                found += 1;
            }
        }
        assert!(found * 10 > flips * 9, "{found} of {flips}");
    }

    #[test]
    fn a_row_that_says_what_it_cannot_hold_stands_for_one_entry_and_takes_no_room() {
        let packed = |count: u8, lengths: &[u32]| {
            let lengths: Vec<_> = lengths.iter().flat_map(|length| length.to_be_bytes()).collect();
            [vec![PACKED, count], lengths, vec![0x10, b'{']].concat()
        };
        for row in [
            packed(0, &[]),
            packed(2, &[1]),
            packed(1, &[2]),
            packed(1, &[u32::MAX]),
            packed(2, &[u32::MAX, u32::MAX]),
            packed(17, &[0; 17]),
            vec![PACKED],
            vec![],
        ] {
            assert_eq!(unpack(31, &row).collect::<Vec<_>>(), [(31, row.clone())]);
        }
        assert_eq!(unpack(9, &packed(1, &[1])).collect::<Vec<_>>(), [(9, b"{".to_vec())]);
        let two = packed(2, &[1, 0]);
        assert_eq!(
            unpack(17, &two).collect::<Vec<_>>(),
            [(16, b"{".to_vec()), (17, vec![])]
        );
        assert_eq!(
            unpack(16, &two).collect::<Vec<_>>(),
            [(16, two.clone())],
            "the row of hashes begins there"
        );
    }

    /// A ledger whose entries are packed.
    fn packed_ledger(count: u16) -> Txn<'static> {
        let entry = |n: u16| crate::ledger::Entry {
            at: samples::at(n.into()),
            ..samples::pushed()
        };
        let mut good = samples::filled((0..count).map(|n| (entry(n), vec![])));
        pack(&mut good);
        good
    }

    #[test]
    fn a_row_that_is_put_in_dropped_or_exchanged_is_found_at_the_first_entry_that_is_not_read_as_it_was() {
        let good = packed_ledger(600);
        let fault = |change: &dyn Fn(&mut Txn<'_>)| {
            let mut txn = Txn::new(&good);
            change(&mut txn);
            verify_stored(&txn, samples::signer(1).verifier_key()).unwrap_err()
        };
        assert_eq!(
            verify_stored(&good, samples::signer(1).verifier_key()).unwrap().size,
            600
        );
        let row = |number| good.get(&entry_key(number)).unwrap().unwrap();
        for last in [15, 31, 591, 599] {
            let first = last - place(last) as u64;
            let dropped = fault(&|txn| txn.delete(entry_key(last)));
            assert!(
                matches!(dropped, verify::Fault::Missing { number } if number == first),
                "{dropped}"
            );
        }
        for (one, other) in [(15, 31), (31, 591), (591, 599)] {
            let exchanged = fault(&|txn| {
                txn.put(entry_key(one), row(other));
                txn.put(entry_key(other), row(one));
            });
            let first = one - place(one) as u64;
            let (verify::Fault::Changed { number } | verify::Fault::Missing { number }) = exchanged else {
                panic!("{one} and {other}: {exchanged}");
            };
            assert_eq!(number, first, "{one} and {other}");
        }
        // Who reads an entry finds the first row that it can be in.
        for (number, first) in [(5, 0), (20, 16), (300, 288)] {
            let forged = samples::refused().encode().unwrap();
            let put_in = fault(&|txn| txn.put(entry_key(number), forged.clone()));
            assert!(
                matches!(put_in, verify::Fault::Missing { number } if number == first),
                "{put_in}"
            );
            let mut txn = Txn::new(&good);
            txn.put(entry_key(number), forged.clone());
            assert_eq!(read::entry(&txn, number).unwrap(), Some(forged));
            assert_eq!(read::entry(&txn, first).unwrap(), None);
            assert!(matches!(read::export(&txn, 0, 999), Err(crate::ledger::Error::Torn(_))));
        }
    }
}
