//! A small file that holds a number and a time, rewritten in place and never synced.
//! It never gives back a torn pair: what does not hold together counts as absent.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::Path,
};

/// A number and a time (milliseconds since 1970, UTC) in a file.
///
/// After a power loss it may be older than what was written last, never newer.
#[derive(Debug)]
pub(super) struct Mark(File);

const LENGTH: usize = 20;

impl Mark {
    /// Opens the file, and makes it if there is none.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let options = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path);
        options.map(Self)
    }

    /// What the file holds, if anything.
    pub(super) fn read(&self) -> io::Result<Option<(u64, i64)>> {
        let mut bytes = [0; LENGTH];
        match self.0.read_exact_at(&mut bytes, 0) {
            Ok(()) => Ok(parse(&bytes)),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes both over what was there.
    pub(super) fn write(&self, number: u64, time: i64) -> io::Result<()> {
        let mut bytes = [number.to_le_bytes(), time.to_le_bytes()].concat();
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
        self.0.write_all_at(&bytes, 0)
    }
}

fn parse(bytes: &[u8; LENGTH]) -> Option<(u64, i64)> {
    let (content, sum) = bytes.split_at(16);
    let (number, time) = content.split_at(8);
    let holds = crc32fast::hash(content) == u32::from_le_bytes(sum.try_into().ok()?);
    let number = u64::from_le_bytes(number.try_into().ok()?);
    let time = i64::from_le_bytes(time.try_into().ok()?);
    holds.then_some((number, time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_pair_counts_as_absent() {
        let folder = tempfile::tempdir().unwrap();
        let mark = Mark::open(&folder.path().join("mark")).unwrap();
        assert_eq!(mark.read().unwrap(), None);
        mark.write(7, -3).unwrap();
        assert_eq!(mark.read().unwrap(), Some((7, -3)));
        mark.0.write_all_at(&[9], 3).unwrap();
        assert_eq!(mark.read().unwrap(), None);
    }
}
