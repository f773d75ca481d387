//! The form of one commit in the journal: length, checksum, number of the commit, rows.
//! Never takes for a commit what was cut short, what was spoilt, or what another file held in the same place.
//!
//! All numbers are big-endian. The length (u32) and the checksum (CRC-32, u32) are those of what follows; the checksum
//! begins with the number of the file's first commit, so that nothing of what lay in the file under an earlier name can
//! pass. The number is a u64. A row is the length of its key (u16), the length of its value (u32, all ones if it was
//! deleted), the key and the value.

use std::ops::RangeInclusive;

use crate::store::Batch;

/// What stands for the length of a value where there is none.
const DELETED: u32 = u32::MAX;

/// Bytes of length and checksum.
const HEAD: usize = 8;

/// Writes the record of a commit behind what is in `record`. Its file is that of commits from `first` on.
pub(super) fn encode(record: &mut Vec<u8>, first: u64, number: u64, rows: &Batch) {
    let start = record.len();
    record.extend([0; HEAD]);
    record.extend(number.to_be_bytes());
    for (key, value) in rows {
        // No key and no value is as long as these could say, by the caps of a batch.
        let length = value.as_ref().map_or(DELETED, |value| value.len() as u32);
        record.extend((key.len() as u16).to_be_bytes());
        record.extend(length.to_be_bytes());
        record.extend_from_slice(key);
        record.extend_from_slice(value.as_deref().unwrap_or_default());
    }
    let record = record.get_mut(start..).unwrap_or_default();
    if let Some((head, body)) = record.split_first_chunk_mut::<HEAD>() {
        let (length, sum) = ((body.len() as u32).to_be_bytes(), checksum(first, body).to_be_bytes());
        for (to, from) in head.iter_mut().zip(length.into_iter().chain(sum)) {
            *to = from;
        }
    }
}

/// The rows of the record that bytes begin with, and what is behind it; `None` if they begin with no whole record of that
/// file with one of these numbers.
pub(super) fn decode(bytes: &[u8], first: u64, numbers: RangeInclusive<u64>) -> Option<(Batch, &[u8])> {
    let (length, bytes) = bytes.split_first_chunk()?;
    let (sum, bytes) = bytes.split_first_chunk()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (body, behind) = bytes.split_at_checked(length)?;
    let (number, mut rest) = body.split_first_chunk()?;
    if !numbers.contains(&u64::from_be_bytes(*number)) || u32::from_be_bytes(*sum) != checksum(first, body) {
        return None;
    }
    let mut rows = Batch::new();
    while !rest.is_empty() {
        rest = take_row(rest, &mut rows)?;
    }
    Some((rows, behind))
}

/// Whether a whole record of a file with a number from `from` on begins anywhere in these bytes. Numbers that are so much
/// greater that not so many records could lie before it are no record's.
pub(super) fn is_in(bytes: &[u8], first: u64, from: u64) -> bool {
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let numbers = from..=from.saturating_add(bytes.len() as u64);
    (0..end).any(|at| {
        bytes
            .get(at..)
            .is_some_and(|bytes| decode(bytes, first, numbers.clone()).is_some())
    })
}

/// Takes the row that bytes begin with, and gives what is behind it.
fn take_row<'b>(bytes: &'b [u8], rows: &mut Batch) -> Option<&'b [u8]> {
    let (key, bytes) = bytes.split_first_chunk()?;
    let (value, bytes) = bytes.split_first_chunk()?;
    let (key, bytes) = bytes.split_at_checked(usize::from(u16::from_be_bytes(*key)))?;
    let (value, behind) = match u32::from_be_bytes(*value) {
        DELETED => (None, bytes),
        length => {
            let (value, behind) = bytes.split_at_checked(usize::try_from(length).ok()?)?;
            (Some(value.to_vec()), behind)
        }
    };
    rows.insert(key.into(), value);
    Some(behind)
}

fn checksum(first: u64, body: &[u8]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(&first.to_be_bytes());
    sum.update(body);
    sum.finalize()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn batches() -> impl Strategy<Value = Batch> {
        let key = prop::collection::vec(any::<u8>(), 0..20).prop_map_into();
        let value = prop::option::of(prop::collection::vec(any::<u8>(), 0..60));
        prop::collection::btree_map(key, value, 0..6)
    }

    fn encoded(first: u64, number: u64, rows: &Batch) -> Vec<u8> {
        let mut record = b"in front".to_vec();
        encode(&mut record, first, number, rows);
        record.split_off(b"in front".len())
    }

    proptest! {
        #[test]
        fn a_record_tells_what_was_written_and_where_it_ends(rows in batches(), number in 1_u64.., behind: Vec<u8>) {
            let mut bytes = encoded(1, number, &rows);
            bytes.extend(&behind);
            prop_assert_eq!(decode(&bytes, 1, number..=number), Some((rows, behind.as_slice())));
        }

        #[test]
        fn a_record_is_one_of_its_number_in_its_file_alone(rows in batches(), number in 2_u64..9, first in 1_u64..9) {
            let bytes = encoded(first, number, &rows);
            prop_assert_eq!(decode(&bytes, first, 1..=number - 1), None);
            prop_assert_eq!(decode(&bytes, first, number + 1..=u64::MAX), None);
            prop_assert_eq!(decode(&bytes, first + 1, number..=number), None);
        }

        #[test]
        fn a_record_that_was_cut_short_or_spoilt_is_none(rows in batches(), at: prop::sample::Index, flip in 1_u8..) {
            let mut bytes = encoded(7, 9, &rows);
            let at = at.index(bytes.len());
            prop_assert_eq!(decode(&bytes[..at], 7, 0..=u64::MAX), None);
            bytes[at] ^= flip;
            prop_assert_eq!(decode(&bytes, 7, 0..=u64::MAX), None);
        }

        #[test]
        fn a_record_is_found_behind_whatever_lies_before_it(rows in batches(), before: Vec<u8>) {
            let mut bytes = before;
            bytes.extend(encoded(1, 5, &rows));
            bytes.extend([0; 100]);
            prop_assert!(is_in(&bytes, 1, 5));
            prop_assert!(!is_in(&bytes, 1, 6));
            prop_assert!(!is_in(&bytes, 2, 5));
        }
    }
}
