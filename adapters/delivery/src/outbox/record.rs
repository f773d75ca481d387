//! One entry of the outbox, and how it lies in a segment: length, checksum, bytes.
//! It never hands out an entry whose checksum does not hold.
//!
//! A frame is the length of the entry (4 bytes, little endian), the CRC-32 of its number and its bytes (4 bytes, little
//! endian), and the bytes. The number is not written: it is the segment's first number and the frame's place in it.

use std::io::{self, Read};

use prost::Message;

use crate::content::Content;

/// The longest an entry may be, in bytes. The contract's own limits keep a draft far below it.
pub const LONGEST: usize = 1024 * 1024;

/// What a source handed over for the hub.
#[derive(Clone, PartialEq, Message)]
pub struct Entry {
    /// Where it came from, e.g. `arrears.csv row 3`. Never a value of the row.
    #[prost(string, tag = "1")]
    pub origin: String,
    /// When it was taken, in milliseconds since 1970 (UTC).
    #[prost(int64, tag = "2")]
    pub taken_at: i64,
    /// What the hub is to be told. Always there in an entry of this version.
    #[prost(oneof = "Content", tags = "3, 4, 5, 6, 7, 8, 9, 10")]
    pub content: Option<Content>,
}

/// What a reader met at its place in a segment.
pub(super) enum Met {
    /// A whole frame, and its length in the file.
    Frame { bytes: Vec<u8>, length: u64 },
    /// The end of the file, or a frame that is not whole.
    End,
}

/// Adds the frame of one entry to a buffer.
pub(super) fn write(number: u64, bytes: &[u8], to: &mut Vec<u8>) {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    to.extend_from_slice(&length.to_le_bytes());
    to.extend_from_slice(&checksum(number, bytes).to_le_bytes());
    to.extend_from_slice(bytes);
}

/// Reads the frame that should hold entry `number`.
///
/// # Errors
///
/// If the file cannot be read. A frame that is cut off or does not hold is [`Met::End`].
pub(super) fn read(number: u64, from: &mut impl Read) -> io::Result<Met> {
    let (mut length, mut sum) = ([0; 4], [0; 4]);
    if !fill(from, &mut length)? || !fill(from, &mut sum)? {
        return Ok(Met::End);
    }
    let size = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
    if size > LONGEST {
        return Ok(Met::End);
    }
    let mut bytes = vec![0; size];
    if !fill(from, &mut bytes)? || checksum(number, &bytes) != u32::from_le_bytes(sum) {
        return Ok(Met::End);
    }
    let length = 8 + u64::from(u32::from_le_bytes(length));
    Ok(Met::Frame { bytes, length })
}

/// Fills the buffer, or says that there was not enough.
fn fill(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match from.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

fn checksum(number: u64, bytes: &[u8]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(&number.to_le_bytes());
    sum.update(bytes);
    sum.finalize()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn whole(number: u64, mut frame: &[u8]) -> Option<Vec<u8>> {
        match read(number, &mut frame).unwrap() {
            Met::Frame { bytes, .. } => Some(bytes),
            Met::End => None,
        }
    }

    proptest! {
        #[test]
        fn a_frame_that_was_changed_or_cut_off_is_no_frame(
            bytes in proptest::collection::vec(any::<u8>(), 0..64),
            at in any::<prop::sample::Index>(),
            bit in 0..8u8,
        ) {
            let mut frame = Vec::new();
            write(7, &bytes, &mut frame);
            prop_assert_eq!(whole(7, &frame), Some(bytes));
            prop_assert_eq!(whole(8, &frame), None);
            let place = at.index(frame.len());
            prop_assert_eq!(whole(7, &frame[..place]), None);
            frame[place] ^= 1 << bit;
            prop_assert_eq!(whole(7, &frame), None);
        }
    }
}
